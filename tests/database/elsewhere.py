"""Other databases of the same kind as that of the tests, to put a backup back into."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connection


class Elsewhere:
    """Other databases of the same kind, on which this process works for a while."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.names = folder, list[str]()
        self.is_sqlite = connection.vendor == "sqlite"
        self.its = dict(connection.settings_dict)

    def make(self) -> str:
        """Return the name of a new database without a table."""
        name = f"elsewhere_{os.getpid()}_{len(self.names)}"
        self.names.append(name)
        if self.is_sqlite:
            return str(self.folder / f"{name}.sqlite3")
        self.server(f"DROP DATABASE IF EXISTS {name}")
        self.server(f"CREATE DATABASE {name}")
        return name

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        own = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict["NAME"] = name
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = own

    def drop(self) -> None:
        for name in [] if self.is_sqlite else self.names:
            self.server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def server(self, statement: str) -> None:
        its = self.its
        place = {"host": its["HOST"], "port": its["PORT"] or 5432, "user": its["USER"]}
        if its["PASSWORD"]:
            place["password"] = its["PASSWORD"]
        with psycopg.connect(dbname="postgres", autocommit=True, **place) as link:
            link.execute(statement.encode())

    def url(self, name: str) -> str:
        """Return the address of a database, as a process is told it."""
        if self.is_sqlite:
            return f"sqlite:///{name}"
        its = self.its
        return (
            f"postgres://{its['USER']}:{its['PASSWORD']}@{its['HOST']}:{its['PORT'] or 5432}/{name}"
        )
