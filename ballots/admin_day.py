"""The day of a poll in the admin (票决进程): what its page shows, and which steps it offers.

Which steps there are, to whom and when they are shown, stands in STEPS; whether a step is allowed
is asked of the act itself. The guard pages of the steps are in `admin_steps`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ballots import admin_steps, exports, package, preflight, roles
from ballots.admin_steps import COUNTED, StaffRequest, counted, day, download, figures_of, show
from ballots.lifecycle import StepRefused
from ballots.models import BallotBox, JournalEntry, Result
from projects.models import Poll

DRAFT = frozenset({Poll.Phase.DRAFT})
OPEN = frozenset({Poll.Phase.OPEN})
VOTING = frozenset({Poll.Phase.OPEN, Poll.Phase.PAUSED})
RUNNING = VOTING | {
    Poll.Phase.CLOSED,
    Poll.Phase.OPENED,
    Poll.Phase.COUNTED,
    Poll.Phase.CONFIRMED,
}
EVERY = frozenset(Poll.Phase)

# The stage line (ux.md §9.1) and the phases that lie in each stage.
STAGES = (
    (_("准备"), DRAFT),
    (_("投票"), VOTING),
    (_("截止"), frozenset({Poll.Phase.CLOSED})),
    (_("计票"), frozenset({Poll.Phase.OPENED, Poll.Phase.COUNTED, Poll.Phase.CONFIRMED})),
    (_("公布"), frozenset({Poll.Phase.PUBLISHED})),
)


View = Callable[[StaffRequest, Poll], HttpResponse]


def _always(poll: Poll, made: BallotBox | None) -> bool:
    return True


def _is_rehearsal(poll: Poll, made: BallotBox | None) -> bool:
    return poll.is_rehearsal


def _has_key(poll: Poll, made: BallotBox | None) -> bool:
    return made is not None


def _is_canvassing(poll: Poll, made: BallotBox | None) -> bool:
    return made is not None and not made.canvassed


def _is_canvassed(poll: Poll, made: BallotBox | None) -> bool:
    return made is not None and made.canvassed


def of_staff(user: User) -> bool:
    return roles.is_office(user) or roles.is_scrutineer(user)


@dataclass(frozen=True)
class Step:
    """One step of the day: its address and label, what it does, who takes it, when.

    `fits` looks at the poll and its box where the phase alone does not decide. A step that is not
    `listed` is reached from the page of another one.
    """

    name: str
    label: Any
    words: Any
    view: View
    who: Callable[[User], bool]
    phases: frozenset[str]
    fits: Callable[[Poll, BallotBox | None], bool] = _always
    listed: bool = True


# --- the steps ------------------------------------------------------------------------------------


STEPS = (
    Step(
        "roll",
        _("生成或更新名册"),
        _("按在任代表生成本次票决的名册。开始投票前可以重复办理，已记录的到会不受影响。"),
        admin_steps.draw_up_roll,
        roles.is_office,
        DRAFT,
    ),
    Step(
        "key",
        _("生成票箱密钥"),
        _("密钥分成几份，每位保管人各一份，只显示一次。系统不保存密钥。"),
        admin_steps.make_key,
        of_staff,
        DRAFT,
    ),
    Step(
        "test",
        _("试开票箱密钥"),
        _("请保管人当场输入各自的份额，确认密钥可用。未试开的密钥不能用于投票。"),
        admin_steps.try_key,
        of_staff,
        DRAFT,
        _has_key,
    ),
    Step(
        "presence",
        _("代表报到"),
        _("按代表团记录到会，或在门口扫描投票卡。"),
        admin_steps.presence,
        of_staff,
        DRAFT | VOTING,
    ),
    Step(
        "door",
        _("扫卡报到"),
        _("扫描投票卡上的二维码，或输入投票码，记该代表到会。"),
        admin_steps.door,
        roles.is_office,
        DRAFT | VOTING,
    ),
    Step(
        "open",
        _("开始投票"),
        _("开始后，候选项目、应选项数和票决规则不能再修改。"),
        admin_steps.open_poll,
        roles.is_office,
        DRAFT,
    ),
    Step(
        "close",
        _("截止投票"),
        _("截止后不能再提交。"),
        admin_steps.close,
        roles.is_office,
        VOTING,
    ),
    Step(
        "pause",
        _("暂停投票"),
        _("暂停期间不接受提交，代表已填的内容保留在各自手机上。"),
        admin_steps.pause,
        roles.is_office,
        OPEN,
    ),
    Step(
        "resume",
        _("恢复投票"),
        _("恢复后，代表可以继续提交。"),
        admin_steps.resume,
        roles.is_office,
        frozenset({Poll.Phase.PAUSED}),
    ),
    Step(
        "add",
        _("增补代表"),
        _("投票已开始，只能单个增补代表，并须注明依据，由另一位会务或监票人员签名。"),
        admin_steps.add_to_roll,
        roles.is_office,
        VOTING,
    ),
    Step(
        "rest",
        _("让其余示例代表投票"),
        _("为尚未投票的代表各投一张示例表决票，留下一人。只用于演练。"),
        admin_steps.vote_for_the_rest,
        roles.is_office,
        OPEN,
        _is_rehearsal,
    ),
    Step(
        "rewrite",
        _("重写存储"),
        _("让数据库重写文件，清除投票先后的痕迹。请在开箱前办理，须几秒钟。"),
        admin_steps.rewrite,
        roles.is_office,
        frozenset({Poll.Phase.CLOSED, Poll.Phase.VOID}),
    ),
    Step(
        "box",
        _("开启票箱"),
        _("请保管人当众输入各自的密钥份额。"),
        admin_steps.open_box,
        of_staff,
        frozenset({Poll.Phase.CLOSED}),
    ),
    Step(
        "canvass",
        _("归并推荐项目"),
        _("逐项处理推荐项目，全部处理完毕并由会务和监票各一人签名后，才能计票。"),
        admin_steps.close_canvass,
        of_staff,
        frozenset({Poll.Phase.OPENED}),
        _is_canvassing,
    ),
    Step(
        "alone",
        _("其余推荐项目各自单列"),
        _("尚未处理的推荐项目各自单列一项，不作归并。"),
        admin_steps.each_alone,
        of_staff,
        frozenset({Poll.Phase.OPENED}),
        _is_canvassing,
        listed=False,
    ),
    Step(
        "count",
        _("计票"),
        _("用两种算法各计一次，并核对各项数据。"),
        admin_steps.count,
        roles.is_office,
        frozenset({Poll.Phase.OPENED}),
        _is_canvassed,
    ),
    Step(
        "confirm",
        _("复核计票结果"),
        _("由监票人核对计票数据，确认无误或退回。计票与复核须由不同人员完成。"),
        admin_steps.confirm,
        roles.is_scrutineer,
        frozenset({Poll.Phase.COUNTED}),
    ),
    Step(
        "send-back",
        _("退回"),
        _("退回后重新归并和计票，这次的计票结果保留备查。"),
        admin_steps.send_back,
        roles.is_scrutineer,
        frozenset({Poll.Phase.COUNTED}),
        listed=False,
    ),
    Step(
        "publish",
        _("公布结果"),
        _("公布后，代表和公众立即可以看到，不能撤回。"),
        admin_steps.publish,
        roles.is_office,
        frozenset({Poll.Phase.CONFIRMED}),
    ),
    Step(
        "fresh",
        _("另建草稿"),
        _("沿用本次的候选项目、规则、名册和投票卡另建一次票决，须重新生成密钥和报到。"),
        admin_steps.fresh_draft,
        roles.is_office,
        frozenset({Poll.Phase.VOID}),
    ),
    Step(
        "void",
        _("宣布作废"),
        _("作废后不能恢复，票箱不再开启；操作记录和回执编号保留。须会务和监票各一人签名。"),
        admin_steps.void,
        roles.is_office,
        RUNNING,
    ),
    Step(
        "wipe",
        _("清除演练"),
        _("删除这次演练的名册、表决票、结果和操作记录，不能恢复。代表和投票卡保留。"),
        admin_steps.wipe,
        roles.is_office,
        EVERY,
        _is_rehearsal,
    ),
)
BY_NAME = {step.name: step for step in STEPS}
OFFICES: dict[Callable[[User], bool], Any] = {
    roles.is_office: _("会务人员"),
    roles.is_scrutineer: _("监票人"),
    of_staff: _("会务或监票人员"),
}
# Links that stand apart from the day's ordinary work.
ENDS = ("void", "wipe")


def anybody_here(user: User) -> bool:
    """Whoever may see the day's page."""
    return True


@dataclass(frozen=True)
class File:
    """A file of the day's page: who may have it, and from which phases on."""

    label: Any
    make: Callable[[Poll], exports.Download]
    phases: frozenset[str]
    who: Callable[[User], bool] = anybody_here


FILES: dict[str, File] = {
    "result": File(_("结果（CSV）"), exports.result_csv, COUNTED),
    "summary": File(_("汇总（CSV）"), exports.summary_csv, COUNTED),
    "write-ins": File(_("推荐项目（CSV）"), exports.write_ins_csv, COUNTED),
    "receipts": File(_("回执编号清单（CSV）"), exports.receipts_csv, EVERY - DRAFT - VOTING),
    "turnout": File(_("投票情况（CSV）"), exports.turnout_csv, EVERY),
    "journal": File(_("操作记录（CSV）"), exports.journal_csv, EVERY),
    "package": File(
        _("监票数据包（ZIP，供核验程序使用）"), package.full_package, COUNTED, roles.is_scrutineer
    ),
    "public-package": File(
        _("公开数据包（ZIP，任何人可核验）"),
        package.public_package,
        frozenset({Poll.Phase.PUBLISHED}),
    ),
}


# --- the day's page -------------------------------------------------------------------------------


def day_page(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Everything about the poll that staff may see now, and the one step that comes next."""
    made = BallotBox.objects.filter(poll=poll).first()
    is_draft = poll.phase == Poll.Phase.DRAFT
    findings = preflight.what_is_missing(poll) if is_draft else []
    next_step = BY_NAME.get(_next(poll, made))
    possible = [
        step
        for step in STEPS
        if step.listed and poll.phase in step.phases and step.fits(poll, made) and step != next_step
    ]
    # Asked once for each office and not once for each step.
    may = {who: who(request.user) for who in {step.who for step in STEPS}}
    mine = [step for step in possible if may[step.who]]
    context = {
        "stages": stages(poll),
        "next": next_step,
        "next_is_mine": next_step is not None and may[next_step.who],
        "next_is_blocked": next_step is BY_NAME["open"] and preflight.blocks(findings),
        "next_by": OFFICES[next_step.who] if next_step else "",
        "others": [step for step in mine if step.name not in ENDS],
        "ends": [step for step in mine if step.name in ENDS],
        "findings": findings,
        "changes": [] if is_draft else preflight.changes_since_opening(poll),
        "box": made,
        "figures": figures_of(poll),
        "delegations": exports.turnout_by_delegation(poll),
        "count": counted(poll),
        "confirmed": _confirmed(poll),
        "sent_back": poll.results.exclude(sent_back="").order_by("counted_at"),
        "downloads": [
            {"name": name, "label": file.label}
            for name, file in FILES.items()
            if poll.phase in file.phases and file.who(request.user)
        ],
    }
    return show(request, poll, "day", str(poll), context | {"subtitle": None})


def stages(poll: Poll) -> list[dict[str, Any]]:
    """Return the stage line; a void poll stands at none of its stages."""
    return [
        {"number": number, "label": label, "is_current": poll.phase in phases}
        for number, (label, phases) in enumerate(STAGES, start=1)
    ]


def _next(poll: Poll, made: BallotBox | None) -> str:
    """Return the name of the step that comes next; empty once the result is out."""
    match poll.phase:
        case Poll.Phase.DRAFT:
            return _next_in_draft(poll, made)
        case Poll.Phase.OPEN:
            return "close"
        case Poll.Phase.PAUSED:
            return "resume"
        case Poll.Phase.CLOSED:
            rewritten = poll.journal.filter(kind="storage-rewritten").exists()
            return "box" if rewritten else "rewrite"
        case Poll.Phase.OPENED:
            return "count" if made and made.canvassed else "canvass"
        case Poll.Phase.COUNTED:
            return "confirm"
        case Poll.Phase.CONFIRMED:
            return "publish"
        case Poll.Phase.VOID:
            return "fresh"
    return ""


def _next_in_draft(poll: Poll, made: BallotBox | None) -> str:
    if not poll.roll.exists():
        return "roll"
    if made is None:
        return "key"
    if made.tested_at is None:
        return "test"
    if poll.voters == Poll.Voters.PRESENT and not poll.roll.filter(present=True).exists():
        return "presence"
    return "open"


def _confirmed(poll: Poll) -> list[str]:
    """Return who has confirmed the standing count."""
    if poll.phase not in COUNTED:
        return []
    users = User.objects.filter(
        pk__in=Result.objects.filter(poll=poll, sent_back="").values("confirmations__by")
    )
    return [exports.named(user) for user in users.order_by("username")]


# --- the record -----------------------------------------------------------------------------------


def journal_page(request: StaffRequest, poll: Poll) -> HttpResponse:
    entries = poll.journal.select_related("by", "second").order_by("seq")
    rows = [{"entry": entry, "kind": kind_of(entry), "words": words_of(entry)} for entry in entries]
    return show(request, poll, "journal", gettext("操作记录"), {"rows": rows})


def kind_of(entry: JournalEntry) -> str:
    return str(exports.ACTS.get(entry.kind, entry.kind))


def words_of(entry: JournalEntry) -> str:
    """Return what an entry says, without any votes: a count sent back must stay out of sight."""
    return "；".join(filter(None, [exports.subject(entry), exports.in_words(entry)]))


def download_page(request: StaffRequest, poll: Poll, what: str) -> HttpResponse:
    """Give out one file of the poll to whoever may have it."""
    if what not in FILES:
        raise Http404
    if not FILES[what].who(request.user):
        raise PermissionDenied
    try:
        return download(FILES[what].make(poll))
    except exports.ExportRefused as refusal:
        messages.error(request, str(refusal))
        return day(poll)


# --- in the admin ---------------------------------------------------------------------------------


class PollDayAdmin(admin.ModelAdmin):
    """The list of polls and the pages of each; nothing is added, changed or deleted by a form."""

    list_display = ["__str__", "kind", "phase", "opened_at", "closed_at", "published_at"]
    list_filter = ["kind", "phase", "year"]
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """Only these pages: Django's own forms for a poll have nothing to do here."""
        reading = ["GET", "HEAD"]
        return [
            path(
                "",
                self.admin_site.admin_view(self.changelist_view),
                name="ballots_pollday_changelist",
            ),
            self._path("", "change", day_page, reading),
            self._path("journal/", "journal", journal_page, reading),
            self._path("download/<str:what>/", "download", download_page, reading),
            *[
                self._path(f"{step.name}/", step.name, _gated(step), [*reading, "POST"])
                for step in STEPS
            ],
        ]

    def _path(
        self, route: str, name: str, view: Callable[..., HttpResponse], methods: Iterable[str]
    ) -> URLPattern:
        @require_http_methods(list(methods))
        @sensitive_post_parameters()
        def page(request: HttpRequest, poll_id: int, **kwargs: str) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            return view(request, get_object_or_404(Poll, pk=poll_id), **kwargs)

        return path(
            f"<int:poll_id>/{route}",
            self.admin_site.admin_view(page),
            name=f"ballots_pollday_{name}",
        )


def _gated(step: Step) -> View:
    """Return the step's view for those who take it, while it can be taken.

    The acts ask the same again under their lock; here it spares people a page of no use to them.
    """

    def page(request: StaffRequest, poll: Poll) -> HttpResponse:
        if not step.who(request.user):
            raise PermissionDenied
        made = BallotBox.objects.filter(poll=poll).first()
        if poll.phase not in step.phases or not step.fits(poll, made):
            messages.error(request, str(StepRefused("wrong-phase")))
            return day(poll)
        request.step = step
        return step.view(request, poll)

    return page
