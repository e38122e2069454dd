"""When a paper is read: by two who agree, or by a ruling; in every order of what they type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballots.pure import keying
from ballots.pure.keying import FIRST, RULED, SECOND, SPOILT, Read
from ballots.pure.rules import Proposal, Rules, Selection, faults

pytestmark = pytest.mark.pure

ONE, OTHER = Read(Selection(chosen=(1, 2))), Read(Selection(chosen=(1, 3)))
DOUBT = Read(Selection(), "涂改")

STATES = [
    ({}, "missing"),
    ({FIRST: ONE}, "half"),
    ({SECOND: DOUBT}, "half"),
    ({FIRST: ONE, SECOND: ONE}, "read"),
    ({FIRST: ONE, SECOND: OTHER}, "differs"),
    ({FIRST: ONE, SECOND: DOUBT}, "doubtful"),
    ({FIRST: DOUBT, SECOND: DOUBT}, "doubtful"),
    ({FIRST: ONE, SECOND: DOUBT, RULED: OTHER}, "read"),
    ({FIRST: DOUBT, SECOND: DOUBT, RULED: DOUBT}, "read"),
]


@pytest.mark.parametrize(("reads", "state"), STATES)
def test_how_far_a_paper_is_hangs_on_who_read_what(reads, state):
    assert keying.state_of(reads) == state


def test_a_ruling_stands_above_what_was_read_and_with_a_reason_makes_the_paper_invalid():
    reads = {FIRST: ONE, SECOND: DOUBT}

    assert keying.outcome_of(reads | {RULED: OTHER}) == OTHER.selection
    assert keying.outcome_of(reads | {RULED: DOUBT}) == SPOILT


numbers = st.lists(st.integers(1, 30), unique=True, max_size=10)
texts = st.lists(st.text(max_size=5), min_size=3, max_size=3)


@given(numbers, st.lists(texts, max_size=3), st.randoms())
def test_what_is_kept_is_what_was_read_whatever_its_order(chosen, proposals, chance):
    read = Read(Selection(chosen=tuple(chosen), proposals=tuple(Proposal(*t) for t in proposals)))
    kept = read.as_data()
    chance.shuffle(chosen)
    chance.shuffle(proposals)

    again = Read.of(chosen=chosen, against=[], proposals=proposals, doubt="")

    assert again == Read.of(**kept)


@given(st.builds(Rules, places=st.integers(1, 10), form=st.sampled_from(["choose", "each"])))
def test_a_spoilt_paper_is_legal_under_no_rules(rules):
    assert faults(SPOILT, rules, {number: f"项目{number}" for number in range(1, 20)})
