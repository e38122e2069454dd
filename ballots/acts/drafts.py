"""New drafts out of old polls, and the end of a draft nobody needs (design §3.5, §4.3).

Each new one takes over roll, cards and candidates; the key is always made anew. Who is present is taken
over too, and the quorum confirmed anew (`roll.confirm_presence`).
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import journal
from ballots.acts import lifecycle, roll
from ballots.acts.roll import entry_of
from ballots.facts import polls, register
from ballots.facts.outcome import Outcome, outcome_of, round_of
from ballots.facts.polls import box_of
from ballots.models import Delegate, Register, RollEntry
from ballots.refusal import Refusals, demand_office, demand_phase, locked
from projects import importing
from projects.candidate_table import Candidate
from projects.choices import LAST_YEAR
from projects.importing import ImportPlan
from projects.models import Poll, Project, SubItem, Target

refused = Refusals(
    {
        "not-void": _("只有作废的票决可以另建草稿。"),
        "made-before": _("已经另建过草稿，请在票决进程中查找。"),
        "wrong-phase": _("只有复核后、公布前可以发起再次票决或补充票决。"),
        "round-exists": _("已经发起过再次票决或补充票决，请在票决进程中查找。"),
        "decided": _("会议决定已经登记，不能再发起票决。"),
        "no-tie": _("没有得票相同、待定的项目，不需要再次票决。"),
        "not-draft": _("投票已经开始，不能删除。不再需要的，请宣布作废。"),
        "rehearsal": _("这次演练已有操作记录，请用“清除演练”。"),
        "not-copied": _("不能这样复制，请从票决进程重新进入。"),
        "second-round": _("再次票决和补充票决由原票决发起，不能复制。请复制原票决。"),
        "meeting-needed": _("请填写下一年度的会议名称。"),
        "last-year": _("年度最大为%(year)d，不能再复制为下一年度的草稿。"),
        "no-shortfall": _("没有不足的名额，或没有其余项目，不能补充票决。"),
    }
)

# What a poll may be copied as.
REHEARSAL, REAL, NEXT_YEAR = "rehearsal", "real", "next-year"
COPIES = {
    REHEARSAL: _("演练：沿用规则、候选项目、保管人姓名和名册范围"),
    REAL: _("正式票决的草稿：沿用规则、候选项目、保管人姓名和名册范围"),
    NEXT_YEAR: _("下一年度的草稿：只沿用规则，年度加一，候选项目和名册另行准备"),
}
COPIED_OF_PROJECT = (
    "number",
    "title",
    "text",
    "category",
    "lead_unit",
    "investment",
    "investment_this_year",
    "funding",
    "deadline",
    "site",
    "origin",
)


@transaction.atomic
def fresh_draft(poll: Poll, *, by: User) -> Poll:
    """Return a new draft with the candidates, rules and roll of a void poll; it needs a new key.

    A second round is made anew only while its first round still waits for one.
    """
    first = _locked(poll.parent, by) if poll.parent is not None else None
    poll = _locked(poll, by)
    demand_phase(poll, Poll.Phase.VOID, code="not-void", words=refused)
    if _was_drafted(poll):
        raise refused("made-before")
    if first is not None:
        _settling(first)
    draft = _draft(poll)
    _take_over_roll(poll, draft)
    _copy_candidates(_with_lines(poll), draft)
    journal.append(poll, journal.Kind.DRAFT_MADE, by=by, data={"poll": str(draft.uuid)})
    return draft


@transaction.atomic
def copy(poll: Poll, *, into: str, meeting: str = "", by: User) -> Poll:
    """Return a new draft made after `poll`, as one of `COPIES`; `poll` itself stays as it is.

    A rehearsal or a real draft has the rules, the candidates, the names of the holders and those on
    the roll who are in office; present are those who have come to its meeting by another poll. Next
    year's has the rules alone, for its candidates, its roll, its 全体代表 and the day of its 表决办法 are
    other ones. `meeting` names another meeting, and next year's needs one. A second round comes of its
    first round and is not copied. Raises Refused.
    """
    kind = Poll.Kind.REHEARSAL if into == REHEARSAL else Poll.Kind.MAIN
    changed: dict[str, Any] = {"kind": kind, "meeting": meeting or poll.meeting}
    demand_office(by)
    # It joins the others of its meeting: whoever marks somebody present there is waited for.
    joined = polls.sharing_presence(Poll(body=poll.body, **changed))
    (Poll.objects.filter(pk=poll.pk) | joined).all_locked()
    poll = _locked(poll, by)
    if into not in COPIES or poll.phase == Poll.Phase.DROPPED:
        raise refused("not-copied")
    if poll.parent is not None:
        raise refused("second-round")
    if into == NEXT_YEAR:
        if not meeting:
            raise refused("meeting-needed")
        if poll.year >= LAST_YEAR:
            raise refused("last-year", year=LAST_YEAR)
        changed |= {"year": poll.year + 1, "holders": [], "delegates_total": None}
        draft = _draft(poll, **changed, total_reason="", rules_adopted_on=None)
    else:
        draft = _draft(poll, **changed)
        _choose_roll(poll, draft)
        _copy_candidates(_with_lines(poll), draft)
        roll.take_over_presence(draft, by=by)
    if poll.journal.exists():
        data = {"poll": str(draft.uuid), "copied_as": into}
        journal.append(poll, journal.Kind.DRAFT_MADE, by=by, data=data)
    return draft


@transaction.atomic
def run_off(poll: Poll, *, by: User) -> Poll:
    """Return the draft of a run-off (再次票决) among the tied for the places left (design §4.3)."""
    poll = _locked(poll, by)
    outcome = _settling(poll)
    if not outcome.is_tied:
        raise refused("no-tie")
    opening_words = gettext(
        "%(round)s中，下列项目得票相同，不能确定。现就这些项目再次票决，从中确定%(count)d项。"
    )
    return _second_round(outcome, Poll.Kind.RUN_OFF, opening_words, by=by)


@transaction.atomic
def supplementary(poll: Poll, *, by: User) -> Poll:
    """Return the draft of a supplementary poll (补充票决) among the rest for the places left."""
    poll = _locked(poll, by)
    outcome = _settling(poll)
    if outcome.is_tied or not outcome.rest:
        raise refused("no-shortfall")
    opening_words = gettext(
        "%(round)s确定的项目不足应选项数。现就其余项目补充票决，从中确定%(count)d项。"
    )
    return _second_round(outcome, Poll.Kind.SUPPLEMENTARY, opening_words, by=by)


@transaction.atomic
def drop(poll: Poll, *, by: User, second: User | None = None, reason: str = "") -> Poll | None:
    """Take a draft out of everybody's sight; return its first round, where it has one.

    A draft on which nothing is on record is deleted with its candidates and its roll, and the
    register's chain says so. Of any other the row and the record stay (`lifecycle.drop_draft`):
    from the first entry on `second`, a scrutineer, signs too, and there is a `reason`. A rehearsal
    that has a record is wiped instead. Raises Refused.
    """
    demand_office(by)
    Register.objects.locked()
    poll = locked(poll, Poll.Phase.DRAFT, code="not-draft", words=refused)
    first = poll.parent
    if not is_on_record(poll):
        _delete(poll, by)
    elif poll.is_rehearsal:
        raise refused("rehearsal")
    else:
        lifecycle.drop_draft(poll, reason=reason, by=by, second=second)
    return first


def is_on_record(poll: Poll) -> bool:
    """Tell whether a draft holds what is kept: an entry of its journal, or a recommendation."""
    return poll.journal.exists() or poll.recommendations.exists()


def _delete(poll: Poll, by: User) -> None:
    data = {
        "draft": str(poll),
        "uuid": str(poll.uuid),
        "candidates": poll.projects.count(),
        "on_roll": poll.roll.count(),
    }
    poll.roll.all().delete()
    poll.projects.all().delete()
    poll.delete()
    journal.append(None, journal.Kind.DRAFT_DELETED, by=by, data=data)


def _settling(poll: Poll) -> Outcome:
    """Return the outcome of a confirmed poll whose open places nothing has settled yet."""
    demand_phase(poll, Poll.Phase.CONFIRMED, words=refused)
    outcome = outcome_of(poll)
    if outcome.decision is not None:
        raise refused("decided")
    if outcome.round is not None:
        raise refused("round-exists")
    return outcome


def _second_round(outcome: Outcome, kind: str, opening_words: str, *, by: User) -> Poll:
    first = outcome.poll
    draft = _draft(
        first,
        kind=first.kind if first.is_rehearsal else kind,
        parent=first,
        places=outcome.places_left,
        opening_words=opening_words % {"round": round_of(first), "count": outcome.places_left},
        proposals=Poll.Proposals.OFF,
        majority=Poll.Majority.NONE,
        # Fewer candidates than the first round had: “exactly” may no longer be possible.
        choice_rule=Poll.ChoiceRule.AT_MOST,
    )
    _take_over_roll(first, draft)
    _copy_items(outcome, draft)
    journal.append(
        first,
        journal.Kind.SECOND_ROUND_MADE,
        by=by,
        data={"poll": str(draft.uuid), "items": [row["item"] for row in outcome.rest]},
    )
    return draft


def _draft(poll: Poll, **changed: Any) -> Poll:
    """Return a new draft with the rules of `poll`, but for what is `changed`.

    Who kept the shares of `poll` is taken over to be offered where the new key is made.
    """
    columns = {field: getattr(poll, field) for field in Poll.ABOUT + Poll.RULES}
    draft = Poll(**({"holders": _holders_of(poll)} | columns | changed))
    if not draft.is_rehearsal:
        # A rehearsal, or a poll of an earlier version, may have been for the whole roll.
        draft.voters = Poll.Voters.PRESENT
    # Nothing is chosen in a 满意度测评 that somebody could wish for.
    draft.wishes = not draft.is_graded
    draft.save()
    return draft


def _take_over_roll(poll: Poll, draft: Poll) -> None:
    """Give `draft` the roll of `poll` word for word; who was present is to be looked at once more."""
    entries = [
        RollEntry(
            poll=draft,
            delegate_id=entry.delegate_id,
            number=entry.number,
            name=entry.name,
            delegation=entry.delegation,
            # Who has been suspended since is not marked present (design §4.1).
            present=entry.present and entry.delegate.status == Delegate.Status.ACTIVE,
            leave=entry.leave,
        )
        for entry in poll.roll.select_related("delegate")
    ]
    RollEntry.objects.bulk_create(entries)
    draft.presence_assumed = any(entry.present for entry in entries)
    draft.save(update_fields=["presence_assumed"])


def _choose_roll(poll: Poll, draft: Poll) -> None:
    """Give `draft` those on the roll of `poll` who may vote in it, as the register has them today."""
    chosen = Delegate.objects.filter(
        register.votes_in(draft), roll_entries__poll=poll
    ).select_related("delegation")
    RollEntry.objects.bulk_create(entry_of(draft, delegate) for delegate in chosen)


def _holders_of(poll: Poll) -> list[str]:
    box = box_of(poll)
    return list(box.holders if box else poll.holders)


def _copy_candidates(projects: Iterable[Project], draft: Poll, **changed: Any) -> None:
    for project in projects:
        columns = {column: getattr(project, column) for column in COPIED_OF_PROJECT}
        copy = Project.objects.create(poll=draft, **(columns | changed))
        Target.objects.bulk_create(
            Target(project=copy, **_said(target)) for target in project.targets.all()
        )
        SubItem.objects.bulk_create(
            SubItem(project=copy, **_said(part)) for part in project.sub_items.all()
        )


def _with_lines(poll: Poll) -> QuerySet[Project]:
    return poll.projects.prefetch_related("targets", "sub_items")


def _said(line: Target | SubItem) -> dict[str, Any]:
    return {column: getattr(line, column) for column in line.SAID}


def _copy_items(outcome: Outcome, draft: Poll) -> None:
    """Put the open items on the list of `draft`: candidates under their numbers, proposals after."""
    first = outcome.poll
    keys = {row["item"] for row in outcome.rest}
    projects = list(_with_lines(first).order_by("number"))
    for project in projects:
        if str(project.number) in keys:
            _copy_candidates([project], draft, origin=str(project.number))
    number = max((project.number for project in projects), default=0)
    for write_in in first.write_ins.order_by("number"):
        if write_in.key in keys:
            number += 1
            Project.objects.create(
                poll=draft,
                number=number,
                title=_free_title(draft, write_in.title, write_in.key),
                text=write_in.detail or write_in.title,
                lead_unit=write_in.unit,
                origin=write_in.key,
            )


def _free_title(draft: Poll, title: str, key: str) -> str:
    # Two proposals may bear one name and differ in content; a list may not hold a name twice.
    return f"{title}（{key}）" if draft.projects.filter(title=title).exists() else title


def _was_drafted(poll: Poll) -> bool:
    """Tell whether a draft that takes the place of `poll` still exists; a copy does not."""
    entries = poll.journal.filter(kind=journal.Kind.DRAFT_MADE)
    drafted = [UUID(entry.data["poll"]) for entry in entries if "copied_as" not in entry.data]
    return Poll.objects.standing().filter(uuid__in=drafted).exists()


def _locked(poll: Poll, by: User) -> Poll:
    demand_office(by)
    return locked(poll)


# --- what is put to the vote in a draft -----------------------------------------------------------


def import_candidates(
    poll: Poll,
    rows: Sequence[Candidate],
    *,
    seen: str,
    by: User,
    renames: Collection[int] = (),
    digest: str = "",
) -> ImportPlan:
    """Write a table of candidates into a draft, all of it or nothing, and return what was done.

    `digest` is the SHA-256 of the file; for the others see `projects.importing.write_import`, which
    says no. Two at once: the second is told that the candidates have changed.
    """
    try:
        with transaction.atomic():
            poll = _locked(poll, by)
            plan = importing.write_import(poll, rows, seen=seen, renames=renames)
            data = {
                "file": digest,
                "candidates": {
                    "new": len(plan.new),
                    "changed": len(plan.updated),
                    "same": len(plan.unchanged),
                },
                "moved": [list(pair) for pair in sorted(plan.moved.items())],
                "renamed": sorted(plan.renamed),
            }
            journal.append(poll, journal.Kind.CANDIDATES_IMPORTED, by=by, data=data)
            return plan
    except IntegrityError:
        # The candidates' own form takes no lock: it may have been saved in between.
        raise importing.refused("changed") from None
