"""Whether this database is older than when it was last used: what was there then lies in a file beside it.

Written by the page of the day, by commands and by each process as it starts, so that no cast ever
waits for it. Nothing is refused for it: people decide which database is the right one.
"""

import json
import logging
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext

from ballots.facts.copies import held
from ballots.facts.copies.held import Chain, Held
from ballots.facts.copies.made import Copy, later_ballots
from ballots.models import JournalEntry, RollEntry
from projects.models import Poll
from yiwu_vote.moments import to_the_minute

logger = logging.getLogger("ballots")

# Seconds for which one answer stands: a desk asks every ten, and there are several.
STANDS_FOR = 2.0
_last: tuple[float, "Older | None"] = (float("-inf"), None)


@dataclass(frozen=True)
class Known:
    """What was there when the file was written, and of which backup it had been restored, if any."""

    at: datetime
    held: Held
    # When the backup was made, and of each poll that took ballots then how many it holds.
    restored: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Older:
    """This database lacks what was there at `then`; its own latest act or ballot is of `now`."""

    then: datetime
    now: datetime | None
    lacks: tuple[str, ...]

    @property
    def words(self) -> str:
        """What happened, in one sentence each."""
        now = to_the_minute(self.now) if self.now else gettext("没有记录")
        return gettext(
            "数据库比上次使用时旧：上次使用 %(then)s，现有内容截至 %(now)s。%(lacks)s。"
        ) % {
            "then": to_the_minute(self.then),
            "now": now,
            "lacks": "；".join(self.lacks),
        }

    @property
    def advice(self) -> str:
        """What to do about it."""
        return gettext(
            "可能是恢复了旧的备份。请先不要继续，联系技术人员换回最新的数据库；"
            "确认要用现在这个的，在服务器上运行 manage.py check_database --accept。"
        )


def look() -> Older | None:
    """Compare the database with what was there when it was last used; note what is there, unless it is older."""
    path = settings.LAST_KNOWN
    if path is None:
        return None
    # Before the database, which goes on meanwhile.
    known = _read(path)
    now = held.held(held.here)
    if known is not None:
        if lacks := tuple(_lacks(known.held, now)):
            return Older(known.at, _latest(), lacks)
        if known.held == now:
            return None
    _write(path, Known(timezone.now(), now, known.restored if known else None))
    return None


def glance() -> Older | None:
    """Return what `look` has said within the last seconds, or look again."""
    global _last
    at, older = _last
    if time.monotonic() - at > STANDS_FOR:
        older = look()
        _last = time.monotonic(), older
    return older


def accept(copy: Copy | None = None) -> None:
    """Take the database for the right one from now on; `copy` is the backup that it was restored of."""
    path = settings.LAST_KNOWN
    if path is None:
        return
    known = _read(path)
    restored = known.restored if known else None
    if copy is not None:
        ballots = {poll.uuid: copy.ballots.get(poll.uuid, 0) for poll in copy.while_voting}
        restored = {"at": copy.at.isoformat(), "ballots": ballots}
    _write(path, Known(timezone.now(), held.held(held.here), restored))


def restored(poll: Poll) -> str:
    """Return what is to be said of a poll whose ballots were restored of a backup; empty for any other."""
    if settings.LAST_KNOWN is None or poll.archived_at is not None:
        return ""
    known = _read(settings.LAST_KNOWN)
    said = known.restored if known else None
    if not said or poll.uuid.hex not in said["ballots"]:
        return ""
    return later_ballots(datetime.fromisoformat(said["at"]), said["ballots"][poll.uuid.hex])


# --- the comparison -------------------------------------------------------------------------------


def _lacks(then: Held, now: Held) -> Iterator[str]:
    """Yield in words where `now` does not hold what `then` held."""
    if _is_cut(then.register, now.register, None):
        yield _differs(gettext("代表名录"), then.register, now.register)
    for poll in then.polls:
        there = now.of(poll.uuid)
        # By our own hands: a rehearsal that was wiped, a draft of which nothing was on record.
        if there is None and (poll.is_rehearsal or not poll.chain.entries):
            continue
        chain, voted = (there.chain, there.voted) if there else (Chain(), 0)
        if voted < poll.voted or _is_cut(poll.chain, chain, poll.uuid):
            lacking = _differs(poll.name, poll.chain, chain)
            if voted != poll.voted:
                words = {"then": poll.voted, "now": voted}
                lacking += gettext("，已投票%(then)d人，现为%(now)d人") % words
            yield lacking


def _differs(name: str, then: Chain, now: Chain) -> str:
    words = {"name": name, "then": then.entries, "now": now.entries}
    return gettext("%(name)s：操作记录%(then)d条，现为%(now)d条") % words


def _is_cut(then: Chain, now: Chain, poll: str | None) -> bool:
    """Tell whether the record `now` does not lead on from the last entry of `then`."""
    if now.entries <= then.entries:
        return now != then
    entries = JournalEntry.objects.filter(seq=then.entries)
    entries = entries.filter(poll__uuid=poll) if poll else entries.filter(poll=None)
    return then.entries > 0 and not entries.filter(hash=then.last).exists()


def _latest() -> datetime | None:
    """Return when the latest thing happened that this database knows of."""
    acted = JournalEntry.objects.aggregate(at=Max("at"))["at"]
    voted = RollEntry.objects.aggregate(at=Max("voted_at"))["at"]
    return max(filter(None, (acted, voted)), default=None)


# --- the file -------------------------------------------------------------------------------------


def _read(path: Path) -> Known | None:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Known(
            datetime.fromisoformat(said["at"]), held.from_json(said["held"]), said["restored"]
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("what the database last held cannot be read from %s: %s", path, error)
        return None


def _write(path: Path, known: Known) -> None:
    """Keep `known`; where that fails the page of the day does not, and the log says it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    said = {
        "at": known.at.isoformat(),
        "held": known.held.as_json(),
        "restored": known.restored,
    }
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(said, out)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        logger.warning("what the database holds cannot be noted in %s: %s", path, error)
