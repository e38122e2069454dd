"""Files of real votes of cities, as Pabulib (pabulib.org) publishes them."""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CityVote:
    """A file of Pabulib: the published votes of each project, and the ballots."""

    published: dict[int, int]
    ballots: list[list[int]]


def sections_of(path: Path) -> dict[str, list[dict[str, str]]]:
    """Read the three sections of a .pb file, each a heading and a table parted by semicolons."""
    sections: dict[str, list[dict[str, str]]] = {}
    section, header = "", [""]
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.reader(file, delimiter=";"):
            if cells in (["META"], ["PROJECTS"], ["VOTES"]):
                section, header = cells[0], []
                sections[section] = []
            elif not header:
                header = cells
            else:
                sections[section].append(dict(zip(header, cells, strict=False)))
    return sections


def city_vote(path: Path) -> CityVote:
    """Return the votes and the ballots of a .pb file, which has as many of each as it says."""
    sections = sections_of(path)
    meta = {row["key"]: row["value"] for row in sections["META"]}
    assert len(sections["PROJECTS"]) == int(meta["num_projects"])
    assert len(sections["VOTES"]) == int(meta["num_votes"])
    return CityVote(
        published={int(row["project_id"]): int(row["votes"]) for row in sections["PROJECTS"]},
        ballots=[[int(number) for number in row["vote"].split(",")] for row in sections["VOTES"]],
    )
