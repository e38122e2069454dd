"""The forms of the candidates' import: a file for a poll, then what its preview showed."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from projects.candidate_table import Candidate
from projects.models import Poll
from yiwu_vote.tables.preview import PreviewedField, TableForm

ROWS = "projects.import.rows"


class DraftField(forms.ModelChoiceField):
    """A choice among drafts, each with its number: those of one meeting have no other difference."""

    def label_from_instance(self, obj: Any) -> str:
        return gettext("%(poll)s 编号%(number)d") % {"poll": obj, "number": obj.pk}


class UploadForm(TableForm):
    """A table, and the draft it is for: the newest one unless another is chosen."""

    poll = DraftField(
        Poll.objects.with_own_list(),
        label=_("导入到"),
        empty_label=None,
        error_messages={
            "invalid_choice": _(
                "没有导入：投票已经开始，候选项目不能再修改。再次票决、补充票决的候选项目"
                "就是原票决留下的项目。请另选票决。"
            )
        },
        help_text=_("只列出尚未开始投票的票决，不含再次票决、补充票决。"),
    )
    field_order = ("poll", "file", "pasted")

    def __init__(self, data: Any = None, files: Any = None, *, initial: Any = None) -> None:
        newest = {"poll": Poll.objects.with_own_list().first()}
        super().__init__(data, files, initial=newest | (initial or {}))


class ConfirmImportForm(forms.Form):
    """The candidates that were previewed, and the poll that they are for."""

    poll = forms.ModelChoiceField(Poll.objects.standing(), widget=forms.HiddenInput)
    rows = PreviewedField(Candidate, salt=ROWS)
