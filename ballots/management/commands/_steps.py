"""What the commands share: which poll, who signs, the shares, refusals as one sentence, files."""

import os
import secrets
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from typing import Any, TypeVar

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.db import Error, connection
from django.utils.translation import gettext
from tqdm import tqdm

from ballots.acts import lifecycle
from ballots.facts import database, preflight
from ballots.facts.checks import site_checks
from ballots.facts.copies import known
from ballots.facts.polls import box_of
from ballots.journal import Kind
from ballots.pure.progress import Watch
from ballots.refusal import Refused
from projects.models import Poll
from projects.phases import EVERY, Phase
from yiwu_vote.postgresql.trouble import is_away, is_full

Item = TypeVar("Item")


class ReadyCommand(BaseCommand):
    """A command that needs every table: without them it says so instead of failing at the first.

    What the database cannot do ends it with one line that says whether anything was done.
    """

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            if not database.tables_are_ready():
                raise CommandError(gettext("数据库尚未就绪，请先运行 manage.py migrate。"))
            return super().execute(*args, **options)
        except Error as error:
            if not is_away(error):
                raise
            trouble = gettext("磁盘已满。") if is_full(error) else gettext("数据库没有应答或出错。")
            raise CommandError(trouble + self.what_became()) from None

    def what_became(self) -> str:
        """Return whether anything was done by a command that the database has broken off."""
        return gettext("没有办理完。恢复后请再运行一次。")


class PollCommand(ReadyCommand):
    """A command about one poll in one of `phases`; what an act refuses ends it with exit code 1."""

    phases: Collection[Phase] = EVERY
    # The poll, and how many entries its record had before.
    _before: tuple[Poll, int] | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--poll", type=int, metavar="ID", help=gettext("票决的编号；只有一个符合时可以不写")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            poll = the_poll(options["poll"], self.phases)
            self._before = poll, poll.journal.count()
            self.work(poll, options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None

    def what_became(self) -> str:
        """Ask the record: each step is there whole, with its entry, or not at all."""
        if self._before is None:
            return gettext("没有办理，没有改动任何内容。恢复后请再运行一次。")
        poll, before = self._before
        # Whatever has broken may have taken the connection along.
        connection.close()
        try:
            done = [
                Kind(kind).label
                for kind in poll.journal.order_by("seq").values_list("kind", flat=True)[before:]
            ]
        except Error:
            return gettext("不能确认是否已办理。恢复后请再运行一次，已办理的不会重复办理。")
        if not done:
            return gettext("没有办理，没有改动任何内容。恢复后请再运行一次。")
        return gettext("已办理：%(steps)s。没有办理完的，恢复后请再运行一次。") % {
            "steps": "、".join(map(str, done))
        }

    def work(self, poll: Poll, options: dict[str, Any]) -> None:
        """Do the one thing of this command to `poll`."""
        raise NotImplementedError


class StepCommand(PollCommand):
    """A step of the day: `--user` takes it, and `--second` signs where two people must."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user", required=True, metavar="NAME", help=gettext("办理人的用户名"))
        parser.add_argument("--second", metavar="NAME", help=gettext("第二人的用户名"))

    def work(self, poll: Poll, options: dict[str, Any]) -> None:
        if not database.writes_are_durable():
            # Asked at the opening, and anybody may have changed it since.
            self.stderr.write("✗ " + str(site_checks.NOT_DURABLE))
        for finding in site_checks.age("blocks"):
            self.stderr.write(f"{finding.mark} {finding.text}")
        by = person(options["user"], poll)
        second = person(options["second"], poll) if options["second"] else None
        self.step(poll, by, second, options)
        known.look()

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        """Take the step with the people who sign it."""
        raise NotImplementedError


def told(poll: Poll, is_said: bool) -> bool | None:
    """Return what an act is told that the chair has said; of a rehearsal at the shell, nothing."""
    return None if poll.is_rehearsal and not is_said else is_said


class ShareCommand(StepCommand):
    """A step that needs the shares of the key, typed one by one or, in a rehearsal, from a file."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--shares",
            type=Path,
            metavar="FILE",
            help=gettext("密钥份额，每行一份（只限演练；不写则逐份输入）"),
        )


def the_poll(pk: int | None, phases: Collection[Phase]) -> Poll:
    """Return the poll `pk`, or the only one in one of `phases`; CommandError lists what there is."""
    if pk is not None:
        poll = Poll.objects.standing().filter(pk=pk).first()
        if poll is None:
            raise CommandError(
                gettext("没有编号为%(id)d的票决。") % {"id": pk} + _listed(Poll.objects.standing())
            )
        return poll
    fitting = list(Poll.objects.filter(phase__in=list(phases)))
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise CommandError(gettext("有多个票决可以办理，请用 --poll 指明：") + _listed(fitting))
    names = "、".join(str(phase.label) for phase in Phase if phase in phases)
    raise CommandError(
        gettext("没有可以办理这一步的票决（须处于“%(phases)s”阶段）。") % {"phases": names}
        + _listed(Poll.objects.standing())
    )


def _listed(polls: Iterable[Poll]) -> str:
    return "".join(
        f"\n  --poll {poll.pk}  {poll}  {gettext('阶段')}：{poll.get_phase_display()}"
        for poll in polls
    )


def person(name: str, poll: Poll) -> User:
    """Return the member of staff `name`; in a real poll only with the password typed here.

    What he or she may do is asked by the act. Raises CommandError.
    """
    if poll.is_rehearsal:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(gettext("没有用户“%(name)s”。") % {"name": name})
        return user
    signed = authenticate(
        username=name, password=secret(gettext("%(name)s的密码：") % {"name": name})
    )
    if not isinstance(signed, User):
        raise CommandError(gettext("用户名或密码不正确：%(name)s") % {"name": name})
    return signed


def secret(prompt: str) -> str:
    """Return what somebody types unseen, or raise CommandError where nobody can type."""
    try:
        return getpass(prompt)
    except EOFError:
        raise CommandError(gettext("正式票决须在终端中输入密码和密钥份额。")) from None


def typed_shares(poll: Poll, file: Path | None) -> list[str]:
    """Return the shares of `file`, a rehearsal's only, or ask for as many as the box needs."""
    if file is None:
        box = box_of(poll)
        needed = box.threshold if box else 0
        return [
            secret(gettext("第%(place)d份密钥份额：") % {"place": position})
            for position in range(1, needed + 1)
        ]
    if not poll.is_rehearsal:
        raise CommandError(gettext("正式票决不能从文件读取密钥份额，请由保管人逐份输入。"))
    try:
        return [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError):
        raise CommandError(gettext("无法读取文件 %(file)s") % {"file": file}) from None


def open_poll(poll: Poll, *, by: User) -> Poll:
    """Open `poll`, or say in the refusal what is missing, line by line."""
    try:
        return lifecycle.open_poll(poll, by=by)
    except Refused as refusal:
        if refusal.code != "incomplete":
            raise
        missing = [
            f"\n  {finding.mark} {finding.text}"
            for finding in preflight.what_is_missing(poll)
            if finding.level == "blocks"
        ]
        raise CommandError(str(refusal) + "".join(missing)) from None


@contextmanager
def bar(what: str, out: OutputWrapper) -> Iterator[Watch]:
    """Yield what shows how far a step has come: a bar on a terminal, else a line every ten percent.

    Whatever takes less than a second shows nothing.
    """
    start, tenths = time.monotonic(), 0
    with tqdm(desc=what, total=100, unit="%", delay=1, leave=False, disable=None) as line:

        def watch(done: int, whole: int) -> None:
            nonlocal tenths
            percent = 100 * done // whole
            if not line.disable:
                line.update(percent - line.n)
            elif 10 * tenths + 10 <= percent < 100 and time.monotonic() - start > 1:
                tenths = percent // 10
                out.write(f"{what}：{10 * tenths}%")

        yield watch


def track(
    items: Iterable[Item], *, total: int, what: str, unit: str, out: OutputWrapper
) -> Iterator[Item]:
    """Yield `items` beside a bar on a terminal, else with a line every ten percent."""
    start, shown = time.monotonic(), 0
    bar = tqdm(items, total=total, desc=what, unit=unit, disable=None)
    for done, item in enumerate(bar, start=1):
        yield item
        tenths = 10 * done // total
        if bar.disable and shown < tenths < 10:
            out.write(f"{what}：{10 * tenths}%（{done}/{total}）")
            shown = tenths
    seconds = round(time.monotonic() - start)
    out.write(
        gettext("完成：%(count)d%(unit)s，用时%(seconds)d秒")
        % {"count": total, "unit": unit, "seconds": seconds}
    )


def write_whole(path: Path, pieces: Iterable[bytes], *, private: bool = False) -> None:
    """Write `pieces` to `path`, or leave what was there; a `private` file is read by its owner alone.

    A draft beside it takes its place once all of it is on the disk. What is no file, such as a pipe,
    is written to as it is. Raises CommandError where nothing can be written.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as out:
                out.writelines(pieces)
            return
        # Through a link, so that the link stays.
        path = path.resolve()
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        mode = 0o600 if private else 0o666
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
                out.writelines(pieces)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(
            gettext("无法写入文件 %(file)s：%(why)s") % {"file": path, "why": error.strerror}
        ) from None
