"""Who stands in the register, and who of them may be one person with two cards."""

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from django.db.models import Exists, OuterRef, Q, QuerySet

from ballots.facts.findings import some
from ballots.models import (
    AccessCard,
    Delegate,
    Delegation,
    Namesakes,
    Opinion,
    Recommendation,
    RollEntry,
)
from ballots.pure.identity import Person, alike
from projects.models import Poll
from yiwu_vote import texts

# The longest text that is searched for.
SEARCHED = 100


def delegates() -> QuerySet[Delegate]:
    """Return all delegates in the order in which all acts lock them, with what `person_of` asks."""
    card = AccessCard.objects.filter(delegate=OuterRef("pk"), revoked_at__isnull=True)
    at_the_vote = _held_by_a_poll().filter(delegate=OuterRef("pk"))
    return (
        Delegate.objects.select_related("delegation")
        .annotate(holds_card=Exists(card), at_the_vote=Exists(at_the_vote))
        .order_by("pk")
    )


def _held_by_a_poll() -> QuerySet[RollEntry]:
    return RollEntry.objects.filter(poll__in=Poll.objects.holding_people())


def is_at_the_vote(delegate: Delegate) -> bool:
    """Tell whether somebody stands on the roll of a poll for which it matters who he is."""
    return _held_by_a_poll().filter(delegate=delegate.pk).exists()


def held(delegates: QuerySet[Delegate]) -> Delegate | None:
    """Return the first of `delegates` to whom something refers, so that he stays: if there is one.

    A card, a roll, a recommendation, an opinion: what was done with each names him.
    """
    card, on_roll, recommends, demands = (
        Exists(model._default_manager.filter(delegate=OuterRef("pk")))
        for model in (AccessCard, RollEntry, Recommendation, Opinion)
    )
    return delegates.filter(card | on_roll | recommends | demands).first()


def named(typed: str) -> list[Delegate]:
    """Return the delegates in office whose number or whole name is `typed`, as people compare either."""
    by_either = Q(number_key=texts.number_key(typed)) | Q(name_key=texts.name_key(typed))
    people = Delegate.objects.filter(by_either).exclude(status=Delegate.Status.ENDED)
    return list(people.select_related("delegation"))


def person_of(delegate: Delegate) -> Person:
    """Return a delegate as tables and lists compare him."""
    return Person(
        number=delegate.number,
        name=delegate.name,
        delegation=delegate.delegation.name,
        order=delegate.position,
        phone=delegate.phone,
        seat=delegate.seat,
        status=delegate.status,
        on_committee=delegate.on_committee,
        holds_card=getattr(delegate, "holds_card", False),
        at_the_vote=getattr(delegate, "at_the_vote", False),
    )


def votes_in(poll: Poll) -> Q:
    """Return who may vote in `poll`, whatever its roll says: in office, and of the body that votes."""
    electors = Q(status=Delegate.Status.ACTIVE)
    return electors & Q(on_committee=True) if poll.body == Poll.Body.COMMITTEE else electors


def owner_of(number: str) -> Delegate | None:
    """Return whose number `number` is, however it is written."""
    key = texts.number_key(number)
    owner = Delegate.objects.filter(number_key=key).first()
    # One of an earlier version may have no key, because it is another's too.
    return owner or Delegate.objects.filter(number=number).first()


def delegation_called(name: str) -> Delegation | None:
    """Return the delegation whose name looks like `name`."""
    owner = Delegation.objects.filter(name_key=texts.folded(name)).first()
    return owner or Delegation.objects.filter(name=name).first()


def told_apart() -> set[frozenset[int]]:
    """Return the pairs of keys of delegates of whom the office says that they are two people."""
    return {frozenset(pair) for pair in Namesakes.objects.values_list("one_id", "other_id")}


def called(typed: str, *, of: str = "") -> Q:
    """Return who is meant by `typed`: by parts of number, name or delegation, each word one of them.

    `of` leads from the rows that are looked through to the delegate, as in “delegate__”. Width,
    case, the dots in a name and what nobody can see do not count; a number is found by what it
    means, too.
    """
    found = Q()
    if not texts.is_within(typed, SEARCHED):
        return Q(pk__in=[])
    for word in texts.typed(typed).split():
        plain = texts.folded(word)
        one = (
            Q(**{f"{of}number__icontains": plain})
            | Q(**{f"{of}number_key": texts.number_key(word)})
            | Q(**{f"{of}delegation__name_key__contains": plain})
        )
        if name := texts.name_key(word):
            one |= Q(**{f"{of}name_key__contains": name})
        found &= one
    return found


def in_office() -> list[Delegate]:
    """Return the delegates who have not left office, in the order of lists."""
    return list(Delegate.objects.exclude(status=Delegate.Status.ENDED).select_related("delegation"))


def doubles(people: Sequence[Delegate]) -> list[tuple[Delegate, Delegate]]:
    """Return every two of `people` who may be one person, those told apart left out."""
    told = told_apart()
    pairs = [(people[one], people[other]) for one, other in alike(list(map(person_of, people)))]
    return [pair for pair in pairs if frozenset(each.pk for each in pair) not in told]


def same_numbers(numbers: Collection[str]) -> list[tuple[str, str]]:
    """Return every two of `numbers` that are one to the eye, such as 1 and 001."""
    by_key: dict[str, list[str]] = {}
    for number in numbers:
        by_key.setdefault(texts.number_key(number), []).append(number)
    return [pair for alike in by_key.values() for pair in combinations(sorted(alike), 2)]


def in_words(pairs: Iterable[tuple[Delegate, Delegate]], *, most: int = 5) -> str:
    """Return the first few of `pairs` by name and number, to stand in a sentence."""
    named = [f"{one}和{other}" for one, other in pairs]
    return some(named, most=most, between="；")
