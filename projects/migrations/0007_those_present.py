from django.db import migrations, models


def report_first(apps, schema_editor):
    """Let drafts that count take ballots of those present alone: no other can be opened any more."""
    polls = apps.get_model("projects", "Poll").objects.filter(phase="draft", voters="roll")
    polls.exclude(kind="rehearsal").update(voters="present")
    if schema_editor.connection.vendor == "postgresql":
        # No table is altered while the foreign keys of its changed rows still wait to be checked.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0006_total_reason"),
    ]

    operations = [
        migrations.RunPython(report_first, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="poll",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("voters", "present"),
                    ("kind", "rehearsal"),
                    models.Q(("phase", "draft"), _negated=True),
                    _connector="OR",
                ),
                name="poll_that_counts_is_for_those_present",
            ),
        ),
    ]
