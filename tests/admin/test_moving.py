"""The page of a step that takes a while: it moves while the step is taken, and says how it ended."""

import re
import threading
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from django.template.loader import render_to_string
from django.urls import reverse

from ballots.admin import moving, voting
from ballots.admin.register import card_sheets, cards, roll_import
from ballots.facts import counting
from ballots.models import AccessCard, Delegate
from ballots.pure import opening
from projects.models import Poll
from tests.helpers.desk import desk_of, signed_by
from tests.helpers.factories import Stage, make_delegates, make_office, make_stage, selection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(monkeypatch) -> Stage:
    """A rehearsal of twelve ballots, each of whose steps takes a while."""
    monkeypatch.setattr(moving, "LONG", 1)
    monkeypatch.setattr(opening, "FEW", 0)
    monkeypatch.setattr(opening, "LOT", 2)
    day = make_stage(delegates=12)
    for place in range(12):
        day.cast(place, selection(place + 1, 1) if place else selection(1))
    return day


def posted(stage: Stage, step: str, **fields: object) -> StreamingHttpResponse:
    by = stage.scrutineer if step in {"box", "confirm"} else stage.office
    address = reverse(f"admin:ballots_pollday_{step}", args=[stage.poll.pk])
    reply = desk_of(by).post(address, {name: str(value) for name, value in fields.items()})
    assert isinstance(reply, StreamingHttpResponse), reply.content.decode()
    return reply


def read(reply: StreamingHttpResponse) -> str:
    return b"".join(reply.streaming_content).decode()  # type: ignore[arg-type]


def shares(stage: Stage) -> dict[str, str]:
    return {f"share_{place}": text for place, text in enumerate(stage.shares[:3], start=1)}


def phase(stage: Stage) -> str:
    stage.poll.refresh_from_db()
    return stage.poll.phase


def moved(address: str, by: User, **fields: Any) -> str:
    """Return the whole of a page that moved, below its head."""
    reply = desk_of(by).post(address, fields)
    assert reply.status_code == 200
    assert isinstance(reply, StreamingHttpResponse), reply.content.decode()
    page = read(reply)
    assert ">返回</a>" not in page
    assert page.rstrip().endswith("</html>")
    return page.partition('role="status"')[2]


def percents(page: str) -> list[int]:
    return [int(value) for value in re.findall(r'<progress max="100" value="(\d+)"', page)]


def test_every_long_step_of_a_vote_moves_to_its_end_and_leads_on(stage):
    for step, fields, after in (
        ("close", {"figure": 12}, "closed"),
        ("box", shares(stage) | {"declared": "on"}, "opened"),
        ("count", {}, "counted"),
        ("confirm", {}, "confirmed"),
    ):
        reply = posted(stage, step, **fields)
        page = read(reply)

        assert phase(stage) == after
        moved = percents(page)
        assert moved == sorted(set(moved))
        assert moved[-1] == 100
        assert page.rstrip().endswith("</html>")
        assert reverse("admin:ballots_pollday_change", args=[stage.poll.pk]) in page
        assert "errornote" not in page


def test_the_page_keeps_the_one_policy_and_no_cache_and_holds_nothing_inline(stage):
    reply = posted(stage, "close", figure=12)
    page = read(reply)

    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "no-store" in reply.headers["Cache-Control"]
    assert reply.headers["X-Accel-Buffering"] == "no"
    assert not reply.has_header("Content-Encoding")
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=", page)


def test_the_page_has_begun_before_the_step_is_done(stage):
    lines: Iterator[bytes] = iter(posted(stage, "close", figure=12))
    head = next(lines).decode()

    assert "</html>" not in head
    assert phase(stage) == "open"
    rest = b"".join(lines).decode()
    assert re.search(
        r"正在清除先后痕迹….*已封存12张表决票，次序已打乱。投票先后的痕迹已清除。", rest, re.DOTALL
    )
    assert phase(stage) == "closed"


def test_a_refusal_is_said_on_the_page_and_nothing_has_happened(stage):
    page = read(posted(stage, "close", figure=11))

    assert "已投票人数已变为12" in page
    assert "errornote" in page
    assert phase(stage) == "open"


def test_a_fault_is_said_on_the_page_and_nothing_has_happened(stage, monkeypatch):
    stage.close()
    stage.open_box()

    def fails(*_args: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(counting, "_genuine", fails)
    page = read(posted(stage, "count"))

    assert "办理时出错" in page
    assert "a fault" not in page
    assert phase(stage) == "opened"
    assert page.rstrip().endswith("</html>")


def test_a_page_that_is_left_lets_the_step_go_through_whole(stage):
    stage.close()
    reply = posted(stage, "box", declared="on", **shares(stage))
    next(iter(reply))
    next(iter(reply))

    reply.close()

    assert phase(stage) == "opened"
    assert stage.poll.ballots.count() == 12
    assert not [one for one in threading.enumerate() if "ThreadPool" in one.name]


def test_a_short_step_answers_as_ever(stage, monkeypatch):
    monkeypatch.setattr(moving, "LONG", 13)
    address = reverse("admin:ballots_pollday_close", args=[stage.poll.pk])

    reply = desk_of(stage.office).post(address, {"figure": "12"})

    assert reply.status_code == 302
    assert Poll.objects.get(pk=stage.poll.pk).phase == "closed"


# --- what takes as long beside the count ----------------------------------------------------------


def test_the_steps_around_a_vote_move_too_and_lead_where_they_would(monkeypatch):
    monkeypatch.setattr(moving, "LONG", 1)
    stage = make_stage(delegates=3, open_it=False)
    poll, office = stage.poll, stage.office
    addresses = {
        name: reverse(f"admin:ballots_pollday_{name}", args=[poll.pk])
        for name in ("roll", "everybody", "open", "void", "fresh", "copy", "wipe", "presence")
    }
    desk = desk_of(office)

    assert "名册已更新，共3人" in moved(addresses["roll"], office)
    shown = desk.get(addresses["everybody"]).context["forms"][0]["shown"].value()
    page = moved(addresses["everybody"], office, shown=shown, absent="")
    assert "实到3人" in page
    assert f'href="{addresses["presence"]}"' in page
    looked = desk.get(addresses["open"]).context["forms"][0].now
    assert "投票已开始" in moved(addresses["open"], office, looked=looked)
    page = moved(addresses["void"], office, reason="有误", **signed_by(stage.scrutineer))
    assert "本次票决作废。投票先后的痕迹已清除。" in page
    assert "正在清除先后痕迹" in page
    for name in ("fresh", "copy"):
        page = moved(addresses[name], office, into="rehearsal", meeting="")
        newest = Poll.objects.latest("pk")
        assert f'href="{reverse("admin:ballots_pollday_change", args=[newest.pk])}"' in page
    page = moved(addresses["wipe"], office)
    assert f'href="{reverse("admin:ballots_pollday_changelist")}"' in page
    assert not Poll.objects.filter(pk=poll.pk).exists()


def test_sample_ballots_are_cast_on_a_page_that_moves_and_what_is_refused_leaves_none(monkeypatch):
    monkeypatch.setattr(voting, "LONG_EACH", 1)
    stage = make_stage(delegates=5)

    page = moved(reverse("admin:ballots_pollday_rest", args=[stage.poll.pk]), stage.office)

    assert "已为4名示例代表投票" in page
    assert percents(page) == [25, 50, 75, 100]
    assert stage.poll.roll.filter(voted=True).count() == 4


def test_only_every_tenth_percent_is_told_to_who_listens():
    lines = [
        render_to_string("admin/ballots/moving/_line.html", {"percent": percent})
        for percent in (0, 9, 10, 11)
    ]

    assert ["<p aria-hidden" in line for line in lines] == [False, True, False, True]


def test_many_cards_are_made_on_a_page_that_moves_and_ends_with_all_of_them(monkeypatch):
    monkeypatch.setattr(cards, "LONG_EACH", 25)
    office = make_office()
    make_delegates(25, delegation="甲团")
    make_delegates(3, delegation="乙团")
    issue = reverse("admin:ballots_delegate_issue")

    page = moved(issue, office, ids="", heading="")

    assert percents(page) == [25, 50, 75, 100]
    assert page.count('class="card-code"') == 28
    assert "已生成28张投票卡" in page
    assert AccessCard.objects.count() == 28
    # Whoever sends the page a second time is told, and gets no second cards.
    again = desk_of(office).post(issue, {"ids": "", "heading": ""}, follow=True)
    assert "刚刚已经生成" in again.content.decode()
    assert AccessCard.objects.count() == 28


def test_cards_that_others_made_meanwhile_are_not_made_again_by_a_page_that_moves(monkeypatch):
    monkeypatch.setattr(cards, "LONG_EACH", 1)
    monkeypatch.setattr(cards, "issue_cards", lambda takers, by: [])
    make_delegates(2)

    page = moved(reverse("admin:ballots_delegate_issue"), make_office(), ids="", heading="")

    assert "刚刚已经生成" in page
    assert "card-code" not in page


def test_new_cards_move_too_and_a_sheet_that_fails_says_that_there_may_be_cards(monkeypatch):
    monkeypatch.setattr(cards, "LONG_EACH", 1)
    stage = make_stage(delegates=2, open_it=False)
    address = reverse("admin:ballots_delegate_reissue")
    ids = ",".join(str(one.pk) for one in stage.delegates)

    def fields() -> dict[str, str]:
        asked = desk_of(stage.office).get(f"{address}?ids={ids}").context["forms"][0]
        return {"ids": ids, "cards": asked.valid, "why": "lost", "words": "", "heading": ""}

    assert moved(address, stage.office, **fields()).count('class="card-code"') == 2

    def fails(*_args: object) -> str:
        raise ValueError("a fault")

    monkeypatch.setattr(card_sheets, "qr_svg", fails)
    page = read(desk_of(stage.office).post(address, fields()))  # type: ignore[arg-type]
    assert "投票卡可能已经生成" in page
    assert "没有改动任何内容" not in page


@pytest.fixture
def long_tables(monkeypatch) -> str:
    """The address of the import, which takes a while with any table."""
    monkeypatch.setattr(roll_import, "LONG_TABLE", 1)
    monkeypatch.setattr(moving, "LONG", 2)
    return reverse("admin:ballots_delegate_import")


HEADER = "代表证号,姓名,代表团,联系电话\r\n"
TABLE = HEADER + "1,甲某,甲团,\r\n2,乙某,甲团,\r\n"


def previewed(address: str, office: User, table: str) -> dict[str, str]:
    """Return what the button below the preview of `table` sends, out of the page that moved."""
    page = moved(address, office, pasted=table, add_delegations="on")
    assert page.count("<html") == 0
    assert "将新增" in page
    names = ("rows", "add_delegations")
    fields = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in names}
    return {name: unescape(found[1]) for name, found in fields.items() if found}


def test_a_long_roll_is_previewed_taken_over_and_undone_on_pages_that_move(long_tables):
    office = make_office()

    page = moved(long_tables, office, **previewed(long_tables, office, TABLE))
    assert "已导入2人" in page
    assert reverse("admin:ballots_delegate_changelist") in page
    changed = f"{HEADER}1,甲某,甲团,13800000001\r\n2,乙某,甲团,13800000002\r\n"
    page = moved(long_tables, office, **previewed(long_tables, office, changed))
    assert set(Delegate.objects.values_list("phone", flat=True)) == {"13800000001", "13800000002"}
    assert percents(page) == [50, 100]
    undo = reverse("admin:ballots_delegate_import-undo")
    shown = desk_of(office).get(undo).context["forms"][0]["shown"].value()
    page = moved(undo, office, shown=shown)

    assert percents(page) == [50, 100]
    assert "恢复2人" in page
    assert set(Delegate.objects.values_list("phone", flat=True)) == {""}


def test_what_an_import_refuses_is_said_on_the_page_that_moved_and_leads_back(long_tables):
    office = make_office()
    fields = previewed(long_tables, office, TABLE)
    make_delegates(1)
    Delegate.objects.update(number="1")

    page = read(desk_of(office).post(long_tables, fields))  # type: ignore[arg-type]

    assert "没有导入：代表名册在预览之后有变动" in page
    assert f'href="{long_tables}"' in page
    assert Delegate.objects.count() == 1
