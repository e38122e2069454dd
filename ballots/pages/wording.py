"""What the pages of the ballot say of a selection: its problems and its figures in sentences.

No rule stands here. Ballots of the forms “each” (赞成, 反对 or 弃权 on every project) and “grades”
(满意度测评) have sentences of their own; everywhere `candidates` is the number of the candidates.
"""

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ballots.pure.rules import DETAIL_LIMIT, TITLE_LIMIT, UNIT_LIMIT, Fault, Rules, Selection
from projects.choices import Mark

# The field that each problem is about, and its words: “mark” is the row of one candidate, and of
# proposals `%(number)d` counts those of the ballot from 1, as the field's name does, less one.
PROBLEMS = {
    # The form's own questions, which no rule of the vote knows.
    "malformed": ("candidates", _("提交的内容有误，请核对您的选择后重新提交")),
    "abstains-and-chooses": (
        "abstain",
        _("您勾选了弃权，又选择了项目，请只保留其中一种。"),
    ),
    "nothing-chosen": ("candidates", _("您还没有选择项目，请勾选项目。")),
    "may-abstain": ("abstain", _("确需弃权的，请在页末确认弃权。")),
    "two-marks": ("mark", _("第%(number)d项选了两种，请只保留一种")),
    "strange-mark": ("mark", _("第%(number)d项的表示无法识别，请重新表示")),
    # The faults of ballots.pure.rules.
    "blank": ("candidates", _("您还没有选择项目，请勾选项目。")),
    "too-many": (
        "candidates",
        _("您选了%(number)d项，最多选%(places)d项，请取消%(count)d项"),
    ),
    "too-few": (
        "candidates",
        _("您选了%(number)d项，应选%(places)d项，尚缺%(count)d项"),
    ),
    "not-on-list": ("candidates", _("第%(number)d项不在候选项目中，请重新选择")),
    "repeated": ("candidates", _("第%(number)d项重复出现，请重新选择")),
    "no-against": ("candidates", _("本次票决只能选择赞成的项目")),
    "no-grades": ("candidates", _("本次票决不评等次")),
    "proposals-off": ("candidates", _("本次票决不接受推荐新项目")),
    "too-many-proposals": (
        "proposals",
        _("推荐项目最多%(limit)d项，请删除%(count)d项"),
    ),
    "proposal-no-title": ("title", _("请填写推荐项目%(number)d的名称")),
    "title-too-long": (
        "title",
        _("推荐项目%(number)d的名称超过%(title_limit)d字，请缩短"),
    ),
    "detail-too-long": (
        "detail",
        _("推荐项目%(number)d的主要内容和目标超过%(detail_limit)d字，请缩短"),
    ),
    "unit-too-long": (
        "unit",
        _("推荐项目%(number)d的建议责任单位超过%(unit_limit)d字，请缩短"),
    ),
    "proposal-bad-text": (
        "title",
        _("推荐项目%(number)d含有不能使用的字符（如不可见字符），请删去后重新填写"),
    ),
    "proposal-is-candidate": (
        "title",
        _("推荐项目%(number)d与候选项目第%(other)d项名称相同，请直接勾选第%(other)d项"),
    ),
    "proposal-repeated": (
        "title",
        _("推荐项目%(number)d与推荐项目%(other)d名称相同"),
    ),
}
# What is said in other words where each project takes 赞成, 反对 or 弃权.
PROBLEMS_OF_EACH = {
    "abstains-and-chooses": _("您勾选了弃权，又作了赞成、反对或推荐，请只保留其中一种。"),
    "nothing-chosen": _("您还没有赞成或反对任何项目，请逐项表决。"),
    "may-abstain": _("确需对全部项目弃权的，请在页末确认弃权。"),
    "blank": _("您还没有赞成或反对任何项目，请逐项表决。"),
    "too-many": _("您赞成了%(number)d项，赞成最多%(places)d项，请把%(count)d项改为反对或弃权"),
    "too-many-mixed": _(
        "您赞成和推荐了%(number)d项，合计最多%(places)d项，"
        "请把%(count)d项改为反对或弃权，或删除推荐项目"
    ),
    "too-few": _("您赞成了%(number)d项，赞成应为%(places)d项，尚缺%(count)d项"),
    "too-few-mixed": _("您赞成和推荐了%(number)d项，合计应为%(places)d项，尚缺%(count)d项"),
    "proposal-is-candidate": _(
        "推荐项目%(number)d与候选项目第%(other)d项名称相同，请直接对第%(other)d项表示赞成"
    ),
}
# And of a 满意度测评.
NOTHING_GRADED = _("您还没有评任何项目，请逐项评满意、基本满意或不满意。")
TWO_GRADES = _("第%(number)d项评了两个等次，请只保留一个")
PROBLEMS_OF_GRADES = {
    "malformed": _("提交的内容有误，请核对各项的等次后重新提交"),
    "abstains-and-chooses": _("您勾选了弃权，又评了项目，请只保留其中一种。"),
    "nothing-chosen": NOTHING_GRADED,
    "may-abstain": PROBLEMS_OF_EACH["may-abstain"],
    "blank": NOTHING_GRADED,
    "two-marks": TWO_GRADES,
    "strange-mark": _("第%(number)d项的等次无法识别，请重新评"),
    "not-on-list": _("第%(number)d项不在测评项目中，请核对后重新评"),
    "repeated": TWO_GRADES,
    "proposals-off": _("满意度测评只评所列项目，不能增加项目"),
}
PROBLEMS_OF = {"each": PROBLEMS_OF_EACH, "grades": PROBLEMS_OF_GRADES}


def problem(fault: Fault, selection: Selection, rules: Rules) -> tuple[str, str]:
    """Return what `fault` of `selection` is about, and its sentence.

    What it is about is “candidates”, “mark”, “proposals”, “abstain” or a field of one proposal.
    """
    about, words = PROBLEMS[fault.code]
    is_mixed = fault.code in {"too-many", "too-few"} and fault.number > len(selection.chosen)
    of_form = PROBLEMS_OF.get(rules.form, {})
    words = of_form.get(f"{fault.code}-mixed" if is_mixed else fault.code, words)
    return about, str(words) % {
        "number": fault.number,
        "other": fault.other,
        "count": fault.count,
        "places": rules.places,
        "limit": rules.proposal_limit,
        "title_limit": TITLE_LIMIT,
        "detail_limit": DETAIL_LIMIT,
        "unit_limit": UNIT_LIMIT,
    }


def most(rules: Rules, candidates: int) -> int:
    """Return how many items a ballot can reach: nobody is sent looking for a ninth of eight."""
    if rules.is_graded:
        return candidates
    more = rules.proposal_limit if rules.proposals == "counted" else 0
    return min(rules.places, candidates + more)


def most_proposals(rules: Rules) -> int:
    """Return how many proposals a ballot has room for: nobody is offered a third of two places."""
    is_counted = rules.proposals == "counted"
    return min(rules.proposal_limit, rules.places) if is_counted else rules.proposal_limit


def instruction(rules: Rules, candidates: int) -> str:
    """Say what to do, in one sentence, by the rules of this poll (design §4.1)."""
    reach = most(rules, candidates)
    if rules.form == "each":
        words = _instruction_of_each(rules, candidates)
    elif rules.is_graded:
        words = gettext("请对%(candidates)d个项目逐项评满意、基本满意或不满意；没有评的按弃权计。")
    elif reach > candidates and rules.exactly:
        words = gettext(
            "请从%(candidates)d个候选项目中选择，也可推荐新项目，"
            "合计应选%(places)d项，不能多选或少选。"
        )
    elif reach > candidates:
        words = gettext(
            "请从%(candidates)d个候选项目中选择，也可推荐新项目，合计最多%(most)d项，可以少选。"
        )
    elif rules.exactly:
        words = gettext("请从%(candidates)d个候选项目中选择，应选%(places)d项，不能多选或少选。")
    elif reach == candidates:
        words = gettext("请从%(candidates)d个候选项目中选择，可以全选，也可以少选。")
    else:
        words = gettext("请从%(candidates)d个候选项目中选择，最多选%(most)d项，可以少选。")
    return words % {"candidates": candidates, "places": rules.places, "most": reach}


def _instruction_of_each(rules: Rules, candidates: int) -> str:
    counted = rules.proposals == "counted"
    if most(rules, candidates) > candidates and rules.exactly:
        return gettext(
            "请对%(candidates)d个候选项目逐项表决，也可推荐新项目，"
            "赞成和推荐合计应为%(places)d项；未作选择的按弃权计。"
        )
    if most(rules, candidates) > candidates:
        return gettext(
            "请对%(candidates)d个候选项目逐项表决，也可推荐新项目，"
            "赞成和推荐合计最多%(most)d项；未作选择的按弃权计。"
        )
    if rules.exactly:
        words = gettext(
            "请对%(candidates)d个候选项目逐项表决，赞成应为%(places)d项；未作选择的按弃权计。"
        )
    elif rules.places >= candidates and not counted:
        words = gettext("请对%(candidates)d个候选项目逐项表决，可以全部赞成；未作选择的按弃权计。")
    else:
        words = gettext(
            "请对%(candidates)d个候选项目逐项表决，赞成最多%(most)d项；未作选择的按弃权计。"
        )
    return words + (gettext("推荐的新项目也计入这%(places)d项。") if counted else "")


def summary(selection: Selection, rules: Rules, candidates: int) -> str:
    """Say how many items were chosen, in one sentence."""
    chosen, proposed = len(selection.chosen), len(selection.proposals)
    against, fair = len(selection.against), len(selection.fair)
    match rules.form, rules.proposals:
        case "each", "counted" if proposed:
            words = gettext(
                "您赞成%(all)d项（其中推荐%(proposed)d项），反对%(against)d项，弃权%(left)d项。"
            )
        case "each", "advisory" if proposed:
            words = gettext(
                "您赞成%(chosen)d项，反对%(against)d项，弃权%(left)d项，"
                "另推荐%(proposed)d项（不计票）。"
            )
        case "each", _other:
            words = gettext("您赞成%(chosen)d项，反对%(against)d项，弃权%(left)d项。")
        case "grades", _other:
            words = gettext(
                "您评满意%(chosen)d项，基本满意%(fair)d项，不满意%(against)d项，弃权%(left)d项。"
            )
        case _form, "counted" if proposed:
            words = gettext("您共选择%(all)d项：候选项目%(chosen)d项，推荐项目%(proposed)d项。")
        case _form, "advisory" if proposed:
            words = gettext("您共选择%(chosen)d项，另推荐%(proposed)d项（不计票）。")
        case _other:
            words = ngettext("您共选择%(chosen)d项。", "您共选择%(chosen)d项。", chosen)
    return words % {
        "all": chosen + proposed,
        "chosen": chosen,
        "proposed": proposed,
        "against": against,
        "fair": fair,
        "left": candidates - chosen - fair - against,
    }


def total(selection: Selection, rules: Rules) -> str:
    """Say how much is about to be submitted, in the few words that a bar has room for."""
    if selection.is_blank:
        return gettext("弃权")
    if rules.is_graded:
        graded = sum(map(len, (selection.chosen, selection.fair, selection.against)))
        return gettext("已评%d项") % graded
    proposed = len(selection.proposals)
    if rules.form == "choose":
        return gettext("共%d项") % (len(selection.chosen) + proposed)
    favoured = len(selection.chosen) + (proposed if rules.proposals == "counted" else 0)
    words = gettext("赞成%(favoured)d项，反对%(against)d项")
    return words % {"favoured": favoured, "against": len(selection.against)}


def room(selection: Selection, rules: Rules, candidates: int) -> str:
    """Say what may still be added to the selection, in one sentence; nothing if it is full.

    Nothing either where each project takes a mark: who has judged every one is not asked for more.
    """
    free = most(rules, candidates) - selection.places_used(rules)
    left = candidates - len(selection.chosen)
    if rules.form != "choose" or free <= 0:
        return ""
    if not left:
        words = gettext("候选项目已全部选择，还可推荐%d项，也可直接提交。")
    elif left < free:
        words = gettext("还可再选%d项（含推荐），也可直接提交。")
    else:
        words = gettext("还可再选%d项，也可直接提交。")
    return words % free


# --- lists and counts of a ballot whose projects take marks ---------------------------------------


def heading(mark: Mark, count: int) -> str:
    """Return what stands above the `count` projects that have this mark."""
    return gettext("%(mark)s%(count)d项") % {"mark": mark.word, "count": count}


def left(count: int) -> str:
    """Return what stands above the projects of a 满意度测评 that have no mark."""
    words = ngettext("以下%d项没有评，按弃权计", "以下%d项没有评，按弃权计", count)
    return words % count


def counted(rules: Rules) -> str:
    """Return what the bar counts."""
    words = {"each": gettext("赞成"), "grades": gettext("已评")}
    return words.get(rules.form) or gettext("已选")


def bar(rules: Rules) -> str:
    """Return the count of the bar, with `{n}` for how many and `{most}` for how many there may be."""
    return gettext("{n}项") if rules.is_graded else "{n}/{most}"


def beside(rules: Rules) -> str:
    """Return what the bar says beside its count, with `{against}` and `{abstain}` for how many."""
    words = {
        "each": gettext("反对{against}项，弃权{abstain}项"),
        "grades": gettext("未评{abstain}项"),
    }
    return words.get(rules.form, "")
