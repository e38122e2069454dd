"""The draft of a 满意度测评 on a year's projects, and the vote it becomes (design §4.6)."""

from decimal import Decimal
from typing import Any

import pytest

from ballots import journal
from ballots.acts.year import assessing
from projects.models import Poll
from projects.year.models import AdoptedPart, AdoptedProject, ProjectFigure, TargetFigure, Year
from tests.helpers.factories import (
    Stage,
    end_year,
    make_scrutineer,
    make_year,
)
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

MEETING = "示例市人民代表大会第六次会议"


def draft_of(stage: Stage, **changed: Any) -> Poll:
    said: dict[str, Any] = {"meeting": MEETING, "body": Poll.Body.CONGRESS, "by": stage.office}
    return assessing.draft_assessment(Year.objects.get(), **(said | changed))


def add_part(number: int, position: int, text: str) -> None:
    project = AdoptedProject.objects.get(number=number)
    AdoptedPart.objects.create(project=project, position=position, text=text, investment=50)


def test_the_draft_has_the_projects_of_the_year_and_rules_of_its_own():
    stage = make_year(phone="0579-1", objection_days=0)

    draft = draft_of(stage)

    assert (draft.form, draft.places, draft.proposals, draft.kind) == ("grades", 0, "off", "main")
    assert (draft.year, draft.meeting, draft.phone) == (stage.poll.year, MEETING, "0579-1")
    assert (draft.majority, draft.boundary, draft.boundary_included) == ("all", "1/2", True)
    assert (draft.rules_name, draft.delegates_total, draft.show_votes) == ("", None, True)
    assert draft.holders == stage.poll.box.holders
    listed = [(one.number, one.title, str(one.targets.get())) for one in draft.projects.all()]
    assert listed == [(n, f"候选项目{n}", f"新建{n}处") for n in (1, 2, 3)]
    made = stage.poll.journal.filter(kind=journal.Kind.DRAFT_MADE).get()
    assert made.data == {"poll": str(draft.uuid), "copied_as": "assessment"}


def test_the_ballot_says_how_far_each_has_come():
    stage = make_year()
    project = AdoptedProject.objects.get(number=2)
    for quarter, done in ((1, 1), (3, Decimal("1.5"))):
        TargetFigure.objects.create(
            target=project.targets.get(), quarter=quarter, planned=2, done=done, by=stage.office
        )
    ProjectFigure.objects.create(project=project, quarter=3, note="主体完工。", by=stage.office)

    draft = draft_of(stage)

    assert draft.projects.get(number=2).text == (
        "建设内容2。\n截至第3季度：新建2处，完成1.5处。\n主体完工。"
    )
    assert draft.projects.get(number=1).text == "建设内容1。"


def test_by_sub_item_each_is_judged_by_itself_and_what_has_none_as_a_whole():
    stage = make_year()
    add_part(1, 1, "新建停车楼")
    add_part(1, 2, "改造道路")
    add_part(3, 1, "新建停车楼")

    draft = draft_of(stage, by_part=True)

    assert [(one.title, one.sum) for one in draft.projects.all()] == [
        ("新建停车楼（第1-1项）", "50"),
        ("改造道路", "50"),
        ("候选项目2", ""),
        ("新建停车楼（第3-1项）", "50"),
    ]
    assert draft.projects.get(number=2).text == "第1项“候选项目1”的子项。"
    assert not draft.projects.get(number=2).targets.exists()


def test_what_is_judged_must_fit_on_a_ballot_and_the_meeting_be_named():
    stage = make_year()
    add_part(1, 1, "长" * 61)

    refused = refusal_of(lambda: draft_of(stage, by_part=True))

    assert refused == "title-too-long"
    assert refusal_of(lambda: draft_of(stage, meeting=" ")) == "meeting-needed"
    watcher = make_scrutineer()
    assert refusal_of(lambda: draft_of(stage, by=watcher)) == "not-office"
    assert not Poll.objects.filter(form="grades").exists()


def test_a_year_that_is_closed_is_not_judged_any_more():
    stage = make_year()
    end_year(stage)

    assert refusal_of(lambda: draft_of(stage)) == "year-closed"
