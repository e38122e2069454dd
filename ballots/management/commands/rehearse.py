"""A rehearsal of the whole day over real HTTP, in parallel, whose count is known beforehand."""

import ipaddress
import math
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext

from ballots import roles
from ballots.acts import canvass, lifecycle, rehearsal
from ballots.acts.cards import IssuedCard
from ballots.facts import polls
from ballots.management.commands._stage import MARK, THRESHOLD, Stage, set_stage
from ballots.management.commands._steps import ReadyCommand, track
from ballots.management.commands._visitor import Visit, VisitFailed, Visitor
from ballots.models import AccessCard, Delegate, Delegation, Result, rules_of
from ballots.pure.roll_table import RollRow
from ballots.pure.rules import Selection
from ballots.refusal import Refused
from projects.models import Poll

DELEGATION = f"{MARK}演练代表团"
MEETING = "压力演练（示例）"
MOST_DELEGATES = 5000


@dataclass
class Outcome:
    """What came of the visits: who got a receipt for which ballot, and what failed."""

    acknowledged: dict[str, Selection] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


class Command(ReadyCommand):
    help = "全流程演练：经网络并发投票，核对计票，报告速度"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--delegates", type=int, default=350, metavar="N", help=gettext("代表人数")
        )
        parser.add_argument(
            "--url", required=True, metavar="URL", help=gettext("网站地址，须是同一数据库")
        )
        parser.add_argument(
            "--parallel", type=int, default=16, metavar="P", help=gettext("同时几人")
        )
        parser.add_argument("--user", metavar="NAME", help=gettext("会务用户名（示例中为 office）"))
        parser.add_argument(
            "--second", metavar="NAME", help=gettext("监票用户名（示例中为 scrutineer）")
        )
        parser.add_argument("--allow-host", metavar="HOST", help=gettext("允许这个非内网的主机"))
        parser.add_argument("--keep", action="store_true", help=gettext("演练后不清除"))
        parser.add_argument("--each", action="store_true", help=gettext("逐项赞成、反对、弃权"))

    def handle(self, *args: Any, **options: Any) -> None:
        count, parallel = options["delegates"], options["parallel"]
        if not 1 <= count <= MOST_DELEGATES or not 1 <= parallel <= 500:
            raise CommandError(
                gettext("代表人数应为1至%(most)d，同时人数应为1至500。") % {"most": MOST_DELEGATES}
            )
        site = allowed_site(options["url"], options["allow_host"])
        office = staff(options["user"], "office", roles.is_office)
        scrutineer = staff(options["second"], "scrutineer", roles.is_scrutineer)
        if Poll.objects.real().taking_ballots().exists():
            raise CommandError(gettext("正式票决正在投票，不能在同一数据库演练。"))
        clear_away(by=office)
        try:
            form = Poll.Form.EACH if options["each"] else Poll.Form.CHOOSE
            faults = self.rehearse(count, parallel, site, office, scrutineer, form=form)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        finally:
            if options["keep"]:
                # The poll stays to be looked at; its people must not land on the next real roll.
                Delegate.objects.filter(delegation__name=DELEGATION).update(
                    status=Delegate.Status.ENDED
                )
            else:
                clear_away(by=office)
        if faults:
            raise CommandError(
                gettext("演练不通过。") + "".join(f"\n✗ {fault}" for fault in faults)
            )
        self.stdout.write(gettext("演练通过：计票与所投一致。"))

    def rehearse(
        self,
        count: int,
        parallel: int,
        site: SplitResult,
        office: User,
        scrutineer: User,
        *,
        form: str,
    ) -> list[str]:
        """Hold the whole vote, print the measures and return what does not agree."""
        stage = set_stage(
            sample_rows(count),
            by=office,
            scrutineer=scrutineer,
            meeting=MEETING,
            rules_name=MEETING,
            form=form,
        )
        poll = stage.poll
        ballots = rehearsal.sample_ballots(count, rules_of(poll), polls.candidates(poll))
        outcome = self.visit_all(site, stage, ballots, parallel)
        for line in measures(outcome):
            self.stdout.write(line)
        lifecycle.close_poll(poll, by=office)
        lifecycle.open_box(poll, texts=stage.shares[:THRESHOLD], by=scrutineer)
        if poll.write_ins.exists():
            canvass.rule_each_alone(poll, by=office)
            canvass.close_canvass(poll, by=office, second=scrutineer)
        return list(differences(outcome, lifecycle.count_poll(poll, by=office), poll))

    def visit_all(
        self, site: SplitResult, stage: Stage, ballots: Sequence[Selection], parallel: int
    ) -> Outcome:
        """Send every delegate with his ballot, `parallel` at a time."""

        def attempt(card: IssuedCard, ballot: Selection) -> Visit | str:
            try:
                return Visitor(site).vote(card.code, ballot)
            except (VisitFailed, OSError) as failure:
                return str(failure) or type(failure).__name__

        outcome = Outcome()
        start = time.perf_counter()
        with ThreadPoolExecutor(max_workers=parallel) as pool:
            answers = pool.map(attempt, stage.cards, ballots)
            shown = track(
                answers,
                total=len(ballots),
                what=gettext("投票"),
                unit=gettext("张"),
                out=self.stdout,
            )
            for ballot, answer in zip(ballots, shown, strict=True):
                if isinstance(answer, str):
                    outcome.errors[answer] += 1
                else:
                    outcome.visits.append(answer)
                    outcome.acknowledged[answer.receipt] = ballot
        outcome.seconds = time.perf_counter() - start
        return outcome


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


def sample_rows(count: int) -> list[RollRow]:
    return [
        RollRow(
            line=position + 1,
            number=f"YL{position:04}",
            name=f"{MARK}{position:04}",
            delegation=DELEGATION,
        )
        for position in range(1, count + 1)
    ]


@transaction.atomic
def clear_away(*, by: User) -> None:
    """Remove what a rehearsal made, also one that was broken off: poll, cards and delegates."""
    for poll in Poll.objects.filter(kind=Poll.Kind.REHEARSAL, rules_name=MEETING):
        rehearsal.wipe_rehearsal(poll, by=by)
    ours = Delegate.objects.filter(delegation__name=DELEGATION, roll_entries__isnull=True)
    AccessCard.objects.filter(delegate__in=ours).delete()
    ours.delete()
    Delegation.objects.filter(name=DELEGATION, delegates__isnull=True).delete()


def measures(outcome: Outcome) -> Iterator[str]:
    """Yield throughput and the percentiles of each step, in milliseconds."""
    cast = len(outcome.visits)
    yield gettext("%(cast)d张表决票，用时%(seconds).1f秒，每秒%(rate).1f张") % {
        "cast": cast,
        "seconds": outcome.seconds,
        "rate": cast / outcome.seconds if outcome.seconds else 0,
    }
    yield f"{gettext('步骤'):　<4}  {'p50':>8} {'p95':>8} {'p99':>8}  ms"
    for step in outcome.visits[0].seconds if outcome.visits else ():
        times = sorted(visit.seconds[step] for visit in outcome.visits)
        shown = " ".join(f"{1000 * percentile(times, part):8.1f}" for part in (50, 95, 99))
        yield f"{step:　<4}  {shown}"
    if not outcome.visits:
        yield gettext("没有一人投票成功，请确认网站已启动、使用同一数据库和同一 SECRET_KEY。")
    for words, times_seen in outcome.errors.most_common(10):
        yield gettext("失败%(count)d次：%(words)s") % {"count": times_seen, "words": words}


def percentile(times: Sequence[float], part: int) -> float:
    """Return the least of the sorted `times` that `part` percent of them do not exceed."""
    return times[max(0, math.ceil(len(times) * part / 100) - 1)]


def differences(outcome: Outcome, result: Result, poll: Poll) -> Iterator[str]:
    """Yield where box and count differ from the ballots for which there was a receipt."""
    if outcome.errors:
        yield gettext("有%(count)d次失败") % {"count": outcome.errors.total()}
    codes = set(poll.sealed_ballots.values_list("code", flat=True))
    if codes != set(outcome.acknowledged):
        yield gettext("回执编号与票箱不符（回执%(said)d，票箱%(kept)d）") % {
            "said": len(outcome.acknowledged),
            "kept": len(codes),
        }
    cast = outcome.acknowledged.values()
    figures = result.figures
    expected: Counter[str] = Counter()
    opposed: Counter[str] = Counter()
    for ballot in cast:
        opposed.update(str(number) for number in ballot.against)
        expected.update(str(number) for number in ballot.chosen)
        expected.update(proposal.title for proposal in ballot.proposals)
    counted = {
        item["item"] if item["source"] == "candidate" else item["title"]: item["votes"]
        for item in figures["items"]
    }
    for key in sorted(expected.keys() | counted.keys()):
        if expected[key] != counted.get(key, 0):
            yield gettext("“%(key)s”应为%(expected)d票，计得%(counted)d票") % {
                "key": key,
                "expected": expected[key],
                "counted": counted.get(key, 0),
            }
    for item in figures["items"]:
        if item["against"] != opposed[item["item"]]:
            yield gettext("“%(key)s”应为反对%(expected)d票，计得%(counted)d票") % {
                "key": item["item"],
                "expected": opposed[item["item"]],
                "counted": item["against"],
            }
    blank = sum(1 for ballot in cast if ballot.is_blank)
    if (figures["turnout"]["valid"], figures["turnout"]["blank"]) != (len(cast), blank):
        yield gettext("有效票或弃权票的张数不符")
    for check in figures["checks"]:
        if not check["holds"]:
            yield check["name"]
