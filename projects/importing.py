"""The import of candidates into a poll in draft: what it would do, and the writing of it.

A candidate is what its title and text say (design §11.1): its number is one of the things that a
table may change, and whatever else belongs to it goes along. The act, which asks who may and puts
it on record, is `ballots.acts.drafts.import_candidates`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from projects import candidate_table
from projects.candidate_table import NUMBER_LIMIT, Candidate
from projects.models import Poll, Project, SubItem, Target
from yiwu_vote.refusal import Refusals
from yiwu_vote.tables.upload import Problem, fingerprint
from yiwu_vote.texts import folded

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


# The columns of the table by what the reader of tables calls them.
COLUMNS = {
    "项目名称": "title",
    "建设内容": "text",
    "类别": "category",
    "责任单位": "lead_unit",
    "总投资（万元）": "investment",
    "本年投资（万元）": "investment_this_year",
    "资金来源": "funding",
    "完成时限": "deadline",
    "实施范围": "site",
    "年度目标": "targets",
    "子项": "sub_items",
}
# Of these, what the model holds as a text, and as a sum.
WORDS = ("title", "text", "category", "lead_unit", "funding", "deadline", "site")
SUMS = ("investment", "investment_this_year")


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do; nothing is written before it is confirmed.

    Every row has its number. `seen` stands for the candidates that the plan was compared with.
    `was` maps the number of each row that is there to the number that its candidate has now.
    `renamed` are the numbers of the rows that give a candidate another title, each of which
    somebody has to confirm, or the row is left out; `absent` are the candidates that no row is
    about, which stay.
    """

    new: tuple[Candidate, ...]
    updated: tuple[Candidate, ...]
    unchanged: tuple[Candidate, ...]
    problems: tuple[Problem, ...]
    seen: str
    was: Mapping[int, int] = field(default_factory=dict)
    renamed: frozenset[int] = frozenset()
    absent: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def moved(self) -> dict[int, int]:
        """The new number of each candidate that gets one, by its old one."""
        return {old: new for new, old in self.was.items() if old != new}


@dataclass(frozen=True)
class Change:
    """One field of a candidate that a table changes."""

    title: str
    old: str
    new: str


def cells_of(poll: Poll) -> list[tuple[str, ...]]:
    """Return the candidates of `poll` as rows of the table, in the order of its header."""
    return [_cells(project) for project in _projects(poll)]


def plan_import(poll: Poll, rows: Sequence[Candidate]) -> ImportPlan:
    """Compare `rows` with the candidates of `poll`; a title that is there means that candidate.

    A row without a number keeps that of the candidate with its title, and a new one gets the next
    after the highest. What is not certain is a problem of
    its row: a number that another candidate keeps, a title with the text of another one.
    """
    projects = _projects(poll)
    last = max(
        [*(project.number for project in projects), *(row.number for row in rows)], default=0
    )
    there = _There(projects, {folded(row.title) for row in rows})
    given = {row.number for row in rows if row.number}
    numbered = []
    for row in rows:
        number = row.number or there.number_of(row)
        if not row.number and number and number not in given:
            given.add(number)
        elif not row.number:
            last = number = last + 1
        numbered.append(replace(row, number=number))

    problems, was = [], {}
    for row in numbered:
        project, problem = there.meant_by(row, has_number=row.number in given)
        if row.number > NUMBER_LIMIT:
            problem = gettext("编号已用完，请在“编号”列填写空着的编号")
        if problem:
            problems.append(Problem(row.line, problem))
        elif project is not None:
            was[row.number] = project.number
        if _is_more_than_the_whole(row, project):
            problems.append(Problem(row.line, gettext("本年投资多于总投资")))
    by_number = {project.number: project for project in projects}
    known = [(row, by_number[was[row.number]]) for row in numbered if row.number in was]
    changed = {
        row.number
        for row, project in known
        if project.number != row.number or changes_of(project, row)
    }
    return ImportPlan(
        new=tuple(row for row in numbered if row.number not in was),
        updated=tuple(row for row, _project in known if row.number in changed),
        unchanged=tuple(row for row, _project in known if row.number not in changed),
        problems=tuple(problems),
        seen=_seen(poll, projects),
        was=was,
        renamed=frozenset(
            row.number for row, project in known if folded(project.title) != folded(row.title)
        ),
        absent=tuple(str(each) for each in projects if each.number not in was.values()),
    )


def _is_more_than_the_whole(row: Candidate, project: Project | None) -> bool:
    """Tell whether this year's investment would be more than the whole: also of the part that stays."""
    sums = _columns(row)
    whole, part = (sums.get(column, getattr(project, column, None)) for column in SUMS)
    return whole is not None and part is not None and part > whole


class _There:
    """The candidates that are there, asked which of them a row means."""

    def __init__(self, projects: Sequence[Project], titles: Collection[str]) -> None:
        self.by_number = {project.number: project for project in projects}
        self.by_title: dict[str, list[Project]] = {}
        self.by_text: dict[str, list[Project]] = {}
        for project in projects:
            self.by_title.setdefault(folded(project.title), []).append(project)
            self.by_text.setdefault(folded(project.text), []).append(project)
        self.titles = titles

    def number_of(self, row: Candidate) -> int:
        """Return the number of the one candidate with the title of `row`; 0 for none."""
        named = self.by_title.get(folded(row.title), [])
        return named[0].number if len(named) == 1 else 0

    def meant_by(self, row: Candidate, *, has_number: bool) -> tuple[Project | None, str]:
        """Return the candidate that `row` is about, if any, and what is not certain about that."""
        named = self.by_title.get(folded(row.title), [])
        holder = self.by_number.get(row.number)
        if len(named) > 1:
            return None, gettext("已有两项同名，不能确定是哪一项，请先更改名称")
        if not named:
            return self._new_or_renamed(row, holder)
        (project,) = named
        if not has_number:
            words = gettext("已有同名的第%(number)d项，请填写其编号，或更改名称")
            return None, words % {"number": project.number}
        other = self._owner_of_text(row)
        if other is not None and other is not project and folded(project.text) != folded(row.text):
            words = gettext("项目名称是第%(one)d项的，建设内容是第%(other)d项的，请核对")
            return None, words % {"one": project.number, "other": other.number}
        if holder is not None and holder is not project and not self._is_named(holder):
            words = gettext("编号%(number)d现在是“%(title)s”，请把该项连同新编号一并写入表格")
            return None, words % {"number": holder.number, "title": holder.title}
        return project, ""

    def _new_or_renamed(self, row: Candidate, holder: Project | None) -> tuple[Project | None, str]:
        other = self._owner_of_text(row)
        if other is not None and other is not holder and not self._is_named(other):
            words = gettext(
                "建设内容与第%(number)d项“%(title)s”相同，而编号、名称都不同，"
                "不能确定是否同一项目，请保留原编号或原名称"
            )
            return None, words % {"number": other.number, "title": other.title}
        # Whoever held the number is in the table under its own title: this one is new.
        return (None if holder is None or self._is_named(holder) else holder), ""

    def _owner_of_text(self, row: Candidate) -> Project | None:
        owners = self.by_text.get(folded(row.text), [])
        return owners[0] if len(owners) == 1 else None

    def _is_named(self, project: Project) -> bool:
        return folded(project.title) in self.titles


def write_import(
    poll: Poll, rows: Sequence[Candidate], *, seen: str, renames: Collection[int]
) -> ImportPlan:
    """Write all `rows`, and return what was done; the caller holds the lock of `poll`.

    `seen` is that of the plan that was shown, `renames` are the numbers of the rows whose new title
    somebody has confirmed: a row whose new title nobody has is left out, and the plan that is
    returned does not have it. Raises Refused unless `poll` is a draft with a list of its own whose
    candidates are still those of the plan and every row will do.
    """
    if poll.phase != Poll.Phase.DRAFT:
        raise refused("not-draft")
    if poll.parent_id is not None:
        raise refused("second-round")
    plan = plan_import(poll, rows)
    if plan.seen != seen:
        raise refused("changed")
    if plan.problems:
        raise refused("problems")
    left_out = plan.renamed - set(renames)
    plan = replace(
        plan,
        updated=tuple(row for row in plan.updated if row.number not in left_out),
        renamed=plan.renamed - left_out,
        left_out=tuple(_as_renamed(poll, row) for row in plan.updated if row.number in left_out),
    )
    _write(poll, plan)
    return plan


def _as_renamed(poll: Poll, row: Candidate) -> str:
    """Return the words for a rename, whose row has the number of its candidate."""
    old = poll.projects.get(number=row.number).title
    words = gettext("第%(number)d项“%(old)s”更名为“%(new)s”")
    return words % {"number": row.number, "old": old, "new": row.title}


def _write(poll: Poll, plan: ImportPlan) -> None:
    projects = _projects(poll)
    by_number = {project.number: project for project in projects}
    written = [(row, by_number[plan.was[row.number]]) for row in plan.updated]
    targets, sub_items = [], []
    for row, project in written:
        # Lines that stayed the same keep the parts that somebody may have set by hand.
        there = _as_row(project)
        if row.targets is not None and row.targets != there.targets:
            project.targets.all().delete()
            targets += _targets(project, row)
        if row.sub_items is not None and row.sub_items != there.sub_items:
            project.sub_items.all().delete()
            sub_items += _sub_items(project, row)
    _park([project for _row, project in written], {*by_number, *plan.was})
    for row, project in written:
        project.number = row.number
        for column, value in _columns(row).items():
            setattr(project, column, value)
    Project.objects.bulk_update([project for _row, project in written], ["number", *WORDS, *SUMS])
    for row in plan.new:
        project = Project.objects.create(poll=poll, number=row.number, **_columns(row))
        targets += _targets(project, row)
        sub_items += _sub_items(project, row)
    Target.objects.bulk_create(targets)
    SubItem.objects.bulk_create(sub_items)


def _park(projects: Sequence[Project], taken: Collection[int]) -> None:
    """Give candidates that change other numbers and titles for a moment.

    Two may exchange theirs, and the unique pairs would refuse the first of them.
    """
    free = (number for number in range(NUMBER_LIMIT, 0, -1) if number not in taken)
    for project, number in zip(projects, free, strict=False):
        project.number = number
        project.title = uuid4().hex
    Project.objects.bulk_update(projects, ["number", "title"])


def _projects(poll: Poll) -> list[Project]:
    return list(poll.projects.order_by("number").prefetch_related("targets", "sub_items"))


def _cells(project: Project) -> tuple[str, ...]:
    return (
        str(project.number),
        project.title,
        project.text,
        project.category,
        project.lead_unit,
        *("" if sum_ is None else candidate_table.plain(sum_) for sum_ in _sums(project)),
        project.funding,
        project.deadline,
        project.site,
        "\n".join(str(target) for target in project.targets.all()),
        "\n".join(str(part) for part in project.sub_items.all()),
    )


def _sums(project: Project) -> tuple[Decimal | None, ...]:
    return tuple(getattr(project, column) for column in SUMS)


def _as_row(project: Project) -> Candidate:
    """Return `project` as its own row of the table would be read."""
    cells = zip(candidate_table.TEMPLATE_HEADER, _cells(project), strict=True)
    return candidate_table.candidate_of(dict(cells))


def changes_of(project: Project, row: Candidate) -> list[Change]:
    """Return what `row` changes of its candidate, old and new, in the order of the table."""
    there = _as_row(project)
    changes = []
    if project.number != row.number:
        changes.append(Change("编号", str(project.number), str(row.number)))
    for title, column in COLUMNS.items():
        old, new = getattr(there, column), getattr(row, column)
        if new is not None and new != old:
            changes.append(Change(title, _in_words(old), _in_words(new)))
    return changes


def _in_words(cell: str | tuple[str, ...] | None) -> str:
    return "；".join(cell) if isinstance(cell, tuple) else cell or ""


def _columns(row: Candidate) -> dict[str, Any]:
    """Return the columns of `row` that the file has, by their names in the model."""
    given = {column: getattr(row, column) for column in (*WORDS, *SUMS)}
    columns = {column: cell for column, cell in given.items() if cell is not None}
    return columns | {
        column: Decimal(columns[column]) if columns[column] else None
        for column in SUMS
        if column in columns
    }


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


def _sub_items(project: Project, row: Candidate) -> list[SubItem]:
    items = map(candidate_table.item_of, row.sub_items or ())
    return [
        SubItem(project=project, position=position, text=item.text, investment=item.investment)
        for position, item in enumerate(items, start=1)
    ]


def _seen(poll: Poll, projects: Sequence[Project]) -> str:
    """Return a text that changes when the poll or any of its candidates is another."""
    return fingerprint(poll.pk, [_cells(project) for project in projects])
