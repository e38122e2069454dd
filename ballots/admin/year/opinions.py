"""The opinions on the projects of a year: the list, what is entered, answered and closed (design §3.6)."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots.acts.year import opinions
from ballots.admin.forms import tell
from ballots.admin.guard import StaffRequest, posted
from ballots.admin.year.pages import address, of_year, page
from ballots.models import Opinion
from ballots.refusal import REASON_LIMIT, Refused
from projects.year.models import AdoptedProject, Year
from yiwu_vote.fields import Typed

ON_A_PAGE = 50


def _lines(label: Any) -> Typed:
    return Typed(
        label=label, max_length=Opinion.LIMIT, lines=True, widget=forms.Textarea(attrs={"rows": 4})
    )


class EnterForm(forms.Form):
    """An opinion as the office was given it."""

    project = forms.ModelChoiceField(AdoptedProject.objects.none(), label=_("实事项目"))
    by_name = Typed(
        label=_("提出人"),
        max_length=opinions.NAME_LIMIT,
        help_text=_("代表的姓名或代表证号；不是代表个人提出的，写代表团或督办小组的名称。"),
    )
    text = _lines(_("督办意见"))
    due = forms.DateField(
        label=_("答复期限"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )

    def __init__(self, data: Any = None, *, year: Year, number: str = "") -> None:
        projects = year.projects.order_by("number")
        chosen = projects.filter(number=number).first() if number.isdecimal() else None
        super().__init__(data, initial={"project": chosen, "due": opinions.usual_due()})
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    text = _lines(_("责任单位的答复"))


class CloseForm(forms.Form):
    reason = Typed(label=_("办结说明（代表可以看到）"), max_length=REASON_LIMIT)


@of_year()
def list_page(request: StaffRequest, year: Year) -> HttpResponse:
    """Show the opinions of the year, those that are overdue first."""
    rows = Opinion.objects.filter(project__year=year).select_related("project").with_standing()
    told = rows.told().order_by("standing", "due", "pk")  # type: ignore[misc]
    context = {"year": year, "rows": Paginator(told, ON_A_PAGE).get_page(request.GET.get("page"))}
    return page(request, "opinions", gettext("督办意见"), context)


@of_year(by_office=True)
def enter(request: StaffRequest, year: Year) -> HttpResponse:
    """Enter what a delegate, a delegation or a group demands."""
    form = EnterForm(posted(request), year=year, number=request.GET.get("project", "")[:5])
    if request.method == "POST" and form.is_valid():
        try:
            made = opinions.enter(**form.cleaned_data, by=request.user)
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, gettext("已录入%(who)s的督办意见。") % {"who": made.by_name})
            return redirect(address(year.year, "opinions"))
    return page(request, "opinion-enter", gettext("录入督办意见"), {"year": year, "form": form})


@of_year()
def one(request: StaffRequest, year: Year, opinion: int) -> HttpResponse:
    """Show an opinion with every answer, and what may be done about it."""
    return _one(request, year, _opinion(year, opinion))


@of_year(by_office=True)
def answer(request: StaffRequest, year: Year, opinion: int) -> HttpResponse:
    """Enter what the lead unit answers, or a newer answer."""
    row, form = _opinion(year, opinion), AnswerForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            opinions.answer(row, text=form.cleaned_data["text"], by=request.user)
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, gettext("答复已录入，代表可以看到。"))
            return redirect(address(year.year, "opinion", opinion=row.pk))
    return _one(request, year, row, answering=form)


@of_year(by_office=True)
def close(request: StaffRequest, year: Year, opinion: int) -> HttpResponse:
    """Close an opinion with a reason."""
    row, form = _opinion(year, opinion), CloseForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            opinions.close(row, reason=form.cleaned_data["reason"], by=request.user)
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, gettext("意见已办结。"))
            return redirect(address(year.year, "opinions"))
    return _one(request, year, row, closing=form)


def _opinion(year: Year, pk: int) -> Opinion:
    rows = Opinion.objects.filter(project__year=year).with_standing().told()
    return get_object_or_404(rows.select_related("project__year__poll"), pk=pk)


def _one(
    request: StaffRequest,
    year: Year,
    opinion: Opinion,
    *,
    answering: AnswerForm | None = None,
    closing: CloseForm | None = None,
) -> HttpResponse:
    context = {
        "year": year,
        "opinion": opinion,
        "answers": opinion.answers.select_related("by"),
        "answering": answering or AnswerForm(),
        "closing": closing or CloseForm(),
    }
    title = gettext("督办意见：%(project)s") % {"project": opinion.project}
    return page(request, "opinion", title, context)
