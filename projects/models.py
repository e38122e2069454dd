"""What is put to the vote: a poll, its numbered candidates, their yearly targets and sub-items."""

import uuid
from collections.abc import Iterable
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# Django knows the models that are known here.
import projects.year.models  # noqa: F401
from projects import choices, locks, phases
from projects.choices import known
from projects.sums import as_figure, as_sum
from yiwu_vote import moments
from yiwu_vote.moments import to_the_minute


class PollQuerySet(models.QuerySet["Poll"]):
    def taking_ballots(self) -> "PollQuerySet":
        """The polls a delegate can act on: open, or paused for a moment."""
        return self.filter(phase__in=phases.VOTING)

    def holding_people(self) -> "PollQuerySet":
        """The polls for which it matters who is in office: that run and count, or take ballots."""
        counts = models.Q(phase__in=phases.RUNNING) & ~models.Q(kind=Poll.Kind.REHEARSAL)
        return self.filter(counts | models.Q(phase__in=phases.VOTING))

    def locked(self, poll: "Poll") -> "Poll":
        """Return `poll` as it is now, under the lock that every act on it takes first.

        Lock, then look. The row is locked too, against whoever writes it without our lock; others
        may still refer to it. Raises Poll.DoesNotExist.
        """
        locks.lock_for_act(poll.pk)
        return self.select_for_update(no_key=True).get(pk=poll.pk)

    def all_locked(self) -> list["Poll"]:
        """Return these polls as they are now, each under its lock, in the order of their keys.

        One that is not among them any more once its lock is taken is left out.
        """
        keys = list(self.order_by("pk").values_list("pk", flat=True).distinct())
        for key in keys:
            locks.lock_for_act(key)
        rows = self.model._default_manager.select_for_update(no_key=True)
        return list(rows.filter(pk__in=self.filter(pk__in=keys).values("pk")).order_by("pk"))

    def standing(self) -> "PollQuerySet":
        """The polls that lists, pages and commands know: all but the drafts that were dropped."""
        return self.exclude(phase=phases.Phase.DROPPED)

    def with_own_list(self) -> "PollQuerySet":
        """The drafts whose candidates the office lists: those of a second round are its first one's."""
        return self.filter(phase=phases.Phase.DRAFT, parent=None)

    def collecting(self) -> "PollQuerySet":
        """The drafts for whose lists delegates may recommend projects now."""
        return self.filter(phase=phases.Phase.DRAFT, collecting=True)

    def real(self) -> "PollQuerySet":
        """The polls that count: everything but rehearsals."""
        return self.exclude(kind=Poll.Kind.REHEARSAL)


class Poll(models.Model):
    """One vote on one list (票决). Only `ballots.acts.lifecycle` moves it from phase to phase.

    The rules of the vote are columns (design §4.1); from the opening on a trigger keeps them.
    """

    Kind = choices.Kind
    Phase = phases.Phase
    ChoiceRule = choices.ChoiceRule
    Form = choices.Form
    Body = choices.Body
    Boundary = choices.Boundary
    Proposals = choices.Proposals
    Voters = choices.Voters
    Majority = choices.Majority

    # Each column is in exactly one of these lists, by what may change it and what takes it over.
    # What the vote is: a draft made of this poll takes it over, and the opening freezes it.
    ABOUT = ("kind", "parent", "meeting", "year", "phone", "opening_words", "total_reason")
    # Of that, what may be corrected on record until the result is published.
    CORRECTED = ("phone", "opening_words")
    # The rules of the vote (design §4): taken over, frozen and hashed at the opening.
    RULES = (
        *("places", "form", "choice_rule", "blank_allowed", "proposals", "proposal_limit"),
        *("body", "voters", "delegates_total", "majority"),
        *("boundary", "boundary_included", "whole_boundary", "whole_boundary_included"),
        *("simple", "show_votes", "objection_days"),
        *("rules_name", "rules_adopted_on"),
    )
    # This poll's own: frozen at the opening and never taken over.
    OWN = ("id", "uuid", "collecting", "wishes", "holders", "presence_assumed")
    # Its own too, and moved later, never earlier, while it takes ballots (design §3.2).
    DEADLINE = ("closes_at",)
    # What its day moves, and nothing else moves.
    STATE = (
        *("phase", "opened_at", "closed_at", "published_at", "revealed", "revealed_at"),
        *("archived_at", "screen_key"),
    )

    uuid = models.UUIDField(_("标识"), default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(
        _("类型"), max_length=16, choices=choices.Kind, default=choices.Kind.MAIN
    )
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("原票决"),
        null=True,
        blank=True,
        editable=False,
        related_name="children",
    )
    meeting = models.CharField(_("会议名称"), max_length=80)
    year = models.PositiveSmallIntegerField(
        _("年度"), validators=[MinValueValidator(2000), MaxValueValidator(choices.LAST_YEAR)]
    )
    phone = models.CharField(_("会务组电话"), max_length=30, blank=True)
    rules_name = models.CharField(_("表决办法名称"), max_length=100, blank=True)
    rules_adopted_on = models.DateField(_("表决办法通过日期"), null=True, blank=True)
    opening_words = models.TextField(_("票前说明"), blank=True)

    # None in a 满意度测评.
    places = models.PositiveSmallIntegerField(_("应选项数"), default=10)
    form = models.CharField(
        _("表决方式"), max_length=16, choices=choices.Form, default=choices.Form.CHOOSE
    )
    choice_rule = models.CharField(
        _("选择数量"), max_length=16, choices=choices.ChoiceRule, default=choices.ChoiceRule.AT_MOST
    )
    blank_allowed = models.BooleanField(
        _("接受弃权票"),
        default=True,
        help_text=_("代表明确勾选弃权后，可以提交不选任何项目的表决票。"),
    )
    proposals = models.CharField(
        _("推荐新项目"), max_length=16, choices=choices.Proposals, default=choices.Proposals.COUNTED
    )
    proposal_limit = models.PositiveSmallIntegerField(
        _("每票推荐上限"), default=3, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    body = models.CharField(
        _("表决机关"), max_length=16, choices=choices.Body, default=choices.Body.CONGRESS
    )
    voters = models.CharField(
        _("投票资格"), max_length=16, choices=choices.Voters, default=choices.Voters.PRESENT
    )
    delegates_total = models.PositiveIntegerField(
        _("全体代表人数"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("法定人数和过半数以此为准，请按代表资格审查报告填写。"),
    )
    total_reason = models.CharField(
        _("与名册人数不一致的说明"),
        max_length=200,
        blank=True,
        help_text=_(
            "全体代表人数多于名册的，请说明原因，如“缺额2名，待补选”。"
            "写入操作记录和公开数据包，请不要写姓名。"
        ),
    )
    majority = models.CharField(
        _("通过所需"), max_length=16, choices=choices.Majority, default=choices.Majority.ALL
    )
    # How a 满意度测评 is judged, each item and the whole of them (design §4.6).
    boundary = models.CharField(
        _("满意界限"), max_length=8, choices=choices.Boundary, default=choices.Boundary.HALF
    )
    boundary_included = models.BooleanField(
        _("含本数"), default=True, help_text=_("勾选：达到即可；不勾选：须超过。")
    )
    whole_boundary = models.CharField(
        _("总体满意界限"), max_length=8, choices=choices.Boundary, default=choices.Boundary.HALF
    )
    whole_boundary_included = models.BooleanField(
        _("总体含本数"), default=True, help_text=_("勾选：达到即可；不勾选：须超过。")
    )
    simple = models.BooleanField(
        _("简易方式"),
        default=False,
        help_text=_("适用于乡镇：密钥份额由两人保管，任一持有人可单独开启；一人复核。"),
    )
    show_votes = models.BooleanField(
        _("公布得票数"), default=False, help_text=_("不勾选时，代表和公众只看到通过的项目。")
    )
    objection_days = models.PositiveSmallIntegerField(
        _("异议期（天）"),
        default=7,
        validators=[MaxValueValidator(365)],
        help_text=_("公布后满这些天才能归档。"),
    )
    closes_at = models.DateTimeField(
        _("截止时间"), null=True, blank=True, help_text=_("留空表示由主持人宣布截止。")
    )

    # Moved by `ballots.acts.recommending` in draft alone; nothing of it concerns the ballots.
    collecting = models.BooleanField(
        _("收集会前推荐"),
        default=False,
        help_text=_("勾选后，在投票开始前，代表登录后可以实名推荐项目，由会务组处理。"),
    )

    # Only what pages offer while it is a draft: nobody's wishes ever leave his device.
    wishes = models.BooleanField(
        _("会前标出意向"),
        default=True,
        help_text=_(
            "勾选后，在投票开始前，代表可以在自己的手机上标出打算选择的项目；只保存在本机，不上传，"
            "投票开始后带入表决票，由本人核对、提交。"
        ),
    )

    # Who kept the shares of the poll that this draft was made of, for the page of the key to offer.
    holders = models.JSONField(_("拟定保管人"), default=list, blank=True, editable=False)
    # Whether who is present was taken over from that poll, and nobody has said since that it is so.
    presence_assumed = models.BooleanField(_("实到沿用，尚未核对"), default=False, editable=False)

    phase = models.CharField(
        _("阶段"), max_length=16, choices=phases.Phase, default=phases.Phase.DRAFT, editable=False
    )
    opened_at = models.DateTimeField(_("开始投票时间"), null=True, editable=False)
    closed_at = models.DateTimeField(_("截止投票时间"), null=True, editable=False)
    published_at = models.DateTimeField(_("公布时间"), null=True, editable=False)
    # How many adopted projects the hall has been shown, and when it had been shown all
    # (design §3.4).
    revealed = models.PositiveSmallIntegerField(_("已揭晓项数"), default=0, editable=False)
    revealed_at = models.DateTimeField(_("揭晓完毕时间"), null=True, editable=False)
    archived_at = models.DateTimeField(_("归档时间"), null=True, editable=False)
    # The secret part of the big screen's address; none while there is no screen.
    screen_key = models.CharField(max_length=32, null=True, blank=True, unique=True, editable=False)

    objects = PollQuerySet.as_manager()

    class Meta:
        verbose_name = _("票决")
        verbose_name_plural = _("票决")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(places__gte=1) & ~Q(form="grades") | Q(places=0, form="grades"),
                name="poll_has_a_place_to_fill_unless_it_gives_grades",
                violation_error_message=_("应选项数至少为1。"),
            ),
            models.CheckConstraint(
                condition=~Q(form="grades")
                | (
                    Q(proposals="off", choice_rule="at-most", parent__isnull=True)
                    & Q(collecting=False, wishes=False)
                    & ~Q(majority="none")
                ),
                name="poll_of_grades_proposes_nothing_and_has_a_base",
            ),
            models.CheckConstraint(
                condition=Q(proposal_limit__gte=1, proposal_limit__lte=10),
                name="poll_takes_one_to_ten_proposals_a_ballot",
            ),
            models.CheckConstraint(
                condition=Q(delegates_total__isnull=True) | Q(delegates_total__gte=1),
                name="poll_counts_at_least_one_delegate",
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True, kind__in=["main", "rehearsal"])
                | Q(parent__isnull=False, kind__in=["run-off", "supplementary", "rehearsal"]),
                name="poll_of_a_second_round_has_a_parent",
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                name="poll_is_not_its_own_parent",
            ),
            models.CheckConstraint(
                condition=Q(phase__in=["draft", "dropped"], opened_at__isnull=True)
                | (~Q(phase__in=["draft", "dropped"]) & Q(opened_at__isnull=False)),
                name="poll_has_an_opening_time_once_opened",
            ),
            models.CheckConstraint(
                condition=Q(
                    phase__in=["draft", "dropped", "open", "paused"], closed_at__isnull=True
                )
                | Q(phase="void")
                | Q(
                    phase__in=["closed", "opened", "counted", "confirmed", "published"],
                    closed_at__isnull=False,
                ),
                name="poll_has_a_closing_time_once_closed",
            ),
            models.CheckConstraint(
                condition=Q(phase="published", published_at__isnull=False)
                | (~Q(phase="published") & Q(published_at__isnull=True)),
                name="poll_has_a_publication_time_once_published",
            ),
            models.CheckConstraint(
                condition=Q(revealed_at__isnull=True, revealed=0) | Q(phase="published"),
                name="poll_is_revealed_once_published",
            ),
            models.CheckConstraint(
                condition=Q(archived_at__isnull=True) | Q(phase__in=["published", "void"]),
                name="poll_is_archived_once_over",
            ),
            models.UniqueConstraint(
                fields=["parent"],
                condition=~Q(phase__in=["void", "dropped"]),
                name="poll_has_one_second_round_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(phase__in=["draft", "dropped"]) | Q(delegates_total__isnull=False),
                name="poll_opens_with_the_number_of_delegates",
            ),
            # Of a draft: a poll that an earlier version opened for its whole roll stays as it was.
            # That none is opened so any more is the trigger's.
            models.CheckConstraint(
                condition=Q(voters="present") | Q(kind="rehearsal") | ~Q(phase="draft"),
                name="poll_that_counts_is_for_those_present",
            ),
            models.CheckConstraint(
                condition=Q(phase__in=["draft", "dropped"]) | Q(presence_assumed=False),
                name="poll_opens_with_a_presence_of_its_own",
            ),
            known("kind", choices.Kind, name="poll_kind_known"),
            known("phase", phases.Phase, name="poll_phase_known"),
            known("form", choices.Form, name="poll_form_known"),
            known("body", choices.Body, name="poll_body_known"),
            known("boundary", choices.Boundary, name="poll_boundary_known"),
            known("whole_boundary", choices.Boundary, name="poll_whole_boundary_known"),
            known("choice_rule", choices.ChoiceRule, name="poll_choice_rule_known"),
            known("proposals", choices.Proposals, name="poll_proposals_known"),
            known("voters", choices.Voters, name="poll_voters_known"),
            known("majority", choices.Majority, name="poll_majority_known"),
        ]

    def __str__(self) -> str:
        """The vote in one line; of several of one meeting each began at another time."""
        kind = "" if self.kind == self.Kind.MAIN else self.get_kind_display()
        if self.is_rehearsal and self.parent_id:
            # A rehearsed second round shows what it is by what its first one left open.
            kind = str(_("演练：后续票决"))
        if self.phase == self.Phase.DROPPED:
            kind = str(_("已删除的草稿"))
        marks = [kind] if kind else []
        if self.is_graded:
            # At one sitting it stands beside the vote on the next projects.
            marks.append(gettext("满意度测评"))
        if self.opened_at is not None:
            marks.append(gettext("%(at)s开始") % {"at": to_the_minute(self.opened_at)})
        return f"{self.year}年 {self.meeting}" + (f"（{'，'.join(marks)}）" if marks else "")

    @property
    def electorate(self) -> choices.Electorate:
        """What those are called who vote, all of them together."""
        return choices.ELECTORATES[self.body]

    @property
    def is_rehearsal(self) -> bool:
        return self.kind == self.Kind.REHEARSAL

    @property
    def is_graded(self) -> bool:
        """Whether it is a 满意度测评: each ballot gives grades, and no place is filled."""
        return self.form == self.Form.GRADES

    @property
    def marking(self) -> choices.Marking:
        """How its ballots are called and marked."""
        return choices.MARKINGS[self.form]

    @property
    def takes_ballots(self) -> bool:
        """Open or paused: a delegate may fill in a ballot, if not always submit it."""
        return self.phase in phases.VOTING

    @property
    def is_time_up(self) -> bool:
        """Whether it takes ballots no more, though nobody has closed it: its deadline has passed.

        By the database's clock as a connection found it, for pages; acts ask it under the lock.
        """
        return self.takes_ballots and self.closes_at is not None and self.closes_at <= moments.now()

    @property
    def is_revealed(self) -> bool:
        """Whether everybody may see the result: the hall has seen it all (design §3.4)."""
        return self.revealed_at is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: everybody may see the result, or there will be none."""
        return self.phase == self.Phase.VOID or self.is_revealed

    @property
    def confirmers(self) -> int:
        """How many scrutineers confirm a count: two, one in a rehearsal and 简易 (design §4.4)."""
        return 1 if self.simple or self.is_rehearsal else 2


class Project(models.Model):
    """A numbered candidate (候选项目); all but number, title and text may be empty."""

    poll = models.ForeignKey(Poll, models.PROTECT, verbose_name=_("票决"), related_name="projects")
    number = models.PositiveSmallIntegerField(_("编号"), validators=[MinValueValidator(1)])
    title = models.CharField(_("项目名称"), max_length=60)
    text = models.TextField(_("建设内容"))
    category = models.CharField(_("类别"), max_length=20, blank=True)
    lead_unit = models.CharField(_("责任单位"), max_length=60, blank=True)
    investment = models.DecimalField(
        _("总投资（万元）"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
    )
    investment_this_year = models.DecimalField(
        _("本年投资（万元）"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("跨年度的项目填写；不能多于总投资。"),
    )
    funding = models.CharField(_("资金来源"), max_length=100, blank=True)
    deadline = models.CharField(_("完成时限"), max_length=30, blank=True)
    site = models.CharField(_("实施范围"), max_length=100, blank=True)
    # In a second round the item it was in the first one: “7” for a candidate, “推3” for a proposal.
    origin = models.CharField(_("首次票决编号"), max_length=10, blank=True, editable=False)

    class Meta:
        verbose_name = _("候选项目")
        verbose_name_plural = _("候选项目")
        ordering = ["poll", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["poll", "number"], name="project_number_is_unique_in_a_poll"
            ),
            models.UniqueConstraint(
                fields=["poll", "title"], name="project_title_is_unique_in_a_poll"
            ),
            models.UniqueConstraint(
                fields=["poll", "origin"],
                condition=~Q(origin=""),
                name="item_stands_once_in_a_second_round",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="project_number_from_one"),
            models.CheckConstraint(condition=~Q(title=""), name="project_has_a_title"),
            models.CheckConstraint(
                condition=Q(investment__isnull=True) | Q(investment__gte=0),
                name="project_investment_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(investment_this_year__isnull=True) | Q(investment_this_year__gte=0),
                name="project_investment_this_year_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(investment__isnull=True)
                | Q(investment_this_year__isnull=True)
                | Q(investment_this_year__lte=F("investment")),
                name="project_investment_this_year_is_part_of_the_total",
                violation_error_message=_("本年投资不能多于总投资。"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"

    @property
    def sum(self) -> str:
        """The whole investment as it is read, such as “1,800” or “0.5” (万元); empty without one.

        It is the sum on the face of a ballot: ballots of real sessions print the whole, and a
        project of one year has no other. What of it falls into this year stands with the details.
        """
        return as_sum(self.investment)

    @property
    def sum_this_year(self) -> str:
        """What of the investment falls into this year, as `sum` is read."""
        return as_sum(self.investment_this_year)

    @property
    def tells_more(self) -> bool:
        """Whether the text says anything that the yearly targets do not, by its letters and digits."""
        said = "".join(f"{target}" for target in self.targets.all())
        return _bare(self.text) not in _bare(said)


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def by_category(projects: Iterable[Project]) -> list[tuple[str, int]]:
    """Return each category with the number of its first project, where there is more than one.

    A list keeps the order of numbers, so a category is a place to jump to and no heading.
    """
    first: dict[str, int] = {}
    for project in projects:
        first.setdefault(project.category, project.number)
    named = [(category, number) for category, number in first.items() if category]
    return named if len(named) > 1 else []


class Target(models.Model):
    """One measurable line of a candidate (年度目标): text, quantity and unit as printed."""

    # What a line says: copied, and the same in a second round.
    SAID = ("position", "text", "quantity", "unit")

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("候选项目"), related_name="targets"
    )
    position = models.PositiveSmallIntegerField(_("顺序"))
    text = models.CharField(_("目标"), max_length=100)
    quantity = models.DecimalField(
        _("数量"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    unit = models.CharField(_("单位"), max_length=20, blank=True)

    class Meta:
        verbose_name = _("年度目标")
        verbose_name_plural = _("年度目标")
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "position"], name="target_position_is_unique_in_a_project"
            ),
            models.CheckConstraint(
                condition=Q(quantity__isnull=False) | Q(unit=""),
                name="target_unit_only_with_a_quantity",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="target_has_a_text"),
        ]

    def __str__(self) -> str:
        return f"{self.text}{self.figure}"

    @property
    def figure(self) -> str:
        """The quantity without idle zeros and its unit, such as “1.5万套”; empty without one."""
        return as_figure(self.quantity, self.unit)


class SubItem(models.Model):
    """One part of a candidate (子项): what is done, and what it costs where that is known."""

    SAID = ("position", "text", "investment")

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("候选项目"), related_name="sub_items"
    )
    position = models.PositiveSmallIntegerField(_("顺序"))
    text = models.CharField(_("子项"), max_length=100)
    investment = models.DecimalField(
        _("投资（万元）"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
    )

    class Meta:
        verbose_name = _("子项")
        verbose_name_plural = _("子项")
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "position"], name="sub_item_position_is_unique_in_a_project"
            ),
            models.CheckConstraint(condition=~Q(text=""), name="sub_item_has_a_text"),
            models.CheckConstraint(
                condition=Q(investment__isnull=True) | Q(investment__gte=0),
                name="sub_item_investment_is_not_negative",
            ),
        ]

    def __str__(self) -> str:
        """The line as a cell of the table says it: “新建停车楼，1,200万元”."""
        return f"{self.text}，{self.sum}万元" if self.sum else self.text

    @property
    def sum(self) -> str:
        """The investment as that of a project is read; empty without one."""
        return as_sum(self.investment)
