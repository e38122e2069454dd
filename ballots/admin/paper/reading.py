"""What somebody reads on one paper, typed or ticked: the form, and what is said of a reading.

No rule stands here: `ballots.pure.rules.faults` judges, as it does of a ballot that is cast.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots.models import rules_of
from ballots.pure.keying import Read
from ballots.pure.rules import (
    DETAIL_LIMIT,
    TITLE_LIMIT,
    UNIT_LIMIT,
    Fault,
    Proposal,
    Rules,
    Selection,
    faults,
)
from ballots.refusal import REASON_LIMIT
from projects.models import Poll
from yiwu_vote.fields import Typed

COLUMNS = ("chosen", "fair", "against")
# Room for all numbers of a long list, and what parts them.
TYPED_LIMIT = 600
NUMBERS = re.compile(r"[\d\s、，,;；./]*")
# What stands wrong on a paper, as whoever keys it is told; anything else is “不符合票决规则”.
FAULTS = {
    "blank": _("没有录入任何项目，本次不接受空白票。"),
    "too-many": _("录入了%(number)d项，最多%(places)d项。"),
    "too-few": _("录入了%(number)d项，应为%(places)d项。"),
    "repeated": _("第%(number)d项重复。"),
    "too-many-proposals": _("推荐项目多于%(limit)d项。"),
    "proposal-no-title": _("推荐项目%(number)d没有名称。"),
    "proposal-is-candidate": _("推荐项目%(number)d与候选项目第%(other)d项同名。"),
    "proposal-repeated": _("推荐项目%(number)d与推荐项目%(other)d同名。"),
}
AGAINST_RULES = _("所录内容不符合票决规则。")
AS_IT_STANDS = _("请核对票面。票面确实如此的，请勾选“有疑问”，由总监票人认定。")
UNREADABLE, BLANK = _("涂改，无法辨认"), _("空白票")
# What papers of each form are usually doubtful for.
DOUBTS = {
    "choose": (_("选择多于规定项数"), UNREADABLE, BLANK),
    "each": (_("选择多于规定项数"), UNREADABLE, _("同一项既赞成又反对"), BLANK),
    "grades": (_("同一项评了两个等次"), UNREADABLE, BLANK),
}


class Numbers(forms.MultipleChoiceField):
    """Candidates ticked by their numbers."""

    default_error_messages = {"invalid_choice": _("所选的项目不在候选项目中，请核对后重新录入。")}

    def __init__(self, titles: Mapping[int, str]) -> None:
        super().__init__(required=False, choices=[(str(n), title) for n, title in titles.items()])


@dataclass(frozen=True)
class Row:
    """A candidate as the page shows it: each field in which its number may be ticked, and whether it is."""

    number: int
    title: str
    ticks: list[tuple[str, Any, bool]]


class ReadForm(forms.Form):
    """What stands on one paper. Valid, `read` is what is kept; `is_ruling` where it is a ruling.

    Numbers are typed in a field, or ticked, or both alike. An empty form is no blank paper: that has
    a tick of its own, so that no slip of the finger makes one.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        poll: Poll,
        titles: Mapping[int, str],
        read: Read | None = None,
        is_ruling: bool = False,
    ) -> None:
        self.rules, self.titles, self.is_ruling = rules_of(poll), titles, is_ruling
        self.lists = lists_of(poll)
        super().__init__(data, initial=_initial(read))
        for column, word in self.lists.items():
            label = gettext("%(mark)s的编号") % {"mark": word} if self.is_marked else ""
            self._add(column, label or _("按编号录入，如 1 3 7"))
        next(iter(self.fields.values())).widget.attrs["autofocus"] = True
        for place in range(self.proposals_at_most):
            self._add_proposal(place)
        if self.rules.blank_allowed:
            self.fields["is_blank"] = forms.BooleanField(
                label=_("空白票（没有选择任何项目）"), required=False
            )
        self.fields["is_doubtful"] = forms.BooleanField(
            label=_("无效票") if is_ruling else _("有疑问（由总监票人认定）"),
            required=False,
        )
        self.fields["doubt"] = Typed(
            label=_("无效的理由") if is_ruling else _("疑问是什么，例如涂改、多选、无法辨认"),
            max_length=REASON_LIMIT,
            required=False,
            widget=forms.TextInput(attrs={"list": "doubts", "autocomplete": "off"}),
        )

    def _add(self, name: str, label: Any) -> None:
        attrs = {"autocomplete": "off", "inputmode": "numeric", "data-numbers": name}
        self.fields[f"typed_{name}"] = Typed(
            label=label,
            max_length=TYPED_LIMIT,
            required=False,
            widget=forms.TextInput(attrs=attrs),
        )
        self.fields[name] = Numbers(self.titles)

    def _add_proposal(self, place: int) -> None:
        usual = {"required": False}
        off = {"autocomplete": "off"}
        number = {"number": place + 1}
        self.fields[f"title_{place}"] = Typed(
            label=gettext("推荐项目%(number)d：名称") % number,
            max_length=TITLE_LIMIT,
            widget=forms.TextInput(attrs=off),
            **usual,
        )
        self.fields[f"detail_{place}"] = Typed(
            label=gettext("主要内容和目标"),
            max_length=DETAIL_LIMIT,
            lines=True,
            widget=forms.Textarea(attrs=off | {"rows": 2}),
            **usual,
        )
        self.fields[f"unit_{place}"] = Typed(
            label=gettext("建议责任单位"),
            max_length=UNIT_LIMIT,
            widget=forms.TextInput(attrs=off),
            **usual,
        )

    # --- what is read -----------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data
        lists = {column: self._numbers(column) for column in self.lists}
        if self.errors:
            return self.cleaned_data
        self.read = self._read(lists)
        self._demand_doubt(self.read.doubt)
        if not self.read.doubt and not self.errors:
            self._judge(self.read.selection)
        return self.cleaned_data

    def _read(self, lists: Mapping[str, Sequence[int]]) -> Read:
        cleaned = self.cleaned_data
        texts = [
            [cleaned[f"{name}_{place}"] for name in ("title", "detail", "unit")]
            for place in range(self.proposals_at_most)
        ]
        return Read.of(
            chosen=lists["chosen"],
            fair=lists.get("fair", ()),
            against=lists.get("against", ()),
            proposals=[text for text in texts if any(text)],
            doubt=cleaned["doubt"] if cleaned["is_doubtful"] else "",
        )

    def _numbers(self, name: str) -> tuple[int, ...]:
        """Return the numbers that are typed, or ticked; both must say the same."""
        ticked = {int(number) for number in self.cleaned_data[name]}
        text = self.cleaned_data[f"typed_{name}"]
        if not NUMBERS.fullmatch(text):
            self._refuse(f"typed_{name}", "not-numbers", _("请只填编号，用空格或逗号分开。"))
            return ()
        typed = {int(number) for number in re.findall(r"\d+", text)}
        unknown = sorted(typed - self.titles.keys())
        if unknown:
            words = gettext("没有编号为%(numbers)s的项目。")
            listed = "、".join(str(number)[:6] for number in unknown)
            self._refuse(f"typed_{name}", "not-on-list", words % {"numbers": listed})
        elif typed and ticked and typed != ticked:
            self._refuse(f"typed_{name}", "two-ways", _("编号与勾选的不一致，请核对后保留一种。"))
        return tuple(sorted(typed or ticked))

    def _demand_doubt(self, doubt: str) -> None:
        if self.cleaned_data["is_doubtful"] and not doubt:
            self._refuse("doubt", "doubt-needed", _("请写明理由。"))
        elif self.cleaned_data["doubt"] and not self.cleaned_data["is_doubtful"]:
            words = _("写了理由的，请同时勾选。不需要的，请删去。")
            self._refuse("doubt", "doubt-unticked", words)

    def _judge(self, selection: Selection) -> None:
        is_blank = self.cleaned_data.get("is_blank", False)
        if is_blank and not selection.is_blank:
            self._refuse("is_blank", "blank-and-chosen", _("勾选了“空白票”，又录入了内容。"))
        elif selection.is_blank and self.rules.blank_allowed and not is_blank:
            words = _("没有录入任何项目。确是空白票的，请勾选“空白票”。")
            self._refuse(None, "nothing-read", words)
        found = faults(selection, self.rules, self.titles)
        for fault in found:
            self._refuse(None, fault.code, words_of(fault, self.rules))
        if found and not self.is_ruling:
            self._refuse(None, "as-it-stands", AS_IT_STANDS)

    def _refuse(self, field: str | None, code: str, words: Any) -> None:
        self.add_error(field, forms.ValidationError(words, code=code))

    # --- what the page shows ----------------------------------------------------------------------

    @property
    def is_marked(self) -> bool:
        """Whether a number stands beside one of several marks, and is not just there."""
        return len(self.lists) > 1

    @property
    def proposals_at_most(self) -> int:
        return 0 if self.rules.proposals == "off" else self.rules.proposal_limit

    @property
    def rows(self) -> list[Row]:
        ticked = {name: set(self[name].value() or ()) for name in self.lists}
        return [
            Row(
                number,
                title,
                [(name, word, str(number) in ticked[name]) for name, word in self.lists.items()],
            )
            for number, title in self.titles.items()
        ]

    @property
    def numbers(self) -> list[forms.BoundField]:
        """The fields for typing, in the order of the marks on paper."""
        return [self[name] for name in self.fields if name.startswith("typed_")]

    @property
    def ticked(self) -> list[forms.BoundField]:
        """The fields for ticking, in the same order."""
        return [self[name] for name in self.lists]

    @property
    def proposals(self) -> list[list[forms.BoundField]]:
        return [
            [self[f"{name}_{place}"] for name in ("title", "detail", "unit")]
            for place in range(self.proposals_at_most)
        ]

    @property
    def has_proposals(self) -> bool:
        """Whether any of these fields has something, or something wrong, in it."""
        return any(field.value() or field.errors for block in self.proposals for field in block)

    @property
    def doubts(self) -> Sequence[Any]:
        """What papers are usually doubtful for, to be chosen instead of typed."""
        return DOUBTS[self.rules.form]


def _initial(read: Read | None) -> dict[str, Any]:
    """Return what the form shows of an earlier reading of the same paper."""
    if read is None:
        return {}
    selection = read.selection
    initial: dict[str, Any] = {
        "is_blank": selection.is_blank and not read.doubt,
        "is_doubtful": bool(read.doubt),
        "doubt": read.doubt,
    }
    for column in COLUMNS:
        numbers = [str(number) for number in getattr(selection, column)]
        initial |= {column: numbers, f"typed_{column}": " ".join(numbers)}
    for place, proposal in enumerate(selection.proposals):
        texts = zip(("title", "detail", "unit"), proposal.texts, strict=True)
        initial |= {f"{name}_{place}": text for name, text in texts}
    return initial


def words_of(fault: Fault, rules: Rules) -> str:
    """Return what is wrong with a paper, for whoever keys it."""
    return str(FAULTS.get(fault.code, AGAINST_RULES)) % {
        "number": fault.number,
        "other": fault.other,
        "count": fault.count,
        "places": rules.places,
        "limit": rules.proposal_limit,
    }


# --- a reading in words ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Mark:
    """One thing that somebody read on a paper; it `differs` where the other one did not read it."""

    words: str
    differs: bool = False


def lists_of(poll: Poll) -> dict[str, Any]:
    """Return the lists of a ballot of `poll`, each with the word of the mark that leads there."""
    return {mark.column: mark.word for mark in poll.marking.marks if mark.column}


def marks_of(
    read: Read, titles: Mapping[int, str], lists: Mapping[str, Any], *, other: Read | None = None
) -> list[Mark]:
    """Return what stands on a paper as somebody read it, line by line, beside how `other` read it."""
    found = set(_lines(other, titles, lists)) if other else set()
    return [
        Mark(words, differs=other is not None and words not in found)
        for words in _lines(read, titles, lists)
    ]


def _lines(read: Read, titles: Mapping[int, str], lists: Mapping[str, Any]) -> Iterable[str]:
    if read.doubt:
        yield gettext("有疑问：%(doubt)s") % {"doubt": read.doubt}
        return
    selection = read.selection
    if selection.is_blank:
        yield gettext("空白票")
    for column, word in lists.items():
        for number in getattr(selection, column):
            mark = f"{word} " if len(lists) > 1 else ""
            yield f"{mark}{number}. {titles.get(number, '')}"
    for proposal in selection.proposals:
        yield gettext("推荐：%(texts)s") % {"texts": _told(proposal)}


def _told(proposal: Proposal) -> str:
    return "；".join(text for text in proposal.texts if text)
