"""What `migrate` does beside a vote: nothing to it, and nothing at all where there is nothing to do."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from ballots import triggers
from projects.models import Poll
from tests.helpers.factories import Stage, make_stage

pytestmark = pytest.mark.django_db

REAL = Poll.Kind.MAIN
NOW = datetime(2026, 1, 18, 9, 0, tzinfo=UTC)
# Whatever differs from what is applied is a plan; this one goes back, and changes no table.
EARLIER = ("ballots", "0020", "--fake")


@pytest.fixture(autouse=True)
def at_an_address(settings):
    """A real poll opens nowhere else."""
    settings.PUBLIC_URL = "https://vote.example.cn"
    settings.DEMO = False


def applied() -> set[str]:
    return {
        name for app, name in MigrationRecorder(connection).applied_migrations() if app == "ballots"
    }


def migrate(*arguments: str) -> str:
    """Run the command; return what it refused, or nothing."""
    try:
        call_command("migrate", *arguments, verbosity=0)
    except CommandError as error:
        return str(error)
    return ""


def taken_to(phase: str, kind: str = REAL) -> Stage:
    """A poll in `phase`, by its row alone: the way there is tested elsewhere."""
    stage = make_stage(kind=kind, open_it=False)
    triggers.lift(connection)
    Poll.objects.filter(pk=stage.poll.pk).update(
        phase=phase,
        opened_at=NOW,
        closed_at=None if phase in {"open", "paused"} else NOW,
        published_at=NOW if phase == "published" else None,
    )
    triggers.install(connection)
    return stage


@pytest.mark.parametrize("phase", ["open", "paused", "closed", "opened", "counted", "confirmed"])
def test_nothing_is_migrated_between_the_opening_of_a_real_poll_and_its_publication(phase):
    stage = taken_to(phase)
    before = applied()

    refused = migrate(*EARLIER)

    assert f"《{stage.poll.meeting}》（编号{stage.poll.pk}，" in refused
    assert "请用升级前的版本继续这次票决" in refused
    assert f"poll {stage.poll.pk} is under way" in refused
    assert applied() == before
    assert triggers.are_installed(connection)


@pytest.mark.parametrize(
    ("phase", "kind"), [("published", REAL), ("void", REAL), ("open", Poll.Kind.REHEARSAL)]
)
def test_a_poll_that_is_over_and_a_rehearsal_keep_nobody_from_migrating(phase, kind):
    taken_to(phase, kind)

    assert migrate(*EARLIER) == ""

    assert not any(name.startswith("0021") for name in applied())
    assert triggers.are_installed(connection)


def test_where_nothing_is_pending_a_server_may_be_started_again_while_people_vote(monkeypatch):
    taken_to("open")
    for touching in ("lift", "install"):
        monkeypatch.setattr(triggers, touching, lambda *_: pytest.fail("a trigger was touched"))

    assert migrate() == ""


def test_migrate_puts_back_a_trigger_that_is_missing_even_while_people_vote():
    taken_to("open")
    triggers.lift(connection)

    assert migrate() == ""

    assert triggers.are_up_to_date(connection)


def test_migrate_takes_away_a_trigger_of_an_earlier_version():
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE FUNCTION ballots_old_guard_update() RETURNS trigger LANGUAGE plpgsql"
                " AS $$ BEGIN RETURN NEW; END $$"
            )
        else:
            cursor.execute(
                "CREATE TRIGGER ballots_old_guard_update BEFORE UPDATE ON ballots_ballot"
                " BEGIN SELECT 1; END"
            )
    assert triggers.are_installed(connection)
    assert not triggers.are_up_to_date(connection)

    migrate()

    assert triggers.are_up_to_date(connection)


@pytest.mark.postgresql
def test_a_table_that_may_be_truncated_is_not_guarded():
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER ballots_envelope_guard_truncate ON ballots_envelope")

    assert not triggers.are_installed(connection)
