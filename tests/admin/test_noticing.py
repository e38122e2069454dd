"""Forms that notice that somebody else has saved meanwhile: nothing is overwritten unseen."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from ballots.models import Announcement, Delegation
from projects.models import Poll, Project, Target
from tests.helpers.browsing import posted, read
from tests.helpers.desk import at, desk_of, fields_of, messages_of
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_poll,
    make_scrutineer,
    make_sub_item,
)
from tests.helpers.figures import adopted, make_counted

pytestmark = pytest.mark.django_db


def office(name: str, *, family: str = "", given: str = "") -> Client:
    user = make_office(name)
    user.last_name, user.first_name = family, given
    user.save()
    return desk_of(user)


def rows() -> dict[str, tuple[str, str, str, str]]:
    """Return a row of each kind: its page, a field, and what each of two clerks types there."""
    poll = make_poll(candidates=2)
    [delegate] = make_delegates(1)

    def page(row: Any) -> str:
        return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])

    return {
        "the rules": (page(poll), "rules_name", "甲的办法", "乙的办法"),
        "a candidate": (page(poll.projects.get(number=1)), "title", "甲的项目", "乙的项目"),
        "a delegate": (page(delegate), "name", "张三", "李四"),
        "a delegation": (page(delegate.delegation), "name", "城东代表团", "城西代表团"),
    }


def faults(reply: Any) -> dict[str, list[str]]:
    return dict(reply.context["adminform"].form.errors)


@pytest.mark.parametrize("kind", ["the rules", "a candidate", "a delegate", "a delegation"])
def test_whoever_saves_second_is_told_by_whom_and_what_and_loses_nothing(kind):
    """Case 24, and every other page on which two people may type at once."""
    first, second = office("first", family="王", given="小明"), office("second")
    page, field, theirs, mine = rows()[kind]
    of_first, of_second = fields_of(first.get(page)), fields_of(second.get(page))

    assert first.post(page, of_first | {field: theirs}).status_code == 302
    refused = second.post(page, of_second | {field: mine})

    found = faults(refused)
    assert found[field] == [f"刚才已改为“{theirs}”，您填的是“{mine}”。"]
    [whole] = found["__all__"]
    assert whole.startswith("没有保存：您打开本页之后，刚才由王小明（")
    assert f'value="{mine}"' in refused.text

    again = second.post(page, fields_of(refused))

    assert again.status_code == 302
    assert fields_of(second.get(page))[field] == mine


def test_another_field_that_somebody_saved_is_not_set_back():
    first, second = office("first"), office("second")
    page, *_rest = rows()["the rules"]
    of_first, of_second = fields_of(first.get(page)), fields_of(second.get(page))
    first.post(page, of_first | {"majority": "none", "places": 3})

    refused = second.post(page, of_second | {"phone": "0579-1"})

    assert set(faults(refused)) == {"majority", "places", "__all__"}
    assert faults(refused)["majority"] == ["刚才已改为“不要求过半数”，您填的是“全体代表的过半数”。"]
    assert (Poll.objects.get().majority, Poll.objects.get().phone) == ("none", "0579-12345678")


def test_a_change_that_no_page_has_made_is_noticed_too():
    page, *_rest = rows()["a candidate"]
    desk = office("desk")
    seen = fields_of(desk.get(page))
    Project.objects.filter(number=1).update(text="导入的内容")

    refused = desk.post(page, seen)

    assert faults(refused)["text"] == ["刚才已改为“导入的内容”，您填的是“建设内容1。”。"]
    assert faults(refused)["__all__"][0].startswith("没有保存：您打开本页之后，有人保存过。")


def test_targets_that_somebody_changed_are_part_of_their_candidate():
    page, *_rest = rows()["a candidate"]
    desk = office("desk")
    seen = fields_of(desk.get(page))
    Target.objects.filter(project__number=1).update(quantity=77)

    make_sub_item(Project.objects.get(number=1))

    refused = desk.post(page, seen | {"title": "另一项", "targets-0-text": "改建"})

    told = faults(refused)["__all__"]
    assert "年度目标刚才已改为“新建77处”，您填的仍在下面。" in told
    assert "子项刚才已改为“新建停车楼，1,200万元”，您填的仍在下面。" in told
    assert 'value="改建"' in refused.text
    assert Target.objects.get(project__number=1).text == "新建"


def import_another_target(_first: Client, _page: str) -> None:
    """A table writes the targets of a candidate anew: none of the rows that a page showed is left."""
    project = Project.objects.get(number=1)
    project.targets.all().delete()
    Target.objects.create(project=project, position=1, text="改建", quantity=8, unit="处")


def delete_the_target(first: Client, page: str) -> None:
    first.post(page, fields_of(first.get(page)) | {"targets-0-DELETE": "on"})


def add_a_target(first: Client, page: str) -> None:
    first.post(page, fields_of(first.get(page)) | {"targets-1-text": "扩建"})


# What a clerk did to the targets, and which there are after the second press of somebody else, who
# has typed one more, with their positions.
TOUCHED: dict[str, tuple[Callable[[Client, str], None], list[tuple[int, str]]]] = {
    "imported": (import_another_target, [(1, "改建8处"), (2, "新建1处"), (3, "我加的")]),
    "deleted": (delete_the_target, [(1, "新建1处"), (2, "我加的")]),
    "added": (add_a_target, [(1, "新建1处"), (2, "扩建"), (3, "我加的")]),
}


@pytest.mark.parametrize("touched", TOUCHED)
def test_targets_that_somebody_else_touched_can_be_saved_at_the_second_press(touched):
    """Case 24: the lines of a page are those of then; what was typed is saved all the same."""
    first, second = office("first"), office("second")
    page, *_rest = rows()["a candidate"]
    typed = fields_of(second.get(page)) | {"targets-1-text": "我加的", "title": "我的项目"}
    touch, after = TOUCHED[touched]
    touch(first, page)

    refused = second.post(page, typed)
    assert refused.status_code == 200
    assert faults(refused)["__all__"][-1].startswith("没有保存：您打开本页之后，")
    assert not any(inline.formset.errors[0] for inline in refused.context["inline_admin_formsets"])
    again = second.post(page, fields_of(refused))

    assert again.status_code == 302, again.context["inline_admin_formsets"][0].formset.errors
    project = Project.objects.get(number=1)
    assert project.title == "我的项目"
    assert [(line.position, str(line)) for line in project.targets.all()] == after


def test_positions_that_moved_leave_the_blank_lines_blank():
    """The page offers a blank line the next position of then, which is not that of now."""
    page, *_rest = rows()["a candidate"]
    desk = office("desk")
    seen = fields_of(desk.get(page))
    Target.objects.filter(project__number=1).update(position=9)

    assert desk.post(page, seen | {"title": "我的项目"}).status_code == 302
    assert Project.objects.get(number=1).targets.count() == 1


def test_the_same_target_typed_by_two_is_one():
    """Sent twice, or both typed the same: there is one such line, not two."""
    first, second = office("first"), office("second")
    page, *_rest = rows()["a candidate"]
    typed = fields_of(second.get(page)) | {"targets-1-text": "扩建", "targets-1-quantity": "2.50"}
    first.post(page, typed | {"targets-1-quantity": "2.5"})

    again = second.post(page, fields_of(second.post(page, typed)))

    assert again.status_code == 302
    assert [str(line) for line in Project.objects.get(number=1).targets.all()] == [
        "新建1处", "扩建2.5",
    ]  # fmt: skip


@pytest.mark.parametrize("total", ["", "nonsense", "-1", "99999999", "2000"])
def test_a_form_whose_lines_nobody_can_count_is_no_error_page(total):
    page, *_rest = rows()["a candidate"]
    desk = office("desk")

    reply = desk.post(page, fields_of(desk.get(page)) | {"targets-TOTAL_FORMS": total})

    assert reply.status_code in (200, 302)
    assert Target.objects.filter(project__number=1).count() == 1


@pytest.mark.parametrize("pk", ["nonsense", "0", "9" * 30, "-1"])
def test_a_line_that_names_no_target_is_a_new_one(pk):
    page, *_rest = rows()["a candidate"]
    desk = office("desk")

    reply = desk.post(page, fields_of(desk.get(page)) | {"targets-0-id": pk, "shown": ""})

    assert reply.status_code == 302
    # What the page did not show is left alone; the same line is not there twice.
    assert [str(line) for line in Project.objects.get(number=1).targets.all()] == ["新建1处"]


def test_a_form_that_is_sent_twice_is_saved_once_without_a_word():
    page, field, mine, _other = rows()["the rules"]
    desk = office("desk")
    seen = fields_of(desk.get(page)) | {field: mine}

    assert [desk.post(page, seen).status_code for _ in range(2)] == [302, 302]


@pytest.mark.parametrize("shown", ["", "nonsense", "{}", '{"at":1,"was":{}}', "[" * 5000])
def test_what_no_page_has_carried_is_taken_as_it_is(shown):
    page, field, mine, _other = rows()["a delegation"]
    desk = office("desk")

    reply = desk.post(page, fields_of(desk.get(page)) | {field: mine, "shown": shown})

    assert reply.status_code == 302
    assert Delegation.objects.get().name == mine


@pytest.mark.parametrize("kind", ["the rules", "a candidate", "a delegate", "a delegation"])
def test_whoever_may_only_look_sees_no_hidden_field(kind):
    page, *_rest = rows()[kind]

    reply = desk_of(make_scrutineer()).get(page)

    assert reply.status_code == 200
    assert 'name="shown"' not in reply.text


def test_the_words_of_a_notice_are_not_written_over_unseen():
    poll = make_counted(*adopted(1), places=1)
    first, second = office("first"), office("second")
    address = at(poll, "notice")

    def form_of(desk: Client) -> dict[str, list[str]]:
        return posted(read(desk.get(address)).forms[0])

    of_first, of_second = form_of(first), form_of(second)
    assert messages_of(first.post(address, of_first | {"title": "甲的标题"}, follow=True))
    refused = second.post(address, of_second | {"title": "乙的标题"})

    assert "刚才已改为“甲的标题”，您填的是“乙的标题”。" in refused.text
    assert Announcement.objects.get().title == "甲的标题"

    second.post(address, posted(read(refused).forms[0]))
    assert Announcement.objects.get().title == "乙的标题"


def test_the_log_of_a_save_names_what_was_changed_and_nothing_else():
    page, field, mine, _other = rows()["the rules"]
    desk = office("desk")

    desk.post(page, fields_of(desk.get(page)) | {field: mine})

    [entry] = LogEntry.objects.all()
    assert json.loads(entry.change_message) == [{"changed": {"fields": ["表决办法名称"]}}]
