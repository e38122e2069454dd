"""Put a backup into an empty database, and prove that it is all there."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext

from ballots import triggers
from ballots.facts.copies import held, known
from ballots.facts.copies.made import Copy, copy_in, later_ballots
from ballots.facts.keyed import key_check
from yiwu_vote.backup import file, postgresql, sqlite
from yiwu_vote.moments import to_the_minute
from yiwu_vote.postgresql import owner
from yiwu_vote.refusal import Refused

# What `migrate` writes into an empty database by itself.
STANDING = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "ballots_register",
}


class Command(BaseCommand):
    help = "把备份恢复到空的数据库，并核对是否完整"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help=gettext("备份文件"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            copy = copy_in(options["file"])
            self.put_back(copy)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        except Error as error:
            raise CommandError(
                gettext("数据库没有应答或出错，没有恢复：%(why)s") % {"why": error}
            ) from None
        self.say(copy)

    def put_back(self, copy: Copy) -> None:
        """Load `copy` into the database, bring it up to date and compare what it holds."""
        _demand_fitting(copy)
        # Whoever owns the tables makes them; as `migrate` does.
        owner.take_over(connection)
        there = _demand_empty()
        file.demand_whole(copy.path, copy.said)
        self.stdout.write(gettext("正在恢复…"))
        pieces = file.pieces(copy.path, copy.said)
        connection.close()
        if copy.engine == "sqlite":
            sqlite.load(Path(connection.settings_dict["NAME"]), pieces)
        else:
            postgresql.load(connection, pieces, before=there)
        wrong = held.held(held.here) != copy.held or held.ballots(held.here) != copy.ballots
        call_command("migrate", verbosity=0, interactive=False)
        # Raises where a record is broken, having said which.
        call_command("verify_journal", stdout=self.stdout)
        if wrong:
            raise CommandError(
                gettext("恢复后的内容与备份所记的不符，请不要使用这个数据库，换一份备份。")
            )
        if older := known.look():
            self.stderr.write(f"△ {older.words}")
        # Whoever restores a backup means to use it.
        known.accept(copy)

    def say(self, copy: Copy) -> None:
        """Say when the copy was made, of what, and whether ballots may be missing in it."""
        self.stdout.write(gettext("已恢复。备份制作于%(at)s：") % {"at": to_the_minute(copy.at)})
        for poll in copy.held.polls:
            self.stdout.write(f"  {copy.of(poll)}")
        for poll in copy.while_voting:
            count = copy.ballots.get(poll.uuid, 0)
            self.stderr.write(f"△ {poll.name}：{later_ballots(copy.at, count)}")
        if copy.key_check != key_check():
            self.stderr.write(
                gettext(
                    "✗ SECRET_KEY 与备份时的不同：已印的投票卡不能登录，进行中的票决不能截止。"
                    "请改回原来的 SECRET_KEY。"
                )
            )


def _demand_fitting(copy: Copy) -> None:
    """Raise unless this program and this kind of database can take the copy."""
    if copy.engine != connection.vendor:
        raise CommandError(
            gettext("这是 %(copy)s 的备份，不能恢复到 %(here)s，请相应设置 DATABASE_URL。")
            % {"copy": copy.engine, "here": connection.vendor}
        )
    known = MigrationLoader(None).disk_migrations
    latest = dict(sorted(known))
    if any(app in latest and (app, name) not in known for app, name in copy.migrations.items()):
        raise file.refused("newer", file=copy.path)
    # No poll that counts is migrated while it runs (ballots.apps).
    if copy.is_running and any(copy.migrations.get(app) != name for app, name in latest.items()):
        raise CommandError(
            gettext(
                "备份中有进行中的正式票决，是用本程序较旧的版本制作的，没有恢复。"
                "请用制作备份时的版本恢复，结果公布或作废以后再升级。"
            )
        )
    if copy.engine == "postgresql":
        postgresql.demand_tool("psql")


def _demand_empty() -> str:
    """Raise unless the database has nothing but what `migrate` makes; return what takes that away."""
    names = set(connection.introspection.table_names())
    ours = {*connection.introspection.django_table_names(), "django_migrations"}
    quote = connection.ops.quote_name
    filled = names - ours
    with connection.cursor() as cursor:
        for name in (names & ours) - STANDING:
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {quote(name)})")  # noqa: S608 - our own names.
            if cursor.fetchone()[0]:
                filled.add(name)
        if filled:
            raise CommandError(
                gettext(
                    "数据库 %(name)s 不是空的（%(tables)s 中有内容），没有恢复，也没有改动。"
                    "请另建一个空的数据库（PostgreSQL：createdb 新库名；SQLite：换一个文件名），"
                    "把 DATABASE_URL 改成它，再运行一次。"
                )
                % {
                    "name": connection.settings_dict["NAME"],
                    "tables": "、".join(sorted(filled)[:5]),
                }
            )
        if connection.vendor == "sqlite":
            return ""
        cursor.execute(triggers.INSTALLED[connection.vendor])
        functions = [f"DROP FUNCTION {quote(name)}() CASCADE;" for (name,) in cursor.fetchall()]
    tables = [f"DROP TABLE {', '.join(map(quote, sorted(names)))} CASCADE;"] if names else []
    return "\n".join([*functions, *tables, ""])
