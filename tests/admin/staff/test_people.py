"""The page 工作人员: who makes whose account, and what a given password is good for (design §6.3)."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from ballots import refusal, roles
from ballots.acts import lifecycle
from ballots.models import PasswordTries
from ballots.refusal import Refused
from ballots.staff import people
from projects.models import Poll
from tests.helpers.browsing import read
from tests.helpers.desk import desk_of, signed_by
from tests.helpers.factories import (
    PASSWORD,
    Stage,
    make_office,
    make_poll,
    make_scrutineer,
    make_stage,
)

pytestmark = pytest.mark.django_db

LIST, ADD = "/admin/auth/user/staff/", "/admin/auth/user/staff/add/"
OWN = "an-own-password-2026"
NEW = {"last_name": "王", "first_name": "小明", "username": "wang", "role": roles.OFFICE}


def page_of(user: User) -> str:
    return f"{LIST}{user.pk}/"


def given(reply) -> str:
    """Return the password on a slip."""
    password = str(reply.context["password"])
    assert f"<strong>{password}</strong>" in reply.content.decode()
    return password


def log_in(name: str, password: str) -> Client:
    browser = Client()
    browser.post("/admin/login/", {"username": name, "password": password})
    return browser


def set_own(browser: Client, old: str, new: str = OWN):
    sent = {"old_password": old, "new_password1": new, "new_password2": new}
    return browser.post("/admin/password_change/", sent)


# --- whose account --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "may"),
    [
        (make_office, {roles.OFFICE}),
        (make_scrutineer, set()),
        (lambda: make_scrutineer(chief=True), {roles.SCRUTINEER}),
        (lambda: User.objects.create_superuser("root"), set(people.GROUPS)),
    ],
)
def test_neither_side_makes_the_account_that_watches_it(by, may):
    manager = by()
    for role in people.GROUPS:
        sent = {"username": f"new{role}", "family": "王", "given": "小明", "role": role}
        if role in may:
            user, _password = people.add_staff(**sent, by=manager)
            assert people.role_of(user) == role
        else:
            with pytest.raises(Refused, match="会务人员只能办理会务账号"):
                people.add_staff(**sent, by=manager)


def test_the_office_resets_no_scrutineer_nobody_himself_and_no_superuser():
    office, root = make_office(), User.objects.create_superuser("root")
    for user, code in (
        (make_scrutineer(), "not-yours"),
        (office, "own-account"),
        (root, "superuser"),
    ):
        with pytest.raises(Refused) as refused:
            people.give_password(user, by=office)
        assert refused.value.code == code
    reply = desk_of(office).post(page_of(make_scrutineer()), {"reset": "1"}, follow=True)

    assert "会务人员只能办理会务账号" in reply.content.decode()
    assert PASSWORD not in reply.content.decode()


def test_the_page_says_who_has_which_role_and_offers_no_box_of_django():
    office, watch = make_office(), make_scrutineer()
    page = desk_of(office).get(LIST).content.decode()

    assert office.username in page
    assert watch.username in page
    assert page_of(watch) not in page
    form = read(desk_of(office).get(ADD))
    assert "user_permissions" not in desk_of(office).get(ADD).content.decode()
    assert "总监票人" not in {value for _name, value in form.forms[0].fields}
    boss = desk_of(User.objects.create_superuser("root"))
    accounts = boss.get(reverse("admin:auth_user_change", args=[watch.pk])).content.decode()
    assert "groups" in accounts
    assert "user_permissions" not in accounts


# --- a given password -----------------------------------------------------------------------------


def test_a_given_password_opens_nothing_but_the_page_of_ones_own():
    password = given(desk_of(make_office()).post(ADD, NEW))
    browser = log_in("wang", password)

    for address in ("/admin/", LIST, "/admin/ballots/delegate/"):
        assert browser.get(address)["Location"] == "/admin/password_change/"
    assert "请先设置本人的密码" in browser.get("/admin/password_change/").content.decode()
    assert "不能沿用领取的密码" in set_own(browser, password, password).content.decode()
    assert set_own(browser, password).status_code == 302
    assert browser.get("/admin/").status_code == 200
    assert "_auth_user_id" not in log_in("wang", password).session
    assert log_in("wang", OWN).get("/admin/").status_code == 200


def test_whoever_has_no_password_of_his_own_neither_acts_nor_signs():
    office, root = make_office(), User.objects.create_superuser("root")
    poll = make_poll(kind=Poll.Kind.REHEARSAL)
    user, _password = people.add_staff(
        username="wang", family="王", given="小明", role=roles.OFFICE, by=root
    )

    with pytest.raises(Refused, match="您还没有设置本人的密码"):
        lifecycle.open_poll(poll, by=user)
    with pytest.raises(Refused, match="第二人还没有设置本人的密码"):
        refusal.demand_colleague(office, user)


def test_a_second_signature_of_his_is_refused_with_a_sentence():
    stage = make_stage(kind=Poll.Kind.MAIN)
    root = User.objects.create_superuser("root", password=PASSWORD)
    desk = desk_of(root)
    desk.post(page_of(stage.chief), {"reason": "忘记密码"} | signed_by(stage.office))
    password = given(desk.post(page_of(stage.chief), {"reset": "1"}))
    signature = {"second_name": stage.chief.username, "second_password": password}

    page = desk.post(page_of(stage.office), {"reason": "忘记密码"} | signature)

    assert "第二人还没有设置本人的密码" in page.content.decode()


def test_whoever_gave_a_password_never_signs_beside_its_person():
    office = make_office()
    password = given(desk_of(office).post(ADD, NEW))
    set_own(log_in("wang", password), password)
    user = User.objects.get(username="wang")

    for pair in ((office, user), (user, office)):
        with pytest.raises(Refused, match="办理过密码"):
            refusal.demand_colleague(*pair)
    assert refusal.demand_colleague(make_office(), user) == user


# --- while people vote ----------------------------------------------------------------------------


def test_while_people_vote_a_reset_takes_two_and_ones_own_password_nobody_else():
    stage: Stage = make_stage(kind=Poll.Kind.MAIN)
    colleague = make_office()
    desk = desk_of(stage.office)
    assert "须两人签名" in desk.post(page_of(colleague), {"reset": "1"}).content.decode()
    desk.post(page_of(colleague), {"reason": "忘记密码"} | signed_by(stage.chief))
    password = given(desk.post(page_of(colleague), {"reset": "1"}))
    browser = log_in(colleague.username, password)

    assert set_own(browser, password).status_code == 302
    entries = stage.poll.journal.filter(kind="account-changed").order_by("seq")
    changed = [entry for entry in entries if entry.data["what"] == ["password"]]
    assert [(entry.by, entry.second) for entry in changed] == [
        (stage.office, stage.chief),
        (colleague, None),
    ]
    # The next one of his is no first one.
    assert not _changes(browser, OWN, "yet-another-password")


def _changes(browser: Client, old: str, new: str) -> bool:
    set_own(browser, old, new)
    return User.objects.filter(pk=browser.session["_auth_user_id"]).get().check_password(new)


# --- waits, and the end ---------------------------------------------------------------------------


def test_a_wait_is_ended_at_the_desk_and_a_disabled_account_signs_in_nowhere():
    office, colleague = make_office(), make_office()
    for _try in range(6):
        wrong = Client().post(
            "/admin/login/", {"username": colleague.username, "password": "wrong-password"}
        )
    assert wrong.status_code == 429
    assert re.search("请[0-9]+分钟后再试", wrong.content.decode())
    desk = desk_of(office)
    assert "后才能再试" in desk.get(page_of(colleague)).content.decode()

    desk.post(page_of(colleague), {"end-wait": "1"})

    assert not PasswordTries.objects.exists()
    assert log_in(colleague.username, PASSWORD).get("/admin/").status_code == 200
    desk.post(page_of(colleague), {"disable": "1"})
    assert "_auth_user_id" not in log_in(colleague.username, PASSWORD).session
    desk.post(page_of(colleague), {"enable": "1"})
    assert log_in(colleague.username, PASSWORD).get("/admin/").status_code == 200
