"""The secretariat's pages for delegations and delegates, from which cards and imports begin."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import Count, Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts import delegates, sign_in
from ballots.admin.guard import StaffRequest
from ballots.admin.register import cards, merging, namesakes, roll_import, status
from ballots.facts import register
from ballots.models import AccessCard, Delegate, Delegation, Register
from ballots.pure import identity
from ballots.pure.roll_table import fault_of, phone_of
from ballots.refusal import Refused
from yiwu_vote.admin_pages import pages_of
from yiwu_vote.fields import TYPED_COLUMNS, not_meant
from yiwu_vote.noticing import NoticingAdmin, NoticingForm


class OfficeAdmin(NoticingAdmin):
    """Pages that the office (会务) keeps and others may read.

    A superuser who is not of the office may look, no more (design §6.3). Deleted is only what
    nothing refers to: of anything else the act's own sentence says why it stays (`demand_deletable`).
    """

    formfield_overrides = TYPED_COLUMNS

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and roles.is_office(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and roles.is_office(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and roles.is_office(request.user)

    def demand_deletable(self, rows: QuerySet[Any]) -> None:
        """Raise Refused, with the words of the act, where one of `rows` cannot be deleted."""
        raise NotImplementedError

    def get_deleted_objects(self, objs: Any, request: Any) -> Any:
        """Name the rows and nothing else: of rows that nothing holds only notes go along."""
        return [str(row) for row in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def delete_view(
        self, request: Any, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            row = self.get_object(request, unquote(object_id))
            if row is not None and self.has_delete_permission(request, row):
                self.demand_deletable(self.model._default_manager.filter(pk=row.pk))
            return super().delete_view(request, object_id, extra_context)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(f"admin:{self.opts.label_lower.replace('.', '_')}_change", object_id)

    @admin.action(description=_("删除所选的%(verbose_name_plural)s"), permissions=["delete"])
    def delete_selected(self, request: Any, queryset: QuerySet[Any]) -> HttpResponse | None:
        try:
            self.demand_deletable(queryset)
            return delete_selected(self, request, queryset)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return None

    def has_office_permission(self, request: HttpRequest) -> bool:
        return roles.is_office(request.user)


class OfficeForm(NoticingForm):
    """A form of the register, whose lock every act on it takes before any row."""

    def row_now(self) -> Model | None:
        Register.objects.locked()
        return super().row_now()

    def told(self, field: str, column: str, text: str) -> str:
        """Return `text` if a table of the roll takes it in this column too, or raise ValidationError.

        What stood there before can stay: whoever mends the rest is not held up by it.
        """
        if text and field in self.changed_data and fault_of(column, text):
            raise not_meant(column, text)
        return text

    def demand(self, demand: Callable[..., None], value: str) -> None:
        """Ask what the act will demand of `value` too, to tell it beside the field."""
        try:
            demand(value, but=self.instance)
        except Refused as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from None


# --- delegations ----------------------------------------------------------------------------------


class DelegationForm(OfficeForm):
    """A delegation; its name is that of no other one, to the eye."""

    def clean_name(self) -> str:
        name = self.told("name", "代表团", identity.name_of(self.cleaned_data["name"]))
        self.demand(delegates.demand_free_name, name)
        return name


@admin.register(Delegation)
class DelegationAdmin(OfficeAdmin):
    form = DelegationForm
    list_display = ["name", "position", "people"]
    actions = ["merge", "delete_selected"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delegation]:
        return super().get_queryset(request).annotate(count=Count("delegates"))

    @admin.display(description=_("人数"))
    def people(self, delegation: Delegation) -> int:
        return getattr(delegation, "count", 0)

    def save_model(self, request: Any, obj: Delegation, form: Any, change: bool) -> None:
        delegates.save_delegation(obj, by=request.user)

    def demand_deletable(self, rows: QuerySet[Any]) -> None:
        delegates.demand_empty(rows)

    def delete_model(self, request: Any, obj: Delegation) -> None:
        delegates.delete_delegation(obj, by=request.user)

    @transaction.atomic
    def delete_queryset(self, request: Any, queryset: QuerySet[Delegation]) -> None:
        for delegation in queryset:
            delegates.delete_delegation(delegation, by=request.user)

    @admin.action(description=_("合并代表团"), permissions=["office"])
    def merge(self, request: StaffRequest, queryset: QuerySet[Delegation]) -> HttpResponse:
        return merging.merge_page(request, chosen=_ids(queryset))

    def get_urls(self) -> list[URLPattern]:
        pages = pages_of(self, merging.PAGES, may=self.has_office_permission)
        return pages + super().get_urls()


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


class DelegateForm(OfficeForm):
    """A delegate, in the forms in which an import takes him too."""

    def clean_number(self) -> str:
        number = self.told("number", "代表证号", identity.number_of(self.cleaned_data["number"]))
        self.demand(delegates.demand_free_number, number)
        return number

    def clean_name(self) -> str:
        return self.told("name", "姓名", identity.name_of(self.cleaned_data["name"]))

    def clean_seat(self) -> str:
        return self.told("seat", "座位", self.cleaned_data["seat"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in sorted(delegates.HELD & cleaned.keys()):
            if cleaned[name] != getattr(self.instance, name) and self._is_at_the_vote:
                words = delegates.refused["at-the-vote"] % {"who": self.instance}
                self.add_error(name, forms.ValidationError(words, code="at-the-vote"))
        return cleaned

    @cached_property
    def _is_at_the_vote(self) -> bool:
        return self.instance.pk is not None and register.is_at_the_vote(self.instance)

    def clean_phone(self) -> str:
        typed = self.cleaned_data["phone"]
        phone = phone_of(typed)
        if typed and not phone:
            raise forms.ValidationError(
                _("请填写一个11位手机号，或带区号的固定电话。"), code="no-phone"
            )
        return phone


@admin.register(Delegate)
class DelegateAdmin(OfficeAdmin):
    form = DelegateForm
    list_display = [
        "number_shown",
        *("name", "delegation", "position", "seat", "status", "on_committee", "card_state"),
    ]
    list_display_links = ["number_shown", "name"]
    list_filter = ["delegation", "status", "on_committee", CardFilter]
    list_select_related = ["delegation"]
    search_fields = ["number", "name", "delegation__name"]
    search_help_text = _("代表证号、姓名或代表团")
    fields = [
        *("number", "name", "delegation", "position", "phone", "seat"),
        *("status", "on_committee", "card_state"),
    ]
    actions = ["issue", "reissue", "end_wait", "set_status", "delete_selected"]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return super().changelist_view(
            request, {"title": gettext("代表名册")} | (extra_context or {})
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delegate]:
        card = AccessCard.objects.filter(delegate=OuterRef("pk"), revoked_at__isnull=True)
        return super().get_queryset(request).annotate(has_card=Exists(card))

    def get_readonly_fields(self, request: HttpRequest, obj: Delegate | None = None) -> list[str]:
        """Who may vote is changed on a page of its own, because it is an act on record."""
        return ["status", "card_state"] if obj else ["card_state"]

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "delegation" and field is not None:
            # Beside the choice of a delegation nobody means to delete it.
            field.widget.can_delete_related = False
        return field

    @admin.display(description=_("代表证号"), ordering="number_order")
    def number_shown(self, delegate: Delegate) -> str:
        return delegate.number

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delegate], search_term: str
    ) -> tuple[QuerySet[Delegate], bool]:
        return queryset.filter(register.called(search_term)), False

    @admin.display(description=_("投票卡"))
    def card_state(self, delegate: Delegate) -> str:
        if not getattr(delegate, "has_card", False):
            return gettext("未发")
        if delegate.locked_until and delegate.locked_until > timezone.now():
            return gettext("暂停输入")
        return gettext("有效")

    def save_model(self, request: Any, obj: Delegate, form: Any, change: bool) -> None:
        columns = {column: form.cleaned_data[column] for column in form.changed_data}
        if change:
            delegates.change_delegate(obj, columns, by=request.user)
        else:
            added = delegates.add_delegate(form.cleaned_data, by=request.user)
            obj.pk, obj._state.adding = added.pk, False

    def demand_deletable(self, rows: QuerySet[Any]) -> None:
        delegates.demand_unused(rows)

    def delete_model(self, request: Any, obj: Delegate) -> None:
        delegates.delete_delegates([obj], by=request.user)

    def delete_queryset(self, request: Any, queryset: QuerySet[Delegate]) -> None:
        delegates.delete_delegates(queryset, by=request.user)

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
        pages = cards.PAGES | status.PAGES | namesakes.PAGES | roll_import.PAGES
        return pages_of(self, pages, may=self.has_office_permission) + super().get_urls()


def _ids(rows: Iterable[Model]) -> str:
    return ",".join(str(row.pk) for row in rows)
