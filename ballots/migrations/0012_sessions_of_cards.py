"""Sessions get a table of ours, whose rows say which card opened them; those of before are over."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def end(apps: Any, schema_editor: Any) -> None:
    """Delete the sessions of Django's own table: they would lie there with a card's key for good."""
    apps.get_model("sessions", "Session").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("ballots", "0011_bounded_places"), ("sessions", "0001_initial")]

    operations = [
        migrations.RunPython(end, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(
                        max_length=40,
                        primary_key=True,
                        serialize=False,
                        verbose_name="session key",
                    ),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                (
                    "card",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="ballots.accesscard",
                    ),
                ),
            ],
            options={
                "verbose_name": "登录状态",
                "verbose_name_plural": "登录状态",
                "default_permissions": (),
            },
        ),
    ]
