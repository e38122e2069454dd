"""Nothing far too long is ever looked at, by whatever address, field or form it comes."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from ballots.models import Recommendation
from projects.lines import LineForm
from tests.helpers.browsing import filled, ready_to_cast, signed_in
from tests.helpers.desk import desk_of, fields_of
from tests.helpers.factories import Stage, make_poll, make_stage
from tests.helpers.looking import MARKS, lengths_looked_at, searched
from tests.helpers.routes import address, admin_routes, routes
from yiwu_vote.fields import LONGEST
from yiwu_vote.middleware import LARGEST_FORM, MOST_FIELDS
from yiwu_vote.texts import SLACK

pytestmark = pytest.mark.django_db

URLENCODED = "application/x-www-form-urlencoded"
# The longest text that any field looks at.
MOST_LOOKED_AT = SLACK * LONGEST + SLACK
# As many marks as get past the limit of a form, and 40,000, which do not.
PASSING = MARKS[: LARGEST_FORM // 7]
BEYOND = MARKS[:40_001]
# Staff may send more; what is looked at whole is seen by few marks too many as well as by 80,000.
TOO_MANY = MARKS[: MOST_LOOKED_AT + 1_000]


@pytest.fixture
def stage() -> Stage:
    stage = make_stage(delegates=2)
    Recommendation.objects.create(poll=stage.poll, delegate=stage.delegates[0], title="新建停车场")
    return stage


@pytest.fixture
def asked(monkeypatch) -> set[str]:
    """The names of the fields that any page asks a form or an address for."""
    names: set[str] = set()
    for way in ("__getitem__", "get", "getlist", "__contains__"):
        original = getattr(QueryDict, way)

        def noting(self: Any, key: Any, *rest: Any, original: Any = original) -> Any:
            names.add(str(key))
            return original(self, key, *rest)

        monkeypatch.setattr(QueryDict, way, noting)
    return names


def of_delegates() -> list[str]:
    """Return the address of every page outside the admin."""
    return [
        "/"
        + route.replace("<str:token>", "x")
        .replace("<str:key>", "x")
        .replace("<int:number>", "1")
        .replace("<int:year>", "2026")
        for route in routes()
        if not route.startswith("admin/")
    ]


def far_too_long(held: dict[str, int]) -> dict[str, int]:
    return {name: length for name, length in held.items() if length > MOST_LOOKED_AT}


def sent(client: Client, path: str, fields: Any) -> Any:
    """Post `fields` as a browser does."""
    return client.post(path, urlencode(fields, doseq=True), content_type=URLENCODED)


@pytest.mark.once
def test_no_field_of_any_page_looks_at_a_text_far_too_long(stage, asked, monkeypatch):
    make_poll(candidates=1, collecting=True, kind="main")
    client = signed_in(stage)
    ballot = filled(stage.poll, 1, proposals=["新建停车场"])
    tokens = ready_to_cast(client, stage.poll, 1)
    looked_at, held = lengths_looked_at(monkeypatch), searched(monkeypatch)
    seen: set[str] = set()

    # Whoever has signed out sees no other page.
    for path in sorted(of_delegates(), key=lambda path: path == "/sign-out/"):
        asked.clear()
        sent(client, path, {} if path == "/ballot/cast/" else ballot)
        names = sorted(asked)
        seen |= asked
        for name in names:
            reply = sent(client, path, tokens | ballot | {name: PASSING})
            assert reply.status_code < 500, (path, name)
        for text in (BEYOND, "x" * 1_000_000):
            assert sent(client, path, {"code": text}).status_code == 413, path
        assert client.get(path, {"poll": BEYOND}).status_code == 414, path

    assert {"code", "next", "title", "proposal-0-title", "projects", "instead"} <= seen
    assert max(looked_at) <= MOST_LOOKED_AT
    assert far_too_long(held) == {}


@pytest.mark.once
@pytest.mark.parametrize(
    ("is_superuser", "fields"),
    [
        (False, {"reason", "pasted", "title", "second_name"}),
        # Whoever makes accounts has no office (design §6.3); a rehearsal asks for no signature.
        (True, {"username", "password1", "last_name"}),
    ],
)
def test_no_field_of_the_office_looks_at_a_text_far_too_long(
    stage, asked, monkeypatch, is_superuser, fields
):
    user = User.objects.create_user("root", is_staff=True, is_superuser=is_superuser)
    user.groups.add(*stage.office.groups.all(), *stage.scrutineer.groups.all())
    client = Client()
    looked_at, held = lengths_looked_at(monkeypatch), searched(monkeypatch)
    seen: set[str] = set()

    for route in admin_routes():
        asked.clear()
        # What a step has done is taken back before the next.
        with transaction.atomic():
            client.force_login(user)
            path = address(route)
            sent(client, path, {})
            names = sorted(asked)
            for name in names:
                assert sent(client, path, {name: TOO_MANY}).status_code < 500, (path, name)
            sent(client, path, {name: "x" * (1_000_000 // len(names)) for name in names})
            transaction.set_rollback(True)
        seen.update(names)

    assert fields <= seen
    assert max(looked_at) <= MOST_LOOKED_AT
    assert far_too_long(held) == {}


def test_more_fields_than_any_ballot_has_are_refused_unread(stage):
    client = signed_in(stage)
    many = [("poll", str(stage.poll.pk)), *(("projects", "1") for _ in range(1_000))]

    for path in of_delegates():
        assert sent(client, path, many).status_code == 413, path
        assert client.post(path, {"projects": ["1"] * 1_001}).status_code == 413, path
    assert sent(client, "/admin/login/", many).status_code == 413
    assert sent(client, "/ballot/review/", many[: MOST_FIELDS - 1]).status_code == 422


def test_a_form_of_many_blocks_makes_no_more_than_a_ballot_can_have(stage):
    client = signed_in(stage)
    for total in ("21", "999999999", "9" * 5_000, "-1", "x"):
        deep = filled(stage.poll, 1) | {"proposal-TOTAL_FORMS": total}
        reply = sent(client, "/ballot/review/", deep)
        assert reply.status_code == 422
        assert reply.text.count('name="proposal-') < 20


def test_a_candidate_makes_no_more_lines_of_targets_than_anybody_types(stage, monkeypatch):
    draft = make_poll(candidates=1)
    desk = desk_of(stage.office)
    page = desk.get(reverse("admin:projects_project_change", args=[draft.projects.get().pk]))
    made = []
    original = LineForm.__init__

    def noting(self: Any, *args: Any, **named: Any) -> None:
        made.append(named.get("prefix"))
        original(self, *args, **named)

    monkeypatch.setattr(LineForm, "__init__", noting)
    desk.post(page.request["PATH_INFO"], fields_of(page) | {"targets-TOTAL_FORMS": "100000"})

    assert 0 < len(made) < 1_000


def test_whoever_is_signed_in_as_staff_may_send_a_table(stage):
    desk = desk_of(stage.office)
    many = [("people", "1") for _ in range(1_500)] + [("pasted", "x" * 200_000)]

    assert sent(desk, "/admin/ballots/delegate/import/", many).status_code == 200


# --- bytes that are no text -----------------------------------------------------------------------


@pytest.mark.parametrize("bytes_sent", ["%FF", "%E5%81", "%ED%A0%80", "%C0%AF", "\xff"])
def test_what_is_no_utf_8_is_refused_and_not_repaired(stage, bytes_sent):
    client = signed_in(stage)
    body = f"poll={stage.poll.pk}&proposal-0-title={bytes_sent}".encode("latin-1")

    for path in of_delegates():
        reply = client.post(path, body, content_type=URLENCODED)
        assert reply.status_code == 400, path
        assert "没有处理" in reply.text
    assert client.post("/admin/login/", body, content_type=URLENCODED).status_code == 400
    if bytes_sent.startswith("%"):
        assert client.get("/projects/", QUERY_STRING=f"poll={bytes_sent}").status_code == 400


def test_a_form_in_parts_that_is_no_utf_8_is_refused_too(stage):
    body = b'--x\r\nContent-Disposition: form-data; name="code"\r\n\r\n\xff\r\n--x--\r\n'

    reply = Client().post("/", body, content_type="multipart/form-data; boundary=x")

    assert reply.status_code == 400


def test_a_sign_of_something_lost_hides_no_broken_text_beside_it(stage):
    parts = [b"\xef\xbf\xbd", b"a\xef\xbf\xbd\xff"]
    head = b'--x\r\nContent-Disposition: form-data; name="code"\r\n\r\n'
    body = b"".join(head + part + b"\r\n" for part in parts) + b"--x--\r\n"

    reply = Client().post("/", body, content_type="multipart/form-data; boundary=x")

    assert reply.status_code == 400


@pytest.mark.parametrize("in_parts", [False, True])
def test_the_sign_of_something_lost_may_be_typed(stage, in_parts):
    client = signed_in(stage)
    ballot = filled(stage.poll, proposals=["建\ufffd公园"])

    reply = (client.post if in_parts else partial(sent, client))("/ballot/review/", ballot)

    assert reply.status_code == 200
