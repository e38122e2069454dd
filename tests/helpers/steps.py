"""What a delegate or a member of staff does at a page in Chromium, as the tests tell it."""

import re

from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from ballots.pure import card_code
from ballots.sessions import CARD_KEY, HOLDER_KEY, SessionStore
from tests.helpers.factories import PASSWORD, Stage


def ready(page: Page) -> None:
    """Wait for the scripts of a page that a press of a button has led to: they are deferred."""
    page.wait_for_load_state("load")


# --- a delegate -----------------------------------------------------------------------------------


def sign_in(page: Page, base: str, day: Stage, place: int) -> None:
    """Sign in with the code on the card of the delegate at `place`; ends on the home page."""
    page.goto(base)
    type_code(page, day, place)


def type_code(page: Page, day: Stage, place: int) -> None:
    """The same where the page that asks for the code is shown already."""
    enter(page, card_code.grouped(day.issued[place].code))


def enter(page: Page, code: str) -> None:
    """Type a code as a card has it where the page asks for it; ends on the home page."""
    page.get_by_label("投票码").fill(code)
    page.get_by_role("button", name="进入").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("您好")
    ready(page)


def let_in(page: Page, base: str, day: Stage, place: int = 0) -> None:
    """Give the device a session, for tests that are not about signing in: it is three pages less."""
    session = SessionStore()
    card = day.card(place)
    session[CARD_KEY], session[HOLDER_KEY] = card.pk, card.delegate_id
    session.create()
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": str(session.session_key), "url": base}]
    )


def open_ballot(page: Page, base: str, day: Stage, place: int = 0) -> None:
    """Open the ballot of a delegate who has signed in."""
    let_in(page, base, day, place)
    page.goto(f"{base}/ballot/")
    expect(page.get_by_role("heading", name=f"填写{day.poll.marking.ballot}")).to_be_visible()


def row(page: Page, number: int) -> Locator:
    """The row of a candidate, which is one large target."""
    return page.locator(f"label[for=project-{number}]")


def tick(page: Page, *numbers: int) -> None:
    row(page, numbers[0]).wait_for()
    # What is pressed before the script runs is ticked all the same, and nobody says how many there are.
    ready(page)
    for number in numbers:
        row(page, number).click()


def ticked(page: Page) -> list[int]:
    """The candidates that are ticked on the page, as the browser holds them."""
    ready(page)
    boxes = page.locator("input[name=projects]:checked").all()
    return [int(box.input_value()) for box in boxes]


def propose(page: Page, title: str) -> Locator:
    """Add a block below the list and type a title; return the block."""
    page.get_by_role("button", name="推荐一个新项目").click()
    blocks = page.locator(".proposal")
    block = blocks.nth(blocks.count() - 1)
    block.get_by_label("项目名称（必填）").fill(title)
    return block


def titles(page: Page) -> list[str]:
    """The titles that stand in the blocks of the ballot, in their order."""
    ready(page)
    return [field.input_value() for field in page.locator(".proposal [name$=-title]").all()]


def review(page: Page) -> None:
    page.get_by_role("button", name="下一步：核对").click()
    expect(page.get_by_role("heading", name="请核对，再提交")).to_be_visible()
    ready(page)


def submit(page: Page) -> str:
    """Submit from the review page; return the code on the receipt."""
    page.get_by_role("button", name=re.compile("提交(表决|测评)票")).click()
    expect(page.get_by_role("heading", name=re.compile("(表决|测评)票已提交"))).to_be_visible()
    ready(page)
    return page.locator("#receipt-code").inner_text()


def drafts(page: Page) -> int:
    """How many drafts this device holds."""
    ready(page)
    return page.evaluate("Object.keys(localStorage).length")


# --- staff ----------------------------------------------------------------------------------------


def log_in(page: Page, base: str, user: User) -> None:
    """Log in to the admin."""
    page.goto(f"{base}/admin/")
    page.fill("[name=username]", user.get_username())
    page.fill("[name=password]", PASSWORD)
    page.click("[type=submit]")


def step(page: Page, address: str, button: str, *ticks: str, **typed: str) -> None:
    """Open a step of the day, type what it asks for, tick `ticks` and press its button."""
    page.goto(address)
    for name in ticks:
        page.check(f"[name={name}]")
    for name, value in typed.items():
        page.fill(f"[name={name}]", value)
    page.locator("#content-main").get_by_role("button", name=button).click()
    expect(page.locator(".messagelist .success").first).to_be_visible()


def follow(page: Page, name: str) -> None:
    """Press the first link of that name on the page that is shown."""
    page.get_by_role("link", name=name, exact=True).first.click()


def press(page: Page, button: str, *ticks: str, says: str = "", **typed: str) -> None:
    """Fill in the page that is shown by its labels, tick `ticks`, press its button, and read `says`."""
    for label, value in typed.items():
        page.get_by_label(label).first.fill(value)
    for label in ticks:
        page.get_by_label(label).check()
    page.locator("#content-main").get_by_role("button", name=button, exact=True).first.click()
    if says:
        expect(page.get_by_text(says).first).to_be_visible()
