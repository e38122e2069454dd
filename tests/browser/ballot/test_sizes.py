"""What a browser sends of a ballot has one size, whatever was chosen and whichever button was pressed."""

from itertools import chain, combinations
from urllib.parse import parse_qs

from playwright.sync_api import Page, Route

from tests.helpers.factories import Stage, make_stage
from tests.helpers.steps import open_ballot, propose, review, submit, tick

NUMBERS = range(1, 9)
CHOICES = list(chain.from_iterable(combinations(NUMBERS, size) for size in range(9)))


def held() -> Stage:
    return make_stage(candidates=8)


def press(page: Page, button: str) -> None:
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name=button).first.click()
    # The script, too, has come by then.
    page.wait_for_load_state("networkidle")


def lengths(page: Page) -> list[int]:
    """Return a list that grows by the length of each form that is sent from now on."""
    found: list[int] = []
    page.on(
        "request",
        lambda request: (
            found.append(len(request.post_data_buffer or b"")) if request.method == "POST" else None
        ),
    )
    return found


def test_each_of_the_256_choices_is_sent_in_one_size(phone, live_server):
    open_ballot(phone, live_server.url, held())
    sent = []

    def note(route: Route) -> None:
        sent.append(route.request.post_data_buffer or b"")
        # Nothing comes back: the page stays.
        route.fulfill(status=204)

    phone.route("**/ballot/review/", note)
    for chosen in CHOICES:
        with phone.expect_response("**/ballot/review/"):
            phone.evaluate(
                """chosen => {
                    for (const box of document.querySelectorAll("[name=projects]")) {
                        box.checked = chosen.includes(Number(box.value));
                    }
                    document.getElementById("abstain").checked = !chosen.length;
                    dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}));
                    document.getElementById("submit").click();
                }""",
                list(chosen),
            )

    ticked = {tuple(map(int, parse_qs(body.decode()).get("projects", []))) for body in sent}
    assert ticked == set(CHOICES)
    assert {len(body) for body in sent} == {int(filler(phone))}


def filler(page: Page) -> str:
    return str(page.locator("#ballot [name=filler]").get_attribute("data-size"))


def test_every_form_on_the_whole_way_has_the_same_size(phone, live_server):
    open_ballot(phone, live_server.url, held())
    found = lengths(phone)
    tick(phone, 1, 8)
    propose(phone, "新建停车场").get_by_label("主要内容和目标（选填）").fill("一行\n又一行")
    press(phone, "特大")
    review(phone)
    for button in ("取消第8项", "撤销", "返回修改"):
        press(phone, button)
    review(phone)
    submit(phone)

    assert len(found) == 7
    assert len(set(found)) == 1


def test_without_script_the_ballot_goes_as_it_is(plain, live_server):
    open_ballot(plain, live_server.url, held())
    found = lengths(plain)
    tick(plain, 1)
    review(plain)

    assert found[0] < 1_000
