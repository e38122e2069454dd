"""The rules of a poll as plain sentences, for delegates and staff alike (design §4)."""

from django.utils.translation import gettext, ngettext

from projects.models import Poll


def rules_in_words(poll: Poll) -> list[str]:
    """Return each rule of `poll` as one sentence, in the order in which a vote meets them."""
    return [sentence for _question, sentences in rules_by_question(poll) for sentence in sentences]


def rules_by_question(poll: Poll) -> list[tuple[str, list[str]]]:
    """Return the same sentences under the four questions that they answer."""
    choosing = [_list(poll), _choices(poll), _blank(poll), _proposals(poll)]
    if poll.is_rehearsal:
        choosing.insert(0, gettext("本次为演练，不计票。"))
    passing = [
        _majority(poll),
        gettext("按得票多少排列，得票相同的名次并列。"),
        gettext("最后的名额有得票相同、不能确定的，系统不作取舍，再次票决或由会议决定。"),
        gettext("通过的项目不足%(places)d项的，补充票决、由会议决定或不再补足。")
        % {"places": poll.places},
    ]
    telling = [
        _confirmers(poll),
        gettext("公布通过的项目和各项目的得票数。")
        if poll.show_votes
        else gettext("只公布通过的项目，不公布得票数。"),
    ]
    if poll.simple:
        telling.append(gettext("简易方式：密钥的任一持有人可单独开启票箱。"))
    return [
        (gettext("怎么选"), choosing),
        (gettext("谁能投"), [_voters(poll)]),
        (gettext("怎样算通过"), passing),
        (gettext("怎样计票和公布"), telling),
    ]


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
