"""What a proposal is like, as the review says it to whoever has no script, and a candidate in the place of a proposal."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ballots.acts import lifecycle
from ballots.models import Recommendation
from ballots.pure.rules import Proposal
from tests.helpers.browsing import filled, posted, read, signed_in, ticked, typed
from tests.helpers.factories import Stage, make_project, make_stage

pytestmark = pytest.mark.django_db

LIKE = "城区新增停车泊位"


@pytest.fixture
def parking(db) -> Stage:
    """An open poll with a candidate that many a proposal is like."""
    held = make_stage(open_it=False, candidates=2)
    make_project(held.poll, 3, title="城区新增公共停车泊位3000个")
    held.poll = lifecycle.open_poll(held.poll, by=held.office)
    return held


def test_a_hint_names_what_a_proposal_is_like_and_offers_both_ways_on(parking):
    page = (
        signed_in(parking).post("/ballot/review/", filled(parking.poll, 1, proposals=[LIKE])).text
    )

    assert "与候选项目第3项“城区新增公共停车泊位3000个”相近。" in page
    assert 'name="instead" value="0-3"' in page
    assert f'name="anyway" value="{LIKE}"' in page


def test_nobody_asks_the_server_what_a_title_is_like(parking):
    client = signed_in(parking)
    page = client.get("/ballot/").text

    assert "hx-post" not in page
    assert 'data-stop="项目|工程|' in page
    assert client.post("/ballot/alike/", {"proposal-0-title": LIKE}).status_code == 404


@pytest.mark.parametrize("asked", ["0-99", "5-3", "x", "0-3-1", "-1-3", "0-0", "1" * 50])
def test_an_exchange_that_names_nothing_changes_nothing(parking, asked):
    client = signed_in(parking)
    sent = filled(parking.poll, 1, proposals=[LIKE])

    page = read(client.post("/ballot/", sent | {"instead": asked}))

    assert page.status == 200
    assert "已改选" not in page.text
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


def test_whoever_proposes_what_he_recommended_by_name_is_warned_and_nobody_else(parking):
    mine = parking.delegates[0]
    Recommendation.objects.create(poll=parking.poll, delegate=mine, title="夜间公交（试点）")
    sent = filled(parking.poll, 1, proposals=["夜间公交 (试点)", "老年食堂"])
    warning = "推荐项目“夜间公交 (试点)”与您会前署名推荐的项目相同，看到的人会知道是您提出的。"

    pages = [signed_in(parking, place).post("/ballot/review/", sent) for place in (0, 1)]

    assert [page.text.count(warning) for page in pages] == [1, 0]
    assert len({len(page.content) for page in pages}) == 1


def test_whether_somebody_proposes_shows_in_no_statement(parking):
    told = []
    for proposals in ([], ["夜间公交"]):
        client = signed_in(parking)
        client.get("/ballot/")
        with CaptureQueriesContext(connection) as asked:
            client.post("/ballot/review/", filled(parking.poll, 1, proposals=proposals))
        told.append(len(asked))

    assert told[0] == told[1] == 1
