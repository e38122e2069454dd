"""The column of the figures keeps its name; the field is called what it holds."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ballots", "0006_identity")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("result", "figures", "stored"),
                migrations.AlterField("result", "stored", models.JSONField(db_column="figures")),
            ]
        )
    ]
