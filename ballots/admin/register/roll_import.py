"""The import of the roll of delegates as pages: upload, preview, confirm."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ballots.acts.register.importing import import_roll, plan_import, undo_import
from ballots.admin import moving
from ballots.admin.forms import tell
from ballots.admin.guard import Done, StaffRequest, download, leave, note
from ballots.admin.moving import END, HERE, ended, moves
from ballots.facts import record, register
from ballots.facts.findings import some
from ballots.files.download import Download
from ballots.models import LISTED, Delegate, RollImport
from ballots.pure import roll_table
from ballots.pure.progress import Watch, unwatched
from ballots.pure.roll_plan import Entry, ImportPlan
from ballots.pure.roll_table import RollRow
from ballots.refusal import Refused
from projects.models import Poll
from yiwu_vote.admin_pages import model_page
from yiwu_vote.tables.preview import (
    Previewed,
    PreviewedField,
    TableForm,
    digest_of,
    preview_of,
    problem_list,
    signed,
    tell_faults,
)
from yiwu_vote.tables.upload import Parsed

ROWS = "ballots.roll-import.rows"
PREVIEW, UNDO = _("导入名册：预览"), _("撤销上次导入")
# A table of so many bytes, some thousand rows, takes a while to read.
LONG_TABLE = 32 * 1024
# How many rows a message names before it only counts them.
LINES_NAMED = 20


class UploadForm(TableForm):
    add_delegations = forms.BooleanField(
        label=_("一并新增代表团"),
        required=False,
        help_text=_("名册中有、系统中没有的代表团，导入时一并新增。"),
    )


class ConfirmImportForm(forms.Form):
    """The rows that were previewed, and whether their delegations were to be added along."""

    rows = PreviewedField(RollRow, salt=ROWS)
    add_delegations = forms.BooleanField(required=False, widget=forms.HiddenInput)


class AgainForm(forms.Form):
    """The rows of a preview that named unknown delegations, and whether to add them now."""

    again = PreviewedField(RollRow, salt=ROWS)
    # What was said above the preview, to be said again: a sentence a line.
    notes = forms.CharField(required=False, widget=forms.HiddenInput)
    add_delegations = forms.BooleanField(label=_("一并新增代表团"), required=False)


class UndoForm(forms.Form):
    """The import that the page shows, by its number on record: no other one is undone."""

    shown = forms.IntegerField(widget=forms.HiddenInput)


def import_page(request: StaffRequest) -> HttpResponse:
    """Upload, preview, confirm: nothing is written before the third."""
    if "rows" in request.POST:
        return _import(request)
    if "again" in request.POST:
        return _preview_again(request)
    form = UploadForm(request.POST if request.method == "POST" else None, request.FILES or None)
    if not form.is_valid():
        return _upload_page(request, form)
    table, add_delegations = form.cleaned_data["table"], form.cleaned_data["add_delegations"]

    def preview(*, bare: bool = False) -> HttpResponse:
        return _preview(request, roll_table.parse(table), add_delegations, digest_of(table), bare)

    if len(table) < LONG_TABLE:
        return preview()
    return _moves(request, PREVIEW, lambda _watch: preview(bare=True).content.decode())


def _preview_again(request: StaffRequest) -> HttpResponse:
    form = AgainForm(request.POST)
    if not form.is_valid():
        tell_faults(request, form)
        return _upload_page(request, UploadForm())
    previewed: Previewed[RollRow] = form.cleaned_data["again"]
    parsed = Parsed(tuple(previewed.rows), notes=tuple(form.cleaned_data["notes"].splitlines()))
    return _preview(request, parsed, form.cleaned_data["add_delegations"], previewed.digest)


def _moves(
    request: StaffRequest, title: Any, work: Callable[[Watch], str], *, back: str = "import"
) -> HttpResponse:
    """Answer with a page that moves while `work` is done; what is refused leads `back`."""
    page = model_page(request, Delegate, "moving", title, {"here": HERE, "end": END})
    way = reverse(f"admin:ballots_delegate_{back}")
    return moves(page, lambda watch, _say: work(watch), back=way)


def _preview(
    request: StaffRequest,
    parsed: Parsed[RollRow],
    add_delegations: bool,
    digest: str,
    bare: bool = False,
) -> HttpResponse:
    plan = plan_import(parsed.rows, add_delegations=add_delegations)
    rows = signed(parsed.rows, ROWS, seen=plan.seen, digest=digest)
    confirm = ConfirmImportForm(initial={"rows": rows, "add_delegations": add_delegations})
    context = preview_of(parsed, plan.problems) | {"plan": plan, "confirm": confirm}
    if not parsed.problems and any(problem.remedy for problem in plan.problems):
        notes = "\n".join(context["notes"])
        context["again"] = AgainForm(initial={"again": rows, "notes": notes})
    return model_page(request, Delegate, "import-preview", str(PREVIEW), context, bare=bare)


def _import(request: StaffRequest) -> HttpResponse:
    form = ConfirmImportForm(request.POST)
    if form.is_valid():
        previewed: Previewed[RollRow] = form.cleaned_data["rows"]

        def act(watch: Watch = unwatched) -> Done:
            plan = import_roll(
                previewed.rows,
                by=request.user,
                add_delegations=form.cleaned_data["add_delegations"],
                seen=previewed.seen,
                # Of each question of the preview, whether it was answered with yes.
                ticks=request.POST.getlist("ticks"),
                digest=previewed.digest,
                watch=watch,
            )
            return Done(reverse("admin:ballots_delegate_changelist"), _told(plan))

        if len(previewed.rows) >= moving.LONG:
            return _moves(request, gettext("导入名册"), lambda watch: ended(act(watch)))
        try:
            return leave(request, act())
        except Refused as refusal:
            form.add_error(None, str(refusal))
    upload = UploadForm()
    upload.initial["add_delegations"] = form.data.get("add_delegations") == "True"
    tell_faults(request, form)
    return _upload_page(request, upload)


def _told(plan: ImportPlan) -> list[Message]:
    """Return what an import did, what it left out, and what is to be done next."""
    told = []
    count, same = len(plan.new) + len(plan.updated), len(plan.unchanged)
    if count:
        words = ngettext("已导入%(count)d人。", "已导入%(count)d人。", count) % {"count": count}
        if same:
            words += gettext("另有%(same)d人没有变化。") % {"same": same}
        if plan.new:
            words = format_html(
                '{}{} <a href="{}">{}</a>',
                words,
                gettext("%(count)d人是新增，尚未生成投票卡。") % {"count": len(plan.new)},
                reverse("admin:ballots_delegate_issue"),
                gettext("生成投票卡"),
            )
        told.append(note(words))
    elif same:
        words = gettext("没有变动：文件中%(same)d人的资料与名录一致。")
        told.append(note(words % {"same": same}, messages.INFO))
    else:
        told.append(note(gettext("没有导入任何一行。"), messages.WARNING))
    left_open = [entry for entry in plan.left_out if not entry.barred]
    if left_open:
        words = gettext("%(count)d行没有勾选，没有导入：第%(lines)s行。")
        told.append(note(words % _some(left_open), messages.WARNING))
    for why, barred in _by_reason(plan.left_out).items():
        words = gettext("%(count)d行没有导入（第%(lines)s行）：%(why)s")
        told.append(note(words % (_some(barred) | {"why": why}), messages.WARNING))
    old_cards = [
        entry.person.number
        for entry in plan.updated
        if entry.person
        and entry.person.holds_card
        and (entry.row.name != entry.person.name or entry.row.line in plan.takes_numbers)
    ]
    if old_cards:
        words = gettext("%(count)d人的投票卡上还是原来的姓名或代表证号，请发新卡：%(numbers)s。")
        numbers = "、".join(old_cards[:LINES_NAMED])
        told.append(note(words % {"count": len(old_cards), "numbers": numbers}, messages.WARNING))
    return told


def _some(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return how many `entries` there are and the lines of the first, to stand in a sentence."""
    lines = [str(entry.row.line) for entry in entries]
    return {"count": len(lines), "lines": some(lines, most=LINES_NAMED)}


def _by_reason(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return those of `entries` that are barred, by what bars them."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.barred:
            found.setdefault(entry.barred, []).append(entry)
    return found


def undo_page(request: StaffRequest) -> HttpResponse:
    """Show what the last import did, and take it back."""
    form = UndoForm(request.POST)
    fault = None
    if request.method == "POST":

        def act(watch: Watch = unwatched) -> Done:
            # A page of an earlier version does not say what it has shown; no entry has number 0.
            shown = form.cleaned_data["shown"] if form.is_valid() else 0
            undone = undo_import(shown, by=request.user, watch=watch)
            counts = {name: undone.entry.data[name] for name in ("new", "changed")}
            words = gettext("已撤销导入：删除%(new)d人，恢复%(changed)d人。") % counts
            return Done(reverse("admin:ballots_delegate_changelist"), [note(words)])

        if _is_long(_last_import()):
            return _moves(request, UNDO, lambda watch: ended(act(watch)), back="import-undo")
        try:
            return leave(request, act())
        except Refused as refusal:
            fault = refusal
    last = _last_import()
    # What is shown now is what the next press undoes.
    form = UndoForm({"shown": last.entry.seq if last else 0})
    if fault is not None and form.is_valid():
        tell(form, fault)
    words = record.line(last.entry) if last else ""
    context = {"last": last, "words": words, "forms": [form]}
    return model_page(request, Delegate, "import-undo", str(UNDO), context)


def _last_import() -> RollImport | None:
    return RollImport.objects.select_related("entry__by").order_by("-pk").first()


def _is_long(last: RollImport | None) -> bool:
    return last is not None and sum(map(len, last.changes.values())) >= moving.LONG


def _upload_page(request: StaffRequest, form: forms.Form) -> HttpResponse:
    voting = Poll.objects.holding_people().exists()
    context = {"forms": [form], "voting": voting}
    return model_page(request, Delegate, "import", gettext("导入名册"), context)


def import_errors(request: StaffRequest) -> HttpResponse:
    """Give out the list of problems of a preview as a file."""
    return problem_list(
        request,
        again="admin:ballots_delegate_import",
        ascii_name="roll-errors.csv",
        chinese_name=gettext("名册错误清单.csv"),
    )


def template_file(request: StaffRequest) -> HttpResponse:
    """Give out an empty roll to fill in."""
    return download(
        Download("roll-template.xlsx", gettext("代表名册模板.xlsx"), roll_table.template_xlsx())
    )


def register_file(request: StaffRequest) -> HttpResponse:
    """Give out the register in the columns of the template, to be edited and imported again."""
    people = map(register.person_of, register.delegates().order_by(*LISTED))
    stamp = f"{timezone.localtime():%Y%m%d-%H%M}"
    name = gettext("代表名册_%(stamp)s.xlsx") % {"stamp": stamp}
    return download(Download(f"register-{stamp}.xlsx", name, roll_table.register_xlsx(people)))


PAGES: dict[str, Callable[[StaffRequest], HttpResponse]] = {
    "import": import_page,
    "import-errors": import_errors,
    "import-undo": undo_page,
    "export": register_file,
    "template": template_file,
}
