"""The rehearsal of the whole day over HTTP: what it checks, what it says, and that it leaves nothing."""

import asyncio
import gzip
import os
import signal
import socket
from asyncio import events
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from django.contrib.auth.models import User

from ballots.acts import cards, lifecycle, rehearsal
from ballots.facts import outcome
from ballots.management.commands import rehearse
from ballots.management.commands._rehearsed import (
    Outcome,
    Plan,
    differences,
    measures,
    percentile,
    verdict,
)
from ballots.management.commands._stage import set_stage
from ballots.management.commands._visitor import Page, Visit, VisitFailed, Visitor, filled_form
from ballots.models import AccessCard, Delegate, Delegation, JournalEntry, Session
from projects.models import Poll
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_scrutineer,
    make_stage,
    selection,
)
from tests.helpers.refusals import refused, run

SITE = "http://127.0.0.1:8000"
Got = TypeVar("Got")


@pytest.fixture(autouse=True)
def no_loop_of_playwright() -> Iterator[None]:
    """Let the command run its own loop, also where a browser test has left one in this thread."""
    left = events._get_running_loop()
    events._set_running_loop(None)
    yield
    events._set_running_loop(left)


@pytest.fixture
def office(db: None) -> User:
    return make_office()


@pytest.fixture
def staff(office: User) -> list[str]:
    return ["--user", office.username, "--second", make_scrutineer().username]


def nowhere() -> str:
    """An address at which nothing answers."""
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{attempt.getsockname()[1]}"


def left_behind() -> dict[str, int]:
    models: list[Any] = [Poll, Delegate, Delegation, AccessCard, Session, JournalEntry]
    counted = {model.__name__: model._default_manager.count() for model in models}
    return {name: count for name, count in counted.items() if count}


# --- where and by whom ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/", "https://93.184.216.34:8443", "http://[2001:4860:4860::8888]/"]
)
def test_no_site_outside_this_network_is_rehearsed_on(staff, url):
    assert "--allow-host" in refused("rehearse", "--url", url, *staff)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000", "http://[::1]:8000", "http://192.168.1.9", "https://10.0.0.2:8443"],
)
def test_a_site_of_this_network_is_allowed(url):
    assert rehearse.allowed_site(url, None).hostname


def test_another_host_is_allowed_by_its_name():
    assert rehearse.allowed_site("http://8.8.8.8/", "8.8.8.8").hostname == "8.8.8.8"


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://127.0.0.1/", "http://127.0.0.1:x/"])
def test_an_address_that_is_none_is_a_sentence(staff, url):
    assert "网址应如" in refused("rehearse", "--url", url, *staff)


def test_without_the_demo_the_staff_must_be_named(db):
    assert "--user" in refused("rehearse", "--url", SITE)


def test_the_staff_must_have_the_offices(staff):
    turned = [staff[0], staff[3], staff[2], staff[1]]

    assert "不是会务或监票人员" in refused("rehearse", "--url", SITE, *turned)


def test_nothing_is_rehearsed_beside_a_real_vote(staff):
    make_stage(delegates=2, kind=Poll.Kind.MAIN)

    assert "正式票决正在投票" in refused("rehearse", "--url", SITE, *staff)


@pytest.mark.parametrize(
    "senseless", [("--delegates", 0), ("--delegates", 5001), ("--window", -1), ("--think", 601)]
)
def test_a_rehearsal_that_nobody_can_mean_is_refused(staff, senseless):
    assert "应为" in refused("rehearse", "--url", SITE, *staff, *senseless)
    assert not Poll.objects.exists()


# --- the day --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("window", [0, 0.5])
def test_a_rehearsal_over_http_agrees_with_what_was_cast_and_leaves_nothing(
    live_server, staff, window
):
    text = run(
        *("rehearse", "--delegates", 12, "--window", window, "--url", live_server.url), *staff
    )

    assert "演练通过：计票与所投一致。" in text
    assert "12张表决票" in text
    for step in ("登录页", "登录", "首页", "表决票", "核对", "提交", "回执"):
        assert step in text
    assert "12名代表" in text
    assert not left_behind()


@pytest.mark.django_db(transaction=True)
def test_the_register_and_its_record_are_as_they_were(live_server, staff, office):
    cards.issue_cards(make_delegates(3), by=office)
    before = left_behind()

    text = run("rehearse", "--delegates", 2, "--window", 0, "--url", live_server.url, *staff)

    assert left_behind() == before
    assert "名册上有3名在任代表" in text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", ["each", "grades"])
def test_a_rehearsal_of_another_form_votes_by_the_fields_that_it_is_given(live_server, staff, form):
    text = run(
        *("rehearse", f"--{form}", "--keep", "--delegates", 8, "--window", 0),
        *("--url", live_server.url, *staff),
    )

    assert "演练通过：计票与所投一致。" in text
    poll = Poll.objects.get()
    assert poll.form == form
    assert any(item["against"] for item in outcome.standing_result(poll).figures["items"])


@pytest.mark.django_db(transaction=True)
def test_a_rehearsal_that_is_kept_stays_until_the_next_one(live_server, staff):
    order = ["rehearse", "--window", 0, "--url", live_server.url, *staff, "--delegates"]

    run(*order, 3, "--keep")
    assert Poll.objects.get().phase == Poll.Phase.COUNTED
    # Nobody of it lands on the roll of a real poll that is drawn up meanwhile.
    assert not Delegate.objects.filter(status=Delegate.Status.ACTIVE).exists()
    text = run(*order, 2)

    assert "已清除上一次演练留下的数据。" in text
    assert not left_behind()


# --- what is broken off ---------------------------------------------------------------------------


def test_a_site_that_does_not_answer_fails_and_leaves_nothing(staff):
    words = refused("rehearse", "--delegates", 2, "--window", 0, "--url", nowhere(), *staff)

    assert "有2次失败" in words
    assert not left_behind()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_rehearsal_that_is_interrupted_leaves_nothing(staff, monkeypatch, name):
    async def interrupt(*_args: Any, **_options: Any) -> None:
        os.kill(os.getpid(), getattr(signal, name))
        await asyncio.sleep(60)

    monkeypatch.setattr(Visitor, "vote", interrupt)
    # A run in the background ignores SIGINT, which a terminal does not.
    outside = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = signal.getsignal(getattr(signal, name))
    try:
        words = refused("rehearse", "--delegates", 1, "--window", 0, "--url", SITE, *staff)
        after = signal.getsignal(getattr(signal, name))
    finally:
        signal.signal(signal.SIGINT, outside)

    assert words == "演练已中断。"
    assert not left_behind()
    assert after == before


@pytest.mark.django_db(transaction=True)
def test_a_rehearsal_that_fails_midway_leaves_nothing(live_server, staff, monkeypatch):
    def fail(*_args: Any, **_options: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(lifecycle, "count_poll", fail)

    with pytest.raises(RuntimeError):
        run("rehearse", "--delegates", 2, "--window", 0, "--url", live_server.url, *staff)

    assert not left_behind()


def test_what_a_killed_rehearsal_left_goes_with_the_next_one(staff, office):
    scrutineer = User.objects.get(username=staff[3])
    set_stage(
        rehearsal.enrol_crowd(3, by=office),
        by=office,
        scrutineer=scrutineer,
        meeting=rehearse.MEETING,
        rules_name=rehearse.MEETING,
    )

    refused("rehearse", "--delegates", 1, "--window", 0, "--url", nowhere(), *staff)

    assert not left_behind()


# --- a visitor ------------------------------------------------------------------------------------


def in_a_loop(work: Callable[[], Awaitable[Got]]) -> Got:
    async def whole() -> Got:
        return await work()

    return asyncio.run(whole())


@pytest.mark.django_db(transaction=True)
def test_a_visitor_with_a_wrong_code_does_not_get_in(live_server):
    site = rehearse.allowed_site(live_server.url, None)
    visitor = Visitor(site)

    with pytest.raises(VisitFailed) as failure:
        in_a_loop(lambda: visitor.vote("0000000000000000", selection(1), arrival=0))

    assert str(failure.value).startswith("登录：HTTP")
    # What it took until then counts all the same.
    assert list(visitor.visit.seconds) == ["登录页", "登录"]


@pytest.mark.django_db(transaction=True)
def test_a_late_start_is_counted_and_thinking_is_not(live_server, office):
    scrutineer = make_scrutineer()
    crowd = rehearsal.enrol_crowd(1, by=office)
    stage = set_stage(crowd, by=office, scrutineer=scrutineer)
    assert stage.poll.takes_ballots
    visitor = Visitor(rehearse.allowed_site(live_server.url, None), think=0.1)
    took: list[float] = []

    async def vote() -> None:
        arrival = asyncio.get_running_loop().time() - 5
        await visitor.vote(crowd[0].code, selection(1), arrival=arrival)
        took.append(asyncio.get_running_loop().time() - arrival)

    in_a_loop(vote)

    visit = visitor.visit
    assert visit.receipt
    assert visit.late >= 5
    assert visit.seconds["登录页"] >= 5
    assert all(seconds < 5 for step, seconds in visit.seconds.items() if step != "登录页")
    # He thinks before each of four pages, half of what was said at least.
    assert took[0] - sum(visit.seconds.values()) >= 4 * 0.1 / 2


def test_everybody_comes_at_a_moment_of_his_own_within_the_window(staff, monkeypatch):
    arrivals: list[float] = []

    async def note(_visitor: Visitor, *_args: Any, arrival: float) -> None:
        arrivals.append(arrival)
        raise VisitFailed("noted")

    monkeypatch.setattr(Visitor, "vote", note)

    refused("rehearse", "--delegates", 40, "--window", 30, "--url", SITE, *staff)

    assert len(set(arrivals)) == 40
    assert 10 < max(arrivals) - min(arrivals) <= 30


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_visitor_reads_what_proxies_make_of_an_answer(is_kept):
    body = gzip.compress("<form action='/'></form>页面".encode())
    parts = b"".join(b"%x;x=1\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:]))
    connections = Counter[str]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections["made"] += 1
        for _request in range(2 if is_kept else 1):
            head = await reader.readuntil(b"\r\n\r\n")
            connections["with cookie"] += b"Cookie: a=1\r\n" in head
            writer.write(
                b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nTransfer-Encoding: chunked\r\n"
                b"Content-Encoding: gzip\r\n"
                + (b"" if is_kept else b"Connection: close\r\n")
                + b"\r\n"
                + parts
                + b"0\r\n\r\n"
            )
        await writer.drain()
        writer.close()

    async def ask_twice() -> list[str]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            visitor = Visitor(rehearse.allowed_site(f"http://127.0.0.1:{port}", None))
            pages = [await visitor.ask("页", "GET", "/") for _again in range(2)]
            visitor.close()
        return [page.text for page in pages]

    assert in_a_loop(ask_twice) == ["<form action='/'></form>页面"] * 2
    assert connections == {"made": 1 if is_kept else 2, "with cookie": 1}


def test_a_form_is_sent_as_a_browser_would_that_touches_nothing():
    page = Page(
        '<form method="post" action="/other/"><input type="hidden" name="no" value="1"></form>'
        '<form class="a" method="post" action="/here/?poll=3">'
        '<input type="hidden" name="poll" value="3"><input type="hidden" name="x" value="&lt;a&#x27;&gt;">'
        '<input type="radio" name="vote-1" value="for"><input type="radio" name="vote-1" value="abstain" checked>'
        '<input type="checkbox" name="projects" value="1"><input name="code" value="typed"></form>'
    )

    assert page.form("/here/") == [("poll", "3"), ("x", "<a'>"), ("vote-1", "abstain")]
    assert filled_form(page, "/here/", [("vote-1", "for")]) == [
        ("poll", "3"),
        ("x", "<a'>"),
        ("vote-1", "for"),
    ]
    with pytest.raises(VisitFailed):
        page.form("/nowhere/")


# --- what is told ---------------------------------------------------------------------------------


def test_a_count_that_differs_from_what_was_cast_is_told(stage):
    receipts = [stage.cast(place, selection(1, 2)).code for place in range(2)]
    stage.close()
    stage.open_box()
    result = stage.count()
    found = Outcome(
        acknowledged={receipts[0]: selection(1, 2), receipts[1]: selection(1, 3)},
        board=set(receipts),
    )

    told = list(differences(found, result))

    assert told == ["“2”应为1票，计得2票", "“3”应为1票，计得0票"]


@pytest.mark.django_db
def test_votes_against_that_differ_from_what_was_cast_are_told():
    stage = make_stage(delegates=1, form="each")
    receipt = stage.cast(0, selection(1, against=[2])).code
    stage.close()
    stage.open_box()
    result = stage.count()
    found = Outcome(acknowledged={receipt: selection(1, against=[3])}, board={receipt})

    told = list(differences(found, result))

    assert told == ["“2”应为反对0票，计得1票", "“3”应为反对1票，计得0票"]


def test_a_receipt_that_the_board_lacks_is_told(stage):
    receipt = stage.cast(0, selection(1)).code
    stage.close()
    stage.open_box()
    result = stage.count()
    found = Outcome(acknowledged={receipt: selection(1), "LOST": selection()}, board={receipt})

    told = list(differences(found, result))

    assert told == ["回执编号与清单不符（回执2，清单1）", "有效票或弃权票的张数不符"]


def test_percentiles_are_times_that_were_measured():
    times = [float(n) for n in range(1, 101)]

    assert [percentile(times, part) for part in (50, 95, 99)] == [50, 95, 99]
    assert percentile([7.0], 99) == 7


def test_the_measures_name_what_failed():
    found = Outcome(
        acknowledged={"R": selection()}, visits=[Visit({"登录": 0.5}, "R")], seconds=2.0
    )
    found.errors["提交：HTTP 503"] = 3

    text = "\n".join(measures(found))

    assert "1张表决票，用时2.0秒，每秒0.5张" in text
    assert "失败3次：提交：HTTP 503" in text
    assert "500.0" in text


@pytest.mark.parametrize(
    ("delegates", "worst", "failed", "exact", "said"),
    [
        (350, 0.060, 0, True, "✓ 达到目标"),
        (350, 0.061, 0, True, "每一步都在1秒以内"),
        (2000, 0.100, 0, True, "✓ 达到目标"),
        (350, 1.1, 0, True, "✗ 太慢"),
        (350, 0.010, 1, True, "✗ 不能用于正式票决"),
        (350, 0.010, 0, False, "✗ 不能用于正式票决"),
    ],
)
def test_the_verdict_is_of_the_slowest_step_the_failures_and_the_count(
    delegates, worst, failed, exact, said
):
    found = Outcome(visits=[Visit({"核对": 0.001, "提交": worst})], seconds=60)
    found.errors["x"] = failed

    first, second, *others = verdict(Plan(delegates, 60, 0), found, in_office=0, exact=exact)

    assert f"最慢的一步（提交）p99为{1000 * worst:.0f}毫秒" in first
    assert said in second
    assert not others


def test_the_verdict_says_what_it_cannot_say_of_the_day():
    found = Outcome(visits=[Visit({"提交": 0.01}, late=0.2)], seconds=1)

    told = "\n".join(verdict(Plan(100, 0, 0), found, in_office=350, exact=True))

    assert "--delegates 350" in told
    assert "每秒到场100人" in told
    assert "最多迟200毫秒" in told
