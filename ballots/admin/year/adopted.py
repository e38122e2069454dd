"""The page of an adopted project: what the office may mend of it while its year is open."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import IntegrityError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.acts.year.adopting import locked_year
from ballots.admin.year.pages import address
from ballots.refusal import Refused
from projects.admin import MOST_LINES
from projects.lines import LineForm, LineFormSet
from projects.year.models import AdoptedPart, AdoptedProject, AdoptedTarget
from yiwu_vote.fields import TYPED_COLUMNS
from yiwu_vote.noticing import NoticingAdmin, NoticingForm


class AdoptedForm(NoticingForm):
    """An adopted project with its lines; what has changed is kept with old and new."""

    class Meta:
        model = AdoptedProject
        fields: list[str] = []  # those of the fieldsets below

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before = self.values_of(self.instance)

    def row_now(self) -> Model | None:
        # The year first, as an import and a report do: nobody waits for anybody in a circle.
        try:
            locked_year(self.instance.year)
        except Refused as refusal:
            self.add_error(None, str(refusal))
        return super().row_now()

    def values_of(self, row: Any) -> dict[str, str]:
        lines = {gettext("年度目标"): row.targets.all(), gettext("子项"): row.parts.all()}
        said = {title: "；".join(map(str, rows)) for title, rows in lines.items()}
        return super().values_of(row) | said

    def told(self) -> str:
        """Return in words what the saved form has changed, old and new."""
        row = AdoptedProject.objects.prefetch_related("targets", "parts").get(pk=self.instance.pk)
        changes = [
            gettext("%(name)s：%(old)s → %(new)s")
            % {"name": self._label(name), "old": old or "—", "new": new or "—"}
            for (name, old), new in zip(
                self.before.items(), self.values_of(row).values(), strict=True
            )
            if old != new
        ]
        return "；".join(changes)

    def _label(self, name: str) -> str:
        return str(self.fields[name].label) if name in self.fields else name


class TargetForm(LineForm):
    """A target; one on which there are figures keeps what they are counted in."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        before = AdoptedTarget.objects.filter(pk=self.instance.pk, figures__isnull=False).first()
        if before is not None and not {"unit", "quantity"} & self.errors.keys():
            quantity, unit = cleaned.get("quantity"), cleaned.get("unit")
            if (quantity is None) != (before.quantity is None) or (unit or "") != before.unit:
                words = gettext(
                    "已有季度数据的目标，单位不能更改，也不能改为没有数量；可以更正数量和文字，或另加一条目标。"
                )
                self.add_error("unit", words)
        return cleaned


class LineInline(admin.TabularInline):
    """The lines of an adopted project, as those of a candidate are laid out."""

    form = LineForm
    formset = LineFormSet
    formfield_overrides = TYPED_COLUMNS
    extra = 2
    parent: Any

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs |= {"max_num": MOST_LINES, "absolute_max": 2 * MOST_LINES}
        return super().get_formset(request, obj, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.model.SAID

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_change(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_change(request, obj)


class TargetInline(LineInline):
    model = AdoptedTarget
    form = TargetForm


class PartInline(LineInline):
    model = AdoptedPart


def may_change(request: HttpRequest, obj: AdoptedProject | None) -> bool:
    """Tell whether the person is of the office and the year of the project is open."""
    return roles.is_office(request.user) and (obj is None or obj.year.is_open)


@admin.register(AdoptedProject)
class AdoptedAdmin(NoticingAdmin):
    """One project; the list of them is the page of its year."""

    form = AdoptedForm
    formfield_overrides = TYPED_COLUMNS
    list_select_related = ["year"]
    inlines = [TargetInline, PartInline]
    readonly_fields = ["year", "number", "key", "title"]
    fieldsets = [
        (
            None,
            {
                "fields": [*("year", "number", "key", "title"), *("text", "category", "lead_unit")],
                "description": _(
                    "这里的更改只用于年度督办，不影响票决时的候选项目；序号、名称不能更改。每次更改都写入填报记录。"
                ),
            },
        ),
        (
            _("资金和时限"),
            {"fields": ["investment", "investment_this_year", "funding", "deadline", "site"]},
        ),
    ]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Keep it out of the lists of models: one comes here from the page of the year."""
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_change(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:projects_year_changelist")

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Answer a form that comes too late with a sentence, not with an error page."""
        if request.method == "POST" and object_id is not None:
            row = self.get_object(request, unquote(object_id))
            if row is not None and not row.year.is_open and roles.is_office(request.user):
                messages.error(request, gettext("没有保存：该年度的实事项目已经结束。"))
                return redirect(request.get_full_path())
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            words = gettext("没有保存：有人同时改了同一处，或该年度刚刚结束。请核对后重试。")
            messages.error(request, words)
            return redirect(request.get_full_path())

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Say old and new, for the record of the project."""
        return form.told() or gettext("没有更改。")

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Lead back to the page of the year, where one came from."""
        if "_continue" in request.POST:
            return super().response_change(request, obj)
        words = gettext("已保存：%(project)s。") % {"project": obj}
        messages.success(request, words)
        return redirect(address(obj.year.year))
