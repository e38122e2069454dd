"""What every act demands before it does anything: an office, a second person, a phase.

Each demand returns in silence or raises `Refused`. A room that says it in words of its own hands
over its own sentences (`words`), which must have the code that the demand names.
"""

from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from ballots import roles
from projects.models import Poll
from yiwu_vote.refusal import Refusals, Refused
from yiwu_vote.texts import typed_within

__all__ = [
    "REASON_LIMIT",
    "SHARED",
    "Refusals",
    "Refused",
    "demand_any_office",
    "demand_colleague",
    "demand_independent",
    "demand_office",
    "demand_phase",
    "demand_reason",
    "demand_scrutineer",
    "demand_second",
    "locked",
]

# As many characters as the columns that keep a reason hold.
REASON_LIMIT = 200

SHARED = Refusals(
    {
        "not-office": _("只有会务人员可以办理。"),
        "not-scrutineer": _("只有监票人可以办理。"),
        "not-staff": _("只有会务或监票人员可以办理。"),
        "second-needed": _("须由另一位工作人员签名确认。"),
        "same-person": _("第二人须是另一位会务或监票人员。"),
        "password-owed": _("您还没有设置本人的密码，不能办理。请先登录并设置。"),
        "second-owes": _("第二人还没有设置本人的密码，不能签名。请其先登录并设置。"),
        "gave-password": _("两人中一人给另一人办理过密码，不能一同签名，请换一位。"),
        "reason-needed": _("请说明原因。"),
        "reason-too-long": _("原因不能超过%(limit)d字，请缩短。"),
        "wrong-phase": _("当前阶段不能办理这一步，请刷新页面。"),
        "gone": _("这次票决刚刚被删除或清除，没有办理。请返回列表。"),
    }
)
COLLEAGUE_NEEDED = _("投票进行中，须由另一位工作人员签名确认。")


# --- who ------------------------------------------------------------------------------------------


def demand_office(by: User) -> None:
    """Raise Refused("not-office") unless `by` is of the secretariat (会务)."""
    if not roles.is_office(by):
        raise SHARED("not-office")
    _demand_own_password(by)


def demand_scrutineer(by: User, *, words: Refusals = SHARED) -> None:
    """Raise Refused("not-scrutineer") unless `by` is a scrutineer (监票人)."""
    if not roles.is_scrutineer(by):
        raise words("not-scrutineer")
    _demand_own_password(by)


def demand_any_office(by: User) -> None:
    """Raise Refused("not-staff") unless `by` is of the secretariat or a scrutineer."""
    if not roles.has_office(by):
        raise SHARED("not-staff")
    _demand_own_password(by)


def demand_second(
    by: User,
    second: User | None,
    *,
    words: Refusals = SHARED,
) -> User:
    """Return the scrutineer who signs beside `by`, or raise Refused("second-needed").

    The office acts and a scrutineer, another person, watches: nobody can play both parts.
    """
    if second is None or second == by or not roles.is_scrutineer(second):
        raise words("second-needed")
    demand_independent(by, second)
    return second


def demand_colleague(by: User, second: User | None) -> User:
    """Return the other member of staff who signs what is done while people vote.

    Whoever prints cards or adds to the roll could otherwise vote for the absent. Raises
    Refused("second-needed") without one, "same-person" for anybody else.
    """
    if second is None:
        raise Refused("second-needed", str(COLLEAGUE_NEEDED))
    if second == by or not roles.has_office(second):
        raise SHARED("same-person")
    demand_independent(by, second)
    return second


def _demand_own_password(by: User) -> None:
    """Raise Refused("password-owed") for whoever has only a password that somebody else knows."""
    if roles.owes_password(by):
        raise SHARED("password-owed")


def demand_independent(by: User, second: User) -> None:
    """Raise Refused("second-owes", "gave-password") where one of the two could sign as the other."""
    if roles.owes_password(second):
        raise SHARED("second-owes")
    if roles.has_given_password(by, second):
        raise SHARED("gave-password")


# --- what for, and when ---------------------------------------------------------------------------


def demand_reason(reason: str, *, words: Refusals = SHARED) -> str:
    """Return `reason` in the normal form, or raise Refused("reason-needed", "reason-too-long")."""
    reason = typed_within(reason, REASON_LIMIT)
    if not reason:
        raise words("reason-needed")
    if len(reason) > REASON_LIMIT:
        raise SHARED("reason-too-long", limit=REASON_LIMIT)
    return reason


def demand_phase(
    poll: Poll, *phases: str, code: str = "wrong-phase", words: Refusals = SHARED
) -> None:
    """Raise Refused(`code`) unless `poll` is in one of `phases`."""
    if poll.phase not in phases:
        raise words(code)


def locked(poll: Poll, *phases: str, code: str = "wrong-phase", words: Refusals = SHARED) -> Poll:
    """Lock, then look: return `poll` as it is now, under the lock that every act on it takes first.

    Raises Refused(`code`) unless it is in one of `phases`; any phase will do where none is named. A
    draft may have been deleted meanwhile, and a rehearsal wiped: Refused("gone").
    """
    try:
        poll = Poll.objects.locked(poll)
    except Poll.DoesNotExist:
        raise SHARED("gone") from None
    if phases:
        demand_phase(poll, *phases, code=code, words=words)
    return poll
