"""Where each proposal counts, once the canvass has ruled on it."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _

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
