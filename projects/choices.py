"""What a poll may be and which rules it may have, as the columns of `Poll` store it (design §4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Kind(models.TextChoices):
    MAIN = "main", _("正式票决")
    RUN_OFF = "run-off", _("再次票决")
    SUPPLEMENTARY = "supplementary", _("补充票决")
    REHEARSAL = "rehearsal", _("演练")


class ChoiceRule(models.TextChoices):
    AT_MOST = "at-most", _("最多选应选项数，可以少选")
    EXACTLY = "exactly", _("必须选足应选项数")


class Form(models.TextChoices):
    CHOOSE = "choose", _("选择赞成的项目")
    EACH = "each", _("逐项表决：赞成、反对、弃权")
    GRADES = "grades", _("满意度测评：满意、基本满意、不满意")


# What a 满意度测评 has no use for stands as the database demands it.
OF_GRADES = {
    "places": 0,
    "choice_rule": ChoiceRule.AT_MOST,
    "proposals": "off",
    "collecting": False,
    "wishes": False,
}


@dataclass(frozen=True)
class Mark:
    """One way to mark a candidate on a ballot.

    `value` is what the page of the ballot sends, `word` and `sign` are what it shows, `column` is the
    list of the ballot that holds the candidate then: none for 弃权, to which the unmarked come too.
    """

    value: str
    word: str | Promise
    sign: str = ""
    column: str = ""


@dataclass(frozen=True)
class Marking:
    """What ballots of one form are called, what they list, what is done on them, and by which marks.

    The words are as they stand within a sentence; a heading capitalises them for the English pages.

    Pages, papers and those who key papers read the marks here; where there is one alone, a candidate
    is ticked or not.
    """

    ballot: str | Promise
    listed: str | Promise
    deed: str | Promise
    marks: tuple[Mark, ...]


ABSTAIN = Mark("abstain", _("弃权"), "–")
MARKINGS: dict[str, Marking] = {
    Form.CHOOSE: Marking(
        ballot=pgettext_lazy("名称", "表决票"),
        listed=pgettext_lazy("名称", "候选项目"),
        deed=pgettext_lazy("名称", "选择"),
        marks=(Mark("for", _("选择"), column="chosen"),),
    ),
    Form.EACH: Marking(
        ballot=pgettext_lazy("名称", "表决票"),
        listed=pgettext_lazy("名称", "候选项目"),
        deed=pgettext_lazy("名称", "表决"),
        marks=(
            Mark("for", _("赞成"), "○", "chosen"),
            Mark("against", _("反对"), "×", "against"),
            ABSTAIN,
        ),
    ),
    Form.GRADES: Marking(
        ballot=pgettext_lazy("名称", "测评票"),
        listed=pgettext_lazy("名称", "测评项目"),
        deed=pgettext_lazy("名称", "测评"),
        marks=(
            Mark("good", _("满意"), "○", "chosen"),
            Mark("fair", _("基本满意"), "△", "fair"),
            Mark("poor", _("不满意"), "×", "against"),
            ABSTAIN,
        ),
    ),
}


class Body(models.TextChoices):
    CONGRESS = "congress", _("代表大会")
    COMMITTEE = "committee", _("常务委员会")


@dataclass(frozen=True)
class Electorate:
    """What those are called who make up a body, wherever a sentence speaks of all of them.

    `members` goes with 全体, 应到 and 实到; one alone is a 代表 in either body. `in_office` are those of
    whom a roll is drawn up, `sitting` is what has met, `lead` is who decides what to do next.
    """

    members: str | Promise
    in_office: str | Promise
    sitting: str | Promise
    lead: str | Promise
    secretariat: str | Promise
    in_english: str


ELECTORATES: dict[str, Electorate] = {
    Body.CONGRESS: Electorate(
        members=pgettext_lazy("全体", "代表"),
        in_office=pgettext_lazy("名册", "在任代表"),
        sitting=_("大会"),
        lead=_("主席团"),
        secretariat=_("大会秘书处"),
        in_english="deputies",
    ),
    Body.COMMITTEE: Electorate(
        members=pgettext_lazy("全体", "组成人员"),
        in_office=_("在任的常委会组成人员"),
        sitting=_("常委会会议"),
        lead=_("主任会议"),
        secretariat=_("常委会办事机构"),
        in_english="members of the standing committee",
    ),
}


class Boundary(models.TextChoices):
    """From which part of the base on an item is 满意: a fraction, for 66.67% is no two thirds."""

    HALF = "1/2", _("半数")
    SIXTY = "3/5", _("60%")
    TWO_THIRDS = "2/3", _("三分之二")
    SEVENTY = "7/10", _("70%")
    THREE_QUARTERS = "3/4", _("四分之三")
    EIGHTY = "4/5", _("80%")
    NINETY = "9/10", _("90%")


class Proposals(models.TextChoices):
    COUNTED = "counted", _("计票，每项占用一个名额")
    ADVISORY = "advisory", _("不计票，仅汇总研究")
    OFF = "off", _("不接受推荐")


class Voters(models.TextChoices):
    PRESENT = "present", _("已报到的代表")
    ROLL = "roll", _("名册上的全体代表")


class Majority(models.TextChoices):
    ALL = "all", _("全体代表的过半数")
    PRESENT = "present", _("实到代表的过半数")
    VALID = "valid", _("有效票的过半数")
    NONE = "none", _("不要求过半数")


def known(field: str, values: type[models.TextChoices], *, name: str) -> models.CheckConstraint:
    """Return the constraint that `field` holds one of `values` and nothing else."""
    return models.CheckConstraint(condition=Q(**{f"{field}__in": values.values}), name=name)


# The last year whose projects a vote can be about.
LAST_YEAR = 2100
# The longest that a vote can be meant to last; a deadline further off has a mistyped year.
LONGEST_VOTE = timedelta(days=366)


def is_far(closes_at: datetime) -> bool:
    """Tell whether a deadline is so far from now that its year must be mistyped (design §3.2)."""
    return abs(closes_at - timezone.now()) > LONGEST_VOTE
