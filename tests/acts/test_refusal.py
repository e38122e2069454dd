"""The demands that every act makes before it does anything, by a table of people and phases."""

import ast
from collections import Counter
from typing import Any

import pytest
from django.db.models import F

from ballots import refusal, roles
from ballots.refusal import Refusals, Refused
from projects import locks
from projects.models import Poll
from tests.helpers.factories import make_poll, make_staff
from tests.helpers.looking import MARKS, lengths_looked_at
from tests.helpers.machine import ROOT

pytestmark = pytest.mark.django_db

PEOPLE = {
    "office": (roles.OFFICE,),
    "scrutineer": (roles.SCRUTINEER,),
    "chief": (roles.CHIEF,),
    "both": (roles.OFFICE, roles.SCRUTINEER),
    "nobody": (),
}


def code_of(demand: Any, *args: Any, **kwargs: Any) -> str:
    """Return the code with which `demand` refuses, or nothing where it is content."""
    try:
        demand(*args, **kwargs)
    except Refused as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(
    ("demand", "code", "content"),
    [
        (refusal.demand_office, "not-office", {"office", "both"}),
        (refusal.demand_scrutineer, "not-scrutineer", {"scrutineer", "chief", "both"}),
        (refusal.demand_any_office, "not-staff", {"office", "scrutineer", "chief", "both"}),
    ],
)
def test_an_office_is_demanded_of_its_group_and_of_nobody_else(demand, code, content):
    refused = {who: code_of(demand, make_staff(*groups)) for who, groups in PEOPLE.items()}

    assert refused == {who: "" if who in content else code for who in PEOPLE}


def test_an_officer_whose_account_is_closed_has_no_office():
    former = make_staff(roles.OFFICE)
    former.is_active = False

    assert code_of(refusal.demand_office, former) == "not-office"


def test_a_scrutineer_signs_beside_somebody_else():
    by = make_staff(roles.OFFICE, roles.SCRUTINEER)
    seconds = {who: make_staff(*groups) for who, groups in PEOPLE.items()}
    refused = {who: code_of(refusal.demand_second, by, second) for who, second in seconds.items()}

    assert refused == {
        "office": "second-needed",
        "scrutineer": "",
        "chief": "",
        "both": "",
        "nobody": "second-needed",
    }
    assert code_of(refusal.demand_second, by, None) == "second-needed"
    assert code_of(refusal.demand_second, by, by) == "second-needed"


def test_while_people_vote_another_member_of_staff_signs():
    by = make_staff(roles.OFFICE)
    seconds = {who: make_staff(*groups) for who, groups in PEOPLE.items()}
    refused = {
        who: code_of(refusal.demand_colleague, by, second) for who, second in seconds.items()
    }

    assert refused == dict.fromkeys(PEOPLE, "") | {"nobody": "same-person"}
    assert code_of(refusal.demand_colleague, by, None) == "second-needed"
    assert code_of(refusal.demand_colleague, by, by) == "same-person"


def test_a_reason_is_more_than_blanks():
    assert refusal.demand_reason("  停电\n") == "停电"
    assert code_of(refusal.demand_reason, " \u3000\n") == "reason-needed"


def test_lock_then_look_sees_the_phase_that_the_database_has():
    stale = make_poll()
    Poll.objects.filter(pk=stale.pk).update(meeting="改过的会议")

    assert refusal.locked(stale).meeting == "改过的会议"
    assert refusal.locked(stale, Poll.Phase.DRAFT, Poll.Phase.OPEN).pk == stale.pk
    assert code_of(refusal.locked, stale, Poll.Phase.OPEN) == "wrong-phase"


def test_what_happens_while_an_act_waits_for_its_lock_counts(monkeypatch):
    poll = make_poll()
    take = locks.lock_for_act

    def wait(key: int) -> None:
        take(key)
        Poll.objects.filter(pk=key).update(year=F("year") + 1)

    monkeypatch.setattr(locks, "lock_for_act", wait)

    assert refusal.locked(poll).year == poll.year + 1
    assert [one.year for one in Poll.objects.filter(pk=poll.pk).all_locked()] == [poll.year + 2]


def test_a_room_says_no_in_its_own_words():
    words = Refusals({"not-open": "第%(count)d次：尚未开始。"})
    refused = words("not-open", count=2)

    assert (str(refused), refused.code, refused.count) == ("第2次：尚未开始。", "not-open", 2)
    with pytest.raises(KeyError):
        words("unheard-of")


# --- the sentences of the rooms -------------------------------------------------------------------

# The code that a demand gives where the caller names none.
USUAL = {
    "demand_names": "roll-moved",
    "entries_of": "not-on-roll",
    "demand_phase": "wrong-phase",
    "demand_reason": "reason-needed",
    "demand_scrutineer": "not-scrutineer",
    "demand_second": "second-needed",
    "locked": "wrong-phase",
}


def sentences_of(tree: ast.Module) -> set[str]:
    """Return the codes for which a room has sentences of its own."""
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id="refused")],
                value=ast.Call(args=[ast.Dict(keys=keys)]),
            ):
                return {str(ast.literal_eval(key)) for key in keys if key}
    return set()


def codes_of(tree: ast.Module) -> set[str]:
    """Return the codes that a room takes from its own sentences, as far as they are written out."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if node.func.id == "refused":
            found |= {
                str(part.value) for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)
            }
        elif isinstance(given.get("words"), ast.Name):
            code = given.get("code")
            # A demand that hands its own `code` on is of the room of demands itself.
            if not isinstance(code, ast.Name):
                found.add(ast.literal_eval(code) if code else USUAL[node.func.id])
    return found


ROOMS = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
    for package in ("ballots", "projects")
    for path in sorted((ROOT / package).rglob("*.py"))
}


@pytest.mark.parametrize("room", [room for room, tree in ROOMS.items() if sentences_of(tree)])
def test_a_room_has_a_sentence_for_each_code_that_it_refuses_with(room):
    assert codes_of(ROOMS[room]) <= sentences_of(ROOMS[room])


def test_no_sentence_of_a_refusal_is_left_over():
    constants = Counter(
        node.value
        for tree in ROOMS.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    codes = {code for tree in ROOMS.values() for code in sentences_of(tree)}

    # Once in its table, and once where a rule refuses with it.
    assert {code for code in codes if constants[code] < 2} <= set(USUAL.values())


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "reason-needed"),
        (" \u200b\u3164", "reason-needed"),
        ("长" * 201, "reason-too-long"),
        (MARKS, "reason-too-long"),
    ],
)
def test_a_reason_must_be_seen_and_is_not_endless(typed, code, monkeypatch):
    lengths = lengths_looked_at(monkeypatch)

    assert code_of(refusal.demand_reason, typed) == code
    assert max(lengths, default=0) < 1_000


def test_a_reason_is_kept_in_the_normal_form():
    assert refusal.demand_reason(" 系统\u200b故障\ufeff ") == "系统故障"
