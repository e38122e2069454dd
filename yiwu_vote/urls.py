"""The first segment of each address."""

from django.contrib import admin
from django.urls import include, path

handler403 = "ballots.views.forbidden"
handler404 = "ballots.views.not_found"
handler500 = "ballots.views.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("projects/", include("projects.urls")),
    path("", include("ballots.urls")),
]
