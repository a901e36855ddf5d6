"""Entries on disk: the records of a simulation that a campaign uses, in parts by the user and in order of time.

No two parts share a user, so each part can be folded alone: see `folding`. An entry has the time at which its record
came: time is all that users have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from itertools import chain, groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from msgspec import Struct, json

from holdfast.core.events import Event, Operation, ProfileChange, Record, Rejected, Tie
from holdfast.core.explain.replay import NO_ARRIVAL

BLOCK = 128 * 1024
"""Bytes of entries that are read at a time."""
FIRST_RUN, LARGEST_RUN = 4 * 1024 * 1024, 64 * 1024 * 1024
"""Bytes of entries that are held to be sorted: more where a file proves to be in no order. All processes share them."""


class Entry(Struct, array_like=True, omit_defaults=True, gc=False):
    """A record to be folded; its place among all others is (`time`, `number`, `index`).

    `time` is the earliest possible time when the record comes: other records may have moved the time on since. `kind`
    is the kind of record, by its first letter: event, profile, known before, tie or unreadable event.
    """

    time: int
    number: int
    index: int
    kind: str
    user: str
    name: str = ""
    at: int = 0
    id: str = ""
    rest: Any = None

    def record(self) -> Record:
        rest = self.rest
        match self.kind:
            case "e":
                return Event(self.user, self.name, self.at, NO_ARRIVAL, rest, self.id)
            case "t":
                return Tie(*rest)
            case "u":
                reason, properties = rest
                return Rejected(reason, None, Event(self.user, self.name, self.at, NO_ARRIVAL, properties, self.id))
        operations = {name: Operation(*each) for name, each in rest[4].items()}
        user, at, arrived, properties, _, id_, along = rest
        return ProfileChange(user, at, arrived, properties, operations, id_, along)


encoded = json.Encoder().encode
_decode = json.Decoder(Entry).decode_lines
Place = tuple[int, int, int]


class Run(NamedTuple):
    """Entries of one part, in order, in a file. All entries of a later `stage` come later. `base` is the time when the
    run begins.
    """

    part: int
    path: str
    first: Place
    last: Place
    entries: int
    stage: int = 0
    base: int = 0


def part_of(user: str, parts: int) -> int:
    """The part of a user, by a hash that is the same in every process."""
    return crc32(user.encode()) % parts if parts > 1 else 0


class Runs:
    """Writes entries to files, each part's in sorted runs, and holds at most `most` bytes in memory.

    Entries that arrive in order make one run, however many they are.
    """

    def __init__(self, name: Path, parts: int, most: int = LARGEST_RUN) -> None:
        self._name = name
        self._most = most
        self._limit = min(FIRST_RUN, most)
        self._held = 0
        self._waiting: list[list[tuple[int, int, int, bytes]]] = [[] for _ in range(parts)]
        self._open: dict[int, Run] = {}
        self._done: list[Run] = []

    def put(self, part: int, entry: tuple[int, int, int, bytes]) -> None:
        self._waiting[part].append(entry)
        self._held += len(entry[3]) + 200  # Python's own overhead
        if self._held >= self._limit:
            self._flush()

    def close(self) -> list[Run]:
        self._flush()
        return [*self._done, *self._open.values()]

    def _flush(self) -> None:
        for part, entries in enumerate(self._waiting):
            if entries:
                entries.sort()
                self._write(part, entries)
                entries.clear()
        self._held = 0

    def _write(self, part: int, entries: list[tuple[int, int, int, bytes]]) -> None:
        first, last = entries[0][:3], entries[-1][:3]
        run = self._open.get(part)
        if run and first < run.last:
            self._done.append(run)
            self._limit = self._most
            run = None
        if run is None:
            run = Run(part, f"{self._name}-{part}-{len(self._done)}", first, last, 0)
        with open(run.path, "ab") as file:  # noqa: PTH123  (a run knows its path as text)
            file.writelines([each[3] + b"\n" for each in entries])
        self._open[part] = run._replace(last=last, entries=run.entries + len(entries))


def in_order(runs: Iterable[Run]) -> Iterator[tuple[int, int, Iterator[Entry]]]:
    """The entries of a part, stage by stage; each stage with its base."""
    for stage, some in groupby(sorted(runs, key=lambda run: (run.stage, run.first)), key=lambda run: run.stage):
        of = [*some]
        if all(one.last < other.first for one, other in pairwise(of)):
            yield stage, of[0].base, chain.from_iterable(_entries(run, BLOCK) for run in of)
        else:
            yield stage, of[0].base, (each[-1] for each in merge(*map(_placed, of)))


def _placed(run: Run) -> Iterator[tuple[int, int, int, Entry]]:
    for entry in _entries(run, BLOCK // 16):
        yield entry.time, entry.number, entry.index, entry


def _entries(run: Run, size: int) -> Iterator[Entry]:
    """The entries of a run. The file is open only while a block is read: there may be more runs than open files
    allowed.
    """
    at = 0
    while True:
        with open(run.path, "rb") as file:  # noqa: PTH123
            file.seek(at)
            block = file.read(size) + file.readline()
        if not block:
            return
        at += len(block)
        yield from _decode(block)


def divided_again(run: Run, parts: Mapping[str, int], runs: Runs) -> None:
    """Write a run anew: users who prove to be one person belong to one part."""
    for entry in _entries(run, BLOCK):
        place = entry.time, entry.number, entry.index, encoded(entry)
        runs.put(parts.get(entry.user, run.part), place)


def moved(ties: Iterable[tuple[str, str]], parts: int) -> dict[str, int]:
    """The new parts of the ids that are tied to others and so do not belong where their hash says."""
    leads: dict[str, str] = {}

    def first(id_: str) -> str:
        while (lead := leads.get(id_, id_)) != id_:
            leads[id_] = leads.get(lead, lead)
            id_ = lead
        return id_

    for one, other in ties:
        low, high = sorted((first(one), first(other)))
        leads[low] = low
        if low != high:
            leads[high] = low
    homes = {id_: part_of(first(id_), parts) for id_ in [*leads]}
    return {id_: part for id_, part in homes.items() if part != part_of(id_, parts)}
