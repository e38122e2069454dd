"""The admin's pages as a whole, and the records that nobody changes."""

from itertools import count

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.urls import reverse

from ballots import roles
from ballots.acts import cards, ceremony, roll
from ballots.models import JournalEntry
from projects.models import Poll
from tests.helpers.desk import at, desk_of, queries_of
from tests.helpers.factories import (
    make_delegates,
    make_office,
    make_poll,
    make_project,
    make_staff,
)
from tests.helpers.looking import MARKS
from tests.helpers.reading import texts_of

pytestmark = pytest.mark.django_db


_place = count(1)


LISTS = [model for model, page in admin.site._registry.items() if page.search_fields]
TOO_LONG = "查找的内容太长，没有查找，下面是全部内容。最多100个字、10个词。"


def found(client, address: str, **query: str):
    return client.get(address, query, follow=True)


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label_lower)
def test_a_search_far_too_long_is_said_to_be_and_not_made(client, model):
    client.force_login(User.objects.create_superuser("seeker"))
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")

    for searched in (MARKS, "%" * 60_000, "字" * 101, " ".join("字" * 11), '"a" ' * 11):
        reply = found(client, address, q=searched)
        assert reply.redirect_chain == [(address, 302)]
        assert TOO_LONG in reply.text
    assert TOO_LONG in found(client, address, pk__in="1," * 5_000).text
    for searched in ("字" * 100, " ".join("字" * 10)):
        reply = found(client, address, q=searched)
        assert (reply.status_code, reply.redirect_chain) == (200, [])
        assert TOO_LONG not in reply.text


def test_an_offer_of_names_for_what_is_far_too_long_is_refused(desk):
    reply = desk.get(reverse("admin:autocomplete"), {"term": "字" * 101})

    assert (reply.status_code, reply.text) == (400, TOO_LONG)


@pytest.mark.parametrize(
    ("is_superuser", "told"),
    [(True, "您的账号是系统管理员"), (False, "您的账号不属于会务、监票任何一组")],
)
def test_whoever_has_no_office_is_told_why_nothing_can_be_done(client, is_superuser, told):
    user = make_staff()
    user.is_superuser = is_superuser
    user.save()
    client.force_login(user)

    page = client.get(reverse("admin:index"))

    assert told in page.text


@pytest.mark.parametrize(
    "name",
    [
        "projects_poll_changelist",
        "projects_project_changelist",
        "ballots_delegate_changelist",
        "ballots_delegate_issue",
        "ballots_delegation_changelist",
        "ballots_rollentry_changelist",
        "ballots_journalentry_changelist",
        "ballots_pollday_changelist",
        "index",
    ],
)
def test_lists_ask_the_database_no_more_often_when_there_is_more_in_them(desk, clerk, name):
    address = reverse(f"admin:{name}")

    def fill(number: int) -> None:
        for _ in range(number):
            poll = make_poll(kind=Poll.Kind.REHEARSAL, candidates=0, delegates_total=99)
            make_delegates(1, delegation=f"第{next(_place)}代表团")
            make_project(poll, 1)
            roll.draw_up_roll(poll, by=clerk)

    fill(5)
    with_five = len(queries_of(desk, address))
    fill(35)

    assert len(queries_of(desk, address)) == with_five


def test_the_name_of_an_account_that_has_signed_is_kept(stage):
    boss = User.objects.create_superuser("root", password="root-password")
    client = desk_of(boss)
    unsigned = make_office("newcomer")

    signed = client.get(f"/admin/auth/user/{stage.office.pk}/change/").text
    other = client.get(f"/admin/auth/user/{unsigned.pk}/change/").text

    assert 'name="username"' not in signed
    assert 'name="username"' in other


# Case 47: accounts have a family name and a given one.


@pytest.mark.parametrize(
    ("family", "given", "named"),
    [
        ("王", "小明", "王小明"),
        ("欧阳", "娜娜", "欧阳娜娜"),
        ("", "王小明", "王小明"),
        ("王小明", "", "王小明"),
        ("Smith", "John", "John Smith"),
        ("", "John Smith", "John Smith"),
        ("", "", "clerk"),
    ],
)
def test_a_name_is_said_family_name_first_and_letters_keep_their_blank(family, given, named):
    assert roles.named(User(username="clerk", last_name=family, first_name=given)) == named


def test_every_page_of_the_office_says_the_family_name_first(stage):
    boss = User.objects.create_superuser(
        "root", password="root-password", last_name="李", first_name="大为"
    )
    User.objects.filter(pk=stage.office.pk).update(last_name="王", first_name="小明")
    desk = desk_of(User.objects.get(pk=stage.office.pk))
    log = LogEntry.objects.log_actions(stage.office.pk, [stage.poll], 2, change_message="改了电话")
    entry = JournalEntry.objects.filter(by=stage.office).earliest("pk")
    pages = [
        reverse("admin:index"),
        at(stage.poll),
        at(stage.poll, "journal"),
        reverse("admin:ballots_journalentry_changelist"),
        reverse("admin:ballots_journalentry_change", args=[entry.pk]),
        reverse("admin:projects_poll_history", args=[stage.poll.pk]),
    ]

    assert log
    for page in pages:
        text = desk.get(page).text
        assert "王小明" in text, page
        assert "小明 王" not in text, page
    assert "王小明" in desk_of(boss).get(reverse("admin:auth_user_changelist")).text
    form = desk_of(boss).get(reverse("admin:auth_user_change", args=[boss.pk])).text
    assert 0 < form.index('name="last_name"') < form.index('name="first_name"')


def test_the_record_of_delegates_and_cards_has_its_filter_and_its_file(desk, clerk):
    stage_of_another = make_poll()
    cards.issue_cards(make_delegates(2), by=clerk)
    ceremony.make_key(stage_of_another, holders=["甲", "乙", "丙"], threshold=2, by=clerk)

    page = desk.get(reverse("admin:ballots_journalentry_changelist"), {"poll__isnull": "True"})
    file = desk.get(reverse("admin:ballots_journalentry_register"))

    assert [entry.kind for entry in page.context["cl"].queryset] == ["cards-issued"]
    assert page.text.count("代表名录") >= 2
    lines = file.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "序号,时间,操作人,操作,对象,说明,校验码"
    assert ",发卡,,发卡张数：2," in lines[1]
    assert len(lines) == 2


# Accounts are seen by superusers alone, and Django itself asks nothing of a password.
@pytest.mark.parametrize(
    "model",
    [model for model in LISTS if model._meta.app_label != "auth"],
    ids=lambda model: model._meta.label_lower,
)
def test_no_list_is_filtered_but_by_its_filters(client, model):
    """By halving an address could else tell the number of a card, or the key of the hall's screen."""
    client.force_login(User.objects.create_superuser("seeker"))
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")

    for column in model._meta.concrete_fields:
        for question in ("startswith", "gt", "regex"):
            reply = client.get(address, {f"{column.name}__{question}": "1"})
            assert reply.status_code in {302, 400}, column.name


FRAMEWORK = (
    "你",
    "增加 ",
    "来修改",
    "注销",
    "无可选的",
    "过滤器",
    "动作",
    "administration",
    "Django",
)


def test_no_list_or_form_speaks_as_the_framework_does(stage):
    boss = User.objects.create_superuser("root", last_name="李", first_name="大为")
    desk, boss_desk = desk_of(stage.office), desk_of(boss)
    LogEntry.objects.all().delete()
    names = [(model._meta.app_label, model._meta.model_name) for model in admin.site._registry]
    lists = [reverse("admin:{}_{}_changelist".format(*name)) for name in names]
    forms = [reverse(f"admin:{name}_add") for name in ("ballots_delegate", "projects_project")]

    pages = [desk.get(page) for page in (*forms, reverse("admin:password_change"))]
    pages += [boss_desk.get(page, follow=True) for page in (reverse("admin:index"), *lists)]

    for page in pages:
        assert page.status_code == 200
        seen = "\n".join(texts_of(page))
        assert [word for word in FRAMEWORK if word in seen] == [], page.request["PATH_INFO"]
    delegates = desk.get(reverse("admin:ballots_delegate_changelist")).text
    for words in ("代表名册", "新增代表", "按状态", "退出", "共5条"):
        assert words in delegates


@pytest.mark.parametrize("name", ["projects_project", "ballots_rollentry", "ballots_journalentry"])
def test_a_list_of_one_poll_does_not_name_it_in_every_row(stage, name):
    desk = desk_of(stage.office)
    address = reverse(f"admin:{name}_changelist")

    every = desk.get(address).context["cl"]
    one = desk.get(address, {"poll__id__exact": stage.poll.pk}).context["cl"]

    named = {"poll", "chain"}
    assert named & {*every.list_display}
    assert not named & {*one.list_display}
    assert one.result_count


@pytest.mark.parametrize("name", ["projects_poll", "ballots_pollday"])
def test_no_column_is_headed_by_the_name_of_a_database_key(stage, name):
    page = desk_of(stage.office).get(reverse(f"admin:{name}_changelist"))

    assert "编号" in page.text
    assert "Pk" not in page.text


def test_a_step_stands_under_the_name_of_its_poll_in_one_title(stage):
    page = desk_of(stage.office).get(at(stage.poll, "pause")).text

    above, title = page.index('<p class="above">'), page.index("<h1>暂停投票</h1>")
    assert above < page.index(str(stage.poll), above) < title
    assert "<h2>" + str(stage.poll) not in page
