"""The secretariat's pages for delegations, delegates, their cards and the import of the roll.

Envelopes, ballots and results are not registered: nobody can look them up here, a superuser
neither. The roll and the journal can be read and never changed. The pages of the day itself are
in `admin.day`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import cards, sign_in
from ballots.acts.delegates import import_roll, plan_import
from ballots.admin import day as admin_day
from ballots.admin import guard as admin_steps
from ballots.admin import recommendations as admin_recommend
from ballots.admin.forms import (
    PROBLEMS,
    ROWS,
    ChosenForm,
    ConfirmImportForm,
    ErrorListForm,
    HeadingForm,
    ReissueForm,
    SecondPersonForm,
    UploadForm,
    tell,
)
from ballots.admin.guard import StaffRequest
from ballots.files.download import Download
from ballots.models import (
    AccessCard,
    Delegate,
    Delegation,
    JournalEntry,
    PollDay,
    Recommendation,
    RollEntry,
)
from ballots.pure import card_code, roll_table
from ballots.refusal import Refused
from projects.models import Poll
from yiwu_vote.tables import sheets
from yiwu_vote.tables.preview import signed

CARDS_A_PAGE = 10
LINES_A_PAGE = 24

admin.site.register(PollDay, admin_day.PollDayAdmin)
admin.site.register(Recommendation, admin_recommend.RecommendationAdmin)


class OfficeAdmin(admin.ModelAdmin):
    """Pages that the office (会务) keeps, others may read, and where nothing is ever deleted.

    A superuser who is not of the office may look, no more (DESIGN §6).
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and roles.is_office(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and roles.is_office(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RecordAdmin(admin.ModelAdmin):
    """Pages of what the acts alone write: everybody may read it and nobody changes it here."""

    actions = None

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Allow only what the filters of the list ask, in the words in which they ask it.

        Django lets an address filter by any column of the row itself, with any comparison: that
        would tell when somebody voted, or what a hashed text holds, by halving.
        """
        column, _separator, question = lookup.partition("__")
        asked = {"", "exact", "id__exact", "isnull"}
        return column in self.list_filter and question in asked

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Delegation)
class DelegationAdmin(OfficeAdmin):
    list_display = ["name", "position"]


# --- delegates ------------------------------------------------------------------------------------


class CardFilter(admin.SimpleListFilter):
    title = _("投票卡")
    parameter_name = "card"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("valid", _("有效")), ("none", _("未发")), ("wait", _("暂停输入"))]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "valid":
                return queryset.filter(has_card=True)
            case "none":
                return queryset.filter(has_card=False)
            case "wait":
                return queryset.filter(locked_until__gt=timezone.now())
        return queryset


@admin.register(Delegate)
class DelegateAdmin(OfficeAdmin):
    list_display = ["number", "name", "delegation", "position", "seat", "status", "card_state"]
    list_display_links = ["number", "name"]
    list_filter = ["delegation", "status", CardFilter]
    list_select_related = ["delegation"]
    search_fields = ["number", "name", "delegation__name"]
    search_help_text = _("代表证号、姓名或代表团")
    readonly_fields = ["card_state"]
    fields = ["number", "name", "delegation", "position", "phone", "seat", "status", "card_state"]
    actions = ["issue", "reissue", "end_wait"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delegate]:
        card = AccessCard.objects.filter(delegate=OuterRef("pk"), revoked_at__isnull=True)
        return super().get_queryset(request).annotate(has_card=Exists(card))

    @admin.display(description=_("投票卡"))
    def card_state(self, delegate: Delegate) -> str:
        if not getattr(delegate, "has_card", False):
            return gettext("未发")
        if delegate.locked_until and delegate.locked_until > timezone.now():
            return gettext("暂停输入")
        return gettext("有效")

    def has_office_permission(self, request: HttpRequest) -> bool:
        return roles.is_office(request.user)

    @admin.action(description=_("发卡（尚未发卡的）"), permissions=["office"])
    def issue(self, request: StaffRequest, queryset: QuerySet[Delegate]) -> HttpResponse:
        return issue_page(request, chosen=_ids(queryset))

    @admin.action(description=_("发新卡（原卡作废）"), permissions=["office"])
    def reissue(self, request: StaffRequest, queryset: QuerySet[Delegate]) -> HttpResponse:
        return reissue_page(request, chosen=_ids(queryset))

    @admin.action(description=_("解除等待"), permissions=["office"])
    def end_wait(self, request: StaffRequest, queryset: QuerySet[Delegate]) -> None:
        with transaction.atomic():
            for delegate in queryset:
                sign_in.end_wait(delegate, by=request.user)
        self.message_user(request, gettext("已解除等待，代表可以马上再输入投票码。"))

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[[StaffRequest], HttpResponse]] = {
            "issue": issue_page,
            "reissue": reissue_page,
            "import": import_page,
            "import-errors": import_errors,
            "template": template_file,
        }
        own = [
            path(
                f"{name}/",
                self.admin_site.admin_view(_of_office(page)),
                name=f"ballots_delegate_{name}",
            )
            for name, page in pages.items()
        ]
        return own + super().get_urls()


def _of_office(page: Callable[[StaffRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Return `page` for members of the office only."""

    def guarded(request: StaffRequest) -> HttpResponse:
        if not roles.is_office(request.user):
            raise PermissionDenied
        return page(request)

    return guarded


def _ids(delegates: Iterable[Delegate]) -> str:
    return ",".join(str(delegate.pk) for delegate in delegates)


def _delegates(form: ChosenForm) -> QuerySet[Delegate]:
    """Return the chosen delegates in the order of the roll; all of them where none is chosen."""
    delegates = Delegate.objects.select_related("delegation")
    chosen = form.cleaned_data["ids"] if form.is_valid() else [0]
    return delegates.filter(pk__in=chosen) if chosen else delegates


def _page(
    request: HttpRequest, name: str, title: str, context: dict[str, Any] | None = None
) -> HttpResponse:
    own = {"title": title, "opts": Delegate._meta} | (context or {})
    template = f"admin/ballots/delegate/{name}.html"
    return render(request, template, admin.site.each_context(request) | own)


def _to_list(request: HttpRequest, words: str, level: int = messages.SUCCESS) -> HttpResponse:
    messages.add_message(request, level, words)
    return redirect("admin:ballots_delegate_changelist")


# --- cards ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PrintedCard:
    """A card as it is printed: its code in groups of four, and its QR code as SVG."""

    delegate: Delegate
    code: str
    qr: str


def issue_page(request: StaffRequest, chosen: str | None = None) -> HttpResponse:
    """Issue cards to those who have none; the answer is the sheet to print, shown only once.

    `chosen` comes from the action of the list, which only shows this page.
    """
    is_sent = request.method == "POST" and chosen is None
    form = ChosenForm({"ids": request.POST.get("ids", "") if chosen is None else chosen})
    heading = HeadingForm(request.POST if is_sent else None)
    valid = AccessCard.objects.filter(delegate=OuterRef("pk"), revoked_at__isnull=True)
    takers = _delegates(form).filter(~Exists(valid), status=Delegate.Status.ACTIVE)
    if not takers:
        return _no_cards(request, is_sent=is_sent)
    if is_sent and heading.is_valid():
        try:
            issued = cards.issue_cards(takers, by=request.user)
        except Refused as refusal:
            tell(heading, refusal)
        else:
            return _sheet(request, issued, heading)
    context = {"chosen": form, "forms": [heading], "delegates": takers}
    return _page(request, "issue", gettext("发卡"), context)


def reissue_page(request: StaffRequest, chosen: str | None = None) -> HttpResponse:
    """Void the cards of the chosen delegates and print new ones, with a reason."""
    is_sent = request.method == "POST" and chosen is None
    asked = request.POST if is_sent else request.GET
    form = ChosenForm({"ids": asked.get("ids", "") if chosen is None else chosen})
    if not form.is_valid() or not form.cleaned_data["ids"]:
        return _to_list(request, gettext("请先勾选要发新卡的代表。"), messages.WARNING)
    delegates = list(_delegates(form))
    valid = AccessCard.objects.filter(delegate__in=delegates, revoked_at__isnull=True)
    data = request.POST if is_sent else None
    reason = ReissueForm(data, valid=list(valid.order_by("pk").values_list("pk", flat=True)))
    second = SecondPersonForm(data, request=request, optional=True)
    heading = HeadingForm(data)
    filled = [reason, second, heading]
    verdicts = [each.is_valid() for each in filled]
    if is_sent and all(verdicts):
        try:
            # All or none: a sheet with half of the cards would leave people without one.
            with transaction.atomic():
                issued = [
                    cards.reissue_card(
                        delegate, reason=reason.reason, by=request.user, second=second.person
                    )
                    for delegate in delegates
                ]
        except Refused as refusal:
            tell(reason, refusal)
        else:
            return _sheet(request, issued, heading)
    context = {"chosen": form, "forms": filled, "delegates": delegates}
    return _page(request, "reissue", gettext("发新卡"), context)


def _sheet(
    request: StaffRequest, issued: Sequence[cards.IssuedCard], heading: HeadingForm
) -> HttpResponse:
    """Answer with the cards to print; their codes exist in this answer and nowhere else."""
    if not issued:
        return _no_cards(request, is_sent=True)
    poll: Poll | None = heading.cleaned_data["heading"]
    printed = [
        PrintedCard(card.delegate, card_code.grouped(card.code), _qr(card.token)) for card in issued
    ]
    delegations = []
    for delegation, group in groupby(printed, key=lambda card: card.delegate.delegation):
        held = list(group)
        delegations.append(
            {
                "name": delegation.name,
                "count": len(held),
                "lists": _pages(list(enumerate(held, start=1)), LINES_A_PAGE),
                "pages": _pages(held, CARDS_A_PAGE),
            }
        )
    context = {
        "poll": poll,
        "delegations": delegations,
        "count": len(printed),
        "address": settings.PUBLIC_URL,
        "printed_at": timezone.now(),
    }
    return _page(request, "cards", gettext("打印投票卡"), context)


def _no_cards(request: HttpRequest, *, is_sent: bool) -> HttpResponse:
    """Say that nobody needs a card, or that whoever pressed first has the sheet."""
    words = gettext("没有需要发卡的代表。")
    if is_sent:
        words = gettext("这些投票卡刚刚已经生成，请使用先前打印的一份。")
    return _to_list(request, words, messages.WARNING)


def _pages(things: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [things[start : start + size] for start in range(0, len(things), size)]


def _qr(token: str) -> str:
    """Return the QR code of a card's address as SVG.

    In upper case the address fits the alphanumeric mode of QR codes, whose modules are then larger
    and easier to scan; scheme and host know no case, and the route answers to K as well.
    """
    return admin_steps.qr_svg(f"{settings.PUBLIC_URL.upper()}/K/{token}/")


# --- import ---------------------------------------------------------------------------------------


def import_page(request: StaffRequest) -> HttpResponse:
    """Upload, preview, confirm (ux.md §9.3): nothing is written before the third."""
    if "rows" in request.POST:
        return _import(request)
    form = UploadForm(request.POST if request.method == "POST" else None, request.FILES or None)
    if not form.is_valid():
        return _upload_page(request, form)
    add_delegations = form.cleaned_data["add_delegations"]
    parsed = roll_table.parse(form.cleaned_data["file"].read())
    plan = plan_import(parsed.rows, add_delegations=add_delegations)
    problems = sorted([*parsed.problems, *plan.problems], key=lambda problem: problem.line)
    confirm = ConfirmImportForm(
        initial={"rows": signed(parsed.rows, ROWS), "add_delegations": add_delegations}
    )
    context = {
        "plan": plan,
        "total": len(parsed.rows),
        "problems": problems,
        "faulty_lines": len({problem.line for problem in problems}),
        "ignored": parsed.ignored,
        "confirm": confirm,
        "errors": ErrorListForm(initial={"problems": signed(problems, PROBLEMS)}),
    }
    return _page(request, "import-preview", gettext("导入名册：预览"), context)


def _import(request: StaffRequest) -> HttpResponse:
    form = ConfirmImportForm(request.POST)
    if form.is_valid():
        rows = form.cleaned_data["rows"]
        try:
            plan = import_roll(
                rows, by=request.user, add_delegations=form.cleaned_data["add_delegations"]
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            done = ngettext("已导入%(count)d人。", "已导入%(count)d人。", len(rows))
            words = done % {"count": len(rows)}
            if plan.new:
                words = format_html(
                    '{}{} <a href="{}">{}</a>',
                    words,
                    gettext("%(count)d人是新增，尚未生成投票卡。") % {"count": len(plan.new)},
                    reverse("admin:ballots_delegate_issue"),
                    gettext("生成投票卡"),
                )
            return _to_list(request, words)
    upload = UploadForm()
    upload.initial["add_delegations"] = form.data.get("add_delegations") == "True"
    for group in form.errors.values():
        messages.error(request, " ".join(str(error) for error in group))
    return _upload_page(request, upload)


def _upload_page(request: StaffRequest, form: forms.Form) -> HttpResponse:
    voting = Poll.objects.taking_ballots().exists()
    return _page(request, "import", gettext("导入名册"), {"forms": [form], "voting": voting})


def import_errors(request: StaffRequest) -> HttpResponse:
    """Give out the list of problems of a preview as a file."""
    form = ErrorListForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("预览已过期，请重新上传。"))
        return redirect("admin:ballots_delegate_import")
    rows = [[problem.line or None, str(problem)] for problem in form.cleaned_data["problems"]]
    content = sheets.csv_bytes([gettext("行"), gettext("错误")], rows)
    return admin_steps.download(Download("roll-errors.csv", gettext("名册错误清单.csv"), content))


def template_file(request: StaffRequest) -> HttpResponse:
    """Give out an empty roll to fill in."""
    return admin_steps.download(
        Download("roll-template.xlsx", gettext("代表名册模板.xlsx"), roll_table.template_xlsx())
    )


# --- staff ----------------------------------------------------------------------------------------

admin.site.unregister(User)


@admin.register(User)
class StaffAdmin(UserAdmin):
    """Django's own page for accounts; a name that signed an act is not changed any more."""

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        # The journal hashes the names of those who signed: a new one would break its chain.
        has_signed = obj and JournalEntry.objects.filter(Q(by=obj) | Q(second=obj)).exists()
        return (*fields, "username") if has_signed else fields


# --- the records ----------------------------------------------------------------------------------


@admin.register(RollEntry)
class RollEntryAdmin(RecordAdmin):
    list_display = ["number", "name", "delegation", "present", "channel", "voted", "poll"]
    list_filter = ["poll", "present", "voted", "delegation"]
    list_select_related = ["poll"]
    search_fields = ["number", "name", "delegation"]
    ordering = ["-poll", "delegate__delegation__position", "delegation", "number"]
    # When somebody voted is shown to that person alone.
    fields = ["poll", "number", "name", "delegation", "present", "channel", "voted"]


@admin.register(JournalEntry)
class JournalEntryAdmin(RecordAdmin):
    list_display = ["seq", "at", "what", "by", "second", "poll"]
    list_filter = ["poll"]
    list_select_related = ["poll", "by", "second"]
    ordering = ["-poll", "seq"]
    # The hashed text itself holds the votes of every count: those stay out of sight while a count
    # that was sent back is being made again.
    fields = ["poll", "seq", "what", "at", "by", "second", "words", "hash"]

    @admin.display(description=_("操作"), ordering="kind")
    def what(self, entry: JournalEntry) -> str:
        return admin_day.kind_of(entry)

    @admin.display(description=_("说明"))
    def words(self, entry: JournalEntry) -> str:
        return admin_day.words_of(entry)
