"""What numbers and names are compared and sorted by, as columns, filled for whoever is there."""

from collections.abc import Callable
from typing import Any

from django.db import migrations, models

from yiwu_vote import texts

LIMIT = 255
NAMED = models.CharField(editable=False, max_length=LIMIT, default="")
KEY = models.CharField(editable=False, max_length=LIMIT, null=True)


def fill(apps: Any, schema_editor: Any) -> None:
    for model in ("Delegate", "RollEntry"):
        rows = apps.get_model("ballots", model).objects.order_by("pk")
        columns = ["number_order"]
        for row in (kept := list(rows)):
            row.number_order = texts.number_order(row.number)[:LIMIT]
            if model == "Delegate":
                row.name_key = texts.name_key(row.name)[:LIMIT]
                columns = ["number_order", "name_key"]
        rows.bulk_update(kept, columns, batch_size=200)
    key(apps, "Delegate", "number_key", lambda row: texts.number_key(row.number))
    key(apps, "Delegation", "name_key", lambda row: texts.folded(row.name))
    if schema_editor.connection.vendor == "postgresql":
        # No table is altered while the foreign keys of its changed rows still wait to be checked.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def key(apps: Any, model: str, column: str, how: Callable[[Any], str]) -> None:
    """Give each row its key; of several that look alike the first keeps it, the others have none."""
    rows = apps.get_model("ballots", model).objects.order_by("pk")
    taken: set[str] = set()
    for row in (kept := list(rows)):
        found = how(row)[:LIMIT]
        setattr(row, column, None if found in taken else found)
        taken.add(found)
    rows.bulk_update(kept, [column], batch_size=200)


class Migration(migrations.Migration):
    dependencies = [("ballots", "0005_phones")]

    operations = [
        migrations.AddField("delegate", "number_key", KEY),
        migrations.AddField("delegate", "number_order", NAMED, preserve_default=False),
        migrations.AddField("delegate", "name_key", NAMED, preserve_default=False),
        migrations.AddField("delegation", "name_key", KEY),
        migrations.AddField("rollentry", "number_order", NAMED, preserve_default=False),
        migrations.AlterModelOptions(
            "delegate",
            options={
                "ordering": [
                    "delegation__position",
                    "delegation__name",
                    "position",
                    "number_order",
                    "number",
                ],
                "verbose_name": "代表",
                "verbose_name_plural": "代表",
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            "delegation",
            models.UniqueConstraint(fields=("name_key",), name="delegation_looks_like_no_other"),
        ),
        migrations.AddConstraint(
            "delegate",
            models.UniqueConstraint(
                fields=("number_key",), name="delegate_number_looks_like_no_other"
            ),
        ),
    ]
