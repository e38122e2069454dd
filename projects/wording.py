"""The rules of a poll as plain sentences, for delegates and staff alike (design §4)."""

from django.utils.translation import gettext, ngettext

from projects import choices
from projects.models import Poll


def title_of(poll: Poll) -> str:
    """Return what `poll` is about, which tells it from another vote of its meeting."""
    words = (
        gettext("%(year)d年度民生实事项目满意度测评")
        if poll.is_graded
        else gettext("%(year)d年度民生实事项目票决")
    )
    return words % {"year": poll.year}


def rules_in_words(poll: Poll) -> list[str]:
    """Return each rule of `poll` as one sentence, in the order in which a vote meets them."""
    return [sentence for _question, sentences in rules_by_question(poll) for sentence in sentences]


def rules_by_question(poll: Poll) -> list[tuple[str, list[str]]]:
    """Return the same sentences under the four questions that they answer."""
    choosing = (
        [gettext("对每个项目评满意、基本满意或不满意，没有评的按弃权计。"), _blank(poll)]
        if poll.is_graded
        else [_list(poll), _choices(poll), _blank(poll), _proposals(poll)]
    )
    if poll.is_rehearsal:
        choosing.insert(0, gettext("本次为演练，不计票。"))
    passing = [_grades(poll), _whole(poll)] if poll.is_graded else _passing(poll)
    telling = [_confirmers(poll), _published(poll)]
    if poll.simple:
        telling.append(gettext("简易方式：密钥的任一持有人可单独开启票箱。"))
    return [
        (gettext("怎么评") if poll.is_graded else gettext("怎么选"), choosing),
        (gettext("谁能投"), [_voters(poll)]),
        (gettext("怎样算满意") if poll.is_graded else gettext("怎样算通过"), passing),
        (gettext("怎样计票和公布"), telling),
    ]


def _passing(poll: Poll) -> list[str]:
    return [
        _majority(poll),
        gettext("按得票多少排列，得票相同的名次并列。"),
        gettext("最后的名额有得票相同、不能确定的，系统不作取舍，再次票决或由会议决定。"),
        gettext("通过的项目不足%(places)d项的，补充票决、由会议决定或不再补足。")
        % {"places": poll.places},
    ]


def _published(poll: Poll) -> str:
    match poll.is_graded, poll.show_votes:
        case True, True:
            return gettext("公布各项目的等次和满意、基本满意、不满意、弃权票数。")
        case True, False:
            return gettext("只公布各项目的等次，不公布票数。")
        case False, True:
            return gettext("公布通过的项目和各项目的得票数。")
    return gettext("只公布通过的项目，不公布得票数。")


def boundary_in_words(base: str, boundary: str, *, included: bool) -> str:
    """Return where 满意 begins, such as “达到全体代表29人的半数（含本数）” or “超过有效票数的三分之二”.

    `base` is of whom or what it is a part, in words.
    """
    said = {"base": base, "part": choices.Boundary(boundary).label}
    if included:
        return gettext("达到%(base)s的%(part)s（含本数）") % said
    return gettext("超过%(base)s的%(part)s") % said


def grades_in_words(base: str, boundary: str, *, included: bool) -> str:
    """Return when an item is 满意, when 基本满意 and when 不满意; see `boundary_in_words`."""
    said = {"boundary": boundary_in_words(base, boundary, included=included)}
    return (
        gettext(
            "满意票%(boundary)s的，为“满意”；不足，但与基本满意票合计%(boundary)s的，为“基本满意”；"
            "其余为“不满意”。"
        )
        % said
    )


def whole_in_words(base: str, boundary: str, *, included: bool) -> str:
    """Return when the whole is 满意, by the sums over all items; `base` is that of one item."""
    of_all = gettext("%(base)s与项目数之积") % {"base": base}
    said = {"boundary": boundary_in_words(of_all, boundary, included=included)}
    return (
        gettext("总体按各项目票数之和评定：满意票之和%(boundary)s的，总体为“满意”，余类推。") % said
    )


def _grades(poll: Poll) -> str:
    return grades_in_words(_base(poll), poll.boundary, included=poll.boundary_included)


def _whole(poll: Poll) -> str:
    return whole_in_words(_base(poll), poll.whole_boundary, included=poll.whole_boundary_included)


def _base(poll: Poll) -> str:
    """Return what the rates of a 满意度测评 are rates of."""
    match poll.majority:
        case Poll.Majority.PRESENT:
            return gettext("实到%(members)s人数") % _named(poll)
        case Poll.Majority.VALID:
            return gettext("有效票数")
    if poll.delegates_total is None:
        return gettext("全体%(members)s人数") % _named(poll)
    return gettext("全体%(members)s%(total)d人") % {**_named(poll), "total": poll.delegates_total}


def _list(poll: Poll) -> str:
    if poll.proposals == Poll.Proposals.COUNTED:
        words = ngettext(
            "从候选项目和推荐项目中确定%(places)d项。",
            "从候选项目和推荐项目中确定%(places)d项。",
            poll.places,
        )
    else:
        words = ngettext(
            "从候选项目中确定%(places)d项。",
            "从候选项目中确定%(places)d项。",
            poll.places,
        )
    return words % {"places": poll.places}


def _choices(poll: Poll) -> str:
    exactly = poll.choice_rule == Poll.ChoiceRule.EXACTLY
    if poll.form == Poll.Form.EACH:
        words = (
            gettext("对每个项目表示赞成、反对或弃权，没有表示的按弃权计；赞成的须为%(count)d项。")
            if exactly
            else gettext(
                "对每个项目表示赞成、反对或弃权，没有表示的按弃权计；赞成的最多%(count)d项。"
            )
        )
    elif exactly:
        words = gettext("每张表决票须选足%(count)d项，多选、少选都不能提交。")
    else:
        words = gettext("每张表决票最多选%(count)d项，可以少选。")
    return words % {"count": poll.places}


def _blank(poll: Poll) -> str:
    if poll.blank_allowed and poll.is_graded:
        return gettext("可以一项不评，勾选弃权后提交，为弃权票。")
    if poll.blank_allowed:
        return gettext("可以一项不选，勾选弃权后提交，为弃权票。")
    return gettext("不接受弃权票，空白的表决票不能提交。")


def _proposals(poll: Poll) -> str:
    count = {"count": poll.proposal_limit}
    match poll.proposals:
        case Poll.Proposals.COUNTED:
            return (
                gettext("可以另外推荐新项目，每票最多%(count)d项，计票，每项占用一个名额。") % count
            )
        case Poll.Proposals.ADVISORY:
            return gettext("可以另外推荐新项目，每票最多%(count)d项，不计票，仅汇总研究。") % count
    return gettext("不接受推荐新项目。")


def _voters(poll: Poll) -> str:
    if poll.voters == Poll.Voters.PRESENT:
        return gettext("已报到的%(members)s可以投票。") % _named(poll)
    return gettext("名册上的全体%(members)s都可以投票。") % _named(poll)


def _majority(poll: Poll) -> str:
    match poll.majority:
        case Poll.Majority.PRESENT:
            return gettext("得票超过实到%(members)s人数的一半，才能通过。") % _named(poll)
        case Poll.Majority.VALID:
            return gettext("得票超过有效票数的一半，才能通过。")
        case Poll.Majority.NONE:
            return gettext("不要求得票过半数，得票多的项目通过。")
    if poll.delegates_total is None:
        return gettext("得票超过全体%(members)s人数的一半，才能通过。") % _named(poll)
    return gettext("得票超过全体%(members)s%(total)d人的一半，即至少%(needed)d票，才能通过。") % {
        **_named(poll),
        "total": poll.delegates_total,
        "needed": poll.delegates_total // 2 + 1,
    }


def _named(poll: Poll) -> dict[str, object]:
    return {"members": poll.electorate.members}


def _confirmers(poll: Poll) -> str:
    if poll.confirmers > 1:
        return gettext("计票结果由%(count)d名监票人复核，其中一名为总监票人，计票人不能复核。") % {
            "count": poll.confirmers
        }
    return gettext("计票结果由一名监票人复核，计票人不能复核。")
