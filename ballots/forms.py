"""What a delegate posts, read into a selection or into problems in the words of the page.

No rule stands here: `ballots.rules.faults` judges, and the table below says it in Chinese.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.formsets import (
    INITIAL_FORM_COUNT,
    TOTAL_FORM_COUNT,
    BaseFormSet,
    ManagementForm,
    formset_factory,
)
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ballots.models import rules_of
from ballots.rules import (
    DETAIL_LIMIT,
    TITLE_LIMIT,
    UNIT_LIMIT,
    Fault,
    Proposal,
    Selection,
    faults,
)
from projects.models import Poll

PREFIX = "proposal"
PROPOSAL_FIELD = re.compile(rf"{PREFIX}-([0-9]{{1,4}})-(title|detail|unit)")
# Twice the most that a poll may allow: a page that sends too many still gets all of them back.
MOST_BLOCKS = 20
# Without script a new block cannot be added, so that two empty ones are always there (ux.md D6).
EMPTY_BLOCKS = 2

# The field that each problem is about, and its words (ux.md §5). `%(place)d` counts the proposals
# of the ballot from 1, and so does the field's name, less one.
PROBLEMS = {
    # The form's own questions, which no rule of the vote knows.
    "malformed": ("candidates", gettext_lazy("提交的内容有误，请核对您的选择后重新提交")),
    "abstains-and-chooses": (
        "abstain",
        gettext_lazy("您勾选了弃权，又选择了项目，请只保留其中一种。"),
    ),
    "nothing-chosen": ("abstain", gettext_lazy("您没有选择任何项目")),
    # The faults of ballots.rules.
    "blank": ("candidates", gettext_lazy("您没有选择任何项目")),
    "too-many": (
        "candidates",
        gettext_lazy("您选了%(number)d项，最多选%(places)d项，请取消%(count)d项"),
    ),
    "too-few": (
        "candidates",
        gettext_lazy("您选了%(number)d项，应选%(places)d项，还差%(count)d项"),
    ),
    "not-on-list": ("candidates", gettext_lazy("第%(number)d项不在候选项目中，请重新选择")),
    "repeated": ("candidates", gettext_lazy("第%(number)d项重复出现，请重新选择")),
    "no-against": ("candidates", gettext_lazy("本次票决只能选择赞成的项目")),
    "proposals-off": ("candidates", gettext_lazy("本次票决不接受推荐新项目")),
    "too-many-proposals": (
        "proposals",
        gettext_lazy("推荐项目最多%(limit)d项，请删除%(count)d项"),
    ),
    "proposal-no-title": ("title", gettext_lazy("请填写推荐项目%(number)d的名称")),
    "title-too-long": (
        "title",
        gettext_lazy("推荐项目%(number)d的名称超过%(title_limit)d字，请缩短"),
    ),
    "detail-too-long": (
        "detail",
        gettext_lazy("推荐项目%(number)d的主要内容和目标超过%(detail_limit)d字，请缩短"),
    ),
    "unit-too-long": (
        "unit",
        gettext_lazy("推荐项目%(number)d的建议责任单位超过%(unit_limit)d字，请缩短"),
    ),
    "proposal-bad-text": (
        "title",
        gettext_lazy("推荐项目%(number)d含有不能使用的字符（如不可见字符），请删去后重新填写"),
    ),
    "proposal-is-candidate": (
        "title",
        gettext_lazy("推荐项目%(number)d与候选项目第%(other)d项名称相同，请直接勾选第%(other)d项"),
    ),
    "proposal-repeated": (
        "title",
        gettext_lazy("推荐项目%(number)d与推荐项目%(other)d名称相同"),
    ),
}


@dataclass(frozen=True)
class Problem:
    """One thing to put right: `field` is the id on the page that the error summary links to."""

    code: str
    field: str
    text: str


@dataclass(frozen=True)
class Line:
    """One line of the review page; `key` is “7” for a candidate, “p0” for the first proposal."""

    key: str
    label: str
    name: str
    detail: str = ""
    unit: str = ""

    @property
    def is_proposal(self) -> bool:
        return self.key.startswith("p")


class Numbers(forms.Field):
    """The ticked candidate numbers, each spelled as the page spells it; nothing is guessed."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: list[str] | None) -> tuple[int, ...]:
        texts = value or []
        if not all(re.fullmatch("[1-9][0-9]{0,4}", text) for text in texts):
            raise forms.ValidationError("malformed", code="malformed")
        return tuple(int(text) for text in texts)


class Words(forms.CharField):
    """Text in NFC without blanks around it, its lines ended by a line feed however it was typed."""

    def to_python(self, value: Any) -> Any:
        text = unicodedata.normalize("NFC", super().to_python(value) or "")
        return text.replace("\r\n", "\n").replace("\r", "\n")


class ProposalForm(forms.Form):
    """One block of 推荐新项目. How long a text may be is for the rules to say."""

    title = Words(
        label=gettext_lazy("项目名称（必填）"),
        help_text=gettext_lazy("不超过30字，写明做什么、在哪里、做多少"),
        required=False,
        widget=forms.TextInput(attrs={"data-limit": TITLE_LIMIT, "autocomplete": "off"}),
    )
    detail = Words(
        label=gettext_lazy("主要内容和目标（选填）"),
        help_text=gettext_lazy("不超过200字"),
        required=False,
        widget=forms.Textarea(attrs={"data-limit": DETAIL_LIMIT, "rows": 3}),
    )
    unit = Words(
        label=gettext_lazy("建议责任单位（选填）"),
        required=False,
        widget=forms.TextInput(attrs={"data-limit": UNIT_LIMIT, "autocomplete": "off"}),
    )

    @property
    def proposal(self) -> Proposal | None:
        """What the block proposes; nothing where all three fields were left empty."""
        # A formset leaves `cleaned_data` empty for a block in which nothing was typed.
        found = Proposal(**{"title": "", **self.cleaned_data})
        return None if found == Proposal(title="") else found


ProposalFormSet = formset_factory(ProposalForm, max_num=MOST_BLOCKS, absolute_max=MOST_BLOCKS)


class BallotForm(forms.Form):
    """A ballot as it stands on the page: ticks, proposals and the tick that abstains.

    Valid, `selection` is a legal selection of `poll`; else `problems` says what to put right, and
    `ticked`, `abstains` and `blocks` give back all that was sent, for the page to show it again.
    `titles` are the candidates' titles by their number.
    """

    projects = Numbers(required=False)
    abstain = forms.ChoiceField(choices=[("on", "")], required=False)

    def __init__(self, data: QueryDict | None, *, poll: Poll, titles: dict[int, str]) -> None:
        super().__init__(data)
        self.poll, self.titles, self.rules = poll, titles, rules_of(poll)
        self.selection = Selection()
        self.problems: list[Problem] = []

    def clean(self) -> None:
        formset = self._formset()
        if self.errors or self._is_forged() or not formset.is_valid():
            self.refuse([Fault("malformed")])
            return
        self.judge(
            Selection(
                chosen=tuple(sorted(self.cleaned_data["projects"])),
                proposals=tuple(form.proposal for form in formset if form.proposal),
            )
        )

    def judge(self, selection: Selection) -> None:
        """Take `selection` as this form's own and say what is wrong with it."""
        self.selection = selection
        if self.abstains and not selection.is_blank:
            self.refuse([Fault("abstains-and-chooses")])
        if selection.is_blank and not self.abstains and self.rules.blank_allowed:
            self.refuse([Fault("nothing-chosen")])
        self.refuse(faults(selection, self.rules, self.titles))

    def refuse(self, found: Iterable[Fault]) -> None:
        """Add these faults to the form in the words of the page."""
        for fault in found:
            field, words = PROBLEMS[fault.code]
            if field in ProposalForm.base_fields:
                field = f"{PREFIX}-{fault.number - 1}-{field}"
            text = str(words) % {
                "number": fault.number,
                "other": fault.other,
                "count": fault.count,
                "places": self.rules.places,
                "limit": self.rules.proposal_limit,
                "title_limit": TITLE_LIMIT,
                "detail_limit": DETAIL_LIMIT,
                "unit_limit": UNIT_LIMIT,
            }
            self.problems.append(Problem(fault.code, field, text))
            self.add_error(None, forms.ValidationError(text, code=fault.code))

    def _formset(self) -> "BaseFormSet[ProposalForm]":
        # A page without proposals has no management form, and then there is nothing to manage.
        has_blocks = any(name.startswith(f"{PREFIX}-") for name in self.data)
        nothing = {f"{PREFIX}-{TOTAL_FORM_COUNT}": "0", f"{PREFIX}-{INITIAL_FORM_COUNT}": "0"}
        return ProposalFormSet(self.data if has_blocks else nothing, prefix=PREFIX)

    def _is_forged(self) -> bool:
        """Tell whether a field came twice, or a proposal beyond those the form says it holds.

        Taking the last of two values, or dropping the block that was not announced, would make
        another ballot out of what was sent.
        """
        ours = [name for name in self.data if name.startswith(f"{PREFIX}-")]
        total = self.data.get(f"{PREFIX}-{TOTAL_FORM_COUNT}", "")
        announced = int(total) if re.fullmatch("[0-9]{1,4}", total) else 0
        known = {
            f"{PREFIX}-{place}-{field}"
            for place in range(min(announced, MOST_BLOCKS))
            for field in ProposalForm.base_fields
        } | {ManagementForm(prefix=PREFIX).add_prefix(name) for name in ManagementForm.base_fields}
        once = [*ours, "abstain", "poll", "token"]
        return not known.issuperset(ours) or any(len(self._all(name)) > 1 for name in once)

    def _all(self, name: str) -> list[str]:
        return self.data.getlist(name) if isinstance(self.data, MultiValueDict) else []

    # --- what the page shows ----------------------------------------------------------------------

    @property
    def ticked(self) -> list[int]:
        """The candidates that were ticked, also when the rest of the form is wrong."""
        sent = set(self._all("projects"))
        return [number for number in self.titles if str(number) in sent]

    @property
    def abstains(self) -> bool:
        return self.data.get("abstain") == "on"

    @property
    def takes_proposals(self) -> bool:
        return self.rules.proposals != "off"

    @property
    def blocks(self) -> list[ProposalForm]:
        """The proposals that were sent, without gaps and with their problems; then empty blocks."""
        sent: dict[int, dict[str, str]] = {}
        for name in self.data:
            if (match := PROPOSAL_FIELD.fullmatch(name)) and self.data[name].strip():
                sent.setdefault(int(match[1]), {})[match[2]] = self.data[name]
        kept = [sent[place] for place in sorted(sent)][:MOST_BLOCKS]
        limit = self.rules.proposal_limit
        blocks = [self._block(place, values) for place, values in enumerate(kept)]
        wanted = min(max(EMPTY_BLOCKS, len(kept) + 1), max(limit, len(kept)))
        return blocks + [_empty_block(place) for place in range(len(kept), wanted)]

    def _block(self, place: int, values: dict[str, str]) -> ProposalForm:
        prefix = f"{PREFIX}-{place}"
        data = {f"{prefix}-{field}": value for field, value in values.items()}
        block = ProposalForm(data, prefix=prefix, auto_id="%s")
        for problem in self.problems:
            if problem.field.startswith(f"{prefix}-"):
                block.add_error(problem.field.rpartition("-")[2], problem.text)
        return block

    @property
    def spare_block(self) -> ProposalForm:
        """The block that script copies, numbered `__prefix__`."""
        return ProposalForm(prefix=f"{PREFIX}-__prefix__", auto_id="%s")

    @property
    def management(self) -> ManagementForm:
        """The hidden fields that say how many blocks the page holds."""
        return _management(len(self.blocks))

    @property
    def chosen_management(self) -> ManagementForm:
        """The same for the review page, which holds what was chosen and no empty block."""
        return _management(len(self.selection.proposals))

    @property
    def lines(self) -> list[Line]:
        """What was chosen, in the order of the ballot."""
        candidates = [
            Line(str(number), _("第%d项") % number, f"{number}. {self.titles[number]}")
            for number in self.selection.chosen
        ]
        return candidates + [
            Line(
                f"p{place}",
                _("推荐项目%d") % (place + 1),
                proposal.title,
                proposal.detail,
                proposal.unit,
            )
            for place, proposal in enumerate(self.selection.proposals)
        ]

    def line(self, key: str) -> Line | None:
        """Return the line with that key, or None."""
        return next((line for line in self.lines if line.key == key), None)

    @property
    def most(self) -> int:
        """How many items a ballot can reach: no page sends anybody looking for a ninth of eight."""
        counted = self.rules.proposals == "counted"
        reachable = len(self.titles) + (self.rules.proposal_limit if counted else 0)
        return min(self.rules.places, reachable)

    @property
    def instruction(self) -> str:
        """What to do, in one sentence, by the rules of this poll (ux.md D5.1, DESIGN §4)."""
        counts = {"candidates": len(self.titles), "places": self.rules.places, "most": self.most}
        if self.most > len(self.titles):
            if self.rules.exactly:
                return (
                    _(
                        "请从%(candidates)d个候选项目中选择，也可推荐新项目，"
                        "合计应选%(places)d项，不能多选或少选。"
                    )
                    % counts
                )
            return (
                _(
                    "请从%(candidates)d个候选项目中选择，也可推荐新项目，"
                    "合计最多%(most)d项，可以少选。"
                )
                % counts
            )
        if self.rules.exactly:
            return (
                _("请从%(candidates)d个候选项目中选择，应选%(places)d项，不能多选或少选。") % counts
            )
        if self.most == len(self.titles):
            return _("请从%(candidates)d个候选项目中选择，可以全选，也可以少选。") % counts
        return _("请从%(candidates)d个候选项目中选择，最多选%(most)d项，可以少选。") % counts

    @property
    def summary(self) -> str:
        """How many items were chosen, in one sentence (ux.md D7.2)."""
        chosen, proposed = len(self.selection.chosen), len(self.selection.proposals)
        counts = {"all": chosen + proposed, "chosen": chosen, "proposed": proposed}
        match self.rules.proposals:
            case "counted":
                words = _("您共选择%(all)d项：候选项目%(chosen)d项，推荐项目%(proposed)d项。")
            case "advisory":
                words = _("您共选择%(chosen)d项，另推荐%(proposed)d项（不计票）。")
            case "off":
                words = _("您共选择%(chosen)d项。")
        return words % counts

    @property
    def room(self) -> str:
        """What may still be added to the selection, in one sentence; nothing if it is full."""
        free = self.most - self.selection.places_used(self.rules)
        left = len(self.titles) - len(self.selection.chosen)
        if not left:
            words = _("候选项目已全部选择，还可推荐%d项，也可直接提交。")
        elif left < free:
            words = _("还可再选%d项（含推荐），也可直接提交。")
        else:
            words = _("还可再选%d项，也可直接提交。")
        return words % free if free > 0 else ""


class CastForm(BallotForm):
    """The same ballot as the review page sends it, with its one-time token."""

    token = forms.RegexField(r"\A[0-9a-f]{32}\Z")


def without(data: QueryDict, line: Line) -> QueryDict:
    """Return what the review page would have sent if `line` had not been chosen."""
    rest = data.copy()
    if line.is_proposal:
        for field in ProposalForm.base_fields:
            rest[f"{PREFIX}-{line.key[1:]}-{field}"] = ""
    else:
        rest.setlist("projects", [n for n in data.getlist("projects") if n != line.key])
    return rest


def _empty_block(place: int) -> ProposalForm:
    return ProposalForm(prefix=f"{PREFIX}-{place}", auto_id="%s")


def _management(total: int) -> ManagementForm:
    return ManagementForm(
        auto_id=False,
        prefix=PREFIX,
        initial={TOTAL_FORM_COUNT: total, INITIAL_FORM_COUNT: 0},
    )
