"""The result of a counted run, Holdfast's or the baseline's."""

from __future__ import annotations

from typing import NamedTuple

from bench.ledger import Counts
from bench.prices import MILLION, dollars


class Said(NamedTuple):
    """A message that was put on the bus, for the add of a time."""

    user: str
    product: str
    at: int = 0


class Result(NamedTuple):
    """The counts, the number of triggers (adds without copies), the messages, and bytes in the tables."""

    counts: Counts
    triggers: int
    said: list[Said]
    stored: int
    seconds: float
    events: int

    @property
    def calls(self) -> float:
        """API calls for each trigger. SQS's own polling and upstream's sending are not calls of the functions."""
        return sum(self.counts.calls.values()) / self.triggers

    @property
    def saves(self) -> int:
        """Items of users written: one for each event that changes something, and one for each decision."""
        return sum(number for table, number in self.counts.items.items() if table.endswith("-users"))

    @property
    def cpu_us(self) -> float:
        return sum(self.counts.cpu_us.values()) / self.triggers

    def thing(self, name: str) -> float:
        return self.counts.things[name] / self.triggers

    @property
    def dollars(self) -> float:
        """The price of a million triggers."""
        return dollars({name: number / self.triggers * MILLION for name, number in self.counts.things.items()})
