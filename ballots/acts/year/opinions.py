"""Opinions on the projects of a year (督办意见): written by name, answered, closed with a reason."""

from datetime import date, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots.acts.year.adopting import locked_year
from ballots.facts import register
from ballots.models import Delegate, Opinion, OpinionAnswer, Register
from ballots.refusal import Refusals, demand_office, demand_reason
from projects.year.models import AdoptedProject
from yiwu_vote.texts import folded, typed_within

refused = Refusals(
    {
        "not-taking": _("目前不由代表填写督办意见，您的意见没有提交。"),
        "not-delegate": _("只有在任代表可以填写督办意见，您的意见没有提交。"),
        "text-needed": _("请填写督办意见。"),
        "text-too-long": _("督办意见不能超过%(limit)d字，现有%(count)d字，请缩短。"),
        "written-before": _("您已经对这个项目提过同样的意见，没有重复提交。"),
        "too-many": _("每位代表一年最多提%(limit)d条督办意见，您的意见没有提交。请联系会务组。"),
        "name-needed": _("请填写提出意见的代表、代表团或者督办小组。"),
        "name-too-long": _("提出人不能超过%(limit)d字，请缩短。"),
        "several": _("有%(count)d位代表叫“%(name)s”，请填写代表证号。"),
        "due-past": _("答复期限不能早于今天，请修改。"),
        "answer-needed": _("请填写答复内容。"),
        "answer-too-long": _("答复不能超过%(limit)d字，现有%(count)d字，请缩短。"),
        "closed-before": _("没有办理：这条意见已经办结。"),
    }
)

# Within so many days the lead unit answers, unless the office says otherwise.
DAYS = 30
# So many a delegate writes in a year: more than anybody has to say on ten projects.
MOST = 20
NAME_LIMIT = Opinion._meta.get_field("by_name").max_length or 0


def usual_due() -> date:
    """Return by when an opinion of today is to be answered, where nobody says otherwise."""
    return timezone.localdate() + timedelta(days=DAYS)


# --- written --------------------------------------------------------------------------------------


@transaction.atomic
def write(project: AdoptedProject, *, delegate: Delegate, text: str) -> Opinion:
    """Record what `delegate` demands of a project, with his own card; raises Refused."""
    year = locked_year(project.year)
    if not year.takes_opinions:
        raise refused("not-taking")
    if delegate.status != Delegate.Status.ACTIVE:
        raise refused("not-delegate")
    text = _demand_text(text)
    mine = Opinion.objects.filter(delegate=delegate, project__year=year)
    said = [folded(other) for other in mine.filter(project=project).values_list("text", flat=True)]
    if folded(text) in said:
        raise refused("written-before")
    if mine.count() >= MOST:
        raise refused("too-many", limit=MOST)
    return Opinion.objects.create(
        project=project, delegate=delegate, by_name=delegate.name, text=text, due=usual_due()
    )


@transaction.atomic
def enter(project: AdoptedProject, *, by_name: str, text: str, due: date, by: User) -> Opinion:
    """Record an opinion that the office was given: of a delegate, a delegation or a group.

    `by_name` is the number or the name of a delegate in office, or how those are called whose it is.
    """
    demand_office(by)
    # Whom it names is not deleted meanwhile.
    Register.objects.locked()
    locked_year(project.year)
    by_name = typed_within(by_name, NAME_LIMIT)
    if not by_name:
        raise refused("name-needed")
    if len(by_name) > NAME_LIMIT:
        raise refused("name-too-long", limit=NAME_LIMIT)
    text = _demand_text(text)
    if due < timezone.localdate():
        raise refused("due-past")
    people = register.named(by_name)
    if len(people) > 1:
        raise refused("several", count=len(people), name=by_name)
    delegate = people[0] if people else None
    return Opinion.objects.create(
        project=project,
        delegate=delegate,
        by_name=delegate.name if delegate else by_name,
        text=text,
        due=due,
        entered_by=by,
    )


def _demand_text(text: str) -> str:
    return _demand(text, needed="text-needed", too_long="text-too-long")


def _demand(text: str, *, needed: str, too_long: str) -> str:
    text = typed_within(text, Opinion.LIMIT, lines=True)
    if not text:
        raise refused(needed)
    if len(text) > Opinion.LIMIT:
        raise refused(too_long, limit=Opinion.LIMIT, count=len(text))
    return text


# --- answered and closed --------------------------------------------------------------------------


@transaction.atomic
def answer(opinion: Opinion, *, text: str, by: User) -> OpinionAnswer:
    """Record what the lead unit answers; an answer that is there is corrected by this newer one."""
    opinion = _open(opinion, by)
    text = _demand(text, needed="answer-needed", too_long="answer-too-long")
    return OpinionAnswer.objects.create(opinion=opinion, text=text, by=by)


@transaction.atomic
def close(opinion: Opinion, *, reason: str, by: User) -> Opinion:
    """Say why nothing more is to be done about an opinion; nothing is added to it from then on."""
    opinion = _open(opinion, by)
    opinion.reason = demand_reason(reason)
    opinion.closed_at, opinion.closed_by = timezone.now(), by
    opinion.save(update_fields=["reason", "closed_at", "closed_by"])
    return opinion


def _open(opinion: Opinion, by: User) -> Opinion:
    """Return the opinion as it is now, under the lock of its year; raises Refused."""
    demand_office(by)
    locked_year(opinion.project.year)
    opinion = Opinion.objects.get(pk=opinion.pk)
    if opinion.closed_at is not None:
        raise refused("closed-before")
    return opinion
