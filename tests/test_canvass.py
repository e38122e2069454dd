"""The canvass of proposals: blind, complete before it closes, closed by two offices."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from ballots import canvass, journal, lifecycle
from ballots.canvass import CanvassRefused
from ballots.models import JournalEntry, WriteIn
from ballots.rules import Proposal
from projects.models import Poll
from tests.factories import (
    Session,
    make_office,
    make_scrutineer,
    make_session,
    make_staff,
    move_by_force,
    selection,
)
from tests.secrecy import snapshot

pytestmark = pytest.mark.django_db

R = WriteIn.Ruling


def refusal_of(act: Any, *args: Any, **kwargs: Any) -> str:
    """Return the code with which an act is refused, having changed nothing."""
    before = snapshot()
    with pytest.raises(CanvassRefused) as refusal:
        act(*args, **kwargs)
    assert snapshot() == before
    return refusal.value.code


def opened_session(*proposals: str | Proposal) -> Session:
    """Return a session whose box is open and in which each of `proposals` stood on one ballot."""
    session = make_session(delegates=max(len(proposals), 1))
    for place, proposal in enumerate(proposals):
        session.cast(place, selection(1, proposals=[proposal]))
    session.close()
    session.open_box()
    return session


def write_in(session: Session, title: str) -> WriteIn:
    return WriteIn.objects.get(poll=session.poll, title=title)


def rule(session: Session, title: str, ruling: str, **columns: Any) -> None:
    """Write a ruling into its row: what an act of the canvass page does."""
    assert WriteIn.objects.filter(poll=session.poll, title=title).update(ruling=ruling, **columns)


# --- what comes out of the box --------------------------------------------------------------------


def test_equal_texts_are_one_proposal_whatever_their_width_case_and_blanks():
    session = opened_session("5G 基站", "５ｇ基站", "5g基站", "夜间公交")

    assert session.poll.write_ins.count() == 2


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (["5g基站", "5G 基站", "5G 基站"], "5G 基站"),
        (["5G 基站", "5g基站"], "5g基站"),
        (["５ｇ基站", "5g基站"], "5g基站"),
    ],
    ids=["the most frequent", "else the shortest", "else the first in the order of characters"],
)
def test_one_spelling_stands_for_all(written, shown):
    session = opened_session(*written)

    assert session.poll.write_ins.get().title == shown


def test_the_same_title_with_another_content_or_unit_is_another_proposal():
    session = opened_session(
        Proposal("夜间公交", "延长至零时", "交通局"),
        Proposal("夜间公交", "延长至一时", "交通局"),
        Proposal("夜间公交", "延长至零时", "公交公司"),
        Proposal("夜间公交", "延长至 零时", "交通局"),
    )

    assert session.poll.write_ins.count() == 3


def test_proposals_are_numbered_from_one_in_the_order_of_their_random_keys():
    session = opened_session(*[f"推荐项目{n}" for n in range(8)])

    write_ins = list(session.poll.write_ins.order_by("number"))
    assert [row.number for row in write_ins] == list(range(1, 9))
    assert [row.id for row in write_ins] == sorted(row.id for row in write_ins)
    assert {row.id.version for row in write_ins} == {4}
    assert [row.key for row in write_ins][:2] == ["推1", "推2"]


def test_an_opened_box_has_no_ruling_yet():
    session = opened_session("甲", "乙")

    assert {row.ruling for row in session.poll.write_ins.all()} == {R.NONE}
    assert not session.poll.box.canvassed


# --- each alone -----------------------------------------------------------------------------------


def test_each_proposal_without_a_ruling_stands_alone_and_the_others_keep_theirs():
    session = opened_session("甲", "乙", "丙")
    rule(session, "乙", R.REFUSED, reason="不属于民生实事")

    assert canvass.rule_each_alone(session.poll, by=session.office) == 2

    assert {row.title: row.ruling for row in session.poll.write_ins.all()} == {
        "甲": R.ALONE,
        "乙": R.REFUSED,
        "丙": R.ALONE,
    }
    entry = JournalEntry.objects.get(kind="write-ins-ruled")
    keys = [row.key for row in session.poll.write_ins.filter(ruling=R.ALONE).order_by("number")]
    assert json.loads(entry.body)["data"] == {"rulings": [[key, "alone"] for key in keys]}


def test_nothing_to_rule_on_leaves_no_record():
    session = opened_session("甲")
    canvass.rule_each_alone(session.poll, by=session.scrutineer)

    assert canvass.rule_each_alone(session.poll, by=session.scrutineer) == 0
    assert JournalEntry.objects.filter(kind="write-ins-ruled").count() == 1


# --- where a vote goes ----------------------------------------------------------------------------


def test_a_merged_proposal_is_followed_to_where_that_one_went():
    session = opened_session("甲", "乙", "丙", "丁", "戊", "己")
    project = session.poll.projects.get(number=7)
    rule(session, "甲", R.ALONE)
    rule(session, "乙", R.INTO_WRITE_IN, into_write_in=write_in(session, "甲"))
    rule(session, "丙", R.INTO_WRITE_IN, into_write_in=write_in(session, "乙"))
    rule(session, "丁", R.INTO_PROJECT, into_project=project)
    rule(session, "戊", R.INTO_WRITE_IN, into_write_in=write_in(session, "丁"))
    rule(session, "己", R.REFUSED, reason="不属于民生实事")

    places = canvass.places_of(session.poll)

    alone = write_in(session, "甲").key
    assert {row.title: places[str(row.id)] for row in session.poll.write_ins.all()} == {
        "甲": alone,
        "乙": alone,
        "丙": alone,
        "丁": "7",
        "戊": "7",
        "己": None,
    }


def test_what_is_merged_into_a_refused_one_is_refused_with_it():
    session = opened_session("甲", "乙")
    rule(session, "甲", R.REFUSED, reason="不属于民生实事")
    rule(session, "乙", R.INTO_WRITE_IN, into_write_in=write_in(session, "甲"))

    assert set(canvass.places_of(session.poll).values()) == {None}


def test_without_every_ruling_there_is_no_place_for_any():
    session = opened_session("甲", "乙")
    rule(session, "甲", R.INTO_WRITE_IN, into_write_in=write_in(session, "乙"))

    with pytest.raises(KeyError, match=write_in(session, "乙").key):
        canvass.places_of(session.poll)


# --- closing it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("by_office", [True, False])
def test_one_of_the_office_and_one_scrutineer_close_the_canvass(by_office):
    session = opened_session("甲")
    canvass.rule_each_alone(session.poll, by=session.office)
    pair = [session.office, session.scrutineer] if by_office else [session.chief, session.office]

    canvass.close_canvass(session.poll, by=pair[0], second=pair[1])

    session.poll.box.refresh_from_db()
    assert session.poll.box.canvassed
    entry = JournalEntry.objects.get(kind="canvass-closed")
    assert [entry.by, entry.second] == pair
    assert json.loads(entry.body)["data"] == {"rulings": [["推1", "甲", "alone"]]}
    assert journal.first_broken(session.poll) is None


def test_the_canvass_closes_only_when_every_proposal_has_its_ruling():
    session = opened_session("甲", "乙")
    rule(session, "甲", R.ALONE)
    people = {"by": session.office, "second": session.scrutineer}

    assert refusal_of(canvass.close_canvass, session.poll, **people) == "open-rulings"
    rule(session, "乙", R.REFUSED, reason="不属于民生实事")
    canvass.close_canvass(session.poll, **people)


def test_proposals_merged_in_a_circle_do_not_let_the_canvass_close():
    session = opened_session("甲", "乙", "丙")
    for title, into in (("甲", "乙"), ("乙", "丙"), ("丙", "甲")):
        rule(session, title, R.INTO_WRITE_IN, into_write_in=write_in(session, into))

    with pytest.raises(CanvassRefused) as refusal:
        canvass.close_canvass(session.poll, by=session.office, second=session.scrutineer)

    assert refusal.value.code == "circle"
    session.poll.refresh_from_db()
    assert not session.poll.box.canvassed


def test_a_box_without_proposals_is_canvassed_by_signing():
    session = opened_session()
    assert not session.poll.write_ins.exists()

    canvass.close_canvass(session.poll, by=session.office, second=session.scrutineer)

    lifecycle.count_poll(session.poll, by=session.office)


def test_two_of_one_office_or_one_person_of_both_do_not_close_it():
    session = opened_session()
    both = make_staff("会务", "监票")
    for by, second in [
        (session.office, None),
        (session.office, session.office),
        (session.office, make_office()),
        (session.scrutineer, session.chief),
        (both, both),
        (session.office, make_staff()),
        (session.office, User.objects.create_superuser("root", password="x")),
        (make_staff(), session.scrutineer),
    ]:
        code = refusal_of(canvass.close_canvass, session.poll, by=by, second=second)
        assert code == "second-needed"


def test_rulings_are_for_office_and_scrutineers():
    session = opened_session("甲")

    for by in (make_staff(), User.objects.create_superuser("root", password="x")):
        assert refusal_of(canvass.rule_each_alone, session.poll, by=by) == "not-staff"
    canvass.rule_each_alone(session.poll, by=make_scrutineer())


def test_a_closed_canvass_stays_closed():
    session = opened_session("甲")
    canvass.rule_each_alone(session.poll, by=session.office)
    canvass.close_canvass(session.poll, by=session.office, second=session.scrutineer)

    assert (
        refusal_of(
            canvass.close_canvass, session.poll, by=session.office, second=session.scrutineer
        )
        == "already-closed"
    )
    assert refusal_of(canvass.rule_each_alone, session.poll, by=session.office) == "already-closed"


@pytest.mark.parametrize("phase", [phase for phase in Poll.Phase if phase != Poll.Phase.OPENED])
def test_only_an_opened_box_is_canvassed(phase):
    session = make_session(open_it=False)
    poll = move_by_force(session.poll, phase) if phase != Poll.Phase.DRAFT else session.poll

    assert refusal_of(canvass.rule_each_alone, poll, by=session.office) == "not-opened"
    assert (
        refusal_of(canvass.close_canvass, poll, by=session.office, second=session.scrutineer)
        == "not-opened"
    )


def test_sent_back_the_canvass_is_open_again_with_the_rulings_it_had():
    session = opened_session("甲", "乙")
    canvass.rule_each_alone(session.poll, by=session.office)
    canvass.close_canvass(session.poll, by=session.office, second=session.scrutineer)
    lifecycle.count_poll(session.poll, by=session.office)
    lifecycle.send_back(session.poll, reason="乙应并入甲", by=session.scrutineer)

    assert canvass.rule_each_alone(session.poll, by=session.office) == 0
    rule(session, "乙", R.INTO_WRITE_IN, into_write_in=write_in(session, "甲"))
    canvass.close_canvass(session.poll, by=session.office, second=session.scrutineer)
    result = lifecycle.count_poll(session.poll, by=session.office)

    votes = {item["title"]: item["votes"] for item in result.figures["items"]}
    assert votes["甲"] == 2
    assert "乙" not in votes


# --- blind ----------------------------------------------------------------------------------------


def test_opening_and_canvass_tell_how_many_ballots_and_proposals_there_are_and_no_votes():
    session = opened_session("甲", "甲", "乙")
    canvass.rule_each_alone(session.poll, by=session.office)
    canvass.close_canvass(session.poll, by=session.office, second=session.scrutineer)

    bodies = {row.kind: json.loads(row.body)["data"] for row in session.poll.journal.all()}
    assert bodies["box-opened"] == {"ballots": 3, "invalid": 0, "write_ins": 2}
    assert {len(ruling) for ruling in bodies["write-ins-ruled"]["rulings"]} == {2}
    # A number, a title and a ruling; no figure.
    assert {len(ruling) for ruling in bodies["canvass-closed"]["rulings"]} == {3}
    assert not session.poll.results.exists()
