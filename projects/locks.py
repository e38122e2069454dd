"""The lock of a poll, of two kinds: an act on a poll is alone, and casts go side by side.

Whoever locks looks afterwards, in a statement of its own: what PostgreSQL shows a statement is as
old as its beginning, so that one which both waits and looks would decide on an old copy. An act
waits for the casts that run, and casts which come later queue behind the act that waits, so that
neither starves; with a lock in shares on the row of the poll the act would wait until nobody casts.

On SQLite the transaction itself is the lock: with `IMMEDIATE` it has the one write lock of the file
from its beginning. Where another lock is needed too, that of the register comes first, and polls
follow in the order of their keys, so that no two wait for each other.
"""

from django.db import connection, transaction

# PostgreSQL names such a lock by two numbers of 32 bits, and the first says that it is ours: “vote”.
CLASS = 0x766F7465
# Two polls whose keys differ by 2³¹ would have one lock, and their acts would wait for nothing worse.
KEYS = 2**31


def lock_for_act(poll: int) -> None:
    """Wait until nobody else acts on the poll with this key or casts in it; keep others out.

    Until the transaction ends, which may take as long as the act does: the limits of statements are
    those of visitors. Raises OperationalError after `lock_timeout`, as a lock on a row does.
    """
    _take(
        "SELECT pg_advisory_xact_lock(%s, %s), set_config('statement_timeout', '0', TRUE),"
        " set_config('idle_in_transaction_session_timeout', '10min', TRUE)",
        poll,
    )


def lock_for_cast(poll: int) -> None:
    """Wait until nobody acts on the poll with this key, or waits to; keep acts out, and no cast.

    Until the transaction ends. Raises OperationalError after `lock_timeout`.
    """
    _take("SELECT pg_advisory_xact_lock_shared(%s, %s)", poll)


def _take(statement: str, poll: int) -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a lock ends with its transaction")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(statement, [CLASS, poll % KEYS])
