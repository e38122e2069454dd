"""The papers of a poll in the admin: pages of their own, printed in the browser (design §11.3)."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts.announcing import save_announcement
from ballots.admin.guard import READING, Day, StaffRequest, address, posted, step
from ballots.facts import opening
from ballots.facts.words import remarks
from ballots.files import papers
from ballots.models import Announcement
from ballots.refusal import Refused
from projects.models import Poll
from projects.phases import CHECKED, COUNTED, DRAFT, EVERY
from yiwu_vote.fields import Typed
from yiwu_vote.noticing import SHOWN, NoticingForm


class NoticeForm(NoticingForm):
    """The words of the notice; whether they may be saved is asked of the act."""

    class Meta:
        model = Announcement
        fields = ["title", "number", "opening", "closing", "signature", "dated", "with_votes"]
        widgets = {"opening": forms.Textarea(attrs={"rows": 3})}
        help_texts = {"number": _("例如“第1号”，可以留空。")}
        field_classes = dict.fromkeys(
            ("title", "number", "opening", "closing", "signature", "dated"), Typed
        )

    def __init__(self, data: Any = None, *, poll: Poll) -> None:
        super().__init__(data, instance=papers.announcement_of(poll))
        self.poll = poll
        if not poll.show_votes:
            self.fields["with_votes"].disabled = True
            self.fields["with_votes"].help_text = _("本次票决设定为不公布得票数，不能附得票情况。")

    def row_now(self) -> Model | None:
        # Two people may begin the same notice, of which there is no row yet to lock.
        Poll.objects.locked(self.poll)
        return super().row_now()


@step(
    "booklet",
    _("候选项目汇编"),
    _("全部候选项目的年度目标、子项、投资和建设内容，会前印发代表审阅。"),
    who=roles.has_office,
    phases=EVERY,
    methods=READING,
)
def booklet(request: StaffRequest, poll: Poll) -> HttpResponse:
    """All that is known of every candidate, to be printed and handed out before the vote."""
    return _paper(request, poll, "booklet", _list_of(poll))


@step(
    "sample",
    _("表决票样张"),
    _("代表将看到的项目和选项，可打印；样张不能用于投票。"),
    who=roles.has_office,
    phases=EVERY,
    methods=READING,
)
def sample(request: StaffRequest, poll: Poll) -> HttpResponse:
    """The sample of the ballot that delegates can read too, in draft already."""
    return _paper(request, poll, "sample", _list_of(poll))


@step(
    "opening",
    _("开始投票核对单"),
    _("票决规则、候选项目、名册人数、工作人员和核对码，打印后当场核对、宣读。"),
    who=roles.has_office,
    phases=DRAFT,
    methods=READING,
)
def opening_sheet(request: StaffRequest, poll: Poll) -> HttpResponse:
    """What the opening will fix, to be read out before its button is pressed."""
    return _paper(request, poll, "opening", {"sheet": opening.sheet_of(poll)})


def _is_known(day: Day) -> bool:
    """Tell whether all that came back is counted, papers too."""
    return not day.papers.issued or day.papers.returned is not None


@step(
    "returned",
    _("清点报告"),
    _("应到、实到、发出、收回，打印后由总监票人签名，主持人据此宣布本次表决有效。"),
    who=roles.has_office,
    phases=frozenset({Poll.Phase.CLOSED, Poll.Phase.OPENED}) | COUNTED,
    fits=_is_known,
    methods=READING,
)
def returned(request: StaffRequest, poll: Poll) -> HttpResponse:
    """What came back, to be read out before the box is opened."""
    return _paper(request, poll, "returned", papers.returned(poll))


@step(
    "report",
    _("报告单"),
    _("票决结果报告单，供总监票人、监票人和计票人签名。"),
    who=roles.has_office,
    phases=COUNTED,
    methods=READING,
)
def report(request: StaffRequest, poll: Poll) -> HttpResponse:
    """The count report, to be signed by the scrutineers."""
    return _paper(request, poll, "report", papers.report(poll))


@step(
    "words",
    _("宣布词"),
    _("主持人宣读清点报告和票决结果用。"),
    who=roles.has_office,
    phases=CHECKED,
    methods=READING,
)
def words(request: StaffRequest, poll: Poll) -> HttpResponse:
    """The words that the chair reads out."""
    return _paper(request, poll, "words", papers.chair_words(poll))


@step(
    "notice",
    _("公告"),
    _("票决结果公告。文字可以修改，数据不能修改。"),
    who=roles.has_office,
    phases=CHECKED,
)
def notice(request: StaffRequest, poll: Poll) -> HttpResponse:
    """The public notice; above it, for the office, the form of its words."""
    may_edit = roles.is_office(request.user)
    if request.method == "POST" and not may_edit:
        raise PermissionDenied
    if poll.parent is not None:
        return _paper(request, poll, "notice_elsewhere", {})
    form = NoticeForm(posted(request), poll=poll) if may_edit else None
    with transaction.atomic():
        is_saved = form is not None and form.is_valid() and _save(form, poll, by=request.user)
    if is_saved:
        messages.success(request, gettext("公告已保存。"))
        return redirect(address(poll, "notice"))
    return _paper(request, poll, "notice", papers.notice(poll) | {"form": form})


def _save(form: NoticeForm, poll: Poll, *, by: User) -> bool:
    """Save the words that were typed; tell on the form what is refused."""
    words = {name: value for name, value in form.cleaned_data.items() if name != SHOWN}
    try:
        save_announcement(poll, by=by, **words)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


def _list_of(poll: Poll) -> dict[str, Any]:
    """Return the list of a poll for a paper that says nothing of votes, counted or not."""
    projects = poll.projects.order_by("number").prefetch_related("targets", "sub_items")
    return {"projects": projects, "marks": remarks(poll)[:1] if poll.is_rehearsal else []}


def _paper(request: StaffRequest, poll: Poll, name: str, context: dict[str, Any]) -> HttpResponse:
    usual = {"poll": poll, "marks": remarks(poll)}
    return render(request, f"admin/ballots/papers/{name}.html", usual | context)
