"""The one way to say no: a rule refuses, nothing was done, and a sentence says why."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.functional import Promise


class Refused(Exception):
    """An act is not allowed, or not now, or not by this person; nothing of it was recorded.

    `code` is for programs, the text for people. Some refusals say more: `at` since when it is so,
    `count` how many (digits, minutes, ballots), `position` which share of a key (from 1), `faults`
    what stands wrong on a ballot.
    """

    def __init__(
        self,
        code: str,
        sentence: str,
        *,
        at: datetime | None = None,
        count: int = 0,
        position: int = 0,
        faults: Sequence[Any] = (),
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.at = at
        self.count = count
        self.position = position
        self.faults = list(faults)


class Refusals(dict[str, str | Promise]):
    """The sentences of one room by their codes; called with a code it makes the refusal to raise.

    A sentence may have places such as `%(count)d`, which are given by name.
    """

    def __call__(
        self, code: str, *, at: datetime | None = None, faults: Sequence[Any] = (), **params: Any
    ) -> Refused:
        sentence = str(self[code])
        return Refused(
            code,
            sentence % params if params else sentence,
            at=at,
            count=params.get("count", 0),
            faults=faults,
        )
