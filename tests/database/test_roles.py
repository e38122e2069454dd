"""Two roles in one database: the one that runs the site votes and counts, and alters nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.utils import IntegrityError

from ballots.acts import storage
from ballots.models import JournalEntry
from tests.helpers.factories import make_stage, publish_count, selection
from tests.helpers.refusals import refusal_of
from yiwu_vote.postgresql import owner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

ROLE = "yiwu_runs_the_site"


@contextmanager
def as_role(name: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {name}")
        try:
            yield
        finally:
            cursor.execute("RESET ROLE")


@pytest.fixture
def role() -> Iterator[str]:
    """A role that owns nothing, with what `migrate` hands over to it."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE}")
        owner.hand_over(connection, ROLE)
        yield ROLE
        cursor.execute(f"DROP OWNED BY {ROLE}")
        cursor.execute(f"DROP ROLE {ROLE}")


def test_the_role_that_runs_the_site_holds_a_whole_vote(role):
    with as_role(role):
        stage = make_stage(delegates=3, candidates=3, places=2)
        stage.cast(0, selection(1, 2))
        publish_count(stage)

        assert stage.poll.is_revealed
        assert not owner.may_alter()
    assert owner.may_alter()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ballots_journalentry DISABLE TRIGGER USER",
        "DROP TRIGGER ballots_envelope_guard_update ON ballots_envelope",
        "DROP FUNCTION ballots_envelope_guard_update() CASCADE",
        "CREATE OR REPLACE FUNCTION ballots_envelope_guard_update() RETURNS trigger"
        " LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "TRUNCATE ballots_journalentry",
        "SET session_replication_role = replica",
    ],
)
def test_it_alters_no_table_and_switches_no_trigger_off(role, statement):
    with (
        as_role(role),
        pytest.raises(ProgrammingError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_the_triggers_hold_for_it(role):
    stage = make_stage(delegates=2)

    with as_role(role), pytest.raises(IntegrityError), transaction.atomic():
        JournalEntry.objects.filter(poll=stage.poll).update(kind="closed")


def test_the_storage_is_rewritten_through_the_owner(role, settings):
    stage = make_stage(delegates=2)
    stage.close()
    with as_role(role):
        assert refusal_of(storage.rewrite_storage, stage.poll, by=stage.office) == "not-owner"

        own = connection.settings_dict
        settings.DATABASE_OWNER = {name: own[name] for name in ("USER", "PASSWORD")}
        storage.rewrite_storage(stage.poll, by=stage.office)

    assert stage.poll.journal.filter(kind="storage-rewritten").exists()
