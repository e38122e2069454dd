"""From opened ballots to figures: by two roads, against counts done by hand."""

import ast
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pytest
from django.db import connection

from ballots import triggers
from ballots.acts import canvass, lifecycle
from ballots.facts import counting
from ballots.facts.turnout import percent, turnout_of
from ballots.models import Ballot, JournalEntry, RollEntry, SealedBallot, WriteIn, rules_of
from ballots.pure import chain
from ballots.pure.figures import (
    VERSION,
    BoundaryFigures,
    CheckFigures,
    Figures,
    GradeFigures,
    ItemFigures,
    PollFigures,
    RulesFigures,
    TurnoutFigures,
    WholeFigures,
)
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.factories import Stage, make_project, make_stage, selection, stage_without
from tests.helpers.machine import ROOT
from tests.helpers.secrecy import snapshot

R = WriteIn.Ruling


def empty_box(**columns: Any) -> Stage:
    """Return a rehearsal whose box is open and empty, for ballots that are put there directly."""
    stage = make_stage(delegates=12, **columns)
    stage.close()
    stage.open_box()
    return stage


def put(
    stage: Stage,
    *chosen: int,
    against: Sequence[int] = (),
    fair: Sequence[int] = (),
    write_ins: Sequence[WriteIn] = (),
    invalid: str = "",
) -> Ballot:
    """Put an opened ballot into the poll and one more mark on its roll."""
    unmarked = stage.poll.roll.filter(voted=False).order_by("pk").first()
    assert unmarked, "no delegate is left to have voted"
    RollEntry.objects.filter(pk=unmarked.pk).update(voted=True, voted_at=stage.poll.opened_at)
    return Ballot.objects.create(
        poll=stage.poll,
        chosen=sorted(chosen),
        against=sorted(against),
        fair=sorted(fair),
        write_ins=sorted(str(row.id) for row in write_ins),
        invalid=invalid,
    )


def propose(stage: Stage, title: str, ruling: str = R.ALONE, **columns: Any) -> WriteIn:
    number = stage.poll.write_ins.count() + 1
    return WriteIn.objects.create(
        poll=stage.poll, number=number, title=title, ruling=ruling, **columns
    )


def sides(poll: Poll) -> dict[str, tuple[int, int]]:
    """Return the votes for and against each item, having counted them by both roads."""
    lines = counting.count(poll).standings
    assert counting.count_in_sql(poll) == {
        line.item: (line.votes, line.fair, line.against) for line in lines
    }
    return {line.item: (line.votes, line.against) for line in lines}


def votes(poll: Poll) -> dict[str, int]:
    """Return the votes for each item, having counted them by both roads."""
    return {item: votes for item, (votes, _against) in sides(poll).items()}


def failing(poll: Poll) -> list[str]:
    """Return the names of the checks that do not hold."""
    return [check.name for check in counting.checks(poll, counting.count(poll)) if not check.holds]


# --- two roads ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_both_roads_count_candidates_and_proposals_alike():
    stage = empty_box(candidates=3)
    one, two = propose(stage, "甲"), propose(stage, "乙")
    put(stage, 1, 2)
    put(stage, 2, write_ins=[one])
    put(stage, write_ins=[one, two])
    put(stage)

    assert votes(stage.poll) == {"1": 1, "2": 2, "3": 0, "推1": 2, "推2": 1}


@pytest.mark.django_db
def test_both_roads_follow_a_merged_proposal_and_count_a_ballot_once_for_an_item():
    stage = empty_box(candidates=3)
    project = stage.poll.projects.get(number=3)
    alone = propose(stage, "甲")
    near = propose(stage, "甲甲", R.INTO_WRITE_IN, into_write_in=alone)
    far = propose(stage, "甲甲甲", R.INTO_WRITE_IN, into_write_in=near)
    third = propose(stage, "三", R.INTO_PROJECT, into_project=project)
    beside = propose(stage, "三三", R.INTO_WRITE_IN, into_write_in=third)
    put(stage, 1, write_ins=[alone, near, far])
    put(stage, 3, write_ins=[third, beside])
    put(stage, write_ins=[far])
    put(stage, write_ins=[beside])

    assert votes(stage.poll) == {"1": 1, "2": 0, "3": 2, "推1": 2}
    result = counting.count(stage.poll)
    assert (result.doubles, result.doubled, result.refused) == (4, 2, 0)


@pytest.mark.django_db
def test_both_roads_leave_out_what_was_refused_and_what_was_merged_into_it():
    stage = empty_box(candidates=2)
    refused = propose(stage, "甲", R.REFUSED, reason="不属于民生实事")
    follower = propose(stage, "乙", R.INTO_WRITE_IN, into_write_in=refused)
    put(stage, 1, write_ins=[refused])
    put(stage, 1, write_ins=[follower])
    put(stage, write_ins=[refused, follower])

    assert votes(stage.poll) == {"1": 2, "2": 0}
    result = counting.count(stage.poll)
    assert (result.valid, result.blank, result.refused) == (3, 0, 4)


@pytest.mark.django_db
def test_both_roads_leave_out_invalid_ballots_and_those_of_other_polls():
    stage = empty_box(candidates=2)
    put(stage, 1)
    for invalid in Ballot.Invalid.values:
        put(stage, 2, invalid=invalid)
    Ballot.objects.filter(poll=stage.poll, chosen=[2], invalid="").delete()
    other = make_stage(candidates=2, delegates=1, delegates_total=100)
    other.close()
    other.open_box()
    put(other, 1, 2)

    assert votes(stage.poll) == {"1": 1, "2": 0}
    assert turnout_of(stage.poll).invalid == 6


@pytest.mark.django_db
@pytest.mark.parametrize("proposals", [Poll.Proposals.ADVISORY, Poll.Proposals.OFF])
def test_proposals_that_are_not_counted_give_no_item_a_vote(proposals):
    stage = empty_box(candidates=2, proposals=proposals)
    project = stage.poll.projects.get(number=2)
    put(stage, 1, write_ins=[propose(stage, "甲")])
    put(stage, write_ins=[propose(stage, "乙", R.INTO_PROJECT, into_project=project)])

    assert votes(stage.poll) == {"1": 1, "2": 0}
    # They stand in the report all the same.
    assert counting.figures(stage.poll)["proposals"] == 2


@pytest.mark.django_db
def test_both_roads_count_for_and_against_item_by_item():
    stage = empty_box(candidates=3, form=Poll.Form.EACH)
    put(stage, 1, against=[2])
    put(stage, 1, 2)
    put(stage, against=[1, 2])
    put(stage)
    put(stage, 3, against=[1], invalid="rules")

    assert sides(stage.poll) == {"1": (2, 1), "2": (1, 2), "3": (0, 0)}
    lines = counting.count(stage.poll).standings
    assert {line.item: line.abstained for line in lines} == {"1": 1, "2": 1, "3": 4}


@pytest.mark.django_db
def test_whoever_proposes_what_joins_a_project_is_for_it_on_both_roads():
    stage = empty_box(candidates=2, form=Poll.Form.EACH)
    project = stage.poll.projects.get(number=2)
    joined = propose(stage, "甲", R.INTO_PROJECT, into_project=project)
    follower = propose(stage, "乙", R.INTO_WRITE_IN, into_write_in=joined)
    refused = propose(stage, "丙", R.REFUSED, reason="不属于民生实事")
    put(stage, against=[1, 2], write_ins=[joined])
    put(stage, against=[2], write_ins=[follower])
    put(stage, against=[2], write_ins=[refused])

    assert sides(stage.poll) == {"1": (0, 1), "2": (2, 1)}


@pytest.mark.django_db
@pytest.mark.parametrize("proposals", [Poll.Proposals.ADVISORY, Poll.Proposals.OFF])
def test_a_proposal_that_is_not_counted_leaves_a_vote_against_as_it_is(proposals):
    stage = empty_box(candidates=1, form=Poll.Form.EACH, proposals=proposals)
    project = stage.poll.projects.get()
    joined = propose(stage, "甲", R.INTO_PROJECT, into_project=project)
    put(stage, against=[1], write_ins=[joined])

    assert sides(stage.poll) == {"1": (0, 1)}


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("form", Poll.Form.values)
def test_both_roads_agree_on_any_ballots_under_any_rulings(seed, form):
    chance = random.Random(seed)
    stage = make_stage(delegates=60, candidates=5, form=form)
    stage.close()
    stage.open_box()
    projects = list(stage.poll.projects.all())
    written: list[WriteIn] = []
    is_graded = form == Poll.Form.GRADES
    for place in range(0 if is_graded else 8):
        match chance.choice([R.ALONE, R.INTO_PROJECT, R.INTO_WRITE_IN, R.REFUSED]):
            case R.INTO_PROJECT:
                ruling: dict[str, Any] = {"into_project": chance.choice(projects)}
                written.append(propose(stage, f"项{place}", R.INTO_PROJECT, **ruling))
            case R.INTO_WRITE_IN if written:
                ruling = {"into_write_in": chance.choice(written)}
                written.append(propose(stage, f"项{place}", R.INTO_WRITE_IN, **ruling))
            case R.REFUSED:
                written.append(propose(stage, f"项{place}", R.REFUSED, reason="重复"))
            case _:
                written.append(propose(stage, f"项{place}"))
    for _ in range(60):
        numbers = chance.sample(range(1, 6), 5)
        many = chance.randrange(4)
        put(
            stage,
            *numbers[:many],
            fair=numbers[many:4] if is_graded else (),
            against=numbers[4:] if is_graded else numbers[many:] if form == Poll.Form.EACH else (),
            write_ins=[] if is_graded else chance.sample(written, chance.randrange(5)),
            invalid=chance.choice(["", "", "", "rules"]),
        )

    assert sum(votes(stage.poll).values())
    plain = Counter(
        write_in
        for ballot in stage.poll.ballots.filter(invalid="")
        for write_in in ballot.write_ins
    )
    assert counting.mentions(stage.poll) == plain


@pytest.mark.django_db
@pytest.mark.parametrize("together", [1, 2, 3, 100])
def test_ballots_that_are_counted_together_come_to_the_same(monkeypatch, together):
    stage = empty_box(candidates=3, form=Poll.Form.EACH)
    project = stage.poll.projects.get(number=2)
    joined = propose(stage, "甲", R.INTO_PROJECT, into_project=project)
    for _ in range(3):
        put(stage, 2, against=[1], write_ins=[joined])
        put(stage, against=[2], write_ins=[joined])
        put(stage)
    watched: list[tuple[int, int]] = []
    monkeypatch.setattr(counting, "TOGETHER", together)

    result = counting.count(stage.poll, lambda *done: watched.append(done))

    assert {line.item: (line.votes, line.against) for line in result.standings} == {
        "1": (0, 3),
        "2": (6, 0),
        "3": (0, 0),
    }
    assert (result.valid, result.blank, result.marks) == (9, 3, 9)
    assert (result.doubles, result.doubled, result.turned, result.merged) == (3, 3, 3, 6)
    assert watched == [(done, 9) for done in range(1, 10)]


# --- checks ---------------------------------------------------------------------------------------


def honest_stage() -> Stage:
    """Return an opened rehearsal with three cast ballots, in which every check holds."""
    stage = make_stage(candidates=3)
    for place in range(3):
        stage.cast(place, selection(1, place + 1) if place else selection(1))
    stage.close()
    stage.open_box()
    assert failing(stage.poll) == []
    return stage


@pytest.mark.django_db
def test_a_ballot_too_many_fails_the_count_against_roll_and_box():
    stage = honest_stage()
    Ballot.objects.create(poll=stage.poll, chosen=[1])

    assert failing(stage.poll) == ["收回表决票＝已投票人数", "脱名密封票＝开启的表决票"]


@pytest.mark.django_db
def test_a_ballot_lost_fails_the_count_against_roll_and_box():
    stage = honest_stage()
    Ballot.objects.filter(chosen=[1]).delete()

    assert failing(stage.poll) == ["收回表决票＝已投票人数", "脱名密封票＝开启的表决票"]


@pytest.mark.django_db
def test_a_mark_too_many_on_the_roll_fails_the_count():
    stage = honest_stage()
    RollEntry.objects.filter(number="005").update(voted=True, voted_at=stage.poll.opened_at)

    assert failing(stage.poll) == ["收回表决票＝已投票人数"]


@pytest.mark.django_db
def test_more_ballots_than_were_given_out_fail_the_count():
    stage = stage_without("002", "003", "004", "005")
    stage.close()
    stage.open_box()
    for _ in range(2):
        put(stage, 1)

    assert failing(stage.poll) == ["发出表决票不少于收回", "脱名密封票＝开启的表决票"]


@pytest.mark.django_db
def test_a_ballot_with_more_choices_than_places_fails_the_count():
    stage = make_stage(candidates=3, places=2)
    stage.cast(0, selection(1))
    stage.close()
    stage.open_box()
    stage.poll.ballots.get().delete()
    Ballot.objects.create(poll=stage.poll, chosen=[1, 2, 3])

    assert failing(stage.poll) == ["每张表决票不超过应选项数"]


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(3), ids=["for", "fair", "against"])
def test_two_roads_that_part_fail_the_count(monkeypatch, part):
    stage = honest_stage()
    honest = counting.count_in_sql(stage.poll)
    votes = list(honest["2"])
    votes[part] += 1
    forged = honest | {"2": tuple(votes)}
    monkeypatch.setattr(counting, "count_in_sql", lambda poll: forged)

    assert failing(stage.poll) == ["两种算法结果一致的项目数＝项目数"]


@pytest.mark.django_db
def test_a_journal_that_was_touched_fails_the_count():
    stage = honest_stage()
    # The trigger lets a rehearsal's entries go, and so a link is missing.
    JournalEntry.objects.filter(kind="opened").delete()

    assert failing(stage.poll) == ["校验通过的操作记录＝操作记录"]


@pytest.mark.django_db
def test_a_count_of_more_ballots_than_voters_is_kept_and_cannot_be_confirmed():
    stage = honest_stage()
    Ballot.objects.create(poll=stage.poll, chosen=[1])
    result = stage.count()
    before = snapshot()

    with pytest.raises(Refused) as refusal:
        lifecycle.confirm_result(stage.poll, by=stage.scrutineer)

    assert refusal.value.code == "checks-fail"
    assert snapshot() == before
    failed = [check for check in result.figures["checks"] if not check["holds"]]
    assert [(check["name"], check["left"], check["right"]) for check in failed] == [
        ("收回表决票＝已投票人数", 4, 3),
        ("脱名密封票＝开启的表决票", 3, 4),
    ]


@pytest.mark.django_db
def test_figures_that_change_after_the_count_cannot_be_confirmed():
    stage = honest_stage()
    stage.count()
    # As many ballots as before, but one of them says something else.
    ballot = stage.poll.ballots.filter(chosen=[1]).get()
    ballot.delete()
    Poll.objects.filter(pk=stage.poll.pk).update(phase=Poll.Phase.OPENED)
    Ballot.objects.create(poll=stage.poll, chosen=[3])
    Poll.objects.filter(pk=stage.poll.pk).update(phase=Poll.Phase.COUNTED)

    with pytest.raises(Refused) as refusal:
        lifecycle.confirm_result(stage.poll, by=stage.scrutineer)

    assert refusal.value.code == "figures-changed"


# --- figures --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_figures_are_plain_data_with_one_checksum_before_and_after_storage():
    stage = honest_stage()
    figures = counting.figures(stage.poll)

    result = lifecycle.count_poll(stage.poll, by=stage.office)

    result.refresh_from_db()
    salt = result.figures.pop("salt")
    assert result.figures == figures == json.loads(json.dumps(figures))
    assert chain.canonical(result.figures) == chain.canonical(figures)
    assert result.digest == counting.digest(figures | {"salt": salt})
    assert len(result.digest) == 64


@pytest.mark.django_db
def test_the_figures_have_the_keys_that_their_types_name_and_all_rules_of_the_count():
    stage = honest_stage()
    figures = counting.figures(stage.poll)

    assert figures.keys() == Figures.__required_keys__ | {"version"}
    assert figures["poll"].keys() == PollFigures.__required_keys__
    assert figures["rules"].keys() == RulesFigures.__required_keys__
    assert figures["turnout"].keys() == TurnoutFigures.__required_keys__
    assert all(item.keys() == ItemFigures.__required_keys__ for item in figures["items"])
    assert all(check.keys() == CheckFigures.__required_keys__ for check in figures["checks"])
    rules = asdict(rules_of(stage.poll))
    # Where 满意 begins stands in the figures of a 满意度测评 alone.
    assert figures["rules"] == {
        name: value
        for name, value in rules.items()
        if name not in BoundaryFigures.__optional_keys__
    }


@pytest.mark.django_db
def test_the_figures_of_a_grading_have_grades_their_rates_and_the_whole():
    stage = empty_box(candidates=2, form=Poll.Form.GRADES, majority="present")
    put(stage, 1, fair=[2])
    put(stage, 1, against=[2])

    figures = counting.figures(stage.poll)

    assert figures["version"] == VERSION
    assert figures["rules"] == asdict(rules_of(stage.poll))
    first, second = figures["items"]
    assert first.keys() == ItemFigures.__required_keys__ | GradeFigures.__optional_keys__
    # Of twelve who came two are satisfied.
    assert first["outcome"] == "poor"
    assert (first["share_good"], first["share_satisfied"]) == ("16.7", "16.7")
    assert (second["votes"], second["fair"], second["against"]) == (0, 1, 1)
    assert figures["whole"].keys() == WholeFigures.__annotations__.keys()
    # Nothing was sealed here: what is asked is what the count itself asks.
    assert all(check["holds"] for check in figures["checks"][:4])


@pytest.mark.django_db
def test_equal_counts_have_unlike_checksums_so_that_no_votes_are_found_by_trying():
    stage = honest_stage()
    first = stage.count()
    lifecycle.send_back(stage.poll, reason="再核", by=stage.scrutineer)

    second = lifecycle.count_poll(stage.poll, by=stage.office)

    assert [item["votes"] for item in first.figures["items"]] == [
        item["votes"] for item in second.figures["items"]
    ]
    assert first.digest != second.digest


@pytest.mark.django_db
def test_a_sealed_ballot_that_was_exchanged_fails_a_check():
    stage = honest_stage()
    honest = counting.checks(stage.poll, counting.count(stage.poll))
    triggers.lift(connection)
    one = stage.poll.sealed_ballots.values_list("pk", flat=True)[:1]
    SealedBallot.objects.filter(pk__in=list(one)).update(sealed=b"another")

    forged = counting.checks(stage.poll, counting.count(stage.poll))

    assert all(check.holds for check in honest)
    assert [check.name for check in forged if not check.holds] == ["与回执编号相符的密封票＝密封票"]


@pytest.mark.django_db
def test_the_figures_name_no_person_and_no_receipt():
    stage = honest_stage()
    text = json.dumps(counting.figures(stage.poll), ensure_ascii=False)

    assert not [entry.name for entry in stage.poll.roll.all() if entry.name in text]
    assert not [row.code for row in stage.poll.sealed_ballots.all() if row.code in text]
    assert not [row for row in stage.poll.ballots.all() if str(row.id) in text]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0.0"),
        (5, 0, "0.0"),
        (0, 350, "0.0"),
        (350, 350, "100.0"),
        (175, 350, "50.0"),
        (1, 3, "33.3"),
        (2, 3, "66.7"),
        (1, 2000, "0.1"),
        (1, 2001, "0.0"),
        (3, 2000, "0.2"),
        (14, 19, "73.7"),
    ],
)
def test_percentages_have_one_decimal_and_round_halves_up(part, whole, text):
    assert percent(part, whole) == text


@pytest.mark.django_db
@pytest.mark.parametrize(("voters", "issued"), [(Poll.Voters.PRESENT, 3), (Poll.Voters.ROLL, 5)])
def test_who_was_given_a_ballot_depends_on_who_may_vote(voters, issued):
    stage = stage_without("004", "005", voters=voters)

    turnout = turnout_of(stage.poll)

    assert (turnout.roll, turnout.present, turnout.issued) == (5, 3, issued)


# --- a whole vote ---------------------------------------------------------------------------------


def whole_vote(**columns: Any) -> Stage:
    """Return a real vote of twenty delegates with eight candidates and four places, box opened.

    Eight choose 1 2 3 4; five choose 1 2 5 and propose 夜间公交; three choose 2 6 and propose the
    same in another spelling; one chooses 1 7 and proposes it and 社区食堂; two abstain; one stays
    away. Cast from the last delegate to the first.
    """
    stage = make_stage(
        delegates=20, candidates=0, open_it=False, kind=Poll.Kind.MAIN, places=4, **columns
    )
    for number in range(1, 9):
        make_project(stage.poll, number)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    ballots = (
        [selection(1, 2, 3, 4)] * 8
        + [selection(1, 2, 5, proposals=["夜间公交"])] * 5
        + [selection(2, 6, proposals=["夜 间公交"])] * 3
        + [selection(1, 7, proposals=["夜间公交", "社区食堂"])]
        + [selection()] * 2
    )
    for place, chosen in reversed(list(enumerate(ballots))):
        stage.cast(place, chosen)
    stage.close()
    stage.open_box()
    return stage


@pytest.mark.django_db
def test_a_whole_vote_of_twenty_ends_in_the_figures_counted_by_hand():
    stage = whole_vote()
    stage.count()
    lifecycle.confirm_result(stage.poll, by=stage.scrutineer)
    lifecycle.confirm_result(stage.poll, by=stage.chief)
    # Two places stay open, and whoever publishes says that he knows.
    result = lifecycle.publish_result(stage.poll, by=stage.office, adopted=2, leave_open=True)

    figures = result.figures
    # Six of the nine wrote it without a blank.
    names = {f"候选项目{n}": n for n in range(1, 9)} | {"夜间公交": 9, "社区食堂": 10}
    table = [
        (
            names[item["title"]],
            *[item[key] for key in ("rank", "shared", "votes", "abstained")],
            *[item[key] for key in ("share_of_valid", "share_of_all", "outcome")],
        )
        for item in figures["items"]
    ]
    assert table == [
        (2, 1, False, 16, 3, "84.2", "80.0", "adopted"),
        (1, 2, False, 14, 5, "73.7", "70.0", "adopted"),
        (9, 3, False, 9, 10, "47.4", "45.0", "short"),
        (3, 4, True, 8, 11, "42.1", "40.0", "short"),
        (4, 4, True, 8, 11, "42.1", "40.0", "short"),
        (5, 6, False, 5, 14, "26.3", "25.0", "short"),
        (6, 7, False, 3, 16, "15.8", "15.0", "short"),
        (7, 8, True, 1, 18, "5.3", "5.0", "short"),
        (10, 8, True, 1, 18, "5.3", "5.0", "short"),
        (8, 10, False, 0, 19, "0.0", "0.0", "short"),
    ]
    assert figures["turnout"] == {
        "delegates_total": 20,
        "roll": 20,
        "present": 20,
        "issued": 20,
        "returned": 19,
        "valid": 19,
        "invalid": 0,
        "blank": 2,
        "voted": 19,
        "cards_reissued": 0,
    }
    assert (figures["needed"], figures["places"], figures["candidates"]) == (11, 4, 8)
    assert (figures["proposals"], figures["proposed_items"]) == (10, 2)
    assert (figures["places_left"], figures["shortfall"]) == (2, 2)
    assert (figures["doubles"], figures["refused"]) == (0, 0)
    # 8 × 4 + 5 × 4 + 3 × 3 + 4 = 65 choices, and as many votes.
    assert sum(item["votes"] for item in figures["items"]) == 65
    assert all(check["holds"] for check in figures["checks"])


@pytest.mark.django_db
def test_a_whole_vote_with_rulings_ends_in_the_figures_counted_by_hand():
    stage = whole_vote(majority=Poll.Majority.NONE)
    sixth = stage.poll.projects.get(number=6)
    write_ins = WriteIn.objects.filter(poll=stage.poll)
    # Night buses go to candidate 6: three of their nine proposers have ticked it already.
    write_ins.filter(title="夜间公交").update(ruling=R.INTO_PROJECT, into_project=sixth)
    write_ins.filter(title="社区食堂").update(ruling=R.REFUSED, reason="已有同类项目")
    canvass.close_canvass(stage.poll, by=stage.office, second=stage.scrutineer)

    figures = lifecycle.count_poll(stage.poll, by=stage.office).figures

    assert [(item["item"], item["votes"], item["outcome"]) for item in figures["items"]] == [
        ("2", 16, "adopted"),
        ("1", 14, "adopted"),
        ("6", 9, "adopted"),
        # Eight each for the one place that is left: a tie that no program breaks.
        ("3", 8, "tied"),
        ("4", 8, "tied"),
        ("5", 5, "out"),
        ("7", 1, "out"),
        ("8", 0, "short"),
    ]
    assert (figures["doubles"], figures["doubled"], figures["refused"]) == (3, 3, 1)
    assert (figures["places_left"], figures["shortfall"]) == (1, 0)
    assert (figures["proposals"], figures["merged"], figures["proposed_items"]) == (10, 9, 0)
    assert figures["marks"] == sum(item["votes"] for item in figures["items"]) + 3 + 1
    assert all(check["holds"] for check in figures["checks"])


# --- blind ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_nothing_can_be_counted_before_every_proposal_has_its_ruling():
    stage = whole_vote()

    for act in (counting.count, counting.figures):
        with pytest.raises(KeyError):
            act(stage.poll)
    for _ in range(2):
        with pytest.raises(Refused) as refusal:
            lifecycle.count_poll(stage.poll, by=stage.office)
        assert refusal.value.code == "canvass-open"
        # Every ruling alone is not enough: two people must have closed the canvass.
        canvass.rule_each_alone(stage.poll, by=stage.office)
    assert not stage.poll.results.exists()


COUNTS = {"count", "count_in_sql", "figures", "checks", "tally"}
# The only functions that compute a total: those of the count itself, and the two steps that come
# after the canvass was closed by two people.
MAY_COUNT = {
    "ballots.facts.counting.checks",
    "ballots.facts.counting.count",
    "ballots.facts.counting.figures",
    "ballots.acts.lifecycle._still_holds",
    "ballots.acts.lifecycle.count_poll",
}


def callers_of_a_count(module: str, text: str) -> set[str]:
    """Return the dotted names of the functions in which a count is called or handed on."""
    tree = ast.parse(text)
    found = set()
    for outer in tree.body:
        name = f"{module}.{getattr(outer, 'name', '<module>')}"
        for node in ast.walk(outer):
            match node:
                case ast.Attribute(value=ast.Name(id="counting" | "tally"), attr=attr):
                    found |= {name} if attr in COUNTS else set()
                case ast.Call(func=ast.Name(id=called)) if module == "ballots.facts.counting":
                    found |= {name} if called in COUNTS else set()
                case ast.ImportFrom(
                    module="ballots.facts.counting" | "ballots.pure.tally", names=names
                ):
                    taken = {alias.name for alias in names} & COUNTS
                    found |= {name} if taken and module != "ballots.facts.counting" else set()
    return found


def test_only_the_count_and_its_confirmation_compute_a_total():
    callers: set[str] = set()
    for path in [*ROOT.glob("ballots/**/*.py"), *ROOT.glob("projects/**/*.py")]:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        callers |= callers_of_a_count(module, path.read_text("utf-8"))

    assert callers == MAY_COUNT


def test_the_reader_of_callers_sees_a_count_in_every_disguise():
    text = """
from ballots.pure.tally import tally
def page(poll):
    return counting.figures(poll)
class View:
    def get(self):
        act = counting.count_in_sql
def harmless(poll):
    return counting.percent(1, 2) + poll.roll.count()
"""
    assert callers_of_a_count("ballots.pages.ballot", text) == {
        "ballots.pages.ballot.<module>",
        "ballots.pages.ballot.page",
        "ballots.pages.ballot.View",
    }
