"""A poll of the standing committee: its own small roll, its quorum, its base, and what all that is called."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from ballots.acts import cards, drafts, lifecycle, roll
from ballots.admin.voting import AddToRollForm
from ballots.facts.checks.roll_checks import standings
from ballots.facts.counting import figures
from ballots.facts.outcome import standing_result
from ballots.facts.preflight import what_is_missing
from ballots.files import pabulib, package, papers, tables
from ballots.models import Delegate
from projects.models import Poll
from tests.files.packages import findings, packed, unpacked, wrong
from tests.helpers.desk import at, desk_of
from tests.helpers.factories import (
    Stage,
    confirm_count,
    join_committee,
    make_delegates,
    make_office,
    make_poll,
    make_stage,
    selection,
)
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

COMMITTEE: dict[str, Any] = {"body": Poll.Body.COMMITTEE}
# The members are named in words of their own: not so one of them, who is a 代表 in either body.
CONGRESS_WORDS = ["全体代表", "应到代表", "实到代表", "大会应到", "主席团"]


def committee_of(members: int, **columns: Any) -> Stage:
    """Return the stage of a committee's poll, with five delegates beside who are none of it."""
    outsiders = make_delegates(5)
    stage = make_stage(delegates=members, places=2, candidates=3, **(COMMITTEE | columns))
    cards.issue_cards(outsiders, by=stage.office)
    return stage


def on_roll(poll: Poll) -> set[str]:
    return set(poll.roll.values_list("number", flat=True))


def said(poll: Poll) -> str:
    return "\n".join(finding.text for finding in what_is_missing(poll))


# --- the roll -------------------------------------------------------------------------------------


def test_its_roll_is_drawn_up_from_the_members_in_office():
    people = make_delegates(5)
    join_committee(people[:3])
    Delegate.objects.filter(pk=people[2].pk).update(status=Delegate.Status.SUSPENDED)
    congress, committee = make_poll(), make_poll(**COMMITTEE)
    office = make_office()

    assert roll.draw_up_roll(committee, by=office) == 2
    assert on_roll(committee) == {"001", "002"}
    assert roll.draw_up_roll(congress, by=office) == 4


def test_whoever_joins_or_leaves_the_committee_makes_the_roll_unlike_the_register():
    people = make_delegates(4)
    join_committee(people[:3])
    poll, office = make_poll(**COMMITTEE), make_office()
    roll.draw_up_roll(poll, by=office)
    assert "名册与" not in said(poll)
    assert {one.number for one in standings(poll)} == {"001", "002", "003"}

    Delegate.objects.filter(pk=people[0].pk).update(on_committee=False)
    join_committee(people[3:])

    assert (
        "名册与在任的常委会组成人员不一致：缺1人（代表4（004））；多1人（代表1（001））。请更新名册"
    ) in said(poll)
    roll.draw_up_roll(poll, by=office)
    assert on_roll(poll) == {"002", "003", "004"}
    assert "名册与" not in said(poll)


def test_only_a_member_can_be_added_while_it_votes():
    stage = committee_of(3, delegates_total=4, total_reason="缺额1名")
    outsider = Delegate.objects.get(number="001")
    signed: dict[str, Any] = {"reason": "补选", "by": stage.office, "second": stage.scrutineer}

    assert not AddToRollForm(poll=stage.poll).fields["delegate"].queryset  # type: ignore[attr-defined]
    assert (
        refusal_of(lambda: roll.add_to_roll(stage.poll, delegate=outsider, **signed))
        == "not-on-committee"
    )
    join_committee([outsider])
    assert list(AddToRollForm(poll=stage.poll).fields["delegate"].queryset) == [outsider]  # type: ignore[attr-defined]
    assert roll.add_to_roll(stage.poll, delegate=outsider, **signed).number == "001"


def test_a_copy_keeps_the_body_and_those_who_are_still_of_it():
    stage = committee_of(3)
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(on_committee=False)

    draft = drafts.copy(stage.poll, into=drafts.REHEARSAL, by=stage.office)

    assert draft.body == Poll.Body.COMMITTEE
    assert on_roll(draft) == {one.number for one in stage.delegates[1:]}


# --- quorum and majority --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "present", "told"),
    [
        ("committee", 15, "实到15人，符合法定人数（15人）"),
        ("committee", 14, "实到14人，不足法定人数（15人）"),
        ("congress", 19, "实到19人，不足法定人数（20人）"),
    ],
)
def test_of_29_more_than_half_are_a_quorum_of_a_committee_and_two_thirds_of_a_congress(
    body, present, told
):
    people = make_delegates(29)
    join_committee(people)
    poll, office = make_poll(body=body, delegates_total=29), make_office()
    roll.draw_up_roll(poll, by=office)
    roll.mark_present(poll, numbers=[one.number for one in people[:present]], by=office)

    assert told in said(poll)


@pytest.fixture
def judged() -> Stage:
    """Fifteen of 29 members have come; project 1 has 15 votes and project 2 has 14."""
    stage = committee_of(29, open_it=False, show_votes=True)
    away = [one.number for one in stage.delegates[15:]]
    roll.mark_absent(stage.poll, numbers=away, by=stage.office)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    for place in range(15):
        stage.cast(place, selection(*([1, 2] if place else [1])))
    confirm_count(stage)
    return stage


def test_more_than_half_of_all_members_pass_and_one_less_does_not(judged):
    found = standing_result(judged.poll).figures

    assert found["needed"] == 15
    assert [(item["votes"], item["outcome"]) for item in found["items"]] == [
        (15, "adopted"),
        (14, "short"),
        (0, "short"),
    ]
    assert found["items"][0]["share_of_all"] == "51.7"
    assert found["poll"].get("body") == "committee"


def test_figures_of_a_congress_say_nothing_of_a_body():
    stage = make_stage(delegates=3, places=1, candidates=2)
    stage.cast(0, selection(1))
    stage.close()
    stage.open_box()

    assert "body" not in figures(stage.poll)["poll"]


# --- words ----------------------------------------------------------------------------------------


def test_papers_and_tables_speak_of_members_and_of_no_congress(judged):
    poll = judged.poll
    told = [
        *(str(value) for value in papers.chair_words(poll).values()),
        papers.returned_words(poll),
        papers.rules_line(standing_result(poll).figures),
        papers.announcement_of(poll).signature,
        *(
            str(cell)
            for sheet in (tables.results(poll), tables.summary(poll))
            for cell in sheet.header
        ),
        *(str(row[0]) for row in tables.summary(poll).rows),
        pabulib.research_file(poll).content.decode(),
    ]
    whole = "\n".join(told)

    assert "常委会会议应到组成人员29名，实到组成人员15名，符合法定人数。" in whole
    assert "获得全体组成人员过半数赞成票" in whole
    assert "通过须得15票（全体组成人员的过半数）" in whole
    assert "占全体组成人员(%)" in whole
    assert "more than half of all members of the standing committee" in whole
    assert not [word for word in [*CONGRESS_WORDS, "deputies"] if word in whole]


@pytest.mark.parametrize(
    ("meeting", "signature"),
    [
        (
            "示例市第十五届人民代表大会常务委员会第三十次会议",
            "示例市第十五届人民代表大会常务委员会",
        ),
        ("示例市人大常委会第30次会议", "示例市人大常委会"),
        ("民生实事测评会议", "民生实事测评会议"),
    ],
)
def test_a_committee_signs_its_notice_itself(meeting, signature):
    stage = committee_of(3, meeting=meeting)
    stage.cast(0, selection(1))
    confirm_count(stage)

    assert papers.announcement_of(stage.poll).signature == signature


@pytest.mark.parametrize("name", ["open", "change", "presence", "roll", "add"])
def test_no_page_of_its_day_speaks_of_a_congress(name):
    stage = committee_of(3, open_it=name == "add")
    address = at(stage.poll, name)

    text = desk_of(stage.office).get(address).text

    assert not [word for word in CONGRESS_WORDS if word in text]


def test_the_result_and_the_report_speak_of_members(judged):
    judged.publish(leave_open=True)
    report = at(judged.poll, "report")
    pages = [
        Client().get(reverse("ballots:results")).text,
        desk_of(judged.scrutineer).get(report).text,
    ]

    for text in pages:
        assert "应到组成人员29人，实到组成人员15人" in text
        assert "占全体组成人员" in text
        assert not [word for word in CONGRESS_WORDS if word in text]


# --- proof ----------------------------------------------------------------------------------------


def test_the_verifier_takes_its_package_and_names_figures_of_another_body(judged):
    judged.publish(leave_open=True)
    content = package.full_package(judged.poll).content
    files = unpacked(content)
    assert wrong(content, judged.shares[:3]) == set()

    del files["result.json"]["figures"]["poll"]["body"]
    faults = [fault for found in findings(packed(files)) for fault in found.faults]

    assert "数据属于另一次票决" in faults
