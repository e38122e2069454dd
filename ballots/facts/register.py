"""Who stands in the register, and who of them may be one person with two cards."""

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from django.db.models import Exists, OuterRef, QuerySet

from ballots.models import AccessCard, Delegate, Namesakes, RollEntry
from ballots.pure.identity import Person, alike
from projects.phases import VOTING
from yiwu_vote import texts


def delegates() -> QuerySet[Delegate]:
    """Return all delegates in the order in which all acts lock them, with what `person_of` asks."""
    card = AccessCard.objects.filter(delegate=OuterRef("pk"), revoked_at__isnull=True)
    at_the_vote = RollEntry.objects.filter(delegate=OuterRef("pk"), poll__phase__in=VOTING)
    return (
        Delegate.objects.select_related("delegation")
        .annotate(holds_card=Exists(card), at_the_vote=Exists(at_the_vote))
        .order_by("pk")
    )


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
        holds_card=getattr(delegate, "holds_card", False),
        at_the_vote=getattr(delegate, "at_the_vote", False),
    )


def told_apart() -> set[frozenset[int]]:
    """Return the pairs of keys of delegates of whom the office says that they are two people."""
    return {frozenset(pair) for pair in Namesakes.objects.values_list("one_id", "other_id")}


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
    return "；".join(named[:most]) + ("等" if len(named) > most else "")
