"""A poll is opened once on record: the database says so, and finds that entry by it at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ballots", "0012_sessions_of_cards")]

    operations = [
        migrations.AddConstraint(
            model_name="journalentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(kind="opened"),
                fields=["poll"],
                name="poll_opens_once_on_record",
            ),
        ),
    ]
