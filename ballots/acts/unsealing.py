"""What is in the box: every sealed ballot is opened and none dropped; nothing tells an order."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple

from ballots.acts.ceremony import recover_key
from ballots.models import Ballot, WriteIn, rules_of
from ballots.pure import sealing
from ballots.pure.rules import AS_CAST, STRICT, Proposal, Selection, faults
from projects.models import Poll


def unseal(poll: Poll, texts: Sequence[str]) -> tuple[list[Ballot], list[WriteIn]]:
    """Open every sealed ballot with the typed shares; none is dropped (design §5.5).

    Returns unsaved ballots in the order of fresh random keys and one write-in for each distinct
    proposal, numbered in random order. Raises Refused.
    """
    opened = _opened(poll, recover_key(poll, texts))
    write_ins = _distinct(poll, [selection for selection, _invalid in opened if selection])
    ballots = [_ballot(poll, selection, invalid, write_ins) for selection, invalid in opened]
    # In the order in which they were found, the first text would lie where the first receipt does.
    numbered = sorted(set(write_ins.values()), key=lambda write_in: write_in.number)
    return sorted(ballots, key=lambda ballot: ballot.id), numbered


def _opened(poll: Poll, key: sealing.PrivateKey) -> list[tuple[Selection | None, str]]:
    """Return what each sealed ballot holds and why it is invalid (empty for a valid one)."""
    rules, titles = rules_of(poll), dict(poll.projects.values_list("number", "title"))
    reasons = {
        "not-opened": Ballot.Invalid.NOT_OPENED,
        "other-poll": Ballot.Invalid.OTHER_POLL,
    }
    nonces: set[str] = set()
    opened: list[tuple[Selection | None, str]] = []
    for row in poll.sealed_ballots.order_by("receipt"):
        try:
            selection, nonce = sealing.unseal(bytes(row.sealed), key=key, poll=poll.uuid)
        except sealing.NotABallot as refusal:
            opened.append((None, reasons.get(refusal.code, Ballot.Invalid.MALFORMED)))
            continue
        if nonce in nonces:
            opened.append((None, Ballot.Invalid.REPEATED))
        elif faults(selection, rules, titles, reading=AS_CAST):
            opened.append((None, Ballot.Invalid.RULES))
        else:
            opened.append((selection, Ballot.Invalid.VALID))
        nonces.add(nonce)
    return opened


def _distinct(poll: Poll, selections: list[Selection]) -> dict[Proposal, WriteIn]:
    """Return, for each spelling of a proposal, the write-in of its text, numbered at random.

    The text of a write-in stands on a ballot, sign by sign: that is what the verifier compares.
    """
    same = _sameness(selections)
    spellings: dict[tuple[str, ...], Counter[Proposal]] = {}
    for selection in selections:
        for proposal in selection.proposals:
            spellings.setdefault(same(proposal), Counter())[proposal] += 1
    groups = {WriteIn(poll=poll, **asdict(_usual(group))): group for group in spellings.values()}
    # In the order of their random keys.
    for number, write_in in enumerate(sorted(groups, key=lambda write_in: write_in.id), start=1):
        write_in.number = number
    return {proposal: write_in for write_in, group in groups.items() for proposal in group}


def _sameness(selections: list[Selection]) -> Callable[[Proposal], tuple[str, ...]]:
    """Return what makes two proposals one: what can be seen of their texts (design §4.1).

    A ballot that was cast before that was so may hold two which only unseen signs tell apart, each
    in a place of its own. Then they stay two in the whole poll, and the canvass makes them one.
    """
    for selection in selections:
        if len(set(map(_seen, selection.proposals))) < len(selection.proposals):
            return _as_cast
    return _seen


def _seen(proposal: Proposal) -> tuple[str, ...]:
    return tuple(map(STRICT.folded, astuple(proposal)))


def _as_cast(proposal: Proposal) -> tuple[str, ...]:
    return tuple(map(AS_CAST.folded, astuple(proposal)))


def _usual(spellings: Counter[Proposal]) -> Proposal:
    """Return the spelling written most often, else the shortest; never the one that came first."""
    return min(
        spellings,
        key=lambda words: (-spellings[words], len("".join(astuple(words))), astuple(words)),
    )


def _ballot(
    poll: Poll,
    selection: Selection | None,
    invalid: str,
    write_ins: dict[Proposal, WriteIn],
) -> Ballot:
    if selection is None:
        return Ballot(poll=poll, invalid=invalid)
    return Ballot(
        poll=poll,
        chosen=sorted(selection.chosen),
        against=sorted(selection.against),
        write_ins=sorted(str(write_ins[proposal].id) for proposal in selection.proposals),
    )
