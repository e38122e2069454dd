"""The settings of a test run: those of production, less what only slows or hinders a test."""

import os
from pathlib import Path

VAR = Path(__file__).resolve().parent.parent / "var" / "test"
# WhiteNoise warns of a static folder that is not there; the live server serves the sources itself.
(VAR / "static").mkdir(parents=True, exist_ok=True)

# A choice of whoever runs the tests: `make test DATABASE_URL=postgres://…`.
os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or f"sqlite:///{VAR / 'unused.sqlite3'}"
# Everything else is fixed, so that nothing exported in a shell can change a test's outcome.
os.environ |= {
    "DEMO": "0",
    "LAN_HTTP": "0",
    "BEHIND_PROXY": "0",
    "SECRET_KEY": "a fixed key for tests, so that digests can be compared with known ones",
    "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver,vote.example.cn",
    "PUBLIC_URL": "https://vote.example.cn",
    # Never the real one: a test of the demo must not overwrite the cards that `make run` printed.
    "VAR_DIR": str(VAR),
    "BACKUP_DIR": "",
}

from yiwu_vote.settings import *

# The default hasher takes 0.3 s for each password of each member of staff, on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# The manifest is written by collectstatic, which a test does not run.
STORAGES["staticfiles"] = {
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
}

# The test client and the live server speak plain HTTP, as the demo does.
SECURE_SSL_REDIRECT = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
# A browser takes a `__Host-` cookie only over HTTPS.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "session", "csrf"

# A test rolls back or empties its database: no later one would be as new as what was noted.
LAST_KNOWN = None

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: a race needs two real connections. Named for the process, so that two
    # runs side by side do not delete each other's.
    DATABASES["default"]["TEST"] = {"NAME": VAR / f"{os.getpid()}.sqlite3"}
