"""The web server of the demo and of a real site: one line of granian, and whether it can listen there."""

import errno
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from multiprocessing import parent_process
from pathlib import Path
from typing import NoReturn

from yiwu_vote.machine.env_file import BASE_DIR

# How many requests of a worker may wait for their bodies at once (yiwu_vote.bodies): a thread is made
# when it is needed.
BODIES = 256


def command(host: str, port: int, *, certificate: str = "", key: str = "") -> list[str]:
    """Return the line that serves the site at `host` and `port`, by TLS where it has a certificate."""
    options = {
        "--interface": "wsgi",
        "--host": host,
        "--port": port,
        "--blocking-threads": BODIES,
        # A phone that never ends its form must not keep a restart waiting; a page has ended by then.
        "--workers-kill-timeout": 20,
        "--working-dir": BASE_DIR,
        # Its one warning is of more threads than cores, which is what we want here.
        "--log-level": "error",
    }
    if certificate:
        # Phones of ten years ago know no TLS 1.3, which is granian's own least.
        options |= {"--ssl-certificate": certificate, "--ssl-keyfile": key}
        options |= {"--ssl-protocol-min": "tls1.2"}
    flags = [str(part) for pair in options.items() for part in pair]
    # One worker that was killed takes nobody else along.
    flags += ["--respawn-failed-workers", "--no-access-log", "--no-ws"]
    return [sys.executable, "-m", "granian", *flags, "yiwu_vote.wsgi:application"]


def become(line: list[str], *, workers: int) -> NoReturn:
    """Become the server; nothing of this process is left but its number."""
    # For granian and, in its processes, for the checklist.
    os.environ["GRANIAN_WORKERS"] = str(workers)
    if os.name != "posix":
        # Windows knows no such change: its shell would take the server for ended.
        sys.exit(subprocess.call(line))  # noqa: S603 - the line above, of our own settings.
    os.execv(line[0], line)  # noqa: S606 - a process without a shell is what we want.


def why_not(host: str, port: int) -> str:
    """Return why no server can listen there: "busy", "elsewhere", "forbidden"; empty where one can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as attempt:
        if os.name == "posix":
            # As servers do: a port that was left a moment ago is free. Windows means more by it.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except PermissionError:
            return "forbidden"
        except OSError as error:
            return "busy" if error.errno == errno.EADDRINUSE else "elsewhere"
    return ""


def is_readable(file: str) -> bool:
    """Tell whether this process can read `file`."""
    return Path(file).is_file() and os.access(file, os.R_OK)


def is_ours(host: str, port: int, *, tls: bool, mark: Path) -> bool:
    """Tell whether what answers there is this very site, which `mark_served` has noted in `mark`."""
    if not mark.is_file() or mark.read_text() != f"{host} {port}\n":
        return False
    here = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
    connection: http.client.HTTPConnection = http.client.HTTPConnection(here, port, timeout=5)
    if tls:
        # The name in the certificate is not this address, and nothing secret is sent.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(here, port, timeout=5, context=context)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().read() == b"ok"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def mark_served(host: str, port: int, *, mark: Path) -> None:
    """Note where this site is about to be served, so that a second start knows it."""
    mark.write_text(f"{host} {port}\n")


def end_when_told() -> None:
    """Let SIGTERM end this process while it is starting.

    Until a worker answers it has its parent's handler, which tells a parent to stop and does nothing
    here: a server that is restarted right after another restart would wait for it for ever.
    """
    if parent_process() is not None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
