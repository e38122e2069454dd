"""The admin site in Chinese: its name and how one gets in; each app brings its own pages."""

from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import Library
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import accounts, roles
from ballots.staff import people, second_factor
from ballots.staff.log_in import LogInForm, answered, second_factor_page, to_second_factor

register = Library()

# Where whoever has no password of his own may go: to set one, and out.
WITHOUT_OWN_PASSWORD = {"password_change", "password_change_done", "logout", "jsi18n"}


@register.filter
def manages_staff(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Tell whether the page 工作人员 is open to `user`."""
    return isinstance(user, User) and bool(people.roles_given_by(user))


@register.filter
def named(user: AbstractBaseUser | AnonymousUser) -> str:
    """Return the name of a member of staff for a template: the library `staff`."""
    return roles.named(user) if isinstance(user, User) else ""


class VoteAdminSite(AdminSite):
    """Plain Django admin under our name."""

    site_title = _("票决管理")
    site_header = _("民生实事项目票决管理")
    # The masthead has room for one line on a phone; the first page leads to what delegates see.
    site_url = None
    # The index is the home; a column of links beside each page would take a tablet's width.
    enable_nav_sidebar = False
    login_form = LogInForm

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # Nearly every row here is protected, frozen or kept for good; what may go, goes singly.
        self.disable_action("delete_selected")

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in whoever is of the staff, a superuser after his second factor alone."""
        return super().has_permission(request) and not second_factor.is_due(request)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show Django's page, with the status of what it says; ask for what the password left open."""
        is_staff = super().has_permission(request)
        if request.method == "GET" and is_staff and second_factor.is_due(request):
            return to_second_factor(request)
        return answered(super().login(request, extra_context))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Let every page know whose it is, should it change an account while a poll runs."""

        @wraps(view)
        def by_this_person(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(request.user, User):
                return view(request, *args, **kwargs)
            if roles.owes_password(request.user) and _page(request) not in WITHOUT_OWN_PASSWORD:
                return redirect("admin:password_change")
            with accounts.changed_by(request.user):
                return view(request, *args, **kwargs)

        return super().admin_view(by_this_person, cacheable)

    def app_index(  # type: ignore[override]
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the first page, which has all lists: those of one app alone are no page of ours."""
        return redirect("admin:index")

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show Django's page; whoever was given his password reads why he comes to no other."""
        if request.method == "GET" and roles.owes_password(request.user):
            words = gettext(
                "请先设置本人的密码：领取的密码只用于首次登录，设置前不能签名，也不能办理。"
            )
            messages.warning(request, words)
        return super().password_change(request, extra_context)

    def get_urls(self) -> list[Any]:
        return [
            path("second-factor/", second_factor_page, name="second_factor"),
            *super().get_urls(),
        ]


def _page(request: HttpRequest) -> str:
    match = request.resolver_match
    return (match.url_name or "") if match else ""
