"""The words of the public notice (公告), which the office may edit; its figures stay the count's."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ballots.models import Announcement
from ballots.refusal import Refusals, demand_office, locked
from projects.models import Poll
from projects.phases import CHECKED
from yiwu_vote.texts import typed_within

# As long as the longest of the words may be; the page that asks for them judges each.
LONGEST = 400

refused = Refusals(
    {
        "wrong-phase": _("复核后才能拟写公告。公告没有保存。"),
        "second-round": _("公告由首次票决统一发布，请在首次票决中拟写。公告没有保存。"),
        "words-needed": _("标题、开头、结尾、署名和日期都要填写。公告没有保存。"),
        "votes-stay-closed": _("本次票决设定为不公布得票数，公告不能附得票情况。公告没有保存。"),
    }
)


@transaction.atomic
def save_announcement(
    poll: Poll,
    *,
    title: str,
    number: str = "",
    opening: str,
    closing: str,
    signature: str,
    dated: str,
    with_votes: bool = False,
    by: User,
) -> Announcement:
    """Save the words of the notice on `poll`, from the confirmed count on and after publication too.

    All but the `number` must be there. `with_votes` annexes the votes of each project, which only a
    poll that shows its votes may do (design §3.4). A second round is announced with its first one.
    Raises Refused.
    """
    demand_office(by)
    poll = locked(poll, *CHECKED, words=refused)
    if poll.parent_id is not None:
        raise refused("second-round")
    if with_votes and not poll.show_votes:
        raise refused("votes-stay-closed")
    words = {
        "title": title,
        "opening": opening,
        "closing": closing,
        "signature": signature,
        "dated": dated,
    }
    words = {name: typed_within(text, LONGEST) for name, text in words.items()}
    if not all(words.values()):
        raise refused("words-needed")
    notice, _made = Announcement.objects.update_or_create(
        poll=poll,
        defaults=words | {"number": typed_within(number, LONGEST), "with_votes": with_votes},
    )
    return notice
