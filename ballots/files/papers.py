"""The papers of the secretary's pack: count report, notice and the chair's words (design §11.3).

Every figure comes from the frozen results of the rounds, and nothing is counted here. The wordings
follow those of real reports and notices.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import journal, roles
from ballots.facts import frozen, grades
from ballots.facts.naming import names_of, numbered, with_number
from ballots.facts.outcome import (
    Outcome,
    listed,
    outcome_of,
    readable,
    round_of,
    standing_result,
)
from ballots.facts.turnout import turnout_of
from ballots.facts.vocabulary import DECLARED, MAJORITIES, WAYS, How
from ballots.facts.words import (
    checked,
    counted_as,
    counts_of,
    described,
    electorate_of,
    ending,
    of_majority,
    open_words,
    proposals_words,
    second_share,
    share_name,
    share_of,
    share_words,
    shares_words,
)
from ballots.journal import Kind
from ballots.models import Announcement, Decision, JournalEntry, WriteIn
from ballots.pure import tally
from ballots.pure.figures import Figures
from projects.choices import ELECTORATES
from projects.models import Poll

# The lines of a title, each whole in its sense (GB/T 9704—2012, 7.3.1): the meeting, what it has decided
# on, and that this is the notice of it. And what no line may tear apart, with the sign that forbids it.
TITLE = re.compile(r"(.+?)(关于.+?项目)(.+)")
WHOLE = re.compile(r"[0-9]{4}年度?|民生实事项目|第[^第届次]+[届次]|人民代表大会|会议")
WORD_JOINER = "\u2060"
PROPOSALS = {
    "counted": _("推荐项目计票，每票最多推荐%(limit)d项"),
    "advisory": _("推荐项目不计票，仅汇总研究"),
    "off": _("不接受推荐项目"),
}
# Title, opening and closing of a notice to begin with: of what was adopted, and of what was graded.
NOTICES = {
    False: (
        _("%(meeting)s关于%(year)d年度民生实事项目票决结果的公告"),
        _("%(meeting)s于%(date)s以无记名投票方式，对%(year)d年度民生实事候选项目进行票决。"),
        _("现予公告。"),
    ),
    True: (
        _("%(meeting)s关于%(year)d年度民生实事项目满意度测评结果的通报"),
        _("%(meeting)s于%(date)s以无记名投票方式，对%(year)d年度民生实事项目进行满意度测评。"),
        _("现予通报。"),
    ),
}


# --- the count report -----------------------------------------------------------------------------


def report(poll: Poll) -> dict[str, object]:
    """Return what stands on the count report (票决结果报告单) of a counted poll.

    Raises Result.DoesNotExist before the count, or after it was sent back: the canvass is blind.
    """
    outcome = outcome_of(poll)
    figures = outcome.result.figures
    decision = outcome.last.decision
    return {
        "result": outcome.result,
        "figures": figures,
        "opening_digest": frozen.digest_on_record(poll),
        "head": journal.head(poll),
        "turnout": figures["turnout"],
        "status_changes": poll.journal.filter(kind=Kind.STATUS_SET).count(),
        "round_name": round_name(poll),
        "rules": rules_line(figures),
        "second_share": second_share(figures),
        "shares_words": shares_words(figures),
        **_table(poll, figures),
        "checked": checked(figures["checks"]),
        "proposals_words": proposals_words(figures),
        "rulings": _rulings(poll, names_of(figures["items"])),
        "sent_back": _sent_back(poll),
        "settled": [place for place in outcome.filled if place.how != "count"],
        "open_words": open_words(outcome),
        "decision": decision,
        "decided_by": _signers(decision),
        "second_round": outcome.round,
        "second_name": round_of(outcome.round) if outcome.round else "",
        "counted_by": roles.named(outcome.result.counted_by),
        "confirmed_by": [
            roles.named(confirmation.by)
            for confirmation in outcome.result.confirmations.select_related("by").order_by("pk")
        ],
    }


def _table(poll: Poll, figures: Figures) -> dict[str, object]:
    """Return the votes of a count as its papers show them: by the form of its ballots."""
    found = {"what": counted_as(figures).result, "items": described(poll, figures)}
    return found | (
        grades.table(figures) if poll.is_graded else {"columns": counted_as(figures).columns}
    )


def returned(poll: Poll) -> dict[str, object]:
    """Return what stands on the report that the chair reads out at the close (清点报告).

    There is no count yet: 收回 are the marks on the roll, of which the close has made sure, and the
    papers that were found in the paper box.
    """
    turnout = _returned(poll)
    return {
        "turnout": turnout,
        "online": turnout["issued"] - turnout["papers"],
        "online_returned": turnout["returned"] - turnout["papers_returned"],
        "turnout_words": turnout_words(turnout, poll.body),
        "round_name": round_name(poll),
        "head": journal.head(poll),
    }


def returned_words(poll: Poll) -> str:
    """Return the sentence of that report, as soon as the papers are counted."""
    return turnout_words(_returned(poll), poll.body)


def _returned(poll: Poll) -> dict[str, int]:
    there = turnout_of(poll)
    return {
        "delegates_total": poll.delegates_total or 0,
        "roll": there.roll,
        "present": there.present,
        "issued": there.issued,
        "returned": there.voted + there.papers_returned,
        "papers": there.papers,
        "papers_returned": there.papers_returned,
    }


def _signers(decision: Decision | None) -> list[str]:
    return [roles.named(user) for user in (decision.by, decision.second)] if decision else []


# The name of a committee is what stands before the number of its sitting.
COMMITTEE = re.compile(r"^(.*(?:常务委员会|常委会)).*$")


def round_name(poll: Poll) -> str:
    """Return which round the papers are about; a rehearsed second round says which one it plays."""
    if poll.is_graded and not poll.is_rehearsal:
        return gettext("满意度测评")
    if poll.parent is None:
        return poll.get_kind_display()
    name = round_of(poll)
    return gettext("演练：%(round)s") % {"round": name} if poll.is_rehearsal else name


def rules_line(figures: Figures) -> str:
    """Return the rules that the count followed as one line."""
    rules, ballot = figures["rules"], str(counted_as(figures).rule)
    if rules["form"] == "grades":
        return ballot
    parts = [
        gettext("应选%(places)d项") % {"places": figures["places"]},
        gettext("必须选足") if rules["exactly"] else gettext("可以少选"),
        ballot,
        str(PROPOSALS[rules["proposals"]]) % {"limit": rules["proposal_limit"]},
        gettext("不要求过半数，得票多的确定")
        if rules["majority"] == "none"
        else gettext("通过须得%(needed)d票（%(majority)s）")
        % {
            "needed": figures["needed"],
            "majority": of_majority(MAJORITIES, figures),
        },
    ]
    return "；".join(parts)


def _rulings(poll: Poll, names: dict[str, str]) -> list[dict[str, str]]:
    """Return every proposal and what the canvass did with it; never before the count.

    It is named as the result names it: with its unit where another proposal has the same title.
    """
    return [
        {
            "key": write_in.key,
            "title": names.get(write_in.key, write_in.title),
            "ruling": ruling_words(
                write_in.ruling,
                _into(write_in, names),
                write_in.reason,
            ),
        }
        for write_in in poll.write_ins.select_related("into_project", "into_write_in")
    ]


def _into(write_in: WriteIn, names: dict[str, str]) -> str:
    """Return what a proposal was merged into, by the name that the result gives it; else nothing."""
    other = write_in.into_write_in
    if other is not None:
        return numbered(other.key, names.get(other.key, other.title))
    return str(write_in.into_project or "")


def ruling_words(ruling: str, into: str, reason: str) -> str:
    """Return one ruling in words, such as “不予计票（理由：内容不清）”."""
    label = str(WriteIn.Ruling(ruling).label)
    if into:
        label = gettext("%(ruling)s：%(into)s") % {"ruling": label, "into": into}
    if reason:
        label += gettext("（理由：%(reason)s）") % {"reason": reason}
    return label


def _sent_back(poll: Poll) -> list[dict[str, object]]:
    """Return each count that was sent back: its totals, why, and what was ruled anew after it."""
    returns = _returns(poll)
    earlier = poll.results.exclude(sent_back="").select_related("counted_by").order_by("pk")
    return [
        {
            "result": result,
            "turnout": result.figures["turnout"],
            "counted_by": roles.named(result.counted_by),
            "table": _table(poll, result.figures),
            "at": returned["at"],
            "by": returned["by"],
            "changes": returned["changes"],
        }
        for result, returned in zip(map(readable, earlier), returns, strict=True)
    ]


class Change(TypedDict):
    """One ruling, or several at once, that somebody gave after a count had been sent back."""

    at: datetime
    by: str
    words: str


class Return(TypedDict):
    """One “sent-back” of the journal: when, by whom, and what was ruled anew after it."""

    at: datetime
    by: str
    changes: list[Change]


def _returns(poll: Poll) -> list[Return]:
    """Return every “sent-back” of the journal with the changes of rulings that followed it."""
    kinds = [Kind.SENT_BACK, Kind.WRITE_IN_RULED, Kind.WRITE_INS_RULED]
    returns: list[Return] = []
    for entry in poll.journal.filter(kind__in=kinds).select_related("by").order_by("seq"):
        if entry.kind == Kind.SENT_BACK:
            returns.append({"at": entry.at, "by": roles.named(entry.by), "changes": []})
        elif returns:
            returns[-1]["changes"].append(
                {"at": entry.at, "by": roles.named(entry.by), "words": _change(entry)}
            )
    return returns


def _change(entry: JournalEntry) -> str:
    data = entry.data
    if entry.kind == Kind.WRITE_INS_RULED:
        keys = "、".join(key for key, _ruling in data["rulings"])
        return f"{keys}：{ruling_words(WriteIn.Ruling.ALONE, '', '')}"
    return gettext("%(key)s. %(title)s：由“%(before)s”改为“%(after)s”") % {
        "key": data["write_in"],
        "title": data["title"],
        "before": ruling_words(*data["before"]),
        "after": ruling_words(data["ruling"], data["into"], data["reason"]),
    }


# --- the notice -----------------------------------------------------------------------------------


def notice(poll: Poll) -> dict[str, object]:
    """Return the public notice (公告) of a confirmed poll: the office's words, the count's figures.

    Without its annex it lists the projects by number, which tells nothing of the votes. What the
    meeting decided on open places stands in it word for word: people have decided it, not the count.
    """
    outcome = outcome_of(poll)
    announcement = announcement_of(poll)
    words: dict[str, object] = {
        "words": announcement,
        "title_lines": title_lines(announcement.title),
        "figures_words": figures_words(outcome),
    }
    if poll.is_graded:
        return words | _notice_of_grades(outcome, with_votes=announcement.with_votes)
    places = outcome.filled if announcement.with_votes else listed(outcome.filled)
    return words | {
        "decision_words": _decision_words(outcome),
        "lead": _lead(outcome),
        "titles": [with_number(place.key, place.name) for place in places],
        "open_words": open_words(outcome),
        "annex": _annex(outcome) if announcement.with_votes else [],
    }


def _notice_of_grades(outcome: Outcome, *, with_votes: bool) -> dict[str, object]:
    """Return what a notice of a 满意度测评 says: each item with its grade, then the whole.

    Votes stand beside the grades, and the base of their rates below: there is no annex.
    """
    figures = outcome.result.figures
    return {
        "lead": gettext("测评结果如下："),
        "titles": _as_sentence(grades.lines(figures, with_votes=with_votes)),
        "open_words": grades.whole_words(figures, with_votes=with_votes)
        + (grades.rates_words(figures) if with_votes else ""),
    }


def _as_sentence(lines: list[str]) -> list[str]:
    """Return the lines of a list with the signs that end them in official papers."""
    return [*(f"{line}；" for line in lines[:-1]), *(f"{line}。" for line in lines[-1:])]


def title_lines(title: str) -> list[str]:
    """Return the title of a notice in the lines in which it is set; one line where it is another."""
    found = TITLE.fullmatch(title)
    lines = found.groups() if found else (title,)
    return [WHOLE.sub(lambda whole: WORD_JOINER.join(whole[0]), line) for line in lines]


def announcement_of(poll: Poll) -> Announcement:
    """Return the saved words of the notice on `poll`, else unsaved ones to begin with."""
    saved = Announcement.objects.filter(poll=poll).first()
    if saved is not None:
        return saved
    figures = standing_result(poll).figures["poll"]
    meeting, year = figures["meeting"], figures["year"]
    names = {"meeting": meeting, "year": year, "date": date_words(poll.closed_at)}
    title, opening, closing = NOTICES[poll.is_graded]
    return Announcement(
        poll=poll,
        title=title % names,
        opening=opening % names,
        closing=str(closing),
        signature=gettext("%(meeting)s主席团") % names
        if poll.body == Poll.Body.CONGRESS
        # A committee has no presidium: it signs itself, without the number of its sitting.
        else COMMITTEE.sub(r"\1", meeting),
        dated=date_words(poll.published_at or poll.closed_at),
    )


def figures_words(outcome: Outcome) -> str:
    """Return the figures of a notice, a sentence for each round that is out."""
    first, *others = outcome.rounds
    sentences = gettext(
        "应到%(members)s%(roll)d人，实到%(members)s%(present)d人；"
        "发出表决票%(issued)d张，收回表决票%(returned)d张%(papers_words)s，"
        "其中有效票%(valid)d张、无效票%(invalid)d张。"
    ) % _with_papers(first.result.figures)
    for later in others:
        sentences += (
            gettext(
                "%(round)s时，实到%(members)s%(present)d人；"
                "发出表决票%(issued)d张，收回表决票%(returned)d张%(papers_words)s，"
                "其中有效票%(valid)d张、无效票%(invalid)d张。"
            )
        ) % {
            **_with_papers(later.result.figures),
            "round": round_of(later.poll),
        }
    return sentences


def _with_papers(figures: Figures) -> dict[str, Any]:
    turnout, members = figures["turnout"], electorate_of(figures).members
    return {**turnout, "papers_words": papers_words(turnout), "members": members}


def _decision_words(outcome: Outcome) -> str:
    """Return what the meeting decided on the open places as a sentence; empty without a decision."""
    decision = outcome.last.decision
    if decision is None:
        return ""
    sentence = gettext("会议决定：%(words)s") % {"words": " ".join(decision.words.split())}
    return sentence if sentence.endswith("。") else f"{sentence}。"


def _lead(outcome: Outcome) -> str:
    year = outcome.result.figures["poll"]["year"]
    if not outcome.filled:
        return gettext("经票决，没有项目确定为%(year)d年度民生实事项目。") % {"year": year}
    used = {place.how for place in outcome.filled}
    *others, last = [str(way.name) for how, way in WAYS.items() if how in used]
    ways = (
        gettext("%(others)s和%(last)s") % {"others": "、".join(others), "last": last}
        if others
        else last
    )
    return gettext("经%(how)s，确定下列%(count)d个项目为%(year)d年度民生实事项目：") % {
        "how": ways,
        "count": len(outcome.filled),
        "year": year,
    }


def _annex(outcome: Outcome) -> list[dict[str, object]]:
    """Return the votes of each round that is out, the first one first, and how each item ended."""
    return [
        {
            "name": round_of(each.poll),
            "share_name": share_name(each.result.figures),
            "share_words": share_words(each.result.figures),
            "columns": counted_as(each.result.figures).columns,
            "items": [
                item
                | {
                    "counts": counts_of(each.result.figures, item),
                    "name": numbered(item["item"], each.names[item["item"]]),
                    "share": share_of(each.result.figures, item),
                    "outcome_words": ending(each, item),
                }
                for item in each.result.figures["items"]
            ],
        }
        for each in outcome.rounds
    ]


# --- the chair's words ----------------------------------------------------------------------------


def chair_words(poll: Poll) -> dict[str, object]:
    """Return what the chair reads out (宣布词): the report on the ballots, the result, what is open.

    Projects are read in the order of the votes only where the poll shows its votes.
    """
    outcome = outcome_of(poll)
    figures = outcome.result.figures
    words: dict[str, object] = {
        "round_name": round_name(poll),
        "turnout_words": turnout_words(figures["turnout"], poll.body),
        "year": figures["poll"]["year"],
        "valid_words": gettext("收回的表决票中，有效票%(valid)d张，无效票%(invalid)d张。")
        % figures["turnout"],
    }
    if poll.is_graded:
        return words | {
            "lines": grades.read_out(outcome),
            "grade": grades.grade_of_whole(figures),
        }
    return words | {
        "parts": _parts(outcome),
        "open_words": open_words(outcome),
        "decision_words": _decision_words(outcome),
        "total": len(outcome.filled),
        "by_votes": poll.show_votes,
    }


def turnout_words(turnout: Mapping[str, Any], body: str) -> str:
    """Return the report on those who came and on ballots (清点报告); only with a quorum is the vote valid.

    Nor is it where more papers came back than were given out.
    """
    needed = tally.quorum(turnout["delegates_total"], body)  # type: ignore[arg-type]
    is_quorate = turnout["present"] >= needed
    are_too_many = turnout.get("papers_returned", 0) > turnout.get("papers", 0)
    valid = gettext("，本次表决有效") if is_quorate else ""
    if are_too_many:
        valid = gettext("，收回的纸质票多于发出的纸质票，本次表决无效")
    return gettext(
        "%(sitting)s应到%(members)s%(roll)d名，实到%(members)s%(present)d名，%(quorum)s。"
        "本次表决共发出表决票%(issued)d张，收回%(returned)d张%(papers_words)s，"
        "收回的表决票数%(relation)s发出的表决票数%(valid)s。"
    ) % {
        **turnout,
        "sitting": ELECTORATES[body].sitting,
        "members": ELECTORATES[body].members,
        "quorum": gettext("符合法定人数") if is_quorate else gettext("不足法定人数"),
        "valid": valid,
        "relation": _relation(turnout["returned"], turnout["issued"]),
        "papers_words": papers_words(turnout),
    }


def _relation(returned: int, issued: int) -> str:
    if returned == issued:
        return gettext("等于")
    return gettext("少于") if returned < issued else gettext("多于")


def papers_words(turnout: Mapping[str, Any]) -> str:
    """Return how many of the ballots were papers, in brackets; nothing where there were none."""
    if not turnout.get("papers"):
        return ""
    words = gettext("（其中纸质票发出%(papers)d张、收回%(papers_returned)d张）")
    return words % turnout


def _parts(outcome: Outcome) -> list[dict[str, object]]:
    """Return the projects by how their places were filled, each group with its sentence."""
    parts: list[dict[str, object]] = []
    for how in WAYS:
        places = [place for place in outcome.filled if place.how == how]
        if not outcome.poll.show_votes:
            places = listed(places)
        if places:
            lead = _declared(outcome, how, len(places))
            parts.append(
                {"lead": lead, "titles": [with_number(place.key, place.name) for place in places]}
            )
    return parts


def _declared(outcome: Outcome, how: How, count: int) -> str:
    figures = outcome.result.figures
    named = {
        "count": count,
        "year": figures["poll"]["year"],
        "passed": of_majority(DECLARED, figures),
        "round": WAYS[how].name,
    }
    match how:
        case "count":
            sentence = (
                gettext("根据总监票人报告的计票结果，下列%(count)d个项目%(passed)s，") % named
            )
            # Of one project there is no order to speak of.
            order = gettext("按得票多少，") if count > 1 else ""
            return sentence + order + gettext("确定为%(year)d年度民生实事项目：") % named
        case "decision":
            return (
                gettext("根据会议决定，下列%(count)d个项目确定为%(year)d年度民生实事项目：") % named
            )
        case _:
            return (
                gettext("经%(round)s，下列%(count)d个项目确定为%(year)d年度民生实事项目：") % named
            )


# --- shared ---------------------------------------------------------------------------------------


def date_words(moment: datetime | None) -> str:
    """Return a date as official papers write it, such as “2026年1月18日”; empty for None."""
    if moment is None:
        return ""
    day = timezone.localtime(moment)
    return gettext("%(year)d年%(month)d月%(day)d日") % {
        "year": day.year,
        "month": day.month,
        "day": day.day,
    }
