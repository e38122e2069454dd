"""The app's label, its name in the admin, and the staff groups that every database needs."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from ballots import roles


class BallotsConfig(AppConfig):
    name = "ballots"
    verbose_name = _("代表与表决票")

    def ready(self) -> None:
        # Permissions exist only after Django's own post_migrate step, so the groups that carry
        # them cannot be made by a migration.
        post_migrate.connect(make_groups, sender=self)


def make_groups(using: str, **kwargs: Any) -> None:
    """Answer Django's signal that the tables and permissions of `using` are up to date."""
    roles.make_groups(using=using)
