"""The day of a poll in the admin (票决进程): what its page shows, and which step comes next.

Which steps, papers and files there are stands in `admin.steps`.
"""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh, HttpResponseStopPolling

from ballots import roles
from ballots.acts import archiving
from ballots.admin import (
    canvass,
    counting,
    details,
    ending,
    opening,
    outcome,
    papers,
    preparing,
    state,
    voting,
)
from ballots.admin.guard import (
    WHO,
    Day,
    StaffRequest,
    Step,
    View,
    address,
    download,
    page,
    show,
    stream,
    to_day,
)
from ballots.admin.paper import keying, sealing
from ballots.admin.records import ReadOnlyAdmin
from ballots.admin.register import presence
from ballots.admin.steps import ENDS, FILES, PAPERS, STEPS
from ballots.facts import polls, preflight, record, turnout
from ballots.facts.checks import site_checks
from ballots.facts.findings import Finding, blocks
from ballots.facts.outcome import way_of
from ballots.files.download import Streamed
from ballots.models import Result
from ballots.pure import chain
from ballots.refusal import Refused
from projects import wording
from projects.admin import PhaseFilter
from projects.models import Poll
from projects.phases import CHECKED, COUNTED, DRAFT, VOTING

# The stage line (design §10.5) and the phases that lie in each stage.
STAGES = (
    (_("准备"), DRAFT),
    (_("投票"), VOTING),
    (_("截止"), frozenset({Poll.Phase.CLOSED})),
    (_("计票"), frozenset({Poll.Phase.OPENED, Poll.Phase.COUNTED, Poll.Phase.CONFIRMED})),
    (_("公布"), frozenset({Poll.Phase.PUBLISHED})),
)


# --- the day's page -------------------------------------------------------------------------------


@vary_on_headers("HX-Request")
def day_page(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Everything about the poll that staff may see now, and the one step that comes next.

    Asked again every ten seconds, only its figures; they hold nothing that could have the focus.
    """
    day = Day(poll)
    is_idle = polls.is_idle(poll)
    found = preflight.what_is_missing(poll) if poll.phase in DRAFT else []
    coming = None if is_idle else next_step(day)
    is_blocked = coming is opening.open_poll and blocks(found)
    is_complete = turnout.is_complete(poll, day.turnout)
    confirmed = _confirmed(poll)
    # All that the buttons of the page depend on, as far as others can change it meanwhile.
    name = coming.name if coming else ""
    deadline = poll.closes_at.timestamp() if poll.closes_at else 0
    seen = (
        f"{poll.phase}-{name}-{is_blocked:d}-{len(confirmed)}-{poll.revealed}"
        f"-{deadline:.0f}-{poll.is_time_up:d}-{is_complete:d}"
    )
    if request.htmx:
        if request.GET.get("seen") != seen:
            return HttpResponseClientRefresh()
        status = HttpResponseStopPolling.status_code if poll.is_over else 200
        live = _live(day, request.user)
        return render(request, "admin/ballots/pollday/day/_live.html", live, status=status)
    mine = [
        step
        for step in STEPS
        if step.listed and step is not coming and step.who(request.user) and step.can_be_taken(day)
    ]
    for_chief = counting.waits_for_chief(day)
    is_mine = coming is not None and coming.who(request.user)
    context = {
        "stages": stages(poll),
        "next": coming,
        "next_is_mine": is_mine and (roles.is_chief(request.user) or not for_chief),
        "next_is_blocked": is_blocked,
        # As long as somebody may still vote the close waits for the word of the chair.
        "next_waits": coming is voting.close and not is_complete,
        "next_by": gettext("总监票人") if for_chief else WHO[coming.who] if coming else "",
        "others": [step for step in mine if step not in ENDS],
        "ends": [step for step in mine if step in ENDS],
        "findings": state.checklist(found, poll, request.user) if found else None,
        "changes": [] if poll.phase in DRAFT else _told_first(poll),
        "box": day.box,
        "seen": seen,
        "may_refresh": not poll.is_over,
        "refreshes": not poll.is_over and request.GET.get("refresh") != "off",
        "count": counting.counted(day),
        "outcome": day.outcome if poll.phase in CHECKED else None,
        "rounds": _rounds(day),
        "first_round": poll.parent,
        "progress": outcome.revealed(day) if poll.phase == Poll.Phase.PUBLISHED else None,
        "rules": wording.rules_by_question(poll),
        "is_idle": is_idle,
        "archived": ending.archived(poll),
        "until": None if poll.archived_at else archiving.objections_until(poll),
        "confirmed": confirmed,
        "waits_for_chief": for_chief,
        # The figures of a count that was sent back are not even read (design §3.3).
        "sent_back": []
        if poll.phase in DRAFT
        else poll.results.exclude(sent_back="")
        .only("counted_at", "sent_back")
        .order_by("counted_at"),
        "may_announce": papers.returned.can_be_taken(day),
        "may_back_up": details.back_up.who(request.user),
        "may_phone": FILES["waiting"].who(request.user),
        "papers": [
            paper for paper in PAPERS if paper.who(request.user) and paper.can_be_taken(day)
        ],
        "downloads": [
            {"name": name, "label": file.label}
            for name, file in FILES.items()
            if file.who(request.user) and file.can_be_had(day)
        ],
    }
    return show(
        request, poll, "day/day", str(poll), context | _live(day, request.user) | {"subtitle": None}
    )


def _told_first(poll: Poll) -> list[Finding]:
    """Return what stands above all else once the poll has opened: whose database it is, and what is changed."""
    return [
        *site_checks.age("blocks"),
        *site_checks.restored(poll),
        *preflight.changes_since_opening(poll),
    ]


def _live(day: Day, user: User) -> dict[str, Any]:
    """Return the figures of the page, which change while people look at it; no word of votes."""
    poll = day.poll
    delegations = turnout.turnout_by_delegation(poll)
    is_voting = poll.phase in VOTING
    if is_voting:
        # Whoever calls the rest looks for where most of them are.
        delegations.sort(key=lambda row: -row["waiting"])
    figures = state.figures_of(day.turnout)
    return {
        "poll": poll,
        "is_voting": is_voting,
        "figures": figures,
        "delegations": delegations,
        "curve": state.curve_of(poll, issued=figures["online"]),
        "system": state.system_state(
            poll,
            roll_drawn=site_checks.roll_drawn_at(poll),
            is_technician=user.is_superuser,
        ),
        "head": day.head,
        "now": timezone.localtime(),
    }


def stages(poll: Poll) -> list[dict[str, Any]]:
    """Return the stage line; a void poll stands at none of its stages."""
    return [
        {
            "number": number,
            "label": _("投票（时间已到）") if poll.is_time_up and phases == VOTING else label,
            "is_current": poll.phase in phases,
        }
        for number, (label, phases) in enumerate(STAGES, start=1)
    ]


def next_step(day: Day) -> Step | None:
    """Return the step that comes next; None once the result is out."""
    poll = day.poll
    match poll.phase:
        case Poll.Phase.DRAFT:
            return _next_in_draft(day)
        case Poll.Phase.OPEN:
            return voting.close
        case Poll.Phase.PAUSED:
            return voting.close if poll.is_time_up else voting.resume
        case Poll.Phase.CLOSED:
            has_traces = counting.rewrite.can_be_taken(day)
            return counting.rewrite if has_traces else _next_before_the_box(day)
        case Poll.Phase.OPENED:
            is_canvassed = counting.count_poll.can_be_taken(day)
            return counting.count_poll if is_canvassed else canvass.canvass_page
        case Poll.Phase.COUNTED:
            return counting.confirm
        case Poll.Phase.CONFIRMED:
            return _next_once_confirmed(day)
        case Poll.Phase.PUBLISHED:
            if poll.is_revealed:
                return None
            return outcome.reveal_all if poll.is_graded else outcome.reveal
        case Poll.Phase.VOID:
            return None if poll.archived_at else ending.fresh_draft
    return None


def _next_in_draft(day: Day) -> Step:
    poll = day.poll
    if not day.turnout.roll:
        return preparing.draw_up_roll
    if day.box is None:
        return preparing.make_key
    if day.box.tested_at is None:
        return preparing.try_key
    if poll.voters == Poll.Voters.PRESENT and not day.turnout.present:
        return presence.presence
    return presence.confirm_presence if poll.presence_assumed else opening.open_poll


def _next_before_the_box(day: Day) -> Step:
    """Return what is still to be done with papers, and else the opening of the box."""
    papers = day.papers
    if not papers.are_out:
        return counting.open_box
    if papers.returned is None:
        return sealing.count_papers
    if papers.are_too_many:
        return ending.void
    return sealing.seal_papers if day.are_papers_read else keying.key_papers


def _next_once_confirmed(day: Day) -> Step | None:
    """Return what fills the open places, or the publication; None while a second round is on."""
    if day.outcome.round is not None and not day.outcome.is_settled:
        return None
    rounds = (outcome.run_off, outcome.supplementary)
    return next((step for step in rounds if step.can_be_taken(day)), outcome.publish)


def _rounds(day: Day) -> list[dict[str, Any]]:
    """Return the second rounds of the poll, void ones too, with what each of them is."""
    if day.poll.phase not in CHECKED | {Poll.Phase.VOID}:
        return []
    return [
        {"poll": second, "kind": Poll.Kind(way_of(second, is_tied=day.outcome.is_tied)).label}
        for second in day.poll.children.exclude(phase=Poll.Phase.DROPPED).order_by("pk")
    ]


def _confirmed(poll: Poll) -> list[str]:
    """Return who has confirmed the standing count."""
    if poll.phase not in COUNTED:
        return []
    users = User.objects.filter(
        pk__in=Result.objects.filter(poll=poll, sent_back="").values("confirmations__by")
    )
    return [roles.named(user) for user in users.order_by("username")]


# --- the record -----------------------------------------------------------------------------------


def journal_page(request: StaffRequest, poll: Poll) -> HttpResponse:
    entries = poll.journal.select_related("by", "second").order_by("seq")
    rows = [
        {
            "entry": entry,
            "kind": record.act(entry),
            "by": roles.named(entry.by),
            "second": roles.named(entry.second) if entry.second else "",
            "by_signed": record.signature(entry, "by"),
            "second_signed": record.signature(entry, "second"),
            "words": record.line(entry),
            "number": chain.check_number(entry.hash),
        }
        for entry in entries
    ]
    return show(request, poll, "day/journal", gettext("操作记录"), {"rows": rows})


def download_page(request: StaffRequest, poll: Poll, what: str) -> HttpResponseBase:
    """Give out one file of the poll to whoever may have it."""
    if what not in FILES:
        raise Http404
    if not FILES[what].who(request.user):
        raise PermissionDenied
    try:
        file = FILES[what].make(poll)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return to_day(poll)
    return stream(file) if isinstance(file, Streamed) else download(file)


# --- in the admin ---------------------------------------------------------------------------------


class PollDayAdmin(ReadOnlyAdmin):
    """The list of polls and the pages of each."""

    list_display = ["__str__", "place", "kind", "phase", "opened_at", "closed_at", "published_at"]
    list_filter = ["kind", ("phase", PhaseFilter), "year"]

    @admin.display(description=_("编号"), ordering="pk")
    def place(self, poll: Poll) -> int:
        return poll.pk

    @admin.display(description=_("复制"))
    def copy(self, poll: Poll) -> str:
        """Lead to the copying of a poll right from the list, where it can be copied."""
        step = ending.copy
        if not step.can_be_taken(Day(poll)):
            return ""
        return format_html('<a href="{}">{}</a>', address(poll, step.name), step.label)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        usual: list[Any] = [*super().get_list_display(request)]
        return [*usual, "copy"] if ending.copy.who(cast(User, request.user)) else usual

    def get_queryset(self, request: HttpRequest) -> QuerySet[Poll]:
        return super().get_queryset(request).exclude(phase=Poll.Phase.DROPPED)

    def get_urls(self) -> list[URLPattern]:
        """Only these pages: Django's own forms for a poll have nothing to do here."""
        changelist = self.admin_site.admin_view(self.changelist_view)
        return [
            path("", changelist, name="ballots_pollday_changelist"),
            _path("", "change", page(day_page)),
            _path("journal/", "journal", page(journal_page)),
            _path("download/<str:what>/", "download", page(download_page)),
            *[
                _path(f"{step.name}/", step.name, page(step.answer, step.methods))
                for step in (*STEPS, *PAPERS)
            ],
        ]


def _path(route: str, name: str, view: View) -> URLPattern:
    return path(f"<int:poll_id>/{route}", view, name=f"ballots_pollday_{name}")
