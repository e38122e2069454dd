"""The life of a poll: the only module that moves it from one phase to the next (design §3.1).

Each step is one function, one transaction and one journal entry; a step out of order raises.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots import journal, roles
from ballots.acts import unsealing
from ballots.acts.year.adopting import adopt_published
from ballots.facts import counting, database, keyed, preflight, turnout
from ballots.facts.findings import blocks, some
from ballots.facts.frozen import (
    PARTS,
    Looked,
    frozen,
    frozen_voters,
    looked_at,
    staff_of,
    unlike_record,
)
from ballots.facts.kept import is_on_record
from ballots.facts.outcome import (
    Outcome,
    graded_items,
    is_for_chief,
    listed,
    outcome_of,
    standing_result,
)
from ballots.facts.paper import given
from ballots.facts.rulings import are_as_signed
from ballots.models import (
    BallotBox,
    Confirmation,
    Envelope,
    PaperBundle,
    Register,
    Result,
    rules_of,
)
from ballots.pure import sealing
from ballots.pure.figures import Figures, could_change, is_found_again
from ballots.pure.progress import Watch, unwatched
from ballots.refusal import (
    Refusals,
    demand_any_office,
    demand_independent,
    demand_office,
    demand_reason,
    demand_scrutineer,
    demand_second,
    locked,
)
from projects.models import Poll
from projects.phases import DRAFT, FAILED, MOVES

refused = Refusals(
    {
        "not-scrutineer": _("只有监票人可以复核。"),
        "incomplete": _("开始投票前检查没有全部通过。"),
        "time-is-up": _(
            "表决时间已到，恢复后也不能提交。请先延长截止时间，再恢复投票；不延长的，请截止投票。"
        ),
        "not-durable": _("数据库的设置不能保证断电不丢票，不能恢复投票。请联系技术人员。"),
        "changed-since": _(
            "没有开始投票：您打开本页之后，%(what)s有变动。本页已经更新，请重新核对后再按“开始投票”。"
        ),
        "not-announced": _("没有截止：还有%(count)d名代表没有投票，请在主持人宣布截止后办理。"),
        "papers-out": _("没有开箱：发出的%(count)d张纸质票还没有封存入箱。请先清点、录入并封存。"),
        "more-returned": _("没有开箱：收回的纸质票多于发出的，本次表决无效，请宣布本次票决作废。"),
        "keyer-confirms": _("录入纸质票的人不能复核，请由其他监票人复核。"),
        "not-declared": _("没有开箱：请在主持人宣布本次表决有效后办理。"),
        "figure-moved": _("已投票人数已变为%(count)d，请核对后重新输入。"),
        "figure-wrong": _("输入的数字与页面上的不符，请核对后重新输入。"),
        "unlike-record": _(
            "没有办理：%(what)s与操作记录不符，请联系技术人员；查不清的，请宣布本次票决作废。"
        ),
        "unlike-canvass": _(
            "没有办理：推荐项目的处理与归并结束时两人签名的不符，请联系技术人员；"
            "查不清的，请宣布本次票决作废。"
        ),
        "unlike-count": _(
            "没有办理：票决结果与计票时的记录不符，请联系技术人员；查不清的，请宣布本次票决作废。"
        ),
        "canvass-open": _("推荐项目尚未归并完毕，不能计票。"),
        "counter-confirms": _("计票与复核须由不同人员完成。"),
        "confirmed-before": _("您已复核过这次计票。"),
        "checks-fail": _("核对不通过，结果不能公布，请联系技术人员。"),
        "figures-changed": _("复核时重新计票的数据与原数据不一致，请联系技术人员。"),
        "chief-needed": _("复核人中须有总监票人，请由总监票人复核。"),
        "confirmer-publishes": _("公布人不能是复核人。"),
        "unsettled": _("还有%(count)d项没有确定，请先按票决办法处理，或确认不再补足。"),
        "second-round-runs": _("再次票决或补充票决已经开始，请等它揭晓完毕，或先宣布它作废。"),
        "second-round-out": _("再次票决或补充票决的结果已经公布，原票决不能再作废，请公布原票决。"),
        "second-round-exists": _("再次票决或补充票决已经开始，请先宣布它作废。"),
        "key-changed": _(
            "没有开箱：票箱公钥与开始投票时记录的不符，请立即联系技术人员，查明原因后再办理。"
        ),
        "not-empty": _(
            "没有开始投票：票箱或名册上已有本次票决的表决票或投票标记，请联系技术人员。"
        ),
        "box-unlike-roll": _(
            "没有截止：票箱中的表决票与名册上的投票标记数不一致%(who)s，请联系技术人员；"
            "查不清的，请宣布本次票决作废。"
        ),
        "fewer-than-before": _(
            "没有截止：现有表决票%(now)d张，而暂停时有%(before)d张，请联系技术人员；"
            "查不清的，请宣布本次票决作废。"
        ),
        "other-server-key": _(
            "没有截止：SECRET_KEY与开始投票时的不同，无法核对表决票。请恢复原来的设置后再截止；"
            "已经遗失的，请宣布本次票决作废。"
        ),
        "unproven": _(
            "没有截止：%(count)d名代表的表决票无法证明由本系统收下（%(who)s）。"
            "请先查明原因。经主席团决定，可由总监票人签名，将其封存、不予开启后截止。"
        ),
        "second-needed": _("封存表决票须由总监票人签名。"),
        "reason-needed": _("封存表决票须写明主席团的决定。"),
        "set-apart-decides": _(
            "不能复核：有%(count)d张表决票封存未开启，足以改变结果，只能宣布本次票决作废。"
        ),
    }
)


# --- voting ---------------------------------------------------------------------------------------


@transaction.atomic
def open_poll(poll: Poll, *, by: User, looked: Looked | None = None) -> Poll:
    """Open the vote; from now on candidates, rules and roll are frozen and their hashes recorded.

    `looked` is what the person read on the page: if anything of it has changed meanwhile, presence
    that only rose excepted, refused("changed-since") says what. A command goes without. Raises
    refused("incomplete") while the pre-flight list has a ✗.
    """
    demand_office(by)
    # Whoever is changing the register at this moment is waited for: the roll must be like it.
    Register.objects.locked()
    if poll.parent is not None:
        # What a second round settles must not be decided or published at the same moment.
        locked(poll.parent)
    poll = _ready(poll, "open")
    changed = looked.changed_in(looked_at(poll)) if looked is not None else []
    if changed:
        raise refused("changed-since", what="、".join(str(PARTS[name]) for name in changed))
    if blocks(preflight.what_is_missing(poll)):
        raise refused("incomplete")
    if poll.envelopes.exists() or poll.roll.filter(voted=True).exists():
        raise refused("not-empty")
    numbers = list(poll.projects.values_list("number", flat=True))
    poll.box.ballot_size = sealing.padded_size(rules_of(poll), numbers)
    poll.box.save(update_fields=["ballot_size"])
    _move(poll, "open", opened_at=timezone.now())
    # In an entry of its own, for it stays out of the public package.
    staff, digest = staff_of(poll)
    journal.append(poll, journal.Kind.STAFF_LISTED, by=by, data=staff)
    journal.append(poll, journal.Kind.OPENED, by=by, data=frozen(poll, digest))
    return poll


@transaction.atomic
def pause_poll(poll: Poll, *, reason: str, by: User) -> Poll:
    """Take no ballots for a while; what delegates have filled in stays on their phones."""
    demand_office(by)
    reason = demand_reason(reason)
    poll = _ready(poll, "pause")
    _move(poll, "pause")
    data = {"reason": reason, "voted": poll.roll.filter(voted=True).count()}
    journal.append(poll, journal.Kind.PAUSED, by=by, data=data)
    return poll


@transaction.atomic
def resume_poll(poll: Poll, *, by: User) -> Poll:
    """Take ballots again after a pause.

    Raises refused("time-is-up") where the deadline has passed meanwhile: nobody could vote. And
    refused("not-durable"), as the opening does, where a ballot would not survive a power cut.
    """
    demand_office(by)
    poll = _ready(poll, "resume")
    if poll.closes_at is not None and poll.closes_at <= database.now():
        raise refused("time-is-up")
    if not database.writes_are_durable():
        raise refused("not-durable")
    _move(poll, "resume")
    journal.append(poll, journal.Kind.RESUMED, by=by)
    return poll


@transaction.atomic
def close_poll(
    poll: Poll,
    *,
    by: User,
    voted: int | None = None,
    announced: bool | None = None,
    decision: str = "",
    second: User | None = None,
    watch: Watch = unwatched,
) -> Poll:
    """Close the vote: wait for running casts, take the names off, shuffle by receipt (design §5.4).

    `voted` is the figure the person read on the page; if it has moved meanwhile, nothing happens
    and refused("figure-moved") says the new one. `announced` is whether he says that the chair has
    announced the end: while somebody may still vote, refused("not-announced") without it, and it
    stands on record. Each mark, envelope and card proves itself first; whose cannot is named by
    refused("unproven"), and set apart unopened where the presidium's `decision` is signed by the
    chief scrutineer, `second`. `storage.rewrite_storage` belongs after this step.
    """
    demand_office(by)
    poll = _ready(poll, "close")
    marks = poll.roll.filter(voted=True).count()
    if voted is not None and voted != marks:
        raise refused("figure-moved", count=marks)
    figures = turnout.turnout_of(poll)
    if announced is False and not turnout.is_complete(poll, figures):
        raise refused("not-announced", count=figures.waiting)
    doubts = _doubts(poll, marks, watch)
    if doubts:
        if not decision.strip() and second is None:
            raise refused("unproven", count=len(doubts), who=_who(doubts))
        decision = demand_reason(decision, words=refused)
        second = _demand_chief(poll, by, second)
        journal.append(
            poll,
            journal.Kind.SET_APART,
            by=by,
            second=second,
            data={
                "decision": decision,
                "people": [[doubt.number, doubt.name, doubt.why] for doubt in doubts],
            },
        )
    _move(poll, "close", closed_at=timezone.now())
    ballots, root = _strip(poll, [doubt.entry for doubt in doubts])
    papers = {"papers": figures.papers} if figures.papers else {}
    if papers:
        # Until these lie in the box, too.
        salt = secrets.token_hex(16)
        BallotBox.objects.filter(poll=poll).update(paper_salt=salt)
        root = sealing.salted_root(root, salt)
    if ballots != marks:
        raise refused("box-unlike-roll", who="")
    # An entry of its own, for it stays out of the public package, where few would be found by trying.
    journal.append(poll, journal.Kind.VOTERS_HASHED, by=by, data={"voters": frozen_voters(poll)})
    journal.append(
        poll,
        journal.Kind.CLOSED,
        by=by,
        second=second if doubts else None,
        data={
            "ballots": ballots,
            "set_apart": len(doubts),
            "voted": marks,
            "present": figures.present,
            "receipts": root,
        }
        | papers
        | ({"announced": True} if announced else {}),
    )
    return poll


def _doubts(poll: Poll, marks: int, watch: Watch) -> list[keyed.Doubt]:
    """Return who cannot prove that he has voted as it stands; raises where nothing can be set apart."""
    if keyed.key_of_opening(poll) not in {None, keyed.key_check()}:
        raise refused("other-server-key")
    doubts = list(keyed.doubts(poll, watch))
    unequal = [doubt for doubt in doubts if doubt.why in keyed.UNEQUAL]
    if unequal:
        raise refused("box-unlike-roll", who=f"（{_who(unequal)}）")
    pauses = poll.journal.filter(kind=journal.Kind.PAUSED)
    # A pause of an earlier version has not counted.
    before = max((entry.data.get("voted", 0) for entry in pauses), default=0)
    if marks < before:
        raise refused("fewer-than-before", now=marks, before=before)
    return doubts


def _who(doubts: Sequence[keyed.Doubt]) -> str:
    return some([str(doubt) for doubt in doubts], most=10, between="；")


def _demand_chief(poll: Poll, by: User, second: User | None) -> User:
    """Return the chief scrutineer who signs; where one confirms alone, any scrutineer is the chief."""
    second = demand_second(by, second, words=refused)
    if poll.confirmers > 1 and not roles.is_chief(second):
        raise refused("second-needed")
    return second


# So many ballots are set apart by one statement; the values of one are limited.
APART = 500
# Without a name, a token or anything else of whose it was. Raw, for no ORM copies rows from table to
# table: as objects 100,000 of them took 1.5 GB and most of the time in which casts wait for the lock.
# The sign before the column bars its index, so that SQLite walks along that of the receipts: it
# would else sort on disk, in lumps that come in the order of the roll.
STRIP = """
INSERT INTO ballots_sealedballot (receipt, poll_id, code, sealed, set_apart)
SELECT receipt, poll_id, code, sealed, {apart} FROM ballots_envelope
 WHERE +poll_id = %s{which} ORDER BY receipt
"""


def _strip(poll: Poll, apart: Sequence[int] = ()) -> tuple[int, str]:
    """Replace the envelopes by nameless sealed ballots in order of receipt.

    Those of the roll entries `apart` are marked as never to be opened. Returns how many there are, and
    the root of their receipts. The order of receipts is that of SHA-256, which knows nothing of when
    or by whom.
    """
    with connection.cursor() as cursor:
        for start in range(0, len(apart), APART):
            entries = list(apart[start : start + APART])
            which = f" AND roll_entry_id IN ({', '.join(['%s'] * len(entries))})"
            cursor.execute(STRIP.format(apart="TRUE", which=which), [poll.pk, *entries])
            Envelope.objects.filter(pk__in=entries).delete()
        cursor.execute(STRIP.format(apart="FALSE", which=""), [poll.pk])
    Envelope.objects.filter(poll=poll).delete()
    receipts = poll.sealed_ballots.order_by("receipt").values_list("receipt", flat=True)
    return receipts.count(), sealing.receipts_root(receipts.iterator())


# --- the box --------------------------------------------------------------------------------------


@transaction.atomic
def open_box(
    poll: Poll,
    *,
    texts: Sequence[str],
    by: User,
    declared: bool | None = None,
    watch: Watch = unwatched,
) -> Poll:
    """Open every sealed ballot with the typed shares; each is valid or invalid with a reason.

    Ballots are written in the order of fresh random keys, proposals as distinct texts with random
    numbers. Nothing is counted (design §3.3); where nobody proposed anything there is nothing to
    rule on either, and the count comes next. `declared` is whether the person says that the chair
    has declared the vote valid: refused("not-declared") where he was asked and does not, and it
    stands on record. Raises Refused.
    """
    demand_any_office(by)
    poll = _ready(poll, "box")
    papers = given.papers_of(poll)
    if papers.are_too_many:
        raise refused("more-returned")
    if papers.are_out:
        raise refused("papers-out", count=papers.issued)
    if declared is False:
        raise refused("not-declared")
    if not is_on_record(poll.pk, bytes(poll.box.public_key)):
        raise refused("key-changed")
    contents = unsealing.unseal(poll, texts, watch)
    _move(poll, "box")
    write_ins = unsealing.write(poll, contents)
    journal.append(
        poll,
        journal.Kind.BOX_OPENED,
        by=by,
        data={
            "ballots": len(contents.ballots),
            "invalid": contents.invalid,
            "write_ins": write_ins,
        }
        | ({"declared": True} if declared else {}),
    )
    _skip_empty_canvass(poll, by)
    return poll


def _skip_empty_canvass(poll: Poll, by: User) -> None:
    """Put on record that there is nothing to canvass, where proposals are off or none came."""
    if not poll.write_ins.exists():
        BallotBox.objects.filter(poll=poll).update(canvassed=True)
        journal.append(poll, journal.Kind.CANVASS_SKIPPED, by=by)


# --- the count ------------------------------------------------------------------------------------


@transaction.atomic
def count_poll(poll: Poll, *, by: User, watch: Watch = unwatched) -> Result:
    """Count the ballots and freeze the figures; only after the canvass is closed (design §3.3)."""
    demand_office(by)
    poll = _ready(poll, "count")
    if not poll.box.canvassed:
        raise refused("canvass-open")
    _demand_as_on_record(poll)
    # Salted: the digest is public, and without a salt few votes could be found by trying.
    figures: Figures = {**counting.figures(poll, watch), "salt": secrets.token_hex(16)}
    result = Result.objects.create(
        poll=poll,
        stored=dict(figures),
        digest=counting.digest(figures),
        counted_at=timezone.now(),
        counted_by=by,
    )
    _move(poll, "count")
    journal.append(
        poll, journal.Kind.COUNTED, by=by, data={"result": result.digest, "votes": _votes(figures)}
    )
    return result


def _counted(poll: Poll) -> Result:
    """Return the result that stands; raises Refused where somebody took it away past our code."""
    try:
        return standing_result(poll)
    except Result.DoesNotExist:
        raise refused("unlike-count") from None


@transaction.atomic
def confirm_result(poll: Poll, *, by: User, watch: Watch = unwatched) -> Result:
    """Confirm the count as a scrutineer; the last of the confirmers needed moves the poll on.

    Counts again, by both roads, and refuses if any figure or check differs. The one who counted
    never confirms; of two confirmers one is the chief scrutineer (design §4.4).
    """
    demand_scrutineer(by, words=refused)
    poll = _ready(poll, "confirm")
    result = _counted(poll)
    if by == result.counted_by:
        raise refused("counter-confirms")
    if by.get_username() in given.keyers_of(poll):
        raise refused("keyer-confirms")
    if result.confirmations.filter(by=by).exists():
        raise refused("confirmed-before")
    _demand_as_on_record(poll, result)
    if not all(check["holds"] for check in result.figures["checks"]):
        raise refused("checks-fail")
    if not _still_holds(poll, result, watch):
        raise refused("figures-changed")
    apart = poll.sealed_ballots.filter(set_apart=True).count()
    if could_change(result.figures, apart):
        raise refused("set-apart-decides", count=apart)
    for confirmation in result.confirmations.select_related("by"):
        demand_independent(by, confirmation.by)
    if is_for_chief(poll, result) and not roles.is_chief(by):
        raise refused("chief-needed")
    number = result.confirmations.count() + 1
    Confirmation.objects.create(result=result, by=by, chief=roles.is_chief(by))
    journal.append(
        poll,
        journal.Kind.CONFIRMED,
        by=by,
        data={"result": result.digest, "number": number},
    )
    if number >= poll.confirmers:
        _move(poll, "confirm")
    return result


@transaction.atomic
def send_back(poll: Poll, *, reason: str, by: User) -> Poll:
    """Send the count back to the canvass with a reason; its totals stay on record."""
    demand_scrutineer(by, words=refused)
    reason = demand_reason(reason)
    poll = _ready(poll, "send-back")
    result = _counted(poll)
    Result.objects.filter(pk=result.pk).update(sent_back=reason)
    BallotBox.objects.filter(poll=poll).update(canvassed=False)
    _move(poll, "send-back")
    journal.append(
        poll,
        journal.Kind.SENT_BACK,
        by=by,
        data={
            "result": result.digest,
            "reason": reason,
            "votes": _votes(result.figures),
        },
    )
    _skip_empty_canvass(poll, by)
    return poll


@transaction.atomic
def publish_result(
    poll: Poll,
    *,
    by: User,
    adopted: int | None = None,
    leave_open: bool = False,
    at_once: bool = False,
) -> Result:
    """Publish a confirmed result and open the first step of the hall's reveal; not to be taken back.

    `adopted` is the number of projects that fill a place, or of those graded 满意, as the person read
    it on the page. Open places must be settled (design §4.3) or left open knowingly (`leave_open`).
    `at_once` goes to the last step of the reveal, where there is no hall to show it to.
    """
    demand_office(by)
    poll = _ready(poll, "publish")
    _counted(poll)
    outcome = outcome_of(poll)
    if outcome.result.confirmations.filter(by=by).exists():
        raise refused("confirmer-publishes")
    _demand_as_on_record(poll, outcome.result)
    decided = journal.said(poll, journal.Kind.DECIDED, "items")[-1:]
    if decided != ([outcome.decision.items] if outcome.decision else []):
        raise refused("unlike-record", what=_("会议决定"))
    if adopted is not None and adopted != outcome.announced:
        raise refused("figure-wrong")
    if outcome.round_runs:
        raise refused("second-round-runs")
    if not outcome.is_settled and not leave_open:
        raise refused("unsettled", count=outcome.open_places)
    Result.objects.filter(pk=outcome.result.pk).update(published_by=by)
    now = timezone.now()
    _move(poll, "publish", published_at=now, revealed_at=now if at_once else None)
    journal.append(
        poll,
        journal.Kind.PUBLISHED,
        by=by,
        data={
            "result": outcome.result.digest,
            "projects": _announced(outcome),
            "left_open": outcome.open_places,
            "at_once": at_once,
        },
    )
    adopt_published(outcome, by=by)
    return outcome.result


def _announced(outcome: Outcome) -> list[list[str]]:
    """Return key, title and how it ended of what is published, in the order of the list.

    That order tells nothing of the votes. Of a 满意度测评 each item with its grade.
    """
    if outcome.poll.is_graded:
        return [list(row) for row in graded_items(outcome.result)]
    return [[place.key, place.title, place.how] for place in listed(outcome.filled)]


def _still_holds(poll: Poll, result: Result, watch: Watch) -> bool:
    """Count again and compare all but the journal's length, which has grown since."""
    fresh = counting.figures(poll, watch)
    return is_found_again(result.stored, fresh) and all(check["holds"] for check in fresh["checks"])


def _votes(figures: Figures) -> list[tuple[str, str, *tuple[int, ...]]]:
    """Return key, title and votes of each item; in a 满意度测评 the votes of all three grades."""
    return [
        (
            *(item["item"], item["title"], item["votes"]),
            *((item["fair"], item["against"]) if "fair" in item else ()),
        )
        for item in figures["items"]
    ]


def _demand_as_on_record(poll: Poll, result: Result | None = None) -> None:
    """Look back before anything is built on it: at the opening, the canvass and the count.

    Triggers hold all of it against accidents; whoever can lift them is named here, and not only by
    the verifier afterwards.
    """
    changed = unlike_record(poll)
    if changed:
        raise refused("unlike-record", what="、".join(str(PARTS[name]) for name in changed))
    if not are_as_signed(poll):
        raise refused("unlike-canvass")
    if result is None:
        return
    counted = journal.said(poll, journal.Kind.COUNTED, "result")[-1:]
    if [result.digest] != counted or counting.digest(result.stored) != result.digest:
        raise refused("unlike-count")


# --- ends without a result ------------------------------------------------------------------------


@transaction.atomic
def void_poll(poll: Poll, *, reason: str, by: User, second: User | None) -> Poll:
    """Declare the poll void (作废) by two people; its box stays closed for good (design §3.5)."""
    demand_office(by)
    reason = demand_reason(reason)
    second = demand_second(by, second)
    poll = _ready(poll, "void")
    rounds = poll.children.exclude(phase__in=DRAFT | FAILED)
    if rounds.filter(phase=Poll.Phase.PUBLISHED).exists():
        raise refused("second-round-out")
    if rounds.exists():
        raise refused("second-round-exists")
    before = poll.phase
    _move(poll, "void", closed_at=poll.closed_at or timezone.now())
    ballots, root = _strip(poll)
    PaperBundle.objects.filter(poll=poll).delete()
    data = {"reason": reason, "phase": before}
    if ballots:
        data["receipts"] = root
    journal.append(poll, journal.Kind.VOIDED, by=by, second=second, data=data)
    return poll


@transaction.atomic
def drop_draft(poll: Poll, *, reason: str, by: User, second: User | None) -> Poll:
    """Put aside a draft on which something is on record; its row and its record stay (design §3.5).

    From its first entry on two people sign, with a reason. Its roll goes, for nothing hangs on it
    and nobody on it is to be held by a poll that never was; candidates, recommendations and the
    public half of its key stay, of no more use to anybody.
    """
    demand_office(by)
    poll = _ready(poll, "drop")
    if poll.journal.exists():
        reason = demand_reason(reason)
        second = demand_second(by, second)
    data = {
        "reason": reason.strip(),
        "candidates": poll.projects.count(),
        "recommendations": poll.recommendations.count(),
        "on_roll": poll.roll.count(),
        "present": poll.roll.filter(present=True).count(),
    }
    poll.roll.all().delete()
    _move(poll, "drop", screen_key=None)
    journal.append(poll, journal.Kind.DRAFT_DROPPED, by=by, second=second, data=data)
    return poll


# --- shared ---------------------------------------------------------------------------------------


def _ready(poll: Poll, step: str) -> Poll:
    """Return `poll` under its lock, in a phase from which it may take `step`."""
    return locked(poll, *MOVES[step].before)


def _move(poll: Poll, step: str, **columns: Any) -> None:
    poll.phase = MOVES[step].after
    for column, value in columns.items():
        setattr(poll, column, value)
    poll.save(update_fields=["phase", *columns])
