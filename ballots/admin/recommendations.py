"""The recommendations before the vote in the admin: the list, and a page on which to rule on one."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from ballots import roles
from ballots.acts import recommending
from ballots.admin.guard import StaffRequest
from ballots.admin.records import ReadOnlyAdmin
from ballots.models import Recommendation
from ballots.refusal import Refused
from projects.admin import StandingPollFilter
from projects.models import Poll, Project
from yiwu_vote.admin_pages import model_page, without_filtered
from yiwu_vote.fields import Typed

Ruling = Recommendation.Ruling


class AdoptForm(forms.Form):
    """Nothing but the button: the candidate can be edited on its own page afterwards."""


class MergeForm(forms.Form):
    project = forms.ModelChoiceField(Project.objects.none(), label=_("候选项目"))
    reason = Typed(label=_("说明（选填，代表可以看到）"), max_length=200, required=False)

    def __init__(self, data: Any = None, *, poll: Poll) -> None:
        super().__init__(data)
        self.fields["project"].queryset = poll.projects.order_by("number")  # type: ignore[attr-defined]


class DeclineForm(forms.Form):
    reason = Typed(label=_("理由（代表可以看到）"), max_length=200)


class ReopenForm(forms.Form):
    """Nothing but the button, again."""


@admin.register(Recommendation)
class RecommendationAdmin(ReadOnlyAdmin):
    """Everybody of the staff may read; what is changed, the acts of `recommending` change."""

    list_display = ["title", "delegate", "poll", "ruling"]
    list_filter = [("poll", StandingPollFilter), "ruling"]
    list_select_related = ["poll", "delegate"]
    ordering = ["-poll", "pk"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return without_filtered(super().get_list_display(request), "poll", request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Recommendation]:
        return super().get_queryset(request).filter(poll__in=Poll.objects.standing())

    def get_urls(self) -> list[URLPattern]:
        """Only these pages: Django's own forms have nothing to do here."""
        view = self.admin_site.admin_view
        name = "ballots_recommendation"
        return [
            path("", view(self.changelist_view), name=f"{name}_changelist"),
            path("<int:object_id>/change/", view(self._page), name=f"{name}_change"),
        ]

    @property
    def _page(self) -> Callable[..., HttpResponse]:
        @require_http_methods(["GET", "HEAD", "POST"])
        def page(request: StaffRequest, object_id: int) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            rows = self.get_queryset(request).filter(pk=object_id)
            related = ("poll", "delegate__delegation", "project")
            recommendation = rows.select_related(*related).first()
            if recommendation is None:
                raise Http404
            return ruling_page(request, recommendation)

        return page


# --- ruling on one --------------------------------------------------------------------------------


def ruling_page(request: StaffRequest, recommendation: Recommendation) -> HttpResponse:
    """Show a recommendation with what is like it; posted, rule on it by the button pressed."""
    done = request.POST.get("do", "") if request.method == "POST" else ""
    offered = _forms(recommendation, done, request.POST)
    if request.method == "POST":
        if not roles.is_office(request.user):
            raise PermissionDenied
        if done in offered and offered[done].is_valid():
            try:
                words = _rule(recommendation, done, offered[done].cleaned_data, request)
            except Refused as refusal:
                # On top, for the form that was sent may not be one that fits any more.
                messages.error(request, str(refusal))
            else:
                messages.success(request, words)
                waiting = (
                    f"?poll__id__exact={recommendation.poll_id}&ruling__exact={Ruling.WAITING}"
                )
                return redirect(reverse("admin:ballots_recommendation_changelist") + waiting)
    poll = recommendation.poll
    context = {
        "recommendation": recommendation,
        "forms": offered,
        "may_rule": roles.is_office(request.user) and poll.phase == Poll.Phase.DRAFT,
        "candidates": recommending.candidates_like(poll, recommendation.title),
        "others": recommending.recommendations_like(recommendation),
    }
    return model_page(request, Recommendation, "ruling", recommendation.title, context)


def _forms(recommendation: Recommendation, done: str, data: Any) -> dict[str, forms.Form]:
    """Return the forms that fit the ruling, by the name of their button; one may have been sent."""

    def sent(name: str) -> Any:
        return data if done == name else None

    offered: dict[str, forms.Form] = {
        "adopt": AdoptForm(sent("adopt")),
        "merge": MergeForm(sent("merge"), poll=recommendation.poll),
        "decline": DeclineForm(sent("decline")),
        "reopen": ReopenForm(sent("reopen")),
    }
    return offered


def _rule(
    recommendation: Recommendation, done: str, sent: dict[str, Any], request: StaffRequest
) -> str:
    """Let the act rule and return the sentence that says so; raises Refused."""
    by = request.user
    match done:
        case "adopt":
            project = recommending.adopt(recommendation, by=by)
            return gettext("已列为候选项目第%(number)d项，请补充年度目标和建设内容。") % {
                "number": project.number
            }
        case "merge":
            into: Project = sent["project"]
            recommending.merge(recommendation, into=into, reason=sent["reason"], by=by)
            return gettext("已并入候选项目第%(number)d项。") % {"number": into.number}
        case "decline":
            recommending.decline(recommendation, reason=sent["reason"], by=by)
            return gettext("已记录：不采纳。代表可以看到理由。")
        case _:
            recommending.reopen(recommendation, by=by)
            return gettext("已恢复为待处理。")
