"""A whole vote of twenty delegates over real HTTP against a real server, counted by hand below."""

import csv
import io
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from tests.helpers.http_client import Browser, Page
from tests.helpers.machine import ROOT

pytestmark = pytest.mark.http

PARK, CANTEEN = "新建停车场", "建设老年食堂"

# What each delegate puts on the ballot, in the order of the roll; the twentieth stays away.
BALLOTS: list[tuple[list[int], list[str]]] = [
    ([1, 2, 3, 4, 5, 6, 7, 8], [PARK]),
    ([1, 2, 3, 4, 5, 6, 7], [PARK]),
    ([1, 2, 3, 4, 5, 6], ["新建　停车场"]),
    ([1, 2, 3, 4, 5], []),
    ([1, 2, 3, 4], []),
    ([1, 2, 3], []),
    ([1, 2], []),
    ([1], []),
    ([1, 2, 3, 4, 5, 6, 7, 8], [PARK]),
    ([1, 2, 3], [PARK]),
    ([1, 2, 4, 8], [PARK]),
    ([1, 3, 5, 7], [CANTEEN]),
    ([2, 4, 6, 8], []),
    ([1, 2, 3, 4, 5, 6, 7, 8], [PARK, CANTEEN]),
    ([3], [PARK]),
    ([1, 5], [PARK]),
    ([2, 5], [PARK]),
    ([1, 2], [PARK]),
    ([], []),
]

# Counted by hand from the table above: rank, shared, title, votes, of 19 valid, of 20, result.
COUNTED = [
    ("1", "否", "住房改善", "15", "78.9", "75.0", "通过"),
    ("2", "否", "教育均衡", "14", "73.7", "70.0", "通过"),
    ("3", "是", "城乡宜居", "11", "57.9", "55.0", "通过"),
    ("3", "是", PARK, "11", "57.9", "55.0", "通过"),
    ("5", "是", "交通出行", "9", "47.4", "45.0", "未通过"),
    ("5", "是", "卫生健康", "9", "47.4", "45.0", "未通过"),
    ("7", "否", "养老助残", "6", "31.6", "30.0", "未通过"),
    ("8", "是", "食品安全", "5", "26.3", "25.0", "未通过"),
    ("8", "是", "乡村共富", "5", "26.3", "25.0", "未通过"),
    ("10", "否", CANTEEN, "2", "10.5", "10.0", "未通过"),
]
SUMMARY = {
    "应到": "20",
    "实到": "20",
    "发出": "20",
    "收回": "19",
    "有效": "19",
    "弃权": "1",
    "无效": "0",
    "应选项数": "10",
    "候选项目数": "8",
}


@dataclass
class Site:
    """A running site with the demo's people in it."""

    base: str
    folder: Path

    def rows(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO((self.folder / name).read_text("utf-8-sig"))))

    def staff(self, role: str) -> tuple[str, str]:
        row = next(row for row in self.rows("staff.csv") if row["username"] == role)
        return row["username"], row["password"]

    def shares(self) -> list[str]:
        return (self.folder / "shares.txt").read_text().split()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """An empty database of its own, of the kind that this run is about; its address."""
    own = settings.DATABASES["default"]
    if own["ENGINE"].endswith("sqlite3"):
        yield f"sqlite:///{tmp_path / 'vote.sqlite3'}"
        return
    name = f"vote_http_{secrets.token_hex(4)}"
    place = {"host": own["HOST"], "port": own["PORT"], "user": own["USER"]}
    if own["PASSWORD"]:
        place["password"] = own["PASSWORD"]
    with psycopg.connect(dbname="postgres", autocommit=True, **place) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        secret = f":{own['PASSWORD']}" if own["PASSWORD"] else ""
        yield f"postgres://{own['USER']}{secret}@{own['HOST']}:{own['PORT'] or 5432}/{name}"
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def site(tmp_path: Path, database: str) -> Iterator[Site]:
    """The demo of twenty delegates, served by granian as `make run` does."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
        "DEMO": "1",
        "DATABASE_URL": database,
        "VAR_DIR": str(tmp_path),
        "PORT": str(port),
    }
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--delegates", "20", "--serve"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(server, port, tmp_path / "server.log")
            yield Site(f"http://127.0.0.1:{port}", tmp_path / "demo")
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_until_ready(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Return when the site answers, or fail with what it printed."""
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        try:
            if Browser(f"http://127.0.0.1:{port}").get("/readyz").status == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(log.read_text())


def vote(site: Site, code: str, chosen: list[int], proposals: list[str]) -> tuple[Browser, str]:
    """Let one delegate sign in, fill in, review and submit; return the browser and the receipt."""
    browser = Browser(site.base)
    home = browser.submit(browser.get("/").form("/"), code=code)
    assert home.url.endswith("/home/")
    form = browser.get("/ballot/").form("/ballot/review/")
    ticks = [("projects", str(number)) for number in chosen]
    if not chosen and not proposals:
        ticks.append(("abstain", "on"))
    titles = {f"proposal-{place}-title": title for place, title in enumerate(proposals)}
    review = browser.submit(form, *ticks, **titles)
    receipt = browser.submit(review.form("/ballot/cast/"))
    assert receipt.url.endswith("/receipt/"), receipt.text
    return browser, receipt.ids["receipt-code"].strip()


def log_in(site: Site, role: str) -> Browser:
    browser = Browser(site.base)
    name, password = site.staff(role)
    browser.submit(browser.get("/admin/").form("/admin/login/"), username=name, password=password)
    return browser


def step(browser: Browser, day: str, name: str, *ticks: tuple[str, str], **typed: str) -> Page:
    """Open the guard page of a step, type what it asks for, and press its button."""
    page = browser.submit(browser.get(f"{day}{name}/").form(f"{day}{name}/"), *ticks, **typed)
    assert page.status == 200, page.text
    return page


def test_twenty_delegates_vote_over_http_and_the_csv_is_the_count_by_hand(site):
    cards = site.rows("cards.csv")
    receipts = [
        vote(site, row["投票码"], *ballot)[1] for row, ballot in zip(cards, BALLOTS, strict=False)
    ]
    assert len(set(receipts)) == 19

    office, scrutineer = log_in(site, "office"), log_in(site, "scrutineer")
    day = "/admin/ballots/pollday/1/"
    assert "住房改善" not in Browser(site.base).get("/results/").text
    step(office, day, "close", figure="19")
    step(office, day, "rewrite")
    shares = {f"share_{place}": text for place, text in enumerate(site.shares()[1:4], start=1)}
    step(scrutineer, day, "box", **shares)
    assert not any(word in office.get(day).text for word in ("得票数", "得票率"))
    step(office, day, "alone")
    name, password = site.staff("scrutineer")
    step(office, day, "canvass", second_name=name, second_password=password)
    step(office, day, "count")
    assert "住房改善" not in Browser(site.base).get("/results/").text
    step(scrutineer, day, "confirm")
    assert "还有6个名额没有确定，按实际通过数公布，名额留空" in office.get(f"{day}publish/").text
    step(office, day, "publish", ("leave_open", "on"), figure="4")
    assert "住房改善" not in Browser(site.base).get("/results/").text
    for shown in range(1, 4):
        assert f"已揭晓{shown}/4项" in step(office, day, "reveal").text
        assert "住房改善" not in Browser(site.base).get("/results/").text
    step(office, day, "reveal")

    result = office.get(f"{day}download/result/")
    assert result.body.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in result.body
    rows = list(csv.DictReader(io.StringIO(result.body.decode("utf-8-sig"))))
    columns = ("名次", "是否并列", "项目名称", "得票数", "得票率(%)", "占全体代表(%)", "结果")
    assert sorted(tuple(row[column] for column in columns) for row in rows) == sorted(COUNTED)
    summary = office.get(f"{day}download/summary/").body.decode("utf-8-sig")
    figures = {row["项目"]: row["数值"] for row in csv.DictReader(io.StringIO(summary))}
    assert {name: figures[name] for name in SUMMARY} == SUMMARY

    board = Browser(site.base).get("/board/").text
    assert all(receipt in board for receipt in receipts)
    published = Browser(site.base).get("/results/").text
    assert "以下4个项目获得通过" in published
    assert PARK in published
