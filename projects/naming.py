"""What the files of a poll are called, so that each says which vote it is of, and which round."""

import re

from django.utils import timezone
from django.utils.translation import gettext

from projects.models import Poll
from yiwu_vote.moments import to_the_minute
from yiwu_vote.tables.downloads import names_of

# Of a long name of a meeting a file bears so much; Windows takes 255 signs for a whole path.
MEETING_LIMIT = 40


def round_of(poll: Poll) -> str:
    """Return the round of `poll`, such as 再次票决 or 第3次票决_补充票决; empty for a first vote."""
    number = _round_number(poll)
    if number == 1:
        return ""
    kind = gettext("后续票决") if poll.is_rehearsal else poll.get_kind_display()
    return kind if number == 2 else f"{_nth_round(number)}_{kind}"


def _round_number(poll: Poll) -> int:
    number = 1
    while poll.parent is not None:
        number += 1
        poll = poll.parent
    return number


def _nth_round(number: int) -> str:
    return gettext("第%(number)d次票决") % {"number": number}


def place_of(poll: Poll) -> str:
    """Return which of several `poll` is, such as 第2份, where a meeting has more of one kind."""
    same = Poll.objects.filter(
        year=poll.year, meeting=poll.meeting, kind=poll.kind, parent_id=poll.parent_id
    )
    # The numbers stay when one of them is dropped.
    keys = list(same.order_by("pk").values_list("pk", flat=True))
    return gettext("第%(place)d份") % {"place": keys.index(poll.pk) + 1} if len(keys) > 1 else ""


def heading_of(poll: Poll, content: str) -> str:
    """Return the first row of a workbook about `poll`: what it holds, of which vote, and when made."""
    number = _round_number(poll)
    words = [content, str(poll), _nth_round(number) if number > 2 else "", place_of(poll)]
    made = to_the_minute(timezone.now())
    return "　".join([*filter(None, words), made])


def file_names(poll: Poll, content: str, ascii_content: str, extension: str) -> tuple[str, str]:
    """Return the ASCII and the Chinese name of a file of `poll`, made now (design §11.2).

    `content` is what it holds, such as 结果, and `ascii_content` the same for the name that the header
    falls back to, such as result.
    """
    meeting = re.sub(r"\W+", "", poll.meeting)[:MEETING_LIMIT]
    return names_of(
        poll.year,
        [content, round_of(poll), place_of(poll), meeting],
        [ascii_content, "" if poll.kind in {"main", "rehearsal"} else poll.kind],
        timezone.localtime(),
        extension=extension,
        rehearsal=poll.is_rehearsal,
    )
