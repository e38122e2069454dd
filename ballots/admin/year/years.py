"""The years among the models of the admin: which pages there are, and for whom."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path

from ballots import roles
from ballots.admin.year import assessing, opinions, pages, papers, tables
from projects.year.models import Year
from yiwu_vote.admin_pages import pages_of

TABLES: dict[str, Any] = {
    "import": tables.import_page,
    "import-errors": tables.import_errors,
}


@admin.register(Year)
class YearAdmin(admin.ModelAdmin):
    """Pages of our own alone: a year is made by a vote, and no form of Django's changes it."""

    def get_urls(self) -> list[URLPattern]:
        own: dict[str, tuple[str, Any]] = {
            "": ("changelist", pages.list_page),
            "adopt/<int:poll_id>/": ("adopt", pages.adopt),
            "<int:year>/": ("one", pages.year_page),
            "<int:year>/switches/": ("switches", pages.switches),
            "<int:year>/assess/": ("assess", assessing.assess),
            "<int:year>/close/": ("close", pages.close),
            "<int:year>/quarter/<int:quarter>/": ("quarter", pages.quarter_page),
            "<int:year>/record/<int:number>/": ("record", pages.record),
            "<int:year>/opinions/": ("opinions", opinions.list_page),
            "<int:year>/opinions/enter/": ("opinion_enter", opinions.enter),
            "<int:year>/opinions/<int:opinion>/": ("opinion", opinions.one),
            "<int:year>/opinions/<int:opinion>/answer/": ("opinion_answer", opinions.answer),
            "<int:year>/opinions/<int:opinion>/close/": ("opinion_close", opinions.close),
            "<int:year>/sheet/": ("sheet", papers.sheet),
            "<int:year>/hall/": ("hall", papers.hall),
        }
        return [
            *pages_of(self, TABLES, may=self.may_report),
            *pages_of(self, {"template": tables.template_file}, may=self.has_view_permission),
            *(
                path(route, self.admin_site.admin_view(view), name=f"projects_year_{name}")
                for route, (name, view) in own.items()
            ),
        ]

    def may_report(self, request: HttpRequest) -> bool:
        """Tell whether the person is of the office, who alone reports."""
        return self.has_view_permission(request) and roles.is_office(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
