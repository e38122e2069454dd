"""How every page of a poll's day answers: who may see it, when, and what becomes of a posted form.

A step is declared beside its view by `@step`. Nothing here decides whether it is allowed: that is
asked of the act, and what it refuses is said on the page.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.contrib.messages.storage.base import Message
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Subquery, prefetch_related_objects
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from ballots import roles
from ballots.admin.forms import tell
from ballots.admin.staff.waiting import is_signed
from ballots.facts.checks.site_checks import roll_drawings
from ballots.facts.outcome import Outcome, outcome_of
from ballots.facts.paper.given import Papers, papers_given
from ballots.facts.paper.keyed import bundles_of
from ballots.facts.polls import box_of
from ballots.facts.turnout import turnout_of
from ballots.files.download import Download, Streamed
from ballots.models import BallotBox, JournalEntry, PollDay
from ballots.pure.chain import check_number
from ballots.pure.tally import Turnout
from ballots.refusal import SHARED, Refused
from projects.models import Poll
from yiwu_vote.tables.downloads import attachment, streamed

READING = ("GET", "HEAD")
POSTING = (*READING, "POST")
WHO: dict[Callable[[User], bool], Promise] = {
    roles.is_office: _("会务人员"),
    roles.is_scrutineer: _("监票人"),
    roles.has_office: _("会务或监票人员"),
}

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Done:
    """What came of a step, in messages, and the address that its page leads on to."""

    leads_to: str
    notes: Sequence[Message]


def note(words: str, level: int = messages.SUCCESS) -> Message:
    """Return a message on what was done."""
    return Message(level, words)


# Where a poll that was read for a page has the hash of its last entry.
LAST_HASH = "last_hash"


class Day:
    """A poll on its day: what a page asks of it more than once is asked of the database once."""

    def __init__(self, poll: Poll) -> None:
        self.poll = poll

    @property
    def box(self) -> BallotBox | None:
        return box_of(self.poll)

    @cached_property
    def turnout(self) -> Turnout:
        return turnout_of(self.poll)

    @cached_property
    def papers(self) -> Papers:
        """What papers were given out and came back."""
        return papers_given(self.poll, self.turnout.papers)

    @cached_property
    def are_papers_read(self) -> bool:
        """Whether two have read alike, or the chief scrutineer has ruled on, each paper."""
        return all(bundle.is_read for bundle in bundles_of(self.poll))

    @cached_property
    def outcome(self) -> Outcome:
        """How the places are filled; raises Result.DoesNotExist before the count."""
        return outcome_of(self.poll)

    @property
    def head(self) -> str:
        """The 核对号 of the record when the poll was read; empty where nothing is on record yet."""
        last: str | None = getattr(self.poll, LAST_HASH, None)
        return check_number(last) if last else ""


class StaffRequest(HttpRequest):
    """A request that the admin has asked to log in; on the page of a step it knows the step."""

    user: User
    day: Day
    step: "Step"
    htmx: HtmxDetails


# --- steps ----------------------------------------------------------------------------------------


def always(day: Day) -> bool:
    """Whether a step fits where its phases alone decide."""
    return True


def is_rehearsal(day: Day) -> bool:
    """Whether a step is for rehearsals only."""
    return day.poll.is_rehearsal


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the day: its address and label, what it does, who takes it and in which phases.

    `fits` looks at the poll where the phase alone does not decide. One that is not `listed` is
    reached from the page of another.
    """

    name: str
    label: Promise
    words: Promise
    who: Callable[[User], bool]
    phases: Collection[str]
    view: Callable[[Any, Poll], HttpResponse]
    fits: Callable[[Day], bool] = always
    listed: bool = True
    methods: tuple[str, ...] = POSTING

    def answer(self, request: StaffRequest, poll: Poll) -> HttpResponse:
        """Answer with the step's view to those who take it, while it can be taken.

        The acts ask the same again under their lock; here it spares people a page of no use.
        """
        if not self.who(request.user):
            raise PermissionDenied
        request.step, request.day = self, Day(poll)
        if not self.can_be_taken(request.day):
            messages.error(request, str(SHARED["wrong-phase"]))
            return to_day(poll)
        return self.view(request, poll)

    def can_be_taken(self, day: Day) -> bool:
        """Tell whether the poll has come to this step and not gone past it."""
        return day.poll.phase in self.phases and self.fits(day)

    @property
    def template(self) -> str:
        """The page of the step in the folder of its room; many have none and use the plain one."""
        return f"{self.view.__module__.rpartition('.')[2]}/{self.name}"


def step(
    name: str,
    label: Promise,
    words: Promise,
    *,
    who: Callable[[User], bool],
    phases: Collection[str],
    fits: Callable[[Day], bool] = always,
    listed: bool = True,
    methods: tuple[str, ...] = POSTING,
) -> Callable[[Callable[[Any, Poll], HttpResponse]], Step]:
    """Declare the view below as a step of the day; the order of steps stands in `admin.steps`."""

    def declared(view: Callable[[Any, Poll], HttpResponse]) -> Step:
        return Step(name, label, words, who, phases, view, fits, listed, methods)

    return declared


# --- how a page answers ---------------------------------------------------------------------------


def page(view: View, methods: Collection[str] = READING) -> View:
    """Return `view` as a page of the admin about one poll, for whoever may see its day."""

    @require_http_methods(list(methods))
    def of_poll(request: StaffRequest, poll_id: int, **kwargs: str) -> HttpResponseBase:
        if not request.user.has_perm("ballots.view_pollday"):
            raise PermissionDenied
        # Many parts of a page ask which offices this person has: asked once for all of them.
        prefetch_related_objects([request.user], "groups")
        last = JournalEntry.objects.filter(poll=OuterRef("pk")).order_by("-seq").values("hash")[:1]
        polls = Poll.objects.standing().select_related("parent", "box", "made_year")
        polls = polls.annotate(**{LAST_HASH: Subquery(last)}, **roll_drawings())
        return view(request, get_object_or_404(polls, pk=poll_id), **kwargs)

    guarded = admin.site.admin_view(of_poll)

    def answered(request: StaffRequest, **kwargs: Any) -> HttpResponseBase:
        # htmx would follow to the log-in and put that page in the place of the figures.
        if request.htmx and not admin.site.has_permission(request):
            return HttpResponseClientRefresh()
        return guarded(request, **kwargs)

    return answered


def posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def to_day(poll: Poll) -> HttpResponse:
    return redirect("admin:ballots_pollday_change", poll.pk)


def address(poll: Poll, name: str) -> str:
    return reverse(f"admin:ballots_pollday_{name}", args=[poll.pk])


def show(
    request: HttpRequest, poll: Poll, template: str, title: Any, context: dict[str, Any]
) -> HttpResponse:
    """Render the page `template`, or the plain page of a step where there is no such one."""
    head = {"title": title, "subtitle": str(poll), "poll": poll, "opts": PollDay._meta}
    templates = [f"admin/ballots/pollday/{name}.html" for name in (template, "step")]
    return render(request, templates, admin.site.each_context(request) | head | context)


def take(
    request: StaffRequest,
    poll: Poll,
    act: Callable[[], str | Done | HttpResponse],
    *filled: forms.Form,
    **context: Any,
) -> HttpResponse:
    """Show the page of a step; once its forms are in order, let `act` take it.

    `act` returns the sentence that says what was done, where it leads on to another page than the
    day's a `Done`, or an answer of its own. What it refuses
    is said on the same page, with everything still there that was typed, secrets excepted.
    """
    forms_ = filled or (forms.Form(posted(request)),)
    # Each form is asked, so that all that is wrong is told at once.
    verdicts = [form.is_valid() for form in forms_]
    if (
        request.method == "POST"
        and all(verdicts)
        and is_signed(request, f"{request.step.label}（{poll}）", forms_)
    ):
        try:
            answer = act()
        except Refused as refusal:
            tell(forms_[0], refusal)
        else:
            if isinstance(answer, HttpResponseBase):
                return answer
            return leave(request, answer if isinstance(answer, Done) else done_for(poll, answer))
    step = request.step
    usual = {"step": step, "forms": forms_, "button": step.label}
    return show(request, poll, step.template, step.label, usual | context)


def done_for(poll: Poll, words: str) -> Done:
    """Return what came of a step that leads back to the day."""
    return Done(address(poll, "change"), [note(words)])


def leave(request: HttpRequest, done: Done) -> HttpResponse:
    """Go on to the page that a step leads to, and say there what came of it."""
    for each in done.notes:
        messages.add_message(request, each.level, each.message)
    return redirect(done.leads_to)


def download(file: Download) -> HttpResponse:
    """Return `file` to be saved under its Chinese name."""
    return attachment(file.content, ascii_name=file.ascii_name, chinese_name=file.chinese_name)


def stream(file: Streamed) -> StreamingHttpResponse:
    """Return `file` to be saved under its Chinese name, and make it while it is sent."""
    return streamed(file.pieces, ascii_name=file.ascii_name, chinese_name=file.chinese_name)


def qr_svg(text: str) -> str:
    """Return the QR code of `text` as SVG to stand in a page."""
    return segno.make(text, error="m", micro=False).svg_inline(border=0, omitsize=True)
