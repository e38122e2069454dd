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
from yiwu_vote.backup import file, postgresql, sqlite
from yiwu_vote.refusal import Refusals

logger = logging.getLogger("ballots")

refused = Refusals(
    {
        "no-folder": _("没有设置备份位置（BACKUP_DIR），请设置，或用 --output 写明文件或文件夹。"),
        "folder-away": _("备份位置 %(folder)s 打不开，请先建好或接好。"),
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
            return sqlite.dump(Path(connection.settings_dict["NAME"]), out, _described, path)
        return postgresql.dump(connection, out, _described)

    file.write(
        path,
        sqlite.NAME if is_sqlite else postgresql.NAME,
        fill,
        at=now.isoformat(),
        engine=connection.vendor,
        key_check=key_check(),
    )
    logger.info("the database was backed up: %s", path.name)
    return copy_in(path)


def _described(ask: held.Ask) -> dict[str, Any]:
    """Return what the very copy holds, of whatever version it is."""
    return {
        "held": held.held(ask).as_json(),
        "ballots": held.ballots(ask),
        "migrations": held.migrations(ask),
    }
