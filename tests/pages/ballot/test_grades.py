"""满意度测评 on the pages of a delegate: its ballot, its review, what stands around them (design §4.6)."""

import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from ballots.acts import lifecycle
from ballots.pages.forms import BallotForm, CastForm, without
from ballots.pages.wording import PROBLEMS, PROBLEMS_OF
from ballots.pure.rules import Selection, faults
from projects.choices import MARKINGS
from projects.models import Poll
from projects.wording import rules_in_words
from tests.helpers.browsing import TITLES, codes, graded, posted, query, read, signed_in, unsaved
from tests.helpers.factories import Stage, make_stage, selection

# Words of a vote that fills places, which nobody must read where grades are given.
FOREIGN = re.compile("选择|应选|推荐|选满|已选|候选|赞成|反对|名额")


def poll(**columns: Any) -> Poll:
    return unsaved(**({"form": "grades", "places": 0, "proposals": "off"} | columns))


def ballot(data: dict[str, Any], **columns: Any) -> BallotForm:
    form = BallotForm(query(data), poll=poll(**columns), titles=TITLES)
    form.is_valid()
    return form


@pytest.fixture
def held(db) -> Stage:
    """An open 满意度测评 of twelve projects."""
    return make_stage(delegates=3, form="grades", open_it=True)


# --- the form -------------------------------------------------------------------------------------


def test_grades_become_a_selection_in_the_order_of_the_list():
    form = ballot(graded(poll(), 5, 2, fair=[9], poor=[12, 3]))

    assert form.is_valid()
    assert form.selection == Selection(chosen=(2, 5), fair=(9,), against=(3, 12))
    assert form.summary == "您评满意2项，基本满意1项，不满意2项，弃权7项。"
    assert (form.total, form.room) == ("已评5项", "")


def test_a_project_that_was_not_sent_at_all_is_an_abstention():
    form = ballot({"poll": "7", "vote-2": "fair"})

    assert form.is_valid()
    assert form.selection == Selection(fair=(2,))


@pytest.mark.parametrize(
    ("change", "code", "field", "words"),
    [
        ({"vote-2": ["good", "poor"]}, "two-marks", "good-2", "第2项评了两个等次，请只保留一个"),
        ({"vote-2": ["fair", "fair"]}, "two-marks", "good-2", "第2项评了两个等次，请只保留一个"),
        ({"vote-3": "for"}, "strange-mark", "good-3", "第3项的等次无法识别，请重新评"),
        ({"vote-3": ""}, "strange-mark", "good-3", "第3项的等次无法识别，请重新评"),
        ({"vote-99": "good"}, "malformed", "candidates", "提交的内容有误，请核对各项的等次后重新提交"),
        ({"projects": ["1"]}, "malformed", "candidates", "提交的内容有误，请核对各项的等次后重新提交"),
        ({"abstain": "on"}, "abstains-and-chooses", "abstain", "您勾选了弃权，又评了项目，请只保留其中一种。"),
    ],
)  # fmt: skip
def test_each_problem_is_said_at_its_place(change, code, field, words):
    form = ballot(graded(poll(), 1, 4) | change)

    assert [(one.code, one.field, one.text) for one in form.problems] == [(code, field, words)]


def test_two_projects_that_are_wrong_are_both_named_and_the_rest_comes_back():
    form = ballot(
        graded(poll(), 1, fair=[4], poor=[5]) | {"vote-2": ["good", "poor"], "vote-3": "excellent"}
    )

    assert [(one.number, one.code) for one in form.problems] == [
        (2, "two-marks"),
        (3, "strange-mark"),
    ]
    assert form.sent == {"chosen": [1], "fair": [4], "against": [5]}


def test_proposals_are_refused_in_the_words_of_the_page():
    form = ballot(
        graded(poll(), 1)
        | {
            "proposal-TOTAL_FORMS": "1",
            "proposal-INITIAL_FORMS": "0",
            "proposal-0-title": "公园",
            "proposal-0-detail": "",
            "proposal-0-unit": "",
        }
    )

    assert [one.text for one in form.problems] == ["满意度测评只评所列项目，不能增加项目"]


def test_grading_nothing_is_a_ballot_only_with_the_tick_that_abstains():
    nothing = ballot(graded(poll()))

    assert codes(nothing) == ["nothing-chosen", "may-abstain"]
    assert nothing.asks_to_abstain
    assert ballot(graded(poll(), abstain="on")).is_valid()
    assert codes(ballot(graded(poll(), abstain="on"), blank_allowed=False)) == ["blank"]


@pytest.mark.parametrize("forms", PROBLEMS_OF.values(), ids=PROBLEMS_OF)
def test_what_is_said_in_other_words_is_said_of_ticks_too(forms):
    assert {code.removesuffix("-mixed") for code in forms} <= PROBLEMS.keys()


def test_no_sentence_for_grades_speaks_of_choosing():
    form = BallotForm(None, poll=poll(), titles=TITLES)
    said = [*map(str, PROBLEMS_OF["grades"].values()), form.instruction, form.rest, form.used]

    assert form.instruction == "请对12个项目逐项评满意、基本满意或不满意；没有评的按弃权计。"
    assert not [words for words in said + rules_in_words(poll()) if FOREIGN.search(words)]


def test_the_review_names_first_what_was_not_graded_and_then_each_grade():
    form = ballot(graded(poll(), 2, 5, fair=[9], poor=[1]))

    groups = [(one.title, one.is_left, one.is_folded, len(one.lines)) for one in form.groups]
    assert groups == [
        ("以下8项没有评，按弃权计", True, False, 8),
        ("满意2项", False, False, 2),
        ("基本满意1项", False, False, 1),
        ("不满意1项", False, False, 1),
    ]
    assert [line.key for line in form.lines] == ["2", "5", "9", "1"]


def test_the_review_takes_a_grade_back_to_an_abstention():
    data = query(graded(poll(), 2, fair=[9]))
    form = BallotForm(data, poll=poll(), titles=TITLES)
    assert form.is_valid()
    line = form.line("9")
    assert line
    assert form.line("1") is None

    left = BallotForm(without(data, line), poll=poll(), titles=TITLES)

    assert left.is_valid()
    assert left.selection == Selection(chosen=(2,))


def test_what_the_review_sends_on_is_what_it_shows():
    form = ballot(graded(poll(), 2, fair=[9, 10], poor=[11]))

    sent = {f"vote-{number}": vote for number, vote in form.votes}
    again = CastForm(query({"poll": "7", "token": "a" * 32} | sent), poll=poll(), titles=TITLES)

    assert again.is_valid()
    assert again.selection == form.selection


values = st.sampled_from([mark.value for mark in MARKINGS["grades"].marks])


@given(st.dictionaries(st.integers(1, 12), values))
def test_whatever_is_graded_comes_out_as_it_went_in(grades):
    given_so = {f"vote-{number}": value for number, value in grades.items()}
    form = ballot({"poll": "7"} | given_so)

    read_back = {f"vote-{number}": vote for number, vote in form.votes if vote != "abstain"}
    assert read_back == {name: vote for name, vote in given_so.items() if vote != "abstain"}
    assert form.is_valid() == bool(read_back)
    assert not faults(form.selection, form.rules, TITLES) or not read_back


# --- the pages ------------------------------------------------------------------------------------


def test_each_project_offers_three_grades_and_a_way_to_take_one_back(held):
    page = read(signed_in(held).get("/ballot/"))

    form = page.form("/ballot/review/")
    offered = [value for name, value in form.choices if name == "vote-7"]
    assert offered == ["good", "fair", "poor", "abstain"]
    assert [value for name, value in form.fields if name.startswith("vote-")] == ["abstain"] * 12
    assert "没有评的按弃权计" in page.text
    assert "推荐" not in page.text


def test_a_wrong_mark_is_said_beside_its_project_and_the_summary_leads_there(held):
    wrong = graded(held.poll, 1) | {"vote-3": "excellent"}

    reply = signed_in(held).post("/ballot/review/", wrong)

    assert reply.status_code == 422
    page = reply.content.decode()
    assert 'href="#good-3"' in page
    beside = page.partition('id="problem-3"')[2].partition("</div>")[0]
    assert "第3项的等次无法识别，请重新评" in beside


def test_a_graded_ballot_goes_from_home_to_the_count(held):
    client = signed_in(held)
    home = read(client.get("/home/"))
    assert "填写测评票" in home.text
    review = client.post("/ballot/review/", graded(held.poll, 1, 2, fair=[3], poor=[4]))
    page = read(review)
    assert "您评满意2项，基本满意1项，不满意1项，弃权8项。" in page.text
    places = [page.text.index(words) for words in ("以下8项没有评", "满意2项 1.", "不满意1项 4.")]
    assert places == sorted(places)

    reply = client.post("/ballot/cast/", posted(page.form("/ballot/cast/")))

    assert (reply.status_code, reply["Location"]) == (303, "/receipt/")
    assert "✓ 测评票已提交" in read(client.get("/receipt/")).text
    assert "提交测评票。" in read(client.get("/home/")).text
    held.cast(1, selection(1, fair=[3]))
    held.close()
    held.open_box()
    counted = lifecycle.count_poll(held.poll, by=held.office).figures["items"]
    assert [(one["votes"], one["fair"], one["against"]) for one in counted[:4]] == [
        (2, 0, 0),
        (1, 0, 0),
        (0, 2, 0),
        (0, 0, 1),
    ]


def test_no_page_of_a_grading_delegate_speaks_of_choosing_places_or_proposals(held):
    client = signed_in(held)
    pages: dict[str, str] = {}

    def look(name: str, reply: Any) -> None:
        pages[name] = re.sub("<!--.*?-->", "", reply.content.decode(), flags=re.DOTALL)

    for path in ("/home/", "/ballot/", "/projects/", "/projects/3/", "/projects/sample/"):
        look(path, client.get(path))
    look("nothing", client.post("/ballot/review/", graded(held.poll)))
    look("wrong", client.post("/ballot/review/", graded(held.poll, 1) | {"vote-2": ["x", "y"]}))
    look("forged", client.post("/ballot/review/", graded(held.poll, 1) | {"vote-77": "good"}))
    look("review", client.post("/ballot/review/", graded(held.poll, 1, fair=[2])))
    look("taken back", client.post("/ballot/review/", graded(held.poll, 1, 2) | {"remove": "2"}))
    look("blank", client.post("/ballot/review/", graded(held.poll, abstain="on")))
    ready = posted(read(client.post("/ballot/review/", graded(held.poll, 1))).form("/ballot/cast/"))
    lifecycle.pause_poll(held.poll, reason="停电", by=held.office)
    for path in ("/home/", "/ballot/"):
        look(f"paused {path}", client.get(path))
    look("paused", client.post("/ballot/cast/", ready))
    lifecycle.resume_poll(held.poll, by=held.office)
    client.post("/ballot/cast/", ready)
    for path in ("/home/", "/receipt/"):
        look(f"voted {path}", client.get(path))
    look("again", client.post("/ballot/cast/", ready | {"token": ["b" * 32]}))

    # The candidates of the factory are called so.
    told = {name: re.sub("候选项目 ?[0-9]+", "", page) for name, page in pages.items()}
    found = {name: FOREIGN.findall(page) for name, page in told.items()}
    assert {name: words for name, words in found.items() if words} == {}


def test_the_sample_and_the_guide_are_those_of_a_grading(held):
    page = read(Client().get("/projects/sample/", {"poll": held.poll.pk}))
    page = page if page.status == 200 else read(signed_in(held).get("/projects/sample/"))

    assert "年度民生实事项目满意度测评票 样张" in page.text
    assert "满意 基本满意 不满意" in page.text
    assert "逐项评满意、基本满意或不满意" in page.text
