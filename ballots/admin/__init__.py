"""The office's pages in Django admin; the module that Django looks for imports all that register."""

from django.contrib import admin

from ballots.admin import candidates, day, polls, recommendations, records
from ballots.admin.register import delegates
from ballots.admin.year import adopted, years
from ballots.models import PollDay

__all__ = [
    "adopted",
    "candidates",
    "day",
    "delegates",
    "polls",
    "recommendations",
    "records",
    "years",
]

admin.site.register(PollDay, day.PollDayAdmin)
