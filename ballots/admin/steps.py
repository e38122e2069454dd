"""What the day of a poll offers, in its order: steps, papers and files.

Each step and paper is declared beside its view; here it stands in the order of the day. The page
that shows them is in `admin.day`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.admin import (
    canvass,
    counting,
    details,
    ending,
    opening,
    outcome,
    papers,
    preparing,
    voting,
)
from ballots.admin.guard import Day, always
from ballots.admin.paper import issuing, keying, printing, sealing
from ballots.admin.register import presence
from ballots.files import package, tables, workbook
from ballots.files.download import Download, Streamed
from projects.models import Poll
from projects.phases import COUNTED, DRAFT, EVERY, VOTING

STEPS = (
    preparing.draw_up_roll,
    preparing.make_key,
    preparing.try_key,
    presence.presence,
    presence.confirm_presence,
    presence.door,
    presence.everybody,
    opening.open_poll,
    voting.close,
    voting.close_apart,
    voting.pause,
    voting.resume,
    voting.move_deadline,
    voting.screen,
    voting.add_to_roll,
    presence.lower_presence,
    voting.correct_details,
    voting.vote_for_the_rest,
    issuing.issue_papers,
    issuing.take_back_papers,
    issuing.exchange_papers,
    counting.rewrite,
    sealing.count_papers,
    keying.key_papers,
    keying.key_paper,
    keying.compare_papers,
    keying.rule_papers,
    sealing.seal_papers,
    counting.open_box,
    canvass.canvass_page,
    canvass.each_alone,
    canvass.rule,
    canvass.rule_several,
    counting.count_poll,
    counting.confirm,
    counting.send_back,
    outcome.run_off,
    outcome.supplementary,
    outcome.decide,
    outcome.publish,
    outcome.reveal,
    outcome.reveal_all,
    ending.archive,
    ending.destroy_cards,
    details.export_package,
    details.export_ballots,
    details.export_research,
    details.back_up,
    ending.drop,
    ending.fresh_draft,
    ending.copy,
    ending.void,
    ending.wipe,
)
# What is printed and signed; each is a page of its own, shown with the files.
PAPERS = (
    presence.sign_in_sheet,
    papers.booklet,
    papers.sample,
    papers.opening_sheet,
    printing.paper_ballots,
    issuing.papers_signed,
    papers.returned,
    papers.report,
    papers.notice,
    papers.words,
)
# Links that stand apart from the day's ordinary work.
ENDS = {ending.drop, ending.void, ending.wipe}


def anybody_here(user: User) -> bool:
    """Whoever may see the day's page."""
    return True


@dataclass(frozen=True)
class File:
    """A file of the day's page: who may have it, in which phases, and where these do not decide."""

    label: Promise
    make: Callable[[Poll], Download | Streamed]
    phases: frozenset[str]
    who: Callable[[User], bool] = anybody_here
    fits: Callable[[Day], bool] = always

    def can_be_had(self, day: Day) -> bool:
        """Tell whether the poll has come so far that there is this file."""
        return day.poll.phase in self.phases and self.fits(day)


def has_all_receipts(day: Day) -> bool:
    """Whether no papers are to come, which would be known by their receipts (design §5.8)."""
    return day.poll.phase != Poll.Phase.CLOSED or not day.papers.are_out


def may_have_proposals(day: Day) -> bool:
    """Whether there can be proposals: a 满意度测评 takes none."""
    return not day.poll.is_graded


FILES: dict[str, File] = {
    "workbook": File(_("结果工作簿（XLSX，各表合一）"), workbook.workbook, COUNTED),
    "result": File(_("结果（CSV）"), tables.result_csv, COUNTED),
    "summary": File(_("汇总（CSV）"), tables.summary_csv, COUNTED),
    "write-ins": File(_("推荐项目（CSV）"), tables.write_ins_csv, COUNTED, fits=may_have_proposals),
    "receipts": File(
        _("回执编号清单（CSV）"),
        tables.receipts_csv,
        EVERY - DRAFT - VOTING,
        fits=has_all_receipts,
    ),
    "turnout": File(_("投票情况（CSV）"), tables.turnout_csv, EVERY),
    "waiting": File(_("未投票代表名单（XLSX）"), tables.waiting_xlsx, VOTING, roles.is_office),
    "attendance": File(_("签到情况表（XLSX）"), tables.attendance_xlsx, EVERY, roles.has_office),
    "journal": File(_("操作记录（CSV）"), tables.journal_csv, EVERY),
    "public-package": File(
        _("公开数据包（ZIP，任何人可核验）"),
        package.public_package,
        frozenset({Poll.Phase.PUBLISHED}),
    ),
}
