"""The first segment of each address."""

from django.contrib import admin
from django.urls import include, path

handler403 = "ballots.pages.ballot.forbidden"
handler404 = "ballots.pages.ballot.not_found"
handler500 = "ballots.pages.ballot.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("projects/", include("projects.urls")),
    path("", include("ballots.urls")),
]
