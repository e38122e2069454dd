"""Two roles in one database: one owns the tables and migrates, the other runs the site.

The one that runs reads and writes rows and no more: it alters no table, and switches no trigger off.
Where OWNER_DATABASE_URL is not set, one role does both.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper


def take_over(connection: BaseDatabaseWrapper) -> None:
    """Let `connection` go on as the owner, for as long as this process lives: `migrate` alone does."""
    if settings.DATABASE_OWNER and connection.settings_dict["USER"] != _owner():
        connection.close()
        connection.settings_dict.update(settings.DATABASE_OWNER)


def hand_over(connection: BaseDatabaseWrapper, runs: str) -> None:
    """Let the role `runs` read and write the rows of every table that there is by now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema), quote_ident(%s)", [runs])
        schema, role = cursor.fetchone()
        cursor.execute(
            f"GRANT USAGE ON SCHEMA {schema} TO {role};"
            f" GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};"
            f" GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"
        )


@contextmanager
def owned() -> Iterator[BaseDatabaseWrapper]:
    """Yield a connection of the owner of the tables: the usual one where one role does all."""
    if not settings.DATABASE_OWNER:
        yield connection
        return
    other = connection.copy("owner")
    other.settings_dict.update(settings.DATABASE_OWNER)
    try:
        yield other
    finally:
        other.close()


def may_alter() -> bool:
    """Tell whether the role that runs the site could alter its tables, and switch triggers off.

    On SQLite whoever writes the file can.
    """
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class"
            " WHERE oid = 'ballots_journalentry'::regclass"
        )
        return bool(cursor.fetchone()[0])


def _owner() -> str:
    return str(settings.DATABASE_OWNER["USER"])
