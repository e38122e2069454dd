"""The page on which staff sign in: Django's own, which also says when to try again."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpResponse

from ballots.refusal import Refused
from yiwu_vote.staff_session import say_when


class LogInForm(AdminAuthenticationForm):
    """Name and password; `refusal` says why none was looked at, where none was."""

    refusal: Refused | None = None

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except Refused as refusal:
            self.refusal = refusal
            raise ValidationError(str(refusal), code=refusal.code) from None


def answered(page: HttpResponse) -> HttpResponse:
    """Return the log-in page with the status of what it says, where somebody has to wait."""
    form = (getattr(page, "context_data", None) or {}).get("form")
    return say_when(page, form.refusal) if isinstance(form, LogInForm) and form.refusal else page
