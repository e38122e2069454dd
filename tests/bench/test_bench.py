"""What costs what, as ratios taken side by side in one run: machines are noisy."""

import random
import time
from collections import Counter
from collections.abc import Callable
from itertools import chain
from uuid import uuid4

import pytest

from ballots.acts import casting
from ballots.models import Envelope
from ballots.pure import sealing
from ballots.pure.rules import Rules
from ballots.pure.tally import Turnout, paper, tally
from tests.helpers.factories import make_stage, selection

pytestmark = pytest.mark.bench


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def say(line: str) -> None:
    print(f"\n  {line}", end="")  # -s shows it


def test_sealing_beside_opening():
    poll, seed = uuid4(), sealing.new_seed()
    key = sealing.derive(seed, poll=poll)
    size = sealing.padded_size(Rules(places=10), range(1, 13))
    ballots: list[bytes] = []

    def seal() -> None:
        ballots.extend(
            sealing.seal(selection(1, 2, 3), public_key=key.public, poll=poll, size=size)
            for _ in range(1000)
        )

    sealed = seconds(seal)
    opened = seconds(lambda: [sealing.unseal(b, key=key, poll=poll) for b in ballots])
    say(f"seal {1000 / sealed:.0f}/s, open {1000 / opened:.0f}/s, {len(ballots[0])} bytes each")


def test_the_tally_beside_a_counter():
    picks = random.Random(1)
    votes = [tuple(sorted(picks.sample(range(1, 13), 10))) for _ in range(100_000)]
    bare = seconds(lambda: Counter(chain.from_iterable(votes)))
    turnout = Turnout(roll=100_000, present=100_000, issued=100_000, voted=100_000)

    def count() -> None:
        tally(
            (paper(chosen=vote, rulings={}) for vote in votes),
            items=[str(n) for n in range(1, 13)],
            rules=Rules(places=10, delegates_total=100_000),
            turnout=turnout,
        )

    whole = seconds(count)
    say(f"100,000 ballots: Counter {bare:.3f} s, tally {whole:.3f} s, ratio {whole / bare:.1f}")


@pytest.mark.django_db(transaction=True)
def test_a_cast_beside_a_bare_insert():
    day = make_stage(delegates=350)
    cards = [day.card(place) for place in range(350)]

    def cast() -> None:
        for card in cards[:175]:
            casting.cast_ballot(
                poll=day.poll,
                card=card,
                selection=selection(1, 2, 3),
                token=casting.new_token(),
            )

    sealed = bytes(4464)

    def insert() -> None:
        for place in range(175, 350):
            Envelope.objects.create(
                roll_entry=day.entry(place),
                poll=day.poll,
                sealed=sealed,
                receipt=f"{place:064}",
                code=f"{place:016}",
                token="token",
            )

    whole, bare = seconds(cast), seconds(insert)
    say(f"cast {175 / whole:.0f}/s, bare insert {175 / bare:.0f}/s, ratio {whole / bare:.2f}")
