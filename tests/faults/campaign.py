"""A vote under fire: phones that do not give up, and a hand that strikes while they cast."""

import contextlib
import http.client
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from tests.faults.history import Operation
from tests.faults.judging import (
    Ballot,
    acknowledged,
    foretold,
    wrong_in_box,
    wrong_in_copy,
    wrong_in_count,
)
from tests.faults.postgres import Cluster, Cut, Line
from tests.faults.site import Site
from tests.faults.volume import Volume
from tests.helpers.http_client import Browser, Page

Strike = (
    Literal["database", "worker", "server", "restart"]
    | Literal["silence", "half-open", "full volume", "copy"]
    | Cut
)
CUTS: tuple[Cut, ...] = ("answer lost", "COMMIT lost")
# The casts of another round begin while these last.
LASTING = ("silence", "half-open", "full volume", "copy")
# Seconds in which whoever votes next has signed in and filled in.
READY = 2

PHONES = 12
# How many of those who had no answer press again; the others sign in anew and look at home first.
PRESS_AGAIN = 0.6
# Seconds for which a line is silent or a volume full: longer than anybody waits for an answer.
LASTS = 15


def rounds(strikes: Sequence[Strike]) -> int:
    """Return in how many rounds the casts begin: before, between and during strikes, and at the end."""
    return sum(2 if strike in LASTING else 1 for strike in strikes) + 1


class NoAnswer(Exception):
    """The site gave no page, or one that says to come again; a phone does so."""


class SignedOut(NoAnswer):
    """The site does not know a delegate any more who had signed in; he signs in anew."""


@dataclass
class Campaign:
    """One vote at `site` by everybody on its roll, with a round of casts for each of `strikes`."""

    site: Site
    strikes: Sequence[Strike]
    seed: int
    cluster: Cluster | None = None
    line: Line | None = None
    volume: Volume | None = None
    twin: Site | None = None
    """Another server of the same site; each request of a phone goes to either, with its one session."""
    limit: float = 300
    """Seconds after which a delegate without a receipt is stuck."""

    histories: dict[str, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    ballots: dict[str, Ballot] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)
    signed_out: list[str] = field(default_factory=list)
    """Who had signed in and was asked to do so again: his session was lost."""
    taken: int = 0
    backs: list[float] = field(default_factory=list)
    """Seconds from the end of each strike to the next ballot that was taken."""
    copies: list[tuple[float, str]] = field(default_factory=list)
    """When each copy of the database was begun, and the address of what it was restored to."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Condition = field(default_factory=threading.Condition)
    _allowed: int = 0
    _begun: int = 0
    _cut: Cut | None = None
    _stop_at: float = 0
    _struck_at: float | None = None
    _round: int = 0

    def run(self) -> None:
        """Let everybody vote under the strikes, and at the end look once more at what he has."""
        cards = self.site.cards()
        self.ballots = {card["代表证号"]: foretold(place) for place, card in enumerate(cards)}
        self._stop_at = time.monotonic() + self.limit
        # However fast the site is, the first casts of a round wait for the strike that meets them.
        self._round = len(cards) // rounds(self.strikes)
        with ThreadPoolExecutor(PHONES + 1) as pool:
            striking = pool.submit(self._strike_all)
            phones = [
                pool.submit(Phone(self, card, random.Random(f"{self.seed} {place}")).vote)
                for place, card in enumerate(cards)
            ]
            for phone in phones:
                phone.result()
            striking.result()
        self.site.wait()
        with ThreadPoolExecutor(PHONES) as pool:
            list(
                pool.map(lambda card: Phone(self, card, random.Random(0)).look_in_the_end(), cards)
            )

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._stop_at

    def acknowledged(self) -> int:
        return sum(map(acknowledged, self.histories.values()))

    def record(self, number: str, operation: Operation) -> None:
        with self._lock:
            self.histories[number].append(operation)
            self.taken += operation.said == "taken"
            if operation.said == "taken" and self._struck_at is not None:
                self.backs.append(time.monotonic() - self._struck_at)
                self._struck_at = None

    # --- strikes ----------------------------------------------------------------------------------

    def _strike_all(self) -> None:
        chance = random.Random(self.seed)
        for strike in self.strikes:
            self.site.wait()
            before = self.taken
            if strike not in CUTS:
                self._let_cast(self._round)
                # One of the round has been told that his ballot is taken; the others are casting.
                while self.taken == before and self._has_voters:
                    time.sleep(0.002)
                time.sleep(READY if strike in LASTING else chance.uniform(0, 0.05))
            if not self.is_over:
                self._strike(strike)
        self._let_cast(len(self.ballots))

    def _strike(self, strike: Strike) -> None:
        before = self.done[strike]
        match strike:
            case "database":
                assert self.cluster
                self.cluster.kill()
                self.cluster.start()
            case "worker":
                self.site.kill_worker()
            case "server":
                self.site.kill()
            case "restart":
                self.site.restart()
            case "silence":
                assert self.line
                self.line.is_silent = True
                self._let_cast(self._round)
                time.sleep(LASTS)
                self.line.is_silent = False
            case "half-open":
                assert self.line
                self.line.strand()
                self._let_cast(self._round)
            case "full volume":
                assert self.volume
                self.volume.fill()
                self._let_cast(self._round)
                time.sleep(LASTS)
                self.volume.free()
                if self.cluster and not self.cluster.is_up:
                    self.cluster.start()
            case "copy":
                self._let_cast(self._round)
                self.copies.append((time.monotonic(), self.site.copy(len(self.copies))))
            case "answer lost" | "COMMIT lost":
                self._cut = strike
                while self.done[strike] == before and self._has_voters:
                    if self._cut and self._begun == self._allowed:
                        self._let_cast(1)
                    time.sleep(0.05)
                return
        self.done[strike] += 1
        self._struck_at = time.monotonic()

    @property
    def _has_voters(self) -> bool:
        return self._begun < len(self.ballots) and not self.is_over

    def _let_cast(self, more: int) -> None:
        with self._turn:
            self._allowed += more
            self._turn.notify_all()

    def wait_for_turn(self) -> None:
        """Hold a first cast back until its round."""
        with self._turn:
            self._turn.wait_for(lambda: self._begun < self._allowed, self.limit)
            self._begun += 1

    @contextlib.contextmanager
    def casting(self) -> Iterator[None]:
        """Announce a cast, which may cut the line at its COMMIT."""
        with self._lock:
            cut, self._cut = self._cut, None
        if not (cut and self.line):
            yield
            return
        before = self.line.cuts[cut]
        with self.line.armed(cut):
            yield
        if self.line.cuts[cut] > before:
            self.done[cut] += 1
        else:
            # The cast failed before its COMMIT: the next one is cut.
            self._cut = cut


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a campaign, and how many ballots came out of its box."""

    faults: list[str]
    counted: int


@contextlib.contextmanager
def served(campaign: Campaign) -> Iterator[None]:
    """Serve the site, and its twin if it has one, until the end."""
    sites = list(filter(None, [campaign.site, campaign.twin]))
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(Site.start, sites))
        yield
    finally:
        for site in sites:
            site.stop()


def held(campaign: Campaign) -> None:
    """Serve the site, hold the vote and end what serves it."""
    with served(campaign):
        campaign.run()


def judged(campaign: Campaign) -> Verdict:
    """Close, open and count, and compare with what each delegate was told and cast."""
    site, histories, ballots = campaign.site, campaign.histories, campaign.ballots
    box = site.look()
    faults = list(wrong_in_box(histories, ballots, box))
    for begun, address in campaign.copies:
        faults += wrong_in_copy(histories, box, site.look(address), begun)
    count = site.count()
    faults += wrong_in_count(ballots, box, count)
    return Verdict(faults, len(count.ballots))


class Phone:
    """The phone of one delegate, who goes on until he has his receipt."""

    def __init__(self, campaign: Campaign, card: dict[str, str], chance: random.Random) -> None:
        self.campaign, self.card, self.chance = campaign, card, chance
        self.number = card["代表证号"]

    def vote(self) -> None:
        """Sign in, fill in, review, cast; after a lost answer press again, or begin anew."""
        browser, kept, has_turn = None, None, False
        while not self.campaign.is_over:
            try:
                if browser is None:
                    browser = self.sign_in()
                    if self.look(browser):
                        return
                    kept = None
                kept = kept or self.fill_in(browser)
                if not has_turn:
                    self.campaign.wait_for_turn()
                    has_turn = True
                if self.cast(browser, kept):
                    while not self.campaign.is_over:
                        with contextlib.suppress(NoAnswer):
                            self.look(browser)
                            return
                        self.pause()
            except SignedOut:
                self.campaign.signed_out.append(self.number)
                browser = None
                continue
            except NoAnswer:
                pass
            self.pause()
            if self.chance.random() > PRESS_AGAIN:
                browser = None
        self.campaign.stuck.append(self.number)

    def look_in_the_end(self) -> None:
        for _ in range(100):
            with contextlib.suppress(NoAnswer):
                self.look(self.sign_in())
                return
            self.pause()
        self.campaign.stuck.append(self.number)

    def pause(self) -> None:
        time.sleep(self.chance.uniform(0.05, 0.2))

    def hop(self, browser: Browser) -> None:
        """Go on at either server, wherever the page before came from."""
        if self.campaign.twin:
            browser.move(self.chance.choice([self.campaign.site, self.campaign.twin]).base)

    # --- the steps (design §9) --------------------------------------------------------------------

    def sign_in(self) -> Browser:
        """Sign in by the code on the card, or by the link of its QR code."""
        browser = Browser(self.campaign.site.base)
        self.hop(browser)
        link = urlsplit(self.card["链接"]).path
        if self.chance.random() < 0.5:
            asked(browser.submit, asked(browser.get, "/").form("/"), code=self.card["投票码"])
        else:
            asked(browser.submit, asked(browser.get, link).form(link))
        return browser

    def fill_in(self, browser: Browser) -> list[tuple[str, str]]:
        """Fill in the ballot that is foretold; return what the review page would submit."""
        ballot = self.campaign.ballots[self.number]
        self.hop(browser)
        form = signed_in(asked(browser.get, "/ballot/")).form("/ballot/review/")
        ticks = [("projects", str(number)) for number in ballot.chosen]
        titles = {f"proposal-{place}-title": text for place, text in enumerate(ballot.proposals)}
        if not ballot.chosen and not ballot.proposals:
            ticks.append(("abstain", "on"))
        self.hop(browser)
        review = signed_in(asked(browser.submit, form, *ticks, **titles))
        return review.form("/ballot/cast/").fields

    def cast(self, browser: Browser, kept: list[tuple[str, str]]) -> bool:
        """Submit; tell whether the ballot is in the box for all that the answer says."""
        with self.campaign.casting():
            said = self.answer_to(browser, kept)
            self.campaign.record(self.number, said)
        return said.said != "open"

    def answer_to(self, browser: Browser, kept: list[tuple[str, str]]) -> Operation:
        token = dict(kept)["token"]
        self.hop(browser)
        start = time.monotonic()
        try:
            page = browser.post("/ballot/cast/", kept, follows=False)
        except (OSError, http.client.HTTPException):
            return Operation("open", start, token=token)
        end = time.monotonic()
        receipt = receipt_on(page)
        goes_to = urlsplit(page.headers.get("Location") or "").path
        if (page.status, goes_to) == (303, "/receipt/") or receipt:
            return Operation("taken", start, end, token, receipt)
        if page.status == 409:
            return Operation("taken before", start, end, token)
        # Some pages say that nothing was stored; a net does not count on it.
        return Operation("open", start, token=token)

    def look(self, browser: Browser) -> bool:
        """Ask for the receipt, which leads home where there is none; tell whether there is."""
        self.hop(browser)
        start = time.monotonic()
        page = asked(browser.get, "/receipt/")
        end = time.monotonic()
        receipt, where = receipt_on(page), urlsplit(page.url).path
        if receipt:
            self.campaign.record(self.number, Operation("voted", start, end, receipt=receipt))
        elif where == "/home/":
            self.campaign.record(self.number, Operation("not voted", start, end))
        else:
            raise NoAnswer(f"{page.status} {where}")
        return bool(receipt)


def asked(step: Callable[..., Page], *arguments: object, **more: object) -> Page:
    """Return the page of a step that went well; raises NoAnswer."""
    try:
        page = step(*arguments, **more)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(type(error).__name__) from error
    if page.status != 200:
        raise NoAnswer(str(page.status))
    return page


def signed_in(page: Page) -> Page:
    """Return `page` unless it is the one that asks for a card; raises SignedOut."""
    if urlsplit(page.url).path == "/":
        raise SignedOut
    return page


def receipt_on(page: Page) -> str:
    return "".join(filter(str.isalnum, page.ids.get("receipt-code", "")))
