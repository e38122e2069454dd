"""The secretariat's pages for delegations and delegates, from which cards and imports begin."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import sign_in
from ballots.admin.guard import StaffRequest
from ballots.admin.register import cards, namesakes, roll_import, status
from ballots.models import AccessCard, Delegate, Delegation


class OfficeAdmin(admin.ModelAdmin):
    """Pages that the office (会务) keeps, others may read, and where nothing is ever deleted.

    A superuser who is not of the office may look, no more (design §6.3).
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and roles.is_office(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and roles.is_office(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Delegation)
class DelegationAdmin(OfficeAdmin):
    list_display = ["name", "position"]


# --- delegates ------------------------------------------------------------------------------------


class CardFilter(admin.SimpleListFilter):
    title = _("投票卡")
    parameter_name = "card"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("valid", _("有效")), ("none", _("未发")), ("wait", _("暂停输入"))]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "valid":
                return queryset.filter(has_card=True)
            case "none":
                return queryset.filter(has_card=False)
            case "wait":
                return queryset.filter(locked_until__gt=timezone.now())
        return queryset


@admin.register(Delegate)
class DelegateAdmin(OfficeAdmin):
    list_display = ["number", "name", "delegation", "position", "seat", "status", "card_state"]
    list_display_links = ["number", "name"]
    list_filter = ["delegation", "status", CardFilter]
    list_select_related = ["delegation"]
    search_fields = ["number", "name", "delegation__name"]
    search_help_text = _("代表证号、姓名或代表团")
    fields = ["number", "name", "delegation", "position", "phone", "seat", "status", "card_state"]
    actions = ["issue", "reissue", "end_wait", "set_status"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delegate]:
        card = AccessCard.objects.filter(delegate=OuterRef("pk"), revoked_at__isnull=True)
        return super().get_queryset(request).annotate(has_card=Exists(card))

    def get_readonly_fields(self, request: HttpRequest, obj: Delegate | None = None) -> list[str]:
        """Who may vote is changed on a page of its own, because it is an act on record."""
        return ["status", "card_state"] if obj else ["card_state"]

    @admin.display(description=_("投票卡"))
    def card_state(self, delegate: Delegate) -> str:
        if not getattr(delegate, "has_card", False):
            return gettext("未发")
        if delegate.locked_until and delegate.locked_until > timezone.now():
            return gettext("暂停输入")
        return gettext("有效")

    def has_office_permission(self, request: HttpRequest) -> bool:
        return roles.is_office(request.user)

    @admin.action(description=_("发卡（尚未发卡的）"), permissions=["office"])
    def issue(self, request: StaffRequest, queryset: QuerySet[Delegate]) -> HttpResponse:
        return cards.issue_page(request, chosen=_ids(queryset))

    @admin.action(description=_("发新卡（原卡作废）"), permissions=["office"])
    def reissue(self, request: StaffRequest, queryset: QuerySet[Delegate]) -> HttpResponse:
        return cards.reissue_page(request, chosen=_ids(queryset))

    @admin.action(description=_("更改状态"), permissions=["office"])
    def set_status(self, request: StaffRequest, queryset: QuerySet[Delegate]) -> HttpResponse:
        return status.status_page(request, chosen=_ids(queryset))

    @admin.action(description=_("解除等待"), permissions=["office"])
    def end_wait(self, request: StaffRequest, queryset: QuerySet[Delegate]) -> None:
        with transaction.atomic():
            for delegate in queryset:
                sign_in.end_wait(delegate, by=request.user)
        self.message_user(request, gettext("已解除等待，代表可以马上再输入投票码。"))

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"{name}/",
                self.admin_site.admin_view(_of_office(page)),
                name=f"ballots_delegate_{name}",
            )
            for name, page in (
                cards.PAGES | status.PAGES | namesakes.PAGES | roll_import.PAGES
            ).items()
        ]
        return pages + super().get_urls()


def _of_office(page: Callable[[StaffRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Return `page` for members of the office only."""

    def guarded(request: StaffRequest) -> HttpResponse:
        if not roles.is_office(request.user):
            raise PermissionDenied
        return page(request)

    return guarded


def _ids(delegates: Iterable[Delegate]) -> str:
    return ",".join(str(delegate.pk) for delegate in delegates)
