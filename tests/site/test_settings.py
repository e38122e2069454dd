"""The settings as a site really starts with them: what is demanded, and what is then in force."""

import json
import os
import re
import runpy
import sqlite3
import stat
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.password_validation import (
    MinimumLengthValidator,
    get_default_password_validators,
)
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from tests.helpers.machine import ROOT

PRODUCTION = {
    "SECRET_KEY": "t4kP-9vR_wq2LzXe7Yb0HcN5uJmA8sGd3fQiVoKrTnEl6ZyBxM",
    "ALLOWED_HOSTS": "vote.example.cn",
    "DATABASE_URL": "sqlite://:memory:",
    "PUBLIC_URL": "https://vote.example.cn",
}
LAN = {
    "LAN_HTTP": "1",
    "ALLOWED_HOSTS": "192.168.1.20,10.0.0.5,localhost,[::1]",
    "PUBLIC_URL": "http://192.168.1.20:8000",
}

# How a site of its own talks to browsers.
TRANSPORT = {
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "SESSION_COOKIE_NAME": "__Host-session",
    # What the prefix demands of a cookie beside Secure: no domain, and the whole host's path.
    "SESSION_COOKIE_DOMAIN": None,
    "SESSION_COOKIE_PATH": "/",
    "SESSION_ENGINE": "ballots.sessions",
    "CSRF_COOKIE_SECURE": True,
    "CSRF_COOKIE_HTTPONLY": True,
    "CSRF_COOKIE_SAMESITE": "Lax",
    "CSRF_COOKIE_NAME": "__Host-csrf",
    "CSRF_COOKIE_DOMAIN": None,
    "CSRF_COOKIE_PATH": "/",
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 31_536_000,
    "SECURE_CONTENT_TYPE_NOSNIFF": True,
    "SECURE_REFERRER_POLICY": "same-origin",
    "SECURE_PROXY_SSL_HEADER": None,
    "X_FRAME_OPTIONS": "DENY",
    "DEBUG": False,
}

START = "import django; django.setup()"
SHOW = """
import json, sys, django
from django.conf import settings
django.setup()
json.dump({name: getattr(settings, name) for name in sys.argv[1:]}, sys.stdout, default=str)
"""


def python(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the repository with `env` and nothing else of this shell."""
    clean = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "yiwu_vote.settings"}
    return subprocess.run(
        [sys.executable, *args],
        cwd=ROOT,
        env=clean | {"PYTHONDONTWRITEBYTECODE": "1"} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def started(*names: str, **env: str) -> dict[str, Any]:
    """Return these settings of a site that starts with `env`."""
    run = python("-c", SHOW, *names, **env)
    assert run.returncode == 0, run.stderr
    values: dict[str, Any] = json.loads(run.stdout)
    return values


def refusal(**env: str) -> str:
    """Return the sentences of a site that does not start with `env`, in both languages."""
    run = python("-c", START, **env)
    assert run.returncode != 0
    return run.stderr.strip().rpartition("django.core.exceptions.")[2]


# --- what is demanded -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL"])
@pytest.mark.parametrize("empty", [False, True])
def test_a_site_does_not_start_without_what_only_its_owner_knows(name, empty):
    env = {key: value for key, value in PRODUCTION.items() if key != name}

    words = refusal(**env | ({name: ""} if empty else {}))

    assert "ImproperlyConfigured" in words
    assert name in words


def test_a_site_with_all_of_it_starts():
    values = started("DEBUG", "DEMO", "LAN_HTTP", "SECRET_KEY", "ALLOWED_HOSTS", **PRODUCTION)

    assert values == {
        "DEBUG": False,
        "DEMO": False,
        "LAN_HTTP": False,
        "SECRET_KEY": PRODUCTION["SECRET_KEY"],
        "ALLOWED_HOSTS": ["vote.example.cn"],
    }


@pytest.mark.parametrize(
    "host", ["vote.example.cn", "8.8.8.8", "*", ".example.cn", "[2001:4860::1]"]
)
def test_plain_http_is_refused_where_a_host_is_not_inside(host):
    words = refusal(**PRODUCTION | LAN | {"ALLOWED_HOSTS": f"192.168.1.20,{host}"})

    assert "ImproperlyConfigured" in words
    assert host in words


def test_plain_http_is_allowed_inside_and_relaxes_only_the_cookies_and_transport():
    values = started(*TRANSPORT, **PRODUCTION | LAN)

    assert values == TRANSPORT | {
        "SESSION_COOKIE_SECURE": False,
        "CSRF_COOKIE_SECURE": False,
        "SESSION_COOKIE_NAME": "sessionid",
        "CSRF_COOKIE_NAME": "csrftoken",
        "SECURE_SSL_REDIRECT": False,
        "SECURE_HSTS_SECONDS": 0,
    }


# --- what is wrong --------------------------------------------------------------------------------

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what a server is told, and no server listens here.
SETTINGS = str(ROOT / "yiwu_vote" / "settings.py")


def read(monkeypatch: pytest.MonkeyPatch, **env: str) -> dict[str, Any]:
    """Return what the settings are with nothing but `env`, read anew in this process."""
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(SETTINGS)


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"LAN_HTTP": "maybe"}, "LAN_HTTP"),
        ({"BEHIND_PROXY": "2"}, "BEHIND_PROXY"),
        ({"PORT": "eighty"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"GRANIAN_WORKERS": "0"}, "GRANIAN_WORKERS"),
        ({"GRANIAN_WORKERS": "2"}, "GRANIAN_WORKERS"),
        ({"DATABASE_URL": "mysql://vote@db/vote"}, "DATABASE_URL"),
        ({"DATABASE_URL": "vote.sqlite3"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://vote@db"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://vote:se:cret@db:54x/vote"}, "DATABASE_URL"),
        ({"OWNER_DATABASE_URL": "postgres://owner@db/vote"}, "OWNER_DATABASE_URL"),
        ({"PUBLIC_URL": "vote.example.cn"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://vote.example.cn/vote/"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://vote.example.cn:x"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "http://vote.example.cn"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://other.example.cn"}, "ALLOWED_HOSTS"),
        (LAN | {"PUBLIC_URL": "https://192.168.1.20"}, "LAN_HTTP"),
        ({"SECRET_KEY_FILE": "/nowhere/key"}, "SECRET_KEY_FILE"),
        ({"SECRET_KEY": "", "SECRET_KEY_FILE": "/nowhere/key"}, "SECRET_KEY_FILE"),
    ],
)
def test_a_wrong_setting_is_named_in_two_languages_and_nothing_secret_with_it(
    monkeypatch, env, name
):
    with pytest.raises(ImproperlyConfigured) as said:
        read(monkeypatch, **PRODUCTION | env)

    chinese, english = str(said.value).splitlines()
    assert name in chinese
    assert name in english
    assert re.search("[一-龥]", chinese)
    assert english.isascii()
    assert "se:cret" not in str(said.value)


def test_secrets_may_lie_in_files(monkeypatch, tmp_path):
    key, address = tmp_path / "key", tmp_path / "address"
    key.write_text(PRODUCTION["SECRET_KEY"] + "\n")
    address.write_text("postgres://vote:secret@db/vote\n")
    bare = {name: PRODUCTION[name] for name in ("ALLOWED_HOSTS", "PUBLIC_URL")}

    found = read(monkeypatch, **bare, SECRET_KEY_FILE=str(key), DATABASE_URL_FILE=str(address))

    assert found["SECRET_KEY"] == PRODUCTION["SECRET_KEY"]
    assert found["DATABASES"]["default"]["PASSWORD"] == "secret"


@pytest.mark.parametrize(
    ("env", "place"),
    [
        ({}, ("127.0.0.1", 8000)),
        ({"PORT": "8100"}, ("127.0.0.1", 8100)),
        ({"GRANIAN_HOST": EVERYWHERE}, (EVERYWHERE, 8000)),
        ({"GRANIAN_SSL_CERTIFICATE": "/etc/site.pem"}, (EVERYWHERE, 443)),
        (LAN, ("192.168.1.20", 8000)),
        (LAN | {"PUBLIC_URL": "http://192.168.1.20"}, ("192.168.1.20", 80)),
    ],
)
def test_a_site_listens_where_its_visitors_come_from(monkeypatch, env, place):
    found = read(monkeypatch, **PRODUCTION | env)

    assert (found["HOST"], found["PORT"]) == place


# --- cookies, transport, pages --------------------------------------------------------------------


def test_a_site_sends_its_cookies_over_https_to_its_own_host_only():
    assert started(*TRANSPORT, **PRODUCTION) == TRANSPORT


def test_a_proxy_is_believed_only_where_there_is_one():
    values = started("SECURE_PROXY_SSL_HEADER", **PRODUCTION | {"BEHIND_PROXY": "1"})

    assert values == {"SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"]}


@pytest.mark.parametrize(
    ("env", "is_asked"),
    [
        (PRODUCTION, False),
        (PRODUCTION | {"SECOND_FACTOR": "1"}, True),
        ({"DEMO": "1", "SECOND_FACTOR": "1"}, False),
    ],
)
def test_a_second_factor_is_asked_where_it_is_switched_on_and_never_in_the_demo(
    env, is_asked, tmp_path
):
    values = started("SECOND_FACTOR", **env | {"VAR_DIR": str(tmp_path)})

    assert values == {"SECOND_FACTOR": is_asked}


def test_djangos_own_deployment_checks_have_nothing_to_say():
    run = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert run.returncode == 0, run.stderr
    assert "no issues" in run.stdout + run.stderr


def test_a_staff_password_has_twelve_characters_at_least():
    (length,) = [
        validator
        for validator in get_default_password_validators()
        if isinstance(validator, MinimumLengthValidator)
    ]

    assert length.min_length == 12


# --- the demo -------------------------------------------------------------------------------------


def test_the_demo_makes_a_secret_key_of_its_own_once_and_keeps_it(tmp_path):
    var = tmp_path / "var"

    first = started("SECRET_KEY", "ALLOWED_HOSTS", DEMO="1", VAR_DIR=str(var))
    second = started("SECRET_KEY", DEMO="1", VAR_DIR=str(var))
    elsewhere = started("SECRET_KEY", DEMO="1", VAR_DIR=str(tmp_path / "other"))

    assert len(first["SECRET_KEY"]) >= 50
    assert second["SECRET_KEY"] == first["SECRET_KEY"] == (var / "secret-key").read_text()
    assert elsewhere["SECRET_KEY"] != first["SECRET_KEY"]
    assert first["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]


def test_nobody_else_can_read_the_key_of_the_demo(tmp_path):
    var = tmp_path / "var"

    started("SECRET_KEY", DEMO="1", VAR_DIR=str(var))

    assert stat.S_IMODE((var / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(var.stat().st_mode) == 0o700


# --- the database ---------------------------------------------------------------------------------

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="these are words of SQLite")


def answer(question: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


@only_sqlite
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1), ("foreign_keys", 1)],
)
def test_sqlite_writes_each_commit_to_the_disk_and_leaves_nothing_behind(pragma, value):
    assert answer(f"PRAGMA {pragma}") == value


@only_sqlite
@pytest.mark.django_db
def test_a_transaction_on_sqlite_holds_the_write_lock_from_its_beginning():
    # This test runs inside a transaction that has written nothing.
    other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0)

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")

    other.close()


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_the_write_lock_of_sqlite_is_free_outside_a_transaction():
    other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0)

    other.execute("BEGIN IMMEDIATE")  # raises if it is not
    other.rollback()
    other.close()


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"), [("synchronous_commit", "on"), ("fsync", "on"), ("lock_timeout", "10s")]
)
def test_postgresql_writes_each_commit_to_the_disk_and_waits_for_no_lock_for_ever(name, value):
    assert answer(f"SELECT current_setting('{name}')") == value


def test_sqlite_is_as_safe_in_production_as_in_these_tests():
    database = started("DATABASES", **PRODUCTION)["DATABASES"]["default"]

    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["init_command"].replace(" ", "").split(";")[:3] == [
        "PRAGMAjournal_mode=WAL",
        "PRAGMAsynchronous=FULL",
        "PRAGMAsecure_delete=ON",
    ]


POSTGRES = PRODUCTION | {"DATABASE_URL": "postgres://vote:secret@db.example.cn:5433/vote"}


def postgres(**env: str) -> dict[str, Any]:
    """Return the settings of the database of a site on PostgreSQL that starts with `env`."""
    settings: dict[str, Any] = started("DATABASES", **POSTGRES | env)["DATABASES"]["default"]
    return settings


def test_postgresql_is_as_safe_in_production_as_in_these_tests():
    database = postgres()

    assert database["ENGINE"] == "yiwu_vote.postgresql"
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.cn", 5433, "vote")
    assert "-c synchronous_commit=on" in database["OPTIONS"]["options"]
    assert database["CONN_MAX_AGE"] == 600


def test_what_the_address_of_the_database_demands_is_kept():
    address = "postgres://vote@db.example.cn/vote?sslmode=verify-full&tcp_user_timeout=60000"

    options = postgres(DATABASE_URL=address)["OPTIONS"]

    assert options["sslmode"] == "verify-full"
    assert options["tcp_user_timeout"] == 60_000
    assert "-c synchronous_commit=on" in options["options"]


def test_a_server_of_a_database_that_is_gone_is_given_up_within_seconds():
    options = postgres()["OPTIONS"]

    assert options["connect_timeout"] == 3
    assert options["tcp_user_timeout"] == 8_000
    lost_after = options["keepalives_idle"] + (
        options["keepalives_interval"] * options["keepalives_count"]
    )
    assert lost_after <= 15


def test_only_where_a_visitor_waits_is_a_statement_given_so_long_and_no_longer():
    assert "-c statement_timeout=15s" in postgres(SERVING="1")["OPTIONS"]["options"]
    assert "-c statement_timeout=0" in postgres()["OPTIONS"]["options"]
    idle = "-c idle_in_transaction_session_timeout"
    assert f"{idle}=1min" in postgres(SERVING="1")["OPTIONS"]["options"]
    assert f"{idle}=0" in postgres()["OPTIONS"]["options"]


def test_behind_a_pooler_nothing_outlives_a_transaction():
    database = postgres(BEHIND_POOLER="1")

    assert database["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert database["OPTIONS"]["prepare_threshold"] is None
    # A pooler turns away whoever asks for it.
    assert "options" not in database["OPTIONS"]
    assert "DISABLE_SERVER_SIDE_CURSORS" not in postgres()


@pytest.mark.parametrize("is_there", [True, False])
def test_only_its_owner_reads_a_file_of_sqlite_in_whatever_folder(tmp_path, is_there):
    file = tmp_path / "vote.sqlite3"
    if is_there:
        file.touch(mode=0o644)

    started("DATABASES", **PRODUCTION | {"DATABASE_URL": f"sqlite:///{file}"})

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_owner_of_the_tables_is_another_role_of_the_same_database():
    owner = "postgres://owner:word@db.example.cn:5433/vote"
    started_with = started("DATABASE_OWNER", **POSTGRES | {"OWNER_DATABASE_URL": owner})
    assert started_with["DATABASE_OWNER"] == {"USER": "owner", "PASSWORD": "word"}
    assert started("DATABASE_OWNER", **POSTGRES)["DATABASE_OWNER"] == {}


@pytest.mark.parametrize(
    "url",
    [
        "postgres://vote:secret@db.example.cn:5433/vote",
        "postgres://owner:word@db.example.cn:5433/another",
        "postgres://owner:word@elsewhere.cn:5433/vote",
        "sqlite:////tmp/vote.sqlite3",
    ],
)
def test_an_owner_of_something_else_is_refused_at_the_start(url):
    with pytest.raises(AssertionError, match="OWNER_DATABASE_URL"):
        started("DATABASE_OWNER", **POSTGRES | {"OWNER_DATABASE_URL": url})


def test_what_the_database_must_say_behind_a_pooler_stands_in_the_manual():
    asked = started("ASKED_OF_SERVER", **POSTGRES | {"SERVING": "1"})["ASKED_OF_SERVER"]
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    told = dict(re.findall(r"ALTER DATABASE vote SET (\w+) = '(\w+)';", manual))

    assert told == asked


# --- logs -----------------------------------------------------------------------------------------


def test_json_is_written_on_demand_and_every_request_is_told_then_alone():
    usual = started("LOGGING", **PRODUCTION)["LOGGING"]
    asked = started("LOGGING", **PRODUCTION, LOG_FORMAT="json")["LOGGING"]

    assert asked["handlers"]["console"]["formatter"] == "json"
    assert asked["loggers"]["yiwu_vote.logs"]["level"] == "INFO"
    assert usual["handlers"]["console"]["formatter"] == "line"
    assert usual["loggers"]["yiwu_vote.logs"]["level"] == "WARNING"


def test_another_format_is_refused_by_name():
    refused = python("-c", "import yiwu_vote.settings", **PRODUCTION, LOG_FORMAT="xml")

    assert refused.returncode == 1
    assert "LOG_FORMAT" in refused.stderr.splitlines()[-1]
