"""What can be read and never changed here: the roll of a poll, the journal, and who signed in it.

Envelopes, ballots and results are not registered at all: nobody can look them up here, a superuser
neither.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from ballots import roles
from ballots.admin.guard import download
from ballots.admin.staff import people
from ballots.admin.staff.signing import signed_page
from ballots.admin.staff.waiting import signatures_page
from ballots.facts import record, register
from ballots.files import tables
from ballots.models import JournalEntry, RollEntry
from ballots.roles import named
from projects.admin import StandingPollFilter
from yiwu_vote.admin_pages import asks_a_filter, without_filtered
from yiwu_vote.fields import TYPED_COLUMNS


class ReadOnlyAdmin(admin.ModelAdmin):
    """Pages of what the acts alone write: nothing is added, changed or deleted by a form of Django."""

    actions = None

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return asks_a_filter(self, lookup)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(RollEntry)
class RollEntryAdmin(ReadOnlyAdmin):
    list_display = ["number_shown", "name", "delegation", "present", "channel", "voted", "poll"]
    list_filter = [("poll", StandingPollFilter), "present", "voted", "channel", "delegation"]
    list_select_related = ["poll"]
    search_fields = ["number", "name", "delegation"]
    ordering = [
        "-poll",
        "delegate__delegation__position",
        "delegate__delegation__name_order",
        "delegation",
        "number_order",
    ]
    search_help_text = _("代表证号、姓名或代表团")
    # When somebody voted is shown to that person alone.
    fields = ["poll", "number", "name", "delegation", "present", "channel", "voted"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return without_filtered(super().get_list_display(request), "poll", request)

    @admin.display(description=_("代表证号"), ordering="number_order")
    def number_shown(self, entry: RollEntry) -> str:
        return entry.number

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RollEntry], search_term: str
    ) -> tuple[QuerySet[RollEntry], bool]:
        # By the words of the roll, and by those of the register of today.
        by_roll, _may_double = super().get_search_results(request, queryset, search_term)
        by_register = queryset.filter(register.called(search_term, of="delegate__"))
        return by_roll | by_register, False


REGISTER = _("代表名录")


def _signed(name: str, ages: str) -> str:
    return f"{name}（{ages}）" if ages else name


class ChainFilter(admin.RelatedFieldListFilter):
    """The chain of a poll, or that of the register, which belongs to none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.empty_value_display = REGISTER  # type: ignore[assignment]


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ["seq", "at", "what", "signer", "second_signer", "chain"]
    # A dropped draft is among them: here its record is read.
    list_filter = [("poll", ChainFilter)]
    list_select_related = ["poll", "by", "second"]
    ordering = ["-poll", "seq"]
    # The hashed text itself holds the votes of every count: those stay out of sight while a count
    # that was sent back is being made again.
    fields = ["chain", "seq", "what", "at", "signer", "second_signer", "words", "hash"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return without_filtered(super().get_list_display(request), "chain", request)

    @admin.display(description=_("票决"), ordering="poll")
    def chain(self, entry: JournalEntry) -> str:
        return str(entry.poll or REGISTER)

    def register_file(self, request: HttpRequest) -> HttpResponse:
        """Give out the chain of the register."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return download(tables.register_journal_csv())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.register_file)
        address = path("register/", view, name="ballots_journalentry_register")
        waiting = path(
            "signatures/",
            self.admin_site.admin_view(signatures_page),
            name="ballots_journalentry_signatures",
        )
        return [address, waiting, *super().get_urls()]

    @admin.display(description=_("操作"), ordering="kind")
    def what(self, entry: JournalEntry) -> str:
        return record.act(entry)

    @admin.display(description=_("操作人"), ordering="by")
    def signer(self, entry: JournalEntry) -> str:
        return _signed(named(entry.by), record.signature(entry, "by"))

    @admin.display(description=_("第二人"), ordering="second")
    def second_signer(self, entry: JournalEntry) -> str:
        name = named(entry.second) if entry.second else ""
        return _signed(name, record.signature(entry, "second"))

    @admin.display(description=_("说明"))
    def words(self, entry: JournalEntry) -> str:
        return record.line(entry)


# --- accounts -------------------------------------------------------------------------------------

admin.site.unregister(User)
admin.site.unregister(Group)
# The second factor has a page of its own (`ballots.staff.log_in`), and nobody looks at another's.
admin.site.unregister(TOTPDevice)
admin.site.unregister(StaticDevice)


@admin.register(Group)
class OfficesAdmin(GroupAdmin):
    """Django's own page for groups; the three offices of a vote stay what `migrate` has made them."""

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return not _is_office(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return not _is_office(obj) and super().has_delete_permission(request, obj)


def _is_office(group: Group | None) -> bool:
    return group is not None and group.name in roles.GROUPS


@admin.register(User)
class StaffAdmin(UserAdmin):
    """Django's own page for accounts; a name that signed an act is not changed any more."""

    formfield_overrides = TYPED_COLUMNS
    list_display = ["username", "person", "email", "is_staff", "is_active"]
    list_display_links = ["username", "person"]
    # An account and its offices are one change, which two sign once while a poll runs.
    add_fieldsets = (
        *UserAdmin.add_fieldsets,
        (_("职责"), {"fields": ("last_name", "first_name", "is_staff", "groups")}),
    )

    def get_urls(self) -> list[Any]:
        return [*people.urls(), *super().get_urls()]

    def changeform_view(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return signed_page(super().changeform_view, request, *args, **kwargs)

    def user_change_password(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return signed_page(super().user_change_password, request, *args, **kwargs)

    def response_add(self, request: HttpRequest, obj: User, *args: Any, **kwargs: Any) -> Any:
        """Go back to the list: nothing is left to be filled in."""
        return admin.ModelAdmin.response_add(self, request, obj, *args, **kwargs)

    @admin.display(description=_("姓名"), ordering="last_name")
    def person(self, user: User) -> str:
        return named(user)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Ask for the family name first, as it is said; and for offices alone, never a single permission."""
        fieldsets: list[Any] = [
            (title, dict(options)) for title, options in super().get_fieldsets(request, obj)
        ]
        for _title, options in fieldsets:
            fields = [name for name in options["fields"] if name != "user_permissions"]
            if "first_name" in fields:
                rest = [name for name in fields if name not in ("last_name", "first_name")]
                fields = ["last_name", "first_name", *rest]
            options["fields"] = fields
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        # The journal hashes the names of those who signed: a new one would break its chain.
        has_signed = obj and JournalEntry.objects.filter(Q(by=obj) | Q(second=obj)).exists()
        return (*fields, "username") if has_signed else fields
