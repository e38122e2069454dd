"""Papers of a small vote: given out, counted, keyed by two people, sealed into the box."""

from collections.abc import Sequence

from django.contrib.auth.models import User

from ballots.acts.paper import issuing, keying, sealing
from ballots.models import BUNDLE_LIMIT
from ballots.pure.keying import Read
from ballots.pure.rules import Selection
from tests.helpers.factories import Stage, make_office


def issue(stage: Stage, *places: int) -> int:
    """Give a paper to the delegates at these places."""
    numbers = [stage.delegates[place].number for place in places]
    return issuing.issue_papers(
        stage.poll, numbers=numbers, by=stage.office, second=stage.scrutineer
    )


def count(stage: Stage, returned: int, *, unused: int = 0) -> None:
    issuing.count_papers(
        stage.poll, returned=returned, unused=unused, by=stage.office, second=stage.scrutineer
    )


def key(
    stage: Stage, papers: Sequence[Selection | str], *, pair: Sequence[User] = ()
) -> Sequence[User]:
    """Let two people, newly made where none are named, key all `papers` alike; a text is a doubt."""
    pair = pair or [make_office(), make_office()]
    for keyer in pair:
        for place, paper in enumerate(papers):
            if place % BUNDLE_LIMIT == 0:
                bundle, _side = keying.take_bundle(stage.poll, by=keyer)
            read = Read(Selection(), paper) if isinstance(paper, str) else Read(paper)
            number, at = bundle.number, place % BUNDLE_LIMIT + 1
            keying.record_reading(stage.poll, bundle=number, place=at, read=read, by=keyer)
    return pair


def seal(stage: Stage) -> int:
    return sealing.seal_papers(stage.poll, by=stage.office, second=stage.scrutineer)


def hold_papers(stage: Stage, papers: Sequence[Selection]) -> None:
    """Close a vote with as many papers out as `papers` says, and bring these into the box."""
    stage.close()
    count(stage, len(papers))
    key(stage, papers)
    seal(stage)
