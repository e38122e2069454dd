"""Whether the candidates of a second round are what its first one left open (design §4.3).

The database keeps them so; this says which are not, before somebody presses a button that cannot
work, and for drafts of a version that did not keep them.
"""

from ballots.facts.frozen import frozen_candidates
from projects.models import Poll


def changed_candidates(second: Poll) -> list[int]:
    """Return the numbers of the candidates of `second` that its first round had otherwise."""
    first = second.parent
    if first is None:
        return []
    before = {str(row[0]): row for row in frozen_candidates(first)}
    numbers = {row[0] for row in before.values()}
    proposals = {write_in.key: write_in for write_in in first.write_ins.all()}
    changed = []
    rows = frozen_candidates(second)
    for project, row in zip(second.projects.order_by("number"), rows, strict=True):
        proposal = proposals.get(project.origin)
        if proposal is None or project.number in numbers:
            same = before.get(project.origin) == row
        else:
            told = [proposal.detail or proposal.title, [], ["", proposal.unit, "", "", ""]]
            titles = {proposal.title, f"{proposal.title}（{project.origin}）"}
            same = project.title in titles and row[2:] == told
        if not same:
            changed.append(project.number)
    return changed
