"""What somebody learns who reads the whole database, its files, the logs or an error report.

After the close nothing may lead from a delegate to a ballot: no column, no key, no order, no page
of a file. Each search is first run where there is something to be found.
"""

import logging
import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.views.debug import (
    ExceptionReporter,
    SafeExceptionReporterFilter,
)

from ballots.acts import canvass, casting, ceremony, lifecycle, storage, unsealing
from ballots.admin import steps
from ballots.facts import counting
from ballots.models import (
    Ballot,
    Delegate,
    Envelope,
    JournalEntry,
    Result,
    RollEntry,
    SealedBallot,
    Session,
    WriteIn,
)
from ballots.pure import chain, opening, rules, sealing, shares, tally
from ballots.pure.figures import Figures
from ballots.pure.rules import Proposal
from ballots.refusal import Refused
from projects.models import Poll, Project
from tests.helpers.browsing import signed_in
from tests.helpers.desk import desk_of
from tests.helpers.factories import Stage, make_stage, selection
from tests.helpers.machine import ROOT
from tests.helpers.routes import PAGES, admin_routes
from tests.helpers.secrecy import as_bytes, rows_of, spellings, tables, where
from yiwu_vote.reports import FrameReporter

ON_POSTGRESQL = connection.vendor == "postgresql"
PLACES = 16


def canary(place: int) -> str:
    """Return the words that the delegate at `place` alone proposes; they mark that ballot."""
    return f"canary-{place:02}-夜间公交"


class Day:
    """A vote of sixteen delegates in an order of its own, each ballot with a mark in it."""

    def __init__(self) -> None:
        self.stage = make_stage(delegates=PLACES, open_it=False)
        # Names that stand nowhere by chance; “代表1” would be found in “代表11”.
        for place, delegate in enumerate(self.stage.delegates):
            words = {"name": f"姓名{place:02}某某", "number": f"N0{place:02}X"}
            Delegate.objects.filter(pk=delegate.pk).update(**words)
            RollEntry.objects.filter(delegate=delegate).update(**words)
        self.stage.poll = lifecycle.open_poll(self.stage.poll, by=self.stage.office)
        self.order = random.Random(7).sample(range(PLACES), PLACES)
        self.tokens = {place: casting.new_token() for place in range(PLACES)}
        self.codes: dict[int, str] = {}

    def vote(self) -> "Day":
        for place in self.order:
            receipt = self.stage.cast(
                place,
                selection(place % 12 + 1, proposals=[canary(place)]),
                token=self.tokens[place],
            )
            self.codes[place] = receipt.code
        self.receipts = {
            place: Envelope.objects.get(roll_entry=self.stage.entry(place)).receipt
            for place in range(PLACES)
        }
        return self

    def close(self, *, rewrite: bool = True) -> "Day":
        self.stage.close()
        if rewrite:
            storage.rewrite_storage(self.stage.poll, by=self.stage.office)
        return self

    def open_box(self) -> "Day":
        self.stage.open_box()
        return self

    def count(self) -> "Day":
        stage = self.stage
        stage.count()
        lifecycle.confirm_result(stage.poll, by=stage.scrutineer)
        lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True)
        return self


# --- no row and no key ----------------------------------------------------------------------------


def rows_that_hold(*secrets: str) -> list[tuple[str, dict[str, Any]]]:
    """Return each row, with its table, in which any of `secrets` stands in any spelling."""
    wanted = [text for secret in secrets for text in spellings(secret)]
    return [
        (table, row)
        for table in tables()
        for row in rows_of(table)
        if any(text in as_bytes(value) for value in row.values() for text in wanted)
    ]


def ballots_beside_names(day: Day) -> list[str]:
    """Return the tables in which one row tells both whose it is and what was handed in."""
    stage = day.stage
    pairs = set()
    for place, delegate in enumerate(stage.delegates):
        handed_in = [canary(place), day.codes[place], day.receipts[place], day.tokens[place]]
        named = [f"姓名{place:02}某某", f"N0{place:02}X"]
        entry, card = stage.entry(place).pk, stage.card(place).pk
        keys = {"delegate_id": delegate.pk, "roll_entry_id": entry, "card_id": card}
        for table, row in rows_that_hold(*handed_in):
            text = b" ".join(as_bytes(value) for value in row.values())
            has_name = any(spelling in text for name in named for spelling in spellings(name))
            if has_name or any(row.get(column) == pk for column, pk in keys.items()):
                pairs.add(table)
    return sorted(pairs)


@pytest.mark.django_db(transaction=True)
def test_after_the_close_no_row_holds_a_delegate_and_what_was_handed_in():
    day = Day().vote()
    # While the vote runs the envelope does, and the search finds it.
    assert ballots_beside_names(day) == ["ballots_envelope"]

    day.close()
    assert ballots_beside_names(day) == []
    day.open_box().count()
    assert ballots_beside_names(day) == []


@pytest.mark.django_db(transaction=True)
def test_before_the_box_is_opened_nothing_in_the_database_holds_a_choice():
    day = Day().vote()
    marks = [canary(place) for place in range(PLACES)]

    assert where(*marks) == set()
    day.close()
    assert where(*marks) == set()
    # Opened, each text stands once, among those of all.
    day.open_box()
    assert where(*marks) == {"ballots_writein.title"}


@pytest.mark.django_db(transaction=True)
def test_after_the_count_a_receipt_stands_with_its_sealed_bytes_and_nowhere_else():
    day = Day().vote().close().open_box().count()

    assert where(*day.receipts.values()) == {"ballots_sealedballot.receipt"}
    assert where(*day.codes.values()) == {"ballots_sealedballot.code"}
    assert where(*day.tokens.values()) == set()


def unique_values(table: str) -> dict[str, set[bytes]]:
    """Return for each column the values, but for small numbers, that pick out one of its rows."""
    columns: dict[str, list[bytes]] = {}
    for row in rows_of(table):
        for column, value in row.items():
            if value is not None and not isinstance(value, bool | int):
                columns.setdefault(column, []).append(as_bytes(value))
    return {
        column: {value for value in values if values.count(value) == 1 and len(value) > 3}
        for column, values in columns.items()
    }


OF_A_PERSON = ["ballots_delegate", "ballots_rollentry", "ballots_accesscard", "ballots_envelope"]
OF_A_BALLOT = ["ballots_sealedballot", "ballots_ballot", "ballots_writein"]


def joins() -> set[str]:
    """Return pairs of columns, one of a person and one of a ballot, that share a telling value."""
    of_ballots = [
        (f"{table}.{column}", values)
        for table in OF_A_BALLOT
        for column, values in unique_values(table).items()
    ]
    return {
        f"{table}.{column} = {other}"
        for table in OF_A_PERSON
        for column, values in unique_values(table).items()
        for other, others in of_ballots
        if values & others
    }


@pytest.mark.django_db(transaction=True)
def test_no_value_joins_a_table_of_people_to_a_table_of_ballots():
    day = Day().vote().close()
    row = SealedBallot.objects.first()
    assert row
    # An envelope left behind would be such a join, and the search finds it.
    Poll.objects.filter(pk=day.stage.poll.pk).update(phase=Poll.Phase.OPEN, closed_at=None)
    Envelope.objects.create(
        roll_entry=day.stage.entry(0),
        poll=day.stage.poll,
        sealed=bytes(row.sealed),
        receipt=row.receipt,
        code=row.code,
        token="t",
    )
    assert "ballots_envelope.receipt = ballots_sealedballot.receipt" in joins()
    Envelope.objects.all().delete()
    Poll.objects.filter(pk=day.stage.poll.pk).update(
        phase=Poll.Phase.CLOSED, closed_at=day.stage.poll.closed_at
    )

    day.open_box().count()

    assert joins() == set()


def test_no_foreign_key_leads_from_a_person_to_a_ballot():
    """Polls, candidates and staff are shared by all; everything else must part people and ballots."""
    shared = {"Poll", "PollDay", "Project", "User", "Group", "Permission", "ContentType"}
    links: dict[str, set[str]] = {}
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            other = field.related_model
            if field.is_relation and isinstance(other, type) and issubclass(other, models.Model):
                pair = {model.__name__, other.__name__}
                if not pair & shared:
                    links.setdefault(model.__name__, set()).add(other.__name__)
                    links.setdefault(other.__name__, set()).add(model.__name__)
    reached, waiting = set(), {"Delegate"}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= links.get(name, set()) - reached

    assert "Envelope" in reached, "the one bridge, which the close burns"
    assert not reached & {"SealedBallot", "Ballot", "WriteIn", "Result", "JournalEntry"}


def test_the_tables_of_ballots_have_no_time_no_sequence_and_no_person():
    for model in (SealedBallot, Ballot, WriteIn):
        for field in model._meta.concrete_fields:
            assert not isinstance(field, models.DateField | models.TimeField | models.AutoField)
            if field.related_model:
                assert field.related_model in {Poll, Project, WriteIn}
    kinds = {model: type(model._meta.pk).__name__ for model in (SealedBallot, Ballot, WriteIn)}
    assert kinds == {SealedBallot: "CharField", Ballot: "UUIDField", WriteIn: "UUIDField"}


# --- no order -------------------------------------------------------------------------------------


def in_stored_order(table: str, column: str) -> list[str]:
    """Return a column in the order in which the rows lie in the file."""
    place = "ctid" if ON_POSTGRESQL else "rowid"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} ORDER BY {place}")  # noqa: S608
        return [str(row[0]) for row in cursor.fetchall()]


def transactions(table: str) -> set[str]:
    """Return the numbers of the transactions that wrote the rows of `table` (PostgreSQL)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT CAST(xmin AS text) FROM {table}")  # noqa: S608
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_sealed_ballots_lie_in_the_order_of_their_receipts_and_not_of_casting():
    day = Day().vote()
    cast_order = [day.receipts[place] for place in day.order]
    # While the vote runs the order of the rows is that of casting.
    assert in_stored_order("ballots_envelope", "receipt") == cast_order

    for rewrite in (False, True):
        if rewrite:
            storage.rewrite_storage(day.stage.poll, by=day.stage.office)
        else:
            day.close(rewrite=False)
        stored = in_stored_order("ballots_sealedballot", "receipt")
        assert stored == sorted(cast_order) != cast_order


@pytest.mark.django_db
@pytest.mark.skipif(ON_POSTGRESQL, reason="where PostgreSQL sorts hangs on its statistics")
def test_the_close_sorts_no_envelopes_on_disk():
    with connection.cursor() as cursor:
        strip = lifecycle.STRIP.format(apart="FALSE", which="")
        for statement, sorts in ((strip, False), (strip.replace("+", ""), True)):
            cursor.execute("EXPLAIN QUERY PLAN " + statement, [1])
            assert ("TEMP B-TREE" in str(cursor.fetchall())) == sorts


@pytest.mark.django_db(transaction=True)
def test_opened_ballots_lie_in_the_order_of_their_random_keys():
    day = Day().vote().close().open_box()

    stored = in_stored_order("ballots_ballot", "id")

    assert len(stored) == PLACES
    assert stored == sorted(stored)
    # Version 4 has random bits only; 1, 6 and 7 hold the time.
    assert {row.id.version for row in day.stage.poll.ballots.all()} == {4}


@pytest.mark.django_db(transaction=True)
def test_proposals_lie_in_the_order_of_their_random_numbers_and_not_of_the_receipts():
    Day().vote().close().open_box()

    stored = in_stored_order("ballots_writein", "number")

    # In the order of the sealed ballots, the first text would belong to the first receipt.
    assert stored == [str(number) for number in range(1, PLACES + 1)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_all_rows_of_ballots_were_written_by_one_transaction():
    day = Day().vote()
    # While the vote runs each envelope has its own, in the order of casting.
    assert len(transactions("ballots_envelope")) == PLACES

    day.close(rewrite=False)
    assert len(transactions("ballots_sealedballot")) == 1
    storage.rewrite_storage(day.stage.poll, by=day.stage.office)
    assert len(transactions("ballots_sealedballot")) == 1
    day.open_box()
    assert len(transactions("ballots_ballot")) == 1
    assert transactions("ballots_ballot") == transactions("ballots_writein")


# --- no page of a file ----------------------------------------------------------------------------


FILES_OF_BALLOTS = """
SELECT pg_read_binary_file(pg_relation_filepath(c.oid)), current_setting('block_size')
FROM pg_class c
WHERE c.relkind IN ('r', 'i', 't') AND pg_relation_size(c.oid) > 0
  AND (c.relname LIKE 'ballots_%' OR c.oid IN
       (SELECT reltoastrelid FROM pg_class WHERE relname LIKE 'ballots_%'))
"""


def stored_pages() -> list[bytes]:
    """Return every page that the tables of a vote have on disk, what was freed on it included."""
    with connection.cursor() as cursor:
        if ON_POSTGRESQL:
            cursor.execute("CHECKPOINT")
            cursor.execute(FILES_OF_BALLOTS)
            files = [(bytes(file), int(size)) for file, size in cursor.fetchall()]
        else:
            cursor.execute("PRAGMA page_size")
            name = Path(connection.settings_dict["NAME"])
            files = [(name.read_bytes(), cursor.fetchone()[0])]
            # What the write-ahead log holds, it holds in no certain place: as one page.
            files += [(log.read_bytes(), 2**40) for log in name.parent.glob(f"{name.name}-wal")]
    return [
        file[start : start + size] for file, size in files for start in range(0, len(file), size)
    ]


def is_stored(*secrets: str) -> bool:
    return any(secret.encode() in page for page in stored_pages() for secret in secrets)


@pytest.mark.django_db(transaction=True)
def test_after_the_rewriting_no_page_holds_a_token_or_a_name_beside_a_receipt():
    day = Day().vote()
    assert all(is_stored(token) for token in day.tokens.values())

    day.close()

    assert not is_stored(*day.tokens.values())
    names = [delegate.name.encode() for delegate in Delegate.objects.all()]
    receipts = [receipt.encode() for receipt in day.receipts.values()]
    with_name = [page for page in stored_pages() if any(name in page for name in names)]
    with_receipt = [page for page in stored_pages() if any(code in page for code in receipts)]
    assert with_name
    assert with_receipt
    assert not [page for page in with_name if page in with_receipt]
    assert JournalEntry.objects.filter(kind="storage-rewritten").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_an_older_transaction_does_not_keep_the_envelopes_alive():
    day = Day().vote()
    elsewhere = connection.copy("elsewhere")
    try:
        with elsewhere.cursor() as cursor:
            # A dump that has just begun, or a slow page of any database of this server.
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT pg_current_xact_id()")
            day.close()
            assert not is_stored(*day.tokens.values())
            cursor.execute("ROLLBACK")
    finally:
        elsewhere.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_the_statistics_of_the_database_forget_the_envelopes():
    day = Day().vote()
    known = (
        "SELECT array_agg(attname::text) FROM pg_stats WHERE tablename = 'ballots_envelope' AND attname IN"
        " ('receipt', 'code', 'token', 'roll_entry_id', 'sealed')"
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ballots_envelope")
        cursor.execute(known)
        assert cursor.fetchone()[0]
        day.close()
        cursor.execute(known)
        assert cursor.fetchone()[0] is None


@pytest.mark.django_db(transaction=True)
def test_a_reader_in_the_way_of_the_rewriting_is_told_and_nothing_is_recorded():
    day = Day().vote().close(rewrite=False)
    reader = connection.copy("reader")
    hasty, patient = (
        ("SET lock_timeout = '100ms'", "RESET lock_timeout")
        if ON_POSTGRESQL
        else ("PRAGMA busy_timeout = 0", "PRAGMA busy_timeout = 20000")
    )
    try:
        with reader.cursor() as cursor, connection.cursor() as own:
            cursor.execute("BEGIN")
            cursor.execute("SELECT COUNT(*) FROM ballots_envelope")
            own.execute(hasty)
            with pytest.raises(Refused) as refusal:
                storage.rewrite_storage(day.stage.poll, by=day.stage.office)
            own.execute(patient)
            cursor.execute("ROLLBACK")
    finally:
        reader.close()

    assert refusal.value.code == "storage-busy"
    assert not JournalEntry.objects.filter(kind="storage-rewritten").exists()
    storage.rewrite_storage(day.stage.poll, by=day.stage.office)


@pytest.mark.django_db(transaction=True)
def test_storage_is_rewritten_after_a_vote_was_voided_as_well():
    day = Day().vote()
    stage = day.stage
    lifecycle.void_poll(stage.poll, reason="断电", by=stage.office, second=stage.chief)

    storage.rewrite_storage(stage.poll, by=stage.office)

    assert not is_stored(*day.tokens.values())
    assert ballots_beside_names(day) == []


# --- no trace beside the database -----------------------------------------------------------------


@contextmanager
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Catch what every logger says, also those that do not hand it on to the root."""
    loggers = [logging.getLogger(name) for name in ("", "django", "django.request", "ballots")]
    with caplog.at_level(logging.DEBUG):
        for logger in loggers:
            logger.addHandler(caplog.handler)
            caplog.set_level(logging.DEBUG, logger.name or None)
        yield
        for logger in loggers:
            logger.removeHandler(caplog.handler)


@pytest.mark.django_db
def test_a_vote_leaves_no_choice_in_log_session_or_cache(caplog, capfd):
    with everything_logged(caplog):
        logging.getLogger("ballots").debug("a line to see that lines are caught")
        day = Day().vote()
        for place in range(PLACES):
            with pytest.raises(Refused):
                day.stage.cast(place, selection(1, proposals=[canary(place)]))

    printed = capfd.readouterr()
    said = caplog.text + printed.out + printed.err
    assert "a line to see" in said
    assert "canary" not in said
    assert not Session.objects.exists()
    cache = getattr(caches["default"], "_cache", {})
    assert not [key for key, value in cache.items() if b"canary" in as_bytes(value)]


@pytest.mark.django_db(transaction=True)
def test_the_journal_holds_no_choice_no_receipt_and_of_a_person_only_what_was_done_to_the_roll():
    day = Day().vote().close().open_box()
    text = "".join(JournalEntry.objects.values_list("body", flat=True))
    assert not [place for place in range(PLACES) if canary(place) in text]
    day.count()
    text = "".join(JournalEntry.objects.values_list("body", flat=True))

    for place in range(PLACES):
        for secret in (day.receipts[place], day.codes[place], day.tokens[place]):
            assert secret not in text
        assert f"姓名{place:02}某某" not in text
        assert f"N0{place:02}X" not in text


# --- blind while the box is open -------------------------------------------------------------------

# Every command, and how it is called while proposals are canvassed: it ends, is refused, or knows
# no total. Left out are those that hold a whole vote of their own.
CALLED: dict[str, list[list[str]]] = {
    "canvass_poll": [["--user", "OFFICE"]],
    "close_poll": [["--user", "OFFICE"]],
    "confirm_poll": [["--user", "CHIEF"]],
    "count_poll": [["--user", "OFFICE"]],
    "export_package": [["FILE"], ["FILE", "--public"]],
    "export_tally": [[], ["--summary"], ["--workbook", "--output", "FILE"]],
    "make_key": [["--user", "OFFICE", "--out", "FILE"]],
    "open_box": [["--user", "OFFICE", "--shares", "SHARES"]],
    "open_poll": [["--user", "OFFICE"]],
    "publish_poll": [["--user", "OFFICE"]],
    "test_key": [["--user", "OFFICE", "--shares", "SHARES"]],
    "verify_journal": [[]],
    "void_poll": [["--user", "OFFICE", "--reason", "x"]],
}
OF_THEIR_OWN = {"demo", "rehearse"}
# Columns in which a choice stands; COUNT(*) of the opened ballots is on the record (design §3.3).
CHOICES = re.compile(r"ballots_ballot\b.*\b(chosen|against|write_ins)\b", re.DOTALL)


@pytest.fixture
def being_canvassed(db, monkeypatch) -> Stage:
    """A vote whose first count was sent back: every way to a total is there, and none is open."""
    stage = make_stage(delegates=4, show_votes=True)
    for place in range(4):
        stage.cast(place, selection(1, 2, proposals=[canary(place % 2)]))
    stage.close()
    stage.open_box()
    stage.count()
    stage.poll = lifecycle.send_back(stage.poll, reason="归并有误", by=stage.scrutineer)
    first = stage.poll.write_ins.first()
    assert first
    canvass.rule(stage.poll, first, ruling="", by=stage.office)
    nothing_may_be_counted(monkeypatch)
    return stage


def nothing_may_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every way to a total fail: the two counts, and the rows from which one could be had."""

    def counted(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a total was computed")

    for name in ("count", "count_in_sql", "figures", "checks", "mentions", "tally", "_still_holds"):
        for owner in (counting, tally, lifecycle):
            if hasattr(owner, name):
                monkeypatch.setattr(owner, name, counted)
    load = Result.from_db.__func__  # type: ignore[attr-defined]

    def read_a_result(cls: Any, db: Any, names: Any, values: Any) -> Any:
        assert "stored" not in names, "the figures of a count were read"
        return load(cls, db, names, values)

    def read_a_ballot(cls: Any, *args: Any) -> Any:
        raise AssertionError("a ballot was read")

    monkeypatch.setattr(Result, "from_db", classmethod(read_a_result))
    monkeypatch.setattr(Ballot, "from_db", classmethod(read_a_ballot))


@contextmanager
def no_choice_is_read() -> Iterator[None]:
    with CaptureQueriesContext(connection) as queries:
        yield
    assert not [query["sql"] for query in queries if CHOICES.search(query["sql"])]


def day_addresses(stage: Stage) -> list[str]:
    """Return the address of every page of the day and of each of its files."""
    routes = [route for route in admin_routes() if "/pollday/" in route]
    files = [*steps.FILES]
    return [
        "/" + route.replace("<int:poll_id>", str(stage.poll.pk)).replace("<str:what>", what)
        for route in routes
        for what in (files if "<str:what>" in route else [""])
    ]


def test_while_the_box_is_open_no_page_of_the_staff_computes_or_reads_a_total(being_canvassed):
    stage = being_canvassed
    addresses = day_addresses(stage)
    assert len(addresses) > 30

    for user in (stage.office, stage.chief, User.objects.create_superuser("root")):
        client = desk_of(user)
        for address in [*addresses, "/admin/", "/admin/ballots/journalentry/"]:
            with no_choice_is_read():
                reply = client.get(address)
            assert reply.status_code in {200, 302, 403, 405}, address
            text = reply.content.decode(errors="ignore")
            assert not re.search("得票(数|率)[：:]?\\s*[0-9]", text), address


def test_while_the_box_is_open_no_post_of_an_empty_form_computes_a_total(being_canvassed):
    stage = being_canvassed
    before = Result.objects.count()

    for user in (stage.office, stage.chief):
        client = desk_of(user)
        for address in day_addresses(stage):
            # It rules, which is no count, and `wipe` would take the rehearsal away.
            if not address.endswith(("/alone/", "/wipe/")):
                with no_choice_is_read():
                    client.post(address)

    stage.poll.refresh_from_db()
    assert stage.poll.phase == Poll.Phase.OPENED
    assert Result.objects.count() == before


def test_while_the_box_is_open_no_page_of_a_delegate_or_the_public_computes_a_total(
    being_canvassed,
):
    stage = being_canvassed
    query = f"?poll={stage.poll.pk}"

    for client in (Client(), signed_in(stage)):
        for path in (*PAGES, "/receipt/", "/recommend/"):
            with no_choice_is_read():
                text = client.get(path + query).text
            assert "canary" not in text, path


def test_every_command_is_known_to_the_test_of_the_commands():
    names = {path.stem for path in (ROOT / "ballots/management/commands").glob("[!_]*.py")}

    assert names - OF_THEIR_OWN == CALLED.keys()


@pytest.mark.parametrize("name", CALLED)
def test_while_the_box_is_open_no_command_computes_a_total_or_says_one(
    being_canvassed, name, tmp_path, caplog
):
    stage = being_canvassed
    (tmp_path / "shares.txt").write_text("\n".join(stage.shares[:3]), encoding="utf-8")
    words = {
        "OFFICE": stage.office.username,
        "CHIEF": stage.chief.username,
        "FILE": str(tmp_path / "file.zip"),
        "SHARES": str(tmp_path / "shares.txt"),
    }

    for arguments in CALLED[name]:
        out = StringIO()
        with everything_logged(caplog), no_choice_is_read(), suppress(CommandError):
            given = [words.get(argument, argument) for argument in arguments]
            of_poll = ["--poll", str(stage.poll.pk)]
            call_command(name, *given, *of_poll, stdout=out, stderr=out)
        assert not re.search("[0-9] ?票", out.getvalue())
    assert not re.search(
        "chosen|得票",
        "".join(r.getMessage() for r in caplog.records if r.name.startswith("ballots")),
    )
    stage.poll.refresh_from_db()
    assert stage.poll.phase == Poll.Phase.OPENED
    assert not (tmp_path / "file.zip").exists()


def test_the_guards_of_the_blind_canvass_see_a_count(being_canvassed):
    poll = being_canvassed.poll

    with pytest.raises(AssertionError, match="a total was computed"):
        counting.figures(poll)
    with pytest.raises(AssertionError, match="a ballot was read"):
        list(poll.ballots.all())
    with pytest.raises(AssertionError, match="figures of a count"):
        list(poll.results.all())
    with pytest.raises(AssertionError), no_choice_is_read():
        list(poll.ballots.values_list("chosen", flat=True))


# --- error reports --------------------------------------------------------------------------------


def report_of(error: BaseException, request: HttpRequest | None = None) -> str:
    """Return what Django would mail to administrators of `error`, as text and as a page."""
    kind, value, trace = type(error), error, error.__traceback__
    # The frames of the test itself hold the choice and are no part of the product.
    while trace and "/tests/" in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    assert trace, "the error did not come from the product"
    made = FrameReporter(request, kind, value, trace)
    return str(made.get_traceback_text()) + str(made.get_traceback_html())


def fail(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("it broke")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (sealing, "decode"),
        (sealing, "receipt"),
        (chain, "spelled"),
        (rules, "_faults_of_proposals"),
        (sealing, "receipt_code"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_an_error_while_casting_reports_no_choice(owner, name, monkeypatch):
    stage = make_stage(delegates=1)
    chosen = selection(11, proposals=[Proposal("canary-夜间公交", "canary-two", "canary-three")])
    monkeypatch.setattr(owner, name, fail)

    with pytest.raises(RuntimeError) as error:
        stage.cast(0, chosen)

    report = report_of(error.value)
    assert "it broke" in report
    assert "cast_ballot" in report
    assert "canary" not in report


def make(stage: Stage, texts: list[str]) -> None:
    ceremony.make_key(stage.poll, holders=["甲", "乙", "丙"], threshold=2, by=stage.office)


def try_out(stage: Stage, texts: list[str]) -> None:
    ceremony.test_key(stage.poll, texts=texts, by=stage.scrutineer)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ceremony", "name"),
    [
        (make, "split"),
        (make, "to_text"),
        (make, "commitment"),
        (try_out, "recover"),
        (try_out, "from_text"),
    ],
)
def test_an_error_in_the_key_ceremony_reports_no_share(ceremony, name, monkeypatch):
    stage = make_stage(delegates=1, open_it=False)
    seed = bytes.fromhex("00112233445566778899aabbccddeeff")
    monkeypatch.setattr(sealing, "new_seed", lambda: seed)
    texts = stage.shares[:3]
    monkeypatch.setattr(shares, name, fail)

    with pytest.raises(RuntimeError) as error:
        ceremony(stage, texts)

    report = report_of(error.value)
    assert "it broke" in report
    assert not [text for text in texts if text in report]
    assert repr(seed) not in report
    assert seed.hex() not in report


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (sealing, "unseal"),
        (opening, "faults"),
        (WriteIn.objects, "bulk_create"),
        (unsealing, "_rows"),
    ],
    ids=["unseal", "faults", "write-ins", "ballots"],
)
def test_an_error_at_the_opening_reports_no_ballot_and_no_share(owner, name, monkeypatch):
    stage = make_stage(delegates=1)
    stage.cast(0, selection(11, proposals=["canary-夜间公交"]))
    stage.close()
    monkeypatch.setattr(owner, name, fail)

    with pytest.raises(RuntimeError) as error:
        stage.open_box()

    report = report_of(error.value)
    assert "it broke" in report
    assert "canary" not in report
    assert not [text for text in stage.shares if text in report]
    assert stage.poll.phase == Poll.Phase.CLOSED


def test_an_error_report_holds_no_form_no_address_and_no_cookie(monkeypatch, rf):
    request = rf.post("/k/canary-token/?poll=canary-query", {"share_1": "canary-share"})
    request.COOKIES["session"] = "canary-session"
    monkeypatch.setattr(chain, "spelled", fail)

    with pytest.raises(RuntimeError) as error:
        counting.digest(cast(Figures, {"votes": "canary-figure"}))

    report = report_of(error.value, request)
    assert "it broke" in report
    assert "canary" not in report


def test_the_site_reports_errors_in_this_way(settings):
    assert settings.DEFAULT_EXCEPTION_REPORTER == "yiwu_vote.reports.FrameReporter"
    assert settings.DEFAULT_EXCEPTION_REPORTER_FILTER == "yiwu_vote.reports.NothingTyped"


def test_a_text_that_could_not_be_decoded_is_not_quoted_in_a_report():
    with pytest.raises(UnicodeDecodeError) as error:
        b"canary\xff".decode("ascii")

    made = FrameReporter(None, UnicodeDecodeError, error.value, None)
    assert "UnicodeDecodeError" in made.get_traceback_text()
    assert "canary" not in made.get_traceback_text() + made.get_traceback_html()


def test_the_reader_of_reports_sees_what_is_not_hidden(rf):
    def careless(chosen: Any) -> None:
        raise RuntimeError("it broke")

    try:
        careless("canary")
    except RuntimeError:
        reporter = ExceptionReporter(rf.post("/", {"code": "swallow"}), *sys.exc_info())
    reporter.filter = SafeExceptionReporterFilter()

    assert "canary" in reporter.get_traceback_html()
    assert "swallow" in reporter.get_traceback_html()
