"""What the database refuses by itself: each named constraint, gone at round our own code."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Q

from ballots import triggers
from ballots.models import (
    AccessCard,
    Announcement,
    Ballot,
    BallotBox,
    Confirmation,
    Decision,
    Delegate,
    Delegation,
    Envelope,
    JournalEntry,
    Namesakes,
    Opinion,
    OpinionAnswer,
    PaperBundle,
    PaperReading,
    PasswordDate,
    PasswordTries,
    Recommendation,
    Register,
    Result,
    RollEntry,
    RollImport,
    SealedBallot,
    Session,
    WaitingStep,
    WriteIn,
)
from projects.models import Poll, Project, SubItem, Target
from projects.year.models import (
    AdoptedPart,
    AdoptedProject,
    AdoptedTarget,
    ProjectFigure,
    TargetFigure,
    Year,
)
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_poll,
    make_stage,
    move_by_force,
)
from tests.helpers.factories import selection as ticks
from tests.helpers.machine import ROOT
from tests.helpers.secrecy import in_sql

NOW = datetime(2026, 1, 18, 9, 0, tzinfo=UTC)

MODELS = [
    model
    for label in ("projects", "ballots")
    for model in apps.get_app_config(label).get_models()
    if not model._meta.proxy
]
CONSTRAINTS = {
    constraint.name: (model, constraint)
    for model in MODELS
    for constraint in model._meta.constraints
}


@dataclass
class World:
    """A draft with two candidates, an open rehearsal with two people on its roll, and two users."""

    draft: Poll
    running: Poll
    one: RollEntry
    other: RollEntry
    user: User
    second: User

    @property
    def project(self) -> Project:
        return self.draft.projects.get(number=1)

    @property
    def target(self) -> Target:
        return Target.objects.get(project=self.project)

    @property
    def delegate(self) -> Delegate:
        return self.one.delegate

    @property
    def link(self) -> JournalEntry:
        put(entry(self, poll=None))
        return JournalEntry.objects.get(poll=None)


@pytest.fixture
def world(db) -> World:
    people = make_delegates(2)
    running = make_poll(candidates=1, kind=Poll.Kind.REHEARSAL, delegates_total=2)
    one, other = (
        RollEntry.objects.create(
            poll=running, delegate=person, number=person.number, name=person.name, delegation="甲"
        )
        for person in people
    )
    return World(
        draft=make_poll(candidates=2),
        running=move_by_force(running, Poll.Phase.OPEN),
        one=one,
        other=other,
        user=make_office(),
        second=make_office(),
    )


def put(*rows: models.Model) -> None:
    """Insert rows without save() or clean()."""
    type(rows[0])._default_manager.bulk_create(rows)


def change(row: models.Model, **columns: Any) -> None:
    """Update one row without save() or clean()."""
    type(row)._default_manager.filter(pk=row.pk).update(**columns)


def envelope(world: World, **columns: Any) -> Envelope:
    number = Envelope.objects.count()
    defaults = {
        "roll_entry": world.one,
        "poll": world.running,
        "sealed": b"sealed",
        "receipt": f"{number:064}",
        "code": f"{number:016}",
        "token": "token",
    }
    return Envelope(**(defaults | columns))


def sealed(world: World, number: int, **columns: Any) -> SealedBallot:
    if world.running.takes_ballots:
        move_by_force(world.running, Poll.Phase.CLOSED)
    defaults = {"receipt": f"{number:064}", "poll": world.running, "code": f"{number:016}"}
    return SealedBallot(**(defaults | {"sealed": b"sealed"} | columns))


def write_in(world: World, number: int = 1, **columns: Any) -> WriteIn:
    defaults = {"poll": world.draft, "number": number, "title": f"推荐{number}"}
    return WriteIn(**(defaults | columns))


def entry(world: World, seq: int = 1, **columns: Any) -> JournalEntry:
    defaults = {"poll": world.draft, "seq": seq, "kind": "x", "at": NOW, "by": world.user}
    return JournalEntry(**(defaults | {"body": "{}", "hash": "0" * 64} | columns))


def waiting(world: World, **columns: Any) -> WaitingStep:
    defaults = {"by": world.user, "path": "/", "posted": [], "title": "x", "words": []}
    other, _ = User.objects.get_or_create(username="another")
    return WaitingStep(**(defaults | {"second": other, "asked_at": NOW} | columns))


def result(world: World, **columns: Any) -> Result:
    defaults = {"poll": world.draft, "stored": {}, "digest": "0" * 64, "counted_at": NOW}
    return Result(**(defaults | {"counted_by": world.user} | columns))


def card(world: World, number: int, **columns: Any) -> AccessCard:
    digests = {"code_digest": f"{number:064}", "token_digest": f"{number:064}"}
    return AccessCard(**({"delegate": world.delegate, "issued_by": world.user} | digests | columns))


def recommendation(world: World, **columns: Any) -> Recommendation:
    defaults = {"poll": world.draft, "delegate": world.delegate, "title": "推荐"}
    return Recommendation(**(defaults | columns))


def box(world: World, **columns: Any) -> BallotBox:
    defaults = {"poll": world.draft, "suite": "x", "public_key": b"", "threshold": 3}
    return BallotBox(**(defaults | {"holders": [], "commitments": [], "made_at": NOW} | columns))


def bundle(world: World, **columns: Any) -> PaperBundle:
    defaults = {"poll": world.running, "number": 1, "size": 25}
    return PaperBundle(**(defaults | columns))


def reading(world: World, **columns: Any) -> PaperReading:
    row, _made = PaperBundle.objects.get_or_create(poll=world.running, number=1, size=25)
    defaults = {"bundle": row, "place": 1, "side": 1, "by": world.user, "mac": "0" * 32}
    return PaperReading(**(defaults | columns))


def opened_ballot(world: World, **columns: Any) -> None:
    move_by_force(world.running, Poll.Phase.OPENED)
    put(Ballot(poll=world.running, **columns))


def twice_confirmed(world: World) -> None:
    count = result(world)
    count.save()
    put(Confirmation(result=count, by=world.second), Confirmation(result=count, by=world.second))


def confirmed(world: World) -> Poll:
    """Return the rehearsal with its count confirmed, as which alone it takes a decision."""
    return move_by_force(world.running, Poll.Phase.CONFIRMED)


def decision(world: World, **columns: Any) -> Decision:
    defaults = {"poll": confirmed(world), "places": 1, "words": "决定", "by": world.user}
    return Decision(**(defaults | {"second": world.second} | columns))


def announcement(world: World, **columns: Any) -> Announcement:
    return Announcement(**({"poll": world.draft, "title": "公告", "signature": "主席团"} | columns))


def second_round(world: World, **columns: Any) -> Poll:
    defaults = {"parent": world.running, "kind": "run-off", "meeting": "会议", "year": 2026}
    return Poll(**(defaults | columns))


def year(world: World, **columns: Any) -> Year:
    """Return an unsaved year of a poll that no trigger asks whether it is published."""
    triggers.lift(connection)
    return Year(**({"poll": world.draft, "year": 2026, "made_by": world.user} | columns))


def adopted(world: World, **columns: Any) -> AdoptedProject:
    if not Year.objects.exists():
        put(year(world))
    defaults = {"year": Year.objects.get(), "number": 1, "key": "1", "title": "甲", "text": "x"}
    return AdoptedProject(**(defaults | columns))


def followed(world: World) -> AdoptedProject:
    put(adopted(world))
    return AdoptedProject.objects.get()


def line(world: World, **columns: Any) -> AdoptedTarget:
    project = AdoptedProject.objects.first() or followed(world)
    return AdoptedTarget(**({"project": project, "position": 1, "text": "新建"} | columns))


def part(world: World, **columns: Any) -> AdoptedPart:
    project = AdoptedProject.objects.first() or followed(world)
    return AdoptedPart(**({"project": project, "position": 1, "text": "新建"} | columns))


def figure(world: World, **columns: Any) -> TargetFigure:
    put(line(world))
    given = {"target": AdoptedTarget.objects.get(), "quarter": 1, "by": world.user, "done": 1}
    return TargetFigure(**(given | columns))


def progress(world: World, **columns: Any) -> ProjectFigure:
    given = {"project": followed(world), "quarter": 1, "by": world.user, "note": "已开工"}
    return ProjectFigure(**(given | columns))


def opinion(world: World, **columns: Any) -> Opinion:
    given: dict[str, Any] = {"by_name": "督办一组", "text": "请加快", "entered_by": world.user}
    project = AdoptedProject.objects.first() or followed(world)
    return Opinion(**({"project": project, "due": NOW.date()} | given | columns))


def answer(world: World, **columns: Any) -> OpinionAnswer:
    put(opinion(world))
    return OpinionAnswer(**({"opinion": Opinion.objects.get(), "by": world.user} | columns))


def merged_into_itself(world: World) -> None:
    row = write_in(world, ruling="into-write-in")
    row.into_write_in_id = row.id
    put(row)


Act = Callable[[World], Any]

# What makes a 满意度测评 of a draft.
GRADES: dict[str, Any] = {"form": "grades", "places": 0, "proposals": "off", "wishes": False}
# For each constraint the acts that break it, and it alone.
BREAKS: dict[str, list[Act]] = {
    "poll_has_a_place_to_fill_unless_it_gives_grades": [
        lambda w: change(w.draft, places=0),
        lambda w: change(w.draft, form="grades", proposals="off"),
    ],
    "poll_of_grades_proposes_nothing_and_has_a_base": [
        lambda w: change(w.draft, **GRADES | {"proposals": "counted"}),
        lambda w: change(w.draft, **GRADES, majority="none"),
        lambda w: change(w.draft, **GRADES, choice_rule="exactly"),
        lambda w: change(w.draft, **GRADES, collecting=True),
        lambda w: change(w.draft, **GRADES | {"wishes": True}),
    ],
    "poll_takes_one_to_ten_proposals_a_ballot": [
        lambda w: change(w.draft, proposal_limit=0),
        lambda w: change(w.draft, proposal_limit=11),
    ],
    "poll_counts_at_least_one_delegate": [lambda w: change(w.draft, delegates_total=0)],
    "poll_of_a_second_round_has_a_parent": [
        lambda w: change(w.draft, kind="run-off"),
        lambda w: change(w.draft, kind="supplementary"),
        lambda w: change(w.draft, parent=w.running),
    ],
    "poll_is_not_its_own_parent": [lambda w: change(w.draft, kind="rehearsal", parent=w.draft)],
    "poll_is_revealed_once_published": [
        lambda w: change(w.running, revealed=1),
        lambda w: change(w.running, revealed_at=NOW),
    ],
    "poll_is_archived_once_over": [lambda w: change(w.running, archived_at=NOW)],
    "poll_has_one_second_round_at_a_time": [
        lambda w: put(second_round(w), second_round(w, kind="supplementary"))
    ],
    "poll_form_known": [lambda w: change(w.draft, form="rank")],
    "poll_has_an_opening_time_once_opened": [
        lambda w: change(w.draft, opened_at=NOW),
        lambda w: change(w.draft, phase="open", delegates_total=2),
    ],
    "poll_has_a_closing_time_once_closed": [
        lambda w: change(w.draft, closed_at=NOW),
        lambda w: change(w.running, closed_at=NOW),
        lambda w: change(w.running, phase="closed"),
        lambda w: change(w.running, phase="confirmed"),
    ],
    "poll_has_a_publication_time_once_published": [
        lambda w: change(w.draft, published_at=NOW),
        lambda w: change(w.running, phase="published", closed_at=NOW),
    ],
    "poll_opens_with_the_number_of_delegates": [
        lambda w: change(w.draft, phase="open", opened_at=NOW)
    ],
    "poll_opens_with_a_presence_of_its_own": [
        lambda w: change(
            w.draft, phase="open", opened_at=NOW, delegates_total=2, presence_assumed=True
        ),
    ],
    "poll_kind_known": [lambda w: change(w.draft, kind="election")],
    "poll_phase_known": [
        lambda w: change(w.running, phase="limbo"),
        lambda w: change(w.running, phase=""),
    ],
    "poll_body_known": [lambda w: change(w.draft, body="council")],
    "poll_boundary_known": [lambda w: change(w.draft, boundary="1/3")],
    "poll_whole_boundary_known": [lambda w: change(w.draft, whole_boundary="66.7%")],
    "poll_choice_rule_known": [lambda w: change(w.draft, choice_rule="at-least")],
    "poll_proposals_known": [lambda w: change(w.draft, proposals="")],
    "poll_that_counts_is_for_those_present": [
        lambda w: change(w.draft, voters="roll"),
        lambda w: put(make_poll(candidates=0, voters="roll", kind="main")),
    ],
    "poll_voters_known": [lambda w: change(w.draft, voters="everybody")],
    "poll_majority_known": [lambda w: change(w.draft, majority="two-thirds")],
    "project_number_is_unique_in_a_poll": [
        lambda w: put(Project(poll=w.draft, number=1, title="另一项", text="x"))
    ],
    "project_title_is_unique_in_a_poll": [
        lambda w: put(Project(poll=w.draft, number=9, title=w.project.title, text="x"))
    ],
    "item_stands_once_in_a_second_round": [
        lambda w: put(
            Project(poll=w.draft, number=8, title="甲", text="x", origin="推1"),
            Project(poll=w.draft, number=9, title="乙", text="x", origin="推1"),
        )
    ],
    "project_number_from_one": [lambda w: change(w.project, number=0)],
    "project_has_a_title": [lambda w: change(w.project, title="")],
    "project_investment_is_not_negative": [lambda w: change(w.project, investment="-0.01")],
    "project_investment_this_year_is_not_negative": [
        lambda w: change(w.project, investment_this_year="-0.01")
    ],
    "project_investment_this_year_is_part_of_the_total": [
        lambda w: change(w.project, investment=5, investment_this_year="5.01")
    ],
    "sub_item_position_is_unique_in_a_project": [
        lambda w: put(*(SubItem(project=w.project, position=1, text=text) for text in "甲乙"))
    ],
    "sub_item_has_a_text": [lambda w: put(SubItem(project=w.project, position=1, text=""))],
    "sub_item_investment_is_not_negative": [
        lambda w: put(SubItem(project=w.project, position=1, text="甲", investment="-0.01"))
    ],
    "target_position_is_unique_in_a_project": [
        lambda w: put(Target(project=w.project, position=1, text="另一行"))
    ],
    "target_unit_only_with_a_quantity": [lambda w: change(w.target, quantity=None, unit="处")],
    "target_has_a_text": [lambda w: change(w.target, text="")],
    "year_is_closed_by_somebody": [
        lambda w: put(year(w, closed_at=NOW)),
        lambda w: put(year(w, closed_by=w.user)),
    ],
    "adopted_number_is_unique_in_a_year": [lambda w: put(adopted(w), adopted(w, key="2"))],
    "item_is_adopted_once_in_a_year": [lambda w: put(adopted(w), adopted(w, number=2))],
    "adopted_number_from_one": [lambda w: put(adopted(w, number=0))],
    "adopted_is_named": [
        lambda w: put(adopted(w, title="")),
        lambda w: put(adopted(w, text="")),
        lambda w: put(adopted(w, key="")),
    ],
    "adopted_investment_is_not_negative": [lambda w: put(adopted(w, investment="-0.01"))],
    "adopted_investment_this_year_is_not_negative": [
        lambda w: put(adopted(w, investment_this_year="-0.01"))
    ],
    "adopted_investment_this_year_is_part_of_the_total": [
        lambda w: put(adopted(w, investment=5, investment_this_year="5.01"))
    ],
    "adopted_target_position_is_unique": [lambda w: put(line(w), line(w))],
    "adopted_target_unit_only_with_a_quantity": [lambda w: put(line(w, unit="处"))],
    "adopted_target_quantity_is_not_negative": [lambda w: put(line(w, quantity=-1))],
    "adopted_target_has_a_text": [lambda w: put(line(w, text=""))],
    "adopted_part_position_is_unique": [lambda w: put(part(w), part(w))],
    "adopted_part_has_a_text": [lambda w: put(part(w, text=""))],
    "adopted_part_investment_is_not_negative": [lambda w: put(part(w, investment="-0.01"))],
    "target_figure_is_of_a_quarter": [
        lambda w: put(figure(w, quarter=0)),
        lambda w: put(figure(w, quarter=5)),
    ],
    "planned_is_not_negative": [lambda w: put(figure(w, planned="-0.001"))],
    "done_is_not_negative": [lambda w: put(figure(w, done="-0.001"))],
    "target_figure_says_something": [lambda w: put(figure(w, done=None))],
    "project_figure_is_of_a_quarter": [
        lambda w: put(progress(w, quarter=0)),
        lambda w: put(progress(w, quarter=5)),
    ],
    "spent_is_not_negative": [lambda w: put(progress(w, spent="-0.01"))],
    "project_figure_says_something": [lambda w: put(progress(w, note=""))],
    "delegation_position_is_bounded": [lambda w: change(w.delegate.delegation, position=30_001)],
    "delegation_has_a_name": [lambda w: put(Delegation(name=""))],
    # Case 16: two that are one to the eye.
    "delegation_looks_like_no_other": [
        lambda w: put(Delegation(name="第1代表团（甲）"), Delegation(name="第１代表团 (甲)"))
    ],
    "delegate_number_looks_like_no_other": [
        lambda w: put(
            Delegate(number="A-01", name="甲", delegation=w.delegate.delegation),
            Delegate(number="a—1", name="乙", delegation=w.delegate.delegation),
        )
    ],
    "namesakes_are_told_apart_once": [
        lambda w: put(*(Namesakes(one=w.delegate, other=w.other.delegate) for _ in range(2)))
    ],
    "namesakes_are_two_in_one_order": [
        lambda w: put(Namesakes(one=w.delegate, other=w.delegate)),
        lambda w: put(Namesakes(one=w.other.delegate, other=w.delegate)),
    ],
    "delegate_status_is_known": [lambda w: change(w.delegate, status="retired")],
    "delegate_has_a_number_and_a_name": [
        lambda w: change(w.delegate, number=""),
        lambda w: change(w.delegate, name=""),
    ],
    "delegate_position_is_bounded": [lambda w: change(w.delegate, position=1_000_000)],
    "delegate_card_number_has_four_digits": [
        lambda w: change(w.delegate, card_number="012"),
        lambda w: change(w.delegate, card_number=""),
    ],
    "delegate_holds_one_valid_card": [lambda w: put(card(w, 1), card(w, 2))],
    "delegate_stands_once_on_a_roll": [
        lambda w: put(RollEntry(poll=w.running, delegate=w.delegate, number="999", name="甲"))
    ],
    "number_stands_once_on_a_roll": [
        lambda w: put(
            RollEntry(poll=w.running, delegate=make_delegates(1)[0], number=w.one.number, name="甲")
        )
    ],
    "roll_entry_has_no_time_unless_voted": [lambda w: change(w.one, voted_at=NOW)],
    "roll_entry_present_is_not_on_leave": [
        lambda w: change(w.one, present=True, leave="因病"),
    ],
    "roll_entry_votes_one_way": [
        lambda w: change(w.one, channel="paper", voted=True, voted_at=NOW),
    ],
    "roll_entry_channel_is_known": [lambda w: change(w.one, channel="post")],
    "recommendation_has_a_title": [lambda w: put(recommendation(w, title=""))],
    "recommendation_ruling_is_known": [lambda w: put(recommendation(w, ruling="lost"))],
    "recommendation_names_the_project_it_became": [
        lambda w: put(recommendation(w, ruling="adopted")),
        lambda w: put(recommendation(w, ruling="merged")),
        lambda w: put(recommendation(w, ruling="waiting", project=w.project)),
        lambda w: put(recommendation(w, ruling="declined", reason="x", project=w.project)),
    ],
    "recommendation_is_declined_with_a_reason": [
        lambda w: put(recommendation(w, ruling="declined"))
    ],
    "box_needs_a_share": [lambda w: put(box(w, threshold=0))],
    "box_ceremony_from_one": [lambda w: put(box(w, ceremony=0))],
    "receipt_code_is_unique_in_a_poll": [
        lambda w: put(
            envelope(w, code="X"), envelope(w, roll_entry=w.other, receipt="1" * 64, code="X")
        )
    ],
    "envelope_receipt_is_a_digest": [
        lambda w: put(envelope(w, receipt="0" * 63)),
        lambda w: put(envelope(w, receipt="")),
    ],
    "envelope_has_a_token": [lambda w: put(envelope(w, token=""))],
    "board_code_is_unique_in_a_poll": [
        lambda w: put(sealed(w, 1, code="X"), sealed(w, 2, code="X"))
    ],
    "sealed_ballot_receipt_is_a_digest": [lambda w: put(sealed(w, 1, receipt="0" * 63))],
    "write_in_number_is_unique_in_a_poll": [
        lambda w: put(write_in(w, 1), write_in(w, 1, title="另一项"))
    ],
    "write_in_text_is_unique_in_a_poll": [
        lambda w: put(write_in(w, 1, title="同"), write_in(w, 2, title="同"))
    ],
    "write_in_number_from_one": [lambda w: put(write_in(w, 0))],
    "write_in_has_a_title": [lambda w: put(write_in(w, title=""))],
    "write_in_goes_where_its_ruling_says": [
        lambda w: put(write_in(w, ruling="into-project")),
        lambda w: put(write_in(w, ruling="into-write-in")),
        lambda w: put(write_in(w, into_project=w.project)),
        lambda w: put(write_in(w, ruling="alone", into_project=w.project)),
        lambda w: put(write_in(w, ruling="refused", reason="x", into_project=w.project)),
        lambda w: put(write_in(w, ruling="into-write-in", into_project=w.project)),
        lambda w: put(write_in(w, ruling="elsewhere")),
    ],
    "write_in_is_not_merged_into_itself": [merged_into_itself],
    "write_in_is_refused_with_a_reason": [lambda w: put(write_in(w, ruling="refused"))],
    "ballot_reason_is_known": [lambda w: opened_ballot(w, invalid="ugly")],
    "bundle_number_is_unique_in_a_poll": [lambda w: put(bundle(w), bundle(w))],
    "bundle_has_25_at_most": [lambda w: put(bundle(w, size=26)), lambda w: put(bundle(w, size=0))],
    "bundle_is_keyed_by_two_people": [lambda w: put(bundle(w, first=w.user, second=w.user))],
    "paper_is_read_once_by_each": [lambda w: put(reading(w), reading(w))],
    "paper_has_a_place": [
        lambda w: put(reading(w, place=0)),
        lambda w: put(reading(w, place=26)),
    ],
    "reading_side_is_known": [lambda w: put(reading(w, side=4))],
    "decision_is_on_a_place": [lambda w: put(decision(w, places=0))],
    "announcement_is_signed": [
        lambda w: put(announcement(w, title="")),
        lambda w: put(announcement(w, signature="")),
    ],
    "decision_is_in_words": [lambda w: put(decision(w, words=""))],
    "decision_is_recorded_by_two_people": [lambda w: put(decision(w, second=w.user))],
    "poll_has_one_standing_result": [lambda w: put(result(w), result(w))],
    "result_sent_back_is_never_published": [
        lambda w: put(result(w, sent_back="x", published_by=w.user))
    ],
    "scrutineer_confirms_a_count_once": [twice_confirmed],
    "journal_number_is_unique_in_a_poll": [lambda w: put(entry(w, 1), entry(w, 1))],
    "journal_number_is_unique_in_the_register": [
        lambda w: put(entry(w, 1, poll=None), entry(w, 1, poll=None))
    ],
    "there_is_one_register": [lambda w: put(Register(pk=2))],
    "poll_opens_once_on_record": [
        lambda w: put(entry(w, 1, kind="opened"), entry(w, 2, kind="opened"))
    ],
    "journal_number_from_one": [lambda w: put(entry(w, 0))],
    "journal_second_is_another_person": [lambda w: put(entry(w, second=w.user))],
    "only_a_change_of_accounts_is_by_nobody": [lambda w: put(entry(w, by=None))],
    "opinion_is_by_name": [
        lambda w: put(opinion(w, by_name="")),
        lambda w: put(opinion(w, text="")),
    ],
    "opinion_is_entered_by_somebody": [lambda w: put(opinion(w, entered_by=None))],
    "opinion_is_closed_with_a_reason": [
        lambda w: put(opinion(w, reason="已核实")),
        lambda w: put(opinion(w, closed_at=NOW, closed_by=w.user)),
        lambda w: put(opinion(w, closed_at=NOW, reason="已核实")),
    ],
    "answer_has_a_text": [lambda w: put(answer(w, text=""))],
    "waiting_step_is_signed_by_another_person": [lambda w: put(waiting(w, second=w.user))],
}
# An unknown value fits no case of these either, and a database names the first that it looks at.
BROKEN_TOO = {
    "poll_kind_known": "poll_of_a_second_round_has_a_parent",
    "poll_phase_known": "poll_has_a_closing_time_once_closed",
    "poll_voters_known": "poll_that_counts_is_for_those_present",
    "recommendation_ruling_is_known": "recommendation_names_the_project_it_became",
}


def column_of(model: type[models.Model], name: str) -> str:
    """Return the column of a field as SQLite names it in its errors."""
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return f"{model._meta.db_table}.{field.column}"


def blamed(error: IntegrityError) -> set[str]:
    """Return the names of the constraints that the database's error may mean."""
    cause: Any = error.__cause__
    if connection.vendor == "postgresql":
        return {cause.diag.constraint_name}
    what, _, rest = str(cause).partition(" constraint failed: ")
    if what == "CHECK":
        return {rest}
    # SQLite tells the columns of a unique constraint and not its name.
    return {
        constraint.name
        for model, constraint in CONSTRAINTS.values()
        if isinstance(constraint, models.UniqueConstraint)
        and rest == ", ".join(column_of(model, field) for field in constraint.fields)
    }


def own_code(trace: Any) -> Iterator[str]:
    """Yield the files of the two apps that a traceback leads through."""
    for frame in trace:
        path = Path(str(frame.path))
        if path.is_relative_to(ROOT / "ballots") or path.is_relative_to(ROOT / "projects"):
            yield path.name


def test_every_named_constraint_has_a_case_and_every_case_a_constraint():
    assert set(BREAKS) == set(CONSTRAINTS)


@pytest.mark.parametrize(
    ("name", "act"),
    [
        pytest.param(name, act, id=name if place == 0 else f"{name}-{place + 1}")
        for name, acts in BREAKS.items()
        for place, act in enumerate(acts)
    ],
)
def test_the_database_refuses_what_a_constraint_forbids(world, name, act):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        act(world)

    assert blamed(refusal.value) <= {name, BROKEN_TOO.get(name)}
    assert blamed(refusal.value)
    assert list(own_code(refusal.traceback)) == []


# Columns that are unique by themselves

UNIQUE: dict[str, Act] = {
    "poll.uuid": lambda w: change(w.draft, uuid=w.running.uuid),
    "poll.screen_key": lambda w: Poll.objects.update(screen_key="k" * 22),
    "year.year": lambda w: put(year(w), year(w, poll=w.running)),
    "year.poll": lambda w: put(year(w), year(w, year=2027)),
    "decision.poll": lambda w: put(decision(w), decision(w)),
    "announcement.poll": lambda w: put(announcement(w), announcement(w)),
    "waitingstep.by": lambda w: put(waiting(w), waiting(w)),
    "passworddate.user": lambda w: put(*[PasswordDate(user=w.user, at=NOW) for _ in range(2)]),
    "register.id": lambda w: Register.objects.bulk_create([Register(), Register()]),
    "rollimport.entry": lambda w: put(
        *[RollImport(entry=link, changes={}) for link in [w.link] * 2]
    ),
    # Past the column that is unique too, as only an update goes.
    "delegation.name": lambda w: (
        put(Delegation(name="甲团")) or Delegation.objects.update(name="甲团")  # type: ignore[func-returns-value]
    ),
    "delegate.number": lambda w: change(w.other.delegate, number=w.delegate.number),
    "delegate.card_number": lambda w: Delegate.objects.update(card_number="0127"),
    "accesscard.code_digest": lambda w: put(
        card(w, 1), card(w, 2, delegate=w.other.delegate, code_digest=f"{1:064}")
    ),
    "accesscard.token_digest": lambda w: put(
        card(w, 1), card(w, 2, delegate=w.other.delegate, token_digest=f"{1:064}")
    ),
    "passwordtries.key": lambda w: put(
        *[PasswordTries(key=f"{1:064}", last_at=NOW) for _ in range(2)]
    ),
    "ballotbox.poll": lambda w: put(box(w), box(w)),
    "envelope.roll_entry": lambda w: put(
        envelope(w), envelope(w, receipt="1" * 64, code="1", token="2")
    ),
    "envelope.receipt": lambda w: put(
        envelope(w), envelope(w, roll_entry=w.other, code="1", token="2")
    ),
    "sealedballot.receipt": lambda w: put(sealed(w, 1), sealed(w, 1, code="X", poll=w.running)),
}


def test_every_unique_column_has_a_case():
    # A key that the database counts or that is drawn at random is no rule of ours.
    counted = (models.AutoField, models.BigAutoField, models.UUIDField)
    rules = {
        f"{model._meta.model_name}.{field.name}"
        for model in MODELS
        for field in model._meta.concrete_fields
        if field.unique and not (field.primary_key and isinstance(field, counted))
        # The key of a session is Django's own, drawn at random too.
        if field.model is not Session or not field.primary_key
    }

    assert set(UNIQUE) == rules


@pytest.mark.parametrize("name", UNIQUE)
def test_the_database_refuses_one_value_twice(world, name):
    model = apps.get_model(
        "projects" if name.startswith(("poll.", "year.")) else "ballots", name.split(".")[0]
    )
    column = column_of(model, name.split(".")[1])

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        UNIQUE[name](world)

    cause: Any = refusal.value.__cause__
    if connection.vendor == "postgresql":
        key = cause.diag.message_detail.removeprefix("Key (").partition(")=")[0]
        assert f"{cause.diag.table_name}.{key}" == column
    else:
        assert str(cause) == f"UNIQUE constraint failed: {column}"


# Values that a column knows


def known_values(condition: Any, name: str) -> set[str]:
    """Return the values of column `name` that a condition lists, wherever it does."""
    if isinstance(condition, Q):
        return {value for child in condition.children for value in known_values(child, name)}
    lookup, value = condition
    return set(value) if lookup == f"{name}__in" else {value} if lookup == name else set()


@pytest.mark.parametrize(
    ("model", "field"),
    [
        pytest.param(model, field, id=f"{model.__name__}.{field.name}")
        for model in MODELS
        for field in model._meta.concrete_fields
        if field.choices
    ],
)
def test_the_choices_of_a_column_are_the_values_that_its_constraint_knows(model, field):
    choices = {value for value, _label in field.choices}
    listed = [
        known_values(constraint.condition, field.name)
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
    ]

    assert choices in listed
    assert all(values <= choices for values in listed)


@pytest.mark.parametrize("phase", Poll.Phase.values)
def test_every_phase_can_be_stored_with_the_times_that_belong_to_it(world, phase):
    times = {"opened_at": NOW, "closed_at": NOW, "published_at": NOW}
    missing = {
        "draft": {"opened_at", "closed_at", "published_at"},
        "dropped": {"opened_at", "closed_at", "published_at"},
        "open": {"closed_at", "published_at"},
        "paused": {"closed_at", "published_at"},
        "published": set[str](),
    }.get(phase, {"published_at"})

    change(world.running, phase=phase, **(times | dict.fromkeys(missing)))

    assert Poll.objects.get(pk=world.running.pk).phase == phase


# One delegate, one ballot


@pytest.mark.django_db
def test_a_second_ballot_of_a_delegate_is_refused_though_the_mark_on_the_roll_was_lost():
    stage = make_stage()
    stage.cast(0, ticks(1, 2))
    first = bytes(Envelope.objects.get().sealed)
    # The trigger that keeps the mark is out of the way: this is about the envelope alone.
    triggers.lift(connection)
    RollEntry.objects.update(voted=False, voted_at=None)

    with pytest.raises(IntegrityError), transaction.atomic():
        stage.cast(0, ticks(3))

    assert bytes(Envelope.objects.get().sealed) == first


def test_a_second_envelope_of_a_delegate_is_refused_in_sql(world):
    put(envelope(world))

    with pytest.raises(IntegrityError), transaction.atomic():
        in_sql(
            "INSERT INTO ballots_envelope (roll_entry_id, poll_id, sealed, receipt, code, token)"
            " SELECT roll_entry_id, poll_id, sealed, %s, %s, %s FROM ballots_envelope",
            "f" * 64,
            "F" * 16,
            "another token",
        )

    assert Envelope.objects.count() == 1


def test_a_delegate_with_an_envelope_stays_on_the_roll(world):
    def strike_off() -> None:
        in_sql("DELETE FROM ballots_rollentry WHERE id = %s", world.one.pk)
        connection.check_constraints()

    put(envelope(world))

    with pytest.raises(IntegrityError), transaction.atomic():
        strike_off()
