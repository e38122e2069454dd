"""A whole vote of twenty delegates over real HTTP against a real server, counted by hand below."""

import csv
import io

import pytest

from tests.commands.conftest import Site
from tests.helpers.http_client import Browser, Page

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


def test_twenty_delegates_vote_over_http_and_the_csv_is_the_count_by_hand(served):
    site = served
    cards = site.rows("cards.csv")
    receipts = [
        vote(site, row["投票码"], *ballot)[1] for row, ballot in zip(cards, BALLOTS, strict=False)
    ]
    assert len(set(receipts)) == 19

    office, scrutineer = log_in(site, "office"), log_in(site, "scrutineer")
    day = "/admin/ballots/pollday/1/"
    assert "住房改善" not in Browser(site.base).get("/results/").text
    step(office, day, "close", ("announced", "on"), figure="19")
    shares = {f"share_{place}": text for place, text in enumerate(site.shares()[1:4], start=1)}
    step(scrutineer, day, "box", ("declared", "on"), **shares)
    assert not any(word in office.get(day).text for word in ("得票数", "得票率"))
    step(office, day, "alone")
    name, password = site.staff("scrutineer")
    step(office, day, "canvass", second_name=name, second_password=password)
    step(office, day, "count")
    assert "住房改善" not in Browser(site.base).get("/results/").text
    step(scrutineer, day, "confirm")
    assert "还有6项没有确定，按实际通过数公布，不再补足" in office.get(f"{day}publish/").text
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
