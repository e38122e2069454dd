"""The version of frozen figures: a result of the code before is read, one of other code is not."""

import io
from typing import Any

import pytest
from django.test import Client

from ballots import verifier
from ballots.acts import hall, lifecycle
from ballots.facts import counting, outcome
from ballots.files import package, papers, tables
from ballots.models import Result
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers import figures as by_hand
from tests.helpers.factories import Stage, make_office, make_stage, move_by_force, selection

pytestmark = pytest.mark.django_db

SENTENCE = "这份票决结果由其他版本的程序写成（数据版本4），本程序不能读取，请联系技术人员。"


def canvassed() -> Stage:
    stage = make_stage(delegates=5, candidates=3, places=2, show_votes=True)
    for place, chosen in enumerate([(1, 2), (1, 2), (1, 3), (1,)]):
        stage.cast(place, selection(*chosen))
    stage.close()
    stage.open_box()
    return stage


def count_by_other_code(stage: Stage, monkeypatch: Any, **version: int) -> Result:
    """Count as code would that wrote these figures with another version number, or with none."""
    ours = counting.figures

    def theirs(poll: Poll, *watch: Any) -> Any:
        return {k: v for k, v in ours(poll, *watch).items() if k != "version"} | version

    with monkeypatch.context() as patch:
        patch.setattr(counting, "figures", theirs)
        return lifecycle.count_poll(stage.poll, by=stage.office)


def faults_of(content: bytes, shares: list[str]) -> list[verifier.Finding]:
    read = verifier.read(io.BytesIO(content))
    findings = list(verifier.level_a(read))
    if shares:
        findings += verifier.level_b(read, shares)
    return [finding for finding in findings if finding.faults]


def test_a_count_freezes_the_version_of_its_figures_under_its_checksum():
    stage = canvassed()

    result = lifecycle.count_poll(stage.poll, by=stage.office)

    assert result.figures["version"] == 1
    without: Any = {k: v for k, v in result.figures.items() if k != "version"}
    assert counting.digest(without) != result.digest == counting.digest(result.figures)


def test_a_count_without_a_version_is_confirmed_published_shown_exported_and_verified(monkeypatch):
    stage = canvassed()
    result = count_by_other_code(stage, monkeypatch)
    assert "version" not in result.figures

    lifecycle.confirm_result(stage.poll, by=stage.chief)
    lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True, at_once=True)

    assert [place.key for place in outcome.outcome_of(stage.poll).filled] == ["1"]
    assert "候选项目1" in Client().get(f"/results/?poll={stage.poll.pk}").content.decode()
    assert "候选项目1" in tables.result_csv(stage.poll).content.decode()
    assert papers.report(stage.poll)["figures"] == result.figures
    shares = stage.shares[: stage.poll.box.threshold]
    assert faults_of(package.full_package(stage.poll).content, shares) == []
    assert faults_of(package.public_package(stage.poll).content, []) == []


def test_a_count_without_a_version_that_has_changed_since_is_still_not_confirmed(monkeypatch):
    stage = canvassed()
    count_by_other_code(stage, monkeypatch)
    honest = counting.figures
    monkeypatch.setattr(
        counting, "figures", lambda poll, *watch: {**honest(poll, *watch), "marks": 99}
    )

    with pytest.raises(Refused) as refusal:
        lifecycle.confirm_result(stage.poll, by=stage.chief)

    assert refusal.value.code == "figures-changed"


def test_a_count_of_an_unknown_version_is_neither_confirmed_nor_sent_back_nor_exported(monkeypatch):
    stage = canvassed()
    count_by_other_code(stage, monkeypatch, version=4)

    for act in (
        lambda: lifecycle.confirm_result(stage.poll, by=stage.chief),
        lambda: lifecycle.send_back(stage.poll, reason="再核", by=stage.chief),
        lambda: tables.result_csv(stage.poll),
        lambda: tables.summary_csv(stage.poll),
        lambda: package.full_package(stage.poll),
        lambda: papers.report(stage.poll),
    ):
        with pytest.raises(Refused) as refusal:
            act()
        assert (refusal.value.code, str(refusal.value)) == ("figures-unknown", SENTENCE)


def test_a_result_of_an_unknown_version_is_not_published_and_no_page_shows_it(client):
    row = by_hand.item("1", "候选甲", votes=65432)
    poll = by_hand.make_counted(row, more={"version": 4})
    office = make_office()
    hall.open_screen(poll, by=office)
    with pytest.raises(Refused) as refusal:
        lifecycle.publish_result(poll, by=office)
    assert refusal.value.code == "figures-unknown"

    move_by_force(poll, "published")
    poll.refresh_from_db()
    poll.revealed_at = poll.published_at
    poll.save()
    client.force_login(office)

    for address in (
        f"/results/?poll={poll.pk}",
        f"/screen/{poll.screen_key}/",
        f"/admin/ballots/pollday/{poll.pk}/",
        f"/admin/ballots/pollday/{poll.pk}/report/",
    ):
        reply = client.get(address)
        assert reply.status_code == 409, address
        text = reply.content.decode()
        assert SENTENCE in text
        # No token or checksum holds five such digits by chance.
        assert "65432" not in text
