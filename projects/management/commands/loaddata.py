"""Django's `loaddata`, which fills tables that are empty and overwrites nothing.

A fixture names its rows by fixed keys. Where rows with these keys are there already, Django takes
them for older versions of the same rows and replaces them without a word. A whole site does not come
in this way either: the guards of the database keep the rows of a vote that has begun as they are,
and let none in from outside.
"""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import loaddata
from django.core.serializers.base import DeserializedObject
from django.db import IntegrityError, models
from django.utils.translation import gettext

OURS = {"projects", "ballots"}


class Command(loaddata.Command):
    def handle(self, *labels: Any, **options: Any) -> None:
        self.was_empty: dict[type[models.Model], bool] = {}
        try:
            super().handle(*labels, **options)
        except IntegrityError as refusal:
            raise CommandError(
                gettext(
                    "没有载入：数据库不接受这些数据（%(refusal)s）。"
                    "要恢复或搬移整个站点，请用数据库自己的备份，见 docs/operations.md。"
                )
                % {"refusal": str(refusal).splitlines()[0]}
            ) from refusal

    def save_obj(self, obj: DeserializedObject) -> bool:
        """Save an object unless its table had rows before; the command is one transaction."""
        model = type(obj.object)
        if model._meta.app_label in OURS:
            if model not in self.was_empty:
                rows = model._base_manager.using(self.using)
                self.was_empty[model] = not rows.exists()
            if not self.was_empty[model]:
                raise CommandError(
                    gettext(
                        "没有载入：数据库中已有“%(rows)s”，载入会覆盖已有数据。"
                        "要用2024年政府工作报告的候选项目，请运行 manage.py draft_2024 新建草稿。"
                    )
                    % {"rows": model._meta.verbose_name}
                )
        return super().save_obj(obj)
