"""A file says which vote it is of: kind, round, meeting, and which of several (design §11.2)."""

import pytest

from projects.models import Poll
from projects.naming import file_names, heading_of
from tests.helpers.factories import make_poll

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.time_machine("2026-01-18 10:42+08:00", tick=False),
]


def names(poll: Poll) -> tuple[str, str]:
    return file_names(poll, "结果", "result", "csv")


def make(**columns) -> Poll:
    return make_poll(
        candidates=0, **({"meeting": "示例市第一次会议", "year": 2026, "kind": "main"} | columns)
    )


def test_a_first_vote_is_named_by_its_meeting():
    assert names(make()) == (
        "yiwu-2026-result-20260118-1042.csv",
        "2026年民生实事项目票决_结果_示例市第一次会议_20260118-1042.csv",
    )


def test_each_later_round_says_so():
    first = make()
    second = make(kind="run-off", parent=first)
    third = make(kind="supplementary", parent=second)

    assert names(second) == (
        "yiwu-2026-result-run-off-20260118-1042.csv",
        "2026年民生实事项目票决_结果_再次票决_示例市第一次会议_20260118-1042.csv",
    )
    assert "_结果_第3次票决_补充票决_" in names(third)[1]


def test_a_rehearsal_begins_with_the_word_and_a_rehearsed_round_says_what_it_is():
    rehearsal = make(kind="rehearsal")
    later = make(kind="rehearsal", parent=rehearsal)

    assert names(rehearsal)[1].startswith("演练_2026年民生实事项目票决_结果_示例市")
    assert names(later)[1].startswith("演练_2026年民生实事项目票决_结果_后续票决_示例市")


def test_of_several_votes_of_a_meeting_each_says_which_it_is():
    first, second = make(), make()
    other = make(meeting="示例市第二次会议")

    assert "_第1份_示例市第一次会议_" in names(first)[1]
    assert "_第2份_示例市第一次会议_" in names(second)[1]
    assert "份" not in names(other)[1]


def test_a_name_bears_no_sign_that_a_file_cannot_have():
    poll = make(meeting='示例市/第一次:会议（扩大）"' + "长" * 50)

    assert names(poll)[1] == (
        f"2026年民生实事项目票决_结果_示例市第一次会议扩大{'长' * 30}_20260118-1042.csv"
    )


def test_the_first_row_of_a_workbook_says_the_same_in_words():
    first = make()
    second = make(kind="run-off", parent=first)
    third = make(kind="run-off", parent=second)

    assert heading_of(first, "签到情况表") == (
        "签到情况表　2026年 示例市第一次会议　2026-01-18 10:42"
    )
    assert heading_of(second, "签到情况表") == (
        "签到情况表　2026年 示例市第一次会议（再次票决）　2026-01-18 10:42"
    )
    assert "（再次票决）　第3次票决　" in heading_of(third, "签到情况表")
