"""Which delegates are members of the standing committee; nobody is until somebody says so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ballots", "0022_paper_ballots"),
    ]

    operations = [
        migrations.AddField(
            model_name="delegate",
            name="on_committee",
            field=models.BooleanField(
                default=False,
                help_text="由常务委员会表决的，名册由在任的常委会组成人员生成。",
                verbose_name="常委会组成人员",
            ),
        ),
    ]
