"""The lines of a candidate's targets on its page, laid over those that there are by now."""

from typing import Any

from django import forms
from django.db.models import F
from django.forms.models import BaseInlineFormSet

from projects.models import Target

# Past every position that a person would type, and far below the column's limit.
PARKED = 10_000
# What a line of the page sends.
NAMES = ("id", "position", "text", "quantity", "unit", "DELETE")

Line = dict[str, str]


class TargetForm(forms.ModelForm):
    """One target; a line that says nothing but the position that it was offered is none."""

    def has_changed(self) -> bool:
        if self.instance.pk is None and set(self.changed_data) <= {"position"}:
            return False
        return super().has_changed()


class TargetFormSet(BaseInlineFormSet):
    """The targets of one candidate: a line without a position goes to the end.

    A page shows the rows as they were then. What comes back is laid over those of now, so that
    somebody else's import, deletion or addition costs nobody a line that was typed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = max((target.position for target in self.get_queryset()), default=0) + 1
        self.initial_extra = [{"position": first + position} for position in range(self.extra)]
        if self.is_bound and self.instance.pk is not None and self.management_form.is_valid():
            self.data = self._over_the_rows_of_now()
            # It has counted the lines of the page as it was.
            del self.management_form

    def _over_the_rows_of_now(self) -> dict[str, str]:
        """Return what a page that shows the rows of now would send with the same typed in."""
        lines = {str(target.pk): _line(target) for target in self.get_queryset()}
        sent = [self._sent(place) for place in range(self.total_form_count())]
        unseen = lines.keys() - {line["id"] for line in sent}
        fresh: list[Line] = []
        for line in sent:
            if line["id"] in lines:
                lines[line["id"]] = line
            # Sent twice, or typed by both: it is the row that is there.
            elif same := [
                pk for pk in unseen if any(_says(line)) and _says(line) == _says(lines[pk])
            ]:
                unseen -= {same[0]}
            # Whoever deletes what somebody else has deleted has nothing to do any more.
            elif not (line.pop("id") and line["DELETE"]):
                fresh.append(line)
        _place(fresh, lines, {lines[pk]["position"] for pk in unseen})
        every = [*lines.values(), *fresh]
        prefix = self.management_form.prefix
        return {
            **{
                f"{self.add_prefix(place)}-{name}": value
                for place, line in enumerate(every)
                for name, value in line.items()
            },
            f"{prefix}-TOTAL_FORMS": str(len(every)),
            f"{prefix}-INITIAL_FORMS": str(len(lines)),
        }

    def _sent(self, place: int) -> Line:
        prefix = self.add_prefix(place)
        return {name: self.data.get(f"{prefix}-{name}", "") for name in NAMES}

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "position" in form.fields:
            form.fields["position"].required = False

    def clean(self) -> None:
        kept = [
            form
            for form in self.forms
            if (form.has_changed() or form.instance.pk)
            and form not in self.deleted_forms
            and hasattr(form, "cleaned_data")
        ]
        taken = [form.cleaned_data.get("position") or 0 for form in kept]
        for form in kept:
            if form.cleaned_data.get("position") is None and "position" not in form.errors:
                taken.append(max(taken, default=0) + 1)
                form.cleaned_data["position"] = form.instance.position = taken[-1]
        super().clean()

    def save(self, commit: bool = True) -> list[Any]:
        """Save all lines; two that change places meet nobody on their way.

        The rows are written one after another, and the database would refuse the first of two that
        swap their positions. So all that move or go are parked out of the way first.
        """
        moving = [
            form.instance.pk
            for form in self.initial_forms
            if "position" in form.changed_data or form in self.deleted_forms
        ]
        if commit:
            Target.objects.filter(pk__in=moving).update(position=F("position") + PARKED)
        return super().save(commit)


def _line(target: Target) -> Line:
    """Return what the page sends of a row that nobody has touched."""
    values = (target.pk, target.position, target.text, target.quantity, target.unit, None)
    said = ("" if value is None else str(value) for value in values)
    return dict(zip(NAMES, said, strict=True))


def _says(line: Line) -> tuple[str, str, str]:
    quantity = line["quantity"].strip()
    if "." in quantity:
        quantity = quantity.rstrip("0").rstrip(".")
    return line["text"].strip(), quantity, line["unit"].strip()


def _place(fresh: list[Line], lines: dict[str, Line], unseen: set[str]) -> None:
    """Put new lines behind the others where one was offered the place of a row it did not see."""
    last = max((_position(line) for line in lines.values()), default=0)
    said = [line for line in fresh if any(_says(line))]
    if any(line["position"] in unseen for line in said):
        for place, line in enumerate(said, start=last + 1):
            line["position"] = str(place)
    last = max([last, *map(_position, said)])
    blank = [line for line in fresh if not any(_says(line))]
    for place, line in enumerate(blank, start=last + 1):
        line["position"] = str(place)


def _position(line: Line) -> int:
    text = line["position"].strip()
    return int(text) if text.isdecimal() and len(text) < len(str(PARKED)) else 0
