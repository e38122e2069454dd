"""The second factor of superusers is a row of django-otp that holds no secret."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("ballots", "0015_entries_by_nobody"),
        ("otp_totp", "0003_add_timestamps"),
    ]

    operations = [
        migrations.CreateModel(
            name="Authenticator",
            fields=[],
            options={
                "verbose_name": "验证器",
                "verbose_name_plural": "验证器",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("otp_totp.totpdevice",),
        ),
    ]
