"""The pages that give delegates their cards: who gets one, and the sheet of codes to print."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots.acts.cards import IssuedCard, issue_cards, reissue_card
from ballots.admin.forms import SecondPersonForm, tell
from ballots.admin.guard import Done, StaffRequest, leave, note
from ballots.admin.moving import END, HERE, LONG_EACH, Say, ended, moves
from ballots.admin.register.card_sheets import PrintedCard, card_pages, lists_to_sign
from ballots.admin.staff.waiting import is_signed
from ballots.models import AccessCard, Delegate
from ballots.pure import card_code
from ballots.pure.progress import Watch, unwatched, watched
from ballots.refusal import Refused
from projects.models import Poll
from projects.phases import LAST
from yiwu_vote.admin_pages import model_page
from yiwu_vote.fields import Typed

PRINT = _("打印投票卡")
GONE = _("这些投票卡刚刚已经生成，请使用先前打印的一份。")
WAIT = _("正在生成投票卡，请稍候，不要关闭本页：投票卡只显示这一次。")
# The cards are made before they are drawn.
BROKEN = _("打印页没有做成，投票卡可能已经生成。请在代表列表中核对，必要时发新卡。")

# --- what is typed --------------------------------------------------------------------------------


class ChosenForm(forms.Form):
    """Delegates chosen on the list, carried from page to page; empty means all."""

    ids = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_ids(self) -> list[int]:
        parts = [part for part in self.cleaned_data["ids"].split(",") if part]
        if not all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts):
            raise forms.ValidationError(_("所选代表有误，请从代表列表重新进入。"), code="bad-ids")
        return [int(part) for part in parts]


class HeadingForm(forms.Form):
    """The meeting whose name is printed on the cards; a card itself belongs to no one poll."""

    heading = forms.ModelChoiceField(
        Poll.objects.none(),
        label=_("卡片上的会议名称"),
        required=False,
        empty_label=_("不印会议名称"),
        help_text=_("投票卡属于代表，可用于以后的各次票决。选择演练时，卡片印有“演练，不计票”。"),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        polls = Poll.objects.exclude(phase__in=LAST)
        self.fields["heading"].queryset = polls  # type: ignore[attr-defined]
        self.fields["heading"].initial = polls.first()


class ReissueForm(forms.Form):
    """Why a card is replaced.

    `cards` names the cards that the page was made for: sent a second time, it must not void the
    new card that was just printed.
    """

    OTHER = "other"
    REASONS = {"lost": _("遗失"), "damaged": _("损坏"), "wrong": _("信息有误"), OTHER: _("其他")}

    cards = forms.CharField(required=False, widget=forms.HiddenInput)
    why = forms.ChoiceField(
        label=_("原卡立即作废。请说明原因："), choices=REASONS.items(), widget=forms.RadioSelect
    )
    words = Typed(label=_("其他原因"), max_length=90, required=False)

    def __init__(self, data: Any = None, *, valid: Sequence[int]) -> None:
        super().__init__(data)
        self.valid = ",".join(str(card) for card in valid)
        self.fields["cards"].initial = self.valid

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if cleaned.get("cards") != self.valid:
            raise forms.ValidationError(
                _("这些代表的投票卡在您打开本页之后已经变动，请从代表列表重新进入。"),
                code="changed",
            )
        if cleaned.get("why") == self.OTHER and not cleaned.get("words"):
            self.add_error("words", _("请写明其他原因。"))
        return cleaned

    @property
    def reason(self) -> str:
        why, words = self.cleaned_data["why"], self.cleaned_data["words"]
        label = str(self.REASONS[why])
        return f"{label}：{words}" if words else label


# --- issuing and reissuing ------------------------------------------------------------------------


def issue_page(request: StaffRequest, chosen: str | None = None) -> HttpResponse:
    """Issue cards to those who have none; the answer is the sheet to print, shown only once.

    `chosen` comes from the action of the list, which only shows this page.
    """
    is_sent = request.method == "POST" and chosen is None
    form = ChosenForm({"ids": request.POST.get("ids", "") if chosen is None else chosen})
    heading = HeadingForm(request.POST if is_sent else None)
    valid = AccessCard.objects.filter(delegate=OuterRef("pk"), revoked_at__isnull=True)
    takers = chosen_by(form).filter(~Exists(valid), status=Delegate.Status.ACTIVE)
    if not takers:
        return _no_cards(request, is_sent=is_sent)
    if is_sent and heading.is_valid():
        try:
            return _answer(
                request, heading, lambda: issue_cards(takers, by=request.user), len(takers)
            )
        except Refused as refusal:
            tell(heading, refusal)
    context = {"chosen": form, "forms": [heading], "delegates": takers}
    return model_page(request, Delegate, "issue", gettext("发卡"), context)


def reissue_page(request: StaffRequest, chosen: str | None = None) -> HttpResponse:
    """Void the cards of the chosen delegates and print new ones, with a reason."""
    is_sent = request.method == "POST" and chosen is None
    asked = request.POST if is_sent else request.GET
    form = ChosenForm({"ids": asked.get("ids", "") if chosen is None else chosen})
    if not form.is_valid() or not form.cleaned_data["ids"]:
        return _back(request, gettext("请先勾选要发新卡的代表。"))
    delegates = list(chosen_by(form))
    valid = AccessCard.objects.filter(delegate__in=delegates, revoked_at__isnull=True)
    data = request.POST if is_sent else None
    reason = ReissueForm(data, valid=list(valid.order_by("pk").values_list("pk", flat=True)))
    second = SecondPersonForm(data, request=request, optional=True)
    heading = HeadingForm(data)
    filled = [reason, second, heading]
    verdicts = [each.is_valid() for each in filled]
    title = gettext("发新卡")
    if is_sent and all(verdicts) and is_signed(request, title, filled, about=delegates):

        def reissue() -> list[IssuedCard]:
            # All or none: a sheet with half of the cards would leave people without one.
            with transaction.atomic():
                return [
                    reissue_card(
                        delegate, reason=reason.reason, by=request.user, second=second.person
                    )
                    for delegate in delegates
                ]

        try:
            return _answer(request, heading, reissue, len(delegates))
        except Refused as refusal:
            tell(reason, refusal)
    context = {"chosen": form, "forms": filled, "delegates": delegates}
    return model_page(request, Delegate, "reissue", title, context)


def chosen_by(form: ChosenForm) -> QuerySet[Delegate]:
    """Return the chosen delegates in the order of the roll; all of them where none is chosen."""
    delegates = Delegate.objects.select_related("delegation")
    chosen = form.cleaned_data["ids"] if form.is_valid() else [0]
    return delegates.filter(pk__in=chosen) if chosen else delegates


def _answer(
    request: StaffRequest, heading: HeadingForm, make: Callable[[], list[IssuedCard]], count: int
) -> HttpResponse:
    """Answer with the cards that `make` makes, some `count`; of many by a page that moves."""
    if count < LONG_EACH:
        issued = make()
        return _sheet(request, issued, heading) if issued else _no_cards(request, is_sent=True)
    context = {"here": HERE, "end": END, "words": WAIT}
    page = model_page(request, Delegate, "moving", str(PRINT), context)

    def work(watch: Watch, _say: Say) -> str:
        issued = make()
        if not issued:
            return ended(Done(_list(), [note(str(GONE), messages.WARNING)]))
        return _sheet(request, issued, heading, watch, bare=True).content.decode()

    return moves(page, work, back=_list(), broken=str(BROKEN))


def _sheet(
    request: StaffRequest,
    issued: Sequence[IssuedCard],
    heading: HeadingForm,
    watch: Watch = unwatched,
    *,
    bare: bool = False,
) -> HttpResponse:
    """Answer with the cards to print; their codes exist in this answer and nowhere else.

    `watch` is told how many pages of cards are drawn.
    """
    poll: Poll | None = heading.cleaned_data["heading"]
    printed = [
        PrintedCard(card.delegate, card_code.grouped(card.code), _address(card.token))
        for card in issued
    ]
    groups = [
        (delegation, list(cards))
        for delegation, cards in groupby(printed, key=lambda card: card.delegate.delegation)
    ]
    whole = sum(len(card_pages(cards)) for _delegation, cards in groups)
    shown: dict[str, Any] = {"poll": poll, "address": settings.PUBLIC_URL}
    delegations, before = [], 0
    for delegation, held in groups:
        pages = card_pages(held)
        delegations.append(
            {
                "name": delegation.name,
                "count": len(held),
                "lists": lists_to_sign(held, meeting=poll.meeting if poll else ""),
                "pages": [
                    render_to_string(
                        "admin/ballots/delegate/_card_page.html", shown | {"page": page}
                    )
                    for page in watched(pages, whole, watch, before=before)
                ],
            }
        )
        before += len(pages)
    context = shown | {
        "delegations": delegations,
        "count": len(printed),
        "printed_at": timezone.now(),
    }
    return model_page(request, Delegate, "cards", str(PRINT), context, bare=bare)


def _no_cards(request: HttpRequest, *, is_sent: bool) -> HttpResponse:
    """Say that nobody needs a card, or that whoever pressed first has the sheet."""
    return _back(request, str(GONE) if is_sent else gettext("没有需要发卡的代表。"))


def _back(request: HttpRequest, why: str) -> HttpResponse:
    return leave(request, Done(_list(), [note(why, messages.WARNING)]))


def _list() -> str:
    return reverse("admin:ballots_delegate_changelist")


def _address(token: str) -> str:
    """Return the address of a card as it stands in its QR code.

    In upper case the address fits the alphanumeric mode of QR codes, whose modules are then larger
    and easier to scan; scheme and host know no case, and the route answers to K as well.
    """
    return f"{settings.PUBLIC_URL.upper()}/K/{token}/"


PAGES: dict[str, Callable[[StaffRequest], HttpResponse]] = {
    "issue": issue_page,
    "reissue": reissue_page,
}
