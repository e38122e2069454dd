"""The candidates that ship are the eight of the report, in its own words, and no ninth."""

import json
import os
import re
from decimal import Decimal
from typing import Any

import pytest

from tests.helpers.machine import ROOT

SECTION = ROOT / "tests" / "data" / "work-report-2024-section.txt"
REPORT = ROOT.parent / "shared" / "seed" / "work-report-2024.txt"
FIXTURE = ROOT / "projects" / "fixtures" / "yiwu-2024.json"

# 65周岁以上 says for whom; it is the one figure of the report that is no target.
CONDITION = "65"


def fields_of(model: str) -> list[dict[str, Any]]:
    return [
        row["fields"] for row in json.loads(FIXTURE.read_text("utf-8")) if row["model"] == model
    ]


def source_lines() -> list[str]:
    """The paragraph and the items of the report, with commas set full-width."""
    # Commas are the only half-width punctuation of the report that we set anew.
    lines = SECTION.read_text("utf-8").replace(",", "，").splitlines()
    return [line.strip() for line in lines if line.strip()]


POLLS = fields_of("projects.poll")
PROJECTS = fields_of("projects.project")
TARGETS = fields_of("projects.target")

each_project = pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project["title"])


def targets_of(project: dict[str, Any]) -> list[dict[str, Any]]:
    keys = {
        row["pk"]
        for row in json.loads(FIXTURE.read_text("utf-8"))
        if row["model"] == "projects.project" and row["fields"] == project
    }
    return [target for target in TARGETS if target["project"] in keys]


def test_the_copied_section_stands_in_the_report_byte_for_byte():
    if not REPORT.exists():
        assert os.environ.get("CI") != "true", f"{REPORT} is missing"
        pytest.skip(f"{REPORT} is not on this machine")

    assert REPORT.read_bytes().count(SECTION.read_bytes()) == 1


def test_the_projects_are_the_eight_of_the_report_word_for_word():
    printed = [f"{p['number']}.{p['title']}方面。{p['text']}" for p in PROJECTS]

    assert printed == source_lines()[1:]
    assert [p["number"] for p in PROJECTS] == list(range(1, 9))


def test_the_opening_words_are_those_of_the_report():
    (poll,) = POLLS

    assert "各位代表，" + poll["opening_words"] == source_lines()[0]
    assert poll["places"] == 10


def test_nothing_is_added_that_the_report_does_not_say():
    for project in PROJECTS:
        unsaid = [project[name] for name in ("category", "lead_unit", "deadline", "site")]
        assert unsaid == ["", "", "", ""]
        assert project["investment"] is None
        assert project.keys().isdisjoint({"investment_this_year", "funding"})


@each_project
def test_each_target_stands_in_the_text_in_its_order(project):
    place = 0
    for position, target in enumerate(targets_of(project), start=1):
        figure = (target["quantity"] or "") + target["unit"]
        printed = re.escape(target["text"]) + ("达?" + re.escape(figure) if figure else "")
        found = re.compile(printed).search(project["text"], place)

        assert target["position"] == position
        assert found, f"{target} does not stand in the text"
        # Between two targets stands punctuation, or words that carry no figure.
        assert not re.search(r"\d", project["text"][place : found.start()])
        assert project["text"][found.end()] in "，。、"
        place = found.end()
    assert not re.search(r"\d", project["text"][place:])


@each_project
def test_each_figure_of_the_text_is_the_quantity_of_one_target(project):
    figures = re.findall(r"\d+(?:\.\d+)?", project["text"])
    quantities = [t["quantity"] for t in targets_of(project) if t["quantity"] is not None]

    assert quantities == [figure for figure in figures if figure != CONDITION]
    assert all(Decimal(quantity) > 0 for quantity in quantities)


def test_a_target_without_a_figure_has_no_unit_and_there_is_one():
    without = [target for target in TARGETS if target["quantity"] is None]

    assert [(t["text"], t["unit"]) for t in without] == [("孤独症门诊治疗享受住院医疗保障水平", "")]


def test_every_key_is_used_once_and_every_target_has_its_project():
    rows = json.loads(FIXTURE.read_text("utf-8"))
    keys = [(row["model"], row["pk"]) for row in rows]

    assert len(set(keys)) == len(keys)
    assert {row["model"] for row in rows} == {
        "projects.poll",
        "projects.project",
        "projects.target",
    }
    assert {target["project"] for target in TARGETS} == {
        row["pk"] for row in rows if row["model"] == "projects.project"
    }
    assert sum(len(targets_of(project)) for project in PROJECTS) == len(TARGETS) == 32
