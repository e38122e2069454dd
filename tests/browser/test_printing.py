"""What is printed before the day in a real Chromium: the cards, and the shares of a key."""

import io
import re
import unicodedata

import pytest
from django.conf import settings
from django.urls import reverse
from pypdf import PdfReader

from ballots.acts import roll
from ballots.facts.frozen import frozen
from ballots.models import Delegate
from projects.models import Poll
from tests.helpers.desk import at
from tests.helpers.factories import (
    Stage,
    dress,
    make_delegates,
    make_office,
    make_poll,
    make_stage,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def printing(page, client, live_server):
    """A member of the office in a real browser that shows pages as they will be printed."""
    client.force_login(make_office())
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page.emulate_media(media="print")
    return page


def millimetres(page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).first.bounding_box()
    return box["width"] / 96 * 25.4, box["height"] / 96 * 25.4


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def test_cards_come_out_at_their_size_ten_a_page_and_a_new_page_for_each_delegation(
    printing, live_server
):
    make_poll(meeting="义乌市第十五届人民代表大会第四次会议", kind=Poll.Kind.REHEARSAL)
    make_delegates(12, delegation="城区代表团")
    make_delegates(1, delegation="城南街道及经济技术开发区联合代表团")  # two lines of a card
    violations: list[str] = []
    printing.on(
        "console",
        lambda said: violations.append(said.text) if "Security Policy" in said.text else None,
    )
    printing.goto(live_server.url + reverse("admin:ballots_delegate_issue"))

    printing.emulate_media(media="screen")
    printing.locator("input.default").click()
    printing.emulate_media(media="print")

    assert millimetres(printing, ".card") == pytest.approx((90, 54), abs=0.1)
    assert min(millimetres(printing, ".card-qr svg")) >= 30
    # One line of 16 points, four groups, and nothing sticks out of its card.
    assert millimetres(printing, ".card-code")[1] < 8
    cut_off = printing.evaluate(
        """() => [...document.querySelectorAll('.card, .card-text')].filter(
            box => box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight + 1
        ).length"""
    )
    assert cut_off == 0
    # A list to sign and two pages of cards, then a list and one page.
    assert pages_of(printing.pdf(prefer_css_page_size=True)) == 5
    assert violations == []


# The pairs of parts of a card that stand over each other, and what stands over its edge.
OVERPRINTED = """() => [...document.querySelectorAll('.card')].flatMap(card => {
    const parts = [...card.querySelectorAll('.card-text > *, .card-qr, .card-code, .card-note')];
    const box = part => part.getBoundingClientRect();
    const [outer, found] = [box(card), []];
    parts.forEach((one, place) => {
        const a = box(one);
        if (a.left < outer.left || a.right > outer.right || a.bottom > outer.bottom + 1)
            found.push(one.className + ' over the edge');
        parts.slice(place + 1).forEach(other => {
            const b = box(other);
            if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
                found.push(one.className + ' over ' + other.className);
        });
    });
    return found;
})"""
CUT = """() => [...document.querySelectorAll('.card-text, .sign-list td')].filter(
    box => box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth
).map(box => box.textContent)"""
LOWEST_ROWS = """() => [...document.querySelectorAll('.sign-list')].map(sheet =>
    sheet.getBoundingClientRect().bottom - sheet.lastElementChild.getBoundingClientRect().bottom)"""


def test_no_text_is_printed_over_a_code_at_the_longest_that_may_be_typed(printing, live_server):
    # Case 49: the row's own example, the longest in Chinese signs, in capitals and in words.
    make_poll(meeting="义乌市第十五届人民代表大会第四次会议" * 4, kind=Poll.Kind.REHEARSAL)
    names = ["十二个字的姓名十二个字的", "测" * 30, "W" * 30, "Mwalimu Abdurrahman Wamalwa", "甲"]
    numbers = ["123456789012345678", "９" * 20, "W" * 20, "330782-0001", "001"]
    delegations = [
        "十七个字的代表团十七个字的代表团名",
        "团" * 50,
        "W" * 50,
        "乙" * 50,
        "城区代表团",
    ]
    for name, number, delegation in zip(names, numbers, delegations, strict=True):
        [delegate] = make_delegates(1, delegation=delegation)
        Delegate.objects.filter(pk=delegate.pk).update(name=name, number=number)
    for place, delegate in enumerate(make_delegates(13, delegation="代" * 50)):
        Delegate.objects.filter(pk=delegate.pk).update(
            # No two of one name or of one number: those are asked about before any card.
            name="名" * 29 + chr(ord("一") + place),
            number=f"{place + 10:020}",
        )
    printing.goto(live_server.url + reverse("admin:ballots_delegate_issue"))
    printing.emulate_media(media="screen")
    printing.locator("input.default").click()
    printing.emulate_media(media="print")

    assert printing.locator(".card").count() == 18
    assert printing.evaluate(OVERPRINTED) == []
    assert min(millimetres(printing, ".card-qr svg")) >= 30
    # Nothing of whose card it is, is cut, and no row of the lists to sign falls off its page.
    assert printing.evaluate(CUT) == []
    assert min(printing.evaluate(LOWEST_ROWS)) > 0


def test_only_the_open_share_is_shown_and_printed_and_one_at_a_time(printing, live_server):
    poll = make_poll()
    printing.goto(live_server.url + at(poll, "key"))
    printing.emulate_media(media="screen")
    for place in range(1, 6):
        printing.locator(f"#id_holder_{place}").fill(f"保管人{place}")
    printing.locator("input.default").click()

    def shown() -> list[int]:
        texts = printing.locator(".share-text")
        return [place for place in range(5) if texts.nth(place).is_visible()]

    closed = shown()
    printing.locator("summary").nth(1).click()
    second = shown()
    printing.locator("summary").nth(3).click()
    fourth = shown()
    printing.emulate_media(media="print")

    assert (closed, second, fourth) == ([], [1], [3])
    assert shown() == [3]
    assert pages_of(printing.pdf(prefer_css_page_size=True)) == 1


# --- the sheet of the opening ---------------------------------------------------------------------


@pytest.fixture
def eve() -> Stage:
    """The eve of a vote with words as long as real ones, and something that is still missing."""
    stage = make_stage(
        open_it=False, candidates=14, delegates_total=7, total_reason="缺额1名，待补选"
    )
    dress(stage)
    make_delegates(1, delegation="城南街道及经济技术开发区联合代表团")
    roll.draw_up_roll(stage.poll, by=stage.office)
    Delegate.objects.filter(number="002").update(name="更名的代表")
    return stage


def test_the_sheet_of_the_opening_is_printed_whole_and_no_candidate_is_torn(
    printing, live_server, eve
):
    printing.goto(live_server.url + at(eve.poll, "opening"))
    pdf = printing.pdf(prefer_css_page_size=True)

    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    assert frozen(eve.poll)["digest"] in text.replace("\n", "")
    assert 2 <= pages_of(pdf) <= 4
    too_wide = "() => document.documentElement.scrollWidth > innerWidth"
    assert not printing.evaluate(too_wide)


@pytest.mark.parametrize("name", ["open", "change"])
def test_what_is_missing_is_read_on_a_phone_and_mended_from_there(printing, live_server, eve, name):
    printing.emulate_media(media="screen")
    printing.set_viewport_size({"width": 360, "height": 740})
    printing.goto(live_server.url + at(eve.poll, name))

    assert printing.evaluate("document.documentElement.scrollWidth") <= 360
    line = printing.locator(".checklist .blocks")
    assert "登记有更正的1人（更名的代表（002））" in line.first.inner_text()
    button = line.first.get_by_role("button", name="更新名册")
    assert button.bounding_box()["height"] >= 24
    button.click()
    assert "名册已更新，共6人。" in printing.locator(".messagelist").inner_text()
    assert eve.poll.roll.get(number="002").name == "更名的代表"


def test_of_the_handbook_each_role_has_one_page_and_the_questions_one(printing, live_server):
    printing.goto(live_server.url + reverse("admin:handbook"))

    pages = [page.extract_text() for page in PdfReader(io.BytesIO(printing.pdf(format="A4"))).pages]

    # Some glyphs come out as the radical that they are drawn with.
    texts = [unicodedata.normalize("NFKC", page) for page in pages]
    heads = [text.strip().splitlines()[0].strip() for text in texts]
    assert heads[:-1] == ["会务", "监票人", "计票人(有纸质票时)", "总监票人", "主持人", "技术"]
    assert heads[-1].endswith("问题")
    assert all("当天的次序" not in text for text in texts)
