"""Accounts while a poll runs: each change is on its record, by two people; none goes unseen."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone

from ballots import journal, roles
from ballots.acts import lifecycle
from ballots.facts import preflight, record
from ballots.models import JournalEntry, PasswordDate
from projects.models import Poll
from tests.helpers.desk import desk_of, fields_of, signed_by
from tests.helpers.factories import (
    PASSWORD,
    Stage,
    make_office,
    make_scrutineer,
    make_staff,
    make_stage,
    move_by_force,
    publish_count,
    selection,
    walk_by_force,
)

pytestmark = pytest.mark.django_db

NEW = "another-long-password"
REASON = {"reason": "忘记密码"}
ADD = "/admin/auth/user/add/"
ADDED = {"username": "huan", "password1": NEW, "password2": NEW, "usable_password": "true"}


@pytest.fixture
def stage() -> Stage:
    """A poll that counts, while people vote."""
    return make_stage(kind=Poll.Kind.MAIN)


@pytest.fixture
def root(stage: Stage) -> User:
    """A superuser of whom the opening does not know; the record of his making is cleared away."""
    return User.objects.create_superuser("root1", password=PASSWORD)


def entries(poll: Poll) -> list[JournalEntry]:
    """What was put on record of accounts, but for what these tests made themselves."""
    found = poll.journal.filter(kind="account-changed").order_by("seq")
    return [entry for entry in found if entry.data.get("account") != "root1"]


def password_page(user: User) -> str:
    return f"/admin/auth/user/{user.pk}/password/"


def set_password(desk: Any, user: User) -> Any:
    sent = {"password1": NEW, "password2": NEW, "usable_password": "true", "set-password": "1"}
    return desk.post(password_page(user), sent)


def knows(user: User, password: str) -> bool:
    return User.objects.get(pk=user.pk).check_password(password)


# --- on a page ------------------------------------------------------------------------------------


def test_a_superuser_alone_sets_nobodys_password_while_people_vote(stage, root):
    """H4: he became both of the two people who re-issue a card."""
    desk = desk_of(root)

    page = set_password(desk, stage.scrutineer)

    assert "须两人签名" in page.content.decode()
    assert knows(stage.scrutineer, PASSWORD)
    assert entries(stage.poll) == []


def test_with_a_second_signature_one_password_is_set_and_the_record_says_by_and_for_whom(
    stage, root
):
    desk = desk_of(root)
    page = password_page(stage.office)
    assert desk.post(page, REASON | signed_by(stage.chief)).status_code == 302
    assert desk.get(page).status_code == 200

    set_password(desk, stage.office)

    assert knows(stage.office, NEW)
    (entry,) = entries(stage.poll)
    assert (entry.by, entry.second) == (root, stage.chief)
    assert entry.data["account"] == stage.office.username
    assert (entry.data["what"], entry.data["reason"]) == (["password"], "忘记密码")
    assert journal.first_broken(stage.poll) is None
    assert record.line(entry) == (
        f"{stage.office.username}；变动：密码；职责：会务；原因：忘记密码"
    )
    # The signature was good for this one change.
    assert "须两人签名" in set_password(desk, stage.office).content.decode()
    assert "须两人签名" in set_password(desk, stage.scrutineer).content.decode()


@pytest.mark.parametrize("who", ["scrutineer", "root"])
def test_nobody_signs_for_his_own_account_and_whoever_has_no_office_not_at_all(stage, root, who):
    desk = desk_of(root)
    second = {"scrutineer": stage.scrutineer, "root": root}[who]
    desk.post(password_page(stage.scrutineer), REASON | signed_by(second))

    set_password(desk, stage.scrutineer)

    assert knows(stage.scrutineer, PASSWORD)
    assert entries(stage.poll) == []


def test_an_account_is_added_with_its_offices_by_one_signature(stage, root):
    desk = desk_of(root)
    group = Group.objects.get(name=roles.SCRUTINEER)
    sent = ADDED | {"last_name": "王", "is_staff": "on", "groups": [group.pk]}
    assert "须两人签名" in desk.post(ADD, sent).content.decode()
    assert not User.objects.filter(username="huan").exists()

    desk.post(ADD, REASON | signed_by(stage.office))
    reply = desk.post(ADD, sent)

    assert reply["Location"] == "/admin/auth/user/"
    assert roles.is_scrutineer(User.objects.get(username="huan"))
    first, last = entries(stage.poll)
    assert (first.data["what"], last.data["what"]) == (["added"], ["groups"])
    assert (last.data["groups"], last.second) == ([roles.SCRUTINEER], stage.office)


def test_offices_are_given_and_taken_by_two(stage, root):
    desk, page = desk_of(root), f"/admin/auth/user/{stage.office.pk}/change/"
    desk.post(page, REASON | signed_by(stage.chief))
    group = Group.objects.get(name=roles.CHIEF)
    sent = fields_of(desk.get(page)) | {"groups": [group.pk], "last_name": "王"}
    for name in ("date_joined", "last_login"):
        if moment := sent.pop(name, None):
            sent |= {f"{name}_0": f"{moment:%Y-%m-%d}", f"{name}_1": f"{moment:%H:%M:%S}"}

    desk.post(page, sent)

    assert roles.is_chief(User.objects.get(pk=stage.office.pk))
    found = entries(stage.poll)
    assert [entry.data["what"] for entry in found] == [["last_name"], ["groups"], ["groups"]]
    assert found[-1].data["groups"] == [roles.CHIEF]
    assert all(entry.second == stage.chief for entry in found)


def test_what_has_no_second_signature_is_refused(stage, root):
    """Deleting, a group of one's own, one's own password: none of it is needed on the day."""
    idle = make_staff()
    group = Group.objects.create(name="其他")
    before = len(entries(stage.poll))
    own = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}

    deleted = desk_of(root).post(f"/admin/auth/user/{idle.pk}/delete/", {"post": "yes"})
    dropped = desk_of(root).post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})
    added = desk_of(root).post("/admin/auth/group/add/", {"name": "另一组"})
    changed = desk_of(stage.office).post("/admin/password_change/", own)

    for reply in (deleted, dropped, added, changed):
        assert reply.status_code == 409
        assert "须由另一位会务或监票人员签名" in reply.content.decode()
    assert User.objects.filter(pk=idle.pk).exists()
    assert Group.objects.filter(name="其他").exists()
    assert not Group.objects.filter(name="另一组").exists()
    assert knows(stage.office, PASSWORD)
    assert len(entries(stage.poll)) == before


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        (Poll.Kind.MAIN, Poll.Phase.DRAFT),
        (Poll.Kind.MAIN, Poll.Phase.PUBLISHED),
        (Poll.Kind.MAIN, Poll.Phase.VOID),
        (Poll.Kind.REHEARSAL, Poll.Phase.OPEN),
    ],
)
def test_one_person_is_enough_while_nothing_runs_that_counts(kind, phase):
    held = make_stage(kind=kind, open_it=False)
    if phase != Poll.Phase.DRAFT:
        walk_by_force(held.poll, phase)
    root = User.objects.create_superuser("root1", password=PASSWORD)

    set_password(desk_of(root), held.scrutineer)

    assert knows(held.scrutineer, NEW)
    assert len(entries(held.poll)) == (phase == Poll.Phase.OPEN)


# --- by other ways --------------------------------------------------------------------------------


def change_password(stage: Stage) -> None:
    user = User.objects.get(pk=stage.chief.pk)
    user.set_password(NEW)
    user.save()


def write_password(stage: Stage) -> None:
    """As an upgrade of its hash would, but for the hash that needed none."""
    user = User.objects.get(pk=stage.chief.pk)
    user.password = make_password(NEW)
    user.save(update_fields=["password"])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (change_password, ["password"]),
        (write_password, ["password"]),
        (lambda s: make_staff(), ["added"]),
        (lambda s: s.chief.groups.clear(), ["groups"]),
        (lambda s: Group.objects.get(name=roles.OFFICE).user_set.add(s.chief), ["groups"]),
        (lambda s: Group.objects.get(name=roles.OFFICE).user_set.clear(), ["groups"]),
        (lambda s: Group.objects.get(name=roles.OFFICE).delete(), ["deleted"]),
        (lambda s: Group.objects.create(name="x"), ["added"]),
        (lambda s: make_superuser(s.office), ["is_superuser"]),
    ],
)
def test_a_change_by_other_ways_than_our_pages_is_on_record_by_nobody_and_told(
    stage, change: Callable[[Stage], Any], what
):
    assert preflight.changes_since_opening(stage.poll) == []

    change(stage)

    entry = entries(stage.poll)[0]
    assert (entry.data["what"], entry.by, entry.second) == (what, None, None)
    assert journal.first_broken(stage.poll) is None
    (finding,) = preflight.changes_since_opening(stage.poll)
    assert finding.mark == "△"
    assert "工作人员账号变动" in finding.text


def make_superuser(user: User) -> None:
    user.is_superuser = True
    user.save()


def test_what_was_changed_and_changed_back_stays_told(stage):
    """H4: a state that is as before said nothing of what was done in between."""
    stage.office.groups.add(Group.objects.get(name=roles.CHIEF))
    stage.office.groups.remove(Group.objects.get(name=roles.CHIEF))

    assert [finding.text for finding in preflight.changes_since_opening(stage.poll)] == [
        "开始投票后，工作人员账号变动2次（见操作记录），请核实"
    ]


def test_a_change_past_every_signal_shows_as_one_that_no_entry_tells(stage):
    User.objects.filter(pk=stage.chief.pk).update(is_active=False)

    (finding,) = preflight.changes_since_opening(stage.poll)

    assert "没有留下记录" in finding.text


def test_a_hash_that_is_upgraded_at_the_log_in_is_no_change(stage, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]

    assert authenticate(username=stage.office.username, password=PASSWORD) == stage.office

    assert User.objects.get(pk=stage.office.pk).password.startswith("scrypt$")
    assert entries(stage.poll) == []


def test_the_commands_of_django_leave_a_trace(stage, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda *args, **kwargs: NEW)

    call_command("changepassword", stage.chief.username, verbosity=0)

    assert [entry.data["account"] for entry in entries(stage.poll)] == [stage.chief.username]


def test_each_poll_that_runs_has_the_change_on_its_own_record(stage):
    other = Poll.objects.create(
        kind=Poll.Kind.REHEARSAL, meeting="会议", year=2026, delegates_total=3
    )
    move_by_force(other, Poll.Phase.OPEN)

    make_scrutineer("new")

    assert [entry.data["what"] for entry in entries(other)] == [["added"], ["groups"]]
    assert len(entries(stage.poll)) == 2


def test_after_the_publication_accounts_are_no_matter_of_the_poll():
    held = make_stage()
    held.cast(0, selection(1))
    publish_count(held)

    make_office("next-year")

    assert entries(held.poll) == []
    assert preflight.changes_since_opening(held.poll) == []


# --- how old a signature is -----------------------------------------------------------------------


def voided(stage: Stage, **signed: User) -> JournalEntry:
    """Let two people end the poll, and return their entry."""
    poll = lifecycle.void_poll(stage.poll, reason="停电", **signed)
    return poll.journal.get(kind="voided")


def voided_on_the_page(stage: Stage, *, by: User, second: User) -> JournalEntry:
    """End the poll on its page: `by` works there, `second` types his password into the form."""
    desk_of(by).post(
        f"/admin/ballots/pollday/{stage.poll.pk}/void/", {"reason": "停电"} | signed_by(second)
    )
    return stage.poll.journal.get(kind="voided")


def aged(user: User, **age: int) -> None:
    PasswordDate.objects.filter(user=user).update(at=timezone.now() - timedelta(**age))


def test_beside_each_signature_stands_how_old_log_in_and_password_are(stage):
    aged(stage.office, days=3)
    aged(stage.scrutineer, days=40)
    User.objects.filter(pk=stage.scrutineer.pk).update(
        last_login=timezone.now() - timedelta(days=9)
    )

    entry = voided_on_the_page(stage, by=stage.office, second=stage.scrutineer)

    # Who typed the password into the form has signed in just then, whatever the table says.
    assert record.signature(entry, "by") == "登录0分钟，密码设于3日前"
    assert record.signature(entry, "second") == "登录0分钟，密码设于40日前"
    page = desk_of(stage.office).get(f"/admin/ballots/pollday/{stage.poll.pk}/journal/").text
    assert page.count("登录0分钟，密码设于3日前") == 1
    assert page.count("登录0分钟，密码设于40日前") == 1
    assert journal.first_broken(stage.poll) is None


@pytest.mark.parametrize(("hours", "told"), [(0, "登录12分钟"), (3, "登录3小时")])
def test_a_log_in_of_before_is_told_by_its_age(stage, hours, told):
    PasswordDate.objects.all().delete()
    stage.office.last_login = timezone.now() - timedelta(hours=hours, minutes=12, seconds=5)

    entry = voided(stage, by=stage.office, second=stage.scrutineer)

    assert record.signature(entry, "by") == told


def test_nothing_is_told_where_nobody_knows(stage):
    PasswordDate.objects.all().delete()

    entry = voided(stage, by=stage.office, second=stage.scrutineer)

    assert "signed" not in json.loads(entry.body)
    assert record.signature(entry, "by") == record.signature(entry, "second") == ""


def test_a_password_set_after_the_opening_is_marked_at_what_it_signs(stage):
    stage.scrutineer.set_password(NEW)
    stage.scrutineer.save()

    entry = voided(stage, by=stage.office, second=stage.scrutineer)

    assert record.signature(entry, "by") == "密码设于当日"
    assert record.signature(entry, "second") == "△密码设于当日"


def test_a_hash_that_is_upgraded_leaves_the_password_as_old_as_it_was(stage, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    before = PasswordDate.objects.get(user=stage.office).at

    assert authenticate(username=stage.office.username, password=PASSWORD) == stage.office

    assert PasswordDate.objects.get(user=stage.office).at == before
