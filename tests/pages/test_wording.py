"""The rules in words: each option of each rule has its sentence, and none of another one."""

import pytest
from django.db.models import TextChoices
from django.test import Client

from projects.models import Poll
from projects.wording import rules_in_words
from tests.helpers.browsing import read, signed_in
from tests.helpers.factories import make_stage

PLAIN = {"places": 10, "delegates_total": 350}

# What a poll says that it would not say without the named columns.
GRADES: dict[str, object] = {"form": "grades", "places": 0, "proposals": "off"}
OPTIONS: list[tuple[dict[str, object], str]] = [
    ({}, "从候选项目和推荐项目中确定10项。"),
    ({"proposals": "advisory"}, "从候选项目中确定10项。"),
    ({}, "每张表决票最多选10项，可以少选。"),
    ({"places": 3}, "每张表决票最多选3项，可以少选。"),
    ({"choice_rule": "exactly"}, "每张表决票须选足10项，多选、少选都不能提交。"),
    ({"form": "each"}, "没有表示的按弃权计；赞成的最多10项。"),
    ({"form": "each", "choice_rule": "exactly"}, "没有表示的按弃权计；赞成的须为10项。"),
    ({}, "可以一项不选，勾选弃权后提交，为弃权票。"),
    ({"blank_allowed": False}, "不接受弃权票，空白的表决票不能提交。"),
    ({}, "可以另外推荐新项目，每票最多3项，计票，每项占用一个名额。"),
    (
        {"proposals": "advisory", "proposal_limit": 2},
        "可以另外推荐新项目，每票最多2项，不计票，仅汇总研究。",
    ),
    ({"proposals": "off"}, "不接受推荐新项目。"),
    ({}, "已报到的代表可以投票。"),
    ({"voters": "roll"}, "名册上的全体代表都可以投票。"),
    ({}, "得票超过全体代表350人的一半，即至少176票，才能通过。"),
    ({"delegates_total": 351}, "得票超过全体代表351人的一半，即至少176票，才能通过。"),
    ({"delegates_total": None}, "得票超过全体代表人数的一半，才能通过。"),
    ({"majority": "present"}, "得票超过实到代表人数的一半，才能通过。"),
    ({"body": "committee"}, "已报到的组成人员可以投票。"),
    (
        {"body": "committee", "delegates_total": 29},
        "得票超过全体组成人员29人的一半，即至少15票，才能通过。",
    ),
    (
        {"body": "committee", "majority": "present"},
        "得票超过实到组成人员人数的一半，才能通过。",
    ),
    ({"majority": "valid"}, "得票超过有效票数的一半，才能通过。"),
    ({"majority": "none"}, "不要求得票过半数，得票多的项目通过。"),
    ({}, "按得票多少排列，得票相同的名次并列。"),
    ({}, "最后的名额有得票相同、不能确定的，系统不作取舍，再次票决或由会议决定。"),
    ({"places": 3}, "通过的项目不足3项的，补充票决、由会议决定或不再补足。"),
    ({}, "计票结果由2名监票人复核，其中一名为总监票人，计票人不能复核。"),
    ({"simple": True}, "计票结果由一名监票人复核，计票人不能复核。"),
    ({"kind": "rehearsal"}, "计票结果由一名监票人复核，计票人不能复核。"),
    ({}, "只公布通过的项目，不公布得票数。"),
    ({"show_votes": True}, "公布通过的项目和各项目的得票数。"),
    ({"simple": True}, "简易方式：密钥的任一持有人可单独开启票箱。"),
    ({"kind": "rehearsal"}, "本次为演练，不计票。"),
    (GRADES, "对每个项目评满意、基本满意或不满意，没有评的按弃权计。"),
    (GRADES, "可以一项不评，勾选弃权后提交，为弃权票。"),
    (GRADES, "满意票达到全体代表350人的半数（含本数）的，为“满意”；"),
    (
        GRADES | {"boundary": "2/3", "boundary_included": False, "majority": "valid"},
        "但与基本满意票合计超过有效票数的三分之二的，为“基本满意”；其余为“不满意”。",
    ),
    (
        GRADES | {"whole_boundary": "4/5"},
        "满意票之和达到全体代表350人与项目数之积的80%（含本数）的，总体为“满意”，余类推。",
    ),
    (GRADES, "只公布各项目的等次，不公布票数。"),
    (GRADES | {"show_votes": True}, "公布各项目的等次和满意、基本满意、不满意、弃权票数。"),
]


CHOICES: dict[str, type[TextChoices]] = {
    "form": Poll.Form,
    "choice_rule": Poll.ChoiceRule,
    "proposals": Poll.Proposals,
    "voters": Poll.Voters,
    "body": Poll.Body,
    "majority": Poll.Majority,
}


def words(**columns: object) -> str:
    return "".join(rules_in_words(Poll(**(PLAIN | columns))))


@pytest.mark.parametrize(("columns", "sentence"), OPTIONS, ids=str)
def test_each_option_is_said(columns, sentence):
    assert sentence in words(**columns)


@pytest.mark.parametrize(("columns", "sentence"), [row for row in OPTIONS if row[0]], ids=str)
def test_an_option_that_is_not_chosen_is_not_said(columns, sentence):
    assert sentence not in words()


@pytest.mark.parametrize("field", CHOICES)
def test_no_two_choices_of_a_rule_read_the_same(field):
    choices = CHOICES[field]

    assert len({words(**{field: value}) for value in choices.values}) == len(choices)


def test_every_rule_is_a_whole_sentence():
    for columns, _sentence in OPTIONS:
        assert all(rule.endswith("。") for rule in rules_in_words(Poll(**(PLAIN | columns))))


@pytest.mark.django_db
def test_delegates_find_the_rules_beside_the_candidates():
    held = make_stage()

    page = signed_in(held).get("/projects/")

    assert '<details class="rules">' in page.text
    assert "本次为演练，不计票。" in read(page).text
    assert Client().get("/projects/").status_code == 303
