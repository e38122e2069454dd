"""What pages, papers and files say of a 满意度测评: grades, rates and where they begin (design §4.6).

Every number is the frozen result's; the words of the columns stand in `vocabulary.FORMS`.
"""

from django.utils.translation import gettext

from ballots.facts.naming import names_of
from ballots.facts.outcome import Outcome
from ballots.facts.vocabulary import BASES, OUTCOMES
from ballots.facts.words import counted_as, of_majority
from ballots.pure.figures import Figures, ItemFigures, base_of
from projects.wording import grades_in_words, whole_in_words


def announced(row: ItemFigures) -> str:
    """Return the votes of an item as they are announced: 满意152票，基本满意30票，不满意0票，弃权0票."""
    return _votes(row["votes"], row["fair"], row["against"], row["abstained"])


def announced_whole(figures: Figures) -> str:
    """Return the sums over all items in the same words."""
    whole = figures["whole"]
    return _votes(whole["good"], whole["fair"], whole["poor"], whole["abstained"])


def _votes(good: int, fair: int, poor: int, abstained: int) -> str:
    return gettext("满意%(good)d票，基本满意%(fair)d票，不满意%(poor)d票，弃权%(abstained)d票") % {
        "good": good,
        "fair": fair,
        "poor": poor,
        "abstained": abstained,
    }


def grade_of_whole(figures: Figures) -> str:
    """Return the grade of the whole in words."""
    return str(OUTCOMES[figures["whole"]["grade"]])


def base_words(figures: Figures) -> str:
    """Return of whom or what the rates are rates, such as 全体代表350人 or 有效票182张."""
    return of_majority(BASES, figures, base=base_of(figures))


def rates_words(figures: Figures) -> str:
    """Return the sentence that names the base of the rates of an item and of the whole."""
    return gettext(
        "满意率、满意和基本满意率以%(base)s为基数；总体的以其与项目数之积%(whole)d为基数。"
    ) % {"base": base_words(figures), "whole": figures["whole"]["base"]}


def boundary_words(figures: Figures) -> list[str]:
    """Return where 满意 begins, for an item and for the whole, by the rules that were frozen."""
    rules, base = figures["rules"], base_words(figures)
    return [
        grades_in_words(base, rules["boundary"], included=rules["boundary_included"]),
        whole_in_words(base, rules["whole_boundary"], included=rules["whole_boundary_included"]),
    ]


def verdict_words(figures: Figures) -> str:
    """Return how the whole was judged."""
    return gettext("总体评定为%(grade)s。") % {"grade": grade_of_whole(figures)}


def sums_words(figures: Figures) -> str:
    """Return what all items came to together, and the two rates of it."""
    whole = figures["whole"]
    return gettext(
        "各项目合计，%(votes)s；总体满意率%(good)s%%，满意和基本满意率%(satisfied)s%%。"
    ) % {
        "votes": announced_whole(figures),
        "good": whole["share_good"],
        "satisfied": whole["share_satisfied"],
    }


def whole_words(figures: Figures, *, with_votes: bool) -> str:
    """Return how the whole was judged, after its sums where votes are shown."""
    return (sums_words(figures) if with_votes else "") + verdict_words(figures)


def item_words(row: ItemFigures, name: str, *, with_votes: bool) -> str:
    """Return one item as it is read out or printed in a list, without its number."""
    said = {"name": name, "grade": str(OUTCOMES[row["outcome"]])}
    if not with_votes:
        return gettext("%(name)s：评定为%(grade)s") % said
    return gettext("%(name)s：%(votes)s，满意率%(good)s%%，评定为%(grade)s") % {
        **said,
        "votes": announced(row),
        "good": row["share_good"],
    }


def lines(figures: Figures, *, with_votes: bool) -> list[str]:
    """Return `item_words` of all items, in the order of the list."""
    names = names_of(figures["items"])
    return [item_words(row, names[row["item"]], with_votes=with_votes) for row in figures["items"]]


def read_out(outcome: Outcome) -> list[str]:
    """Return what the chair reads: each item in the order of the list, then the whole."""
    figures, with_votes = outcome.result.figures, outcome.poll.show_votes
    items = [
        gettext("第%(key)s项，%(words)s。") % {"key": row["item"], "words": words}
        for row, words in zip(figures["items"], lines(figures, with_votes=with_votes), strict=True)
    ]
    return [*items, whole_words(figures, with_votes=with_votes)]


def table(figures: Figures) -> dict[str, object]:
    """Return what a table of grades shows beside its items: the whole below it, then the rules."""
    whole = figures["whole"]
    return {
        "columns": counted_as(figures).columns,
        "whole": {
            "counts": [whole[key] for key in ("good", "fair", "poor", "abstained")],
            "share_good": whole["share_good"],
            "share_satisfied": whole["share_satisfied"],
            "grade": whole["grade"],
            "grade_words": grade_of_whole(figures),
        },
        "sums_words": sums_words(figures),
        "verdict_words": verdict_words(figures),
        "rates_words": rates_words(figures),
        "boundary_words": "".join(boundary_words(figures)),
    }
