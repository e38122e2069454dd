"""The key of the box: made in shares, tested, and put together again to open it (design §5.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots import journal, roles
from ballots.facts import keyed
from ballots.models import BallotBox
from ballots.pure import sealing, shares
from ballots.pure.rules import Selection
from ballots.refusal import Refusals, Refused, demand_any_office, demand_second, locked
from projects.models import Poll
from yiwu_vote.texts import name_key, typed_within

refused = Refusals(
    {
        "not-draft": _("投票已开始，不能再生成密钥。"),
        "no-key": _("本次票决还没有生成密钥。"),
        "holders": _("请填写每位保管人的姓名，不能重复。"),
        "clerk-holds": _("简易方式下，保管人不能是经办人本人。"),
        "threshold": _(
            "份数不符合要求：开箱所需份数至少为2，且总份数不少于其2倍减1；简易方式固定为2份、任一份可开启。"
        ),
        "second-needed": _("试开须有一名监票人在场签名。"),
        "wrong-key": _("这些份额合成的密钥与票箱不符，请检查是否用了旧的份额。"),
    }
)


# As many characters as the name of a delegate may have.
HOLDER_LIMIT = 30
# Bytes of the trial ballot that tests a key; it holds nothing.
TRIAL_SIZE = 256


@dataclass(frozen=True)
class Sheet:
    """One holder's printed share; it exists only in the answer to the request that made it.

    `key` are the signs of the public key, which the opening page and the hall's screen show again.
    """

    holder: str
    text: str
    key: str


@transaction.atomic
def make_key(poll: Poll, *, holders: Sequence[str], threshold: int, by: User) -> list[Sheet]:
    """Make a new key for the box of a draft poll and return the shares, one a holder.

    The server keeps the public key and a commitment to each share. An earlier key of the poll is
    void from now on, and must be tested anew. Raises Refused.
    """
    demand_any_office(by)
    poll = locked(poll, Poll.Phase.DRAFT, code="not-draft", words=refused)
    names = [typed_within(name, HOLDER_LIMIT) for name in holders]
    if not all(0 < len(name) <= HOLDER_LIMIT for name in names):
        raise refused("holders")
    if len(set(map(name_key, names))) != len(names):
        raise refused("holders")
    if poll.simple:
        if (threshold, len(names)) != (1, 2):
            raise refused("threshold")
        if any(roles.is_named(by, name) for name in names):
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
    # In an entry of its own, for it stays out of the public package.
    named, digest = keyed.withheld(poll.uuid, "holders", names)
    journal.append(poll, journal.Kind.HOLDERS_NAMED, by=by, data=named)
    journal.append(
        poll,
        journal.Kind.KEY_MADE,
        by=by,
        data={
            "ceremony": ceremony,
            "suite": box.suite,
            "public_key": sealing.key_digest(public_key),
            "threshold": threshold,
            "holders": digest,
            "commitments": box.commitments,
        },
    )
    return [
        Sheet(
            holder=name,
            text=shares.to_text(part, poll=poll.uuid, ceremony=ceremony),
            key=sealing.key_code(public_key),
        )
        for name, part in zip(names, parts, strict=True)
    ]


@transaction.atomic
def test_key(
    poll: Poll,
    *,
    texts: Sequence[str],
    by: User,
    second: User | None = None,  # noqa: PT028  # an act, no test of pytest
) -> BallotBox:
    """Open a blank trial ballot with the typed shares; without this a poll cannot open.

    Of a real poll a scrutineer has watched it and signs, as `by` or as `second`: one clerk alone
    could else make a key and keep it. Raises Refused, which names the share that is wrong.
    """
    demand_any_office(by)
    poll = locked(poll, Poll.Phase.DRAFT, code="not-draft", words=refused)
    if second is not None or not (poll.is_rehearsal or roles.is_scrutineer(by)):
        second = demand_second(by, second, words=refused)
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
    journal.append(
        poll,
        journal.Kind.KEY_TESTED,
        by=by,
        second=second,
        data={
            "ceremony": box.ceremony,
            "public_key": sealing.key_digest(bytes(box.public_key)),
        },
    )
    return box


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
