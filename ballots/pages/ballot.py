"""HTTP in, HTTP out: a delegate fills in a ballot, reviews and submits it, and keeps a receipt.

Choices live in the page's form alone: no view puts them anywhere else.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache, partial, wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, override
from django.views.decorators.http import require_http_methods, require_safe

from ballots.acts import casting
from ballots.facts.kept import POLLS, Kept, kept_of
from ballots.facts.paper.given import are_awaited
from ballots.facts.polls import asked_for, candidates, state_of, why_barred
from ballots.models import Recommendation
from ballots.pages.answers import (
    Closing,
    PageRefused,
    Refusal,
    SeeOther,
    View,
    asked_poll,
    closing_of,
    preferring,
    refusable,
    refusal_of,
    standing_of,
    status_of,
    still_waiting,
)
from ballots.pages.asking import Standing
from ballots.pages.faces import LARGER, Asked, face, shown_poll
from ballots.pages.forms import (
    BallotForm,
    CastForm,
    Exchange,
    Group,
    Line,
    exchanged,
    fields_of,
    without,
)
from ballots.pages.middleware import DelegateRequest, VisitorRequest, owner_of_draft
from ballots.pages.own_receipt import keep_receipt, kept_receipt
from ballots.pages.sizes import WIDEST, fill_up, longest, size_for
from ballots.pure import sealing, similar
from ballots.pure.rules import TITLE_LIMIT
from ballots.refusal import Refused
from projects.models import Poll
from projects.wording import rules_by_question
from yiwu_vote.postgresql.trouble import is_away
from yiwu_vote.texts import folded

# The parts of ballot and review that a screen reader reads out when they change.
LIVE_REGIONS = {"live", "alert"}

BALLOT = "ballots/ballot/ballot.html"
REVIEW = "ballots/ballot/review.html"
# Its main part, which is personal.
REVIEWED = "ballots/ballot/_review.html"

# --- which poll, and where the delegate stands with it --------------------------------------------


def _posted_poll(request: DelegateRequest) -> Poll:
    """Return the poll that the posted form names: a ballot never lands in another one's box."""
    asked = request.POST.get("poll", "")
    poll = asked_for(request.polls, asked) if asked else None
    if poll is None or str(poll.pk) != asked or request.GET.get("poll", asked) != asked:
        raise PageRefused("other-poll")
    request.poll = poll
    return poll


def _demand_fillable(standing: Standing, *, is_posted: bool) -> None:
    """Raise PageRefused unless a ballot can be filled in now; what counts is asked by the cast.

    Once time is up nobody begins, but what was filled in already is kept: the deadline may still be
    moved.
    """
    poll, entry = standing.poll, standing.entry
    match state_of(poll, entry):
        case "time-up":
            if is_posted:
                return
            raise PageRefused("time-up-at-home")
        case "before":
            raise PageRefused("not-open")
        case "void" | "suspended" | "not-in-office" | "on-paper" as code:
            raise PageRefused(code)
        case "open" | "paused":
            return
    if entry.voted_at is not None:
        raise PageRefused("already-voted", at=entry.voted_at)
    raise PageRefused("closed", at=poll.closed_at or poll.closes_at)


# --- the size of what is answered -----------------------------------------------------------------


def of_one_size(view: View) -> View:
    """Fill up what answers a form of the ballot of a poll: its length says nothing (design §6.4)."""

    @wraps(view)
    def filled_up(request: VisitorRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        poll = request.poll if request.method == "POST" else None
        if poll and poll.takes_ballots and response.content:
            fill_up(response, _size_of_answers(kept_of(poll), poll))
        return response

    return filled_up


@lru_cache(maxsize=POLLS)
def _size_of_answers(kept: Kept, poll: Poll) -> int:
    """Return the size that any answer of `poll` has room in, in every language.

    Ballot and review are tried with more on them than any legal one has.
    """
    sent, pages = longest(kept, poll), []
    asked = Asked(shown_poll(poll), f"?poll={poll.pk}", False, True, LARGER[-1])
    for language, _name in settings.LANGUAGES:
        with override(language):
            form = BallotForm(sent, poll=poll, titles=kept.titles)
            form.is_valid()
            problem = refusal_of("time-up", poll)
            closing = Closing("up", str(problem.text))
            exchange = Exchange(99_999, sent, fields_of(sent), is_full=False)
            alike = [{"key": 99_999, "title": WIDEST * TITLE_LIMIT}] * similar.MOST
            context = {
                **{"request": asked, "csrf_token": "x" * 64, "token": "x" * 32, "owner": "x" * 16},
                **{"form": form, "poll": shown_poll(poll), "kept": kept, "state": "paused"},
                **{"closing": closing, "rules": rules_by_question(poll), "exchange": exchange},
                **{"problem": problem, "previous": form, "removed": next(iter(form.lines), None)},
                "groups": [(one, _lines(asked, form, one)) for one in form.groups],
                "by_name": [proposal.title for proposal in form.selection.proposals],
                "total": form.total,
                "hints": [
                    {"place": place, "title": proposal.title, "alike": alike}
                    for place, proposal in enumerate(form.selection.proposals)
                ],
            }
            context["main"] = render_to_string(REVIEWED, context)
            pages += [render_to_string(page, context) for page in (BALLOT, REVIEW)]
    return size_for(pages)


# --- the ballot -----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@of_one_size
@preferring
@refusable
def ballot(request: DelegateRequest) -> HttpResponse:
    """Show the ballot; posted from the review page (返回修改) it comes back with every tick.

    Posted by [改选第7项] it comes back with that candidate in the place of a proposal.
    """
    if request.method != "POST":
        return _empty_page(request, asked_poll(request))
    poll = _posted_poll(request)
    form = BallotForm(request.POST, poll=poll, titles=candidates(poll))
    exchange = exchanged(form, request.POST)
    if exchange and not exchange.is_full:
        form = BallotForm(exchange.data, poll=poll, titles=form.titles)
    return _ballot_page(request, form, exchange=exchange)


@login_not_required
@require_safe
def deadline(request: VisitorRequest) -> HttpResponse:
    """Answer htmx with what is to be said of the deadline now, or with nothing new (204).

    Asked again and again beside a ballot, from which nobody may be led away.
    """
    if request.delegate is None:
        # The browser must keep the cookie of a session that has ended: by it the next page knows
        # that it has, and says so.
        request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        return HttpResponse(status=204)
    closing = closing_of(request.poll) if request.poll else None
    if closing is None or closing.said == request.GET.get("said", ""):
        return HttpResponse(status=204)
    live = request.GET.get("live", "")
    context = {"closing": closing, "live_region": live if live in LIVE_REGIONS else ""}
    return render(request, "ballots/ballot/_closing.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_one_size
@preferring
@refusable
def review(request: DelegateRequest) -> HttpResponse:
    if request.method != "POST":
        return SeeOther(reverse("ballots:ballot") + request.poll_query)
    poll = _posted_poll(request)
    _demand_fillable(standing_of(request, poll), is_posted=True)
    form = BallotForm(request.POST, poll=poll, titles=candidates(poll))
    if not form.is_valid() or poll.is_time_up:
        return _ballot_page(request, form)
    removed = form.line(request.POST.get("remove", ""))
    if removed is None:
        return _review_page(request, form, token=casting.new_token())
    rest = BallotForm(without(request.POST, removed), poll=poll, titles=form.titles)
    if not rest.is_valid():
        return _ballot_page(request, rest)
    return _review_page(request, rest, token=casting.new_token(), removed=removed, previous=form)


@require_http_methods(["GET", "HEAD", "POST"])
@of_one_size
@refusable
def cast(request: DelegateRequest) -> HttpResponse:
    if request.method != "POST":
        return SeeOther(reverse("ballots:ballot") + request.poll_query)
    poll = _posted_poll(request)
    form = CastForm(request.POST, poll=poll, titles=candidates(poll))
    if not form.is_valid():
        return _ballot_page(request, form)
    token = form.cleaned_data["token"]
    try:
        receipt = casting.cast_ballot(
            poll=poll, card=request.card, selection=form.selection, token=token
        )
    except Refused as refusal:
        return _cast_refused(request, form, refusal)
    except Error as error:
        if not is_away(error):
            raise
        return _review_page(request, form, token=token, problem=refusal_of("busy", poll))
    response = SeeOther(reverse("ballots:receipt") + _query_to(request, poll))
    return keep_receipt(response, request, poll, receipt)


def _query_to(request: DelegateRequest, poll: Poll) -> str:
    """Return what leads on to `poll`: nothing where it is the one that pages are about anyway."""
    is_usual = not request.poll_query and asked_for(request.polls, "") == poll
    return "" if is_usual else f"?poll={poll.pk}"


def _cast_refused(request: DelegateRequest, form: CastForm, refusal: Refused) -> HttpResponse:
    if refusal.code == "card-replaced":
        request.session.flush()
        messages.warning(request, gettext("您已领取新卡，请使用新卡进入。"), "card-replaced")
        return SeeOther(reverse("ballots:sign-in"))
    if refusal.code == "faults":
        form.refuse(refusal.faults)
        return _ballot_page(request, form)
    barred = why_barred(request.delegate)
    if barred and refusal.code in {"not-on-roll", "not-present"}:
        raise PageRefused(barred)
    is_late = refusal.code == "closed" and form.poll.is_time_up
    problem = refusal_of("time-up" if is_late else refusal.code, form.poll)
    if problem.keeps:
        return _review_page(request, form, token=form.cleaned_data["token"], problem=problem)
    is_void = form.poll.phase == Poll.Phase.VOID
    raise PageRefused("void" if is_void else refusal.code, at=refusal.at)


def _ballot_page(
    request: DelegateRequest,
    form: BallotForm,
    *,
    exchange: Exchange | None = None,
) -> HttpResponse:
    """Show what was sent in `form` on the ballot."""
    shown = _shown(request, form.poll, is_posted=True)
    context = shown | {
        "form": form,
        "rules": rules_by_question(form.poll),
        "exchange": exchange,
        "owner": owner_of_draft(request.delegate, form.poll),
    }
    status = 422 if form.problems else 403 if shown["state"] == "time-up" else 200
    return render(request, BALLOT, context, status=status)


def _empty_page(request: DelegateRequest, poll: Poll) -> HttpResponse:
    """Show the ballot on which nothing stands yet: its face is the same for everybody."""
    shown = _shown(request, poll, is_posted=False)
    empty = _empty(kept_of(poll), poll)
    shown |= {"form": empty.form, "rules": empty.rules}
    return face(
        request, BALLOT, shown=shown, personal={"owner": owner_of_draft(request.delegate, poll)}
    )


def _shown(request: DelegateRequest, poll: Poll, *, is_posted: bool) -> dict[str, Hashable]:
    """Return what every ballot of `poll` shows now; raises PageRefused where none can be filled in."""
    standing = standing_of(request, poll)
    _demand_fillable(standing, is_posted=is_posted)
    return {
        "poll": shown_poll(poll),
        "state": state_of(poll, standing.entry),
        "closing": closing_of(poll),
        "kept": kept_of(poll),
    }


@dataclass(frozen=True)
class Empty:
    """A ballot on which nothing stands: of one list and its rules it is always the same."""

    form: BallotForm
    rules: Callable[[], list[tuple[str, list[str]]]]


@lru_cache(maxsize=POLLS)
def _empty(kept: Kept, poll: Poll) -> Empty:
    form = BallotForm(None, poll=poll, titles=kept.titles)
    # What the first to review his ballot would else wait for.
    _size_of_answers(kept, poll)
    _recommended(kept)
    # Said in the language of the face that shows it.
    return Empty(form, partial(rules_by_question, poll))


@lru_cache(maxsize=POLLS)
def _recommended(_kept: Kept) -> frozenset[tuple[int, str]]:
    """Return who has recommended what by name, as titles are compared.

    Read once for the whole hall: a statement of its own for whoever proposes something would tell
    whoever watches the database that he does. It ends before a list is opened, and only warns.
    """
    rows = Recommendation.objects.values_list("delegate", "title")
    return frozenset((delegate, folded(title)) for delegate, title in rows)


def _by_name(request: DelegateRequest, form: BallotForm) -> list[str]:
    """Return the titles on a ballot that this delegate has recommended by name: they name him."""
    known = _recommended(kept_of(form.poll))
    return [
        proposal.title
        for proposal in form.selection.proposals
        if (request.delegate.pk, folded(proposal.title)) in known
    ]


def _review_page(
    request: DelegateRequest,
    form: BallotForm,
    *,
    token: str,
    removed: Line | None = None,
    previous: BallotForm | None = None,
    problem: Refusal | None = None,
) -> HttpResponse:
    """Show what would be submitted; asks the database nothing, which may be what is in trouble.

    Its main part holds the choices and is made anew each time; around it stands the face.
    """
    context = {
        "form": form,
        "poll": form.poll,
        "closing": closing_of(form.poll),
        "token": token,
        "hints": _hints(form),
        # In trouble nothing is asked, and it was said before.
        "by_name": [] if problem else _by_name(request, form),
        "groups": [(group, _lines(request, form, group)) for group in form.groups],
        "removed": removed,
        "previous": previous,
        "problem": problem,
        "owner": owner_of_draft(request.delegate, form.poll),
    }
    response = face(
        request,
        REVIEW,
        shown={
            "poll": shown_poll(form.poll),
            "problem": problem,
            "closing": context["closing"],
        },
        personal={"main": render_to_string(REVIEWED, context, request), "total": form.total},
        status=problem.status if problem else 200,
    )
    if problem and problem.status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _lines(request: DelegateRequest | Asked, form: BallotForm, group: Group) -> list[SafeString]:
    """Return the lines of a group in HTML; that of a candidate reads the same for whoever chose it."""
    action = reverse("ballots:review") + request.poll_query
    return [
        _line(line, form.is_marked, group.is_left, action)
        if line.is_proposal
        else _line_of_candidate(line, form.is_marked, group.is_left, action, get_language())
        for line in group.lines
    ]


def _line(line: Line, is_marked: bool, is_left: bool, action: str) -> SafeString:
    context = {"line": line, "is_marked": is_marked, "is_left": is_left, "action": action}
    return render_to_string("ballots/ballot/_choices_line.html", context)


@lru_cache(maxsize=1024)
def _line_of_candidate(
    line: Line, is_marked: bool, is_left: bool, action: str, _language: str | None
) -> SafeString:
    return _line(line, is_marked, is_left, action)


def _hints(form: BallotForm) -> list[dict[str, object]]:
    """Return what each proposal is like, for whoever was not told on the ballot."""
    hints = [
        {
            "place": position,
            "title": proposal.title,
            "alike": similar.nearest(proposal.title, form.titles),
        }
        for position, proposal in enumerate(form.selection.proposals)
        if proposal.title not in form.confirmed
    ]
    return [hint for hint in hints if hint["alike"]]


@require_safe
@refusable
def receipt(request: DelegateRequest) -> HttpResponse:
    poll = asked_poll(request)
    standing = standing_of(request, poll)
    if not standing.entry.voted:
        return SeeOther(reverse("ballots:home") + request.poll_query)
    voted_at = standing.entry.voted_at
    submitted_at = date_format(timezone.localtime(voted_at), "DATETIME_FORMAT") if voted_at else ""
    shown, personal = status_of(standing)
    if not standing.code and shown["state"] != "void" and (code := kept_receipt(request, poll)):
        personal["receipt"] = sealing.grouped(code)
    personal["submitted_at"] = submitted_at
    shown["waits_for_papers"] = are_awaited(poll)
    shown["waiting"] = waiting = still_waiting(request, poll)
    shown["goes_on"] = any(other.state != "before" for other in waiting)
    return face(request, "ballots/ballot/receipt.html", shown=shown, personal=personal)
