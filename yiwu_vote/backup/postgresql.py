"""Copies of PostgreSQL by its own tools: pg_dump takes one of one moment, psql puts it back."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext_lazy as _

from yiwu_vote.backup.file import Sink
from yiwu_vote.backup.sqlite import Ask
from yiwu_vote.refusal import Refusals

NAME = "database.sql"
# Rows and no people: who owns and who may is a matter of the database it is put back into.
WHOLE = ("--no-owner", "--no-privileges", "--lock-wait-timeout=10s")
AT_ONCE = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")

refused = Refusals(
    {
        "no-tool": _(
            "本机没有 %(tool)s，不能备份或恢复 PostgreSQL 数据库。"
            "请安装 PostgreSQL 客户端（如 apt-get install postgresql-client）。"
        ),
        "old-tool": _(
            "本机的 %(tool)s 是第%(there)d版，比数据库服务器的第%(needed)d版旧，不能备份。"
            "请安装同版或更新的 PostgreSQL 客户端。"
        ),
        "behind-pooler": _(
            "数据库前面有连接池，不能经过它备份或恢复。"
            "请把 DATABASE_URL 改为数据库服务器本身的地址，并且不设 BEHIND_POOLER，再运行命令。"
        ),
        "failed": _("%(tool)s 没有完成：%(why)s"),
    }
)


def dump(
    connection: BaseDatabaseWrapper,
    out: Sink,
    describe: Callable[[Ask], dict[str, Any]],
    *,
    without: Iterable[str],
) -> dict[str, Any]:
    """Write what pg_dump gives of the database to `out`; return what `describe` finds at that moment.

    Of the tables `without` it gives no rows. Both read one snapshot, so that whatever is cast meanwhile is in neither. Raises Refused.
    """
    program = _tool("pg_dump")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        (server,) = cursor.fetchone()
    version = _version(program)
    if version < server:
        raise refused("old-tool", tool="pg_dump", there=version, needed=server)
    own = connection.copy("backup")
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Visitors are given seconds for each statement, and a copy takes the time it takes.
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()

            def ask(sql: str) -> list[tuple[Any, ...]]:
                cursor.execute(sql)
                return list(cursor.fetchall())

            found = describe(ask)
            less = [f"--exclude-table-data={table}" for table in without]
            _run(own, program, [*WHOLE, *less, f"--snapshot={snapshot}"], out=out)
        return found
    finally:
        own.close()


def load(connection: BaseDatabaseWrapper, pieces: Iterable[bytes], *, before: str) -> None:
    """Let psql carry out `before` and then the dump that `pieces` are, all of it or nothing.

    The dump makes its tables itself. Raises Refused.
    """
    _run(
        connection, _tool("psql"), [*AT_ONCE, f"--output={os.devnull}", "--file=-"], before, pieces
    )


def demand_tool(name: str) -> None:
    """Raise Refused where the tool is not there, or the database is not to be reached by it."""
    _tool(name)


def _tool(name: str) -> str:
    if settings.BEHIND_POOLER:
        raise refused("behind-pooler")
    program = shutil.which(name)
    if program is None:
        raise refused("no-tool", tool=name)
    return program


def _version(program: str) -> int:
    line = [program, "--version"]
    said = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603 - see _tool.
    found = re.search(r"\d+", said.stdout)
    return int(found[0]) if found else 0


def _run(
    connection: BaseDatabaseWrapper,
    program: str,
    options: Sequence[str],
    before: str = "",
    pieces: Iterable[bytes] = (),
    *,
    out: Sink | None = None,
) -> None:
    """Run a tool of PostgreSQL on the database of `connection`; the password never stands on its line."""
    line, more = connection.client.settings_to_cmd_args_env(
        connection.settings_dict, ["--no-password", *options]
    )
    # What it complains of goes to a file: nobody reads a second pipe while the first one is full.
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - a tool that _tool has found, no shell.
            [program, *line[1:]],
            env=os.environ | (more or {}) | {"LC_MESSAGES": "C", "PGOPTIONS": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if out else subprocess.DEVNULL,
            stderr=said,
        )
        with process:
            try:
                if process.stdin:
                    _feed(process.stdin, before, pieces)
                if process.stdout and out:
                    shutil.copyfileobj(process.stdout, out, 1 << 20)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            why = lines[0] if lines else str(process.returncode)
            raise refused("failed", tool=Path(program).name, why=why[:300])


def _feed(stdin: IO[bytes], before: str, pieces: Iterable[bytes]) -> None:
    try:
        with stdin:
            stdin.write(before.encode())
            stdin.writelines(pieces)
    except BrokenPipeError:
        # The tool has ended, and has said why.
        pass
