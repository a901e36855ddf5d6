"""The first half of a simulation: records are read, and those that a campaign uses are arranged for the fold.

    file ── chunk ── chunk ── chunk      read by one process each, or, packed and of other forms, by one for all
              │        │        │
              ▼        ▼        ▼        counted, rejected, or:
            parts 0 … n, by the user     entries in order of time, in runs, which are temporary files: see `runs`

A record's place is its time. One without a time happens when the record before it on its line did, or the earliest on
that line if it is the first; on a line without any time, when the line before did. With `as_arrived`, a record's place
is the latest time so far.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from holdfast.core.events import Event, Ignored, ProfileChange, Record, Rejected, Tie
from holdfast.core.explain.replay import FIRST, FUTURE, NO_ARRIVAL
from holdfast.core.intake.fields import RULES, Rules
from holdfast.core.intake.flat import flat_event, flat_objects, is_usual_user
from holdfast.core.intake.forms import records
from holdfast.core.plans.plans import Plans
from holdfast_cli.heads import Head, Heads
from holdfast_cli.runs import Run, Runs, encoded, part_of

BLOCK = 128 * 1024
"""Bytes of lines that are read at a time."""
LINES = 2_000
"""Lines that are taken at a time from what is not read in bytes."""
GOOD_USERS = 1 << 15
"""The number of users that are remembered because they were seen to be valid."""
IDLE = 4
"""If at least one of so many records concerns no campaign, only the heads of the next ones are read at first."""


@dataclass
class Found:
    """The result of reading: numbers, and the runs. `last` is the latest time, or that of the last line that has one.

    `adrift`: the first lines had no time, and were read as if they happened at the given time.
    """

    records: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set)
    ties: set[tuple[str, str]] = field(default_factory=set)
    runs: list[Run] = field(default_factory=list)
    last: int = 0
    adrift: bool = False
    timeless: Counter[str] = field(default_factory=Counter)
    """Events without a time, by the property in which they seem to have one."""

    def note_time(self, at: int, properties: Iterable[str]) -> None:
        if at == NO_ARRIVAL and (time := next((each for each in properties if _TIMES.fullmatch(each)), None)):
            self.timeless[time] += 1

    def staged(self, stage: int, base: int) -> Found:
        self.runs = [run._replace(stage=stage, base=base) for run in self.runs]
        return self

    def add(self, other: Found) -> None:
        self.records += other.records
        self.rejected.update(other.rejected)
        self.ignored.update(other.ignored)
        self.timeless.update(other.timeless)
        self.names |= other.names
        self.ties |= other.ties
        self.runs += other.runs
        self.last = other.last


def chunks(path: Path, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The lines that begin in this part of a file, in chunks; each chunk with its position."""
    with path.open("rb") as file:
        if start:
            file.seek(start - 1)
            file.readline()
        while (at := file.tell()) < end:
            block = file.read(min(BLOCK, end - at))
            yield at, block if block.endswith(b"\n") else block + file.readline()


def numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """The lines, some at a time, each with its newline."""
    number, rest = 0, iter(lines)
    while some := [*islice(rest, LINES)]:
        yield number, some
        number += len(some)


_TIMES = re.compile(
    r"(?:(?:event|original|client|server)[_-]?)?(?:time|date|timestamp|datetime)|(?:created|occurred|sent|received)_?at",
    re.IGNORECASE,
)


class Reader:
    """Reads lines in their order. `latest` is the latest time that a record may have; `last` is the time before the
    lines.
    """

    def __init__(
        self,
        plans: Plans,
        runs: Runs,
        parts: int,
        *,
        rules: Rules = RULES,
        latest: int = NO_ARRIVAL - 1,
        as_arrived: bool = False,
        before: bool = False,
        last: int = 0,
    ) -> None:
        """`before`: the lines are known before all others; a profile in them takes no time."""
        self._plans = plans
        self._runs = runs
        self._parts = parts
        self._rules = rules
        self._latest = latest
        self._as_arrived = as_arrived or before
        self._before = before
        self._last = max(last, FIRST)
        self._timed = False
        self._quiet: set[str] = set()
        self._good: set[str] = set()
        self._idle = False
        self._like = Heads(latest)
        self.found = Found()

    def read(self, some: Iterable[tuple[int, bytes | list[bytes]]], step: Callable[[int], None]) -> Found:
        """Read lines. `step` receives the number of bytes read, or of lines if lines are given."""
        for number, lines in some:
            self._chunk(number, lines)
            step(len(lines))
        self.found.runs = self._runs.close()
        self.found.last = self._last
        return self.found

    def _chunk(self, number: int, given: bytes | list[bytes]) -> None:
        text = given if isinstance(given, bytes) else b"".join(given)
        lines = text.removesuffix(b"\n").split(b"\n") if isinstance(given, bytes) else given
        counted = self.found.records
        if self._before:
            self._lines(number, lines)
        elif self._idle:
            for start, some, of, heads in self._like.pieces(text, lines):
                if heads is not None:
                    self._heads(number + start, heads, of)
                else:
                    self._whole(number + start, some, of)
        else:
            self._whole(number, text, lines)
        self._idle = (self.found.records - counted) * IDLE > len(lines)

    def _whole(self, number: int, text: bytes, lines: Sequence[bytes]) -> None:
        """Read lines in full."""
        if (objects := flat_objects(text)) is None:
            self._lines(number, lines)
            return
        if self._idle:
            self._like.learn(objects)
        for index, data in enumerate(objects):
            self._one(number + index, flat_event(data, NO_ARRIVAL, self._rules), lines[index])

    def _lines(self, number: int, lines: Sequence[bytes]) -> None:
        for index, line in enumerate(lines):
            if line and not line.isspace():
                self._line(number + index, records(line, NO_ARRIVAL, self._rules))

    def _heads(self, number: int, heads: list[Head], lines: Sequence[bytes]) -> None:
        """Read flat events, many of which no campaign uses. Such an event is counted if it is valid, and skipped."""
        quiet, good, is_good = self._quiet, self._good, self._is_good
        others = [
            index
            for index, head in enumerate(heads)
            if head.event not in quiet or not (head.user in good or is_good(head.user))
        ]
        objects = flat_objects(b"\n".join([lines[index].strip() for index in others]))
        done = 0
        for index, data in zip(others, objects or (), strict=True):
            self._skip(heads[done:index])
            self._one(number + index, flat_event(data, NO_ARRIVAL, self._rules), lines[index])
            done = index + 1
        self._skip(heads[done:])

    def _is_good(self, user: str) -> bool:
        if is_good := is_usual_user(user, self._rules):
            if len(self._good) >= GOOD_USERS:
                self._good.clear()
            self._good.add(user)
        return is_good

    def _skip(self, heads: list[Head]) -> None:
        if heads:
            self._last = max(self._last, *(head.ts for head in heads)) if self._as_arrived else heads[-1].ts
            self.found.records += len(heads)

    def _one(self, number: int, event: Event | None, line: bytes) -> None:
        """Read the event of a line, or any other record."""
        if event:
            self._event(number, event)
        else:
            self._line(number, records(line, NO_ARRIVAL, self._rules))

    def _event(self, number: int, event: Event) -> None:
        """Read a flat event that is alone on its line and has a time."""
        at = event.at
        if at > self._latest:
            self.found.rejected[FUTURE] += 1
            return
        if not self._as_arrived:
            self._last = at
        self._timed = True
        self.found.names.add(event.name)
        if self._plans.heeds(event.name):
            self._put(number, 0, "e", event.user, event.name, at, event.id, event.properties)
        else:
            self.found.records += 1
            self._quiet.add(event.name)
        self._last = max(self._last, at)

    def _line(self, number: int, found: list[Record]) -> None:
        times = [at if 0 < (at := self._time(record)) != NO_ARRIVAL else 0 for record in found]
        self._timed = self._timed or any(times)
        first = self._last
        if not self._as_arrived:
            first = self._last = min(filter(None, times), default=first)
        for index, (record, at) in enumerate(zip(found, times, strict=True)):
            if not self._as_arrived:
                self._last = at or self._last
            self._record(number, index, record)
            if self._as_arrived:
                self._last = max(self._last, at)
        if not self._as_arrived:
            self._last = first

    def _time(self, record: Record) -> int:
        """The time to which a record moves the clock; 0 if it does not."""
        match record:
            case Event(at=at) if not self._ahead(record):
                return at
            case ProfileChange(at=at, along=along) | Tie(at=at, along=along) if not along or self._plans.name(along):
                return 0 if self._known(record) or self._ahead(record) else at
        return 0

    def _ahead(self, record: Event | ProfileChange | Tie) -> bool:
        """Whether the record is in the future."""
        return self._latest < record.at < NO_ARRIVAL and not self._known(record)

    def _known(self, record: Record) -> bool:
        """Whether the record is a profile from before, which takes no time."""
        return self._before and isinstance(record, ProfileChange)

    def _record(self, number: int, index: int, record: Record) -> None:
        found = self.found
        match record:
            case Ignored(kind):
                found.ignored[kind] += 1
            case Rejected(reason, event=event):
                found.rejected[reason] += 1
                if event and self._plans.name(event.name):
                    content = reason, event.properties
                    self._put(number, index, "u", event.user, event.name, event.at, event.id, content)
            case Event() | ProfileChange() | Tie() if self._ahead(record):
                found.rejected[FUTURE] += 1
            case Event(user, name, at, _, properties, id_):
                found.names.add(name)
                found.note_time(at, properties)
                if self._plans.heeds(name):
                    self._put(number, index, "e", user, name, at, id_, properties)
                else:
                    found.records += 1
            case ProfileChange(user, along=along) if self._before or not along or self._plans.name(along):
                self._put(number, index, "k" if self._before else "p", user, rest=record)
            case Tie(user, alias, along) if not along or self._plans.name(along):
                found.ties.add((user, alias))
                self._put(number, index, "t", user, rest=record)
            case Tie(alone=alone):
                found.records += alone
            case _:
                found.records += 1

    def _put(  # noqa: PLR0917  (the fields of an entry)
        self,
        number: int,
        index: int,
        kind: str,
        user: str,
        name: str = "",
        at: int = 0,
        id_: str = "",
        rest: Any = None,
    ) -> None:
        if not self._timed:
            self.found.adrift = True
        place = self._last, number, index
        entry = *place, encoded((*place, kind, user, name, at, id_, rest))
        self._runs.put(part_of(user, self._parts), entry)
