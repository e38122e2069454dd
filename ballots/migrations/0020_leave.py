"""Who on the roll of a poll is on leave, and why; nobody was before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ballots", "0019_password_dates"),
        ("projects", "0009_taken_over"),
    ]

    operations = [
        migrations.AddField(
            model_name="rollentry",
            name="leave",
            field=models.CharField(blank=True, default="", max_length=200, verbose_name="请假事由"),
        ),
        migrations.AddConstraint(
            model_name="rollentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("present", False), ("leave", ""), _connector="OR"),
                name="roll_entry_present_is_not_on_leave",
            ),
        ),
    ]
