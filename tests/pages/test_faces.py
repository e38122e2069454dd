"""The face of a page is drawn once for everybody, and holds nobody's own."""

import re

import pytest
from django.db import connection
from django.template import engines
from django.test import Client
from django.test.signals import template_rendered
from django.test.utils import CaptureQueriesContext

from ballots.acts import amending, lifecycle
from ballots.pages import faces
from tests.helpers.browsing import filled, posted, read, ready_to_cast, signed_in
from tests.helpers.factories import make_stage, selection

pytestmark = pytest.mark.django_db

PAGES = ["/home/", "/ballot/", "/receipt/"]


@pytest.fixture
def stage():
    return make_stage()


class Drawn:
    """Counts the templates that are rendered while it is open."""

    def __enter__(self):
        self.count = 0
        template_rendered.connect(self.note)
        return self

    def __exit__(self, *_):
        template_rendered.disconnect(self.note)

    def note(self, **_):
        self.count += 1


# --- the budget: statements, bytes and templates of each request of a vote -------------------------

# Once the first of the hall has been answered. Statements, bytes of the answer, templates rendered.
BUDGET = {
    "home": (1, 9_000, 0),
    "ballot": (1, 32_000, 0),
    "review": (1, 50_000, 20),
    "cast": (4, 0, 0),
    "receipt": (1, 8_000, 0),
    "sign-in page": (1, 7_000, 0),
    "sign-in": (3, 0, 0),
}


def test_a_vote_keeps_to_its_budget(stage):
    for place in (0, 1):
        client = Client()
        spent: dict[str, tuple[int, int, int]] = {}

        def step(name, send, spent=spent):
            with CaptureQueriesContext(connection) as asked, Drawn() as drawn:
                reply = send()
            assert reply.status_code in {200, 303}
            # A test runs in a transaction, so that an act begins no transaction but a savepoint.
            told = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
            spent[name] = (len(told), len(reply.content), drawn.count)
            return reply

        step("sign-in page", lambda client=client: client.get("/"))
        code = stage.issued[place].code
        step("sign-in", lambda client=client, code=code: client.post("/", {"code": code}))
        step("home", lambda client=client: client.get("/home/"))
        step("ballot", lambda client=client: client.get("/ballot/"))
        sent = filled(stage.poll, *range(1, 11))
        review = step(
            "review", lambda client=client, sent=sent: client.post("/ballot/review/", sent)
        )
        sent = posted(read(review).form("/ballot/cast/"))
        step("cast", lambda client=client, sent=sent: client.post("/ballot/cast/", sent))
        step("receipt", lambda client=client: client.get("/receipt/"))

    over = {
        name: (spent[name], most)
        for name, most in BUDGET.items()
        if any(is_over for is_over in map(int.__gt__, spent[name], most))
    }
    assert not over


# --- nobody's own ---------------------------------------------------------------------------------


def test_of_two_delegates_each_reads_his_own_page(stage):
    for place in (0, 1):
        stage.cast(place, selection(1))
    one, other = (signed_in(stage, place) for place in (0, 1))
    for path in ("/home/", "/receipt/"):
        pages = [client.get(path).text for client in (one, other, one)]
        codes = [re.findall(r"[0-9A-Z]{4}(?:[ -][0-9A-Z]{4}){3}", page) for page in pages]
        assert len(codes[0]) == 1
        assert codes[0] == codes[2]
        assert set(codes[0]).isdisjoint(codes[1])
    pages = [client.get("/home/").text for client in (one, other)]
    assert ["代表1代表，您好" in page for page in pages] == [True, False]
    assert ["代表2代表，您好" in page for page in pages] == [False, True]


def test_the_tokens_of_forms_are_those_of_the_browser(stage):
    strict = [signed_in(stage, place, enforce_csrf_checks=False) for place in (0, 1)]
    for client in strict:
        client.handler.enforce_csrf_checks = True
        page = read(client.get("/ballot/"))
        sent = posted(page.form("/ballot/review/")) | {"projects": ["1", "2"]}
        assert client.post("/ballot/review/", sent).status_code == 200
    stolen = posted(read(strict[0].get("/ballot/")).form("/ballot/review/"))
    assert strict[1].post("/ballot/review/", stolen | {"projects": ["1"]}).status_code == 403


def test_no_mark_is_left_in_a_page_and_no_name_in_a_face(stage):
    stage.cast(0, selection(1))
    for client in (signed_in(stage), signed_in(stage, 1)):
        for path in [*PAGES, "/"]:
            page = client.get(path, follow=True).text
            assert faces.SIGN not in page
            assert "{{" not in page


def test_what_a_delegate_is_called_is_escaped(stage):
    stage.delegates[0].name = "<b>甲</b>"
    stage.delegates[0].save()

    assert "&lt;b&gt;甲&lt;/b&gt;代表，您好" in signed_in(stage).get("/home/").text


def test_a_row_is_no_part_of_a_key(stage, rf):
    """Two rows are equal by their number alone: a face would not see that one has changed."""
    request = rf.get("/")
    request.poll, request.poll_query, request.is_shared, request.delegate = None, "", False, None

    with pytest.raises(TypeError):
        faces.face(request, "ballots/refused.html", shown={"poll": stage.poll}, personal={})


def test_what_a_face_is_not_given_it_cannot_show(stage, rf):
    request = rf.get("/?secret=1")
    request.poll, request.poll_query, request.is_shared = None, "", False
    request.delegate = stage.delegates[0]
    template = engines["django"].from_string(
        "{{ request.delegate.name }}{{ request.GET }}{{ user }}"
    )
    page = template.render({"request": faces.Asked(None, "", False, True, "")})

    assert page == ""


# --- nothing out of date --------------------------------------------------------------------------


def test_what_may_move_is_on_the_next_page(stage):
    client = signed_in(stage)
    pages = {path: client.get(path).text for path in ("/home/", "/ballot/")}

    amending.correct_details(stage.poll, phone="0579-99999999", opening_words="", by=stage.office)
    for path in pages:
        assert "0579-99999999" in client.get(path).text
        assert "0579-12345678" not in client.get(path).text

    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)
    assert "投票暂停，可以继续填写，恢复后再提交。" in client.get("/ballot/").text
    assert "投票暂停，请稍候。" in client.get("/home/").text
    lifecycle.resume_poll(stage.poll, by=stage.office)
    assert "投票暂停" not in client.get("/ballot/").text


def test_size_language_tablet_and_address_have_faces_of_their_own(stage):
    client = signed_in(stage)
    usual = client.get("/ballot/").text
    client.cookies["size"] = "xl"
    assert 'data-size="xl"' in client.get("/ballot/").text
    client.cookies["size"] = '"><b>'
    assert '"><b>' not in client.get("/ballot/").text
    client.cookies["language"] = "en"
    assert '<html lang="en"' in client.get("/ballot/").text
    del client.cookies["language"], client.cookies["size"]
    client.cookies["tablet"] = "1"
    assert "data-owner" not in client.get("/ballot/").text
    del client.cookies["tablet"]
    asked = client.get(f"/ballot/?poll={stage.poll.pk}").text
    assert f'action="/ballot/review/?poll={stage.poll.pk}"' in asked
    assert 'action="/ballot/review/"' in usual


def test_a_ballot_that_comes_back_has_its_ticks_and_the_empty_one_never(stage):
    client = signed_in(stage)
    client.get("/ballot/")
    sent = ready_to_cast(client, stage.poll, 3, 5)
    back = client.post("/ballot/", sent).text
    assert back.count("checked") == 2

    assert "checked" not in client.get("/ballot/").text
    assert "checked" not in signed_in(stage, 1).get("/ballot/").text
