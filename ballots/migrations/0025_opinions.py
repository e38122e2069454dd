"""Opinions on the projects of a year, by name, and what was answered (design §3.6)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ballots", "0024_grades"),
        ("projects", "0013_year"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Opinion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("by_name", models.CharField(max_length=60, verbose_name="提出人")),
                ("text", models.CharField(max_length=500, verbose_name="督办意见")),
                ("due", models.DateField(verbose_name="答复期限")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="提出时间")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="办结时间")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="办结说明")),
                (
                    "closed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="办结人",
                    ),
                ),
                (
                    "delegate",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="opinions",
                        to="ballots.delegate",
                        verbose_name="代表",
                    ),
                ),
                (
                    "entered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="录入人",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="opinions",
                        to="projects.adoptedproject",
                        verbose_name="实事项目",
                    ),
                ),
            ],
            options={
                "verbose_name": "督办意见",
                "verbose_name_plural": "督办意见",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="OpinionAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=500, verbose_name="答复")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="答复时间")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="录入人",
                    ),
                ),
                (
                    "opinion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="ballots.opinion",
                    ),
                ),
            ],
            options={
                "verbose_name": "答复",
                "verbose_name_plural": "答复",
                "ordering": ["-pk"],
                "default_permissions": (),
            },
        ),
        migrations.AddConstraint(
            model_name="opinion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("by_name", ""), _negated=True), models.Q(("text", ""), _negated=True)
                ),
                name="opinion_is_by_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="opinion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("delegate__isnull", False), ("entered_by__isnull", False), _connector="OR"
                ),
                name="opinion_is_entered_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="opinion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_at__isnull", True), ("closed_by__isnull", True), ("reason", "")
                    ),
                    models.Q(
                        ("closed_at__isnull", False),
                        ("closed_by__isnull", False),
                        models.Q(("reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="opinion_is_closed_with_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="opinionanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="answer_has_a_text"
            ),
        ),
    ]
