"""The first segment of each address."""

from django.contrib import admin
from django.urls import include, path

from yiwu_vote.health import readyz

handler403 = "yiwu_vote.errors.forbidden"
handler404 = "yiwu_vote.errors.not_found"
handler500 = "yiwu_vote.errors.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("readyz", readyz, name="readyz"),
    path("projects/", include("projects.urls")),
    path("", include("ballots.urls")),
]
