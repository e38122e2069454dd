"""The steps of the count, as pages: storage, the box, the two counts, their confirmation."""

import logging
from typing import Any

from django.contrib.auth.models import User
from django.db import DatabaseError
from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import lifecycle, storage
from ballots.admin.forms import BoxForm, ReasonForm
from ballots.admin.guard import Day, StaffRequest, posted, step, take
from ballots.admin.moving import moving
from ballots.facts import grades, outcome, words
from ballots.pure.progress import Watch
from ballots.refusal import Refused
from projects.models import Poll
from projects.phases import CHECKED, COUNTED, MOVES

logger = logging.getLogger("ballots")


# --- the traces of the order ----------------------------------------------------------------------


CLEARING = _("正在清除先后痕迹…")


def clear_traces(poll: Poll, *, by: User) -> str:
    """Rewrite the storage after a close that stands already; say what came of it, whatever it was."""
    try:
        storage.rewrite_storage(poll, by=by)
    except Refused as refusal:
        return gettext("投票先后的痕迹还没有清除：%(why)s") % {"why": refusal}
    except DatabaseError:
        logger.exception("the storage of a closed poll was not rewritten")
        return gettext("投票先后的痕迹还没有清除，请在开箱前再办理。")
    return gettext("投票先后的痕迹已清除。")


def _has_traces(day: Day) -> bool:
    return not storage.is_rewritten(day.poll)


@step(
    "rewrite",
    _("清除先后痕迹"),
    _("截止时没有办成：让数据库重写文件，清除投票先后的痕迹。请在开箱前办理，须几秒钟。"),
    who=roles.is_office,
    phases=frozenset({Poll.Phase.CLOSED, Poll.Phase.VOID}),
    fits=_has_traces,
)
def rewrite(request: StaffRequest, poll: Poll) -> HttpResponse:
    """What the close does by itself, where it could not."""

    def act() -> str:
        storage.rewrite_storage(poll, by=request.user)
        return gettext("投票先后的痕迹已清除。")

    return take(request, poll, act)


# --- the box and the counts -----------------------------------------------------------------------


def _has_all(day: Day) -> bool:
    """Tell whether no paper has still to come into the box."""
    return not day.papers.are_out


@step(
    "box",
    _("开启票箱"),
    _("主持人根据清点报告宣布本次表决有效后，请保管人当众输入各自的密钥份额。"),
    who=roles.has_office,
    phases=MOVES["box"].before,
    fits=_has_all,
)
def open_box(request: StaffRequest, poll: Poll) -> HttpResponse:
    box = poll.box
    form = BoxForm(posted(request), box=box, poll=poll)

    def act(watch: Watch) -> str:
        lifecycle.open_box(poll, texts=form.texts, by=request.user, declared=True, watch=watch)
        opened = gettext("票箱已开启，共%(count)d张表决票。") % {"count": poll.ballots.count()}
        # Nobody learns more by this than from the list of proposals, which is empty.
        return opened if poll.write_ins.exists() else opened + gettext("没有推荐项目，可以计票。")

    return take(
        request, poll, moving(request, poll, act, over=poll.sealed_ballots.all()), form, box=box
    )


def _is_canvassed(day: Day) -> bool:
    return day.box is not None and day.box.canvassed


@step(
    "count",
    _("计票"),
    _("用两种算法各计一次，并核对各项数据。"),
    who=roles.is_office,
    phases=MOVES["count"].before,
    fits=_is_canvassed,
)
def count_poll(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act(watch: Watch) -> str:
        lifecycle.count_poll(poll, by=request.user, watch=watch)
        return gettext("计票完成，请监票人复核。")

    return take(request, poll, moving(request, poll, act, over=poll.ballots.all()))


@step(
    "confirm",
    _("复核计票结果"),
    _("由监票人核对计票数据，确认无误或退回。计票与复核须由不同人员完成。"),
    who=roles.is_scrutineer,
    phases=MOVES["confirm"].before,
)
def confirm(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act(watch: Watch) -> str:
        lifecycle.confirm_result(poll, by=request.user, watch=watch)
        return gettext("您已确认计票结果。")

    again = moving(request, poll, act, over=poll.ballots.all())
    context = {"count": counted(request.day), "waits_for_chief": waits_for_chief(request.day)}
    context["is_barred"] = context["waits_for_chief"] and not roles.is_chief(request.user)
    return take(request, poll, again, **context, button=_("确认无误"))


@step(
    "send-back",
    _("退回"),
    _("退回后重新归并和计票，这次的计票结果保留备查。"),
    who=roles.is_scrutineer,
    phases=MOVES["send-back"].before,
    listed=False,
)
def send_back(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = ReasonForm(posted(request))

    def act() -> str:
        lifecycle.send_back(poll, reason=form.cleaned_data["reason"], by=request.user)
        return gettext("已退回，请重新归并并计票。")

    return take(request, poll, act, form)


def waits_for_chief(day: Day) -> bool:
    """Tell whether nobody but the chief scrutineer can give the confirmation that is still due."""
    if day.poll.phase != Poll.Phase.COUNTED:
        return False
    return outcome.is_for_chief(day.poll, outcome.standing_result(day.poll))


# --- the figures of the pages ---------------------------------------------------------------------


def counted(day: Day) -> dict[str, Any] | None:
    """Return the standing count as the pages show it; None before the count (design §3.4)."""
    poll = day.poll
    if poll.phase not in COUNTED:
        return None
    result = day.outcome.result if poll.phase in CHECKED else outcome.standing_result(poll)
    items = words.described(poll, result.figures)
    checked = words.checked(result.figures["checks"])
    return {
        "result": result,
        "figures": result.figures,
        "turnout": result.figures["turnout"],
        "items": items,
        "columns": words.counted_as(result.figures).columns,
        **(grades.table(result.figures) if poll.is_graded else {}),
        "second_share": words.second_share(result.figures),
        "shares_words": words.shares_words(result.figures),
        "checked": checked,
        "failed": [
            check["words"]
            for check in [*checked["people"], *checked["system"]]
            if not check["holds"]
        ],
        "announced": sum(1 for item in items if item["outcome"] in {"adopted", "good"}),
        "tied": [item for item in items if item["outcome"] == "tied"],
        "is_checked": poll.phase in CHECKED,
    }
