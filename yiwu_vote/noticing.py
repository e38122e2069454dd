"""Forms that notice that somebody else has saved the same row while this page was open.

A form carries what it showed, as a short hash of each value. What is not so any more when it comes
back refuses the save once, and is told beside what was typed; the page shown then carries the rows
as they are now, so that whoever saves again does it knowingly.
"""

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from yiwu_vote.admin_pages import asks_a_filter
from yiwu_vote.moments import to_the_minute
from yiwu_vote.texts import full_name

# The hidden field, which a page must show for its form to notice anything.
SHOWN = "shown"
# A value is told in a sentence, not as a page of its own.
TOLD = 60


class _Shown(forms.CharField):
    """What the page showed: nothing of the row, so that no act and no log takes it for a change."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class NoticingForm(forms.ModelForm):
    """A form of a row that refuses to overwrite unseen what others have saved meanwhile.

    A form that is sent without having been shown says nothing of what was seen, and is taken as it
    is: this spares people a loss, and what may be saved at all is for others to say.
    """

    shown = _Shown(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            del self.fields[SHOWN]
        else:
            self.initial[SHOWN] = _as_text(self.values_of(self.instance))

    def values_of(self, row: Any) -> dict[str, str]:
        """Return what the page shows of `row`, as people read it, by the names of its fields.

        A page that shows more than the fields of its form adds to it, under what that is called.
        """
        return {name: _said(row, name) for name in self.fields if name in _columns(row)}

    def row_now(self) -> Model | None:
        """Return the row as it is now, under its lock; None if it is gone."""
        rows = type(self.instance)._default_manager.select_for_update(no_key=True, of=("self",))
        return rows.filter(pk=self.instance.pk).first()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        seen = _from_text(cleaned.get(SHOWN, ""))
        if seen is None:
            return cleaned
        row = self.row_now()
        if row is not None:
            self._compare(seen, row)
        return cleaned

    def _compare(self, seen: dict[str, Any], row: Model) -> None:
        now = self.values_of(row)
        others = [
            name for name in now if name in seen["was"] and _hash(now[name]) != seen["was"][name]
        ]
        # Sent twice, or both typed the same: nothing would be lost.
        lost = [
            name for name in others if name not in self.fields or self._typed(name) != now[name]
        ]
        if not lost:
            return
        for name in lost:
            said = {"theirs": _short(now[name]), "name": name}
            if name in self.fields:
                said["mine"] = _short(self._typed(name))
                words = gettext("刚才已改为“%(theirs)s”，您填的是“%(mine)s”。") % said
                self.add_error(name, words)
            else:
                words = gettext("%(name)s刚才已改为“%(theirs)s”，您填的仍在下面。") % said
                self.add_error(None, words)
        self.add_error(
            None,
            gettext(
                "没有保存：您打开本页之后，%(who)s保存过。请核对下面各处，再次保存时以您填写的为准。"
            )
            % {"who": _who_saved(row, since=seen["at"])},
        )
        # A QueryDict is a copy that may be changed; what the page carries next is what it tells now.
        data: Any = self.data
        self.data = data.copy()
        data = self.data
        data[self.add_prefix(SHOWN)] = _as_text(now)

    def _typed(self, name: str) -> str:
        """Return what was typed into a field as the row would say it, or as it was typed."""
        if name not in self.cleaned_data:
            return str(self.data.get(self.add_prefix(name), ""))
        value = self.cleaned_data[name]
        if isinstance(value, Model):
            return str(value)
        return _said(type(self.instance)(**{name: value}), name)


class NoticingAdmin(admin.ModelAdmin):
    """A page of Django's admin whose form is a `NoticingForm`: it has to show the hidden field."""

    form = NoticingForm

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return asks_a_filter(self, lookup)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = list(super().get_fieldsets(request, obj))
        name, options = fieldsets[0]
        # Where a page names no fields of its own, Django takes those of the form, this one too.
        fields = [field for field in options["fields"] if field != SHOWN]
        if obj is not None and self.has_change_permission(request, obj):
            fields.append(SHOWN)
        return [(name, options | {"fields": fields}), *fieldsets[1:]]


# --- what a row says ------------------------------------------------------------------------------


def _columns(row: Model) -> set[str]:
    return {field.name for field in row._meta.concrete_fields}


def _said(row: Model, name: str) -> str:
    """Return the value of a column as people read it."""
    label = getattr(row, f"get_{name}_display", None)
    value = label() if label else getattr(row, name)
    if isinstance(value, bool):
        return gettext("是") if value else gettext("否")
    if isinstance(value, datetime):
        return to_the_minute(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "" if value is None else str(value)


def _short(text: str) -> str:
    return text if len(text) <= TOLD else f"{text[:TOLD]}……"


def _who_saved(row: Model, *, since: datetime) -> str:
    """Return who has saved `row` in the admin since then, and when; else that somebody has."""
    kind = ContentType.objects.get_for_model(row)
    entry = (
        LogEntry.objects.filter(content_type=kind, object_id=str(row.pk), action_time__gte=since)
        .select_related("user")
        .order_by("-action_time")
        .first()
    )
    if entry is None or not isinstance(entry.user, User):
        return gettext("有人")
    person = full_name(entry.user.last_name, entry.user.first_name)
    name = person or entry.user.get_username()
    at = timezone.localtime(entry.action_time).strftime("%H:%M")
    return gettext("刚才由%(name)s（%(at)s）") % {"name": name, "at": at}


# --- what a page carries --------------------------------------------------------------------------


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _as_text(values: dict[str, str]) -> str:
    was = {name: _hash(value) for name, value in values.items()}
    return json.dumps({"at": timezone.now().isoformat(), "was": was}, separators=(",", ":"))


def _from_text(text: str) -> dict[str, Any] | None:
    """Return what a page carried; None for what no page has carried."""
    try:
        said = json.loads(text)
        at = parse_datetime(said["at"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if at is None or timezone.is_naive(at) or not isinstance(said.get("was"), dict):
        return None
    return {"at": at, "was": said["was"]}
