"""The day of a poll in the admin (票决进程): what its page shows, and which steps it offers.

Which steps and files there are, to whom and when they are shown, stands in `admin.steps`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh, HttpResponseStopPolling

from ballots import roles
from ballots.acts import archiving
from ballots.admin import outcome as admin_outcome
from ballots.admin import state as admin_state
from ballots.admin.guard import COUNTED, StaffRequest, counted, day, download, figures_of, show
from ballots.admin.steps import (
    BY_NAME,
    DRAFT,
    ENDS,
    FILES,
    OFFICES,
    PAPERS,
    STEPS,
    VOTING,
    Step,
    View,
)
from ballots.facts import outcome, preflight, record, turnout
from ballots.facts.polls import is_idle
from ballots.models import BallotBox, JournalEntry, Result
from ballots.refusal import SHARED, Refused
from projects import wording
from projects.models import Poll

# The stage line (ux.md §9.1) and the phases that lie in each stage.
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
    made = BallotBox.objects.filter(poll=poll).first()
    is_draft = poll.phase == Poll.Phase.DRAFT
    findings = preflight.what_is_missing(poll) if is_draft else []
    next_step = BY_NAME.get(_next(poll, made))
    next_is_blocked = next_step is BY_NAME["open"] and preflight.blocks(findings)
    confirmed = _confirmed(poll)
    # All that the buttons of the page depend on, as far as others can change it meanwhile.
    seen = f"{poll.phase}-{_next(poll, made)}-{next_is_blocked:d}-{len(confirmed)}-{poll.revealed}"
    is_over = poll.is_over
    if request.htmx:
        if request.GET.get("seen") != seen:
            return HttpResponseClientRefresh()
        status = HttpResponseStopPolling.status_code if is_over else 200
        return render(request, "admin/ballots/pollday/_live.html", _live(poll), status=status)
    possible = [
        step
        for step in STEPS
        if step.listed and poll.phase in step.phases and step.fits(poll, made) and step != next_step
    ]
    # Asked once for each office and not once for each step.
    may = {who: who(request.user) for who in {step.who for step in (*STEPS, *PAPERS)}}
    mine = [step for step in possible if may[step.who]]
    context = {
        "stages": stages(poll),
        "next": next_step,
        "next_is_mine": next_step is not None and may[next_step.who],
        "next_is_blocked": next_is_blocked,
        "next_by": OFFICES[next_step.who] if next_step else "",
        "others": [step for step in mine if step.name not in ENDS],
        "ends": [step for step in mine if step.name in ENDS],
        "findings": findings,
        "changes": [] if is_draft else preflight.changes_since_opening(poll),
        "box": made,
        "seen": seen,
        "may_refresh": not is_over,
        "refreshes": not is_over and request.GET.get("refresh") != "off",
        "count": counted(poll),
        "standing": _standing(poll),
        "rounds": _rounds(poll),
        "first_round": poll.parent,
        "progress": admin_outcome.revealed(poll) if poll.phase == Poll.Phase.PUBLISHED else None,
        "rules": wording.rules_in_words(poll),
        "is_idle": is_idle(poll),
        "archived": admin_outcome.archived(poll),
        "until": None if poll.archived_at else archiving.objections_until(poll),
        "confirmed": confirmed,
        # The figures of a count that was sent back are not even read (DESIGN §3).
        "sent_back": poll.results.exclude(sent_back="")
        .only("counted_at", "sent_back")
        .order_by("counted_at"),
        "may_phone": FILES["waiting"].who(request.user),
        "papers": [paper for paper in PAPERS if poll.phase in paper.phases and may[paper.who]],
        "downloads": [
            {"name": name, "label": file.label}
            for name, file in FILES.items()
            if poll.phase in file.phases and file.who(request.user)
        ],
    }
    return show(request, poll, "day", str(poll), context | _live(poll) | {"subtitle": None})


def _live(poll: Poll) -> dict[str, Any]:
    """Return the figures of the page, which change while people look at it; no word of votes."""
    return {
        "poll": poll,
        "figures": figures_of(poll),
        "delegations": turnout.turnout_by_delegation(poll),
        "curve": admin_state.curve_of(poll),
        "system": admin_state.system_state(),
        "now": timezone.localtime(),
    }


def stages(poll: Poll) -> list[dict[str, Any]]:
    """Return the stage line; a void poll stands at none of its stages."""
    return [
        {"number": number, "label": label, "is_current": poll.phase in phases}
        for number, (label, phases) in enumerate(STAGES, start=1)
    ]


def _next(poll: Poll, made: BallotBox | None) -> str:
    """Return the name of the step that comes next; empty once the result is out."""
    match poll.phase:
        case Poll.Phase.DRAFT:
            return "" if is_idle(poll) else _next_in_draft(poll, made)
        case Poll.Phase.OPEN:
            return "close"
        case Poll.Phase.PAUSED:
            return "resume"
        case Poll.Phase.CLOSED:
            rewritten = poll.journal.filter(kind="storage-rewritten").exists()
            return "box" if rewritten else "rewrite"
        case Poll.Phase.OPENED:
            return "count" if made and made.canvassed else "canvass"
        case Poll.Phase.COUNTED:
            return "confirm"
        case Poll.Phase.CONFIRMED:
            return _next_once_confirmed(poll, made)
        case Poll.Phase.PUBLISHED:
            return "" if poll.is_revealed else "reveal"
        case Poll.Phase.VOID:
            return "" if poll.archived_at else "fresh"
    return ""


def _next_once_confirmed(poll: Poll, made: BallotBox | None) -> str:
    """Return what fills the open places, or the publication; empty while a second round is on."""
    standing = outcome.outcome_of(poll)
    if standing.round is not None and not standing.is_settled:
        return ""
    rounds = ("run-off", "supplementary")
    return next((name for name in rounds if BY_NAME[name].fits(poll, made)), "publish")


def _next_in_draft(poll: Poll, made: BallotBox | None) -> str:
    if not poll.roll.exists():
        return "roll"
    if made is None:
        return "key"
    if made.tested_at is None:
        return "test"
    if poll.voters == Poll.Voters.PRESENT and not poll.roll.filter(present=True).exists():
        return "presence"
    return "open"


def _rounds(poll: Poll) -> list[dict[str, Any]]:
    """Return the second rounds of `poll`, void ones too, with what each of them is."""
    return [
        {"poll": second, "kind": Poll.Kind(outcome.kind_of_round(second)).label}
        for second in poll.children.order_by("pk")
    ]


def _standing(poll: Poll) -> outcome.Outcome | None:
    """Return how the places are filled, for staff: from the confirmation on."""
    if poll.phase not in {Poll.Phase.CONFIRMED, Poll.Phase.PUBLISHED}:
        return None
    return outcome.outcome_of(poll)


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
    rows = [{"entry": entry, "kind": kind_of(entry), "words": words_of(entry)} for entry in entries]
    return show(request, poll, "journal", gettext("操作记录"), {"rows": rows})


def kind_of(entry: JournalEntry) -> str:
    return str(record.ACTS.get(entry.kind, entry.kind))


def words_of(entry: JournalEntry) -> str:
    """Return what an entry says, without any votes: a count sent back must stay out of sight."""
    return "；".join(filter(None, [record.subject(entry), record.in_words(entry)]))


def download_page(request: StaffRequest, poll: Poll, what: str) -> HttpResponse:
    """Give out one file of the poll to whoever may have it."""
    if what not in FILES:
        raise Http404
    if not FILES[what].who(request.user):
        raise PermissionDenied
    try:
        return download(FILES[what].make(poll))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return day(poll)


# --- in the admin ---------------------------------------------------------------------------------


class PollDayAdmin(admin.ModelAdmin):
    """The list of polls and the pages of each; nothing is added, changed or deleted by a form."""

    list_display = ["__str__", "kind", "phase", "opened_at", "closed_at", "published_at"]
    list_filter = ["kind", "phase", "year"]
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """Only these pages: Django's own forms for a poll have nothing to do here."""
        reading = ["GET", "HEAD"]
        return [
            path(
                "",
                self.admin_site.admin_view(self.changelist_view),
                name="ballots_pollday_changelist",
            ),
            self._path("", "change", day_page, reading),
            self._path("journal/", "journal", journal_page, reading),
            self._path("download/<str:what>/", "download", download_page, reading),
            *[
                self._path(f"{step.name}/", step.name, _gated(step), [*reading, "POST"])
                for step in STEPS
            ],
            *[
                self._path(
                    f"{paper.name}/",
                    paper.name,
                    _gated(paper),
                    [*reading, "POST"] if paper.name == "notice" else reading,
                )
                for paper in PAPERS
            ],
        ]

    def _path(
        self, route: str, name: str, view: Callable[..., HttpResponse], methods: Iterable[str]
    ) -> URLPattern:
        @require_http_methods(list(methods))
        def page(request: HttpRequest, poll_id: int, **kwargs: str) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            return view(request, get_object_or_404(Poll, pk=poll_id), **kwargs)

        guarded = self.admin_site.admin_view(page)

        def asked(request: StaffRequest, **kwargs: Any) -> HttpResponse:
            # htmx would follow to the log-in and put that page in the place of the figures.
            if request.htmx and not self.admin_site.has_permission(request):
                return HttpResponseClientRefresh()
            return guarded(request, **kwargs)

        return path(f"<int:poll_id>/{route}", asked, name=f"ballots_pollday_{name}")


def _gated(step: Step) -> View:
    """Return the step's view for those who take it, while it can be taken.

    The acts ask the same again under their lock; here it spares people a page of no use to them.
    """

    def page(request: StaffRequest, poll: Poll) -> HttpResponse:
        if not step.who(request.user):
            raise PermissionDenied
        made = BallotBox.objects.filter(poll=poll).first()
        if poll.phase not in step.phases or not step.fits(poll, made):
            messages.error(request, str(SHARED["wrong-phase"]))
            return day(poll)
        request.step = step
        return step.view(request, poll)

    return page
