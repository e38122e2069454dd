"""Servers are killed and lines cut while people vote: what was acknowledged is counted, once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.campaign import Campaign, Strike, held, judged, served
from tests.faults.judging import wrong_in_box
from tests.faults.postgres import Cluster, Line
from tests.faults.site import Site, steps_killed
from tests.helpers.http_client import Browser

ON_POSTGRESQL: list[Strike] = [
    *("database", "answer lost", "worker", "COMMIT lost", "server"),
    *("database", "answer lost", "worker", "COMMIT lost", "restart"),
]
ON_SQLITE: list[Strike] = ["worker", "server", "worker", "restart"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A server that nobody else uses, because it will be killed."""
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def record(capsys) -> Callable[[str], None]:
    """Print a line with the figures of a campaign, whatever becomes of it."""

    def write(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}")

    return write


@pytest.fixture
def line(cluster: Cluster) -> Iterator[Line]:
    line = Line(cluster.port)
    yield line
    line.close()


@pytest.mark.faults
def test_on_postgresql_nothing_acknowledged_is_lost(cluster, line, tmp_path, record):
    cluster.create("vote")
    site = Site(
        tmp_path,
        cluster.address("vote"),
        line=cluster.address("vote", line.port),
        delegates=60,
    )
    run_and_judge(Campaign(site, ON_POSTGRESQL, seed=10, cluster=cluster, line=line), record)


@pytest.mark.faults
def test_on_sqlite_nothing_acknowledged_is_lost(tmp_path, record):
    site = Site(tmp_path, f"sqlite:///{tmp_path / 'vote.sqlite3'}", delegates=40)
    run_and_judge(Campaign(site, ON_SQLITE, seed=20), record)


@pytest.mark.faults
def test_the_net_sees_what_commits_that_do_not_wait_for_the_disk_lose(cluster, tmp_path, record):
    cluster.create("control")
    site = Site(
        tmp_path, cluster.address("control"), delegates=24, settings="tests.faults.careless"
    )
    campaign = Campaign(site, ["database"] * 4, seed=30, cluster=cluster)
    held(campaign)
    faults = list(wrong_in_box(campaign.histories, campaign.ballots, site.look()))
    lost = [fault for fault in faults if fault.startswith("LOST")]
    impossible = [fault for fault in faults if fault.startswith("ORDER")]
    record(f"control: {told(campaign)}, lost {len(lost)}, out of order {len(impossible)}")
    assert lost, "an acknowledged ballot was lost and the box was found in order"
    assert impossible, "a delegate was told that he had not voted after he had"


@pytest.mark.faults
@pytest.mark.parametrize("settings", ["yiwu_vote.settings", "tests.faults.piecemeal"])
def test_steps_killed_at_every_statement_end_as_if_they_had_not_been(settings, tmp_path, record):
    database = f"sqlite:///{tmp_path / 'vote.sqlite3'}"

    rows = steps_killed(tmp_path, database, most=2, DJANGO_SETTINGS_MODULE=settings)

    faults = [fault for row in rows for fault in row["faults"]]
    record(f"{settings}: kills {sum(row['kills'] for row in rows)}, not as before {len(faults)}")
    assert sum(row["kills"] for row in rows) > 50
    if settings == "yiwu_vote.settings":
        assert not faults
    else:
        assert faults, "steps fell to pieces and the net did not see it"


@pytest.mark.faults
def test_while_the_database_is_silent_pages_say_so_and_the_process_answers(cluster, line, tmp_path):
    cluster.create("silent")
    site = Site(
        tmp_path,
        cluster.address("silent"),
        line=cluster.address("silent", line.port),
        delegates=5,
    )
    site.start()
    try:
        with ThreadPoolExecutor(40) as hall:
            assert Browser(site.base).get("/board/").status == 200
            line.is_silent = True
            asked = [hall.submit(answer_of, site, "/board/") for _ in range(120)]
            alive = [answer_of(site, "/healthz") for _ in range(20)]
            pages = [answer.result() for answer in asked]
            line.is_silent = False
            before = time.monotonic()
            site.wait()
            back = time.monotonic() - before
    finally:
        site.stop()

    assert {status for status, _seconds in alive} == {200}
    assert max(seconds for _status, seconds in alive) < 2
    assert {status for status, _seconds in pages} == {503}
    assert max(seconds for _status, seconds in pages) < 30
    assert back < 10


def answer_of(site: Site, path: str) -> tuple[int, float]:
    """Return the status of a page and the seconds that it took."""
    before = time.monotonic()
    return Browser(site.base).get(path).status, time.monotonic() - before


@pytest.mark.faults
def test_two_servers_on_one_postgresql_are_one_site(cluster, tmp_path, record):
    """Each request goes to either; one is restarted while people vote, then two sign on one each."""
    cluster.create("nodes")
    site = Site(tmp_path, cluster.address("nodes"), delegates=16)
    campaign = Campaign(site, ["restart"], seed=40, twin=site.twin())
    with served(campaign):
        campaign.run()
        judge(campaign, record)
        two_sign(campaign)
    assert site.starts == 2


def two_sign(campaign: Campaign) -> None:
    """Let the office begin a step at one server, a scrutineer sign at the other, and the office end it."""
    assert campaign.twin
    here, there = campaign.site.base, campaign.twin.base
    office, scrutineer = (
        at_the_desk(campaign, "office", here),
        at_the_desk(campaign, "scrutineer", there),
    )
    # The sessions of both are known at the other server.
    office.move(there)
    page = "/admin/ballots/pollday/1/void/"
    sent = {"reason": "演练结束", "second_name": "scrutineer"}
    waits = office.submit(office.get(page).form(page), **sent)
    assert "在自己的设备上打开“待签名”" in waits.text

    scrutineer.move(here)
    signatures = "/admin/ballots/journalentry/signatures/"
    form = next(form for form in scrutineer.get(signatures).forms if ("step" in dict(form.fields)))
    scrutineer.submit(form)
    office.move(here)
    done = office.submit(office.get(page).form(page), **sent)

    assert "本次票决作废。" in done.text


def at_the_desk(campaign: Campaign, name: str, base: str) -> Browser:
    """Return the browser of somebody of the staff who has logged in at `base`."""
    browser = Browser(base)
    form = browser.get("/admin/login/").form("/admin/login/")
    page = browser.submit(form, username=name, password=campaign.site.password(name))
    assert page.status == 200
    return browser


def run_and_judge(campaign: Campaign, record) -> None:
    """Hold the vote, close, open, count, and compare with what each delegate was told."""
    held(campaign)
    judge(campaign, record)


def judge(campaign: Campaign, record) -> None:
    """Close, open, count, and compare with what each delegate was told."""
    verdict = judged(campaign)
    record(f"{told(campaign)}, counted {verdict.counted}")
    assert not verdict.faults, "\n".join([f"seed {campaign.seed}", *verdict.faults])
    log = campaign.site.log()[-4000:]
    assert not campaign.signed_out, f"their sessions were lost: {campaign.signed_out}"
    assert not campaign.stuck, f"still without a receipt: {campaign.stuck}\n{log}"
    assert campaign.done.total() == len(campaign.strikes), f"strikes that came: {campaign.done}"
    assert campaign.acknowledged() == len(campaign.ballots) == verdict.counted


def told(campaign: Campaign) -> str:
    strikes = ", ".join(f"{name} {times}" for name, times in campaign.done.items())
    said = [one.said for history in campaign.histories.values() for one in history]
    return (
        f"{strikes}; casts without an answer {said.count('open')}, "
        f"acknowledged {campaign.acknowledged()} of {len(campaign.ballots)}"
    )
