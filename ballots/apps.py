"""The app's label, its name in the admin, and what every database needs beside its tables."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _

from ballots import roles, triggers
from yiwu_vote.postgresql import owner

# The role that runs the site, as it was before `migrate` went on as the owner.
RUNS = str(settings.DATABASES["default"].get("USER", ""))


class BallotsConfig(AppConfig):
    name = "ballots"
    verbose_name = _("代表与表决票")

    def ready(self) -> None:
        # Neither can be a migration: a later one of either app may rebuild a guarded table, and
        # permissions exist only after Django's own post_migrate step.
        pre_migrate.connect(lift_triggers, sender=self)
        post_migrate.connect(complete_database, sender=self)


def lift_triggers(using: str, **kwargs: Any) -> None:
    """Answer Django's signal that the migrations of `using` are about to run."""
    owner.take_over(connections[using])
    triggers.lift(connections[using])


def complete_database(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Answer Django's signal that the tables of `using` are up to date."""
    triggers.install(connections[using])
    # On a new database Django may ask us before its own receiver that makes our permissions.
    create_permissions(app_config, verbosity=0, using=using)
    roles.make_groups(using=using)
    if settings.DATABASE_OWNER:
        owner.hand_over(connections[using], RUNS)
