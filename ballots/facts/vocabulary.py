"""What the endings of a vote are called, each word said once: the tables that all rooms read.

Sentences made of these words stand in `facts.words`. Pages and papers tell apart what the column
结果 of a CSV file keeps in one word (未通过); how a place was filled in the end it says as they do.
"""

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ballots.pure.figures import Source
from ballots.pure.rules import Form, Majority
from ballots.pure.tally import ItemOutcome

Text = str | Promise

# --- how a place is filled ------------------------------------------------------------------------

How = Literal["count", "run-off", "supplementary", "decision"]


@dataclass(frozen=True)
class Way:
    """One way to fill a place, and what is said of it where; of the count itself less is said.

    `name` is what a sentence calls it, `filled` marks an item that has its place by it, `remark` is
    the 备注 of such an item in a CSV file, `missed` is said of an item that was level and got no
    place by it, `in_english` is for research files.
    """

    name: Text
    filled: Text
    remark: Text = ""
    missed: Text = ""
    in_english: str = ""


# In the order in which papers list them.
WAYS: dict[How, Way] = {
    "count": Way(name=_("票决"), filled=_("通过")),
    "run-off": Way(
        name=_("再次票决"),
        filled=_("再次票决通过"),
        remark=_("经再次票决通过"),
        missed=_("经再次票决未通过"),
        in_english="a run-off",
    ),
    "supplementary": Way(
        name=_("补充票决"),
        filled=_("补充票决通过"),
        remark=_("经补充票决通过"),
        missed=_("经补充票决未通过"),
        in_english="a supplementary vote",
    ),
    "decision": Way(
        name=_("会议决定"),
        filled=_("按会议决定确定"),
        remark=_("经会议决定确定"),
        missed=_("经会议决定未确定"),
        in_english="a decision of the meeting",
    ),
}

# --- what became of an item -----------------------------------------------------------------------

# What the count itself says in one word; `words.verdict` says the same to people, and why.
OUTCOMES: dict[ItemOutcome, Text] = {
    "adopted": _("通过"),
    "tied": _("得票相同，待定"),
    "short": _("未通过"),
    "out": _("未通过"),
    "good": _("满意"),
    "fair": _("基本满意"),
    "poor": _("不满意"),
}
SOURCES: dict[Source, Text] = {"candidate": _("候选"), "proposal": _("推荐")}

# --- what each form of ballot counts --------------------------------------------------------------

Figure = Literal["votes", "fair", "against", "abstained"]


@dataclass(frozen=True)
class Column:
    """One number of votes of each item: its key in the figures, its head on a paper and in a file."""

    figure: Figure
    name: Text
    in_files: Text


@dataclass(frozen=True)
class Counted:
    """What is said of a count by the form of its ballots, wherever one form differs from another.

    `result` is what its result is called, `rule` what a line on its rules says of the ballot.
    """

    result: Text
    rule: Text
    columns: tuple[Column, ...]


_ABSTAINED = Column("abstained", _("弃权"), _("弃权票数"))
FORMS: dict[Form, Counted] = {
    "choose": Counted(
        result=_("票决结果"),
        rule=_("选择赞成的项目"),
        columns=(Column("votes", _("得票"), _("得票数")),),
    ),
    "each": Counted(
        result=_("票决结果"),
        rule=_("逐项表决赞成、反对、弃权"),
        columns=(
            Column("votes", _("赞成"), _("得票数")),
            Column("against", _("反对"), _("反对票数")),
            _ABSTAINED,
        ),
    ),
    "grades": Counted(
        result=_("满意度测评结果"),
        rule=_("对每个项目评满意、基本满意或不满意，没有评的按弃权计"),
        columns=(
            Column("votes", OUTCOMES["good"], _("满意票数")),
            Column("fair", OUTCOMES["fair"], _("基本满意票数")),
            Column("against", OUTCOMES["poor"], _("不满意票数")),
            _ABSTAINED,
        ),
    ),
}

# --- what a majority is a majority of -------------------------------------------------------------

# What stands for %(members)s is said by the body that votes (`projects.choices.ELECTORATES`).
MAJORITIES: dict[Majority, Text] = {
    "all": _("全体%(members)s的过半数"),
    "present": _("实到%(members)s的过半数"),
    "valid": _("有效票的过半数"),
    "none": _("不要求过半数"),
}
# What an item has that may pass: where no majority is demanded, one vote is enough.
SUPPORTED: dict[Majority, Text] = {
    "all": _("获得全体%(members)s过半数赞成票"),
    "present": _("获得实到%(members)s过半数赞成票"),
    "valid": _("获得有效票过半数赞成票"),
    "none": _("获得赞成票"),
}
# What the chair says of those that passed: one vote is then no reason, but more than the others.
DECLARED: dict[Majority, Text] = {**SUPPORTED, "none": _("得票较多")}
MAJORITIES_IN_ENGLISH: dict[Majority, str] = {
    "all": "more than half of all %(members)s",
    "present": "more than half of the %(members)s present",
    "valid": "more than half of the valid ballots",
    "none": "no majority",
}
# What a share of the votes is called beside that majority, and of what it is one: of those of whom
# more than half is demanded, so that a rate and 未过半数 never stand side by side unexplained.
SHARES: dict[Majority, Text] = {
    "all": _("占全体%(members)s"),
    "present": _("占实到%(members)s"),
    "valid": _("得票率"),
    "none": _("得票率"),
}
SHARES_EXPLAINED: dict[Majority, Text] = {
    "all": _("占全体%(members)s＝得票数÷全体%(members)s%(base)d人。"),
    "present": _("占实到%(members)s＝得票数÷实到%(members)s%(base)d人。"),
    "valid": _("得票率＝得票数÷有效票%(base)d张。"),
    "none": _("得票率＝得票数÷有效票%(base)d张。"),
}
# Of whom or what the rates of a 满意度测评 are rates, which has no form without a base.
BASES: dict[Majority, Text] = {
    "all": _("全体%(members)s%(base)d人"),
    "present": _("实到%(members)s%(base)d人"),
    "valid": _("有效票%(base)d张"),
    "none": _("有效票%(base)d张"),
}

# Each identity of a count in words, by the name that is frozen with it: first what people count.
CHECKS = {
    "发出表决票不少于收回": _("发出表决票%(left)d张，收回%(right)d张"),
    "收回表决票＝已投票人数": _("收回表决票%(left)d张，已投票%(right)d人"),
    "每张表决票不超过应选项数": _("所选超过应选项数的表决票%(left)d张"),
    "每张表决票对每个项目至多一个等次": _("对同一项目有两个等次的表决票%(left)d张"),
    "各项目三个等次的票数之和＝各票所作测评数之和": _(
        "各项目三个等次的票数之和%(left)d，各票所作测评数之和%(right)d"
    ),
    "各项目得票之和＝各票所选项数之和－并入后重复－不予计票": _(
        "各项目得票之和%(left)d，各票所选项数之和除去并入后重复、不予计票的为%(right)d"
    ),
}
SYSTEM_CHECKS = {
    "脱名密封票＝开启的表决票": _("去除姓名后的密封票%(left)d张，开启的表决票%(right)d张"),
    "与回执编号相符的密封票＝密封票": _("与回执编号相符的密封票%(left)d张，密封票共%(right)d张"),
    "两种算法结果一致的项目数＝项目数": _("两种算法结果一致的项目%(left)d个，项目共%(right)d个"),
    "校验通过的操作记录＝操作记录": _("校验通过的操作记录%(left)d条，操作记录共%(right)d条"),
}
