"""Between the server and Django: a request goes in once its whole body is there.

The server calls as soon as the head of a request is there, and whoever reads the body then waits in
its thread. A phone that loses the network in the middle of a form holds such a thread for minutes;
so the server may have hundreds of them, which cost nothing while they wait, and Django runs in a
few threads of its own. More would only wait for each other, and each keeps a connection to the
database.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

from yiwu_vote.middleware import LARGEST_BODY

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class BodyFirst:
    """A WSGI application that reads each body whole and lets `threads` requests at once into another.

    An answer that is streamed is made in the server's thread, outside: what takes minutes keeps
    nobody out. A body that breaks off is answered with 400 and goes no further, so that no half of
    a form is ever taken for a whole one. One that is too large is not read: Django refuses it.
    """

    def __init__(self, application: Application, *, threads: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="django")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and 0 < int(length) <= LARGEST_BODY:
            body = environ["wsgi.input"].read(int(length))
            if len(body) < int(length):
                start_response("400 Bad Request", [("Content-Length", "0")])
                return []
            environ["wsgi.input"] = BytesIO(body)
        return self._threads.submit(self._answer, environ, start_response).result()

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        response = self._application(environ, start_response)
        if getattr(response, "streaming", False):
            return response
        # In one piece, and ended here: the connection to the database is that of this thread.
        try:
            return [b"".join(response)]
        finally:
            if hasattr(response, "close"):
                response.close()
