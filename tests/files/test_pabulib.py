"""Research data: our file read back by the reader of the real ones, and counted again."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from ballots.acts import hall, lifecycle
from ballots.facts.outcome import standing_result
from ballots.files import pabulib
from ballots.models import Ballot
from ballots.refusal import Refused
from projects.models import Poll, Project
from tests.files.pabulib import city_vote, sections_of
from tests.helpers.factories import Stage, make_poll, make_stage, move_by_force, selection
from tests.helpers.small_vote import confirm, count, decide, make_opened, make_tied, run_off

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Research:
    """Our file as the reader of real files understands it."""

    meta: dict[str, str]
    projects: dict[int, dict[str, str]]
    votes: list[dict[str, str]]
    published: dict[int, int]
    ballots: list[list[int]]

    @property
    def selected(self) -> set[int]:
        return {number for number, row in self.projects.items() if row["selected"] == "1"}

    @property
    def comment(self) -> str:
        return self.meta["comment"]


@pytest.fixture
def research(tmp_path: Path) -> Any:
    def of(stage: Stage) -> Research:
        path = tmp_path / "research.pb"
        path.write_bytes(pabulib.research_file(stage.poll).content)
        sections, vote = sections_of(path), city_vote(path)
        return Research(
            meta={row["key"]: row["value"] for row in sections["META"]},
            projects={int(row["project_id"]): row for row in sections["PROJECTS"]},
            votes=sections["VOTES"],
            published=vote.published,
            ballots=vote.ballots,
        )

    return of


def recounted(file: Research) -> dict[int, int]:
    ticks = Counter(number for ballot in file.ballots for number in ballot)
    return {number: ticks[number] for number in file.projects}


# --- what is counted in it ------------------------------------------------------------------------


def test_the_file_is_read_back_and_its_votes_are_those_of_the_result(research):
    stage = count(make_opened())

    file = research(stage)

    official = {
        int(item["item"]): item["votes"]
        for item in standing_result(stage.poll).figures["items"]
        if item["source"] == "candidate"
    }
    assert file.published == recounted(file) == official == {1: 5, 2: 1, 3: 1, 4: 0, 5: 0}
    assert sorted(file.ballots) == [[1], [1], [1], [1, 2], [1, 3]]


def test_the_heads_of_the_sections_are_those_of_the_format():
    lines = pabulib.research_file(count(make_opened()).poll).content.decode().splitlines()

    assert lines[:2] == ["META", "key;value"]
    projects = lines.index("PROJECTS")
    assert lines[projects + 1 : projects + 3] == [
        "project_id;cost;votes;name;selected",
        "1;1;5;候选项目1;1",
    ]
    assert lines[lines.index("VOTES") + 1] == "voter_id;vote"


def test_the_meta_data_say_what_a_reader_of_the_format_looks_for(research):
    stage = make_opened()
    day = timezone.localtime(stage.poll.opened_at)

    meta = research(count(stage)).meta

    assert meta | {"comment": ""} == {
        "description": (
            "Vote of the deputies on livelihood projects (民生实事项目人大代表票决), "
            "示例市人民代表大会会议"
        ),
        "country": "China",
        "unit": "示例市人民代表大会会议",
        "instance": "2026",
        "num_projects": "5",
        "num_votes": "5",
        "budget": "2",
        "vote_type": "approval",
        "rule": "greedy-threshold",
        "date_begin": f"{day:%d.%m.%Y}",
        "date_end": f"{day:%d.%m.%Y}",
        "min_length": "1",
        "max_length": "2",
        "min_project_score_threshold": "5",
        "language": "zh",
        "comment": "",
    }


def test_our_meta_data_and_columns_are_known_to_real_files(research, shared_data):
    ours = research(count(make_opened()))
    known: dict[str, set[str]] = {"META": set(), "PROJECTS": set(), "VOTES": set()}
    for path in (shared_data / "pabulib").glob("*.pb"):
        real = sections_of(path)
        known["META"] |= {row["key"] for row in real["META"]}
        known["PROJECTS"] |= set(real["PROJECTS"][0])
        known["VOTES"] |= set(real["VOTES"][0])

    assert set(ours.meta) <= known["META"] | {"min_length", "max_length"}
    assert set(ours.projects[1]) <= known["PROJECTS"]
    assert set(ours.votes[0]) <= known["VOTES"]


def test_a_real_vote_that_we_counted_is_written_as_the_city_published_it(research, shared_data):
    """Targówek in, Targówek out: a city's ballots go through our rows into our file."""
    vote = city_vote(shared_data / "pabulib" / "Poland_Warszawa_2019_Targowek_Mieszkaniowy.pb")
    stage = make_stage(delegates=1, candidates=0, open_it=False, places=10, majority="none")
    poll = stage.poll
    Project.objects.bulk_create(
        Project(poll=poll, number=number, title=f"项目{number}", text="内容")
        for number in vote.published
    )
    poll = move_by_force(poll, Poll.Phase.OPENED)
    poll.box.canvassed = True
    poll.box.save()
    Ballot.objects.bulk_create(Ballot(poll=poll, chosen=chosen) for chosen in vote.ballots)
    with pytest.MonkeyPatch.context() as patch:
        # The identities of our own count do not hold for ballots that came by no envelope.
        patch.setattr("ballots.facts.counting.checks", lambda *_given: ())
        lifecycle.count_poll(poll, by=stage.office)
    stage.poll.refresh_from_db()

    file = research(stage)

    assert file.published == recounted(file) == vote.published
    assert sorted(file.ballots) == sorted(sorted(ballot) for ballot in vote.ballots)
    assert "were level for the last 2 places" in file.comment


def test_ballots_without_a_tick_and_invalid_ones_are_left_out_and_the_comment_says_how_many(
    research,
):
    stage = make_stage(delegates=4, candidates=3, places=2)
    stage.cast(0, selection(1))
    stage.cast(1, selection())
    stage.cast(2, selection(proposals=["新建停车场"]))
    stage.forge(3, b"no ballot")
    stage.close()
    stage.open_box()

    file = research(count(stage))

    assert file.ballots == [[1]]
    assert (
        "Left out: 2 valid ballots without a listed project (blank ballots among them), "
        "and 1 invalid ballot."
    ) in file.comment


def test_where_each_project_is_voted_on_a_vote_holds_those_voted_for(research):
    stage = make_stage(delegates=2, candidates=3, places=3, form="each")
    stage.cast(0, selection(1, 2, against=[3]))
    stage.cast(1, selection(1, against=[2, 3]))
    stage.close()
    stage.open_box()

    file = research(count(stage))

    assert sorted(file.ballots) == [[1], [1, 2]]
    assert "a vote holds the projects marked for" in file.comment


def test_ballots_that_had_to_be_full_say_so(research):
    stage = make_stage(delegates=2, candidates=3, places=2, choice_rule="exactly")
    for place in range(2):
        stage.cast(place, selection(1, 2))
    stage.close()
    stage.open_box()

    meta = research(count(stage)).meta

    assert (meta["min_length"], meta["max_length"]) == ("2", "2")


# --- proposals ------------------------------------------------------------------------------------


def test_no_text_of_a_proposal_and_no_key_of_one_stands_in_the_file():
    text = pabulib.research_file(count(make_opened(majority="none")).poll).content.decode()

    assert "停车场" not in text
    assert "calc" not in text
    assert "推" not in text


def test_votes_that_came_by_a_merged_proposal_are_not_in_the_file_and_the_comment_says_so(research):
    stage = make_opened()
    third = stage.poll.projects.get(number=3)
    stage.poll.write_ins.filter(title="新建停车场").update(
        ruling="into-project", into_project=third
    )

    file = research(count(stage))

    assert file.published[3] == recounted(file)[3] == 1
    assert "project 3 has 2 official votes, 1 here." in file.comment
    assert "project 1 has" not in file.comment


def test_a_place_that_a_proposal_filled_is_not_given_to_another_project(research):
    stage = make_stage(delegates=2, candidates=2, places=2)
    stage.cast(0, selection(1, proposals=["新建停车场"]))
    stage.cast(1, selection(1, proposals=["新建停车场"]))
    stage.close()
    stage.open_box()

    file = research(count(stage))

    assert file.selected == {1}
    assert "1 place went to proposals" in file.comment


# --- winners --------------------------------------------------------------------------------------


def test_selected_are_those_that_the_count_adopted(research):
    file = research(count(make_opened()))

    assert file.selected == {1}
    assert "The count left 1 place open." in file.comment
    assert "Unresolved when this file was made: 1 place." in file.comment


def test_a_tie_that_is_not_settled_selects_nobody_and_is_said(research):
    file = research(make_tied())

    assert file.selected == {1}
    assert "Tie: project 2, project 3, 2 proposals were level for the last 1 place." in file.comment
    assert "Unresolved when this file was made: 1 place." in file.comment


def test_a_tie_that_a_run_off_settled_selects_who_won_it_and_says_how(research):
    stage = make_tied()
    run_off(stage)

    file = research(stage)

    assert file.selected == {1, 2}
    assert "Tie: project 2, project 3" in file.comment
    assert "Filled by a run-off: 1 place." in file.comment
    assert "Unresolved" not in file.comment


def test_a_tie_that_the_meeting_settled_selects_whom_it_named_and_says_how(research):
    stage = make_tied()
    decide(stage, "3")

    file = research(stage)

    assert file.selected == {1, 3}
    assert "Filled by a decision of the meeting: 1 place." in file.comment


def test_a_place_that_was_left_open_is_said_to_be(research):
    stage = confirm(count(make_opened()))
    lifecycle.publish_result(stage.poll, by=stage.office, leave_open=True, at_once=True)

    assert "Left open: 1 place." in research(stage).comment


def test_the_file_of_a_run_off_says_what_it_was(research):
    stage = make_tied()
    run_off(stage)
    stage.poll = stage.poll.children.get()

    file = research(stage)

    assert file.selected == {2}
    assert "This was a run-off on places that an earlier vote had left open." in file.comment


# --- what kind of vote it was ---------------------------------------------------------------------


def test_a_rehearsal_is_said_to_be_synthetic_and_a_count_to_be_unconfirmed(research):
    stage = count(make_opened())
    before = research(stage).comment
    after = research(confirm(stage)).comment

    assert before.startswith("#1: Synthetic data: this was a rehearsal (演练), not a vote.")
    assert "The count had not been confirmed" in before
    assert "Synthetic" in after
    assert "not been confirmed" not in after


# --- nothing leads back to a ballot ---------------------------------------------------------------


def test_voters_have_random_numbers_and_no_order():
    stage = make_stage(delegates=12, candidates=12, places=1)
    for place in range(12):
        stage.cast(place, selection(place + 1))
    stage.close()
    stage.open_box()
    count(stage)
    keys = {str(ballot.pk) for ballot in stage.poll.ballots.all()}

    texts = [pabulib.research_file(stage.poll).content.decode() for _file in range(3)]

    votes = [text.split("voter_id;vote\n")[1].splitlines() for text in texts]
    orders = [[row.split(";")[1] for row in rows] for rows in votes]
    numbers = [{row.split(";")[0] for row in rows} for rows in votes]
    # Three shuffles of twelve are alike once in 10**17 times.
    assert not orders[0] == orders[1] == orders[2]
    assert sorted(orders[0]) == sorted(orders[1])
    assert [len(found) for found in numbers] == [12, 12, 12]
    assert not numbers[0] & numbers[1]
    assert not any(key in text or key.replace("-", "") in text for key in keys for text in texts)
    assert all(re.fullmatch("[0-9]{10}", number) for number in numbers[0])


# --- texts ----------------------------------------------------------------------------------------


def test_semicolons_quotes_and_line_breaks_in_titles_do_no_harm(research):
    stage = make_stage(delegates=1, candidates=4, open_it=False, meeting="甲;乙\n会议")
    titles = ["停车;PROJECTS", '"引号"；=1+1', "两\n行", "VOTES"]
    for number, title in enumerate(titles, start=1):
        stage.poll.projects.filter(number=number).update(title=title)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    stage.cast(0, selection(1, 2, 3, 4))
    stage.close()
    stage.open_box()

    file = research(count(stage))

    assert [file.projects[number]["name"] for number in range(1, 5)] == [
        "停车;PROJECTS",
        '"引号"；=1+1',
        "两 行",
        "VOTES",
    ]
    assert file.meta["unit"] == "甲;乙 会议"
    assert file.ballots == [[1, 2, 3, 4]]


def test_the_file_is_utf_8_without_a_mark_and_each_row_is_one_line():
    file = pabulib.research_file(count(make_opened()).poll)

    assert file.content.startswith(b"META\n")
    assert b"\r" not in file.content
    assert file.ascii_name.startswith("rehearsal_yiwu-2026-pabulib-")
    assert file.ascii_name.endswith(".pb")
    assert file.chinese_name.startswith("演练_2026年民生实事项目票决_研究数据_")


# --- when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["draft", "open", "paused", "closed", "opened", "void"])
def test_there_is_no_file_before_the_count_nor_of_a_void_poll(phase):
    poll = make_poll(kind=Poll.Kind.REHEARSAL, delegates_total=3)
    if phase != Poll.Phase.DRAFT:
        move_by_force(poll, phase)

    with pytest.raises(Refused) as refusal:
        pabulib.research_file(poll)

    assert refusal.value.code == ("void" if phase == "void" else "not-out")


def test_a_count_that_was_sent_back_is_in_no_file():
    stage = count(make_opened())
    lifecycle.send_back(stage.poll, reason="归并有误", by=stage.scrutineer)

    with pytest.raises(Refused) as refusal:
        pabulib.research_file(stage.poll)

    assert refusal.value.code == "not-out"


def test_a_real_poll_has_no_file_until_the_hall_has_seen_all_of_it(research):
    stage = make_stage(kind=Poll.Kind.MAIN, delegates=3, candidates=3, places=1)
    for place in range(3):
        stage.cast(place, selection(1))
    stage.close()
    stage.open_box()
    count(stage)
    codes = []

    def ask() -> None:
        with pytest.raises(Refused) as refusal:
            pabulib.research_file(stage.poll)
        codes.append(refusal.value.code)

    ask()
    lifecycle.confirm_result(stage.poll, by=stage.scrutineer)
    lifecycle.confirm_result(stage.poll, by=stage.chief)
    ask()
    lifecycle.publish_result(stage.poll, by=stage.office)
    ask()
    hall.reveal_all(stage.poll, by=stage.office)

    file = research(stage)

    assert codes == ["not-out"] * 3
    assert file.published == {1: 3, 2: 0, 3: 0}
    assert file.selected == {1}
    assert "Synthetic" not in file.comment
    assert "演练" not in pabulib.research_file(stage.poll).chinese_name


def test_where_every_ballot_is_full_a_short_one_would_tell_of_its_proposal_and_there_is_no_file():
    stage = make_stage(delegates=1, candidates=3, places=2, choice_rule="exactly")
    stage.cast(0, selection(1, proposals=["新建停车场"]))
    stage.close()
    stage.open_box()
    count(stage)

    with pytest.raises(Refused) as refusal:
        pabulib.research_file(stage.poll)

    assert refusal.value.code == "tells-proposals"
