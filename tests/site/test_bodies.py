"""A request goes into Django once its whole body is there, and only so many at once."""

import os
import select
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from tests.helpers.machine import ROOT
from yiwu_vote.bodies import BodyFirst
from yiwu_vote.middleware import LARGEST_BODY


class Answer:
    """What Django returns: an iterable that wants to be closed."""

    streaming = False

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.closed_in = ""

    def __iter__(self) -> Any:
        return iter(self.parts)

    def close(self) -> None:
        self.closed_in = threading.current_thread().name


def posted(body: bytes, length: int | None = None) -> dict[str, Any]:
    announced = len(body) if length is None else length
    return {"CONTENT_LENGTH": str(announced), "wsgi.input": BytesIO(body)}


def told(_status: str, _headers: list[tuple[str, str]]) -> None:
    statuses.append(_status)


statuses: list[str] = []


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    statuses.clear()


def test_the_application_reads_a_body_that_is_there():
    def echo(environ: Any, _start: Any) -> Answer:
        return Answer(environ["wsgi.input"].read(), b"!")

    assert BodyFirst(echo, places=1)(posted(b"choices"), told) == [b"choices!"]


def test_a_body_that_never_ends_keeps_nobody_out():
    went_in, ends = threading.Event(), threading.Event()

    class Slow(BytesIO):
        def read(self, *_size: Any) -> bytes:
            went_in.set()
            ends.wait(60)
            return b"slow"

    first = BodyFirst(lambda environ, _start: Answer(environ["wsgi.input"].read()), places=1)
    with ThreadPoolExecutor() as servers:
        slow = servers.submit(first, {"CONTENT_LENGTH": "4", "wsgi.input": Slow()}, told)
        assert went_in.wait(60)
        try:
            assert servers.submit(first, posted(b"quick"), told).result(60) == [b"quick"]
        finally:
            ends.set()
        assert slow.result(60) == [b"slow"]


def test_a_body_that_breaks_off_is_refused_and_goes_no_further():
    entered: list[Any] = []

    def note(environ: Any, _start: Any) -> Answer:
        entered.append(environ)
        return Answer()

    assert BodyFirst(note, places=1)(posted(b"half", length=8), told) == []
    assert statuses == ["400 Bad Request"]
    assert not entered


@pytest.mark.parametrize("length", ["", "many", str(LARGEST_BODY + 1)])
def test_a_body_of_no_length_or_too_large_is_left_unread(length):
    class Unread(BytesIO):
        def read(self, *_size: Any) -> bytes:
            raise AssertionError

    answer = BodyFirst(lambda _environ, _start: Answer(b"x"), places=1)(
        {"CONTENT_LENGTH": length, "wsgi.input": Unread()}, told
    )

    assert answer == [b"x"]


def test_no_more_than_so_many_are_inside_at_once():
    inside: list[str] = []
    most: list[int] = []
    both = threading.Barrier(2)

    def enter(_environ: Any, _start: Any) -> Answer:
        inside.append(threading.current_thread().name)
        both.wait(60)
        most.append(len(inside))
        both.wait(60)
        inside.pop()
        return Answer()

    gate = BodyFirst(enter, places=2)
    with ThreadPoolExecutor(6) as servers:
        list(servers.map(lambda _n: gate({}, told), range(6)))

    assert len(most) == 6
    assert max(most) == 2


def test_each_place_has_one_connection_that_goes_from_thread_to_thread():
    seen: list[Any] = []

    def note(_environ: Any, _start: Any) -> Answer:
        # Looked at by its attributes: what `connections` gives out is thread by thread.
        seen.append(connections[DEFAULT_DB_ALIAS])
        connections[DEFAULT_DB_ALIAS].validate_thread_sharing()
        return Answer()

    gate = BodyFirst(note, places=2)
    own = connections[DEFAULT_DB_ALIAS]
    for _time in range(4):
        with ThreadPoolExecutor(1) as server:
            server.submit(gate, {}, told).result()

    assert len({id(one) for one in seen}) == 2
    assert not any(one is own for one in seen)


def test_a_place_is_free_again_and_the_thread_has_its_own_connection_back_whatever_happened():
    def fail(_environ: Any, _start: Any) -> Answer:
        raise ValueError("broken")

    gate = BodyFirst(fail, places=1)

    def try_twice() -> Any:
        for _time in range(2):
            with pytest.raises(ValueError, match="broken"):
                gate({}, told)
        return connections[DEFAULT_DB_ALIAS].allow_thread_sharing

    with ThreadPoolExecutor(1) as server:
        assert server.submit(try_twice).result(60) is False


def test_an_answer_is_ended_while_its_place_is_held():
    class Ended(Answer):
        def close(self) -> None:
            held.append(connections[DEFAULT_DB_ALIAS].allow_thread_sharing)

    held: list[bool] = []

    assert BodyFirst(lambda _environ, _start: Ended(b"a", b"b"), places=1)({}, told) == [b"ab"]
    assert held == [True]


def test_an_answer_that_is_streamed_is_made_outside():
    class Stream(Answer):
        streaming = True

        def __iter__(self) -> Any:
            yield threading.current_thread().name.encode()

    gate = BodyFirst(lambda environ, _start: environ["answer"], places=1)

    stream = gate({"answer": Stream()}, told)
    # While it runs, whoever comes next goes in.
    assert gate({"answer": Answer(b"x")}, told) == [b"x"]
    assert list(stream) == [threading.current_thread().name.encode()]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("windows", [False, True])
def test_whoever_finds_that_the_database_has_hung_up_gets_a_new_connection(monkeypatch, windows):
    if connections[DEFAULT_DB_ALIAS].vendor == "sqlite":
        pytest.skip("SQLite is no server")
    if windows:
        monkeypatch.delattr(select, "poll")

    def ask(_environ: Any, _start: Any) -> Answer:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return Answer(str(cursor.fetchone()[0]).encode())

    gate = BodyFirst(ask, places=1)
    with ThreadPoolExecutor(1) as server:

        def backend() -> int:
            return int(b"".join(server.submit(gate, {}, told).result(60)))

        before, again = backend(), backend()
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [before])
        after = backend()
        gate._places.get().close()

    assert before == again
    assert after != before


@pytest.mark.django_db(transaction=True)
def test_what_an_answer_that_is_streamed_asked_the_database_by_ends_with_it():
    class Asks(Answer):
        streaming = True

        def __iter__(self) -> Any:
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute("SELECT 1")
            yield b"x"

    def serve() -> Any:
        stream: Any = BodyFirst(lambda _environ, _start: Asks(), places=1)({}, told)
        parts = list(stream)
        was_open = connections[DEFAULT_DB_ALIAS].connection is not None
        stream.close()
        return parts, was_open, connections[DEFAULT_DB_ALIAS].connection

    with ThreadPoolExecutor(1) as server:
        assert server.submit(serve).result(60) == ([b"x"], True, None)


def test_what_the_application_raises_is_raised():
    def fail(_environ: Any, _start: Any) -> Answer:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        BodyFirst(fail, places=1)({}, told)


def test_a_server_that_has_started_has_loaded_what_its_first_visitor_asks_for(tmp_path):
    look = (
        "import sys, yiwu_vote.wsgi\n"
        "from django.template import engines\n"
        "loaded = engines['django'].engine.template_loaders[0].get_template_cache\n"
        "print('ballots.pages.ballot' in sys.modules, any('ballot.html' in name for name in loaded))\n"
    )
    environment = {**os.environ, "DEMO": "1", "VAR_DIR": str(tmp_path)}

    seen = subprocess.run(
        [sys.executable, "-c", look],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )

    assert seen.stdout.split() == ["True", "True"], seen.stderr
