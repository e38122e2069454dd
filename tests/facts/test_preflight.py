"""The list before the opening: one cause at a time, and what it blocks or only warns of."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from ballots import roles, triggers
from ballots.acts import ceremony, lifecycle, roll, sign_in
from ballots.facts import database, preflight, record
from ballots.facts.checks import site_checks
from ballots.facts.findings import Finding, blocks
from ballots.facts.keyed import key_check
from ballots.facts.preflight import what_is_missing
from ballots.models import (
    AccessCard,
    BallotBox,
    Delegate,
    Delegation,
    JournalEntry,
    Recommendation,
)
from ballots.refusal import Refused
from projects.models import Poll, Project, Target
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_scrutineer,
    make_staff,
    make_stage,
    make_sub_item,
)

MAIN, REHEARSAL = Poll.Kind.MAIN, Poll.Kind.REHEARSAL


@pytest.fixture(autouse=True)
def copies(tmp_path, settings) -> Path:
    """A folder of backups with one that has just been made."""
    settings.BACKUP_DIR = str(tmp_path)
    (tmp_path / "vote.dump").write_bytes(b"a copy")
    # However long it takes to set a stage: the backup comes after its roll.
    written(tmp_path / "vote.dump", minutes=-1)
    return tmp_path


def written(file: Path, **ago: float) -> str:
    """Date `file` back by that long; return the time as the list says it."""
    moment = timezone.localtime() - timedelta(**ago)
    os.utime(file, (moment.timestamp(), moment.timestamp()))
    return f"{moment:%Y-%m-%d %H:%M}"


def complete(kind: str = MAIN, **columns: Any) -> Stage:
    """Return a draft with everything in place, so that its list has nothing but ✓."""
    stage = make_stage(
        open_it=False, kind=kind, **({"proposals": Poll.Proposals.ADVISORY} | columns)
    )
    stage.poll.projects.update(lead_unit="民政局")
    AccessCard.objects.filter(delegate=stage.delegates[0]).update(reached_at=settings.PUBLIC_URL)
    return stage


def lines(stage: Stage) -> list[str]:
    poll = Poll.objects.get(pk=stage.poll.pk)
    return [f"{finding.mark} {finding.text}" for finding in what_is_missing(poll)]


def set_poll(stage: Stage, **columns: Any) -> None:
    Poll.objects.filter(pk=stage.poll.pk).update(**columns)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [MAIN, REHEARSAL])
def test_a_complete_draft_has_every_line_ticked_and_opens(kind, copies):
    stage = complete(kind)
    at = written(copies / "vote.dump")

    rehearsal = ["△ 本次为演练，不计票"] if kind == REHEARSAL else []
    assert lines(stage) == [
        *rehearsal,
        "✓ 表决办法：民生实事项目表决办法",
        "✓ 候选项目12个，均有年度目标",
        "✓ 代表5人，均已生成投票卡",
        "✓ 实到5人，符合法定人数（4人）",
        "✓ 票箱密钥已试开：共5份，开箱需3份",
        "✓ 监票人2名",
        "✓ 已用其他设备扫描投票卡打开过网址",
        "✓ 断电也不会丢票",
        *(["✓ 服务器时间正确（与数据库时间一致）"] if connection.vendor == "postgresql" else []),
        f"✓ 已备份（最近备份 {at}）",
    ]
    assert lifecycle.open_poll(stage.poll, by=stage.office).phase == Poll.Phase.OPEN


@dataclass(frozen=True)
class Cause:
    """One thing that is missing, and the line that says so in a real poll and in a rehearsal."""

    act: Callable[[Stage], Any]
    real: str
    rehearsal: str = ""

    def line(self, kind: str) -> str:
        return self.rehearsal if kind == REHEARSAL and self.rehearsal else self.real


def dear(project: Project) -> None:
    """Let two sub-items and two targets stand under a sum that holds the one and not the other."""
    Project.objects.filter(pk=project.pk).update(investment=1200)
    Target.objects.create(project=project, position=2, text="改建")
    for position, investment in enumerate((1200, "0.01", None), start=1):
        make_sub_item(project, position=position, investment=investment)


def no_candidates(stage: Stage) -> None:
    Target.objects.all().delete()
    Project.objects.all().delete()


def take_card(stage: Stage) -> None:
    AccessCard.objects.filter(delegate=stage.delegates[3]).update(revoked_at=timezone.now())


def absent(*places: int) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        numbers = [stage.delegates[place].number for place in places]
        roll.mark_absent(stage.poll, numbers=numbers, by=stage.office)

    return act


def without_key(stage: Stage) -> None:
    BallotBox.objects.all().delete()


def untested_key(stage: Stage) -> None:
    ceremony.make_key(stage.poll, holders=["甲", "乙", "丙"], threshold=2, by=stage.office)


def strip_staff(stage: Stage) -> None:
    stage.chief.groups.clear()


def nobody_is_chief(stage: Stage) -> None:
    stage.chief.groups.set(Group.objects.filter(name=roles.SCRUTINEER))


CAUSES = {
    "no name of the rules": Cause(
        lambda s: set_poll(s, rules_name=""),
        "✗ 未填写表决办法的名称或通过日期",
        "△ 未填写表决办法的名称或通过日期",
    ),
    "no date of the rules": Cause(
        lambda s: set_poll(s, rules_adopted_on=None),
        "✗ 未填写表决办法的名称或通过日期",
        "△ 未填写表决办法的名称或通过日期",
    ),
    "no phone": Cause(lambda s: set_poll(s, phone=""), "△ 未填写会务组电话"),
    "proposals count": Cause(
        lambda s: set_poll(s, proposals="counted"), "△ 推荐的新项目计票，请确认表决办法有此规定"
    ),
    "the deadline is over": Cause(
        lambda s: set_poll(s, closes_at=timezone.now() - timedelta(minutes=1)),
        "✗ 截止时间已过，请更正或留空",
    ),
    "the deadline is in a mistyped year": Cause(
        lambda s: set_poll(s, closes_at=datetime(9999, 12, 31, 15, 59, tzinfo=UTC)),
        "✗ 截止时间在一年以后，请核对年份",
    ),
    "recommendations that wait": Cause(
        lambda s: Recommendation.objects.create(
            poll=s.poll, delegate=s.delegates[0], title="夜间公交"
        ),
        "△ 还有1项会前推荐没有处理，开始后不能再处理",
    ),
    "no candidates": Cause(no_candidates, "✗ 还没有候选项目"),
    "candidates without a target": Cause(
        lambda s: Target.objects.filter(project__number__in=[2, 11]).delete(),
        "△ 第2、11项缺少年度目标",
    ),
    "a candidate without a unit": Cause(
        lambda s: Project.objects.filter(number=7).update(lead_unit=""), "△ 第7项缺少责任单位"
    ),
    "sub-items that cost more than the whole": Cause(
        lambda s: dear(s.poll.projects.get(number=5)), "△ 第5项的子项投资合计多于总投资"
    ),
    "fewer candidates than places": Cause(
        lambda s: set_poll(s, places=13), "△ 候选项目12个，少于应选的13个"
    ),
    "more to choose than there is": Cause(
        lambda s: set_poll(s, places=13, choice_rule="exactly"),
        "✗ 必须选足应选项数，但候选项目和可推荐的项目不够",
    ),
    "no roll": Cause(lambda s: s.poll.roll.all().delete(), "✗ 还没有代表名册"),
    "a delegate who is not on the roll": Cause(
        lambda s: make_delegates(2),
        "✗ 名册与在任代表不一致：缺2人（代表6（006）、代表7（007））。请更新名册",
    ),
    "a delegate who has left": Cause(
        lambda s: Delegate.objects.filter(pk=s.delegates[4].pk).update(status="ended"),
        "✗ 名册与在任代表不一致：多1人（代表5（005））。请更新名册",
    ),
    "a delegate who is suspended": Cause(
        lambda s: Delegate.objects.filter(pk=s.delegates[4].pk).update(status="suspended"),
        "✗ 名册与在任代表不一致：多1人（代表5（005））。请更新名册",
    ),
    "a delegate with another number": Cause(
        lambda s: Delegate.objects.filter(pk=s.delegates[4].pk).update(number="105"),
        "✗ 名册与在任代表不一致：登记有更正的1人（代表5（105））。请更新名册",
    ),
    "a delegate with another name": Cause(
        lambda s: Delegate.objects.filter(pk=s.delegates[4].pk).update(name="王五"),
        "✗ 名册与在任代表不一致：登记有更正的1人（王五（005））。请更新名册",
    ),
    "a delegate of another delegation": Cause(
        lambda s: Delegate.objects.filter(pk=s.delegates[4].pk).update(
            delegation=Delegation.objects.create(name="城南代表团")
        ),
        "✗ 名册与在任代表不一致：登记有更正的1人（代表5（005））。请更新名册",
    ),
    # Cases 15 and 16: one person, one card.
    "two numbers that are one to the eye": Cause(
        lambda s: [
            Delegate.objects.filter(pk=s.delegates[4].pk).update(number="1"),
            s.poll.roll.filter(delegate=s.delegates[4]).update(number="1"),
        ],
        "✗ 代表证号看上去是同一个：001、1，请更正",
    ),
    "two who may be one person": Cause(
        lambda s: Delegate.objects.filter(number__in=["002", "003"]).update(phone="13800000001"),
        "✗ 1处可能是同一个人（代表2（002）和代表3（003）），请逐一核对",
    ),
    "a delegation with another name": Cause(
        lambda s: Delegation.objects.update(name="城北代表团"),
        "✗ 名册与在任代表不一致：登记有更正的5人（代表1（001）、代表2（002）、代表3（003）等）。请更新名册",
    ),
    "a delegate without a card": Cause(take_card, "✗ 有1名代表还没有投票卡"),
    "no number of delegates": Cause(
        lambda s: set_poll(s, delegates_total=None), "✗ 未填写全体代表人数"
    ),
    "fewer delegates than on the roll": Cause(
        lambda s: set_poll(s, delegates_total=4), "✗ 全体代表人数4少于名册上的5人"
    ),
    "more delegates than on the roll": Cause(
        lambda s: set_poll(s, delegates_total=7),
        "✗ 全体代表人数7，名册5人，相差2人，请核对，并填写说明",
        "△ 全体代表人数7，名册5人，相差2人，请核对，并填写说明",
    ),
    "more delegates than on the roll, and why": Cause(
        lambda s: set_poll(s, delegates_total=6, total_reason="缺额1名，待补选"),
        "△ 全体代表人数6，名册5人，相差1人，说明：缺额1名，待补选",
    ),
    "no quorum": Cause(
        absent(0, 1), "✗ 实到3人，不足法定人数（4人）", "△ 实到3人，不足法定人数（4人）"
    ),
    "nobody is present": Cause(absent(0, 1, 2, 3, 4), "✗ 没有代表报到，无人可以投票"),
    "no key": Cause(without_key, "✗ 还没有生成票箱密钥"),
    "a new key": Cause(untested_key, "✗ 票箱密钥尚未试开"),
    "one scrutineer is missing": Cause(strip_staff, "△ 复核需要2名监票人，现有1名", "✓ 监票人1名"),
    "no chief scrutineer": Cause(nobody_is_chief, "△ 还没有指定总监票人", "✓ 监票人2名"),
    "no card was scanned": Cause(
        lambda s: AccessCard.objects.update(reached_at=""),
        "△ 请先用手机扫描一张投票卡，确认能打开",
    ),
    "a card that was scanned at another address": Cause(
        lambda s: AccessCard.objects.update(reached_at="https://old.example.cn"),
        "△ 请先用手机扫描一张投票卡，确认能打开",
    ),
    "cards made with another key": Cause(
        lambda s: AccessCard.objects.filter(delegate__in=s.delegates[1:]).update(
            key_check="0" * 16
        ),
        "✗ 投票卡是用另一把密钥制作的，不能登录：4人（代表2（002）、代表3（003）、代表4（004）等）。"
        "请恢复原来的 SECRET_KEY，或重新发卡",
    ),
    "a card of an earlier version": Cause(
        lambda s: AccessCard.objects.filter(delegate=s.delegates[1]).update(key_check=""),
        "△ 有1张投票卡由早先的版本制作，未记密钥，请用其中几张试登录",
    ),
    "cards printed with another address": Cause(
        lambda s: AccessCard.objects.update(address="https://old.example.cn"),
        "△ 有5张投票卡的二维码印的是另一网址（https://old.example.cn），请确认仍能打开，或重新发卡",
    ),
}
# What cannot go missing without other lines changing too.
AND_ALSO = {
    "no roll": {
        "✗ 实到0人，不足法定人数（4人）",
        "△ 实到0人，不足法定人数（4人）",
        "✗ 没有代表报到，无人可以投票",
        "△ 请先用手机扫描一张投票卡，确认能打开",
    },
    "more to choose than there is": {"△ 候选项目12个，少于应选的13个"},
    "more delegates than on the roll": {"✓ 实到5人，符合法定人数（5人）"},
    "nobody is present": {"✗ 实到0人，不足法定人数（4人）", "△ 实到0人，不足法定人数（4人）"},
    "fewer delegates than on the roll": {"✓ 实到5人，符合法定人数（3人）"},
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [MAIN, REHEARSAL])
@pytest.mark.parametrize("name", CAUSES)
def test_one_cause_makes_one_line_and_a_cross_forbids_the_opening(name, kind):
    stage, cause = complete(kind), CAUSES[name]
    before = set(lines(stage))

    cause.act(stage)

    new = set(lines(stage)) - before
    assert new - AND_ALSO.get(name, set()) == {cause.line(kind)} - before
    if cause.line(kind).startswith("✗"):
        with pytest.raises(Refused) as refusal:
            lifecycle.open_poll(stage.poll, by=stage.office)
        assert refusal.value.code == "incomplete"
        assert Poll.objects.get(pk=stage.poll.pk).phase == Poll.Phase.DRAFT
    else:
        assert lifecycle.open_poll(stage.poll, by=stage.office).phase == Poll.Phase.OPEN


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "present", "blocked"), [(MAIN, 3, True), (MAIN, 4, False), (REHEARSAL, 3, False)]
)
def test_a_real_poll_needs_the_quorum_and_not_one_more(kind, present, blocked):
    stage = complete(kind)

    absent(*range(5 - present))(stage)

    assert blocks(what_is_missing(stage.poll)) == blocked


@pytest.mark.django_db
def test_presence_does_not_matter_where_the_whole_roll_votes_but_the_quorum_does():
    stage = complete(REHEARSAL, voters=Poll.Voters.ROLL)
    absent(0, 1, 2, 3, 4)(stage)

    assert "△ 实到0人，不足法定人数（4人）" in lines(stage)
    assert not blocks(what_is_missing(stage.poll))


@pytest.mark.django_db
def test_proposals_that_count_help_to_fill_every_place():
    stage = complete(places=14, choice_rule="exactly", proposals="counted", proposal_limit=2)
    assert not blocks(what_is_missing(stage.poll))

    set_poll(stage, proposal_limit=1)

    assert "✗ 必须选足应选项数，但候选项目和可推荐的项目不够" in lines(stage)


@pytest.mark.django_db
def test_the_simple_way_says_that_one_holder_opens_the_box_alone():
    stage = complete(simple=True)

    assert "△ 简易方式：任一持有人可单独开启票箱" in lines(stage)
    assert "✓ 票箱密钥已试开：共2份，开箱需1份" in lines(stage)
    assert not blocks(what_is_missing(stage.poll))


@pytest.mark.django_db
def test_a_second_key_makes_the_test_of_the_first_void():
    stage = complete()
    sheets = ceremony.make_key(stage.poll, holders=list("甲乙丙"), threshold=2, by=stage.office)
    assert "✗ 票箱密钥尚未试开" in lines(stage)

    ceremony.test_key(stage.poll, texts=[sheet.text for sheet in sheets[1:]], by=stage.chief)

    assert "✓ 票箱密钥已试开：共3份，开箱需2份" in lines(stage)


@pytest.mark.django_db
@pytest.mark.parametrize("lost", [{"is_active": False}, {"is_staff": False}])
def test_a_scrutineer_who_cannot_sign_in_does_not_count(lost):
    stage = complete()

    User.objects.filter(pk=stage.scrutineer.pk).update(**lost)

    assert "△ 复核需要2名监票人，现有1名" in lines(stage)


@pytest.mark.django_db
def test_a_superuser_alone_is_no_scrutineer():
    stage = complete()
    stage.scrutineer.groups.clear()
    User.objects.filter(pk=make_staff().pk).update(is_superuser=True)

    assert "△ 复核需要2名监票人，现有1名" in lines(stage)


# Where the site stands


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "http://localhost:8000",
        "https://LOCALHOST",
        "http://[::1]:8000",
        "http://127.1.2.3",
        "http://0.0.0.0:8000",
        "",
        "vote.example.cn",
    ],
)
def test_a_real_poll_does_not_open_where_no_phone_can_reach_it(url, settings):
    settings.PUBLIC_URL = url
    words = f"对外网址 {url} 只能在本机打开，请设置 PUBLIC_URL"
    stage = complete()
    assert f"✗ {words}" in lines(stage)

    with pytest.raises(Refused) as refusal:
        lifecycle.open_poll(stage.poll, by=stage.office)

    assert refusal.value.code == "incomplete"


@pytest.mark.django_db
def test_a_rehearsal_may_run_on_one_machine(settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    stage = complete(REHEARSAL)

    assert "△ 对外网址 http://127.0.0.1:8000 只能在本机打开，请设置 PUBLIC_URL" in lines(stage)
    assert not blocks(what_is_missing(stage.poll))


@pytest.mark.parametrize(
    "url", ["https://vote.example.cn", "http://192.168.1.20:8000", "http://[fd00::1]:8000"]
)
def test_an_address_that_others_can_reach_is_not_local(url):
    assert not site_checks.is_local(url)


@pytest.mark.django_db
def test_a_replaced_card_or_one_of_another_poll_proves_nothing_about_the_address():
    stage = complete()
    AccessCard.objects.exclude(reached_at="").update(revoked_at=timezone.now())
    (stranger,) = make_delegates(1)
    Delegate.objects.filter(pk=stranger.pk).update(status="observer")
    AccessCard.objects.create(
        delegate=stranger,
        code_digest="c",
        token_digest="t",
        issued_by=stage.office,
        key_check=key_check(),
        reached_at=settings.PUBLIC_URL,
    )

    assert "△ 请先用手机扫描一张投票卡，确认能打开" in lines(stage)


@pytest.mark.django_db
def test_plain_http_is_told(settings):
    settings.PLAIN_HTTP = True

    assert "△ 未加密：同一网络中的人可能看到选择" in lines(complete())


@pytest.mark.django_db
def test_on_a_machine_with_another_key_the_cards_lose_their_tick(settings):
    """Case 26: a database restored beside another SECRET_KEY opens no card of before."""
    stage = complete()
    settings.SECRET_KEY = "another key, of another machine"

    found = lines(stage)

    [dead] = [line for line in found if "密钥制作" in line]
    assert dead.startswith("✗ 投票卡是用另一把密钥制作的，不能登录：5人")
    assert not [line for line in found if "均已生成投票卡" in line]
    assert "△ 请先用手机扫描一张投票卡，确认能打开" in found
    assert sign_in.card_by_token(stage.issued[0].token) is None
    with pytest.raises(Refused):
        lifecycle.open_poll(stage.poll, by=stage.office)


@pytest.mark.django_db
def test_an_address_that_changes_takes_the_proof_of_the_old_one_along(settings):
    """Case 26: the QR codes lead to where nobody answers any more."""
    stage = complete()
    settings.PUBLIC_URL = "https://new.example.cn"

    found = lines(stage)

    assert "△ 请先用手机扫描一张投票卡，确认能打开" in found
    assert [line for line in found if line.startswith("△ 有5张投票卡的二维码印的是另一网址")]


# What changes after the opening


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda s: make_staff(roles.OFFICE),
        lambda s: make_staff(),
        lambda s: s.scrutineer.groups.clear(),
        lambda s: s.office.groups.add(Group.objects.get(name=roles.SCRUTINEER)),
        lambda s: User.objects.filter(pk=s.chief.pk).update(is_active=False),
    ],
)
def test_a_change_of_staff_after_the_opening_is_told(change):
    stage = make_stage()
    assert preflight.changes_since_opening(stage.poll) == []

    change(stage)

    assert [finding.mark for finding in preflight.changes_since_opening(stage.poll)] == ["△"]


@pytest.mark.django_db
def test_a_change_before_the_opening_is_no_change_of_staff():
    stage = make_stage(open_it=False)
    make_staff(roles.OFFICE)
    assert preflight.changes_since_opening(stage.poll) == []

    opened = lifecycle.open_poll(stage.poll, by=stage.office)

    assert preflight.changes_since_opening(opened) == []


@pytest.mark.django_db
def test_a_signature_of_somebody_who_came_and_went_is_told():
    stage = make_stage(delegates_total=6)
    ghost = make_scrutineer("ghost")
    (delegate,) = make_delegates(1)
    roll.add_to_roll(stage.poll, delegate=delegate, reason="补选", by=stage.office, second=ghost)
    User.objects.filter(pk=ghost.pk).update(is_active=False)

    assert [finding.text for finding in preflight.changes_since_opening(stage.poll)] == [
        "开始投票后，工作人员账号变动2次（见操作记录），请核实",
        "工作人员账号与操作记录不符，有变动没有留下记录，请核实",
    ]


@pytest.mark.django_db
def test_the_demo_mode_serves_no_real_poll(settings):
    settings.DEMO = True

    assert "✗ 演示方式（DEMO=1）不能用于正式票决" in lines(complete())


@pytest.mark.django_db
def test_no_poll_opens_on_a_database_without_its_triggers():
    stage = complete()
    triggers.lift(connection)

    assert "✗ 数据库的保护规则缺失，请运行 manage.py migrate" in lines(stage)


@pytest.mark.django_db
def test_a_key_of_the_simple_scheme_opens_no_other_poll():
    stage = complete()
    BallotBox.objects.update(threshold=1)

    assert "✗ 密钥与“简易方式”的设置不一致，请重新生成密钥" in lines(stage)


# Whether a ballot survives a power cut


@pytest.fixture
def careless(transactional_db):
    """A database that answers before it has written; the connection is dropped afterwards."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET synchronous_commit = off")
        else:
            cursor.execute("PRAGMA synchronous = NORMAL")
    yield
    connection.close()


@pytest.mark.parametrize("kind", [MAIN, REHEARSAL])
def test_no_poll_opens_on_a_database_that_may_forget(careless, kind):
    stage = complete(kind)
    assert "✗ 数据库的设置不能保证断电不丢票" in lines(stage)

    with pytest.raises(Refused) as refusal:
        lifecycle.open_poll(stage.poll, by=stage.office)

    assert refusal.value.code == "incomplete"


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "mark"), [(MAIN, "✗"), (REHEARSAL, "△")])
def test_a_database_with_fewer_connections_than_the_site_has_threads_is_told(
    kind, mark, monkeypatch, settings
):
    settings.PLACES, settings.WORKERS = 16, 8
    stage = complete(kind)
    monkeypatch.setattr(database, "connections_left", lambda: 97)

    assert (
        f"{mark} 数据库只有97个连接，网站需要133个，请调大 max_connections 或减少网站进程"
        in lines(stage)
    )

    settings.WORKERS = 5
    assert not any("max_connections" in line for line in lines(stage))


@pytest.mark.postgresql
@pytest.mark.django_db
def test_the_connections_of_the_server_are_its_own_figure_and_behind_a_pooler_nobodys(settings):
    there = database.connections_left()
    assert there is not None
    assert there >= 10

    settings.BEHIND_POOLER = True
    assert database.connections_left() is None


# The clock and the backups


@pytest.mark.django_db
def test_clocks_that_differ_are_told_where_there_are_two_of_them(monkeypatch):
    stage = complete()
    monkeypatch.setattr(database, "now", lambda: timezone.now() + 2 * site_checks.CLOCKS_AGREE)

    found = [line for line in lines(stage) if "时间" in line]

    if connection.vendor == "postgresql":
        assert found == ["△ 服务器时间与数据库时间不一致，请校准后再开始投票"]
    else:
        assert found == []


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_no_folder_of_backups_is_told_as_such(folder, settings, copies):
    settings.BACKUP_DIR = folder and str(copies / folder)

    finding = site_checks.backup()

    assert finding.level == "warns"
    assert finding.text == (
        "备份位置打不开，不能核对备份，请联系技术人员"
        if folder
        else "没有设置备份位置，不能核对备份，请联系技术人员"
    )


def test_an_empty_file_and_a_folder_are_no_backup(copies):
    (copies / "vote.dump").write_bytes(b"")
    (copies / "older").mkdir()

    assert site_checks.backup() == Finding("warns", "备份位置上还没有备份", "backup")


def test_the_newest_backup_counts_and_not_for_longer_than_a_day(copies):
    (copies / "next.dump").write_bytes(b"a copy")
    written(copies / "vote.dump", hours=30)
    younger = written(copies / "next.dump", hours=23)
    fresh = site_checks.backup()
    older = written(copies / "next.dump", hours=25)

    assert fresh == Finding("ok", f"已备份（最近备份 {younger}）")
    tired = f"最近备份 {older}，已超过24小时，请再备份"
    assert site_checks.backup() == Finding("warns", tired, "backup")


@pytest.mark.django_db
def test_a_backup_from_before_the_roll_was_drawn_up_does_not_know_who_may_vote(copies):
    stage = complete()
    before = written(copies / "vote.dump", minutes=5)
    told = [line for line in lines(stage) if "备份" in line]
    written(copies / "vote.dump", minutes=-1)
    later = [line for line in lines(stage) if "备份" in line]
    roll.draw_up_roll(stage.poll, by=stage.office)
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        roll.draw_up_roll(stage.poll, by=stage.office)
        again = [line for line in lines(stage) if "备份" in line]

    assert told == [f"△ 最近备份 {before}，早于生成名册的时间，请再备份"]
    assert later[0].startswith("✓ 已备份")
    assert again[0].startswith("△ 最近备份")


def test_a_draft_of_a_backup_is_none(copies):
    (copies / "vote.dump").rename(copies / ".vote.zip.1234")

    assert site_checks.backup() == Finding("warns", "备份位置上还没有备份", "backup")


@pytest.mark.django_db
def test_the_list_of_a_fresh_draft_names_everything_and_breaks_nowhere():
    poll = Poll.objects.create(meeting="会议", year=2026)

    found = what_is_missing(poll)

    assert [finding.text for finding in found if finding.level == "blocks"] == [
        "未填写表决办法的名称或通过日期",
        "还没有候选项目",
        "还没有代表名册",
        "还没有生成票箱密钥",
    ]


def test_each_level_has_its_mark():
    marks = [Finding(level, "").mark for level in ("ok", "warns", "blocks")]

    assert marks == ["✓", "△", "✗"]


@pytest.mark.django_db
def test_a_total_far_above_the_roll_is_never_passed_over_though_the_quorum_holds():
    """Case 30: 500 typed for 350 makes the majority wrong for good."""
    stage = complete(delegates_total=7)
    assert "✓ 实到5人，符合法定人数（5人）" in lines(stage)

    with pytest.raises(Refused) as refusal:
        lifecycle.open_poll(stage.poll, by=stage.office)
    set_poll(stage, total_reason="缺额2名")
    lifecycle.open_poll(stage.poll, by=stage.office)

    assert refusal.value.code == "incomplete"
    entry = JournalEntry.objects.get(kind="opened")
    assert entry.data["total_reason"] == "缺额2名"
    assert "全体代表人数与名册不一致的说明：缺额2名" in record.in_words(entry)


@pytest.mark.django_db
def test_a_close_before_the_opening_is_remarked():
    """Case 56: the clock was set back while people voted."""
    stage = make_stage()
    with time_machine.travel(timezone.now() - timedelta(hours=5), tick=False):
        stage.close()

    lines = [finding.text for finding in preflight.changes_since_opening(stage.poll)]

    assert any("截止时间早于开始时间" in line for line in lines)
