"""The field of a form in which people type: what comes out of it is in the one normal form (design §11.4)."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from yiwu_vote.tables.upload import shown
from yiwu_vote.texts import typed_within

# The most characters of a text whose column has no limit of its own.
LONGEST = 5_000


class Typed(forms.CharField):
    """Text in the one normal form: nothing unseen in it, composed, its blanks single.

    With `lines` it may have several. A text far longer than `max_length` is refused without being
    looked at. Where something else than the field judges the length, `limit` says how much is
    looked at, and a longer text comes out as it was typed. A page that shows the form again shows
    no sign that cannot be seen, and else what was typed, with its blanks.
    """

    default_error_messages = {
        "max_length": _("最多%(limit_value)d个字，现有%(show_value)d个字，请缩短。"),
    }

    def __init__(self, *, limit: int | None = None, lines: bool = False, **kwargs: Any) -> None:
        if limit is None:
            kwargs["max_length"] = kwargs.get("max_length") or LONGEST
        super().__init__(**kwargs)
        self.limit: int = limit or kwargs["max_length"]
        self.lines = lines

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return text
        # Nobody sees a NUL: it goes from a text that is not looked at, too, which else would be
        # refused for it in words about empty strings.
        text = text.replace("\0", "")
        return typed_within(text, self.limit, lines=self.lines) or self.empty_value

    def bound_data(self, data: Any, initial: Any) -> Any:
        shown = super().bound_data(data, initial)
        if not isinstance(shown, str):
            return shown
        kept = self.to_python(shown)
        return shown if kept.split() == shown.split() else kept


class Figure(forms.DecimalField):
    """A figure, shown without idle zeros: 3000 and not 3000.000, as the column would have it."""

    def prepare_value(self, value: Any) -> Any:
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


# For the pages of the admin: `formfield_overrides` of whoever has columns of text and figures.
TYPED_COLUMNS: Any = {
    models.CharField: {"form_class": Typed},
    models.TextField: {"form_class": Typed, "lines": True},
    models.DecimalField: {"form_class": Figure},
}


def not_meant(column: str, text: str) -> forms.ValidationError:
    """Return what a form says of a `text` that no table may have in that column."""
    return forms.ValidationError(
        _("“%(value)s”不能用作%(column)s，请核对后填写。"),
        params={"value": shown(text), "column": column},
        code="not-meant",
    )
