"""Where each proposal counts, once the canvass has ruled on it, and what two people signed of it."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _

from ballots.journal import Kind
from ballots.models import WriteIn
from ballots.refusal import Refusals
from projects.models import Poll

refused = Refusals(
    {
        "circle": _("有推荐项目互相并入，请更正后再结束归并。"),
    }
)


def items_of(poll: Poll) -> dict[str, str | None]:
    """Return, for each proposal's id, the key of the item it counts for; None where refused.

    A proposal merged into another follows it to where that one went. Raises KeyError for one
    without a ruling, so that nothing can be counted before the canvass is done, and Refused
    ("circle") for one that was merged, over others, into itself.
    """
    write_ins = {write_in.pk: write_in for write_in in poll.write_ins.all()}
    numbers = {pk: str(number) for pk, number in poll.projects.values_list("pk", "number")}

    def item(write_in: WriteIn, followed: frozenset[UUID] = frozenset()) -> str | None:
        if write_in.pk in followed:
            raise refused("circle")
        match write_in.ruling:
            case WriteIn.Ruling.ALONE:
                return write_in.key
            case WriteIn.Ruling.INTO_PROJECT if write_in.into_project_id:
                return numbers[write_in.into_project_id]
            case WriteIn.Ruling.INTO_WRITE_IN if write_in.into_write_in_id:
                return item(write_ins[write_in.into_write_in_id], followed | {write_in.pk})
            case WriteIn.Ruling.REFUSED:
                return None
            case _:
                raise KeyError(write_in.key)

    return {str(pk): item(write_in) for pk, write_in in write_ins.items()}


def target_of(write_in: WriteIn) -> str:
    """Return the number of the candidate or the key of the proposal that one is merged into."""
    if write_in.into_project:
        return str(write_in.into_project.number)
    return write_in.into_write_in.key if write_in.into_write_in else ""


def as_signed(poll: Poll) -> dict[str, list[list[str]]]:
    """Return what whoever closes the canvass signs: each ruling, and where it leads and why."""
    rows = poll.write_ins.select_related("into_project", "into_write_in").order_by("number")
    return {
        "rulings": [[row.key, row.title, row.ruling] for row in rows],
        # Apart, for a verifier of before compares the list above as it stands.
        "into": [[row.key, target_of(row), row.reason] for row in rows],
    }


def are_as_signed(poll: Poll) -> bool:
    """Tell whether the rulings of `poll` are those with which its canvass was last closed.

    An entry of an earlier version does not say where they lead.
    """
    kinds = (Kind.CANVASS_CLOSED, Kind.CANVASS_SKIPPED)
    last = poll.journal.filter(kind__in=kinds).order_by("seq").last()
    if last is None or last.kind == Kind.CANVASS_SKIPPED:
        return not poll.write_ins.exists()
    now = as_signed(poll)
    return all(now[name] == said for name, said in last.data.items())
