"""wsgi.py REQUESTS JAR WARM: CPU of each request by WSGI in this process, nobody else's.

REQUESTS are {name: [method, path, body, status]} in JSON, JAR has a line for each visitor (see
wrk.lua). Of each request the first WARM are not counted.
"""

import io
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from django.core.wsgi import get_wsgi_application

HOST = "127.0.0.1"


def environ(method: str, path: str, cookies: str, body: bytes) -> dict[str, Any]:
    given = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": HOST,
        "REMOTE_ADDR": HOST,
        "HTTP_COOKIE": cookies,
        "HTTP_ACCEPT": "text/html",
        "HTTP_ACCEPT_LANGUAGE": "zh-CN",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if method == "POST":
        given["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
        given["CONTENT_LENGTH"] = str(len(body))
    return given


def backend_seconds(pid: int) -> float:
    """Return the CPU seconds of a process of this machine."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def backend(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def main() -> None:
    application = get_wsgi_application()
    from django.db import connection

    requests = json.loads(Path(sys.argv[1]).read_text())
    jar = [line.split("\t") for line in Path(sys.argv[2]).read_text().splitlines()]
    warm = int(sys.argv[3])
    pid = backend(connection)
    found = {}
    for name, (method, path, body, want) in requests.items():
        own, database, size, statements = [], [], 0, 0
        for number, (cookies, csrf, token, code) in enumerate(jar):
            filled = body.replace("CSRF", csrf).replace("TOKEN", token).replace("CODE", code)
            given, said = environ(method, path, cookies, filled.encode()), io.StringIO()
            is_last = number == len(jar) - 1
            asked: list[str] = []

            def count(execute: Any, sql: str, *rest: Any, asked: list[str] = asked) -> Any:
                asked.append(sql)
                return execute(sql, *rest)

            if is_last:
                connection.execute_wrappers.append(count)
            before, start = backend_seconds(pid), time.process_time()
            answer = application(
                given, lambda line, _headers, _error=None, said=said: said.write(line)
            )
            content = b"".join(answer)
            answer.close()
            end = time.process_time()
            if is_last:
                connection.execute_wrappers.remove(count)
                size, statements = len(content), len(asked)
            if int(said.getvalue()[:3]) != want:
                sys.exit(f"{name}: {said.getvalue()}")
            if number >= warm:
                own.append(end - start)
                database.append(backend_seconds(pid) - before)
        found[name] = {
            "app": 1000 * statistics.median(own),
            "database": 1000 * statistics.mean(database),
            "bytes": size,
            "statements": statements,
        }
    if backend(connection) != pid:
        sys.exit("the connection was another one in the end")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
