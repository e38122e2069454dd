"""The secretary's papers: each figure from the one frozen result, the words around it, and for whom."""

import re
from collections.abc import Sequence
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from ballots import journal, triggers
from ballots.acts import announcing, canvass, deciding, drafts, hall, lifecycle
from ballots.acts.announcing import save_announcement
from ballots.files import papers, tables
from ballots.models import Announcement, Result, WriteIn
from projects.models import Poll, Project
from tests.helpers.desk import at, desk_of
from tests.helpers.factories import (
    Stage,
    confirm_count,
    make_confirmed,
    make_office,
    make_poll,
    make_scrutineer,
    make_stage,
    make_sub_item,
    move_by_force,
    play,
    publish_count,
    selection,
    short,
    tied,
)
from tests.helpers.figures import adopted, figures, graded, item, make_counted
from tests.helpers.refusals import refusal_of

pytestmark = pytest.mark.django_db

P = Poll.Phase
GRADES = Poll.Form.GRADES
NAMES = ["report", "notice", "words"]


def text_of(html: str) -> str:
    """Return what a page says, without its head, its tags and the spaces between them."""
    body = html.partition("<body")[2].partition(">")[2]
    return re.sub(r"\s+", "", unescape(re.sub(r"<[^>]*>", " ", body))).replace("\u2060", "")


def paper(poll: Poll, name: str, user: User | None = None) -> str:
    """Return what the paper of that name says to a scrutineer, who sees no form above it."""
    reply = desk_of(user or make_scrutineer()).get(at(poll, name))
    assert reply.status_code == 200
    return text_of(reply.text)


# --- every figure comes from the one frozen result ------------------------------------------------


ADOPTED = ("adopted", "adopted")


def numbered(poll: Poll, start: int, ends: Sequence[str] = ADOPTED) -> dict[str, Any]:
    """Return figures of the projects in `ends` whose every number is one of its own from `start` on.

    `ends` has the outcome of each project by its number.
    """
    # In the order of FIGURES and ROW below, so that an expectation can name its number.
    turnout = {name: start + place for place, name in enumerate(TURNOUT)}
    rows = [
        item(
            str(number),
            f"候选项目{number}",
            outcome=end,
        )
        | {name: start + 100 * number + place for place, name in enumerate(ROW)}
        | {"share_of_valid": f"{start + 100 * number + 50}.1"}
        | {"share_of_all": f"{start + 100 * number + 51}.2"}
        | ({"fair": start + 100 * number + 4} if poll.is_graded else {})
        | {"share_good": f"{start + 100 * number + 52}.3"}
        | {"share_satisfied": f"{start + 100 * number + 53}.4"}
        for number, end in enumerate(ends, start=1)
    ]
    whole: dict[str, Any] = {name: start + 81 + place for place, name in enumerate(WHOLE)}
    whole |= {"share_good": f"{start + 87}.5", "share_satisfied": f"{start + 88}.6"}
    check = {"name": "甲＝乙", "left": start + 61, "right": start + 62, "relation": "="}
    return figures(
        poll,
        rows,
        turnout=turnout,
        needed=start + 70,
        places=0 if poll.is_graded else start + 71,
        candidates=start + 72,
        proposals=start + 73,
        proposed_items=start + 74,
        doubled=start + 75,
        refused=start + 76,
        marks=start + 77,
        doubles=start + 78,
        turned=start + 79,
        merged=start + 80,
        places_left=0,
        checks=[check | {"holds": False}],
        **({"whole": whole | {"grade": "good"}} if poll.is_graded else {}),
    )


TURNOUT = (
    *("delegates_total", "roll", "present", "issued", "returned"),
    *("valid", "invalid", "blank", "voted", "cards_reissued"),
)
ROW = ("votes", "against", "abstained", "rank")
WHOLE = ("good", "fair", "poor", "abstained", "base", "needed")
# Which figures each output shows: of the turnout, of the rest by their place in `numbered`, of the
# rows, and whether it shows shares.
SHOWN: dict[str, tuple[str, set[int], str, set[int]]] = {
    "report": (
        "delegates_total roll present issued returned valid invalid blank cards_reissued",
        {61, 62, 70, 71, 75, 76, 77, 78, 79},
        "votes rank",
        {50, 51},
    ),
    "notice": ("roll present issued returned valid invalid", set(), "votes rank", {51}),
    "words": ("roll present issued returned valid invalid", set(), "", set()),
    "results": ("roll present issued returned valid blank", set(), "votes rank", {51}),
    "result": ("", set(), "votes rank", {50, 51}),
    "summary": (
        "delegates_total roll present issued returned valid blank invalid",
        {70, 71, 72, 73, 74, 75, 76},
        "",
        set(),
    ),
    "change": (
        "delegates_total roll present issued returned valid blank invalid cards_reissued",
        {61, 62, 70, 71, 75, 79},
        "votes rank",
        {50, 51},
    ),
    "screen": ("roll present returned valid", set(), "votes rank", set()),
}

# The same of a 满意度测评, whose rows show four grades each and no rank; `others` are of the whole.
WHOLE_SHOWN = {81, 82, 83, 84, 87, 88}
SHOWN_OF_GRADES: dict[str, tuple[str, set[int], set[int]]] = {
    "report": (
        "delegates_total roll present issued returned valid invalid blank cards_reissued",
        {61, 62, 85} | WHOLE_SHOWN,
        {52, 53},
    ),
    "notice": (
        "delegates_total roll present issued returned valid invalid",
        {85} | WHOLE_SHOWN,
        {52},
    ),
    "words": ("roll present issued returned valid invalid", WHOLE_SHOWN, {52}),
    "results": (
        "delegates_total roll present issued returned valid blank invalid",
        {85} | WHOLE_SHOWN,
        {52, 53},
    ),
    "result": ("", set(), {52, 53}),
    "summary": (
        "delegates_total roll present issued returned valid blank invalid",
        {70, 72, 85, 86} | WHOLE_SHOWN,
        set(),
    ),
    "change": (
        "delegates_total roll present issued returned valid blank invalid cards_reissued",
        {61, 62, 85} | WHOLE_SHOWN,
        {52, 53},
    ),
    "screen": ("roll present returned valid", WHOLE_SHOWN, {52}),
}


def expected_of_grades(name: str, start: int) -> set[str]:
    """Return the numbers that an output shows of a 满意度测评, and no other, of `numbered` figures."""
    turnout, others, shares = SHOWN_OF_GRADES[name]
    found = {start + TURNOUT.index(figure) for figure in turnout.split()}
    found |= {start + place for place in others}
    for number in (1, 2):
        votes = set() if name == "summary" else {0, 1, 2, 4}
        found |= {start + 100 * number + place for place in votes | shares}
    return {str(number) for number in found}


def expected(name: str, start: int, form: str) -> set[str]:
    """Return the numbers that an output shows of the figures made by `numbered`."""
    turnout, others, row, shares = SHOWN[name]
    columns = row.split()
    if form == Poll.Form.EACH and name in {"report", "notice"}:
        columns += ["against", "abstained"]
    found = {start + TURNOUT.index(figure) for figure in turnout.split()}
    found |= {start + place for place in others}
    for number in (1, 2):
        found |= {start + 100 * number + ROW.index(column) for column in columns}
        found |= {start + 100 * number + place for place in shares}
    return {str(number) for number in found}


def output(poll: Poll, name: str, user: User) -> str:
    match name:
        case "screen":
            page = Client().get(f"/screen/{poll.screen_key}/").text
        case "results":
            page = Client().get(f"/results/?poll={poll.pk}").text
        case "result":
            return tables.result_csv(poll).content.decode()
        case "summary":
            return tables.summary_csv(poll).content.decode()
        case _:
            page = desk_of(user).get(at(poll, name)).text
    # A tag ends a number, and an address or a checksum in a tag is none; nor is any group of the 核对号.
    return re.sub(r"<[^>]*>", " ", page.replace(journal.head(poll), ""))


def numbers(text: str, start: int) -> set[str]:
    """Return the numbers of a text that can only come from the figures made from `start` on."""
    return set(re.findall(rf"(?<![0-9a-f-]){start // 1000}[0-9]{{3}}(?![0-9a-f])", text))


@pytest.mark.parametrize("form", ["choose", "each"])
def test_every_output_shows_the_figures_of_the_one_frozen_result_and_no_others(form):
    poll = make_counted(*adopted(2), phase=P.PUBLISHED, form=form, show_votes=True)
    save_announcement(poll, **WORDS | {"with_votes": True}, by=make_office())
    Poll.objects.filter(pk=poll.pk).update(revealed_at=timezone.now())
    hall.open_screen(poll, by=make_office())
    poll.refresh_from_db()
    watcher = make_scrutineer()
    for start in (7000, 8000):
        replace_figures(poll, numbered(poll, start))

        for name in SHOWN:
            said = output(poll, name, watcher)
            assert expected(name, start, form) <= numbers(said, start), name
            other = 15000 - start
            assert not numbers(said, other), f"{name} still says what the figures no longer hold"


def test_every_output_of_a_grading_shows_the_figures_of_its_frozen_result_and_no_others():
    rows = [graded(key, f"候选项目{key}", (5, 3, 1, 1)) for key in ("1", "2")]
    poll = make_counted(*rows, phase=P.PUBLISHED, form=GRADES)
    save_announcement(poll, **WORDS | {"with_votes": True}, by=make_office())
    Poll.objects.filter(pk=poll.pk).update(revealed_at=timezone.now())
    hall.open_screen(poll, by=make_office())
    poll.refresh_from_db()
    watcher = make_scrutineer()
    for start in (7000, 8000):
        replace_figures(poll, numbered(poll, start, ("good", "fair")))

        for name in SHOWN_OF_GRADES:
            said = output(poll, name, watcher)
            assert expected_of_grades(name, start) == numbers(said, start), name
            other = 15000 - start
            assert not numbers(said, other), f"{name} still says what the figures no longer hold"


# Which figures of the second round's turnout each output shows beside those of the first. Those that
# do also show the votes and ranks of both its projects; the others show none of its figures.
SHOWN_LATER = {
    "notice": "present issued returned valid invalid",
    "results": "roll present issued returned valid blank",
}


def test_every_output_shows_the_figures_of_both_rounds_and_what_the_meeting_decided():
    held = make_confirmed({1: 8, 2: 2, 3: 2}, places=2, show_votes=True)
    second = play(held, drafts.supplementary(held.poll, by=held.office), selection(2), selection(3))
    deciding.decide(
        second.poll, items=["3"], words="主席团取第3项", by=held.office, second=held.chief
    )
    second.publish()
    poll = held.publish()
    save_announcement(poll, **WORDS | {"with_votes": True}, by=held.office)
    hall.open_screen(poll, by=held.office)
    poll.refresh_from_db()
    for start, later in ((6000, 8000), (7000, 9000)):
        replace_figures(poll, numbered(poll, start, ("adopted", "short", "short")))
        replace_figures(second.poll, numbered(second.poll, later, ("out", "tied", "tied")))

        for name in SHOWN:
            said = output(poll, name, held.scrutineer)
            assert expected(name, start, Poll.Form.CHOOSE) <= numbers(said, start), name
            assert expected_later(name, later) <= numbers(said, later), name
            if name not in SHOWN_LATER:
                assert not numbers(said, later), f"{name} is about the first round"
            # The second round of one turn is no round of the next.
            others = {6000, 7000, 8000, 9000} - {start, later}
            assert not any(numbers(said, other) for other in others), name
        for name in ("report", "notice", "words", "results", "summary"):
            assert "主席团取第3项" in unescape(output(poll, name, held.scrutineer)), name
        for name in ("report", "notice", "results", "result", "screen"):
            said = output(poll, name, held.scrutineer)
            assert "按会议决定确定" in said or "经会议决定确定" in said, name


def expected_later(name: str, start: int) -> set[str]:
    """Return the numbers that an output shows of the second round's figures, projects 2 and 3."""
    if name not in SHOWN_LATER:
        return set()
    found = {start + TURNOUT.index(figure) for figure in SHOWN_LATER[name].split()}
    for column in ("votes", "rank"):
        found |= {start + 100 * number + ROW.index(column) for number in (2, 3)}
    return {str(number) for number in found}


def replace_figures(poll: Poll, found: dict[str, Any]) -> None:
    """Put other figures into the standing result, past the trigger that forbids just that."""
    triggers.lift(connection)
    Result.objects.filter(poll=poll).update(stored=found)
    triggers.install(connection)


# --- the count report -----------------------------------------------------------------------------


def test_the_report_says_the_round_the_rules_and_the_checksum():
    poll = make_counted(*adopted(3), simple=True)

    said = paper(poll, "report")

    assert "示例市人民代表大会会议2026年度正式票决" in said
    assert "应选3项；可以少选；选择赞成的项目；" in said
    assert "通过须得6票（全体代表的过半数）" in said
    assert "依据《民生实事项目表决办法》" in said
    assert "任一持有人可单独开启" in said
    assert poll.results.get().digest in said
    assert "总监票人监票人计票人年月日" in said
    assert "反对" not in said


def test_the_number_of_the_record_stands_on_the_report_and_on_no_paper_for_everybody():
    stage = make_stage(delegates=2, candidates=2)
    publish_count(stage)
    number = journal.head(stage.poll).replace(" ", "")

    assert f"打印时的操作记录核对号{number}" in paper(stage.poll, "report")
    for name in ("notice", "words"):
        said = paper(stage.poll, name)
        assert "核对号" not in said
        assert number not in said


def test_the_report_of_a_vote_on_each_project_says_for_against_and_abstained():
    row = item("1", "候选项目1", votes=5, against=2, abstained=1)

    said = paper(make_counted(row, form=Poll.Form.EACH), "report")

    assert "赞成反对弃权得票率占全体代表" in said
    assert "候选项目1候选52150.0%40.0%" in said


@pytest.mark.parametrize(
    ("majority", "heads", "row", "words"),
    [
        (
            *("all", "得票率占全体代表名次", "450.0%40.0%"),
            "得票率＝得票数÷有效票8张。占全体代表＝得票数÷全体代表10人。",
        ),
        (
            *("present", "得票率占实到代表名次", "450.0%44.4%"),
            "得票率＝得票数÷有效票8张。占实到代表＝得票数÷实到代表9人。",
        ),
        ("valid", "得票率名次", "450.0%1", "得票率＝得票数÷有效票8张。"),
    ],
)
def test_the_report_shows_the_rate_of_the_rule_beside_that_of_valid_ballots(
    majority, heads, row, words
):
    poll = make_counted(item("1", "候选项目1", votes=4), majority=majority)

    said, page = paper(poll, "report"), paper(poll, "change")

    assert heads in said
    assert f"候选项目1候选{row}" in said
    for text in (said, page):
        assert words in text
        for rate in ("占全体代表", "占实到代表"):
            assert (rate in text) == (rate in words)


def test_the_report_says_which_check_fails():
    check = {"name": "甲＝乙", "left": 3, "right": 4, "relation": "≥", "holds": False}

    said = paper(make_counted(*adopted(1), more={"checks": [check]}), "report")

    assert "甲＝乙：3，4，不符✗" in said


def test_the_report_says_on_how_many_ballots_a_merger_made_one_choice_of_two():
    words = "并入后有2张表决票重复选择同一项目，各计1票。"
    merged = make_counted(*adopted(1), more={"doubled": 2})

    for name in ("report", "change"):
        assert words in paper(merged, name)
        assert "重复选择" not in paper(make_counted(*adopted(1), year=2025), name)


def test_the_report_says_what_the_identity_of_the_marks_is_made_of():
    poll = make_counted(*adopted(1), more={"marks": 30, "doubles": 4, "refused": 5})

    assert "各票所选项数之和30，并入后重复4，不予计票5。" in paper(poll, "report")


def test_votes_against_that_a_merger_made_votes_for_are_said_where_the_count_is_shown():
    held = make_stage(form=Poll.Form.EACH, candidates=3, places=3)
    held.cast(0, selection(1, against=[3], proposals=["甲"]))
    held.cast(1, selection(1, against=[2, 3]))
    held.close()
    held.open_box()
    rule(held, "甲", WriteIn.Ruling.INTO_PROJECT, into=held.poll.projects.get(number=3))
    result = held.count()

    assert result.figures["turned"] == 1
    for name in ("report", "change"):
        assert "有1张反对票因其推荐项目并入而改计赞成。" in paper(held.poll, name)
    assert "改计赞成" not in paper(make_counted(*adopted(1)), "report")


def test_the_report_says_that_no_ballot_was_invalid():
    assert "（含弃权票0张），无效票0张。" in paper(make_counted(*adopted(1)), "report")


def test_staff_and_papers_tell_four_outcomes_apart():
    ends = ("adopted", "tied", "short", "out")
    rows = [item(str(number), f"项目{end}", outcome=end) for number, end in enumerate(ends, 1)]
    poll = make_counted(*rows, places=2)
    plain = make_counted(*rows, places=2, majority="none", year=2025)

    for name in ("report", "change"):
        said = paper(poll, name)
        for words in ("✓通过", "得票相同，待定", "未过半数", "未进入前2名"):
            assert words in said, (name, words)
        assert "未通过" not in said
        assert "未得票" in paper(plain, name)


def test_the_votes_to_pass_are_not_spoken_of_where_none_are_demanded():
    assert "通过须得" in paper(make_counted(*adopted(1)), "change")
    assert "通过须得" not in paper(make_counted(*adopted(1), majority="none", year=2025), "change")


def proposing() -> Stage:
    """Return an opened rehearsal in which 甲, 乙 and 丙 were proposed."""
    held = make_stage(candidates=3, places=3)
    held.cast(0, selection(1, proposals=["甲", "乙"]))
    held.cast(1, selection(1, proposals=["丙"]))
    held.close()
    held.open_box()
    return held


def rule(held: Stage, title: str, ruling: str, **more: Any) -> None:
    canvass.rule(held.poll, held.write_in(title), ruling=ruling, by=held.office, **more)


def test_the_report_lists_what_the_canvass_did_with_each_proposal():
    held = proposing()
    rule(held, "甲", WriteIn.Ruling.REFUSED, reason="内容不清")
    rule(held, "乙", WriteIn.Ruling.INTO_PROJECT, into=held.poll.projects.get(number=2))
    held.count()

    said = paper(held.poll, "report")

    assert "共收到3件，归并为1项。其中1件并入候选项目、1件不予计票，不在1项之内。" in said
    assert "甲不予计票（理由：内容不清）" in said
    assert "乙并入候选项目：2.候选项目2" in said
    assert "丙单列一项" in said


def test_the_report_keeps_a_count_that_was_sent_back_and_what_was_ruled_anew():
    held = proposing()
    rule(held, "甲", WriteIn.Ruling.REFUSED, reason="内容不清")
    first = held.count()
    lifecycle.send_back(held.poll, reason="甲应当计票", by=held.scrutineer)
    rule(held, "甲", WriteIn.Ruling.INTO_PROJECT, into=held.poll.projects.get(number=3))
    second = held.count()

    said = paper(held.poll, "report")
    earlier = said[said.index("第1次计票（已退回）") :]

    assert first.digest in earlier
    assert second.digest in said
    assert "退回，原因：甲应当计票" in earlier
    assert "3候选项目30未过半数" in earlier
    assert "由“不予计票（理由：内容不清）”改为“并入候选项目：3”" in earlier
    assert earlier.count("改为") == 1, "what was ruled before the first count is no change"


def test_a_count_sent_back_has_no_report_until_the_next_one():
    held = proposing()
    held.count()
    lifecycle.send_back(held.poll, reason="重核", by=held.scrutineer)

    reply = desk_of(held.office).get(at(held.poll, "report"))

    assert (reply.status_code, reply["Location"]) == (302, at(held.poll, "change"))


def test_the_report_says_what_the_meeting_decided_and_who_signed_it():
    held = tied()
    deciding.decide(
        held.poll, items=["3"], words="主席团决定取候选项目3", by=held.office, second=held.chief
    )

    said = paper(held.poll, "report")

    assert "会议决定：主席团决定取候选项目3" in said
    assert f"登记人{held.office.username}、{held.chief.username}" in said
    assert "3.候选项目3（按会议决定确定）" in said


def test_the_reports_of_both_rounds_tell_of_each_other():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(2))
    second.publish()

    said = paper(held.poll, "report")
    assert "已另行发起再次票决（公布），其数据见该次票决的报告单。" in said
    assert "2.候选项目2（再次票决通过）" in said
    assert "演练：再次票决" in paper(second.poll, "report")


def test_the_publisher_is_asked_for_the_figure_that_stands_above():
    held = tied()
    before = desk_of(held.office).get(at(held.poll, "publish")).text
    deciding.decide(held.poll, items=["3"], words="取第3项", by=held.office, second=held.chief)
    after = desk_of(held.office).get(at(held.poll, "publish")).text

    assert "请输入通过的项目数以确认：" in before
    assert "请输入已确定的项目数以确认：" in after


# --- the notice -----------------------------------------------------------------------------------


def test_the_notice_speaks_as_the_office_writes_and_the_count_found():
    poll = make_counted(*adopted(2))

    said = paper(poll, "notice")

    day = papers.date_words(poll.closed_at)
    assert said.endswith(
        "示例市人民代表大会会议关于2026年度民生实事项目票决结果的公告"
        f"示例市人民代表大会会议于{day}以无记名投票方式，对2026年度民生实事候选项目进行票决。"
        "应到代表10人，实到代表9人；发出表决票9张，收回表决票8张，其中有效票8张、无效票0张。"
        "经票决，确定下列2个项目为2026年度民生实事项目："
        f"1.候选项目1（第1项）2.候选项目2（第2项）现予公告。示例市人民代表大会会议主席团{day}"
    )


def test_without_its_annex_the_notice_lists_by_number_and_tells_no_votes():
    # No day, hour or minute on the paper can be one of these figures.
    rows = [item("3", "候选丙", 177), item("推1", "推荐甲", 166), item("1", "候选甲", 155)]

    said = paper(make_counted(*rows), "notice")

    assert "1.候选甲（第1项）2.候选丙（第3项）3.推荐甲（推1）现予公告" in said
    assert not {"177", "166", "155"} & set(re.findall("[0-9]+", said))
    assert "附件" not in said


def test_with_its_annex_the_notice_lists_by_votes_and_tells_them():
    rows = [item("3", "候选丙", votes=77), item("1", "候选甲", votes=55)]

    poll = make_counted(*rows, show_votes=True)
    save_announcement(
        poll, **WORDS | {"closing": "现予公告。", "with_votes": True}, by=make_office()
    )
    said = paper(poll, "notice")

    assert "1.候选丙（第3项）2.候选甲（第1项）现予公告。附件：民生实事项目得票情况" in said
    assert "3.候选丙7740.0%通过" in said


def test_the_votes_are_not_in_the_notice_unless_the_office_puts_them_there():
    poll = make_counted(*adopted(2), show_votes=True)

    page = desk_of(make_office()).get(at(poll, "notice")).text

    assert "附件" not in paper(poll, "notice")
    assert not re.search(r'name="with_votes"[^>]*checked', page)


def test_the_annex_says_which_ranks_are_shared():
    poll = make_counted(item("1", "候选甲", shared=True), item("2", "候选乙"), show_votes=True)
    save_announcement(poll, **WORDS | {"with_votes": True}, by=make_office())

    assert "1（并列）1.候选甲" in paper(poll, "notice")


def test_the_annex_says_how_each_item_ended_and_leaves_none_pending():
    held = tied(show_votes=True)
    deciding.decide(held.poll, items=["3"], words="主席团决定", by=held.office, second=held.chief)
    save_announcement(held.publish(), **WORDS | {"with_votes": True}, by=held.office)

    said = paper(held.poll, "notice")

    assert "候选项目3555.6%按会议决定确定" in said
    assert "候选项目2555.6%经会议决定未确定" in said
    assert "候选项目400.0%未过半数" in said
    assert "待定" not in said


def test_the_annex_of_a_tie_left_open_says_that_it_is():
    held = tied(show_votes=True)
    save_announcement(held.poll, **WORDS | {"with_votes": True}, by=held.office)

    assert "候选项目2555.6%得票相同，待定" in paper(held.poll, "notice")

    held.publish(leave_open=True)

    assert "候选项目2555.6%得票相同，未确定" in paper(held.poll, "notice")
    assert "待定" not in paper(held.poll, "notice")


def test_the_notice_gives_the_figures_of_each_round_and_the_words_of_the_decision():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(2), selection(3))
    deciding.decide(
        second.poll, items=["3"], words="主席团\n取第3项", by=held.office, second=held.chief
    )
    second.publish()

    said = paper(held.poll, "notice")

    assert "再次票决时，实到代表9人；发出表决票9张，收回表决票2张，其中有效票2张" in said
    assert "会议决定：主席团取第3项。经票决和会议决定，确定下列2个项目" in said


def test_a_decision_in_the_second_round_stands_on_every_paper_of_the_first():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(2), selection(3))
    deciding.decide(
        second.poll, items=[], words="主席团决定留空", by=held.office, second=held.chief
    )
    second.publish()

    for name in NAMES:
        said = paper(held.poll, name)
        assert "会议决定：主席团决定留空" in said, name
        assert "应确定2个项目，其余1项按会议决定不再补足。" in said, name
    assert f"登记人{held.office.username}、{held.chief.username}" in paper(held.poll, "report")


def test_more_ways_than_two_are_listed_as_chinese_lists_them():
    held = make_confirmed({1: 8, 2: 4, 3: 4, 4: 4}, places=3)
    second = play(
        held,
        drafts.supplementary(held.poll, by=held.office),
        selection(2, 3),
        selection(2, 4),
    )
    deciding.decide(second.poll, items=["3"], words="取第3项", by=held.office, second=held.chief)
    second.publish()

    assert "经票决、补充票决和会议决定，确定下列3个项目" in paper(held.poll, "notice")


def test_the_report_of_the_second_round_says_which_proposal_an_item_was():
    held = make_stage(delegates=4, candidates=2, places=2, majority="none")
    for place in range(4):
        held.cast(place, selection(1, 2) if place < 2 else selection(1, proposals=["甲"]))
    confirm_count(held)
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(3))

    assert "3甲推荐（首次票决推1）" in paper(second.poll, "report")


def test_the_notice_says_that_a_tie_leaves_places_open():
    words = "“候选项目2”“候选项目3”等2个项目得赞成票数相等，不能确定，"
    held = tied()

    assert words + "就上述项目再次投票。现予公告。" in paper(held.poll, "notice")

    held.publish(leave_open=True)

    assert words + "不足的1项不再补足。现予公告。" in paper(held.poll, "notice")


def test_the_notice_says_that_too_few_passed():
    words = "获得全体代表过半数赞成票的项目为1个，少于应确定的3个，"
    held = short()

    assert words + "不足部分由主席团决定处理办法。" in paper(held.poll, "notice")

    drafts.supplementary(held.poll, by=held.office)

    assert words + "不足的2项补充票决。" in paper(held.poll, "notice")


def test_the_notice_says_which_ways_led_to_its_projects():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(3))
    second.publish()

    said = paper(held.poll, "notice")

    assert "经票决和再次票决，确定下列2个项目" in said
    assert "1.候选项目1（第1项）2.候选项目3（第3项）现予公告" in said


def test_places_that_a_decision_leaves_open_are_said():
    held = short()
    deciding.decide(held.poll, items=["2"], words="主席团决定", by=held.office, second=held.chief)

    said = paper(held.poll, "notice")

    assert "经票决和会议决定，确定下列2个项目" in said
    assert "应确定3个项目，其余1项按会议决定不再补足。" in said


def test_a_second_round_leads_to_the_notice_of_the_first():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(2))

    page = desk_of(held.office).get(at(second.poll, "notice"))

    assert "公告由首次票决统一发布" in page.text
    assert at(held.poll, "notice") in page.text
    assert "<form" not in page.text


# --- the words of the notice ----------------------------------------------------------------------

WORDS: dict[str, Any] = {
    "title": "关于<b>票决</b>的公告",
    "number": "第3号",
    "opening": "会议如期举行。",
    "closing": "特此公告。",
    "signature": "大会主席团",
    "dated": "二〇二六年一月十八日",
}


@pytest.mark.parametrize("phase", [P.CONFIRMED, P.PUBLISHED])
def test_the_office_saves_the_words_and_sees_them_on_the_notice(phase):
    poll = make_counted(*adopted(2), phase=phase)
    office = desk_of(make_office())

    reply = office.post(at(poll, "notice"), WORDS)
    page = office.get(at(poll, "notice"))

    assert (reply.status_code, reply["Location"]) == (302, at(poll, "notice"))
    assert "公告已保存。" in page.text
    assert "<b>票决" not in page.text
    assert "第3号会议如期举行。应到代表10人" in text_of(page.text)
    assert text_of(page.text).endswith("特此公告。大会主席团二〇二六年一月十八日")


def test_no_form_changes_a_figure_or_a_project():
    poll = make_counted(*adopted(2))
    before = Result.objects.get().figures

    desk_of(make_office()).post(
        at(poll, "notice"), WORDS | {"figures": "{}", "figures_words": "9999", "poll": "7"}
    )

    assert Result.objects.get().figures == before
    assert "9999" not in paper(poll, "notice")
    assert Announcement.objects.get().poll == poll


def test_a_notice_without_its_words_is_not_saved_and_says_why():
    poll = make_counted(*adopted(2))

    page = desk_of(make_office()).post(at(poll, "notice"), WORDS | {"signature": " "})

    assert page.status_code == 200
    assert "errorlist" in page.text
    assert not Announcement.objects.exists()


def test_votes_that_the_poll_keeps_closed_are_not_annexed():
    poll = make_counted(*adopted(2), show_votes=False)

    page = desk_of(make_office()).get(at(poll, "notice"))
    desk_of(make_office()).post(at(poll, "notice"), WORDS | {"with_votes": "on"})

    assert "不能附得票情况" in page.text
    assert not Announcement.objects.get().with_votes


def refusal_of_words(poll: Poll, **changes: Any) -> str:
    return refusal_of(save_announcement, poll, **(WORDS | {"by": make_office()} | changes))


def test_an_act_refuses_the_words_of_a_notice_with_a_code():
    poll = make_counted(*adopted(2))
    counted = make_counted(*adopted(2), phase=P.COUNTED, year=2025)
    held = tied()
    child = drafts.run_off(held.poll, by=held.office)
    play(held, child, selection(2))

    codes = {
        refusal_of_words(poll, by=make_scrutineer()),
        refusal_of_words(counted),
        refusal_of_words(child),
        refusal_of_words(poll, closing=" "),
        refusal_of_words(poll, with_votes=True),
    }

    # Who may not is told in the words that all acts share.
    assert codes == announcing.refused.keys() | {"not-office"}
    assert not Announcement.objects.exists()


# --- the chair's words ----------------------------------------------------------------------------


def test_the_chair_reads_the_ballots_the_result_and_declares_it():
    said = paper(make_counted(*adopted(2)), "words")

    assert (
        "大会应到代表10名，实到代表9名，符合法定人数。本次表决共发出表决票9张，收回8张，"
        "收回的表决票数少于发出的表决票数，本次表决有效。" in said
    )
    assert (
        "根据总监票人报告的计票结果，下列2个项目获得全体代表过半数赞成票，按得票多少，"
        "确定为2026年度民生实事项目：候选项目1（第1项）候选项目2（第2项）" in said
    )
    assert said.endswith("现在宣布：以上2个项目确定为2026年度民生实事项目。")


@pytest.mark.parametrize(
    ("majority", "words"),
    [
        ("all", "获得全体代表过半数赞成票"),
        ("present", "获得实到代表过半数赞成票"),
        ("valid", "获得有效票过半数赞成票"),
        ("none", "下列2个项目得票较多，按得票多少，确定为"),
    ],
)
def test_the_chair_names_the_majority_that_was_needed(majority, words):
    assert words in paper(make_counted(*adopted(2), majority=majority), "words")


def test_as_many_ballots_back_as_were_handed_out_are_said_to_be_equal():
    held = tied()

    assert "收回的表决票数等于发出的表决票数" in paper(held.poll, "words")


def test_without_a_quorum_the_chair_does_not_call_the_vote_valid():
    poll = make_counted(*adopted(1), delegates_total=15)

    said = paper(poll, "words")

    assert "不足法定人数" in said
    assert "收回的表决票数少于发出的表决票数。" in said
    assert "有效。" not in said


def test_the_chair_declares_what_is_certain_before_calling_the_next_vote():
    held = tied()
    drafts.run_off(held.poll, by=held.office)

    said = paper(held.poll, "words")

    assert said.endswith(
        "现在宣布：以上1个项目确定为2026年度民生实事项目。"
        "“候选项目2”“候选项目3”等2个项目得赞成票数相等，不能确定，就上述项目再次投票。"
    )
    assert "下列1个项目获得全体代表过半数赞成票，确定为" in said, "one project has no order"
    assert "计票结果收回的表决票中，有效票9张，无效票0张。" in said


def test_the_chair_reads_by_number_unless_the_votes_are_public():
    rows = [item("3", "候选丙", votes=77), item("1", "候选甲", votes=55)]

    closed = paper(make_counted(*rows), "words")
    public = paper(make_counted(*rows, show_votes=True, year=2025), "words")

    assert "候选甲（第1项）候选丙（第3项）" in closed
    assert "与得票多少无关" in closed
    assert "候选丙（第3项）候选甲（第1项）" in public
    assert "与得票多少无关" not in public


def test_the_chair_says_what_a_second_round_and_a_decision_have_settled():
    held = tied()
    second = play(held, drafts.run_off(held.poll, by=held.office), selection(3))
    second.publish()

    said = paper(held.poll, "words")

    assert "经再次票决，下列1个项目确定为2026年度民生实事项目：候选项目3（第3项）" in said
    assert "以上2个项目" in said


def test_the_chair_reads_the_decision_of_the_meeting():
    held = short()
    deciding.decide(held.poll, items=["2"], words="主席团决定", by=held.office, second=held.chief)

    said = paper(held.poll, "words")

    assert "根据会议决定，下列1个项目确定为2026年度民生实事项目：候选项目2（第2项）" in said
    assert "会议决定：主席团决定" in said


def test_the_chair_declares_nothing_where_nothing_was_adopted():
    rows = [item(str(number), f"候选项目{number}", outcome="tied") for number in (1, 2)]

    said = paper(make_counted(*rows, places=1), "words")

    assert "目前没有确定的项目。" in said
    assert "本次票决没有项目确定为2026年度民生实事项目。“候选项目1”“候选项目2”等2个项目" in said


# --- marks ----------------------------------------------------------------------------------------


def test_an_unconfirmed_report_is_marked_until_it_is_confirmed():
    assert "未复核" in paper(make_counted(*adopted(1), phase=P.COUNTED), "report")
    assert "未复核" not in paper(make_counted(*adopted(1), year=2025), "report")


@pytest.mark.parametrize("name", NAMES)
def test_the_papers_of_a_rehearsal_are_marked(name):
    assert "演练，不计票" in paper(make_counted(*adopted(1), kind=Poll.Kind.REHEARSAL), name)
    assert "演练" not in paper(make_counted(*adopted(1), year=2025), name)


# --- for whom, and from when on -------------------------------------------------------------------

# What each paper answers in each phase: a page, or the way back to the day.
OPENING = {
    P.OPENED: {"report": 302, "notice": 302, "words": 302},
    P.COUNTED: {"report": 200, "notice": 302, "words": 302},
    P.CONFIRMED: {"report": 200, "notice": 200, "words": 200},
    P.PUBLISHED: {"report": 200, "notice": 200, "words": 200},
}


@pytest.mark.parametrize("phase", OPENING)
def test_office_and_scrutineers_see_each_paper_from_its_phase_on_and_nobody_else(phase):
    poll = make_counted(*adopted(1), phase=phase)

    for person in (make_office(), make_scrutineer()):
        answers = {name: desk_of(person).get(at(poll, name)).status_code for name in NAMES}
        assert answers == OPENING[phase]
    root = desk_of(User.objects.create_superuser("root"))
    assert {root.get(at(poll, name)).status_code for name in NAMES} == {403}


def test_a_scrutineer_sees_no_form_and_saves_no_words():
    poll = make_counted(*adopted(1))
    watch = desk_of(make_scrutineer())

    page = watch.get(at(poll, "notice"))
    reply = watch.post(at(poll, "notice"), WORDS)

    assert "<form" not in page.text
    assert reply.status_code == 403
    assert not Announcement.objects.exists()


@pytest.mark.parametrize("phase", OPENING)
def test_the_page_of_the_day_links_the_papers_that_can_be_had(phase):
    poll = make_counted(*adopted(1), phase=phase)

    page = desk_of(make_office()).get(at(poll, "change")).text

    linked = {name for name in NAMES if f'href="{at(poll, name)}"' in page}
    assert linked == {name for name, status in OPENING[phase].items() if status == 200}


# --- how it is written ----------------------------------------------------------------------------


def counted_twice() -> Stage:
    """Return a poll counted again after its first count was sent back."""
    held = proposing()
    rule(held, "甲", WriteIn.Ruling.REFUSED, reason="内容不清")
    held.count()
    lifecycle.send_back(held.poll, reason="重核", by=held.scrutineer)
    rule(held, "甲", WriteIn.Ruling.ALONE)
    rule(held, "乙", WriteIn.Ruling.REFUSED, reason="内容不清")
    held.count()
    lifecycle.confirm_result(held.poll, by=held.scrutineer)
    return held


def decided() -> Stage:
    held = short(show_votes=True)
    deciding.decide(held.poll, items=["2"], words="主席团决定", by=held.office, second=held.chief)
    return held


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make_one", [counted_twice, decided, tied])
def test_no_paper_mixes_the_punctuation_of_another_script_into_chinese(make_one, name):
    said = paper(make_one().poll, name)

    assert not re.findall(r"[\u3400-\u9fff][,.;:!?()'\"][\u3400-\u9fff]", said)
    assert "！" not in said


@pytest.mark.parametrize("name", NAMES)
def test_a_paper_has_nothing_that_the_content_policy_would_stop(name):
    page = desk_of(make_office()).get(at(make_counted(*adopted(1)), name)).text

    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert " style=" not in page
    assert page.count("<h1") == 1


# --- before the vote ------------------------------------------------------------------------------


def test_the_booklet_has_all_that_is_known_of_every_candidate_and_says_nothing_else():
    poll = make_poll(candidates=2)
    money = {"investment": "1800.00", "investment_this_year": "950.50", "funding": "市级财政"}
    Project.objects.filter(poll=poll, number=2).update(
        category="交通", deadline="年底", site="主城区", lead_unit="市交通局", **money
    )
    make_sub_item(poll.projects.get(number=2), investment="1200.00")

    said = paper(poll, "booklet")

    assert "2026年度民生实事项目候选项目汇编示例市人民代表大会会议" in said
    assert "1候选项目1——2候选项目21,800市交通局" in said
    # Of the first nothing else is known, and nothing else is said.
    assert "1.候选项目1年度目标新建1处建设内容建设内容1。2.候选项目2" in said
    assert said.endswith(
        "2.候选项目2类别交通年度目标新建2处建设内容建设内容2。子项新建停车楼，1,200万元总投资1,800万元"
        "本年投资950.5万元资金来源市级财政完成时限年底实施范围主城区责任单位市交通局"
    )


@pytest.mark.parametrize(("form", "marks"), [("choose", ""), ("each", "○赞成×反对–弃权")])
def test_the_office_sees_the_sample_of_a_ballot_in_draft_as_delegates_will(form, marks):
    poll = make_poll(candidates=1, form=form)
    Project.objects.filter(poll=poll).update(investment="1800.00")

    said = paper(poll, "sample")

    assert f"1.候选项目1新建1处。投资1,800万元{marks}推荐新项目（最多3项）" in said
    assert "2026年度民生实事项目表决票样张" in said


@pytest.mark.parametrize("name", ["booklet", "sample"])
def test_what_is_read_before_the_vote_is_on_the_day_page_and_marked_for_a_rehearsal_alone(name):
    rehearsal = make_poll(candidates=1, kind="rehearsal", delegates_total=3)
    move_by_force(rehearsal, P.COUNTED)
    real = make_poll(candidates=1)

    assert f'href="{at(real, name)}"' in desk_of(make_office()).get(at(real)).text
    assert "演练，不计票" in paper(rehearsal, name)
    assert "未复核" not in paper(rehearsal, name)
    assert "演练" not in paper(real, name)
    assert desk_of(User.objects.create_superuser("root")).get(at(real, name)).status_code == 403
