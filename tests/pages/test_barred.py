"""Who may not vote any more is told so when he signs in, and not when he submits (case 28)."""

import pytest

from ballots.acts import delegates
from ballots.models import Delegate
from projects.models import Poll
from tests.helpers.browsing import filled, ready_to_cast, signed_in
from tests.helpers.factories import Stage, make_stage, move_by_force, selection

pytestmark = pytest.mark.django_db

WORDS = {
    "suspended": "您已被暂停执行代表职务，不能参加本次表决",
    "ended": "您不是在任代表，不能参加本次表决",
    "observer": "您不是在任代表，不能参加本次表决",
}


def bar(stage: Stage, status: str) -> None:
    delegates.set_status(
        stage.delegates[:1],
        status,
        reason="决定",
        by=stage.office,
        second=stage.scrutineer,
    )


@pytest.mark.parametrize("status", WORDS)
def test_the_page_behind_the_sign_in_says_it_with_the_number_to_call(status, client):
    stage = make_stage()
    bar(stage, status)

    reply = client.post("/", {"code": stage.issued[0].code}, follow=True)

    assert WORDS[status] in reply.text
    assert "0579-12345678" in reply.text
    assert "您尚未报到" not in reply.text
    assert 'href="/ballot/"' not in reply.text


@pytest.mark.parametrize("status", WORDS)
@pytest.mark.parametrize("phase", [Poll.Phase.OPEN, Poll.Phase.PAUSED])
def test_no_ballot_is_given_to_him(status, phase):
    stage = make_stage()
    bar(stage, status)
    move_by_force(stage.poll, phase)
    client = signed_in(stage)

    for reply in (client.get("/ballot/"), client.post("/ballot/review/", filled(stage.poll, 1))):
        assert reply.status_code == 403
        assert WORDS[status] in reply.text


def test_whoever_is_suspended_over_his_ballot_is_told_why_it_was_refused():
    stage = make_stage()
    client = signed_in(stage)
    sent = ready_to_cast(client, stage.poll, 1)
    bar(stage, "suspended")

    reply = client.post("/ballot/cast/", sent)

    assert reply.status_code == 403
    assert f"{WORDS['suspended']}，您没有表决票。" in reply.text
    assert not stage.entry(0).voted


def test_whoever_voted_before_keeps_his_receipt():
    stage = make_stage()
    stage.cast(0, selection(1))
    bar(stage, "suspended")
    client = signed_in(stage)

    assert "提交表决票。" in client.get("/home/").text
    assert client.get("/receipt/").status_code == 200


def test_an_open_page_follows_a_suspension_and_its_end():
    stage = make_stage()
    client = signed_in(stage)
    bar(stage, "suspended")

    stale = client.get("/home/?state=open", headers={"HX-Request": "true"})
    bar(stage, "active")

    assert stale.headers["HX-Refresh"]
    assert WORDS["suspended"] not in client.get("/home/").text


def test_after_the_close_nothing_more_is_said_of_it():
    stage = make_stage()
    bar(stage, "suspended")
    stage.close()

    assert WORDS["suspended"] not in signed_in(stage).get("/home/").text


@pytest.mark.parametrize("status", WORDS)
def test_whoever_stands_on_no_roll_is_told_why(status):
    stage = make_stage(open_it=False)
    stage.poll.roll.filter(delegate=stage.delegates[0]).delete()
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(status=status)

    reply = signed_in(stage).get("/home/")

    assert reply.status_code == 403
    assert WORDS[status] in reply.text


def test_in_a_draft_he_is_told_before_the_vote_begins():
    stage = make_stage(open_it=False)
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(status="suspended")

    assert WORDS["suspended"] in signed_in(stage).get("/home/").text
