"""A unit of systemd that serves a site at each boot: of this folder, or one for every town beside it."""

import os
from dataclasses import dataclass
from pathlib import Path

# So that the town's clerk does not read another one's votes.
TOWN_USER = "vote-%i"


@dataclass(frozen=True)
class Place:
    """Where a site lies: its program, its files, its file of settings, and whose they are."""

    program: Path
    files: tuple[Path, ...]
    settings: Path
    user: str
    port: int


def name(*, for_towns: bool) -> str:
    """Return the name of the unit's file."""
    return "yiwu-vote@.service" if for_towns else "yiwu-vote.service"


def unit(place: Place) -> str:
    """Return the unit of the one site at `place`."""
    return _unit(
        "民生实事项目票决",
        user=_literal(place.user),
        program=_literal(place.program),
        settings=_literal(place.settings),
        files=" ".join(f'"{_literal(path)}"' for path in place.files),
        port=place.port,
    )


def template(place: Place) -> str:
    """Return the unit `yiwu-vote@TOWN`: each town has its installation in a folder of its name beside this one."""
    program = f"{_literal(place.program.parent)}/%i"
    return _unit(
        "民生实事项目票决 %i",
        user=TOWN_USER,
        program=program,
        settings=f"{program}/var/site.env",
        files=f'"{program}/var"',
        port=place.port,
    )


def _literal(said: object) -> str:
    # What systemd would else take for one of its specifiers, or for the end of a word.
    return str(said).replace("%", "%%").replace('"', '\\"')


def _unit(title: str, *, user: str, program: str, settings: str, files: str, port: int) -> str:
    # Below 1024 a port is root's, or of whoever is given this one right of his.
    low = "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" if port < 1024 else ""
    return f"""\
# 由 manage.py service 写成。 / Written by manage.py service; see docs/operations.md.
[Unit]
Description={title}
Wants=network-online.target
After=network-online.target postgresql.service
StartLimitIntervalSec=0

[Service]
User={user}
WorkingDirectory={program}
Environment="SITE_ENV={settings}"
ExecStart="{program}/.venv/bin/python" manage.py serve
# 数据库还没有就绪的，稍后再启动。 / Whatever ends it, and where its database is not there yet, it starts again.
Restart=always
RestartSec=3
KillMode=control-group
TimeoutStopSec=30
UMask=0077
{low}NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
ReadWritePaths={files}

[Install]
WantedBy=multi-user.target
"""


def writable(var: Path, database: str, backups: str) -> tuple[Path, ...]:
    """Return the folders that a site writes to: its files, those of SQLite, its backups."""
    folders = [var.absolute()]
    folders += [Path(database).absolute().parent] if database else []
    folders += [Path(backups).absolute()] if backups else []
    return tuple(dict.fromkeys(folders))


def owner(folder: Path) -> str:
    """Return whose `folder` is; empty where the machine has no such names."""
    return folder.owner() if os.name == "posix" else ""
