"""What is done with several delegates of the register at once."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ballots.acts.delegates import set_status
from ballots.admin.forms import SecondPersonForm, tell
from ballots.admin.guard import StaffRequest
from ballots.admin.register.cards import ChosenForm, chosen_by
from ballots.admin.staff.waiting import is_signed
from ballots.models import Delegate
from ballots.refusal import Refused
from projects.models import Poll
from yiwu_vote.admin_pages import model_page
from yiwu_vote.fields import Typed


class StatusForm(forms.Form):
    """The new status; why, which has to be said while people vote."""

    status = forms.ChoiceField(
        label=_("状态改为"), choices=Delegate.Status.choices, widget=forms.RadioSelect
    )
    reason = Typed(
        label=_("原因"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"size": 60}),
    )


def status_page(request: StaffRequest, chosen: str | None = None) -> HttpResponse:
    """Give the chosen delegates another status; `chosen` comes from the action of the list."""
    is_sent = request.method == "POST" and chosen is None
    asked = request.POST if is_sent else request.GET
    form = ChosenForm({"ids": asked.get("ids", "") if chosen is None else chosen})
    if not form.is_valid() or not form.cleaned_data["ids"]:
        messages.warning(request, gettext("请先勾选要更改状态的代表。"))
        return redirect("admin:ballots_delegate_changelist")
    delegates = chosen_by(form)
    data = request.POST if is_sent else None
    status = StatusForm(data)
    second = SecondPersonForm(data, request=request, optional=True)
    # Each form is asked, so that all that is wrong is told at once.
    verdicts = [status.is_valid(), second.is_valid()]
    title = gettext("更改状态")
    if is_sent and all(verdicts) and is_signed(request, title, [status, second], about=delegates):
        try:
            count = set_status(
                delegates,
                status.cleaned_data["status"],
                reason=status.cleaned_data["reason"],
                by=request.user,
                second=second.person,
            )
        except Refused as refusal:
            tell(status, refusal)
        else:
            words = ngettext("已更改%(count)d人的状态。", "已更改%(count)d人的状态。", count)
            messages.success(request, words % {"count": count})
            return redirect("admin:ballots_delegate_changelist")
    open_polls = Poll.objects.holding_people().filter(roll__delegate__in=delegates).distinct()
    context = {
        "chosen": form,
        "forms": [status, second],
        "delegates": delegates,
        "open_polls": open_polls,
    }
    return model_page(request, Delegate, "status", title, context)


PAGES: dict[str, Callable[[StaffRequest], HttpResponse]] = {"status": status_page}
