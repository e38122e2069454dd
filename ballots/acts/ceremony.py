"""The key of the box: made in shares, tested, and put together again to open it (DESIGN §5.1)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from ballots import journal
from ballots.models import Ballot, BallotBox, WriteIn, rules_of
from ballots.pure import chain, sealing, shares
from ballots.pure.rules import Proposal, Selection, faults, folded
from ballots.refusal import Refusals, Refused, demand_any_office, locked
from projects.models import Poll

refused = Refusals(
    {
        "not-draft": _("投票已开始，不能再生成密钥。"),
        "no-key": _("本次票决还没有生成密钥。"),
        "holders": _("请填写每位保管人的姓名，不能重复。"),
        "clerk-holds": _("简易方式下，保管人不能是经办人本人。"),
        "threshold": _(
            "份数不符合要求：开箱所需份数至少为2，且总份数不少于其2倍减1；简易方式固定为2份、任一份可开启。"
        ),
        "wrong-key": _("这些份额合成的密钥与票箱不符，请检查是否用了旧的份额。"),
    }
)


# Bytes of the trial ballot that tests a key; it holds nothing.
TRIAL_SIZE = 256


@dataclass(frozen=True)
class Sheet:
    """One holder's printed share; it exists only in the answer to the request that made it."""

    holder: str
    text: str


@sensitive_variables()
@transaction.atomic
def make_key(poll: Poll, *, holders: Sequence[str], threshold: int, by: User) -> list[Sheet]:
    """Make a new key for the box of a draft poll and return the shares, one a holder.

    The server keeps the public key and a commitment to each share. An earlier key of the poll is
    void from now on, and must be tested anew. Raises Refused.
    """
    demand_any_office(by)
    poll = locked(poll, Poll.Phase.DRAFT, code="not-draft", words=refused)
    names = [name.strip() for name in holders]
    if not all(names) or len(set(names)) != len(names):
        raise refused("holders")
    if poll.simple:
        if (threshold, len(names)) != (1, 2):
            raise refused("threshold")
        if by.get_full_name() in names or by.get_username() in names:
            raise refused("clerk-holds")
    elif threshold < 2 or not 2 * threshold - 1 <= len(names) <= shares.HOLDERS_LIMIT:
        raise refused("threshold")
    before = BallotBox.objects.filter(poll=poll).first()
    ceremony = before.ceremony + 1 if before else 1
    seed = sealing.new_seed()
    parts = shares.split(seed, threshold=threshold, holders=len(names))
    public_key = sealing.derive(seed, poll=poll.uuid).public
    box, _created = BallotBox.objects.update_or_create(
        poll=poll,
        defaults={
            "ceremony": ceremony,
            "suite": sealing.SUITE,
            "public_key": public_key,
            "threshold": threshold,
            "holders": names,
            "commitments": [
                shares.commitment(part, poll=poll.uuid, ceremony=ceremony) for part in parts
            ],
            "made_at": timezone.now(),
            "tested_at": None,
            "ballot_size": 0,
        },
    )
    journal.append(
        poll,
        "key-made",
        by=by,
        data={
            "ceremony": ceremony,
            "suite": box.suite,
            "public_key": chain.digest("public-key", public_key),
            "threshold": threshold,
            "holders": names,
            "commitments": box.commitments,
        },
    )
    return [
        Sheet(holder=name, text=shares.to_text(part, poll=poll.uuid, ceremony=ceremony))
        for name, part in zip(names, parts, strict=True)
    ]


@sensitive_variables()
@transaction.atomic
def test_key(poll: Poll, *, texts: Sequence[str], by: User) -> BallotBox:
    """Open a blank trial ballot with the typed shares; without this a poll cannot open.

    Raises Refused, which names the share that is wrong.
    """
    demand_any_office(by)
    poll = locked(poll, Poll.Phase.DRAFT, code="not-draft", words=refused)
    key = recover_key(poll, texts)
    box = poll.box
    trial = sealing.seal(
        Selection(), public_key=bytes(box.public_key), poll=poll.uuid, size=TRIAL_SIZE
    )
    opened, _nonce = sealing.unseal(trial, key=key, poll=poll.uuid)
    if opened != Selection():
        raise refused("wrong-key")
    box.tested_at = timezone.now()
    box.save(update_fields=["tested_at"])
    journal.append(poll, "key-tested", by=by, data={"ceremony": box.ceremony})
    return box


@sensitive_variables()
def recover_key(poll: Poll, texts: Sequence[str]) -> sealing.PrivateKey:
    """Return the private key that the typed shares make, or raise Refused."""
    box = BallotBox.objects.filter(poll=poll).first()
    if box is None:
        raise refused("no-key")
    try:
        seed = shares.recover(
            texts,
            poll=poll.uuid,
            ceremony=box.ceremony,
            threshold=box.threshold,
            commitments=box.commitments,
        )
    except shares.ShareRefused as refusal:
        raise Refused(refusal.code, str(refusal), position=refusal.position) from None
    key = sealing.derive(seed, poll=poll.uuid)
    if key.public != bytes(box.public_key):
        raise refused("wrong-key")
    return key


@sensitive_variables()
def unseal(poll: Poll, texts: Sequence[str]) -> tuple[list[Ballot], list[WriteIn]]:
    """Open every sealed ballot with the typed shares; none is dropped (DESIGN §5.5).

    Returns unsaved ballots in the order of fresh random keys and one write-in for each distinct
    proposal, numbered in random order. Raises Refused.
    """
    opened = _opened(poll, recover_key(poll, texts))
    write_ins = _distinct(poll, [selection for selection, _invalid in opened if selection])
    ballots = [_ballot(poll, selection, invalid, write_ins) for selection, invalid in opened]
    # In the order in which they were found, the first text would lie where the first receipt does.
    numbered = sorted(write_ins.values(), key=lambda write_in: write_in.number)
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
        elif faults(selection, rules, titles):
            opened.append((None, Ballot.Invalid.RULES))
        else:
            opened.append((selection, Ballot.Invalid.VALID))
        nonces.add(nonce)
    return opened


def _distinct(poll: Poll, selections: list[Selection]) -> dict[tuple[str, str, str], WriteIn]:
    """Return one write-in for each distinct text, numbered in the order of its random key."""
    spellings: dict[tuple[str, str, str], Counter[Proposal]] = {}
    for selection in selections:
        for proposal in selection.proposals:
            spellings.setdefault(_same(proposal), Counter())[proposal] += 1
    write_ins = {
        same: WriteIn(poll=poll, **asdict(_usual(counts))) for same, counts in spellings.items()
    }
    for number, write_in in enumerate(
        sorted(write_ins.values(), key=lambda write_in: write_in.id), start=1
    ):
        write_in.number = number
    return write_ins


def _usual(spellings: Counter[Proposal]) -> Proposal:
    """Return the spelling written most often, else the shortest; never the one that came first."""
    return min(
        spellings,
        key=lambda words: (-spellings[words], len("".join(astuple(words))), astuple(words)),
    )


def _same(proposal: Proposal) -> tuple[str, str, str]:
    return folded(proposal.title), folded(proposal.detail), folded(proposal.unit)


def _ballot(
    poll: Poll,
    selection: Selection | None,
    invalid: str,
    write_ins: dict[tuple[str, str, str], WriteIn],
) -> Ballot:
    if selection is None:
        return Ballot(poll=poll, invalid=invalid)
    return Ballot(
        poll=poll,
        chosen=sorted(selection.chosen),
        against=sorted(selection.against),
        write_ins=sorted(str(write_ins[_same(proposal)].id) for proposal in selection.proposals),
    )
