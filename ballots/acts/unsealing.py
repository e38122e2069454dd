"""What is in the box: every sealed ballot is opened and none dropped; nothing tells an order.

Ballots come out in the order of their receipts, which a look-up joins to whoever holds one. In that
order they are kept in memory alone, and never in a table of the way: its freed pages, and a
database's files for sorting, would keep receipt and choices side by side.
"""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, cast
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from ballots.acts.ceremony import recover_key
from ballots.facts.polls import candidates
from ballots.models import Ballot, WriteIn, rules_of
from ballots.pure import sealing
from ballots.pure.opening import Interrupted, Opened, Opener, opened
from ballots.pure.progress import Watch, unwatched, watched
from ballots.pure.rules import AS_CAST, STRICT, Proposal
from ballots.refusal import Refusals
from projects.models import Poll

refused = Refusals(
    {
        "interrupted": _("开箱中断，票箱没有开启，也没有留下任何内容。请再办理一次。"),
    }
)

REASONS = {
    "not-opened": Ballot.Invalid.NOT_OPENED,
    "other-poll": Ballot.Invalid.OTHER_POLL,
    "rules": Ballot.Invalid.RULES,
}
# What is known of a ballot that stays closed.
NOTHING = Opened("", "set-apart")
KEY_SIZE = 16
# Random keys that are drawn at a time: each draw asks the system.
DRAWN = 1000
# Sealed ballots that are fetched at a time, and opened ones that are written.
FETCHED = 500
WRITTEN = 5000

# Rows of text that stands as it is stored, and not Django's objects: these took two fifths of the
# time of the process that leads an opening.
COPY = """
COPY ballots_ballot (id, poll_id, invalid, chosen, fair, against, write_ins) FROM STDIN
"""
INSERT = """
INSERT INTO ballots_ballot (id, poll_id, invalid, chosen, fair, against, write_ins)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
# Between the lists of a ballot, in no list.
NEXT = ";"
NONE = "[]"


@dataclass
class Contents:
    """What was in a box, in little memory: some eighty bytes a ballot.

    `ballots` holds for each a fresh random key and then, as text, why it is invalid, or by NEXT the
    lists that it is for, fairly for and against and those `spellings` which it proposes, by their place.
    """

    ballots: list[bytes] = field(default_factory=list)
    invalid: int = 0
    spellings: dict[Proposal, int] = field(default_factory=dict)
    written: Counter[Proposal] = field(default_factory=Counter)
    # Whether some ballot holds two proposals that nobody can tell apart.
    has_twins: bool = False
    keys: Iterator[bytes] = field(default_factory=lambda: _keys())

    def add(self, ballot: Opened, invalid: str) -> None:
        if invalid:
            self.invalid += 1
            said = invalid
        else:
            places = [self._place(Proposal(*words)) for words in ballot.proposals]
            if len(places) > 1:
                seen = {_seen(Proposal(*words)) for words in ballot.proposals}
                self.has_twins |= len(seen) < len(places)
            said = NEXT.join(map(_list, (ballot.chosen, ballot.fair, ballot.against, places)))
        self.ballots.append(next(self.keys) + said.encode())

    def _place(self, proposal: Proposal) -> int:
        self.written[proposal] += 1
        return self.spellings.setdefault(proposal, len(self.spellings))


def _list(numbers: Sequence[int]) -> str:
    """Return a list of numbers in the words of JSON, as Django stores it."""
    return f"[{', '.join(map(str, numbers))}]"


def _keys() -> Iterator[bytes]:
    while True:
        drawn = secrets.token_bytes(KEY_SIZE * DRAWN)
        for start in range(0, len(drawn), KEY_SIZE):
            yield UUID(bytes=drawn[start : start + KEY_SIZE], version=4).bytes


def unseal(poll: Poll, texts: Sequence[str], watch: Watch = unwatched) -> Contents:
    """Open every sealed ballot with the typed shares; none is dropped (design §5.5).

    What the close has set apart stays closed, and comes out invalid.

    A copy of another is found over the whole box: the first by receipt stays what it is. Raises
    Refused, also where a process that opened ballots has died.
    """
    key = recover_key(poll, texts)
    contents = Contents()
    nonces: set[bytes] = set()
    try:
        for ballot in _opened(poll, key, watch):
            nonce = bytes.fromhex(ballot.nonce)
            if nonce and nonce in nonces:
                contents.add(ballot, Ballot.Invalid.REPEATED)
            else:
                contents.add(ballot, _reason(ballot))
            nonces.add(nonce)
        for _apart in range(poll.sealed_ballots.filter(set_apart=True).count()):
            contents.add(NOTHING, Ballot.Invalid.SET_APART)
    except Interrupted:
        raise refused("interrupted") from None
    return contents


def _opened(poll: Poll, key: sealing.PrivateKey, watch: Watch) -> Iterator[Opened]:
    """Yield what each sealed ballot holds, in the order of receipts."""
    opener = Opener(key.seed, poll.uuid, rules_of(poll), dict(candidates(poll)))
    inside = poll.sealed_ballots.filter(set_apart=False)
    rows = inside.order_by("receipt").values_list("sealed", flat=True)
    whole = rows.count()
    sealed = cast("Generator[memoryview | bytes, None, None]", rows.iterator(FETCHED))
    # Closed in every case and while the transaction lasts: that ends the processes which open a
    # large box, and the cursor from which they are fed.
    with closing(sealed), closing(opened(map(bytes, sealed), opener, whole=whole)) as found:
        yield from watched(found, whole, watch)


def _reason(ballot: Opened) -> str:
    if not ballot.fault:
        return Ballot.Invalid.VALID
    return REASONS.get(ballot.fault, Ballot.Invalid.MALFORMED)


# --- proposals ------------------------------------------------------------------------------------


def distinct(poll: Poll, contents: Contents) -> dict[Proposal, WriteIn]:
    """Return, for each spelling of a proposal, the unsaved write-in of its text, numbered at random.

    The text of a write-in stands on a ballot, sign by sign: that is what the verifier compares.
    """
    same = _sameness(contents)
    spellings: dict[tuple[str, ...], Counter[Proposal]] = {}
    for proposal, times in contents.written.items():
        spellings.setdefault(same(proposal), Counter())[proposal] = times
    groups = {WriteIn(poll=poll, **asdict(_usual(group))): group for group in spellings.values()}
    # In the order of their random keys.
    for number, write_in in enumerate(sorted(groups, key=lambda write_in: write_in.id), start=1):
        write_in.number = number
    return {proposal: write_in for write_in, group in groups.items() for proposal in group}


def _sameness(contents: Contents) -> Callable[[Proposal], tuple[str, ...]]:
    """Return what makes two proposals one: what can be seen of their texts (design §4.1).

    A ballot that was cast before that was so may hold two which only unseen signs tell apart, each
    in a place of its own. Then they stay two in the whole poll, and the canvass makes them one.
    """
    return _as_cast if contents.has_twins else _seen


def _seen(proposal: Proposal) -> tuple[str, ...]:
    return tuple(map(STRICT.folded, proposal.texts))


def _as_cast(proposal: Proposal) -> tuple[str, ...]:
    return tuple(map(AS_CAST.folded, proposal.texts))


def _usual(spellings: Counter[Proposal]) -> Proposal:
    """Return the spelling written most often, else the shortest; never the one that came first."""
    return min(
        spellings,
        key=lambda words: (-spellings[words], len("".join(words.texts)), words.texts),
    )


# --- ballots --------------------------------------------------------------------------------------


def write(poll: Poll, contents: Contents) -> int:
    """Write what was in the box: ballots in the order of their random keys, each text once.

    Returns how many distinct proposals there are.
    """
    found = distinct(poll, contents)
    # In the order in which they were found, the first text would lie where the first receipt does.
    numbered = sorted(set(found.values()), key=lambda write_in: write_in.number)
    WriteIn.objects.bulk_create(numbered, batch_size=WRITTEN)
    ids = [str(found[proposal].id) for proposal in contents.spellings]
    contents.ballots.sort()
    _store(_rows(poll, contents.ballots, ids))
    return len(numbered)


def _store(rows: Iterator[Sequence[Any]]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            while batch := list(islice(rows, WRITTEN)):
                cursor.executemany(INSERT, batch)
            return
        with cursor.copy(COPY) as copy:
            for row in rows:
                copy.write_row(row)
        # The count comes before the server looks by itself, and would be planned for an empty table.
        cursor.execute("ANALYZE ballots_ballot")


def _rows(poll: Poll, ballots: Iterable[bytes], ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield each ballot by its columns, as both statements take it."""
    for ballot in ballots:
        key, said = ballot[:KEY_SIZE].hex(), ballot[KEY_SIZE:].decode()
        invalid, lists = (said, [NONE] * 4) if NEXT not in said else ("", said.split(NEXT))
        chosen, fair, against, places = lists
        if places != NONE:
            places = json.dumps(sorted(ids[place] for place in json.loads(places)))
        yield key, poll.pk, invalid, chosen, fair, against, places
