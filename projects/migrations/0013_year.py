"""The adopted projects of a year, their targets and parts, and what is reported of them by quarter."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0012_body_and_boundary"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AdoptedProject",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="序号",
                    ),
                ),
                ("key", models.CharField(max_length=10, verbose_name="票决编号")),
                ("title", models.CharField(max_length=100, verbose_name="项目名称")),
                ("text", models.TextField(verbose_name="建设内容")),
                ("category", models.CharField(blank=True, max_length=20, verbose_name="类别")),
                ("lead_unit", models.CharField(blank=True, max_length=60, verbose_name="责任单位")),
                (
                    "investment",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="总投资（万元）",
                    ),
                ),
                (
                    "investment_this_year",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="本年投资（万元）",
                    ),
                ),
                ("funding", models.CharField(blank=True, max_length=100, verbose_name="资金来源")),
                ("deadline", models.CharField(blank=True, max_length=30, verbose_name="完成时限")),
                ("site", models.CharField(blank=True, max_length=100, verbose_name="实施范围")),
            ],
            options={
                "verbose_name": "实事项目",
                "verbose_name_plural": "实事项目",
                "ordering": ["year", "number"],
                "default_permissions": ("change", "view"),
            },
        ),
        migrations.CreateModel(
            name="AdoptedTarget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(verbose_name="顺序")),
                ("text", models.CharField(max_length=100, verbose_name="目标")),
                (
                    "quantity",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="数量",
                    ),
                ),
                ("unit", models.CharField(blank=True, max_length=20, verbose_name="单位")),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="targets",
                        to="projects.adoptedproject",
                        verbose_name="实事项目",
                    ),
                ),
            ],
            options={
                "verbose_name": "年度目标",
                "verbose_name_plural": "年度目标",
                "ordering": ["project", "position"],
            },
        ),
        migrations.CreateModel(
            name="ProjectFigure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quarter", models.PositiveSmallIntegerField(verbose_name="季度")),
                (
                    "spent",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="已用资金（万元，累计）",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="进展说明")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="填报时间")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="figures",
                        to="projects.adoptedproject",
                    ),
                ),
            ],
            options={
                "verbose_name": "季度进展",
                "verbose_name_plural": "季度进展",
                "ordering": ["pk"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="TargetFigure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quarter", models.PositiveSmallIntegerField(verbose_name="季度")),
                (
                    "planned",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="计划（累计）",
                    ),
                ),
                (
                    "done",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="完成（累计）",
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="填报时间")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="figures",
                        to="projects.adoptedtarget",
                    ),
                ),
            ],
            options={
                "verbose_name": "季度数据",
                "verbose_name_plural": "季度数据",
                "ordering": ["pk"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Year",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "year",
                    models.PositiveSmallIntegerField(
                        unique=True,
                        validators=[
                            django.core.validators.MinValueValidator(2000),
                            django.core.validators.MaxValueValidator(2100),
                        ],
                        verbose_name="年度",
                    ),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="列为时间")),
                (
                    "is_public",
                    models.BooleanField(
                        default=False,
                        help_text="不勾选时，只有登录的代表能看到年度实事项目的进度。",
                        verbose_name="公开进度",
                    ),
                ),
                (
                    "takes_opinions",
                    models.BooleanField(
                        default=False,
                        help_text="勾选后，代表登录后可以实名填写督办意见；不勾选时由会务录入。",
                        verbose_name="代表可以填写督办意见",
                    ),
                ),
                (
                    "closed_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="结束时间"),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "poll",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="made_year",
                        to="projects.poll",
                        verbose_name="票决",
                    ),
                ),
            ],
            options={
                "verbose_name": "年度实事",
                "verbose_name_plural": "年度实事",
                "ordering": ["-year"],
                "default_permissions": ("view",),
            },
        ),
        migrations.AddField(
            model_name="adoptedproject",
            name="year",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="projects",
                to="projects.year",
                verbose_name="年度",
            ),
        ),
        migrations.CreateModel(
            name="AdoptedPart",
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
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="projects.adoptedproject",
                        verbose_name="实事项目",
                    ),
                ),
            ],
            options={
                "verbose_name": "子项",
                "verbose_name_plural": "子项",
                "ordering": ["project", "position"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "position"), name="adopted_part_position_is_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True),
                        name="adopted_part_has_a_text",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("investment__isnull", True), ("investment__gte", 0), _connector="OR"
                        ),
                        name="adopted_part_investment_is_not_negative",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="adoptedtarget",
            constraint=models.UniqueConstraint(
                fields=("project", "position"), name="adopted_target_position_is_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedtarget",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__isnull", False), ("unit", ""), _connector="OR"),
                name="adopted_target_unit_only_with_a_quantity",
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedtarget",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("quantity__isnull", True), ("quantity__gte", 0), _connector="OR"
                ),
                name="adopted_target_quantity_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedtarget",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="adopted_target_has_a_text"
            ),
        ),
        migrations.AddConstraint(
            model_name="projectfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(("quarter__in", (1, 2, 3, 4))),
                name="project_figure_is_of_a_quarter",
            ),
        ),
        migrations.AddConstraint(
            model_name="projectfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(("spent__isnull", True), ("spent__gte", 0), _connector="OR"),
                name="spent_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="projectfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("spent__isnull", False), models.Q(("note", ""), _negated=True), _connector="OR"
                ),
                name="project_figure_says_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="targetfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(("quarter__in", (1, 2, 3, 4))),
                name="target_figure_is_of_a_quarter",
            ),
        ),
        migrations.AddConstraint(
            model_name="targetfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(("planned__isnull", True), ("planned__gte", 0), _connector="OR"),
                name="planned_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="targetfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(("done__isnull", True), ("done__gte", 0), _connector="OR"),
                name="done_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="targetfigure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("planned__isnull", False), ("done__isnull", False), _connector="OR"
                ),
                name="target_figure_says_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="year",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", True), ("closed_by__isnull", True)),
                    models.Q(("closed_at__isnull", False), ("closed_by__isnull", False)),
                    _connector="OR",
                ),
                name="year_is_closed_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedproject",
            constraint=models.UniqueConstraint(
                fields=("year", "number"), name="adopted_number_is_unique_in_a_year"
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedproject",
            constraint=models.UniqueConstraint(
                fields=("year", "key"), name="item_is_adopted_once_in_a_year"
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedproject",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1)), name="adopted_number_from_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedproject",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("title", ""), _negated=True),
                    models.Q(("text", ""), _negated=True),
                    models.Q(("key", ""), _negated=True),
                ),
                name="adopted_is_named",
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedproject",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("investment__isnull", True), ("investment__gte", 0), _connector="OR"
                ),
                name="adopted_investment_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedproject",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("investment_this_year__isnull", True),
                    ("investment_this_year__gte", 0),
                    _connector="OR",
                ),
                name="adopted_investment_this_year_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedproject",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("investment__isnull", True),
                    ("investment_this_year__isnull", True),
                    ("investment_this_year__lte", models.F("investment")),
                    _connector="OR",
                ),
                name="adopted_investment_this_year_is_part_of_the_total",
                violation_error_message="本年投资不能多于总投资。",
            ),
        ),
    ]
