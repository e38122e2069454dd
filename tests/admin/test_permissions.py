"""Who may see and send what in the admin: every address, every role."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from ballots import journal, roles
from ballots.acts import cards, lifecycle, roll
from ballots.admin import steps
from ballots.admin.guard import Step
from ballots.models import Delegate, JournalEntry, Opinion, Recommendation, RollEntry
from ballots.refusal import Refused
from projects.models import Poll
from projects.year.models import AdoptedProject, Year
from tests.helpers.browsing import with_card
from tests.helpers.desk import at, desk_of
from tests.helpers.factories import (
    Stage,
    make_delegates,
    make_office,
    make_poll,
    make_scrutineer,
    make_stage,
    move_by_force,
    walk_by_force,
)
from tests.helpers.routes import address, admin_routes
from tests.helpers.secrecy import everything

pytestmark = pytest.mark.django_db

# What each address answers to GET and POST of the office, of a scrutineer, and of a superuser who
# is neither, on the eve of a real poll. A POST is an empty form. A step that is not due leads back
# to the day's page (302). A delegate and a stranger are sent to the admin's log-in everywhere.
MATRIX = """
admin/                                                     200 200  200 200  200 200
admin/handbook/                                            200 405  200 405  200 405
admin/login/                                               302 200  302 200  302 200
admin/logout/                                              405 200  405 200  405 200
admin/second-factor/                                       302 302  302 302  302 302
admin/password_change/                                     200 200  200 200  200 200
admin/password_change/done/                                200 405  200 405  200 405
admin/autocomplete/                                        403 405  403 405  403 405
admin/jsi18n/                                              200 405  200 405  200 405
admin/r/<path:content_type_id>/<path:object_id>/           404 404  404 404  404 404
admin/projects/poll/                                       200 200  200 200  200 200
admin/projects/poll/add/                                   200 200  403 403  403 403
admin/projects/poll/<path:object_id>/history/              200 200  200 200  200 200
admin/projects/poll/<path:object_id>/delete/               302 302  403 403  403 403
admin/projects/poll/<path:object_id>/change/               200 200  200 403  200 403
admin/projects/poll/<path:object_id>/                      302 302  302 302  302 302
admin/projects/project/import/                             200 200  403 403  403 403
admin/projects/project/import-errors/                      302 302  403 403  403 403
admin/projects/project/template/                           200 200  403 403  403 403
admin/projects/project/                                    200 200  200 200  200 200
admin/projects/project/add/                                200 200  403 403  403 403
admin/projects/project/<path:object_id>/history/           200 200  200 200  200 200
admin/projects/project/<path:object_id>/delete/            200 200  403 403  403 403
admin/projects/project/<path:object_id>/change/            200 200  200 403  200 403
admin/projects/project/<path:object_id>/                   302 302  302 302  302 302
admin/projects/year/                                       200 405  200 405  200 405
admin/projects/year/import/                                200 200  403 403  403 403
admin/projects/year/import-errors/                         302 302  403 403  403 403
admin/projects/year/template/                              200 200  200 200  200 200
admin/projects/year/adopt/<int:poll_id>/                   405 302  405 403  405 403
admin/projects/year/<int:year>/                            200 405  200 405  200 405
admin/projects/year/<int:year>/switches/                   302 302  403 403  403 403
admin/projects/year/<int:year>/assess/                     200 200  403 403  403 403
admin/projects/year/<int:year>/close/                      200 200  403 403  403 403
admin/projects/year/<int:year>/quarter/<int:quarter>/      200 302  403 403  403 403
admin/projects/year/<int:year>/record/<int:number>/        200 405  200 405  200 405
admin/projects/year/<int:year>/opinions/                   200 405  200 405  200 405
admin/projects/year/<int:year>/opinions/enter/             200 200  403 403  403 403
admin/projects/year/<int:year>/opinions/<int:opinion>/     200 405  200 405  200 405
admin/projects/year/<int:year>/opinions/<int:opinion>/answer/ 200 200  403 403  403 403
admin/projects/year/<int:year>/opinions/<int:opinion>/close/ 200 200  403 403  403 403
admin/projects/year/<int:year>/sheet/                      200 405  200 405  200 405
admin/projects/year/<int:year>/hall/                       200 405  200 405  200 405
admin/projects/adoptedproject/                             302 302  302 302  302 302
admin/projects/adoptedproject/add/                         403 403  403 403  403 403
admin/projects/adoptedproject/<path:object_id>/history/    200 200  200 200  200 200
admin/projects/adoptedproject/<path:object_id>/delete/     403 403  403 403  403 403
admin/projects/adoptedproject/<path:object_id>/change/     200 200  200 403  200 403
admin/projects/adoptedproject/<path:object_id>/            302 302  302 302  302 302
admin/ballots/pollday/                                     200 200  200 200  200 200
admin/ballots/pollday/<int:poll_id>/                       200 405  200 405  200 405
admin/ballots/pollday/<int:poll_id>/journal/               200 405  200 405  200 405
admin/ballots/pollday/<int:poll_id>/download/<str:what>/   200 405  200 405  200 405
admin/ballots/pollday/<int:poll_id>/roll/                  200 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/key/                   200 200  200 200  403 403
admin/ballots/pollday/<int:poll_id>/test/                  302 302  302 302  403 403
admin/ballots/pollday/<int:poll_id>/presence/              200 200  200 200  403 403
admin/ballots/pollday/<int:poll_id>/present-again/         302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/door/                  200 200  403 403  403 403
admin/ballots/pollday/<int:poll_id>/sign-in/               200 405  200 405  403 405
admin/ballots/pollday/<int:poll_id>/everybody/             200 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/open/                  200 200  403 403  403 403
admin/ballots/pollday/<int:poll_id>/backup/                200 200  403 403  403 403
admin/ballots/pollday/<int:poll_id>/booklet/               200 405  200 405  403 405
admin/ballots/pollday/<int:poll_id>/sample/                200 405  200 405  403 405
admin/ballots/pollday/<int:poll_id>/opening/               200 405  200 405  403 405
admin/ballots/pollday/<int:poll_id>/close/                 302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/close-apart/           302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/pause/                 302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/resume/                302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/deadline/              302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/screen/                200 200  403 403  403 403
admin/ballots/pollday/<int:poll_id>/add/                   302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/absent/                302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/correct/               302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/rest/                  302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/rewrite/               302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/box/                   302 302  302 302  403 403
admin/ballots/pollday/<int:poll_id>/canvass/               302 302  302 302  403 403
admin/ballots/pollday/<int:poll_id>/alone/                 302 302  302 302  403 403
admin/ballots/pollday/<int:poll_id>/ruling/                302 302  302 302  403 403
admin/ballots/pollday/<int:poll_id>/rulings/               302 302  302 302  403 403
admin/ballots/pollday/<int:poll_id>/count/                 302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/confirm/               403 403  302 302  403 403
admin/ballots/pollday/<int:poll_id>/send-back/             403 403  302 302  403 403
admin/ballots/pollday/<int:poll_id>/publish/               302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/run-off/               302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/supplementary/         302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/decide/                302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/reveal/                302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/reveal-all/            302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/archive/               302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/cards/                 302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/export-package/        403 403  302 302  403 403
admin/ballots/pollday/<int:poll_id>/export-ballots/        403 403  302 302  403 403
admin/ballots/pollday/<int:poll_id>/export-research/       403 403  302 302  403 403
admin/ballots/pollday/<int:poll_id>/drop/                  200 200  403 403  403 403
admin/ballots/pollday/<int:poll_id>/copy/                  200 200  403 403  403 403
admin/ballots/pollday/<int:poll_id>/fresh/                 302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/void/                  302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/wipe/                  302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/issue-papers/          302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/take-back-papers/      302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/exchange-papers/       302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/count-papers/          302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/key-papers/            302 302  302 302  403 403
admin/ballots/pollday/<int:poll_id>/key-paper/             302 302  302 302  403 403
admin/ballots/pollday/<int:poll_id>/compare-papers/        302 302  302 302  403 403
admin/ballots/pollday/<int:poll_id>/rule-papers/           403 403  302 302  403 403
admin/ballots/pollday/<int:poll_id>/seal-papers/           302 302  403 403  403 403
admin/ballots/pollday/<int:poll_id>/paper-ballots/         200 405  403 405  403 405
admin/ballots/pollday/<int:poll_id>/papers-signed/         302 405  403 405  403 405
admin/ballots/pollday/<int:poll_id>/returned/              302 405  302 405  403 405
admin/ballots/pollday/<int:poll_id>/report/                302 405  302 405  403 405
admin/ballots/pollday/<int:poll_id>/notice/                302 302  302 302  403 403
admin/ballots/pollday/<int:poll_id>/words/                 302 405  302 405  403 405
admin/ballots/delegation/                                  200 200  200 200  200 200
admin/ballots/delegation/add/                              200 200  403 403  403 403
admin/ballots/delegation/merge/                            302 302  403 403  403 403
admin/ballots/delegation/<path:object_id>/history/         200 200  200 200  200 200
admin/ballots/delegation/<path:object_id>/delete/          302 302  403 403  403 403
admin/ballots/delegation/<path:object_id>/change/          200 200  200 403  200 403
admin/ballots/delegation/<path:object_id>/                 302 302  302 302  302 302
admin/ballots/delegate/issue/                              302 302  403 403  403 403
admin/ballots/delegate/reissue/                            302 302  403 403  403 403
admin/ballots/delegate/namesakes/                          200 200  403 403  403 403
admin/ballots/delegate/status/                             302 302  403 403  403 403
admin/ballots/delegate/import/                             200 200  403 403  403 403
admin/ballots/delegate/import-errors/                      302 302  403 403  403 403
admin/ballots/delegate/import-undo/                        200 200  403 403  403 403
admin/ballots/delegate/export/                             200 200  403 403  403 403
admin/ballots/delegate/template/                           200 200  403 403  403 403
admin/ballots/delegate/                                    200 200  200 200  200 200
admin/ballots/delegate/add/                                200 200  403 403  403 403
admin/ballots/delegate/<path:object_id>/history/           200 200  200 200  200 200
admin/ballots/delegate/<path:object_id>/delete/            302 302  403 403  403 403
admin/ballots/delegate/<path:object_id>/change/            200 200  200 403  200 403
admin/ballots/delegate/<path:object_id>/                   302 302  302 302  302 302
admin/ballots/rollentry/                                   200 200  200 200  200 200
admin/ballots/rollentry/add/                               403 403  403 403  403 403
admin/ballots/rollentry/<path:object_id>/history/          200 200  200 200  200 200
admin/ballots/rollentry/<path:object_id>/delete/           403 403  403 403  403 403
admin/ballots/rollentry/<path:object_id>/change/           200 403  200 403  200 403
admin/ballots/rollentry/<path:object_id>/                  302 302  302 302  302 302
admin/ballots/journalentry/                                200 200  200 200  200 200
admin/ballots/journalentry/register/                       200 200  200 200  200 200
admin/ballots/journalentry/signatures/                     200 302  200 302  403 403
admin/ballots/journalentry/add/                            403 403  403 403  403 403
admin/ballots/journalentry/<path:object_id>/history/       200 200  200 200  200 200
admin/ballots/journalentry/<path:object_id>/delete/        403 403  403 403  403 403
admin/ballots/journalentry/<path:object_id>/change/        200 403  200 403  200 403
admin/ballots/journalentry/<path:object_id>/               302 302  302 302  302 302
admin/ballots/recommendation/                              200 200  200 200  200 200
admin/ballots/recommendation/<int:object_id>/change/       200 200  200 403  200 403
admin/auth/group/                                          403 403  403 403  200 200
admin/auth/group/add/                                      403 403  403 403  200 200
admin/auth/group/<path:object_id>/history/                 403 403  403 403  200 200
admin/auth/group/<path:object_id>/delete/                  403 403  403 403  403 403
admin/auth/group/<path:object_id>/change/                  403 403  403 403  200 403
admin/auth/group/<path:object_id>/                         302 302  302 302  302 302
admin/auth/user/<id>/password/                             403 403  403 403  200 200
admin/auth/user/staff/                                     200 200  403 403  200 200
admin/auth/user/staff/add/                                 200 200  403 403  200 200
admin/auth/user/staff/<int:object_id>/                     302 302  403 403  200 200
admin/auth/user/                                           403 403  403 403  200 200
admin/auth/user/add/                                       403 403  403 403  200 200
admin/auth/user/<path:object_id>/history/                  403 403  403 403  200 200
admin/auth/user/<path:object_id>/delete/                   403 403  403 403  200 200
admin/auth/user/<path:object_id>/change/                   403 403  403 403  200 200
admin/auth/user/<path:object_id>/                          302 302  302 302  302 302
admin/^(?P<app_label>projects|ballots|auth)/$              302 302  302 302  302 302
admin/(?P<url>.*)$                                         404 404  404 404  404 404
"""
# Where anybody may go: the log-in itself, and the way out.
OPEN_TO_ALL = {"admin/login/", "admin/logout/"}


def table() -> dict[str, list[int]]:
    rows = [line.split() for line in MATRIX.strip().splitlines()]
    return {row[0]: [int(status) for status in row[1:]] for row in rows}


def browser(user: User | None = None, delegate: Delegate | None = None) -> Client:
    """Return a browser in which that person has logged in, or nobody."""
    client = Client()
    if user is not None:
        client.force_login(user)
    if delegate is not None:
        with_card(client, delegate.cards.get())
    return client


@pytest.fixture
def people() -> dict[str, Client]:
    """The browsers of everybody on the eve of a real poll, with one of everything there is."""
    office = make_office()
    poll = make_poll(candidates=1)
    [delegate] = make_delegates(1)
    cards.issue_cards([delegate], by=office)
    roll.draw_up_roll(poll, by=office)
    with transaction.atomic():
        journal.append(poll, journal.Kind.KEY_MADE, by=office, data={"ceremony": 1})
    Recommendation.objects.create(poll=poll, delegate=delegate, title="新建停车场")
    past = make_poll(candidates=0, delegates_total=1)
    walk_by_force(past, Poll.Phase.PUBLISHED)
    year = Year.objects.create(year=2026, poll=past, made_by=office)
    adopted = AdoptedProject.objects.create(
        year=year, number=1, key="1", title="公园", text="新建公园。"
    )
    Opinion.objects.create(
        project=adopted,
        by_name="督办一组",
        text="请加快",
        due=year.made_at.date(),
        entered_by=office,
    )
    return {
        "office": browser(office),
        "scrutineer": browser(make_scrutineer()),
        "superuser": browser(User.objects.create_superuser("root")),
        "delegate": browser(delegate=delegate),
        "stranger": browser(),
    }


def test_every_address_of_the_admin_is_in_the_table():
    assert sorted(table()) == sorted(admin_routes())


@pytest.mark.once
@pytest.mark.parametrize("route", table())
def test_every_address_answers_each_role_as_the_table_says(people, route):
    asked = address(route)

    answers = []
    for role in ("scrutineer", "superuser", "office"):
        before = everything()
        statuses = [people[role].get(asked).status_code, people[role].post(asked).status_code]
        answers.append(statuses)
        if role != "office":
            assert everything() == before, f"{role} changed something at {asked}"

    scrutineer, superuser, office = answers
    assert [*office, *scrutineer, *superuser] == table()[route]


@pytest.mark.once
@pytest.mark.parametrize("route", sorted(set(table()) - OPEN_TO_ALL))
def test_delegates_and_strangers_are_sent_to_the_log_in_of_the_admin(people, route):
    asked = address(route)

    for role in ("delegate", "stranger"):
        for reply in (people[role].get(asked), people[role].post(asked)):
            assert (reply.status_code, reply.headers["Location"]) == (
                302,
                f"{reverse('admin:login')}?next={asked}",
            )


@pytest.fixture
def due(request) -> Stage:
    """A rehearsal in the first phase in which the step can be taken."""
    step: Step = request.param
    stage = make_stage(open_it=False)
    phase = next(phase for phase in Poll.Phase if phase in step.phases)
    if phase != Poll.Phase.DRAFT:
        move_by_force(stage.poll, phase)
    stage.poll.refresh_from_db()
    return stage


@pytest.mark.parametrize(
    ("due", "step"),
    [pytest.param(step, step, id=step.name) for step in steps.STEPS],
    indirect=["due"],
)
def test_a_step_that_is_due_is_refused_to_those_who_do_not_take_it(due, step):
    root = User.objects.create_superuser("root")
    watchers = [user for user in (due.office, due.scrutineer, root) if not step.who(user)]
    before = everything()

    for user in watchers:
        for method in ("get", "post"):
            reply = getattr(browser(user), method)(at(due.poll, step.name))
            assert reply.status_code == 403

    assert root in watchers
    assert everything() == before


def test_a_scrutineer_reads_presence_and_marks_nobody():
    stage = make_stage(open_it=False)
    roll.mark_absent(stage.poll, numbers=["001"], by=stage.office)
    watch = browser(stage.scrutineer)
    asked = at(stage.poll, "presence")

    page = watch.get(asked)
    reply = watch.post(asked, {"delegation": "城区代表团", "do": "all"})

    assert "代表1" in page.text
    assert 'name="present"' not in page.text
    assert 'name="absent"' not in page.text
    assert "只有会务人员可以办理。" in reply.text
    assert stage.poll.roll.filter(present=True).count() == 4


# --- what nobody may touch ------------------------------------------------------------------------


def test_only_these_models_have_pages():
    registered = {model._meta.label for model in admin.site._registry}

    assert registered == {
        "auth.Group",
        "auth.User",
        "ballots.Delegate",
        "ballots.Delegation",
        "ballots.JournalEntry",
        "ballots.PollDay",
        "ballots.Recommendation",
        "ballots.RollEntry",
        "projects.AdoptedProject",
        "projects.Poll",
        "projects.Project",
        "projects.Year",
    }


@pytest.mark.parametrize("role", ["office", "scrutineer", "superuser"])
@pytest.mark.parametrize("model", [RollEntry, JournalEntry])
def test_the_records_cannot_be_changed_by_form_action_or_popup(people, role, model):
    row = model._default_manager.earliest("pk")
    name = f"admin:ballots_{model._meta.model_name}"
    before = everything()
    client = people[role]

    replies = [
        client.post(reverse(f"{name}_add"), {"number": "999", "_popup": "1"}),
        client.post(reverse(f"{name}_change", args=[row.pk]), {"voted": "on", "body": "{}"}),
        client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}),
    ]
    client.post(
        reverse(f"{name}_changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
    )
    client.post(
        reverse(f"{name}_changelist"),
        {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": row.pk, "_save": "1"},
    )

    assert [reply.status_code for reply in replies] == [403, 403, 403]
    assert everything() == before


@pytest.mark.parametrize("name", roles.GROUPS)
def test_the_offices_of_a_vote_are_not_renamed_or_deleted(people, name):
    """What an act demands is asked of a group by its name: without it nobody could do anything."""
    row = Group.objects.get(name=name)
    change, delete = (
        reverse(f"admin:auth_group_{verb}", args=[row.pk]) for verb in ("change", "delete")
    )
    client = people["superuser"]

    assert client.get(change).status_code == 200
    assert client.post(change, {"name": "别的", "permissions": []}).status_code == 403
    assert client.post(delete, {"post": "yes"}).status_code == 403
    assert row.permissions.exists()
    assert Group.objects.get(pk=row.pk).name == name


def test_another_group_is_changed_and_deleted_as_in_every_admin(people):
    row = Group.objects.create(name="嘉宾")
    client = people["superuser"]

    client.post(reverse("admin:auth_group_change", args=[row.pk]), {"name": "旁听"})
    assert Group.objects.get(pk=row.pk).name == "旁听"
    client.post(reverse("admin:auth_group_delete", args=[row.pk]), {"post": "yes"})
    assert not Group.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("who", ["office", "superuser"])
def test_the_pages_to_add_a_row_stand_before_anything_is_there_too(who):
    """The matrix asks for them on the eve of a poll; this is the first day of a new server."""
    user = make_office()
    if who == "superuser":
        user = User.objects.create_superuser("root", password="x")
    desk = desk_of(user)
    pages = [page for page in admin_routes() if page.endswith("/add/") and "<" not in page]
    assert len(pages) >= 8

    found = {page: desk.get(f"/{page}").status_code for page in pages}

    assert set(found.values()) <= {200, 403}, found


def test_a_superuser_has_no_office_whatever_groups_he_gives_himself():
    """Whoever makes accounts joined 会务, paused a vote alone, and left the group."""
    stage = make_stage()
    root = make_office()
    root.groups.set(Group.objects.all())
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    root = User.objects.get(pk=root.pk)
    client = browser(root)

    client.post(at(stage.poll, "pause"), {"reason": "停电"})

    stage.poll.refresh_from_db()
    assert stage.poll.phase == Poll.Phase.OPEN
    assert client.get("/admin/projects/poll/add/").status_code == 403
    assert client.get("/admin/ballots/delegate/add/").status_code == 403
    assert not roles.has_office(root)
    with pytest.raises(Refused) as refusal:
        lifecycle.void_poll(stage.poll, reason="停电", by=stage.office, second=root)
    assert refusal.value.code == "second-needed"


def test_a_superuser_cannot_act_through_the_actions_of_a_list(people):
    delegate = Delegate.objects.get()
    before = everything()

    for action in ("issue", "reissue", "end_wait", "set_status", "delete_selected"):
        people["superuser"].post(
            reverse("admin:ballots_delegate_changelist"),
            {"action": action, "_selected_action": [delegate.pk]},
        )

    assert everything() == before


def test_when_somebody_voted_stands_on_no_page_of_the_roll():
    stage = make_stage()
    entry = stage.entry(0)
    RollEntry.objects.filter(pk=entry.pk).update(voted=True, voted_at="2026-01-18T02:42:07Z")
    client = browser(User.objects.create_superuser("root"))

    pages = [
        client.get(reverse("admin:ballots_rollentry_changelist")),
        client.get(reverse("admin:ballots_rollentry_change", args=[entry.pk])),
    ]

    assert all(page.status_code == 200 for page in pages)
    assert not any("10:42" in page.text for page in pages)


@pytest.mark.parametrize(
    ("model", "question"),
    [
        ("rollentry", "voted_at__gt=2026-01-18"),
        ("rollentry", "voted_at__isnull=1"),
        ("rollentry", "delegate__failures=1"),
        ("rollentry", "name__startswith=代"),
        ("rollentry", "poll__places=3"),
        ("journalentry", "body__contains=votes"),
        ("journalentry", "by__password__startswith=p"),
        ("recommendation", "delegate__phone__startswith=1"),
        ("recommendation", "poll__places=3"),
        ("recommendation", "title__contains=停"),
    ],
)
def test_no_address_asks_a_record_for_more_than_the_filters_of_its_list(people, model, question):
    reply = people["office"].get(reverse(f"admin:ballots_{model}_changelist") + f"?{question}")

    assert reply.status_code == 400


def test_every_link_of_the_filters_of_a_record_can_be_followed(people):
    make_poll(candidates=0)
    for model in ("rollentry", "journalentry", "recommendation"):
        address = reverse(f"admin:ballots_{model}_changelist")
        page = people["office"].get(address).context["cl"]
        links = [
            choice["query_string"] for spec in page.filter_specs for choice in spec.choices(page)
        ]
        assert len(links) > 1
        for link in links:
            assert people["office"].get(address + link).status_code == 200, link


def test_every_post_of_the_admin_needs_its_token(people):
    office = User.objects.get(groups__name="会务")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(office)
    before = everything()

    for step in steps.STEPS:
        reply = strict.post(at(Poll.objects.get(phase=Poll.Phase.DRAFT), step.name))
        assert reply.status_code == 403

    assert everything() == before
