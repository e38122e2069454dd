"""A candidate may have sub-items, this year's investment beside the whole, and a source of money."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0009_taken_over"),
    ]

    operations = [
        migrations.CreateModel(
            name="SubItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(verbose_name="顺序")),
                ("text", models.CharField(max_length=100, verbose_name="子项")),
                (
                    "investment",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="投资（万元）",
                    ),
                ),
            ],
            options={
                "verbose_name": "子项",
                "verbose_name_plural": "子项",
                "ordering": ["project", "position"],
            },
        ),
        migrations.AddField(
            model_name="project",
            name="funding",
            field=models.CharField(blank=True, max_length=100, verbose_name="资金来源"),
        ),
        migrations.AddField(
            model_name="project",
            name="investment_this_year",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                help_text="跨年度的项目填写；不能多于总投资。",
                max_digits=12,
                null=True,
                validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                verbose_name="本年投资（万元）",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("investment_this_year__isnull", True),
                    ("investment_this_year__gte", 0),
                    _connector="OR",
                ),
                name="project_investment_this_year_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("investment__isnull", True),
                    ("investment_this_year__isnull", True),
                    ("investment_this_year__lte", models.F("investment")),
                    _connector="OR",
                ),
                name="project_investment_this_year_is_part_of_the_total",
                violation_error_message="本年投资不能多于总投资。",
            ),
        ),
        migrations.AddField(
            model_name="subitem",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sub_items",
                to="projects.project",
                verbose_name="候选项目",
            ),
        ),
        migrations.AddConstraint(
            model_name="subitem",
            constraint=models.UniqueConstraint(
                fields=("project", "position"), name="sub_item_position_is_unique_in_a_project"
            ),
        ),
        migrations.AddConstraint(
            model_name="subitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="sub_item_has_a_text"
            ),
        ),
        migrations.AddConstraint(
            model_name="subitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("investment__isnull", True), ("investment__gte", 0), _connector="OR"
                ),
                name="sub_item_investment_is_not_negative",
            ),
        ),
    ]
