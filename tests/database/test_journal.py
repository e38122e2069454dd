"""The journal of a whole day: every act and two names where two sign, and nothing about a ballot."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import connection, transaction

from ballots import journal, triggers, verifier
from ballots.acts import (
    archiving,
    canvass,
    cards,
    ceremony,
    deciding,
    details,
    drafts,
    hall,
    lifecycle,
    roll,
    storage,
)
from ballots.acts.paper import issuing
from ballots.models import Delegate, Envelope, JournalEntry, SealedBallot
from ballots.pure import chain
from ballots.refusal import Refused
from projects.models import Poll, Target
from tests.helpers import papers
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_office,
    make_poll,
    make_project,
    make_scrutineer,
    make_stage,
    make_sub_item,
    publish_count,
    selection,
)
from tests.helpers.secrecy import everything

CANARY = "社区食堂金丝雀"
MORNING = datetime(2026, 1, 18, 1, 0, tzinfo=UTC)

# What each kind of entry tells, and nothing else: a new word here has to be thought about, for it
# stands in the record for ever and in the public package.
TOLD = {
    "holders-named": "holders salt",
    "key-made": "ceremony suite public_key threshold holders commitments",
    "key-tested": "ceremony public_key",
    "staff-listed": "staff salt",
    "opened": "format digest poll candidates rules roll on_roll present ceremony public_key server_key voted closes_at total_reason staff plain_http",
    "roll-added": "number name delegation reason",
    "roll-drawn-up": "on_roll",
    "presence-marked": "present added removed",
    "presence-raised": "present added people",
    "presence-lowered": "present removed people reason",
    "leave-given": "people reason on_leave",
    "leave-ended": "people on_leave",
    "card-reissued": "number name reason",
    "paused": "reason voted",
    "resumed": "",
    "deadline-moved": "old new reason",
    "details-corrected": "changed",
    "papers-issued": "people issued box_shown",
    "paper-taken-back": "people issued reason",
    "papers-exchanged": "added exchanged",
    "papers-counted": "issued exchanged returned unused voted",
    "papers-sealed": "before receipts_before papers invalid ballots receipts keyers",
    "closed": "ballots set_apart voted present receipts announced",
    "voters-hashed": "voters",
    "set-apart": "decision people",
    "storage-rewritten": "",
    "box-opened": "ballots invalid write_ins declared",
    "write-ins-ruled": "rulings",
    "write-in-ruled": "write_in title before ruling into reason",
    "canvass-closed": "rulings into",
    "canvass-skipped": "",
    "counted": "result votes",
    "sent-back": "result reason votes",
    "confirmed": "result number",
    "exported": "what reason",
    "decided": "places items words",
    "second-round-made": "poll items",
    "published": "result projects left_open at_once",
    "year-made": "year projects",
    "year-closed": "year",
    "revealed": "revealed is_all",
    "archived": "key_destroyed backups cards cards_in_use sessions times",
    "cards-destroyed": "cards cards_in_use sessions",
    "presence-confirmed": "present",
    "draft-made": "poll copied_as",
    "draft-dropped": "reason candidates recommendations on_roll present",
    "draft-deleted": "draft uuid candidates on_roll",
    "voided": "reason phase receipts",
    "candidates-imported": "file candidates moved renamed",
    "roll-imported": "file rows new changed same left_out delegations renamed renumbered status on_committee told_apart",
    "import-undone": "entry new changed",
    "cards-issued": "issued",
    "delegate-added": "number name delegation status on_committee",
    "delegate-changed": "number name changes others",
    "delegates-deleted": "people",
    "delegation-saved": "former delegation",
    "delegation-deleted": "delegation",
    "delegations-merged": "delegations delegation moved",
    "told-apart": "told_apart",
    "status-set": "status people reason",
    "account-changed": "account what staff superuser groups reason",
}


@dataclass
class Day:
    """A real poll from its key to its publication, and what must not stand in its record."""

    stage: Stage
    late: Delegate
    secrets: list[str]

    @property
    def poll(self) -> Poll:
        return Poll.objects.get(pk=self.stage.poll.pk)

    @property
    def entries(self) -> list[JournalEntry]:
        return list(JournalEntry.objects.filter(poll=self.stage.poll).order_by("seq"))


def vote(day: Day) -> None:
    """Let everybody vote; the secrets of it are kept in the day."""
    stage = day.stage
    for place in range(len(stage.delegates)):
        token = f"token-of-{place}-{'0' * 8}"
        receipt = stage.cast(place, selection(place + 1, 12, proposals=[CANARY]), token=token)
        envelope = Envelope.objects.get(roll_entry=stage.entry(place))
        day.secrets += [token, receipt.code, envelope.receipt]


def opened_day() -> Day:
    stage = make_stage(
        kind=Poll.Kind.MAIN, delegates=3, delegates_total=4, total_reason="缺额1名，待补选"
    )
    secrets = [card.code for card in stage.issued] + [card.token for card in stage.issued]
    (late,) = make_delegates(1)
    return Day(stage, late, secrets + stage.shares)


def whole_day() -> Day:
    day = opened_day()
    stage = day.stage
    office, second = stage.office, stage.scrutineer
    roll.add_to_roll(stage.poll, delegate=day.late, reason="补选", by=office, second=second)
    roll.mark_present(stage.poll, numbers=[day.late.number], by=office)
    fresh = cards.reissue_card(stage.delegates[0], reason="遗失", by=office, second=second)
    day.secrets += [fresh.code, fresh.token]
    lifecycle.pause_poll(stage.poll, reason="停电", by=office)
    lifecycle.resume_poll(stage.poll, by=office)
    vote(day)
    stage.close()
    stage.open_box()
    canvass.rule_each_alone(stage.poll, by=office)
    canvass.close_canvass(stage.poll, by=office, second=second)
    lifecycle.count_poll(stage.poll, by=office)
    lifecycle.send_back(stage.poll, reason="并入有误", by=second)
    canvass.close_canvass(stage.poll, by=second, second=office)
    lifecycle.count_poll(stage.poll, by=office)
    lifecycle.confirm_result(stage.poll, by=second)
    lifecycle.confirm_result(stage.poll, by=stage.chief)
    lifecycle.publish_result(stage.poll, by=office, leave_open=True)
    return day


@pytest.fixture
def day(db) -> Day:
    return whole_day()


def data_of(entry: JournalEntry) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(entry.body)["data"]
    return data


# --- what it tells --------------------------------------------------------------------------------


def test_every_kind_of_entry_is_thought_about_has_its_word_and_is_known_to_the_verifier():
    assert set(journal.Kind.values) == set(TOLD)
    assert not [kind for kind in journal.Kind if str(kind.label) in {"", kind.value, kind.name}]
    assert set(verifier.LETTERS) <= set(journal.Kind.values)


@pytest.mark.django_db
def test_the_entries_of_papers_tell_that_and_nothing_of_what_stood_on_them():
    stage = make_stage(delegates=3, candidates=5, places=2)
    two = {"by": stage.office, "second": stage.scrutineer}
    papers.issue(stage, 0, 1)
    issuing.take_back_paper(stage.poll, numbers=["002"], reason="误发", **two)
    issuing.exchange_papers(stage.poll, more=1, **two)
    papers.hold_papers(stage, [selection(3, proposals=[CANARY])])

    told = stage.poll.journal.filter(kind__startswith="paper")

    assert {entry.kind: set(data_of(entry)) for entry in told} == {
        kind: set(TOLD[kind].split()) for kind in TOLD if kind.startswith("paper")
    }
    assert not [entry for entry in stage.poll.journal.all() if CANARY in entry.body]


def test_every_act_of_a_day_is_one_entry_and_the_chain_holds(day):
    assert [entry.kind for entry in day.entries] == [
        "roll-drawn-up",
        "presence-marked",
        "holders-named",
        "key-made",
        "key-tested",
        "staff-listed",
        "opened",
        "roll-added",
        "presence-raised",
        "card-reissued",
        "paused",
        "resumed",
        "voters-hashed",
        "closed",
        "box-opened",
        "write-ins-ruled",
        "canvass-closed",
        "counted",
        "sent-back",
        "canvass-closed",
        "counted",
        "confirmed",
        "confirmed",
        "published",
    ]
    assert [entry.seq for entry in day.entries] == list(range(1, 25))
    assert journal.first_broken(day.poll) is None


def test_each_kind_of_entry_tells_only_what_it_may(day):
    told = {entry.kind: set(data_of(entry)) for entry in day.entries}

    assert told == {kind: set(TOLD[kind].split()) for kind in told}


def test_the_columns_of_an_entry_say_what_its_body_says(day):
    for entry in day.entries:
        body = json.loads(entry.body)
        assert entry.body == chain.canonical(body)
        assert (entry.seq, entry.kind) == (body["seq"], body["kind"])
        assert entry.at == datetime.fromisoformat(body["at"])
        assert entry.by.username == body["by"]
        assert (entry.second.username if entry.second else "") == body["second"]


def test_two_names_stand_where_two_people_sign_and_one_where_one_does(day):
    office, scrutineer = day.stage.office.username, day.stage.scrutineer.username
    chief = day.stage.chief.username
    names = [
        (entry.kind, json.loads(entry.body)["by"], json.loads(entry.body)["second"])
        for entry in day.entries
    ]

    assert [(kind, by, second) for kind, by, second in names if second] == [
        ("roll-added", office, scrutineer),
        ("card-reissued", office, scrutineer),
        ("canvass-closed", office, scrutineer),
        ("canvass-closed", scrutineer, office),
    ]
    assert [by for kind, by, _second in names if kind == "confirmed"] == [scrutineer, chief]


@pytest.mark.django_db
def test_a_void_poll_has_two_names_and_the_root_of_its_receipts():
    day = opened_day()
    vote(day)
    receipts = sorted(Envelope.objects.values_list("receipt", flat=True))

    lifecycle.void_poll(
        day.stage.poll, reason="设备故障", by=day.stage.office, second=day.stage.scrutineer
    )

    last = day.entries[-1]
    assert (last.kind, last.by, last.second) == (
        "voided",
        day.stage.office,
        day.stage.scrutineer,
    )
    assert set(data_of(last)) == set(TOLD["voided"].split())
    assert data_of(last)["receipts"] == chain.digest("receipts", chain.canonical(receipts))
    assert journal.first_broken(day.poll) is None


def test_the_close_is_bound_to_the_receipts_on_the_board(day):
    receipts = sorted(SealedBallot.objects.values_list("receipt", flat=True))
    (closed,) = [entry for entry in day.entries if entry.kind == "closed"]

    assert data_of(closed) == {
        "ballots": 3,
        "set_apart": 0,
        "voted": 3,
        "present": 4,
        "receipts": chain.digest("receipts", chain.canonical(receipts)),
        "announced": True,
    }


SAME_POLL = UUID(int=1)


def opening(change: Callable[[Stage], Any] | None = None, **rules: Any) -> dict[str, Any]:
    """Return what the opening of a fresh poll records after a `change`; then undo all of it."""
    with transaction.atomic():
        stage = make_stage(open_it=False, delegates=3, uuid=SAME_POLL, **rules)
        if change:
            change(stage)
        lifecycle.open_poll(stage.poll, by=stage.office)
        data = data_of(JournalEntry.objects.get(poll=stage.poll, kind="opened"))
        transaction.set_rollback(True)
    return data


def rename_one(stage: Stage) -> None:
    Delegate.objects.filter(number="001").update(name="另一人")
    roll.draw_up_roll(stage.poll, by=stage.office)


@pytest.mark.django_db
def test_the_opening_is_bound_to_poll_candidates_rules_and_roll():
    plain = opening()
    others = [
        ("candidates", opening(lambda s: s.poll.projects.filter(number=1).update(title="另一项"))),
        ("candidates", opening(lambda s: s.poll.projects.filter(number=1).update(text="另一段"))),
        ("candidates", opening(lambda s: Target.objects.filter(position=1).update(quantity=99))),
        ("candidates", opening(lambda s: make_project(s.poll, 13))),
        ("candidates", opening(lambda s: s.poll.projects.update(investment_this_year=5))),
        ("candidates", opening(lambda s: s.poll.projects.update(funding="市级财政"))),
        ("candidates", opening(lambda s: make_sub_item(s.poll.projects.get(number=1)))),
        ("candidates", opening(lambda s: s.poll.projects.filter(number=1).update(site="城南"))),
        ("poll", opening(meeting="另一次会议")),
        ("poll", opening(year=2027)),
        ("roll", opening(rename_one)),
        ("rules", opening(places=9)),
        ("rules", opening(majority=Poll.Majority.NONE)),
        ("rules", opening(voters=Poll.Voters.ROLL)),
        ("rules", opening(blank_allowed=False)),
        ("rules", opening(proposal_limit=2)),
        ("rules", opening(rules_name="另一个办法")),
        ("rules", opening(show_votes=True)),
    ]

    for name, other in others:
        # Each has a key of its own, and staff whose names are made up for it.
        changed = {key for key in plain if plain[key] != other[key]} - {"staff", "public_key"}
        assert changed == {name, "digest"}


# --- what it never tells --------------------------------------------------------------------------


def test_no_code_token_receipt_or_share_stands_in_the_record(day):
    record = "\n".join(entry.body for entry in day.entries)
    bare = record.replace(" ", "").replace("-", "").upper()

    assert len(day.secrets) == 3 + 3 + 5 + 2 + 9
    for secret in day.secrets:
        assert secret not in record
        assert secret.replace("-", "").upper() not in bare


@pytest.mark.django_db
def test_casting_writes_nothing_at_all():
    day = opened_day()
    before = [entry.body for entry in day.entries]

    vote(day)

    assert [entry.body for entry in day.entries] == before


def test_no_choice_stands_in_the_record_before_the_count_nor_beside_a_name(day):
    titles = [project.title for project in day.poll.projects.all()]
    delegates = [delegate.name for delegate in Delegate.objects.all()]
    for entry in day.entries:
        chosen = [title for title in [*titles, CANARY] if title in entry.body]
        named = [name for name in delegates if name in entry.body]
        assert not (chosen and named)
        if entry.kind not in {"canvass-closed", "counted", "sent-back", "published"}:
            assert not chosen
        if entry.kind == "canvass-closed":
            assert chosen == [CANARY]


@pytest.mark.django_db(transaction=True)
def test_rewriting_the_storage_is_an_entry_of_its_own():
    stage = make_stage()
    stage.cast(0, selection(1))
    stage.close()

    storage.rewrite_storage(stage.poll, by=stage.office)

    last = JournalEntry.objects.filter(poll=stage.poll).last()
    assert last
    assert (last.kind, data_of(last)) == ("storage-rewritten", {})
    assert journal.first_broken(stage.poll) is None


# --- no act without its entry, no entry without its act -------------------------------------------


Step = Callable[[Stage], Any]


def drafted() -> Stage:
    return make_stage(delegates=3, delegates_total=4, open_it=False)


def running() -> Stage:
    stage = make_stage(delegates=3, delegates_total=4)
    make_delegates(1)
    stage.cast(0, selection(1, proposals=[CANARY]))
    return stage


def paused() -> Stage:
    stage = running()
    stage.poll = lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)
    return stage


def closed() -> Stage:
    stage = running()
    stage.close()
    return stage


def opened() -> Stage:
    stage = closed()
    stage.open_box()
    return stage


def ruled() -> Stage:
    stage = opened()
    canvass.rule_each_alone(stage.poll, by=stage.office)
    return stage


def canvassed() -> Stage:
    stage = ruled()
    canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)
    return stage


def counted() -> Stage:
    stage = canvassed()
    lifecycle.count_poll(stage.poll, by=stage.office)
    return stage


def confirmed() -> Stage:
    stage = counted()
    lifecycle.confirm_result(stage.poll, by=stage.scrutineer)
    return stage


def published() -> Stage:
    stage = confirmed()
    lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True)
    return stage


def revealed() -> Stage:
    stage = published()
    hall.reveal_all(stage.poll, by=stage.office)
    return stage


def archived() -> Stage:
    """A real poll that was archived while another one still needed the cards, and needs them no more."""
    rules: dict[str, Any] = {"kind": "main", "simple": True, "objection_days": 0}
    stage = make_stage(**rules)
    publish_count(stage)
    draft = make_poll()
    archiving.archive(
        stage.poll, key_destroyed="已销毁", backups=["无"], by=stage.office, second=stage.chief
    )
    drafts.drop(draft, by=stage.office)
    return stage


def void() -> Stage:
    stage = opened()
    ends: dict[str, Any] = {"reason": "断电", "by": stage.office, "second": stage.chief}
    stage.poll = lifecycle.void_poll(stage.poll, **ends)
    return stage


ACTS: dict[str, tuple[Callable[[], Stage], Step]] = {
    "key-made": (
        drafted,
        lambda s: ceremony.make_key(s.poll, holders=["甲", "乙", "丙"], threshold=2, by=s.office),
    ),
    "key-tested": (drafted, lambda s: ceremony.test_key(s.poll, texts=s.shares[2:], by=s.office)),
    "opened": (drafted, lambda s: lifecycle.open_poll(s.poll, by=s.office)),
    "roll-added": (
        running,
        lambda s: roll.add_to_roll(
            s.poll,
            delegate=Delegate.objects.get(roll_entries=None),
            reason="补选",
            by=s.office,
            second=s.chief,
        ),
    ),
    "card-reissued": (
        running,
        lambda s: cards.reissue_card(s.delegates[0], reason="遗失", by=s.office, second=s.chief),
    ),
    "paused": (running, lambda s: lifecycle.pause_poll(s.poll, reason="停电", by=s.office)),
    "resumed": (paused, lambda s: lifecycle.resume_poll(s.poll, by=s.office)),
    "closed": (running, lambda s: lifecycle.close_poll(s.poll, by=s.office)),
    "voided": (
        running,
        lambda s: lifecycle.void_poll(s.poll, reason="故障", by=s.office, second=s.chief),
    ),
    "box-opened": (closed, lambda s: lifecycle.open_box(s.poll, texts=s.shares, by=s.office)),
    "write-ins-ruled": (opened, lambda s: canvass.rule_each_alone(s.poll, by=s.office)),
    "write-in-ruled": (
        opened,
        lambda s: canvass.rule(s.poll, s.poll.write_ins.get(), ruling="alone", by=s.chief),
    ),
    "canvass-closed": (
        ruled,
        lambda s: canvass.close_canvass(s.poll, by=s.office, second=s.chief),
    ),
    "counted": (canvassed, lambda s: lifecycle.count_poll(s.poll, by=s.office)),
    "confirmed": (counted, lambda s: lifecycle.confirm_result(s.poll, by=s.chief)),
    "sent-back": (counted, lambda s: lifecycle.send_back(s.poll, reason="错", by=s.chief)),
    "exported": (
        confirmed,
        lambda s: details.note_export(s.poll, what="ballots", reason="核对", by=s.chief),
    ),
    "decided": (
        confirmed,
        lambda s: deciding.decide(s.poll, items=[], words="决定", by=s.office, second=s.chief),
    ),
    "second-round-made": (confirmed, lambda s: drafts.supplementary(s.poll, by=s.office)),
    "published": (
        confirmed,
        lambda s: lifecycle.publish_result(s.poll, by=s.office, leave_open=True),
    ),
    "revealed": (published, lambda s: hall.reveal_all(s.poll, by=s.office)),
    "archived": (
        revealed,
        lambda s: archiving.archive(
            s.poll, key_destroyed="已销毁", backups=["无"], by=s.office, second=s.chief
        ),
    ),
    "cards-destroyed": (
        archived,
        lambda s: archiving.destroy_cards(s.poll, by=s.office, second=s.chief),
    ),
    "draft-dropped": (
        lambda: make_stage(kind="main", open_it=False),
        lambda s: drafts.drop(s.poll, by=s.office, second=s.chief, reason="误建"),
    ),
    "draft-made": (void, lambda s: drafts.fresh_draft(s.poll, by=s.office)),
}


class Broken(Exception):
    """A fault that no code of ours expects."""


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ACTS)
def test_an_act_whose_entry_cannot_be_written_does_not_happen(kind, monkeypatch):
    def fail(*args: Any, **kwargs: Any) -> None:
        raise Broken

    prepare, act = ACTS[kind]
    stage = prepare()
    before = everything()
    monkeypatch.setattr(journal, "append", fail)

    with pytest.raises(Broken):
        act(stage)

    assert everything() == before


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ACTS)
def test_an_act_that_is_undone_leaves_no_entry(kind):
    prepare, act = ACTS[kind]
    stage = prepare()
    before = everything()

    with transaction.atomic():
        act(stage)
        assert JournalEntry.objects.latest("pk").kind == kind
        transaction.set_rollback(True)

    assert everything() == before


@pytest.mark.django_db
def test_an_act_that_is_refused_leaves_no_entry():
    stage = running()
    before = everything()

    for act in (
        lambda: lifecycle.open_poll(stage.poll, by=stage.office),
        lambda: lifecycle.pause_poll(stage.poll, reason=" ", by=stage.office),
        lambda: lifecycle.close_poll(stage.poll, by=stage.scrutineer),
        lambda: lifecycle.void_poll(stage.poll, reason="x", by=stage.office, second=stage.office),
    ):
        with pytest.raises(Refused):
            act()

    assert everything() == before


# --- what is done to it is found ------------------------------------------------------------------


@pytest.fixture
def unguarded(day) -> Day:
    """A day whose record somebody can get at: the triggers are lifted."""
    triggers.lift(connection)
    return day


EDITS: dict[str, Callable[[JournalEntry], Any]] = {
    "body": lambda entry: entry.body.replace(str(entry.by), "somebody"),
    "hash": lambda entry: "f" * 64,
    "kind": lambda entry: "revealed",
    "at": lambda entry: entry.at - timedelta(minutes=1),
    "by": lambda entry: make_office(),
    "second": lambda entry: make_scrutineer(),
}


@pytest.mark.parametrize("column", EDITS)
def test_editing_any_column_of_an_entry_is_found_where_it_stands(unguarded, column):
    entry = unguarded.entries[9]

    JournalEntry.objects.filter(pk=entry.pk).update(**{column: EDITS[column](entry)})

    assert journal.first_broken(unguarded.poll) == 10


def test_an_entry_written_anew_with_a_fitting_hash_is_found_at_the_next(unguarded):
    entry = unguarded.entries[10]
    body = chain.canonical(json.loads(entry.body) | {"data": {"ballots": 2, "voted": 2}})

    JournalEntry.objects.filter(pk=entry.pk).update(body=body, hash=chain.digest("journal", body))

    assert journal.first_broken(unguarded.poll) == 12


@pytest.mark.parametrize("place", [1, 10, 18])
def test_an_entry_taken_out_is_found(unguarded, place):
    unguarded.entries[place - 1].delete()

    assert journal.first_broken(unguarded.poll) == place


def test_an_entry_taken_out_is_found_though_the_others_are_numbered_anew(unguarded):
    unguarded.entries[9].delete()
    for entry in unguarded.entries[9:]:
        JournalEntry.objects.filter(pk=entry.pk).update(seq=entry.seq - 1)

    assert journal.first_broken(unguarded.poll) == 10


def test_two_entries_that_change_places_are_found(unguarded):
    one, other = unguarded.entries[4], unguarded.entries[5]

    for entry, seq in ((one, 99), (other, 5), (one, 6)):
        JournalEntry.objects.filter(pk=entry.pk).update(seq=seq)

    assert journal.first_broken(unguarded.poll) == 5


def test_a_number_that_does_not_fit_is_found_at_the_end_too(unguarded):
    JournalEntry.objects.filter(pk=unguarded.entries[-1].pk).update(seq=28)

    assert journal.first_broken(unguarded.poll) == 24


def test_an_entry_of_another_poll_is_found(unguarded):
    other = make_poll(candidates=0)
    stray = journal.append(other, journal.Kind.PAUSED, by=unguarded.stage.office)

    JournalEntry.objects.filter(pk=stray.pk).update(poll=unguarded.poll, seq=25)

    assert journal.first_broken(unguarded.poll) == 25


def test_a_record_cut_at_its_end_has_another_head_than_the_one_written_down(unguarded):
    head = unguarded.entries[-1].hash

    JournalEntry.objects.filter(poll=unguarded.poll, seq__gt=12).delete()

    assert journal.first_broken(unguarded.poll) is None
    assert unguarded.entries[-1].hash != head


# --- the order of time and of polls ---------------------------------------------------------------


@pytest.mark.django_db
def test_a_clock_that_is_set_back_does_not_make_the_record_run_backwards():
    poll, office = make_poll(candidates=0), make_office()

    for hours in (0, -1, -5, 2, 1):
        with time_machine.travel(MORNING + timedelta(hours=hours), tick=False):
            journal.append(poll, journal.Kind.PAUSED, by=office)

    at = [entry.at for entry in JournalEntry.objects.order_by("seq")]
    assert at == [MORNING + timedelta(hours=hours) for hours in (0, 0, 0, 2, 2)]
    assert journal.first_broken(poll) is None


@pytest.mark.django_db
def test_every_poll_has_a_chain_of_its_own():
    one, other, office = make_poll(candidates=0), make_poll(candidates=0), make_office()

    for poll in (one, other, one, one, other):
        journal.append(poll, journal.Kind.PAUSED, by=office)

    assert [entry.seq for entry in one.journal.order_by("seq")] == [1, 2, 3]
    assert [entry.seq for entry in other.journal.order_by("seq")] == [1, 2]
    assert journal.first_broken(one) is journal.first_broken(other) is None
    assert json.loads(other.journal.get(seq=1).body)["prev"] == chain.GENESIS


@pytest.mark.django_db
def test_what_has_no_single_spelling_is_not_recorded():
    poll, office = make_poll(candidates=0), make_office()

    for data in ({"share": 0.5}, {"when": MORNING}, {1: "x"}):
        with pytest.raises(ValueError, match="canonical"):
            journal.append(poll, journal.Kind.PAUSED, by=office, data=data)

    assert not JournalEntry.objects.exists()


@pytest.mark.django_db
def test_the_number_of_the_head_is_that_of_the_last_entry_or_of_the_last_of_a_kind():
    stage = make_stage(delegates=2)
    assert journal.head(stage.poll, journal.Kind.CLOSED) == ""
    stage.close()
    closed = journal.head(stage.poll)
    stage.open_box()

    assert journal.head(stage.poll, journal.Kind.CLOSED) == closed
    last = stage.poll.journal.latest("seq")
    assert journal.head(stage.poll) == chain.check_number(last.hash) != closed
