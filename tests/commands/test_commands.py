"""The day from the shell: the contract of design §9, and what the commands refuse."""

import csv
import errno
import io
import os
import stat
import subprocess
import sys
import time
from itertools import chain, repeat
from pathlib import Path

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import OutputWrapper

from ballots import journal, verifier
from ballots.acts import drafts, lifecycle, storage
from ballots.files import tables
from ballots.management.commands import _steps, make_key
from ballots.models import BallotBox
from ballots.refusal import SHARED
from projects.models import Poll
from tests.helpers.factories import (
    PASSWORD,
    Stage,
    make_poll,
    make_scrutineer,
    make_stage,
    selection,
)
from tests.helpers.machine import ROOT
from tests.helpers.refusals import refused, run

SHARES = "shares.txt"


@pytest.fixture
def draft(db: None) -> Stage:
    stage = make_stage(delegates=4, open_it=False)
    BallotBox.objects.filter(poll=stage.poll).delete()
    return stage


@pytest.fixture
def shares(stage: Stage, tmp_path: Path) -> Path:
    path = tmp_path / SHARES
    path.write_text("\n".join(stage.shares) + "\n\n")
    return path


@pytest.fixture
def counted(stage: Stage) -> Stage:
    return count(stage)


def count(stage: Stage) -> Stage:
    stage.cast(0, selection(1, 2, proposals=["新建停车场"]))
    stage.cast(1, selection(1))
    stage.close()
    stage.open_box()
    stage.count()
    return stage


def phase(stage: Stage) -> str:
    stage.poll.refresh_from_db()
    return stage.poll.phase


# --- the whole day --------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_whole_day_of_a_rehearsal_goes_from_the_shell(tmp_path):
    stage = make_stage(delegates=4, candidates=3, open_it=False)
    office, scrutineer = stage.office.username, stage.scrutineer.username
    keys = tmp_path / SHARES

    assert "共5份，开箱需3份" in run("make_key", "--out", keys, "--user", office)
    assert "试开成功" in run("test_key", "--shares", keys, "--user", scrutineer)
    assert "投票已开始" in run("open_poll", "--user", office)
    stage.cast(0, selection(1, 2, proposals=["新建停车场"]))
    stage.cast(1, selection(1, proposals=["新建 停车场"]))
    closing = run("close_poll", "--user", office)
    assert "已封存2张表决票" in closing
    assert "投票先后的痕迹已清除" in closing
    assert "票箱已开启，共2张表决票" in run("open_box", "--shares", keys, "--user", scrutineer)
    assert "推荐项目1件，其中1件刚刚单列" in run(
        "canvass_poll", "--each-alone", "--user", office, "--second", scrutineer
    )
    assert "收回2张，有效2张；得3票以上通过" in run("count_poll", "--user", office)
    assert "复核完成" in run("confirm_poll", "--user", stage.chief.username)
    assert "结果已公布，0个项目通过" in run("publish_poll", "--user", office)

    assert phase(stage) == Poll.Phase.PUBLISHED
    kinds = list(stage.poll.journal.order_by("seq").values_list("kind", flat=True))
    assert kinds[-8:] == [
        "closed",
        "storage-rewritten",
        "box-opened",
        "write-ins-ruled",
        "canvass-closed",
        "counted",
        "confirmed",
        "published",
    ]


def test_the_commands_work_as_processes_with_exit_codes_and_no_traceback(tmp_path):
    """One process is enough to see what the shell sees; the acts are tested in this one."""
    environment = os.environ | {
        "DEMO": "1",
        "VAR_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "yiwu_vote.settings",
        "PYTHONIOENCODING": "utf-8",
    }

    def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8"
        )

    too_early = manage("close_poll", "--user", "office")
    manage("migrate")
    nothing = manage("close_poll", "--user", "office")

    assert (too_early.returncode, nothing.returncode) == (1, 1)
    assert "请先运行 manage.py migrate" in too_early.stderr
    assert "没有可以办理这一步的票决（须处于“投票、暂停、截止”阶段）" in nothing.stderr
    assert "Traceback" not in too_early.stderr + nothing.stderr


# --- which poll -----------------------------------------------------------------------------------


def test_the_poll_may_be_left_out_where_one_fits(stage):
    make_poll()

    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)

    assert _steps.the_poll(None, (Poll.Phase.PAUSED,)) == stage.poll


def test_where_several_polls_fit_they_are_listed(stage):
    other = make_poll(meeting="另一次会议")
    third = make_poll(meeting="第三次会议")

    words = refused("open_poll", "--user", stage.office.username)

    assert f"--poll {other.pk}  2026年 另一次会议  阶段：准备" in words
    assert f"--poll {third.pk}  2026年 第三次会议" in words
    assert f"--poll {stage.poll.pk} " not in words


def test_a_poll_that_is_not_there_is_a_sentence(stage):
    assert "没有编号为999的票决" in refused("open_poll", "--poll", 999, "--user", "x")


def test_a_poll_asked_for_by_number_in_the_wrong_phase_is_refused_by_the_act(stage):
    words = refused("count_poll", "--poll", stage.poll.pk, "--user", stage.office.username)

    assert words == "当前阶段不能办理这一步，请刷新页面。"


# --- who signs ------------------------------------------------------------------------------------


def test_an_unknown_user_is_a_sentence(stage):
    assert refused("close_poll", "--user", "nobody") == "没有用户“nobody”。"


def test_an_act_still_asks_for_the_office(stage):
    words = refused("close_poll", "--user", stage.scrutineer.username)

    assert words == "只有会务人员可以办理。"


def test_a_step_for_two_people_wants_the_second(stage):
    stage.cast(0, selection(1, proposals=["新建停车场"]))
    stage.close()
    stage.open_box()

    words = refused("canvass_poll", "--each-alone", "--user", stage.office.username)

    assert "归并结束须由会务和监票各一人签名确认" in words


def test_a_canvass_that_is_not_signed_rules_on_nothing(stage):
    stage.cast(0, selection(1, proposals=["新建停车场"]))
    stage.close()
    stage.open_box()

    refused("canvass_poll", "--each-alone", "--user", stage.office.username)

    assert stage.poll.write_ins.get().ruling == ""


def test_without_each_alone_every_proposal_needs_its_ruling_first(stage):
    stage.cast(0, selection(1, proposals=["新建停车场"]))
    stage.close()
    stage.open_box()
    people = ["--user", stage.office.username, "--second", stage.scrutineer.username]

    assert "还有推荐项目没有处理" in refused("canvass_poll", *people)


def test_a_poll_is_voided_by_two_people_with_a_reason(stage):
    people = ["--user", stage.office.username, "--second", stage.scrutineer.username]

    assert "本次票决作废" in run("void_poll", "--reason", "程序有误", *people)
    assert phase(stage) == Poll.Phase.VOID


# --- a real poll ----------------------------------------------------------------------------------


class Keyboard:
    """Stands for the terminal: answers each hidden question in turn and remembers what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, prompt: str = "") -> str:
        self.asked.append(prompt)
        return self.answers.pop(0)


@pytest.fixture
def real(db: None) -> Stage:
    """A real poll in draft whose key is made and tested."""
    return make_stage(delegates=4, kind=Poll.Kind.MAIN, open_it=False)


def types(monkeypatch: pytest.MonkeyPatch, *answers: str) -> Keyboard:
    keyboard = Keyboard(*answers)
    monkeypatch.setattr(_steps, "getpass", keyboard)
    return keyboard


def test_a_real_poll_asks_for_the_password(real, monkeypatch):
    keyboard = types(monkeypatch, PASSWORD)

    run("open_poll", "--user", real.office.username)

    assert keyboard.asked == [f"{real.office.username}的密码："]
    assert phase(real) == Poll.Phase.OPEN


def test_a_wrong_password_opens_nothing(real, monkeypatch):
    types(monkeypatch, "guess")

    words = refused("open_poll", "--user", real.office.username)

    assert words == f"用户名或密码不正确：{real.office.username}"
    assert phase(real) == Poll.Phase.DRAFT


def test_a_real_poll_asks_the_second_for_a_password_too(real, monkeypatch):
    lifecycle.open_poll(real.poll, by=real.office)
    keyboard = types(monkeypatch, PASSWORD, "guess")
    people = ["--user", real.office.username, "--second", real.scrutineer.username]

    words = refused("void_poll", "--reason", "程序有误", *people)

    assert len(keyboard.asked) == 2
    assert words == f"用户名或密码不正确：{real.scrutineer.username}"
    assert phase(real) == Poll.Phase.OPEN


def test_a_real_poll_takes_no_file_of_shares(real, monkeypatch, tmp_path):
    (tmp_path / SHARES).write_text("\n".join(real.shares))
    types(monkeypatch, PASSWORD)

    words = refused("test_key", "--shares", tmp_path / SHARES, "--user", real.scrutineer.username)

    assert words == "正式票决不能从文件读取密钥份额，请由保管人逐份输入。"


def test_a_real_poll_asks_for_each_share(real, monkeypatch):
    keyboard = types(monkeypatch, PASSWORD, *real.shares[:3])

    assert "试开成功" in run("test_key", "--user", real.scrutineer.username)
    assert keyboard.asked[1:] == ["第1份密钥份额：", "第2份密钥份额：", "第3份密钥份额："]


def test_a_mistyped_share_is_a_sentence(real, monkeypatch):
    types(monkeypatch, PASSWORD, *real.shares[:2], "1234")

    assert "密钥份额应为8组" in refused("test_key", "--user", real.scrutineer.username)


def test_the_shares_of_a_real_poll_are_never_written_to_a_file(real, monkeypatch, tmp_path):
    types(monkeypatch, PASSWORD)

    words = refused("make_key", "--out", tmp_path / SHARES, "--user", real.office.username)

    assert "不写入文件" in words
    assert not (tmp_path / SHARES).exists()


def test_the_shares_of_a_real_poll_need_named_holders_and_a_terminal(real, monkeypatch):
    types(monkeypatch, PASSWORD, PASSWORD)
    office = real.office.username

    assert "--holders" in refused("make_key", "--user", office)
    assert "请在终端中办理" in refused("make_key", "--user", office, "--holders", *"甲乙丙丁戊")


def test_each_holder_of_a_real_poll_sees_one_share_and_the_screen_is_cleared(real, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    types(monkeypatch, PASSWORD)
    enter = Keyboard(*[""] * 10)
    monkeypatch.setattr("builtins.input", enter)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stdout", Terminal())

    shown = run("make_key", "--user", real.office.username, "--holders", *"甲乙丙丁戊")

    screens = shown.split(make_key.CLEAR)
    assert len(screens) == 6
    assert all(screen.count("-") == 7 + 3 for screen in screens[:5])
    assert [asked[4] for asked in enter.asked[::2]] == list("甲乙丙丁戊")
    real.poll.box.refresh_from_db()
    assert real.poll.box.ceremony == 2


# --- the key of a rehearsal -----------------------------------------------------------------------


def test_the_shares_of_a_rehearsal_go_into_a_file_that_only_its_owner_reads(draft, tmp_path):
    run("make_key", "--out", tmp_path / SHARES, "--user", draft.office.username)

    lines = (tmp_path / SHARES).read_text().splitlines()
    assert len(lines) == 5
    assert stat.S_IMODE((tmp_path / SHARES).stat().st_mode) == 0o600


def test_a_file_of_shares_is_never_overwritten(draft, tmp_path):
    (tmp_path / SHARES).write_text("kept")

    words = refused("make_key", "--out", tmp_path / SHARES, "--user", draft.office.username)

    assert "已存在，不会覆盖" in words
    assert (tmp_path / SHARES).read_text() == "kept"
    assert not BallotBox.objects.filter(poll=draft.poll).exists()


def test_a_key_that_is_refused_leaves_no_file(draft, tmp_path):
    office = draft.office.username

    words = refused("make_key", "--out", tmp_path / SHARES, "--user", office, "--threshold", 4)

    assert "份数不符合要求" in words
    assert not (tmp_path / SHARES).exists()


def test_a_key_whose_shares_did_not_reach_the_disk_is_not_made(draft, tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    words = refused("make_key", "--out", tmp_path / SHARES, "--user", draft.office.username)

    assert "No space left on device" in words
    assert not (tmp_path / SHARES).exists()
    assert not BallotBox.objects.filter(poll=draft.poll).exists()


def test_a_folder_that_is_not_there_is_a_sentence(draft, tmp_path):
    words = refused("make_key", "--out", tmp_path / "no" / "where", "--user", draft.office.username)

    assert "无法写入文件" in words


def test_a_simple_poll_has_two_shares_of_which_one_opens(db, tmp_path):
    stage = make_stage(delegates=2, simple=True, open_it=False)

    words = run("make_key", "--out", tmp_path / SHARES, "--user", stage.office.username)

    assert "共2份，开箱需1份" in words
    assert len((tmp_path / SHARES).read_text().splitlines()) == 2


def test_threshold_and_holders_may_be_chosen(draft, tmp_path):
    people = ["--threshold", 2, "--holders", "赵", "钱", "孙"]

    run("make_key", "--out", tmp_path / SHARES, "--user", draft.office.username, *people)

    draft.poll.refresh_from_db()
    assert (draft.poll.box.threshold, draft.poll.box.holders) == (2, ["赵", "钱", "孙"])


def test_testing_a_key_that_was_never_made_is_a_sentence(draft):
    assert "还没有生成密钥" in refused("test_key", "--user", draft.office.username)


def test_a_file_of_shares_that_is_not_there_is_a_sentence(stage, tmp_path):
    stage.close()

    words = refused("open_box", "--shares", tmp_path / "none", "--user", stage.scrutineer.username)

    assert "无法读取文件" in words


def test_what_is_missing_is_listed_when_a_poll_does_not_open(draft):
    words = refused("open_poll", "--user", draft.office.username)

    assert "开始投票前检查没有全部通过" in words
    assert "✗ 还没有生成票箱密钥" in words


# --- count and after ------------------------------------------------------------------------------


def test_a_count_before_the_canvass_is_closed_is_refused(stage):
    stage.cast(0, selection(1, proposals=["新建停车场"]))
    stage.close()
    stage.open_box()

    words = refused("count_poll", "--user", stage.office.username)

    assert "推荐项目尚未归并完毕" in words


def test_of_a_real_poll_the_shell_asks_what_the_chair_has_said_and_writes_it_down(db, monkeypatch):
    stage = make_stage(kind=Poll.Kind.MAIN, delegates=2)
    typed = iter([PASSWORD, PASSWORD, PASSWORD, *stage.shares[:3]])
    monkeypatch.setattr(_steps, "getpass", lambda _prompt: next(typed))
    office = stage.office.username

    assert "还有2名代表没有投票" in refused("close_poll", "--user", office)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "rewrite_storage", lambda *_args, **_kwargs: None)
        run("close_poll", "--user", office, "--announced")
    run("open_box", "--user", office, "--declared")

    told = {entry.kind: entry.data for entry in stage.poll.journal.all()}
    assert told["closed"]["announced"] is True
    assert told["box-opened"]["declared"] is True


def test_the_opening_of_the_box_tells_only_how_many_ballots_there_were(stage, shares):
    stage.cast(0, selection(1, proposals=["新建停车场"]))
    stage.close()

    words = run("open_box", "--user", stage.scrutineer.username, "--shares", shares)

    assert words == "票箱已开启，共1张表决票。\n"


def test_a_close_whose_files_could_not_be_rewritten_says_so_and_then_does_only_that(
    stage, monkeypatch
):
    office = stage.office.username

    def busy(poll: Poll, *, by: User) -> None:
        raise storage.refused("storage-busy")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "rewrite_storage", busy)
        words = refused("close_poll", "--user", office)
    assert "投票已截止，表决票已封存，只有投票先后的痕迹没有清除。" in words
    assert f"请再运行一次 close_poll --poll {stage.poll.pk}" in words
    assert phase(stage) == Poll.Phase.CLOSED

    def rewritten(poll: Poll, *, by: User) -> None:
        journal.append(poll, journal.Kind.STORAGE_REWRITTEN, by=by)

    monkeypatch.setattr(storage, "rewrite_storage", rewritten)
    assert "投票已截止" not in run("close_poll", "--user", office)
    assert stage.poll.journal.filter(kind="closed").count() == 1
    # And once that is done, a third time finds nothing to do.
    assert refused("close_poll", "--user", office) == str(SHARED["wrong-phase"])


def test_the_count_prints_checks_and_items(stage):
    stage.cast(0, selection(1))
    stage.close()
    stage.open_box()
    # Where nobody proposed anything, the command finds nothing to do and is in nobody's way.
    assert "不需要归并" in run("canvass_poll", "--each-alone", "--user", stage.office.username)

    text = run("count_poll", "--user", stage.office.username)

    assert "✓ 两种算法结果一致的项目数＝项目数（12 = 12）" in text
    assert "候选项目1  1  未过半数" in text
    assert "未复核" in text


def test_whoever_counted_cannot_confirm(counted):
    counted.office.groups.set(make_scrutineer().groups.all())

    words = refused("confirm_poll", "--user", counted.office.username)

    assert words == "计票与复核须由不同人员完成。"


@pytest.fixture
def real_count(real: Stage) -> Stage:
    lifecycle.open_poll(real.poll, by=real.office)
    return count(real)


def test_two_scrutineers_confirm_a_real_count_in_one_command(real_count, monkeypatch):
    types(monkeypatch, PASSWORD, PASSWORD)
    people = ["--user", real_count.scrutineer.username, "--second", real_count.chief.username]

    assert "复核完成" in run("confirm_poll", *people)
    assert phase(real_count) == Poll.Phase.CONFIRMED


def test_one_of_two_confirmations_says_that_another_is_needed(real_count, monkeypatch):
    types(monkeypatch, PASSWORD)

    assert "还需1名监票人复核" in run("confirm_poll", "--user", real_count.scrutineer.username)
    assert phase(real_count) == Poll.Phase.COUNTED


def test_only_the_office_publishes(counted):
    lifecycle.confirm_result(counted.poll, by=counted.chief)

    assert "只有会务人员" in refused("publish_poll", "--user", counted.scrutineer.username)


# --- files ----------------------------------------------------------------------------------------


def test_the_tally_goes_to_standard_output_byte_for_byte(counted, capfdbinary):
    call_command("export_tally")

    assert capfdbinary.readouterr().out == tables.result_csv(counted.poll).content


def test_the_tally_goes_to_a_file(counted, tmp_path):
    run("export_tally", "--output", tmp_path / "F.csv")
    run("export_tally", "--summary", "--output", tmp_path / "S.csv")

    assert (tmp_path / "F.csv").read_bytes() == tables.result_csv(counted.poll).content
    assert (tmp_path / "S.csv").read_bytes() == tables.summary_csv(counted.poll).content


def test_all_tables_go_to_one_workbook_which_only_a_file_can_hold(counted, tmp_path):
    assert "--output" in refused("export_tally", "--workbook")
    run("export_tally", "--workbook", "--output", tmp_path / "F.xlsx")

    found = openpyxl.load_workbook(tmp_path / "F.xlsx")
    assert found.sheetnames == ["结果", "汇总", "推荐", "到会", "核对"]


def test_the_tally_reads_back_as_a_table(counted):
    rows = list(csv.DictReader(io.StringIO(run("export_tally").lstrip("\ufeff"))))

    assert [row["得票数"] for row in rows[:3]] == ["2", "1", "1"]
    assert {row["项目编号"] for row in rows} >= {"1", "12", "推1"}


def test_there_is_no_tally_before_the_count(stage):
    assert "须处于“计票、复核、公布”阶段" in refused("export_tally")
    assert refused("export_tally", "--poll", stage.poll.pk) == "计票完成后才能导出。"


def test_a_file_that_cannot_be_written_is_a_sentence(counted, tmp_path):
    assert "无法写入文件" in refused("export_tally", "--output", tmp_path / "no" / "F.csv")
    assert "无法写入文件" in refused("export_package", tmp_path / "no" / "F.zip")


def test_the_package_passes_the_verifier_and_only_its_owner_reads_it(counted, tmp_path, shares):
    run("export_package", tmp_path / "F.zip")

    assert verifier.main([str(tmp_path / "F.zip"), "--shares", str(shares)]) == 0
    assert stat.S_IMODE((tmp_path / "F.zip").stat().st_mode) == 0o600


def test_the_full_package_of_a_real_poll_asks_who_takes_it_and_why(counted, tmp_path, monkeypatch):
    monkeypatch.setattr(Poll, "is_rehearsal", False)
    monkeypatch.setattr(_steps, "getpass", lambda _prompt: PASSWORD)
    file, name = tmp_path / "F.zip", counted.scrutineer.username

    assert "--user、--reason" in refused("export_package", file)
    assert "原因" in refused("export_package", file, "--user", name)
    assert not file.exists()
    run("export_package", file, "--user", name, "--reason", "复查")

    entry = counted.poll.journal.latest("seq")
    assert (entry.kind, entry.by) == ("exported", counted.scrutineer)


EXPORTS = [
    ("export_package",),
    ("export_tally", "--output"),
    ("export_tally", "--summary", "--output"),
    ("export_tally", "--workbook", "--output"),
]


@pytest.mark.parametrize("export", EXPORTS, ids=" ".join)
@pytest.mark.parametrize("fails", ["write", "fsync", "rename"])
def test_a_file_is_written_whole_or_what_was_there_stays(
    counted, tmp_path, monkeypatch, export, fails
):
    file = tmp_path / "F"
    file.write_text("as it was")

    def no_room(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if fails == "write":
        # The disk fills up while the pieces come.
        monkeypatch.setattr(os, "fdopen", lambda descriptor, _mode: FullDisk(descriptor))
    else:
        monkeypatch.setattr(*{"fsync": (os, "fsync"), "rename": (Path, "replace")}[fails], no_room)

    assert "No space left on device" in refused(*export, file)
    assert file.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [file], "no draft is left"


class FullDisk(io.FileIO):
    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "wb")

    def write(self, data: object) -> int:
        super().write(b"the first few bytes")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_package_takes_the_place_of_one_that_others_could_read(counted, tmp_path):
    file = tmp_path / "F.zip"
    file.write_text("as it was")
    file.chmod(0o644)

    text = run("export_package", file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert verifier.main([str(file)]) == 0
    assert "完成：2张" in text


def test_a_link_and_a_pipe_stay_what_they_are(counted, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "F.csv")
    run("export_tally", "--output", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()

    os.mkfifo(tmp_path / "pipe")
    copy = "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())"
    command = [sys.executable, "-c", copy, tmp_path / "pipe"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        run("export_tally", "--output", tmp_path / "pipe")
        assert reader.communicate()[0] == (tmp_path / "F.csv").read_bytes()


def test_the_public_package_waits_for_the_publication(counted, tmp_path):
    assert "结果公布后" in refused("export_package", "--public", tmp_path / "P.zip")

    lifecycle.confirm_result(counted.poll, by=counted.chief)
    lifecycle.publish_result(counted.poll, by=counted.office, leave_open=True)
    run("export_package", "--public", tmp_path / "P.zip")

    assert verifier.main([str(tmp_path / "P.zip")]) == 0


# --- the journal ----------------------------------------------------------------------------------


def test_the_journal_of_every_poll_is_verified(stage):
    text = run("verify_journal")

    assert f"✓ {stage.poll}：7条，末条校验码 " in text


def test_the_journal_of_what_belongs_to_no_poll_is_verified_beside_them(stage):
    # Beside the one that gave everybody of the stage a card.
    journal.append(None, journal.Kind.CARD_REISSUED, by=stage.office)
    last = journal.append(None, journal.Kind.CARD_REISSUED, by=stage.office)

    assert f"✓ 代表名录：3条，末条校验码 {last.hash}" in run("verify_journal")
    assert journal.first_broken(None) is None


def test_a_broken_link_is_named_and_the_exit_code_is_one(stage):
    # A rehearsal's entries may be deleted, which is what the chain is for.
    stage.poll.journal.filter(seq=2).delete()

    words = refused("verify_journal", "--poll", stage.poll.pk)

    assert f"✗ {stage.poll}：第2条不符" in words


def test_a_database_without_a_journal_says_so(db):
    assert "还没有操作记录" in run("verify_journal")


# --- progress -------------------------------------------------------------------------------------


def test_off_a_terminal_progress_is_a_line_every_ten_percent_and_an_end_line():
    out = io.StringIO()

    done = list(
        _steps.track(range(350), total=350, what="生成投票卡", unit="张", out=OutputWrapper(out))
    )

    lines = out.getvalue().splitlines()
    assert done == list(range(350))
    assert lines[0] == "生成投票卡：10%（35/350）"
    assert len(lines) == 10
    assert lines[-1] == "完成：350张，用时0秒"


def test_progress_of_nothing_is_an_end_line():
    out = io.StringIO()

    assert list(_steps.track([], total=0, what="投票", unit="张", out=OutputWrapper(out))) == []
    assert out.getvalue() == "完成：0张，用时0秒\n"


@pytest.mark.django_db
def test_no_command_knows_a_dropped_draft_but_its_record_is_still_verified():
    """Case 32: by its number or without."""
    stage = make_stage(delegates=2, open_it=False, kind="main")
    drafts.drop(stage.poll, by=stage.office, second=stage.chief, reason="误建")
    key, name, office = stage.poll.pk, str(stage.poll), stage.office.username

    by_number = refused("open_poll", "--poll", key, "--user", office)
    by_phase = refused("open_poll", "--user", office)
    packed = refused("export_tally", "--poll", key)

    assert f"没有编号为{key}的票决" in by_number
    assert name not in by_number + by_phase + packed
    assert str(Poll.objects.get()) in run("verify_journal")


def test_a_long_step_says_every_ten_percent_how_far_it_has_come(monkeypatch):
    out = io.StringIO()
    seconds = chain([0.0, 0.5, 0.5, 0.5], repeat(2.0))
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))

    with _steps.bar("开箱", OutputWrapper(out)) as watch:
        for done in range(1, 21):
            watch(done, 20)

    # Nothing in the first second, and the end says itself.
    assert out.getvalue().splitlines() == [f"开箱：{tens}0%" for tens in range(2, 10)]
