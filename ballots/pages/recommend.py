"""HTTP in, HTTP out, for a delegate who recommends a project by name before the vote (会前推荐).

The texts live in the page's form and in their row; no message, session or log has them.
"""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from ballots.acts import recommending
from ballots.facts.polls import described
from ballots.models import Delegate, Recommendation
from ballots.pages.answers import SeeOther, preferring
from ballots.pages.forms import Problem, ProposalForm
from ballots.pages.middleware import DelegateRequest
from ballots.pages.wording import PROBLEMS
from ballots.pure.rules import DETAIL_LIMIT, TITLE_LIMIT, UNIT_LIMIT, Fault, Proposal
from ballots.refusal import Refused
from projects.models import Poll


@require_http_methods(["GET", "HEAD", "POST"])
@preferring
def recommend(request: DelegateRequest) -> HttpResponse:
    """Show the form while a poll collects, and what this delegate has recommended so far.

    Where several collect, each is offered, and the form is that of the one that was chosen.
    """
    polls = recommending.collecting_polls()
    asked = request.POST.get("poll") or request.GET.get("poll", "")
    poll = next((poll for poll in polls if str(poll.pk) == asked), next(iter(polls), None))
    if request.method != "POST" and len(polls) > 1 and not asked:
        return _page(request, None, _form(), choices=described(polls))
    if poll:
        # The masthead and the ribbon of a rehearsal are those of the poll that collects.
        request.poll = poll
    if request.method != "POST":
        return _page(request, poll, _form())
    form = _form(request.POST)
    if request.POST.keys() & {"size", "language", "revise"}:
        # Another look, or another word of one's own: what is typed comes back and is not sent in yet.
        return _page(request, poll, form)
    proposal = (form.proposal if form.is_valid() else None) or Proposal("")
    if poll is None or request.POST.get("poll") != str(poll.pk):
        return _page(request, poll, form, refusal=recommending.refused("not-collecting"))
    try:
        recommending.demand_acceptable(poll, delegate=request.delegate, proposal=proposal)
        # Whoever was shown what is like a title may recommend that title all the same, no other.
        confirmed = request.POST.get("anyway") == proposal.title
        alike = [] if confirmed else recommending.candidates_like(poll, proposal.title)
        if alike:
            return _page(request, poll, form, alike=alike, title=proposal.title)
        recommending.recommend(poll, delegate=request.delegate, proposal=proposal)
    except Refused as refusal:
        return _page(request, poll, form, refusal=refusal)
    messages.success(request, gettext("推荐已提交，由会务组研究处理。处理前可以撤回。"))
    return SeeOther(reverse("ballots:recommend") + (f"?poll={poll.pk}" if len(polls) > 1 else ""))


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: DelegateRequest) -> HttpResponse:
    """Take back one recommendation of this delegate that waits."""
    if request.method == "POST":
        asked = request.POST.get("recommendation", "")
        is_number = asked.isdecimal() and len(asked) < 18
        mine = _of(request.delegate).filter(pk=asked).first() if is_number else None
        try:
            if mine is None:
                raise recommending.refused("not-yours")
            recommending.withdraw(mine, delegate=request.delegate)
        except Refused as refusal:
            messages.warning(request, str(refusal))
        else:
            messages.success(request, gettext("推荐已撤回。"))
    return SeeOther(reverse("ballots:recommend"))


def _form(data: Any = None) -> ProposalForm:
    return ProposalForm(data, auto_id="%s")


def _of(delegate: Delegate) -> QuerySet[Recommendation]:
    return Recommendation.objects.filter(delegate=delegate, poll__in=Poll.objects.standing())


def _page(
    request: DelegateRequest,
    poll: Poll | None,
    form: ProposalForm,
    *,
    refusal: Refused | None = None,
    **context: Any,
) -> HttpResponse:
    mine = list(_of(request.delegate).select_related("poll", "project").order_by("-pk"))
    used = sum(1 for recommendation in mine if recommendation.poll == poll)
    position = used + 1
    # Where no poll collects any more there is no field to lead to.
    field = "title" if poll else "main"
    problems = _problems(refusal, position, field) if refusal else []
    for problem in problems:
        if problem.field in form.fields:
            form.add_error(problem.field, problem.text)
    left = max(poll.proposal_limit - used, 0) if poll else 0
    may_recommend = request.delegate.status == Delegate.Status.ACTIVE
    usual = {
        "collecting": poll,
        "form": form,
        "problems": problems,
        "place": position,
        "left": left,
        "may_recommend": may_recommend,
        "typed": "recommend" if left and may_recommend else "",
        "mine": mine,
    }
    status = 422 if problems else 200
    return render(request, "ballots/recommend.html", usual | context, status=status)


def _problems(refusal: Refused, position: int, field: str) -> list[Problem]:
    """Return what to put right, in the words of the ballot; `position` counts from 1."""
    if not refusal.faults:
        return [Problem(refusal.code, field, str(refusal))]
    return [_problem(fault, position) for fault in refusal.faults]


def _problem(fault: Fault, position: int) -> Problem:
    field, words = PROBLEMS[fault.code]
    limits = {"title_limit": TITLE_LIMIT, "detail_limit": DETAIL_LIMIT, "unit_limit": UNIT_LIMIT}
    return Problem(fault.code, field, str(words) % (limits | {"number": position}))
