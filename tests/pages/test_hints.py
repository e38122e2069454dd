"""What a proposal is like, as the server says it, and a candidate in the place of a proposal."""

import logging

import pytest
from django.conf import settings
from django.test import Client

from ballots.acts import lifecycle
from ballots.models import Session
from ballots.pure.rules import Proposal
from projects.models import Poll
from tests.helpers.browsing import filled, posted, read, signed_in, ticked, typed
from tests.helpers.factories import Stage, make_project, make_stage
from tests.helpers.secrecy import snapshot

pytestmark = pytest.mark.django_db

LIKE = "城区新增停车泊位"


@pytest.fixture
def parking(db) -> Stage:
    """An open poll with a candidate that many a proposal is like."""
    held = make_stage(open_it=False, candidates=2)
    make_project(held.poll, 3, title="城区新增公共停车泊位3000个")
    held.poll = lifecycle.open_poll(held.poll, by=held.office)
    return held


def ask(client: Client, poll: Poll, title: str) -> str:
    sent = {"poll": poll.pk, "proposal-1-title": title}
    return client.post("/ballot/alike/", sent, headers={"HX-Request": "true"}).text


def test_a_hint_names_what_a_proposal_is_like_and_offers_both_ways_on(parking):
    page = ask(signed_in(parking), parking.poll, f" {LIKE} ")

    assert "与候选项目第3项“城区新增公共停车泊位3000个”相近。" in page
    assert 'name="instead" value="1-3"' in page
    assert f'name="anyway" value="{LIKE}"' in page


@pytest.mark.parametrize("title", ["社区老年食堂", "", "   ", "停\0车", "长" * 2000])
def test_what_is_like_nothing_gets_no_hint(parking, title):
    assert not ask(signed_in(parking), parking.poll, title).strip()


@pytest.mark.parametrize(
    "change", [{"poll": ""}, {"poll": "0"}, {"poll": "x"}, {"poll": str(2**63)}, {"other": LIKE}]
)
def test_a_question_about_no_poll_or_no_title_gets_no_hint(parking, change):
    sent = {"poll": parking.poll.pk, "proposal-0-title": LIKE} | change
    if "other" in change:
        del sent["proposal-0-title"]

    assert signed_in(parking).post("/ballot/alike/", sent).content == b""


def test_a_question_after_the_session_expired_leaves_the_next_page_to_say_so(parking):
    client = signed_in(parking)
    Session.objects.all().delete()

    sent = {"poll": parking.poll.pk, "proposal-1-title": LIKE}
    reply = client.post("/ballot/alike/", sent)
    client.post("/ballot/review/", filled(parking.poll, 1))

    assert reply.content == b""
    assert settings.SESSION_COOKIE_NAME not in reply.cookies
    assert "登录已过期。" in client.get("/").text


def test_who_is_not_signed_in_gets_no_hint_and_is_not_led_away(parking):
    reply = Client().post(
        "/ballot/alike/",
        {"poll": parking.poll.pk, "proposal-0-title": LIKE},
        headers={"HX-Request": "true"},
    )

    assert (reply.status_code, reply.content) == (200, b"")
    assert "HX-Redirect" not in reply
    assert Client().get("/ballot/alike/").status_code == 405


def test_a_title_that_was_asked_about_is_kept_nowhere(parking, caplog):
    caplog.set_level(logging.DEBUG)
    client = signed_in(parking)
    before, session_before = snapshot(), dict(client.session)

    reply = client.post("/ballot/alike/", {"poll": parking.poll.pk, "proposal-0-title": LIKE})

    assert reply.status_code == 200
    assert LIKE in reply.text
    assert reply["Cache-Control"] == "no-store"
    assert LIKE not in caplog.text
    assert snapshot() == before
    assert dict(client.session) == session_before
    assert not reply.cookies


@pytest.mark.parametrize("asked", ["0-99", "5-3", "x", "0-3-1", "-1-3", "0-0", "1" * 50])
def test_an_exchange_that_names_nothing_changes_nothing(parking, asked):
    client = signed_in(parking)
    sent = filled(parking.poll, 1, proposals=[LIKE])

    page = read(client.post("/ballot/", sent | {"instead": asked}))

    assert page.status == 200
    assert "改选" not in page.text
    assert (ticked(page), typed(page)) == (["1"], [LIKE])


def test_an_exchange_for_what_is_ticked_already_only_drops_the_proposal(parking):
    client = signed_in(parking)
    given = [Proposal("老年食堂"), Proposal(LIKE, "内容")]

    page = read(
        client.post("/ballot/", filled(parking.poll, 3, proposals=given) | {"instead": "1-3"})
    )

    assert (ticked(page), typed(page)) == (["3"], ["老年食堂"])
    undone = read(client.post("/ballot/", posted(page.form("/ballot/"))))
    assert typed(undone) == ["老年食堂", LIKE, "内容"]


def test_the_review_asks_about_each_proposal_until_it_was_answered(parking):
    client = signed_in(parking)
    sent = filled(parking.poll, 1, proposals=["老年食堂", LIKE])
    page = read(client.post("/ballot/review/", sent))
    form = page.form("/ballot/cast/")
    assert "与候选项目第3项“城区新增公共停车泊位3000个”相近。" in page.text
    assert ("instead", "1-3") in form.buttons

    answered = read(client.post("/ballot/review/", posted(form) | {"anyway": [LIKE]}))

    assert "相近" not in answered.text
    cast = client.post("/ballot/cast/", posted(answered.form("/ballot/cast/")))
    assert cast.status_code == 303
