"""The secretariat's pages for polls and candidates; from the opening on they can only be read."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import IntegrityError
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from projects.candidate_table import UNLESS, fault_of
from projects.choices import OF_GRADES, is_far
from projects.forms import DraftField
from projects.importing import COLUMNS
from projects.lines import LineForm, LineFormSet
from projects.models import Poll, Project, SubItem, Target
from yiwu_vote.admin_pages import without_filtered
from yiwu_vote.fields import TYPED_COLUMNS, not_meant
from yiwu_vote.noticing import NoticingAdmin, NoticingForm
from yiwu_vote.texts import same

# Lines of targets, and of sub-items, on the page of a candidate.
MOST_LINES = 100

FROZEN = _("投票已经开始，候选项目和票决规则不能再修改。")
# What a second round votes on was settled by its first one (design §4.3).
SETTLED = _(
    "再次票决、补充票决的候选项目就是原票决留下的项目，不能增加、不能修改；要减少时可以删除。"
)
REFUSED_BY_DATABASE = _(
    "没有保存：可能投票刚刚开始，或另有人同时改了同一处。请核对后重试；投票开始后不能再修改。"
)


class StandingPollFilter(admin.RelatedFieldListFilter):
    """The polls to choose from beside a list: a dropped draft is not among them."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[Any, Any]]:
        ordering = self.field_admin_ordering(field, request, model_admin)
        standing = {"pk__in": Poll.objects.standing()}
        return field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=standing)


class PhaseFilter(admin.ChoicesFieldListFilter):
    """The phases that a poll of a list can be in: a dropped one stands in no list."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        dropped = str(Poll.Phase.DROPPED.label)
        return (choice for choice in super().choices(changelist) if choice["display"] != dropped)


class DraftAdmin(NoticingAdmin):
    """Pages of what belongs to a poll in draft; from the opening on it can be looked at only.

    What the secretariat may do is asked of the groups of the person: a superuser may look
    and change nothing (design §6.3).
    """

    formfield_overrides = TYPED_COLUMNS

    def poll_of(self, obj: Any) -> Poll:
        raise NotImplementedError

    def is_granted(self, request: HttpRequest, verb: str) -> bool:
        """Tell whether one of the person's groups carries this permission."""
        name = f"{verb}_{self.opts.model_name}"
        # Django says that a superuser's groups carry everything; whoever may do that has no office.
        return not request.user.is_superuser and (
            f"{self.opts.app_label}.{name}" in request.user.get_group_permissions()
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.is_granted(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.is_granted(request, "change") and (obj is None or not self.why_fixed(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.is_granted(request, "delete") and (obj is None or self.is_draft(obj))

    def is_draft(self, obj: Any) -> bool:
        return self.poll_of(obj).phase == Poll.Phase.DRAFT

    def why_fixed(self, obj: Any) -> Promise | None:
        """Return why nothing of `obj` can be changed any more; None while it can."""
        return None if self.is_draft(obj) else FROZEN

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Answer a form that comes too late with a sentence, not with an error page."""
        if request.method == "POST" and object_id is not None:
            obj = self.get_object(request, unquote(object_id))
            fixed = self.why_fixed(obj) if obj is not None else None
            if fixed and self.is_granted(request, "change"):
                return self.back(request, fixed)
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            # A trigger or a constraint spoke: the poll opened between the look and the save.
            return self.back(request, REFUSED_BY_DATABASE)

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except IntegrityError:
            return self.back(request, REFUSED_BY_DATABASE)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save under the lock of the poll: an opening waits for it, and looks afterwards."""
        poll = self.poll_of(obj)
        if poll.pk is not None:
            Poll.objects.locked(poll)
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        Poll.objects.locked(self.poll_of(obj))
        super().delete_model(request, obj)

    def back(self, request: HttpRequest, words: Any) -> HttpResponse:
        """Show the page again as it now is, with `words` above it."""
        self.message_user(request, words, messages.ERROR)
        return redirect(request.get_full_path())


class PollForm(NoticingForm):
    """A poll with each rule explained in plain words (design §4.1)."""

    class Meta:
        model = Poll
        fields: list[str] = []  # those of the fieldsets below
        help_texts = {
            "kind": _("演练的结果不计票，可以清除；正式票决的记录长期保存。"),
            "meeting": _(
                "印在投票卡上，并显示在每一页，如“义乌市第十五届人民代表大会第四次会议”。"
            ),
            "year": _("这些项目属于哪一年。"),
            "phone": _("显示在代表端每一页的下方。"),
            "rules_name": _("正式票决须填写，开始投票前会检查。"),
            "opening_words": _("显示在候选项目页，可以留空。"),
            "places": _("要确定多少个项目；每张表决票最多选这么多项。满意度测评不用填写。"),
            "form": _(
                "“选择”：勾选赞成的项目；“逐项表决”：对每个项目表示赞成、反对或弃权。"
                "两种方式都按赞成票多少确定。“满意度测评”：对每个项目评满意、基本满意或不满意，"
                "不确定名额，不推荐新项目。"
            ),
            "choice_rule": _("“可以少选”时，选一项也有效；“必须选足”时，少选不能提交。"),
            "proposals": _("表决办法没有规定推荐项目计票的，请选“不计票”或“不接受推荐”。"),
            "proposal_limit": _("一张表决票最多推荐几个新项目。"),
            "body": _(
                "由常务委员会表决的：名册由在任的常委会组成人员生成，法定人数为全体组成人员的过半数；"
                "本页所称“全体代表”即常委会全体组成人员。"
            ),
            "voters": _(
                "“已报到”：到会签到的代表才能投票；“全体”：名册上的代表都能投票，只用于演练。"
            ),
            "majority": _(
                "得票达到这个比例的项目才能通过。一般为全体代表的过半数。"
                "满意度测评：满意率以其中的人数或票数为基数。"
            ),
            "boundary": _("满意票占基数的这一比例为“满意”；与基本满意票合计达到的，为“基本满意”。"),
            "whole_boundary": _("各项目的票数合计后，按这一比例评定总体。"),
            "simple": _("适用于乡镇：密钥分给两人，任何一人可以单独开启票箱；一名监票人复核。"),
            "collecting": _(
                "勾选后，在投票开始前，代表登录后可以实名推荐项目，由会务组处理；不是投票。"
            ),
            "objection_days": _("结果公布后满这些天才能归档，归档时删除投票卡和投票时间。"),
            "show_votes": _("不勾选时，代表和公众只看到通过的项目，看不到得票数。"),
            "closes_at": _("到时间后不再接受提交，仍须由工作人员截止。留空表示由主持人宣布截止。"),
        }

    def row_now(self) -> Model | None:
        return next(iter(Poll.objects.filter(pk=self.instance.pk).all_locked()), None)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        # The kind is no field any more once the key is made.
        kind = cleaned.get("kind", self.instance.kind)
        if cleaned.get("voters") == Poll.Voters.ROLL and kind != Poll.Kind.REHEARSAL:
            self.add_error(
                "voters",
                _("正式票决只能由已报到的代表投票；“名册上的全体代表”只用于演练，请更正。"),
            )
        if cleaned.get("form") == Poll.Form.GRADES:
            self._clean_grades(cleaned)
        elif "places" not in self.fields:
            # It was a 满意度测评 so far: the field comes back with the next look at the page.
            self.instance.places = Poll._meta.get_field("places").get_default()
        closes_at = cleaned.get("closes_at")
        if closes_at is not None and is_far(closes_at):
            self.add_error("closes_at", _("截止时间与现在相差一年以上，请核对年份。"))
        return cleaned

    def _clean_grades(self, cleaned: dict[str, Any]) -> None:
        """Take for what it is what a 满意度测评 has no use for, whatever stood in those fields."""
        cleaned |= OF_GRADES
        if cleaned.get("majority") == Poll.Majority.NONE:
            self.add_error("majority", _("满意度测评须有基数，请选择全体、实到或有效票。"))
        if self.instance.parent_id:
            self.add_error("form", _("再次票决和补充票决不能是满意度测评。"))


# The fields that only a ballot has a use for which chooses, and those of one that gives grades.
CHOOSING = {"places", "choice_rule", "proposals", "proposal_limit", "collecting", "wishes"}
GRADING = {("boundary", "boundary_included"), ("whole_boundary", "whole_boundary_included")}


@admin.register(Poll)
class PollAdmin(DraftAdmin):
    form = PollForm
    list_display = ["__str__", "place", "year", "kind", "phase", "places", "candidates"]
    list_filter = ["kind", ("phase", PhaseFilter), "year"]
    search_fields = ["meeting"]
    readonly_fields = ["phase"]
    fieldsets = [
        (_("会议"), {"fields": ["kind", "phase", "meeting", "year", "phone", "opening_words"]}),
        (_("表决办法"), {"fields": ["rules_name", "rules_adopted_on"]}),
        (_("选择"), {"fields": ["places", "form", "choice_rule", "blank_allowed"]}),
        (_("推荐新项目"), {"fields": ["proposals", "proposal_limit", "collecting"]}),
        (_("投票开始前"), {"fields": ["wishes"]}),
        (
            _("投票资格和通过"),
            {"fields": ["body", "voters", "delegates_total", "total_reason", "majority"]},
        ),
        (
            _("满意度测评"),
            {
                "fields": [
                    ("boundary", "boundary_included"),
                    ("whole_boundary", "whole_boundary_included"),
                ]
            },
        ),
        (_("截止和公布"), {"fields": ["closes_at", "show_votes", "objection_days"]}),
        (_("票箱密钥"), {"fields": ["simple"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Poll]:
        polls = super().get_queryset(request).exclude(phase=Poll.Phase.DROPPED)
        return polls.annotate(candidate_count=Count("projects"))

    @admin.display(description=_("编号"), ordering="pk")
    def place(self, poll: Poll) -> int:
        return poll.pk

    @admin.display(description=_("候选项目数"), ordering="candidate_count")
    def candidates(self, poll: Poll) -> int:
        return getattr(poll, "candidate_count", 0)

    def poll_of(self, obj: Poll) -> Poll:
        return obj

    def get_fieldsets(self, request: HttpRequest, obj: Poll | None = None) -> Any:
        """Show of a poll that has its form only what such a ballot has a use for."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        idle = CHOOSING if obj.is_graded else GRADING
        kept = [
            (name, {**options, "fields": [f for f in options["fields"] if f not in idle]})
            for name, options in fieldsets
        ]
        return [(name, options) for name, options in kept if options["fields"]]

    def get_readonly_fields(self, request: HttpRequest, obj: Poll | None = None) -> list[str]:
        """A poll with a parent keeps its kind: see the trigger."""
        return ["phase", "kind"] if obj is not None and obj.parent_id else ["phase"]

    def formfield_for_choice_field(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.TypedChoiceField | None:
        if db_field.name == "kind":
            kinds = [Poll.Kind.MAIN, Poll.Kind.REHEARSAL]
            kwargs["choices"] = [(kind.value, kind.label) for kind in kinds]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


class LineInline(admin.TabularInline):
    """The lines of a candidate; where it stands fast, `figure` says last what they hold of figures."""

    form = LineForm
    formset = LineFormSet
    formfield_overrides = TYPED_COLUMNS
    extra = 3
    readonly_fields = ["figure"]

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Make no more lines than anybody types, however many a form announces."""
        kwargs |= {"max_num": MOST_LINES, "absolute_max": 2 * MOST_LINES}
        return super().get_formset(request, obj, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Where the candidate stands fast its figures are shown as they are printed."""
        parent: Any = self.admin_site.get_model_admin(Project)
        if obj is None or parent.has_change_permission(request, obj):
            return self.model.SAID
        return ["position", "text", "figure"]


class TargetInline(LineInline):
    model = Target

    @admin.display(description=_("数量"))
    def figure(self, target: Target) -> str:
        return target.figure


class SubItemInline(LineInline):
    model = SubItem

    @admin.display(description=_("投资（万元）"))
    def figure(self, part: SubItem) -> str:
        return part.sum


class ProjectForm(NoticingForm):
    """A candidate whose title no other one of its list has, to the eye."""

    class Meta:
        model = Project
        fields: list[str] = []  # those of the fieldsets below

    def row_now(self) -> Model | None:
        # Its poll first, as an import and an opening do: nobody waits for anybody in a circle.
        Poll.objects.locked(self.instance.poll)
        return super().row_now()

    def values_of(self, row: Any) -> dict[str, str]:
        lines = {gettext("年度目标"): row.targets.all(), gettext("子项"): row.sub_items.all()}
        said = {title: "；".join(map(str, rows)) for title, rows in lines.items()}
        return super().values_of(row) | said

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for column in UNLESS:
            # What stood there before can stay: whoever mends the rest is not held up by it.
            name = COLUMNS[column]
            text = cleaned.get(name) if name in self.changed_data else ""
            if text and fault_of(column, text):
                self.add_error(name, not_meant(column, text))
        poll, title = (
            cleaned.get("poll", getattr(self.instance, "poll", None)),
            cleaned.get("title"),
        )
        if poll is not None and title:
            others = poll.projects.exclude(pk=self.instance.pk).values_list("number", "title")
            for number, other in others:
                if same(title, other):
                    words = _("第%(number)d项的名称与此相同，请写明两项的区别。")
                    self.add_error("title", words % {"number": number})
        return cleaned


@admin.register(Project)
class ProjectAdmin(DraftAdmin):
    form = ProjectForm
    list_display = ["number", "title", "category", "lead_unit", "lines", "poll"]
    list_display_links = ["number", "title"]
    list_filter = [("poll", StandingPollFilter), "category"]
    list_select_related = ["poll"]
    ordering = ["-poll", "number"]
    search_fields = ["title", "text", "lead_unit"]
    fieldsets = [
        (None, {"fields": ["poll", "number", "title", "text"]}),
        (
            _("可以留空"),
            {
                "fields": [
                    *("category", "lead_unit", "deadline", "site"),
                    *("investment", "investment_this_year", "funding"),
                ]
            },
        ),
    ]
    inlines = [TargetInline, SubItemInline]
    readonly_fields = ["sum", "sum_this_year"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        projects = super().get_queryset(request).exclude(poll__phase=Poll.Phase.DROPPED)
        return projects.annotate(target_count=Count("targets"))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return without_filtered(super().get_list_display(request), "poll", request)

    @admin.display(description=_("年度目标"), ordering="target_count")
    def lines(self, project: Project) -> int:
        return getattr(project, "target_count", 0)

    def poll_of(self, obj: Project) -> Poll:
        return obj.poll

    def why_fixed(self, obj: Project) -> Promise | None:
        """The candidates of a second round are looked at only; a list may still be shortened."""
        return super().why_fixed(obj) or (SETTLED if obj.poll.parent_id is not None else None)

    def get_fieldsets(self, request: HttpRequest, obj: Project | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None and not self.has_change_permission(request, obj):
            fieldsets = [
                (name, options | {"fields": self._read(options)}) for name, options in fieldsets
            ]
        if obj is None or self.why_fixed(obj) is not SETTLED:
            return fieldsets
        (name, first), *others = fieldsets
        return [(name, {**first, "description": SETTLED}), *others]

    def _read(self, options: Any) -> list[str]:
        """Return the fields of a fieldset with its sums as they are read, and not as they are kept."""
        read = {"investment": "sum", "investment_this_year": "sum_this_year"}
        return [read.get(field, field) for field in options["fields"]]

    @admin.display(description=_("总投资（万元）"))
    def sum(self, project: Project) -> str:
        return project.sum

    @admin.display(description=_("本年投资（万元）"))
    def sum_this_year(self, project: Project) -> str:
        return project.sum_this_year

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        """Offer polls in draft alone: a form that names another one is refused with a sentence."""
        if db_field.name != "poll":
            return super().formfield_for_foreignkey(db_field, request, **kwargs)
        drafts = Poll.objects.with_own_list()
        field = super().formfield_for_foreignkey(
            db_field,
            request,
            queryset=drafts,
            initial=drafts.first(),
            form_class=DraftField,
            **kwargs,
        )
        if field is not None:
            field.error_messages["invalid_choice"] = format_lazy("{} {}", FROZEN, SETTLED)
        return field

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Leave out the pencil and the cross beside the poll: nobody deletes a poll from here."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "poll" and field is not None:
            wrapper = field.widget
            field.widget = getattr(wrapper, "widget", wrapper)
        return field

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Suggest the next free number of the newest draft, or of the poll the link names."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        polls = Poll.objects.with_own_list()
        asked = str(initial.get("poll", ""))
        poll = polls.filter(pk=asked).first() if asked.isdecimal() else polls.first()
        if poll is not None and "number" not in initial:
            last = poll.projects.order_by("-number").first()
            initial["number"] = last.number + 1 if last else 1
        return initial
