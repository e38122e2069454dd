"""The targets and sub-items of a candidate on its page, laid over those that there are by now."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import F
from django.forms.models import BaseInlineFormSet

from projects.models import SubItem, Target

# Past every position that a person would type, and far below the column's limit.
PARKED = 10_000

Line = dict[str, str]


class LineForm(forms.ModelForm):
    """One line; one that says nothing but the position that it was offered is none."""

    def has_changed(self) -> bool:
        if self.instance.pk is None and set(self.changed_data) <= {"position"}:
            return False
        return super().has_changed()


class LineFormSet(BaseInlineFormSet):
    """The targets or the sub-items of one candidate: a line without a position goes to the end.

    A page shows the rows as they were then. What comes back is laid over those of now, so that
    somebody else's import, deletion or addition costs nobody a line that was typed.
    """

    model: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = max((line.position for line in self.get_queryset()), default=0) + 1
        self.initial_extra = [{"position": first + position} for position in range(self.extra)]
        if self.is_bound and self.instance.pk is not None and self.management_form.is_valid():
            self.data = self._over_the_rows_of_now()
            # It has counted the lines of the page as it was.
            del self.management_form

    def _over_the_rows_of_now(self) -> dict[str, str]:
        """Return what a page that shows the rows of now would send with the same typed in."""
        lines = {str(row.pk): self._line(row) for row in self.get_queryset()}
        sent = [self._sent(place) for place in range(self.total_form_count())]
        unseen = lines.keys() - {line["id"] for line in sent}
        fresh: list[Line] = []
        for line in sent:
            if line["id"] in lines:
                lines[line["id"]] = line
            # Sent twice, or typed by both: it is the row that is there.
            elif same := [
                pk
                for pk in unseen
                if self._says(line) and self._says(line) == self._says(lines[pk])
            ]:
                unseen -= {same[0]}
            # Whoever deletes what somebody else has deleted has nothing to do any more.
            elif not (line.pop("id") and line["DELETE"]):
                fresh.append(line)
        self._place(fresh, lines, {lines[pk]["position"] for pk in unseen})
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
        return {name: self.data.get(f"{prefix}-{name}", "") for name in self.names}

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
            self.model._default_manager.filter(pk__in=moving).update(
                position=F("position") + PARKED
            )
        return super().save(commit)

    @property
    def names(self) -> tuple[str, ...]:
        """What a line of the page sends."""
        return ("id", *self.model.SAID, "DELETE")

    def _line(self, row: Target | SubItem) -> Line:
        """Return what the page sends of a row that nobody has touched."""
        values = (row.pk, *(getattr(row, column) for column in row.SAID), None)
        said = ("" if value is None else _as_typed(value) for value in values)
        return dict(zip(self.names, said, strict=True))

    def _says(self, line: Line) -> Sequence[str]:
        """Return what a line says beside its position; nothing where it is empty."""
        said = [_plain(line[column].strip()) for column in self.model.SAID if column != "position"]
        return said if any(said) else ()

    def _place(self, fresh: list[Line], lines: dict[str, Line], unseen: set[str]) -> None:
        """Put new lines behind the others where one was offered the place of a row it did not see."""
        last = max((_position(line) for line in lines.values()), default=0)
        said = [line for line in fresh if self._says(line)]
        if any(line["position"] in unseen for line in said):
            for place, line in enumerate(said, start=last + 1):
                line["position"] = str(place)
        last = max([last, *map(_position, said)])
        blank = [line for line in fresh if not self._says(line)]
        for place, line in enumerate(blank, start=last + 1):
            line["position"] = str(place)


def _as_typed(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _plain(text: str) -> str:
    """Return a figure without idle zeros, and any other text as it is."""
    is_figure = text.replace(".", "", 1).isdecimal() and "." in text
    return text.rstrip("0").rstrip(".") if is_figure else text


def _position(line: Line) -> int:
    text = line["position"].strip()
    return int(text) if text.isdecimal() and len(text) < len(str(PARKED)) else 0
