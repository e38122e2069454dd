"""Wrong passwords of staff are counted here, and no longer in the memory of each process."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ballots", "0013_a_poll_opens_once"),
    ]

    operations = [
        migrations.CreateModel(
            name="PasswordTries",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("wait_until", models.DateTimeField(null=True)),
                ("last_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "verbose_name": "密码尝试",
                "verbose_name_plural": "密码尝试",
                "default_permissions": (),
            },
        ),
    ]
