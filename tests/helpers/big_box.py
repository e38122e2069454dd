"""A box of any size, filled in a moment: sealed by the code of a cast on every core, written in bulk.

Beside a cast itself it leaves what a cast leaves: the mark on the roll and the envelope. The triggers
watch as ever.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Any

from django.db import transaction
from django.utils import timezone

from ballots.acts import casting, lifecycle, rehearsal
from ballots.facts.keyed import card_mac, envelope_mac, key_check, mark_mac
from ballots.facts.polls import candidates
from ballots.models import (
    AccessCard,
    Delegate,
    Delegation,
    Envelope,
    Register,
    RollEntry,
    rules_of,
)
from ballots.pure import sealing
from projects.models import Poll
from tests.helpers.factories import Stage, make_stage, present_on

# As many rows a statement as both databases take values for, whatever the table.
ROWS = 2000
# Ballots that are sealed and written at a time.
BLOCK = 20_000
FIRST_NUMBER = 100_001


def big_stage(count: int, *, seed: int = 7, open_it: bool = True, **columns: Any) -> Stage:
    """Return an open poll of `count` delegates, all of whom have voted.

    The roll was there when the poll opened, so that its hash holds and the verifier is content. Not
    one of them is among `Stage.delegates`, nor has a card that anybody could sign in with.
    """
    stage = make_stage(delegates=1, open_it=False, **({"delegates_total": count + 1} | columns))
    enrol(stage.poll, count)
    if open_it:
        stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
        fill(stage.poll, count, seed)
    return stage


@transaction.atomic
def enrol(poll: Poll, count: int) -> None:
    """Put `count` more delegates on the register and on the roll of `poll`, present, with cards."""
    Register.objects.locked()
    home, _created = Delegation.objects.get_or_create(name="城区代表团")
    start = FIRST_NUMBER + Delegate.objects.filter(number__gte=str(FIRST_NUMBER)).count()
    issuer = poll.journal.earliest("seq").by
    for begin in range(start, start + count, ROWS):
        people = Delegate.objects.bulk_create(
            Delegate(number=str(n), name=f"代表{n}", delegation=home, position=n - FIRST_NUMBER)
            for n in range(begin, min(begin + ROWS, start + count))
        )
        AccessCard.objects.bulk_create(
            AccessCard(
                delegate=person,
                code_digest=f"code-{person.number}",
                token_digest=f"token-{person.number}",
                issued_by=issuer,
                key_check=key_check(),
                mac=card_mac(person.pk, f"code-{person.number}", f"token-{person.number}"),
            )
            for person in people
        )
        RollEntry.objects.bulk_create(present_on(poll, person) for person in people)


def fill(poll: Poll, count: int, seed: int = 7) -> None:
    """Put `count` sample ballots into the box of an open poll, and mark as many on its roll.

    The same ones for the same arguments, sealed afresh. Those vote who are present and have not; where
    they are too few, others are enrolled first, of whom the hash of the opening knows nothing.
    """
    waiting = poll.roll.filter(present=True, voted=False).order_by("pk")
    missing = count - waiting.count()
    if missing > 0:
        enrol(poll, missing)
    with sealers(poll) as seal:
        for begin in range(0, count, BLOCK):
            many = min(BLOCK, count - begin)
            sample = rehearsal.sample_ballots(
                many, rules_of(poll), candidates(poll), seed=seed + begin
            )
            voters = list(waiting[:many])
            with transaction.atomic():
                write(poll, voters, seal(sample))


@contextmanager
def sealers(poll: Poll) -> Iterator[Any]:
    """Yield what seals many selections to the box of `poll` on every core, in their order."""
    box = poll.box
    seal = partial(
        sealing.seal,
        public_key=bytes(box.public_key),
        poll=poll.uuid,
        size=box.ballot_size,
    )
    # A fresh interpreter each: whoever forks beside threads and connections takes their locks along.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield partial(pool.map, seal, chunksize=250)


def write(poll: Poll, voters: list[RollEntry], ballots: Iterator[bytes]) -> None:
    """Put a ballot of each of `voters` into the box, and mark them, as casts would have done."""
    now = timezone.now()
    waiting = zip(voters, ballots, strict=True)
    for begin in range(0, len(voters), ROWS):
        part = voters[begin : begin + ROWS]
        Envelope.objects.bulk_create(
            envelope_of(poll, entry, sealed)
            for _, (entry, sealed) in zip(part, waiting, strict=False)
        )
        for entry in part:
            entry.voted, entry.voted_at = True, now
            entry.mac = mark_mac(poll.uuid, entry.delegate_id, entry.number)
        RollEntry.objects.bulk_update(part, ["voted", "voted_at", "mac"], batch_size=200)


def envelope_of(poll: Poll, entry: RollEntry, sealed: bytes) -> Envelope:
    """Return the unsaved envelope of any bytes, as this server would store it."""
    receipt = sealing.receipt(poll=poll.uuid, sealed=sealed)
    return Envelope(
        roll_entry=entry,
        poll=poll,
        sealed=sealed,
        receipt=receipt,
        code=sealing.receipt_code(receipt),
        token=casting.new_token(),
        mac=envelope_mac(poll.uuid, entry.delegate_id, entry.number, receipt),
    )
