"""A second round is about the items that its first one left open, and about them word for word.

Case 60: a table that exchanged two titles in a run-off let one project win and another be adopted.
"""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from ballots import triggers, verifier
from ballots.acts import drafts, lifecycle
from ballots.facts import preflight
from ballots.files import package, tables
from projects import importing
from projects.candidate_table import Candidate
from projects.models import Poll, Project, SubItem, Target
from tests.helpers.desk import desk_of, upload
from tests.helpers.factories import (
    Stage,
    make_office,
    make_poll,
    make_project,
    make_ready,
    make_sub_item,
    play,
    selection,
    short,
    tied,
)
from tests.helpers.refusals import refusal_of
from tests.helpers.small_vote import make_tied

pytestmark = pytest.mark.django_db

# Each column of a candidate, and something else that could stand in it.
OTHERWISE: dict[str, Any] = {
    "number": 9,
    "title": "另一个名称",
    "text": "另一些内容",
    "category": "其他",
    "lead_unit": "另一个单位",
    "investment": 7,
    "investment_this_year": 3,
    "funding": "市级财政",
    "deadline": "明年",
    "site": "别处",
    "origin": "3",
}


def tied_with_parts() -> Stage:
    """Return what `tied` does, each candidate with a sub-item."""
    held = tied()
    triggers.lift(connection)
    for project in held.poll.projects.all():
        make_sub_item(project)
    triggers.install(connection)
    return held


def refused_by_database(act: Any, *args: Any, **kwargs: Any) -> None:
    with pytest.raises(IntegrityError, match="candidates of a second round"), transaction.atomic():
        act(*args, **kwargs)


def told(poll: Poll) -> list[Any]:
    """Return all that is said of the candidates of a poll."""
    return [
        [
            *(project.number, project.title, project.text),
            *map(str, [*project.targets.all(), *project.sub_items.all()]),
        ]
        for project in poll.projects.order_by("number")
    ]


# --- every road -----------------------------------------------------------------------------------


def by_form(held: Stage, draft: Poll) -> None:
    desk = desk_of(held.office)
    for number, title in ((2, "候选项目3"), (3, "候选项目2")):
        project = draft.projects.get(number=number)
        address = reverse("admin:projects_project_change", args=[project.pk])
        page = desk.get(address).content.decode()
        assert "就是原票决留下的项目" in page
        assert 'name="title"' not in page
        assert 'name="targets-0-text"' not in page
        sent = {"poll": draft.pk, "number": number, "title": title, "text": "新内容"}
        reply = desk.post(address, sent, follow=True)
        assert "就是原票决留下的项目" in reply.content.decode()


def by_new_form(held: Stage, draft: Poll) -> None:
    desk = desk_of(held.office)
    address = reverse("admin:projects_project_add")
    assert f'<option value="{draft.pk}"' not in desk.get(address).content.decode()
    sent = {"poll": draft.pk, "number": 7, "title": "新的一项", "text": "新内容"}
    targets = {f"targets-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")}
    reply = desk.post(address, sent | targets)
    assert "就是原票决留下的项目" in reply.content.decode()


def by_table(held: Stage, draft: Poll) -> None:
    desk = desk_of(held.office)
    lines = ("编号,项目名称,建设内容", "2,候选项目3,建设内容3。", "3,候选项目2,建设内容2。")
    reply = upload(desk, "/admin/projects/project/import/", *lines, poll=draft.pk)
    assert "就是原票决留下的项目" in reply.content.decode()


def by_act(held: Stage, draft: Poll) -> None:
    rows = [
        Candidate(2, 2, "候选项目3", "建设内容3。"),
        Candidate(3, 3, "候选项目2", "建设内容2。"),
    ]
    seen = importing.plan_import(draft, rows).seen
    refusal = refusal_of(drafts.import_candidates, draft, rows, seen=seen, by=held.office)
    assert refusal == "second-round"


def by_sql(held: Stage, draft: Poll) -> None:
    second = draft.projects.get(number=2)
    for column, value in OTHERWISE.items():
        refused_by_database(
            draft.projects.filter(number=2).exclude(number=3).update, **{column: value}
        )
    refused_by_database(make_project, draft, 9)
    refused_by_database(Target.objects.filter(project=second).update, quantity=99)
    refused_by_database(Target.objects.create, project=second, position=2, text="更多")
    refused_by_database(SubItem.objects.create, project=second, position=2, text="更多")


@pytest.mark.parametrize("road", [by_form, by_new_form, by_table, by_act, by_sql])
def test_no_road_makes_a_candidate_of_a_second_round_another(road):
    """Case 60: the form, a table, SQL."""
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)
    before = told(draft)

    road(held, draft)

    assert told(draft) == before


def test_everything_that_names_the_adopted_project_names_the_one_that_was_voted_for():
    """Case 60: after every road was tried, all vote for number 2; one project is adopted by it."""
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)
    for road in (by_form, by_new_form, by_table, by_act, by_sql):
        road(held, draft)
    second = play(held, draft, *[selection(2)] * len(held.delegates))
    assert [row[1] for row in told(second.poll)] == ["候选项目2", "候选项目3"]
    second.publish()
    held.poll.refresh_from_db()
    held.publish()

    page = Client().get(f"/results/?poll={held.poll.pk}").content.decode()
    assert "候选项目2" in page
    assert "候选项目3" not in page.split("其他")[0]
    rows = csv.DictReader(io.StringIO(tables.result_csv(held.poll).content.decode("utf-8-sig")))
    adopted = {row["项目编号"]: row["项目名称"] for row in rows if "再次票决" in row["备注"]}
    assert adopted.get("2") == "候选项目2"
    desk = desk_of(held.office)
    for paper in ("report", "notice", "words"):
        text = desk.get(reverse(f"admin:ballots_pollday_{paper}", args=[held.poll.pk]))
        assert "候选项目2" in text.content.decode()
    for poll in (held.poll, second.poll):
        read = verifier.read(io.BytesIO(package.full_package(poll).content))
        assert [each.faults for each in verifier.level_a(read) if each.faults] == []
        assert read.titles[2] == "候选项目2"


@pytest.mark.parametrize("kind", ["main", "rehearsal"])
def test_a_second_round_stays_that_of_its_first_one_however_somebody_writes_to_it(kind):
    """Case 60: without its parent nothing would compare its candidates any more."""
    held = tied(kind=kind)
    draft = drafts.run_off(held.poll, by=held.office)
    itself = Poll.objects.filter(pk=draft.pk)
    other = make_poll(candidates=0)

    refused_by_database(itself.update, parent=None, kind=kind)
    refused_by_database(itself.update, parent=other)
    refused_by_database(itself.update, kind="supplementary")
    refused_by_database(draft.projects.filter(number=2).update, poll=other)

    # What its office may edit, and how it ends, is as it was.
    itself.update(phone="0579-1", opening_words="请投票", places=2)
    drafts.drop(draft, by=held.office, second=held.scrutineer, reason="重新发起")
    assert not Poll.objects.standing().filter(parent=held.poll).exists()


# --- what it may be -------------------------------------------------------------------------------


def test_the_list_of_a_supplementary_poll_may_be_shortened_in_the_form():
    held = short()
    draft = drafts.supplementary(held.poll, by=held.office)
    project = draft.projects.get(number=3)

    address = reverse("admin:projects_project_delete", args=[project.pk])
    desk_of(held.office).post(address, {"post": "yes"})

    assert [row[0] for row in told(draft)] == [2]


def test_the_sub_items_of_a_second_round_are_those_of_the_first():
    draft = drafts.run_off(tied_with_parts().poll, by=make_office())

    parts = SubItem.objects.filter(project__poll=draft)
    assert [(part.text, part.investment) for part in parts] == [("新建停车楼", Decimal(1200))] * 2
    for changed in ({"investment": 99}, {"investment": None}, {"text": "别的"}, {"position": 2}):
        refused_by_database(parts.update, **changed)


@pytest.mark.parametrize("lines", [Target, SubItem])
def test_a_second_round_that_lost_a_line_is_told_by_the_checklist_and_by_the_database(lines):
    held = tied_with_parts()
    ready = make_ready(held, drafts.run_off(held.poll, by=held.office))
    assert lines.objects.filter(project__poll=ready.poll, project__number=3).delete()[0]

    lines = [str(finding.text) for finding in preflight.what_is_missing(ready.poll)]
    assert any("第3项与原票决中的不一致" in line for line in lines)
    assert refusal_of(lifecycle.open_poll, ready.poll, by=held.office) == "incomplete"
    refused_by_database(
        Poll.objects.filter(pk=ready.poll.pk).update,
        phase="open",
        opened_at=held.poll.opened_at,
    )


def test_a_draft_of_before_whose_titles_were_exchanged_is_told_by_the_checklist():
    held = tied()
    draft = drafts.run_off(held.poll, by=held.office)
    triggers.lift(connection)
    Project.objects.filter(poll=draft, number=2).update(title="x")
    Project.objects.filter(poll=draft, number=3).update(title="候选项目2")
    Project.objects.filter(poll=draft, number=2).update(title="候选项目3")
    triggers.install(connection)

    lines = [str(finding.text) for finding in preflight.what_is_missing(draft)]

    assert any("第2、3项与原票决中的不一致" in line for line in lines)


def test_proposals_that_come_to_a_second_round_stay_what_was_proposed():
    """Of two with one name the second bears its key; nobody gives them another text or a target."""
    held = make_tied()
    draft = drafts.run_off(held.poll, by=held.office)
    proposals = draft.projects.filter(origin__startswith="推")
    assert len(proposals) == 2

    for proposal in proposals:
        itself = Project.objects.filter(pk=proposal.pk)
        for column in OTHERWISE.keys() - {"number", "origin"}:
            refused_by_database(itself.update, **{column: OTHERWISE[column]})
        # A number of the first round means the candidate that had it there.
        refused_by_database(itself.update, number=1)
        for lines in (Target, SubItem):
            refused_by_database(lines.objects.create, project=proposal, position=1, text="新建")
    assert triggers.changed_candidates(connection, draft.pk) == []
