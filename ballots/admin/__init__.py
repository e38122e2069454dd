"""The office's pages in Django admin; the module that Django looks for imports all that register."""

from django.contrib import admin

from ballots.admin import candidates, day, polls, recommendations, records
from ballots.admin.register import delegates
from ballots.models import PollDay

__all__ = ["candidates", "day", "delegates", "polls", "recommendations", "records"]

admin.site.register(PollDay, day.PollDayAdmin)
