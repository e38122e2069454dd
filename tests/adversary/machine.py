"""The machine that tries a manipulation: one small real poll, walked to its end by its own acts.

Somewhere on the way somebody writes to the database; what happens next is the verdict. Either the
manipulation or a later act is refused; or the day's page or the verifier names it; or it goes
unnoticed, which is written down as conceded, with the paragraph that says why.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import Error, connection, transaction
from django.utils import timezone

from ballots import journal, triggers, verifier
from ballots.acts import canvass, lifecycle, roll
from ballots.admin import state
from ballots.facts import frozen, kept, preflight
from ballots.files import package
from ballots.models import WriteIn
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.factories import Stage, make_stage, selection

# --- verdicts -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RefusedBy:
    """A trigger, a constraint or an act says no: `why` is part of its words, or the act's code."""

    who: str
    why: str

    def is_met_by(self, found: "Verdict") -> bool:
        if not isinstance(found, RefusedBy) or found.who != self.who:
            return False
        return self.why in found.why if self.who == "database" else self.why == found.why


@dataclass(frozen=True)
class NamedBy:
    """All of it goes through, and is told: by which checks of the verifier, and on the day's page.

    `verifier` reads “A votes digest · B recount · public digest”: levels A and B on the full
    package, A on the public one. `page` is part of the sentences that stood on the page.
    """

    verifier: str = ""
    page: str = ""

    def is_met_by(self, found: "Verdict") -> bool:
        return (
            isinstance(found, NamedBy)
            and self.verifier == found.verifier
            and bool(self.page) == bool(found.page)
            and self.page in found.page
        )


@dataclass(frozen=True)
class Conceded:
    """Nothing tells it; `where` is its number in section 4 of docs/security.md, which says why."""

    where: str

    def is_met_by(self, found: "Verdict") -> bool:
        return found == UNNOTICED


Verdict = RefusedBy | NamedBy | Conceded
UNNOTICED = Conceded("")

# --- the poll and its way -------------------------------------------------------------------------

# 代表7 is there and has not voted; 代表8 has not come.
VOTED, WAITS, AWAY = 1, 6, 7
MERGED, ALONE = "新建公共停车场", "加装电梯"


@dataclass
class Course:
    """A poll on its way: what people have read and written down so far."""

    stage: Stage
    phase: str = "draft"
    looked: frozen.Looked | None = None
    heads: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    page: str = ""

    @property
    def poll(self) -> Poll:
        return Poll.objects.get(pk=self.stage.poll.pk)

    def write_down(self) -> None:
        """People write down the 核对号 that stands on paper, page and screen at this moment."""
        self.heads.append(journal.head(self.poll))

    def read_page(self) -> None:
        """Somebody of the office looks at the day's page; what it says is not forgotten."""
        blocked = [
            finding for finding in state.system_state(self.poll) if finding.level == "blocks"
        ]
        told = [one.text for one in preflight.changes_since_opening(self.poll) + blocked]
        self.page = "；".join(
            filter(None, [self.page, *(one for one in told if one not in self.page)])
        )


def begin() -> Course:
    """Return the draft of a real poll on its day: eight delegates, of whom the last has not come."""
    stage = make_stage(
        kind=Poll.Kind.MAIN,
        open_it=False,
        delegates=8,
        candidates=4,
        places=3,
        show_votes=True,
        closes_at=timezone.now() + timedelta(hours=2),
    )
    roll.mark_absent(stage.poll, numbers=["008"], by=stage.office)
    course = Course(stage)
    course.write_down()
    return course


def _look(course: Course) -> None:
    course.looked = frozen.looked_at(course.poll)


def _open(course: Course) -> None:
    stage = course.stage
    stage.poll = lifecycle.open_poll(course.poll, by=stage.office, looked=course.looked)
    ballots = [
        *(selection(1, 2), selection(1, 2), selection(1, proposals=[MERGED])),
        *(selection(1, 2, proposals=[ALONE]), selection(2), selection(1, 2, 3)),
    ]
    course.receipts = [stage.cast(place, ballot).code for place, ballot in enumerate(ballots)]


def _pause(course: Course) -> None:
    lifecycle.pause_poll(course.poll, reason="休息", by=course.stage.office)


def _close(course: Course) -> None:
    lifecycle.close_poll(course.poll, by=course.stage.office)


def _open_box(course: Course) -> None:
    stage = course.stage
    lifecycle.open_box(course.poll, texts=stage.shares[:3], by=stage.scrutineer)
    merged = stage.write_in(MERGED)
    into = course.poll.projects.get(number=3)
    ruling = WriteIn.Ruling.INTO_PROJECT
    canvass.rule(course.poll, merged, ruling=ruling, into=into, by=stage.office)
    canvass.rule_each_alone(course.poll, by=stage.office)


def _close_canvass(course: Course) -> None:
    stage = course.stage
    if not course.poll.box.canvassed:
        canvass.close_canvass(course.poll, by=stage.office, second=stage.scrutineer)


def _count(course: Course) -> None:
    lifecycle.count_poll(course.poll, by=course.stage.office)


def _confirm(course: Course) -> None:
    for person in (course.stage.scrutineer, course.stage.chief):
        if course.poll.phase == Poll.Phase.COUNTED:
            lifecycle.confirm_result(course.poll, by=person)


def _publish(course: Course) -> None:
    by = course.stage.office
    lifecycle.publish_result(course.poll, by=by, leave_open=True, at_once=True)


# What leads to each phase; a pause is made by those alone who want to write in one.
STEPS: dict[str, tuple[str, Callable[[Course], None]]] = {
    "looked": ("look", _look),
    "open": ("open", _open),
    "paused": ("pause", _pause),
    "closed": ("close", _close),
    "opened": ("box", _open_box),
    "canvassed": ("canvass", _close_canvass),
    "counted": ("count", _count),
    "confirmed": ("confirm", _confirm),
    "published": ("publish", _publish),
}
PHASES = ("draft", *STEPS)


def walk(course: Course, to: str) -> None:
    """Take the next steps up to `to`; what people then read and write down is noted."""
    for phase in PHASES[PHASES.index(course.phase) + 1 : PHASES.index(to) + 1]:
        if phase != "paused" or to == "paused":
            STEPS[phase][1](course)
            course.write_down()
        course.phase = phase


# --- what becomes of it ---------------------------------------------------------------------------


class Answered(Exception):
    """Somebody who was to be deceived has been told no; the verdict says by what."""

    def __init__(self, verdict: RefusedBy) -> None:
        super().__init__(verdict)
        self.verdict = verdict


def verdict_on(course: Course, act: Callable[[Course], None], *, lifted: bool) -> Verdict:
    """Let somebody do `act` to the database, go on as if nothing had been, and tell what came of it."""
    # What another test has seen of a poll of the same number is nothing to this one.
    kept._frozen.cache_clear()
    try:
        with transaction.atomic():
            if lifted:
                by_force(lambda: act(course))
            else:
                act(course)
        course.read_page()
    except Answered as answer:
        return answer.verdict
    except Error as refusal:
        return RefusedBy("database", str(refusal))
    while course.phase != "published":
        # Whoever wrote in a pause or without one: nobody pauses after that.
        following = PHASES[PHASES.index(course.phase) + 1]
        if following == "paused":
            course.phase = following
            continue
        try:
            walk(course, following)
        except Refused as refusal:
            return RefusedBy(STEPS[following][0], refusal.code)
        except Error as refusal:
            return RefusedBy("database", str(refusal))
        course.read_page()
    told = told_by_verifier(course)
    return NamedBy(told, course.page) if told or course.page else UNNOTICED


def by_force(act: Callable[[], None]) -> None:
    """Do `act` without triggers, as the owner of the tables can, and leave them as they were."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table with checks that wait for the end of the transaction lets go of no trigger.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        triggers.lift(connection)
        act()
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        triggers.install(connection)


def told_by_verifier(course: Course) -> str:
    """Return the checks that fail: of both packages, with the shares and all 核对号 written down."""
    full = verifier.read(io.BytesIO(package.full_package(course.poll).content))
    public = verifier.read(io.BytesIO(package.public_package(course.poll).content))

    def head(of: verifier.Package) -> list[verifier.Finding]:
        faults = tuple(verifier.check_heads(of, course.heads))
        return [verifier.Finding("head", "", faults)]

    levels = {
        "A": [*verifier.level_a(full), *head(full)],
        "B": verifier.level_b(full, course.stage.shares[:3]),
        "public": [*verifier.level_a(public), *head(public)],
    }
    wrong = {
        level: " ".join(finding.code for finding in findings if finding.faults)
        for level, findings in levels.items()
    }
    return " · ".join(f"{level} {codes}" for level, codes in wrong.items() if codes)
