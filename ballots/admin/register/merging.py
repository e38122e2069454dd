"""The page on which the office makes one delegation of several."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots.acts.delegates import merge_delegations
from ballots.admin.forms import tell
from ballots.admin.guard import StaffRequest
from ballots.admin.register.cards import ChosenForm
from ballots.models import Delegation
from ballots.refusal import Refused
from yiwu_vote.admin_pages import model_page


class MergeForm(forms.Form):
    into = forms.ModelChoiceField(
        Delegation.objects.none(), label=_("合并到"), widget=forms.RadioSelect, empty_label=None
    )

    def __init__(self, data: Any = None, *, chosen: QuerySet[Delegation]) -> None:
        super().__init__(data)
        self.fields["into"].queryset = chosen  # type: ignore[attr-defined]


def merge_page(request: StaffRequest, chosen: str | None = None) -> HttpResponse:
    """Ask into which of the chosen delegations the others go; `chosen` comes from the list."""
    is_sent = request.method == "POST" and chosen is None
    ids = ChosenForm({"ids": request.POST.get("ids", "") if chosen is None else chosen})
    delegations = Delegation.objects.filter(
        pk__in=ids.cleaned_data["ids"] if ids.is_valid() else []
    )
    if len(delegations) < 2:
        messages.warning(request, gettext("请先勾选至少两个代表团。"))
        return redirect("admin:ballots_delegation_changelist")
    form = MergeForm(request.POST if is_sent else None, chosen=delegations)
    if is_sent and form.is_valid():
        into = form.cleaned_data["into"]
        try:
            moved = merge_delegations(delegations, into=into, by=request.user)
        except Refused as refusal:
            tell(form, refusal)
        else:
            words = gettext("已合并到“%(name)s”，转入%(count)d人。")
            messages.success(request, words % {"name": into.name, "count": moved})
            return redirect("admin:ballots_delegation_changelist")
    context = {"chosen": ids, "forms": [form], "delegations": delegations}
    return model_page(request, Delegation, "merge", gettext("合并代表团"), context)


PAGES: dict[str, Callable[[StaffRequest], HttpResponse]] = {"merge": merge_page}
