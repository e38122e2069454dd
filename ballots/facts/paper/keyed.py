"""How far the keying of papers is: bundle by bundle, paper by paper; never whose a paper is."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ballots.facts.keyed import reading_mac
from ballots.models import PaperBundle, PaperReading
from ballots.pure import keying
from projects.models import Poll


@dataclass(frozen=True)
class Bundle:
    """A bundle and what was read on each of its papers, by place from 1 and by side."""

    row: PaperBundle
    reads: Mapping[int, Mapping[int, keying.Read]]

    @classmethod
    def of(cls, row: PaperBundle) -> "Bundle":
        """Return the bundle of a row with what stands in the database now."""
        reads: dict[int, dict[int, keying.Read]] = {}
        for reading in row.readings.all():
            reads.setdefault(reading.place, {})[reading.side] = read_of(reading)
        return cls(row, reads)

    @property
    def keyers(self) -> list[str]:
        """The user names of its readers."""
        return [
            user.get_username() for user in (self.row.first, self.row.second) if user is not None
        ]

    def state(self, place: int) -> keying.State:
        return keying.state_of(self.reads.get(place, {}))

    @property
    def places(self) -> range:
        return range(1, self.row.size + 1)

    @property
    def states(self) -> Counter[keying.State]:
        """How many papers are in which state."""
        return Counter(map(self.state, self.places))

    @property
    def is_read(self) -> bool:
        return self.states["read"] == self.row.size

    def next_place(self, side: int) -> int | None:
        """Return the first paper that `side` has not read; None where all are."""
        return next((place for place in self.places if side not in self.reads.get(place, {})), None)


def bundles_of(poll: Poll) -> list[Bundle]:
    """Return the bundles of `poll` in their order, with all that was read."""
    rows = poll.bundles.select_related("first", "second").prefetch_related("readings")
    return [Bundle.of(row) for row in rows]


def read_of(reading: PaperReading) -> keying.Read:
    return keying.Read.of(
        chosen=reading.chosen,
        fair=reading.fair,
        against=reading.against,
        proposals=reading.proposals,
        doubt=reading.doubt,
    )


def forged(poll: Poll) -> Iterator[PaperReading]:
    """Yield what was read on no paper by anybody, but written into the database past our code."""
    readings = PaperReading.objects.filter(bundle__poll=poll).select_related("bundle")
    for reading in readings:
        if reading.mac != mac_of(poll, reading.bundle, reading):
            yield reading


def mac_of(poll: Poll, bundle: PaperBundle, reading: PaperReading) -> str:
    """Return the MAC of a reading: it binds what was read to the place of its paper and to the reader."""
    return reading_mac(
        poll.uuid,
        bundle.number,
        reading.place,
        reading.side,
        reading.by_id,
        read_of(reading).as_data(),
    )
