"""What a setting may be: a wrong one is refused by a sentence in two languages that names it.

Nothing is translated here, for the settings are read before any language is known; and no sentence
says again what is secret, such as an address with its password.
"""

import ipaddress
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.http.request import split_domain_port, validate_host

ON, OFF = {"1", "true", "yes", "on", "y", "ok"}, {"", "0", "false", "no", "off", "n"}
ENGINES = {"sqlite": "sqlite3", "postgres": "postgresql", "postgresql": "postgresql"}


def refused(chinese: str, english: str) -> ImproperlyConfigured:
    """Return the error of a setting that is wrong: what is wrong, and what to do, in both languages."""
    return ImproperlyConfigured(f"{chinese}\n{english}")


def switch(name: str) -> bool:
    """Return whether the switch `name` is on; one that says neither would be off where it was meant."""
    said = os.environ.get(name, "").strip().lower()
    if said not in ON | OFF:
        raise refused(f"{name} 只能是 1 或 0。", f"{name} must be 1 or 0.")
    return said in ON


def number(name: str, default: int, *, most: int) -> int:
    """Return the whole number that `name` says, from 1 to `most`."""
    said = os.environ.get(name, "").strip() or str(default)
    if not (said.isascii() and said.isdecimal() and 1 <= int(said) <= most):
        raise refused(
            f"{name} 应是1至{most}的整数。", f"{name} must be a whole number from 1 to {most}."
        )
    return int(said)


def secret(name: str) -> str:
    """Return what `name` says, or the file that `name`_FILE names, as containers hand secrets over."""
    said, file = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if not file:
        return said
    if said:
        raise refused(f"{name} 和 {name}_FILE 只设一个。", f"Set {name} or {name}_FILE, not both.")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise refused(
            f"{name}_FILE 所指的文件 {file} 读不出（{error.strerror}）。",
            f"The file {file} named by {name}_FILE cannot be read ({error.strerror}).",
        ) from None


def required(name: str) -> str:
    """Return what `name` or its file says; raises where nothing does."""
    said = secret(name)
    if not said:
        raise refused(
            f"没有设置 {name}。正式网站请先运行 make install（没有 make 的，运行 manage.py install），试用请运行 make run。",
            f"{name} is not set. For a real site run make install (without make: manage.py install) first; to try it, make run.",
        )
    return said


def database(name: str, url: str) -> dict[str, Any]:
    """Return Django's settings of the database at `url`, which the variable `name` says."""
    wrong = refused(
        f"{name} 不是数据库的网址。应如 postgres://用户:密码@主机:5432/库名 或 sqlite:////绝对路径/文件名；"
        "密码中的 @ : / # ? % 须写成 %40 %3A %2F %23 %3F %25。",
        f"{name} is no address of a database. Write postgres://user:password@host:5432/name or "
        "sqlite:////absolute/path; in a password write @ : / # ? % as %40 %3A %2F %23 %3F %25.",
    )
    engine = ENGINES.get(url.partition(":")[0])
    try:
        found: dict[str, Any] = environ.Env.db_url_config(url) if engine else {}
    except ValueError:
        raise wrong from None
    if (
        engine is None
        or not found.get("ENGINE", "").endswith(engine)
        or not found["NAME"]
        or (engine == "sqlite3" and found["NAME"] == ":memory:" and url != "sqlite://:memory:")
    ):
        raise wrong
    return found


def owner(runs: dict[str, Any], url: str) -> dict[str, Any]:
    """Return name and password of the role that OWNER_DATABASE_URL names; it owns what `runs` uses."""
    if not url:
        return {}
    owns = database("OWNER_DATABASE_URL", url)
    one = ("ENGINE", "HOST", "PORT", "NAME")
    if not owns["ENGINE"].endswith("postgresql") or any(owns[n] != runs[n] for n in one):
        raise refused(
            "OWNER_DATABASE_URL 须与 DATABASE_URL 是同一个 PostgreSQL 数据库。",
            "OWNER_DATABASE_URL must be the same PostgreSQL database as DATABASE_URL.",
        )
    if owns["USER"] == runs["USER"]:
        raise refused(
            "OWNER_DATABASE_URL 与 DATABASE_URL 须用不同的数据库账号。",
            "OWNER_DATABASE_URL must be another role than that of DATABASE_URL.",
        )
    return {name: owns[name] for name in ("USER", "PASSWORD")}


def public_url(url: str, *, plain: bool) -> str:
    """Return the address that phones open, without a slash at its end; `plain` HTTP must be so by choice."""
    parts = urlsplit(url)
    try:
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if parts.scheme not in {"http", "https"} or not host:
        raise refused(
            f"PUBLIC_URL 应如 https://vote.example.cn 或 http://192.168.1.20:8000，现为 {url}。",
            f"PUBLIC_URL must read like https://vote.example.cn or http://192.168.1.20:8000; it is {url}.",
        )
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        raise refused(
            f"PUBLIC_URL 只写到主机和端口，后面不能再有别的，现为 {url}。",
            f"PUBLIC_URL ends with host and port; it is {url}.",
        )
    if parts.scheme == "http" and not plain:
        raise refused(
            f"PUBLIC_URL 是 {url}（不加密），只有会场内网可以这样，并须设置 LAN_HTTP=1；否则请改为 https://。",
            f"PUBLIC_URL is {url}, not encrypted: only inside a hall's network, with LAN_HTTP=1; else write https://.",
        )
    return url.rstrip("/")


def listens_on(url: str, *, plain: bool, has_certificate: bool) -> tuple[str, int]:
    """Return host and port for the server of a site at `url`.

    Phones come to the server itself in a hall's network (`plain`) and where it has a certificate of its
    own; anywhere else a proxy on this machine does, and nobody may come past it.
    """
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 8000)
    if plain and url:
        return parts.hostname or "127.0.0.1", port
    return ("0.0.0.0", port) if has_certificate else ("127.0.0.1", 8000)  # noqa: S104


def demand_known(url: str, hosts: list[str]) -> None:
    """Raise unless a browser that asks for `url` names one of `hosts`: else every page answers 400."""
    host = host_of(url)
    if not validate_host(host, hosts):
        raise refused(
            f"ALLOWED_HOSTS 中没有 PUBLIC_URL 的主机 {host}，请补上。",
            f"ALLOWED_HOSTS lacks {host}, the host of PUBLIC_URL; add it.",
        )


def demand_plain(url: str) -> None:
    """Raise where a hall on plain HTTP has an address by TLS: cookies would be open, and pages say so wrongly."""
    if not url.startswith("http:"):
        raise refused(
            f"LAN_HTTP=1 表示不加密，PUBLIC_URL 却是 {url}。有 HTTPS 的，请取消 LAN_HTTP；没有的，写 http://。",
            f"LAN_HTTP=1 means no encryption, yet PUBLIC_URL is {url}. With HTTPS unset LAN_HTTP; without it write http://.",
        )


def host_of(url: str) -> str:
    """Return the host of `url` as ALLOWED_HOSTS writes it."""
    return str(split_domain_port(urlsplit(url).netloc)[0])


def private(hosts: list[str]) -> list[str]:
    """Return `hosts` if every one is this machine or a private address; LAN_HTTP needs that."""
    for host in hosts:
        if not is_private(host):
            raise refused(
                f"LAN_HTTP=1 只能用于内网地址，ALLOWED_HOSTS 中的 {host} 不是。",
                f"LAN_HTTP=1 is for private addresses alone; {host} in ALLOWED_HOSTS is none.",
            )
    return hosts


def is_private(host: str) -> bool:
    """Tell whether `host` is this machine or an address inside a network of its own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_private
    except ValueError:
        return host == "localhost"
