"""A result that was published before there were steps of a reveal has been seen by everybody."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("projects", "0002_outcome")]
    operations = [
        migrations.RunSQL(
            "UPDATE projects_poll SET revealed_at = published_at WHERE phase = 'published'",
            "UPDATE projects_poll SET revealed_at = NULL",
        )
    ]
