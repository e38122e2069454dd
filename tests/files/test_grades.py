"""Wherever the result of a 满意度测评 is shown: its words as they are announced, and no others (design §4.6)."""

import io
import re
from html import unescape
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.utils import timezone

from ballots.acts import hall
from ballots.acts.announcing import save_announcement
from ballots.files import tables, workbook
from projects.models import Poll
from tests.helpers.desk import at, desk_of
from tests.helpers.factories import make_office, make_scrutineer
from tests.helpers.figures import graded, make_counted

pytestmark = pytest.mark.django_db

GRADES = Poll.Form.GRADES
PUBLISHED = Poll.Phase.PUBLISHED
# As it was announced in Longyou in 2018.
LONGYOU = "满意152票，基本满意30票，不满意0票，弃权0票"
OUTPUTS = ("report", "notice", "words", "change", "results", "screen")
# What is said of places, of a majority and of proposals, and of a 满意度测评 nowhere.
OF_OTHERS = r"应选|名额|通过|名次|过半数|再次票决|补充票决|推荐|得票率|候选"


def longyou(**columns: Any) -> Poll:
    """Return one graded project as 182 delegates judged it, revealed and with its notice."""
    row = graded("1", "生活垃圾分类", (152, 30, 0, 0), base=182)
    given: dict[str, Any] = {
        "form": GRADES,
        "delegates_total": 182,
        "show_votes": True,
        "phase": PUBLISHED,
    }
    poll = make_counted(row, **(given | columns))
    words: dict[str, Any] = {
        "title": "甲关于项目满意度测评结果的通报",
        "opening": "甲。",
        "closing": "现予通报。",
    }
    words |= {"signature": "甲", "dated": "2018年12月28日", "with_votes": poll.show_votes}
    if poll.phase == PUBLISHED:
        Poll.objects.filter(pk=poll.pk).update(revealed_at=timezone.now())
    save_announcement(poll, **words, by=make_office())
    hall.open_screen(poll, by=make_office())
    poll.refresh_from_db()
    return poll


def said(poll: Poll, name: str) -> str:
    """Return what the output of that name says, without tags and blanks."""
    match name:
        case "screen":
            page = Client().get(f"/screen/{poll.screen_key}/").text
        case "results":
            page = Client().get(f"/results/?poll={poll.pk}").text
        case _:
            page = desk_of(make_scrutineer()).get(at(poll, name)).text
    body = page.partition("<main")[2] or page.partition("<body")[2]
    return re.sub(r"\s+", "", unescape(re.sub(r"<[^>]*>", " ", body.partition(">")[2])))


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_result_is_said_as_it_was_announced_in_longyou(name):
    assert LONGYOU in said(longyou(), name)


def test_the_files_have_a_column_for_each_grade_and_a_line_for_the_whole():
    poll = longyou()

    header, row = tables.result_csv(poll).content.decode("utf-8-sig").splitlines()
    summary = tables.summary_csv(poll).content.decode()

    assert "等次,满意票数,基本满意票数,不满意票数,弃权票数,满意率(%),满意和基本满意率(%)" in header
    assert "满意,152,30,0,0,83.5,100.0" in row
    assert "满意率基数,全体代表182人" in summary
    assert "总体等次,满意" in summary
    book = openpyxl.load_workbook(io.BytesIO(workbook.workbook(poll).content))
    assert book.sheetnames == ["结果", "汇总", "到会", "核对"]
    names, values = list(book["结果"].iter_rows(min_row=3, values_only=True))
    assert list(names) == header.split(",")
    assert values[4:11] == ("满意", 152, 30, 0, 0, 83.5, 100)


@pytest.mark.parametrize("name", [*OUTPUTS, "result", "summary"])
def test_nothing_is_said_of_places_majorities_or_proposals(name):
    poll = longyou()
    files = {"result": tables.result_csv, "summary": tables.summary_csv}
    text = files[name](poll).content.decode() if name in files else said(poll, name)
    # The booklet of projects and the files are called so for every form.
    text = text.replace("候选项目汇编全部候选项目", "")

    assert not re.findall(OF_OTHERS, text)


@pytest.mark.parametrize("name", ["notice", "words", "results", "screen"])
def test_where_no_votes_are_shown_the_grade_is_all_that_is_said(name):
    text = said(longyou(show_votes=False), name)

    assert "满意" in text
    assert not re.search(r"152|30票|83\.5", text)


@pytest.mark.parametrize(
    ("majority", "base"),
    [("all", "全体代表182人"), ("present", "实到代表9人"), ("valid", "有效票8张")],
)
def test_rates_and_boundary_name_their_base(majority, base):
    poll = longyou(majority=majority)

    for name in ("report", "results", "change"):
        text = said(poll, name)
        assert f"以{base}为基数" in text
        assert f"满意票达到{base}的半数（含本数）的，为“满意”" in text
