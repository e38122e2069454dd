"""What the day of a poll offers: its steps and its files, to whom and in which phases.

Whether a step is allowed is asked of the act itself; here it says who is shown it, and when. The
page of the day is in `admin.day`, the guard pages of the steps in the modules imported here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import details
from ballots.admin import canvass as admin_canvass
from ballots.admin import details as admin_files
from ballots.admin import guard as admin_steps
from ballots.admin import outcome as admin_outcome
from ballots.admin import papers as admin_papers
from ballots.admin import screen as admin_hall
from ballots.admin.guard import COUNTED, StaffRequest
from ballots.facts import outcome, record
from ballots.files import download, package, tables
from ballots.models import BallotBox
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
CONFIRMED = frozenset({Poll.Phase.CONFIRMED})
PUBLISHED = frozenset({Poll.Phase.PUBLISHED})
EVERY = frozenset(Poll.Phase)

View = Callable[[StaffRequest, Poll], HttpResponse]


def _always(poll: Poll, made: BallotBox | None) -> bool:
    return True


def _is_rehearsal(poll: Poll, made: BallotBox | None) -> bool:
    return poll.is_rehearsal


def _has_key(poll: Poll, made: BallotBox | None) -> bool:
    return made is not None


def _is_untouched_second_round(poll: Poll, made: BallotBox | None) -> bool:
    return poll.parent is not None and not poll.journal.exists()


def _is_canvassing(poll: Poll, made: BallotBox | None) -> bool:
    return made is not None and not made.canvassed


def _is_canvassed(poll: Poll, made: BallotBox | None) -> bool:
    return made is not None and made.canvassed


def _lacks_a_run_off(poll: Poll, made: BallotBox | None) -> bool:
    standing = outcome.outcome_of(poll)
    return standing.may_settle and standing.round is None and standing.is_tied


def _lacks_a_supplementary(poll: Poll, made: BallotBox | None) -> bool:
    standing = outcome.outcome_of(poll)
    may = standing.may_settle and standing.round is None
    return may and not standing.is_tied and bool(standing.rest)


def _may_be_decided(poll: Poll, made: BallotBox | None) -> bool:
    return outcome.outcome_of(poll).may_settle


def _is_being_revealed(poll: Poll, made: BallotBox | None) -> bool:
    return not poll.is_revealed


def _waits_for_archiving(poll: Poll, made: BallotBox | None) -> bool:
    is_out = poll.phase == Poll.Phase.VOID or poll.is_revealed
    return is_out and poll.archived_at is None


def _may_be_researched(poll: Poll, made: BallotBox | None) -> bool:
    return details.is_due(poll, record.PABULIB)


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
        "screen",
        _("会场大屏"),
        _("大屏显示投票进度，公布后逐项揭晓结果。"),
        admin_hall.screen,
        roles.is_office,
        EVERY,
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
        admin_canvass.canvass_page,
        of_staff,
        frozenset({Poll.Phase.OPENED}),
        _is_canvassing,
    ),
    Step(
        "alone",
        _("其余推荐项目各自单列"),
        _("尚未处理的推荐项目各自单列一项，不作归并。"),
        admin_canvass.each_alone,
        of_staff,
        frozenset({Poll.Phase.OPENED}),
        _is_canvassing,
        listed=False,
    ),
    Step(
        "ruling",
        _("处理推荐项目"),
        _("逐项处理推荐项目，全部处理完毕并由会务和监票各一人签名后，才能计票。"),
        admin_canvass.rule,
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
        "run-off",
        _("再次票决"),
        _("就得票相同、待定的项目再次票决，沿用名册和投票卡。"),
        admin_outcome.run_off,
        roles.is_office,
        CONFIRMED,
        _lacks_a_run_off,
    ),
    Step(
        "supplementary",
        _("补充票决"),
        _("确定的项目不足时，就其余项目补充票决，沿用名册和投票卡。"),
        admin_outcome.supplementary,
        roles.is_office,
        CONFIRMED,
        _lacks_a_supplementary,
    ),
    Step(
        "decide",
        _("按会议决定登记结果"),
        _("登记会议对待定名额的决定，须会务和监票各一人签名，登记后不能再改。"),
        admin_outcome.decide,
        roles.is_office,
        CONFIRMED,
        _may_be_decided,
    ),
    Step(
        "publish",
        _("公布结果"),
        _("公布后，代表端、大屏和公告同时更新，不能撤回。"),
        admin_outcome.publish,
        roles.is_office,
        CONFIRMED,
    ),
    Step(
        "reveal",
        _("揭晓下一项"),
        _("大屏逐项揭晓；最后一项揭晓后，代表和公众才能看到结果。"),
        admin_outcome.reveal,
        roles.is_office,
        PUBLISHED,
        _is_being_revealed,
    ),
    Step(
        "reveal-all",
        _("全部揭晓"),
        _("大屏一次显示其余各项，代表和公众同时可以看到结果。"),
        admin_outcome.reveal_all,
        roles.is_office,
        PUBLISHED,
        _is_being_revealed,
    ),
    Step(
        "archive",
        _("归档"),
        _("异议期满后办理，须会务和监票各一人签名，不能撤回。"),
        admin_outcome.archive,
        roles.is_office,
        PUBLISHED | {Poll.Phase.VOID},
        _waits_for_archiving,
    ),
    Step(
        "export-ballots",
        _("导出表决票明细"),
        _("逐张列出有效表决票所选的候选项目，次序随机。须写明原因，并记入操作记录。"),
        admin_files.export_ballots,
        roles.is_scrutineer,
        frozenset({Poll.Phase.CONFIRMED, Poll.Phase.PUBLISHED}),
    ),
    Step(
        "export-research",
        _("导出研究数据"),
        _("按 Pabulib 格式导出有效表决票所选的候选项目。须写明原因，并记入操作记录。"),
        admin_files.export_research,
        roles.is_scrutineer,
        COUNTED,
        _may_be_researched,
    ),
    Step(
        "drop",
        _("删除草稿"),
        _("删除还没有生成密钥的再次票决或补充票决草稿，原票决不变。"),
        admin_outcome.drop,
        roles.is_office,
        DRAFT,
        _is_untouched_second_round,
    ),
    Step(
        "fresh",
        _("另建草稿"),
        _("沿用本次的候选项目、规则、名册和投票卡另建一次票决，须重新生成密钥和报到。"),
        admin_outcome.fresh_draft,
        roles.is_office,
        frozenset({Poll.Phase.VOID}),
    ),
    Step(
        "void",
        _("宣布作废"),
        _("作废后不能恢复，票箱不再开启；操作记录和回执编号保留。须会务和监票各一人签名。"),
        admin_outcome.void,
        roles.is_office,
        RUNNING,
    ),
    Step(
        "wipe",
        _("清除演练"),
        _("删除这次演练的名册、表决票、结果和操作记录，不能恢复。代表和投票卡保留。"),
        admin_outcome.wipe,
        roles.is_office,
        EVERY,
        _is_rehearsal,
    ),
)
# What is printed and signed; each is a page of its own, shown with the files.
PAPERS = (
    Step(
        "report",
        _("报告单"),
        _("票决结果报告单，供总监票人、监票人和计票人签名。"),
        admin_papers.report,
        of_staff,
        COUNTED,
    ),
    Step(
        "notice",
        _("公告"),
        _("票决结果公告。文字可以修改，数据不能修改。"),
        admin_papers.notice,
        of_staff,
        COUNTED - {Poll.Phase.COUNTED},
    ),
    Step(
        "words",
        _("宣布词"),
        _("主持人宣读清点报告和票决结果用。"),
        admin_papers.words,
        of_staff,
        COUNTED - {Poll.Phase.COUNTED},
    ),
)
BY_NAME = {step.name: step for step in STEPS}
OFFICES: dict[Callable[[User], bool], Any] = {
    roles.is_office: _("会务人员"),
    roles.is_scrutineer: _("监票人"),
    of_staff: _("会务或监票人员"),
}
# Links that stand apart from the day's ordinary work.
ENDS = ("drop", "void", "wipe")


def anybody_here(user: User) -> bool:
    """Whoever may see the day's page."""
    return True


@dataclass(frozen=True)
class File:
    """A file of the day's page: who may have it, and from which phases on."""

    label: Any
    make: Callable[[Poll], download.Download]
    phases: frozenset[str]
    who: Callable[[User], bool] = anybody_here


FILES: dict[str, File] = {
    "result": File(_("结果（CSV）"), tables.result_csv, COUNTED),
    "summary": File(_("汇总（CSV）"), tables.summary_csv, COUNTED),
    "write-ins": File(_("推荐项目（CSV）"), tables.write_ins_csv, COUNTED),
    "receipts": File(_("回执编号清单（CSV）"), tables.receipts_csv, EVERY - DRAFT - VOTING),
    "turnout": File(_("投票情况（CSV）"), tables.turnout_csv, EVERY),
    "waiting": File(_("未投票代表名单（XLSX）"), tables.waiting_xlsx, VOTING, roles.is_office),
    "attendance": File(_("签到情况表（XLSX）"), tables.attendance_xlsx, EVERY, of_staff),
    "journal": File(_("操作记录（CSV）"), tables.journal_csv, EVERY),
    "package": File(
        _("监票数据包（ZIP，供核验程序使用）"), package.full_package, COUNTED, roles.is_scrutineer
    ),
    "public-package": File(
        _("公开数据包（ZIP，任何人可核验）"),
        package.public_package,
        PUBLISHED,
    ),
}
