"""Sources: bodies of other systems, which no native form reads, described by where things are in them (JMESPath).

    body ── match? ── records ─┬─ record ── user, alias, event, time, … ── event, profile change or tie
                               └─ record ── …

A source is asked only for what the native forms (`forms.py`) cannot read. Of several that match, the first by id reads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from holdfast.core.events import Json
from holdfast.core.paths import Search, Unclear, search, truthy

BODY = "Body."
"""Before a path: it is one in the whole body, where several records share something."""
MAX_SOURCES = 20
"""The most sources that may be published: each is asked about each record that no native form reads."""

Paths: TypeAlias = "str | Mapping[str, str]"
"""One path to an object, or by name the path to each of its values."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One revision of a source. An empty path is none: see `docs/events-in.md` for what holds then.

    `user` are paths of which the first that names somebody counts; all that `alias` finds is one person with that user.
    `zone` is that of times which say none.
    """

    id: str
    revision: int = 1
    name: str = ""
    match: str
    records: str = ""
    user: tuple[str, ...]
    event: str = ""
    time: str = ""
    zone: str = ""
    event_id: str = ""
    properties: Paths = ""
    profile: Paths = ""
    alias: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The fields that differ from their defaults: a later release may add to them."""
        default = {each.name: each.default for each in fields(self)}
        written = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in written.items() if value != default[name]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Source:
        """Raises what MISREAD names: also for a field that this release does not know, as it may change the reading."""
        source = cls(**{**data, "user": tuple(data["user"]), "alias": tuple(data.get("alias", ()))})
        _ = source.compiled
        return source

    @cached_property
    def compiled(self) -> dict[str, Search]:
        """The compiled paths, by path. Raises what jmespath raises."""
        paths = {self.match, self.records, *self.user, *self.alias, self.event, self.time, self.event_id}
        for each in (self.properties, self.profile):
            paths |= {each} if isinstance(each, str) else {*each.values()}
        return {path: search(path.removeprefix(BODY)) for path in paths if path}

    def matches(self, body: Mapping[str, Json]) -> bool:
        """A condition that cannot be computed for a body does not match it."""
        try:
            return truthy(self.compiled[self.match](body))
        except Unclear:
            return False

    def found(self, body: Mapping[str, Json]) -> list[Json]:
        """The records in a body that it matches. Raises Unclear."""
        if not self.records:
            return [dict(body)]
        records = self.compiled[self.records](body)
        return records if isinstance(records, list) else [] if records is None else [records]


class Unreadable(NamedTuple):
    """A source that this release cannot read. Records that no other source reads have to come again, until a newer
    release reads them.
    """

    id: str
    reason: str


class Lookup:
    """The values that paths find in one record of a body. Those of the whole body are looked up once."""

    def __init__(self, source: Source, body: Mapping[str, Json]) -> None:
        self._compiled = source.compiled
        self._body = body
        self._shared: dict[str, Json] = {}

    def find(self, path: str, record: Mapping[str, Json]) -> Json:
        """None where there is no path. Raises Unclear."""
        if not path:
            return None
        if not path.startswith(BODY):
            return self._compiled[path](record)
        if path not in self._shared:
            self._shared[path] = self._compiled[path](self._body)
        return self._shared[path]

    def object(self, paths: Paths, record: Mapping[str, Json]) -> Json:
        """The value that one path finds, or an object of all that are found. Raises Unclear."""
        if isinstance(paths, str):
            return self.find(paths, record)
        found = {name: self.find(path, record) for name, path in paths.items()}
        return {name: value for name, value in found.items() if value is not None}


class Entry(NamedTuple):
    """The source that was in force under this id from `since` on (epoch milliseconds). None: it was deleted."""

    id: str
    since: int
    what: Source | Unreadable | None


class InForce:
    """Which sources were in force when: as `Timeline` has it of campaigns. False where there never was any."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        for entry in sorted(entries, key=lambda entry: entry.since):
            self._entries[entry.id].append(entry)
        self._turns = sorted({entry.since for of in self._entries.values() for entry in of})
        self._after: dict[int, tuple[Source | Unreadable, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._turns)

    def at(self, moment: int) -> tuple[Source | Unreadable, ...]:
        """The sources in force at that moment, in the order in which they are asked."""
        turns = bisect_right(self._turns, moment)
        if turns not in self._after:
            self._after[turns] = tuple(self._each(self._turns[turns - 1] if turns else -1))
        return self._after[turns]

    @property
    def newest(self) -> tuple[Source | Unreadable, ...]:
        return self.at(self._turns[-1]) if self._turns else ()

    def _each(self, moment: int) -> Iterator[Source | Unreadable]:
        for id_ in sorted(self._entries):
            last = [entry.what for entry in self._entries[id_] if entry.since <= moment][-1:]
            yield from (what for what in last if what is not None)
