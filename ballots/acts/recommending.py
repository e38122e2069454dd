"""Recommendations before the vote (会前推荐): made by name while the poll is a draft, then ruled on."""

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Case, QuerySet, When
from django.utils.translation import gettext_lazy as _

from ballots.models import Delegate, Recommendation
from ballots.pure import similar
from ballots.pure.rules import Proposal, faults_of_text, same_text
from ballots.refusal import REASON_LIMIT, Refusals, demand_office, demand_reason, locked
from projects.models import Poll, Project
from yiwu_vote.texts import folded, typed_within

refused = Refusals(
    {
        "not-collecting": _("目前不收集会前推荐，您的推荐没有提交。"),
        "not-delegate": _("只有在任代表可以推荐，您的推荐没有提交。"),
        "faults": _("推荐的内容不符合要求，没有提交。"),
        "too-many": _("每位代表最多推荐%(limit)d项，您的推荐没有提交。可以先撤回一项。"),
        "recommended-before": _("您已经推荐过同名的项目，没有重复提交。"),
        "is-candidate": _("候选项目中已有同名的项目，无须推荐。"),
        "not-yours": _("只能撤回本人尚未处理的推荐。"),
        "not-draft": _("投票已经开始，不能再处理会前推荐。"),
        "withdrawn": _("代表已经撤回这项推荐。"),
        "ruled-before": _("这项推荐已经处理过，请刷新页面。"),
        "title-taken": _("候选项目中已有同名的项目，请改为并入该项目。"),
        "other-poll": _("只能并入同一次票决的候选项目。"),
        "reason-needed": _("请说明不采纳的理由，代表可以看到。"),
    }
)


def collecting_polls() -> list[Poll]:
    """Return the polls that take recommendations now, real ones before rehearsals, newest first."""
    practice = Case(When(kind=Poll.Kind.REHEARSAL, then=1), default=0)
    return list(Poll.objects.collecting().order_by(practice, "-pk"))


# --- by delegates ---------------------------------------------------------------------------------


@transaction.atomic
def recommend(poll: Poll, *, delegate: Delegate, proposal: Proposal) -> Recommendation:
    """Record that `delegate` recommends a project for the list of `poll`.

    The texts have the limits of a proposal on the ballot; a delegate may have as many
    recommendations as a ballot may have proposals. Raises Refused.
    """
    poll = locked(poll)
    demand_acceptable(poll, delegate=delegate, proposal=proposal)
    return Recommendation.objects.create(
        poll=poll,
        delegate=delegate,
        title=proposal.title,
        detail=proposal.detail,
        unit=proposal.unit,
    )


def demand_acceptable(poll: Poll, *, delegate: Delegate, proposal: Proposal) -> None:
    """Raise Refused where `delegate` cannot recommend this for `poll` as it is."""
    if poll.phase != Poll.Phase.DRAFT or not poll.collecting:
        raise refused("not-collecting")
    if delegate.status != Delegate.Status.ACTIVE:
        raise refused("not-delegate")
    wrong = faults_of_text(proposal, 1)
    if wrong:
        raise refused("faults", faults=wrong)
    titles = poll.projects.values_list("title", flat=True)
    if any(same_text(proposal.title, title) for title in titles):
        raise refused("is-candidate")
    mine = [folded(title) for title in _of(poll, delegate).values_list("title", flat=True)]
    if folded(proposal.title) in mine:
        raise refused("recommended-before")
    if len(mine) >= poll.proposal_limit:
        raise refused("too-many", limit=poll.proposal_limit)


@transaction.atomic
def withdraw(recommendation: Recommendation, *, delegate: Delegate) -> None:
    """Take back a recommendation that nobody has ruled on yet; raises Refused."""
    poll = locked(recommendation.poll)
    mine = _of(poll, delegate).filter(pk=recommendation.pk, ruling=Recommendation.Ruling.WAITING)
    if poll.phase != Poll.Phase.DRAFT or not mine.exists():
        raise refused("not-yours")
    mine.delete()


def candidates_like(poll: Poll, title: str) -> list[similar.Likeness[int]]:
    """Return the candidates most like `title` by their number, for a person to look at."""
    return similar.nearest(
        title, dict(poll.projects.order_by("number").values_list("number", "title"))
    )


def _of(poll: Poll, delegate: Delegate) -> QuerySet[Recommendation]:
    return Recommendation.objects.filter(poll=poll, delegate=delegate)


# --- by the office --------------------------------------------------------------------------------


def recommendations_like(recommendation: Recommendation) -> list[similar.Likeness[int]]:
    """Return the other recommendations for the same poll most like this one, by their key.

    Delegates are never shown them: what others recommend is for the office to read.
    """
    others = recommendation.poll.recommendations.exclude(pk=recommendation.pk).order_by("pk")
    return similar.nearest(recommendation.title, dict(others.values_list("pk", "title")))


@transaction.atomic
def adopt(recommendation: Recommendation, *, by: User) -> Project:
    """Put the recommended project on the list under the next free number; returns the candidate."""
    recommendation = _waiting(recommendation, by)
    poll = recommendation.poll
    listed = dict(poll.projects.values_list("number", "title"))
    if any(same_text(recommendation.title, title) for title in listed.values()):
        raise refused("title-taken")
    try:
        with transaction.atomic():
            project = Project.objects.create(
                poll=poll,
                number=max(listed, default=0) + 1,
                title=recommendation.title,
                text=recommendation.detail or recommendation.title,
                lead_unit=recommendation.unit,
            )
    except IntegrityError:
        # The list of candidates has pages of its own, which do not take the poll's lock.
        raise refused("title-taken") from None
    _rule(recommendation, Recommendation.Ruling.ADOPTED, project=project)
    return project


@transaction.atomic
def merge(recommendation: Recommendation, *, into: Project, reason: str = "", by: User) -> None:
    """Say that a candidate of the same poll already is, or now contains, what was recommended."""
    recommendation = _waiting(recommendation, by)
    if into.poll_id != recommendation.poll_id:
        raise refused("other-poll")
    _rule(recommendation, Recommendation.Ruling.MERGED, project=into, reason=reason)


@transaction.atomic
def decline(recommendation: Recommendation, *, reason: str, by: User) -> None:
    """Decline a recommendation with a reason that the delegate can read."""
    recommendation = _waiting(recommendation, by)
    reason = demand_reason(reason, words=refused)
    _rule(recommendation, Recommendation.Ruling.DECLINED, reason=reason)


@transaction.atomic
def reopen(recommendation: Recommendation, *, by: User) -> None:
    """Take a ruling back; a candidate that came of it stays on the list until it is deleted there."""
    recommendation = _locked(recommendation, by)
    _rule(recommendation, Recommendation.Ruling.WAITING)


def _rule(
    recommendation: Recommendation, ruling: str, *, project: Project | None = None, reason: str = ""
) -> None:
    recommendation.ruling = ruling
    recommendation.project = project
    recommendation.reason = typed_within(reason, REASON_LIMIT)
    recommendation.save(update_fields=["ruling", "project", "reason"])


def _waiting(recommendation: Recommendation, by: User) -> Recommendation:
    recommendation = _locked(recommendation, by)
    if recommendation.ruling != Recommendation.Ruling.WAITING:
        raise refused("ruled-before")
    return recommendation


def _locked(recommendation: Recommendation, by: User) -> Recommendation:
    """Return the recommendation as it is now, under the lock of its poll, which must be a draft."""
    demand_office(by)
    poll = locked(recommendation.poll, Poll.Phase.DRAFT, code="not-draft", words=refused)
    fresh = Recommendation.objects.filter(pk=recommendation.pk).first()
    if fresh is None:
        raise refused("withdrawn")
    fresh.poll = poll
    return fresh
