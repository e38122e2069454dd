"""Small makers of people and things, with keyword overrides: each test names what it cares about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import count
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.utils import timezone

from ballots import roles
from ballots.acts import canvass, cards, casting, ceremony, deciding, lifecycle, roll
from ballots.acts.year import adopting, opinions
from ballots.facts import keyed
from ballots.models import (
    AccessCard,
    Decision,
    Delegate,
    Delegation,
    Envelope,
    Opinion,
    PasswordDate,
    Result,
    RollEntry,
    WriteIn,
)
from ballots.pure import sealing
from ballots.pure.rules import Proposal, Selection
from projects.models import Poll, Project, SubItem, Target
from projects.year.models import AdoptedProject, ProjectFigure, TargetFigure, Year

PASSWORD = "correct-horse-battery"
WAY = ["open", "closed", "opened", "counted", "confirmed", "published"]
_serial = count(1)


def make_staff(*groups: str, name: str = "") -> User:
    """Return a member of staff in `groups`, with the tests' password."""
    name = name or f"staff{next(_serial)}"
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def staff_of_a_day() -> list[User]:
    """Return a member of the office, a scrutineer and the chief one, as `make_staff` would make them.

    Nearly every test has them, and before there is a poll: nothing of what an account calls for can
    happen, and to write all three at once takes four statements instead of sixty.
    """
    password = make_password(PASSWORD)
    staff = User.objects.bulk_create(
        User(username=f"staff{next(_serial)}", password=password, is_staff=True) for _ in range(3)
    )
    PasswordDate.objects.bulk_create(PasswordDate(user=user, at=timezone.now()) for user in staff)
    groups = Group.objects.in_bulk(field_name="name")
    offices = ((roles.OFFICE,), (roles.SCRUTINEER,), (roles.SCRUTINEER, roles.CHIEF))
    User.groups.through.objects.bulk_create(
        User.groups.through(user=user, group=groups[name])
        for user, names in zip(staff, offices, strict=True)
        for name in names
    )
    return staff


def make_office(name: str = "") -> User:
    return make_staff(roles.OFFICE, name=name)


def make_scrutineer(name: str = "", *, chief: bool = False) -> User:
    return make_staff(roles.SCRUTINEER, *([roles.CHIEF] if chief else []), name=name)


def make_poll(*, candidates: int = 12, **columns: Any) -> Poll:
    """Return a draft poll with numbered candidates, each with one target."""
    defaults = {
        "meeting": "示例市人民代表大会会议",
        "year": 2026,
        "phone": "0579-12345678",
        "rules_name": "民生实事项目表决办法",
        "rules_adopted_on": date(2026, 1, 17),
    }
    if columns.get("form") == Poll.Form.GRADES:
        defaults |= {"places": 0, "proposals": Poll.Proposals.OFF, "show_votes": True}
        defaults |= {"wishes": False}
    poll = Poll.objects.create(**(defaults | columns))
    projects = Project.objects.bulk_create(
        Project(poll=poll, number=number, **_words(number)) for number in range(1, candidates + 1)
    )
    Target.objects.bulk_create(Target(project=one, **_target(one.number)) for one in projects)
    return poll


def _words(number: int) -> dict[str, Any]:
    return {"title": f"候选项目{number}", "text": f"建设内容{number}。"}


def _target(number: int) -> dict[str, Any]:
    return {"position": 1, "text": "新建", "quantity": number, "unit": "处"}


def make_project(poll: Poll, number: int, **columns: Any) -> Project:
    project = Project.objects.create(poll=poll, number=number, **(_words(number) | columns))
    Target.objects.create(project=project, **_target(number))
    return project


def make_sub_item(project: Project, **columns: Any) -> SubItem:
    said = {"position": 1, "text": "新建停车楼", "investment": 1200} | columns
    return SubItem.objects.create(project=project, **said)


def make_delegates(number: int, *, delegation: str = "城区代表团") -> list[Delegate]:
    """Return that many delegates in office of one delegation, numbered from 001 or onwards."""
    home, _ = Delegation.objects.get_or_create(name=delegation)
    start = Delegate.objects.count() + 1
    return Delegate.objects.bulk_create(
        Delegate(number=f"{n:03}", name=f"代表{n}", delegation=home, position=n)
        for n in range(start, start + number)
    )


def join_committee(people: Sequence[Delegate]) -> None:
    """Mark `people` as members of the standing committee."""
    Delegate.objects.filter(pk__in=[one.pk for one in people]).update(on_committee=True)


def present_on(poll: Poll, delegate: Delegate) -> RollEntry:
    """Return an unsaved line of the roll of `poll` for somebody who has come."""
    entry = roll.entry_of(poll, delegate)
    entry.present = True
    return entry


def selection(
    *chosen: int,
    against: Sequence[int] = (),
    fair: Sequence[int] = (),
    proposals: Sequence[str | Proposal] = (),
) -> Selection:
    """Return a selection; a proposal may be given by its title alone."""
    return Selection(
        chosen=chosen,
        against=tuple(against),
        fair=tuple(fair),
        proposals=tuple(
            Proposal(title=item) if isinstance(item, str) else item for item in proposals
        ),
    )


@dataclass
class Stage:
    """An open poll with all that its day needs: people, cards and the shares of its key."""

    poll: Poll
    office: User
    scrutineer: User
    chief: User
    delegates: list[Delegate]
    issued: list[cards.IssuedCard]
    shares: list[str]

    def card(self, place: int = 0) -> AccessCard:
        """The valid card of the delegate at `place`."""
        cards = AccessCard.objects.select_related("delegate")
        return cards.get(delegate=self.delegates[place], revoked_at__isnull=True)

    def entry(self, place: int = 0) -> RollEntry:
        return RollEntry.objects.get(poll=self.poll, delegate=self.delegates[place])

    def cast(self, place: int, chosen: Selection, *, token: str = "") -> casting.Receipt:
        """Cast a ballot for the delegate at `place`, with a token of its own unless given."""
        self.poll.refresh_from_db()
        return casting.cast_ballot(
            poll=self.poll,
            card=self.card(place),
            selection=chosen,
            token=token or casting.new_token(),
        )

    def forge(self, place: int, sealed: bytes) -> None:
        """Put any bytes into the box beside a delegate's mark, as if this server had taken them."""
        receipt = sealing.receipt(poll=self.poll.uuid, sealed=sealed)
        entry = self.entry(place)
        Envelope.objects.create(
            roll_entry=entry,
            poll=self.poll,
            sealed=sealed,
            receipt=receipt,
            code=sealing.receipt_code(receipt),
            token="t",
            mac=keyed.envelope_mac(self.poll.uuid, entry.delegate_id, entry.number, receipt),
        )
        RollEntry.objects.filter(pk=entry.pk).update(
            voted=True,
            voted_at=timezone.now(),
            mac=keyed.mark_mac(self.poll.uuid, entry.delegate_id, entry.number),
        )

    def write_in(self, title: str) -> WriteIn:
        return self.poll.write_ins.get(title=title)

    def close(self) -> Poll:
        self.poll = lifecycle.close_poll(self.poll, by=self.office, announced=True)
        return self.poll

    def open_box(self) -> Poll:
        self.poll = lifecycle.open_box(
            self.poll, texts=self.shares[:3], by=self.scrutineer, declared=True
        )
        return self.poll

    def count(self) -> Result:
        """Let each proposal that still waits stand alone, close the canvass, and count."""
        if self.poll.write_ins.exists():
            canvass.rule_each_alone(self.poll, by=self.office)
            canvass.close_canvass(self.poll, by=self.office, second=self.scrutineer)
        result = lifecycle.count_poll(self.poll, by=self.office)
        self.poll.refresh_from_db()
        return result

    def decide(self, *items: str, **changes: Any) -> Decision:
        """Let the meeting fill its open places with `items`, signed by two people."""
        given: dict[str, Any] = {"words": "主席团会议决定", "by": self.office, "second": self.chief}
        return deciding.decide(self.poll, items=items, **(given | changes))

    def publish(self, **options: Any) -> Poll:
        """Publish the confirmed count, and show all of it at once."""
        lifecycle.publish_result(self.poll, by=self.office, at_once=True, **options)
        self.poll.refresh_from_db()
        return self.poll


def make_stage(
    *, delegates: int = 5, open_it: bool = True, kind: str = Poll.Kind.REHEARSAL, **columns: Any
) -> Stage:
    """Return a poll on its day: everybody on the roll, present and with a card, the key tested.

    A rehearsal unless `kind` says otherwise, because a real poll refuses to open on localhost.
    """
    office, scrutineer, chief = staff_of_a_day()
    poll = make_poll(kind=kind, **({"delegates_total": max(delegates, 1)} | columns))
    people = make_delegates(delegates)
    if poll.body == Poll.Body.COMMITTEE:
        join_committee(people)
    issued = cards.issue_cards(people, by=office)
    roll.draw_up_roll(poll, by=office)
    roll.mark_present(poll, numbers=[person.number for person in people], by=office)
    if poll.simple:
        sheets = ceremony.make_key(poll, holders=["保管人甲", "保管人乙"], threshold=1, by=office)
    else:
        holders = [f"保管人{name}" for name in "甲乙丙丁戊"]
        sheets = ceremony.make_key(poll, holders=holders, threshold=3, by=office)
    shares = [sheet.text for sheet in sheets]
    ceremony.test_key(poll, texts=shares[: poll.box.threshold], by=scrutineer)
    poll.refresh_from_db()
    if open_it:
        poll = lifecycle.open_poll(poll, by=office)
    return Stage(poll, office, scrutineer, chief, people, issued, shares)


def stage_beside(first: Stage, *, open_it: bool = True, **columns: Any) -> Stage:
    """Return another poll of the meeting of `first`, with the same people and cards and its own key."""
    same = {
        name: getattr(first.poll, name) for name in ("kind", "meeting", "body", "delegates_total")
    }
    poll = make_poll(**(same | columns))
    roll.draw_up_roll(poll, by=first.office)
    second = make_ready(first, poll)
    if open_it:
        second.poll = lifecycle.open_poll(poll, by=first.office)
    return second


def stage_without(*absent: str, **columns: Any) -> Stage:
    """Return an open stage to which the delegates of these numbers have not come."""
    stage = make_stage(open_it=False, **columns)
    roll.mark_absent(stage.poll, numbers=absent, by=stage.office)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    return stage


def opened_stage(*proposals: str | Proposal, **columns: Any) -> Stage:
    """Return a stage whose box is open and in which each of `proposals` stood on one ballot."""
    stage = make_stage(delegates=max(len(proposals), 1), **columns)
    for place, proposal in enumerate(proposals):
        stage.cast(place, selection(1, proposals=[proposal]))
    stage.close()
    stage.open_box()
    return stage


def second_stage(first: Stage, draft: Poll) -> Stage:
    """Return the open second round of `first` with its own key; the people and cards are the same."""
    second = make_ready(first, draft)
    second.poll = lifecycle.open_poll(draft, by=first.office)
    return second


def dress(day: Stage) -> None:
    """Give the candidates all that a page can show of them, with words as long as real ones."""
    for project in day.poll.projects.all():
        project.category = "教育" if project.number < 7 else "交通出行"
        project.title = (
            f"农村义务教育学校学生午休躺睡条件改善和校园环境提升工程（第{project.number}批）"
        )
        project.investment = 1800
        project.lead_unit = "市教育局、市住房和城乡建设局、市自然资源和规划局"
        project.deadline = "2026年11月底"
        project.site = "各镇人民政府、街道办事处辖区"
        project.investment_this_year = 950
        project.funding = "市级财政资金950万元，镇（街道）自筹资金850万元"
        project.save()
        make_sub_item(project, text="改造农村义务教育学校午休教室和学生餐厅")


def move_by_force(poll: Poll, phase: str) -> Poll:
    """Put a draft poll in `phase` past our own code, for pages that only show it."""
    now = timezone.now()
    times: dict[str, Any] = {} if phase == Poll.Phase.DROPPED else {"opened_at": now}
    if phase not in {Poll.Phase.OPEN, Poll.Phase.PAUSED, Poll.Phase.DROPPED}:
        times["closed_at"] = now
    if phase == Poll.Phase.PUBLISHED:
        times["published_at"] = now
    Poll.objects.filter(pk=poll.pk).update(phase=phase, **times)
    poll.refresh_from_db()
    return poll


def set_closing_time(poll: Poll, moment: datetime) -> None:
    """Give an open rehearsal any closing time, past the trigger that keeps it: back and forth."""
    Poll.objects.filter(pk=poll.pk).update(phase=Poll.Phase.DRAFT, opened_at=None)
    Poll.objects.filter(pk=poll.pk).update(
        phase=Poll.Phase.OPEN, opened_at=timezone.now(), closes_at=moment
    )
    poll.refresh_from_db()


def walk_by_force(poll: Poll, phase: str) -> None:
    """Take a draft to `phase` by the only way that the trigger of a real poll allows."""
    beside = [phase] if phase == Poll.Phase.DROPPED else ["open", phase]
    for step in WAY[: WAY.index(phase) + 1] if phase in WAY else beside:
        move_by_force(poll, step)


def confirm_count(stage: Stage) -> Poll:
    """Take an open poll to its confirmed count, every proposal alone; two confirm where two must."""
    if stage.poll.takes_ballots:
        stage.close()
    if stage.poll.phase == Poll.Phase.CLOSED:
        stage.open_box()
    stage.count()
    for person in (stage.scrutineer, stage.chief)[-stage.poll.confirmers :]:
        lifecycle.confirm_result(stage.poll, by=person)
    stage.poll.refresh_from_db()
    return stage.poll


def publish_count(stage: Stage) -> Poll:
    """Take an open poll to its publication, whatever it leaves open."""
    confirm_count(stage)
    return stage.publish(leave_open=True)


def make_year(**columns: Any) -> Stage:
    """Return a real poll whose published result is the year's: three of four candidates adopted."""
    real: dict[str, Any] = {"kind": Poll.Kind.MAIN, "places": 3, "objection_days": 0}
    stage = make_confirmed({1: 8, 2: 7, 3: 6, 4: 0}, **(real | columns))
    stage.publish(leave_open=True)
    return stage


def end_year(stage: Stage) -> None:
    """Close the year that a published poll has made, where it has made one."""
    if year := Year.objects.filter(poll=stage.poll, closed_at=None).first():
        adopting.close_year(year, by=stage.office, second=stage.chief)


def report(stage: Stage, quarter: int, planned: int, done: int, *, number: int = 1) -> None:
    """Report a quarter of each target of a project of the year that `stage` has made, and a note."""
    project = AdoptedProject.objects.get(year__poll=stage.poll, number=number)
    of: dict[str, Any] = {"quarter": quarter, "by": stage.office}
    for target in project.targets.all():
        TargetFigure.objects.create(target=target, planned=planned, done=done, **of)
    ProjectFigure.objects.create(
        project=project, spent=100 * done, note=f"第{quarter}季度完成{done}处", **of
    )


def make_opinion(stage: Stage, number: int = 1, **columns: Any) -> Opinion:
    """Return an opinion of a group on a project of the year that `stage` has made."""
    project = AdoptedProject.objects.get(year__poll=stage.poll, number=number)
    given: dict[str, Any] = {
        "by_name": "督办一组",
        "text": "请加快进度。",
        "entered_by": stage.office,
    }
    return Opinion.objects.create(
        **({"project": project, "due": opinions.usual_due()} | given | columns)
    )


def make_confirmed(votes: dict[int, int], **columns: Any) -> Stage:
    """Return a confirmed poll in which each candidate got that many votes.

    The votes are dealt out in turn, so that nobody gets more of them than anybody else by two.
    """
    stage = make_stage(**({"delegates": 9, "candidates": len(votes)} | columns))
    dealt = [number for number, got in votes.items() for _ in range(got)]
    people = len(stage.delegates)
    for place in range(min(people, len(dealt))):
        stage.cast(place, selection(*dealt[place::people]))
    confirm_count(stage)
    return stage


def tied(**columns: Any) -> Stage:
    """Return a confirmed poll: two places, project 1 is in, projects 2 and 3 have 5 votes each."""
    return make_confirmed({1: 8, 2: 5, 3: 5, 4: 0}, places=2, **columns)


def short(**columns: Any) -> Stage:
    """Return a confirmed poll: three places, project 1 is in, 2 and 3 have too few of 9 votes."""
    return make_confirmed({1: 8, 2: 4, 3: 2}, places=3, **columns)


def make_ready(stage: Stage, draft: Poll) -> Stage:
    """Return `draft`, made of the poll of `stage`, on its day: all present, a new key tested."""
    numbers = [person.number for person in stage.delegates]
    roll.mark_present(draft, numbers=numbers, by=stage.office)
    holders = [f"保管人{name}" for name in "甲乙丙丁戊"]
    sheets = ceremony.make_key(draft, holders=holders, threshold=3, by=stage.office)
    shares = [sheet.text for sheet in sheets]
    ceremony.test_key(draft, texts=shares[:3], by=stage.scrutineer)
    draft.refresh_from_db()
    return replace(stage, poll=draft, shares=shares)


def play(stage: Stage, draft: Poll, *ballots: Selection) -> Stage:
    """Open `draft`, cast `ballots` in it and take it to its confirmed count."""
    second = second_stage(stage, draft)
    for place, ballot in enumerate(ballots):
        second.cast(place, ballot)
    confirm_count(second)
    return second
