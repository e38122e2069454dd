"""Serve a site that `install` has made, as docs/operations.md says: one line for a shell, systemd and a container."""

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from ballots.facts import database
from ballots.facts.checks import site_checks
from yiwu_vote.machine import questions, serving

WHY_NOT = {
    "forbidden": (
        "本账号不能使用端口{port}（1024以下的端口只有系统管理员可用）。请用 PORT 另选一个，或在服务中放行（docs/operations/hall.md）。",
        "This account may not use port {port}, as below 1024 only root may. Choose another one (PORT), or let the service (docs/operations/hall.md).",
    ),
    "elsewhere": (
        "本机现在没有地址 {host}（见 PUBLIC_URL），现有 {own}。请接入会场网络、在路由器中固定该地址；改了网址须重印投票卡。",
        "This machine has no address {host} now (see PUBLIC_URL) but {own}. Join the hall's network and have its router keep the address; another one means new cards.",
    ),
    "busy": (
        "端口{port}已被占用。请结束占用它的程序，或用 PORT 另选一个。",
        "Port {port} is taken. End the program that has it, or choose another one (PORT).",
    ),
}


class Command(BaseCommand):
    help = "启动正式网站 / serve a real site"

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DEMO:
            raise CommandError(
                "这里只有试用（make run）；正式网站请先运行 make install。\n"
                "Here is only the demo (make run); for a real site run make install first."
            )
        questions.prove()
        if not database.tables_are_ready():
            raise CommandError(
                "数据库还没有安装或不是这个版本的，请先备份，再运行 make install（manage.py install）。\n"
                "The database is not installed, or not of this version: back up, then run make install (manage.py install)."
            )
        host, port = settings.HOST, settings.PORT
        certificate, key = settings.CERTIFICATE, settings.CERTIFICATE_KEY
        mark = settings.VAR_DIR / "serving"
        if why := serving.why_not(host, port):
            if why == "busy" and serving.is_ours(host, port, tls=bool(certificate), mark=mark):
                self.stdout.write(
                    f"网站已在运行：{settings.PUBLIC_URL}/\nThe site is being served already."
                )
                return
            own = questions.own_address() or "—"
            raise CommandError("\n".join(WHY_NOT[why]).format(host=host, port=port, own=own))
        demand_certificate(certificate, key)
        # After an update the names of static files are others.
        call_command("collectstatic", interactive=False, verbosity=0)
        given = "GRANIAN_WORKERS" in os.environ
        workers = settings.WORKERS if given else site_checks.fitting_workers()
        self.stdout.write(
            f"网站已启动，按 Ctrl+C 结束：{settings.PUBLIC_URL}/\nServing; Ctrl+C ends it."
        )
        self.stdout.flush()
        connections.close_all()
        serving.mark_served(host, port, mark=mark)
        serving.become(
            serving.command(host, port, certificate=certificate, key=key), workers=workers
        )


def demand_certificate(certificate: str, key: str) -> None:
    """Raise CommandError unless both files of the server's own certificate can be read, or none is named."""
    named = {"GRANIAN_SSL_CERTIFICATE": certificate, "GRANIAN_SSL_KEYFILE": key}
    if not any(named.values()):
        return
    for name, file in named.items():
        if not file:
            raise CommandError(
                f"证书和私钥须一并设置，缺 {name}。\nCertificate and key go together; {name} is missing."
            )
        if not serving.is_readable(file):
            raise CommandError(
                f"{name} 所指的文件 {file} 读不出。\nThe file {file} named by {name} cannot be read."
            )
