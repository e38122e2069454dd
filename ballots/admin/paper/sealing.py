"""After the close, as pages: counting the papers that came back, and sealing them into the box."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts.paper import issuing, sealing
from ballots.admin.counting import clear_traces
from ballots.admin.forms import SecondPersonForm
from ballots.admin.guard import Day, StaffRequest, address, posted, step, take
from ballots.admin.moving import Then, moving
from ballots.admin.paper.keying import CLOSED, can_be_keyed
from ballots.files.papers import returned_words
from ballots.models import PaperReading
from ballots.pure.progress import Watch
from projects.models import Poll


def _figure(label: Any, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        min_value=0,
        max_value=issuing.PAPERS_LIMIT,
        widget=forms.NumberInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )


class CountForm(forms.Form):
    """How many papers lay in the paper box, and how many were left and are cancelled."""

    returned = _figure(_("投票箱中收回的张数"))
    unused = _figure(_("作废未用的张数"), _("印好而没有发出的；污损更换下来的不算在内。"))


def _can_be_counted(day: Day) -> bool:
    """Tell whether papers are out of which nobody has keyed any."""
    if not day.papers.are_out:
        return False
    return not PaperReading.objects.filter(bundle__poll=day.poll).exists()


@step(
    "count-papers",
    _("清点纸质票"),
    _(
        "当众打开投票箱，清点收回的纸质票，二十五张一扎；未用的当众作废。由监票人签名，"
        "主持人宣布后再录入。"
    ),
    who=roles.is_office,
    phases=CLOSED,
    fits=_can_be_counted,
)
def count_papers(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = CountForm(posted(request))
    second = SecondPersonForm(posted(request), request=request)

    def act() -> HttpResponse:
        figures = form.cleaned_data
        counted = issuing.count_papers(
            poll,
            returned=figures["returned"],
            unused=figures["unused"],
            by=request.user,
            second=second.person,
        )
        if counted.are_too_many:
            messages.error(request, gettext("收回的纸质票多于发出的，本次表决无效。"))
        else:
            messages.success(request, gettext("已清点，请主持人宣布。"))
        return redirect(address(poll, "count-papers"))

    figures, papers = request.day.turnout, request.day.papers
    context = {
        "papers": papers,
        "figures": figures,
        "online": figures.online,
        "announced": "" if papers.returned is None else returned_words(poll),
        "may_key": can_be_keyed(request.day),
    }
    return take(request, poll, act, form, second, **context, button=gettext("记录清点结果"))


def _is_read(day: Day) -> bool:
    return can_be_keyed(day) and day.are_papers_read


@step(
    "seal-papers",
    _("纸质票封存入箱"),
    _("全部纸质票已录入一致。封存后，纸质票和电子票不再区分，录入的内容随即清除。由监票人签名。"),
    who=roles.is_office,
    phases=CLOSED,
    fits=_is_read,
)
def seal_papers(request: StaffRequest, poll: Poll) -> HttpResponse:
    second = SecondPersonForm(posted(request), request=request)

    def act(watch: Watch) -> str:
        count = sealing.seal_papers(poll, by=request.user, second=second.person, watch=watch)
        return gettext("纸质票已封存入箱，票箱共%(count)d张表决票。") % {"count": count}

    clearing = Then(gettext("正在清除先后痕迹…"), lambda: clear_traces(poll, by=request.user))
    # The box is laid anew: as long as its rows are few, so is all that has to be done.
    sealed = moving(request, poll, act, over=poll.sealed_ballots.all(), then=clearing)
    return take(request, poll, sealed, second, papers=request.day.papers)
