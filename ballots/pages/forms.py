"""What a delegate posts, read into a selection or into problems in the words of the page.

No rule stands here: `ballots.pure.rules.faults` judges, and `ballots.pages.wording` says it in Chinese.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.formsets import (
    TOTAL_FORM_COUNT,
    BaseFormSet,
    ManagementForm,
    formset_factory,
)
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots.models import rules_of
from ballots.pages import wording
from ballots.pure import similar
from ballots.pure.rules import (
    DETAIL_LIMIT,
    TITLE_LIMIT,
    UNIT_LIMIT,
    Fault,
    Proposal,
    Selection,
    faults,
)
from projects.choices import ABSTAIN, Mark
from projects.models import Poll
from yiwu_vote.fields import Typed

PREFIX = "proposal"
PROPOSAL_FIELD = re.compile(rf"{PREFIX}-([0-9]{{1,4}})-(title|detail|unit)")
# The field of one project where each takes one of several marks (design §9).
VOTE = "vote-"
# Twice the most that a poll may allow: a page that sends too many still gets all of them back.
MOST_BLOCKS = 20
# The fields by which a page says how many blocks it holds.
MANAGEMENT = frozenset(f"{PREFIX}-{name}" for name in ManagementForm.base_fields)
# What [改选第7项] sends: the place of a proposal among the fields, and a candidate's number.
INSTEAD = re.compile("([0-9]{1,2})-([1-9][0-9]{0,4})")
# So many candidates are looked over without a filter.
SURVEYED = 12
# More dots than these nobody counts.
DOTS = 10
# Without script a new block cannot be added, so that two empty ones are always there.
EMPTY_BLOCKS = 2


@dataclass(frozen=True)
class Problem:
    """One thing to put right: `field` is the id on the page that the error summary links to.

    `number` is the candidate beside which it is said, if it is about the mark of one.
    """

    code: str
    field: str
    text: str
    number: int = 0


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


@dataclass(frozen=True)
class Group:
    """One list of the review page; `title` is empty where there is only one.

    `is_left` says that nothing was done about these lines, so that none can be taken back, and
    `is_folded` that they are shown only to whoever asks for them.
    """

    title: str
    lines: list[Line]
    is_left: bool = False
    is_folded: bool = False


@dataclass(frozen=True)
class Exchange:
    """A proposal given up for the candidate that it is like.

    `data` is the ballot as it stands afterwards, `before` the fields as they were sent, for the
    page to send them again. Where `is_full` there was no room for the candidate and nothing changed.
    """

    number: int
    data: QueryDict
    before: list[tuple[str, str]]
    is_full: bool


class Numbers(forms.Field):
    """The ticked candidate numbers, each spelled as the page spells it; nothing is guessed."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: list[str] | None) -> tuple[int, ...]:
        texts = value or []
        if not all(re.fullmatch("[1-9][0-9]{0,4}", text) for text in texts):
            raise forms.ValidationError("malformed", code="malformed")
        return tuple(int(text) for text in texts)


class Words(Typed):
    """What a delegate types. No keyboard types a NUL: a ballot that holds one was not filled in."""

    def clean(self, value: Any) -> Any:
        if "\0" in str(value or ""):
            raise forms.ValidationError("malformed", code="malformed")
        return super().clean(value)


class ProposalForm(forms.Form):
    """One block of 推荐新项目. How long a text may be is for the rules to say."""

    title = Words(
        limit=TITLE_LIMIT,
        label=_("项目名称（必填）"),
        help_text=_("不超过30字，写明做什么、在哪里、做多少"),
        required=False,
        widget=forms.TextInput(attrs={"data-limit": TITLE_LIMIT, "autocomplete": "off"}),
    )
    detail = Words(
        limit=DETAIL_LIMIT,
        lines=True,
        label=_("主要内容和目标（选填）"),
        help_text=_("不超过200字"),
        required=False,
        widget=forms.Textarea(attrs={"data-limit": DETAIL_LIMIT, "rows": 3}),
    )
    unit = Words(
        limit=UNIT_LIMIT,
        label=_("建议责任单位（选填）"),
        required=False,
        widget=forms.TextInput(attrs={"data-limit": UNIT_LIMIT, "autocomplete": "off"}),
    )

    @property
    def proposal(self) -> Proposal | None:
        """What the block proposes; nothing where all three fields were left empty.

        Signs that nobody sees are no name, but whoever sent them is told so.
        """
        # A formset leaves `cleaned_data` empty for a block in which nothing was typed.
        sent = any((field.data or "").strip() for field in self)
        return Proposal(**{"title": "", **self.cleaned_data}) if sent else None


ProposalFormSet = formset_factory(ProposalForm, max_num=MOST_BLOCKS, absolute_max=MOST_BLOCKS)


class BallotForm(forms.Form):
    """A ballot as it stands on the page: ticks or marks, proposals and the tick that abstains.

    Valid, `selection` is a legal selection of `poll`; else `problems` says what to put right, and
    `sent`, `abstains` and `blocks` give back all that was sent, for the page to show it again.
    `titles` are the candidates' titles by their number. A project for which no mark was sent is
    abstained on.
    """

    projects = Numbers(required=False)
    abstain = forms.ChoiceField(choices=[("on", "")], required=False)

    def __init__(self, data: QueryDict | None, *, poll: Poll, titles: Mapping[int, str]) -> None:
        super().__init__(data)
        self.poll, self.titles, self.rules = poll, titles, rules_of(poll)
        self.marks = poll.marking.marks
        self.selection = Selection()
        self.problems: list[Problem] = []

    def clean(self) -> None:
        proposals = None if self.errors or self._is_forged() else self._sent_proposals()
        if proposals is None:
            self.refuse([Fault("malformed")])
            return
        if unclear := self._unclear():
            self.refuse(unclear)
            return
        lists = self.sent if self.is_marked else {"chosen": sorted(self.cleaned_data["projects"])}
        chosen, fair, against = (
            tuple(lists.get(column, ())) for column in ("chosen", "fair", "against")
        )
        self.judge(Selection(chosen, against, proposals, fair))

    def judge(self, selection: Selection) -> None:
        """Take `selection` as this form's own and say what is wrong with it."""
        self.selection = selection
        if self.abstains and not selection.is_blank:
            self.refuse([Fault("abstains-and-chooses")])
        if selection.is_blank and not self.abstains and self.rules.blank_allowed:
            self.refuse([Fault("nothing-chosen"), Fault("may-abstain")])
        self.refuse(faults(selection, self.rules, self.titles))

    def refuse(self, found: Iterable[Fault]) -> None:
        """Add these faults to the form in the words of the page."""
        for fault in found:
            field, text = wording.problem(fault, self.selection, self.rules)
            number = 0
            if field in ProposalForm.base_fields:
                field = f"{PREFIX}-{fault.number - 1}-{field}"
            elif field == "mark":
                number = fault.number
                field = f"{self.marks[0].value}-{number}"
            self.problems.append(Problem(fault.code, field, text, number))
            self.add_error(None, forms.ValidationError(text, code=fault.code))

    def _sent_proposals(self) -> tuple[Proposal, ...] | None:
        """Return what the blocks propose; None where they are not as the page sends them.

        A page without proposals sends no block and no management form.
        """
        if not any(name.startswith(f"{PREFIX}-") for name in self.data):
            return ()
        formset: BaseFormSet[ProposalForm] = ProposalFormSet(self.data, prefix=PREFIX)
        if not formset.is_valid():
            return None
        return tuple(form.proposal for form in formset if form.proposal)

    def _is_forged(self) -> bool:
        """Tell whether a field came twice or belongs to no such ballot.

        Taking the last of two values, or dropping the block that was not announced or the mark of
        a project that is not listed, would make another ballot out of what was sent.
        """
        ours = [name for name in self.data if name.startswith(f"{PREFIX}-")]
        total = self.data.get(f"{PREFIX}-{TOTAL_FORM_COUNT}", "")
        announced = int(total) if re.fullmatch("[0-9]{1,4}", total) else 0
        known = {
            f"{PREFIX}-{position}-{field}"
            for position in range(min(announced, MOST_BLOCKS))
            for field in ProposalForm.base_fields
        } | MANAGEMENT
        votes = [name for name in self.data if name.startswith(VOTE)]
        offered = {f"{VOTE}{number}" for number in self.titles} if self.is_marked else set()
        if not offered.issuperset(votes) or (self.is_marked and "projects" in self.data):
            return True
        once = [*ours, "abstain", "poll", "token"]
        return not known.issuperset(ours) or any(len(self._all(name)) > 1 for name in once)

    def _unclear(self) -> list[Fault]:
        """Return the projects that came with two marks, or with one that the page never offered."""
        values, found = {mark.value for mark in self.marks}, []
        for number in self.titles if self.is_marked else ():
            sent = self._all(f"{VOTE}{number}")
            if len(sent) > 1:
                found.append(Fault("two-marks", number=number))
            elif not values.issuperset(sent):
                found.append(Fault("strange-mark", number=number))
        return found

    def _all(self, name: str) -> list[str]:
        return self.data.getlist(name) if isinstance(self.data, MultiValueDict) else []

    # --- what the page shows ----------------------------------------------------------------------

    @property
    def is_long(self) -> bool:
        """Whether the list is so long that the page has a filter for it."""
        return len(self.titles) > SURVEYED

    @property
    def is_marked(self) -> bool:
        """Whether each project takes one of several marks here, and is not just ticked."""
        return len(self.marks) > 1

    @cached_property
    def sent(self) -> dict[str, list[int]]:
        """The candidates in each list of the ballot as sent, also when the rest of the form is wrong.

        One that was sent with two different marks is in none: the page shows neither, and says so.
        """
        if not self.is_marked:
            ticked = set(self._all("projects"))
            return {"chosen": [number for number in self.titles if str(number) in ticked]}
        marked = {number: set(self._all(f"{VOTE}{number}")) for number in sorted(self.titles)}
        return {
            mark.column: [number for number, sent in marked.items() if sent == {mark.value}]
            for mark in self.marks
            if mark.column
        }

    @property
    def ticked(self) -> list[int]:
        return self.sent["chosen"]

    @cached_property
    def sent_marks(self) -> list[tuple[Mark, Collection[int]]]:
        """Each mark of the page with the candidates that it stands at: 弃权 at all the others."""
        marked = {number for numbers in self.sent.values() for number in numbers}
        return [
            (mark, self.sent[mark.column] if mark.column else self.titles.keys() - marked)
            for mark in self.marks
        ]

    @property
    def abstains(self) -> bool:
        return self.data.get("abstain") == "on"

    @property
    def asks_to_abstain(self) -> bool:
        """Whether the page offers to abstain: asked only of whoever went on with nothing chosen."""
        return self.abstains or any(problem.field == "abstain" for problem in self.problems)

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
        kept = [sent[position] for position in sorted(sent)][:MOST_BLOCKS]
        limit = self.rules.proposal_limit
        blocks = [self._block(position, values) for position, values in enumerate(kept)]
        wanted = min(max(EMPTY_BLOCKS, len(kept) + 1), max(limit, len(kept)))
        return blocks + [_empty_block(position) for position in range(len(kept), wanted)]

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
    def sent_size(self) -> int:
        """To so many bytes script fills up whatever is sent of this ballot, the longest legal one too."""
        # Each character of four bytes, as `%F0%9F%9A%8F`; a title once more where it was confirmed.
        texts = 12 * (2 * TITLE_LIMIT + DETAIL_LIMIT + UNIT_LIMIT)
        proposals = self.rules.proposal_limit if self.takes_proposals else 0
        longest = 600 + 24 * len(self.titles) + proposals * (texts + 150)
        return -(-longest // 1024) * 1024

    @property
    def spare_hint(self) -> list[dict[str, str]]:
        """The hint that script copies; it finds by itself what a title is like."""
        return [{"key": "{i}", "title": "{title}"}]

    @property
    def stop_words(self) -> str:
        """The words that tell two titles apart in none, for the same script."""
        return similar.STOP_WORDS.pattern

    @property
    def confirmed(self) -> list[str]:
        """The titles that the delegate proposes although a hint said what they are like."""
        return self._all("anyway")[:MOST_BLOCKS]

    @property
    def most_proposals(self) -> int:
        """How many proposals a ballot has room for."""
        return wording.most_proposals(self.rules)

    @property
    def lines(self) -> list[Line]:
        """What was chosen or voted against, in the order of the review page."""
        return [line for group in self.groups if not group.is_left for line in group.lines]

    @property
    def groups(self) -> list[Group]:
        """The lists of the review page: one, or one of each mark with what was left last.

        In a 满意度测评 what was left comes first, and unfolded: it is what may have been forgotten.
        """
        if not self.is_marked:
            return [Group("", self._candidates(self.selection.chosen) + self._proposed)]
        groups = []
        for mark in self.marks:
            if not mark.column:
                continue
            lines = self._candidates(getattr(self.selection, mark.column))
            if mark.column == "chosen" and self._counts_proposals:
                lines += self._proposed
            groups.append(Group(wording.heading(mark, len(lines)), lines))
        if self._proposed and not self._counts_proposals:
            words = gettext("推荐%(count)d项（不计票）") % {"count": len(self._proposed)}
            groups.append(Group(words, self._proposed))
        left = self._candidates(number for number, value in self.votes if value == ABSTAIN.value)
        if self.rules.is_graded:
            return [Group(wording.left(len(left)), left, is_left=True), *groups]
        return [*groups, Group(wording.heading(ABSTAIN, len(left)), left, True, is_folded=True)]

    @property
    def votes(self) -> list[tuple[int, str]]:
        """The mark of each project as the review page sends it on, in the order of the ballot."""
        marked = {
            number: mark.value
            for mark in self.marks
            if mark.column
            for number in getattr(self.selection, mark.column)
        }
        return [(number, marked.get(number, ABSTAIN.value)) for number in sorted(self.titles)]

    @property
    def _counts_proposals(self) -> bool:
        return self.rules.proposals == "counted"

    def _candidates(self, numbers: Iterable[int]) -> list[Line]:
        return [
            Line(str(number), gettext("第%d项") % number, f"{number}. {self.titles[number]}")
            for number in numbers
            if number in self.titles
        ]

    @property
    def _proposed(self) -> list[Line]:
        return [
            Line(
                f"p{position}",
                gettext("推荐项目%d") % (position + 1),
                proposal.title,
                proposal.detail,
                proposal.unit,
            )
            for position, proposal in enumerate(self.selection.proposals)
        ]

    def line(self, key: str) -> Line | None:
        """Return the line with that key, or None."""
        return next((line for line in self.lines if line.key == key), None)

    # --- what the page says -----------------------------------------------------------------------

    @property
    def most(self) -> int:
        """How many items a ballot can reach."""
        return wording.most(self.rules, len(self.titles))

    @property
    def is_dotted(self) -> bool:
        """Whether the bar has a dot for each place, which is plainer than words as long as there are few."""
        return not (self.is_marked or self.rules.exactly) and self.most <= DOTS

    @property
    def counted(self) -> tuple[Mark, ...]:
        """The marks that the bar counts: 赞成 where places are filled, and all where grades are given."""
        marks = tuple(mark for mark in self.marks if mark.column)
        return marks if self.rules.is_graded else marks[:1]

    @property
    def counted_word(self) -> str:
        return wording.counted(self.rules)

    @property
    def bar(self) -> str:
        """What the bar counts, for the script to fill in."""
        return wording.bar(self.rules)

    @property
    def beside(self) -> str:
        """What the bar says beside it, for the script to fill in; nothing where it shows the room."""
        return wording.beside(self.rules)

    @property
    def used(self) -> str:
        """The count before the script is there."""
        return self.bar.format(n=0, most=self.most)

    @property
    def rest(self) -> str:
        """What stands under the count before the script is there: as much as will stand there then."""
        return (self.beside or "\u00a0").format(against=0, abstain=len(self.titles))

    @property
    def words(self) -> str:
        """The template of what the script says on a ballot of this form."""
        return f"ballots/ballot/_choices_words_{self.rules.form}.html"

    @property
    def instruction(self) -> str:
        """What to do, in one sentence, by the rules of this poll."""
        return wording.instruction(self.rules, len(self.titles))

    @property
    def summary(self) -> str:
        """How many items were chosen, in one sentence."""
        return wording.summary(self.selection, self.rules, len(self.titles))

    @property
    def total(self) -> str:
        """How much is about to be submitted, in few words."""
        return wording.total(self.selection, self.rules)

    @property
    def room(self) -> str:
        """What may still be added to the selection, in one sentence; nothing if it is full."""
        return wording.room(self.selection, self.rules, len(self.titles))


class CastForm(BallotForm):
    """The same ballot as the review page sends it, with its one-time token."""

    token = forms.RegexField(r"\A[0-9a-f]{32}\Z")


def without(data: QueryDict, line: Line) -> QueryDict:
    """Return what the review page would have sent if `line` had not been chosen."""
    rest = data.copy()
    if line.is_proposal:
        for field in ProposalForm.base_fields:
            rest[f"{PREFIX}-{line.key[1:]}-{field}"] = ""
    elif f"{VOTE}{line.key}" in data:
        rest[f"{VOTE}{line.key}"] = ABSTAIN.value
    else:
        rest.setlist("projects", [n for n in data.getlist("projects") if n != line.key])
    return rest


def exchanged(form: BallotForm, sent: QueryDict) -> Exchange | None:
    """Return the ballot that was `sent` with a candidate in the place of a proposal.

    None where no such exchange was asked for, or one that names no proposal or no candidate.
    """
    match = INSTEAD.fullmatch(sent.get("instead", ""))
    if match is None or int(match[2]) not in form.titles:
        return None
    place, number = match[1], int(match[2])
    if f"{PREFIX}-{place}-title" not in sent:
        return None
    data = sent.copy()
    for name in ("instead", "size", "filler", "csrfmiddlewaretoken"):
        data.pop(name, None)
    before = fields_of(data)
    # A proposal that counts leaves its place to the candidate; one that does not has none to leave.
    needs_room = form.rules.proposals != "counted" and number not in form.ticked
    is_full = needs_room and len(form.ticked) >= form.rules.places
    for field in ProposalForm.base_fields:
        data.pop(f"{PREFIX}-{place}-{field}", None)
    if form.is_marked:
        data[f"{VOTE}{number}"] = form.marks[0].value
    elif number not in form.ticked:
        data.appendlist("projects", str(number))
    return Exchange(number, data, before, is_full)


def fields_of(data: QueryDict) -> list[tuple[str, str]]:
    """Return all that was sent, field by field."""
    return [(name, value) for name, values in data.lists() for value in values]


def _empty_block(place: int) -> ProposalForm:
    return ProposalForm(prefix=f"{PREFIX}-{place}", auto_id="%s")
