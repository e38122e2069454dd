"""The first page of the admin: the poll of the day, its figures, and the eight things before a vote."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ballots.acts import drafts, hall, lifecycle, recommending
from ballots.pure.rules import Proposal
from projects.models import Poll
from tests.helpers.desk import at, desk_of, queries_of
from tests.helpers.factories import (
    Stage,
    confirm_count,
    make_delegates,
    make_office,
    make_poll,
    make_scrutineer,
    make_staff,
    make_stage,
    move_by_force,
    selection,
)

pytestmark = pytest.mark.django_db

START = "/admin/"
# Session, person, offices, permissions, polls, delegates, and what the next step looks at.
QUERIES = 16
EIGHT = [
    "设立工作人员账号",
    "导入代表名册",
    "新建票决",
    "录入候选项目",
    "打印投票卡",
    "演练一次",
    "生成并试开票箱密钥",
    "代表报到",
]


def start(user: User) -> Any:
    """Return what the first page shows to `user`."""
    return desk_of(user).get(START)


def begun(page) -> list[str]:
    """Return which of the eight things a page ticks."""
    return [str(one.label) for one in page.context["beginnings"] if one.is_done]


def test_an_empty_site_tells_the_office_eight_things_in_order_each_with_its_page():
    page = start(make_office())

    assert [str(one.label) for one in page.context["beginnings"]] == EIGHT
    assert begun(page) == []
    assert "从这里开始" in page.text
    assert "由系统管理员办理" in page.text
    assert "由会务人员办理" not in page.text
    assert page.context["tiles"] == []
    ways = {str(one.label): one.address for one in page.context["beginnings"]}
    assert ways["导入代表名册"] == reverse("admin:ballots_delegate_import")
    assert ways["新建票决"] == reverse("admin:projects_poll_add")
    # What needs a poll or people has no page yet, and accounts are not the office's.
    assert [label for label, way in ways.items() if not way] == [
        label for label in EIGHT if label not in ("导入代表名册", "新建票决")
    ]


def test_each_thing_is_ticked_once_it_is_done_and_leads_to_its_page_until_then():
    office = make_office()
    make_scrutineer()
    make_scrutineer(chief=True)
    poll = make_poll(kind=Poll.Kind.MAIN, candidates=0)
    draft = start(office)
    desk = desk_of(office)

    assert begun(draft) == ["设立工作人员账号", "新建票决"]
    assert draft.context["today"]["poll"] == poll
    make_delegates(2)
    for one in start(office).context["beginnings"]:
        if one.address and not one.is_done:
            assert desk.get(one.address).status_code == 200, one.label


def test_a_real_draft_with_all_of_it_shows_the_list_no_more():
    stage = make_stage(delegates=2, open_it=False, kind=Poll.Kind.MAIN)
    before = start(stage.office)
    rehearsal = drafts.copy(stage.poll, into=drafts.REHEARSAL, by=stage.office)
    move_by_force(rehearsal, Poll.Phase.PUBLISHED)

    after = start(stage.office)

    assert begun(before) == [label for label in EIGHT if label != "演练一次"]
    assert after.context["beginnings"] == []
    assert "从这里开始" not in after.text


def test_the_superuser_is_led_to_the_accounts_and_told_who_does_the_rest():
    page = start(User.objects.create_superuser("root"))

    first, *others = page.context["beginnings"]
    assert first.address == reverse("admin:auth_user_staff")
    assert [one.address for one in others] == [""] * 7
    assert "您的账号是系统管理员" in page.text
    assert "由会务人员办理" in page.text


def test_whoever_has_no_office_sees_no_poll_and_no_figure():
    make_stage(delegates=2)

    page = start(make_staff())

    assert "不属于会务、监票任何一组" in page.text
    assert "today" not in page.context
    assert "暂无" in page.text


def test_a_vote_in_progress_comes_before_a_draft_and_shows_how_many_have_voted(stage: Stage):
    draft = make_poll(kind=Poll.Kind.MAIN, meeting="另一次会议")
    stage.cast(0, selection(1))

    page = start(stage.office)

    assert page.context["today"]["poll"] == stage.poll
    assert [(one["poll"], one["state"]) for one in page.context["others"]] == [(draft, "准备")]
    figures = {str(tile.label): tile.figure for tile in page.context["tiles"]}
    assert figures == {"已投票": "1/5", "候选项目": "12", "在任代表": "5", "投票卡": "5/5"}
    # To close while people vote is judged on the page of the day.
    assert page.context["today"]["address"] == ""
    assert f'class="button default"\n               href="{at(stage.poll)}"' in page.text


def test_the_one_filled_button_takes_the_next_step_of_whom_it_is(stage: Stage):
    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)

    office, scrutineer = start(stage.office), start(stage.scrutineer)

    assert office.context["today"]["address"] == at(stage.poll, "resume")
    assert scrutineer.context["today"]["address"] == ""
    assert "由会务人员办理" in scrutineer.text


def test_a_published_poll_stays_until_it_is_archived():
    stage = make_stage(delegates=5)
    for place in range(5):
        stage.cast(place, selection(*range(1, 11)))
    confirm_count(stage)
    lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True)

    revealing = start(stage.office).context["today"]
    hall.reveal_all(stage.poll, by=stage.office)
    waiting = start(stage.office).context["today"]
    Poll.objects.filter(pk=stage.poll.pk).update(archived_at=timezone.now() + timedelta(days=1))

    assert (revealing["state"], revealing["address"]) == ("待揭晓", at(stage.poll, "reveal"))
    assert (waiting["state"], waiting["address"]) == ("待归档", at(stage.poll, "archive"))
    assert start(stage.office).context["today"] is None


def test_recommendations_show_how_many_wait_to_be_dealt_with():
    [delegate] = make_delegates(1)
    poll = make_poll(candidates=0, collecting=True)
    office = make_office()
    for title in ("夜间公交", "口袋公园"):
        recommending.recommend(poll, delegate=delegate, proposal=Proposal(title))
    first = poll.recommendations.earliest("pk")
    recommending.decline(first, reason="不属于民生实事", by=office)

    [tile] = [t for t in start(office).context["tiles"] if str(t.label) == "会前推荐"]

    assert (tile.figure, tile.more) == ("2", "待处理1")


def test_no_first_page_asks_more_than_its_budget_whatever_the_day(stage: Stage):
    spent = {"open": len(queries_of(desk_of(stage.office), START))}
    stage.close()
    stage.open_box()
    stage.count()
    spent["counted"] = len(queries_of(desk_of(stage.office), START))
    for number in range(3):
        make_poll(meeting=f"会议{number}")
    spent["with drafts"] = len(queries_of(desk_of(stage.office), START))

    assert {state: count for state, count in spent.items() if count > QUERIES} == {}


def test_nobody_sees_the_first_page_without_logging_in():
    reply = Client().get(START)

    assert (reply.status_code, reply["Location"]) == (302, "/admin/login/?next=/admin/")


@pytest.mark.parametrize("app", ["ballots", "projects", "auth"])
def test_the_lists_of_one_app_are_no_page_of_their_own(stage: Stage, app):
    reply = desk_of(stage.office).get(f"/admin/{app}/")

    assert (reply.status_code, reply["Location"]) == (302, START)


def test_no_way_back_leads_over_the_name_of_an_app(stage: Stage):
    desk = desk_of(stage.office)
    delegate = stage.delegates[0]
    pages = [
        reverse("admin:ballots_delegate_changelist"),
        reverse("admin:projects_project_changelist"),
        reverse("admin:ballots_delegate_change", args=[delegate.pk]),
        reverse("admin:ballots_delegate_add"),
        reverse("admin:projects_poll_history", args=[stage.poll.pk]),
    ]

    for page in pages:
        text = desk.get(page).text
        assert '/admin/ballots/"' not in text, page
        assert '/admin/projects/"' not in text, page
        assert 'class="breadcrumbs"' in text, page
