"""Any sequence of acts against a model of thirty lines: what was cast is what is counted, once.

Hypothesis draws the acts, allowed or not, and the model says which of them must go through. Every
example runs inside a transaction that is taken back.
"""

import os
import random
from collections import Counter
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ballots import journal
from ballots.acts import canvass, cards, casting, lifecycle, roll
from ballots.acts.casting import Receipt
from ballots.acts.paper import issuing
from ballots.facts import outcome, rulings
from ballots.models import AccessCard, Ballot, Envelope, RollEntry, WriteIn
from ballots.pure.rules import Proposal, Selection
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers import papers
from tests.helpers.factories import make_office, make_stage

P = Poll.Phase
PLACES, CANDIDATES, DELEGATES = 3, 5, 6
PROPOSALS = [
    Proposal("夜间公交"),
    Proposal("社区食堂", "为老年人"),
    Proposal("口袋公园", "", "建设局"),
]

delegates = st.integers(0, DELEGATES - 1)
legal = st.builds(
    Selection,
    chosen=st.sets(st.integers(1, CANDIDATES), max_size=2).map(tuple),
    proposals=st.lists(st.sampled_from(PROPOSALS), max_size=1).map(tuple),
)
illegal = st.one_of(
    st.builds(Selection, chosen=st.sets(st.integers(1, 5), min_size=4).map(tuple)),
    st.just(Selection(chosen=(1, 1))),
    st.just(Selection(chosen=(CANDIDATES + 1,))),
    st.just(Selection(chosen=(1,), proposals=(Proposal("候选项目2"),))),
)


def mark(selection: Selection) -> tuple[tuple[int, ...], tuple[Proposal, ...]]:
    return tuple(sorted(selection.chosen)), selection.proposals


class BallotDay(RuleBasedStateMachine):
    """The day of a rehearsal; `cast`, `papers`, `present`, `phase` and more are the model."""

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.stage = stage = make_stage(
            delegates=DELEGATES, candidates=CANDIDATES, places=PLACES, open_it=False
        )
        self.cards = [stage.card(place) for place in range(DELEGATES)]
        # Made before the opening, for accounts that are made while people vote stand on record.
        self.keyers = [make_office(), make_office()]
        roll.mark_absent(stage.poll, numbers=["004", "005", "006"], by=stage.office)
        lifecycle.open_poll(stage.poll, by=stage.office)
        self.present = {0, 1, 2}
        self.cast: dict[int, tuple[Selection, str, Receipt]] = {}
        # What those who were given a paper have written on it.
        self.papers: dict[int, Selection] = {}
        self.are_sealed = False
        self.phase: str = P.OPEN
        self.canvassed = False
        self.entries = self.stage.poll.journal.count()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    @property
    def poll(self) -> Poll:
        return Poll.objects.get(pk=self.stage.poll.pk)

    def step(self, allowed: bool, act: Any, *args: Any, entries: int = 1, **kwargs: Any) -> bool:
        """Take a step of which the model says whether it goes through; tell whether it did."""
        try:
            act(self.poll, *args, **kwargs)
        except Refused:
            assert not allowed, f"{act.__name__} was refused in {self.phase}"
            return False
        assert allowed, f"{act.__name__} went through in {self.phase}"
        self.entries += entries
        return True

    def cast_now(self, place: int, chosen: Selection, token: str, card: AccessCard) -> Any:
        try:
            return casting.cast_ballot(poll=self.poll, card=card, selection=chosen, token=token)
        except Refused as refusal:
            return refusal.code

    def refusal(self, place: int) -> str:
        """Return the code with which a first legal cast must be refused now; empty if it is not."""
        if self.phase != P.OPEN:
            return {P.PAUSED: "paused", P.VOID: "void"}.get(P(self.phase), "closed")
        if place in self.papers:
            return "on-paper"
        return "" if place in self.present else "not-present"

    # --- delegates ---

    @initialize(ballots=st.dictionaries(delegates, legal, max_size=DELEGATES))
    def begin_with_some_ballots(self, ballots: dict[int, Selection]) -> None:
        for place, chosen in ballots.items():
            self.arrive(place)
            self.cast_a_legal_ballot(place, chosen)

    @rule(place=delegates, chosen=legal)
    def cast_a_legal_ballot(self, place: int, chosen: Selection) -> None:
        token = casting.new_token()
        answer = self.cast_now(place, chosen, token, self.cards[place])
        if place in self.cast:
            assert answer == "already-voted"
        elif self.refusal(place):
            assert answer == self.refusal(place)
        else:
            assert isinstance(answer, Receipt)
            self.cast[place] = (chosen, token, answer)

    @rule(place=delegates, chosen=illegal)
    def cast_an_illegal_ballot(self, place: int, chosen: Selection) -> None:
        answer = self.cast_now(place, chosen, casting.new_token(), self.cards[place])
        expected = "already-voted" if place in self.cast else self.refusal(place) or "faults"
        assert answer == expected

    @rule(place=delegates, chosen=legal)
    def send_the_same_form_again(self, place: int, chosen: Selection) -> None:
        if place in self.cast:
            _selection, token, receipt = self.cast[place]
            stripped = self.phase not in {P.OPEN, P.PAUSED}
            answer = self.cast_now(place, chosen, token, self.cards[place])
            assert answer == ("already-voted" if stripped else receipt)

    @rule(place=delegates, chosen=legal)
    def get_a_new_card_and_try_the_old_one(self, place: int, chosen: Selection) -> None:
        old = self.cards[place]
        stage = self.stage
        cards.reissue_card(
            stage.delegates[place], reason="遗失", by=stage.office, second=stage.chief
        )
        self.entries += self.phase in {P.OPEN, P.PAUSED}
        self.cards[place] = stage.card(place)
        answer = self.cast_now(place, chosen, casting.new_token(), old)
        expected = "already-voted" if place in self.cast else self.refusal(place)
        assert answer == (expected or "card-replaced")

    @rule(place=delegates)
    def arrive(self, place: int) -> None:
        allowed = self.phase in {P.OPEN, P.PAUSED}
        number = self.stage.delegates[place].number
        new = place not in self.present
        act = roll.mark_present
        if self.step(allowed, act, numbers=[number], by=self.stage.office, entries=new):
            self.present.add(place)

    @rule(place=delegates, chosen=legal)
    def ask_for_a_paper(self, place: int, chosen: Selection) -> None:
        allowed = self.phase in {P.OPEN, P.PAUSED} and place in self.present
        allowed = allowed and place not in self.cast and place not in self.papers
        stage = self.stage
        act, numbers = issuing.issue_papers, [stage.delegates[place].number]
        if self.step(allowed, act, numbers=numbers, by=stage.office, second=stage.scrutineer):
            self.papers[place] = chosen

    # --- staff ---

    @rule(name=st.sampled_from(["pause", "resume", "close", "canvass", "count", "confirm"]))
    def press_any_button(self, name: str) -> None:
        {
            "pause": self.pause,
            "resume": self.resume,
            "close": self.close_with_a_wrong_figure,
            "canvass": self.close_the_canvass,
            "count": self.count,
            "confirm": self.confirm,
        }[name]()

    @rule()
    def go_on(self) -> None:
        """Take the next step of the day, so that most days come to their end."""
        match self.phase:
            case P.PAUSED:
                self.resume()
            case P.OPEN:
                self.close()
            case P.CLOSED if self.papers and not self.are_sealed:
                self.seal_the_papers()
            case P.CLOSED:
                self.open_the_box_with_some_shares([4, 0, 2])
            case P.OPENED:
                self.let_each_stand_alone()
                self.close_the_canvass()
                self.count()
            case P.COUNTED:
                self.confirm()
            case P.CONFIRMED:
                self.publish()

    def pause(self) -> None:
        act = lifecycle.pause_poll
        if self.step(self.phase == P.OPEN, act, reason="x", by=self.stage.office):
            self.phase = P.PAUSED

    def resume(self) -> None:
        if self.step(self.phase == P.PAUSED, lifecycle.resume_poll, by=self.stage.office):
            self.phase = P.OPEN

    def close_with_a_wrong_figure(self) -> None:
        figure = len(self.cast) + 1
        self.step(False, lifecycle.close_poll, by=self.stage.office, voted=figure)

    def close(self) -> None:
        allowed = self.phase in {P.OPEN, P.PAUSED}
        figure = len(self.cast)
        # Its own entry, and that of who has voted.
        if self.step(allowed, lifecycle.close_poll, by=self.stage.office, voted=figure, entries=2):
            self.phase = P.CLOSED

    def seal_the_papers(self) -> None:
        papers.count(self.stage, len(self.papers))
        papers.key(self.stage, list(self.papers.values()), pair=self.keyers)
        papers.seal(self.stage)
        self.are_sealed = True
        self.entries += 2

    @property
    def in_the_box(self) -> list[Selection]:
        cast = [chosen for chosen, *_rest in self.cast.values()]
        return cast + (list(self.papers.values()) if self.are_sealed else [])

    @rule(places=st.lists(st.integers(0, 4), min_size=1, max_size=5))
    def open_the_box_with_some_shares(self, places: list[int]) -> None:
        enough = len(set(places)) == len(places) >= 3
        texts = [self.stage.shares[place] for place in places]
        allowed = self.phase == P.CLOSED and enough and (self.are_sealed or not self.papers)
        if self.step(allowed, lifecycle.open_box, texts=texts, by=self.stage.scrutineer):
            self.phase = P.OPENED
            self.skip_the_canvass()

    def skip_the_canvass(self) -> None:
        if not WriteIn.objects.exists():
            self.canvassed = True
            self.entries += 1

    @rule(choices=st.randoms(use_true_random=False))
    def rule_on_the_proposals(self, choices: random.Random) -> None:
        if self.phase == P.OPENED and not self.canvassed:
            for write_in in WriteIn.objects.filter(ruling=""):
                write_in.ruling = choices.choice(["alone", "refused", "into-project"])
                write_in.reason = "已有同类项目" if write_in.ruling == "refused" else ""
                if write_in.ruling == "into-project":
                    write_in.into_project = self.poll.projects.get(number=1)
                write_in.save()

    def let_each_stand_alone(self) -> None:
        allowed = self.phase == P.OPENED and not self.canvassed
        waiting = WriteIn.objects.filter(ruling="").exists()
        self.step(allowed, canvass.rule_each_alone, by=self.stage.office, entries=waiting)

    def close_the_canvass(self) -> None:
        ruled = not WriteIn.objects.filter(ruling="").exists()
        allowed = self.phase == P.OPENED and not self.canvassed and ruled
        stage = self.stage
        act = canvass.close_canvass
        if self.step(allowed, act, by=stage.office, second=stage.scrutineer):
            self.canvassed = True

    def count(self) -> None:
        allowed = self.phase == P.OPENED and self.canvassed
        if self.step(allowed, lifecycle.count_poll, by=self.stage.office):
            self.phase = P.COUNTED
            self.compare_the_figures()

    @rule()
    def send_back(self) -> None:
        allowed = self.phase == P.COUNTED
        if self.step(allowed, lifecycle.send_back, reason="有误", by=self.stage.scrutineer):
            self.phase, self.canvassed = P.OPENED, False
            self.skip_the_canvass()

    def confirm(self) -> None:
        act = lifecycle.confirm_result
        if self.step(self.phase == P.COUNTED, act, by=self.stage.scrutineer):
            self.phase = P.CONFIRMED

    def publish(self) -> None:
        allowed = self.phase == P.CONFIRMED
        if self.step(allowed, lifecycle.publish_result, by=self.stage.office, leave_open=True):
            self.phase = P.PUBLISHED

    @rule(sure=st.sampled_from([*[False] * 15, True]))
    def void(self, sure: bool) -> None:
        # Seldom, for little happens afterwards.
        if sure:
            stage = self.stage
            allowed = self.phase not in {P.PUBLISHED, P.VOID}
            act = lifecycle.void_poll
            if self.step(allowed, act, reason="x", by=stage.office, second=stage.chief):
                self.phase = P.VOID

    # --- what must hold after every act ---

    @invariant()
    def the_phase_is_the_models(self) -> None:
        assert self.poll.phase == self.phase

    @invariant()
    def every_voter_has_one_ballot_in_the_box(self) -> None:
        voters = set(RollEntry.objects.filter(voted=True).values_list("number", flat=True))
        assert voters == {self.stage.delegates[place].number for place in self.cast}
        envelopes = set(Envelope.objects.values_list("roll_entry__number", "code"))
        codes = set(self.poll.sealed_ballots.values_list("code", flat=True))
        receipts = {
            self.stage.delegates[place].number: receipt.code
            for place, (_selection, _token, receipt) in self.cast.items()
        }
        if self.phase in {P.OPEN, P.PAUSED}:
            assert (envelopes, codes) == (set(receipts.items()), set())
        else:
            assert not envelopes
            assert codes >= set(receipts.values())
            assert len(codes) == len(self.in_the_box)

    @invariant()
    def the_journal_is_unbroken_and_holds_one_entry_an_act(self) -> None:
        assert journal.first_broken(self.poll) is None
        assert self.poll.journal.count() == self.entries

    @invariant()
    def nothing_is_counted_before_its_time(self) -> None:
        poll = self.poll
        standing = poll.results.filter(sent_back="").count()
        if self.phase != P.VOID:
            assert standing == (self.phase in {P.COUNTED, P.CONFIRMED, P.PUBLISHED})
        if self.phase in {P.OPEN, P.PAUSED, P.CLOSED}:
            assert not Ballot.objects.exists()
            assert not WriteIn.objects.exists()

    @invariant()
    def the_opened_ballots_are_those_that_were_cast(self) -> None:
        if self.phase in {P.OPENED, P.COUNTED, P.CONFIRMED, P.PUBLISHED}:
            texts = {
                str(row.id): Proposal(row.title, row.detail, row.unit)
                for row in WriteIn.objects.all()
            }
            opened = Counter(
                (tuple(ballot.chosen), tuple(texts[text] for text in ballot.write_ins))
                for ballot in Ballot.objects.filter(invalid="")
            )
            assert opened == Counter(map(mark, self.in_the_box))
            assert not Ballot.objects.exclude(invalid="").exists()

    def compare_the_figures(self) -> None:
        """Count the model by hand, under the rulings, and compare."""
        places = rulings.items_of(self.poll)
        by_text = {(row.title, row.detail, row.unit): row for row in WriteIn.objects.all()}
        votes: Counter[str] = Counter()
        for chosen in self.in_the_box:
            items: set[str | None] = {str(number) for number in chosen.chosen}
            for text in chosen.proposals:
                items.add(places[str(by_text[text.title, text.detail, text.unit].id)])
            votes.update(item for item in items if item)
        figures = outcome.standing_result(self.poll).figures
        assert {i["item"]: i["votes"] for i in figures["items"] if i["votes"]} == dict(votes)
        assert figures["turnout"]["valid"] == len(self.in_the_box)
        assert all(check["holds"] for check in figures["checks"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "examples",
    [
        pytest.param(40, marks=pytest.mark.once),
        # Its locks and triggers are others; which order of the acts is right, SQLite has told.
        pytest.param(12, marks=pytest.mark.postgresql),
        pytest.param(400, marks=pytest.mark.long),
    ],
)
def test_whatever_people_do_in_whatever_order_what_was_cast_is_what_is_counted(examples):
    run_state_machine_as_test(
        BallotDay,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            derandomize=os.environ.get("CI") == "true",
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
