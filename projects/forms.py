"""The forms of the candidates' import: a file for a poll, then what its preview showed."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from projects.candidate_table import Candidate
from projects.models import Poll
from yiwu_vote.tables.preview import unsigned
from yiwu_vote.tables.upload import Problem

ROWS = "projects.import.rows"
PROBLEMS = "projects.import.problems"


class UploadForm(forms.Form):
    """A table, and the draft it is for: the newest one unless another is chosen."""

    poll = forms.ModelChoiceField(
        Poll.objects.filter(phase=Poll.Phase.DRAFT),
        label=_("导入到"),
        empty_label=None,
        error_messages={
            "invalid_choice": _("没有导入：投票已经开始，候选项目不能再修改。请另选票决。")
        },
        help_text=_("只列出尚未开始投票的票决。"),
    )
    file = forms.FileField(label=_("候选项目表格"), allow_empty_file=True)

    def __init__(self, data: Any = None, files: Any = None, *, initial: Any = None) -> None:
        newest = {"poll": Poll.objects.filter(phase=Poll.Phase.DRAFT).first()}
        super().__init__(data, files, initial=newest | (initial or {}))


class ConfirmImportForm(forms.Form):
    """The rows that were previewed, signed and handed back by the page itself.

    `seen` is that of the plan: the act refuses it if the candidates have changed since.
    """

    poll = forms.ModelChoiceField(Poll.objects.all(), widget=forms.HiddenInput)
    seen = forms.CharField(widget=forms.HiddenInput)
    rows = forms.CharField(widget=forms.HiddenInput)

    def clean_rows(self) -> list[Candidate]:
        rows = unsigned(self.cleaned_data["rows"], ROWS)
        return [
            Candidate(*[*row, None if targets is None else tuple(targets)])
            for *row, targets in rows
        ]


class ErrorListForm(forms.Form):
    """The problems of a preview, signed, to be downloaded as a file."""

    problems = forms.CharField(widget=forms.HiddenInput)

    def clean_problems(self) -> list[Problem]:
        return [Problem(*problem) for problem in unsigned(self.cleaned_data["problems"], PROBLEMS)]
