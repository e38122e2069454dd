"""The guard page that hands out the address of the hall's big screen."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots.acts import hall
from ballots.admin.guard import StaffRequest, address, posted, take
from projects.models import Poll


class ScreenForm(forms.Form):
    """Whether the screen gets a new address or none."""

    ACTIONS = {"open": _("打开大屏，生成新网址"), "end": _("停用大屏网址")}

    do = forms.ChoiceField(choices=ACTIONS.items())


def screen(request: StaffRequest, poll: Poll) -> HttpResponse:
    form = ScreenForm(posted(request))

    def act() -> HttpResponse:
        if form.cleaned_data["do"] == "open":
            hall.open_screen(poll, by=request.user)
            messages.success(request, gettext("大屏网址已生成，原网址失效。"))
        else:
            hall.end_screen(poll, by=request.user)
            messages.success(request, gettext("大屏网址已停用。"))
        return redirect(address(poll, "screen"))

    context = {}
    if poll.screen_key:
        path = reverse("ballots:screen", args=[poll.screen_key])
        # On the machine of the screen itself: the address that phones use may lead elsewhere.
        context = {"path": path, "url": settings.PUBLIC_URL.rstrip("/") + path}
    return take(request, poll, act, form, **context)
