"""From opened ballots to the figures of a result: the pure tally, and a second count in SQL."""

from collections import Counter

from django.db import connection

from ballots import journal
from ballots.facts import rulings
from ballots.facts.turnout import percent, turnout_of
from ballots.models import Ballot, WriteIn, rules_of
from ballots.pure import chain, sealing
from ballots.pure.figures import VERSION, CheckFigures, Figures, ListedItem, RulesFigures
from ballots.pure.rules import Rules
from ballots.pure.tally import Check, Tally, paper, tally
from projects.models import Poll

# Each ballot is unfolded into rows of (ballot, item), UNION makes repeated rows one, and the
# database counts them. A proposal merged into another is followed to where that one went.
SECOND_COUNT = """
WITH RECURSIVE
placed(id, item, next) AS (
    SELECT w.id,
           CASE w.ruling WHEN 'alone' THEN '推' || CAST(w.number AS TEXT)
                         WHEN 'into-project' THEN CAST(p.number AS TEXT) END,
           w.into_write_in_id
    FROM ballots_writein w LEFT JOIN projects_project p ON p.id = w.into_project_id
    WHERE w.poll_id = %(poll)s
),
followed(id, item, next) AS (
    SELECT id, item, next FROM placed
    UNION
    SELECT f.id, p.item, p.next FROM followed f JOIN placed p ON p.id = f.next
),
marks(ballot, item) AS (
    SELECT b.id, CAST(mark.value AS TEXT)
    FROM ballots_ballot b, json_each(b.chosen) AS mark
    WHERE b.poll_id = %(poll)s AND b.invalid = ''
    UNION
    SELECT b.id, f.item
    FROM ballots_ballot b, json_each(b.write_ins) AS mark, followed f
    WHERE b.poll_id = %(poll)s AND b.invalid = '' AND %(counted)s AND f.item IS NOT NULL
      AND REPLACE(CAST(f.id AS TEXT), '-', '') = REPLACE(CAST(mark.value AS TEXT), '-', '')
),
opposed(ballot, item) AS (
    SELECT b.id, CAST(mark.value AS TEXT)
    FROM ballots_ballot b, json_each(b.against) AS mark
    WHERE b.poll_id = %(poll)s AND b.invalid = ''
    EXCEPT
    SELECT ballot, item FROM marks
),
sides(item, vote, against) AS (
    SELECT item, 1, 0 FROM marks
    UNION ALL
    SELECT item, 0, 1 FROM opposed
)
SELECT item, SUM(vote), SUM(against) FROM sides GROUP BY item
"""


def count(poll: Poll) -> Tally:
    """Count the valid ballots of `poll` under its rulings (pure tally, see ballots.pure.tally)."""
    counted = poll.proposals == Poll.Proposals.COUNTED
    items = rulings.items_of(poll) if counted else {}
    papers = (
        paper(
            chosen=ballot.chosen,
            against=ballot.against,
            write_ins=ballot.write_ins if counted else (),
            rulings=items,
        )
        for ballot in poll.ballots.filter(invalid=Ballot.Invalid.VALID)
    )
    return tally(papers, items=_items(poll), rules=rules_of(poll), turnout=turnout_of(poll))


def count_in_sql(poll: Poll) -> dict[str, tuple[int, int]]:
    """Return each item's votes, for and against, counted by the database by another road than `count`.

    No Python counts anything: see SECOND_COUNT.
    """
    unfold = "jsonb_array_elements_text" if connection.vendor == "postgresql" else "json_each"
    counted = poll.proposals == Poll.Proposals.COUNTED
    with connection.cursor() as cursor:
        cursor.execute(
            SECOND_COUNT.replace("json_each", unfold), {"poll": poll.pk, "counted": counted}
        )
        votes = {item: (int(vote), int(against)) for item, vote, against in cursor.fetchall()}
    return {item: votes.get(item, (0, 0)) for item in _items(poll)}


def checks(poll: Poll, result: Tally) -> tuple[Check, ...]:
    """Return every identity that must hold before a count can be confirmed (design §4.2)."""
    second = count_in_sql(poll)
    agreeing = sum(
        1 for line in result.standings if second[line.item] == (line.votes, line.against)
    )
    broken = journal.first_broken(poll)
    entries = poll.journal.count()
    return (
        *result.checks,
        Check("脱名密封票＝开启的表决票", poll.sealed_ballots.count(), poll.ballots.count()),
        Check("与回执编号相符的密封票＝密封票", _genuine(poll), poll.sealed_ballots.count()),
        Check("两种算法结果一致的项目数＝项目数", agreeing, len(result.standings)),
        Check("校验通过的操作记录＝操作记录", entries if broken is None else broken - 1, entries),
    )


def mentions(poll: Poll) -> Counter[str]:
    """Return on how many valid ballots each proposal stands, by its id."""
    valid = poll.ballots.filter(invalid=Ballot.Invalid.VALID)
    return Counter(write_in for ballot in valid for write_in in ballot.write_ins)


def _genuine(poll: Poll) -> int:
    """Return how many sealed ballots are, byte for byte, those that the close put on record."""
    rows = list(poll.sealed_ballots.only("receipt", "sealed"))
    closed = poll.journal.filter(kind=journal.Kind.CLOSED).first()
    root = sealing.receipts_root([row.receipt for row in rows])
    if closed is None or closed.data["receipts"] != root:
        return 0
    return sum(
        sealing.receipt(poll=poll.uuid, sealed=bytes(row.sealed)) == row.receipt for row in rows
    )


def figures(poll: Poll) -> Figures:
    """Return the whole count as plain data: the one source of every page, file and print."""
    result = count(poll)
    listed = _listed(poll)
    # The database lets no poll open without it.
    delegates_total = poll.delegates_total or 0
    return {
        "version": VERSION,
        "poll": {
            "uuid": str(poll.uuid),
            "meeting": poll.meeting,
            "year": poll.year,
            "kind": poll.kind,
            "simple": poll.simple,
        },
        "rules": _rules(rules_of(poll)),
        "turnout": {
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
        "places": poll.places,
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
        "checks": [_check(check) for check in checks(poll, result)],
    }


def digest(figures: Figures) -> str:
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
