"""The demo, the ballots of nobody, and the rehearsal of the whole day over HTTP."""

import csv
import os
import shutil
import socket
import stat
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import connection, connections
from hypothesis import given
from hypothesis import strategies as st

from ballots import roles
from ballots.acts import casting, drafts, lifecycle, rehearsal, roll, sign_in
from ballots.facts import database, outcome
from ballots.facts.checks import site_checks
from ballots.management.commands import demo
from ballots.models import Delegate, Delegation
from ballots.pure.rules import Rules, faults
from ballots.pure.tally import more_than_half
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.factories import (
    make_delegates,
    make_stage,
    selection,
)
from tests.helpers.refusals import refused, run

SITE = "http://127.0.0.1:8000"


@pytest.fixture
def site(db: None, settings: Any, tmp_path: Path) -> Path:
    """A demo's settings with a folder of its own; return the folder of its files."""
    settings.DEMO = True
    settings.VAR_DIR = tmp_path
    settings.PUBLIC_URL = SITE
    return tmp_path / "demo"


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def demo_poll() -> Poll:
    return Poll.objects.get(rules_name=demo.RULES_NAME)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# --- what the demo leaves -------------------------------------------------------------------------


def test_the_demo_is_one_open_rehearsal_with_everybody_present(site):
    run("demo", "--delegates", 12)

    poll = demo_poll()
    assert (poll.kind, poll.phase) == (Poll.Kind.REHEARSAL, Poll.Phase.OPEN)
    assert (poll.roll.count(), poll.roll.filter(present=True).count()) == (12, 12)
    assert (poll.delegates_total, poll.show_votes) == (12, True)
    assert Poll.objects.count() == 1


@pytest.mark.parametrize("form", ["each", "grades"])
def test_the_demo_can_be_one_of_another_form_and_stays_what_it_is(site, form):
    run("demo", f"--{form}", "--delegates", 3)
    assert demo_poll().form == form

    assert "保持不变" not in run("demo")
    assert demo_poll().form == form
    run("demo", "--vote")
    assert demo_poll().roll.filter(voted=True).count() == 2


def test_what_is_copied_of_the_demo_is_not_taken_for_it(site):
    """Nor is the demo made anew, and its cards with it, because a copy is a draft."""
    run("demo", "--delegates", 3)
    poll, files = demo_poll(), contents(site)
    copy = drafts.copy(poll, into="rehearsal", by=User.objects.get(username="office"))

    assert "重新生成" not in run("demo", "--vote")

    assert (contents(site), poll.roll.filter(voted=True).count()) == (files, 2)
    assert Poll.objects.filter(pk=copy.pk, phase="draft").exists()


def test_a_demo_that_ticks_is_not_made_anew_for_the_form_each(site):
    run("demo", "--delegates", 3)

    assert "示例的表决方式是“选择赞成的项目”，保持不变。" in run("demo", "--each")
    assert demo_poll().form == "choose"


def test_the_demo_has_the_eight_real_candidates_with_their_targets(site):
    run("demo")

    projects = demo_poll().projects.order_by("number")
    assert [project.title for project in projects][::7] == ["住房改善", "乡村共富"]
    assert projects.count() == 8
    assert all(project.targets.exists() for project in projects)


def test_everything_that_is_not_real_says_so(site):
    run("demo")

    assert "（示例）" in demo_poll().meeting
    assert all(
        name.startswith("示例") for name in Delegation.objects.values_list("name", flat=True)
    )
    assert all(name.startswith("示例") for name in Delegate.objects.values_list("name", flat=True))
    assert 4 <= Delegation.objects.count() <= 5


def test_the_files_are_private_and_have_their_columns(site):
    run("demo", "--delegates", 3)

    assert stat.S_IMODE(site.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in site.iterdir()} == {0o600}
    assert set(contents(site)) == {"cards.csv", "shares.txt", "staff.csv"}
    header = (site / "cards.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "代表证号,姓名,代表团,投票码,链接"
    assert (site / "staff.csv").read_text().splitlines()[0] == "username,password,role"


def test_a_code_and_a_link_of_the_file_lead_to_the_same_card(site):
    run("demo", "--delegates", 3)

    row = rows(site / "cards.csv")[1]
    card = sign_in.card_by_code(row["投票码"])

    assert (card.delegate.number, card.delegate.name) == (row["代表证号"], row["姓名"])
    assert row["链接"].startswith(f"{SITE}/k/")
    assert sign_in.card_by_token(demo.token_of(row["链接"])) == card


def test_the_staff_can_log_in_and_have_their_offices(site):
    run("demo")

    users = {
        row["username"]: authenticate(username=row["username"], password=row["password"])
        for row in rows(site / "staff.csv")
    }
    assert list(users) == ["office", "office2", "scrutineer", "scrutineer2"]
    offices = {
        name: (roles.is_office(user), roles.is_scrutineer(user), roles.is_chief(user))
        for name, user in users.items()
        if user is not None
    }
    assert offices == {
        "office": (True, False, False),
        "office2": (True, False, False),
        "scrutineer": (False, True, True),
        "scrutineer2": (False, True, False),
    }


def test_the_demo_can_be_taken_from_its_files_to_the_publication(site):
    run("demo", "--vote")
    poll = demo_poll()
    office = User.objects.get(username="office")
    lifecycle.close_poll(poll, by=office)

    run("open_box", "--shares", site / "shares.txt", "--user", "scrutineer")
    run("canvass_poll", "--each-alone", "--user", "office", "--second", "scrutineer2")
    run("count_poll", "--user", "office")
    run("confirm_poll", "--user", "scrutineer")
    text = run("publish_poll", "--user", "office2")

    assert "个项目通过" in text
    assert {item["outcome"] for item in outcome.standing_result(poll).figures["items"]} == {
        "adopted",
        "short",
    }


# --- again, and elsewhere -------------------------------------------------------------------------


def test_a_second_run_changes_nothing(site):
    run("demo", "--delegates", 5)
    files, poll = contents(site), demo_poll()

    text = run("demo", "--delegates", 9)

    assert contents(site) == files
    assert demo_poll() == poll
    assert poll.roll.count() == 5
    assert "示例已有5名代表，保持不变。" in text
    assert "五分钟走一遍" in text


def test_another_address_changes_the_links_and_nothing_else(site, settings):
    run("demo", "--delegates", 3)
    before = contents(site)
    settings.PUBLIC_URL = "http://127.0.0.1:8123"

    run("demo")

    assert (site / "cards.csv").read_bytes() == before["cards.csv"].replace(b":8000", b":8123")
    assert (site / "shares.txt").read_bytes() == before["shares.txt"]


def test_lost_files_are_made_anew_and_fit(site):
    run("demo", "--delegates", 4, "--vote")
    old = rows(site / "cards.csv")[0]
    lose_files(site)

    text = run("demo", "--delegates", 4)

    assert "重新生成示例" in text
    new = rows(site / "cards.csv")[0]
    assert sign_in.card_by_code(new["投票码"]).delegate.number == old["代表证号"]
    with pytest.raises(Refused):
        sign_in.card_by_code(old["投票码"])
    assert demo_poll().roll.filter(voted=True).count() == 0


def lose_files(site: Path) -> None:
    """Remove the demo's files, as `rm -r var` does."""
    shutil.rmtree(site)


def test_files_of_another_database_give_way_to_a_demo_made_anew(site):
    run("demo", "--delegates", 3, "--vote")
    before = contents(site)
    (site / "cards.csv").write_bytes(before["cards.csv"].replace(b"/k/", b"/k/00"))

    assert "示例的文件不在或与数据库不符，重新生成示例。" in run("demo")

    assert contents(site).keys() == before.keys()
    assert not demo_poll().roll.filter(voted=True).exists()
    assert "重新生成示例" not in run("demo")


def test_a_smaller_demo_after_a_larger_one_has_only_its_own_delegates(site):
    run("demo", "--delegates", 9)
    lose_files(site)

    run("demo", "--delegates", 4)

    assert demo_poll().roll.count() == 4
    assert len(rows(site / "cards.csv")) == 4


def test_the_tour_names_addresses_log_ins_five_cards_and_every_step(site):
    text = run("demo")

    poll = demo_poll()
    assert f"{SITE}/admin/ballots/pollday/{poll.pk}/" in text
    assert f"{SITE}/results/" in text
    assert text.count(f"{SITE}/k/") == 5
    for row in rows(site / "staff.csv"):
        assert row["password"] in text
    for word in (
        "让其余示例代表投票",
        "截止",
        "开启票箱",
        "归并",
        "计票",
        "复核",
        "公布",
        "shares.txt",
    ):
        assert word in text


@pytest.mark.parametrize("count", [0, -1, 2001])
def test_a_senseless_number_of_delegates_is_refused(site, count):
    assert "示例代表人数应为1至2000" in refused("demo", "--delegates", count)


# --- where the demo does not belong ---------------------------------------------------------------


def test_without_the_setting_no_demo_is_made(db):
    assert "DEMO=1" in refused("demo")
    assert not Poll.objects.exists()


def test_a_database_with_real_delegates_is_left_alone(site):
    make_delegates(3)

    assert "不能创建示例" in refused("demo")
    assert not Poll.objects.exists()
    assert not site.exists()


def test_a_database_with_a_real_poll_that_has_begun_is_left_alone(site):
    stage = make_stage(delegates=2, kind=Poll.Kind.MAIN, open_it=False)
    Delegation.objects.update(name="示例代表团")
    Poll.objects.filter(pk=stage.poll.pk).update(phase="open", opened_at=stage.poll.box.made_at)

    assert "不能创建示例" in refused("demo")


# --- the others vote ------------------------------------------------------------------------------


def test_all_but_one_vote_and_the_one_has_a_card_that_was_printed(site):
    text = run("demo", "--delegates", 20, "--vote")

    waiting = demo_poll().roll.filter(voted=False)
    assert [entry.number for entry in waiting] == [rows(site / "cards.csv")[0]["代表证号"]]
    assert "完成：19张" in text


def test_whoever_voted_by_hand_is_not_asked_again(site):
    run("demo", "--delegates", 6)
    session_card = sign_in.card_by_code(rows(site / "cards.csv")[4]["投票码"])
    casting.cast_ballot(poll=demo_poll(), card=session_card, selection=selection(1), token="t")

    assert "完成：4张" in run("demo", "--vote")
    assert "完成：0张" in run("demo", "--vote")


def test_without_the_setting_any_open_rehearsal_can_be_voted_in(stage):
    text = run("demo", "--vote", "--user", stage.office.username)

    assert "完成：4张" in text
    assert "五分钟" not in text


def test_a_real_poll_is_never_voted_in(db):
    stage = make_stage(delegates=3, kind=Poll.Kind.MAIN)

    words = refused("demo", "--vote", "--user", stage.office.username)

    assert words == "只有演练可以使用示例表决票。"
    with pytest.raises(Refused) as refusal:
        rehearsal.vote_for_the_rest(stage.poll, by=stage.office)
    assert refusal.value.code == "not-rehearsal"
    assert not stage.poll.roll.filter(voted=True).exists()


def test_only_the_office_lets_the_others_vote(stage):
    with pytest.raises(Refused) as refusal:
        rehearsal.vote_for_the_rest(stage.poll, by=stage.scrutineer)

    assert refusal.value.code == "not-office"


def test_nobody_votes_before_the_opening_or_in_a_pause(stage):
    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)

    with pytest.raises(Refused) as refusal:
        rehearsal.vote_for_the_rest(stage.poll, by=stage.office)

    assert refusal.value.code == "not-open"


def test_the_absent_do_not_vote(db):
    stage = make_stage(delegates=6, open_it=False)
    roll.mark_absent(stage.poll, numbers=["001", "002"], by=stage.office)
    lifecycle.open_poll(stage.poll, by=stage.office)

    assert rehearsal.vote_for_the_rest(stage.poll, by=stage.office) == 3
    assert not stage.poll.roll.filter(voted=True, present=False).exists()


def test_where_the_whole_roll_may_vote_the_absent_do_too(db):
    stage = make_stage(delegates=6, voters="roll", open_it=False)
    roll.mark_absent(stage.poll, numbers=["001", "002"], by=stage.office)
    lifecycle.open_poll(stage.poll, by=stage.office)

    assert rehearsal.vote_for_the_rest(stage.poll, by=stage.office) == 5


# --- sample ballots -------------------------------------------------------------------------------

RULES = st.builds(
    Rules,
    places=st.integers(1, 12),
    form=st.sampled_from(["choose", "each", "grades"]),
    blank_allowed=st.booleans(),
    proposals=st.sampled_from(["counted", "advisory", "off"]),
    proposal_limit=st.integers(1, 5),
)


@given(rules=RULES, candidates=st.integers(1, 15), seed=st.integers(0, 99))
def test_every_sample_ballot_is_legal(rules, candidates, seed):
    titles = {number: f"候选项目{number}" for number in range(1, candidates + 1)}

    if rules.is_graded:
        rules = replace(rules, places=0, proposals="off")
    for ballot in rehearsal.sample_ballots(20, rules, titles, seed=seed):
        assert faults(ballot, rules, titles) == []


@given(seed=st.integers(0, 99), candidates=st.integers(7, 12))
def test_every_sample_ballot_fills_all_places_where_it_must(seed, candidates):
    rules = Rules(places=10, exactly=True, proposal_limit=3)
    titles = {number: f"候选项目{number}" for number in range(1, candidates + 1)}

    for ballot in rehearsal.sample_ballots(20, rules, titles, seed=seed):
        assert faults(ballot, rules, titles) == []


def test_no_sample_proposal_has_the_name_of_a_candidate():
    titles = {1: "新建停车场", 2: "老旧小区 加装电梯"}

    for ballot in rehearsal.sample_ballots(200, Rules(places=10), titles):
        assert faults(ballot, Rules(places=10), titles) == []


def test_the_samples_of_the_form_each_are_for_against_and_abstain():
    titles = {number: f"候选项目{number}" for number in range(1, 9)}

    ballots = rehearsal.sample_ballots(30, Rules(places=10, form="each"), titles)

    assert any(len(one.chosen) + len(one.against) == len(titles) for one in ballots)
    assert any(one.against and len(one.chosen) + len(one.against) < len(titles) for one in ballots)


def test_the_samples_of_a_grading_have_all_three_grades_and_leave_some_out():
    titles = {number: f"项目{number}" for number in range(1, 9)}

    ballots = rehearsal.sample_ballots(60, Rules(places=0, form="grades", proposals="off"), titles)

    for column in ("chosen", "fair", "against"):
        assert any(getattr(one, column) for one in ballots)
    graded = [len(one.chosen + one.fair + one.against) for one in ballots]
    assert min(graded) < len(titles) == max(graded)


def test_the_same_arguments_give_the_same_ballots():
    arguments: Any = (50, Rules(places=10), {1: "一", 2: "二"})

    assert rehearsal.sample_ballots(*arguments) == rehearsal.sample_ballots(*arguments)


@pytest.mark.parametrize("delegates", [20, 350])
def test_the_samples_are_blank_full_and_between_and_some_candidates_pass(delegates):
    rules = Rules(places=10)
    titles = {number: f"候选项目{number}" for number in range(1, 9)}

    ballots = rehearsal.sample_ballots(delegates - 1, rules, titles)

    used = {ballot.places_used(rules) for ballot in ballots}
    votes = Counter(number for ballot in ballots for number in ballot.chosen)
    proposed = {proposal.title for ballot in ballots for proposal in ballot.proposals}
    passed = [number for number in titles if votes[number] >= more_than_half(delegates)]
    assert {0, 10} <= used
    assert 3 <= len(passed) <= 6
    assert {"新建停车场", "新建公共停车场"} <= proposed


# --- the server -----------------------------------------------------------------------------------


def test_a_port_in_use_is_a_sentence_that_names_another(site, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setenv("PORT", str(taken))

        words = refused("demo", "--serve")

    assert f"端口{taken}已被占用" in words
    assert f"make run PORT={taken + 1}" in words


def test_serving_hands_this_process_over_to_granian(site, settings, monkeypatch, tmp_path):
    settings.STATIC_ROOT = tmp_path / "static"
    monkeypatch.setenv("PORT", str(free_port()))
    became: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda program, command: became.extend([program, command]))
    monkeypatch.setattr(connections, "close_all", lambda: None)

    monkeypatch.setenv("GRANIAN_WORKERS", "0")

    text = run("demo", "--serve")

    program, command = became
    flags = dict(zip(command[3::2], command[4::2], strict=False))
    assert program == sys.executable
    assert command[:3] == [sys.executable, "-m", "granian"]
    assert flags["--interface"] == "wsgi"
    assert flags["--host"] == "127.0.0.1"
    assert command[-1] == "yiwu_vote.wsgi:application"
    assert "--no-access-log" in command
    # As many slow bodies as a hall has phones must not stop a single worker.
    assert int(flags["--blocking-threads"]) > 200
    # A worker that is killed is put in its place again, and takes nobody along.
    assert "--respawn-failed-workers" in command
    if connection.vendor == "sqlite":
        assert os.environ["GRANIAN_WORKERS"] == "1"
    assert (tmp_path / "static" / "admin").is_dir()
    assert "网站已启动" in text


def test_the_demo_has_no_more_threads_than_the_database_has_connections(monkeypatch, settings):
    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(database, "connections_left", lambda: 97)
    settings.PLACES = 16

    assert site_checks.fitting_workers() == 5

    monkeypatch.setattr(database, "connections_left", lambda: 10)
    assert site_checks.fitting_workers() == 1


def free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port: int = attempt.getsockname()[1]
        return port
