"""The admin's pages of polls and candidates: open in draft, to be read afterwards."""

import pytest
from django.apps import apps
from django.urls import reverse

from projects.models import Poll, Project, Target
from tests.helpers.browsing import read, signed_in
from tests.helpers.desk import at, desk_of, faults_of, fields_of, messages_of, signed_by
from tests.helpers.factories import (
    make_delegates,
    make_poll,
    make_project,
    make_stage,
    move_by_force,
    tied,
)

pytestmark = pytest.mark.django_db


def poll_fields(**changed) -> dict[str, object]:
    return {
        "kind": "main",
        "meeting": "示例市人民代表大会会议",
        "year": 2026,
        "places": 10,
        "form": "choose",
        "objection_days": 7,
        "choice_rule": "at-most",
        "blank_allowed": "on",
        "proposals": "counted",
        "proposal_limit": 3,
        "voters": "present",
        "majority": "all",
        "body": "congress",
        "boundary": "1/2",
        "boundary_included": "on",
        "whole_boundary": "1/2",
        "whole_boundary_included": "on",
    } | changed


# --- polls ----------------------------------------------------------------------------------------


def test_the_office_adds_a_poll_and_finds_each_rule_explained(desk):
    address = reverse("admin:projects_poll_add")

    page = desk.get(address)
    reply = desk.post(address, poll_fields())

    form = page.context["adminform"].form
    unexplained = {name for name, field in form.fields.items() if not field.help_text}
    assert unexplained <= {"rules_adopted_on"}
    assert reply.status_code == 302
    assert Poll.objects.get().phase == Poll.Phase.DRAFT


def test_a_satisfaction_assessment_has_no_places_and_no_proposals_whatever_is_typed(desk):
    fields = poll_fields(form="grades", choice_rule="exactly", collecting="on", boundary="2/3")

    reply = desk.post(reverse("admin:projects_poll_add"), fields)

    poll = Poll.objects.get()
    assert reply.status_code == 302
    assert (poll.places, poll.choice_rule, poll.proposals) == (0, "at-most", "off")
    assert not poll.collecting
    assert poll.boundary == "2/3"


def test_the_form_of_a_poll_shows_what_its_ballots_have_a_use_for(desk):
    poll = make_poll(candidates=0)
    address = reverse("admin:projects_poll_change", args=[poll.pk])

    def shown() -> set[str]:
        return set(desk.get(address).context["adminform"].form.fields)

    assert "places" in shown()
    assert "boundary" not in shown()
    assert desk.post(address, poll_fields(form="grades")).status_code == 302
    assert {"boundary", "whole_boundary_included"} <= shown()
    assert not {"places", "choice_rule", "proposals", "wishes"} & shown()
    back = {name: value for name, value in poll_fields().items() if name in shown()}
    assert desk.post(address, back).status_code == 302
    poll.refresh_from_db()
    assert (poll.form, poll.places) == ("choose", 10)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"form": "grades", "majority": "none"}, "majority"), ({"places": 0}, "__all__")],
)
def test_an_assessment_has_a_base_and_any_other_poll_a_place(desk, fields, field):
    reply = desk.post(reverse("admin:projects_poll_add"), poll_fields(**fields))

    assert field in reply.context["adminform"].form.errors
    assert not Poll.objects.exists()


@pytest.mark.parametrize(("kind", "saved"), [("main", False), ("rehearsal", True)])
def test_a_poll_for_the_whole_roll_is_a_rehearsal(desk, kind, saved):
    reply = desk.post(reverse("admin:projects_poll_add"), poll_fields(kind=kind, voters="roll"))

    assert Poll.objects.exists() == saved
    if not saved:
        assert reply.context["adminform"].form.errors["voters"] == [
            "正式票决只能由已报到的代表投票；“名册上的全体代表”只用于演练，请更正。"
        ]


def test_a_rehearsal_for_the_whole_roll_does_not_become_a_real_poll(desk):
    poll = make_poll(candidates=0, kind="rehearsal", voters="roll")

    reply = desk.post(
        reverse("admin:projects_poll_change", args=[poll.pk]), poll_fields(voters="roll")
    )

    assert "voters" in reply.context["adminform"].form.errors
    assert Poll.objects.get().kind == "rehearsal"


def test_only_a_main_poll_or_a_rehearsal_can_be_added(desk):
    reply = desk.post(reverse("admin:projects_poll_add"), poll_fields(kind="run-off"))

    kinds = [value for value, _label in reply.context["adminform"].form.fields["kind"].choices]
    assert kinds == ["main", "rehearsal"]
    assert not Poll.objects.exists()


def test_a_draft_poll_can_be_changed_and_links_to_its_day(desk):
    poll = make_poll()
    address = reverse("admin:projects_poll_change", args=[poll.pk])

    page = desk.get(address)
    desk.post(address, fields_of(page) | {"places": 7})

    poll.refresh_from_db()
    assert poll.places == 7
    assert at(poll) in page.text


def test_a_poll_that_opened_while_its_form_was_filled_in_is_refused_with_a_sentence(desk):
    poll = make_poll(delegates_total=3)
    address = reverse("admin:projects_poll_change", args=[poll.pk])
    filled = fields_of(desk.get(address)) | {"places": 7}
    move_by_force(poll, Poll.Phase.OPEN)

    reply = desk.post(address, filled, follow=True)

    poll.refresh_from_db()
    assert poll.places == 10
    assert reply.status_code == 200
    assert messages_of(reply) == ["投票已经开始，候选项目和票决规则不能再修改。"]
    assert not reply.context["has_change_permission"]


def test_what_the_database_alone_refuses_is_told_and_is_no_error_page(desk, monkeypatch):
    poll = make_poll(delegates_total=3)
    address = reverse("admin:projects_poll_change", args=[poll.pk])
    filled = fields_of(desk.get(address)) | {"places": 7}
    move_by_force(poll, Poll.Phase.OPEN)
    # As if the poll opened after the page had looked: only the trigger is left to speak.
    monkeypatch.setattr("projects.admin.DraftAdmin.is_draft", lambda self, obj: True)

    reply = desk.post(address, filled)

    poll.refresh_from_db()
    assert poll.places == 10
    assert reply.status_code == 302


@pytest.mark.parametrize("phase", [phase for phase in Poll.Phase if phase != Poll.Phase.DRAFT])
def test_a_poll_that_left_draft_cannot_be_deleted(desk, phase):
    # A rehearsal can be put in any phase at once, and is protected no less here.
    poll = move_by_force(
        make_poll(kind=Poll.Kind.REHEARSAL, candidates=0, delegates_total=3), phase
    )

    reply = desk.post(reverse("admin:projects_poll_delete", args=[poll.pk]), {"post": "yes"})

    assert reply.status_code == 403
    assert Poll.objects.filter(pk=poll.pk).exists()


def test_a_draft_is_deleted_with_its_candidates_in_one_confirmed_step(desk):
    """Case 32: the delete button leads to the day's own step, which says what goes."""
    poll = make_poll(candidates=2)

    page = desk.get(reverse("admin:projects_poll_delete", args=[poll.pk]), follow=True)
    reply = desk.post(at(poll, "drop"), follow=True)

    assert "候选项目2个，名册0人，会前推荐0项。" in page.text
    assert "第二人密码" not in page.text
    assert messages_of(reply) == ["草稿已删除。"]
    assert not Poll.objects.exists()


def test_a_draft_with_a_key_is_dropped_on_its_page_by_two_people_and_seen_nowhere(desk):
    """Case 32: by real HTTP; afterwards only the record knows it."""
    held = make_stage(kind=Poll.Kind.MAIN, open_it=False)
    poll = held.poll
    other = make_poll(candidates=1, meeting="另一次会议")
    delegate = signed_in(held)
    before = read(delegate.get("/home/")).text
    page = desk.get(at(poll, "drop"))

    alone = desk.post(at(poll, "drop"), {"reason": "误建"})
    reply = desk.post(at(poll, "drop"), {"reason": "误建"} | signed_by(held.chief), follow=True)

    assert "请收回销毁" in page.text
    assert alone.status_code == 200
    assert messages_of(reply) == ["草稿已删除。"]
    assert Poll.objects.get(pk=poll.pk).phase == Poll.Phase.DROPPED
    for step in ("change", "journal", "key", "open", "drop"):
        assert desk.get(at(poll, step)).status_code == 404
    lists = ("projects_poll", "projects_project", "ballots_pollday", "ballots_rollentry")
    for name in (*lists, "ballots_recommendation"):
        page = desk.get(reverse(f"admin:{name}_changelist"))
        assert poll.meeting not in page.text, name
    assert desk.get(reverse("admin:projects_poll_change", args=[poll.pk])).status_code == 302
    for name in ("projects_poll", "ballots_pollday"):
        shown = desk.get(reverse(f"admin:{name}_changelist")).context["cl"]
        words = [str(c["display"]) for f in shown.filter_specs for c in f.choices(shown)]
        assert "准备" in words
        assert "已删除" not in words
    assert poll.meeting not in desk.get(reverse("admin:index")).text
    assert poll.meeting in before
    assert poll.meeting not in read(delegate.get("/home/")).text
    assert "已删除的草稿" in desk.get(reverse("admin:ballots_journalentry_changelist")).text
    assert other.meeting in desk.get(reverse("admin:projects_poll_changelist")).text


def test_the_delete_button_of_a_draft_with_a_record_deletes_nothing(desk):
    held = make_stage(kind=Poll.Kind.MAIN, open_it=False)
    delete = reverse("admin:projects_poll_delete", args=[held.poll.pk])

    reply = desk.post(delete, {"post": "yes"}, follow=True)

    assert reply.redirect_chain[0][0] == at(held.poll, "drop")
    assert messages_of(reply) == ["请说明原因。"]
    assert Poll.objects.get().phase == Poll.Phase.DRAFT


def test_the_delete_button_of_a_rehearsal_leads_to_where_it_is_wiped(desk):
    held = make_stage(open_it=False)

    reply = desk.get(reverse("admin:projects_poll_delete", args=[held.poll.pk]))

    assert reply.headers["Location"] == at(held.poll, "wipe")


def test_an_empty_draft_can_be_deleted(desk):
    poll = make_poll(candidates=0)

    desk.post(reverse("admin:projects_poll_delete", args=[poll.pk]), {"post": "yes"})

    assert not Poll.objects.exists()


@pytest.mark.parametrize("name", ["projects_poll", "projects_project", "ballots_delegation"])
def test_nothing_is_deleted_in_bulk(desk, name):
    poll = make_poll(candidates=2)
    make_delegates(2)
    rows = apps.get_model(*name.split("_"))._default_manager
    ids = list(rows.values_list("pk", flat=True))

    desk.post(
        reverse(f"admin:{name}_changelist"),
        {"action": "delete_selected", "_selected_action": ids, "post": "yes"},
    )

    assert rows.count() == len(ids)
    assert poll.projects.count() == 2


# --- copies ---------------------------------------------------------------------------------------


def test_a_rehearsal_is_copied_as_the_real_draft_from_its_page_and_from_the_list(desk):
    held = make_stage(voters="roll")

    listed = desk.get(reverse("admin:ballots_pollday_changelist"))
    # While people vote nobody is asked about anything else.
    assert at(held.poll, "copy") not in listed.text
    held.close()
    listed = desk.get(reverse("admin:ballots_pollday_changelist"))
    page = desk.get(at(held.poll, "copy"))
    reply = desk.post(at(held.poll, "copy"), {"into": "real", "meeting": ""}, follow=True)

    draft = Poll.objects.get(kind="main")
    assert at(held.poll, "copy") in listed.text
    assert page.context["forms"][0].initial == {"into": "real"}
    assert reply.redirect_chain[-1][0] == at(draft)
    assert messages_of(reply) == [f"已复制：{draft}。请核对规则。"]
    assert "复制为：正式票决的草稿" in desk.get(at(held.poll, "journal")).text
    key = desk.get(at(draft, "key")).context["forms"][0]
    assert key["holder_1"].value() == "保管人甲"


def test_next_years_copy_needs_the_name_of_its_meeting(desk):
    poll = make_poll(candidates=2)

    nameless = desk.post(at(poll, "copy"), {"into": "next-year", "meeting": " "})
    desk.post(at(poll, "copy"), {"into": "next-year", "meeting": "第五次会议"})

    draft = Poll.objects.exclude(pk=poll.pk).get()
    assert faults_of(nameless) == ["请填写下一年度的会议名称。"]
    assert (draft.year, draft.meeting, draft.projects.count()) == (2027, "第五次会议", 0)


def test_the_list_offers_no_copy_to_whoever_makes_none():
    held = make_stage(open_it=False)

    listed = desk_of(held.scrutineer).get(reverse("admin:ballots_pollday_changelist"))

    assert at(held.poll, "copy") not in listed.text
    assert held.poll.meeting in listed.text


# --- second rounds --------------------------------------------------------------------------------


def test_a_second_round_offers_the_holders_and_wants_one_press_for_who_is_present():
    """By its pages from the draft to the ballots: no name is typed and nobody ticked again."""
    held = tied(kind=Poll.Kind.MAIN)
    desk = desk_of(held.office)

    made = desk.post(at(held.poll, "run-off"), follow=True)
    draft = Poll.objects.get(parent=held.poll)
    key = desk.get(at(draft, "key")).context["forms"][0]
    offered = [key[name].initial for name in key.fields if name.startswith("holder_")]
    typed = {name: key[name].initial for name in key.fields}
    sheets = desk.post(at(draft, "key"), typed).context["sheets"]
    shares = {f"share_{n}": row["sheet"].text for n, row in enumerate(sheets[:3], start=1)}
    desk.post(at(draft, "test"), shares | signed_by(held.scrutineer))
    blocked = desk.get(at(draft))
    page = desk.get(at(draft, "present-again"))
    stale = desk.post(at(draft, "present-again"), {"present": 8})
    confirmed = desk.post(at(draft, "present-again"), {"present": 9}, follow=True)
    ready = desk.get(at(draft))

    assert offered == [f"保管人{name}" for name in "甲乙丙丁戊"]
    assert "请重新生成密钥，并核对实到" in messages_of(made)[0]
    assert blocked.context["next"].name == "present-again"
    assert "✗ 实到9人沿用上一次票决，请核对后确认" in read(blocked).text
    assert "实到9人，应到9人" in page.text
    assert "实到无变化" in page.text
    assert faults_of(stale) == ["实到人数已变为9，请核对后再确认。"]
    assert messages_of(confirmed) == ["已核对。实到9人。"]
    assert ready.context["next"].name == "open"
    assert "沿用上一次票决" not in read(ready).text


# --- candidates -----------------------------------------------------------------------------------


def test_a_new_candidate_gets_the_next_number_and_positions_for_its_targets(desk):
    poll = make_poll(candidates=8)

    page = desk.get(reverse("admin:projects_project_add"))
    targets = {"targets-0-text": "新建", "targets-1-text": "改造"}
    reply = desk.post(
        reverse("admin:projects_project_add"),
        fields_of(page) | {"title": "城市道路提升", "text": "内容。"} | targets,
    )

    project = Project.objects.get(number=9)
    assert reply.status_code == 302
    assert project.poll == poll
    assert [(line.position, line.text) for line in project.targets.all()] == [
        (1, "新建"),
        (2, "改造"),
    ]


def test_a_target_without_a_position_goes_to_the_end(desk):
    project = make_poll(candidates=1).projects.get()
    address = reverse("admin:projects_project_change", args=[project.pk])
    page = desk.get(address)

    desk.post(address, fields_of(page) | {"targets-2-text": "改造", "targets-2-position": ""})

    assert [(line.position, line.text) for line in project.targets.all()] == [
        (1, "新建"),
        (2, "改造"),
    ]


def test_two_targets_can_change_places_while_a_third_goes(desk):
    project = make_poll(candidates=1).projects.get()
    Target.objects.create(project=project, position=2, text="改造")
    Target.objects.create(project=project, position=3, text="验收")
    address = reverse("admin:projects_project_change", args=[project.pk])
    page = desk.get(address)

    desk.post(
        address,
        fields_of(page)
        | {"targets-0-position": 3, "targets-1-position": 1, "targets-2-DELETE": "on"},
    )

    assert [(line.position, line.text) for line in project.targets.all()] == [
        (1, "改造"),
        (3, "新建"),
    ]


def test_a_candidate_cannot_be_added_to_a_poll_that_has_opened(desk):
    poll = move_by_force(make_poll(candidates=1, delegates_total=3), Poll.Phase.OPEN)
    make_poll(candidates=0)
    page = desk.get(reverse("admin:projects_project_add"))

    reply = desk.post(
        reverse("admin:projects_project_add"),
        fields_of(page) | {"poll": poll.pk, "number": 2, "title": "迟到的项目", "text": "内容。"},
    )

    assert "投票已经开始" in reply.context["adminform"].form.errors["poll"][0]
    assert poll.projects.count() == 1


def test_a_candidate_of_an_opened_poll_can_be_read_and_neither_changed_nor_deleted(desk):
    poll = make_poll(candidates=1, delegates_total=3)
    project = poll.projects.get()
    address = reverse("admin:projects_project_change", args=[project.pk])
    filled = fields_of(desk.get(address)) | {"title": "改名"}
    move_by_force(poll, Poll.Phase.OPEN)

    page = desk.get(address)
    changed = desk.post(address, filled, follow=True)
    deleted = desk.post(
        reverse("admin:projects_project_delete", args=[project.pk]), {"post": "yes"}
    )

    assert "候选项目1" in page.text
    assert messages_of(changed) == ["投票已经开始，候选项目和票决规则不能再修改。"]
    assert deleted.status_code == 403
    assert Project.objects.get().title == "候选项目1"


def test_no_list_holds_two_candidates_that_nobody_can_tell_apart(desk, clerk):
    # Case 42, on the office's side.
    poll = make_poll(candidates=0)
    make_project(poll, 1, title="建设社区食堂（AED）")
    sent = {
        "poll": poll.pk,
        "number": 2,
        "title": "建设\u200b 社区食堂(ａｅｄ)",
        "text": "建设\u200b内容",
        "targets-TOTAL_FORMS": "0",
        "targets-INITIAL_FORMS": "0",
        "sub_items-TOTAL_FORMS": "0",
        "sub_items-INITIAL_FORMS": "0",
    }

    reply = desk.post(reverse("admin:projects_project_add"), sent)
    other = desk.post(reverse("admin:projects_project_add"), sent | {"title": "停\ufe0f车场"})

    assert "第1项的名称与此相同，请写明两项的区别。" in reply.text
    assert other.status_code == 302
    made = poll.projects.get(number=2)
    assert (made.title, made.text) == ("停车场", "建设内容")


@pytest.mark.parametrize(
    ("field", "text", "column"),
    [
        ("title", "3月5日", "项目名称"),
        ("title", "合计", "项目名称"),
        ("text", "同上", "建设内容"),
        ("lead_unit", "TRUE", "责任单位"),
        ("deadline", "Dec-26", "完成时限"),
    ],
)
def test_the_form_of_a_candidate_takes_what_a_table_takes(desk, clerk, field, text, column):
    poll = make_poll(candidates=0)
    sent = {
        **{"poll": poll.pk, "number": 1, "title": "停车场", "text": "建设内容"},
        **{"targets-TOTAL_FORMS": "0", "targets-INITIAL_FORMS": "0", field: text},
        **{"sub_items-TOTAL_FORMS": "0", "sub_items-INITIAL_FORMS": "0"},
    }

    reply = desk.post(reverse("admin:projects_project_add"), sent)

    assert f"“{text}”不能用作{column}，请核对后填写。" in reply.text
    assert not poll.projects.exists()
