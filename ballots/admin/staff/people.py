"""The page 工作人员: who is of the staff, with what role, and the slip with which an account begins."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.admin.forms import tell
from ballots.admin.staff.signing import signed_page
from ballots.models import PasswordDate
from ballots.refusal import Refused
from ballots.staff import people, waits
from yiwu_vote.admin_pages import model_page
from yiwu_vote.fields import Typed


class StaffForm(forms.Form):
    """Who a member of staff is, and what he does; `offered` are the roles that may be given."""

    last_name = Typed(label=_("姓"), max_length=20)
    first_name = Typed(label=_("名"), max_length=20)
    role = forms.ChoiceField(label=_("职责"), widget=forms.RadioSelect)

    def __init__(self, data: Any = None, *, offered: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["role"].choices = [(role, role) for role in offered]  # type: ignore[attr-defined]
        if len(offered) == 1:
            self.fields["role"].initial = offered[0]


class NewStaffForm(StaffForm):
    """An account that is not there yet."""

    username = Typed(
        label=_("用户名"),
        max_length=30,
        help_text=_("登录时使用，以后不能更改。请勿用姓名或电话号码。"),
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    field_order = ("last_name", "first_name", "username", "role")


def urls() -> list[URLPattern]:
    """Return the addresses of these pages, to stand among those of an account."""
    pages: list[tuple[str, Callable[..., Any], str]] = [
        ("staff/", staff_page, "staff"),
        ("staff/add/", add_page, "staff_add"),
        ("staff/<int:object_id>/", one_page, "staff_one"),
    ]
    return [
        path(address, admin.site.admin_view(_for_managers(page)), name=f"auth_user_{name}")
        for address, page, name in pages
    ]


def _for_managers(page: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(page)
    def answer(request: Any, **kwargs: Any) -> Any:
        if not people.roles_given_by(request.user):
            raise PermissionDenied
        return page(request, **kwargs)

    return answer


def staff_page(request: Any) -> HttpResponseBase:
    """List the staff: whoever may manage an account is led to it."""
    owing = set(PasswordDate.objects.filter(is_own=False).values_list("user", flat=True))
    staff = User.objects.filter(is_staff=True).prefetch_related("groups")
    rows = [
        {
            "user": user,
            "role": _("系统管理员") if user.is_superuser else "、".join(_roles(user)) or "—",
            "owes": user.pk in owing,
            "managed": _is_managed(request.user, user),
        }
        for user in staff.order_by("-is_active", "last_name", "first_name", "username")
    ]
    return model_page(request, User, "staff", gettext("工作人员"), {"rows": rows})


def _roles(user: User) -> list[str]:
    role = people.role_of(user)
    return [role] if role else sorted(group.name for group in user.groups.all())


def _is_managed(by: User, user: User) -> bool:
    try:
        people.demand_managed(by, user)
    except Refused:
        return False
    return True


def add_page(request: Any) -> HttpResponseBase:
    return signed_page(_add, request)


def _add(request: Any) -> HttpResponseBase:
    data = request.POST if "username" in request.POST else None
    form = NewStaffForm(data, offered=people.roles_given_by(request.user))
    if data is not None and form.is_valid():
        filled = form.cleaned_data
        try:
            user, password = people.add_staff(
                username=filled["username"],
                family=filled["last_name"],
                given=filled["first_name"],
                role=filled["role"],
                by=request.user,
            )
        except Refused as refusal:
            tell(form, refusal)
        else:
            return _slip(request, user, password)
    return model_page(request, User, "staff_form", gettext("新增工作人员"), {"forms": [form]})


def one_page(request: Any, object_id: int) -> HttpResponseBase:
    user = get_object_or_404(User.objects.filter(is_staff=True), pk=object_id)
    try:
        people.demand_managed(request.user, user)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:auth_user_staff")
    if "end-wait" in request.POST:
        # Nothing of an account is changed by it, and who waits is needed now.
        waits.end(request, user)
        messages.success(request, gettext("已解除等待。"))
        return redirect(request.path)
    return signed_page(_one, request, user)


def _one(request: Any, user: User) -> HttpResponseBase:
    offered = people.roles_given_by(request.user)
    kept = {
        "last_name": user.last_name,
        "first_name": user.first_name,
        "role": people.role_of(user),
    }
    data = request.POST if "change" in request.POST else None
    form = StaffForm(data, offered=offered, initial=kept)
    try:
        if "reset" in request.POST:
            return _slip(request, user, people.give_password(user, by=request.user))
        if "disable" in request.POST or "enable" in request.POST:
            people.set_active(user, active="enable" in request.POST, by=request.user)
            messages.success(request, gettext("已办理。"))
            return redirect("admin:auth_user_staff")
        if data is not None and form.is_valid():
            filled = form.cleaned_data
            people.change_staff(
                user,
                family=filled["last_name"],
                given=filled["first_name"],
                role=filled["role"],
                by=request.user,
            )
            messages.success(request, gettext("已办理。"))
            return redirect("admin:auth_user_staff")
    except Refused as refusal:
        messages.error(request, str(refusal))
    context = {"person": user, "forms": [form], "wait_until": waits.wait_of(request, user)}
    return model_page(request, User, "staff_one", roles.named(user), context)


def _slip(request: Any, user: User, password: str) -> HttpResponseBase:
    """Show the one page on which a given password ever stands."""
    context = {
        "person": user,
        "password": password,
        "role": people.role_of(user),
        "address": f"{settings.PUBLIC_URL}/admin/",
    }
    return model_page(request, User, "staff_slip", gettext("账号单"), context)
