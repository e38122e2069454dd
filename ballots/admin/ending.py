"""The end of a poll, as pages: archived, void, made anew, dropped or wiped."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import archiving, drafts, lifecycle, rehearsal, storage
from ballots.admin.counting import CLEARING, clear_traces
from ballots.admin.forms import ReasonForm, SecondPersonForm
from ballots.admin.guard import (
    Day,
    Done,
    StaffRequest,
    done_for,
    is_rehearsal,
    note,
    posted,
    step,
    take,
)
from ballots.admin.moving import Then, moving
from ballots.facts.copies.made import made_while_voting
from ballots.journal import Kind
from ballots.models import AccessCard
from ballots.pure.progress import Watch
from projects.models import Poll
from projects.phases import DRAFT, EVERY, LAST, MOVES, VOTING
from yiwu_vote.fields import Typed
from yiwu_vote.moments import to_the_minute

LIST = reverse_lazy("admin:ballots_pollday_changelist")


class ArchiveForm(forms.Form):
    """What becomes of the shares of the key and of the copies of the database."""

    key_destroyed = Typed(
        lines=True,
        label=_("密钥份额销毁情况"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_("写明何时、何地、由谁销毁，何人在场。"),
    )
    backups = Typed(
        lines=True,
        label=_("尚待销毁的备份"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_("每行一份，写明存放地点；没有的请写“无”。"),
    )


class CardsForm(forms.Form):
    """How many cards would go, as the page said: the act refuses where that has moved since.

    The page always sends the figure that it shows now, also below a refusal.
    """

    cards = forms.IntegerField(required=False, min_value=0, max_value=1_000_000)


def _read(request: StaffRequest) -> int | None:
    form = CardsForm(request.POST)
    return form.cleaned_data["cards"] if form.is_valid() else None


def _waits_for_archiving(day: Day) -> bool:
    return day.poll.is_over and day.poll.archived_at is None


@step(
    "archive",
    _("归档"),
    _("异议期满后办理，须会务和监票各一人签名，不能撤回。"),
    who=roles.is_office,
    phases=LAST,
    fits=_waits_for_archiving,
)
def archive(request: StaffRequest, poll: Poll) -> HttpResponse:
    copies = made_while_voting(poll)
    named = "\n".join(f"{copy.path.name}（{to_the_minute(copy.at)}）" for copy in copies)
    form = ArchiveForm(posted(request), initial={"backups": named})
    second = SecondPersonForm(posted(request), request=request)

    def act() -> str:
        archiving.archive(
            poll,
            key_destroyed=form.cleaned_data["key_destroyed"],
            backups=form.cleaned_data["backups"].splitlines(),
            cards=_read(request),
            by=request.user,
            second=second.person,
        )
        return gettext("本次票决已归档。")

    until = archiving.objections_until(poll)
    waits = until is not None and timezone.now() < until
    cards = archiving.cards_of(poll)
    context = {"until": until, "waits": waits, "cards": cards, "copies": copies}
    return take(request, poll, act, form, second, **context)


def _left_cards(day: Day) -> bool:
    poll = day.poll
    if poll.is_rehearsal or poll.archived_at is None:
        return False
    return AccessCard.objects.filter(delegate__roll_entries__poll=poll).exists()


@step(
    "cards",
    _("销毁投票卡"),
    _("归档时因其他票决需要而保留的投票卡，不再需要后在这里销毁，须会务和监票各一人签名。"),
    who=roles.is_office,
    phases=LAST,
    fits=_left_cards,
)
def destroy_cards(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Delete the cards that other polls needed when this one was archived."""
    second = SecondPersonForm(posted(request), request=request)

    def act() -> str:
        done = archiving.destroy_cards(
            poll, cards=_read(request), by=request.user, second=second.person
        )
        return gettext("已销毁投票卡%(count)d张。") % {"count": done["cards"]}

    return take(request, poll, act, second, cards=archiving.cards_of(poll))


def archived(poll: Poll) -> dict[str, Any] | None:
    """Return what was put on record when `poll` was archived; None before that."""
    if poll.archived_at is None:
        return None
    entry = poll.journal.filter(kind=Kind.ARCHIVED).select_related("by", "second").first()
    if entry is None:
        return None
    data: dict[str, Any] = entry.data
    people = [roles.named(user) for user in (entry.by, entry.second) if user]
    return data | {"entry": entry, "people": "、".join(people)}


def _is_real(day: Day) -> bool:
    # A rehearsal is wiped with all that is on record about it.
    return not day.poll.is_rehearsal


@step(
    "drop",
    _("删除草稿"),
    _("删除误建或不再需要的草稿。已有操作记录的，须会务和监票各一人签名，记录保留。"),
    who=roles.is_office,
    phases=DRAFT,
    fits=_is_real,
)
def drop(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Take a draft out of everybody's sight; once something is on record, two people do."""
    has_record = poll.journal.exists()
    reason = ReasonForm(posted(request))
    second = SecondPersonForm(posted(request), request=request)
    filled: tuple[forms.Form, ...] = (reason, second) if has_record else ()

    def act() -> Done:
        first = drafts.drop(
            poll,
            by=request.user,
            second=second.person,
            reason=reason.cleaned_data["reason"] if has_record else "",
        )
        words = gettext("草稿已删除。")
        return done_for(first, words) if first else Done(str(LIST), [note(words)])

    counts = {
        "candidates": poll.projects.count(),
        "on_roll": poll.roll.count(),
        "recommendations": poll.recommendations.count(),
    }
    has_key = request.day.box is not None
    return take(request, poll, act, *filled, has_record=has_record, has_key=has_key, **counts)


class CopyForm(forms.Form):
    """As what a poll is copied, and for which meeting."""

    into = forms.ChoiceField(
        label=_("复制为"), choices=drafts.COPIES.items(), widget=forms.RadioSelect
    )
    meeting = Typed(
        label=_("会议名称"),
        max_length=Poll._meta.get_field("meeting").max_length,
        required=False,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_("留空的，沿用本次的会议名称；复制为下一年度的，须填写。"),
    )


def _is_first_round(day: Day) -> bool:
    return day.poll.parent_id is None


@step(
    "copy",
    _("复制"),
    _("照本次的规则另建演练、正式草稿或下一年度的草稿，本次不变。"),
    who=roles.is_office,
    phases=EVERY - VOTING,
    fits=_is_first_round,
)
def copy(request: StaffRequest, poll: Poll) -> HttpResponse:
    usual = drafts.REAL if poll.is_rehearsal else drafts.REHEARSAL
    form = CopyForm(posted(request), initial={"into": usual})

    def act(_watch: Watch) -> Done:
        draft = drafts.copy(poll, **form.cleaned_data, by=request.user)
        words = gettext("已复制：%(poll)s。请核对规则。") % {"poll": draft}
        return done_for(draft, words)

    return take(request, poll, moving(request, poll, act, over=poll.roll.all()), form)


@step(
    "fresh",
    _("另建草稿"),
    _("沿用本次的候选项目、规则、名册和投票卡另建一次票决，须重新生成密钥，并核对实到。"),
    who=roles.is_office,
    phases=frozenset({Poll.Phase.VOID}),
)
def fresh_draft(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act(_watch: Watch) -> Done:
        draft = drafts.fresh_draft(poll, by=request.user)
        return done_for(draft, gettext("已另建草稿，须重新生成密钥，并核对实到。"))

    return take(request, poll, moving(request, poll, act, over=poll.roll.all()))


def _why_void(day: Day) -> str:
    """Return the reason that is certain already: more papers came back than were given out."""
    papers = day.papers
    if not papers.are_too_many:
        return ""
    words = gettext("收回纸质票%(returned)d张，多于发出的%(issued)d张，本次表决无效。")
    return words % {"returned": papers.returned, "issued": papers.issued}


@step(
    "void",
    _("宣布作废"),
    _("作废后不能恢复，票箱不再开启；操作记录和回执编号保留。须会务和监票各一人签名。"),
    who=roles.is_office,
    phases=MOVES["void"].before,
)
def void(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = ReasonForm(posted(request), initial={"reason": _why_void(request.day)})
    second = SecondPersonForm(posted(request), request=request)

    def act(_watch: Watch) -> str:
        lifecycle.void_poll(
            poll, reason=form.cleaned_data["reason"], by=request.user, second=second.person
        )
        return gettext("本次票决作废。")

    def clear() -> str:
        # What was closed before has been rewritten since.
        return "" if storage.is_rewritten(poll) else clear_traces(poll, by=request.user)

    voiding = moving(request, poll, act, over=poll.roll.all(), then=Then(str(CLEARING), clear))
    return take(request, poll, voiding, form, second)


@step(
    "wipe",
    _("清除演练"),
    _("删除这次演练的名册、表决票、结果和操作记录，不能恢复。代表和投票卡保留。"),
    who=roles.is_office,
    phases=EVERY,
    fits=is_rehearsal,
)
def wipe(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act(_watch: Watch) -> Done:
        rehearsal.wipe_rehearsal(poll, by=request.user)
        return Done(str(LIST), [note(gettext("演练已清除。"))])

    return take(request, poll, moving(request, poll, act, over=poll.roll.all()))
