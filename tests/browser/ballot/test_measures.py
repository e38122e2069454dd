"""How high ballot and review are on a phone, and what of them is seen on arrival, with twenty candidates.

The twenty are as long, and say as much, as those of real sessions.
"""

import pytest
from playwright.sync_api import Page, expect

from ballots.acts import lifecycle
from projects.models import Target
from tests.helpers.factories import Stage, make_project, make_stage
from tests.helpers.judging import PHONE
from tests.helpers.steps import let_in, open_ballot, ready, review, tick

# Category, title, what is done, how much of it, the unit, the sum in 万元, by when, by whom.
TWENTY: list[tuple[str, str, str, str, str, str, str, str]] = [
    (
        "交通出行",
        "城区新增公共停车泊位3000个",
        "新建公共停车泊位",
        "3000",
        "个",
        "18000",
        "2026年10月底",
        "市建设局",
    ),
    (
        "交通出行",
        "农村公路提升改造60公里",
        "改造提升农村公路",
        "60",
        "公里",
        "9600",
        "2026年11月底",
        "市交通运输局",
    ),
    (
        "教育",
        "中小学校午休躺睡条件改善",
        "改造午休教室",
        "1200",
        "间",
        "4500",
        "2026年8月底",
        "市教育局",
    ),
    ("教育", "新建公办幼儿园6所", "新增学位", "2160", "个", "21600", "2026年12月底", "市教育局"),
    ("教育", "青少年宫城西分馆建设", "建成并开放分馆", "1", "座", "7800", "2026年12月底", "团市委"),
    (
        "医疗健康",
        "基层医疗机构智慧化提升",
        "改造卫生院和社区卫生服务中心",
        "14",
        "家",
        "3200.5",
        "2026年11月底",
        "市卫生健康局",
    ),
    (
        "医疗健康",
        "适龄妇女“两癌”免费检查",
        "免费检查",
        "4",
        "万人",
        "680",
        "2026年11月底",
        "市卫生健康局",
    ),
    (
        "医疗健康",
        "公共场所自动体外除颤器全覆盖",
        "配置自动体外除颤器",
        "300",
        "台",
        "540",
        "2026年9月底",
        "市红十字会",
    ),
    (
        "养老助残",
        "老旧小区加装电梯100台",
        "加装电梯",
        "100",
        "台",
        "5000",
        "2026年11月底",
        "市建设局",
    ),
    (
        "养老助残",
        "镇街老年食堂和助餐点扩面",
        "新增老年助餐点",
        "80",
        "个",
        "1600",
        "2026年10月底",
        "市民政局",
    ),
    (
        "养老助残",
        "困难老年人家庭适老化改造",
        "完成改造",
        "600",
        "户",
        "360",
        "2026年10月底",
        "市民政局",
    ),
    (
        "养老助残",
        "残疾人之家规范提升",
        "提升残疾人之家",
        "22",
        "家",
        "440",
        "2026年11月底",
        "市残联",
    ),
    (
        "住房环境",
        "城镇老旧小区改造提升",
        "改造老旧小区",
        "35",
        "个",
        "32000",
        "2026年12月底",
        "市建设局",
    ),
    (
        "住房环境",
        "农村生活污水处理设施提标",
        "提标改造处理终端",
        "120",
        "个",
        "14400",
        "2026年12月底",
        "市生态环境分局",
    ),
    (
        "住房环境",
        "口袋公园和城市绿道建设",
        "新建口袋公园",
        "20",
        "个",
        "6800",
        "2026年10月底",
        "市建设局",
    ),
    (
        "文化体育",
        "城乡“15分钟品质文化生活圈”建设",
        "建成文化生活圈",
        "42",
        "个",
        "2100",
        "2026年11月底",
        "市文化和广电旅游体育局",
    ),
    (
        "文化体育",
        "嵌入式体育场地设施新建工程",
        "新建体育场地设施",
        "60",
        "处",
        "3000",
        "2026年9月底",
        "市文化和广电旅游体育局",
    ),
    (
        "平安民生",
        "农村饮用水管网更新改造",
        "更新供水管网",
        "180",
        "公里",
        "11000",
        "2026年12月底",
        "市水务局",
    ),
    (
        "平安民生",
        "电动自行车集中充电设施建设",
        "新增充电端口",
        "1.5",
        "万个",
        "2400",
        "2026年8月底",
        "市综合行政执法局",
    ),
    (
        "平安民生",
        "食品安全“阳光厨房”和农贸市场快检室建设",
        "建成快检室",
        "46",
        "个",
        "920",
        "2026年10月底",
        "市市场监督管理局",
    ),
]


# In px. Where the candidates begin, how far each reaches, where the bar covers them, and how high it all is.
MEASURES = """() => {
    const box = selector => document.querySelector(selector).getBoundingClientRect();
    return {
        height: document.documentElement.scrollHeight,
        masthead: box('.masthead').height,
        first: box('#item-1').top,
        third: box('#item-3').bottom,
        bar: box('.bar').top,
    };
}"""


def held(form: str) -> Stage:
    """Return an open poll on the twenty candidates."""
    day = make_stage(open_it=False, delegates=2, candidates=0, form=form)
    for number, row in enumerate(TWENTY, start=1):
        category, title, target, quantity, unit, investment, deadline, lead_unit = row
        project = make_project(
            day.poll,
            number,
            title=title,
            text=f"{target}{quantity}{unit}，方便群众就近办事，改善群众生活条件。",
            category=category,
            investment=investment,
            deadline=deadline,
            lead_unit=lead_unit,
            site="各镇人民政府、街道办事处辖区",
        )
        Target.objects.filter(project=project).update(text=target, quantity=quantity, unit=unit)
    day.poll = lifecycle.open_poll(day.poll, by=day.office)
    return day


def at_size(page: Page, base: str, size: str) -> Page:
    """Let a phone have chosen a size of text."""
    page.context.add_cookies([{"name": "size", "value": size, "url": base}])
    return page


@pytest.mark.parametrize(("size", "most"), [("m", 3000), ("xl", 6300)])
def test_twenty_candidates_are_a_short_page_that_shows_what_decides(phone, live_server, size, most):
    open_ballot(at_size(phone, live_server.url, size), live_server.url, held("choose"))
    ready(phone)

    found = phone.evaluate(MEASURES)
    assert found["height"] <= most
    expect(phone.locator("#item-6 .meta").first).to_have_text(
        "改造卫生院和社区卫生服务中心14家3,200.5万元"
    )
    if size == "m":
        assert found["masthead"] <= 61
        assert found["first"] < 320
        assert found["third"] <= found["bar"]
        # A voice that goes from box to box says the project and nothing else.
        title = "1. 城区新增公共停车泊位3000个"
        box = phone.get_by_role("checkbox", name=title, exact=True)
        expect(box).to_have_accessible_description("新建公共停车泊位3000个 · 18,000万元")
    tick(phone, *range(1, 11))
    review(phone)
    see_that_it_is_to_be_submitted(phone, "· 共10项")


@pytest.mark.parametrize("size", ["m", "xl"])
def test_a_review_of_votes_shows_on_arrival_that_it_is_still_to_be_submitted(
    phone, live_server, size
):
    day = held("each")
    let_in(at_size(phone, live_server.url, size), live_server.url, day)
    phone.goto(f"{live_server.url}/ballot/")
    ready(phone)
    for vote in ("for-1", "for-2", "against-3"):
        phone.locator(f"label[for={vote}]").click()
    review(phone)

    see_that_it_is_to_be_submitted(phone, "· 赞成2项，反对1项")
    left = phone.locator("details:has(.chosen)")
    expect(left.get_by_role("heading")).to_have_text("弃权17项")
    expect(left.locator(".chosen")).to_be_hidden()


@pytest.mark.parametrize("size", ["m", "xl"])
def test_a_review_of_grades_names_at_once_what_was_not_graded(phone, live_server, size):
    day = held("grades")
    open_ballot(at_size(phone, live_server.url, size), live_server.url, day)
    ready(phone)
    for grade in ("good-1", "fair-2", "poor-3"):
        phone.locator(f"label[for={grade}]").click()
    review(phone)

    see_that_it_is_to_be_submitted(phone, "· 已评3项", ballot="测评票")
    expect(phone.get_by_role("heading", level=2).first).to_have_text("以下17项没有评，按弃权计")
    expect(phone.locator(".chosen").first.get_by_role("listitem")).to_have_count(17)
    expect(phone.locator(".chosen").first).to_be_visible()


def see_that_it_is_to_be_submitted(page: Page, total: str, *, ballot: str = "表决票") -> None:
    """Check that the first screen says that nothing has been submitted, and has the button for it."""
    assert page.evaluate("scrollY") == 0
    expect(page.locator(".bar .count")).to_have_text(f"尚未提交 {total}")
    button = page.get_by_role("button", name=f"提交{ballot}").bounding_box()
    assert button
    assert button["y"] + button["height"] <= PHONE["height"]
    # Wide enough to be read at a glance, and not pressed into a corner.
    assert button["height"] >= 60
    back = page.get_by_role("button", name="返回修改")
    assert back.count() == 2
    assert all(box["height"] >= 48 for one in back.all() if (box := one.bounding_box()))
    taken_back = page.locator(".chosen button").first.bounding_box()
    assert taken_back
    assert min(taken_back["width"], taken_back["height"]) >= 48
