"""The page of a poll's rules, as far as it depends on what was done with the poll since."""

from django.contrib import admin
from django.http import HttpRequest

from ballots.journal import Kind
from projects import admin as projects_admin
from projects.models import Poll

admin.site.unregister(Poll)


@admin.register(Poll)
class PollAdmin(projects_admin.PollAdmin):
    """The page of `projects`, which may not know of the journal and the key."""

    def get_readonly_fields(self, request: HttpRequest, obj: Poll | None = None) -> list[str]:
        """A poll keeps its kind from the first act on record on, the making of its key."""
        fields = super().get_readonly_fields(request, obj)
        if (
            obj is not None
            and "kind" not in fields
            and obj.journal.filter(kind=Kind.KEY_MADE).exists()
        ):
            return [*fields, "kind"]
        return fields
