"""The demands that every act makes before it does anything, by a table of people and phases."""

from typing import Any

import pytest

from ballots import refusal, roles
from ballots.refusal import Refusals, Refused
from projects.models import Poll
from tests.helpers.factories import make_poll, make_staff

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


def test_a_room_says_no_in_its_own_words():
    words = Refusals({"not-open": "第%(count)d次：尚未开始。"})
    refused = words("not-open", count=2)

    assert (str(refused), refused.code, refused.count) == ("第2次：尚未开始。", "not-open", 2)
    with pytest.raises(KeyError):
        words("unheard-of")
