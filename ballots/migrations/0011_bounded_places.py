"""The places of delegates and delegations end where every database and every table can hold them."""

from typing import Any

from django.core.validators import MaxValueValidator
from django.db import migrations, models

# 序号 of a delegate and 顺序 of a delegation.
LIMITS = {"Delegate": 999_999, "Delegation": 30_000}


def bound(apps: Any, schema_editor: Any) -> None:
    """Put whoever was placed farther out at the end, where he stands on every list anyway."""
    for name, limit in LIMITS.items():
        apps.get_model("ballots", name).objects.filter(position__gt=limit).update(position=limit)


class Migration(migrations.Migration):
    dependencies = [("ballots", "0010_order_of_delegations")]

    operations = [
        migrations.RunPython(bound, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="delegate",
            name="position",
            field=models.PositiveIntegerField(
                default=0, validators=[MaxValueValidator(999_999)], verbose_name="序号"
            ),
        ),
        migrations.AlterField(
            model_name="delegation",
            name="position",
            field=models.PositiveSmallIntegerField(
                default=0, validators=[MaxValueValidator(30_000)], verbose_name="顺序"
            ),
        ),
        migrations.AddConstraint(
            model_name="delegate",
            constraint=models.CheckConstraint(
                condition=models.Q(position__lte=999_999), name="delegate_position_is_bounded"
            ),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(position__lte=30_000), name="delegation_position_is_bounded"
            ),
        ),
    ]
