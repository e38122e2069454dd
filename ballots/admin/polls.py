"""The page of a poll's rules, as far as it depends on what was done with the poll since."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from ballots.acts import drafts
from ballots.admin.ending import drop, wipe
from ballots.admin.guard import address
from ballots.journal import Kind
from ballots.refusal import Refused
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

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Let the day's own step drop a draft: Django would ask to delete each candidate first."""
        poll = self.get_object(request, unquote(object_id))
        if poll is None or not self.has_delete_permission(request, poll):
            raise PermissionDenied
        page = address(poll, wipe.name if poll.is_rehearsal else drop.name)
        if request.method != "POST":
            return redirect(page)
        try:
            drafts.drop(poll, by=cast(User, request.user))
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(page)
        messages.success(request, gettext("草稿已删除。"))
        return redirect("admin:projects_poll_changelist")
