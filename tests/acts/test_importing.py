"""Tables of the roll: what one would change, what it writes, and what others do meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from ballots import journal
from ballots.acts import cards, delegates, lifecycle, roll
from ballots.acts.register import importing
from ballots.facts import record
from ballots.facts.record import in_words
from ballots.models import Delegate, Delegation, JournalEntry, Namesakes, Recommendation, RollImport
from ballots.pure.roll_plan import ImportPlan
from ballots.pure.roll_table import RollRow
from ballots.refusal import Refused
from tests.helpers.factories import make_delegates, make_office, make_poll, make_stage
from tests.helpers.races import Race, codes, stop_in
from tests.helpers.refusals import refusal_of
from tests.helpers.secrecy import snapshot

pytestmark = pytest.mark.django_db

HOME = "城区代表团"


def row(line: int, number: str, name: str, delegation: str = HOME, **more: Any) -> RollRow:
    return RollRow(line=line, number=number, name=name, delegation=delegation, **more)


def previewed(*rows: RollRow, add_delegations: bool = False) -> Callable[[], ImportPlan]:
    """Return the confirmation of a preview that is made now."""
    office = make_office()
    seen = importing.plan_import(rows, add_delegations=add_delegations).seen

    def confirm() -> ImportPlan:
        return importing.import_roll(rows, by=office, add_delegations=add_delegations, seen=seen)

    return confirm


def register() -> list[tuple[str, str, str]]:
    return list(
        Delegate.objects.order_by("number").values_list("number", "name", "delegation__name")
    )


# --- changed since the preview --------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"name": "改名"},
        {"phone": "13800000000"},
        {"seat": "3排5座"},
        {"position": 9},
        {"number": "009"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_delegate_whom_somebody_changed_after_the_preview_is_not_overwritten(change):
    make_delegates(2)
    confirm = previewed(row(2, "001", "代表一"), row(3, "003", "代表3"))
    Delegate.objects.filter(number="001").update(**change)
    before = register()

    with pytest.raises(Refused) as refusal:
        confirm()

    assert refusal.value.code == "changed"
    assert register() == before


def test_a_delegate_whom_somebody_added_after_the_preview_is_not_overwritten():
    make_delegates(1)
    confirm = previewed(row(2, "002", "甲"))
    Delegate.objects.create(number="002", name="乙", delegation=Delegation.objects.get())

    with pytest.raises(Refused) as refusal:
        confirm()

    assert refusal.value.code == "changed"
    assert Delegate.objects.get(number="002").name == "乙"


def test_a_delegation_that_was_to_be_there_is_not_added_unseen():
    home = Delegation.objects.create(name=HOME)
    confirm = previewed(row(2, "001", "甲"), add_delegations=True)
    home.delete()

    with pytest.raises(Refused) as refusal:
        confirm()

    assert refusal.value.code == "changed"
    assert not Delegation.objects.exists()


def test_what_the_rows_do_not_name_may_change_meanwhile():
    make_delegates(2)
    confirm = previewed(row(2, "001", "代表一"))
    Delegate.objects.filter(number="002").update(name="改名")
    Delegation.objects.create(name="乡镇代表团")

    assert [updated.number for updated in confirm().updated] == ["001"]


def test_a_column_that_the_table_lacks_changes_nothing_and_an_empty_cell_does():
    """Case 13."""
    make_delegates(2)
    Delegate.objects.update(phone="13800000000", seat="3排5座", position=7, status="suspended")

    previewed(row(2, "001", "代表1"), row(3, "002", "代表2", order=0, phone="", seat=""))()

    columns = ("position", "phone", "seat", "status")
    assert list(Delegate.objects.order_by("number").values_list(*columns)) == [
        (7, "13800000000", "3排5座", "suspended"),
        (0, "", "", "suspended"),
    ]


def test_the_same_preview_is_confirmed_once():
    Delegation.objects.create(name=HOME)
    confirm = previewed(row(2, "001", "甲"))
    confirm()

    with pytest.raises(Refused) as refusal:
        confirm()

    assert refusal.value.code == "changed"


# --- two at once ----------------------------------------------------------------------------------


def play(monkeypatch: pytest.MonkeyPatch, *confirm: Callable[[], ImportPlan]) -> list[Any]:
    """Let the first look and stop before it writes; then let the second one come."""
    race = Race()
    stop_in(race, monkeypatch, Delegation.objects, "bulk_create")
    first, second = confirm
    return list(race.play(first, second))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_the_same_delegates_at_once_one_is_told_and_none_is_overwritten(
    monkeypatch,
):
    Delegation.objects.create(name=HOME)
    one = previewed(row(2, "001", "甲"), row(3, "002", "甲的"))
    other = previewed(row(2, "002", "乙的"), row(3, "001", "乙"))

    outcomes = play(monkeypatch, one, other)

    assert codes(outcomes) == {"ok": 1, "changed": 1}
    assert register() in [
        [("001", "甲", HOME), ("002", "甲的", HOME)],
        [("001", "乙", HOME), ("002", "乙的", HOME)],
    ]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_the_same_delegation_at_once_one_is_told_and_adds_nobody(monkeypatch):
    one = previewed(row(2, "001", "甲"), add_delegations=True)
    other = previewed(row(2, "002", "乙"), add_delegations=True)

    outcomes = play(monkeypatch, one, other)

    assert codes(outcomes) == {"ok": 1, "changed": 1}
    assert len(register()) == Delegation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_update_the_same_delegate_at_once_the_second_is_told(monkeypatch):
    make_delegates(1)
    one = previewed(row(2, "001", "甲"))
    other = previewed(row(2, "001", "乙"))

    first, second = play(monkeypatch, one, other)

    assert isinstance(first, ImportPlan)
    assert codes([second]) == {"changed": 1}
    assert register() == [("001", "甲", HOME)]


def test_a_plan_says_what_is_new_changed_and_unchanged_and_writes_nothing():
    make_delegates(2)
    rows = [
        row(2, "001", "代表1", order=1),
        row(3, "002", "代表二", order=2),
        row(4, "003", "代表3", phone="13800000000"),
    ]
    before = snapshot()

    plan = importing.plan_import(rows, add_delegations=False)

    assert [entry.number for entry in plan.unchanged] == ["001"]
    assert [entry.number for entry in plan.updated] == ["002"]
    assert [entry.number for entry in plan.new] == ["003"]
    assert (plan.new_delegations, plan.problems) == ((), ())
    assert snapshot() == before


@pytest.mark.parametrize(
    "change",
    [
        {"name": "改名"},
        {"delegation": "乡镇代表团"},
        {"phone": "13800000000"},
        {"seat": "3排5座"},
        {"order": 9},
        {"on_committee": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_column_of_the_file_may_change_a_delegate(change):
    make_delegates(1)
    Delegation.objects.create(name="乡镇代表团")
    columns = {"name": "代表1", "delegation": "城区代表团", "order": 1} | change
    office = make_office()

    plan = importing.import_roll(
        [RollRow(line=2, number="001", **columns)], by=office, add_delegations=False
    )

    delegate = Delegate.objects.select_related("delegation").get()
    assert len(plan.updated) == 1
    assert {
        "name": delegate.name,
        "delegation": delegate.delegation.name,
        "phone": delegate.phone,
        "seat": delegate.seat,
        "order": delegate.position,
        "on_committee": delegate.on_committee,
    } == {"phone": "", "seat": "", "on_committee": False, **columns}


def test_who_is_of_the_standing_committee_is_on_record_and_taken_back_with_the_import():
    make_delegates(3)
    Delegate.objects.filter(number="002").update(on_committee=True)
    office = make_office()
    members = {"001": True, "002": False, "003": None}
    rows = [
        row(line, number, f"代表{line - 1}", on_committee=is_member)
        for line, (number, is_member) in enumerate(members.items(), start=2)
    ]

    plan = importing.import_roll(rows, by=office, add_delegations=False, digest="a" * 64)

    assert [
        [str(change.old), str(change.new)] for one in plan.updated for change in one.changes
    ] == [
        ["", "是"],
        ["是", ""],
    ]
    assert committee() == ["001"]
    entry = JournalEntry.objects.get(kind="roll-imported")
    assert entry.data["on_committee"] == [["001", "代表1", True], ["002", "代表2", False]]
    assert "常委会组成人员：代表1（001）是，代表2（002）否" in in_words(entry)

    importing.undo_import(entry.seq, by=office)

    assert committee() == ["002"]


def test_an_import_of_an_earlier_version_that_knew_no_committee_is_taken_back_as_well():
    make_delegates(2)
    office = make_office()
    rows = [row(2, "001", "代表1", seat="3排")]
    importing.import_roll(rows, by=office, add_delegations=False, digest="a" * 64)
    last = RollImport.objects.get()
    for _key, *columns in last.changes["changed"]:
        for side in columns:
            del side["on_committee"]
    last.save()

    importing.undo_import(last.entry.seq, by=office)

    assert Delegate.objects.get(number="001").seat == ""
    assert not RollImport.objects.exists()


def committee() -> list[str]:
    members = Delegate.objects.filter(on_committee=True).order_by("number")
    return list(members.values_list("number", flat=True))


def test_an_unknown_delegation_is_a_problem_of_each_row_that_names_it():
    Delegation.objects.create(name="城区代表团")
    rows = [
        row(2, "001", "甲"),
        row(3, "002", "乙", "稠城代表团"),
        row(4, "003", "丙", "稠城代表团"),
    ]

    plan = importing.plan_import(rows, add_delegations=False)

    assert [str(problem) for problem in plan.problems] == [
        "第3行（代表证号 002）：没有“稠城代表团”，请先新增或更正。也可勾选一并新增代表团。",
        "第4行（代表证号 003）：没有“稠城代表团”，请先新增或更正。也可勾选一并新增代表团。",
    ]


def test_an_import_with_a_problem_writes_nothing_at_all():
    Delegation.objects.create(name="城区代表团")
    rows = [row(2, "001", "甲"), row(3, "002", "乙", "稠城代表团")]

    assert (
        refusal_of(importing.import_roll, rows, by=make_office(), add_delegations=False)
        == "problems"
    )
    assert not Delegate.objects.exists()


def test_an_import_that_breaks_in_the_middle_writes_nothing_at_all(monkeypatch):
    make_delegates(1)
    office = make_office()
    rows = [row(2, "001", "改名"), row(3, "002", "乙", "稠城代表团")]

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    before = snapshot()
    monkeypatch.setattr(Delegate, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        importing.import_roll(rows, by=office, add_delegations=True)

    assert snapshot() == before


def test_unknown_delegations_are_added_in_the_order_of_the_file_where_that_is_wished():
    Delegation.objects.create(name="城区代表团", position=1)
    rows = [row(2, "001", "甲", "丙团"), row(3, "002", "乙", "甲团"), row(4, "003", "丙", "丙团")]

    plan = importing.import_roll(rows, by=make_office(), add_delegations=True)

    assert plan.new_delegations == ("丙团", "甲团")
    assert [delegation.name for delegation in Delegation.objects.all()] == [
        "城区代表团",
        "丙团",
        "甲团",
    ]
    assert Delegate.objects.get(number="003").delegation.name == "丙团"


def test_the_same_file_a_second_time_changes_nothing():
    rows = [row(2, "001", "甲", order=3), row(3, "002", "乙", phone="13800000000", seat="3排")]
    office = make_office()
    importing.import_roll(rows, by=office, add_delegations=True)
    before = snapshot() | {"ballots_journalentry": []}

    plan = importing.import_roll(rows, by=office, add_delegations=True)

    assert (len(plan.new), len(plan.updated), len(plan.unchanged)) == (0, 0, 2)
    # But that it was imported stands on record.
    assert snapshot() | {"ballots_journalentry": []} == before
    assert JournalEntry.objects.count() == 2


def test_an_import_leaves_status_cards_and_absent_delegates_alone():
    people = make_delegates(2)
    office = make_office()
    cards.issue_cards(people, by=office)
    Delegate.objects.filter(number="001").update(status=Delegate.Status.SUSPENDED)
    numbers = list(Delegate.objects.values_list("card_number", flat=True))

    importing.import_roll([row(2, "001", "改名")], by=office, add_delegations=False)

    assert Delegate.objects.get(number="001").status == Delegate.Status.SUSPENDED
    assert list(Delegate.objects.values_list("card_number", flat=True)) == numbers
    assert Delegate.objects.count() == 2


# --- who is who -----------------------------------------------------------------------------------


def test_a_rename_that_is_not_ticked_leaves_the_whole_row_out():
    # Case 12: the printed card of the first person must not say another name.
    make_delegates(2)
    Delegation.objects.create(name="乙代表团")
    rows = [row(2, "001", "全新人", "乙代表团"), row(3, "002", "代表2", seat="3排")]

    done = importing.import_roll(rows, by=make_office(), add_delegations=False, ticks=[])

    assert [entry.row.line for entry in done.left_out] == [2]
    assert register() == [("001", "代表1", HOME), ("002", "代表2", HOME)]
    assert Delegate.objects.get(number="002").seat == "3排"


def test_a_rename_that_is_ticked_is_written_and_stands_on_record_by_name():
    # Case 12.
    make_delegates(1)
    rows = [row(2, "001", "新名")]

    importing.import_roll(
        rows, by=make_office(), add_delegations=False, ticks=["rename-2"], digest="d" * 64
    )

    entry = JournalEntry.objects.get(poll=None)
    assert register() == [("001", "新名", HOME)]
    assert Delegate.objects.get().name_key == "新名"
    assert entry.data["renamed"] == [["001", "代表1", "新名"]]
    assert entry.data["file"] == "d" * 64
    assert "更名：001 代表1→新名" in record.line(entry)


@pytest.mark.parametrize(("ticks", "number"), [([], "001"), (["number-2"], "1")])
def test_a_number_that_lost_its_zeros_is_its_owners_and_the_register_keeps_its_own(ticks, number):
    # Case 11.
    make_delegates(1)
    Delegate.objects.update(seat="")

    done = importing.import_roll(
        [row(2, "1", "代表1", seat="3排")], by=make_office(), add_delegations=False, ticks=ticks
    )

    delegate = Delegate.objects.get()
    assert not done.new
    assert (delegate.number, delegate.number_key, delegate.seat) == (number, "1", "3排")


def test_a_namesake_is_added_when_he_is_ticked_and_never_asked_for_again():
    # Case 15.
    make_delegates(1)
    office = make_office()
    rows = [row(2, "001", "代表1"), row(3, "007", "代表1")]

    first = importing.import_roll(rows, by=office, add_delegations=False, ticks=[])
    second = importing.import_roll(rows, by=office, add_delegations=False, ticks=["other-3"])
    third = importing.import_roll(rows, by=office, add_delegations=False, ticks=[])

    assert ([len(plan.left_out) for plan in (first, second, third)]) == [1, 0, 0]
    assert Namesakes.objects.count() == 1
    assert JournalEntry.objects.filter(poll=None).order_by("seq")[1].data["told_apart"] == [
        ["007", "001"]
    ]


def test_a_namesake_who_comes_in_between_is_asked_for_before_anything_is_written():
    Delegation.objects.create(name=HOME)
    confirm = previewed(row(2, "002", "甲"))
    Delegate.objects.create(number="001", name="甲", delegation=Delegation.objects.get())

    with pytest.raises(Refused) as refusal:
        confirm()

    assert refusal.value.code == "changed"


def test_two_who_may_vote_right_now_are_not_exchanged_by_one_person():
    stage = make_stage(delegates=2)
    rows = [row(2, "001", "代表2"), row(3, "002", "代表1")]

    done = importing.import_roll(rows, by=stage.office, add_delegations=False)

    assert [entry.row.line for entry in done.left_out] == [2, 3]
    assert register() == [("001", "代表1", HOME), ("002", "代表2", HOME)]


def test_a_status_previewed_before_the_opening_is_refused_after_it_with_the_reason():
    stage = make_stage(delegates=1, open_it=False)
    confirm = previewed(row(2, "001", "代表1", status="suspended"))
    lifecycle.open_poll(stage.poll, by=stage.office)

    with pytest.raises(Refused) as refusal:
        confirm()

    assert refusal.value.code == "voting-since"
    assert Delegate.objects.get().status == "active"


def test_after_an_election_the_new_people_get_the_old_numbers_on_the_way_that_is_named():
    # Those who left keep their cards and rolls, under a number of their own.
    people = make_delegates(3)
    office = make_office()
    rows = [row(2, "001", "新甲"), row(3, "002", "代表3"), row(4, "003", "新丙")]
    delegates.set_status(people, "ended", by=office)
    stuck = importing.import_roll(rows, by=office, add_delegations=False)
    for person in people:
        delegates.change_delegate(person, {"number": f"{person.number}旧"}, by=office)

    done = importing.import_roll(rows, by=office, add_delegations=False, ticks=[])

    assert [entry.row.line for entry in stuck.left_out] == [2, 3, 4]
    assert not done.left_out
    there = list(Delegate.objects.order_by("pk").values_list("number", "name", "status"))
    assert there[:3] == [(f"00{n}旧", f"代表{n}", "ended") for n in (1, 2, 3)]
    assert there[3:] == [
        ("001", "新甲", "active"),
        ("002", "代表3", "active"),
        ("003", "新丙", "active"),
    ]


# --- the last import undone -----------------------------------------------------------------------


def without_the_record() -> dict[str, list[str]]:
    skipped = {"ballots_journalentry", "ballots_register", "sqlite_sequence"}
    return {table: rows for table, rows in snapshot().items() if table not in skipped}


def import_a_bit_of_everything() -> User:
    """Import a roll that adds, renames, renumbers, moves, and tells a namesake apart."""
    make_delegates(3)
    office = make_office()
    import_into_three(office)
    return office


def import_into_three(office: User) -> None:
    rows = [
        row(2, "1", "新名", "乙代表团", phone="13800000000", seat="3排", status="observer"),
        row(3, "002", "代表2", order=9),
        row(4, "009", "代表3"),
        row(5, "010", "十"),
    ]
    import_file(rows, by=office)


def import_file(rows: list[RollRow], *, by: User) -> ImportPlan:
    return importing.import_roll(rows, by=by, add_delegations=True, digest="f" * 64)


def last_import() -> int:
    return JournalEntry.objects.filter(kind="roll-imported").latest("seq").seq


def undo(office: User) -> RollImport:
    return importing.undo_import(last_import(), by=office)


def test_an_import_that_is_undone_leaves_everything_exactly_as_it_was():
    # Case 11.
    make_delegates(3)
    office = make_office()
    before = without_the_record()
    import_into_three(office)
    during = without_the_record()

    undone = undo(office)

    entry = JournalEntry.objects.get(kind="import-undone")
    assert without_the_record() == before != during
    assert len(undone.changes["added"]) == 2
    assert record.line(entry) == "新增人数：2；更新人数：2"
    assert journal.first_broken(None) is None


def test_only_the_last_import_is_undone_and_only_once():
    office = import_a_bit_of_everything()
    import_file([row(2, "002", "代表2", seat="5排")], by=office)

    undo(office)

    assert Delegate.objects.filter(number="010").exists()
    assert refusal_of(undo, office) == "nothing-to-undo"


def test_an_import_that_changed_nothing_leaves_the_one_before_to_be_undone():
    office = import_a_bit_of_everything()
    shown = last_import()
    import_file([row(2, "010", "十", "城区代表团")], by=office)

    assert len(importing.undo_import(shown, by=office).changes["added"]) == 2


def test_what_a_command_imports_takes_nobodys_undo_away():
    office = import_a_bit_of_everything()
    shown = last_import()
    importing.import_roll([row(2, "801", "演练")], by=office, add_delegations=False)

    assert len(importing.undo_import(shown, by=office).changes["added"]) == 2


def card_for(number: str) -> Callable[[User], Any]:
    return lambda office: cards.issue_cards([Delegate.objects.get(number=number)], by=office)


@pytest.mark.parametrize(
    ("use", "code"),
    [
        (card_for("010"), "used-since"),
        (lambda office: roll.draw_up_roll(make_poll(), by=office), "used-since"),
        (
            lambda office: Recommendation.objects.create(
                poll=make_poll(), delegate=Delegate.objects.get(number="010"), title="公园"
            ),
            "used-since",
        ),
        (lambda office: Delegate.objects.filter(number="1").update(seat="9排"), "changed-since"),
        (lambda office: Delegate.objects.filter(number="010").update(phone="1"), "changed-since"),
        (lambda office: Delegate.objects.filter(number="010").delete(), "changed-since"),
        (
            lambda office: Delegate.objects.filter(number="003").update(
                delegation=Delegation.objects.get(name="乙代表团")
            ),
            "delegation-used",
        ),
    ],
    ids=["a card", "a roll", "a recommendation", "changed", "new changed", "deleted", "delegation"],
)
def test_an_import_of_which_something_is_used_is_not_undone(use, code):
    office = import_a_bit_of_everything()
    use(office)
    before = register()

    assert refusal_of(undo, office) == code
    assert register() == before


def test_an_import_that_renamed_somebody_whose_card_was_replaced_since_is_not_undone():
    people = make_delegates(2)
    office = make_office()
    cards.issue_cards(people, by=office)
    import_file([row(2, "001", "新名"), row(3, "002", "代表2", seat="1排")], by=office)
    cards.reissue_card(people[1], reason="遗失", by=office)
    undo(office)
    import_file([row(2, "001", "新名")], by=office)
    cards.reissue_card(people[0], reason="更名", by=office)

    assert refusal_of(undo, office) == "used-since"


@pytest.mark.parametrize("late", ["still open", "closed since"])
def test_an_import_is_not_undone_for_whoever_was_added_to_a_roll_since(late):
    # He was let in by the import, and two people have put him on the roll of an open poll.
    stage = make_stage(delegates=2, delegates_total=3)
    Delegate.objects.create(
        number="006", name="补", delegation=Delegation.objects.get(), status="suspended"
    )
    import_file([row(2, "006", "补", status="active")], by=stage.office)
    roll.add_to_roll(
        stage.poll,
        delegate=Delegate.objects.get(number="006"),
        reason="补选",
        by=stage.office,
        second=stage.chief,
    )
    if late == "closed since":
        stage.close()

    assert refusal_of(undo, stage.office) == "used-since"
    assert Delegate.objects.get(number="006").status == "active"


def test_an_import_is_undone_for_whoever_stood_on_a_roll_that_was_closed_before_it():
    stage = make_stage(delegates=1)
    stage.close()
    import_file([row(2, "001", "新名")], by=stage.office)

    undo(stage.office)

    assert register() == [("001", "代表1", HOME)]


def delete_the_old(home: Delegation, other: Delegation, office: User) -> None:
    delegates.delete_delegation(home, by=office)


def merge_into_the_new(home: Delegation, other: Delegation, office: User) -> None:
    delegates.merge_delegations([home, other], into=other, by=office)


@pytest.mark.parametrize("lose", [delete_the_old, merge_into_the_new])
def test_nobody_is_sent_back_to_a_delegation_that_is_gone(lose):
    make_delegates(1)
    office = make_office()
    other = Delegation.objects.create(name="乙代表团")
    import_file([row(2, "001", "代表1", "乙代表团")], by=office)
    lose(Delegation.objects.get(name=HOME), other, office)

    assert refusal_of(undo, office) == "delegation-gone"
    assert register() == [("001", "代表1", "乙代表团")]


def test_only_the_import_that_was_shown_is_undone():
    office = import_a_bit_of_everything()
    shown = last_import()
    import_file([row(2, "002", "代表2", seat="5排")], by=office)

    assert refusal_of(importing.undo_import, shown, by=office) == "another-import"
    assert Delegate.objects.get(number="002").seat == "5排"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_undo_at_once_one_is_told(monkeypatch):
    office = import_a_bit_of_everything()
    race = Race()
    stop_in(race, monkeypatch, importing, "_used")
    shown = last_import()
    press = lambda: importing.undo_import(shown, by=office)  # noqa: E731

    assert codes(list(race.play(press, press))) == {"ok": 1, "nothing-to-undo": 1}
