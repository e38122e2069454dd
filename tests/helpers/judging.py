"""What is judged of a page in Chromium: its targets, its colours, its focus, and its complaints."""

from collections.abc import Callable
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Error, Locator, Page

PHONE = {"width": 360, "height": 740}
SMALL = {"width": 320, "height": 568}
DESK = {"width": 1280, "height": 900}

# --- the looks ------------------------------------------------------------------------------------

AXE = Axe().axe_script
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
# Without `preload`, which fetches style sheets anew and puts them inline, against our CSP.
EVERYTHING: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
# All that can differ in the dark.
COLOURS = EVERYTHING | {"runOnly": ["color-contrast", "link-in-text-block"]}

# In px, of what is tapped: a row with its box is one target, and so is a link of its own line. A
# link within a sentence is as high as the sentence (WCAG 2.5.8), and what is hidden is no target.
SMALL_TARGETS = """() => [...document.querySelectorAll(
    'a[href], button, summary, select, textarea, input:not([type=hidden], [type=checkbox]), .row label'
)].flatMap(target => {
    if (target.closest('.skips, .unseen') || !target.getClientRects().length) return [];
    const alone = target.parentElement.textContent.trim() === target.textContent.trim();
    if (getComputedStyle(target).display === 'inline' && !alone) return [];
    const least = target.matches('.row label, .button.primary') ? 60 : 48;
    const {width, height} = target.getBoundingClientRect();
    const name = (target.textContent || target.name).trim();
    return Math.min(width, height) < least ? [`${name}: ${width} × ${height}`] : [];
})"""


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    """Return what axe finds on the page that is shown; it is brought in once for each page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{rule['impact']} {rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]
    ]


# --- the focus ------------------------------------------------------------------------------------

# Where the control that has the focus stands, and what may stand in front of it.
FOCUS = """() => {
    const {top, bottom} = document.activeElement.getBoundingClientRect();
    const bar = document.querySelector('.bar');
    const inside = !bar || bar.contains(document.activeElement);
    return {
        id: document.activeElement.id,
        seen: top >= 0 && bottom <= (inside ? innerHeight : bar.getBoundingClientRect().top),
    };
}"""


def tab_to(page: Page, control: Locator) -> list[str]:
    """Press Tab until `control` has the focus; return the ids of what had it on the way.

    Fails if anything on the way is out of sight, or if the end of the page comes first.
    """
    met: list[str] = []
    for _ in range(120):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["seen"], f"{focus['id']} has the focus out of sight, after {met[-3:]}"
        met.append(focus["id"])
        if control.evaluate("control => control === document.activeElement"):
            return met
    raise AssertionError(f"Tab never reaches it, but {met}")


# --- the console ----------------------------------------------------------------------------------

# Chromium says this of every refusal and error page, which the tests ask for on purpose.
REFUSAL = "Failed to load resource: the server responded with a status of "
# And this where a test types into the log-in page before the browser has set the focus itself.
# Said of each tablet that is handed back.
CLEARED = "Clear-Site-Data header on"
QUICK_HANDS = "Autofocus processing was blocked because a document already has a focused element."
# Advice for password managers, on Django's page on which somebody sets his own password.
NO_NAME = "[DOM] Password forms should have (optionally hidden) username fields"
NO_NETWORK = "net::ERR_INTERNET_DISCONNECTED"
# And htmx of each request that found no network.
UNANSWERED = ("htmx:afterRequest", "htmx:sendError")

Listener = Callable[[Any], None]


def listen(page: Page, complaints: list[str]) -> tuple[Listener, Listener]:
    """Note every message and every script error of `page`; a breach of the CSP is one of them.

    Returns the two listeners, for a page that outlives whoever asked.
    """

    def hear(message: ConsoleMessage) -> None:
        quiet = (REFUSAL, QUICK_HANDS, CLEARED, NO_NAME, *UNANSWERED)
        expected = message.text.startswith(quiet) or NO_NETWORK in message.text
        if not expected:
            complaints.append(f"{message.text} ({page.url})")

    def fail(error: Error) -> None:
        complaints.append(f"{error} ({page.url})")

    page.on("console", hear)
    page.on("pageerror", fail)
    return hear, fail
