"""What a table of the roll would do to the register: who is meant, what changes, what is asked."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ballots.pure import roll_table
from ballots.pure.identity import MANY, Person, alike
from ballots.pure.roll_plan import ImportPlan, plan_of
from ballots.pure.roll_table import RollRow
from yiwu_vote import texts
from yiwu_vote.tables import sheets

HOME = "甲代表团"
ZHANG = Person("001", "张三", HOME, phone="13800000001", seat="1排")
LI = Person("002", "李四", HOME)
WANG = Person("003", "王五", "乙代表团")
PEOPLE = [ZHANG, LI, WANG]


def row(line: int, number: str, name: str, delegation: str = HOME, **more: Any) -> RollRow:
    return RollRow(line=line, number=number, name=name, delegation=delegation, **more)


def plan(
    *rows: RollRow,
    people: Sequence[Person] = PEOPLE,
    told_apart: Sequence[frozenset[str]] = (),
    add_delegations: bool = False,
) -> ImportPlan:
    delegations = list(dict.fromkeys(person.delegation for person in people))
    return plan_of(
        rows, people, delegations, add_delegations=add_delegations, told_apart=told_apart
    )


def told(found: ImportPlan) -> list[str]:
    return [str(problem) for problem in found.problems]


# --- who is meant, and what changes ---------------------------------------------------------------


def test_each_field_that_changes_is_told_old_and_new():
    # Case 12.
    found = plan(row(2, "001", "全新人", "乙代表团", order=3, phone="", seat="2排", status="ended"))

    [entry] = found.updated
    assert [(change.title, change.old, change.new) for change in entry.changes] == [
        ("姓名", "张三", "全新人"),
        ("代表团", "甲代表团", "乙代表团"),
        ("序号", "", "3"),
        ("联系电话", "13800000001", ""),
        ("座位", "1排", "2排"),
        ("状态", "在任", "终止"),
    ]
    assert entry.is_rename


def test_a_column_that_the_file_lacks_changes_nothing():
    # Case 13.
    assert len(plan(row(2, "001", "张三")).unchanged) == 1


@pytest.mark.parametrize("number", ["1", "01", "００１", "0 01"])
def test_a_number_means_its_owner_however_it_is_written(number):
    # Cases 11 and 16.
    [entry] = plan(row(2, number, "张三")).entries

    assert entry.person == ZHANG
    assert entry.is_other_spelling


def test_a_delegation_is_the_one_it_looks_like():
    # Case 16.
    people = [replace(ZHANG, delegation="第1代表团（甲）")]

    found = plan(row(2, "001", "张三", "第１代表团 (甲)"), people=people)

    assert not found.problems
    assert len(found.unchanged) == 1


def test_two_new_delegations_that_look_alike_are_one():
    found = plan(row(2, "8", "八", "丙团１"), row(3, "9", "九", "丙团1"), add_delegations=True)

    assert found.new_delegations == ("丙团１",)
    assert {entry.row.delegation for entry in found.new} == {"丙团１"}


def test_two_rows_of_one_number_are_a_problem_of_the_second():
    # Case 16.
    found = plan(
        row(2, "A-01", "八"), row(3, "a—1", "九"), row(4, "001", "张三"), row(5, "1", "张三")
    )

    assert told(found) == [
        "第3行（代表证号 a—1）：与第2行的“A-01”是同一个代表证号，请只保留一行。",
        "第5行（代表证号 1）：与第4行的“001”是同一个代表证号，请只保留一行。",
    ]


def test_a_name_with_another_dot_is_another_spelling_and_no_rename():
    people = [replace(ZHANG, name="阿卜杜·示例")]

    [entry] = plan(row(2, "001", "阿卜杜•示例"), people=people).updated

    assert not entry.is_rename


def test_whoever_is_in_the_register_and_not_in_the_file_is_listed():
    # Case 15.
    gone = Person("004", "赵六", HOME, status="ended")

    assert plan(row(2, "001", "张三"), people=[*PEOPLE, gone]).absent == (LI, WANG)


def test_whoever_has_left_office_and_stands_in_the_file_is_told():
    # Case 15.
    people = [replace(ZHANG, status="ended"), LI]

    found = plan(row(2, "001", "张三"), row(3, "002", "李四"), people=people)

    assert [entry.number for entry in found.ended] == ["001"]


VOTES = replace(ZHANG, at_the_vote=True)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        # Case 28, and a card handed to somebody else.
        ({"status": "suspended"}, "状态"),
        ({"name": "全新人"}, "姓名"),
        ({"name": "张三三", "status": "ended"}, "姓名"),
    ],
)
def test_whoever_may_vote_right_now_keeps_name_and_status_whatever_is_ticked(changed, why):
    rows = [
        replace(row(2, "001", "张三", seat="9排"), **changed),
        row(3, "002", "李四", status="ended"),
    ]

    found = plan(*rows, people=[VOTES, LI])
    done = found.decided(None)

    assert not found.problems
    assert [(entry.row.line, why in entry.barred) for entry in found.barred] == [(2, True)]
    assert not found.asked
    assert [entry.row.line for entry in done.updated] == [3]
    assert [entry.row.line for entry in done.left_out] == [2]
    assert not done.unchanged


def test_whoever_may_vote_right_now_gets_another_telephone_but_no_other_spelling_of_his_number():
    found = plan(row(2, "1", "张三", phone="13800000009", seat="3排"), people=[VOTES, LI])

    assert len(found.decided(None).updated) == 1
    assert not found.decided(None).takes_numbers


def test_a_barred_row_makes_nobody_look_like_somebody():
    found = plan(row(2, "001", "新人"), row(3, "009", "新人"), people=[VOTES, LI])

    assert [entry.others for entry in found.entries] == [(), ()]


def test_a_poll_that_opens_after_the_preview_matters_only_to_rows_that_it_bars():
    def seen(status: str, *people: Person) -> str:
        return plan(row(2, "001", "张三", seat="3排", status=status), people=people).seen

    assert seen("active", ZHANG, LI) == seen("active", VOTES, LI)
    assert seen("ended", ZHANG, LI) != seen("ended", VOTES, LI)


@pytest.mark.parametrize(("status", "barred"), [(None, [2]), ("active", []), ("ended", [])])
def test_nobody_new_is_taken_for_somebody_who_has_left_office_unless_his_status_is_said(
    status, barred
):
    # Case 13: he would be in the register, and on no roll.
    gone = replace(ZHANG, status="ended")

    found = plan(row(2, "001", "新人", status=status), row(3, "002", "李四"), people=[gone, LI])

    assert [entry.row.line for entry in found.barred] == barred
    assert [entry.row.line for entry in found.asked] == ([] if barred else [2])
    assert not barred or "改用其他代表证号" in found.barred[0].barred
    assert not barred or not found.ended


# --- what is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "others"),
    [
        # Case 15: one name in one delegation, or with one telephone.
        ([row(2, "009", "张三")], [("001",)]),
        ([row(2, "009", "张三", "乙代表团", phone="13800000001")], [("001",)]),
        ([row(2, "009", "张 三")], [("001",)]),
        ([row(2, "009", "张三", "乙代表团")], [()]),
        ([row(2, "009", "全新", phone="13800000001")], [("001",)]),
        # Two rows of the file.
        ([row(2, "008", "新人"), row(3, "009", "新人")], [(), ("008",)]),
        # Somebody who becomes one by his new name or delegation.
        ([row(2, "002", "张三")], [("001",)]),
        ([row(2, "003", "王五", HOME), row(3, "009", "王五")], [(), ("003",)]),
        # Whoever is renamed himself is nobody's namesake any more.
        ([row(2, "001", "改名"), row(3, "009", "张三", phone="13900000000")], [(), ()]),
    ],
)
def test_whoever_would_be_taken_for_somebody_else_is_asked_for(rows, others):
    assert [entry.others for entry in plan(*rows).entries] == others


def test_an_office_shares_its_landline():
    people = [replace(ZHANG, phone="0579-85123456")]

    [entry] = plan(row(2, "009", "全新", phone="0579-85123456"), people=people).entries

    assert not entry.others


def test_who_was_told_apart_and_who_was_alike_before_is_not_asked_for_again():
    twin = replace(ZHANG, number="009")
    fresh = row(2, "008", "李四")

    assert not plan(row(2, "009", "张三", phone=""), people=[ZHANG, twin]).asked
    assert plan(fresh).asked
    assert not plan(fresh, told_apart=[frozenset({"008", "002"})]).asked


def test_whoever_has_left_office_is_nobodys_namesake():
    assert not plan(row(2, "009", "张三"), people=[replace(ZHANG, status="ended")]).asked


def test_an_unticked_question_leaves_the_row_out_and_a_number_as_it_is():
    rows = [row(2, "001", "改名"), row(3, "2", "李四"), row(4, "009", "王五", "乙代表团")]
    found = plan(*rows)

    none = found.decided([])
    some = found.decided(["rename-2", "number-3"])
    everything = found.decided(None)

    assert [entry.row.line for entry in none.left_out] == [2, 4]
    assert [entry.row.line for entry in some.left_out] == [4]
    assert [sorted(each.takes_numbers) for each in (none, some)] == [[], [3]]
    assert [entry.row.line for entry in everything.entries] == [2, 3, 4]


def test_the_tick_of_one_question_does_not_answer_another():
    # 002 gets the name of 001: a rename and a namesake.
    found = plan(row(2, "002", "张三"))

    assert [len(found.decided([tick]).left_out) for tick in ("rename-2", "other-2")] == [1, 1]
    assert not found.decided(["rename-2", "other-2"]).left_out


# --- a file that is wrong as a whole --------------------------------------------------------------

MANY_PEOPLE = [Person(f"{n:03}", f"姓名{n}", HOME) for n in range(1, 21)]


def test_a_file_whose_numbers_only_lost_their_zeros_adds_nobody():
    # Case 11.
    rows = [row(n + 1, str(n), f"姓名{n}") for n in range(1, 21)]

    found = plan(*rows, people=MANY_PEOPLE)

    assert (found.new, found.problems, found.asked) == ([], (), [])
    assert len(found.renumbered) == 20
    assert not found.decided([]).takes_numbers
    assert len(found.decided(["numbers"]).takes_numbers) == 20


def test_a_file_whose_names_stand_under_other_numbers_is_refused():
    # Case 11.
    rows = [row(n + 1, f"9{n:03}", f"姓名{n}") for n in range(1, 21)]

    [problem] = told(plan(*rows, people=MANY_PEOPLE))

    assert problem.startswith("20行的姓名在名录中都是另一个代表证号，代表证号的前导零可能丢失了")


def test_a_column_of_names_that_slipped_by_a_row_is_refused():
    # Case 12.
    rows = [row(n + 1, f"{n:03}", f"姓名{n + 1}") for n in range(1, 21)]

    [problem] = told(plan(*rows, people=MANY_PEOPLE))

    assert "姓名一列可能错了一行" in problem


def test_a_new_congress_may_give_other_numbers_to_those_whom_it_elects_again():
    ended = [replace(person, status="ended") for person in MANY_PEOPLE]
    rows = [row(n + 1, f"9{n:03}", f"姓名{n}") for n in range(1, 21)]

    found = plan(*rows, people=ended)

    assert (len(found.new), found.problems) == (20, ())


def test_two_people_may_exchange_their_numbers_with_a_tick_each():
    found = plan(row(2, "001", "李四"), row(3, "002", "张三"), row(4, "003", "王五", "乙代表团"))

    assert not found.problems
    assert [entry.row.line for entry in found.asked] == [2, 3]


def test_ten_thousand_of_one_name_are_no_fifty_million_pairs():
    people = [Person(str(n), "张三", HOME) for n in range(10_000)]

    assert len(alike(people)) == 9_999
    assert len(alike(people[:MANY])) == MANY * (MANY - 1) / 2


# --- what goes out and comes in again -------------------------------------------------------------

# Rare surnames and dots, zeros, width, what a spreadsheet takes for something else, and long texts.
NAMES = ["张三", "李四", "䶮某", "𠮷田", "阿卜杜·示例", "Jean Dupont", "=某+1", "'某", "长" * 30]
NUMBERS = [
    "1E5",
    "3-5",
    "0" * 19 + "1",
    "@1",
    "-7",
    "+8",
    "001",
    "2",
    "1-12",
    "11-2",
    "A-09",
    "甲02",
]
DELEGATIONS = ["第1代表团", "第11代表团", "城区（一）", "团" * 50]
PHONES = ["", "13800000001", "13900000002", "0579-85123456", "+85221234567"]
SEATS = ["", "3排5座", "3-5", "0012", "12:30", "座" * 20]


def generated(draw: Random) -> list[Person]:
    """Return a register of up to eight people, namesakes among them, of different numbers."""
    numbers = [f"{draw.randrange(10_000):04}" for _ in range(5)] + draw.sample(NUMBERS, 5)
    people = [
        Person(
            number,
            draw.choice(NAMES),
            draw.choice(DELEGATIONS),
            order=draw.choice([0, 1, 999_999]),
            phone=draw.choice(PHONES),
            seat=draw.choice(SEATS),
            status=draw.choice(list(roll_table.STATUSES.values())),
            on_committee=draw.choice([True, False]),
        )
        for number in draw.sample(numbers, draw.randint(1, 8))
    ]
    return list({texts.number_key(person.number): person for person in people}.values())


def unchanged(people: Sequence[Person], content: bytes) -> bool:
    """Tell whether the file is read without a problem and would change and ask nothing."""
    parsed = roll_table.parse(content)
    assert not parsed.problems
    delegations = list({person.delegation for person in people})
    found = plan_of(parsed.rows, people, delegations, add_delegations=False)
    return (
        len(found.unchanged) == len(people)
        and not found.problems
        and not found.asked
        and not found.renumbered
        and not found.absent
    )


def test_a_thousand_registers_go_out_as_text_and_come_in_again_and_nothing_changes():
    draw = Random(16)

    for _ in range(1_000):
        people = generated(draw)
        rows = [roll_table.cells_of(person) for person in people]

        assert unchanged(people, sheets.csv_bytes(roll_table.TEMPLATE_HEADER, rows))


def test_registers_go_out_as_workbooks_and_come_in_again_and_nothing_changes():
    draw = Random(50)

    for _ in range(30):
        people = generated(draw)

        assert unchanged(people, roll_table.register_xlsx(people))
