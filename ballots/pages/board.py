"""HTTP in, HTTP out, for anybody: the board of receipts in the box."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from ballots.facts.paper.given import are_awaited
from ballots.pages.answers import asked_poll, refusable
from ballots.pages.middleware import VisitorRequest
from ballots.pure import sealing


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@refusable
def board(request: VisitorRequest) -> HttpResponse:
    """List the receipts in the box once the poll has closed, in their own order (design §5.3).

    A receipt is looked up by POST: in an address it would stand in the log of a proxy, beside the
    device and the time of whoever asked. Until papers are in the box nobody is told anything: what is
    listed later would be those.
    """
    poll = asked_poll(request)
    waits_for_papers = are_awaited(poll)
    listed = poll.sealed_ballots.order_by("code").values_list("code", flat=True)
    codes = [] if waits_for_papers else list(listed)
    typed = "" if waits_for_papers else request.POST.get("code", "")
    code = sealing.read_receipt(typed)
    context = {
        "poll": poll,
        "is_open": poll.closed_at is None,
        "waits_for_papers": waits_for_papers,
        "codes": [sealing.grouped(code) for code in codes],
        "typed": sealing.grouped(code) if code else typed,
        "answer": _answer(code, set(codes)) if typed else "",
    }
    return render(request, "ballots/board.html", context)


def _answer(code: str | None, codes: set[str]) -> str:
    """Return what the look-up says: "malformed", "listed" or "missing"."""
    if code is None:
        return "malformed"
    return "listed" if code in codes else "missing"
