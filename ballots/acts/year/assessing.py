"""The draft of a 满意度测评 on the projects of a year, each as a whole or by its sub-items (design §4.6)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.acts.year.adopting import locked_year
from ballots.facts.polls import box_of
from ballots.refusal import Refusals, demand_office
from projects.choices import OF_GRADES, Body
from projects.models import Poll, Project, SubItem, Target
from projects.year.models import AdoptedPart, AdoptedProject, Year
from projects.year.progress import ProjectProgress, progress_of
from yiwu_vote.texts import folded

refused = Refusals(
    {
        "meeting-needed": _("没有建立：请填写进行测评的会议名称。"),
        "title-too-long": _(
            "没有建立：“%(title)s”超过%(limit)d字，表决票上放不下。请先在年度实事中缩短，再建立测评草稿。"
        ),
    }
)
TITLE_LIMIT: int = Project._meta.get_field("title").max_length or 0
ASSESSMENT = "assessment"


@dataclass(frozen=True)
class Assessed:
    """One thing that is judged: an adopted project, or one of its sub-items."""

    title: str
    progress: ProjectProgress
    # None where it is the project itself.
    part: AdoptedPart | None = None

    @property
    def project(self) -> AdoptedProject:
        return self.progress.project

    @property
    def investment(self) -> Decimal | None:
        return self.part.investment if self.part else self.project.investment

    @property
    def place(self) -> str:
        """Where it stands on the year's list, such as “3” or, for a sub-item, “3-2”."""
        number = self.project.number
        return f"{number}-{self.part.position}" if self.part else f"{number}"


@transaction.atomic
def draft_assessment(
    year: Year, *, meeting: str, body: Body, by_part: bool = False, by: User
) -> Poll:
    """Return the draft of a 满意度测评 on the projects of `year`, to be judged at `meeting`.

    `by_part` puts each sub-item on the ballot instead of its project, where a project has any, as
    Huzhou (湖州) does. Names of the holders and the telephone are those of the poll that adopted the
    projects; rules of its own, boundary and base, roll and key are seen to as in any draft. Raises
    Refused.
    """
    demand_office(by)
    year = locked_year(year)
    meeting = meeting.strip()
    if not meeting:
        raise refused("meeting-needed")
    first = year.poll
    box = box_of(first)
    draft = Poll.objects.create(
        meeting=meeting,
        year=year.year,
        phone=first.phone,
        body=body,
        form=Poll.Form.GRADES,
        show_votes=True,
        simple=first.simple,
        objection_days=first.objection_days,
        holders=list(box.holders if box else first.holders),
        **OF_GRADES,
    )
    for number, one in enumerate(_assessed(year, by_part=by_part), start=1):
        _put_on_list(draft, number, one)
    data = {"poll": str(draft.uuid), "copied_as": ASSESSMENT}
    journal.append(first, journal.Kind.DRAFT_MADE, by=by, data=data)
    return draft


def _assessed(year: Year, *, by_part: bool) -> Iterator[Assessed]:
    """Yield what is judged, in the order of the year's list; equal names are told apart by their place."""
    found: list[Assessed] = []
    for progress in progress_of(year).projects:
        parts = list(progress.project.parts.all()) if by_part else []
        found += [Assessed(part.text, progress, part) for part in parts]
        if not parts:
            found.append(Assessed(progress.project.title, progress))
    names = Counter(folded(one.title) for one in found)
    for one in found:
        title = one.title
        if names[folded(title)] > 1:
            title = gettext("%(title)s（第%(place)s项）") % {"title": title, "place": one.place}
        if len(title) > TITLE_LIMIT:
            raise refused("title-too-long", title=title, limit=TITLE_LIMIT)
        yield replace(one, title=title)


def _put_on_list(draft: Poll, number: int, one: Assessed) -> None:
    project = one.project
    candidate = Project.objects.create(
        poll=draft,
        number=number,
        title=one.title,
        text="\n".join(_told(one)),
        category=project.category,
        lead_unit=project.lead_unit,
        investment=one.investment,
        deadline=project.deadline,
        site=project.site,
    )
    if one.part:
        return
    Target.objects.bulk_create(
        Target(project=candidate, **{name: getattr(target, name) for name in target.SAID})
        for target in project.targets.all()
    )
    SubItem.objects.bulk_create(
        SubItem(project=candidate, **{name: getattr(part, name) for name in part.SAID})
        for part in project.parts.all()
    )


def _told(one: Assessed) -> Iterator[str]:
    """Yield what a ballot says of what is judged: what was to be done, and how far it has come."""
    project = one.project
    if one.part:
        yield gettext("第%(number)d项“%(title)s”的子项。") % {
            "number": project.number,
            "title": project.title,
        }
    else:
        yield project.text
    reported = [each for each in one.progress.quarters if each.is_reported]
    if not reported:
        return
    last = reported[-1]
    done = [
        gettext("%(target)s，完成%(done)s") % {"target": target.target, "done": target.done_words}
        for target in last.targets
        if target.done is not None
    ]
    if done and not one.part:
        yield gettext("截至第%(quarter)d季度：%(done)s。") % {
            "quarter": last.quarter,
            "done": "；".join(done),
        }
    if one.progress.latest_note:
        yield one.progress.latest_note
