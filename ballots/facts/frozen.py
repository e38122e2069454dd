"""What the opening of a poll puts on record: hashed in the journal, shown in a package.

The page of the opening shows the same, and says by the same hashes what somebody has looked at.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import journal, roles
from ballots.facts.keyed import key_check, withheld
from ballots.facts.polls import box_of
from ballots.facts.turnout import turnout_by_delegation
from ballots.models import AccessCard
from ballots.pure import chain, sealing
from projects.models import Poll, Project

# Which rules an opening hashes, in each format so far: what was opened is shown in the format of its
# opening for good. The first is that of `5914733`. Whoever changes what is hashed adds the next one
# here and in the verifier, and keeps a database of the one before (CONTRIBUTING.md).
FIRST_RULES = (
    *("places", "choice_rule", "blank_allowed", "proposals", "proposal_limit", "voters"),
    *("majority", "delegates_total", "simple", "show_votes", "rules_name", "rules_adopted_on"),
)
SECOND_RULES = (*FIRST_RULES, "form", "objection_days")
SIXTH_RULES = (
    *(*SECOND_RULES, "body", "boundary", "boundary_included"),
    *("whole_boundary", "whole_boundary_included"),
)
# From the third on, the entry of an opening names its format, hashes the roll with its delegations
# and holds a short digest; from the fourth on, lists of names stand in entries of their own; from
# the fifth on, a candidate has this year's investment, the source of its money and its sub-items; the
# sixth says which body votes, and from where on it is satisfied.
RULES_OF_FORMAT = {
    **{1: FIRST_RULES, 2: SECOND_RULES, 3: SECOND_RULES},
    **{4: SECOND_RULES, 5: SECOND_RULES, 6: SIXTH_RULES},
}
FORMAT = max(RULES_OF_FORMAT)
WITH_SUB_ITEMS = 5
# What of that entry may still rise or is about the machine: the short digest says nothing of it.
NOT_IN_THE_DIGEST = ("present", "plain_http", "digest")


def frozen_poll(poll: Poll) -> dict[str, object]:
    """Return what a poll is, as the opening hashes it and a package shows it."""
    return {
        "uuid": str(poll.uuid),
        "kind": poll.kind,
        "meeting": poll.meeting,
        "year": poll.year,
    }


def frozen_rules(poll: Poll, number: int = FORMAT) -> dict[str, object]:
    """Return the rules of `poll` as an opening of format `number` hashes them and a package shows them."""
    rules = {column: getattr(poll, column) for column in RULES_OF_FORMAT[number]}
    # A hash knows no dates: the day stands as text, and none as an empty one.
    return rules | {"rules_adopted_on": str(poll.rules_adopted_on or "")}


def opened_in(poll: Poll) -> int:
    """Return the format in which `poll` was opened, as its entry says.

    The first two did not say it: it is the one whose rules have the hash on record.
    Today's where no opening is on record, or one whose rules somebody has changed since.
    """
    opened = poll.journal.filter(kind=journal.Kind.OPENED).first()
    if opened is None:
        return FORMAT
    if "format" in opened.data:
        return int(opened.data["format"])
    for number in (1, 2):
        if opened.data["rules"] == _rules_digest(poll, number):
            return number
    return FORMAT


def _rules_digest(poll: Poll, number: int = FORMAT) -> str:
    return chain.digest("rules", chain.canonical(frozen_rules(poll, number)))


def frozen_candidates(poll: Poll, number: int = FORMAT) -> list[list[object]]:
    """Return each candidate as an opening of format `number` hashes it, in order of number.

    That is number, title, text, targets and a list of the rest; from the fifth format on, the rest
    has more in it, and text and sum of each sub-item follow.
    """
    projects = poll.projects.order_by("number").prefetch_related("targets", "sub_items")
    return [_frozen_candidate(project, number) for project in projects]


def _frozen_candidate(project: Project, number: int) -> list[object]:
    rest = [
        project.category,
        project.lead_unit,
        _sum(project.investment),
        project.deadline,
        project.site,
    ]
    said: list[object] = [
        project.number,
        project.title,
        project.text,
        [str(line) for line in project.targets.all()],
        rest,
    ]
    if number >= WITH_SUB_ITEMS:
        rest += [_sum(project.investment_this_year), project.funding]
        said.append([[part.text, _sum(part.investment)] for part in project.sub_items.all()])
    return said


def _sum(sum_: Decimal | None) -> str:
    return "" if sum_ is None else str(sum_)


def _candidates_digest(poll: Poll, number: int = FORMAT) -> str:
    return chain.digest("candidates", chain.canonical(frozen_candidates(poll, number)))


def frozen_roll(poll: Poll) -> list[list[str]]:
    """Return number, name and delegation of everybody on the roll, in order of number."""
    rows = poll.roll.order_by("number").values_list("number", "name", "delegation")
    return [list(row) for row in rows]


def frozen_voters(poll: Poll) -> str:
    """Return the digest of the numbers of everybody who has voted, in their order."""
    numbers = poll.roll.filter(voted=True).order_by("number").values_list("number", flat=True)
    return chain.digest("voters", chain.canonical(list(numbers)))


def unlike_record(poll: Poll) -> list[str]:
    """Return the names of what is not any more as it was put on record, in the order of `PARTS`.

    What the opening froze, and who had voted when it closed. The roll is compared from the third
    format on, less those who were added to it.
    """
    opened = poll.journal.filter(kind=journal.Kind.OPENED).first()
    if opened is None:
        return []
    number = opened_in(poll)
    now = {
        "poll": chain.digest("poll", chain.canonical(frozen_poll(poll))),
        "rules": _rules_digest(poll, number),
        "candidates": _candidates_digest(poll, number),
    }
    if "format" in opened.data:
        added = [
            [entry.data[name] for name in ("number", "name", "delegation")]
            for entry in poll.journal.filter(kind=journal.Kind.ROLL_ADDED)
        ]
        roll = [row for row in frozen_roll(poll) if row not in added]
        now["roll"] = chain.digest("roll", chain.canonical(roll))
    said = {name: opened.data[name] for name in now}
    if hashed := poll.journal.filter(kind=journal.Kind.VOTERS_HASHED).first():
        now["voters"], said["voters"] = frozen_voters(poll), hashed.data["voters"]
    return [name for name in PARTS if name in now and now[name] != said[name]]


def moment(at: datetime | None) -> str:
    """Return a moment as the journal says it, in UTC; empty for none, since a hash knows no times."""
    return "" if at is None else at.astimezone(UTC).isoformat()


def staff_of(poll: Poll) -> tuple[dict[str, Any], str]:
    """Return what the record says of who is staff now, in an entry of its own, and its digest."""
    return withheld(poll.uuid, "staff", roles.accounts())


def frozen(poll: Poll, staff: str | None = None) -> dict[str, Any]:
    """Return what the opening fixes: hashes of poll, rules, candidates, roll and staff.

    Of a draft it is what would be fixed now; its `digest` is the short one, to be read out. `staff`
    is the digest of the list that the record has, where it has one already.
    """
    box = box_of(poll)
    data: dict[str, Any] = {
        "format": FORMAT,
        "poll": chain.digest("poll", chain.canonical(frozen_poll(poll))),
        "rules": _rules_digest(poll),
        "candidates": _candidates_digest(poll),
        "roll": chain.digest("roll", chain.canonical(frozen_roll(poll))),
        "on_roll": poll.roll.count(),
        "present": poll.roll.filter(present=True).count(),
        "ceremony": box.ceremony if box else 0,
        # Whoever writes to the database could else put a key of his own in the place of the holders'.
        "public_key": sealing.key_digest(bytes(box.public_key)) if box else "",
        # Under which SECRET_KEY marks and envelopes prove themselves, and that there are none yet.
        "server_key": key_check(),
        "voted": poll.roll.filter(voted=True).count(),
        "closes_at": moment(poll.closes_at),
        # Why 全体代表 are more than the roll; without a difference there is nothing to say.
        "total_reason": poll.total_reason,
        "staff": staff_of(poll)[1] if staff is None else staff,
        "plain_http": settings.PLAIN_HTTP,
    }
    return data | {"digest": short_digest(data)}


def short_digest(data: dict[str, Any]) -> str:
    """Return twelve signs for what an opening fixes, such as F636-PR72-12S3.

    60 bits: nobody finds a second list of candidates for the signs that were read out.
    """
    said = {name: value for name, value in data.items() if name not in NOT_IN_THE_DIGEST}
    found = chain.digest("opening", chain.canonical(said))
    return sealing.grouped(sealing.crockford(int(found[:15], 16), characters=12))


def digest_on_record(poll: Poll) -> str:
    """Return the signs that the opening of `poll` put on record; empty where it had none yet."""
    opened = poll.journal.filter(kind=journal.Kind.OPENED).first()
    return opened.data.get("digest", "") if opened else ""


def staff_as_shown() -> list[tuple[str, str, str]]:
    """Return name, account and offices of every member of staff who can sign in."""
    users = User.objects.filter(is_staff=True, is_active=True).order_by("username")
    return [
        (roles.named(user), user.get_username(), _offices(user))
        for user in users.prefetch_related("groups")
    ]


def _offices(user: User) -> str:
    offices = sorted(group.name for group in user.groups.all()) or [gettext("无职责")]
    return "、".join([*offices, gettext("系统管理员")] if user.is_superuser else offices)


# --- what somebody has looked at ------------------------------------------------------------------

# What the page of the opening shows, part by part, and what a change of each is called.
PARTS = {
    "poll": _("会议信息"),
    "rules": _("票决规则"),
    "closes_at": _("截止时间"),
    "candidates": _("候选项目"),
    "roll": _("名册"),
    "voters": _("已投票的代表"),
    "came": _("实到人数"),
    "cards": _("投票卡"),
    "key": _("票箱密钥"),
    "staff": _("工作人员账号"),
}


@dataclass(frozen=True)
class Looked:
    """What the page of an opening showed: a hash of each part, and how many had come.

    `came` are the figures of the delegations in their order; they may rise until the press.
    """

    parts: dict[str, str]
    came: list[int]

    def as_text(self) -> str:
        """Return the text that the form of the page carries."""
        return json.dumps([self.parts, self.came], separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "Looked":
        """Return what a form carries; raises ValueError for anything that no page has sent."""
        try:
            said = json.loads(text)
        except RecursionError as error:
            raise ValueError("nested deeper than any page does") from error
        match said:
            case [dict() as parts, list() as came] if all(type(one) is int for one in came):
                return cls(parts, came)
        raise ValueError("not what the page of an opening sends")

    def changed_in(self, now: "Looked") -> list[str]:
        """Return the names of what is not any more as it was looked at, in the order of `PARTS`."""
        changed = {name for name in now.parts if self.parts.get(name) != now.parts[name]}
        # A roll drawn up anew has other delegations: their figures cannot be set side by side.
        if "roll" not in changed and (
            len(self.came) != len(now.came)
            or any(was > still for was, still in zip(self.came, now.came, strict=False))
        ):
            changed.add("came")
        return [name for name in PARTS if name in changed]


def looked_at(poll: Poll) -> Looked:
    """Return what somebody who opens the page of the opening of `poll` now would look at."""
    data = frozen(poll)
    box = box_of(poll)
    values = {name: data[name] for name in ("rules", "closes_at", "candidates", "roll", "staff")}
    values["rules"] = [data["rules"], poll.total_reason]
    values["poll"] = [data["poll"], poll.phone, poll.opening_words]
    values["staff"] = [data["staff"], staff_as_shown()]
    # Of everybody on the roll the card that is valid: a new one of the same person is another.
    valid = Q(revoked_at__isnull=True, delegate__in=poll.roll.values("delegate"))
    values["cards"] = list(
        AccessCard.objects.filter(valid).order_by("pk").values_list("pk", flat=True)
    )
    values["key"] = [box.ceremony, box.holders, bytes(box.public_key).hex()] if box else []
    parts = {
        name: chain.digest("looked-at", chain.canonical(value))[:16]
        for name, value in values.items()
    }
    return Looked(parts, [row["came"] for row in turnout_by_delegation(poll)])
