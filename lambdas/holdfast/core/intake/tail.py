"""The live tail: incoming records, how they were read and what they touched, while somebody follows.

Lines are for people: names and types of properties, and a value only where a reason quotes it; all within bounds.
Whoever asks for values is shown the beginning of each, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from json import dumps
from typing import Any, assert_never

from msgspec import Struct, json, structs

from holdfast.core.events import Event, Ignored, Json, ProfileChange, Record, Rejected, Tick, Tie, Unread, event_key
from holdfast.core.intake.batch import Parsed, Reject
from holdfast.core.intake.shapes import paths, property_shapes
from holdfast.core.places import campaign_of
from holdfast.core.plans.hits import Hit
from holdfast.core.plans.plan import EXIT
from holdfast.core.plans.plans import Plans

MAX_LINES = 25
"""Lines of one batch; further ones are counted."""
_MAX_TEXT = 200
MAX_SHAPES = 40
"""Names and types that are shown of one record."""
MAX_VALUES = 20
"""Values that are shown of one record."""
MAX_VALUE = 60
"""Characters of a value."""
MAX_BYTES = 100_000
"""Bytes of one batch's lines, as JSON; further lines are counted. An item of a table may have 400 KB."""


class Wanted(Struct, omit_defaults=True, frozen=True):
    """A wish to see records until a time (epoch milliseconds). `user` is a mark, so that no table names a user who
    is searched for; `event` is an event's key. Empty ones are all. `values`: the values of properties, too.
    """

    id: str
    until: int
    user: str = ""
    event: str = ""
    values: bool = False

    def to_text(self) -> str:
        return json.encode(self).decode()

    @classmethod
    def from_text(cls, text: str) -> Wanted | None:
        """None for what this release cannot read: it is only a help for people."""
        try:
            return json.decode(text, type=cls)
        except (ValueError, RecursionError):
            return None

    def wants(self, line: Line) -> bool:
        return (not self.event or event_key(line.event) == self.event) and (
            not self.user or mark(self.id, line.user) == self.user
        )


def mark(id_: str, user: str) -> str:
    """The mark by which this one tail knows a user who is searched for."""
    return hashlib.sha256(f"{id_}:{user}".encode()).hexdigest()[:16]


class Line(Struct, omit_defaults=True, frozen=True):
    """One record. `came` is when its message arrived, `at` when it happened (epoch milliseconds). `again` says that the
    message comes again, as it could not be folded yet. `values` are the beginnings of values as JSON, by path.
    """

    came: int
    form: str
    read: str
    user: str = ""
    event: str = ""
    at: int = 0
    properties: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    reason: str = ""
    again: bool = False
    values: dict[str, str] = {}


def lines(
    batch: Sequence[Parsed],
    in_force: Callable[[int], Plans],
    rejects: Mapping[str, Sequence[Reject]],
    failed: Collection[str],
    form: Callable[[str, int], str],
    *,
    values: bool = False,
) -> Iterator[Line]:
    """The lines of a batch that was folded.

    `form` says by which form a message was read. `values` are left out unless wanted.
    """
    for message, arrived, records in batch:
        told: set[str] = set()
        of = form(message, arrived)
        for record in records:
            if not isinstance(record, Tick):
                line = _line(record, Line(arrived, of, "", again=message in failed), in_force(arrived))
                if values and isinstance(record, Event | ProfileChange):
                    line = _with(line, values=_values(record.properties))
                told.add(line.reason)
                yield line
        for reject in rejects.get(message, ()):  # and what proved later not to fit
            if (reason := _short(reject.reason)) not in told:
                yield Line(arrived, of, "rejected", reason=reason)


def some(of: Iterator[Line], wanted: Wanted) -> tuple[list[Line], int]:
    """The first of the wanted lines, within the bounds, and the number of the others."""
    shown: list[Line] = []
    room, more = MAX_BYTES, 0
    for line in filter(wanted.wants, of):
        each = line if wanted.values else _with(line, values={})
        room -= len(json.encode(each)) if not more else 0
        if more or len(shown) == MAX_LINES or room < 0:
            more += 1
        else:
            shown.append(each)
    return shown, more


def _line(record: Record, line: Line, plans: Plans) -> Line:
    match record:
        case Event():
            return _event(record, line, plans)
        case ProfileChange(user=user, at=at, along=along):
            line = _with(line, read="profile", user=user, event=along, at=at, properties=_shapes(record.properties))
        case Tie(user=user, along=along):
            line = _with(line, read="tie", user=user, event=along)
        case Rejected(reason=reason, event=event):
            user, name = (event.user, event.name) if event else ("", "")
            line = _with(line, read="rejected", user=user, event=name, reason=_short(reason))
        case Ignored(kind):
            line = _with(line, read="ignored", reason=kind)
        case Unread(source):
            line = _with(line, read="later", reason=f"source {source} is of a newer release")
        case Tick():
            pass
        case _:
            assert_never(record)
    return line


def _event(event: Event, line: Line, plans: Plans) -> Line:
    hits, problems = plans.read(event)
    return _with(
        line,
        read="event",
        user=event.user,
        event=event.name,
        at=event.at,
        properties=_shapes(event.properties),
        campaigns=tuple(sorted({f"{campaign_of(hit.campaign)}: {_part(hit)}" for hit in hits})),
        reason=_short("; ".join(f"{each.campaign}: {each.reason}" for each in problems if each.campaign)),
    )


def _shapes(properties: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(_short(each) for each in islice(property_shapes(properties), MAX_SHAPES))


def _values(properties: Mapping[str, Json]) -> dict[str, str]:
    """The first value at each path. What is in an object or a list has a path of its own."""
    found: dict[str, str] = {}
    for path, value in paths(properties):
        within = isinstance(value, dict | list) and value and properties.get(path) is value
        if not within and len(found) < MAX_VALUES:
            found.setdefault(_short(path), _beginning(value))
    return found


def _beginning(value: Json) -> str:
    text = dumps(value[: MAX_VALUE + 1] if isinstance(value, str) else value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _part(hit: Hit) -> str:
    if hit.part == EXIT:
        return "did_not"
    return "did, too late to open a watch" if hit.history else "did"


def _with(line: Line, **changes: Any) -> Line:
    return structs.replace(line, **changes)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
