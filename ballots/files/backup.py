"""The backup of the whole database, as one file (design §5.6)."""

import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ballots.facts.copies import held
from ballots.facts.copies.made import Copy, copy_in
from ballots.facts.keyed import key_check
from ballots.files.download import Streamed
from yiwu_vote.backup import file, postgresql, sqlite
from yiwu_vote.refusal import Refusals

logger = logging.getLogger("ballots")

# Rows that no copy holds: with those of sessions whoever gets hold of one would be signed in as others.
LEFT_OUT = ("ballots_session", "django_session")

refused = Refusals(
    {
        "no-folder": _(
            "没有设置备份位置（BACKUP_DIR），请联系技术人员设置，或在命令行用 --output 写明。"
        ),
        "folder-away": _("备份位置 %(folder)s 打不开，请先建好或接好。"),
        "while-voting": _("已备份在服务器上。投票期间的备份含姓名和密封票，不能下载。"),
    }
)


def make(to: Path | None = None) -> Copy:
    """Back up the database while it runs, as it is at one moment; return the backup.

    Into the folder or the file `to`, else into BACKUP_DIR. Raises Refused.
    """
    if to is None:
        if not settings.BACKUP_DIR:
            raise refused("no-folder")
        to = Path(settings.BACKUP_DIR)
        if not to.is_dir():
            raise refused("folder-away", folder=to)
    now = timezone.localtime()
    path = to / f"yiwu-vote_{now:%Y%m%d-%H%M%S}.zip" if to.is_dir() else to
    is_sqlite = connection.vendor == "sqlite"

    def fill(out: file.Sink) -> dict[str, Any]:
        if is_sqlite:
            name = Path(connection.settings_dict["NAME"])
            return sqlite.dump(name, out, _described, near=path, without=LEFT_OUT)
        return postgresql.dump(connection, out, _described, without=LEFT_OUT)

    file.write(
        path,
        sqlite.NAME if is_sqlite else postgresql.NAME,
        fill,
        at=now.isoformat(),
        engine=connection.vendor,
        key_check=key_check(),
    )
    logger.info("the database was backed up")
    return copy_in(path)


def to_take_away(copy: Copy) -> Streamed:
    """Return a backup as a file to hand out.

    Raises Refused for one that was made while people voted: it holds names beside sealed ballots.
    """
    if copy.while_voting:
        raise refused("while-voting")
    year, stamp = copy.at.year, f"{copy.at:%Y%m%d-%H%M%S}"
    return Streamed(
        copy.path.name, f"{year}年民生实事项目票决_备份_{stamp}.zip", file.whole(copy.path)
    )


def _described(ask: held.Ask) -> dict[str, Any]:
    """Return what the very copy holds, of whatever version it is."""
    return {
        "held": held.held(ask).as_json(),
        "ballots": held.ballots(ask),
        "migrations": held.migrations(ask),
    }
