"""The office's pages of delegates and delegations: typed, found, sorted, deleted, merged."""

import pytest
from django.urls import reverse

from ballots.acts import cards, roll
from ballots.acts import delegates as acts
from ballots.facts import register
from ballots.facts.record import in_words
from ballots.models import AccessCard, Delegate, Delegation, JournalEntry
from ballots.pure import roll_table
from tests.helpers.desk import desk_of, fields_of, messages_of
from tests.helpers.factories import make_delegates, make_poll, make_stage

pytestmark = pytest.mark.django_db

LIST = "admin:ballots_delegate_changelist"


def typed(desk, **fields: object):
    """Send the form of a new delegate, with `fields` typed into it."""
    address = reverse("admin:ballots_delegate_add")
    form = desk.get(address).context["adminform"].form
    filled = {name: form[name].value() for name in form.fields}
    home = Delegation.objects.get_or_create(name="甲代表团")[0]
    given = filled | {"number": "009", "name": "张三", "delegation": home.pk} | fields
    return desk.post(address, {name: value for name, value in given.items() if value is not None})


def faults(reply) -> list[str]:
    return [
        str(fault) for found in reply.context["adminform"].form.errors.values() for fault in found
    ]


# --- typed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["００１", "0 01", "001\u200b", "1", "０１"])
def test_a_number_that_is_somebodys_to_the_eye_is_refused_with_his_name(desk, number):
    # Case 16.
    make_delegates(1)

    assert faults(typed(desk, number=number)) == [
        "代表证号与代表1（001）相同（前导零、全角、大小写和连字符不作区分）。"
    ]


@pytest.mark.parametrize("field", ["number", "name"])
@pytest.mark.parametrize("blank", ["\u200b", "\u3164", " \u202e "])
def test_what_nobody_can_see_is_no_number_and_no_name(desk, field, blank):
    # Case 16.
    assert faults(typed(desk, **{field: blank})) == ["这个字段是必填项。"]
    assert not Delegate.objects.exists()


def test_what_is_typed_is_kept_in_its_normal_form(desk):
    # Case 16.
    typed(
        desk, number="Ａ－０１", name="张\u202e 三", phone="+86 138 0000 0000", seat="３排\u200b5座"
    )

    delegate = Delegate.objects.get()
    assert (delegate.number, delegate.name) == ("A-01", "张三")
    assert (delegate.phone, delegate.seat) == ("13800000000", "３排5座")
    assert JournalEntry.objects.get(poll=None).kind == "delegate-added"


def test_a_member_of_the_standing_committee_is_marked_found_and_on_record(desk):
    one, other = make_delegates(2)
    typed(desk, number="003", on_committee="on")
    columns = {name: getattr(one, name) for name in ("number", "name", "position")}
    address = reverse("admin:ballots_delegate_change", args=[one.pk])
    desk.post(address, columns | {"delegation": one.delegation_id, "on_committee": "on"})

    told = [in_words(entry) for entry in JournalEntry.objects.filter(poll=None).order_by("seq")]
    assert told[0].endswith("；常委会组成人员")
    assert told[1].endswith("常委会组成人员：否→是")
    page = desk.get(reverse("admin:ballots_delegate_changelist"), {"on_committee__exact": "1"})
    assert {delegate.number for delegate in page.context["cl"].queryset} == {"001", "003"}
    assert other.name not in page.text


@pytest.mark.parametrize(
    ("phone", "kept"), [("abc", None), ("1380000000", None), ("0579-85123456", "0579-85123456")]
)
def test_a_telephone_number_is_checked_as_in_an_import(desk, phone, kept):
    # Case 16.
    reply = typed(desk, phone=phone)

    assert [each.phone for each in Delegate.objects.all()] == ([kept] if kept else [])
    assert kept or faults(reply) == ["请填写一个11位手机号，或带区号的固定电话。"]


@pytest.mark.parametrize(
    ("field", "text", "column"),
    [
        ("number", "1月2日", "代表证号"),
        ("number", "＃N/A", "代表证号"),
        ("name", "张\ufffd", "姓名"),
        ("name", "同上", "姓名"),
        ("seat", "5-Mar", "座位"),
    ],
)
def test_what_no_table_takes_the_form_does_not_take_either(desk, field, text, column):
    (told,) = faults(typed(desk, **{field: text}))

    assert told.endswith(f"”不能用作{column}，请核对后填写。")
    assert not Delegate.objects.exists()


@pytest.mark.parametrize("position", ["1000000", "9999999", "99999999999", "9" * 30])
def test_no_place_is_farther_out_than_a_table_can_say(desk, position):
    assert faults(typed(desk, position=position)) == ["确保该值小于或等于999999。"]
    assert not Delegate.objects.exists()


def test_the_last_place_of_the_form_is_taken_from_a_table_too(desk):
    typed(desk, position="999999")

    person = register.person_of(register.delegates().get())
    (row,) = roll_table.parse(roll_table.register_xlsx([person])).rows

    assert (person.order, row.order) == (999_999, 999_999)


def test_a_text_far_too_long_is_refused_before_it_is_looked_at(desk):
    assert len(faults(typed(desk, name="a" + "\u0301" * 50_000))) == 1


@pytest.mark.parametrize("name", ["第１代表团", "第1代表团\u200b", "第 1 代表团"])
def test_a_delegation_that_looks_like_another_is_refused_with_its_name(desk, name):
    # Case 16.
    Delegation.objects.create(name="第1代表团")

    reply = desk.post(reverse("admin:ballots_delegation_add"), {"name": name, "position": 1})

    assert faults(reply) == ["已有代表团“第1代表团”，看上去是同一个名称。"]


def test_a_change_of_a_delegate_stands_on_record_and_his_status_is_no_field_of_it(desk):
    [delegate] = make_delegates(1)
    address = reverse("admin:ballots_delegate_change", args=[delegate.pk])

    desk.post(address, fields_of(desk.get(address)) | {"name": "新名", "status": "ended"})

    delegate.refresh_from_db()
    assert (delegate.name, delegate.status) == ("新名", "active")
    assert JournalEntry.objects.get(poll=None).data["changes"] == [["姓名", "代表1", "新名"]]


@pytest.mark.parametrize(("field", "typed"), [("number", "99"), ("name", "新名")])
def test_the_form_says_what_to_do_about_somebody_who_may_vote_right_now(field, typed):
    stage = make_stage(delegates=1)
    desk = desk_of(stage.office)
    address = reverse("admin:ballots_delegate_change", args=[stage.delegates[0].pk])

    reply = desk.post(address, fields_of(desk.get(address)) | {field: "九九"})
    other = desk.post(address, fields_of(desk.get(address)) | {"seat": "3排"})

    assert faults(reply) == [
        "代表1（001）在正在进行的票决的名册上，姓名和代表证号不能更改，请在公布后更正。"
        "卡片有误的，可以发新卡；应由另一人投票的，请新增该代表并增补到名册（均须两人签名）。"
    ]
    assert other.status_code == 302


# --- found and sorted -----------------------------------------------------------------------------


@pytest.fixture
def people(db) -> None:
    home = Delegation.objects.create(name="第1代表团（城区）")
    other = Delegation.objects.create(name="乡镇代表团")
    for number, name, where in [
        ("0501", "阿卜杜·示例", home),
        ("A-12", "𠮷某", other),
        ("10", "䶮某", other),
        ("9", "李四", other),
    ]:
        Delegate.objects.create(number=number, name=name, delegation=where)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        # Case 46.
        ("５０１", ["0501"]),
        ("501", ["0501"]),
        ("阿卜杜•示例", ["0501"]),
        ("阿卜杜・示例", ["0501"]),
        ("阿卜杜示例", ["0501"]),
        ("卜杜 示", ["0501"]),
        ("示例\u200b", ["0501"]),
        ("第１代表团(城区)", ["0501"]),
        ("a12", ["A-12"]),
        ("𠮷", ["A-12"]),
        ("䶮", ["10"]),
        ("乡镇 某", ["A-12", "10"]),
        ("没有", []),
        ("x" * 100, []),
    ],
)
def test_a_delegate_is_found_however_he_is_typed(desk, people, asked, found):
    poll = make_poll()
    roll.draw_up_roll(poll, by=desk_user(desk))

    page = desk.get(reverse(LIST), {"q": asked})
    on_roll = desk.get(reverse("admin:ballots_rollentry_changelist"), {"q": asked})

    assert {each.number for each in page.context["cl"].queryset} == set(found)
    assert {each.number for each in on_roll.context["cl"].queryset} == set(found)


def desk_user(desk):
    return desk.get(reverse("admin:index")).context["user"]


def test_numbers_sort_as_numbers_on_the_list(desk, people):
    # Case 50.
    page = desk.get(reverse(LIST), {"o": "1"})

    assert [each.number for each in page.context["cl"].result_list] == ["9", "10", "0501", "A-12"]


# --- deleted and merged ---------------------------------------------------------------------------


def test_delegates_to_whom_nothing_refers_are_deleted_one_by_one_or_many_at_once(desk):
    # Case 17.
    people = make_delegates(4)
    one = reverse("admin:ballots_delegate_delete", args=[people[0].pk])
    many = {"action": "delete_selected", "_selected_action": [each.pk for each in people[1:]]}

    desk.post(one, {"post": "yes"})
    desk.post(reverse(LIST), many | {"post": "yes"})

    assert not Delegate.objects.exists()
    assert [len(entry.data["people"]) for entry in JournalEntry.objects.order_by("seq")] == [1, 3]


@pytest.mark.parametrize("held_by", ["a card", "a roll"])
def test_a_delegate_to_whom_something_refers_is_not_deleted_and_the_page_says_why(
    desk, clerk, held_by
):
    # Case 17.
    people = make_delegates(2)
    if held_by == "a card":
        cards.issue_cards(people[:1], by=clerk)
    else:
        roll.draw_up_roll(make_poll(), by=clerk)
    one = reverse("admin:ballots_delegate_delete", args=[people[0].pk])
    many = {"action": "delete_selected", "_selected_action": [each.pk for each in people]}

    replies = [
        desk.get(one, follow=True),
        desk.post(one, {"post": "yes"}, follow=True),
        desk.post(reverse(LIST), many, follow=True),
        desk.post(reverse(LIST), many | {"post": "yes"}, follow=True),
    ]

    assert {tuple(messages_of(reply)) for reply in replies} == {
        (
            "代表1（001）已发过卡、列入过名册或有会前推荐，不能删除，可以将状态改为“终止”。"
            "只列在尚未开始的票决的名册上的，改为“终止”、更新名册之后就能删除。",
        )
    }
    assert Delegate.objects.count() == 2


def test_whoever_was_added_by_mistake_and_stands_on_a_draft_roll_can_be_got_rid_of(desk, clerk):
    [mistake] = make_delegates(1)
    poll = make_poll()
    roll.draw_up_roll(poll, by=clerk)
    one = reverse("admin:ballots_delegate_delete", args=[mistake.pk])

    acts.set_status([mistake], "ended", by=clerk)
    roll.draw_up_roll(poll, by=clerk)
    page = desk.get(one)
    desk.post(one, {"post": "yes"})

    assert "代表1（001）" in page.text
    assert not Delegate.objects.exists()


def test_whoever_was_told_apart_from_somebody_is_deleted_without_a_word_of_it(desk, clerk):
    one, other = make_delegates(2)
    Delegate.objects.filter(pk=other.pk).update(name=one.name, name_key=one.name_key)
    acts.tell_apart([frozenset({one.pk, other.pk})], by=clerk)
    many = {"action": "delete_selected", "_selected_action": [one.pk]}

    page = desk.post(reverse(LIST), many)
    desk.post(reverse(LIST), many | {"post": "yes"})

    assert "amesakes" not in page.text
    assert list(Delegate.objects.all()) == [other]


def test_a_delegation_with_people_is_not_deleted_and_the_page_says_why(desk):
    home = make_delegates(1)[0].delegation
    one = reverse("admin:ballots_delegation_delete", args=[home.pk])
    many = {"action": "delete_selected", "_selected_action": [home.pk]}

    replies = [
        desk.get(one, follow=True),
        desk.post(one, {"post": "yes"}, follow=True),
        desk.post(reverse("admin:ballots_delegation_changelist"), many, follow=True),
    ]

    assert {tuple(messages_of(reply)) for reply in replies} == {
        ("“城区代表团”还有代表，不能删除；可以合并到另一个代表团。",)
    }


def test_a_card_is_called_by_its_holder(clerk):
    cards.issue_cards(make_delegates(1), by=clerk)

    assert str(AccessCard.objects.get()) == "代表1（001）"


def test_empty_delegations_are_deleted_and_others_merged(desk):
    # Case 17.
    make_delegates(2)
    make_delegates(1, delegation="第二代表团")
    empty = Delegation.objects.create(name="空代表团")
    chosen = list(Delegation.objects.exclude(pk=empty.pk).order_by("pk"))
    merge = {"action": "merge", "_selected_action": [each.pk for each in chosen]}

    desk.post(reverse("admin:ballots_delegation_delete", args=[empty.pk]), {"post": "yes"})
    page = desk.post(reverse("admin:ballots_delegation_changelist"), merge)
    done = desk.post(
        reverse("admin:ballots_delegation_merge"),
        {"ids": page.context["chosen"]["ids"].value(), "into": chosen[0].pk},
        follow=True,
    )

    assert messages_of(done) == ["已合并到“城区代表团”，转入1人。"]
    assert list(Delegation.objects.all()) == chosen[:1]


def test_a_merger_of_one_leads_back_to_the_list(desk):
    home = make_delegates(1)[0].delegation

    reply = desk.post(reverse("admin:ballots_delegation_merge"), {"ids": home.pk}, follow=True)

    assert messages_of(reply) == ["请先勾选至少两个代表团。"]
