"""The projects that a vote has adopted, their yearly targets, and what is reported on them.

Rows beside what the vote froze, never instead of it: the office may give them a lead unit, a time
or a target that the ballot did not have, and the list that was voted on stays as it was.
"""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from projects.choices import LAST_YEAR
from projects.sums import as_figure, as_sum

QUARTERS = (1, 2, 3, 4)
# What a target without a quantity is followed by: how far it has come, of a hundred.
SHARE = "%"
WHOLE = Decimal(100)
NOTE_LIMIT = 500


FIGURE: Any = {
    "max_digits": 12,
    "null": True,
    "blank": True,
    "validators": [MinValueValidator(Decimal(0))],
}
QUANTITY: Any = FIGURE | {"decimal_places": 3}
SUM: Any = FIGURE | {"decimal_places": 2}


def _not_negative(column: str, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{column}__isnull": True}) | Q(**{f"{column}__gte": 0}), name=name
    )


class Year(models.Model):
    """The adopted projects of one year (年度实事), from the publication to the close of the year.

    `poll` is the first round whose result they are. Everything of a year is written under the lock
    of that poll (`ballots.acts.year`); once it is closed a trigger refuses all but `is_public`.
    """

    year = models.PositiveSmallIntegerField(
        _("年度"),
        unique=True,
        validators=[MinValueValidator(2000), MaxValueValidator(LAST_YEAR)],
    )
    poll = models.OneToOneField(
        "projects.Poll", models.PROTECT, verbose_name=_("票决"), related_name="made_year"
    )
    made_at = models.DateTimeField(_("列为时间"), auto_now_add=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    is_public = models.BooleanField(
        _("公开进度"),
        default=False,
        help_text=_("不勾选时，只有登录的代表能看到年度实事项目的进度。"),
    )
    takes_opinions = models.BooleanField(
        _("代表可以填写督办意见"),
        default=False,
        help_text=_("勾选后，代表登录后可以实名填写督办意见；不勾选时由会务录入。"),
    )
    closed_at = models.DateTimeField(_("结束时间"), null=True, editable=False)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = _("年度实事")
        verbose_name_plural = _("年度实事")
        ordering = ["-year"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True)
                | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="year_is_closed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return str(_("%(year)d年民生实事项目") % {"year": self.year})

    @property
    def is_open(self) -> bool:
        """Whether anything may still be written."""
        return self.closed_at is None


class AdoptedProject(models.Model):
    """One of a year's projects (实事项目), numbered in the order of the published list.

    `key` is the item that it was in the poll: “7” for a candidate, “推3” for a proposal.
    """

    # What the vote has settled, which a trigger keeps, and what a candidate brings along.
    SETTLED = ("year", "number", "key", "title")
    COPIED = (
        *("text", "category", "lead_unit", "investment", "investment_this_year"),
        *("funding", "deadline", "site"),
    )

    year = models.ForeignKey(Year, models.PROTECT, verbose_name=_("年度"), related_name="projects")
    number = models.PositiveSmallIntegerField(_("序号"), validators=[MinValueValidator(1)])
    key = models.CharField(_("票决编号"), max_length=10)
    # Longer than a candidate's: of two proposals of one name it says what tells them apart.
    title = models.CharField(_("项目名称"), max_length=100)
    text = models.TextField(_("建设内容"))
    category = models.CharField(_("类别"), max_length=20, blank=True)
    lead_unit = models.CharField(_("责任单位"), max_length=60, blank=True)
    investment = models.DecimalField(_("总投资（万元）"), **SUM)
    investment_this_year = models.DecimalField(_("本年投资（万元）"), **SUM)
    funding = models.CharField(_("资金来源"), max_length=100, blank=True)
    deadline = models.CharField(_("完成时限"), max_length=30, blank=True)
    site = models.CharField(_("实施范围"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("实事项目")
        verbose_name_plural = _("实事项目")
        ordering = ["year", "number"]
        default_permissions = ("change", "view")
        constraints = [
            models.UniqueConstraint(
                fields=["year", "number"], name="adopted_number_is_unique_in_a_year"
            ),
            models.UniqueConstraint(fields=["year", "key"], name="item_is_adopted_once_in_a_year"),
            models.CheckConstraint(condition=Q(number__gte=1), name="adopted_number_from_one"),
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(text="") & ~Q(key=""), name="adopted_is_named"
            ),
            _not_negative("investment", "adopted_investment_is_not_negative"),
            _not_negative("investment_this_year", "adopted_investment_this_year_is_not_negative"),
            models.CheckConstraint(
                condition=Q(investment__isnull=True)
                | Q(investment_this_year__isnull=True)
                | Q(investment_this_year__lte=F("investment")),
                name="adopted_investment_this_year_is_part_of_the_total",
                violation_error_message=_("本年投资不能多于总投资。"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"

    @property
    def sum(self) -> str:
        return as_sum(self.investment)

    @property
    def sum_this_year(self) -> str:
        return as_sum(self.investment_this_year)

    @property
    def budget(self) -> Decimal | None:
        """What may be spent in the year: this year's part of the money, or the whole without one."""
        part = self.investment_this_year
        return self.investment if part is None else part

    @property
    def budget_words(self) -> str:
        return as_sum(self.budget)


class AdoptedTarget(models.Model):
    """One measurable line of an adopted project (年度目标), as `projects.models.Target` has it."""

    SAID = ("position", "text", "quantity", "unit")

    project = models.ForeignKey(
        AdoptedProject, models.CASCADE, verbose_name=_("实事项目"), related_name="targets"
    )
    position = models.PositiveSmallIntegerField(_("顺序"))
    text = models.CharField(_("目标"), max_length=100)
    quantity = models.DecimalField(_("数量"), **QUANTITY)
    unit = models.CharField(_("单位"), max_length=20, blank=True)

    class Meta:
        verbose_name = _("年度目标")
        verbose_name_plural = _("年度目标")
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "position"], name="adopted_target_position_is_unique"
            ),
            models.CheckConstraint(
                condition=Q(quantity__isnull=False) | Q(unit=""),
                name="adopted_target_unit_only_with_a_quantity",
            ),
            _not_negative("quantity", "adopted_target_quantity_is_not_negative"),
            models.CheckConstraint(condition=~Q(text=""), name="adopted_target_has_a_text"),
        ]

    def __str__(self) -> str:
        return f"{self.text}{self.figure}"

    @property
    def figure(self) -> str:
        """The quantity as it is read with its unit; empty without one."""
        return as_figure(self.quantity, self.unit)

    @property
    def goal(self) -> Decimal:
        """What is to be done by the end of the year; of a target without a quantity, all of it."""
        return WHOLE if self.quantity is None else self.quantity

    @property
    def measure(self) -> str:
        """The unit of what is planned and done: the target's own, or “%” of one without a quantity."""
        return SHARE if self.quantity is None else self.unit


class AdoptedPart(models.Model):
    """One part of an adopted project (子项), as `projects.models.SubItem` has it."""

    SAID = ("position", "text", "investment")

    project = models.ForeignKey(
        AdoptedProject, models.CASCADE, verbose_name=_("实事项目"), related_name="parts"
    )
    position = models.PositiveSmallIntegerField(_("顺序"))
    text = models.CharField(_("子项"), max_length=100)
    investment = models.DecimalField(_("投资（万元）"), **SUM)

    class Meta:
        verbose_name = _("子项")
        verbose_name_plural = _("子项")
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "position"], name="adopted_part_position_is_unique"
            ),
            models.CheckConstraint(condition=~Q(text=""), name="adopted_part_has_a_text"),
            _not_negative("investment", "adopted_part_investment_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.text}，{self.sum}万元" if self.sum else self.text

    @property
    def sum(self) -> str:
        return as_sum(self.investment)


def _known_quarter(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(quarter__in=QUARTERS), name=name)


class TargetFigure(models.Model):
    """What was planned and done of a target by the end of a quarter, since the first of January.

    A figure is corrected by a newer row, never overwritten: of a target and a quarter the newest row
    stands, with both its figures.
    """

    target = models.ForeignKey(AdoptedTarget, models.PROTECT, related_name="figures")
    quarter = models.PositiveSmallIntegerField(_("季度"))
    planned = models.DecimalField(_("计划（累计）"), **QUANTITY)
    done = models.DecimalField(_("完成（累计）"), **QUANTITY)
    at = models.DateTimeField(_("填报时间"), auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("季度数据")
        verbose_name_plural = _("季度数据")
        ordering = ["pk"]
        default_permissions = ()
        constraints = [
            _known_quarter("target_figure_is_of_a_quarter"),
            _not_negative("planned", "planned_is_not_negative"),
            _not_negative("done", "done_is_not_negative"),
            models.CheckConstraint(
                condition=Q(planned__isnull=False) | Q(done__isnull=False),
                name="target_figure_says_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{as_figure(self.done) or '—'}/{as_figure(self.planned) or '—'}"


class ProjectFigure(models.Model):
    """What was spent on a project by the end of a quarter, and how it stands in words.

    As of a target, the newest row of a project and a quarter stands.
    """

    project = models.ForeignKey(AdoptedProject, models.PROTECT, related_name="figures")
    quarter = models.PositiveSmallIntegerField(_("季度"))
    spent = models.DecimalField(_("已用资金（万元，累计）"), **SUM)
    note = models.CharField(_("进展说明"), max_length=NOTE_LIMIT, blank=True)
    at = models.DateTimeField(_("填报时间"), auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("季度进展")
        verbose_name_plural = _("季度进展")
        ordering = ["pk"]
        default_permissions = ()
        constraints = [
            _known_quarter("project_figure_is_of_a_quarter"),
            _not_negative("spent", "spent_is_not_negative"),
            models.CheckConstraint(
                condition=Q(spent__isnull=False) | ~Q(note=""), name="project_figure_says_something"
            ),
        ]

    def __str__(self) -> str:
        return self.note or as_sum(self.spent)
