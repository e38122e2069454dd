"""Between the server and Django: a request goes in once its whole body is there.

The server calls as soon as the head of a request is there, and whoever reads the body then waits in
its thread. A phone that loses the network in the middle of a form holds such a thread for minutes;
so the server may have hundreds of them, which cost nothing while they wait, and only a few at once
are let into Django. More would only wait for each other, and each needs a connection to the database.
"""

import select
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from queue import SimpleQueue
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from yiwu_vote.middleware import LARGEST_BODY

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class BodyFirst:
    """A WSGI application that reads each body whole and lets so many at once into another.

    Each of the `places` inside has a connection to the database, which goes from one thread of the
    server to the next: Django would give every thread its own, and those are hundreds. To hand the
    request to a thread that has one costs more than the page of a ballot.

    An answer that is streamed is made outside: what takes minutes keeps nobody out. A body that
    breaks off is answered with 400 and goes no further, so that no half of a form is ever taken for
    a whole one. One that is too large is not read: Django refuses it.
    """

    def __init__(self, application: Application, *, places: int) -> None:
        self._application = application
        self._places: SimpleQueue[BaseDatabaseWrapper] = SimpleQueue()
        for _place in range(places):
            connection = connections.create_connection(DEFAULT_DB_ALIAS)
            # One thread at a time has it, but not always the same.
            connection.inc_thread_sharing()
            self._places.put(connection)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and 0 < int(length) <= LARGEST_BODY:
            body = environ["wsgi.input"].read(int(length))
            if len(body) < int(length):
                start_response("400 Bad Request", [("Content-Length", "0")])
                return []
            environ["wsgi.input"] = BytesIO(body)
        place = self._places.get()
        if has_hung_up(place):
            place.close()
        connections[DEFAULT_DB_ALIAS] = place
        try:
            return self._answer(environ, start_response)
        finally:
            del connections[DEFAULT_DB_ALIAS]
            self._places.put(place)

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        response = self._application(environ, start_response)
        if getattr(response, "streaming", False):
            return Outside(response)
        # In one piece, and ended here, while the place is ours.
        try:
            return [b"".join(response)]
        finally:
            if hasattr(response, "close"):
                response.close()


def has_hung_up(place: BaseDatabaseWrapper) -> bool:
    """Tell whether the server has ended this connection while nobody used it.

    Its socket then has something to read, which costs no way to the server and back; Django's own
    check asks a question of its own before that of every request. What a living server says unasked
    only costs a new connection.
    """
    connection = place.connection
    if connection is None or not hasattr(connection, "fileno"):
        # SQLite is no server.
        return False
    if connection.closed:
        return True
    if not hasattr(select, "poll"):
        # Windows, whose select() takes any number.
        return bool(select.select([connection.fileno()], [], [], 0)[0])
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    return bool(socket.poll(0))


class Outside:
    """An answer that is made while it is sent, with a connection of its own that ends with it."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        try:
            self._response.close()
        finally:
            connections.close_all()
