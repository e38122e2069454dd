"""Make the key of a poll's box in shares: into a file for a rehearsal, else one share a screen."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext

from ballots.acts import ceremony
from ballots.management.commands._steps import StepCommand
from projects.models import Poll
from projects.phases import DRAFT

NUMERALS = "一二三四五六七八九十"
# Clears the screen and what was scrolled off it.
CLEAR = "\033[2J\033[3J\033[H"


class Command(StepCommand):
    help = "生成票箱密钥，分成若干份"
    phases = DRAFT

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--out", type=Path, metavar="FILE", help=gettext("写入文件，每行一份（只限演练）")
        )
        parser.add_argument("--threshold", type=int, metavar="T", help=gettext("开箱所需份数"))
        parser.add_argument("--holders", nargs="+", metavar="NAME", help=gettext("保管人姓名"))

    def step(self, poll: Poll, by: User, second: User | None, options: dict[str, Any]) -> None:
        threshold = options["threshold"] or (1 if poll.simple else 3)
        holders = options["holders"] or []
        out: Path | None = options["out"]
        if poll.is_rehearsal:
            if out is None:
                raise CommandError(gettext("请用 --out 指定保存密钥份额的文件。"))
            holders = holders or [f"保管人{name}" for name in NUMERALS[: 2 if poll.simple else 5]]
            self.into_file(out, poll, holders, threshold, by)
        elif out is not None:
            raise CommandError(
                gettext("正式票决的密钥份额不写入文件，请去掉 --out，由保管人逐份抄录。")
            )
        elif not holders:
            raise CommandError(gettext("正式票决请用 --holders 写明各位保管人的姓名。"))
        elif not sys.stdin.isatty() or not sys.stdout.isatty():
            raise CommandError(gettext("正式票决的密钥份额只在终端上逐份显示，请在终端中办理。"))
        else:
            self.on_screen(ceremony.make_key(poll, holders=holders, threshold=threshold, by=by))
        self.stdout.write(
            gettext("已生成票箱密钥：共%(holders)d份，开箱需%(threshold)d份。请接着试开：test_key")
            % {"holders": len(holders), "threshold": threshold}
        )

    def into_file(
        self, out: Path, poll: Poll, holders: Sequence[str], threshold: int, by: User
    ) -> None:
        # The name first, so that no file is overwritten and no key made that has nowhere to go.
        try:
            descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise CommandError(
                gettext("文件 %(file)s 已存在，不会覆盖。") % {"file": out}
            ) from None
        except OSError as error:
            raise _unwritable(out, error) from None
        try:
            # The key counts, and voids the one before it, only once its shares are on the disk.
            with os.fdopen(descriptor, "w") as file, transaction.atomic():
                sheets = ceremony.make_key(poll, holders=holders, threshold=threshold, by=by)
                file.writelines(f"{sheet.text}\n" for sheet in sheets)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            out.unlink()
            raise _unwritable(out, error) from None
        except Exception:
            out.unlink()
            raise

    def on_screen(self, sheets: Sequence[ceremony.Sheet]) -> None:
        """Show each holder his share alone, and clear the screen behind him."""
        for sheet in sheets:
            input(gettext("请保管人%(name)s独自到屏幕前，按回车键显示：") % {"name": sheet.holder})
            self.stdout.write(f"\n    {sheet.text}\n")
            self.stdout.write(gettext("密钥校验码：%(code)s") % {"code": sheet.key})
            input(gettext("抄录并核对后按回车键，屏幕将清除："))
            self.stdout.write(CLEAR, ending="")


def _unwritable(out: Path, error: OSError) -> CommandError:
    return CommandError(
        gettext("无法写入文件 %(file)s：%(why)s") % {"file": out, "why": error.strerror}
    )
