"""The database past our own code: read as by somebody with a copy of it, or written to."""

import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection

from ballots.models import Session


def tables() -> list[str]:
    """Return the name of every table there is, Django's own included."""
    with connection.cursor() as cursor:
        return sorted(connection.introspection.table_names(cursor))


def rows_of(table: str) -> list[dict[str, Any]]:
    """Return every row of `table` with the names of its columns, as the database has them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def in_sql(statement: str, *params: Any) -> int:
    """Do what `statement` says; return how many rows it was done to."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return every row of our two apps but the sessions, to see that nothing has changed."""
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for label in ("projects", "ballots")
        for model in apps.get_app_config(label).get_models()
        if model is not Session
    }


def cells() -> Iterator[tuple[str, Any]]:
    """Yield “table.column” and the value of every cell of the whole database."""
    for table in tables():
        for row in rows_of(table):
            for column, value in row.items():
                yield f"{table}.{column}", value


def spellings(secret: str | bytes) -> list[bytes]:
    """Return `secret` as a database or a log may spell it: plain, in JSON or in hexadecimal."""
    raw = secret.encode() if isinstance(secret, str) else secret
    found = [raw, raw.hex().encode(), raw.hex().upper().encode()]
    if isinstance(secret, str):
        # On SQLite a JSON column escapes whatever is not ASCII.
        found.append(json.dumps(secret)[1:-1].encode())
    return found


def as_bytes(value: Any) -> bytes:
    """Return what a cell holds as bytes in which a spelling can be found."""
    match value:
        case bytes() | bytearray() | memoryview():
            return bytes(value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False).encode()
        case _:
            return str(value).encode()


def where(*secrets: str | bytes) -> set[str]:
    """Return “table.column” of every cell in which any of `secrets` stands in any spelling."""
    wanted = [spelling for secret in secrets for spelling in spellings(secret)]
    return {place for place, value in cells() if any(text in as_bytes(value) for text in wanted)}


def snapshot() -> dict[str, list[str]]:
    """Return the whole database as text, to see that an act which was refused changed nothing."""
    return {
        table: sorted(
            repr({name: as_bytes(cell) for name, cell in row.items()}) for row in rows_of(table)
        )
        for table in tables()
    }
