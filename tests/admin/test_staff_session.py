"""A screen of staff that was left alone asks for the password, and nothing typed is lost (case 59)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.test import Client

from ballots.models import Delegation, Session
from projects.models import Poll
from tests.helpers.desk import at, desk_of, queries_of
from tests.helpers.factories import PASSWORD, make_office, make_stage

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 17, 1, tzinfo=UTC)
ADD = "/admin/ballots/delegation/add/"
TYPED = {"name": "城东代表团", "position": "3"}


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def desk(clock: Any) -> Client:
    """Somebody of the office who has logged in through the page."""
    make_office("huiwu")
    client = Client()
    client.post("/admin/login/", {"username": "huiwu", "password": PASSWORD, "next": "/admin/"})
    client.get("/admin/")
    return client


def unlock(client: Client, page: Any, address: str, password: str = PASSWORD, **more: str) -> Any:
    """Send what the page that asks for the password would send."""
    fields = re.findall(
        r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.content.decode()
    )
    sent = {name: value for name, value in fields if name != "csrfmiddlewaretoken"}
    return client.post(address, sent | {"unlock_password": password} | more)


def test_work_goes_on_for_as_long_as_somebody_works(desk, clock):
    """Case 59: a session ended four hours after the log-in, whatever one did."""
    for _ in range(15):
        clock.shift(timedelta(minutes=20))
        assert desk.get("/admin/").status_code == 200
    assert Session.objects.get().expire_date > START + timedelta(hours=8)


def test_a_page_asked_for_after_half_an_hour_comes_with_the_password(desk, clock):
    clock.shift(timedelta(minutes=31))

    page = desk.get(ADD)
    assert page.status_code == 403
    assert "页面超过30分钟没有操作" in page.content.decode()
    assert "民生实事项目票决管理" in page.content.decode()
    back = unlock(desk, page, ADD)

    assert (back.status_code, back["Location"]) == (302, ADD)
    assert desk.get(ADD).status_code == 200


def test_what_was_posted_after_half_an_hour_is_kept_and_done_once_the_password_is_right(
    desk, clock
):
    """Case 59."""
    clock.shift(timedelta(minutes=31))

    page = desk.post(ADD, TYPED)
    assert not Delegation.objects.exists()
    assert "已保留在本页" in page.content.decode()
    again = unlock(desk, page, ADD, "wrong")
    assert "密码不正确" in again.content.decode()
    assert not Delegation.objects.exists()
    unlock(desk, again, ADD)

    assert Delegation.objects.get().name == "城东代表团"


def test_what_was_posted_after_the_session_ended_is_kept_too(desk, clock):
    """Case 59."""
    clock.shift(timedelta(hours=5))

    page = desk.post(ADD, TYPED)
    assert "登录已过期" in page.content.decode()
    unlock(desk, page, ADD, unlock_name="huiwu")

    assert Delegation.objects.get().name == "城东代表团"


def test_no_secret_is_sent_back_and_none_is_stored(desk, clock):
    stage = make_stage()
    stage.close()
    clock.shift(timedelta(minutes=31))
    secrets = {"share_1": "canary-1", "second_password": "canary-2", "code": "canary-3"}
    secrets["card"] = "canary-4"

    page = desk.post(at(stage.poll, "box"), secrets | {"second_name": "jianpiao"})

    said = page.content.decode()
    assert 'name="second_name" value="jianpiao"' in said
    assert "canary" not in said
    assert all("canary" not in str(row.get_decoded()) for row in Session.objects.all())


def test_a_page_that_asks_by_itself_is_no_use_and_is_told_to_load_anew(desk, clock):
    stage = make_stage()
    for _ in range(3):
        clock.shift(timedelta(minutes=11))
        reply = desk.get(at(stage.poll, "change"), headers={"HX-Request": "true"})

    assert (reply.status_code, reply["HX-Refresh"]) == (204, "true")


def test_what_a_hand_sends_from_a_part_of_a_page_is_a_use(desk, clock):
    stage = make_stage()
    tap = {"delegation": "城区代表团", "present": "代表1（001）"}
    for _ in range(4):
        clock.shift(timedelta(minutes=11))
        reply = desk.post(at(stage.poll, "presence"), tap, headers={"HX-Request": "true"})

    assert reply.status_code == 302


ROADS: dict[str, Callable[[Client], object]] = {
    "the log-in page fetched": lambda client: client.get("/admin/login/"),
    "the words of the scripts fetched": lambda client: client.get("/admin/jsi18n/"),
    "a wrong password": lambda client: client.post(
        "/admin/login/", {"username": "huiwu", "password": "wrong", "next": "/admin/"}
    ),
    "no cookie of ours": lambda client: client.cookies.pop("staff-used"),
    "a cookie of one's own": lambda client: client.cookies.load({"staff-used": "9999999999"}),
}
USER = "/admin/auth/user/"


@pytest.mark.parametrize("road", ROADS)
def test_a_screen_at_rest_stays_locked_whatever_is_tried_without_the_password(desk, clock, road):
    stage = make_stage()
    clock.shift(timedelta(hours=1))

    ROADS[road](desk)
    replies = [desk.get("/admin/"), desk.post(at(stage.poll, "pause"), {"reason": "停电"})]

    assert [reply.status_code for reply in replies] == [403, 403]
    stage.poll.refresh_from_db()
    assert stage.poll.phase == Poll.Phase.OPEN


@pytest.mark.parametrize("road", ROADS)
def test_what_is_tried_in_time_is_no_use_either(desk, clock, road):
    clock.shift(timedelta(minutes=20))
    ROADS[road](desk)
    clock.shift(timedelta(minutes=11))

    assert desk.get("/admin/").status_code == 403


def test_the_right_password_at_the_log_in_page_opens_a_screen_at_rest(desk, clock):
    clock.shift(timedelta(hours=1))

    desk.post("/admin/login/", {"username": "huiwu", "password": PASSWORD, "next": "/admin/"})

    assert desk.get("/admin/").status_code == 200


def test_a_log_in_elsewhere_does_not_open_a_screen_at_rest(desk, clock):
    clock.shift(timedelta(hours=1))

    Client().post("/admin/login/", {"username": "huiwu", "password": PASSWORD, "next": "/admin/"})

    assert desk.get("/admin/").status_code == 403


def test_a_log_in_after_which_nothing_was_done_rests_as_well(clock):
    desk = desk_of(make_office("huiwu"))
    clock.shift(timedelta(minutes=31))

    assert desk.get("/admin/").status_code == 403


def test_the_use_of_a_session_is_written_once_a_minute_at_most(desk, clock):
    clock.shift(timedelta(seconds=59))
    within = [query for query in queries_of(desk, "/admin/") if "UPDATE" in query]
    clock.shift(timedelta(seconds=1))
    after = [query for query in queries_of(desk, "/admin/") if "UPDATE" in query]

    assert (len(within), len(after)) == (0, 1)


# --- before accounts are touched ------------------------------------------------------------------


@pytest.fixture
def root(clock: Any) -> Client:
    """A superuser who logged in eleven minutes ago and has worked since."""
    User.objects.create_superuser("root", password=PASSWORD)
    client = Client()
    client.post("/admin/login/", {"username": "root", "password": PASSWORD, "next": "/admin/"})
    clock.shift(timedelta(minutes=11))
    assert client.get("/admin/").status_code == 200
    return client


def addresses() -> list[str]:
    person, group = make_office("huiwu"), Group.objects.create(name="来宾")
    return [
        f"{USER}add/",
        f"{USER}{person.pk}/change/",
        f"{USER}{person.pk}/password/",
        f"{USER}{person.pk}/delete/",
        "/admin/auth/group/add/",
        f"/admin/auth/group/{group.pk}/change/",
        f"/admin/auth/group/{group.pk}/delete/",
        "/admin/password_change/",
    ]


def test_whoever_touches_an_account_has_just_typed_his_password(root):
    """A screen that somebody left for a moment is no way to another account."""
    for address in addresses():
        for page in (root.get(address), root.post(address, {"post": "yes"})):
            assert page.status_code == 403, address
            assert "请再次输入“root”的密码" in page.text

    assert User.objects.filter(username="huiwu").exists()
    assert root.get(USER).status_code == 200


def test_the_password_opens_those_pages_for_ten_minutes(root, clock):
    one, *others = addresses()

    unlock(root, root.get(one), one)

    assert [root.get(address).status_code for address in (one, *others)] == [200] * 8
    clock.shift(timedelta(minutes=10))
    assert root.get(one).status_code == 403


def test_a_log_in_elsewhere_opens_none_of_them_here(root):
    Client().post("/admin/login/", {"username": "root", "password": PASSWORD, "next": "/admin/"})

    assert root.get(f"{USER}add/").status_code == 403


def test_a_wrong_password_there_waits_as_well(root):
    address = f"{USER}add/"
    for _ in range(5):
        unlock(root, root.get(address), address, "wrong")

    page = unlock(root, root.get(address), address)

    assert (page.status_code, page["Retry-After"]) == (429, "60")
    assert "请1分钟后再试" in page.text
    assert root.get(address).status_code == 403
