"""The import of candidates into a poll in draft: what it would do, and the act that does it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from projects import candidate_table
from projects.candidate_table import Candidate
from projects.models import Poll, Project, Target
from yiwu_vote.refusal import Refusals
from yiwu_vote.tables.upload import Problem, fingerprint

refused = Refusals(
    {
        "not-draft": _("没有导入：投票已经开始，候选项目不能再修改。"),
        "second-round": _(
            "没有导入：再次票决、补充票决的候选项目就是原票决留下的项目，不能从表格导入。"
        ),
        "changed": _("没有导入：候选项目在预览之后有变动，请重新上传。"),
        "problems": _("没有导入：表格有错误，请更正后重新上传。"),
    }
)


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do; nothing is written before it is confirmed.

    Every row has its number. `seen` stands for the candidates that the plan was compared with.
    """

    new: tuple[Candidate, ...]
    updated: tuple[Candidate, ...]
    unchanged: tuple[Candidate, ...]
    problems: tuple[Problem, ...]
    seen: str


def cells_of(poll: Poll) -> list[tuple[str, ...]]:
    """Return the candidates of `poll` as rows of the table, in the order of its header."""
    return [_cells(project) for project in _projects(poll)]


def plan_import(poll: Poll, rows: Sequence[Candidate]) -> ImportPlan:
    """Compare `rows` with the candidates of `poll`; a number that is there means that candidate.

    A row without a number gets the next one after the highest. A title that another candidate has,
    and keeps, is a problem of its row, as is a number that the column cannot hold.
    """
    projects = _projects(poll)
    present = {project.number: project for project in projects}
    last = max([*present, *(row.number for row in rows)], default=0)
    numbered = []
    for row in rows:
        last += not row.number
        numbered.append(row if row.number else replace(row, number=last))

    renamed = {row.number for row in numbered}
    owners = {project.title: project.number for project in projects}
    problems = [
        Problem(
            row.line,
            str(_("已有同名的第%(number)d项，请填写其编号，或更改名称")) % {"number": owner},
        )
        for row in numbered
        if (owner := owners.get(row.title)) is not None and owner not in renamed
    ]
    problems += [
        Problem(row.line, str(_("编号已用完，请在“编号”列填写空着的编号")))
        for row in numbered
        if row.number > candidate_table.NUMBER_LIMIT
    ]
    there = [row for row in numbered if row.number in present]
    changed = {row.number for row in there if _differs(present[row.number], row)}
    return ImportPlan(
        new=tuple(row for row in numbered if row.number not in present),
        updated=tuple(row for row in there if row.number in changed),
        unchanged=tuple(row for row in there if row.number not in changed),
        problems=tuple(problems),
        seen=_seen(poll, projects),
    )


def import_candidates(poll: Poll, rows: Sequence[Candidate], *, seen: str) -> ImportPlan:
    """Write all `rows` or nothing, and return what was done; `seen` is that of the plan shown.

    Raises Refused unless `poll` is a draft whose candidates are still those of the plan, and
    every row will do.
    """
    try:
        with transaction.atomic():
            return _import(Poll.objects.locked(poll), rows, seen)
    except IntegrityError:
        # The candidates' own form takes no lock: it may have been saved in between.
        raise refused("changed") from None


def _import(poll: Poll, rows: Sequence[Candidate], seen: str) -> ImportPlan:
    if poll.phase != Poll.Phase.DRAFT:
        raise refused("not-draft")
    if poll.parent_id is not None:
        raise refused("second-round")
    plan = plan_import(poll, rows)
    if plan.seen != seen:
        raise refused("changed")
    if plan.problems:
        raise refused("problems")
    present = {project.number: project for project in _projects(poll)}
    changed = [present[row.number] for row in plan.updated]
    # Two candidates may change titles with each other; the unique pair would refuse the first.
    for project in changed:
        project.title = uuid4().hex
    Project.objects.bulk_update(changed, ["title"])
    for row in plan.updated:
        for column, value in _columns(row).items():
            setattr(present[row.number], column, value)
    Project.objects.bulk_update(
        changed,
        ["title", "text", "category", "lead_unit", "investment", "deadline", "site"],
    )
    targets = []
    for row in plan.updated:
        project = present[row.number]
        # Lines that stayed the same keep the parts that somebody may have set by hand.
        if row.targets is not None and row.targets != _as_row(project).targets:
            project.targets.all().delete()
            targets += _targets(project, row)
    for row in plan.new:
        project = Project.objects.create(poll=poll, number=row.number, **_columns(row))
        targets += _targets(project, row)
    Target.objects.bulk_create(targets)
    return plan


def _projects(poll: Poll) -> list[Project]:
    return list(poll.projects.order_by("number").prefetch_related("targets"))


def _cells(project: Project) -> tuple[str, ...]:
    return (
        str(project.number),
        project.title,
        project.text,
        project.category,
        project.lead_unit,
        "" if project.investment is None else candidate_table.plain(project.investment),
        project.deadline,
        project.site,
        "\n".join(str(target) for target in project.targets.all()),
    )


def _as_row(project: Project) -> Candidate:
    """Return `project` as its own row of the table would be read."""
    cells = zip(candidate_table.TEMPLATE_HEADER, _cells(project), strict=True)
    return candidate_table.candidate_of(dict(cells))


def _differs(project: Project, row: Candidate) -> bool:
    there = _as_row(project)
    return any(
        getattr(there, column) != value for column, value in _given(row, "targets", "investment")
    )


def _given(row: Candidate, *more: str) -> Iterable[tuple[str, Any]]:
    """Yield the columns of `row` that the file has, by their names in the model."""
    for column in ("title", "text", "category", "lead_unit", "deadline", "site", *more):
        if (value := getattr(row, column)) is not None:
            yield column, value


def _columns(row: Candidate) -> dict[str, Any]:
    columns = dict(_given(row))
    if row.investment is not None:
        columns["investment"] = Decimal(row.investment) if row.investment else None
    return columns


def _targets(project: Project, row: Candidate) -> list[Target]:
    parts = map(candidate_table.parts_of, row.targets or ())
    return [
        Target(
            project=project,
            position=position,
            text=part.text,
            quantity=part.quantity,
            unit=part.unit,
        )
        for position, part in enumerate(parts, start=1)
    ]


def _seen(poll: Poll, projects: Sequence[Project]) -> str:
    """Return a text that changes when the poll or any of its candidates is another."""
    return fingerprint(poll.pk, [_cells(project) for project in projects])
