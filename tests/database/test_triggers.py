"""What the database keeps once it is written, whoever asks and by whatever road (design §5.6)."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction

from ballots import journal, triggers
from ballots.acts import rehearsal
from ballots.models import (
    Ballot,
    BallotBox,
    Decision,
    Envelope,
    JournalEntry,
    Recommendation,
    Result,
    RollEntry,
    SealedBallot,
    WriteIn,
)
from ballots.refusal import Refused
from projects.models import Poll, Project, SubItem, Target
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_poll,
    make_project,
    make_stage,
    make_sub_item,
    selection,
)
from tests.helpers.secrecy import in_sql

NO_FIGURES: Any = {"items": []}
NOW = datetime(2026, 1, 18, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 1, 18, 11, 0, tzinfo=UTC)

# The tables of design §3 and §5 that are kept, and what may not be done to them.
GUARDED = {
    "projects_poll": "update delete",
    "projects_project": "insert update delete",
    "projects_target": "insert update delete",
    "projects_subitem": "insert update delete",
    "ballots_rollentry": "update delete",
    "ballots_ballotbox": "update delete",
    "ballots_writein": "update delete",
    "ballots_envelope": "insert update delete",
    "ballots_sealedballot": "insert update delete",
    "ballots_ballot": "insert update delete",
    "ballots_decision": "insert update delete",
    "ballots_result": "update delete",
    "ballots_journalentry": "update delete",
}
# What becomes of the adopted projects: told in test_year.py.
OF_YEARS = {
    "projects_year": "insert update delete",
    "projects_adoptedproject": "insert update delete",
    "projects_adoptedtarget": "insert update delete",
    "projects_adoptedpart": "insert update delete",
    "projects_targetfigure": "insert update delete",
    "projects_projectfigure": "insert update delete",
    "ballots_opinion": "insert update delete",
    "ballots_opinionanswer": "insert update delete",
}

# --- a poll with a row in every table that is guarded ---------------------------------------------

WAY = ["draft", "open", "closed", "opened", "counted", "confirmed", "published"]


def times(phase: str) -> dict[str, datetime | None]:
    """The times that a poll must have in `phase`."""
    return {
        "opened_at": None if phase in {"draft", "dropped"} else NOW,
        "closed_at": None if phase in {"draft", "dropped", "open", "paused"} else NOW,
        "published_at": NOW if phase == "published" else None,
    }


def go(poll: Poll, phase: str) -> None:
    """Take a poll along the legal way to `phase`, by the rows alone."""
    poll.refresh_from_db()
    steps = WAY[WAY.index(poll.phase) + 1 : WAY.index(phase) + 1] if phase in WAY else [phase]
    for step in steps:
        Poll.objects.filter(pk=poll.pk).update(phase=step, **times(step))
    poll.refresh_from_db()


@dataclass
class Rows:
    """One row of each kind that hangs on `poll`, as far as its phase lets there be one."""

    poll: Poll
    entry: RollEntry

    @property
    def project(self) -> Project:
        return Project.objects.get(poll=self.poll, number=1)

    @property
    def target(self) -> Target:
        return Target.objects.get(project=self.project)

    @property
    def sub_item(self) -> SubItem:
        return SubItem.objects.get(project=self.project)

    @property
    def journal(self) -> JournalEntry:
        # Staff that is made while a poll runs stands on its record too.
        return JournalEntry.objects.filter(poll=self.poll).earliest("seq")

    @property
    def envelope(self) -> Envelope:
        return Envelope.objects.get(poll=self.poll)

    @property
    def sealed(self) -> SealedBallot:
        return SealedBallot.objects.get(poll=self.poll)

    @property
    def ballot(self) -> Ballot:
        return Ballot.objects.get(poll=self.poll)

    @property
    def result(self) -> Result:
        return Result.objects.get(poll=self.poll)

    @property
    def decision(self) -> Decision:
        return Decision.objects.get(poll=self.poll)


def make_rows(phase: str, *, kind: str = Poll.Kind.MAIN) -> Rows:
    user = make_office()
    poll = make_poll(candidates=2, kind=kind, delegates_total=3)
    make_sub_item(poll.projects.get(number=1))
    (delegate,) = make_delegates(1)
    entry = RollEntry.objects.create(
        poll=poll, delegate=delegate, number=delegate.number, name=delegate.name
    )
    JournalEntry.objects.create(
        poll=poll, seq=1, kind="key-made", at=NOW, by=user, body="{}", hash="0" * 64
    )
    place = WAY.index({"paused": "open", "void": "closed", "dropped": "draft"}.get(phase, phase))
    if place >= WAY.index("open"):
        go(poll, "open")
        envelope_for(entry, poll).save(force_insert=True)
    if place >= WAY.index("closed"):
        go(poll, "closed")
        SealedBallot.objects.create(poll=poll, receipt="0" * 64, code="0" * 16, sealed=b"sealed")
    if place >= WAY.index("opened"):
        go(poll, "opened")
        Ballot.objects.create(poll=poll, chosen=[1, 2])
    if place >= WAY.index("counted"):
        go(poll, "counted")
        Result.objects.create(
            poll=poll, stored=NO_FIGURES, digest="0" * 64, counted_at=NOW, counted_by=user
        )
    if place >= WAY.index("confirmed"):
        go(poll, "confirmed")
        decision_on(poll).save()
    go(poll, phase)
    return Rows(poll, entry)


def decision_on(poll: Poll) -> Decision:
    return Decision(poll=poll, places=1, words="决定", by=make_office(), second=make_office())


def poll_in(phase: str, kind: str) -> Poll:
    return Poll.objects.create(
        kind=kind, phase=phase, meeting="会议", year=2026, delegates_total=3, **times(phase)
    )


def envelope_for(entry: RollEntry, poll: Poll) -> Envelope:
    return Envelope(
        roll_entry=entry, poll=poll, sealed=b"sealed", receipt="0" * 64, code="0" * 16, token="t"
    )


def refused(act: Callable[..., Any], *args: Any) -> str:
    """Return the words with which a trigger refuses `act`; it fails the test if nothing does."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        act(*args)
    words = str(refusal.value)
    # A constraint that refuses for a reason of its own would make a test of a trigger worthless.
    assert "constraint" not in words.splitlines()[0].lower()
    return words


# --- they are there -------------------------------------------------------------------------------


def installed() -> set[str]:
    """Return the names of our triggers that the database has and obeys."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname FROM pg_trigger"
                " WHERE NOT tgisinternal AND tgenabled = 'O' AND tgname LIKE '%\\_guard\\_%'"
            )
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {name for (name,) in cursor.fetchall()}


SECOND_ROUND = {
    "projects_project_guard_insert",
    "projects_project_guard_update",
    "projects_target_guard_insert",
    "projects_target_guard_update",
    "projects_subitem_guard_insert",
    "projects_subitem_guard_update",
    "projects_poll_guard_update",
}


def expected() -> set[str]:
    guarded = GUARDED | OF_YEARS
    names = {
        f"{table}_guard_{event}" for table, events in guarded.items() for event in events.split()
    }
    # What they keep is told in tests/acts/test_second_round.py.
    names |= {f"{name}_second_round" for name in SECOND_ROUND}
    names |= {"ballots_ballotbox_guard_update_key", "ballots_ballotbox_guard_update_canvass"}
    # What it keeps is told in tests/acts/paper/test_paper.py.
    names |= {"ballots_ballotbox_guard_update_papers"}
    if connection.vendor == "postgresql":
        names |= {f"{table}_guard_truncate" for table in guarded if "delete" in guarded[table]}
    return names


@pytest.mark.django_db
def test_after_the_migrations_every_trigger_is_there():
    assert installed() >= expected()


@pytest.mark.django_db
def test_every_trigger_that_is_there_is_tested_here():
    told = {name for name in installed() if not name.endswith("_truncate")}

    assert told == {name for name in expected() if not name.endswith("_truncate")}


@pytest.mark.django_db
def test_installing_them_again_changes_nothing_and_lifting_takes_all():
    before = installed()

    triggers.install(connection)
    again = installed()
    triggers.lift(connection)

    assert again == before
    assert installed() == set()


@pytest.mark.django_db(transaction=True)
def test_a_flush_between_tests_empties_the_tables_and_leaves_the_triggers():
    make_rows("counted")
    before = installed()

    call_command("flush", interactive=False, verbosity=0)

    # What was done with delegates and cards is no part of it.
    assert not JournalEntry.objects.exclude(poll=None).exists()
    assert installed() == before
    make_rows("counted")
    refused(JournalEntry.objects.all().delete)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Poll.Kind.MAIN, Poll.Kind.REHEARSAL])
def test_a_poll_changes_its_kind_only_before_its_key_is_made(kind):
    other = {Poll.Kind.MAIN: Poll.Kind.REHEARSAL, Poll.Kind.REHEARSAL: Poll.Kind.MAIN}[kind]
    by_update(make_poll(candidates=1, kind=kind), "kind", other)

    refused(by_update, make_rows("draft", kind=kind).poll, "kind", other)


# --- the roll, the key and the rulings ------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Poll.Kind.MAIN, Poll.Kind.REHEARSAL])
def test_a_mark_on_the_roll_is_never_taken_back(kind):
    entry = make_rows("open", kind=kind).entry
    RollEntry.objects.filter(pk=entry.pk).update(voted=True, voted_at=NOW)

    def take_back() -> None:
        RollEntry.objects.filter(pk=entry.pk).update(voted=False, voted_at=None)

    refused(take_back)


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["open", "closed", "published", "void"])
def test_the_time_of_a_vote_goes_with_the_archiving_and_not_before(phase):
    rows = make_rows("open")
    RollEntry.objects.filter(pk=rows.entry.pk).update(voted=True, voted_at=NOW)
    go(rows.poll, phase)

    assert "mark" in refused(by_update, rows.entry, "voted_at", None)

    if phase in {"published", "void"}:
        by_update(rows.poll, "archived_at", LATER)
        by_update(rows.entry, "voted_at", None)
        refused(by_update, rows.entry, "voted", False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "later", "earlier"),
    [("revealed", 2, 1), ("revealed_at", NOW, None), ("archived_at", NOW, None)],
)
def test_what_the_hall_has_seen_and_what_was_archived_is_not_taken_back(column, later, earlier):
    real, practice = (poll_in("published", kind) for kind in (Poll.Kind.MAIN, Poll.Kind.REHEARSAL))
    for poll in (real, practice):
        by_update(poll, column, later)

    assert "frozen" in refused(by_update, real, column, earlier)
    by_update(practice, column, earlier)


@pytest.mark.django_db
def test_nobody_is_marked_as_having_voted_without_a_time():
    entry = make_rows("open").entry

    refused(by_update, entry, "voted", True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "value"), [("number", "999"), ("name", "别人"), ("delegation", "别团")]
)
def test_the_words_of_the_roll_are_frozen_once_the_poll_has_opened(column, value):
    rows = make_rows("draft")
    by_update(rows.entry, column, "草稿")
    go(rows.poll, "open")

    refused(by_update, rows.entry, column, value)


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["open", "paused"])
def test_presence_is_taken_back_while_the_poll_takes_ballots_of_whoever_has_not_voted(phase):
    """Case 28."""
    entry = make_rows(phase).entry
    by_update(entry, "present", True)

    by_update(entry, "present", False)
    by_update(entry, "present", True)
    by_update(entry, "voted_at", None)
    RollEntry.objects.filter(pk=entry.pk).update(voted=True, voted_at=NOW)

    assert "mark on the roll stays" in refused(by_update, entry, "present", False)


@pytest.mark.django_db
def test_nobody_votes_and_loses_his_presence_at_once():
    entry = make_rows("open").entry
    by_update(entry, "present", True)
    rows = RollEntry.objects.filter(pk=entry.pk)

    refused(lambda: rows.update(present=False, voted=True, voted_at=NOW))


@pytest.mark.django_db
@pytest.mark.parametrize("phase", [*WAY[2:], "void", "dropped"])
def test_presence_stays_once_the_poll_takes_no_ballots(phase):
    rows = make_rows("draft")
    by_update(rows.entry, "present", True)
    if phase == "void":
        go(rows.poll, "open")
    go(rows.poll, phase)

    refused(by_update, rows.entry, "present", False)


@pytest.mark.django_db
def test_leave_is_given_and_ended_until_the_close_and_stays_from_then_on():
    rows = make_rows("draft")
    by_update(rows.entry, "leave", "因病")
    go(rows.poll, "open")
    by_update(rows.entry, "leave", "")
    by_update(rows.entry, "leave", "因公")
    go(rows.poll, "closed")

    refused(by_update, rows.entry, "leave", "")


@pytest.mark.django_db
def test_nobody_leaves_the_roll_of_a_real_poll_that_has_opened():
    make_rows("draft").entry.delete()

    refused(RollEntry.objects.filter(pk=make_rows("published").entry.pk).delete)


def make_box(poll: Poll) -> BallotBox:
    return BallotBox.objects.create(
        poll=poll,
        suite="suite",
        public_key=b"key",
        threshold=3,
        holders=["甲"],
        commitments=["0"],
        made_at=NOW,
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("public_key", b"another"),
        ("threshold", 1),
        ("ceremony", 2),
        ("commitments", ["1"]),
        ("ballot_size", 256),
    ],
)
def test_the_key_of_a_box_is_frozen_once_the_poll_has_opened(column, value):
    poll = make_poll(candidates=1, delegates_total=1)
    box = make_box(poll)
    if column != "public_key":
        before = getattr(box, column)
        by_update(box, column, value)
        by_update(box, column, before)
    go(poll, "open")

    refused(by_update, box, column, value)


def open_for_the_whole_roll(poll: Poll) -> None:
    """Change the rule in the same statement that opens, where no constraint on drafts sees it."""
    Poll.objects.filter(pk=poll.pk).update(voters="roll", phase="open", **times("open"))


@pytest.mark.django_db
def test_the_key_of_a_draft_changes_with_its_ceremony_alone():
    box = make_box(make_poll(candidates=1, delegates_total=1))

    refused(by_update, box, "public_key", b"another")
    BallotBox.objects.update(public_key=b"another", ceremony=box.ceremony + 1)
    refused(by_update, box, "public_key", b"a third")


@pytest.mark.django_db
def test_no_poll_that_counts_is_opened_for_more_than_those_present():
    real = make_poll(candidates=1, delegates_total=1)
    rehearsal = make_poll(candidates=1, delegates_total=1, kind=Poll.Kind.REHEARSAL)

    refused(open_for_the_whole_roll, real)
    open_for_the_whole_roll(rehearsal)

    assert Poll.objects.get(phase="open") == rehearsal


@pytest.mark.django_db
def test_a_poll_opened_for_its_whole_roll_by_an_earlier_version_goes_on():
    poll = make_poll(candidates=1, delegates_total=1)
    triggers.lift(connection)
    open_for_the_whole_roll(poll)
    triggers.install(connection)

    go(poll, "published")

    assert poll.voters == Poll.Voters.ROLL


@pytest.mark.django_db
def test_the_box_of_a_real_poll_stays_once_it_has_opened():
    poll = make_poll(candidates=1, delegates_total=1)
    make_box(poll)
    go(poll, "closed")

    refused(BallotBox.objects.filter(poll=poll).delete)


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["counted", "confirmed", "published"])
def test_a_ruling_stands_once_the_ballots_are_counted(phase):
    rows = make_rows("opened")
    write_in = WriteIn.objects.create(poll=rows.poll, number=1, title="新建停车场")
    by_update(write_in, "ruling", WriteIn.Ruling.ALONE)
    go(rows.poll, phase)

    refused(by_update, write_in, "reason", "改判")
    refused(WriteIn.objects.filter(pk=write_in.pk).delete)


# --- what is never changed ------------------------------------------------------------------------


def by_save(row: models.Model, column: str, value: Any) -> None:
    setattr(row, column, value)
    row.save(update_fields=[column])


def by_update(row: models.Model, column: str, value: Any) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**{column: value})


def by_bulk_update(row: models.Model, column: str, value: Any) -> None:
    setattr(row, column, value)
    type(row)._default_manager.bulk_update([row], [column])


def by_upsert(row: models.Model, column: str, value: Any) -> None:
    setattr(row, column, value)
    type(row)._default_manager.bulk_create(
        [row], update_conflicts=True, unique_fields=["pk"], update_fields=[column]
    )


def by_sql(row: models.Model, column: str, value: Any) -> None:
    meta = row._meta
    field = meta.get_field(column)
    assert isinstance(field, models.Field)
    in_sql(f"UPDATE {meta.db_table} SET {field.column} = %s", value)  # noqa: S608


CHANGES = [by_save, by_update, by_bulk_update, by_upsert, by_sql]

NEVER_CHANGED = [
    ("journal", "body", '{"forged":1}'),
    ("journal", "hash", "f" * 64),
    ("journal", "kind", "forged"),
    ("sealed", "sealed", b"forged"),
    ("sealed", "code", "F" * 16),
    ("ballot", "invalid", "rules"),
    ("result", "digest", "f" * 64),
    ("result", "counted_at", LATER),
]


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("row", "column", "value"), NEVER_CHANGED)
def test_journal_ballots_and_results_are_never_changed(change, row, column, value):
    rows = make_rows("counted")
    before = getattr(getattr(rows, row), column)

    # An upsert comes as an INSERT first, and a counted poll takes no ballot either, sealed or not.
    words = refused(change, getattr(rows, row), column, value)

    inserted = ("a ballot comes out of an opened box only", "laid into a closed box")
    assert "never changed" in words or any(refusal in words for refusal in inserted)
    assert getattr(getattr(rows, row), column) == before


@pytest.mark.django_db
@pytest.mark.parametrize(("row", "column", "value"), NEVER_CHANGED)
def test_what_a_rehearsal_has_written_is_never_changed_either(row, column, value):
    rows = make_rows("counted", kind=Poll.Kind.REHEARSAL)

    assert "never changed" in refused(by_update, getattr(rows, row), column, value)


@pytest.mark.django_db
def test_a_ballot_is_not_changed_while_the_box_stands_open_either():
    rows = make_rows("opened")

    for change in CHANGES:
        words = refused(change, rows.ballot, "invalid", "rules")
        assert "the ballot is never changed" in words


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["chosen", "against", "write_ins"])
def test_the_lists_of_a_ballot_are_never_changed(column):
    rows = make_rows("counted")

    refused(by_update, rows.ballot, column, [2])

    assert getattr(rows.ballot, column) == ([1, 2] if column == "chosen" else [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "value"), [("items", ["2"]), ("words", "另一个决定"), ("places", 2)]
)
def test_what_the_meeting_decided_is_never_changed(column, value):
    refused(by_update, make_rows("confirmed").decision, column, value)


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["draft", "open", "closed", "counted", "published", "void"])
def test_a_decision_is_on_a_confirmed_count_that_is_not_published(phase):
    poll = poll_in(phase, Poll.Kind.MAIN)

    assert "a decision is on a confirmed count" in refused(decision_on(poll).save)


@pytest.mark.django_db
def test_the_figures_of_a_result_their_poll_and_who_counted_are_never_changed():
    rows, other = make_rows("counted"), make_office()
    second = make_poll(candidates=0)

    changes = {"stored": {"items": [1]}, "poll": second, "counted_by": other}
    for column, value in changes.items():
        assert "figures of a result" in refused(by_update, rows.result, column, value)


@pytest.mark.django_db
def test_a_result_can_be_sent_back_or_published():
    rows, publisher = make_rows("counted"), make_office()

    by_update(rows.result, "published_by", publisher)
    assert rows.result.published_by == publisher

    by_update(rows.result, "published_by", None)
    by_update(rows.result, "sent_back", "并入有误")
    assert rows.result.sent_back == "并入有误"


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Poll.Kind.MAIN, Poll.Kind.REHEARSAL])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("column", "value"), [("sealed", b"forged"), ("token", "another"), ("code", "F" * 16)]
)
def test_an_envelope_is_never_changed(kind, change, column, value):
    rows = make_rows("open", kind=kind)
    before = getattr(rows.envelope, column)

    assert "an envelope is never changed" in refused(change, rows.envelope, column, value)
    assert getattr(rows.envelope, column) == before


# --- what is never deleted ------------------------------------------------------------------------


def row_delete(row: models.Model) -> None:
    row.delete()


def queryset_delete(row: models.Model) -> None:
    type(row)._default_manager.filter(pk=row.pk).delete()


def raw_delete(row: models.Model) -> None:
    queryset = type(row)._default_manager.all()
    queryset._raw_delete(queryset.db)


def sql_delete(row: models.Model) -> None:
    # Without a condition, which SQLite would do by emptying the table at one stroke.
    in_sql(f"DELETE FROM {row._meta.db_table}")  # noqa: S608


DELETIONS = [row_delete, queryset_delete, raw_delete, sql_delete]
KEPT_ROWS = ["journal", "sealed", "ballot", "result", "decision"]


@pytest.mark.django_db
@pytest.mark.parametrize("delete", DELETIONS)
@pytest.mark.parametrize("row", KEPT_ROWS)
def test_a_real_poll_keeps_journal_ballots_results_and_decisions(delete, row):
    rows = make_rows("confirmed")

    assert "never deleted" in refused(delete, getattr(rows, row))
    assert getattr(rows, row)


@pytest.mark.django_db
@pytest.mark.parametrize("delete", DELETIONS)
def test_an_entry_that_belongs_to_no_poll_is_kept_for_good(delete):
    entry = journal.append(None, journal.Kind.ARCHIVED, by=make_office())

    assert "never deleted" in refused(delete, entry)
    assert "never changed" in refused(by_update, entry, "body", "{}")


@pytest.mark.django_db
@pytest.mark.parametrize("delete", DELETIONS)
@pytest.mark.parametrize("row", KEPT_ROWS)
def test_a_rehearsal_keeps_nothing_for_good(delete, row):
    kept = getattr(make_rows("confirmed", kind=Poll.Kind.REHEARSAL), row)
    model = type(kept)

    delete(kept)

    assert not model._default_manager.filter(pk=kept.pk).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["open", "paused"])
@pytest.mark.parametrize("delete", DELETIONS)
def test_an_envelope_stays_while_a_real_poll_takes_ballots(delete, phase):
    rows = make_rows(phase)

    assert "an envelope stays" in refused(delete, rows.envelope)
    assert rows.envelope


@pytest.mark.django_db
def test_a_poll_that_has_opened_or_was_dropped_is_never_deleted():
    for phase, kind in product([*WAY[1:], "dropped"], [Poll.Kind.MAIN, Poll.Kind.REHEARSAL]):
        assert "never deleted" in refused(queryset_delete, poll_in(phase, kind))


@pytest.mark.django_db
def test_a_draft_can_be_deleted():
    make_poll(candidates=0).delete()

    assert not Poll.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["closed", "void"])
def test_envelopes_go_once_the_poll_takes_no_more(phase):
    rows = make_rows(phase)

    queryset_delete(rows.envelope)

    assert not Envelope.objects.exists()


@pytest.mark.django_db
def test_envelopes_of_a_rehearsal_may_go_at_any_time():
    rows = make_rows("open", kind=Poll.Kind.REHEARSAL)

    queryset_delete(rows.envelope)

    assert not Envelope.objects.exists()


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("table", [table for table in GUARDED if "delete" in GUARDED[table]])
def test_a_table_whose_rows_are_kept_is_never_truncated(table):
    rows = make_rows("open")
    connection.check_constraints()  # or PostgreSQL refuses because it still has to

    assert "never truncated" in refused(in_sql, f"TRUNCATE {table} CASCADE")
    assert rows.journal


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_truncation_that_comes_down_from_another_table_is_refused_as_well():
    make_rows("counted")
    connection.check_constraints()

    assert "never truncated" in refused(in_sql, "TRUNCATE projects_poll CASCADE")


only_on_sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="REPLACE is a word of SQLite's alone"
)


@only_on_sqlite
@pytest.mark.django_db
@pytest.mark.parametrize("row", [*KEPT_ROWS, "envelope"])
def test_a_row_is_not_replaced_by_another_with_its_key(row):
    """SQLite's REPLACE deletes the row in the way, and by itself fires no trigger for that."""
    rows = make_rows({"envelope": "open", "ballot": "opened"}.get(row, "confirmed"))
    table = getattr(rows, row)._meta.db_table

    refused(in_sql, f"REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608


@only_on_sqlite
@pytest.mark.django_db
def test_a_poll_is_not_replaced_by_one_with_other_rules():
    rows = make_rows("open")
    columns = [str(field.column) for field in Poll._meta.concrete_fields]
    others = ["9" if column == "places" else column for column in columns]

    refused(
        lambda: in_sql(
            f"REPLACE INTO projects_poll ({', '.join(columns)})"  # noqa: S608
            f" SELECT {', '.join(others)} FROM projects_poll"
        )
    )

    rows.poll.refresh_from_db()
    assert rows.poll.places == 10


@pytest.mark.django_db(transaction=True)
def test_another_program_meets_the_same_triggers():
    make_rows("counted")
    statements = [
        f"{verb} {table} {rest}".strip()
        for table in ("ballots_journalentry", "ballots_ballot")
        for verb, rest in (("DELETE FROM", ""), ("UPDATE", "SET poll_id = poll_id"))
    ]
    settings = connection.settings_dict
    for statement in statements:
        if connection.vendor == "postgresql":
            with (
                psycopg.connect(
                    host=settings["HOST"],
                    port=settings["PORT"],
                    user=settings["USER"],
                    password=settings["PASSWORD"],
                    dbname=settings["NAME"],
                ) as other,
                pytest.raises(psycopg.errors.RestrictViolation, match="is never"),
            ):
                other.execute(statement)
        else:
            other_file = sqlite3.connect(settings["NAME"])
            with pytest.raises(sqlite3.IntegrityError, match="is never"):
                other_file.execute(statement)
            other_file.close()

    assert JournalEntry.objects.count() == Ballot.objects.count() == 1


# --- what enters when -----------------------------------------------------------------------------

PHASES = Poll.Phase.values


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Poll.Kind.MAIN, Poll.Kind.REHEARSAL])
@pytest.mark.parametrize("phase", PHASES)
def test_an_envelope_enters_an_open_poll_only(kind, phase):
    rows = make_rows("draft", kind=kind)
    if phase in {"paused", "void"}:
        go(rows.poll, "open")
    go(rows.poll, phase)
    insert = envelope_for(rows.entry, rows.poll)

    if phase == "open":
        insert.save(force_insert=True)
    else:
        words = refused(lambda: Envelope.objects.bulk_create([insert]))
        assert "an envelope enters an open poll only" in words

    assert Envelope.objects.count() == (phase == "open")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Poll.Kind.MAIN, Poll.Kind.REHEARSAL])
@pytest.mark.parametrize("phase", PHASES)
def test_a_ballot_comes_out_of_an_opened_box_only(kind, phase):
    rows = make_rows("draft", kind=kind)
    if phase in {"paused", "void"}:
        go(rows.poll, "open")
    go(rows.poll, phase)

    if phase == "opened":
        Ballot.objects.create(poll=rows.poll)
    else:
        words = refused(lambda: Ballot.objects.bulk_create([Ballot(poll=rows.poll)]))
        assert "a ballot comes out of an opened box only" in words

    assert Ballot.objects.count() == (phase == "opened")


# --- candidates -----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Poll.Kind.MAIN, Poll.Kind.REHEARSAL])
@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "draft"])
def test_candidates_are_frozen_in_every_phase_but_the_first(kind, phase):
    rows = make_rows("draft", kind=kind)
    if phase in {"paused", "void"}:
        go(rows.poll, "open")
    go(rows.poll, phase)
    project, target, part = rows.project, rows.target, rows.sub_item
    acts: list[Callable[[], Any]] = [
        lambda: Project.objects.bulk_create([Project(poll=rows.poll, number=9, title="x")]),
        lambda: by_update(project, "title", "另一个名称"),
        lambda: by_sql(project, "text", "另一段内容"),
        lambda: by_update(project, "poll", make_poll(candidates=0)),
        lambda: raw_delete(project),
        lambda: Target.objects.bulk_create([Target(project=project, position=9, text="x")]),
        lambda: by_update(target, "text", "另一行"),
        lambda: by_sql(target, "quantity", 999),
        lambda: target.delete(),
        lambda: by_sql(project, "investment_this_year", 5),
        lambda: by_update(project, "funding", "市级财政"),
        lambda: SubItem.objects.bulk_create([SubItem(project=project, position=9, text="x")]),
        lambda: by_update(part, "text", "另一行"),
        lambda: by_sql(part, "investment", 999),
        lambda: part.delete(),
    ]

    for act in acts:
        assert "candidates are frozen" in refused(act)

    assert [project.title for project in rows.poll.projects.all()] == ["候选项目1", "候选项目2"]
    assert rows.target.text == "新建"


@pytest.mark.django_db
def test_nothing_of_a_draft_is_moved_into_a_poll_that_has_opened():
    rows = make_rows("open")
    draft = make_poll(candidates=1)
    stray = draft.projects.get()

    assert "frozen" in refused(by_update, stray, "poll", rows.poll)
    assert "frozen" in refused(
        lambda: Target.objects.filter(project=stray).update(project=rows.project, position=2)
    )
    assert "frozen" in refused(
        lambda: Target.objects.filter(pk=rows.target.pk).update(project=stray, position=2)
    )


@pytest.mark.django_db
def test_candidates_of_a_draft_can_be_edited_at_will():
    rows = make_rows("draft")

    make_project(rows.poll, 3)
    by_update(rows.project, "title", "另一个名称")
    by_update(rows.target, "text", "另一行")
    rows.poll.projects.get(number=2).delete()

    assert [project.title for project in rows.poll.projects.all()] == ["另一个名称", "候选项目3"]


# --- the rules of a poll --------------------------------------------------------------------------

OTHER_VALUES: dict[str, Any] = {
    "uuid": lambda poll: uuid4(),
    "kind": lambda poll: Poll.Kind.REHEARSAL if poll.kind == Poll.Kind.MAIN else Poll.Kind.MAIN,
    "parent": lambda poll: make_poll(candidates=0),
    "meeting": "另一次会议",
    "year": 2027,
    "rules_name": "另一个办法",
    "rules_adopted_on": date(2026, 1, 18),
    "places": 9,
    "choice_rule": "exactly",
    "blank_allowed": False,
    "proposals": "off",
    "proposal_limit": 2,
    "body": "committee",
    "boundary": "2/3",
    "boundary_included": False,
    "whole_boundary": "4/5",
    "whole_boundary_included": False,
    "voters": "roll",
    "delegates_total": 4,
    "total_reason": "缺额1名",
    "majority": "none",
    "simple": True,
    "show_votes": True,
    "form": "each",
    "objection_days": 8,
    "collecting": True,
    "wishes": False,
    "holders": ["甲", "乙"],
    "presence_assumed": True,
}
MOVING = {
    *("closes_at", "phone", "opening_words"),
    *("id", "phase", "opened_at", "closed_at", "published_at"),
    *("revealed", "revealed_at", "archived_at", "screen_key"),
}


def test_every_column_of_a_poll_is_a_rule_or_moves_with_its_phase():
    columns = {field.name for field in Poll._meta.concrete_fields}

    assert columns == set(OTHER_VALUES) | MOVING


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Poll.Kind.MAIN, Poll.Kind.REHEARSAL])
@pytest.mark.parametrize("column", OTHER_VALUES)
def test_each_rule_is_frozen_once_the_poll_has_opened(kind, column):
    rows = make_rows("open", kind=kind)
    other = OTHER_VALUES[column]
    value = other(rows.poll) if callable(other) else other

    assert "rules are frozen" in refused(by_update, rows.poll, column, value)
    assert "rules are frozen" in refused(by_save, rows.poll, column, value)


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["phone", "opening_words"])
@pytest.mark.parametrize("phase", PHASES)
def test_telephone_and_words_are_corrected_until_the_result_is_out(phase, column):
    rows = make_rows(phase)

    if phase in {"published", "void", "dropped"}:
        assert "rules are frozen" in refused(by_update, rows.poll, column, "另一")
    else:
        by_update(rows.poll, column, "另一")


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["phone", "opening_words"])
def test_they_are_not_corrected_on_the_way_to_another_phase(column):
    rows = make_rows("open")
    moved = {"phase": "paused", column: "另一"}

    refused(lambda: Poll.objects.filter(pk=rows.poll.pk).update(**moved))


def timed_rows(phase: str, *, closes_at: datetime | None = LATER) -> Rows:
    """Return a real poll in `phase` that had a deadline when it opened."""
    rows = make_rows("draft")
    by_update(rows.poll, "closes_at", closes_at)
    beside = [phase] if phase == "dropped" else ["open", phase]
    for step in WAY[1 : WAY.index(phase) + 1] if phase in WAY else beside:
        go(rows.poll, step)
    return rows


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["open", "paused"])
def test_a_deadline_moves_later_while_the_poll_takes_ballots(phase):
    """Case 31."""
    rows = timed_rows(phase)

    by_update(rows.poll, "closes_at", LATER + timedelta(seconds=1))

    assert Poll.objects.get(pk=rows.poll.pk).closes_at == LATER + timedelta(seconds=1)


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["open", "paused"])
@pytest.mark.parametrize(
    ("before", "after"),
    [(LATER, LATER - timedelta(microseconds=1)), (LATER, NOW), (LATER, None), (None, LATER)],
)
def test_a_deadline_moves_no_other_way(phase, before, after):
    rows = timed_rows(phase, closes_at=before)

    assert "rules are frozen" in refused(by_update, rows.poll, "closes_at", after)


@pytest.mark.django_db
@pytest.mark.parametrize("phase", [p for p in PHASES if p not in {"draft", "open", "paused"}])
def test_a_deadline_stays_once_the_poll_takes_no_ballots(phase):
    rows = timed_rows(phase)

    after = LATER + timedelta(hours=1)

    assert "rules are frozen" in refused(by_update, rows.poll, "closes_at", after)


@pytest.mark.django_db
def test_a_deadline_does_not_move_on_the_way_to_another_phase():
    rows = timed_rows("open")
    moved = {"phase": "paused", "closes_at": LATER + timedelta(hours=1)}

    assert "rules are frozen" in refused(
        lambda: Poll.objects.filter(pk=rows.poll.pk).update(**moved)
    )


@pytest.mark.django_db
@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "draft"])
def test_a_rule_is_frozen_in_every_phase_but_the_first(phase):
    rows = make_rows(phase)

    assert "rules are frozen" in refused(by_sql, rows.poll, "places", 9)


@pytest.mark.django_db
def test_a_rule_does_not_change_on_the_way_to_another_phase():
    rows = make_rows("open")

    refused(
        lambda: Poll.objects.filter(pk=rows.poll.pk).update(phase="closed", closed_at=NOW, places=9)
    )


@pytest.mark.django_db
@pytest.mark.parametrize("column", sorted(set(OTHER_VALUES) - {"parent", "kind"}))
def test_each_rule_can_be_edited_in_a_draft(column):
    # Only a rehearsal may be for the whole roll.
    kind = Poll.Kind.REHEARSAL if column == "voters" else Poll.Kind.MAIN
    rows = make_rows("draft", kind=kind)
    other = OTHER_VALUES[column]
    value = other(rows.poll) if callable(other) else other

    by_update(rows.poll, column, value)

    assert getattr(Poll.objects.get(pk=rows.poll.pk), column) == value


# The steps of design §3.1, written down once more: `open` and `paused` both close, a count goes
# back to the canvass, and from `open` to `confirmed` a poll may be declared void.
STEPS = {
    "draft": "open dropped",
    "open": "paused closed void",
    "paused": "open closed void",
    "closed": "opened void",
    "opened": "counted void",
    "counted": "opened confirmed void",
    "confirmed": "published void",
    "published": "",
    "void": "",
    "dropped": "",
}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "after"),
    [(before, after) for before, after in product(PHASES, PHASES) if before != after],
)
def test_a_real_poll_goes_only_where_the_next_step_leads(before, after):
    poll = poll_in(before, Poll.Kind.MAIN)

    def step() -> None:
        Poll.objects.filter(pk=poll.pk).update(phase=after, **times(after))

    if after in STEPS[before].split():
        step()
        assert Poll.objects.get(pk=poll.pk).phase == after
    else:
        assert "phases follow each other" in refused(step)
        assert Poll.objects.get(pk=poll.pk).phase == before


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Poll.Kind.RUN_OFF, Poll.Kind.SUPPLEMENTARY])
def test_a_second_round_does_not_go_back_either(kind):
    parent = poll_in("published", Poll.Kind.MAIN)
    child = Poll.objects.create(
        kind=kind, parent=parent, phase="closed", meeting="会议", year=2026, delegates_total=3,
        **times("closed"),
    )  # fmt: skip

    assert "phases follow" in refused(
        lambda: Poll.objects.filter(pk=child.pk).update(phase="open", closed_at=None)
    )


@pytest.mark.django_db
def test_a_rehearsal_can_go_back_to_its_draft():
    poll = poll_in("published", Poll.Kind.REHEARSAL)

    Poll.objects.filter(pk=poll.pk).update(phase="draft", **times("draft"))

    assert Poll.objects.get(pk=poll.pk).phase == "draft"


# --- a whole day under the triggers ---------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["open", "closed", "opened"])
def test_a_rehearsal_is_wiped_from_any_phase_and_leaves_nothing(phase):
    stage = make_stage()
    stage.cast(0, selection(1, proposals=["推荐甲"]))
    if phase in {"closed", "opened"}:
        stage.close()
    if phase == "opened":
        stage.open_box()

    rehearsal.wipe_rehearsal(stage.poll, by=stage.office)

    for model in (Poll, Project, Target, RollEntry, Envelope, SealedBallot, Ballot, WriteIn):
        assert not model._default_manager.exists()
    # What was done with delegates and cards is no part of it.
    assert not JournalEntry.objects.exclude(poll=None).exists()


@pytest.mark.django_db
def test_a_rehearsal_is_wiped_with_its_recommendations_decisions_and_merged_proposals():
    stage = make_stage()
    poll, project = stage.poll, stage.poll.projects.first()
    Recommendation.objects.create(
        poll=poll, delegate=stage.delegates[0], title="推荐", ruling="merged", project=project
    )
    go(poll, "confirmed")
    decision_on(poll).save()
    one = WriteIn.objects.create(
        poll=poll, number=1, title="甲", ruling="into-project", into_project=project
    )
    WriteIn.objects.create(
        poll=poll, number=2, title="乙", ruling="into-write-in", into_write_in=one
    )

    rehearsal.wipe_rehearsal(poll, by=stage.office)

    for model in (Poll, Project, Recommendation, Decision, WriteIn):
        assert not model._default_manager.exists()


@pytest.mark.django_db
def test_a_real_poll_is_not_wiped():
    stage = make_stage(kind=Poll.Kind.MAIN)
    stage.cast(0, selection(1))

    with pytest.raises(Refused) as refusal:
        rehearsal.wipe_rehearsal(stage.poll, by=stage.office)

    assert refusal.value.code == "not-to-wipe"
    assert Envelope.objects.count() == 1


# --- whether they are at work ---------------------------------------------------------------------


@pytest.mark.django_db
def test_every_trigger_is_found_to_be_at_work():
    assert triggers.are_installed(connection)


@pytest.mark.django_db
@pytest.mark.postgresql
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ballots_journalentry DISABLE TRIGGER USER",
        "ALTER TABLE ballots_envelope DISABLE TRIGGER ballots_envelope_guard_update",
        "ALTER TABLE ballots_envelope ENABLE REPLICA TRIGGER ballots_envelope_guard_update",
        "CREATE OR REPLACE FUNCTION ballots_ballot_guard_update() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RETURN NEW; END $$",
        "DROP TRIGGER ballots_result_guard_update ON ballots_result",
        "DROP TRIGGER ballots_result_guard_update ON ballots_result; CREATE TRIGGER"
        " ballots_result_guard_update BEFORE UPDATE ON ballots_result FOR EACH ROW WHEN (FALSE)"
        " EXECUTE FUNCTION ballots_result_guard_update()",
        "DROP TRIGGER ballots_result_guard_update ON ballots_result; CREATE TRIGGER"
        " ballots_result_guard_update BEFORE UPDATE OF digest ON ballots_result FOR EACH ROW"
        " EXECUTE FUNCTION ballots_result_guard_update()",
        "SET LOCAL session_replication_role = replica",
    ],
)
def test_a_trigger_that_is_switched_off_or_emptied_is_missed_on_postgresql(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)

    assert not triggers.are_installed(connection)


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the words of SQLite")
@pytest.mark.parametrize("condition", ["", " WHEN 1 = 0"])
def test_a_trigger_that_is_gone_or_emptied_is_missed_on_sqlite(condition):
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER ballots_ballot_guard_update")
        if condition:
            cursor.execute(
                "CREATE TRIGGER ballots_ballot_guard_update BEFORE UPDATE ON ballots_ballot"
                f"{condition} BEGIN SELECT RAISE(ABORT, 'the ballot is never changed'); END"
            )

    assert not triggers.are_installed(connection)
