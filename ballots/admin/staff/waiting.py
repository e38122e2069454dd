"""A step that waits on the second person's own screen for his signature, for ten minutes.

He types no password into a browser that is not his: the first one gives his name alone, and he
confirms what he reads in a session of his own. The signature is for exactly what was posted, on that
page, and is used up by it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from ballots import roles
from ballots.admin.forms import SecondPersonForm
from ballots.models import JournalEntry, WaitingStep
from yiwu_vote.admin_pages import model_page
from yiwu_vote.moments import to_the_minute
from yiwu_vote.staff_session import SECRET

GOOD_FOR = timedelta(minutes=10)


def is_signed(
    request: Any, title: Any, filled: Sequence[forms.Form], *, about: Iterable[Model] = ()
) -> bool:
    """Tell whether nobody has to sign `filled` on his own screen any more; else let it wait there.

    The form of the second person gets him as its `person`. `about` names what the forms do not say.
    """
    form = next((one for one in filled if isinstance(one, SecondPersonForm)), None)
    asked = form.asked if form else None
    if form is None or asked is None:
        return True
    posted = _posted(request)
    step = WaitingStep.objects.filter(
        by=request.user,
        second=asked,
        path=request.path,
        asked_at__gt=timezone.now() - GOOD_FOR,
    ).first()
    if step is None or step.posted != posted:
        WaitingStep.objects.filter(by=request.user).delete()
        WaitingStep.objects.create(
            by=request.user,
            second=asked,
            path=request.path,
            posted=posted,
            title=str(title),
            words=[*_words(filled), *([str(one)] for one in about)],
            asked_at=timezone.now(),
        )
    # Used up in one statement: of two requests at once only one has the signature.
    elif step.signed_at and WaitingStep.objects.filter(pk=step.pk).delete()[0]:
        form.person = asked
        return True
    messages.info(
        request,
        gettext(
            "尚未办理：请%(who)s在自己的设备上打开“待签名”并签名（十分钟内有效），然后再按一次本页的按钮。"
        )
        % {"who": roles.named(asked)},
    )
    return False


def _posted(request: Any) -> list[list[Any]]:
    """Return all that was posted but for secrets, by which the same step is known again."""
    return sorted(
        [name, values]
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and not SECRET.search(name)
    )


def _words(filled: Sequence[forms.Form]) -> Iterator[list[str]]:
    """Yield label and value of each field that somebody has filled in, secrets and names apart."""
    for form in filled:
        if isinstance(form, SecondPersonForm):
            continue
        for bound in form.visible_fields():
            value = form.cleaned_data.get(bound.name)
            if value not in (None, "", [], False) and not SECRET.search(bound.name):
                yield [str(bound.label), _said(bound.field, value)]


def _said(field: forms.Field, value: Any) -> str:
    """Return a value as the page shows it."""
    if isinstance(value, datetime):
        return to_the_minute(value)
    if value is True:
        return gettext("是")
    if isinstance(value, list | tuple):
        return "、".join(_said(field, one) for one in value)
    choices = {} if isinstance(value, Model) else dict(getattr(field, "choices", ()))
    return str(choices.get(value, value))


def signatures_page(request: Any) -> HttpResponse:
    """Show what waits for this person's signature; posted, he signs one of them, or refuses it."""
    if not roles.has_office(request.user):
        raise PermissionDenied
    waiting = WaitingStep.objects.filter(
        second=request.user, signed_at=None, asked_at__gt=timezone.now() - GOOD_FOR
    )
    if request.method == "POST":
        number = request.POST.get("step", "")
        chosen = waiting.filter(pk=int(number) if number.isdecimal() else 0)
        if "refuse" in request.POST:
            done, words = chosen.delete()[0], gettext("已拒绝，没有签名。")
        else:
            done = chosen.update(signed_at=timezone.now())
            words = gettext("已签名，请对方再按一次按钮办理。")
        if done:
            messages.success(request, words)
        else:
            messages.warning(request, gettext("这一步已不在等待签名，请对方重新提交。"))
        return redirect(request.path)
    context = {"waiting": waiting.select_related("by").order_by("asked_at")}
    return model_page(request, JournalEntry, "signatures", gettext("待签名"), context)
