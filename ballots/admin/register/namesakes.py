"""The page on which the office says of delegates who look like one person that they are two."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, ngettext

from ballots.acts.delegates import tell_apart
from ballots.admin.forms import tell
from ballots.admin.guard import StaffRequest
from ballots.facts import register
from ballots.models import Delegate
from ballots.pure.identity import likeness
from ballots.refusal import Refused
from yiwu_vote.admin_pages import model_page


def namesakes_page(request: StaffRequest) -> HttpResponse:
    """List whoever may be one person with two cards, each with a tick that says no."""
    people = register.in_office()
    form = forms.Form(request.POST if request.method == "POST" else None)
    if form.is_valid():
        ticked = set(request.POST.getlist("apart"))
        pairs = {
            frozenset({one.pk, other.pk})
            for one, other in register.doubles(people)
            if _name(one, other) in ticked
        }
        try:
            count = tell_apart(pairs, by=request.user)
        except Refused as refusal:
            tell(form, refusal)
        else:
            words = ngettext(
                "已确认%(count)d处是不同的人。", "已确认%(count)d处是不同的人。", count
            )
            messages.success(request, words % {"count": count})
            return redirect("admin:ballots_delegate_namesakes")
    pairs_shown = [
        {
            "name": _name(one, other),
            "people": (one, other),
            "why": likeness(register.person_of(one), register.person_of(other)),
        }
        for one, other in register.doubles(people)
    ]
    same = register.same_numbers([person.number for person in people])
    by_number = {person.number: person for person in people}
    context = {
        "pairs": pairs_shown,
        "same": [[by_number[number] for number in pair] for pair in same],
        "forms": [form],
    }
    return model_page(request, Delegate, "namesakes", gettext("同名核对"), context)


def _name(one: Delegate, other: Delegate) -> str:
    return f"{one.pk}-{other.pk}"


PAGES: dict[str, Callable[[StaffRequest], HttpResponse]] = {"namesakes": namesakes_page}
