"""Who asks: one statement, which says what the ORM would say, as it is in this moment."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ballots.acts import cards, lifecycle
from ballots.facts.kept import opening_of
from ballots.models import AccessCard, Delegate, RollEntry, Session
from ballots.pages import asking
from ballots.pages.asking import Standing, who_asks
from ballots.sessions import SessionStore
from projects.models import Poll
from tests.helpers.browsing import asking as asking_of
from tests.helpers.browsing import signed_in
from tests.helpers.factories import make_delegates, make_poll, make_stage, selection

pytestmark = pytest.mark.django_db


def begun(card: AccessCard) -> str:
    """Return the key of a session that `card` has opened."""
    session = SessionStore()
    session.begin(card)
    return str(session.session_key)


def only(key: str) -> tuple[AccessCard, Standing]:
    """Return the card of a session and the one poll on whose roll its delegate is."""
    found = who_asks(key)
    assert found is not None
    assert found.card is not None
    (standing,) = found.standings
    return found.card, standing


@pytest.fixture
def stage():
    return make_stage()


def test_what_was_written_once_gives_what_the_orm_gives(stage):
    make_poll(collecting=True)
    # Whose roll has everybody in office, those of the first poll too.
    make_stage(delegates=1, delegates_total=9, open_it=False)
    stage.cast(0, selection(1))
    keys = [begun(stage.card(place)) for place in range(5)]

    for key in [*keys, "nobody"]:
        plain = [[list(row[part]) for part in asking.PARTS] for row in asking.question(key)]
        assert sorted(asking._answers(key), key=str) == sorted(plain, key=str)
    assert len(asking._answers(keys[0])) == 2


def test_one_statement_says_all_that_a_page_asks(stage):
    receipt = stage.cast(1, selection(1))
    key = begun(stage.card(1))

    with CaptureQueriesContext(connection) as asked:
        card, standing = only(key)
        told = (
            (card.delegate.name, card.delegate.status),
            (standing.poll.phase, standing.poll.meeting, opening_of(standing.poll)),
            (standing.entry.voted, standing.entry.voted_at, standing.code),
        )

    assert len(asked) == 1
    assert told == (
        (stage.delegates[1].name, "active"),
        ("open", stage.poll.meeting, stage.poll.journal.get(kind="opened").hash),
        (True, receipt.submitted_at, receipt.code),
    )


def test_whatever_may_change_is_read_in_every_request(stage):
    key = begun(stage.card(0))

    def now():
        _card, standing = only(key)
        poll, entry = standing.poll, standing.entry
        return (poll.phase, poll.phone, poll.opening_words, entry.present, entry.voted)

    Poll.objects.filter(pk=stage.poll.pk).update(phone="1", opening_words="词")
    RollEntry.objects.filter(pk=stage.entry(0).pk).update(present=False)
    assert now() == ("open", "1", "词", False, False)
    RollEntry.objects.filter(pk=stage.entry(0).pk).update(present=True)
    stage.cast(0, selection(1))
    assert now() == ("open", "1", "词", True, True)
    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)
    assert now()[0] == "paused"
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(status=Delegate.Status.SUSPENDED)
    assert only(key)[0].delegate.status == "suspended"


def test_a_replaced_card_a_session_that_is_over_and_one_of_the_staff_lead_to_nobody(stage):
    replaced, over = begun(stage.card(0)), begun(stage.card(1))
    staff = SessionStore()
    staff.create()
    cards.reissue_card(stage.delegates[0], reason="遗失", by=stage.office, second=stage.scrutineer)
    Session.objects.filter(pk=over).update(expire_date=timezone.now() - timedelta(seconds=1))

    assert who_asks(over) is None
    assert who_asks("never-there") is None
    for key in (replaced, str(staff.session_key)):
        found = who_asks(key)
        assert found is not None
        assert (found.card, found.standings) == (None, ())


def test_a_session_goes_with_its_card(stage):
    key = begun(stage.card(0))

    AccessCard.objects.filter(pk=stage.card(0).pk).delete()

    assert who_asks(key) is None
    assert not Session.objects.exists()


def test_who_stands_on_no_roll_is_known_all_the_same():
    (delegate,) = make_delegates(1)

    found = asking_of(delegate)

    assert found.card is not None
    assert (found.card.delegate, found.standings) == (delegate, ())


def test_a_key_that_was_never_given_out_is_nobodys(stage):
    """PostgreSQL takes no text with this sign: it was an error on every page."""
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = '"\\000abcdefghijklmnop"'

    for path in ("/", "/home/", "/board/"):
        assert client.get(path).status_code in {200, 303}


def test_a_session_signed_by_another_secret_key_is_over(stage, settings):
    client = signed_in(stage)
    assert client.get("/home/").status_code == 200

    settings.SECRET_KEY = "z" * 60

    assert client.get("/home/").status_code == 303


def test_the_pages_of_the_office_do_not_ask_it(stage):
    client = signed_in(stage)
    client.force_login(stage.office)

    with CaptureQueriesContext(connection) as asked:
        assert client.get("/admin/").status_code == 200

    assert not any("ballots_envelope" in query["sql"] for query in asked)
