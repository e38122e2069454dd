"""The first segment of each address."""

from django.contrib import admin
from django.urls import include, path

from ballots.admin.desk import handbook, start
from yiwu_vote.health import readyz

handler403 = "yiwu_vote.errors.forbidden"
handler404 = "yiwu_vote.errors.not_found"
handler500 = "yiwu_vote.errors.server_error"

# Pages of our own within Django's admin; the first one stands in the place of its list of models.
desk = [
    path("", admin.site.admin_view(start.page), name="index"),
    path("handbook/", admin.site.admin_view(handbook.page), name="handbook"),
]
pages, app, site = admin.site.urls

urlpatterns = [
    path("admin/", ([*desk, *pages], app, site)),
    path("readyz", readyz, name="readyz"),
    path("projects/", include("projects.urls")),
    path("", include("ballots.urls")),
]
