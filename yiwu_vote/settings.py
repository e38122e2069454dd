"""The one settings file: every value that differs between places comes from the environment.

Without `DEMO=1` the site refuses to start until SECRET_KEY, ALLOWED_HOSTS and DATABASE_URL are
set; docs/operations.md has the table of all variables.
"""

import contextlib
import os
import secrets
from pathlib import Path

import environ

from yiwu_vote.machine import values
from yiwu_vote.machine.values import number, required, secret, switch

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()

# --- where we are ---------------------------------------------------------------------------------

DEMO = switch("DEMO")
# A hall without a certificate may run on plain HTTP inside its own network, and says so
# (design §6.4).
LAN_HTTP = switch("LAN_HTTP")
PLAIN_HTTP = DEMO or LAN_HTTP
# The database is reached through PgBouncer, which lends a connection for one transaction at a time.
BEHIND_POOLER = switch("BEHIND_POOLER")
# Set by yiwu_vote.wsgi: this process answers visitors, and is no command.
SERVING = switch("SERVING")
VAR_DIR = Path(env.str("VAR_DIR", "") or BASE_DIR / "var")
# Where backups of the database go, ours and those of other tools.
BACKUP_DIR = env.str("BACKUP_DIR", "")
# What the database held when it was last used, to notice an older one in its place
# (ballots.facts.copies.known); the demo is made anew as anybody likes.
LAST_KNOWN = None if DEMO else VAR_DIR / "last-known.json"
# Whom to call from a page of an error, which cannot ask a poll for its own telephone.
HELP_PHONE = env.str("HELP_PHONE", "")


def demo_secret() -> str:
    """Return the demo's own secret key, made once: a fixed one would be everybody's."""
    VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, draft = VAR_DIR / "secret-key", VAR_DIR / f"secret-key.{os.getpid()}"
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
        # Two server processes that start together must agree on one key, and on a whole one.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


def keep_private(database: Path) -> None:
    """Let the owner alone read a file of SQLite, in whatever folder; what lies beside it follows."""
    if database.parent.is_dir() and str(database) != ":memory:":
        # A file of somebody else is his to keep; whether it can be opened is found out elsewhere.
        with contextlib.suppress(OSError):
            os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))
            database.chmod(0o600)


if DEMO:
    SECRET_KEY = secret("SECRET_KEY") or demo_secret()
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
    DATABASE_URL = secret("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'db.sqlite3'}"
else:
    SECRET_KEY = required("SECRET_KEY")
    ALLOWED_HOSTS = [host.strip() for host in required("ALLOWED_HOSTS").split(",") if host.strip()]
    DATABASE_URL = required("DATABASE_URL")

if LAN_HTTP:
    ALLOWED_HOSTS = values.private(ALLOWED_HOSTS)

DEBUG = False
# The server's own certificate, where no proxy in front of it has one: granian's own variables.
CERTIFICATE = env.str("GRANIAN_SSL_CERTIFICATE", "")
CERTIFICATE_KEY = env.str("GRANIAN_SSL_KEYFILE", "")
# Printed on cards and shown on the screen; localhost is refused for a real poll by the pre-flight.
PUBLIC_URL = env.str("PUBLIC_URL", "")
if PUBLIC_URL:
    PUBLIC_URL = values.public_url(PUBLIC_URL, plain=PLAIN_HTTP)
    if not DEMO:
        values.demand_known(PUBLIC_URL, ALLOWED_HOSTS)
    if LAN_HTTP:
        values.demand_plain(PUBLIC_URL)
# Where `manage.py serve` listens; the first one is granian's own variable too.
HOST, PORT = values.listens_on(PUBLIC_URL, plain=LAN_HTTP, has_certificate=bool(CERTIFICATE))
HOST = env.str("GRANIAN_HOST", "") or HOST
PORT = number("PORT", PORT, most=65_535)
PUBLIC_URL = PUBLIC_URL or f"http://127.0.0.1:{PORT}"

# --- the two apps and what they stand on ----------------------------------------------------------

INSTALLED_APPS = [
    # Before ballots, whose admin puts its own page for staff accounts in place of this one.
    "django.contrib.auth",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "projects",
    "ballots",
    "yiwu_vote.apps.VoteAdminConfig",
    "yiwu_vote.apps.MachineConfig",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
]

MIDDLEWARE = [
    "yiwu_vote.middleware.ContentSecurityPolicyMiddleware",
    "yiwu_vote.middleware.PlainHttpMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "yiwu_vote.logs.RequestLogMiddleware",
    "yiwu_vote.middleware.CompressionMiddleware",
    "yiwu_vote.middleware.BodyLimitMiddleware",
    "yiwu_vote.language.LanguageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "yiwu_vote.middleware.InputLimitMiddleware",
    "yiwu_vote.staff_session.StaffSessionMiddleware",
    "ballots.pages.middleware.DelegateMiddleware",
    "ballots.pages.middleware.RefusalMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "yiwu_vote.middleware.SearchLimitMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "yiwu_vote.urls"
WSGI_APPLICATION = "yiwu_vote.wsgi.application"
LOGIN_URL = "ballots:sign-in"
# Where staff come to whose log-in was asked for by no page of ours; delegates have a way of their own.
LOGIN_REDIRECT_URL = "admin:index"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"staff": "yiwu_vote.admin"},
            # How templates mark what is Chinese on an English page.
            "builtins": ["yiwu_vote.language"],
        },
    },
]

# --- database -------------------------------------------------------------------------------------

DATABASES = {"default": values.database("DATABASE_URL", DATABASE_URL)}
# Who owns the tables, where that is another role than the one that runs the site: it migrates and
# rewrites the storage. Empty where one role does all (yiwu_vote.postgresql.owner).
DATABASE_OWNER = values.owner(DATABASES["default"], secret("OWNER_DATABASE_URL"))
ASKED_OF_SERVER = dict[str, str]()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    keep_private(Path(DATABASES["default"]["NAME"]))
    DATABASES["default"]["OPTIONS"] = {
        # On SQLite the write lock of the whole file is the lock of the poll.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL: a ballot that was acknowledged survives a power cut. secure_delete: a stripped
        # envelope leaves no readable page behind.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
            # Without this, REPLACE deletes the row in its way past the triggers.
            " PRAGMA recursive_triggers=ON;"
        ),
    }
else:
    # What our connections ask of the server; a pooler drops it, and the start compares
    # (ballots.facts.database).
    # To compile the count takes PostgreSQL five times as long as to make it.
    ASKED_OF_SERVER |= {"synchronous_commit": "on", "lock_timeout": "10s", "jit": "off"}
    # Somebody waits for each answer of a server; an act that holds the lock of its poll is given the
    # time it takes (projects.locks), and so is every command. A process that stands still in the
    # middle of an act must not keep the hall from voting.
    ASKED_OF_SERVER |= {
        "statement_timeout": "15s" if SERVING else "0",
        "idle_in_transaction_session_timeout": "1min" if SERVING else "0",
    }
    DATABASES["default"] |= {
        "ENGINE": "yiwu_vote.postgresql",
        # Without persistent connections the site is half as fast, as measured. Whether the server
        # has ended one is seen without asking it (yiwu_vote.bodies).
        "CONN_MAX_AGE": 600,
        # A server that is gone is noticed within seconds, by what DATABASE_URL says if it does.
        "OPTIONS": {
            "connect_timeout": 3,
            "tcp_user_timeout": 8_000,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        }
        | DATABASES["default"].get("OPTIONS", {})
        | {
            "options": " ".join(f"-c {name}={value}" for name, value in ASKED_OF_SERVER.items()),
            # Values travel beside the statement and not in it: a server that logs statements
            # must not write down who handed in which envelope.
            "server_side_binding": True,
            # What is asked again and again is planned once a connection: a third of the work.
            "prepare_threshold": 3,
        },
    }
    if BEHIND_POOLER:
        # Between two transactions the server's end of the connection belongs to others: no plan and
        # no cursor outlives one, and what we ask of the server must be set for the role.
        del DATABASES["default"]["OPTIONS"]["options"]
        DATABASES["default"]["OPTIONS"]["prepare_threshold"] = None
        DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True

# How many requests each process of the server lets at once into Django (yiwu_vote.bodies), as
# measured: so many may wait for the disk, which one flush serves together, and more would only wait
# for each other. Each keeps a connection to the database.
PLACES = 4
# How many such processes there are: granian's own variable, so that the checklist can compare all
# their connections with those that the database has.
WORKERS = number("GRANIAN_WORKERS", 1, most=100)
if WORKERS > 1 and DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    raise values.refused(
        "SQLite 一次只有一个写入者，GRANIAN_WORKERS 只能是 1；要用更多进程，请改用 PostgreSQL（DATABASE_URL）。",
        "SQLite has one writer at a time: GRANIAN_WORKERS must be 1; for more, use PostgreSQL (DATABASE_URL).",
    )

# --- sessions, cookies, transport -----------------------------------------------------------------

# The database, not a cache of each process: a card that is replaced must end its sessions at once.
SESSION_ENGINE = "ballots.sessions"
SESSION_COOKIE_AGE = 4 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not PLAIN_HTTP
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
if not PLAIN_HTTP:
    # The prefix binds a cookie to this very host: a neighbour on the domain cannot plant one.
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
CSRF_FAILURE_VIEW = "yiwu_vote.errors.page_expired"

SECURE_SSL_REDIRECT = not PLAIN_HTTP
# The style of the page that says so, and what a supervisor of this machine asks.
SECURE_REDIRECT_EXEMPT = [r"^readyz$", r"^static/"]
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 365 * 24 * 60 * 60
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if switch("BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SILENCED_SYSTEM_CHECKS = [
    # The site is one name under a government's domain: it may not bind the others to HTTPS.
    "security.W005",
    "security.W021",
]

# Nothing inline, nothing from another host. The name is Django 6's.
SECURE_CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "manifest-src": "'self'",
}

AUTHENTICATION_BACKENDS = ["ballots.backends.PatientBackend"]
# The first is what a password is kept under: each guess takes 16 MB, so that a stolen database is
# slow to guess with a graphics card too. The other is that of earlier versions, until its next use.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
# Whether a superuser shows a second factor beside his password (design §6.3).
SECOND_FACTOR = switch("SECOND_FACTOR") and not DEMO
# The name above the code in an authenticator app.
OTP_TOTP_ISSUER = "民生实事项目票决"
# Wrong codes wait as wrong passwords do; the waits of the package double for a hundred years.
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 0
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "ballots.staff.people.AnotherPassword"},
]

# --- uploads --------------------------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- language, time, files ------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
# Each in its own words: whoever looks for his language may not read the other one.
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LANGUAGE_COOKIE_NAME = "language"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- error reports and logs -----------------------------------------------------------------------------------------

DEFAULT_EXCEPTION_REPORTER = "yiwu_vote.reports.FrameReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "yiwu_vote.reports.NothingTyped"

# One JSON object a line, and a line for each request, for whoever collects logs; else lines of text.
LOG_FORMAT = env.str("LOG_FORMAT", "") or "line"
if LOG_FORMAT not in {"line", "json"}:
    raise values.refused("LOG_FORMAT 只能是 line 或 json。", "LOG_FORMAT must be line or json.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "hide_tokens": {"()": "yiwu_vote.logs.HideTokens"},
        "one_line": {"()": "yiwu_vote.logs.OneLine"},
        "said_once": {"()": "yiwu_vote.postgresql.trouble.SaidOnce"},
    },
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "yiwu_vote.logs.JsonLines"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["said_once", "hide_tokens", "one_line"],
            "formatter": LOG_FORMAT,
        },
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # Replaces Django's own handlers, which would mail POST data to the administrators.
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "ballots": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # A line for each request, which only whoever collects logs wants.
        "yiwu_vote.logs": {
            "handlers": ["console"],
            "level": "INFO" if LOG_FORMAT == "json" else "WARNING",
            "propagate": False,
        },
    },
}
