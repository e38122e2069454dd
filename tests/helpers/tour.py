"""A walk through every page in every state; what people could read on the way is handed back.

Nothing is asserted here: what the pages do stands in the tests of each of them.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import OutputWrapper
from django.db import OperationalError, transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from ballots.acts import announcing, canvass, cards, casting, drafts, hall, lifecycle, roll
from ballots.admin.steps import FILES, PAPERS, STEPS
from ballots.facts import turnout
from ballots.files import papers
from ballots.management.commands import _steps
from ballots.models import AccessCard, Delegate, Delegation, WriteIn
from ballots.pure import card_code
from projects.models import Poll, Project
from tests.helpers.browsing import filled, graded, marked, posted, read, ready_to_cast, signed_in
from tests.helpers.desk import at, confirmation, desk_of, press_open, signed_by, upload
from tests.helpers.factories import (
    Stage,
    confirm_count,
    make_confirmed,
    make_delegates,
    make_office,
    make_poll,
    make_stage,
    make_sub_item,
    play,
    selection,
    stage_beside,
)
from tests.helpers.figures import adopted, item, make_counted
from tests.helpers.reading import Tongues, pieces_of, texts_of

RULES: list[dict[str, Any]] = [
    {"choice_rule": "exactly", "proposals": "off"},
    {"proposals": "advisory", "blank_allowed": False},
    {"proposals": "off"},
    {"form": "each"},
    {"form": "each", "choice_rule": "exactly"},
    {"form": "grades"},
    {"simple": True, "candidates": 8},
]
MOVED = {301, 302, 303}
HTMX = {"HX-Request": "true"}


def walk() -> tuple[dict[str, str], dict[str, str]]:
    """Return every text that the walk came by, and every piece between two tags, with an address."""
    found: dict[str, str] = {}
    pieces: dict[str, str] = {}
    scenes: list[Callable[[], None]] = [
        signing_in,
        before_the_vote,
        nothing_is_missing,
        a_draft,
        a_ballot_of_ticks,
        the_last_minutes,
        a_ballot_on_each_project,
        a_ballot_of_grades,
        *(partial(a_ballot, **columns) for columns in RULES),
        errors,
        a_void_poll,
        tablet,
        two_votes,
        recommendations,
        the_roll,
        the_candidates,
        the_ceremony,
        the_day,
        on_paper,
        a_tie_and_its_run_off,
        too_few,
        results,
    ]
    with listening(found, pieces):
        for scene in scenes:
            # What a scene has left in the database must not stand on the pages of the next one.
            with transaction.atomic():
                scene()
                transaction.set_rollback(True)
    commands(found)
    return found, pieces


def walk_in_english() -> dict[str, str]:
    """Return what a delegate's English pages show in Chinese without saying so, with an address."""
    found: dict[str, str] = {}
    request = Client.request

    def note(self: Client, **environ: Any) -> Any:
        self.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
        reply = request(self, **environ)
        if "html" in reply.headers.get("Content-Type", "") and not is_of_staff(environ):
            for text in Tongues(reply.content.decode()).unmarked:
                found.setdefault(text, f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        return reply

    with mock.patch.object(Client, "request", note):
        for scene in (
            signing_in,
            a_draft,
            a_ballot_of_ticks,
            the_last_minutes,
            a_ballot_on_each_project,
            a_ballot_of_grades,
            a_ballot_of_grades,
            errors,
            a_void_poll,
            tablet,
            two_votes,
            recommendations,
            on_paper,
            a_tie_and_its_run_off,
            results,
        ):
            with transaction.atomic():
                scene()
                transaction.set_rollback(True)
    return found


def is_of_staff(environ: dict[str, Any]) -> bool:
    return str(environ["PATH_INFO"]).startswith("/admin/")


@contextmanager
def listening(found: dict[str, str], pieces: dict[str, str]) -> Iterator[None]:
    """Note the texts and pieces of every answer that any test client gets."""
    request = Client.request

    def note(self: Client, **environ: Any) -> Any:
        reply = request(self, **environ)
        if reply.status_code not in MOVED:
            at = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            for text in texts_of(reply):
                found.setdefault(text, at)
            for piece in pieces_of(reply):
                pieces.setdefault(piece, at)
        return reply

    with mock.patch.object(Client, "request", note):
        yield


def glance(poll: Poll, *users: User) -> None:
    """Let each of `users` open the day of `poll`."""
    for user in users:
        desk_of(user).get(at(poll))


def look(poll: Poll, user: User) -> None:
    """Let `user` open the day of `poll` and every step, paper and file of its phase."""
    poll.refresh_from_db()
    desk = desk_of(user)
    names = [step.name for step in (*STEPS, *PAPERS) if poll.phase in step.phases]
    for name in ("change", "journal", *names):
        desk.get(at(poll, name))
    for name, file in FILES.items():
        if poll.phase in file.phases and not name.endswith("package"):
            desk.get(reverse("admin:ballots_pollday_download", args=[poll.pk, name]))


def of_delegate(client: Client, poll: Poll) -> None:
    for path in ("/home/", "/progress/", "/projects/", "/receipt/", "/results/", "/board/"):
        client.get(path, {"poll": poll.pk})


def of_hall(stage: Stage) -> None:
    stage.poll.refresh_from_db()
    Client().get(f"/screen/{stage.poll.screen_key}/")


def dressed(poll: Poll) -> None:
    """Give the candidates all that may be known of one; the last one lacks what it may lack."""
    Project.objects.filter(poll=poll).update(
        category="交通",
        lead_unit="市交通局",
        investment=1800,
        investment_this_year=950,
        funding="市级财政",
        deadline="2026年11月底",
        site="主城区",
    )
    Project.objects.filter(poll=poll, number=2).update(category="教育")
    Project.objects.filter(poll=poll, number=3).update(lead_unit="")
    make_sub_item(poll.projects.get(number=1))


# --- the delegate ---------------------------------------------------------------------------------


def signing_in() -> None:
    Client().get("/")  # No poll is there yet.
    client = Client()
    stage = make_stage(delegates=2)
    code, token = stage.issued[0].code, stage.issued[0].token
    wrong_digit = code[:-1] + str((int(code[-1]) + 1) % 10)
    for typed in ("", "0127 4821", wrong_digit, card_code.new_code("9999")):
        client.post("/", {"code": typed})
    for path in ("/", f"/k/{token}/", "/k/NOSUCHTOKEN/", "/tablet/"):
        client.get(path)
    client.post(f"/k/{token}/", {"not-mine": ""})
    AccessCard.objects.filter(delegate=stage.delegates[1]).update(revoked_at=timezone.now())
    client.post("/", {"code": stage.issued[1].code})
    Delegate.objects.filter(pk=stage.delegates[0].pk).update(
        locked_until=timezone.now() + timedelta(minutes=3)
    )
    client.post("/", {"code": code})
    glance(stage.poll, stage.office)


def before_the_vote() -> None:
    office = make_office()
    desk = desk_of(office)
    for name in ("admin:index", "admin:handbook"):
        desk.get(reverse(name))
    empty = make_poll(candidates=0, meeting="空白会议")
    desk.get(reverse("admin:index"))
    for query in (f"poll__id__exact={empty.pk}", "q=夜间公交"):
        desk.get(reverse("admin:projects_project_changelist") + f"?{query}")
    look(empty, office)


def nothing_is_missing() -> None:
    stage = make_stage(delegates=3, open_it=False)
    with TemporaryDirectory() as folder, override_settings(BACKUP_DIR=folder):
        (Path(folder) / "backup.sqlite3").write_bytes(b"a backup")
        glance(stage.poll, stage.office)


def a_draft() -> None:
    stage = make_stage(delegates=3, open_it=False)
    dressed(stage.poll)
    stage.poll.projects.get(number=4).targets.all().delete()
    hall.open_screen(stage.poll, by=stage.office)
    client = signed_in(stage)
    of_delegate(client, stage.poll)
    for path in ("/projects/1/", "/projects/2/", "/projects/sample/", "/ballot/"):
        client.get(path)
    of_hall(stage)
    look(stage.poll, stage.office)
    query = f"poll__id__exact={stage.poll.pk}&category=没有"
    desk_of(stage.office).get(reverse("admin:projects_project_changelist") + f"?{query}")


def a_ballot_of_ticks() -> None:
    stage = make_stage(delegates=3, places=10, candidates=20, open_it=False)
    poll = stage.poll
    dressed(poll)
    lifecycle.open_poll(poll, by=stage.office)
    poll.refresh_from_db()
    hall.open_screen(poll, by=stage.office)
    of_hall(stage)
    client = signed_in(stage)
    of_delegate(client, poll)
    client.get("/projects/3/")
    client.get("/ballot/")
    for sent in (
        filled(poll, *range(1, 13)),
        filled(poll),
        filled(poll, 1, proposals=["", "建" * 31, "夜间公交", "夜间公交", "候选项目7"])
        | {"proposal-0-detail": "没有名称"},
        filled(poll, 1, 2, proposals=["候选项目77"]),
        filled(poll, 1, 2, 3) | {"remove": "2"},
        filled(poll, abstain="on"),
        filled(poll, *range(1, 10), proposals=["夜间公交"]),
    ):
        client.post("/ballot/review/", sent)
    given = filled(poll, 1, proposals=["候选项目77"])
    client.post("/ballot/", given | {"instead": "0-7"})
    client.post("/ballot/cast/", ready_to_cast(client, poll, 1, 2))
    of_delegate(client, poll)
    client.post("/ballot/cast/", filled(poll, 3, token=casting.new_token()))
    client.post("/sign-out/", follow=True)
    of_hall(stage)
    waits = signed_in(stage, 1)
    lifecycle.pause_poll(poll, reason="停电", by=stage.office)
    of_delegate(waits, poll)
    waits.get("/ballot/")
    of_hall(stage)
    look(poll, stage.office)
    lifecycle.resume_poll(poll, by=stage.office)
    review = ready_to_cast(waits, poll, 1)
    stage.close()
    waits.post("/ballot/cast/", review)
    of_delegate(waits, poll)
    of_delegate(signed_in(stage), poll)
    of_hall(stage)
    glance(poll, stage.office)


def the_last_minutes() -> None:
    soon = make_stage(delegates=1, closes_at=timezone.now() + timedelta(minutes=4))
    hall.open_screen(soon.poll, by=soon.office)
    client = signed_in(soon)
    of_delegate(client, soon.poll)
    client.get("/ballot/")
    of_hall(soon)
    with time_machine.travel(timezone.now() + timedelta(minutes=5), tick=False):
        of_delegate(client, soon.poll)
        client.get("/ballot/")
        client.post("/ballot/review/", filled(soon.poll, 1))
        of_hall(soon)
        look(soon.poll, soon.office)


def a_ballot_on_each_project() -> None:
    stage = make_stage(delegates=1, form="each", candidates=12, proposals="off")
    client = signed_in(stage)
    client.get("/projects/sample/")
    client.get("/ballot/")
    for sent in (
        marked(stage.poll, *range(1, 12)),
        marked(stage.poll),
        marked(stage.poll, *range(1, 8), against=[8]),
        marked(stage.poll, 1, 2, remove="2"),
    ):
        client.post("/ballot/review/", sent)


def a_ballot_of_grades() -> None:
    stage = make_stage(delegates=2, form="grades", candidates=13)
    client = signed_in(stage)
    of_delegate(client, stage.poll)
    client.get("/projects/sample/")
    client.get("/ballot/")
    for sent in (
        graded(stage.poll),
        graded(stage.poll, 1) | {"vote-2": ["good", "fair"], "vote-3": "strange", "vote-99": "x"},
        graded(stage.poll, 1) | {"vote-2": ["good", "fair"], "vote-3": "strange"},
        graded(stage.poll, 1, fair=[2], poor=[3], remove="2"),
        graded(stage.poll, abstain="on"),
    ):
        client.post("/ballot/review/", sent)
    look(stage.poll, stage.office)
    stage.cast(0, selection(1, fair=[2]))
    of_delegate(client, stage.poll)


def a_ballot(**columns: Any) -> None:
    stage = make_stage(**({"delegates": 1, "candidates": 20} | columns))
    client = signed_in(stage)
    client.get("/home/")
    client.get("/projects/")
    client.get("/ballot/")
    client.post("/ballot/review/", filled(stage.poll))
    client.post("/ballot/review/", filled(stage.poll, 1, proposals=["夜间公交"]))


def a_void_poll() -> None:
    stage = make_stage(delegates=1)
    hall.open_screen(stage.poll, by=stage.office)
    lifecycle.void_poll(stage.poll, reason="停电", by=stage.office, second=stage.scrutineer)
    client = signed_in(stage)
    of_delegate(client, stage.poll)
    client.get("/ballot/")
    of_hall(stage)
    look(stage.poll, stage.office)


def errors() -> None:
    stage = make_stage(delegates=2)
    poll = stage.poll
    client = signed_in(stage, raise_request_exception=False)
    client.get("/nowhere/")
    client.post("/ballot/cast/", filled(poll, 1) | {"poll": "999"})
    review = ready_to_cast(client, poll, 2)
    for failure in (OperationalError(), casting.refused("not-on-roll")):
        with mock.patch.object(casting, "cast_ballot", side_effect=failure):
            client.post("/ballot/cast/", review)
    for broken in (RuntimeError(), OperationalError()):
        with mock.patch.object(turnout, "turnout_of", side_effect=broken):
            client.get("/progress/")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    for path in ("/ballot/cast/", "/sign-out/"):
        strict.post(path, {})
    lifecycle.pause_poll(poll, reason="停电", by=stage.office)
    client.post("/ballot/cast/", review)
    lifecycle.resume_poll(poll, by=stage.office)
    stale = signed_in(stage, 1)
    stale_review = ready_to_cast(stale, poll, 2)
    stale.session.flush()
    for kept in ("", "1"):
        stale.post("/ballot/cast/", stale_review | {"kept": kept}, follow=True)
    stale.get("/home/", follow=True)
    with mock.patch.object(casting, "cast_ballot", side_effect=casting.refused("card-replaced")):
        client.post("/ballot/cast/", review, follow=True)


def tablet() -> None:
    stage = make_stage(delegates=1)
    client = signed_in(stage)
    client.post("/tablet/", {"shared": "on"}, follow=True)
    client.get("/ballot/")
    client.post("/ballot/cast/", ready_to_cast(client, stage.poll, 1))
    client.get("/receipt/")
    client.post("/sign-out/", follow=True)


def two_votes() -> None:
    """One sitting, two votes and one that has not begun: home and receipt lead from one to the other."""
    stage = make_stage(delegates=2)
    second = stage_beside(stage, candidates=3)
    roll.draw_up_roll(make_poll(kind=stage.poll.kind, year=2030), by=stage.office)
    client = signed_in(stage)
    client.get("/home/")
    for held in (stage, second):
        query = f"?poll={held.poll.pk}"
        client.post(f"/ballot/cast/{query}", ready_to_cast(client, held.poll, 1))
        client.get(f"/receipt/{query}")
        client.get(f"/home/{query}")
        client.get("/home/")
        lifecycle.pause_poll(second.poll, reason="停电", by=stage.office)
        client.get("/home/")
        client.get(f"/receipt/{query}")
        lifecycle.resume_poll(second.poll, by=stage.office)
    glance(stage.poll, stage.office)


def recommendations() -> None:
    poll = make_poll(collecting=True)
    [delegate] = make_delegates(1)
    office = make_office()
    [issued] = cards.issue_cards([delegate], by=office)
    client = Client()
    client.post("/", {"code": issued.code})
    client.get("/home/")
    sent = {"poll": poll.pk, "detail": "", "unit": ""}
    for title in ("", "候选项目77", "夜间公交"):
        client.post("/recommend/", sent | {"title": title}, follow=True)
    desk = desk_of(office)
    desk.get(reverse("admin:ballots_recommendation_changelist"))
    for made in poll.recommendations.all():
        desk.get(reverse("admin:ballots_recommendation_change", args=[made.pk]))


# --- the office -----------------------------------------------------------------------------------


def the_roll() -> None:
    desk = desk_of(make_office())
    address = reverse("admin:ballots_delegate_import")
    head = "代表证号,姓名,代表团,联系电话"
    Delegation.objects.get_or_create(name="城区代表团")
    desk.get(address)
    for content in (b"\xd0\xcf\x11\xe0" + bytes(600), b"\x81\xff" * 40):
        desk.post(address, {"file": SimpleUploadedFile("名册.xls", content)})
    upload(desk, address, "代表证号,姓名", "901,张三")
    upload(
        desk,
        address,
        head,
        "901,张三,城区代表团,13800000000",
        "902,,城区代表团,",
        "003,王五,城南代表团,",
        "901,赵六,城区代表团,",
        "904,赵六,城区代表团,138",
    )
    preview = upload(desk, address, head, "901,张三,城区代表团,", "902,李四,城区代表团,")
    desk.post(address, confirmation(preview), follow=True)
    desk.get(reverse("admin:ballots_delegate_changelist"))
    desk.get(reverse("admin:ballots_delegate_changelist"), {"q": "找不到"})
    person = Delegate.objects.get(number="901")
    desk.get(reverse("admin:ballots_delegate_change", args=[person.pk]))
    desk.get(reverse("admin:ballots_delegate_issue"))
    poll = make_poll(kind=Poll.Kind.REHEARSAL)
    issue = {"ids": "", "heading": poll.pk}
    desk.post(reverse("admin:ballots_delegate_issue"), issue)
    desk.get(reverse("admin:ballots_delegate_reissue"), {"ids": person.pk})
    stage = make_stage(delegates=1, delegates_total=9)
    desk_of(stage.office).get(address)


def the_candidates() -> None:
    desk = desk_of(make_office())
    address = reverse("admin:projects_project_import")
    poll = make_poll(candidates=1)
    desk.get(address)
    head = "编号,项目名称,建设内容,年度目标"
    for lines in ((head, "1,,,"), (head, "2,夜间公交,内容,新增线路5条"), ("编号,项目名称",)):
        upload(desk, address, *lines, poll=poll.pk)
    desk.get(reverse("admin:projects_poll_change", args=[poll.pk]))
    desk.get(reverse("admin:projects_poll_add"))


def the_ceremony() -> None:
    desk = desk_of(make_office())
    poll = make_poll()
    holders = {f"holder_{place}": f"保管人{place}" for place in range(1, 6)}
    desk.post(at(poll, "key"), holders | {"scheme": "3-5", "ceremony": "0"})


def the_day() -> None:
    """From the opening to the last step of the reveal, with a proposal of every ruling but one."""
    stage = make_stage(delegates=5, places=3, candidates=8, show_votes=True, open_it=False)
    hall.open_screen(stage.poll, by=stage.office)
    desk, watch = desk_of(stage.office), desk_of(stage.scrutineer)
    the_vote(stage, desk)
    the_canvass(stage, desk, watch)
    the_count(stage, desk, watch)
    the_reveal(stage, desk)


def the_vote(stage: Stage, desk: Client) -> None:
    poll = stage.poll
    press_open(desk, poll)
    desk.post(at(poll, "pause"), {"reason": ""})
    for place, text in enumerate(["候选项目77", "新建停车场", "新建停车场", "新建停车场二"]):
        stage.cast(place, selection(1, 7, proposals=[text]))
    desk.post(at(poll, "close"), {"figure": "3", "announced": "on"})
    glance(poll, stage.scrutineer)
    stage.cast(4, selection(1, 2))
    look(poll, stage.office)
    desk.post(at(poll, "close"), {"figure": "5"}, follow=True)
    look(poll, stage.office)


def the_canvass(stage: Stage, desk: Client, watch: Client) -> None:
    poll = stage.poll
    shares = {f"share_{place}": stage.shares[place - 1] for place in (1, 2, 3)}
    watch.post(at(poll, "box"), shares | {"declared": "on"}, follow=True)
    look(poll, stage.office)
    desk.get(at(poll, "canvass"), {"waiting": "1"})
    like, one, other = (
        poll.write_ins.get(title=title) for title in ("候选项目77", "新建停车场", "新建停车场二")
    )
    page = read(desk.get(at(poll, "canvass"), {"at": str(like.number)}))
    form = next(form for form in page.forms if ("number", str(like.number)) in form.fields)
    desk.post(at(poll, "ruling"), posted(form) | {"ruling": "refused"})
    desk.post(at(poll, "ruling"), posted(form) | {"into": "7"}, follow=True)
    canvass.rule(poll, other, ruling=WriteIn.Ruling.INTO_WRITE_IN, into=one, by=stage.office)
    desk.post(at(poll, "alone"), follow=True)
    desk.get(at(poll, "canvass"))
    desk.post(at(poll, "canvass"), signed_by(stage.scrutineer), follow=True)


def the_count(stage: Stage, desk: Client, watch: Client) -> None:
    """Count, send back, count by somebody who may not confirm, confirm."""
    poll = stage.poll
    desk.post(at(poll, "count"), follow=True)
    look(poll, stage.scrutineer)
    watch.post(at(poll, "send-back"), {"reason": "归并有误"}, follow=True)
    glance(poll, stage.office)
    desk.get(at(poll, "canvass"))
    canvass.close_canvass(poll, by=stage.office, second=stage.scrutineer)
    both = make_office()
    both.groups.set(stage.office.groups.all() | stage.scrutineer.groups.all())
    desk_of(both).post(at(poll, "count"), follow=True)
    desk_of(both).post(at(poll, "confirm"), follow=True)
    watch.post(at(poll, "confirm"), follow=True)


def the_reveal(stage: Stage, desk: Client) -> None:
    poll = stage.poll
    look(poll, stage.office)
    desk_of(stage.scrutineer).post(at(poll, "export-ballots"), {"reason": "存档"})
    desk.post(at(poll, "publish"), {"figure": "9"})
    desk.post(at(poll, "publish"), {"figure": "3"}, follow=True)
    of_hall(stage)
    look(poll, stage.office)
    desk.post(at(poll, "reveal-all"), follow=True)
    of_hall(stage)
    glance(poll, stage.office)
    of_delegate(signed_in(stage), poll)
    Client().get("/results/", {"poll": poll.pk})


def a_tie_and_its_run_off() -> None:
    held = make_confirmed({1: 8, 2: 5, 3: 5}, places=2, show_votes=True)
    look(held.poll, held.office)
    second = play(
        held, drafts.run_off(held.poll, by=held.office), selection(3), selection(3), selection(2)
    )
    glance(held.poll, held.office)
    for poll in (second.poll, held.poll):
        lifecycle.publish_result(poll, by=held.office, at_once=True)
        of_delegate(signed_in(held), poll)
    look(held.poll, held.office)


def on_paper() -> None:
    """Papers from the hand that gives them out to the box, at the desk and on the phone of a delegate."""
    stage = make_stage(delegates=9, places=2, candidates=5, phone="0579-12345678")
    poll, desk = stage.poll, desk_of(stage.office)
    hall.open_screen(poll, by=stage.office)
    client, other = signed_in(stage), signed_in(stage, 8)
    other.post("/ballot/cast/", ready_to_cast(other, poll, 1))
    second = signed_by(stage.scrutineer)
    people = [str(stage.entry(place)) for place in range(8)]
    desk.get(at(poll, "paper-ballots"), {"copies": "2", "first": "1"})
    desk.get(at(poll, "issue-papers"), {"all": "1"})
    desk.post(at(poll, "issue-papers"), second)
    given = {"people": people, "box_shown": "on"} | second
    desk.post(at(poll, "issue-papers"), given, follow=True)
    desk.post(at(poll, "issue-papers"), given)
    taken = {"people": people[7], "reason": "误发"} | second
    desk.post(at(poll, "take-back-papers"), taken, follow=True)
    desk.post(at(poll, "exchange-papers"), {"more": "9"} | second)
    desk.post(at(poll, "exchange-papers"), {"more": "1"} | second, follow=True)
    of_delegate(client, poll)
    client.get("/ballot/")
    of_hall(stage)
    look(poll, stage.office)
    lifecycle.pause_poll(poll, reason="网络中断", by=stage.office)
    desk.get(at(poll, "issue-papers"))
    stage.close()
    of_delegate(client, poll)
    other.cookies.pop("receipt")
    of_delegate(other, poll)
    of_hall(stage)
    desk.get(at(poll))
    for returned in (8, 7):
        desk.post(
            at(poll, "count-papers"), {"returned": returned, "unused": 3} | second, follow=True
        )
        glance(poll, stage.office)
    the_keying(stage)
    look(poll, stage.office)
    desk.post(at(poll, "seal-papers"), follow=True)
    desk.post(at(poll, "seal-papers"), second, follow=True)
    look(poll, stage.office)
    of_delegate(client, poll)
    of_hall(stage)
    confirm_count(stage)
    look(poll, stage.office)
    stage.publish(leave_open=True)
    of_delegate(client, poll)


def the_keying(stage: Stage) -> None:
    """Key seven papers by two, who slip, differ and doubt."""
    poll = stage.poll
    pair, chief = [desk_of(make_office()), desk_of(stage.scrutineer)], desk_of(stage.chief)
    wrong: list[dict[str, str]] = [
        {},
        {"typed_chosen": "1 2 3"},
        {"typed_chosen": "9"},
        {"is_doubtful": "on"},
    ]
    for desk, first in zip(pair, ("1 2", "1 3"), strict=True):
        desk.post(at(poll, "key-papers"), follow=True)
        papers_of_one = [{"typed_chosen": first}, {"is_doubtful": "on", "doubt": "涂改"}]
        for place, sent in enumerate([*papers_of_one, *[{"is_blank": "on"}] * 5], start=1):
            at_place = f"{at(poll, 'key-paper')}?bundle=1&place={place}"
            for slip in wrong if place == 1 else ():
                desk.post(at_place, slip)
            desk.post(at_place, sent, follow=True)
        desk.post(at(poll, "key-papers"))
    compare = f"{at(poll, 'compare-papers')}?bundle=1"
    pair[0].get(compare)
    pair[0].post(f"{at(poll, 'key-paper')}?bundle=1&place=1", {"typed_chosen": "1 3"})
    pair[0].get(compare)
    chief.get(at(poll, "key-papers"))
    chief.get(at(poll, "rule-papers"), follow=True)
    ruling = f"{at(poll, 'rule-papers')}?bundle=1&place=2"
    chief.post(ruling, {"is_doubtful": "on", "doubt": "无法辨认"}, follow=True)
    pair[1].get(f"{at(poll, 'key-paper')}?bundle=1&place=2")


def too_few() -> None:
    few = make_confirmed({1: 8, 2: 4, 3: 2}, places=3)
    look(few.poll, few.office)


# --- the result -----------------------------------------------------------------------------------


def results() -> None:
    short = [item("1", "学校"), item("2", "公交", 3, "short"), item("3", "公园", 2, "short")]
    level = [
        item("1", "学校", 7),
        item("推1", "夜间公交", 6, rank=2, shared=True),
        item("3", "公园", 6, rank=2, shared=True),
        item("4", "厕所", 5, "tied", rank=4, shared=True),
        item("5", "停车场", 5, "tied", rank=4, shared=True),
    ]
    for items, more, columns in (
        ([*adopted(3), item("4", "厕所", 2, "short")], {}, {}),
        (adopted(3), {"proposals": 4, "proposed_items": 2}, {"kind": Poll.Kind.REHEARSAL}),
        (short, {"shortfall": 2}, {"places": 3}),
        (level, {}, {"places": 4}),
    ):
        for show_votes in (False, True):
            poll = make_counted(
                *items,
                phase=Poll.Phase.PUBLISHED,
                more=more,
                **({"show_votes": show_votes} | columns),
            )
            Client().get("/results/", {"poll": poll.pk})
            Poll.objects.filter(pk=poll.pk).update(revealed_at=timezone.now(), revealed=9)
            Client().get("/results/", {"poll": poll.pk})
        desk = desk_of(office := make_office())
        for paper in PAPERS:
            desk.get(at(poll, paper.name))
        said = papers.announcement_of(poll)
        words = ("title", "opening", "closing", "signature", "dated")
        kept = {name: getattr(said, name) for name in words}
        announcing.save_announcement(poll, **kept, with_votes=True, by=office)
        desk.get(at(poll, "notice"))
    wrong = {"name": "两种算法", "left": 1, "right": 2, "relation": "=", "holds": False}
    failed = make_counted(*adopted(2), phase=Poll.Phase.COUNTED, more={"checks": [wrong]})
    desk_of(make_office()).get(at(failed))


# --- from the shell -------------------------------------------------------------------------------


def commands(found: dict[str, str]) -> None:
    out = io.StringIO()
    list(_steps.track(range(350), total=350, what="投票", unit="张", out=OutputWrapper(out)))
    for line in out.getvalue().splitlines():
        found.setdefault(line, "a command")
