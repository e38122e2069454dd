"""The demo: an open rehearsal with sample delegates, for a tour of five minutes (design §9)."""

import csv
import io
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections, transaction
from django.utils.translation import gettext

from ballots import roles
from ballots.acts import rehearsal, sign_in
from ballots.acts.cards import IssuedCard, issue_cards, reissue_card
from ballots.acts.register.importing import import_roll
from ballots.facts.checks import site_checks
from ballots.management.commands._stage import MARK, THRESHOLD, Stage, set_stage
from ballots.management.commands._steps import person, the_poll, track, write_whole
from ballots.models import AccessCard, Delegate
from ballots.pure import card_code
from ballots.pure.roll_table import RollRow
from ballots.refusal import Refused
from projects.models import Poll
from projects.phases import Phase
from yiwu_vote.machine import serving

# The name of the rules by which the demo knows its own poll among other rehearsals.
RULES_NAME = "票决办法（示例）"
DELEGATIONS = [f"{MARK}第{numeral}代表团" for numeral in "一二三四五"]
USUAL, MOST = 20, 2000
STAFF = {
    "office": ("示例会务甲", [roles.OFFICE]),
    "office2": ("示例会务乙", [roles.OFFICE]),
    "scrutineer": ("示例监票甲", [roles.SCRUTINEER, roles.CHIEF]),
    "scrutineer2": ("示例监票乙", [roles.SCRUTINEER]),
}
ANEW = "重新生成示例数据"
HOST = "127.0.0.1"
# Without the letters and digits that look like each other.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
CARDS = ("代表证号", "姓名", "代表团", "投票码", "链接")


class Command(BaseCommand):
    help = "创建示例（演练）并说明如何试用；DEMO=1 时可用"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--delegates", type=int, default=USUAL, metavar="N", help=gettext("示例代表人数")
        )
        forms = parser.add_mutually_exclusive_group()
        forms.add_argument(
            "--each",
            dest="form",
            action="store_const",
            const=Poll.Form.EACH,
            help=gettext("示例逐项表决：赞成、反对、弃权"),
        )
        forms.add_argument(
            "--grades",
            dest="form",
            action="store_const",
            const=Poll.Form.GRADES,
            help=gettext("示例满意度测评：满意、基本满意、不满意"),
        )
        parser.add_argument(
            "--vote",
            action="store_true",
            help=gettext("让其余示例代表投票（留一人），可用于任何演练"),
        )
        parser.add_argument("--serve", action="store_true", help=gettext("随后启动网站"))
        parser.add_argument(
            "--poll", type=int, metavar="ID", help=gettext("与 --vote 同用：哪个演练")
        )
        parser.add_argument(
            "--user", default="office", metavar="NAME", help=gettext("与 --vote 同用：会务用户名")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        demo = None
        if options["serve"]:
            demand_free_port()
        try:
            if settings.DEMO:
                demo = self.prepare(options["delegates"], options["form"], serves=options["serve"])
            elif not options["vote"] or options["serve"]:
                raise CommandError(gettext("示例只在设置了 DEMO=1 时创建，不会写入正式的数据库。"))
            if options["vote"]:
                self.vote(demo, options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        if demo is not None:
            self.tell(demo)
        if options["serve"]:
            self.serve()

    # --- data -------------------------------------------------------------------------------------

    def prepare(self, count: int, form: str | None, *, serves: bool) -> Poll:
        """Make the demo unless it is there with its files; running again changes nothing."""
        if not 1 <= count <= MOST:
            raise CommandError(gettext("示例代表人数应为1至%(most)d。") % {"most": MOST})
        call_command("migrate", interactive=False, verbosity=0)
        poll = standing_demo()
        if poll is not None and files_fit(poll):
            if serves or {"PORT", "PUBLIC_URL"} & set(os.environ):
                refresh_links()
            there = len(read_csv("cards.csv"))
            if count not in {USUAL, there}:
                self.stdout.write(gettext("示例已有%(count)d名代表，保持不变。") % {"count": there})
            if form not in {None, poll.form}:
                self.stdout.write(
                    gettext("示例的表决方式是“%(form)s”，保持不变。")
                    % {"form": poll.get_form_display()}
                )
            return poll
        if poll is not None:
            self.stdout.write(gettext("示例的文件不在或与数据库不符，重新生成示例。"))
        stage, passwords = make_demo(count, form or Poll.Form.CHOOSE)
        write_files(stage, passwords)
        return stage.poll

    def vote(self, demo: Poll | None, options: dict[str, Any]) -> None:
        """Let the others vote, in the demo or in any rehearsal that is open."""
        if demo is None or options["poll"] is not None:
            poll = the_poll(options["poll"], (Phase.OPEN,))
        else:
            poll = demo
        if not poll.is_rehearsal:
            raise rehearsal.refused("not-rehearsal")
        by = person(options["user"], poll)

        def shown(voters: Sequence[AccessCard]) -> Iterator[AccessCard]:
            return track(
                voters,
                total=len(voters),
                what=gettext("示例代表投票"),
                unit=gettext("张"),
                out=self.stdout,
            )

        rehearsal.vote_for_the_rest(poll, by=by, track=shown)

    # --- words ------------------------------------------------------------------------------------

    def tell(self, poll: Poll) -> None:
        """Print where to go, who may log in, five cards and the tour."""
        rows = read_csv("cards.csv")
        staff = read_csv("staff.csv")
        site = settings.PUBLIC_URL
        day = f"{site}/admin/ballots/pollday/{poll.pk}/"
        folder = demo_folder()
        lines = [
            "",
            gettext("%(meeting)s　民生实事项目票决（演练，不计票）") % {"meeting": poll.meeting},
            gettext("网站　%(site)s/") % {"site": site},
            gettext("管理　%(site)s/admin/") % {"site": site},
            "",
            gettext("工作人员（用户名　密码）"),
            *[f"  {row['username']:<12} {row['password']}" for row in staff],
            "",
            gettext("投票卡（共%(count)d张，见 %(file)s）")
            % {"count": len(rows), "file": folder / "cards.csv"},
            *[
                f"  {row['姓名']}  {card_code.grouped(row['投票码'])}  {row['链接']}"
                for row in rows[:5]
            ],
            "",
            gettext("五分钟走一遍："),
            gettext("  1. 用上面两张卡各投一票：打开链接，勾选、核对、提交，记下回执编号。"),
            gettext("  2. 以 office 登录 %(day)s，按“让其余示例代表投票”。") % {"day": day},
            gettext("     也可在另一终端运行：%(command)s demo --vote")
            % {"command": command_line()},
            gettext("  3. 在同一页面截止投票，再用 %(file)s 中任意%(needed)d份开启票箱。")
            % {"file": folder / "shares.txt", "needed": THRESHOLD},
            gettext("  4. 归并推荐项目，会务和监票各一人签名结束，然后计票。"),
            gettext("  5. 以 scrutineer 登录复核，再以 office 登录公布。"),
            gettext("  6. 看哪些项目过半数通过：%(site)s/results/ ；表格在“票决进程”页面下载。")
            % {"site": site},
            gettext("要从头再来：删除 %(folder)s，再运行一次。") % {"folder": settings.VAR_DIR},
            "",
        ]
        for line in lines:
            self.stdout.write(line)

    # --- server -----------------------------------------------------------------------------------

    def serve(self) -> None:
        """Become the web server; nothing of this process is left but its number."""
        call_command("collectstatic", interactive=False, verbosity=0)
        workers = site_checks.fitting_workers()
        self.stdout.write(
            gettext("网站已启动，按 Ctrl+C 结束：%(site)s/") % {"site": settings.PUBLIC_URL}
        )
        self.stdout.flush()
        connections.close_all()
        serving.become(serving.command(HOST, port()), workers=workers)


def command_line() -> str:
    """Return how to type a command about this very demo, with the settings now in force."""
    near = os.path.relpath(sys.executable)
    names = ("DEMO", "PORT", "DATABASE_URL", "VAR_DIR", "PUBLIC_URL")
    given = [f"{name}={quote(os.environ[name])}" for name in names if os.environ.get(name)]
    return " ".join([*given, sys.executable if near.startswith("..") else near, "manage.py"])


def port() -> int:
    return int(os.environ.get("PORT") or 8000)


def demand_free_port() -> None:
    """Raise CommandError if another program already answers where the site would."""
    if serving.why_not(HOST, port()):
        raise CommandError(
            gettext(
                "端口%(port)d已被占用。请结束占用它的程序，或换一个端口：make run PORT=%(next)d"
            )
            % {"port": port(), "next": port() + 1}
        )


def standing_demo() -> Poll | None:
    # The oldest of that name: what somebody copied of the demo is not the demo.
    demos = Poll.objects.filter(kind=Poll.Kind.REHEARSAL, rules_name=RULES_NAME)
    return demos.order_by("pk").first()


@transaction.atomic
def make_demo(count: int, form: str) -> tuple[Stage, dict[str, str]]:
    """Make the demo's staff, delegates and poll in place of an earlier demo; return the passwords.

    Refuses a database that anybody may already need: one with a real poll that has begun, or with
    delegates who are not samples.
    """
    others = Delegate.objects.exclude(delegation__name__startswith=MARK)
    if others.exists() or Poll.objects.real().exclude(phase=Phase.DRAFT).exists():
        raise CommandError(gettext("数据库中已有正式的代表名册或票决，不能创建示例。"))
    passwords = {name: new_password() for name in STAFF}
    staff = {name: make_staff(name, password) for name, password in passwords.items()}
    office, scrutineer = staff["office"], staff["scrutineer"]
    for poll in Poll.objects.filter(kind=Poll.Kind.REHEARSAL, rules_name=RULES_NAME):
        rehearsal.wipe_rehearsal(poll, by=office)
    Delegate.objects.update(status=Delegate.Status.ENDED)
    cards = enrolled(sample_rows(count), by=office, second=scrutineer)
    stage = set_stage(cards, by=office, scrutineer=scrutineer, rules_name=RULES_NAME, form=form)
    return stage, passwords


def enrolled(rows: Sequence[RollRow], *, by: User, second: User) -> list[IssuedCard]:
    """Enrol the delegates of `rows`; return a fresh card of each, in their order."""
    import_roll(rows, by=by, add_delegations=True)
    numbers = [row.number for row in rows]
    Delegate.objects.filter(number__in=numbers).update(status=Delegate.Status.ACTIVE)
    delegates = list(Delegate.objects.filter(number__in=numbers).order_by("number"))
    cards = [
        # Of a card made before only digests are left, so that its holder gets another.
        reissue_card(delegate, reason=ANEW, by=by, second=second)
        for delegate in delegates
        if delegate.card_number
    ]
    cards += issue_cards(delegates, by=by)
    return sorted(cards, key=lambda card: card.delegate.number)


def new_password() -> str:
    return "".join(secrets.choice(LETTERS) for _place in range(14))


def make_staff(name: str, password: str) -> User:
    full_name, groups = STAFF[name]
    user, _made = User.objects.get_or_create(username=name)
    user.first_name, user.is_staff, user.is_active = full_name, True, True
    user.set_password(password)
    user.save()
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def sample_rows(count: int) -> list[RollRow]:
    """Return `count` sample delegates, neighbours in one delegation."""
    digits = max(2, len(str(count)))
    in_each = -(-count // len(DELEGATIONS))
    return [
        RollRow(
            line=position + 1,
            number=f"{position:0{max(3, digits)}}",
            name=f"{MARK}代表{position:0{digits}}",
            delegation=DELEGATIONS[(position - 1) // in_each],
            order=position,
        )
        for position in range(1, count + 1)
    ]


# --- the files of the demo ------------------------------------------------------------------------


def demo_folder() -> Path:
    return Path(settings.VAR_DIR) / "demo"


def write_files(stage: Stage, passwords: dict[str, str]) -> None:
    folder = demo_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    write_csv(
        "cards.csv",
        CARDS,
        [
            [
                card.delegate.number,
                card.delegate.name,
                card.delegate.delegation.name,
                card.code,
                f"{settings.PUBLIC_URL}/k/{card.token}/",
            ]
            for card in stage.cards
        ],
    )
    write_csv(
        "staff.csv",
        ("username", "password", "role"),
        [[name, password, name] for name, password in passwords.items()],
    )
    write_private("shares.txt", "".join(f"{share}\n" for share in stage.shares))


def write_csv(name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    # For programs first: no BOM, no guards against formulas, the code in one piece.
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    write_private(name, out.getvalue())


def write_private(name: str, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    write_whole(demo_folder() / name, [text.encode()], private=True)


def read_csv(name: str) -> list[dict[str, str]]:
    with (demo_folder() / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files_fit(poll: Poll) -> bool:
    """Tell whether the files are there and their cards are those of `poll` in this database."""
    folder = demo_folder()
    if not all((folder / name).exists() for name in ("cards.csv", "shares.txt", "staff.csv")):
        return False
    rows = read_csv("cards.csv")
    card = sign_in.card_by_token(token_of(rows[0]["链接"])) if rows else None
    return card is not None and poll.roll.filter(delegate=card.delegate_id).exists()


def refresh_links() -> None:
    """Write the links anew where the site is at another address than last time."""
    rows = read_csv("cards.csv")
    fresh = [row | {"链接": f"{settings.PUBLIC_URL}/k/{token_of(row['链接'])}/"} for row in rows]
    if fresh != rows:
        write_csv("cards.csv", CARDS, [[row[name] for name in CARDS] for row in fresh])


def token_of(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]
