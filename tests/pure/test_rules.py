"""What may stand on a ballot: every fault by itself, the limits of text, and a second opinion."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballots.pure.rules import (
    AS_CAST,
    DETAIL_LIMIT,
    STRICT,
    TITLE_LIMIT,
    UNIT_LIMIT,
    Fault,
    Proposal,
    Rules,
    Selection,
    faults,
    faults_of_text,
    is_plain,
    is_seen,
    same_text,
)
from tests.helpers.looking import MARKS, lengths_looked_at
from yiwu_vote.texts import typed

# A machine that is busy makes no test fail.
unhurried = settings(deadline=None)

TEN = Rules(places=10)
EACH = Rules(places=10, form="each")
EIGHT = {number: f"候选项目{number}" for number in range(1, 9)}
TWELVE = {number: f"候选项目{number}" for number in range(1, 13)}


def ballot(*chosen: int, against: tuple[int, ...] = (), proposals: tuple[str, ...] = ()):
    return Selection(chosen, against, tuple(Proposal(title) for title in proposals))


def codes(selection: Selection, rules: Rules = TEN, candidates: dict[int, str] = TWELVE):
    return [fault.code for fault in faults(selection, rules, candidates)]


@pytest.mark.parametrize(
    ("selection", "rules"),
    [
        (ballot(), TEN),
        (ballot(1), TEN),
        (ballot(*range(1, 11)), TEN),
        (ballot(12, 3, 7), TEN),
        (ballot(*range(1, 8), proposals=("甲", "乙", "丙")), TEN),
        (ballot(proposals=("甲",)), TEN),
        (ballot(*range(1, 11), proposals=("甲",)), Rules(places=10, proposals="advisory")),
        (ballot(1), Rules(places=10, proposals="off")),
        (ballot(1, against=tuple(range(2, 13))), EACH),
        (ballot(against=tuple(range(1, 13))), EACH),
        (ballot(*range(1, 11)), Rules(places=10, exactly=True)),
        (ballot(*range(1, 9), proposals=("甲", "乙")), Rules(places=10, exactly=True)),
        (ballot(), Rules(places=10, exactly=True)),
    ],
)
def test_a_ballot_within_the_rules_has_no_fault(selection, rules):
    assert faults(selection, rules, TWELVE) == []


@pytest.mark.parametrize(
    ("selection", "rules", "fault"),
    [
        (ballot(*range(1, 12)), TEN, Fault("too-many", number=11, count=1)),
        (ballot(*range(1, 13)), TEN, Fault("too-many", number=12, count=2)),
        (
            ballot(*range(1, 9), proposals=("甲", "乙", "丙")),
            TEN,
            Fault("too-many", number=11, count=1),
        ),
        (ballot(1, 13), TEN, Fault("not-on-list", number=13)),
        (ballot(0), TEN, Fault("not-on-list")),
        (ballot(-1), TEN, Fault("not-on-list", number=-1)),
        (ballot(2**63), TEN, Fault("not-on-list", number=2**63)),
        (ballot(against=(99,)), EACH, Fault("not-on-list", number=99)),
        (ballot(1, 2, 1), TEN, Fault("repeated", number=1)),
        (ballot(against=(4, 4)), EACH, Fault("repeated", number=4)),
        (ballot(5, against=(5,)), EACH, Fault("repeated", number=5)),
        (ballot(1, against=(2,)), TEN, Fault("no-against")),
        (
            ballot(1, proposals=("甲",)),
            Rules(places=10, proposals="off"),
            Fault("proposals-off"),
        ),
        (ballot(proposals=("甲", "乙", "丙", "丁")), TEN, Fault("too-many-proposals", count=1)),
        (
            ballot(proposals=("甲", "乙", "丙")),
            Rules(places=10, proposals="advisory", proposal_limit=1),
            Fault("too-many-proposals", count=2),
        ),
        (ballot(), Rules(places=10, blank_allowed=False), Fault("blank")),
        (
            ballot(*range(1, 10)),
            Rules(places=10, exactly=True),
            Fault("too-few", number=9, count=1),
        ),
        (
            ballot(against=(1, 2)),
            Rules(places=2, form="each", exactly=True),
            Fault("too-few", number=0, count=2),
        ),
        # Advisory proposals fill no place, so they do not help a ballot that must use them all.
        (
            ballot(1, proposals=("甲",)),
            Rules(places=2, exactly=True, proposals="advisory"),
            Fault("too-few", number=1, count=1),
        ),
        (ballot(proposals=("",)), TEN, Fault("proposal-no-title", number=1)),
        (ballot(proposals=("甲", " 　\t")), TEN, Fault("proposal-no-title", number=2)),
        (
            ballot(proposals=("候选项目7",)),
            TEN,
            Fault("proposal-is-candidate", number=1, other=7),
        ),
        (ballot(proposals=("甲", "甲")), TEN, Fault("proposal-repeated", number=1, other=2)),
        (
            ballot(proposals=("甲", "乙", " 甲 ")),
            TEN,
            Fault("proposal-repeated", number=1, other=3),
        ),
    ],
)
def test_each_fault_is_named_with_what_it_is_about(selection, rules, fault):
    assert fault in faults(selection, rules, TWELVE)


def test_every_fault_of_a_ballot_is_told_at_once():
    wrong = ballot(1, 1, 99, against=(2,), proposals=("甲", "甲", "乙", "丙"))

    assert codes(wrong, Rules(places=4)) == [
        "not-on-list",
        "repeated",
        "no-against",
        "too-many-proposals",
        "proposal-repeated",
        "too-many",
    ]


def test_the_eight_candidates_leave_two_places_for_proposals():
    all_eight = tuple(EIGHT)

    assert codes(ballot(*all_eight), TEN, EIGHT) == []
    assert codes(ballot(*all_eight, proposals=("甲", "乙")), TEN, EIGHT) == []
    assert codes(ballot(*all_eight, proposals=("甲", "乙", "丙")), TEN, EIGHT) == ["too-many"]


def test_a_ballot_of_proposals_or_of_refusals_alone_is_not_blank():
    strict = Rules(places=10, form="each", blank_allowed=False)

    assert ballot().is_blank
    assert codes(ballot(proposals=("甲",)), strict) == []
    assert codes(ballot(against=(1,)), strict) == []


# The text of a proposal


@pytest.mark.parametrize(
    ("field", "limit", "code"),
    [
        ("title", TITLE_LIMIT, "title-too-long"),
        ("detail", DETAIL_LIMIT, "detail-too-long"),
        ("unit", UNIT_LIMIT, "unit-too-long"),
    ],
)
@pytest.mark.parametrize("char", ["中", "𠮷", "a"])
def test_text_is_measured_in_characters_and_the_last_one_that_fits_is_taken(
    field, limit, code, char
):
    def faults_at(length):
        proposal = Proposal(**({"title": "甲"} | {field: char * length}))
        return faults(Selection(proposals=(proposal,)), TEN, TWELVE)

    assert faults_at(limit) == []
    assert faults_at(limit + 1) == [Fault(code, number=1, count=limit + 1)]


@pytest.mark.parametrize(
    "char",
    [
        "\0",
        "\x07",
        "\t",
        "\r",
        "\x7f",
        "\x85",
        "\u200b",  # zero width
        "\u200d",
        "\ufeff",
        "\u202e",  # bidirectional override
        "\u2066",
        "\u00ad",  # soft hyphen
        "\U000e0041",  # tag letter
        "\ud800",  # half a surrogate pair
        "e\u0301",  # not in NFC
        "\u2126",  # the ohm sign, which NFC makes a letter
    ],
)
@pytest.mark.parametrize("field", ["title", "detail", "unit"])
def test_text_that_does_not_look_like_what_it_is_gets_refused(field, char):
    proposal = Proposal(**({"title": "甲"} | {field: f"甲{char}乙"}))

    assert codes(Selection(proposals=(proposal,))) == ["proposal-bad-text"]


@pytest.mark.parametrize("field", ["title", "unit"])
def test_a_title_and_a_unit_stand_on_one_line(field):
    proposal = Proposal(**({"title": "甲"} | {field: "甲\n乙"}))

    assert codes(Selection(proposals=(proposal,))) == ["proposal-bad-text"]


@pytest.mark.parametrize(
    "text",
    [
        "65周岁以上老年食堂（每个街道1处）",
        "䶮、𠮷、㐂",
        "é",
        "🏥医院",
        "<script>alert(1)</script> {{ x }} {% y %} ' OR 1=1 --",
        "=1+1",
    ],
)
def test_ordinary_text_of_every_kind_is_taken_as_it_is(text):
    proposal = Proposal(title=text[:TITLE_LIMIT], detail=f"{text}\n{text}", unit=text[:UNIT_LIMIT])

    assert faults(Selection(proposals=(proposal,)), TEN, TWELVE) == []


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("候选项目7", "候选项目７"),
        ("候选 项目7", " 候选\u3000项目7 "),
        ("AED急救站", "ａｅｄ急救站"),
        ("㎡", "m2"),
    ],
)
def test_width_case_and_blanks_make_no_other_title(left, right):
    assert same_text(left, right)
    assert codes(ballot(proposals=(right,)), TEN, {7: left}) == ["proposal-is-candidate"]


def test_titles_of_other_words_are_two():
    assert not same_text("社区食堂", "社区学堂")


@unhurried
@given(st.text())
def test_plain_text_is_what_has_no_unsafe_character_and_is_in_nfc(text):
    unsafe = [
        char for char in text if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs"}
    ]

    assert is_plain(text) == (not unsafe and unicodedata.normalize("NFC", text) == text)


# A second opinion: the rules once more, in eight lines, on plain ballots


def is_legal(selection: Selection, rules: Rules, candidates: dict[int, str]) -> bool:
    marked = [*selection.chosen, *selection.against]
    titles = [proposal.title for proposal in selection.proposals]
    used = len(selection.chosen) + (len(titles) if rules.proposals == "counted" else 0)
    blank = not marked and not titles
    return (
        len(set(marked)) == len(marked)
        and set(marked) <= set(candidates)
        and (rules.form == "each" or not selection.against)
        and len(titles) <= (0 if rules.proposals == "off" else rules.proposal_limit)
        and len({*titles, *candidates.values()}) == len(titles) + len(candidates)
        and (rules.blank_allowed if blank else used >= rules.places * rules.exactly)
        and used <= rules.places
    )


@unhurried
@given(
    selection=st.builds(
        Selection,
        chosen=st.lists(st.integers(0, 6), max_size=6).map(tuple),
        against=st.lists(st.integers(0, 6), max_size=3).map(tuple),
        proposals=st.lists(
            st.builds(Proposal, title=st.sampled_from(["甲", "乙", "丙", "候选项目2"])), max_size=4
        ).map(tuple),
    ),
    rules=st.builds(
        Rules,
        places=st.integers(1, 6),
        form=st.sampled_from(["choose", "each"]),
        exactly=st.booleans(),
        blank_allowed=st.booleans(),
        proposals=st.sampled_from(["counted", "advisory", "off"]),
        proposal_limit=st.integers(1, 3),
    ),
)
def test_a_second_reading_of_the_rules_accepts_the_same_ballots(selection, rules):
    candidates = {number: f"候选项目{number}" for number in range(1, 6)}

    assert (faults(selection, rules, candidates) == []) == is_legal(selection, rules, candidates)


def test_a_text_far_too_long_is_refused_without_being_looked_at(monkeypatch):
    lengths = lengths_looked_at(monkeypatch)
    proposal = Proposal(MARKS, MARKS, MARKS)

    found = [
        [
            fault.code
            for fault in faults(Selection(proposals=(proposal,)), TEN, {7: "乙"}, reading=how)
        ]
        for how in (STRICT, AS_CAST)
    ]

    assert found == [["title-too-long", "detail-too-long", "unit-too-long"]] * 2
    assert max(lengths) < 1_000


# What nobody can see (cases 42 and 44)


@pytest.mark.parametrize("char", ["\ufe0f", "\u3164", "\u2800", "\ue000", "\u0378", "\u034f"])
def test_what_nobody_can_see_is_refused_today_and_was_legal_in_a_ballot_cast_before(char):
    proposal = Proposal(title=f"建公园{char}")
    selection = Selection(proposals=(proposal,))

    assert codes(selection) == ["proposal-bad-text"]
    assert faults(selection, TEN, TWELVE, reading=AS_CAST) == []
    assert same_text(f"建公园{char}", "建公园")


@unhurried
@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_no_ballot_that_may_be_cast_is_invalid_in_the_box(title, other, candidate):
    selection = Selection(proposals=(Proposal(title), Proposal(other)))
    candidates = {7: candidate}

    if not faults(selection, TEN, candidates):
        assert not faults(selection, TEN, candidates, reading=AS_CAST)


@unhurried
@given(st.text(max_size=20))
def test_the_normal_form_of_what_is_typed_is_what_may_stand_on_a_ballot(text):
    assert is_seen(typed(text, lines=True))


@pytest.mark.parametrize("title", ["——", "。。。", "★☆", "🚏", "…！"])
def test_a_name_that_cannot_be_read_out_is_none(title):
    assert [fault.code for fault in faults_of_text(Proposal(title), 1)] == ["proposal-no-title"]
    assert faults_of_text(Proposal(title), 1, reading=AS_CAST) == []


def test_marks_in_a_pile_are_refused_and_those_of_a_language_are_not():
    pile = Proposal("建" + "\u0338" * 6, "内容")
    assert [fault.code for fault in faults_of_text(pile, 1)] == ["proposal-bad-text"]
    assert faults_of_text(pile, 1, reading=AS_CAST) == []
    for title in ("Ǘ", "ệ", "กิ๊ก", "建" + "\u0338" * 4):
        assert faults_of_text(Proposal(title), 1) == []
