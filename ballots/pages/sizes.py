"""Every answer that can hold choices has one size, and so says nothing by its length (design §6.4).

Encryption hides what stands in a page and not how long it is, and a proxy writes that down beside
the address of whoever asked. So each is filled up to what the largest of its poll needs.
"""

from collections.abc import Iterable

from django.http import HttpResponse, QueryDict

from ballots.facts.kept import Kept
from ballots.pages.forms import PREFIX, VOTE
from ballots.pure.rules import DETAIL_LIMIT, TITLE_LIMIT, UNIT_LIMIT
from projects.models import Poll

STEP = 4 * 1024
# What a page may need beyond the largest that was tried: another telephone, a longer address.
SPARE = 2 * 1024
BEGIN, END = b"<!--", b"-->"
# Of all signs a quotation mark takes the most room in a page: `&quot;`.
WIDEST = '"'


def fill_up(response: HttpResponse, size: int) -> None:
    """Fill `response` up to `size` bytes, or to the next multiple where its texts are over their limits."""
    content = response.content
    least = len(content) + len(BEGIN) + len(END)
    missing = -least % size
    response.content = b"".join((content, BEGIN, b" " * missing, END))


def size_for(pages: Iterable[str]) -> int:
    """Return the size that each of `pages` has room in."""
    return -(-(max(len(page.encode()) for page in pages) + SPARE) // STEP) * STEP


def longest(kept: Kept, poll: Poll) -> QueryDict:
    """Return a ballot that needs more room than any legal one: all that can be marked and typed."""
    sent = QueryDict(mutable=True)
    first, *others = poll.marking.marks
    for number in kept.titles:
        if others:
            sent[f"{VOTE}{number}"] = first.value
        else:
            sent.appendlist("projects", str(number))
    proposals = 0 if poll.proposals == "off" else poll.proposal_limit
    sent[f"{PREFIX}-TOTAL_FORMS"], sent[f"{PREFIX}-INITIAL_FORMS"] = str(proposals), "0"
    for place in range(proposals):
        sent[f"{PREFIX}-{place}-title"] = WIDEST * TITLE_LIMIT
        sent[f"{PREFIX}-{place}-detail"] = WIDEST * DETAIL_LIMIT
        sent[f"{PREFIX}-{place}-unit"] = WIDEST * UNIT_LIMIT
        sent.appendlist("anyway", WIDEST * TITLE_LIMIT)
    return sent
