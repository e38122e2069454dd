"""The handbook: what it calls by name is called so on the pages, and its pictures are there."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from ballots.admin.desk import handbook
from ballots.admin.steps import PAPERS, STEPS
from tests.helpers.desk import desk_of
from tests.helpers.factories import make_office

ADDRESS = "/admin/handbook/"
# What all pictures together may weigh, so that the repository and a phone at the door can bear them.
MOST_BYTES = 600_000
TEXTS = [
    *(step for scene in handbook.SCENES for step in scene.steps),
    *(step for card in handbook.CARDS for step in card.steps),
    *(question.answer for question in handbook.QUESTIONS),
]


def test_every_name_in_brackets_is_that_of_a_step_or_a_paper():
    labels = {str(step.label) for step in (*STEPS, *PAPERS)}
    named = {name for text in TEXTS for name in handbook.NAMED.findall(text)}

    assert named - labels == set()
    assert len(named) > 20


def test_every_picture_is_there_and_all_of_them_are_light():
    found = [finders.find(scene.file) for scene in handbook.SCENES]

    assert None not in found
    assert len(found) == 10
    assert sum(Path(str(path)).stat().st_size for path in found) < MOST_BYTES


def test_no_picture_lies_there_that_nothing_shows():
    folder = settings.BASE_DIR / "static" / "handbook"

    assert {path.name for path in folder.iterdir()} == {
        scene.file.rpartition("/")[2] for scene in handbook.SCENES
    }


@pytest.mark.django_db
def test_staff_find_it_from_every_page_and_nobody_else_does():
    desk = desk_of(make_office())

    page = desk.get(ADDRESS)

    assert [str(card.role) for card in page.context["cards"]] == [
        "会务",
        "监票人",
        "计票人（有纸质票时）",
        "总监票人",
        "主持人",
        "技术",
    ]
    assert "<b>截止投票</b>" in page.text
    for name in ("index", "ballots_pollday_changelist"):
        assert f'href="{ADDRESS}"' in desk.get(reverse(f"admin:{name}")).text
    assert Client().get(ADDRESS).status_code == 302
