"""A delegate at Django's test client: signing in, filling in a ballot, reading a page's forms."""

import secrets
from collections.abc import Sequence
from http.client import HTTPMessage
from typing import Any

from django.http import QueryDict
from django.test import Client

from ballots.facts.polls import asked_for, in_order, published_to_all
from ballots.models import AccessCard, Delegate
from ballots.pages.asking import Asking, who_asks
from ballots.pages.forms import BallotForm
from ballots.pure.rules import Proposal
from ballots.sessions import CARD_KEY, HOLDER_KEY, SessionStore
from projects.models import Poll
from tests.helpers.factories import Stage, make_office
from tests.helpers.http_client import Form, Page


def signed_in(stage: Stage, place: int = 0, **options: Any) -> Client:
    """Return the browser of the delegate at `place`, signed in with the code on the card."""
    client = Client(**options)
    reply = client.post("/", {"code": stage.issued[place].code})
    assert reply.status_code == 303
    return client


def with_card(client: Client, card: AccessCard) -> Client:
    """Give a browser the session of `card`, for tests that are not about signing in."""
    session = client.session
    session[CARD_KEY], session[HOLDER_KEY] = card.pk, card.delegate_id
    session.save()
    return client


# What stands on the list of a poll that is in no database, for forms alone.
TITLES = {number: f"候选项目{number}" for number in range(1, 13)}


def unsaved(**columns: Any) -> Poll:
    """Return a poll that is in no database."""
    return Poll(pk=7, meeting="示例市人民代表大会会议", year=2026, **columns)


def query(data: dict[str, Any]) -> QueryDict:
    """Return `data` as a browser would have posted it."""
    sent = QueryDict(mutable=True)
    for name, value in data.items():
        sent.setlist(name, value if isinstance(value, list) else [value])
    return sent


def codes(form: BallotForm) -> list[str]:
    """Return the codes of what is wrong with a ballot."""
    return [problem.code for problem in form.problems]


def filled(
    poll: Poll, *numbers: int, proposals: Sequence[str | Proposal] = (), **fields: Any
) -> dict[str, Any]:
    """Return what a browser posts for these ticks and proposals; two blocks are always there."""
    given = [Proposal(item) if isinstance(item, str) else item for item in proposals]
    total = max(2, len(given))
    data: dict[str, Any] = {
        "poll": str(poll.pk),
        "projects": [str(number) for number in numbers],
        "proposal-TOTAL_FORMS": str(total),
        "proposal-INITIAL_FORMS": "0",
    }
    for place in range(total):
        proposal = given[place] if place < len(given) else Proposal("")
        data[f"proposal-{place}-title"] = proposal.title
        data[f"proposal-{place}-detail"] = proposal.detail
        data[f"proposal-{place}-unit"] = proposal.unit
    return data | fields


def marked(
    poll: Poll,
    *numbers: int,
    against: Sequence[int] = (),
    candidates: int = 12,
    proposals: Sequence[str | Proposal] = (),
    **fields: Any,
) -> dict[str, Any]:
    """Return what a browser posts where each project takes 赞成 (`numbers`), 反对 or 弃权."""
    data = filled(poll, proposals=proposals)
    del data["projects"]
    for number in range(1, candidates + 1):
        data[f"vote-{number}"] = "abstain"
    data |= {f"vote-{number}": "for" for number in numbers}
    data |= {f"vote-{number}": "against" for number in against}
    return data | fields


def graded(
    poll: Poll,
    *numbers: int,
    fair: Sequence[int] = (),
    poor: Sequence[int] = (),
    candidates: int = 12,
    **fields: Any,
) -> dict[str, Any]:
    """Return what a browser posts in a 满意度测评: `numbers` are 满意, and all the others 弃权."""
    data: dict[str, Any] = {"poll": str(poll.pk)}
    data |= {f"vote-{number}": "abstain" for number in range(1, candidates + 1)}
    for value, graded_so in (("good", numbers), ("fair", fair), ("poor", poor)):
        data |= {f"vote-{number}": value for number in graded_so}
    return data | fields


def read(reply: Any) -> Page:
    """Return a reply of the test client as a page with its forms and its words."""
    headers = HTTPMessage()
    for name, value in reply.items():
        headers[name] = value
    return Page(reply.status_code, "http://testserver", reply.content, headers)


def ticked(page: Page) -> list[str]:
    """Return the candidates that are ticked on a ballot."""
    form = page.form("/ballot/review/")
    return [value for name, value in form.fields if name == "projects"]


def typed(page: Page) -> list[str]:
    """Return what stands in the blocks of a ballot's proposals."""
    form = page.form("/ballot/review/")
    texts = [value.strip() for name, value in form.fields if name.startswith("proposal-")]
    return [text for text in texts if text and not text.isdigit()]


def posted(form: Form) -> dict[str, list[str]]:
    """Return what `form` would send untouched, as the test client takes it."""
    data: dict[str, list[str]] = {}
    for name, value in form.fields:
        data.setdefault(name, []).append(value)
    return data


def ready_to_cast(client: Client, poll: Poll, *numbers: int, **fields: Any) -> dict[str, list[str]]:
    """Let a delegate fill in and review a ballot; return what the review page would submit."""
    review = client.post("/ballot/review/", filled(poll, *numbers, **fields))
    assert review.status_code == 200
    return posted(read(review).form("/ballot/cast/"))


# --- what a page asks first, asked without a page -------------------------------------------------


def asking(delegate: Delegate) -> Asking:
    """Return what a request of `delegate` finds, signed in with his card or one made for it."""
    card = AccessCard.objects.filter(delegate=delegate, revoked_at=None).first()
    if card is None:
        digests = {name: secrets.token_hex(32) for name in ("code_digest", "token_digest")}
        card = AccessCard.objects.create(delegate=delegate, issued_by=make_office(), **digests)
    session = SessionStore()
    session.begin(card)
    found = who_asks(str(session.session_key))
    assert found is not None
    return found


def polls_of(delegate: Delegate | None) -> list[Poll]:
    """Return the polls that a page may be about for `delegate`, or for nobody in particular."""
    if delegate is None:
        return published_to_all()
    return in_order((one.poll for one in asking(delegate).standings), is_delegate=True)


def poll_for(delegate: Delegate | None, *, asked: str = "") -> Poll | None:
    """Return the poll that a page is about, as the middleware finds it."""
    return asked_for(polls_of(delegate), asked)
