"""Make this a real site: tables, static files, an account of the office and one for accounts (docs/operations.md).

What cannot be guessed was asked before any setting was read (`yiwu_vote.machine.questions`). Run again,
it brings tables and files up to date and leaves the rest as it is.
"""

import getpass
import os
import sys
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from ballots import roles
from ballots.facts import database
from ballots.refusal import Refused
from ballots.staff import people
from projects.models import Poll
from projects.phases import RUNNING
from yiwu_vote.machine import questions

# A slip: who, with what name, and the password that nobody can read again.
Slip = tuple[str, str, str]


class Command(BaseCommand):
    help = "安装正式网站 / install a real site"
    # The tables are made here.
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DEMO:
            raise CommandError(
                "DEMO=1 是试用；安装正式网站请取消它。\nDEMO=1 is the demo; unset it to install a real site."
            )
        questions.prove()
        migrate()
        call_command("collectstatic", interactive=False, verbosity=0)
        self.say("数据库和静态文件已就绪。", "Database and static files are ready.")
        try:
            # What nobody was shown is not kept: an account whose password is lost would be in the way.
            with transaction.atomic():
                self.hand_over(self.accounts())
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.say(
            f"安装完成：{settings.PUBLIC_URL}/ ，管理 {settings.PUBLIC_URL}/admin/\n"
            "启动：make serve（没有 make 的，运行 manage.py serve）；开机自动启动：make service。",
            "Installed. Start it with make serve (without make: manage.py serve); at each boot: make service.",
        )

    # --- accounts ---------------------------------------------------------------------------------

    def accounts(self) -> list[Slip]:
        """Make the accounts that are missing: of whoever makes accounts, and of the office."""
        slips: list[Slip] = []
        if not User.objects.filter(is_superuser=True, is_active=True).exists():
            name = self.answer(
                "ADMIN_USER",
                "admin",
                "系统管理员的用户名，只管账号",
                "User name of whoever makes accounts",
            )
            chosen = self.chosen_password(name)
            _user, password = people.add_administrator(username=name, password=chosen)
            if not chosen:
                slips.append(("系统管理员 / administrator", name, password))
        if not User.objects.filter(groups__name=roles.OFFICE, is_active=True).exists():
            name = self.answer(
                "OFFICE_USER", "office", "会务人员的用户名", "User name of the office"
            )
            person = self.answer(
                "OFFICE_NAME",
                "会务",
                "会务人员的姓名（姓 名，中间空一格）",
                "Its person: family name, blank, given name",
            )
            family, _blank, given = person.partition(" ")
            _user, password = people.add_first_office(
                username=name, family=family, given=given.strip()
            )
            slips.append(("会务 / office", name, password))
        return slips

    def answer(self, variable: str, usual: str, chinese: str, english: str) -> str:
        """Return what `variable` says, else what is typed, else `usual`."""
        said = os.environ.get(variable, "").strip()
        while not said and sys.stdin.isatty():
            said = input(f"\n{chinese}\n{english} [{usual}] > ").strip() or usual
            said = self.checked(variable, said)
        return self.checked(variable, said) or usual

    def checked(self, variable: str, said: str) -> str:
        """Return `said` where an account may have it; empty, with a word why, where it is asked for again."""
        try:
            if said and variable.endswith("_USER"):
                UnicodeUsernameValidator()(said)
            if len(said) > 30:
                raise ValidationError("至多30个字 / at most 30 characters")
        except ValidationError as error:
            if not sys.stdin.isatty():
                raise CommandError(f"{variable}: {'; '.join(error.messages)}") from None
            self.stdout.write("; ".join(error.messages))
            return ""
        return said

    def chosen_password(self, name: str) -> str:
        """Return the password that whoever sits here chooses for `name`; empty for one that is made."""
        while sys.stdin.isatty():
            typed = getpass.getpass(
                "\n系统管理员的密码（至少12个字符；直接按回车，由系统生成）\n"
                "Password of the administrator (12 characters or more; Enter to have one made) > "
            )
            if not typed:
                break
            try:
                validate_password(typed, User(username=name))
            except ValidationError as error:
                self.stdout.write("; ".join(error.messages))
                continue
            if getpass.getpass("再输入一次 / again > ") == typed:
                return typed
            self.stdout.write("两次输入不同。/ The two differ.")
        return ""

    # --- words ------------------------------------------------------------------------------------

    def say(self, chinese: str, english: str) -> None:
        self.stdout.write(f"{chinese}\n{english}")

    def hand_over(self, slips: list[Slip]) -> None:
        """Show the slips to whoever sits here; where nobody does, keep them in a file of his and out of every log."""
        lines = [f"{who}：{name}　{password}" for who, name, password in slips]
        if lines and self.stdout.isatty():
            self.say(
                "\n以下密码只显示这一次，请抄下、当面交给本人；首次登录时由本人另设：",
                "These passwords are shown once: hand them over in person; each is replaced at the first sign-in:",
            )
            self.stdout.write("".join(f"\n    {line}" for line in lines) + "\n")
        elif lines:
            file = settings.VAR_DIR / "first-passwords.txt"
            file.unlink(missing_ok=True)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write("".join(f"{line}\n" for line in lines).encode())
            self.say(
                f"初始密码在 {file}，交给本人后请删除。",
                f"The first passwords are in {file}; delete it once they are handed over.",
            )


def migrate() -> None:
    """Bring the tables up to date, unless a vote that counts is on its way: then nothing is touched."""
    if database.tables_are_ready():
        return
    there = "projects_poll" in connection.introspection.table_names()
    if there and Poll.objects.real().filter(phase__in=RUNNING).exists():
        raise CommandError(
            "有正式票决正在进行，数据库不能升级。请用原来的版本完成票决，公布之后再安装。\n"
            "A real poll is on its way, so the database is not upgraded. Finish it with the version that began it."
        )
    call_command("migrate", interactive=False, verbosity=0)
