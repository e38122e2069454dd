"""Sealing the papers into the box, where paper and phone are one from then on (design §5.8)."""

import secrets

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.facts.kept import is_on_record, kept_of
from ballots.facts.paper.given import papers_of
from ballots.facts.paper.keyed import Bundle, bundles_of, forged
from ballots.models import BallotBox, PaperBundle, SealedBallot
from ballots.pure import keying, sealing
from ballots.pure.progress import Watch, unwatched, watched
from ballots.refusal import Refusals, demand_office, demand_second, locked
from projects.models import Poll

refused = Refusals(
    {
        "not-closed": _("没有封存：只有截止投票后、开箱前可以把纸质票封存入箱。"),
        "no-papers": _("没有封存：没有要封存的纸质票。"),
        "not-counted": _("没有封存：请先清点并宣布纸质票的发出和收回张数。"),
        "more-returned": _("没有封存：收回的纸质票多于发出的，本次表决无效，请宣布本次票决作废。"),
        "not-read": _("没有封存：还有%(count)d张没有由两人录入一致，或没有认定。"),
        "forged": _(
            "没有封存：第%(bundle)d扎第%(place)d张的录入不是本系统记下的，请联系技术人员，查明后重新录入。"
        ),
        "unlike-record": _(
            "没有封存：票箱中的表决票与截止时的记录不符，请联系技术人员；"
            "查不清的，请宣布本次票决作废。"
        ),
        "key-changed": _("没有封存：票箱公钥与开始投票时记录的不符，请立即联系技术人员。"),
    }
)
# As many rows as one statement takes.
WRITTEN = 500


@transaction.atomic
def seal_papers(poll: Poll, *, by: User, second: User | None, watch: Watch = unwatched) -> int:
    """Seal what was read on all papers into the box, wipe it, and return how many ballots it holds.

    The box is laid anew, in the order of receipts, so that no row tells which came on paper. The
    entry has numbers and root before and after; the salt of the root before goes, so that nobody
    finds it by trying which receipts were there. A scrutineer signs. `storage.rewrite_storage`
    belongs after this step. Raises Refused.
    """
    demand_office(by)
    second = demand_second(by, second)
    poll = locked(poll, Poll.Phase.CLOSED, code="not-closed", words=refused)
    bundles = _read(poll)
    if not is_on_record(poll.pk, bytes(poll.box.public_key)):
        raise refused("key-changed")
    before, root_before = _box(poll)
    closed = poll.journal.get(kind=journal.Kind.CLOSED)
    if (closed.data["ballots"], closed.data["receipts"]) != (before, root_before):
        raise refused("unlike-record")
    selections = [
        keying.outcome_of(bundle.reads[place]) for bundle in bundles for place in bundle.places
    ]
    # In no order that tells in which they lay on the table.
    secrets.SystemRandom().shuffle(selections)
    kept = kept_of(poll)
    fresh = [
        sealing.seal(selection, public_key=kept.public_key, poll=poll.uuid, size=kept.ballot_size)
        for selection in watched(selections, len(selections), watch)
    ]
    _lay_anew(poll, fresh)
    BallotBox.objects.filter(poll=poll).update(paper_salt="")
    after, root = _box(poll, salted=False)
    keyers = sorted({keyer for bundle in bundles for keyer in bundle.keyers})
    PaperBundle.objects.filter(poll=poll).delete()
    data = {
        "before": before,
        "receipts_before": root_before,
        "papers": len(selections),
        "invalid": selections.count(keying.SPOILT),
        "ballots": after,
        "receipts": root,
        "keyers": keyers,
    }
    journal.append(poll, journal.Kind.PAPERS_SEALED, by=by, second=second, data=data)
    return after


def _read(poll: Poll) -> list[Bundle]:
    """Return the bundles of `poll`, all of whose papers are read; raises Refused else."""
    papers = papers_of(poll)
    if not papers.are_out:
        raise refused("no-papers")
    if papers.returned is None:
        raise refused("not-counted")
    if papers.are_too_many:
        raise refused("more-returned")
    bundles = bundles_of(poll)
    read = sum(bundle.states["read"] for bundle in bundles)
    if read != papers.returned:
        raise refused("not-read", count=papers.returned - read)
    for reading in forged(poll):
        raise refused("forged", bundle=reading.bundle.number, place=reading.place)
    return bundles


def _box(poll: Poll, *, salted: bool = True) -> tuple[int, str]:
    """Return how many sealed ballots there are, and the root of their receipts."""
    receipts = poll.sealed_ballots.order_by("receipt").values_list("receipt", flat=True)
    root = sealing.receipts_root(receipts.iterator())
    if salted:
        root = sealing.salted_root(root, BallotBox.objects.get(poll=poll).paper_salt)
    return receipts.count(), root


def _lay_anew(poll: Poll, fresh: list[bytes]) -> None:
    """Take the box out and put all of it back, with the `fresh` ballots, in the order of receipts."""
    rows = list(poll.sealed_ballots.all())
    for sealed in fresh:
        receipt = sealing.receipt(poll=poll.uuid, sealed=sealed)
        code = sealing.receipt_code(receipt)
        rows.append(SealedBallot(receipt=receipt, poll=poll, code=code, sealed=sealed))
    rows.sort(key=lambda row: row.receipt)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ballots_sealedballot WHERE poll_id = %s", [poll.pk])
    SealedBallot.objects.bulk_create(rows, batch_size=WRITTEN)
