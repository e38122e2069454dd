"""The words of the design: each of its strings is on a page, and every page speaks its language."""

import re
from functools import cache
from typing import Any, NamedTuple

import pytest
from django.db import connection, transaction

from tests.helpers import tour
from tests.helpers.machine import ROOT

LIST = ROOT / "tests" / "data" / "ux-strings.txt"
EXAMPLE = re.compile(r"\{[^}]*\}")
# A word of at most so many characters must stand alone: 大 would be found in every page else.
WORD = 3


class Otherwise(NamedTuple):
    """What we say instead of a string of the design, and why."""

    instead: tuple[str, ...]
    why: str


SAID_IN_PIECES = "the script puts it together, or it stands in two elements"
OTHERWISE = {
    # What a script or a page puts together.
    "已选{7}项，还可选{3}项": Otherwise(("已选{7}项，{left}。", "还可选{3}项"), SAID_IN_PIECES),
    "已选第{3}项。已选{7}项，还可选{3}项。": Otherwise(
        ("已选第{3}项。", "已选{7}项，{left}。", "还可选{3}项"), SAID_IN_PIECES
    ),
    "已取消第{3}项。已选{6}项，还可选{4}项。": Otherwise(
        ("已取消第{3}项。", "已选{7}项，{left}。", "还可选{4}项"), SAID_IN_PIECES
    ),
    "第{3}项，赞成。赞成{7}项，还可赞成{3}项。": Otherwise(
        ("第{3}项，{vote}。", "赞成{7}项，{left}。", "还可赞成{3}项"), SAID_IN_PIECES
    ),
    "已投票{314}人，未投票{4}人。截止后不能再提交。": Otherwise(
        ("已投票{314}人，未投票{4}人。", "截止后不能再提交。"), SAID_IN_PIECES
    ),
    # What the design decides otherwise.
    "本次票决采用无记名方式。系统分别记录“已投票”和表决票内容，二者不关联；任何人都不能查到您选了哪些项目。": Otherwise(
        (
            "本次票决采用无记名方式。表决票提交时即加密封存，截止后先去除姓名、打乱次序，"
            "再由保管人共同开箱；任何人都不能查到您选了哪些项目。",
        ),
        "design §5: until the close an envelope is linked to its delegate, and sealed",
    ),
    "本年投资": Otherwise(("总投资",), "design §2: a project has one sum"),
    "资金来源": Otherwise(("总投资",), "design §2: a project has one sum and no source of it"),
    "提出依据": Otherwise(("建设内容",), "design §2: the grounds stand in the text of a project"),
    "候选项目之外，您可以推荐新的项目，每项计入{10}项之内。": Otherwise(
        ("候选项目之外，您可以推荐新的项目，每项计入{10}项之内，最多推荐{3}项。",),
        "design §4.1: a ballot has a limit of proposals",
    ),
    "推荐的项目不计票，由大会秘书处汇总研究。": Otherwise(
        ("推荐的项目不计票，由大会秘书处汇总研究，最多推荐{3}项。",),
        "design §4.1: a ballot has a limit of proposals",
    ),
    "表决票尚未提交。您的选择没有丢失，请稍候再按“提交表决票”。": Otherwise(
        ("尚不能确认表决票是否已提交，请稍候再按一次“提交表决票”，不会重复计票。",),
        "a connection that breaks during the COMMIT leaves open whether the ballot is in the box",
    ),
    "第{10}名有{2}个项目得票相同（均为{168}票），其余{9}个项目已确定。将按票决办法对得票相同的项目再次票决。": Otherwise(
        ("等{2}个项目得赞成票数相等，不能确定，不足的{1}个名额留空。",),
        "design §4.3: a poll is published after its run-off, or with places left open knowingly",
    ),
    "得票过半数的项目共{8}个，不足{10}个。不足的名额按票决办法处理。": Otherwise(
        ("获得全体代表过半数赞成票的项目为{8}个，少于应确定的{10}个，不足的{2}个名额留空。",),
        "the words of real reports, and what became of the places: the same on pages and papers",
    ),
    "并入后有{2}张表决票重复选择该项，各计1票。": Otherwise(
        ("并入后有{2}张表决票重复选择同一项目，各计1票。",),
        "the sentence stands below the table, where no item is 该项",
    ),
    "表决票张数＝已投票人数＝回执编号数（{314}＝{314}＝{314}）": Otherwise(
        ("收回表决票＝已投票人数", "与回执编号相符的密封票＝密封票"),
        "design §4.2: the checks are a table with a left side, a right side and a verdict",
    ),
    "各项目得票之和＝各票所选项数之和（{2,956}＝{2,956}）": Otherwise(
        ("各项目得票之和＝各票所选项数之和－并入后重复－不予计票",),
        "design §4.2: sum of votes = sum of choices − doubles after merging − refused",
    ),
    "操作记录校验通过": Otherwise(
        ("校验通过的操作记录＝操作记录",), "a row of the same table, with its two figures"
    ),
    # What the program has another way of.
    "该类别下没有候选项目。": Otherwise(
        ("没有符合条件的项目。",),
        "each category on offer has a candidate: only together with 只看已选 is nothing left",
    ),
    "✓ 您的表决票已收到。回执编号 {…}": Otherwise(
        ("✓ 您已于{10:42}提交表决票。", "回执编号 {F636-PR72-12S3-117N}"),
        "home says it in its status box whether or not the answer to the submission was lost",
    ),
    "登录失败 {3}次（近10分钟）": Otherwise(
        ("没有代表因输错投票码而须等待", "{1}名代表因多次输错投票码，暂时不能输入"),
        "of single failures no time is kept; waits are what the desk can end",
    ),
    "正在封存表决票 {120}/{314}": Otherwise(
        ("已封存{314}张表决票，次序已打乱。",), "one transaction of less than a second"
    ),
    "正在计票…": Otherwise(
        ("计票完成，请监票人复核。",), "nothing is said of what takes less than a second"
    ),
    "正在生成投票卡…": Otherwise(
        ("已生成{350}张投票卡，只在本页显示这一次。",),
        "the staff's pages run no script while a form is sent; the browser shows that it waits",
    ),
    "生成投票卡: {63}%": Otherwise(
        ("投票：{60}%（{210}/{350}）",), "cards are made on a page; commands show what they do"
    ),
    "附件 民生实事项目得票情况": Otherwise(
        ("附件：民生实事项目得票情况",), "GB/T 9704—2012 puts a colon after 附件"
    ),
    "应到|实到|发出|收回|有效|弃权|无效|应选项数|候选项目数|推荐件数|归并项数|开始|截止|计票|公布|计票人|复核人|数据校验码": Otherwise(
        (
            "全体代表|应到|实到|发出|收回|有效|弃权|无效|应选项数|通过所需票数|候选项目数|推荐件数|归并项数|"
            "重复选择的表决票|不予计票|留空名额|会议决定|开始|截止|计票|公布|计票人|复核人|数据校验码|备注",
        ),
        "design §4.2: T is not the roll, and the identities need the doubles and the refused",
    ),
    "代表团|应到人数|已投票人数|未投票人数|投票率(%)": Otherwise(
        ("代表团|应到人数|实到人数|已投票人数|未投票人数|投票率(%)",),
        "未投票 is 实到 less 已投票 (design §4.2), so 实到 has a column",
    ),
}
# SQLite has no clock of its own to compare the server's with.
OF_POSTGRESQL = {"✓ 服务器时间正确"}

CHINESE = r"[\u3400-\u9fff]"
AMONG_CHINESE = re.compile(rf"{CHINESE} ?[,.;:!?()] ?{CHINESE}")
AVOIDED = re.compile("选举|选票|当选|候选人|[!！]")


@pytest.fixture(scope="module")
def texts(django_db_setup: None, django_db_blocker: Any) -> dict[str, str]:
    """Everything that people can read, with an address where it stands."""
    with django_db_blocker.unblock(), transaction.atomic():
        found = tour.walk()
        transaction.set_rollback(True)
    return found


def strings() -> list[str]:
    """The strings of the design, each once."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(line.split("\t")[1] for line in lines if not line.startswith("#")))


@cache
def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def stands(string: str, texts: dict[str, str]) -> bool:
    """Tell whether what is fixed in `string` stands in this order in one of `texts`."""
    fixed = EXAMPLE.split(squeezed(string))
    shape = re.compile(".{1,60}?".join(map(re.escape, fixed)))
    match = shape.fullmatch if len("".join(fixed)) <= WORD else shape.search
    return any(match(squeezed(text)) for text in texts)


# --- the strings ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_string_of_the_design_is_on_a_page(texts):
    unheard = OTHERWISE.keys() | (OF_POSTGRESQL if connection.vendor != "postgresql" else set())

    missing = [s for s in strings() if s not in unheard and not stands(s, texts)]

    assert missing == []


@pytest.mark.django_db
def test_what_we_say_instead_is_on_a_page(texts):
    instead = [ours for other in OTHERWISE.values() for ours in other.instead]

    assert [ours for ours in instead if not stands(ours, texts)] == []


@pytest.mark.django_db
def test_what_is_said_otherwise_is_in_the_design_and_nowhere_else(texts):
    assert OTHERWISE.keys() <= set(strings())
    assert [string for string in OTHERWISE if stands(string, texts)] == []


def test_each_line_of_the_list_has_an_id_and_a_string():
    lines = LIST.read_text(encoding="utf-8").splitlines()

    assert [
        line for line in lines if line[:1] != "#" and not re.fullmatch("[^\t]+\t[^\t]+", line)
    ] == []


# --- how every page speaks ------------------------------------------------------------------------


@pytest.mark.django_db
def test_no_ascii_mark_stands_between_chinese_characters(texts):
    assert {text: at for text, at in texts.items() if AMONG_CHINESE.search(text)} == {}


@pytest.mark.django_db
def test_no_page_exclaims_or_speaks_of_persons(texts):
    assert {text: at for text, at in texts.items() if AVOIDED.search(text)} == {}


@pytest.mark.parametrize(
    ("string", "text", "found"),
    [
        ("已选{7}项，还可选{3}项", "您已选 2 项，还可选 8 项。", True),
        ("已选{7}项，还可选{3}项", "还可选 8 项，已选 2 项", False),
        ("大", "特大", False),
        ("大", "大", True),
        ("第{7}项", "第项", False),
    ],
)
def test_a_string_is_found_by_what_is_fixed_in_it(string, text, found):
    assert stands(string, {text: ""}) is found
