"""What of the day's page changes while people look at it: the figures, the curve, the system."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ballots import triggers
from ballots.acts import archiving, lifecycle, roll
from ballots.admin import state as admin_state
from ballots.facts import database
from ballots.facts.checks import site_checks
from ballots.facts.database import Measured
from ballots.facts.findings import Finding
from ballots.facts.turnout import turnout_of
from ballots.models import Delegate, PasswordTries, RollEntry
from projects.models import Poll
from tests.helpers import factories
from tests.helpers.desk import at, desk_of
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_poll,
    make_stage,
    move_by_force,
    publish_count,
    selection,
)

pytestmark = pytest.mark.django_db

# 10:00 in the hall.
TEN = datetime(2026, 1, 18, 2, 0, 20, tzinfo=UTC)


def ask(desk: Client, poll: Poll, seen: str | None = None):
    """Ask for the figures as the page does, which knows what it has `seen`."""
    if seen is None:
        seen = desk.get(at(poll)).context["seen"]
    return desk.get(at(poll), {"seen": seen}, headers={"HX-Request": "true"})


def open_since_ten(**columns) -> Stage:
    stage = make_stage(**columns)
    Poll.objects.filter(pk=stage.poll.pk).update(opened_at=TEN)
    stage.poll.refresh_from_db()
    return stage


def voted(stage: Stage, *seconds: int) -> None:
    """Put marks on the roll, one at each of `seconds` after ten o'clock."""
    for entry, later in zip(stage.poll.roll.order_by("number"), seconds, strict=False):
        RollEntry.objects.filter(pk=entry.pk).update(
            voted=True, voted_at=TEN + timedelta(seconds=later)
        )


def curve_of(stage: Stage) -> admin_state.Curve:
    curve = admin_state.curve_of(stage.poll, issued=turnout_of(stage.poll).issued)
    assert curve is not None
    return curve


# --- the curve ------------------------------------------------------------------------------------


def test_the_curve_counts_marks_by_the_minute_and_leaves_idle_minutes_out():
    stage = open_since_ten()
    voted(stage, 5, 30, 45, 400)

    curve = curve_of(stage)

    found = [
        (f"{timezone.localtime(minute.at):%H:%M}", minute.marks, minute.total)
        for minute in curve.minutes
    ]
    assert found == [("10:00", 2, 2), ("10:01", 1, 3), ("10:07", 1, 4)]
    assert (curve.start, curve.issued, curve.total) == (TEN, 5, 4)


def test_the_line_rises_from_the_foot_on_the_left_to_its_share_of_the_height():
    stage = open_since_ten()
    # The minutes are 10:00, before the opening at 10:00:20, and 10:05.
    voted(stage, 0, 280)
    Poll.objects.filter(pk=stage.poll.pk).update(
        phase=Poll.Phase.CLOSED, closed_at=TEN + timedelta(seconds=560)
    )
    stage.poll.refresh_from_db()

    curve = curve_of(stage)

    # Two of five voted: from 168 at the foot to 14 at the head, 30.8 for each.
    assert curve.path == "M44 168H44.0V137.2H496.0V106.4H948"


def test_a_poll_that_has_not_opened_has_no_curve_and_one_without_marks_a_flat_one():
    draft = make_poll()
    stage = open_since_ten()

    page = desk_of(stage.office).get(at(stage.poll))

    assert admin_state.curve_of(draft, issued=0) is None
    assert curve_of(stage).path == "M44 168H948"
    assert "还没有代表投票。" in page.text


def test_the_curve_stays_after_the_close_and_goes_with_the_times_when_archived():
    stage = make_stage(places=1)
    for place in range(3):
        stage.cast(place, selection(1))
    publish_count(stage)
    desk = desk_of(stage.office)
    before = desk.get(at(stage.poll))
    archiving.archive(
        stage.poll,
        key_destroyed="当众粉碎",
        backups=["无"],
        by=stage.office,
        second=stage.scrutineer,
    )
    after = desk.get(at(stage.poll))

    assert before.context["curve"].total == 3
    assert '<svg class="curve"' in before.text
    assert after.context["curve"] is None
    assert '<svg class="curve"' not in after.text


def test_the_page_shows_the_curve_as_a_drawing_and_as_a_table_and_names_nobody():
    stage = open_since_ten()
    voted(stage, 5, 400)

    with time_machine.travel(TEN + timedelta(minutes=10), tick=False):
        page = desk_of(stage.office).get(at(stage.poll))

    table = page.text.partition("turnout-by-minute")[2].partition("</tbody>")[0]
    cells = re.findall(r">\s*([^<>\s]+)\s*</t[hd]>", table)
    assert cells == ["10:00", "1", "1", "10:07", "1", "2"]
    assert 'role="img"' in page.text
    assert "style=" not in page.text
    assert "代表1" not in page.text
    assert "城区代表团" not in table


def test_no_minute_of_a_single_delegation_is_told():
    stage = open_since_ten()
    voted(stage, 5, 400)

    with CaptureQueriesContext(connection) as caught:
        admin_state.curve_of(stage.poll, issued=turnout_of(stage.poll).issued)

    assert not [query for query in caught if "delegation" in query["sql"]]


# --- what is asked again --------------------------------------------------------------------------


def test_the_answer_holds_the_new_figures_and_nothing_that_can_have_the_focus():
    stage = make_stage()
    desk = desk_of(stage.office)
    seen = desk.get(at(stage.poll)).context["seen"]
    stage.cast(0, selection(1))

    reply = ask(desk, stage.poll, seen)

    assert reply.status_code == 200
    assert reply.context["figures"]["voted"] == 1
    assert "更新于" in reply.text
    for name in ("turnout-by-minute", "turnout-by-delegation", "system-state"):
        assert f'id="{name}"' in reply.text
    assert reply.text.count('hx-swap-oob="true"') == 3
    assert not re.search(r"<(a|button|input|select|textarea|summary|form)\b|tabindex", reply.text)


def test_no_vote_is_in_the_answer_before_the_count():
    stage = make_stage(places=2)
    stage.cast(0, selection(1, proposals=["新建停车场"]))
    desk = desk_of(stage.scrutineer)

    while_open = ask(desk, stage.poll)
    stage.close()
    stage.open_box()
    while_opened = ask(desk, stage.poll)

    for reply in (while_open, while_opened):
        assert reply.status_code == 200
        for word in ("得票", "候选项目", "停车场", "代表1"):
            assert word not in reply.text


def test_a_page_whose_next_step_has_changed_is_fetched_whole():
    stage = make_stage()
    desk = desk_of(stage.office)
    seen = desk.get(at(stage.poll)).context["seen"]

    same = ask(desk, stage.poll, seen)
    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)
    other = ask(desk, stage.poll, seen)

    assert "HX-Refresh" not in same.headers
    assert other.headers["HX-Refresh"] == "true"


def test_a_page_is_fetched_whole_when_the_first_of_two_has_confirmed():
    stage = make_stage(places=1, kind=Poll.Kind.MAIN)
    stage.cast(0, selection(1))
    stage.close()
    stage.open_box()
    stage.count()
    desk = desk_of(stage.office)
    seen = desk.get(at(stage.poll)).context["seen"]

    lifecycle.confirm_result(stage.poll, by=stage.scrutineer)

    stage.poll.refresh_from_db()
    assert stage.poll.phase == Poll.Phase.COUNTED
    assert ask(desk, stage.poll, seen).headers["HX-Refresh"] == "true"


def test_the_opening_is_offered_as_soon_as_the_list_allows_it():
    stage = make_stage(open_it=False, kind=Poll.Kind.MAIN)
    roll.mark_absent(stage.poll, numbers=["001", "002"], by=stage.office)
    desk = desk_of(stage.office)
    page = desk.get(at(stage.poll))
    roll.mark_present(stage.poll, numbers=["001", "002"], by=stage.office)

    reply = ask(desk, stage.poll, page.context["seen"])

    assert page.context["next_is_blocked"]
    assert reply.headers["HX-Refresh"] == "true"


def test_a_poll_that_is_over_is_asked_about_no_more():
    stage = make_stage()
    desk = desk_of(stage.office)
    lifecycle.void_poll(stage.poll, reason="停电", by=stage.office, second=stage.scrutineer)

    page = desk.get(at(stage.poll))
    reply = ask(desk, stage.poll)

    assert "hx-get" not in page.text
    assert "暂停自动刷新" not in page.text
    assert reply.status_code == 286


def test_whoever_is_logged_in_no_more_gets_no_log_in_page_among_the_figures():
    stage = make_stage()

    reply = ask(Client(), stage.poll, "open")

    assert reply.headers["HX-Refresh"] == "true"
    assert reply.content == b""


def test_the_refreshing_can_be_paused_by_a_link_and_goes_on_by_another():
    stage = make_stage()
    desk = desk_of(stage.office)

    going = desk.get(at(stage.poll))
    paused = desk.get(at(stage.poll), {"refresh": "off"})

    assert 'hx-trigger="every 10s"' in going.text
    assert '<a href="?refresh=off">暂停自动刷新</a>' in going.text
    assert "hx-get" not in paused.text
    assert "polling.js" not in paused.text
    assert f'<a href="{at(stage.poll)}">恢复自动刷新</a>' in paused.text


def test_an_answer_asks_the_database_no_more_often_when_more_have_voted():
    def queries(people: int) -> int:
        Delegate.objects.update(status=Delegate.Status.ENDED)
        stage = open_since_ten(delegates=people)
        voted(stage, *range(0, 60 * people, 60))
        desk = desk_of(stage.office)
        seen = desk.get(at(stage.poll)).context["seen"]
        with CaptureQueriesContext(connection) as caught:
            ask(desk, stage.poll, seen)
        return len(caught)

    assert queries(3) == queries(30)


# --- who is missing -------------------------------------------------------------------------------


def test_whoever_has_not_voted_is_on_a_list_and_in_a_file_with_phone_numbers_for_the_office():
    stage = make_stage()
    listed = f"rollentry/?poll__id__exact={stage.poll.pk}&amp;voted__exact=0&amp;present__exact=1"
    file = reverse("admin:ballots_pollday_download", args=[stage.poll.pk, "waiting"])

    office = desk_of(stage.office).get(at(stage.poll)).text
    scrutineer = desk_of(stage.scrutineer).get(at(stage.poll)).text

    assert listed in office
    assert "未投票代表名单（XLSX，含电话）" in office
    assert listed in scrutineer
    assert file not in scrutineer


@pytest.mark.parametrize(
    ("absent", "words"), [([], "全体代表均已投票。"), (["005"], "实到代表均已投票。")]
)
def test_the_page_says_when_nobody_is_missing(absent, words):
    stage = make_stage(open_it=False)
    roll.mark_absent(stage.poll, numbers=absent, by=stage.office)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    for place in range(5 - len(absent)):
        stage.cast(place, selection(1))
    desk = desk_of(stage.office)

    assert words in ask(desk, stage.poll).text
    page = desk.get(at(stage.poll)).text
    assert words in page
    assert "voted__exact=0" not in page


def test_nobody_is_said_to_have_voted_while_nobody_has_come():
    poll = move_by_force(make_poll(delegates_total=3), Poll.Phase.OPEN)

    assert "均已投票" not in desk_of(factories.make_office()).get(at(poll)).text


# --- the system -----------------------------------------------------------------------------------


def state() -> list[str]:
    return [
        f"{finding.mark} {finding.text}"
        for finding in admin_state.system_state(Poll(phase=Poll.Phase.OPEN))
    ]


def test_a_database_without_its_triggers_is_not_in_order():
    fine = state()
    triggers.lift(connection)

    assert "✓ 数据库正常" in fine
    assert "✗ 数据库的保护规则缺失，请运行 manage.py migrate" in state()


def test_a_database_that_forgets_what_it_was_given_is_told_while_people_vote(monkeypatch):
    monkeypatch.setattr(database, "writes_are_durable", lambda: False)

    assert f"✗ {site_checks.NOT_DURABLE}" in state()


@pytest.mark.parametrize(
    ("free", "line"),
    [
        (12_900_000_000, "✓ 磁盘剩余12GB"),
        (1_000_000_000, "✓ 磁盘剩余1GB"),
        (999_999_999, "△ 磁盘剩余不足1GB，请清理"),
    ],
)
def test_less_than_a_gigabyte_of_disk_is_told(free, line, monkeypatch, settings, tmp_path):
    asked = []

    def disk_usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(free=free)

    # The folder is made by the first thing that is put there.
    settings.VAR_DIR = tmp_path / "not" / "yet"
    monkeypatch.setattr(shutil, "disk_usage", disk_usage)

    assert line in state()
    assert asked == [tmp_path]


def test_cards_that_wait_after_wrong_codes_are_counted_and_not_named():
    make_delegates(3)
    before = state()
    Delegate.objects.filter(number__in=["001", "002"]).update(
        failures=5, locked_until=timezone.now() + timedelta(minutes=5)
    )
    Delegate.objects.filter(number="003").update(
        failures=5, locked_until=timezone.now() - timedelta(minutes=5)
    )

    assert before[-1] == "✓ 没有代表因输错投票码而须等待"
    assert state()[-1] == "△ 2名代表因多次输错投票码，暂时不能输入"


def test_wrong_codes_and_passwords_are_told_by_number_alone():
    make_delegates(3)
    now = timezone.now()
    quiet = state()
    Delegate.objects.filter(number="001").update(failures=2)
    tries = [
        PasswordTries(key="a", failures=9, last_at=now - timedelta(minutes=59)),
        PasswordTries(key="b", failures=9, last_at=now - timedelta(minutes=61)),
    ]
    PasswordTries.objects.bulk_create(tries)

    assert not [line for line in quiet if "输错：" in line]
    assert state()[-2] == "✓ 输错：投票码2次，工作人员密码9次（一小时内）"

    PasswordTries.objects.create(key="c", failures=1, last_at=now)
    assert state()[-2] == "△ 输错：投票码2次，工作人员密码10次（一小时内）"


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (Measured("SQLite 3.45.1", 4_000_001), "✓ SQLite 3.45.1，5MB"),
        (
            Measured("PostgreSQL 16", 2_340_000_000, 0.0004, (6, 100)),
            "✓ PostgreSQL 16，2.3GB，应答1毫秒，连接6/100",
        ),
        (
            Measured("PostgreSQL 16", 1, 0.201, (6, 100)),
            "△ PostgreSQL 16，1MB，应答201毫秒，连接6/100",
        ),
        (
            Measured("PostgreSQL 16", 1, 0.001, (91, 100)),
            "△ PostgreSQL 16，1MB，应答1毫秒，连接91/100",
        ),
    ],
)
def test_a_database_that_is_slow_or_nearly_full_of_connections_is_told(found, line, monkeypatch):
    monkeypatch.setattr(database, "measured", lambda: found)

    assert line in state()


def test_the_database_of_this_run_is_measured():
    found = database.measured()

    assert found.size > 100_000
    assert (found.connections is None) == (connection.vendor == "sqlite")
    if found.connections:
        assert 1 <= found.connections[0] <= found.connections[1]
        assert 0 < found.seconds < 60


def test_the_page_says_how_the_system_stands(settings, tmp_path):
    settings.BACKUP_DIR = str(tmp_path)
    stage = make_stage()

    page = desk_of(stage.scrutineer).get(at(stage.poll))

    assert Finding("warns", "备份位置上还没有备份", "backup") in page.context["system"]
    for words in ("系统状态", "数据库正常", "磁盘剩余", "备份位置上还没有备份"):
        assert words in page.text


# --- lists with nothing in them -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("delegate", "还没有代表名册。"),
        ("rollentry", "还没有代表名册。"),
        ("journalentry", "暂无操作记录。"),
        ("pollday", "目前没有进行中的票决。"),
        ("recommendation", "还没有会前推荐。"),
    ],
)
def test_an_empty_list_says_what_it_would_hold(name, words):
    page = desk_of(factories.make_office()).get(reverse(f"admin:ballots_{name}_changelist"))

    assert words in page.text
    assert ("/delegate/import/" in page.text.partition(words)[2]) == (name == "delegate")


def test_a_search_and_a_filter_that_find_nobody_say_so_and_lead_back():
    make_delegates(1)
    desk = desk_of(factories.make_office())
    address = reverse("admin:ballots_delegate_changelist")

    searched = desk.get(address, {"q": "<张三>"}).text
    filtered = desk.get(address, {"card": "valid"}).text

    assert "没有找到“&lt;张三&gt;”。" in searched
    assert re.search(r'没有符合条件的记录。\s*<a href="\?">显示全部</a>', filtered)


def test_a_superuser_alone_is_told_whether_the_site_may_alter_its_tables():
    stage = make_stage(delegates=2)
    technician = User.objects.create_superuser("technician", password=factories.PASSWORD)
    words = "停用保护规则"

    assert words in desk_of(technician).get(at(stage.poll)).text
    assert words not in desk_of(stage.office).get(at(stage.poll)).text
