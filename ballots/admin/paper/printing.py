"""The official paper ballots, printed by the browser: so many copies, numbered on their stubs alone."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import roles
from ballots.admin.guard import READING, StaffRequest, step
from ballots.facts.words import remarks
from ballots.files.papers import round_name
from ballots.models import rules_of
from ballots.pure.rules import Rules
from projects.choices import MARKINGS
from projects.models import Poll
from projects.phases import DRAFT, VOTING
from projects.wording import title_of

# A browser lays out no more pages than these in a time that anybody waits.
COPIES_LIMIT = 500
NUMBER_LIMIT = 99_999
# From so many candidates on the rows stand closer, so that twenty are on one sheet.
MANY = 12


class CopiesForm(forms.Form):
    """How many to print, and the number on the first stub."""

    copies = forms.IntegerField(
        label=_("印制张数"),
        min_value=1,
        max_value=COPIES_LIMIT,
        help_text=_("一次最多500张。请多备一成，供更换污损的。"),
        widget=forms.NumberInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    first = forms.IntegerField(
        label=_("第一张存根的编号"),
        min_value=1,
        max_value=NUMBER_LIMIT,
        initial=1,
        help_text=_("分几次印的，请接着上一次的编号。"),
        widget=forms.NumberInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )


@step(
    "paper-ballots",
    _("印制纸质票"),
    _("正式的纸质表决票：按候选项目次序，编号只在存根上，裁下存根后发给代表。"),
    who=roles.is_office,
    phases=DRAFT | VOTING,
    methods=READING,
)
def paper_ballots(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Ask how many, and lay out as many; nothing of it is kept, for papers count once given out."""
    form = CopiesForm(request.GET if "copies" in request.GET else None)
    numbers: list[str] = []
    if form.is_valid():
        first = form.cleaned_data["first"]
        numbers = [f"{n:04}" for n in range(first, first + form.cleaned_data["copies"])]
    rules = rules_of(poll)
    projects = list(poll.projects.order_by("number"))
    context: dict[str, Any] = {
        "poll": poll,
        "title": title_of(poll),
        "marks": remarks(poll)[:1] if poll.is_rehearsal else [],
        "form": form,
        "numbers": numbers,
        "projects": projects,
        "is_dense": len(projects) > MANY,
        "round_name": round_name(poll) if poll.parent else "",
        "how": how_to_mark(rules),
        "rules": limits(rules),
        "places": range(1, rules.proposal_limit + 1) if rules.proposals != "off" else (),
    }
    return render(request, "admin/ballots/papers/paper-ballots.html", context)


def how_to_mark(rules: Rules) -> str:
    """Return how a paper is marked, in a sentence or two."""
    if rules.form == "each":
        return gettext(
            "请对每个项目，在“赞成”“反对”“弃权”中选一种，在其“○”内打“√”；没有标记的按弃权计。"
        )
    if rules.is_graded:
        return gettext("请在相应栏内画“○”，每项限评一个等次；没有画的按弃权计。")
    return gettext("赞成的项目，在“○”内打“√”；不赞成的，不作任何标记。")


def limits(rules: Rules) -> str:
    """Return how many may be chosen, and what makes a paper invalid (design §4.1)."""
    parts = [] if rules.is_graded else [_places(rules)]
    if rules.is_graded:
        parts.append(gettext("同一项目画两个以上的，由总监票人认定。"))
    elif rules.form == "each":
        parts.append(gettext("同一项目选两种以上的，由总监票人认定。"))
    nothing = gettext("什么都不画的") if rules.is_graded else gettext("什么都不选的")
    parts.append(
        gettext("%(nothing)s，为弃权票。") % {"nothing": nothing}
        if rules.blank_allowed
        else gettext("%(nothing)s，为无效票。") % {"nothing": nothing}
    )
    parts.append(gettext("请勿署名或作其他记号；填错、污损的，请到会务组更换。"))
    return "".join(parts)


def _places(rules: Rules) -> str:
    of_proposals = gettext("（含推荐的新项目）") if rules.proposals == "counted" else ""
    favoured = MARKINGS[rules.form].marks[0].word
    if rules.exactly:
        words = gettext(
            "%(favoured)s应为%(places)d项%(more)s，多于或少于%(places)d项的，整张票无效。"
        )
    else:
        words = gettext(
            "%(favoured)s最多%(places)d项%(more)s，可以少选；多于%(places)d项的，整张票无效。"
        )
    return words % {"favoured": favoured, "places": rules.places, "more": of_proposals}
