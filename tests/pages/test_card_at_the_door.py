"""A card in the hands of staff: it marks somebody present and lets nobody vote (design §10.2)."""

import pytest
from django.test import Client
from django.utils import timezone

from ballots.acts import roll
from ballots.models import RollEntry
from projects.models import Poll
from tests.helpers.browsing import posted, read
from tests.helpers.desk import desk_of
from tests.helpers.factories import Stage, make_office, make_poll, make_stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(db: None) -> Stage:
    """A draft with everybody on its roll and nobody there."""
    stage = make_stage(open_it=False)
    numbers = list(stage.poll.roll.values_list("number", flat=True))
    roll.mark_absent(stage.poll, numbers=numbers, by=stage.office)
    return stage


def card_of(stage: Stage, place: int = 0) -> str:
    return f"/k/{stage.issued[place].token}/"


def is_present(stage: Stage) -> bool:
    return stage.entry().present


def test_the_office_marks_the_holder_present_from_the_page_of_his_card(stage):
    desk = desk_of(stage.office)

    page = read(desk.get(card_of(stage)))
    (mark,) = [form for form in page.forms if "/admin/" in (form.action or "")]
    assert all(words in page.text for words in ("代表1", "城区代表团", "001"))
    assert "是本人，继续" not in page.text
    assert not is_present(stage)
    desk.post(mark.action, posted(mark) | {"present": "代表1（001）"})

    assert is_present(stage)
    assert "✓ 已记为到会" in desk.get(card_of(stage)).text


def test_no_card_signs_in_beside_a_working_session_until_that_has_ended(stage):
    desk = desk_of(stage.office)
    session = str(desk.session.session_key)

    # From a page that was open before the log-in.
    desk.post(card_of(stage))
    assert desk.get("/home/").status_code == 303

    left = desk.post(card_of(stage), {"own-card": "1"})
    assert (left.status_code, left["Location"]) == (303, card_of(stage))
    assert not desk.session.exists(session)
    assert desk.get("/admin/").status_code == 302
    assert "是本人，继续" in desk.get(left["Location"]).text
    desk.post(card_of(stage))
    assert desk.get("/home/").status_code == 200


@pytest.mark.parametrize("who", ["scrutineer", "chief"])
def test_whoever_of_the_staff_may_not_mark_is_told_who_does(stage, who):
    page = read(desk_of(getattr(stage, who)).get(card_of(stage)))

    assert "记录到会由会务人员办理。" in page.text
    assert not [form for form in page.forms if "/admin/" in (form.action or "")]


def test_of_several_votes_each_has_its_button_and_those_that_are_over_have_none(stage):
    other = make_poll(year=2027)
    roll.draw_up_roll(other, by=stage.office)
    over = make_poll(year=2028, kind="rehearsal", delegates_total=5)
    roll.draw_up_roll(over, by=stage.office)
    now = timezone.now()
    Poll.objects.filter(pk=over.pk).update(phase="closed", opened_at=now, closed_at=now)

    page = read(desk_of(make_office()).get(card_of(stage)))

    marks = [form.action for form in page.forms if "/admin/" in (form.action or "")]
    assert len(marks) == 2
    assert not any(f"/{over.pk}/" in address for address in marks)


def test_a_delegate_sees_nothing_of_this(stage):
    page = read(Client().get(card_of(stage)))

    assert "是本人，继续" in page.text
    assert "工作" not in page.text
    assert not RollEntry.objects.filter(present=True).exists()
