"""Backups that were made: what one says of itself, and which of those in BACKUP_DIR hold names beside ballots."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from ballots.facts.copies.held import Held, HeldPoll, from_json
from projects.models import Poll
from projects.phases import RUNNING
from yiwu_vote.backup import file
from yiwu_vote.moments import to_the_minute
from yiwu_vote.refusal import Refused


@dataclass(frozen=True)
class Copy:
    """A backup by what is said in it: when it was made, of what, and how many ballots it holds."""

    path: Path
    at: datetime
    engine: str
    held: Held
    ballots: Mapping[str, int]
    migrations: Mapping[str, str]
    key_check: str
    said: Mapping[str, Any]

    def of(self, poll: HeldPoll) -> str:
        """Return in words what it holds of `poll`."""
        ballots = self.ballots.get(poll.uuid, 0)
        return str(poll) + gettext("，密封票%(ballots)d张") % {"ballots": ballots}

    @property
    def is_running(self) -> bool:
        """Whether a poll that counts was between its opening and its publication then."""
        return any(poll.phase in RUNNING and not poll.is_rehearsal for poll in self.held.polls)

    @property
    def while_voting(self) -> list[HeldPoll]:
        """The polls that took ballots when it was made."""
        return [poll for poll in self.held.polls if poll.takes_ballots]


def copy_in(path: Path) -> Copy:
    """Return the backup in the file `path`; raises Refused where it is none."""
    said = file.read(path)
    try:
        return Copy(
            path=path,
            at=datetime.fromisoformat(said["at"]),
            engine=said["engine"],
            held=from_json(said["held"]),
            ballots=said["ballots"],
            migrations=said["migrations"],
            key_check=said["key_check"],
            said=said,
        )
    except (KeyError, TypeError, ValueError):
        raise file.refused("not-a-backup", file=path) from None


def copies() -> Iterator[Copy]:
    """Yield our backups that lie in BACKUP_DIR, the oldest first; files of other programs say nothing."""
    folder = Path(settings.BACKUP_DIR)
    if not settings.BACKUP_DIR or not folder.is_dir():
        return
    for path in sorted(folder.glob("*.zip")):
        try:
            yield copy_in(path)
        except Refused:
            continue


def made_while_voting(poll: Poll) -> list[Copy]:
    """Return those that hold names of `poll` beside sealed ballots: they are to be destroyed."""
    return [
        copy for copy in copies() if any(one.uuid == poll.uuid.hex for one in copy.while_voting)
    ]


def later_ballots(at: datetime, ballots: int) -> str:
    """Return what is to be said, and done, where a copy made while people voted is put in use."""
    return gettext(
        "数据库由%(at)s制作的备份恢复，当时正在投票，其中有密封票%(ballots)d张。"
        "那之后提交的表决票不在其中，只有代表手中的回执知道。"
        "请先暂停投票，通知每位代表重新登录查看：看不到自己回执编号的，须重新投票。"
    ) % {"at": to_the_minute(at), "ballots": ballots}
