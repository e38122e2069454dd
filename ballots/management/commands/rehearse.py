"""A rehearsal of the whole day over real HTTP, whose count is known beforehand."""

import asyncio
import contextlib
import ipaddress
import random
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext

from ballots import roles
from ballots.acts import canvass, lifecycle, rehearsal
from ballots.facts import polls
from ballots.management.commands._rehearsed import (
    Outcome,
    Plan,
    differences,
    measures,
    verdict,
)
from ballots.management.commands._stage import THRESHOLD, Stage, set_stage
from ballots.management.commands._steps import ReadyCommand, track
from ballots.management.commands._visitor import VisitFailed, Visitor
from ballots.models import Delegate, rules_of
from ballots.pure.rules import Selection
from ballots.refusal import Refused
from projects.models import Poll

try:
    import resource
except ImportError:  # Windows, where nothing limits the connections of a program.
    resource = None  # type: ignore[assignment]

MEETING = "压力演练（示例）"
MOST_DELEGATES = 5000
# Seconds; longer than any hall would wait.
LONGEST_WINDOW = 3600
LONGEST_THINKING = 600


class Command(ReadyCommand):
    help = "全流程演练：按实际到场的快慢经网络投票，核对计票，报告各步用时并给出结论"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--delegates", type=int, default=350, metavar="N", help=gettext("代表人数")
        )
        parser.add_argument(
            "--url", required=True, metavar="URL", help=gettext("网站地址，须是同一数据库")
        )
        parser.add_argument(
            "--window",
            type=float,
            default=10,
            metavar="SECONDS",
            help=gettext("全部代表在多少秒内陆续到场，0为同一瞬间"),
        )
        parser.add_argument(
            "--think",
            type=float,
            default=0,
            metavar="SECONDS",
            help=gettext("每次按下按钮前平均看多少秒"),
        )
        parser.add_argument("--user", metavar="NAME", help=gettext("会务用户名（示例中为 office）"))
        parser.add_argument(
            "--second", metavar="NAME", help=gettext("监票用户名（示例中为 scrutineer）")
        )
        parser.add_argument("--allow-host", metavar="HOST", help=gettext("允许这个非内网的主机"))
        parser.add_argument("--keep", action="store_true", help=gettext("演练后不清除"))
        forms = parser.add_mutually_exclusive_group()
        for name, form, words in (
            ("--each", Poll.Form.EACH, gettext("逐项赞成、反对、弃权")),
            ("--grades", Poll.Form.GRADES, gettext("满意度测评")),
        ):
            forms.add_argument(name, dest="form", action="store_const", const=form, help=words)

    def handle(self, *args: Any, **options: Any) -> None:
        plan = Plan(options["delegates"], options["window"], options["think"])
        demand_sensible(plan)
        site = allowed_site(options["url"], options["allow_host"])
        office = staff(options["user"], "office", roles.is_office)
        scrutineer = staff(options["second"], "scrutineer", roles.is_scrutineer)
        if Poll.objects.real().taking_ballots().exists():
            raise CommandError(gettext("正式票决正在投票，不能在同一数据库演练。"))
        form = options["form"] or Poll.Form.CHOOSE
        with ended_as_by_hand():
            if clear_away(by=office):
                self.stdout.write(gettext("已清除上一次演练留下的数据。"))
            try:
                faults = self.rehearse(plan, site, office, scrutineer, form=form)
            except Refused as refusal:
                raise CommandError(str(refusal)) from None
            except KeyboardInterrupt:
                raise CommandError(gettext("演练已中断。")) from None
            finally:
                self.leave(office, keep=options["keep"])
        if faults:
            raise CommandError(
                gettext("演练不通过。") + "".join(f"\n✗ {fault}" for fault in faults)
            )
        self.stdout.write(gettext("演练通过：计票与所投一致。"))

    def rehearse(
        self, plan: Plan, site: SplitResult, office: User, scrutineer: User, *, form: str
    ) -> list[str]:
        """Hold the whole vote, print the measures and return what does not agree."""
        with transaction.atomic():
            stage = set_stage(
                rehearsal.enrol_crowd(plan.delegates, by=office),
                by=office,
                scrutineer=scrutineer,
                meeting=MEETING,
                rules_name=MEETING,
                form=form,
            )
        poll = stage.poll
        ballots = rehearsal.sample_ballots(plan.delegates, rules_of(poll), polls.candidates(poll))
        outcome = asyncio.run(self.visit_all(site, stage, ballots, plan))
        for line in measures(outcome):
            self.stdout.write(line)
        lifecycle.close_poll(poll, by=office)
        if outcome.acknowledged:
            asyncio.run(look_at_board(site, poll, outcome))
        lifecycle.open_box(poll, texts=stage.shares[:THRESHOLD], by=scrutineer)
        if poll.write_ins.exists():
            canvass.rule_each_alone(poll, by=office)
            canvass.close_canvass(poll, by=office, second=scrutineer)
        faults = list(differences(outcome, lifecycle.count_poll(poll, by=office)))
        for line in verdict(plan, outcome, in_office=real_delegates(), exact=not faults):
            self.stdout.write(line)
        return faults

    async def visit_all(
        self, site: SplitResult, stage: Stage, ballots: Sequence[Selection], plan: Plan
    ) -> Outcome:
        """Send every delegate with his ballot, each at a random moment of the window."""
        lift_limit_of_connections()
        outcome = Outcome()
        start = asyncio.get_running_loop().time()

        async def attempt(code: str, ballot: Selection) -> None:
            visitor = Visitor(site, think=plan.think)
            # Not for secrets: nothing but the load hangs on it.
            arrival = start + plan.window * random.random()  # noqa: S311
            try:
                visit = await visitor.vote(code, ballot, arrival=arrival)
                outcome.acknowledged[visit.receipt] = ballot
            except (VisitFailed, OSError) as failure:
                outcome.errors[str(failure) or type(failure).__name__] += 1
            outcome.visits.append(visitor.visit)

        visits = [
            asyncio.ensure_future(attempt(card.code, ballot))
            for card, ballot in zip(stage.cards, ballots, strict=True)
        ]
        shown = track(
            asyncio.as_completed(visits),
            total=len(visits),
            what=gettext("投票"),
            unit=gettext("张"),
            out=self.stdout,
        )
        for visit in shown:
            await visit
        outcome.seconds = asyncio.get_running_loop().time() - start
        return outcome

    def leave(self, office: User, *, keep: bool) -> None:
        """Clear away what was made, or make sure that nobody of it lands on a real roll."""
        if keep:
            crowd = Delegate.objects.filter(delegation__name=rehearsal.CROWD)
            crowd.update(status=Delegate.Status.ENDED)
        else:
            clear_away(by=office)


def demand_sensible(plan: Plan) -> None:
    """Raise CommandError for a rehearsal that nobody can mean."""
    if not 1 <= plan.delegates <= MOST_DELEGATES:
        raise CommandError(gettext("代表人数应为1至%(most)d。") % {"most": MOST_DELEGATES})
    if not 0 <= plan.window <= LONGEST_WINDOW or not 0 <= plan.think <= LONGEST_THINKING:
        raise CommandError(
            gettext("到场时间应为0至%(window)d秒，查看时间应为0至%(think)d秒。")
            % {"window": LONGEST_WINDOW, "think": LONGEST_THINKING}
        )


@contextlib.contextmanager
def ended_as_by_hand() -> Iterator[None]:
    """Let `kill` and a terminal that closes end the work as Ctrl+C does: it clears away first."""
    signals = [
        signal.SIGTERM,
        *(getattr(signal, name) for name in ["SIGHUP"] if hasattr(signal, name)),
    ]
    before = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def lift_limit_of_connections() -> None:
    """Allow as many open connections as this system lets anybody have: a visitor keeps his own."""
    if resource is not None:
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def look_at_board(site: SplitResult, poll: Poll, outcome: Outcome) -> None:
    """Note which receipts the site tells everybody after the close."""
    try:
        outcome.board = await Visitor(site).board(f"poll={poll.pk}")
    except (VisitFailed, OSError) as failure:
        outcome.errors[str(failure) or type(failure).__name__] += 1


def real_delegates() -> int:
    """Return how many delegates in office the register has beside those of the rehearsal."""
    active = Delegate.objects.filter(status=Delegate.Status.ACTIVE)
    return active.exclude(delegation__name=rehearsal.CROWD).count()


def allowed_site(url: str, allowed: str | None) -> SplitResult:
    """Return the parsed `url` if it is of this machine or its own network, or of `allowed`."""
    site = urlsplit(url)
    try:
        port = site.port
    except ValueError:
        port = -1
    if site.scheme not in {"http", "https"} or not site.hostname or port == -1:
        raise CommandError(gettext("网址应如 http://127.0.0.1:8000 。"))
    if site.hostname == allowed:
        return site
    try:
        found = socket.getaddrinfo(site.hostname, None)
    except OSError:
        raise CommandError(gettext("无法解析主机 %(host)s。") % {"host": site.hostname}) from None
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not all(address.is_private for address in addresses):
        raise CommandError(
            gettext("%(host)s不是本机或内网地址；确需演练请加 --allow-host %(host)s")
            % {"host": site.hostname}
        )
    return site


def staff(name: str | None, of_the_demo: str, has_office: Callable[[User], bool]) -> User:
    """Return the member of staff `name`, or in the demo the one of that name."""
    if name is None and not settings.DEMO:
        raise CommandError(gettext("请用 --user 和 --second 写明会务和监票的用户名。"))
    name = name or of_the_demo
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(gettext("没有用户“%(name)s”。") % {"name": name})
    if not has_office(user):
        raise CommandError(gettext("用户“%(name)s”不是会务或监票人员。") % {"name": name})
    return user


@transaction.atomic
def clear_away(*, by: User) -> bool:
    """Remove what a rehearsal made, also one that was killed; tell whether there was anything."""
    left = list(Poll.objects.filter(kind=Poll.Kind.REHEARSAL, rules_name=MEETING))
    for poll in left:
        rehearsal.wipe_rehearsal(poll, by=by)
    gone = rehearsal.dismiss_crowd(by=by)
    return bool(left or gone)
