"""Write a unit of systemd beside the site's files, and say how to install it; nothing of the system is touched."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from yiwu_vote.machine import env_file, unit


class Command(BaseCommand):
    help = "写出 systemd 服务 / write a unit of systemd"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--towns",
            action="store_true",
            help="一台服务器上的多个乡镇：yiwu-vote@乡镇 / for many towns on one server",
        )
        parser.add_argument(
            "--user",
            default="",
            metavar="NAME",
            help="以谁的身份运行（默认为本站文件的所有者） / whose it is (by default the owner of the site's files)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DEMO:
            raise CommandError(
                "试用不作为服务运行；请先运行 make install。\nThe demo is no service; run make install first."
            )
        is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
        file = str(settings.DATABASES["default"]["NAME"]) if is_sqlite else ""
        place = unit.Place(
            program=Path(settings.BASE_DIR),
            files=unit.writable(settings.VAR_DIR, file, settings.BACKUP_DIR),
            settings=env_file.path(),
            user=options["user"] or unit.owner(settings.VAR_DIR),
            port=settings.PORT,
        )
        if not place.settings.is_file():
            raise CommandError(
                f"没有设置文件 {place.settings}，请先运行 make install。\n"
                f"There is no file of settings {place.settings}; run make install first."
            )
        for_towns = options["towns"]
        name = unit.name(for_towns=for_towns)
        written = settings.VAR_DIR / name
        written.write_text(
            unit.template(place) if for_towns else unit.unit(place), encoding="utf-8"
        )
        started = f"yiwu-vote@{place.program.name}" if for_towns else "yiwu-vote"
        self.stdout.write(
            f"已写好 {written}。请以 root 运行：\nWritten. As root:\n\n"
            f"    install -m 644 {written} /etc/systemd/system/{name}\n"
            "    systemctl daemon-reload\n"
            f"    systemctl enable --now {started}\n"
        )
        if place.user == "root" and not for_towns:
            self.stdout.write(
                "服务将以 root 运行。更安全的是另建账号：useradd --system vote，把本文件夹交给它，再运行 make service ARGS=--user=vote。\n"
                "It would run as root. Safer: useradd --system vote, give it this folder, then make service ARGS=--user=vote."
            )
