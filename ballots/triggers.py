"""Rules that no constraint can state, as triggers on both databases (design §5.6).

One function installs them all. SQLite cannot rebuild a table that a trigger of another one looks
at, and drops the triggers of the table it rebuilds; so a `migrate` that changes any lifts them before
its first migration and installs them after its last (`ballots.apps`), and the pre-flight list misses them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper

from projects.phases import MOVES, RUNNING

# What a rehearsal may wipe and a real poll keeps for good.
KEPT = {
    "ballots_journalentry": "journal",
    "ballots_sealedballot": "sealed ballot",
    "ballots_ballot": "ballot",
    "ballots_result": "result",
    "ballots_decision": "decision",
}
# A rehearsal may also be wiped, which takes it back to its draft.
STEPS = sorted(f"{before}>{move.after}" for move in MOVES.values() for before in move.before)

# A deadline is moved later while the poll takes ballots; to set one where there was none, or to lift
# it, would not be later.
DEADLINE_MOVED = (
    "(NEW.closes_at IS DISTINCT FROM OLD.closes_at AND (OLD.phase NOT IN ('open', 'paused')"
    " OR NEW.phase <> OLD.phase OR OLD.closes_at IS NULL OR NEW.closes_at IS NULL"
    " OR NEW.closes_at < OLD.closes_at))"
)

# Whom to call and the words before the vote are no rules: they may be mended while the poll runs.
RUNS = ", ".join(f"'{phase}'" for phase in sorted(RUNNING))
CORRECTED = f"(OLD.phase NOT IN ({RUNS}) OR NEW.phase <> OLD.phase)"

# What belongs to no poll is of no kind, and is kept like what belongs to a real one.
KIND = "COALESCE((SELECT kind FROM projects_poll WHERE id = {row}.poll_id), '')"
PHASE = "(SELECT phase FROM projects_poll WHERE id = {row}.poll_id)"
CANVASSED = (
    "COALESCE((SELECT canvassed FROM ballots_ballotbox WHERE poll_id = {row}.poll_id), FALSE)"
)
ARCHIVED = "(SELECT archived_at FROM projects_poll WHERE id = {row}.poll_id)"
KEY_MADE = "(SELECT 1 FROM ballots_journalentry WHERE poll_id = OLD.id AND ballots_journalentry.kind = 'key-made')"
# From the close until its papers are in, a box is still to be laid anew (design §5.8).
SALTED = "(SELECT paper_salt FROM ballots_ballotbox WHERE poll_id = {row}.poll_id) <> ''"
PAPERS_SEALED = (
    "EXISTS (SELECT 1 FROM ballots_journalentry entry WHERE entry.poll_id = NEW.poll_id"
    " AND entry.kind = 'papers-sealed')"
)
# 实到 falls only where somebody was marked by mistake and has not voted.
TAKES_NO_BALLOTS = f"{PHASE.format(row='OLD')} NOT IN ('open', 'paused')"
PHASE_OF_LINE = (
    "(SELECT poll.phase FROM projects_poll poll JOIN projects_project project"
    " ON project.poll_id = poll.id WHERE project.id = {row}.project_id)"
)
# What `install` left behind: on PostgreSQL the functions, which take their triggers with them.
INSTALLED = {
    "postgresql": "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = current_schema::regnamespace"
    " AND p.prorettype = 'trigger'::regtype AND strpos(p.proname, '_guard_') > 0",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND instr(name, '_guard_') > 0",
}


@dataclass(frozen=True)
class Guard:
    """A trigger that refuses `event` on a row of `table` where `condition` holds."""

    table: str
    event: str
    condition: str
    message: str
    # What tells it from another one of the same table and event.
    about: str = ""

    @property
    def name(self) -> str:
        return f"{self.table}_guard_{self.event.lower()}{self.about}"


def _second_round() -> list[Guard]:
    """A second round is about what the first one left open, word for word (design §4.3).

    A list may be shortened, so that rows may go; what is left is compared once more as it opens. It
    stays the second round of that first one: without its parent nothing would be compared any more.
    """
    message = "the candidates of a second round are those of the first"
    parent = "(SELECT parent_id FROM projects_poll WHERE id = NEW.poll_id)"
    changed = f"{parent} IS NOT NULL AND NOT {_is_of_first_round('NEW', parent)}"
    was_in = "(SELECT parent_id FROM projects_poll WHERE id = OLD.poll_id)"
    moved = f"(NEW.poll_id <> OLD.poll_id AND {was_in} IS NOT NULL)"
    made_otherwise = (
        "OLD.parent_id IS NOT NULL"
        " AND (NEW.parent_id IS DISTINCT FROM OLD.parent_id OR NEW.kind <> OLD.kind)"
    )
    line = (
        "EXISTS (SELECT 1 FROM projects_poll poll JOIN projects_project own ON own.poll_id = poll.id"
        " WHERE own.id = NEW.project_id AND poll.parent_id IS NOT NULL AND NOT {is_the_same})"
    )
    lines = {
        table: line.format(is_the_same=_is_line_of_first_round(table, "NEW", "poll.parent_id"))
        for table in _lines()
    }
    opened = (
        "OLD.phase = 'draft' AND NEW.phase = 'open' AND NEW.parent_id IS NOT NULL AND EXISTS"
        " (SELECT 1 FROM projects_project own WHERE own.poll_id = NEW.id"
        f" AND {_is_otherwise('NEW.parent_id')})"
    )
    return [
        Guard("projects_project", "INSERT", changed, message, "_second_round"),
        Guard("projects_project", "UPDATE", f"{moved} OR ({changed})", message, "_second_round"),
        *(
            Guard(table, event, condition, message, "_second_round")
            for table, condition in lines.items()
            for event in ("INSERT", "UPDATE")
        ),
        Guard(
            "projects_poll",
            "UPDATE",
            f"({made_otherwise}) OR ({opened})",
            message,
            "_second_round",
        ),
    ]


def _is_otherwise(parent: str) -> str:
    """Return the condition that the candidate `own`, or a line of it, is not what its origin says."""
    others = [f"NOT {_is_of_first_round('own', parent)}"]
    for table in _lines():
        lines = f"(SELECT COUNT(*) FROM {table} WHERE project_id = {{row}}.id)"
        others += [
            f"EXISTS (SELECT 1 FROM {table} line WHERE line.project_id = own.id"
            f" AND NOT {_is_line_of_first_round(table, 'line', parent)})",
            f"EXISTS (SELECT 1 FROM projects_project p WHERE p.poll_id = {parent}"
            " AND CAST(p.number AS TEXT) = own.origin"
            f" AND {lines.format(row='own')} <> {lines.format(row='p')})",
        ]
    return f"({' OR '.join(others)})"


def _lines() -> dict[str, tuple[str, ...]]:
    """Return the tables of the lines of a candidate, with the columns of what one says."""
    models = [apps.get_model("projects", name) for name in ("Target", "SubItem")]
    return {model._meta.db_table: model.SAID for model in models}


def _is_line_of_first_round(table: str, row: str, parent: str) -> str:
    """Return the condition that a line of the candidate `own` stands so in the first round."""
    same = " AND ".join(
        f"t.{column} IS NOT DISTINCT FROM {row}.{column}" for column in _lines()[table]
    )
    return (
        f"EXISTS (SELECT 1 FROM {table} t JOIN projects_project p ON p.id = t.project_id"
        f" WHERE p.poll_id = {parent} AND CAST(p.number AS TEXT) = own.origin AND {same})"
    )


def _is_of_first_round(row: str, parent: str) -> str:
    """Return the condition that a candidate is what its origin says, a candidate or a proposal."""
    more = ("category", "funding", "deadline", "site")
    sums = ("investment", "investment_this_year")
    told = ("title", "text", "lead_unit", *more, *sums)
    same = " AND ".join(f"p.{column} IS NOT DISTINCT FROM {row}.{column}" for column in told)
    # A proposal says nothing of all that.
    unsaid = " AND ".join(
        [f"{row}.{column} = ''" for column in more] + [f"{row}.{column} IS NULL" for column in sums]
    )
    return (
        f"(EXISTS (SELECT 1 FROM projects_project p WHERE p.poll_id = {parent}"
        f" AND CAST(p.number AS TEXT) = {row}.origin AND p.number = {row}.number AND {same})"
        f" OR EXISTS (SELECT 1 FROM ballots_writein w WHERE w.poll_id = {parent}"
        f" AND '推' || CAST(w.number AS TEXT) = {row}.origin"
        # Of two proposals of one name the second bears its key.
        f" AND {row}.title IN (w.title, w.title || '（' || {row}.origin || '）')"
        f" AND {row}.text = CASE WHEN w.detail = '' THEN w.title ELSE w.detail END"
        f" AND {row}.lead_unit = w.unit AND {unsaid}"
        f" AND {row}.number NOT IN (SELECT number FROM projects_project WHERE poll_id = {parent})))"
    )


def _guards(poll_columns: list[str]) -> list[Guard]:
    # Every column of a poll but those of its state is frozen from the opening on.
    poll = apps.get_model("projects", "Poll")
    moving = {*poll.STATE, *poll.DEADLINE, *poll.CORRECTED}
    # Sorted, for the table has them in the order of its migrations and the model in its own.
    frozen = sorted(column for column in poll_columns if column not in moving)
    corrected = _any_changed(poll.CORRECTED)
    changed = " OR ".join(
        filter(None, [_any_changed(frozen), DEADLINE_MOVED, f"(({corrected}) AND {CORRECTED})"])
    )
    steps = ", ".join(f"'{step}'" for step in STEPS)
    guards = [
        Guard(
            "projects_poll",
            "UPDATE",
            f"(OLD.phase <> 'draft' AND ({changed}))"
            f" OR (OLD.phase <> NEW.phase AND OLD.kind <> 'rehearsal'"
            f" AND OLD.phase || '>' || NEW.phase NOT IN ({steps}))"
            # A key made in a rehearsal, where files may hold the shares, never serves a real poll.
            f" OR (OLD.kind <> NEW.kind AND EXISTS {KEY_MADE})"
            # In a poll that counts only those vote who have reported present.
            f" OR (OLD.phase = 'draft' AND NEW.phase = 'open' AND NEW.kind <> 'rehearsal'"
            f" AND NEW.voters <> 'present')"
            # What the hall has seen, and what was archived, is not taken back.
            " OR (OLD.kind <> 'rehearsal' AND (NEW.revealed < OLD.revealed"
            " OR (OLD.revealed_at IS NOT NULL AND NEW.revealed_at IS NULL)"
            " OR (OLD.archived_at IS NOT NULL AND NEW.archived_at IS NULL)))",
            "rules are frozen once the poll has opened, and phases follow each other",
        ),
        Guard(
            "projects_poll",
            "DELETE",
            "OLD.phase <> 'draft'",
            "a poll that has opened is never deleted",
        ),
        Guard("ballots_envelope", "UPDATE", "1 = 1", "an envelope is never changed"),
        Guard(
            "ballots_envelope",
            "INSERT",
            f"{PHASE.format(row='NEW')} <> 'open' OR EXISTS (SELECT 1 FROM ballots_rollentry entry"
            " WHERE entry.id = NEW.roll_entry_id AND entry.channel = 'paper')",
            "an envelope enters an open poll only, and of nobody who holds a paper",
        ),
        Guard(
            "ballots_envelope",
            "DELETE",
            f"{PHASE.format(row='OLD')} IN ('open', 'paused')"
            f" AND {KIND.format(row='OLD')} <> 'rehearsal'",
            "an envelope stays while the poll takes ballots",
        ),
        Guard(
            "ballots_rollentry",
            "UPDATE",
            f"(OLD.voted AND (NOT NEW.voted OR NEW.mac <> OLD.mac)) OR (NEW.voted AND NEW.voted_at IS NULL"
            f" AND {ARCHIVED.format(row='OLD')} IS NULL) OR ({PHASE.format(row='OLD')} <> 'draft' AND"
            f" ((OLD.present AND NOT NEW.present"
            f" AND (OLD.voted OR NEW.voted OR OLD.channel = 'paper' OR {TAKES_NO_BALLOTS}))"
            f" OR (NEW.leave <> OLD.leave AND {TAKES_NO_BALLOTS})"
            f" OR (NEW.channel <> OLD.channel AND {TAKES_NO_BALLOTS})"
            " OR NEW.number <> OLD.number"
            " OR NEW.name <> OLD.name OR NEW.delegation <> OLD.delegation"
            " OR NEW.delegate_id <> OLD.delegate_id OR NEW.poll_id <> OLD.poll_id))",
            "a mark on the roll stays, and the roll is frozen once the poll has opened",
        ),
        Guard(
            "ballots_rollentry",
            "DELETE",
            f"{PHASE.format(row='OLD')} <> 'draft' AND {KIND.format(row='OLD')} <> 'rehearsal'",
            "the roll is frozen once the poll has opened",
        ),
        Guard(
            "ballots_ballotbox",
            "UPDATE",
            f"{PHASE.format(row='OLD')} <> 'draft' AND (NEW.public_key <> OLD.public_key"
            " OR NEW.threshold <> OLD.threshold OR NEW.ceremony <> OLD.ceremony"
            " OR NEW.ballot_size <> OLD.ballot_size"
            " OR CAST(NEW.commitments AS TEXT) <> CAST(OLD.commitments AS TEXT))",
            "the key of a box is frozen once the poll has opened",
        ),
        Guard(
            "ballots_ballotbox",
            "UPDATE",
            "NEW.public_key <> OLD.public_key AND NEW.ceremony <= OLD.ceremony",
            "the key of a box changes with its ceremony alone",
            "_key",
        ),
        Guard(
            "ballots_ballotbox",
            "UPDATE",
            f"NEW.paper_salt <> OLD.paper_salt AND ({PHASE.format(row='OLD')} <> 'closed'"
            f" OR (NEW.paper_salt <> '' AND (OLD.paper_salt <> '' OR {PAPERS_SEALED})))",
            "a box is salted once, by a close with papers, until these are sealed",
            "_papers",
        ),
        Guard(
            "ballots_sealedballot",
            "INSERT",
            f"{PHASE.format(row='NEW')} NOT IN ('closed', 'void') OR ({PAPERS_SEALED})",
            "a sealed ballot is laid into a closed box, and none after the papers",
        ),
        Guard(
            "ballots_ballotbox",
            "DELETE",
            f"{PHASE.format(row='OLD')} <> 'draft' AND {KIND.format(row='OLD')} <> 'rehearsal'",
            "the box stays once the poll has opened",
        ),
        Guard(
            "ballots_writein",
            "UPDATE",
            f"({PHASE.format(row='OLD')} <> 'opened' OR {CANVASSED.format(row='OLD')})"
            f" AND {KIND.format(row='OLD')} <> 'rehearsal'",
            "proposals are ruled on while the box is open and the canvass is not closed",
        ),
        Guard(
            "ballots_ballotbox",
            "UPDATE",
            f"(NEW.canvassed AND NOT OLD.canvassed AND {PHASE.format(row='OLD')} <> 'opened')"
            f" OR (OLD.canvassed AND NOT NEW.canvassed AND {PHASE.format(row='OLD')} <> 'counted')",
            "a canvass is closed while the box is open, and reopened by sending the count back",
            "_canvass",
        ),
        Guard(
            "ballots_writein",
            "DELETE",
            f"{KIND.format(row='OLD')} <> 'rehearsal'",
            "a proposal is never deleted",
        ),
        Guard(
            "ballots_ballot",
            "INSERT",
            f"{PHASE.format(row='NEW')} <> 'opened'",
            "a ballot comes out of an opened box only",
        ),
        Guard(
            "ballots_decision",
            "INSERT",
            f"{PHASE.format(row='NEW')} <> 'confirmed'",
            "a decision is on a confirmed count that is not published",
        ),
        Guard(
            "ballots_result",
            "UPDATE",
            "NEW.digest <> OLD.digest OR NEW.poll_id <> OLD.poll_id"
            " OR CAST(NEW.figures AS TEXT) <> CAST(OLD.figures AS TEXT)"
            " OR NEW.counted_by_id <> OLD.counted_by_id OR NEW.counted_at <> OLD.counted_at",
            "the figures of a result are never changed",
        ),
    ]
    for table, what in KEPT.items():
        if table != "ballots_result":
            guards.append(Guard(table, "UPDATE", "1 = 1", f"the {what} is never changed"))
        condition = f"{KIND.format(row='OLD')} <> 'rehearsal'"
        if table == "ballots_sealedballot":
            condition += (
                f" AND NOT COALESCE({PHASE.format(row='OLD')} = 'closed'"
                f" AND {SALTED.format(row='OLD')}, FALSE)"
            )
        guards.append(Guard(table, "DELETE", condition, f"the {what} is never deleted"))
    for table, phase in {
        "projects_project": PHASE,
        **dict.fromkeys(_lines(), PHASE_OF_LINE),
    }.items():
        for event, rows in (("INSERT", ["NEW"]), ("UPDATE", ["NEW", "OLD"]), ("DELETE", ["OLD"])):
            condition = " OR ".join(f"{phase.format(row=row)} <> 'draft'" for row in rows)
            message = "candidates are frozen once the poll has opened"
            guards.append(Guard(table, event, condition, message))
    return guards + _second_round() + _years()


def _years() -> list[Guard]:
    """What becomes of the adopted projects is written while their year is open, and figures once."""
    closed = "(SELECT closed_at FROM projects_year WHERE id = {row}.year_id) IS NOT NULL"
    of_line = (
        "(SELECT year.closed_at FROM projects_year year JOIN projects_adoptedproject project"
        " ON project.year_id = year.id WHERE project.id = {row}.project_id) IS NOT NULL"
    )
    of_figure = (
        "(SELECT year.closed_at FROM projects_year year JOIN projects_adoptedproject project"
        " ON project.year_id = year.id JOIN projects_adoptedtarget target"
        " ON target.project_id = project.id WHERE target.id = {row}.target_id) IS NOT NULL"
    )
    followed = "EXISTS (SELECT 1 FROM projects_targetfigure WHERE target_id = OLD.id)"
    otherwise = (
        "(NEW.unit <> OLD.unit OR NEW.project_id <> OLD.project_id"
        " OR (NEW.quantity IS NULL) <> (OLD.quantity IS NULL))"
    )
    kept = ("year", "poll_id", "made_at", "made_by_id")
    until_closed = ("takes_opinions", "closed_at", "closed_by_id")
    settled = ("year_id", "number", "key", "title")
    over = "nothing of a year is written once it is closed"
    guards = [
        Guard(
            "projects_year",
            "INSERT",
            f"{PHASE.format(row='NEW')} <> 'published' OR {KIND.format(row='NEW')} <> 'main'"
            " OR EXISTS (SELECT 1 FROM projects_poll WHERE id = NEW.poll_id"
            " AND (form = 'grades' OR year <> NEW.year))",
            "a year is made of a published result",
        ),
        Guard(
            "projects_year",
            "UPDATE",
            f"{_any_changed(kept)} OR (OLD.closed_at IS NOT NULL AND ({_any_changed(until_closed)}))",
            over,
        ),
        Guard("projects_year", "DELETE", "1 = 1", "a year is never deleted"),
        Guard(
            "projects_adoptedproject",
            "UPDATE",
            f"{closed.format(row='OLD')} OR {_any_changed(settled)}",
            "what the vote has settled stays, and so does all of a closed year",
        ),
        Guard("projects_adoptedproject", "INSERT", closed.format(row="NEW"), over),
        Guard("projects_adoptedproject", "DELETE", "1 = 1", "an adopted project is never deleted"),
        Guard(
            "projects_adoptedtarget",
            "UPDATE",
            f"{of_line.format(row='OLD')} OR ({followed} AND {otherwise})",
            "a target that has figures keeps its unit, and all of a closed year stays",
        ),
        Guard("projects_adoptedtarget", "INSERT", of_line.format(row="NEW"), over),
        Guard(
            "projects_adoptedtarget",
            "DELETE",
            f"{of_line.format(row='OLD')} OR {followed}",
            "a target that has figures is never deleted, and all of a closed year stays",
        ),
    ]
    for event, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
        guards.append(Guard("projects_adoptedpart", event, of_line.format(row=row), over))
    for table, condition in (
        ("projects_targetfigure", of_figure),
        ("projects_projectfigure", of_line),
    ):
        guards.append(Guard(table, "INSERT", condition.format(row="NEW"), over))
        message = "a figure is corrected by a newer one"
        guards += [Guard(table, event, "1 = 1", message) for event in ("UPDATE", "DELETE")]
    return guards + _opinions(of_line)


def _opinions(of_closed_year: str) -> list[Guard]:
    """An opinion says what it said; it is answered until it or its year is closed."""
    said = ("project_id", "delegate_id", "by_name", "text", "due", "at", "entered_by_id")
    of_closed = (
        "(SELECT opinion.closed_at FROM ballots_opinion opinion WHERE opinion.id = {row}.opinion_id)"
        " IS NOT NULL"
    )
    of_answer = (
        "(SELECT year.closed_at FROM projects_year year JOIN projects_adoptedproject project"
        " ON project.year_id = year.id JOIN ballots_opinion opinion ON opinion.project_id = project.id"
        " WHERE opinion.id = {row}.opinion_id) IS NOT NULL"
    )
    kept = "an opinion stays as it was written, and nothing is added to a closed one"
    answers = "an answer is corrected by a newer one"
    return [
        Guard(
            "ballots_opinion",
            "INSERT",
            f"NEW.closed_at IS NOT NULL OR {of_closed_year.format(row='NEW')}",
            kept,
        ),
        Guard(
            "ballots_opinion",
            "UPDATE",
            f"OLD.closed_at IS NOT NULL OR {_any_changed(said)} OR {of_closed_year.format(row='OLD')}",
            kept,
        ),
        Guard("ballots_opinion", "DELETE", "1 = 1", "an opinion is never deleted"),
        Guard(
            "ballots_opinionanswer",
            "INSERT",
            f"{of_closed.format(row='NEW')} OR {of_answer.format(row='NEW')}",
            kept,
        ),
        *(
            Guard("ballots_opinionanswer", event, "1 = 1", answers)
            for event in ("UPDATE", "DELETE")
        ),
    ]


def _any_changed(columns: Iterable[str]) -> str:
    return " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)


def install(connection: BaseDatabaseWrapper) -> None:
    """Put every trigger in place, replacing those of an earlier version.

    Does nothing while a guarded table is missing: `migrate` may have gone back to before it.
    """
    lift(connection)
    guarded = {guard.table for guard in _guards([])}
    if not guarded.issubset(connection.introspection.table_names()):
        return
    with connection.cursor() as cursor:
        path = _search_path(connection)
        for guard in _guards(_poll_columns(connection)):
            for statement in _statements(guard, connection.vendor, path):
                cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute(
                f"CREATE FUNCTION {TRUNCATE}() RETURNS trigger {path} AS $${NEVER_TRUNCATED}$$"
            )
            for table in _never_truncated():
                cursor.execute(
                    f"CREATE TRIGGER {table}_guard_truncate BEFORE TRUNCATE ON {table}"
                    f" EXECUTE FUNCTION {TRUNCATE}()"
                )


def lift(connection: BaseDatabaseWrapper) -> None:
    """Take every trigger away, those of an earlier version too.

    Outside `install`, only a test's flush has a reason to.
    """
    with connection.cursor() as cursor:
        cursor.execute(INSTALLED[connection.vendor])
        for (name,) in cursor.fetchall():
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP FUNCTION {name}() CASCADE")
            else:
                cursor.execute(f"DROP TRIGGER {name}")


def are_installed(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether every trigger is in place and at work, as it must be before a poll opens.

    Each is compared word for word with what `install` would write: one that was switched off, or
    whose source somebody emptied, is none.
    """
    with connection.cursor() as cursor:
        cursor.execute(AT_WORK[connection.vendor])
        return set(cursor.fetchall()) >= _expected(connection.vendor)


def are_up_to_date(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether `install` would change nothing: every trigger is at work, and none of before."""
    with connection.cursor() as cursor:
        cursor.execute(INSTALLED[connection.vendor])
        found = {name for (name,) in cursor.fetchall()}
    names = {guard.name for guard in _guards([])}
    if connection.vendor == "postgresql":
        names.add(TRUNCATE)
    return found == names and are_installed(connection)


# What is at work of what `install` left behind, with the source of it. On PostgreSQL a trigger may
# be switched off by itself or for a session, or be given a condition or columns of its own.
AT_WORK = {
    "postgresql": "SELECT t.tgname::text, c.relname::text, t.tgtype::int, p.prosrc FROM pg_trigger t"
    " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
    " WHERE c.relnamespace = current_schema::regnamespace AND NOT t.tgisinternal"
    " AND t.tgenabled IN ('O', 'A') AND t.tgqual IS NULL AND t.tgattr = ''::int2vector"
    " AND current_setting('session_replication_role') <> 'replica'",
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
}
# How PostgreSQL writes down when a trigger fires: a bit each for ROW, BEFORE and the event.
FIRES = {"INSERT": 1 | 2 | 4, "DELETE": 1 | 2 | 8, "UPDATE": 1 | 2 | 16, "TRUNCATE": 2 | 32}
# What PostgreSQL empties at a stroke passes by the triggers of rows.
TRUNCATE = "ballots_guard_truncate"
NEVER_TRUNCATED = (
    " BEGIN RAISE EXCEPTION '% is never truncated', TG_TABLE_NAME"
    " USING ERRCODE = 'restrict_violation'; END "
)


def _never_truncated() -> set[str]:
    return {guard.table for guard in _guards([]) if guard.event == "DELETE"}


@cache
def _expected(vendor: str) -> set[tuple[object, ...]]:
    """Return the rows that AT_WORK gives where every trigger is as this code writes it."""
    poll = apps.get_model("projects", "Poll")
    guards = _guards([str(field.column) for field in poll._meta.concrete_fields])
    if vendor == "sqlite":
        return {(guard.name, _statements(guard, vendor, "")[0]) for guard in guards}
    of_rows: set[tuple[object, ...]] = {
        (
            guard.name,
            guard.table,
            FIRES[guard.event],
            _statements(guard, vendor, "")[0].split("$$")[1],
        )
        for guard in guards
    }
    return of_rows | {
        (f"{table}_guard_truncate", table, FIRES["TRUNCATE"], NEVER_TRUNCATED)
        for table in _never_truncated()
    }


def changed_candidates(connection: BaseDatabaseWrapper, second: int) -> list[int]:
    """Return the numbers of those candidates of a second round that its first round had otherwise."""
    ask = (
        "SELECT own.number FROM projects_project own JOIN projects_poll poll ON poll.id = own.poll_id"
        " WHERE own.poll_id = %s AND poll.parent_id IS NOT NULL"
        f" AND {_is_otherwise('poll.parent_id')} ORDER BY own.number"
    )
    with connection.cursor() as cursor:
        cursor.execute(_in_sqlite(ask) if connection.vendor == "sqlite" else ask, [second])
        return [number for (number,) in cursor.fetchall()]


def _in_sqlite(condition: str) -> str:
    """Return a condition in the words that every version of SQLite knows."""
    condition = condition.replace("IS NOT DISTINCT FROM", "IS")
    return condition.replace("IS DISTINCT FROM", "IS NOT")


def _poll_columns(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        table = connection.introspection.get_table_description(cursor, "projects_poll")
    return [column.name for column in table]


def _search_path(connection: BaseDatabaseWrapper) -> str:
    """Return where a function on PostgreSQL looks for tables, whatever the session that fires it says.

    A restore of data alone sets no schema at all; and a temporary table, which is looked at first
    unless it is named last, must not stand in for the polls.
    """
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema)")
        (schema,) = cursor.fetchone()
    return f"LANGUAGE plpgsql SET search_path = {schema}, pg_temp"


def _statements(guard: Guard, vendor: str, path: str) -> list[str]:
    if vendor == "sqlite":
        condition = _in_sqlite(guard.condition)
        return [
            f"CREATE TRIGGER {guard.name} BEFORE {guard.event} ON {guard.table} WHEN {condition}"
            f" BEGIN SELECT RAISE(ABORT, '{guard.message}'); END"
        ]
    row = "OLD" if guard.event == "DELETE" else "NEW"
    hint = (
        ", HINT = 'a restore of data alone: docs/operations.md'" if guard.event == "INSERT" else ""
    )
    return [
        # A trigger's own WHEN may not look at another table on PostgreSQL, a function may.
        f"CREATE FUNCTION {guard.name}() RETURNS trigger {path} AS $$ BEGIN"
        f" IF {guard.condition} THEN RAISE EXCEPTION '{guard.message}'"
        f" USING ERRCODE = 'restrict_violation'{hint}; END IF; RETURN {row}; END $$",
        f"CREATE TRIGGER {guard.name} BEFORE {guard.event} ON {guard.table}"
        f" FOR EACH ROW EXECUTE FUNCTION {guard.name}()",
    ]
