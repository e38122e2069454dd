"""Keying papers on the pages: numbers or ticks, one paper a screen, differences, rulings."""

from typing import Any

import pytest
from django.test import Client

from ballots.acts import lifecycle
from ballots.facts.paper.keyed import bundles_of
from ballots.models import PaperReading
from ballots.pure.keying import Read
from projects.models import Poll
from tests.helpers import papers
from tests.helpers.desk import at, desk_of, faults_of, messages_of
from tests.helpers.factories import Stage, make_office, make_scrutineer, make_stage, selection

pytestmark = pytest.mark.django_db


def out(returned: int, **columns: Any) -> Stage:
    """Return a closed poll of which so many papers came back."""
    stage = make_stage(**({"delegates": 6, "candidates": 5, "places": 2} | columns))
    papers.issue(stage, *range(6))
    stage.close()
    papers.count(stage, returned)
    return stage


@pytest.fixture
def stage() -> Stage:
    return out(3)


def begin(stage: Stage, user: Any = None) -> Client:
    """Take the next bundle at a desk, and return it."""
    desk = desk_of(user or make_office())
    assert desk.post(at(stage.poll, "key-papers")).status_code == 302
    return desk


def paper(stage: Stage, place: int, **more: str) -> str:
    query = "&".join(f"{key}={value}" for key, value in more.items())
    return f"{at(stage.poll, 'key-paper')}?bundle=1&place={place}" + (f"&{query}" if query else "")


def key(desk: Client, stage: Stage, place: int, sent: dict[str, Any] | str) -> Any:
    """Key one paper; a text stands for the numbers that are typed."""
    fields = {"typed_chosen": sent} if isinstance(sent, str) else sent
    return desk.post(paper(stage, place), fields, follow=True)


def kept(stage: Stage) -> list[Read]:
    [bundle] = bundles_of(stage.poll)
    return [read for _place, reads in sorted(bundle.reads.items()) for read in reads.values()]


# --- one paper ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        {"typed_chosen": "1 3"},
        {"typed_chosen": "３、1"},
        {"chosen": ["1", "3"]},
        {"typed_chosen": "3 1", "chosen": ["1", "3"]},
    ],
)
def test_numbers_are_typed_or_ticked_or_both_alike(stage, sent):
    key(begin(stage), stage, 1, sent)

    assert kept(stage) == [Read(selection(1, 3))]


def test_each_paper_leads_to_the_next_and_the_last_one_back(stage):
    desk = begin(stage)

    pages = [key(desk, stage, place, "1") for place in (1, 2, 3)]

    assert "第1扎 第2张" in pages[0].text
    assert "第1扎 第3张" in pages[1].text
    assert messages_of(pages[2]) == ["已保存第3张。", "第1扎您已录完。"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "没有录入任何项目。确是空白票的，请勾选“空白票”。"),
        ({"typed_chosen": "9"}, "没有编号为9的项目。"),
        ({"typed_chosen": "一"}, "请只填编号"),
        ({"typed_chosen": "1 2", "chosen": ["1"]}, "编号与勾选的不一致"),
        ({"typed_chosen": "1 2 3"}, "录入了3项，最多2项。"),
        ({"chosen": ["99"]}, "不在候选项目中"),
        ({"typed_chosen": "1", "is_blank": "on"}, "勾选了“空白票”，又录入了内容。"),
        ({"is_doubtful": "on"}, "请写明理由。"),
        ({"typed_chosen": "1", "doubt": "涂改"}, "请同时勾选"),
        ({"title_0": "候选项目3"}, "与候选项目第3项同名"),
        ({"detail_0": "没有名称"}, "推荐项目1没有名称"),
    ],
)
def test_what_cannot_be_meant_is_said_and_not_kept(stage, sent, words):
    page = key(begin(stage), stage, 1, sent)

    assert words in "".join(faults_of(page))
    assert not PaperReading.objects.exists()


def test_what_breaks_the_rules_on_the_paper_itself_is_led_to_the_doubt(stage):
    desk = begin(stage)

    assert "票面确实如此的，请勾选“有疑问”" in "".join(faults_of(key(desk, stage, 1, "1 2 3")))
    key(desk, stage, 1, {"is_doubtful": "on", "doubt": "选择多于规定项数"})

    assert kept(stage) == [Read(selection(), "选择多于规定项数")]


def test_a_blank_paper_has_a_tick_of_its_own(stage):
    key(begin(stage), stage, 1, {"is_blank": "on"})

    assert kept(stage) == [Read(selection())]


def test_where_blank_is_not_allowed_a_blank_paper_is_a_doubt():
    stage = out(1, blank_allowed=False)
    desk = begin(stage)

    page = key(desk, stage, 1, {})

    assert "本次不接受空白票" in "".join(faults_of(page))
    assert "is_blank" not in page.text
    key(desk, stage, 1, {"is_doubtful": "on", "doubt": "空白票"})
    assert kept(stage) == [Read(selection(), "空白票")]


def test_proposals_are_keyed_as_text_however_they_are_spaced(stage):
    desk = begin(stage)

    key(desk, stage, 1, {"typed_chosen": "1", "title_1": " 新建  停车场 ", "unit_1": "市建设局"})

    [read] = kept(stage)
    assert [proposal.texts for proposal in read.selection.proposals] == [
        ("新建 停车场", "", "市建设局")
    ]


def test_a_paper_of_the_form_each_has_for_and_against():
    stage = out(1, form="each", proposals="off")
    desk = begin(stage)

    both = key(desk, stage, 1, {"typed_chosen": "1", "typed_against": "1"})
    key(desk, stage, 1, {"typed_chosen": "1", "against": ["2", "4"]})

    assert "第1项重复" in "".join(faults_of(both))
    assert kept(stage) == [Read(selection(1, against=(2, 4)))]


def test_a_paper_of_grades_has_a_field_and_a_column_of_ticks_for_each():
    stage = out(1, form="grades", places=0)
    desk = begin(stage)

    both = key(desk, stage, 1, {"typed_chosen": "1", "typed_fair": "1"})
    key(desk, stage, 1, {"typed_chosen": "1 5", "fair": ["2"], "typed_against": "3"})

    assert "第1项重复" in "".join(faults_of(both))
    labels = [field.label for field in both.context["read"].numbers]
    assert labels == ["满意的编号", "基本满意的编号", "不满意的编号"]
    assert "第4项，基本满意" in both.text
    assert kept(stage) == [Read(selection(1, 5, fair=[2], against=[3]))]
    again = desk.get(paper(stage, 1)).context["read"]
    assert [field.value() for field in again.numbers] == ["1 5", "2", "3"]


def test_grades_read_differently_stand_side_by_side():
    stage = out(1, form="grades", places=0)
    one, other = begin(stage), begin(stage)
    key(one, stage, 1, {"typed_chosen": "1", "typed_fair": "2"})
    key(other, stage, 1, {"typed_chosen": "1", "typed_against": "2"})

    page = other.get(f"{at(stage.poll, 'compare-papers')}?bundle=1")

    [differing] = page.context["differing"]
    assert [(mark.words, mark.differs) for mark in differing["mine"]] == [
        ("满意 1. 候选项目1", False),
        ("不满意 2. 候选项目2", True),
    ]
    assert [mark.words for mark in differing["others"] if mark.differs] == ["基本满意 2. 候选项目2"]


def test_papers_with_grades_that_two_have_keyed_count_as_by_hand():
    stage = make_stage(delegates=6, candidates=3, form="grades")
    papers.issue(stage, 0, 1, 2)
    stage.cast(3, selection(1, fair=[2], against=[3]))
    given = [selection(1, 2), selection(1, fair=[2, 3]), selection(against=[1, 3])]

    papers.hold_papers(stage, given)
    stage.open_box()
    items = lifecycle.count_poll(stage.poll, by=stage.office).figures["items"]

    assert [(one["votes"], one["fair"], one["against"], one["abstained"]) for one in items] == [
        (3, 0, 1, 0),
        (1, 2, 0, 1),
        (0, 1, 2, 1),
    ]


def test_an_earlier_paper_of_ones_own_comes_back_to_be_corrected(stage):
    desk = begin(stage)
    key(desk, stage, 1, "1 3")

    page = desk.get(paper(stage, 1))

    assert 'value="1 3"' in page.text
    assert page.text.count(" checked") == 2
    key(desk, stage, 1, "2")
    assert kept(stage) == [Read(selection(2))]


def test_nobody_sees_what_the_other_one_reads_before_both_have_read_it(stage):
    one, other = begin(stage), begin(stage)
    key(one, stage, 1, {"typed_chosen": "1", "title_0": "只有第一人看见"})

    seen = [
        other.get(address).text
        for address in (
            paper(stage, 1),
            f"{at(stage.poll, 'compare-papers')}?bundle=1",
            at(stage.poll, "key-papers"),
            at(stage.poll),
        )
    ]

    assert not any("只有第一人看见" in page for page in seen)
    assert not any(" checked" in page for page in seen)


def test_a_stranger_to_a_bundle_sees_none_of_its_papers(stage):
    key(begin(stage), stage, 1, "1")
    stranger = desk_of(make_office())

    for address in (paper(stage, 1), f"{at(stage.poll, 'compare-papers')}?bundle=1"):
        assert messages_of(stranger.get(address, follow=True)) == ["没有保存：这一扎不由您录入。"]


# --- the bundles ----------------------------------------------------------------------------------


def test_the_overview_says_how_far_each_bundle_is_and_no_choice(stage):
    one, other = begin(stage), begin(stage)
    for place, read in ((1, "1"), (2, "2 4"), (3, "3")):
        key(one, stage, place, read)
        key(other, stage, place, read if place != 2 else "2 5")

    page = desk_of(stage.scrutineer).get(at(stage.poll, "key-papers"))

    [row] = page.context["bundles"]
    told = {name: row[name] for name in ("read", "differing", "doubtful", "is_mine")}
    assert told == {"read": 2, "differing": 1, "doubtful": 0, "is_mine": False}
    assert [reader["count"] for reader in row["readers"]] == [3, 3]
    assert "候选项目" not in page.text


def test_whoever_finds_no_bundle_is_told_so(stage):
    begin(stage)
    begin(stage)

    page = desk_of(make_office()).post(at(stage.poll, "key-papers"))

    assert "没有可以录入的" in "".join(faults_of(page))


def test_a_scrutineer_is_told_that_he_could_not_confirm_any_more(stage):
    watching = desk_of(stage.scrutineer).get(at(stage.poll, "key-papers")).text
    office = desk_of(stage.office).get(at(stage.poll, "key-papers")).text

    assert "录入纸质票的人不能复核计票结果" in office
    assert "您是监票人" in watching
    assert "您是监票人" not in office


# --- differences ----------------------------------------------------------------------------------


def test_what_two_read_differently_stands_side_by_side_until_it_is_equal(stage):
    one, other = begin(stage), begin(stage)
    key(one, stage, 1, "1 3")
    key(other, stage, 1, "1 4")
    compare = f"{at(stage.poll, 'compare-papers')}?bundle=1"

    page = other.get(compare)

    [differing] = page.context["differing"]
    differs = [(mark.words, mark.differs) for mark in differing["mine"]]
    assert differs == [("1. 候选项目1", False), ("4. 候选项目4", True)]
    assert [mark.words for mark in differing["others"] if mark.differs] == ["3. 候选项目3"]
    corrected = other.post(differing["correct"], {"typed_chosen": "1 3"}, follow=True)
    assert "没有录入不同的" in corrected.text
    assert bundles_of(stage.poll)[0].state(1) == "read"


# --- rulings --------------------------------------------------------------------------------------


def doubtful(stage: Stage) -> None:
    for desk in (begin(stage), begin(stage)):
        for place in (1, 2):
            key(desk, stage, place, {"is_doubtful": "on", "doubt": f"涂改{place}"})


def test_the_chief_rules_on_doubtful_papers_one_by_one(stage):
    doubtful(stage)
    chief = desk_of(stage.chief)
    rule = at(stage.poll, "rule-papers")

    first = chief.get(rule, follow=True)
    second = chief.post(first.context["shown"]["address"], {"typed_chosen": "2"}, follow=True)
    done = chief.post(
        second.context["shown"]["address"],
        {"is_doubtful": "on", "doubt": "无法辨认"},
        follow=True,
    )

    assert "涂改1" in first.text
    assert "涂改2" in second.text
    assert "没有等待认定的票" in done.text
    ruled = [bundles_of(stage.poll)[0].reads[place][3] for place in (1, 2)]
    assert ruled == [Read(selection(2)), Read(selection(), "无法辨认")]


def test_a_ruling_may_be_given_anew(stage):
    doubtful(stage)
    chief = desk_of(stage.chief)
    address = chief.get(at(stage.poll, "rule-papers"), follow=True).context["shown"]["address"]
    chief.post(address, {"typed_chosen": "2"})

    again = chief.get(address)
    chief.post(address, {"typed_chosen": "4"})

    assert 'value="2"' in again.text
    assert bundles_of(stage.poll)[0].reads[1][3] == Read(selection(4))


def test_where_two_confirm_a_scrutineer_who_is_not_the_chief_rules_on_nothing(stage, monkeypatch):
    doubtful(stage)
    monkeypatch.setattr(Poll, "confirmers", 2)
    scrutineer = desk_of(make_scrutineer())

    assert scrutineer.get(at(stage.poll, "rule-papers")).status_code == 403
    assert desk_of(stage.chief).get(at(stage.poll, "rule-papers")).status_code == 302
