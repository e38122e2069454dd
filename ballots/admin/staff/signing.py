"""The second signature for changes of accounts while a poll runs: asked once, good for one change."""

import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext

from ballots import accounts
from ballots.admin.forms import ReasonForm, SecondPersonForm, tell
from ballots.admin.staff.waiting import is_signed
from ballots.refusal import Refused, demand_colleague
from yiwu_vote.admin_pages import model_page

# Where the session keeps who signed for which page, and why.
SIGNED = "accounts-signed"
# Seconds for which the signature waits for what it was given for.
GOOD_FOR = 10 * 60


def signed_page(
    view: Callable[..., HttpResponseBase], request: Any, *args: Any, **kwargs: Any
) -> HttpResponseBase:
    """Answer with `view`, a page on which an account is changed; while a poll runs two sign first.

    The signature is for this page alone, and gone with the first change.
    """
    if not accounts.are_guarded():
        return view(request, *args, **kwargs)
    signed = request.session.get(SIGNED, {})
    is_good = signed.get("path") == request.path and 0 <= time.time() - signed["at"] < GOOD_FOR
    second = User.objects.filter(pk=signed["second"]).first() if is_good else None
    if second is None:
        return _ask(request)
    with accounts.changed_by(request.user, second=second, reason=signed["reason"]) as change:
        answer = view(request, *args, **kwargs)
    if change.is_made:
        del request.session[SIGNED]
    return answer


def _ask(request: Any) -> HttpResponseBase:
    """Ask for the second person's signature; with it go back to the page, and ask nothing more."""
    is_sent = "second_name" in request.POST
    data = request.POST if is_sent else None
    reason, second = ReasonForm(data), SecondPersonForm(data, request=request)
    verdicts = [reason.is_valid(), second.is_valid()]
    title = gettext("变动账号须两人签名")
    if (
        is_sent
        and all(verdicts)
        and is_signed(request, f"{title}：{request.path}", [reason, second])
    ):
        try:
            person = demand_colleague(request.user, second.person)
        except Refused as refusal:
            tell(reason, refusal)
        else:
            request.session[SIGNED] = {
                "path": request.path,
                "second": person.pk,
                "at": time.time(),
                "reason": reason.cleaned_data["reason"],
            }
            return redirect(request.path)
    context = {"forms": [reason, second]}
    return model_page(request, User, "sign", title, context)
