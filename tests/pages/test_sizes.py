"""What is answered to a ballot has one size, and so has what a browser sends: neither tells a choice."""

from itertools import chain, combinations
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.test import Client

from ballots.acts import lifecycle
from ballots.facts.kept import kept_of
from ballots.pages import sizes
from ballots.pages.forms import BallotForm
from ballots.pure.rules import DETAIL_LIMIT, TITLE_LIMIT, UNIT_LIMIT, Proposal
from tests.helpers.browsing import filled, graded, marked, posted, read, ready_to_cast, signed_in
from tests.helpers.factories import Stage, make_project, make_stage
from yiwu_vote.middleware import LARGEST_FORM

pytestmark = pytest.mark.django_db

NUMBERS = range(1, 9)
CHOICES = list(chain.from_iterable(combinations(NUMBERS, size) for size in range(9)))
WIDE = [Proposal('"' * TITLE_LIMIT, "'" * DETAIL_LIMIT, "&" * UNIT_LIMIT)]


def held(candidates: int = 8, **columns: Any) -> Stage:
    """An open poll whose candidates have titles of every length."""
    day = make_stage(open_it=False, candidates=0, **columns)
    for number in range(1, candidates + 1):
        make_project(day.poll, number, title=f"{'城乡' * (number % 13)}工程{number}"[-60:])
    day.poll = lifecycle.open_poll(day.poll, by=day.office)
    return day


def size_of(reply: Any) -> tuple[int, int]:
    """Return the bytes of an answer and of its head, as whoever watches the line counts them."""
    cookies = sum(len(str(cookie)) for cookie in reply.cookies.values())
    return len(reply.content), cookies + sum(
        len(name) + len(value) for name, value in reply.items()
    )


def test_each_of_the_256_choices_gets_answers_of_one_size():
    day = held()
    client = signed_in(day)
    reviews, backs = set(), set()

    for chosen in CHOICES:
        fields = {} if chosen else {"abstain": "on"}
        sent = filled(day.poll, *chosen, **fields)
        reply = client.post("/ballot/review/", sent)
        assert reply.status_code == 200
        reviews.add(size_of(reply))
        backs.add(size_of(client.post("/ballot/", sent)))

    assert len(CHOICES) == 256
    assert len(reviews) == 1
    assert reviews == backs


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_choice_of_grades_gets_answers_of_one_size(language):
    day = held(form="grades")
    client = signed_in(day)
    client.cookies["language"] = language

    def sent(*numbers: int, **fields: Any) -> dict[str, Any]:
        return graded(day.poll, *numbers, candidates=8, **fields)

    answers = [
        client.post(path, data)
        for path in ("/ballot/review/", "/ballot/")
        for data in (
            sent(1),
            sent(*NUMBERS),
            sent(1, fair=[2, 3], poor=[4, 5, 6, 7, 8]),
            sent(),
            sent(abstain="on"),
            sent(1, 2, remove="2"),
            sent(1) | {"vote-99": "good"},
            sent(1) | {f"vote-{number}": "strange" for number in NUMBERS},
        )
    ]

    assert {reply.status_code for reply in answers} == {200, 422}
    assert len({len(reply.content) for reply in answers}) == 1


@pytest.mark.parametrize("form", ["choose", "each"])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_answer_to_a_ballot_has_the_size_of_its_poll(form, language):
    day = held(form=form, places=3)
    client = signed_in(day)
    client.cookies["language"] = language

    def sent(*numbers: int, **fields: Any) -> dict[str, Any]:
        if form == "each":
            return marked(day.poll, *numbers, candidates=8, **fields)
        return filled(day.poll, *numbers, **fields)

    like = [Proposal("城乡城乡工程"), Proposal("城乡城乡城乡工程", "内容")]
    answers = {
        "one": client.post("/ballot/review/", sent(1)),
        "too many": client.post("/ballot/review/", sent(1, 2, 3, 4)),
        "nothing": client.post("/ballot/review/", sent()),
        "hints": client.post("/ballot/review/", sent(1, proposals=like)),
        "exchange": client.post("/ballot/", sent(1, proposals=like) | {"instead": "0-2"}),
        "taken back": client.post("/ballot/review/", sent(1, 2) | {"remove": "2"}),
        "forged": client.post("/ballot/review/", sent(1) | {"vote-99": "for"}),
        "larger": client.post("/ballot/review/", sent(1, size="xl")),
        "back": client.post("/ballot/", sent(2, proposals=like)),
        "wide": client.post("/ballot/review/", sent(1, proposals=WIDE)),
        "wide back": client.post("/ballot/", sent(1, proposals=WIDE * 3) | {"instead": "0-2"}),
    }
    ready = posted(read(answers["one"]).form("/ballot/cast/"))
    answers["refused"] = client.post("/ballot/cast/", ready | {"abstain": "on"})
    lifecycle.pause_poll(day.poll, reason="停电", by=day.office)
    answers["paused"] = client.post("/ballot/cast/", ready)

    assert {reply.status_code for reply in answers.values()} == {200, 422, 503}
    assert len({len(reply.content) for reply in answers.values()}) == 1, {
        name: len(reply.content) for name, reply in answers.items()
    }


def test_the_size_is_that_of_the_largest_and_not_far_from_it():
    day = held(proposal_limit=10)
    client = signed_in(day)
    full = filled(day.poll, 1, proposals=WIDE * 9, anyway=[WIDE[0].title] * 9, instead="0-8")

    back = client.post("/ballot/", full)
    without = len(back.content.partition(sizes.BEGIN + b" ")[0])

    assert len(back.content) / 2 < without <= len(back.content)


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_the_longest_legal_ballot_fits_the_size_of_what_is_sent(limit):
    day = held(candidates=20, proposal_limit=limit, places=30)
    form = BallotForm(QueryDict(), poll=day.poll, titles=kept_of(day.poll).titles)
    given = [
        Proposal("\U0001f68f" * TITLE_LIMIT, "\U0001f68f" * DETAIL_LIMIT, "\U0001f68f" * UNIT_LIMIT)
    ] * limit
    ballot = filled(day.poll, *range(1, 21), proposals=given)
    more = {
        "csrfmiddlewaretoken": "x" * 64,
        "token": "x" * 32,
        "kept": "1",
        "filler": "",
        "anyway": [one.title for one in given],
        "instead": "9-20",
    }

    assert len(urlencode(ballot | more, doseq=True)) <= form.sent_size < LARGEST_FORM / 2
    assert form.sent_size % 1024 == 0


def test_a_filler_is_no_part_of_a_ballot():
    day = held()
    client = signed_in(day)
    ready = ready_to_cast(client, day.poll, 1, filler="0" * 9_000)

    assert "0" * 99 not in str(ready)
    assert client.post("/ballot/cast/", ready | {"filler": ["0" * 9_000]}).status_code == 303


def test_each_form_that_sends_choices_has_a_filler():
    day = held()
    client = signed_in(day)
    taken_back = read(client.post("/ballot/review/", filled(day.poll, 1, 2) | {"remove": "2"}))
    exchanged = filled(day.poll, 1, proposals=["老年食堂"]) | {"instead": "0-2"}
    pages = [read(client.get("/ballot/")), taken_back, read(client.post("/ballot/", exchanged))]

    forms = [form for page in pages for form in page.forms]
    holding = [form for form in forms if any(name == "poll" for name, _value in form.fields)]
    assert len(holding) == 5
    for form in holding:
        assert ("filler", "") in form.fields


def test_what_is_no_ballot_is_not_filled_up():
    day = held()
    client = signed_in(day)

    assert len(client.get("/home/").content) < 20_000
    assert b"<!--  " not in client.get("/ballot/").content
    assert b"<!--  " not in Client().post("/", {"code": "1"}).content
