"""What a delegate posts: read exactly, judged by the rules alone, given back whole."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.pages.forms import EMPTY_BLOCKS, MOST_BLOCKS, BallotForm, CastForm, without
from ballots.pages.wording import PROBLEMS, PROBLEMS_OF_EACH
from ballots.pure import rules
from ballots.pure.rules import Proposal, Selection, faults
from tests.helpers.browsing import TITLES, codes, filled, marked, query
from tests.helpers.browsing import unsaved as poll
from tests.helpers.looking import MARKS, lengths_looked_at


def ballot(data: dict, *, titles: dict[int, str] = TITLES, **columns) -> BallotForm:
    form = BallotForm(query(data), poll=poll(**columns), titles=titles)
    form.is_valid()
    return form


def test_ticks_and_proposals_become_a_selection_in_order():
    form = ballot(filled(poll(), 5, 2, proposals=["新建停车场"]))

    assert form.is_valid()
    assert form.selection == Selection(chosen=(2, 5), proposals=(Proposal("新建停车场"),))


def test_a_block_in_which_nothing_was_typed_is_no_proposal():
    form = ballot(filled(poll(), 1, proposals=["", Proposal("　 ", " \r\n ", ""), "新建停车场"]))

    assert form.selection.proposals == (Proposal("新建停车场"),)


def test_text_is_normalised_stripped_and_its_lines_end_alike():
    typed = Proposal("  e\u0301cole　", "第一行\r\n第二行\r第三行\n", " 教育局 ")

    form = ballot(filled(poll(), 1, proposals=[typed]))

    assert form.selection.proposals == (Proposal("\u00e9cole", "第一行\n第二行\n第三行", "教育局"),)


@pytest.mark.parametrize(
    ("pasted", "seen"),
    [
        ("停\u200b车\u200e场\ufeff", "停车场"),
        ("停\u202e车\u00ad场", "停车场"),
        ("停车场\t（城东）", "停车场 （城东）"),
        ("停车场\ufe0f\ue000", "停车场"),
        ("👨\u200d👩\u200d👧乐园", "👨👩👧乐园"),
    ],
)
def test_what_was_pasted_along_unseen_is_taken_off_and_costs_nobody_his_proposal(pasted, seen):
    # Case 44.
    form = ballot(filled(poll(), 1, proposals=[Proposal(pasted, pasted, pasted)]))

    assert form.selection.proposals == (Proposal(seen, seen, seen),)


def test_a_page_that_comes_back_shows_what_can_be_seen_of_a_text():
    # Case 44.
    form = ballot(filled(poll(), *range(1, 13), proposals=["停\u200b车场", "建 公园 "]))

    assert [block["title"].value() for block in form.blocks[:2]] == ["停车场", "建 公园 "]


def test_a_text_far_too_long_is_refused_and_given_back_without_being_looked_at(monkeypatch):
    # Class E: 80 KB of combining marks kept a server process busy for seconds.
    lengths = lengths_looked_at(monkeypatch)

    form = ballot(filled(poll(), 1, proposals=[Proposal(MARKS, MARKS, MARKS), "停车场"]))

    assert codes(form) == ["title-too-long", "detail-too-long", "unit-too-long"]
    assert [field.value() for field in form.blocks[0]] == [MARKS] * 3
    assert max(lengths) < 1_000


@pytest.mark.parametrize(
    ("ticks", "proposals", "columns", "words"),
    [
        (range(1, 13), [], {}, "您选了12项，最多选10项，请取消2项"),
        (range(1, 10), ["甲", "乙"], {}, "您选了11项，最多选10项，请取消1项"),
        ([1, 2], [], {"choice_rule": "exactly"}, "您选了2项，应选10项，尚缺8项"),
        ([1], [Proposal("", "做什么")], {}, "请填写推荐项目1的名称"),
        ([1], ["长" * 31], {}, "推荐项目1的名称超过30字，请缩短"),
        ([1], [Proposal("甲", "长" * 201)], {}, "推荐项目1的主要内容和目标超过200字，请缩短"),
        ([1], [Proposal("甲", "", "长" * 31)], {}, "推荐项目1的建议责任单位超过30字，请缩短"),
        ([1], ["老年食堂", "老年 食堂"], {}, "推荐项目1与推荐项目2名称相同"),
        ([1], ["候选项目 7"], {}, "推荐项目1与候选项目第7项名称相同，请直接勾选第7项"),
        ([1], ["甲", "乙", "丙", "丁"], {}, "推荐项目最多3项，请删除1项"),
        ([1], ["甲"], {"proposals": "off"}, "本次票决不接受推荐新项目"),
        # Case 42: blank to the eye is no title.
        ([1], ["\u3164"], {}, "请填写推荐项目1的名称"),
        ([1], [Proposal("\u2800 \u200b", "做什么")], {}, "请填写推荐项目1的名称"),
        ([1], ["建公园", "建公园\ufe0f"], {}, "推荐项目1与推荐项目2名称相同"),
        ([1], ["候选项目7\ufe0f"], {}, "推荐项目1与候选项目第7项名称相同，请直接勾选第7项"),
        ([99], [], {}, "第99项不在候选项目中，请重新选择"),
        ([], [], {"blank_allowed": False}, "您还没有选择项目，请勾选项目。"),
        ([], [], {}, "您还没有选择项目，请勾选项目。"),
    ],
)
def test_each_fault_is_said_in_the_words_of_the_page(ticks, proposals, columns, words):
    form = ballot(filled(poll(), *ticks, proposals=proposals), **columns)

    assert not form.is_valid()
    assert any(problem.text.startswith(words) for problem in form.problems), form.problems


def test_every_fault_of_the_rules_has_words():
    tree = ast.parse(Path(rules.__file__).read_text("utf-8"))
    found = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Fault"
        and isinstance(node.args[0], ast.Constant)
    }

    assert len(found) > 10
    assert found <= PROBLEMS.keys()


def test_nothing_chosen_is_a_ballot_only_with_the_tick_that_abstains():
    assert codes(ballot(filled(poll()))) == ["nothing-chosen", "may-abstain"]
    assert ballot(filled(poll(), abstain="on")).is_valid()


def test_abstaining_and_choosing_at_once_is_asked_back():
    form = ballot(filled(poll(), 3, abstain="on"))

    assert codes(form) == ["abstains-and-chooses"]
    assert form.problems[0].text == "您勾选了弃权，又选择了项目，请只保留其中一种。"


def test_a_poll_without_blank_ballots_refuses_the_tick_that_abstains():
    form = ballot(filled(poll(), abstain="on"), blank_allowed=False)

    assert codes(form) == ["blank"]


@pytest.mark.parametrize(
    "change",
    [
        {"projects": ["-1"]},
        {"projects": ["1e3"]},
        {"projects": ["01"]},
        {"projects": [" 1"]},
        {"projects": ["１"]},
        {"projects": [str(2**63)]},
        {"projects": ["1;--"]},
        {"projects": ["1", ""]},
        {"projects": ["1\0"]},
        {"projects": ["None"]},
        {"abstain": "yes"},
        {"abstain": ["on", "on"]},
        {"poll": ["7", "8"]},
        {"token": ["a", "b"]},
        {"proposal-0-title": ["甲", "乙"]},
        {"proposal-0-title": "停车\0场"},
        {"proposal-5-title": "没有申报的一块"},
        {"proposal-0-other": "x"},
        {"proposal-99999-title": "x"},
        {"proposal-TOTAL_FORMS": "1000"},
        {"proposal-TOTAL_FORMS": "-1"},
        {"proposal-TOTAL_FORMS": "two"},
        {"proposal-TOTAL_FORMS": ["2", "2"]},
        {"proposal-INITIAL_FORMS": ""},
    ],
)
def test_a_tampered_form_is_refused_and_never_repaired(change):
    form = ballot(filled(poll(), 1, 2) | change)

    assert codes(form) == ["malformed"]
    assert form.selection == Selection()


def test_the_same_project_ticked_twice_is_refused_and_never_counted_once():
    assert codes(ballot(filled(poll(), 1, 2, 2))) == ["repeated"]


def test_a_proposal_without_its_management_form_is_refused():
    form = ballot({"poll": "7", "projects": ["1"], "proposal-0-title": "新建停车场"})

    assert codes(form) == ["malformed"]


def test_a_page_without_proposals_needs_no_management_form():
    form = ballot({"poll": "7", "projects": ["1", "2"]}, proposals="off")

    assert form.selection == Selection(chosen=(1, 2))


def test_a_wrong_ballot_gives_back_every_tick_every_text_and_the_tick_that_abstains():
    typed = [Proposal("长" * 40, "第一行\n第二行", " 单位 "), Proposal("", "只有内容")]

    form = ballot(filled(poll(), *range(1, 13), proposals=typed, abstain="on"))

    assert form.ticked == list(range(1, 13))
    assert form.abstains
    values = [[field.value() for field in block] for block in form.blocks[:2]]
    assert values == [["长" * 40, "第一行\n第二行", " 单位 "], [None, "只有内容", None]]


def test_a_tampered_form_gives_back_what_can_be_shown():
    form = ballot(filled(poll(), 1, 2, proposals=["甲"]) | {"projects": ["2", "-1", "1e3"]})

    assert form.ticked == [2]
    assert form.blocks[0]["title"].value() == "甲"


def test_proposals_come_back_without_gaps_and_their_problems_stand_beside_them():
    form = ballot(filled(poll(), 1, proposals=["", "公园", Proposal("", "只有内容")]))

    assert [problem.field for problem in form.problems] == ["proposal-1-title"]
    assert [block["title"].value() for block in form.blocks] == ["公园", None, None]
    assert form.blocks[1]["title"].errors == ["请填写推荐项目2的名称"]


def test_there_are_always_two_empty_blocks_but_never_more_than_the_poll_allows():
    fresh = BallotForm(None, poll=poll(), titles=TITLES)
    assert len(fresh.blocks) == EMPTY_BLOCKS
    assert len(ballot(filled(poll(), 1, proposals=["甲", "乙"])).blocks) == 3
    assert len(ballot(filled(poll(), 1, proposals=["甲", "乙", "丙"])).blocks) == 3
    assert len(ballot(filled(poll()), proposal_limit=1).blocks) == 1


def test_more_proposals_than_allowed_all_come_back():
    form = ballot(filled(poll(), 1, proposals=["甲", "乙", "丙", "丁", "戊"]))

    assert codes(form) == ["too-many-proposals"]
    assert [block["title"].value() for block in form.blocks] == ["甲", "乙", "丙", "丁", "戊"]


@pytest.mark.parametrize(
    ("candidates", "columns", "sentence"),
    [
        (8, {}, "请从8个候选项目中选择，也可推荐新项目，合计最多10项，可以少选。"),
        (20, {}, "请从20个候选项目中选择，最多选10项，可以少选。"),
        (8, {"proposals": "off"}, "请从8个候选项目中选择，可以全选，也可以少选。"),
        (8, {"proposals": "advisory"}, "请从8个候选项目中选择，可以全选，也可以少选。"),
        (12, {"proposals": "off"}, "请从12个候选项目中选择，最多选10项，可以少选。"),
        (
            8,
            {"proposal_limit": 1},
            "请从8个候选项目中选择，也可推荐新项目，合计最多9项，可以少选。",
        ),
        (
            12,
            {"choice_rule": "exactly"},
            "请从12个候选项目中选择，应选10项，不能多选或少选。",
        ),
        (
            8,
            {"choice_rule": "exactly"},
            "请从8个候选项目中选择，也可推荐新项目，合计应选10项，不能多选或少选。",
        ),
    ],
)
def test_the_instruction_sends_nobody_looking_for_a_ninth_of_eight(candidates, columns, sentence):
    titles = {number: f"项目{number}" for number in range(1, candidates + 1)}

    assert BallotForm(None, poll=poll(**columns), titles=titles).instruction == sentence


@pytest.mark.parametrize(
    ("candidates", "ticks", "proposals", "columns", "sentence"),
    [
        (12, 9, [], {}, "还可再选1项，也可直接提交。"),
        (12, 10, [], {}, ""),
        (8, 7, [], {}, "还可再选3项（含推荐），也可直接提交。"),
        (8, 8, [], {}, "候选项目已全部选择，还可推荐2项，也可直接提交。"),
        (8, 8, ["甲"], {}, "候选项目已全部选择，还可推荐1项，也可直接提交。"),
        (8, 8, ["甲", "乙"], {}, ""),
        (8, 8, [], {"proposals": "off"}, ""),
        (8, 6, [], {"proposals": "off"}, "还可再选2项，也可直接提交。"),
        (8, 8, ["甲"], {"proposals": "advisory"}, ""),
        (8, 8, ["甲"], {"proposal_limit": 1}, ""),
    ],
)
def test_what_may_still_be_added_is_said_in_one_sentence(
    candidates, ticks, proposals, columns, sentence
):
    titles = {number: f"项目{number}" for number in range(1, candidates + 1)}
    form = ballot(
        filled(poll(), *range(1, ticks + 1), proposals=proposals), titles=titles, **columns
    )

    assert form.is_valid()
    assert form.room == sentence


def test_the_review_names_every_line_and_takes_one_away():
    data = query(filled(poll(), 2, 7, proposals=[Proposal("公园", "一处", "建设局")]))
    form = BallotForm(data, poll=poll(), titles=TITLES)
    assert form.is_valid()
    assert [(line.key, line.label, line.name) for line in form.lines] == [
        ("2", "第2项", "2. 候选项目2"),
        ("7", "第7项", "7. 候选项目7"),
        ("p0", "推荐项目1", "公园"),
    ]
    seventh, park = form.line("7"), form.line("p0")
    assert seventh
    assert park
    assert form.line("9") is None

    rest = BallotForm(without(data, seventh), poll=poll(), titles=TITLES)
    assert rest.is_valid()
    assert rest.selection == Selection((2,), proposals=(Proposal("公园", "一处", "建设局"),))
    rest = BallotForm(without(data, park), poll=poll(), titles=TITLES)
    assert rest.is_valid()
    assert rest.selection == Selection((2, 7))


@pytest.mark.parametrize("token", ["", "x" * 32, "A" * 32, "a" * 31, "a" * 33, "a" * 32 + "\n"])
def test_only_a_token_of_ours_is_taken(token):
    form = CastForm(query(filled(poll(), 1, token=token)), poll=poll(), titles=TITLES)

    assert not form.is_valid()
    assert codes(form) == ["malformed"]


# --- 赞成, 反对, 弃权 on each project -----------------------------------------------------------------


def each(data: dict, **columns) -> BallotForm:
    return ballot(data, **({"form": "each"} | columns))


def test_votes_and_proposals_become_a_selection_in_order():
    form = each(marked(poll(), 5, 2, against=[9, 3], proposals=["新建停车场"]))

    assert form.is_valid()
    assert form.selection == Selection((2, 5), (3, 9), (Proposal("新建停车场"),))


def test_a_project_without_a_vote_is_abstained_on():
    form = each({"poll": "7", "vote-2": "for", "vote-3": "against"}, proposals="off")

    assert form.selection == Selection((2,), (3,))
    assert form.summary == "您赞成1项，反对1项，弃权10项。"


@pytest.mark.parametrize(
    ("favoured", "against", "proposals", "columns", "words"),
    [
        (range(1, 13), [], [], {}, "您赞成了12项，赞成最多10项，请把2项改为反对或弃权"),
        (
            range(1, 11),
            [11],
            ["甲"],
            {},
            "您赞成和推荐了11项，合计最多10项，请把1项改为反对或弃权，或删除推荐项目",
        ),
        ([1, 2], [3], [], {"choice_rule": "exactly"}, "您赞成了2项，赞成应为10项，尚缺8项"),
        (
            [1, 2],
            [3],
            ["甲"],
            {"choice_rule": "exactly"},
            "您赞成和推荐了3项，合计应为10项，尚缺7项",
        ),
        (
            [1],
            [],
            ["候选项目 7"],
            {},
            "推荐项目1与候选项目第7项名称相同，请直接对第7项表示赞成",
        ),
        ([1], [2], ["甲"], {"proposals": "off"}, "本次票决不接受推荐新项目"),
        ([], [], [], {"blank_allowed": False}, "您还没有赞成或反对任何项目，请逐项表决。"),
        ([], [], [], {}, "您还没有赞成或反对任何项目，请逐项表决。"),
    ],
)
def test_each_fault_of_votes_is_said_in_the_words_of_the_page(
    favoured, against, proposals, columns, words
):
    form = each(marked(poll(), *favoured, against=against, proposals=proposals), **columns)

    assert words in [problem.text for problem in form.problems]


def test_what_is_said_in_other_words_of_votes_is_said_of_ticks_too():
    assert {code.removesuffix("-mixed") for code in PROBLEMS_OF_EACH} <= PROBLEMS.keys()


def test_abstaining_from_everything_is_a_ballot_only_with_the_tick_that_abstains():
    assert codes(each(marked(poll()))) == ["nothing-chosen", "may-abstain"]
    assert each(marked(poll(), abstain="on")).is_valid()
    assert codes(each(marked(poll(), abstain="on"), blank_allowed=False)) == ["blank"]


@pytest.mark.parametrize("votes", [{"vote-3": "for"}, {"vote-3": "against"}])
def test_abstaining_and_voting_on_a_project_at_once_is_asked_back(votes):
    form = each(marked(poll(), abstain="on") | votes)

    assert codes(form) == ["abstains-and-chooses"]


def test_a_ballot_against_everything_is_not_blank():
    form = each(marked(poll(), against=range(1, 13)), blank_allowed=False)

    assert form.selection == Selection(against=tuple(range(1, 13)))
    assert form.is_valid()


@pytest.mark.parametrize(
    "change",
    [
        {"projects": ["1"]},
        {"projects": []},
        {"vote-99": "for"},
        {"vote-99": "abstain"},
        {"vote-0": "for"},
        {"vote-01": "for"},
        {"vote-１": "for"},
        {"vote-": "for"},
        {"vote-x": "for"},
        {"vote-1-": "for"},
        {"abstain": "yes"},
        {"proposal-5-title": "没有申报的一块"},
    ],
)
def test_a_tampered_form_of_votes_is_refused_and_never_repaired(change):
    form = each(marked(poll(), 1, 2, against=[3]) | change)

    assert codes(form) == ["malformed"]
    assert form.selection == Selection()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        *((value, "strange-mark") for value in ("yes", "", "For", " for", "good")),
        *(
            (values, "two-marks")
            for values in (["for", "for"], ["for", "against"], ["abstain", "abstain"])
        ),
    ],
)
def test_a_mark_that_was_never_offered_or_came_twice_is_said_at_its_place(sent, code):
    form = each(marked(poll(), 1, 2, against=[3]) | {"vote-2": sent})

    assert [(one.code, one.number, one.field) for one in form.problems] == [(code, 2, "for-2")]
    assert form.selection == Selection()


def test_a_form_of_ticks_takes_no_vote():
    assert codes(ballot(filled(poll(), 1, **{"vote-2": "for"}))) == ["malformed"]
    assert codes(ballot(filled(poll(), 1, **{"vote-2": "abstain"}))) == ["malformed"]


def test_a_wrong_ballot_gives_back_every_vote():
    form = each(marked(poll(), *range(1, 12), against=[12], proposals=["甲"]))

    assert not form.is_valid()
    assert form.sent == {"chosen": list(range(1, 12)), "against": [12]}
    assert form.blocks[0]["title"].value() == "甲"


def test_a_project_sent_with_two_votes_comes_back_with_neither():
    form = each(marked(poll(), 1) | {"vote-2": ["for", "against"]})

    assert form.sent == {"chosen": [1], "against": []}


@pytest.mark.parametrize(
    ("candidates", "columns", "sentence"),
    [
        (
            12,
            {"proposals": "off"},
            "请对12个候选项目逐项表决，赞成最多10项；未作选择的按弃权计。",
        ),
        (
            12,
            {"proposals": "advisory"},
            "请对12个候选项目逐项表决，赞成最多10项；未作选择的按弃权计。",
        ),
        (
            12,
            {},
            "请对12个候选项目逐项表决，赞成最多10项；未作选择的按弃权计。推荐的新项目也计入这10项。",
        ),
        (
            10,
            {},
            "请对10个候选项目逐项表决，赞成最多10项；未作选择的按弃权计。推荐的新项目也计入这10项。",
        ),
        (
            8,
            {},
            "请对8个候选项目逐项表决，也可推荐新项目，赞成和推荐合计最多10项；未作选择的按弃权计。",
        ),
        (
            8,
            {"proposal_limit": 1},
            "请对8个候选项目逐项表决，也可推荐新项目，赞成和推荐合计最多9项；未作选择的按弃权计。",
        ),
        (
            8,
            {"proposals": "off"},
            "请对8个候选项目逐项表决，可以全部赞成；未作选择的按弃权计。",
        ),
        (
            10,
            {"proposals": "advisory"},
            "请对10个候选项目逐项表决，可以全部赞成；未作选择的按弃权计。",
        ),
        (
            12,
            {"choice_rule": "exactly", "proposals": "off"},
            "请对12个候选项目逐项表决，赞成应为10项；未作选择的按弃权计。",
        ),
        (
            12,
            {"choice_rule": "exactly"},
            "请对12个候选项目逐项表决，赞成应为10项；未作选择的按弃权计。推荐的新项目也计入这10项。",
        ),
        (
            8,
            {"choice_rule": "exactly"},
            "请对8个候选项目逐项表决，也可推荐新项目，赞成和推荐合计应为10项；未作选择的按弃权计。",
        ),
    ],
)
def test_the_instruction_for_votes_speaks_of_no_limit_that_nobody_can_reach(
    candidates, columns, sentence
):
    titles = {number: f"项目{number}" for number in range(1, candidates + 1)}
    form = BallotForm(None, poll=poll(form="each", **columns), titles=titles)

    assert form.instruction == sentence


@pytest.mark.parametrize(
    ("proposals", "columns", "summary", "headings"),
    [
        (
            [],
            {},
            "您赞成2项，反对1项，弃权9项。",
            ["赞成2项", "反对1项", "弃权9项"],
        ),
        (
            ["甲"],
            {},
            "您赞成3项（其中推荐1项），反对1项，弃权9项。",
            ["赞成3项", "反对1项", "弃权9项"],
        ),
        (
            ["甲"],
            {"proposals": "advisory"},
            "您赞成2项，反对1项，弃权9项，另推荐1项（不计票）。",
            ["赞成2项", "反对1项", "推荐1项（不计票）", "弃权9项"],
        ),
    ],
)
def test_the_review_of_votes_has_three_lists_and_their_counts(
    proposals, columns, summary, headings
):
    form = each(marked(poll(), 2, 5, against=[9], proposals=proposals), **columns)

    assert form.is_valid()
    assert form.summary == summary
    assert [group.title for group in form.groups] == headings
    assert all(str(len(group.lines)) in group.title for group in form.groups)
    assert [line.key for line in form.groups[1].lines] == ["9"]
    assert form.room == ""


def test_the_review_takes_a_vote_back_to_an_abstention():
    data = query(marked(poll(), 2, 5, against=[9], proposals=["公园"]))
    form = BallotForm(data, poll=poll(form="each"), titles=TITLES)
    assert form.is_valid()
    assert form.line("1") is None

    for key, rest in [
        ("5", Selection((2,), (9,), (Proposal("公园"),))),
        ("9", Selection((2, 5), (), (Proposal("公园"),))),
        ("p0", Selection((2, 5), (9,))),
    ]:
        line = form.line(key)
        assert line
        left = BallotForm(without(data, line), poll=poll(form="each"), titles=TITLES)
        assert left.is_valid()
        assert left.selection == rest


def test_what_the_review_page_sends_is_what_it_shows():
    form = each(marked(poll(), 2, against=[9]))
    assert form.is_valid()

    sent = {f"vote-{number}": vote for number, vote in form.votes}

    assert len(sent) == 12
    assert each({"poll": "7"} | sent).selection == form.selection


anything = st.text(max_size=40)
names = st.one_of(
    anything,
    st.sampled_from(["projects", "abstain", "poll", "token", "proposal-TOTAL_FORMS", "vote-99"]),
    st.builds("vote-{}".format, st.integers(0, 13)),
    st.builds("proposal-{}-{}".format, st.integers(0, 30), st.sampled_from(["title", "detail"])),
)


values = st.one_of(anything, st.sampled_from(["for", "against", "abstain", "on"]))


@given(
    st.dictionaries(names, st.lists(values, min_size=1, max_size=3), max_size=8),
    st.sampled_from(["counted", "advisory", "off"]),
    st.sampled_from(["choose", "each"]),
)
def test_whatever_is_posted_is_a_legal_selection_or_has_problems(data, proposals, kind):
    form = BallotForm(query(data), poll=poll(proposals=proposals, form=kind), titles=TITLES)

    if form.is_valid():
        assert not faults(form.selection, form.rules, TITLES)
    else:
        assert form.problems
    assert len(form.blocks) <= MOST_BLOCKS + 1
    assert form.spare_block
    assert form.groups
