"""The volume: how many events of each name came in, by the day (UTC) on which their message arrived first.

The numbers are approximate: a message delivered twice is counted twice, and a container's last numbers are lost when it
ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from holdfast.core.events import Event, event_key
from holdfast.core.intake.batch import Parsed

MAX_NAMES = 100
"""Names of one day: events of all further names are counted together."""
MAX_HELD = 1_000
"""Names of a day that a container counts apart until it writes: an upstream may put values into names."""
SHOWN_DAYS = 14
OTHERS = ""
"""The key of what is counted together: no event has it."""


class Held:
    """The numbers by event key that were not written yet, by day."""

    def __init__(self) -> None:
        self.days: dict[str, Counter[str]] = {}

    def count(self, batch: Iterable[Parsed], failed: Collection[str]) -> None:
        """The events of a batch that was folded. The messages that `failed` come again, and are counted then."""
        names: dict[int, Counter[str]] = {}
        for message, arrived, records in batch:
            if message not in failed:
                found = names.setdefault(arrived // _DAY_MS, Counter())
                found.update(record.name for record in records if isinstance(record, Event))
        for number, found in names.items():
            if found:
                self._add(self.days.setdefault(_day(number), Counter()), found)

    @staticmethod
    def _add(held: Counter[str], names: Counter[str]) -> None:
        for name, count in names.items():
            key = event_key(name)
            held[key if key in held or len(held) < MAX_HELD else OTHERS] += count


def bounded(held: Counter[str], written: Collection[str]) -> Counter[str]:
    """The numbers to add to a day that has the keys `written`: the most frequent of the new ones, as far as there is
    room; the rest together.
    """
    found: Counter[str] = Counter()
    room = MAX_NAMES - len(written)
    for key, count in held.most_common():
        new = key not in written and key != OTHERS
        found[OTHERS if new and room <= 0 else key] += count
        room -= new
    return found


_DAY_MS = 24 * 60 * 60_000


def _day(number: int) -> str:
    return datetime.fromtimestamp(number * _DAY_MS / 1000, UTC).date().isoformat()


def by_event(
    counts: Mapping[str, Mapping[str, int]], days: Sequence[str], known: Collection[str]
) -> dict[str, list[int]]:
    """The numbers of each day, by event key. Keys that are not `known` are among the others."""
    found = {key: [0] * len(days) for key in (*known, OTHERS)}
    for at, day in enumerate(days):
        for key, count in counts.get(day, {}).items():
            found[key if key in found else OTHERS][at] += count
    return found
