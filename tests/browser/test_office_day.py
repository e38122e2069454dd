"""An office's whole day from an empty database, through the pages that it would go through, in a real Chromium."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from io import BytesIO

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from ballots.acts import casting
from ballots.models import AccessCard
from ballots.pure.rules import Selection
from projects.models import Poll
from tests.helpers.factories import PASSWORD, make_office, make_scrutineer, selection
from tests.helpers.judging import DESK
from tests.helpers.reading import unspaced
from tests.helpers.steps import enter, follow, log_in, press, propose, review, submit, tick

SURNAMES = "赵钱孙李周吴郑王冯陈"
GIVEN = "建国志明秀英晓东海燕"
HOLDERS = ["何一", "何二", "何三", "何四", "何五"]


def people(size: int) -> list[list[str]]:
    """Return number, name and delegation of so many delegates, of seven delegations at most."""
    return [
        [
            f"{place:03}",
            SURNAMES[place % 10] + GIVEN[place // 10 % 10] + GIVEN[place // 100 + 3],
            f"第{(place - 1) // (size // 7 + 1) + 1}代表团",
        ]
        for place in range(1, size + 1)
    ]


def candidates(size: int) -> list[list[str]]:
    """Return so many rows of the usual table of candidates."""
    return [
        [str(n), f"实事项目{n}号", f"新建改建{n}处。", "市住建局", str(100 * n), f"新建{n}处"]
        for n in range(1, size + 1)
    ]


ROLL = ["代表证号", "姓名", "代表团"]
CANDIDATES = ["序号", "项目名称", "主要建设内容", "责任单位", "总投资（万元）", "年度目标"]


def table(rows: Iterable[Sequence[str]], encoding: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode(encoding)


def upload(page: Page, name: str, content: bytes, *ticks: str) -> None:
    page.set_input_files("[type=file]", {"name": name, "mimeType": "text/csv", "buffer": content})
    press(page, "上传并预览", *ticks)


def begin(page: Page, base: str, name: str) -> None:
    """Go from the first page to one of the things that it says come before a vote."""
    page.goto(f"{base}/admin/")
    expect(page.get_by_role("heading", name="从这里开始")).to_be_visible()
    follow(page, name)


def add_staff(page: Page, name: str, account: str, role: str) -> str:
    """Make an account on the page 工作人员; return the password on its slip, which is shown this once."""
    follow(page, "新增工作人员")
    page.get_by_label(role, exact=True).check()
    told = {"姓": name[0], "名": name[1:], "用户名": account}
    press(page, "建立账号，显示账号单", says=f"{name}的账号单", **told)
    password = page.locator(".slip dd").last.inner_text()
    follow(page, "返回工作人员")
    return password


def log_in_first(page: Page, base: str, account: str, given: str) -> None:
    """Log in with the password of the slip, which opens nothing but the page that asks for one's own."""
    page.goto(f"{base}/admin/")
    page.fill("[name=username]", account)
    page.fill("[name=password]", given)
    page.click("[type=submit]")
    expect(page.get_by_text("请先设置本人的密码")).to_be_visible()
    page.fill("[name=old_password]", given)
    page.fill("[name=new_password1]", PASSWORD)
    page.fill("[name=new_password2]", PASSWORD)
    page.click("#content-main [type=submit]")
    expect(page.get_by_text("密码已修改。").first).to_be_visible()


def add_poll(desk: Page, base: str, place: str, total: int, *ticks: str) -> None:
    """Fill in the form of a poll; a rehearsal, for a real one refuses to open on this machine."""
    begin(desk, base, "新建票决")
    desk.get_by_label("类型").select_option("演练")
    told = {
        "会议名称": f"{place}人民代表大会会议",
        "年度": "2026",
        "会务组电话": "0579-12345678",
        "表决办法名称": f"{place}民生实事项目票决办法",
        "表决办法通过日期": "2026-01-17",
        "全体代表人数": str(total),
    }
    press(desk, "保存", *ticks, **told)


def add_candidates(desk: Page, base: str, size: int) -> None:
    begin(desk, base, "录入候选项目")
    upload(desk, "候选项目.csv", table([CANDIDATES, *candidates(size)], "utf-8-sig"))
    press(desk, f"导入{size}行", says=f"已导入{size}")


def enter_day(desk: Page, base: str) -> Poll:
    """Go to the day of the poll that was made last, and draw up its roll in one press."""
    desk.goto(f"{base}/admin/")
    follow(desk, "进入票决进程")
    press(desk, "更新名册", says="名册已更新")
    return Poll.objects.latest("pk")


def prepare_key(desk: Page, holders: Sequence[str], needed: int) -> list[str]:
    """From the page of the day: make the key, let each holder read his share, and try the last `needed`."""
    follow(desk, "生成票箱密钥")
    typed = {f"保管人{place}姓名": name for place, name in enumerate(holders, start=1)}
    press(desk, "生成票箱密钥", **typed)
    shares = []
    for place, name in enumerate(holders, start=1):
        desk.get_by_text(f"第{place}份：{name}").click()
        sheet = desk.locator("details[open]")
        expect(sheet).to_contain_text(f"保管人：{name}")
        shares.append(sheet.locator(".share-text").inner_text())
    follow(desk, "各份均已收好，去试开票箱密钥")
    press(desk, "试开票箱密钥", says="试开成功", **typed_shares(shares[-needed:]))
    return shares


def typed_shares(shares: Sequence[str]) -> dict[str, str]:
    return {f"第{place}份密钥份额": text for place, text in enumerate(shares, start=1)}


def report(desk: Page, absent: str, present: int) -> None:
    """Say who has not come, on the way from the page of the day and back to it."""
    follow(desk, "代表报到")
    follow(desk, "全体到会，除…")
    press(desk, "记录到会", says=f"实到{present}人", **{"未到会的代表": absent})
    follow(desk, "返回")


def open_poll(desk: Page, roll: int, present: int) -> None:
    follow(desk, "开始投票")
    expect(desk.get_by_text(f"应到{roll}人，实到{present}人").first).to_be_visible()
    press(desk, "开始投票", says="投票已开始。")


def close_and_unlock(desk: Page, voted: int, waiting: int, shares: Sequence[str]) -> None:
    """From the page of the day to the open box: the chair ends it, and declares it valid by the report."""
    desk.reload()
    follow(desk, "截止投票")
    expect(desk.get_by_text(f"已投票{voted}人，未投票{waiting}人。")).to_be_visible()
    ended = ["主持人已宣布截止"] if waiting else []
    figure = {"请输入当前已投票人数以确认": str(voted)}
    press(desk, "截止投票", *ended, says=f"已封存{voted}张表决票", **figure)
    follow(desk, "打印清点报告")
    expect(desk.get_by_text("收回").first).to_be_visible()
    desk.go_back()
    follow(desk, "开启票箱")
    valid = "主持人已宣布本次表决有效"
    press(desk, "开启票箱", valid, says=f"共{voted}张表决票", **typed_shares(shares))


def count_and_confirm(desk: Page, watch: Page, base: str) -> None:
    """Let the office count and a scrutineer confirm, whom the first page leads there."""
    follow(desk, "计票")
    press(desk, "计票", says="计票完成，请监票人复核。")
    watch.goto(f"{base}/admin/")
    follow(watch, "复核计票结果")
    press(watch, "确认无误", says="您已确认计票结果。")
    desk.reload()


def announced(desk: Page) -> list[str]:
    """Print the announcement that is shown; return the projects on it in their order."""
    pdf = PdfReader(BytesIO(desk.pdf(prefer_css_page_size=True)))
    notice = unspaced("".join(sheet.extract_text() for sheet in pdf.pages))
    assert "公告" in notice
    return re.findall(r"实事项目\d+号", notice)


def cast_rest(poll: Poll, ballots: Iterable[Selection]) -> None:
    """Cast `ballots`, one each, for those who have come and have not voted, in the order of their numbers."""
    poll.refresh_from_db()
    waiting = AccessCard.objects.filter(
        delegate__roll_entries__in=poll.roll.filter(present=True, voted=False)
    )
    for card, ballot in zip(waiting.order_by("delegate__number"), ballots, strict=False):
        casting.cast_ballot(poll=poll, card=card, selection=ballot, token=casting.new_token())


def vote(phone: Page, base: str, code: str, *numbers: int, proposal: str = "") -> str:
    """Vote on a phone with the code on a card, and sign out; return the code of the receipt."""
    phone.goto(base)
    enter(phone, code)
    follow(phone, "填写表决票")
    tick(phone, *numbers)
    if proposal:
        propose(phone, proposal)
    review(phone)
    receipt = submit(phone)
    phone.get_by_role("button", name="完成，退出").click()
    expect(phone.get_by_text("已退出").first).to_be_visible()
    return receipt


def ballots(*groups: tuple[int, Sequence[int]]) -> list[Selection]:
    """Return so many ballots of each group of numbers, one group after the other."""
    return [selection(*numbers) for many, numbers in groups for _ in range(many)]


def names(*numbers: int) -> list[str]:
    return [f"实事项目{number}号" for number in numbers]


# --- a city ---------------------------------------------------------------------------------------


def test_a_city_of_350_holds_its_day_from_an_empty_site_to_the_archive(
    phone, open_page, live_server
):
    base = live_server.url
    desk, watch = open_page(viewport=DESK), open_page(viewport=DESK)
    log_in(watch, base, User.objects.create_superuser("root", password=PASSWORD))
    begin(watch, base, "设立工作人员账号")
    of_office = add_staff(watch, "王一", "huiwu", "会务")
    of_scrutineer = add_staff(watch, "李二", "jianpiao", "监票")
    watch.get_by_role("button", name="退出").click()
    log_in_first(desk, base, "huiwu", of_office)
    log_in_first(watch, base, "jianpiao", of_scrutineer)

    # Three faults of the roll are named by their rows; the right file goes in whole.
    begin(desk, base, "导入代表名册")
    roll, wrong = people(350), people(350)
    roll[4][1] = "䶮建国"
    wrong[10][1], wrong[98][0], wrong[198][2] = "", "003", "同上"
    upload(desk, "名册.csv", table([ROLL, *wrong], "gb18030"), "一并新增代表团")
    faults = desk.locator(".problems li")
    expect(faults).to_have_count(3)
    expect(faults).to_contain_text(["第12行", "第100行", "第200行"])
    follow(desk, "重新上传")
    upload(desk, "名册.csv", table([ROLL, *roll], "gb18030"), "一并新增代表团")
    expect(desk.get_by_text("将新增350人")).to_be_visible()
    press(desk, "导入350行", says="已导入350人。")

    add_poll(desk, base, "示例市", 350)
    add_candidates(desk, base, 20)
    # Each code is shown this once, on the sheet.
    begin(desk, base, "打印投票卡")
    press(desk, "发卡并打印", says="已生成350张投票卡")
    expect(desk.get_by_text("䶮建国").first).to_be_visible()
    codes = desk.locator(".card-code").all_inner_texts()

    # Three of five holders can open the box, and have tried it; two delegates are not there.
    poll = enter_day(desk, base)
    shares = prepare_key(desk, HOLDERS, 3)
    report(desk, "349、350", 348)
    open_poll(desk, 350, 348)

    # Three vote with what was printed on their cards, one of them for a project of his own.
    vote(phone, base, codes[0], *range(1, 10), proposal="新建停车场")
    vote(phone, base, codes[1], *range(1, 11))
    receipt = vote(phone, base, codes[2], *range(1, 11))
    # Nobody leaves out one to nine; of three one is for 11 and two are for 10.
    cast_rest(poll, ballots((115, [*range(1, 10), 11]), (228, range(1, 11))))

    close_and_unlock(desk, 346, 2, shares[:3])
    follow(desk, "归并推荐项目")
    press(desk, "单列一项", says="已处理 1/1")
    signed = {"第二人用户名": "jianpiao", "第二人密码": PASSWORD}
    press(desk, "归并结束", **signed)
    count_and_confirm(desk, watch, base)

    follow(desk, "公布结果")
    press(desk, "公布结果", says="结果已公布。", **{"请输入通过的项目数以确认": "10"})
    phone.goto(f"{base}/results/")
    expect(phone.get_by_text("结果尚未公布")).to_be_visible()
    follow(desk, "揭晓下一项")
    for shown in range(10):
        expect(desk.get_by_text(f"已揭晓{shown}/10项")).to_be_visible()
        desk.keyboard.press("Enter")
    expect(desk.get_by_text("结果已全部揭晓，代表和公众可以看到。")).to_be_visible()

    phone.reload()
    expect(phone.get_by_text("以下10个项目获得通过")).to_be_visible()
    assert phone.locator("main .adopted bdi").all_inner_texts() == names(*range(1, 11))
    follow(phone, "查看回执编号清单")
    expect(phone.get_by_text(receipt)).to_be_visible()
    follow(desk, "公告")
    assert announced(desk)[:10] == names(*range(1, 11))

    desk.go_back()
    follow(desk, "归档")
    told = {"密钥份额销毁情况": "会后当场撕毁，监票人在场。", "尚待销毁的备份": "无"}
    press(desk, "归档", says="已归档，没有待办事项。", **told, **signed)


# --- a town ---------------------------------------------------------------------------------------


def look_again(desk: Page, made: str) -> Poll:
    """Say on the day of a new round that nobody has come or gone; return that round."""
    expect(desk.get_by_text(made)).to_be_visible()
    follow(desk, "核对实到")
    press(desk, "实到无变化", says="已核对。实到60人。")
    return Poll.objects.latest("pk")


def publish_at_once(desk: Page, base: str, asked: str, figure: int) -> None:
    """Publish whatever the first page says is to be published next."""
    desk.goto(f"{base}/admin/")
    follow(desk, "公布结果")
    press(desk, "公布结果", "不逐项揭晓", says="结果已公布。", **{asked: str(figure)})


def test_a_town_of_sixty_fills_its_places_by_a_second_round_and_a_run_off(
    phone, open_page, live_server
):
    base = live_server.url
    desk, watch = open_page(viewport=DESK), open_page(viewport=DESK)
    log_in(desk, base, make_office("经办人"))
    log_in(watch, base, make_scrutineer("监票人"))

    # The roll is pasted, as it stands in a document.
    begin(desk, base, "导入代表名册")
    rows = ["\t".join(row) for row in [ROLL, *people(60)]]
    press(desk, "上传并预览", "一并新增代表团", **{"或在此粘贴表格": "\n".join(rows)})
    press(desk, "导入60行", says="已导入60人。")
    follow(desk, "生成投票卡")
    press(desk, "发卡并打印", says="已生成60张投票卡")
    code = desk.locator(".card-code").first.inner_text()
    add_poll(desk, base, "示例镇", 60, "简易方式")
    add_candidates(desk, base, 12)
    poll = enter_day(desk, base)
    shares = prepare_key(desk, HOLDERS[:2], 1)
    report(desk, "", 60)

    # Eight have the majority of sixty, and two places are left for the other four.
    eight = range(1, 9)
    open_poll(desk, 60, 60)
    vote(phone, base, code, *eight, 9)
    cast_rest(poll, ballots((19, [*eight, 9]), (20, [*eight, 10]), (15, [*eight, 11]), (5, eight)))
    close_and_unlock(desk, 60, 0, shares[:1])
    count_and_confirm(desk, watch, base)
    expect(desk.get_by_text("已确定8项。还有2个名额没有确定。")).to_be_visible()
    follow(desk, "补充票决")
    press(desk, "补充票决")

    # Of these one is chosen, and two are level for the last place.
    second = look_again(desk, "已发起补充票决。")
    shares = prepare_key(desk, HOLDERS[:2], 1)
    open_poll(desk, 60, 60)
    vote(phone, base, code, 9, 10)
    cast_rest(second, ballots((29, [9, 10]), (30, [9, 11])))
    close_and_unlock(desk, 60, 0, shares[:1])
    count_and_confirm(desk, watch, base)
    expect(desk.get_by_text("已确定1项。还有1个名额没有确定。")).to_be_visible()
    follow(desk, "再次票决")
    press(desk, "再次票决")

    third = look_again(desk, "已发起再次票决。")
    shares = prepare_key(desk, HOLDERS[:2], 1)
    open_poll(desk, 60, 60)
    vote(phone, base, code, 11)
    cast_rest(third, ballots((40, [11]), (19, [10])))
    close_and_unlock(desk, 60, 0, shares[:1])
    count_and_confirm(desk, watch, base)

    # Each round is published before the one that waits for it.
    publish_at_once(desk, base, "请输入通过的项目数", 1)
    publish_at_once(desk, base, "请输入已确定的项目数", 2)
    publish_at_once(desk, base, "请输入已确定的项目数", 10)
    follow(desk, "公告")
    assert announced(desk)[:10] == names(*range(1, 10), 11)
    phone.goto(f"{base}/results/?poll={poll.pk}")
    expect(phone.get_by_text("以下10个项目获得通过")).to_be_visible()
    adopted = phone.locator("main .adopted li")
    expect(adopted).to_contain_text(names(*range(1, 10), 11))
    expect(adopted.nth(8)).to_contain_text("补充票决通过")
    expect(adopted.nth(9)).to_contain_text("再次票决通过")
