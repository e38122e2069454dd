"""The app's label, its name in the admin, and what every database needs beside its tables."""

from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.core.management.base import CommandError
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _

from ballots import roles, triggers
from projects.choices import Kind
from projects.phases import RUNNING
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


def lift_triggers(using: str, plan: list[Any], apps: Apps, **kwargs: Any) -> None:
    """Answer Django's signal that the migrations of `plan` are about to run; `apps` is what they start from.

    Raises CommandError where there are any while a real poll runs. Where there are none no table is
    rebuilt, and the triggers stay.
    """
    if plan:
        demand_no_running_poll(using, apps)
    owner.take_over(connections[using])
    if plan:
        triggers.lift(connections[using])


def demand_no_running_poll(using: str, apps: Apps) -> None:
    """Raise CommandError while a poll that counts is anywhere between its opening and its publication.

    Until then its box lies in the tables that a migration would change, and each step to come holds
    what it finds against what the opening fixed. The way on is the version that opened it.
    """
    try:
        polls = apps.get_model("projects", "Poll")._default_manager.using(using)
    except LookupError:
        # The database is new.
        return
    running = polls.filter(phase__in=RUNNING).exclude(kind=Kind.REHEARSAL).order_by("pk")
    names = [
        f"《{poll.meeting}》（编号{poll.pk}，{poll.get_phase_display()}）" for poll in running[:5]
    ]
    if names:
        raise CommandError(
            f"正式票决{'、'.join(names)}还没有结束，数据库没有升级。请用升级前的版本继续这次票决，"
            "公布结果或者作废以后再运行 manage.py migrate。"
            f" Nothing was migrated: poll {', '.join(str(poll.pk) for poll in running[:5])} is under"
            " way. Go on with the version of before; migrate once it is published or void."
        )


def complete_database(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Answer Django's signal that the tables of `using` are up to date.

    Triggers that are all there are left alone: a server that is started again runs `migrate` too,
    and no ballot may meet a table without its guards.
    """
    if not triggers.are_up_to_date(connections[using]):
        triggers.install(connections[using])
    # On a new database Django may ask us before its own receiver that makes our permissions.
    create_permissions(app_config, verbosity=0, using=using)
    roles.make_groups(using=using)
    if settings.DATABASE_OWNER:
        owner.hand_over(connections[using], RUNS)
