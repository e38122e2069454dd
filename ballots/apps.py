"""The app's label, its name in the admin, and the staff groups that every database needs."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions
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


def make_groups(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Answer Django's signal that the tables of `using` are up to date."""
    # On a new database Django may ask us before its own receiver that makes our permissions.
    create_permissions(app_config, verbosity=0, using=using)
    roles.make_groups(using=using)
