"""The addresses of the tutorial."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("polls/", include("tests.bench.peers.polls.urls")),
    path("admin/", admin.site.urls),
]
