"""From opened ballots to the figures of a result: the pure tally, and a second count in SQL."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast

from ballots import journal
from ballots.facts import rulings
from ballots.facts.turnout import percent, turnout_of
from ballots.models import Ballot, WriteIn, rules_of
from ballots.pure import chain, sealing
from ballots.pure.figures import (
    VERSION,
    WITH_PAPERS,
    WITHOUT_PAPERS,
    BodyFigures,
    BoundaryFigures,
    CheckFigures,
    Figures,
    GradeFigures,
    ListedItem,
    PaperFigures,
    RulesFigures,
    WholeFigures,
)
from ballots.pure.grades import Whole
from ballots.pure.progress import Watch, half, unwatched, watched
from ballots.pure.rules import Rules
from ballots.pure.tally import Check, Paper, Standing, Tally, Turnout, base_for, paper, tally
from projects.models import Poll

# Plain aggregates: equal lists are counted first, then unfolded, and a list that held an item twice
# would be for it once. So are candidates, for and against, and the proposals that stand alone, each
# followed first to where it counts; so are the three grades of a 满意度测评. Only where one has become a candidate are ballots looked at one
# by one: of a ballot that proposes it the candidate counts once, not again where the ballot is for
# it already, and no longer against. Raw, because no ORM unfolds a list.
SECOND_COUNT = """
WITH RECURSIVE
followed(id, ruling, item) AS (
    SELECT w.id, w.ruling, CASE w.ruling WHEN 'alone' THEN '推' || CAST(w.number AS TEXT)
                                         ELSE CAST(p.number AS TEXT) END
    FROM ballots_writein w LEFT JOIN projects_project p ON p.id = w.into_project_id
    WHERE w.poll_id = %(poll)s AND w.ruling IN ('alone', 'into-project') AND %(counted)s
    UNION ALL
    SELECT w.id, f.ruling, f.item FROM ballots_writein w JOIN followed f ON f.id = w.into_write_in_id
),
placed(id, ruling, item) AS (
    SELECT REPLACE(CAST(id AS TEXT), '-', ''), ruling, item FROM followed
),
valid(chosen, fair, against, write_ins) AS NOT MATERIALIZED (
    SELECT chosen, fair, against, write_ins FROM ballots_ballot
    WHERE poll_id = %(poll)s AND invalid = ''
),
favoured(numbers, times) AS (SELECT chosen, COUNT(*) FROM valid GROUP BY chosen),
half(numbers, times) AS (SELECT fair, COUNT(*) FROM valid GROUP BY fair),
opposed(numbers, times) AS (SELECT against, COUNT(*) FROM valid GROUP BY against),
proposed(ids, times) AS (SELECT write_ins, COUNT(*) FROM valid GROUP BY write_ins),
merged(ids, item) AS (
    SELECT DISTINCT q.ids, p.item
    FROM proposed q, json_each(q.ids) AS mark, placed p
    WHERE p.ruling = 'into-project' AND p.id = REPLACE(mark.value, '-', '')
),
turned(chosen, against, item) AS (
    SELECT b.chosen, b.against, m.item FROM merged m JOIN valid b ON b.write_ins = m.ids
),
sides(item, vote, fair, against) AS (
    SELECT CAST(value AS TEXT), SUM(times), 0, 0
    FROM (SELECT DISTINCT numbers, times, mark.value
          FROM favoured f, json_each(f.numbers) AS mark) once
    GROUP BY value
    UNION ALL
    SELECT CAST(value AS TEXT), 0, SUM(times), 0
    FROM (SELECT DISTINCT numbers, times, mark.value
          FROM half h, json_each(h.numbers) AS mark) once
    GROUP BY value
    UNION ALL
    SELECT CAST(value AS TEXT), 0, 0, SUM(times)
    FROM (SELECT DISTINCT numbers, times, mark.value
          FROM opposed o, json_each(o.numbers) AS mark) once
    GROUP BY value
    UNION ALL
    SELECT item, SUM(times), 0, 0
    FROM (SELECT DISTINCT q.ids, q.times, p.item
          FROM proposed q, json_each(q.ids) AS mark, placed p
          WHERE p.ruling = 'alone' AND p.id = REPLACE(mark.value, '-', '')) once
    GROUP BY item
    UNION ALL
    SELECT item, SUM(1 - already), 0, -SUM(before)
    FROM (SELECT item,
                 (SELECT COUNT(*) FROM json_each(t.chosen) AS mark
                  WHERE CAST(mark.value AS TEXT) = item) AS already,
                 (SELECT COUNT(*) FROM json_each(t.against) AS mark
                  WHERE CAST(mark.value AS TEXT) = item) AS before
          FROM turned t) looked
    GROUP BY item
)
SELECT item, SUM(vote), SUM(fair), SUM(against) FROM sides GROUP BY item
"""
# Raw for the same reason.
MENTIONS = """
SELECT mark.value, COUNT(*)
FROM ballots_ballot b, json_each(b.write_ins) AS mark
WHERE b.poll_id = %(poll)s AND b.invalid = ''
GROUP BY mark.value
"""
# So many ballots are read before equal ones among them are counted together, as one.
TOGETHER = 50_000
# And so many rows are fetched at a time.
FETCHED = 500


def count(poll: Poll, watch: Watch = unwatched) -> Tally:
    """Count the valid ballots of `poll` under its rulings (pure tally, see ballots.pure.tally)."""
    return tally(
        _papers(poll, watch), items=_items(poll), rules=rules_of(poll), turnout=turnout_of(poll)
    )


def _papers(poll: Poll, watch: Watch) -> Iterator[Paper]:
    """Yield the valid ballots; those of a lot that are equal, letter by letter, as one.

    Few lists of numbers differ, so that few of them are read. In no order: the count needs none.
    """
    counted = poll.proposals == Poll.Proposals.COUNTED
    items = rulings.items_of(poll) if counted else {}
    valid = poll.ballots.filter(invalid=Ballot.Invalid.VALID)
    texts = [Cast(column, TextField()) for column in ("chosen", "fair", "against", "write_ins")]
    rows = watched(valid.values_list(*texts).iterator(FETCHED), valid.count(), watch)
    while equal := Counter(islice(rows, TOGETHER)):
        for (chosen, fair, against, write_ins), times in equal.items():
            yield paper(
                chosen=json.loads(chosen),
                fair=json.loads(fair),
                against=json.loads(against),
                write_ins=json.loads(write_ins) if counted else (),
                rulings=items,
                graded=poll.is_graded,
                times=times,
            )


def count_in_sql(poll: Poll) -> dict[str, tuple[int, int, int]]:
    """Return each item's votes, for, fairly for and against, counted by the database by another road than `count`.

    No Python counts anything: see SECOND_COUNT.
    """
    counted = poll.proposals == Poll.Proposals.COUNTED
    rows = _unfolded(SECOND_COUNT, poll=poll.pk, counted=counted)
    votes = {item: (int(vote), int(fair), int(against)) for item, vote, fair, against in rows}
    return {item: votes.get(item, (0, 0, 0)) for item in _items(poll)}


def _unfolded(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that unfolds lists, in the words of this database."""
    if connection.vendor == "postgresql":
        statement = statement.replace("json_each", "jsonb_array_elements_text")
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def checks(poll: Poll, result: Tally, watch: Watch = unwatched) -> tuple[Check, ...]:
    """Return every identity that must hold before a count can be confirmed (design §4.2)."""
    second = count_in_sql(poll)
    agreeing = sum(
        1 for line in result.standings if second[line.item] == (line.votes, line.fair, line.against)
    )
    broken = journal.first_broken(poll)
    entries = poll.journal.count()
    return (
        *result.checks,
        Check("脱名密封票＝开启的表决票", poll.sealed_ballots.count(), poll.ballots.count()),
        Check("与回执编号相符的密封票＝密封票", _genuine(poll, watch), poll.sealed_ballots.count()),
        Check("两种算法结果一致的项目数＝项目数", agreeing, len(result.standings)),
        Check("校验通过的操作记录＝操作记录", entries if broken is None else broken - 1, entries),
    )


def mentions(poll: Poll) -> Counter[str]:
    """Return on how many valid ballots each proposal stands, by its id."""
    return Counter(dict(_unfolded(MENTIONS, poll=poll.pk)))


def _genuine(poll: Poll, watch: Watch) -> int:
    """Return how many sealed ballots are, byte for byte, those that the close put on record."""
    genuine = 0

    def receipts() -> Iterator[str]:
        nonlocal genuine
        columns = ("receipt", "sealed", "set_apart")
        rows = poll.sealed_ballots.order_by("receipt").values_list(*columns)
        for receipt, sealed, apart in watched(rows.iterator(FETCHED), rows.count(), watch):
            # What was set apart may hold anything: it is counted as what it is, and never opened.
            genuine += apart or sealing.receipt(poll=poll.uuid, sealed=bytes(sealed)) == receipt
            yield receipt

    root = sealing.receipts_root(receipts())
    # What the close put on record, or, where papers came, what was in the box with these.
    kinds = (journal.Kind.CLOSED, journal.Kind.PAPERS_SEALED)
    last = poll.journal.filter(kind__in=kinds).order_by("seq").last()
    return genuine if last is not None and last.data["receipts"] == root else 0


def figures(poll: Poll, watch: Watch = unwatched) -> Figures:
    """Return the whole count as plain data: the one source of every page, file and print.

    Its two long parts, of about the same length, are the pure tally and the look at every receipt.
    """
    result = count(poll, half(watch, first=True))
    listed = _listed(poll)
    rules = rules_of(poll)
    base = base_for(rules, present=result.turnout.present, valid=result.valid)
    # The database lets no poll open without it.
    delegates_total = poll.delegates_total or 0
    found: Figures = {
        "version": _version(result),
        "poll": {
            "uuid": str(poll.uuid),
            "meeting": poll.meeting,
            "year": poll.year,
            "kind": poll.kind,
            "simple": poll.simple,
            **_body_of(poll),
        },
        "rules": _rules(rules),
        "turnout": {
            **_papers_of(result.turnout),
            "delegates_total": delegates_total,
            "roll": result.turnout.roll,
            "present": result.turnout.present,
            "issued": result.turnout.issued,
            "returned": result.valid + result.invalid,
            "valid": result.valid,
            "invalid": result.invalid,
            "blank": result.blank,
            "voted": result.turnout.voted,
            "cards_reissued": poll.journal.filter(kind=journal.Kind.CARD_REISSUED).count(),
        },
        "needed": result.needed,
        "places": result.places,
        "candidates": poll.projects.count(),
        "proposals": mentions(poll).total(),
        "merged": result.merged,
        "proposed_items": poll.write_ins.filter(ruling=WriteIn.Ruling.ALONE).count(),
        "items": [
            {
                **listed[line.item],
                "rank": line.rank,
                "shared": line.shared,
                "votes": line.votes,
                "against": line.against,
                "abstained": line.abstained,
                "share_of_valid": percent(line.votes, result.valid),
                "share_of_all": percent(line.votes, delegates_total),
                "majority": line.votes >= result.needed,
                "outcome": line.outcome,
                **(_grades(line, base) if rules.is_graded else GradeFigures()),
            }
            for line in result.standings
        ],
        "places_left": result.places_left,
        "shortfall": result.shortfall,
        "marks": result.marks,
        "doubles": result.doubles,
        "doubled": result.doubled,
        "refused": result.refused,
        "turned": result.turned,
        "checks": [_check(check) for check in checks(poll, result, half(watch, first=False))],
    }
    if result.whole is not None:
        found["whole"] = _whole(result.whole)
    return found


def _version(result: Tally) -> int:
    """Return the lowest version of figures that has a place for all of this count."""
    if result.whole:
        return VERSION
    return WITH_PAPERS if result.turnout.papers else WITHOUT_PAPERS


def _grades(line: Standing, base: int) -> GradeFigures:
    return {
        "fair": line.fair,
        "share_good": percent(line.votes, base),
        "share_satisfied": percent(line.votes + line.fair, base),
    }


def _whole(whole: Whole) -> WholeFigures:
    return {
        "good": whole.good,
        "fair": whole.fair,
        "poor": whole.poor,
        "abstained": whole.abstained,
        "base": whole.base,
        "needed": whole.needed,
        "share_good": percent(whole.good, whole.base),
        "share_satisfied": percent(whole.good + whole.fair, whole.base),
        "grade": whole.grade,
    }


def _body_of(poll: Poll) -> BodyFigures:
    """Return which body votes; nothing where it is the congress, as every older count is."""
    return {} if poll.body == Poll.Body.CONGRESS else {"body": "committee"}


def _papers_of(turnout: Turnout) -> PaperFigures:
    """Return the figures of the papers; nothing where there were none."""
    if not turnout.papers:
        return {}
    return {"papers": turnout.papers, "papers_returned": turnout.papers_returned}


def digest(figures: Mapping[str, object]) -> str:
    """Return the checksum (数据校验码) of a result's figures."""
    return chain.digest("result", chain.canonical(figures))


def _rules(rules: Rules) -> RulesFigures:
    return {
        "places": rules.places,
        "form": rules.form,
        "exactly": rules.exactly,
        "blank_allowed": rules.blank_allowed,
        "proposals": rules.proposals,
        "proposal_limit": rules.proposal_limit,
        "majority": rules.majority,
        "delegates_total": rules.delegates_total,
        **(_boundaries(rules) if rules.is_graded else BoundaryFigures()),
    }


def _boundaries(rules: Rules) -> BoundaryFigures:
    return {
        "boundary": rules.boundary,
        "boundary_included": rules.boundary_included,
        "whole_boundary": rules.whole_boundary,
        "whole_boundary_included": rules.whole_boundary_included,
    }


def _check(check: Check) -> CheckFigures:
    return {
        "name": check.name,
        "left": check.left,
        "right": check.right,
        "relation": check.relation,
        "holds": check.holds,
    }


def _items(poll: Poll) -> list[str]:
    """Return the keys of what is counted: candidates by number, then proposals standing alone."""
    numbers = poll.projects.order_by("number").values_list("number", flat=True)
    items = [str(number) for number in numbers]
    if poll.proposals == Poll.Proposals.COUNTED:
        alone = poll.write_ins.filter(ruling=WriteIn.Ruling.ALONE).order_by("number")
        items += [write_in.key for write_in in alone]
    return items


def _listed(poll: Poll) -> dict[str, ListedItem]:
    """Return candidates and proposals by their keys, as the figures describe them."""
    listed: dict[str, ListedItem] = {
        str(project.number): {
            "item": str(project.number),
            "title": project.title,
            "source": "candidate",
            "category": project.category,
            "lead_unit": project.lead_unit,
        }
        for project in poll.projects.all()
    }
    for write_in in poll.write_ins.all():
        listed[write_in.key] = {
            "item": write_in.key,
            "title": write_in.title,
            "source": "proposal",
            "category": "",
            "lead_unit": write_in.unit,
        }
    return listed
