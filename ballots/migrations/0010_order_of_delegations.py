"""The column by which 第2代表团 comes before 第10代表团."""

from typing import Any

from django.db import migrations, models

from yiwu_vote import texts

LIMIT = 255


def fill(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("ballots", "Delegation").objects.order_by("pk")
    for row in (kept := list(rows)):
        row.name_order = texts.number_order(row.name)[:LIMIT]
    rows.bulk_update(kept, ["name_order"], batch_size=200)
    if schema_editor.connection.vendor == "postgresql":
        # No table is altered while the foreign keys of its changed rows still wait to be checked.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("ballots", "0009_card_proofs")]

    operations = [
        migrations.AddField(
            "delegation",
            "name_order",
            models.CharField(editable=False, max_length=LIMIT, default=""),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        migrations.AlterModelOptions(
            "delegation",
            options={
                "ordering": ["position", "name_order", "name"],
                "verbose_name": "代表团",
                "verbose_name_plural": "代表团",
            },
        ),
        migrations.AlterModelOptions(
            "delegate",
            options={
                "ordering": [
                    "delegation__position",
                    "delegation__name_order",
                    "position",
                    "number_order",
                    "number",
                ],
                "verbose_name": "代表",
                "verbose_name_plural": "代表",
            },
        ),
    ]
