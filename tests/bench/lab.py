"""What is measured on: a PostgreSQL cluster, trees of the product, their sites; all go at the end.

Everything lies in one temporary folder and listens at ports of its own, so that no database of
anybody else is ever touched. TMPDIR says where; it must be a disk, or a flush costs nothing.
"""

import csv
import glob
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LOCALHOST = "127.0.0.1"
# As `manage.py demo` lets nobody draw more.
DELEGATES = 2000
CORES = os.cpu_count() or 1


class LabError(Exception):
    """What a measurement needs is not there, or did not do as it was told."""


def program(name: str) -> str:
    """Return the path of a program of this machine; raises LabError without it."""
    servers = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    path = servers[-1] if servers else shutil.which(name)
    if path is None:
        raise LabError(f"{name} is not installed")
    return path


def run(command: list[str], **options: object) -> str:
    """Run `command` to its end and return what it printed; raises LabError with its last words."""
    done = subprocess.run(command, text=True, capture_output=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-1500:]
        raise LabError(f"{' '.join(command[:6])} … ended with {done.returncode}:\n{said}")
    return str(done.stdout)


# --- the database ---------------------------------------------------------------------------------


class Cluster:
    """A PostgreSQL server of our own, with the settings that `initdb` gives; its disk may be slow."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder / "cluster", port
        self.delay_file, self.slow_disk = folder / "delay", folder / "slowsync.so"
        # A server refuses to run as root, which is who CI is.
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        self.as_owner = [program("runuser"), "-u", "postgres", "--"] if is_root else []
        self.folder.mkdir()
        if is_root:
            shutil.chown(self.folder, "postgres")
        words = f"-D {self.folder} -U postgres -A trust -E UTF8 --locale C.UTF-8"
        run([*self.as_owner, program("initdb"), *words.split()])

    def start(self, *, slow: bool = False) -> None:
        """Start the server; `slow` lets `delay` lengthen its flushes."""
        environment = []
        if slow:
            source = str(HERE / "slowsync.c")
            run(
                [
                    program("gcc"),
                    "-O2",
                    "-shared",
                    "-fPIC",
                    source,
                    "-o",
                    str(self.slow_disk),
                    "-ldl",
                ]
            )
            self.delay(0)
            environment = [
                program("env"),
                f"LD_PRELOAD={self.slow_disk}",
                f"FSYNC_DELAY_FILE={self.delay_file}",
            ]
        settings = f"-p {self.port} -k {self.folder} -c listen_addresses={LOCALHOST} -c max_connections=200"
        command = [program("pg_ctl"), "-D", str(self.folder), "-w", "-o", settings]
        run([*self.as_owner, *environment, *command, "-l", str(self.folder / "log"), "start"])

    def stop(self) -> None:
        command = [program("pg_ctl"), "-D", str(self.folder), "-m", "immediate", "stop"]
        subprocess.run([*self.as_owner, *command], capture_output=True, check=False)

    def delay(self, milliseconds: float) -> None:
        """Make every flush so much longer from now on."""
        self.delay_file.write_text(str(round(milliseconds * 1000)))

    def connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(self.url(database), autocommit=True)

    def url(self, database: str) -> str:
        return f"postgres://postgres@{LOCALHOST}:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Make an empty database and return its address."""
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def setting(self, name: str) -> str:
        with self.connect("postgres") as connection:
            row = connection.execute(f"SHOW {name}").fetchone()
        return str(row[0]) if row else ""


# --- the product ----------------------------------------------------------------------------------


def checked_out(commit: str, folder: Path) -> Path:
    """Return a folder with the files of `commit`."""
    folder.mkdir()
    archive = subprocess.run(
        [program("git"), "archive", commit], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        raise LabError(archive.stderr.decode())
    packed = folder.with_suffix(".tar")
    packed.write_bytes(archive.stdout)
    with tarfile.open(packed) as files:
        files.extractall(folder, filter="data")
    packed.unlink()
    return folder


@dataclass(eq=False)
class Site:
    """One tree of the product with a demo in a database of its own, and a port for its server."""

    name: str
    tree: Path
    database_url: str
    var: Path
    port: int
    delegates: int
    codes: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://{LOCALHOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {
            "DEMO": "1",
            "DATABASE_URL": self.database_url,
            "VAR_DIR": str(self.var),
            "PORT": str(self.port),
            "PYTHONPATH": str(self.tree),
            "DJANGO_SETTINGS_MODULE": "yiwu_vote.settings",
        }

    def manage(self, *words: str) -> str:
        return run([sys.executable, "manage.py", *words], cwd=self.tree, env=self.environment)

    def inside(self, script: str, *words: str) -> str:
        """Run a script of ours by the Python of this site and return what it printed."""
        path = str(HERE / "inside" / f"{script}.py")
        return run([sys.executable, path, *words], cwd=self.tree, env=self.environment)

    def prepare(self) -> "Site":
        """Draw the demo, whose codes we then know."""
        self.manage("demo", "--delegates", str(self.delegates))
        self.manage("collectstatic", "--noinput", "--verbosity", "0")
        with (self.var / "demo" / "cards.csv").open(newline="", encoding="utf-8") as file:
            self.codes = [row["投票码"] for row in csv.DictReader(file)]
        return self

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run its server as it ships: workers and threads are those of `make run`."""
        command = [sys.executable, "manage.py", "demo", "--serve"]
        with server(command, self.tree, self.environment, f"{self.address}/healthz"):
            yield


@contextmanager
def server(
    command: list[str], folder: Path, environment: dict[str, str], answers: str
) -> Iterator[None]:
    """Run a web server until the block ends; it is up when `answers` does."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            deadline = time.monotonic() + 60
            while not is_up(answers):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise LabError(f"no server at {answers}:\n{log.read().decode()[-1500:]}")
                time.sleep(0.1)
            yield
        finally:
            stop(process)


def is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a group of its own, with all that it started."""
    for signal in (15, 9):
        try:
            os.killpg(process.pid, signal)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


# --- the whole ------------------------------------------------------------------------------------


@dataclass
class Lab:
    """The folder, the cluster and the ports of one run."""

    folder: Path
    cluster: Cluster
    older: str
    first_port: int
    sites: dict[str, Site] = field(default_factory=dict)

    def pair(self) -> list[Site]:
        """Return the sites on PostgreSQL of the working tree (`now`) and of the older commit."""
        if not self.sites:
            trees = {"now": ROOT, "older": checked_out(self.older, self.folder / "older")}
            sites = [
                self.new_site(name, tree, self.cluster.create(f"bench_{name}"), DELEGATES)
                for name, tree in trees.items()
            ]
            with ThreadPoolExecutor() as both:
                self.sites = {site.name: site for site in both.map(Site.prepare, sites)}
        return list(self.sites.values())

    def new_site(self, name: str, tree: Path, database_url: str, delegates: int) -> Site:
        """Return a site whose demo is still to be drawn."""
        var = self.folder / f"var-{name}"
        return Site(name, tree, database_url, var, self.next_port(), delegates)

    def next_port(self) -> int:
        self.first_port += 1
        return self.first_port


@contextmanager
def laboratory(*, older: str, first_port: int) -> Iterator[Lab]:
    """Make folder and cluster for one run and take both away after it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        # The owner of the cluster must be able to reach it.
        folder.chmod(0o755)
        cluster = Cluster(folder, first_port)
        stack.callback(cluster.stop)
        cluster.start()
        yield Lab(folder, cluster, older, first_port)


# --- votes that never were ------------------------------------------------------------------------


def take_votes_back(cluster: Cluster, site: Site) -> None:
    """Let everybody of the demo vote once more, past the triggers that forbid it."""
    with cluster.connect(database_of(site)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM ballots_envelope")
        connection.execute(
            "UPDATE ballots_rollentry SET voted = false, voted_at = NULL WHERE voted"
        )
        connection.execute("VACUUM ballots_rollentry, ballots_envelope")
        connection.execute("CHECKPOINT")


def open_poll(cluster: Cluster, site: Site) -> int:
    with cluster.connect(database_of(site)) as connection:
        row = connection.execute("SELECT id FROM projects_poll WHERE phase = 'open'").fetchone()
    if row is None:
        raise LabError("the demo takes no ballots")
    return int(row[0])


def database_of(site: Site) -> str:
    return site.database_url.rpartition("/")[2]
