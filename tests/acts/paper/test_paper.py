"""Paper ballots: given out once, keyed twice, sealed into the one box, and then like any other."""

from itertools import combinations
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from ballots import journal
from ballots.acts import lifecycle, roll
from ballots.acts.paper import issuing, keying
from ballots.facts import turnout
from ballots.facts.paper.given import papers_of
from ballots.facts.paper.keyed import bundles_of
from ballots.models import (
    Ballot,
    BallotBox,
    PaperBundle,
    PaperReading,
    RollEntry,
    SealedBallot,
)
from ballots.pure.keying import Read
from ballots.pure.rules import Selection
from ballots.pure.sealing import receipts_root
from projects.models import Poll
from tests.helpers import papers
from tests.helpers.factories import (
    Stage,
    make_office,
    make_scrutineer,
    make_stage,
    selection,
    stage_without,
)
from tests.helpers.refusals import error_of, refusal_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Stage:
    return make_stage(delegates=6, candidates=5, places=2)


@pytest.fixture
def closed(stage) -> Stage:
    """Two have voted here, three hold papers, one has done neither, and the poll is closed."""
    stage.cast(0, selection(1, 2))
    stage.cast(1, selection(1))
    papers.issue(stage, 2, 3, 4)
    stage.close()
    return stage


def read(*chosen: int, **more: Any) -> Read:
    return Read(selection(*chosen, **more))


# --- giving out -----------------------------------------------------------------------------------


def test_whoever_holds_a_paper_counts_once_among_those_given_out(stage):
    stage.cast(0, selection(1))

    assert papers.issue(stage, 1, 2) == 2

    figures = turnout.turnout_of(stage.poll)
    assert (figures.issued, figures.papers, figures.voted, figures.waiting) == (6, 2, 1, 3)


def test_whoever_holds_a_paper_cannot_vote_here(stage):
    papers.issue(stage, 0)

    assert refusal_of(stage.cast, 0, selection(1)) == "on-paper"
    assert not stage.entry(0).voted


@pytest.mark.parametrize(
    ("case", "code"),
    [("voted", "has-voted"), ("paper", "has-paper"), ("absent", "not-present")],
)
def test_a_paper_is_given_to_nobody_twice(case, code):
    stage = stage_without("004", delegates=6, candidates=5, places=2)
    stage.cast(0, selection(1))
    papers.issue(stage, 1)
    place = {"voted": 0, "paper": 1, "absent": 3}[case]

    assert refusal_of(papers.issue, stage, 2, place) == code
    assert papers_of(stage.poll).issued == 1


def test_the_first_batch_says_that_the_paper_box_was_shown_empty(stage):
    given = {"by": stage.office, "second": stage.scrutineer, "box_shown": False}

    refusal = refusal_of(issuing.issue_papers, stage.poll, numbers=["001"], **given)

    assert refusal == "box-not-shown"
    papers.issue(stage, 0)
    issuing.issue_papers(stage.poll, numbers=["002"], **given)
    said = [entry.data.get("box_shown") for entry in of_kind(stage, "papers-issued")]
    assert said == [True, None]


def test_papers_are_given_out_by_two_people(stage):
    for second in (None, stage.office):
        refusal = refusal_of(
            issuing.issue_papers, stage.poll, numbers=["001"], by=stage.office, second=second
        )
        assert refusal in {"second-needed", "same-person"}


def test_papers_are_given_out_in_a_pause_too_so_that_a_dead_network_stops_nobody(stage):
    lifecycle.pause_poll(stage.poll, reason="网络中断", by=stage.office)

    assert papers.issue(stage, 0, 1) == 2


def test_a_paper_given_out_by_mistake_is_taken_back_and_its_delegate_votes_here(stage):
    papers.issue(stage, 0, 1)

    left = issuing.take_back_paper(
        stage.poll, numbers=["001"], reason="误发", by=stage.office, second=stage.scrutineer
    )

    assert left == 1
    assert stage.cast(0, selection(1))


def test_a_spoilt_paper_is_exchanged_and_nobody_holds_two(stage):
    papers.issue(stage, 0, 1)
    given = {"by": stage.office, "second": stage.scrutineer}

    assert issuing.exchange_papers(stage.poll, more=1, **given) == 1
    assert issuing.exchange_papers(stage.poll, more=1, **given) == 2
    assert turnout.turnout_of(stage.poll).papers == 2
    assert refusal_of(issuing.exchange_papers, stage.poll, more=3, **given) == (
        "too-many-exchanged"
    )


def test_presence_of_whoever_holds_a_paper_is_not_taken_back(stage):
    papers.issue(stage, 0)

    refusal = refusal_of(
        roll.lower_presence,
        stage.poll,
        numbers=["001"],
        reason="误记",
        by=stage.office,
        second=stage.scrutineer,
    )

    assert refusal == "has-paper"


# --- what the database refuses --------------------------------------------------------------------


def test_the_database_lets_nobody_vote_both_ways(stage):
    stage.cast(0, selection(1))
    papers.issue(stage, 1)

    with pytest.raises(IntegrityError), transaction.atomic():
        RollEntry.objects.filter(poll=stage.poll, number="001").update(channel="paper")
    with pytest.raises(DatabaseError), transaction.atomic():
        stage.forge(1, b"sealed")


def test_the_database_changes_no_channel_once_the_poll_is_closed(closed):
    for number, channel in (("001", "online"), ("003", "online"), ("006", "paper")):
        change = RollEntry.objects.filter(poll=closed.poll, number=number)
        if change.get().channel != channel:
            with pytest.raises(DatabaseError), transaction.atomic():
                change.update(channel=channel)


def test_a_box_that_waits_for_no_papers_lets_no_sealed_ballot_go():
    stage = make_stage(delegates=3, candidates=5, places=2, kind=Poll.Kind.MAIN)
    stage.cast(0, selection(1))
    stage.close()
    row = stage.poll.sealed_ballots.get()

    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()


def test_sealed_ballots_of_a_real_poll_go_only_until_its_papers_are_in():
    stage = make_stage(delegates=3, candidates=5, places=2, kind=Poll.Kind.MAIN)
    stage.cast(0, selection(1))
    papers.issue(stage, 1)
    papers.hold_papers(stage, [selection(1)])

    with pytest.raises(DatabaseError), transaction.atomic():
        stage.poll.sealed_ballots.all()[0].delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        SealedBallot.objects.create(
            receipt="0" * 64, poll=stage.poll, code="0" * 16, sealed=b"more"
        )
    with pytest.raises(DatabaseError), transaction.atomic():
        BallotBox.objects.filter(poll=stage.poll).update(paper_salt="salt")


# --- counting what came back ----------------------------------------------------------------------


def test_the_box_stays_closed_until_the_papers_are_in(closed):
    assert refusal_of(closed.open_box) == "papers-out"
    papers.count(closed, 3)
    assert refusal_of(closed.open_box) == "papers-out"
    papers.key(closed, [selection(1)] * 3)
    assert refusal_of(closed.open_box) == "papers-out"
    papers.seal(closed)
    assert closed.open_box().phase == Poll.Phase.OPENED


def test_more_papers_back_than_given_out_end_as_void_alone(closed):
    papers.count(closed, 4)

    assert papers_of(closed.poll).are_too_many
    assert refusal_of(keying.take_bundle, closed.poll, by=closed.office) == "more-returned"
    assert refusal_of(papers.seal, closed) == "more-returned"
    assert refusal_of(closed.open_box) == "more-returned"
    ended = lifecycle.void_poll(
        closed.poll, reason="收回多于发出", by=closed.office, second=closed.scrutineer
    )
    assert ended.phase == Poll.Phase.VOID


def test_papers_may_be_counted_again_until_somebody_keys(closed):
    papers.count(closed, 4)
    papers.count(closed, 3)
    papers.key(closed, [selection(1)] * 3)

    assert refusal_of(papers.count, closed, 2) == "keying-begun"


def test_fewer_papers_back_than_given_out_are_a_valid_vote(closed):
    papers.count(closed, 2)
    papers.key(closed, [selection(1)] * 2)
    papers.seal(closed)
    closed.open_box()

    figures = closed.count().figures

    assert (figures["turnout"]["papers"], figures["turnout"]["papers_returned"]) == (3, 2)
    assert (figures["turnout"]["issued"], figures["turnout"]["returned"]) == (6, 4)
    assert all(check["holds"] for check in figures["checks"])


def test_a_roll_whose_papers_are_not_those_on_record_is_not_counted(stage):
    papers.issue(stage, 2)
    RollEntry.objects.filter(poll=stage.poll, number="005").update(channel="paper")
    stage.close()

    assert refusal_of(papers.count, stage, 2) == "unlike-record"


# --- keying ---------------------------------------------------------------------------------------


def test_a_paper_is_read_when_two_people_agree_on_it(closed):
    papers.count(closed, 1)
    one, other = make_office(), make_office()
    for keyer in (one, other):
        keying.take_bundle(closed.poll, by=keyer)
    paper = {"bundle": 1, "place": 1}

    states = [
        keying.record_reading(closed.poll, read=read(1, 2), by=one, **paper),
        keying.record_reading(closed.poll, read=read(1, 3), by=other, **paper),
        keying.record_reading(closed.poll, read=read(2, 1), by=other, **paper),
    ]

    assert states == ["half", "differs", "read"]


def test_two_who_read_the_same_proposals_in_another_order_agree(closed):
    papers.count(closed, 1)
    one, other = make_office(), make_office()
    proposed = {one: ["新建停车场", "加装电梯"], other: ["加装电梯", "新建停车场"]}
    for keyer, titles in proposed.items():
        keying.take_bundle(closed.poll, by=keyer)
        state = keying.record_reading(
            closed.poll, bundle=1, place=1, read=read(proposals=titles), by=keyer
        )

    assert state == "read"


def test_nobody_reads_a_bundle_twice_and_a_third_finds_none(closed):
    papers.count(closed, 3)
    one, other, third = make_office(), make_office(), make_scrutineer()

    assert keying.take_bundle(closed.poll, by=one)[1] == 1
    assert keying.take_bundle(closed.poll, by=one)[1] == 1
    assert keying.take_bundle(closed.poll, by=other)[1] == 2
    assert refusal_of(keying.take_bundle, closed.poll, by=third) == "no-bundle"
    stranger = {"bundle": 1, "place": 1, "read": read(1), "by": third}
    assert refusal_of(keying.record_reading, closed.poll, **stranger) == "not-yours"


def test_bundles_have_25_papers_and_several_pairs_work_side_by_side():
    stage = make_stage(delegates=52, candidates=5, places=2)
    papers.issue(stage, *range(52))
    stage.close()
    papers.count(stage, 52)

    sizes = [bundle.row.size for bundle in bundles_of(stage.poll)]
    taken = [keying.take_bundle(stage.poll, by=make_office())[0].number for _ in range(6)]

    assert sizes == [25, 25, 2]
    assert taken == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("wrong", [read(1, 2, 3), read(9), read(1, 1)])
def test_what_is_no_legal_ballot_is_a_doubt_and_never_kept_as_read(closed, wrong):
    papers.count(closed, 1)
    keying.take_bundle(closed.poll, by=closed.office)

    refusal = refusal_of(
        keying.record_reading, closed.poll, bundle=1, place=1, read=wrong, by=closed.office
    )

    assert refusal == "faults"
    assert not PaperReading.objects.exists()


def test_a_doubtful_paper_waits_for_the_chief_scrutineer_alone(closed):
    papers.count(closed, 2)
    papers.key(closed, ["涂改", selection(1)])
    paper: dict[str, Any] = {"bundle": 1, "place": 1, "read": read(4)}

    assert refusal_of(papers.seal, closed) == "not-read"
    assert refusal_of(keying.rule_paper, closed.poll, by=closed.office, **paper) == ("not-chief")
    undisputed = {"bundle": 1, "place": 2, "read": read(4), "by": closed.chief}
    assert refusal_of(keying.rule_paper, closed.poll, **undisputed) == "nothing-to-rule"
    assert keying.rule_paper(closed.poll, by=closed.chief, **paper) == "read"
    papers.seal(closed)
    closed.open_box()
    assert sorted(closed.poll.ballots.values_list("chosen", flat=True)) == [[1], [1], [1, 2], [4]]


def test_a_paper_ruled_invalid_lies_in_the_box_and_counts_as_invalid(closed):
    papers.count(closed, 2)
    papers.key(closed, ["无法辨认", selection(3)])
    keying.rule_paper(
        closed.poll, bundle=1, place=1, read=Read(Selection(), "无法辨认"), by=closed.chief
    )
    papers.seal(closed)
    closed.open_box()

    figures = closed.count().figures["turnout"]

    assert (figures["returned"], figures["valid"], figures["invalid"]) == (4, 3, 1)
    assert closed.poll.ballots.exclude(invalid="").get().invalid == Ballot.Invalid.RULES


def test_a_reading_that_was_written_past_our_code_is_named(closed):
    papers.count(closed, 1)
    papers.key(closed, [selection(1)])
    PaperReading.objects.update(chosen=[4])

    refusal = error_of(papers.seal, closed)

    assert refusal.code == "forged"
    assert "第1扎第1张" in str(refusal)


def test_whoever_keyed_papers_never_confirms_the_count(closed):
    papers.count(closed, 1)
    for keyer in (closed.chief, make_office()):
        keying.take_bundle(closed.poll, by=keyer)
        keying.record_reading(closed.poll, bundle=1, place=1, read=read(1), by=keyer)
    papers.seal(closed)
    closed.open_box()
    closed.count()

    assert refusal_of(lifecycle.confirm_result, closed.poll, by=closed.chief) == ("keyer-confirms")
    assert lifecycle.confirm_result(closed.poll, by=closed.scrutineer)


# --- in the box -----------------------------------------------------------------------------------


def test_paper_and_phone_are_one_in_the_box(closed):
    papers.count(closed, 3)
    papers.key(closed, [selection(1), selection(3, proposals=["新建停车场"]), selection()])

    assert papers.seal(closed) == 5

    closed.open_box()
    items = {row["item"]: row["votes"] for row in closed.count().figures["items"]}
    assert items == {"1": 3, "2": 1, "3": 1, "4": 0, "5": 0, "推1": 1}


def test_no_row_tells_which_ballot_was_on_paper(closed):
    papers.count(closed, 3)
    papers.key(closed, [selection(1)] * 3)
    papers.seal(closed)

    in_storage = {
        "postgresql": "SELECT receipt FROM ballots_sealedballot ORDER BY ctid",
        "sqlite": "SELECT receipt FROM ballots_sealedballot ORDER BY rowid",
    }
    with connection.cursor() as cursor:
        cursor.execute(in_storage[connection.vendor])
        stored = [receipt for (receipt,) in cursor.fetchall()]

    assert stored == sorted(stored)
    assert not PaperBundle.objects.exists()
    assert not PaperReading.objects.exists()
    columns = {field.name for field in (*SealedBallot._meta.fields, *Ballot._meta.fields)}
    assert not columns & {"channel", "paper", "bundle", "place"}


def test_the_record_has_numbers_and_root_before_and_after(closed):
    root = of_kind(closed, "closed")[0].data["receipts"]
    papers.count(closed, 2)
    papers.key(closed, [selection(1), selection(2)])
    papers.seal(closed)

    said = of_kind(closed, "papers-sealed")[0].data

    assert said["receipts_before"] == root != said["receipts"]
    assert (said["before"], said["papers"], said["ballots"]) == (2, 2, 4)
    assert journal.first_broken(closed.poll) is None


def test_without_its_salt_nobody_finds_which_receipts_were_there_before(closed):
    root = of_kind(closed, "closed")[0].data["receipts"]
    papers.count(closed, 2)
    papers.key(closed, [selection(1), selection(2)])
    papers.seal(closed)
    receipts = sorted(closed.poll.sealed_ballots.values_list("receipt", flat=True))

    tried = {receipts_root(some) for some in combinations(receipts, 2)}

    assert root not in tried


def test_a_box_that_was_changed_before_the_papers_came_is_not_laid_anew(closed):
    papers.count(closed, 1)
    papers.key(closed, [selection(1)])
    closed.poll.sealed_ballots.all()[0].delete()

    assert refusal_of(papers.seal, closed) == "unlike-record"


def test_a_void_poll_keeps_nothing_of_what_was_keyed(closed):
    papers.count(closed, 1)
    papers.key(closed, [selection(1)])

    lifecycle.void_poll(closed.poll, reason="设备故障", by=closed.office, second=closed.scrutineer)

    assert not PaperReading.objects.exists()


def of_kind(stage: Stage, kind: str) -> list[Any]:
    return list(stage.poll.journal.filter(kind=kind).order_by("seq"))
