"""Forms that notice that somebody else has saved meanwhile: nothing is overwritten unseen."""

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from ballots.models import Announcement, Delegation
from projects.models import Poll, Project, Target
from tests.helpers.browsing import posted, read
from tests.helpers.desk import at, desk_of, fields_of, messages_of
from tests.helpers.factories import make_delegates, make_office, make_poll, make_scrutineer
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

    refused = desk.post(page, seen | {"title": "另一项", "targets-0-text": "改建"})

    assert "年度目标刚才已改为“新建77处”，您填的仍在下面。" in faults(refused)["__all__"]
    assert 'value="改建"' in refused.text
    assert Target.objects.get(project__number=1).text == "新建"


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
