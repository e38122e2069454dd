"""The forms of a year: the figures of a quarter, a table of them, and who sees the year."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from projects.year.cells import (
    FIGURE_LIMIT,
    NOTE,
    OF_TARGET,
    Cell,
    Cells,
    cells_of,
    figure_of,
)
from projects.year.models import NOTE_LIMIT, QUARTERS, Year
from projects.year.progress import Progress, ProjectQuarter
from projects.year.table import Row
from yiwu_vote.fields import Typed
from yiwu_vote.moments import to_the_minute
from yiwu_vote.tables.preview import PreviewedField, TableForm

ROWS = "projects.year.rows"
QUARTER_CHOICES = [
    (str(quarter), _("第%(quarter)d季度") % {"quarter": quarter}) for quarter in QUARTERS
]


class SwitchesForm(forms.ModelForm):
    """Who sees how the projects stand, and whether delegates write opinions of their own."""

    class Meta:
        model = Year
        fields = ("is_public", "takes_opinions")


class QuarterForm(forms.Form):
    """Every figure of a quarter, with what there is.

    `shown` carries what the page showed. What comes back as it was shown is no change, so that two
    who report at once lose nothing; a cell that both have changed is told beside the field, and the
    page then shows what stands there now.
    """

    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, progress: Progress, quarter: int, data: Any = None) -> None:
        super().__init__(data)
        self.progress, self.quarter = progress, quarter
        self.now = cells_of(progress, quarter)
        self.initial["shown"] = _as_text(self.now)
        for cell, text in self.now.items():
            self.initial[cell.name] = text
            self.fields[cell.name] = _field(cell)

    @property
    def projects(self) -> list[dict[str, Any]]:
        """The rows of the page: each project with its fields, and its targets with theirs."""
        return [
            {
                "project": one.project,
                "spent": self[Cell(one.project.pk, "spent").name],
                "note": self[Cell(one.project.pk, NOTE).name],
                "targets": self._targets(one),
            }
            for one in self.progress.at(self.quarter)
        ]

    def _targets(self, one: ProjectQuarter) -> list[dict[str, Any]]:
        return [
            {
                "target": target.target,
                "fields": [self[Cell(target.target.pk, column).name] for column in OF_TARGET],
            }
            for target in one.targets
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.was = _from_text(cleaned.get("shown", ""), self.now)
        self.typed: dict[Cell, str] = {}
        for cell in self.now:
            text = cleaned.get(cell.name, "")
            if cell.column != NOTE:
                text, fault = figure_of(text, cell.column)
                if fault:
                    self.add_error(
                        cell.name,
                        gettext("“%(value)s”%(fault)s")
                        % {
                            "value": cleaned.get(cell.name, ""),
                            "fault": fault,
                        },
                    )
            if (
                not text
                and self.was.get(cell)
                and cell.column != NOTE
                and cell.name not in self.errors
            ):
                self.add_error(cell.name, gettext("已经填报的不能清空，只能更正；确实没有的填0。"))
            self.typed[cell] = text
        return cleaned

    def tell_changed(self, progress: Progress) -> None:
        """Show what stands there now, and say beside each field what another has changed meanwhile."""
        now = cells_of(progress, self.quarter)
        who = _who(progress, self.quarter)
        # A QueryDict is a copy that may be changed.
        posted: Any = self.data
        data = posted.copy()
        for cell, text in now.items():
            if cell not in self.typed or text == self.was.get(cell, ""):
                continue
            if self.typed[cell] == self.was.get(cell, ""):
                data[cell.name] = text
            elif self.typed[cell] != text:
                words = gettext(
                    "%(who)s刚才已改为“%(theirs)s”，您填的是“%(mine)s”。再次保存时以您填写的为准。"
                )
                said = {"who": who(cell), "theirs": text, "mine": self.typed[cell]}
                self.add_error(cell.name, words % said)
        data["shown"] = _as_text(now)
        self.data = data


def _field(cell: Cell) -> forms.Field:
    if cell.column == NOTE:
        return Typed(
            label=_("进展说明"),
            required=False,
            max_length=NOTE_LIMIT,
            widget=forms.Textarea(attrs={"rows": 2}),
        )
    labels = {"planned": _("计划"), "done": _("完成"), "spent": _("已用资金（万元）")}
    return forms.CharField(
        label=labels[cell.column],
        required=False,
        max_length=FIGURE_LIMIT,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "size": 10, "autocomplete": "off"}),
    )


def _who(progress: Progress, quarter: int) -> Any:
    """Return the function that says who has reported a cell last, and when."""
    rows = {
        **{(True, t.target.pk): t.row for one in progress.at(quarter) for t in one.targets},
        **{(False, one.project.pk): one.row for one in progress.at(quarter)},
    }

    def who(cell: Cell) -> str:
        row = rows.get((cell.column in OF_TARGET, cell.key))
        if row is None:
            return gettext("有人")
        said = {"name": roles.named(row.by), "at": to_the_minute(row.at)}
        return gettext("%(name)s（%(at)s）") % said

    return who


def _as_text(cells: Cells) -> str:
    return json.dumps({cell.name: text for cell, text in cells.items()}, ensure_ascii=False)


def _from_text(text: str, cells: Cells) -> dict[Cell, str]:
    """Return what a page carried of `cells`; nothing of what no page has carried."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {cell: said[cell.name] for cell in cells if isinstance(said.get(cell.name), str)}


# --- tables ---------------------------------------------------------------------------------------


class OpenYears(forms.ModelChoiceField):
    """A choice among the years that are not closed, the newest one first."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Year.objects.filter(closed_at=None), **kwargs)


class UploadForm(TableForm):
    """A table, and the year and the quarter that it reports on."""

    year = OpenYears(label=_("年度"), empty_label=None)
    quarter = forms.TypedChoiceField(label=_("季度"), choices=QUARTER_CHOICES, coerce=int)
    field_order = ("year", "quarter", "file", "pasted")


class ConfirmForm(forms.Form):
    """The rows that were previewed, and what they report on."""

    year = OpenYears(widget=forms.HiddenInput)
    quarter = forms.TypedChoiceField(choices=QUARTER_CHOICES, coerce=int, widget=forms.HiddenInput)
    rows = PreviewedField(Row, salt=ROWS)
