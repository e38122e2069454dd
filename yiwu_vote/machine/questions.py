"""What cannot be guessed about a real site: asked once in two languages, proved, and kept.

Where nobody sits at a keyboard the same answers come from variables of the environment.
"""

import contextlib
import os
import secrets
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection

from yiwu_vote.machine import env_file, values
from yiwu_vote.machine.values import refused

# What the file keeps of an environment; what else it holds was written there by hand.
KEPT = (
    *("SECRET_KEY", "PUBLIC_URL", "ALLOWED_HOSTS", "LAN_HTTP", "BEHIND_PROXY", "GRANIAN_HOST"),
    *("PORT", "GRANIAN_WORKERS", "GRANIAN_SSL_CERTIFICATE", "GRANIAN_SSL_KEYFILE"),
    *("DATABASE_URL", "DATABASE_URL_FILE", "OWNER_DATABASE_URL", "OWNER_DATABASE_URL_FILE"),
    *("BEHIND_POOLER", "SECOND_FACTOR", "HELP_PHONE", "VAR_DIR", "BACKUP_DIR"),
    "LOG_FORMAT",
)
# Where nothing is routed a machine still knows which of its addresses it would send from; this one
# is kept for documents (RFC 5737), and nothing is sent to it.
NOWHERE = ("192.0.2.1", 9)

Answer = Callable[[str], str]


def settle(answer: Answer = input) -> None:
    """Put the settings of a new site into the environment, prove that they hold, and keep them in its file.

    Raises ImproperlyConfigured with what is missing or wrong; then no file is written.
    """
    ask = answer if sys.stdin is not None and sys.stdin.isatty() else None
    os.environ.update(_address(ask))
    os.environ.update(_database(ask))
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    os.environ.setdefault("BACKUP_DIR", str(env_file.var_dir().absolute() / "backups"))
    prove()
    given = {name: os.environ[name] for name in KEPT if os.environ.get(name)}
    env_file.write(env_file.path(), given)


def prove() -> None:
    """Raise ImproperlyConfigured unless the settings hold, files can be written and the database answers."""
    _demand_writable("VAR_DIR", env_file.var_dir())
    if settings.BACKUP_DIR:
        _demand_writable("BACKUP_DIR", Path(settings.BACKUP_DIR))
    place = settings.DATABASES["default"]
    try:
        connection.ensure_connection()
    except Error as error:
        # The driver's sentence names host, port, role and database, and never a password.
        raise refused(
            f"DATABASE_URL 所指的数据库 {place['NAME']} 连不上：{error}",
            f"The database {place['NAME']} that DATABASE_URL names cannot be reached: {error}",
        ) from None


def _demand_writable(name: str, folder: Path) -> None:
    probe = folder / f"probe.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise refused(
            f"{name} 所指的文件夹 {folder} 不能写入（{error.strerror}）。",
            f"The folder {folder} that {name} names cannot be written to ({error.strerror}).",
        ) from None


def _asked(answer: Answer, chinese: str, english: str, check: Callable[[str], str]) -> str:
    """Return the first answer that `check` lets pass; what it raises is said, and the question put again."""
    print(f"\n{chinese}\n{english}")
    while True:
        try:
            return check(answer("> ").strip())
        except ImproperlyConfigured as error:
            print(error)


# --- where phones find it -------------------------------------------------------------------------


def _address(answer: Answer | None) -> dict[str, str]:
    url = os.environ.get("PUBLIC_URL", "")
    in_hall = values.switch("LAN_HTTP")
    if not url and not in_hall:
        if answer is None:
            raise refused(
                "没有设置 PUBLIC_URL：请写明代表用手机打开的网址（https://…）；只在会场内网使用的，设置 LAN_HTTP=1。",
                "PUBLIC_URL is not set: give the address that phones open (https://…), or LAN_HTTP=1 for a hall's own network.",
            )
        url = _asked(
            answer,
            "代表用手机打开的网址：有域名和证书的，填 https://…；只在会场自己的网络内使用（不加密）的，直接按回车。",
            "The address that phones open: https://… where there is a name and a certificate; Enter for a hall's own network (not encrypted).",
            lambda said: values.public_url(said, plain=False) if said else "",
        )
        in_hall = not url
    if in_hall:
        return _hall(url, answer)
    return _public(values.public_url(url, plain=False), answer)


def _hall(url: str, answer: Answer | None) -> dict[str, str]:
    guess = own_address()
    port = values.number("PORT", 8000, most=65_535)
    if not url and answer is not None:
        host = _asked(
            answer,
            f"本机在会场网络中的地址{f'（直接按回车：{guess}）' if guess else ''}。请在路由器中固定它：它要印在投票卡上。",
            f"The address of this machine in that network{f' (Enter: {guess})' if guess else ''}. Have the router keep it, for cards are printed with it.",
            lambda said: _inside(said or guess),
        )
        url = f"http://{host}:{port}"
    elif not url and not guess:
        raise refused(
            "本机现在没有网络地址。请先接入会场网络，或设置 PUBLIC_URL=http://地址:8000。",
            "This machine has no address in a network now. Join the hall's, or set PUBLIC_URL=http://address:8000.",
        )
    url = values.public_url(url or f"http://{guess}:{port}", plain=True)
    values.demand_plain(url)
    return {"LAN_HTTP": "1", "PUBLIC_URL": url} | _hosts(url, "127.0.0.1", "localhost")


def _public(url: str, answer: Answer | None) -> dict[str, str]:
    found = {"PUBLIC_URL": url} | _hosts(url)
    certificate = os.environ.get("GRANIAN_SSL_CERTIFICATE", "")
    if not certificate and answer is not None and "BEHIND_PROXY" not in os.environ:
        certificate = _asked(
            answer,
            "由本机的 nginx、Caddy 等提供 HTTPS 的，直接按回车；由本程序自己提供的，填证书文件（PEM，含中间证书）。",
            "Enter where nginx or Caddy on this machine answers HTTPS; else the file of the certificate with its chain (PEM).",
            lambda said: _file(said) if said else "",
        )
        if certificate:
            found["GRANIAN_SSL_CERTIFICATE"] = certificate
            found["GRANIAN_SSL_KEYFILE"] = _asked(
                answer,
                "证书的私钥文件（PKCS#8，即以 BEGIN PRIVATE KEY 开头）。",
                "The file of its private key (PKCS#8: it begins with BEGIN PRIVATE KEY).",
                _file,
            )
    if not certificate:
        found["BEHIND_PROXY"] = os.environ.get("BEHIND_PROXY", "1")
    # Whoever makes accounts can reach such a site from everywhere, and so can whoever guesses his password.
    return found | {"SECOND_FACTOR": os.environ.get("SECOND_FACTOR", "1")}


def _hosts(url: str, *more: str) -> dict[str, str]:
    hosts = ",".join(dict.fromkeys([values.host_of(url), *more]))
    return {"ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS") or hosts}


def _inside(host: str) -> str:
    if not values.is_private(host):
        raise refused(f"“{host}”不是内网地址。", f"{host!r} is no private address.")
    return host


def _file(said: str) -> str:
    try:
        with open(said, "rb"):
            return os.path.abspath(said)
    except OSError as error:
        raise refused(
            f"文件“{said}”读不出（{error.strerror}）。",
            f"The file {said!r} cannot be read ({error.strerror}).",
        ) from None


def own_address() -> str:
    """Return the address that this machine has in a private network; empty where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
            found = [str(probe.getsockname()[0])]
        except OSError:
            found = []
    with contextlib.suppress(OSError):
        # Asked in vain, this may wait for a name server that is not there.
        found = found or socket.gethostbyname_ex(socket.gethostname())[2]
    inside = [one for one in found if values.is_private(one) and not one.startswith("127.")]
    return inside[0] if inside else ""


# --- what it keeps its rows in --------------------------------------------------------------------


def _database(answer: Answer | None) -> dict[str, str]:
    if values.secret("DATABASE_URL"):
        return {}
    embedded = f"sqlite:///{(env_file.var_dir() / 'site.sqlite3').absolute().as_posix()}"
    if answer is None:
        return {"DATABASE_URL": embedded}
    url = _asked(
        answer,
        "数据库：一台电脑、一个会场，直接按回车（内置的 SQLite 文件）；PostgreSQL 填 postgres://用户:密码@主机:5432/库名。",
        "Database: Enter for one machine in one hall (an embedded SQLite file); or postgres://user:password@host:5432/name.",
        lambda said: _database_url("DATABASE_URL", said) if said else embedded,
    )
    found = {"DATABASE_URL": url}
    if url.startswith("postgres") and not values.secret("OWNER_DATABASE_URL"):
        found["OWNER_DATABASE_URL"] = _asked(
            answer,
            "表属于另一个数据库账号的（更安全，见 docs/operations/postgresql.md），填它的网址；没有的，直接按回车。",
            "If another role owns the tables (safer: docs/operations/postgresql.md), its address; else Enter.",
            lambda said: _database_url("OWNER_DATABASE_URL", said) if said else "",
        )
    return {name: said for name, said in found.items() if said}


def _database_url(name: str, url: str) -> str:
    values.database(name, url)
    return url
