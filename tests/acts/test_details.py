"""The files of single ballots: what stands in them, for whom, and what the record says of it."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from ballots import journal
from ballots.acts import details, lifecycle
from ballots.facts.record import BALLOTS, PABULIB, PACKAGE
from ballots.files import download, package, tables
from ballots.models import JournalEntry
from ballots.refusal import Refused
from projects.models import Poll
from tests.helpers.desk import at, desk_of
from tests.helpers.factories import Stage, make_poll, make_stage, move_by_force, selection
from tests.helpers.refusals import refusal_of
from tests.helpers.small_vote import confirm, count, lines_of, make_opened, table

pytestmark = pytest.mark.django_db

READY = {Poll.Phase.CONFIRMED, Poll.Phase.PUBLISHED}


@pytest.fixture
def confirmed() -> Stage:
    return confirm(count(make_opened()))


# --- 表决票明细 -------------------------------------------------------------------------------------


def test_the_ballots_are_listed_with_what_they_say_of_candidates_and_add_up_to_the_result():
    stage = confirm(count(make_opened()))

    header, *rows = lines_of(tables.ballots_csv, stage)

    assert header == ["票序（随机）", "所选项数", "所选项目编号（以“、”分隔）"]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert sorted(row[1:] for row in rows) == [
        ["0", ""],
        ["1", "1"],
        ["1", "1"],
        ["1", "1"],
        ["2", "1、2"],
        ["2", "1、3"],
    ]


def test_the_ballots_are_listed_without_their_proposals_and_without_a_trace_of_them():
    """Two boxes alike but for the proposals give the same rows, whatever became of these."""
    rows = []
    for proposals in ([], ["新建停车场", "新建公园"]):
        stage = make_stage(delegates=2, candidates=3, places=3, delegates_total=4)
        stage.cast(0, selection(1, proposals=proposals))
        stage.cast(1, selection(2))
        stage.close()
        stage.open_box()
        first = stage.poll.projects.get(number=2)
        stage.poll.write_ins.filter(title="新建公园").update(
            ruling="into-project", into_project=first
        )
        listed = lines_of(tables.ballots_csv, confirm(count(stage)))[1:]
        rows.append(sorted(row[1:] for row in listed))

    assert rows[0] == rows[1] == [["1", "1"], ["1", "2"]]


def test_where_each_project_is_voted_on_the_ballots_list_who_was_voted_against():
    stage = make_stage(delegates=2, candidates=3, places=3, form="each")
    stage.cast(0, selection(1, 2, against=[3]))
    stage.cast(1, selection(against=[1, 3]))
    stage.close()
    stage.open_box()

    header, *rows = lines_of(tables.ballots_csv, confirm(count(stage)))

    assert header[3] == "反对项目编号（以“、”分隔）"
    assert sorted(row[1:] for row in rows) == [["0", "", "1、3"], ["2", "1、2", "3"]]


def test_the_order_of_the_ballots_is_another_one_in_each_file():
    stage = make_stage(delegates=12, candidates=12, places=1)
    for place in range(12):
        stage.cast(place, selection(place + 1))
    stage.close()
    stage.open_box()
    confirm(count(stage))

    files = [[row[2] for row in lines_of(tables.ballots_csv, stage)] for _file in range(3)]

    # Three shuffles of twelve are alike once in 10**17 times.
    assert not files[0] == files[1] == files[2]
    assert sorted(files[0]) == sorted(files[1])


def test_an_invalid_ballot_is_not_among_them():
    stage = make_stage(delegates=2, candidates=3, places=2)
    stage.cast(0, selection(1, 2))
    stage.forge(1, b"no ballot")
    stage.close()
    stage.open_box()

    rows = lines_of(tables.ballots_csv, confirm(count(stage)))[1:]

    assert [row[1:] for row in rows] == [["2", "1、2"]]


@pytest.mark.parametrize("phase", [phase for phase in Poll.Phase if phase not in READY])
def test_no_single_ballot_is_exported_before_the_count_is_confirmed(phase):
    poll = make_poll(kind=Poll.Kind.REHEARSAL, delegates_total=3)
    if phase != Poll.Phase.DRAFT:
        move_by_force(poll, phase)

    with pytest.raises(Refused) as refusal:
        tables.ballots_csv(poll)

    assert refusal.value.code == ("void" if phase == "void" else "not-confirmed")


def test_where_every_ballot_is_full_a_short_one_would_tell_of_its_proposal_and_none_is_exported():
    stage = make_stage(delegates=2, candidates=3, places=2, choice_rule="exactly")
    stage.cast(0, selection(1, 2))
    stage.cast(1, selection(1, proposals=["新建停车场"]))
    stage.close()
    stage.open_box()
    confirm(count(stage))

    with pytest.raises(Refused) as refusal:
        tables.ballots_csv(stage.poll)

    assert refusal.value.code == "tells-proposals"


def test_where_every_ballot_is_full_and_none_has_a_proposal_they_are_exported():
    stage = make_stage(delegates=1, candidates=3, places=2, choice_rule="exactly")
    stage.cast(0, selection(1, 2))
    stage.close()
    stage.open_box()

    assert len(table(tables.ballots_csv, confirm(count(stage)))) == 1


# --- the record -----------------------------------------------------------------------------------


def note(stage: Stage, **changed: Any) -> JournalEntry:
    given: dict[str, Any] = {"what": BALLOTS, "reason": "核对异议", "by": stage.scrutineer}
    return details.note_export(stage.poll, **(given | changed))


def test_who_took_what_and_why_stands_in_the_record(confirmed):
    note(confirmed, reason=" 核对异议 ")

    last = confirmed.poll.journal.order_by("seq").last()
    assert last
    assert (last.kind, last.by) == ("exported", confirmed.scrutineer)
    assert json.loads(last.body)["data"] == {"what": "ballots", "reason": "核对异议"}
    assert journal.first_broken(confirmed.poll) is None
    row = table(tables.journal_csv, confirmed)[-1]
    assert (row["操作"], row["说明"]) == ("导出明细", "原因：核对异议；内容：表决票明细")


def test_only_a_scrutineer_with_a_reason_takes_it_and_a_refusal_leaves_no_entry(confirmed):
    root = User.objects.create_superuser("root")
    before = confirmed.poll.journal.count()

    assert refusal_of(note, confirmed, by=confirmed.office) == "not-scrutineer"
    assert refusal_of(note, confirmed, by=root) == "not-scrutineer"
    assert refusal_of(note, confirmed, reason=" ") == "reason-needed"
    assert confirmed.poll.journal.count() == before
    assert note(confirmed, by=confirmed.chief)


DUE = {
    (BALLOTS, Poll.Kind.REHEARSAL): READY,
    (BALLOTS, Poll.Kind.MAIN): READY,
    (PABULIB, Poll.Kind.REHEARSAL): {Poll.Phase.COUNTED, *READY},
    (PABULIB, Poll.Kind.MAIN): set(),
}


@pytest.mark.parametrize("phase", Poll.Phase)
@pytest.mark.parametrize(("what", "kind"), DUE)
def test_a_file_of_ballots_is_due_in_these_phases_alone(what, kind, phase):
    assert details.is_due(Poll(kind=kind, phase=phase), what) == (phase in DUE[what, kind])


def test_research_data_of_a_real_poll_wait_until_the_hall_has_seen_all_of_the_result():
    poll = Poll(phase=Poll.Phase.PUBLISHED)
    assert not details.is_due(poll, PABULIB)

    poll.revealed_at = timezone.now()

    assert details.is_due(poll, PABULIB)


# --- the pages ------------------------------------------------------------------------------------


def page(stage: Stage, user: User, name: str, **data: str) -> Any:
    desk, address = desk_of(user), at(stage.poll, name)
    return desk.post(address, data) if data else desk.get(address)


PAGES = {"export-ballots": "ballots.csv", "export-research": "pabulib.pb"}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_warns_asks_why_and_answers_with_the_file(confirmed, name):
    content, extension = PAGES[name].split(".")

    asked = page(confirmed, confirmed.scrutineer, name).text
    reply = page(confirmed, confirmed.scrutineer, name, reason="核对异议")

    assert "可能认出自己的表决票" in asked
    assert 'name="reason"' in asked
    disposition = reply.headers["Content-Disposition"]
    assert disposition.startswith(f'attachment; filename="rehearsal_yiwu-2026-{content}-')
    assert f'.{extension}"' in disposition
    assert confirmed.poll.journal.filter(kind="exported").count() == 1


@pytest.mark.parametrize("name", PAGES)
def test_without_a_reason_there_is_neither_file_nor_entry(confirmed, name):
    reply = page(confirmed, confirmed.scrutineer, name, reason=" ")

    assert "Content-Disposition" not in reply.headers
    assert "这个字段是必填项" in reply.text
    assert not confirmed.poll.journal.filter(kind="exported").exists()


@pytest.mark.parametrize("name", PAGES)
def test_the_office_is_refused_the_page(confirmed, name):
    assert page(confirmed, confirmed.office, name, reason="核对异议").status_code == 403
    assert not confirmed.poll.journal.filter(kind="exported").exists()


@pytest.mark.parametrize("name", PAGES)
def test_while_the_box_is_open_and_nothing_is_counted_there_is_no_page(name):
    stage = make_opened()

    reply = page(stage, stage.scrutineer, name, reason="核对异议")

    assert reply.status_code == 302
    assert not stage.poll.journal.filter(kind="exported").exists()


@pytest.mark.parametrize("name", PAGES)
def test_a_file_that_would_tell_of_proposals_is_refused_on_its_page_and_not_recorded(name):
    stage = make_stage(delegates=1, candidates=3, places=2, choice_rule="exactly")
    stage.cast(0, selection(1, proposals=["新建停车场"]))
    stage.close()
    stage.open_box()
    confirm(count(stage))

    reply = page(stage, stage.scrutineer, name, reason="核对异议")

    assert "一望而知写有推荐项目" in reply.text
    assert "核对异议" in reply.text
    assert not stage.poll.journal.filter(kind="exported").exists()


def test_a_file_that_could_not_be_made_is_not_on_record(confirmed, monkeypatch):
    class Broken(Exception):
        """A fault that no code of ours expects."""

    def fail(poll: Poll) -> download.Download:
        raise Broken

    monkeypatch.setattr(tables, "ballots_csv", fail)

    with pytest.raises(Broken):
        page(confirmed, confirmed.scrutineer, "export-ballots", reason="核对异议")

    assert not confirmed.poll.journal.filter(kind="exported").exists()


def test_the_days_page_offers_both_files_to_a_scrutineer_and_neither_to_the_office(confirmed):
    links = [at(confirmed.poll, name) for name in PAGES]

    watch = page(confirmed, confirmed.scrutineer, "change").text
    desk = page(confirmed, confirmed.office, "change").text

    assert all(link in watch for link in links)
    assert not any(link in desk for link in links)


def test_the_reason_stays_out_of_the_public_package(confirmed):
    note(confirmed, reason="张三代表提出异议")
    lifecycle.publish_result(confirmed.poll, by=confirmed.office, leave_open=True, at_once=True)

    archive = zipfile.ZipFile(io.BytesIO(package.public_package(confirmed.poll).content))
    text = archive.read("journal.json").decode()

    assert "exported" in text
    assert "张三" not in text


# --- the full package -----------------------------------------------------------------------------


def test_who_takes_the_full_package_stands_on_record_from_the_count_on():
    stage = make_opened()

    def note(by: User, reason: str = "复查") -> JournalEntry:
        return details.note_export(stage.poll, what=PACKAGE, reason=reason, by=by)

    assert refusal_of(lambda: note(stage.scrutineer)) == "not-counted"
    count(stage)
    assert refusal_of(lambda: note(stage.office)) == "not-scrutineer"
    assert refusal_of(lambda: note(stage.scrutineer, " ")) == "reason-needed"
    assert note(stage.scrutineer).data == {"what": "package", "reason": "复查"}
    assert journal.first_broken(stage.poll) is None
