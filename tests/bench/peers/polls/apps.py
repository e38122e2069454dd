"""As `startapp` writes it."""

from django.apps import AppConfig


class PollsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tests.bench.peers.polls"
