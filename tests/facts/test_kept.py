"""What the opening froze is read once a process, and nothing else is."""

import pytest
from django.db import DatabaseError, connection, transaction

from ballots.acts import lifecycle, rehearsal
from ballots.facts.kept import kept_of, opening_of
from ballots.models import BallotBox
from projects.models import Poll, Project, Target
from tests.helpers.factories import make_poll, make_project, make_stage

pytestmark = pytest.mark.django_db


def asked_anew(poll: Poll) -> Poll:
    return Poll.objects.get(pk=poll.pk)


def test_from_the_opening_on_it_is_read_once(django_assert_num_queries):
    poll = asked_anew(make_stage().poll)
    first = kept_of(poll)

    later = asked_anew(poll)
    with django_assert_num_queries(1):  # which opening it was
        assert kept_of(later) is first
    with django_assert_num_queries(0):
        assert kept_of(later) is first
    assert list(first.titles) == [project.number for project in poll.projects.order_by("number")]
    assert first.public_key == bytes(poll.box.public_key)
    assert first.ballot_size == poll.box.ballot_size > 0


# Each of what is kept, and how somebody would change it behind our back.
PLANTED = {
    "a title": lambda poll: Project.objects.filter(poll=poll, number=1).update(title="改"),
    "a category": lambda poll: Project.objects.filter(poll=poll, number=1).update(category="改"),
    "a number": lambda poll: Project.objects.filter(poll=poll, number=1).update(number=99),
    "a text": lambda poll: Project.objects.filter(poll=poll, number=1).update(text="改"),
    "a target": lambda poll: Target.objects.filter(project__poll=poll).update(quantity=99),
    "a target more": lambda poll: Target.objects.create(
        project=poll.projects.first(), position=9, text="加"
    ),
    "a candidate more": lambda poll: make_project(poll, 98),
    "a candidate less": lambda poll: Target.objects.filter(project__poll=poll).delete(),
    "the key": lambda poll: BallotBox.objects.filter(poll=poll).update(public_key=b"x"),
    "the size": lambda poll: BallotBox.objects.filter(poll=poll).update(ballot_size=1),
    "a rule": lambda poll: Poll.objects.filter(pk=poll.pk).update(places=1),
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_only_what_a_trigger_freezes_is_kept(plant):
    poll = make_stage().poll
    before = kept_of(asked_anew(poll))

    with pytest.raises(DatabaseError), transaction.atomic():
        plant(poll)

    assert kept_of(asked_anew(poll)) is before


def test_a_draft_that_changes_is_seen_at_once():
    poll = make_poll(candidates=2)
    assert list(kept_of(poll).titles.values()) == ["候选项目1", "候选项目2"]

    Project.objects.filter(poll=poll, number=2).update(title="改名")
    make_project(poll, 3)

    assert list(kept_of(poll).titles.values()) == ["候选项目1", "改名", "候选项目3"]
    assert opening_of(poll) == ""


def test_the_opening_itself_is_seen_at_once():
    stage = make_stage(open_it=False)
    draft = kept_of(asked_anew(stage.poll))
    Project.objects.filter(poll=stage.poll, number=1).update(title="开始之前")

    lifecycle.open_poll(stage.poll, by=stage.office)

    opened = kept_of(asked_anew(stage.poll))
    assert (opened.titles[1], draft.titles[1]) == ("开始之前", "候选项目1")
    assert opened.ballot_size > 0


def test_two_openings_are_two_even_where_one_takes_the_others_number():
    """A rehearsal is wiped, and SQLite may give its number to the next poll."""
    stage = make_stage()
    first = kept_of(asked_anew(stage.poll))
    number = stage.poll.pk
    rehearsal.wipe_rehearsal(stage.poll, by=stage.office)
    other = make_stage(delegates=1, delegates_total=9, candidates=3).poll

    assert kept_of(asked_anew(other)) is not first
    assert len(kept_of(asked_anew(other)).titles) == 3
    if connection.vendor == "sqlite":
        assert other.pk >= number
