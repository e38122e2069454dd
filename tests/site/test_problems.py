"""One message for one fault, and one row of the list to take away for each row of the table."""

from hypothesis import given
from hypothesis import strategies as st

from yiwu_vote.tables.problems import grouped
from yiwu_vote.tables.upload import Problem


def told(*problems: Problem) -> list[str]:
    return [str(fault) for fault in grouped(problems)]


def test_a_fault_of_350_rows_is_one_line():
    rows = [Problem(line, "没有“第一代表团”。", number=f"{line:03}") for line in range(2, 352)]

    assert told(*rows) == ["第2至351行：没有“第一代表团”。"]


def test_a_fault_of_one_row_names_its_delegate():
    assert told(Problem(4, "没有“城南代表团”。", number="003")) == [
        "第4行（代表证号 003）：没有“城南代表团”。"
    ]


def test_rows_that_differ_in_what_they_say_are_told_together_with_some_of_it():
    rows = [
        Problem(line, "联系电话{value}不是电话号码", value=value)
        for line, value in ((2, "1"), (3, "2"), (5, "1"), (6, "3"), (9, "4"), (8, "5"))
    ]

    assert told(*rows) == ["第2、3、5、6、8、9行：联系电话“1”“2”“3”等不是电话号码"]
    assert told(*rows[:2]) == ["第2、3行：联系电话“1”“2”不是电话号码"]


def test_what_is_wrong_with_the_whole_file_stays_by_itself():
    assert told(Problem(0, "表头缺少“姓名”列。"), Problem(0, "表头有多个“代表团”列。")) == [
        "表头缺少“姓名”列。",
        "表头有多个“代表团”列。",
    ]


@given(
    st.lists(
        st.builds(
            Problem,
            st.integers(1, 30),
            st.sampled_from(["姓名为空", "座位{value}过长", "代表团为空"]),
            value=st.sampled_from(["", "甲", "乙"]),
        )
    )
)
def test_no_row_is_lost_and_none_is_told_twice_of_one_fault(problems):
    faults = grouped(problems)

    assert sorted(
        (problem.line, problem.words) for fault in faults for problem in fault.problems
    ) == sorted((problem.line, problem.words) for problem in problems)
    assert len({fault.problems[0].text for fault in faults}) == len(faults)
