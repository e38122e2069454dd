"""The pages around an uploaded table: the file, its preview, and the page that confirms it.

What a preview shows is signed and handed back by the page that confirms it. So nothing is kept on
the server in between, and what is written is what was shown. It is the rows and not the file that
travel: a file of 2 MB as text would not pass the limit on form data.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from yiwu_vote.tables import grid, sheets
from yiwu_vote.tables.downloads import attachment
from yiwu_vote.tables.problems import grouped
from yiwu_vote.tables.upload import Parsed, Problem

Row = TypeVar("Row")

# A preview that nobody confirms within this time is made again (seconds).
AGE_LIMIT = 60 * 60


@dataclass(frozen=True)
class Previewed(Generic[Row]):
    """The rows that a preview showed, and the fingerprint of what they were compared with.

    `digest` is the SHA-256 of the file, where the act that follows puts it on record.
    """

    rows: list[Row]
    seen: str
    digest: str = ""


def signed(rows: Iterable[Any], salt: str, *, seen: str = "", digest: str = "") -> str:
    """Return `rows`, dataclasses, and what was `seen` as text that only this site can have written."""
    told = {"rows": [asdict(row) for row in rows], "seen": seen, "digest": digest}
    return signing.dumps(told, salt=salt, compress=True)


def unsigned(text: str, salt: str, row_type: type[Row]) -> Previewed[Row]:
    """Return what `signed` was given, or raise ValidationError if it is not so or too old."""
    try:
        told = signing.loads(text, salt=salt, max_age=AGE_LIMIT)
        rows = [row_type(**_columns(row)) for row in told["rows"]]
        return Previewed(rows, told["seen"], told["digest"])
    except (signing.BadSignature, KeyError, TypeError):
        # A TypeError or KeyError: an earlier version of the site showed it, whose rows had other columns.
        raise forms.ValidationError(_("预览已过期，请重新上传。"), code="expired") from None


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    # JSON knows no tuples, and a frozen row holds no lists.
    return {name: tuple(cell) if isinstance(cell, list) else cell for name, cell in row.items()}


def digest_of(table: bytes | str) -> str:
    """Return the SHA-256 (64 hex digits) of a file, or of the text that was pasted in its place."""
    return hashlib.sha256(table if isinstance(table, bytes) else table.encode()).hexdigest()


# --- what is sent ---------------------------------------------------------------------------------


class TableField(forms.FileField):
    """A table to upload, as bytes. What is wrong with it the reader of tables says, in its words."""

    def __init__(self, *, label: Any) -> None:
        super().__init__(label=label, required=False, allow_empty_file=True)

    def clean(self, data: Any, initial: Any = None) -> bytes | None:
        uploaded = super().clean(data, initial)
        # No more is read than shows that it is too much.
        return uploaded.read(grid.UPLOAD_LIMIT + 1) if uploaded else None


class TableForm(forms.Form):
    """A table to look at: a file, or its cells pasted from Excel, WPS or Word. One of them: `table`."""

    file = TableField(label=_("表格文件"))
    pasted = forms.CharField(
        label=_("或在此粘贴表格"),
        required=False,
        strip=False,
        max_length=grid.UPLOAD_LIMIT,
        widget=forms.Textarea(attrs={"rows": 6, "wrap": "off", "class": "vLargeTextField"}),
        help_text=_("在 Excel、WPS 或 Word 中选中整张表格（含表头）复制，再粘贴到这里。"),
    )

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        pasted = told.get("pasted", "")
        uploaded = told.get("file")
        if pasted.strip() and uploaded is not None:
            self.add_error(None, _("请只上传文件或只粘贴表格，不要同时提交。"))
        elif not pasted.strip() and uploaded is None and not self.errors:
            self.add_error("file", _("请选择文件，或粘贴表格。"))
        told["table"] = pasted if uploaded is None else uploaded
        return told


class PreviewedField(forms.CharField):
    """The rows that were previewed, signed and handed back by the page itself: a `Previewed`."""

    widget = forms.HiddenInput

    def __init__(self, row_type: type, *, salt: str) -> None:
        super().__init__()
        self.row_type = row_type
        self.salt = salt

    def clean(self, value: Any) -> Any:
        return unsigned(super().clean(value), self.salt, self.row_type)


class ProblemListForm(forms.Form):
    """The problems of a preview, to be downloaded as a file."""

    SALT = "yiwu_vote.tables.problems"

    problems = PreviewedField(Problem, salt=SALT)


def tell_faults(request: HttpRequest, form: forms.Form) -> None:
    """Say above the next page what is wrong with a form that is not shown again."""
    for faults in form.errors.values():
        messages.error(request, " ".join(str(fault) for fault in faults))


# --- what is shown --------------------------------------------------------------------------------


def preview_of(parsed: Parsed[Any], found: Sequence[Problem]) -> dict[str, Any]:
    """Return what a preview says of any file; `found` are the problems of the plan to import it."""
    notes = list(parsed.notes)
    if parsed.ignored:
        notes.append(gettext("以下各列不导入：%(names)s。") % {"names": "、".join(parsed.ignored)})
    problems = sorted([*parsed.problems, *found], key=lambda problem: problem.line)
    return {
        "total": len(parsed.rows),
        "faults": grouped(problems),
        "faulty_lines": len({problem.line for problem in problems}),
        "notes": notes,
        "errors": ProblemListForm(initial={"problems": signed(problems, ProblemListForm.SALT)}),
    }


def problem_list(
    request: HttpRequest, *, again: str, ascii_name: str, chinese_name: str
) -> HttpResponse:
    """Give out the problems of a preview as a file, or go to upload `again` if it is too old."""
    form = ProblemListForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("预览已过期，请重新上传。"))
        return redirect(again)
    problems: Previewed[Problem] = form.cleaned_data["problems"]
    rows = [[problem.line or None, str(problem)] for problem in problems.rows]
    content = sheets.csv_bytes([gettext("行"), gettext("错误")], rows)
    return attachment(content, ascii_name=ascii_name, chinese_name=chinese_name)
