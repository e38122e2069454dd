"""A published result becomes the projects of its year, and the year is closed in the end (design §3.6)."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.facts.outcome import Outcome, Place, listed, outcome_of
from ballots.refusal import Refusals, demand_office, demand_second, locked
from projects.models import Poll
from projects.year.models import AdoptedPart, AdoptedProject, AdoptedTarget, Year

refused = Refusals(
    {
        "not-out": _("只有正式票决首次票决的结果公布后，才能列为年度实事项目。"),
        "nothing-adopted": _("本次票决没有确定任何项目，不能列为年度实事项目。"),
        "year-taken": _("没有办理：%(year)d年的实事项目已经列入，来自《%(meeting)s》。"),
        "year-closed": _("没有办理：%(year)d年的实事项目已经结束，不能再修改。"),
        "second-needed": _("结束年度实事须由会务和监票各一人签名。"),
    }
)


def may_adopt(poll: Poll) -> bool:
    """Tell whether the result of `poll` is one that a year's projects can be: a first round's that counts."""
    return (
        poll.kind == Poll.Kind.MAIN
        and poll.parent_id is None
        and not poll.is_graded
        and poll.phase == Poll.Phase.PUBLISHED
    )


@transaction.atomic
def adopt(poll: Poll, *, by: User) -> Year:
    """Make the adopted projects of a published poll those of its year.

    A publication does it by itself (`adopt_published`): this is for a result that an earlier version
    has published. Raises Refused where the year has its projects.
    """
    demand_office(by)
    poll = locked(poll)
    if not may_adopt(poll):
        raise refused("not-out")
    if (other := Year.objects.filter(year=poll.year).select_related("poll").first()) is not None:
        raise refused("year-taken", year=poll.year, meeting=other.poll.meeting)
    outcome = outcome_of(poll)
    if not outcome.filled:
        raise refused("nothing-adopted")
    year = _make(outcome, by)
    data = {"year": year.year, "projects": list(year.projects.values_list("key", flat=True))}
    journal.append(poll, journal.Kind.YEAR_MADE, by=by, data=data)
    return year


def adopt_published(outcome: Outcome, *, by: User) -> Year | None:
    """Make the year's projects of a result that is being published, where they are to be made.

    The caller holds the lock of the poll, and its own entry names the projects. A year that has its
    projects keeps them: the page of the year says of which poll they are.
    """
    poll = outcome.poll
    if not may_adopt(poll) or not outcome.filled or Year.objects.filter(year=poll.year).exists():
        return None
    return _make(outcome, by)


def locked_year(year: Year) -> Year:
    """Lock, then look: return `year` as it is now, under the lock of its poll.

    Raises Refused("year-closed") once nothing of it may be written any more.
    """
    locked(year.poll)
    year = Year.objects.select_related("poll").get(pk=year.pk)
    if not year.is_open:
        raise refused("year-closed", year=year.year)
    return year


@transaction.atomic
def close_year(year: Year, *, by: User, second: User | None) -> Year:
    """Close a year, signed by the office and a scrutineer: from now on it is only looked at.

    The cards of its poll's roll are of no more use then, and may be destroyed.
    """
    demand_office(by)
    second = demand_second(by, second, words=refused)
    year = locked_year(year)
    year.closed_at, year.closed_by = timezone.now(), by
    year.save(update_fields=["closed_at", "closed_by"])
    journal.append(
        year.poll, journal.Kind.YEAR_CLOSED, by=by, second=second, data={"year": year.year}
    )
    return year


@transaction.atomic
def set_switches(year: Year, *, is_public: bool, takes_opinions: bool, by: User) -> Year:
    """Say who sees how the projects stand, and whether delegates may write opinions of their own.

    Who sees them may be said of a closed year too; the other switch stays as it is then.
    """
    demand_office(by)
    locked(year.poll)
    year = Year.objects.select_related("poll").get(pk=year.pk)
    if takes_opinions != year.takes_opinions and not year.is_open:
        raise refused("year-closed", year=year.year)
    year.is_public, year.takes_opinions = is_public, takes_opinions
    year.save(update_fields=["is_public", "takes_opinions"])
    return year


# --- details --------------------------------------------------------------------------------------


def _make(outcome: Outcome, by: User) -> Year:
    poll = outcome.poll
    year = Year.objects.create(year=poll.year, poll=poll, made_by=by)
    candidates = {
        str(project.number): project
        for project in poll.projects.prefetch_related("targets", "sub_items")
    }
    proposals = {write_in.key: write_in for write_in in poll.write_ins.all()}
    for number, place in enumerate(listed(outcome.filled), start=1):
        project = candidates.get(place.key)
        if project is None:
            proposal = proposals[place.key]
            text = proposal.detail or proposal.title
            _adopted(year, number, place, {"text": text, "lead_unit": proposal.unit}).save()
            continue
        adopted = _adopted(
            year, number, place, {name: getattr(project, name) for name in AdoptedProject.COPIED}
        )
        adopted.save()
        AdoptedTarget.objects.bulk_create(
            AdoptedTarget(project=adopted, **_said(target)) for target in project.targets.all()
        )
        AdoptedPart.objects.bulk_create(
            AdoptedPart(project=adopted, **_said(part)) for part in project.sub_items.all()
        )
    return year


def _adopted(year: Year, number: int, place: Place, said: dict[str, Any]) -> AdoptedProject:
    return AdoptedProject(year=year, number=number, key=place.key, title=place.name, **said)


def _said(line: Any) -> dict[str, Any]:
    return {column: getattr(line, column) for column in line.SAID}
