"""Whether the roll is the register of today, everybody has a card, and enough have come."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F, FilteredRelation, Q
from django.utils.translation import gettext

from ballots.facts import register
from ballots.facts.findings import Finding, some, unless_rehearsal
from ballots.facts.keyed import card_mac, key_check
from ballots.facts.turnout import quorum_of
from ballots.models import Delegate
from projects.models import Poll

# How many people a line names before it says “等”.
NAMED = 3


@dataclass(frozen=True)
class Standing:
    """A delegate as the register has him today and as the roll of one poll has him, if it does."""

    number: str
    name: str
    delegation: str
    # In office, and of the body that votes.
    is_elector: bool
    on_roll: tuple[str, str, str] | None
    has_card: bool
    # The key and the address that the card was made with; empty where it does not say.
    card_key: str
    card_address: str
    # Whether the row of the card is, in all by which it is found, as it was made.
    is_genuine: bool

    @property
    def has_moved(self) -> bool:
        """Whether number, name or delegation are not those that the roll was drawn up with."""
        return self.on_roll is not None and self.on_roll != (
            self.number,
            self.name,
            self.delegation,
        )


def standings(poll: Poll) -> list[Standing]:
    """Return all who may vote in `poll` and all on its roll, in the order of the register."""
    rows = (
        Delegate.objects.annotate(
            entry=FilteredRelation("roll_entries", condition=Q(roll_entries__poll=poll)),
            card=FilteredRelation("cards", condition=Q(cards__revoked_at__isnull=True)),
        )
        .filter(register.votes_in(poll) | Q(entry__isnull=False))
        .values(
            "pk",
            "number",
            "name",
            "status",
            "on_committee",
            home=F("delegation__name"),
            entry_pk=F("entry__pk"),
            entry_number=F("entry__number"),
            entry_name=F("entry__name"),
            entry_delegation=F("entry__delegation"),
            card_pk=F("card__pk"),
            card_key=F("card__key_check"),
            card_address=F("card__address"),
            card_code=F("card__code_digest"),
            card_token=F("card__token_digest"),
            card_mac=F("card__mac"),
        )
    )
    return [
        Standing(
            number=row["number"],
            name=row["name"],
            delegation=row["home"],
            is_elector=row["status"] == Delegate.Status.ACTIVE
            and (row["on_committee"] or poll.body == Poll.Body.CONGRESS),
            on_roll=None
            if row["entry_pk"] is None
            else (row["entry_number"], row["entry_name"], row["entry_delegation"]),
            has_card=row["card_pk"] is not None,
            card_key=row["card_key"] or "",
            card_address=row["card_address"] or "",
            is_genuine=row["card_mac"] == card_mac(row["pk"], row["card_code"], row["card_token"]),
        )
        for row in rows
    ]


def people(poll: Poll, on_roll: int, present: int) -> Iterator[Finding]:
    """Yield what is missing of the roll, the cards, 全体代表 and the quorum."""
    yield from _roll(poll, on_roll)
    yield from _presence(poll, present)


def _roll(poll: Poll, on_roll: int) -> Iterator[Finding]:
    if not on_roll:
        yield Finding("blocks", gettext("还没有代表名册"), "roll")
        return
    everybody = standings(poll)
    yield from _unlike_the_register(poll, everybody)
    yield from _one_person_one_card(poll)
    yield from _cards([one for one in everybody if one.on_roll is not None])
    members = {"members": poll.electorate.members}
    if poll.delegates_total is None:
        yield Finding(
            "blocks", gettext("未填写全体%(members)s人数") % members, "rules#delegates_total"
        )
    elif poll.delegates_total < on_roll:
        yield Finding(
            "blocks",
            gettext("全体%(members)s人数%(total)d少于名册上的%(roll)d人")
            % (members | {"total": poll.delegates_total, "roll": on_roll}),
            "rules#delegates_total",
        )
    elif poll.delegates_total > on_roll:
        yield _more_than_the_roll(poll, poll.delegates_total, on_roll)


def _more_than_the_roll(poll: Poll, total: int, on_roll: int) -> Finding:
    """Quorum and majority go by 全体代表: a figure mistyped is wrong for good once it was announced."""
    words = gettext("全体%(members)s人数%(total)d，名册%(roll)d人，相差%(gap)d人") % {
        "members": poll.electorate.members,
        "total": total,
        "roll": on_roll,
        "gap": total - on_roll,
    }
    if poll.total_reason:
        words = gettext("%(figures)s，说明：%(reason)s") % {
            "figures": words,
            "reason": poll.total_reason,
        }
        return Finding("warns", words, "rules#delegates_total")
    words = gettext("%(figures)s，请核对，并填写说明") % {"figures": words}
    return Finding(unless_rehearsal(poll), words, "rules#total_reason")


def _cards(people: list[Standing]) -> Iterator[Finding]:
    """A card must be there, open under the key of today, and lead to the address of today."""
    without = [one for one in people if not one.has_card]
    if without:
        yield Finding(
            "blocks", gettext("有%(count)d名代表还没有投票卡") % {"count": len(without)}, "issue"
        )
    held = [one for one in people if one.has_card]
    dead = [one for one in held if one.card_key not in {"", key_check()}]
    if dead:
        words = gettext(
            "投票卡是用另一把密钥制作的，不能登录：%(who)s。请恢复原来的 SECRET_KEY，或重新发卡"
        )
        yield Finding("blocks", words % {"who": _some(dead)}, "cards")
    forged = [one for one in held if one not in dead and not one.is_genuine]
    if forged:
        words = gettext("投票卡记录被改动过，不能登录：%(who)s。请查明原因，并换发新卡")
        yield Finding("blocks", words % {"who": _some(forged)}, "cards")
    untold = [one for one in held if not one.card_key]
    if untold:
        words = gettext("有%(count)d张投票卡由早先的版本制作，未记密钥，请用其中几张试登录")
        yield Finding("warns", words % {"count": len(untold)}, "cards")
    astray = [one for one in held if one.card_address not in {"", settings.PUBLIC_URL}]
    if astray:
        words = gettext(
            "有%(count)d张投票卡的二维码印的是另一网址（%(url)s），请确认仍能打开，或重新发卡"
        )
        said = {"count": len(astray), "url": astray[0].card_address}
        yield Finding("warns", words % said, "cards")
    if not without and not dead and not forged:
        yield Finding("ok", gettext("代表%(count)d人，均已生成投票卡") % {"count": len(people)})


def _unlike_the_register(poll: Poll, everybody: list[Standing]) -> Iterator[Finding]:
    """What the opening would freeze is the roll, and what cards and pages show is the register."""
    missing = [one for one in everybody if one.on_roll is None]
    extra = [one for one in everybody if one.on_roll is not None and not one.is_elector]
    moved = [one for one in everybody if one.is_elector and one.has_moved]
    parts = []
    if missing:
        parts.append(gettext("缺%(who)s") % {"who": _some(missing)})
    if extra:
        parts.append(gettext("多%(who)s") % {"who": _some(extra)})
    if moved:
        parts.append(gettext("登记有更正的%(who)s") % {"who": _some(moved)})
    if parts:
        words = gettext("名册与%(electors)s不一致：%(what)s。请更新名册")
        named = {"what": "；".join(parts), "electors": poll.electorate.in_office}
        yield Finding("blocks", words % named, "roll")


def _one_person_one_card(poll: Poll) -> Iterator[Finding]:
    """Two cards may be in one hand where two on the roll are one to the eye (design §6.5)."""
    on_roll = Delegate.objects.filter(roll_entries__poll=poll).select_related("delegation")
    same = register.same_numbers([delegate.number for delegate in on_roll])
    if same:
        named = "；".join("、".join(pair) for pair in same[:NAMED])
        yield Finding(
            "blocks",
            gettext("代表证号看上去是同一个：%(numbers)s，请更正") % {"numbers": named},
            "delegates",
        )
    doubles = register.doubles(list(on_roll))
    if doubles:
        words = {"count": len(doubles), "who": register.in_words(doubles, most=NAMED)}
        yield Finding(
            "blocks",
            gettext("%(count)d处可能是同一个人（%(who)s），请逐一核对") % words,
            "namesakes",
        )


def _some(people: Iterable[Standing]) -> str:
    """Name the first few of `people` by what the register calls them today, and say how many."""
    names = [f"{one.name}（{one.number}）" for one in people]
    words = {"count": len(names), "names": some(names, most=NAMED)}
    return gettext("%(count)d人（%(names)s）") % words


def _presence(poll: Poll, present: int) -> Iterator[Finding]:
    needed = quorum_of(poll)
    if needed is None:
        return
    words = {"present": present, "needed": needed}
    if poll.presence_assumed:
        # Those who were there for the first vote may have left before the second.
        yield Finding(
            "blocks",
            gettext("实到%(present)d人沿用上一次票决，请核对后确认") % words,
            "present-again",
        )
    if present >= needed:
        yield Finding("ok", gettext("实到%(present)d人，符合法定人数（%(needed)d人）") % words)
    else:
        yield Finding(
            unless_rehearsal(poll),
            gettext("实到%(present)d人，不足法定人数（%(needed)d人）") % words,
            "presence",
        )
    if not present and poll.voters == Poll.Voters.PRESENT:
        yield Finding("blocks", gettext("没有代表报到，无人可以投票"), "presence")
