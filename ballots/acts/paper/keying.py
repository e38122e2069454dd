"""Keying papers: two people read each by themselves; what they differ in or doubt is settled.

Papers lie in bundles, so that several pairs work side by side. What was read is kept until all of it
is sealed, and is nobody's vote by name: a paper has a bundle and a place, no person (design §5.8).
"""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.facts.paper.given import papers_of
from ballots.facts.paper.keyed import Bundle, mac_of
from ballots.facts.polls import candidates
from ballots.models import PaperBundle, PaperReading, rules_of
from ballots.pure import keying
from ballots.pure.rules import Selection, faults
from ballots.refusal import (
    REASON_LIMIT,
    Refusals,
    demand_any_office,
    demand_independent,
    demand_phase,
    locked,
)
from projects.models import Poll
from yiwu_vote.texts import typed_within

refused = Refusals(
    {
        "not-closed": _("没有保存：只有截止投票后、开箱前可以录入纸质票。"),
        "not-counted": _("没有保存：请先清点并宣布纸质票的发出和收回张数。"),
        "sealed": _("没有保存：纸质票已经封存入箱。"),
        "more-returned": _("没有办理：收回的纸质票多于发出的，本次表决无效，请宣布本次票决作废。"),
        "no-bundle": _("没有可以录入的：每一扎都已由两人领取，或您已录入其中一遍。"),
        "not-yours": _("没有保存：这一扎不由您录入。"),
        "taken": _("没有保存：这一扎刚刚由另一人领取，请换一扎。"),
        "no-place": _("没有保存：这一扎没有这一张。"),
        "settled": _("没有保存：这一张由总监票人认定过。需要更改的，请总监票人重新认定。"),
        "faults": _("没有保存：所录内容不符合票决规则。票面确实如此的，请勾选“有疑问”。"),
        "doubt-too-long": _("没有保存：说明不能超过%(limit)d字，请缩短。"),
        "not-chief": _("没有保存：污损、有疑问的票由总监票人认定。"),
        "nothing-to-rule": _("没有保存：这一张没有疑问，两人录入不同的，请两人各自核对票面。"),
    }
)


@transaction.atomic
def take_bundle(poll: Poll, *, by: User, number: int | None = None) -> tuple[PaperBundle, int]:
    """Give `by` the bundle `number`, or the next that lacks a reader; return it and his side.

    Nobody reads a bundle twice, nor beside somebody as whom he could sign. Who has begun one gets
    it again. Raises Refused.
    """
    demand_any_office(by)
    poll = _ready(poll)
    rows = list(poll.bundles.select_related("first", "second"))
    for row in rows:
        side = side_of(row, by)
        if side and number in {None, row.number} and _has_more(row, side):
            return row, side
    for row in rows:
        if number not in {None, row.number} or side_of(row, by):
            continue
        if row.first is None:
            row.first = by
            row.save(update_fields=["first"])
            return row, keying.FIRST
        if row.second is None:
            demand_independent(by, row.first)
            row.second = by
            row.save(update_fields=["second"])
            return row, keying.SECOND
    if number is not None:
        raise refused("taken")
    raise refused("no-bundle")


def side_of(bundle: PaperBundle, user: User) -> int:
    """Return on which side `user` reads `bundle`; 0 where on none."""
    if bundle.first_id == user.pk:
        return keying.FIRST
    return keying.SECOND if bundle.second_id == user.pk else 0


def _has_more(bundle: PaperBundle, side: int) -> bool:
    return bundle.readings.filter(side=side).count() < bundle.size


@transaction.atomic
def record_reading(
    poll: Poll, *, bundle: int, place: int, read: keying.Read, by: User
) -> keying.State:
    """Keep what `by` has read on the paper at `place` of a bundle; return how far that paper is.

    He may correct it for as long as the papers are not sealed. Without a doubt it must be a legal
    ballot: refused("faults") else, with the faults. What the other one has read is not looked at.
    """
    demand_any_office(by)
    poll = _ready(poll)
    row = _bundle(poll, bundle, place)
    side = side_of(row, by)
    if not side:
        raise refused("not-yours")
    if row.readings.filter(place=place, side=keying.RULED).exists():
        raise refused("settled")
    _keep(poll, row, place, side, _whole(poll, read), by)
    return _state(row, place)


@transaction.atomic
def rule_paper(poll: Poll, *, bundle: int, place: int, read: keying.Read, by: User) -> keying.State:
    """Rule as the chief scrutineer on a spoilt or doubtful paper: what stands on it, or why it is invalid.

    Where one confirms alone any scrutineer is the chief. He may rule again until the papers are
    sealed. Raises Refused.
    """
    if not (roles.is_chief(by) or (poll.confirmers == 1 and roles.is_scrutineer(by))):
        raise refused("not-chief")
    demand_any_office(by)
    poll = _ready(poll)
    row = _bundle(poll, bundle, place)
    has_ruling = row.readings.filter(place=place, side=keying.RULED).exists()
    if not has_ruling and _state(row, place) != "doubtful":
        raise refused("nothing-to-rule")
    _keep(poll, row, place, keying.RULED, _whole(poll, read), by)
    return _state(row, place)


def _whole(poll: Poll, read: keying.Read) -> keying.Read:
    """Return `read` in the form in which it is kept, or raise what is wrong with it."""
    doubt = typed_within(read.doubt, REASON_LIMIT)
    if len(doubt) > REASON_LIMIT:
        raise refused("doubt-too-long", limit=REASON_LIMIT)
    if doubt:
        # What stands on a doubtful paper is for the chief scrutineer to say.
        return keying.Read(Selection(), doubt)
    wrong = faults(read.selection, rules_of(poll), candidates(poll))
    if wrong:
        raise refused("faults", faults=wrong)
    return read


def _keep(poll: Poll, row: PaperBundle, place: int, side: int, read: keying.Read, by: User) -> None:
    reading = row.readings.filter(place=place, side=side).first()
    reading = reading or PaperReading(bundle=row, place=place, side=side)
    reading.by = by
    for column, value in read.as_data().items():
        setattr(reading, column, value)
    reading.mac = mac_of(poll, row, reading)
    reading.save()


def _state(row: PaperBundle, place: int) -> keying.State:
    return Bundle.of(row).state(place)


def _bundle(poll: Poll, number: int, place: int) -> PaperBundle:
    row = poll.bundles.filter(number=number).first()
    if row is None or not 1 <= place <= row.size:
        raise refused("no-place")
    return row


def _ready(poll: Poll) -> Poll:
    """Return `poll` under its lock, closed, with its papers counted and not sealed yet."""
    poll = locked(poll)
    papers = papers_of(poll)
    if papers.sealed:
        raise refused("sealed")
    demand_phase(poll, Poll.Phase.CLOSED, code="not-closed", words=refused)
    if papers.returned is None:
        raise refused("not-counted")
    if papers.are_too_many:
        raise refused("more-returned")
    return poll
