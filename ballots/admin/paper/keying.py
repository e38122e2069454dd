"""Keying the papers, as pages: bundles, one paper a screen, what two differ in, what is ruled.

Nobody is shown what the other one reads before both have read that paper (design §5.8).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts.paper import keying
from ballots.admin.guard import Day, StaffRequest, address, posted, show, step, take
from ballots.admin.paper.reading import ReadForm, lists_of, marks_of
from ballots.facts.paper.keyed import Bundle, bundles_of
from ballots.facts.polls import candidates
from ballots.pure.keying import FIRST, RULED, SECOND, Read
from projects.models import Poll

CLOSED = frozenset({Poll.Phase.CLOSED})


def can_be_keyed(day: Day) -> bool:
    """Tell whether the papers are counted and not in the box yet."""
    papers = day.papers
    return papers.are_out and papers.returned is not None and not papers.are_too_many


# --- the bundles ----------------------------------------------------------------------------------


@step(
    "key-papers",
    _("录入纸质票"),
    _("每扎至多25张，由两人各自独立录入，几组人可以同时进行。"),
    who=roles.has_office,
    phases=CLOSED,
    fits=can_be_keyed,
)
def key_papers(request: StaffRequest, poll: Poll) -> HttpResponse:
    """How far each bundle is, without any choice; posted, the next one that lacks a reader."""

    def act() -> HttpResponse:
        row, side = keying.take_bundle(poll, by=request.user)
        return redirect(_at(poll, row.number, Bundle.of(row).next_place(side) or 1))

    bundles = [_progress(poll, bundle, request.user) for bundle in bundles_of(poll)]
    context = {
        "bundles": bundles,
        "read": sum(bundle["read"] for bundle in bundles),
        "papers": request.day.papers,
        "rules_here": may_rule(poll, request.user),
        "doubtful": sum(bundle["doubtful"] for bundle in bundles),
        "is_scrutineer": roles.is_scrutineer(request.user),
    }
    return take(request, poll, act, button=gettext("领一扎"), **context)


def _progress(poll: Poll, bundle: Bundle, user: User) -> dict[str, Any]:
    """Return how far a bundle is and who reads it; nothing of what was read."""
    row, states = bundle.row, bundle.states
    side = keying.side_of(row, user)
    place = bundle.next_place(side) if side else None
    return {
        "number": row.number,
        "size": row.size,
        "readers": [
            {"name": roles.named(reader), "count": _count(bundle, at)} if reader else None
            for at, reader in ((FIRST, row.first), (SECOND, row.second))
        ],
        "read": states["read"],
        "differing": states["differs"],
        "doubtful": states["doubtful"],
        "is_mine": bool(side),
        "go_on": _at(poll, row.number, place) if place else "",
        "look_back": _at(poll, row.number, 1) if side and not place else "",
        "compare": _compare(poll, row.number) if side and states["differs"] else "",
    }


def _count(bundle: Bundle, side: int) -> int:
    return sum(side in reads for reads in bundle.reads.values())


def _at(poll: Poll, bundle: int, place: int, **more: str) -> str:
    query = {"bundle": bundle, "place": place} | more
    return f"{address(poll, 'key-paper')}?{urlencode(query)}"


def _compare(poll: Poll, bundle: int) -> str:
    return f"{address(poll, 'compare-papers')}?{urlencode({'bundle': bundle})}"


def _asked(request: StaffRequest, poll: Poll) -> tuple[Bundle | None, int]:
    """Return the bundle and the place that the address names; None and 1 where there are none."""
    number, place = (_number(request.GET.get(name, "")) for name in ("bundle", "place"))
    row = poll.bundles.filter(number=number).select_related("first", "second").first()
    bundle = Bundle.of(row) if row else None
    return bundle, place if bundle and place in bundle.places else 1


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 5 else 0


def _not_yours(request: StaffRequest, poll: Poll) -> HttpResponse:
    messages.error(request, str(keying.refused["not-yours"]))
    return redirect(address(poll, "key-papers"))


# --- one paper ------------------------------------------------------------------------------------


@step(
    "key-paper",
    _("录入一张"),
    _("请按票面录入，不看、不问另一人录入了什么。"),
    who=roles.has_office,
    phases=CLOSED,
    fits=can_be_keyed,
    listed=False,
)
def key_paper(request: StaffRequest, poll: Poll) -> HttpResponse:
    """One paper of one's own bundle; sent, the next one that one has not read."""
    bundle, place = _asked(request, poll)
    side = keying.side_of(bundle.row, request.user) if bundle else 0
    if bundle is None or not side:
        return _not_yours(request, poll)
    titles = candidates(poll)
    earlier = bundle.reads.get(place, {}).get(side)
    form = ReadForm(posted(request), poll=poll, titles=titles, read=earlier)
    number = bundle.row.number

    def act() -> HttpResponse:
        keying.record_reading(poll, bundle=number, place=place, read=form.read, by=request.user)
        messages.success(request, gettext("已保存第%(place)d张。") % {"place": place})
        if request.GET.get("back") == "compare":
            return redirect(_compare(poll, number))
        now, _place = _asked(request, poll)
        following = now.next_place(side) if now else None
        if following:
            return redirect(_at(poll, number, following))
        messages.success(request, gettext("第%(number)d扎您已录完。") % {"number": number})
        return redirect(address(poll, "key-papers"))

    own: list[dict[str, Any]] = [
        {
            "place": one,
            "address": _at(poll, number, one),
            "is_read": side in bundle.reads.get(one, {}),
        }
        for one in bundle.places
    ]
    context = {
        "bundle": bundle.row,
        "place": place,
        "own": own,
        "done": sum(one["is_read"] for one in own),
        "is_settled": RULED in bundle.reads.get(place, {}),
        "is_again": earlier is not None,
        "read": form,
    }
    return take(request, poll, act, form, **context)


# --- what two differ in ---------------------------------------------------------------------------


@step(
    "compare-papers",
    _("录入差异"),
    _("两人录入不同的，请一起看票面，各自更正自己的，直到一致。"),
    who=roles.has_office,
    phases=CLOSED,
    fits=can_be_keyed,
    listed=False,
)
def compare_papers(request: StaffRequest, poll: Poll) -> HttpResponse:
    """The papers of one's own bundle that both have read, and read differently."""
    bundle, _place = _asked(request, poll)
    side = keying.side_of(bundle.row, request.user) if bundle else 0
    if bundle is None or not side:
        return _not_yours(request, poll)
    other = SECOND if side == FIRST else FIRST
    titles, lists = candidates(poll), lists_of(poll)
    differing = [
        {
            "place": place,
            "mine": marks_of(reads[side], titles, lists, other=reads[other]),
            "others": marks_of(reads[other], titles, lists, other=reads[side]),
            "correct": _at(poll, bundle.row.number, place, back="compare"),
        }
        for place, reads in sorted(bundle.reads.items())
        if bundle.state(place) == "differs"
    ]
    reader = bundle.row.second if side == FIRST else bundle.row.first
    context = {
        "step": request.step,
        "bundle": bundle.row,
        "differing": differing,
        "other": roles.named(reader),
        "waiting": bundle.row.size - len(differing) - bundle.states["read"],
    }
    return show(request, poll, request.step.template, request.step.label, context)


# --- what the chief scrutineer rules ----------------------------------------------------------------


def may_rule(poll: Poll, user: User) -> bool:
    """Tell whether `user` rules on doubtful papers, as the act asks it."""
    return roles.is_chief(user) or (poll.confirmers == 1 and roles.is_scrutineer(user))


@step(
    "rule-papers",
    _("认定有疑问的票"),
    _("请当众看票面，逐张认定：按票面应为哪些项目，或者无效及其理由。"),
    who=roles.is_scrutineer,
    phases=CLOSED,
    fits=can_be_keyed,
    listed=False,
)
def rule_papers(request: StaffRequest, poll: Poll) -> HttpResponse:
    """One doubtful paper after the other: what two saw on it, and what it is to be."""
    if not may_rule(poll, request.user):
        raise PermissionDenied
    asked, place = _asked(request, poll)
    bundles = bundles_of(poll)
    doubtful = [
        (bundle, at)
        for bundle in bundles
        for at in bundle.places
        if RULED in bundle.reads.get(at, {}) or bundle.state(at) == "doubtful"
    ]
    open_ones = [(bundle, at) for bundle, at in doubtful if RULED not in bundle.reads[at]]
    shown = next(
        (one for one in doubtful if asked and one[0].row == asked.row and one[1] == place),
        next(iter(open_ones), None),
    )
    ruled = [
        {"bundle": bundle.row.number, "place": at, "address": _ruling(poll, bundle, at)}
        for bundle, at in doubtful
        if RULED in bundle.reads[at]
    ]
    context: dict[str, Any] = {"open": len(open_ones), "ruled": ruled}
    if shown is None:
        whole = {"step": request.step, "shown": None, **context}
        return show(request, poll, request.step.template, request.step.label, whole)
    bundle, at = shown
    if asked is None:
        # What was read stands on no page that is compressed: one with something behind “?” is not.
        return redirect(_ruling(poll, bundle, at))
    reads, titles = bundle.reads[at], candidates(poll)
    form = ReadForm(
        posted(request), poll=poll, titles=titles, read=reads.get(RULED), is_ruling=True
    )

    def act() -> HttpResponse:
        number = bundle.row.number
        keying.rule_paper(poll, bundle=number, place=at, read=form.read, by=request.user)
        words = gettext("已认定第%(bundle)d扎第%(place)d张。")
        messages.success(request, words % {"bundle": number, "place": at})
        return redirect(address(poll, "rule-papers"))

    context |= {
        "shown": {"bundle": bundle.row, "place": at, "address": _ruling(poll, bundle, at)},
        "seen": _seen(reads, titles, form.lists),
        "read": form,
    }
    return take(request, poll, act, form, **context, button=gettext("认定"))


def _ruling(poll: Poll, bundle: Bundle, place: int) -> str:
    query = urlencode({"bundle": bundle.row.number, "place": place})
    return f"{address(poll, 'rule-papers')}?{query}"


def _seen(
    reads: Mapping[int, Read], titles: Mapping[int, str], lists: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return what each of the two saw on a paper."""
    return [
        {"who": who, "marks": marks_of(reads[side], titles, lists)}
        for side, who in ((FIRST, gettext("第一人")), (SECOND, gettext("第二人")))
        if side in reads
    ]
