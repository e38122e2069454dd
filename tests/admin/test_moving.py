"""The page of a step that takes a while: it moves while the step is taken, and says how it ended."""

import re
import threading
from collections.abc import Iterator

import pytest
from django.http import StreamingHttpResponse
from django.urls import reverse

from ballots.admin import moving
from ballots.facts import counting
from ballots.pure import opening
from projects.models import Poll
from tests.helpers.desk import desk_of
from tests.helpers.factories import Stage, make_stage, selection

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
