"""The records that come in: events, profile changes, ticks, and records that can never be any of them.

All times are epoch milliseconds. `at` is when something happened, `arrived` when the queue took it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Self, TypeAlias

from msgspec import Struct, json, structs

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

NONE: Mapping[str, Any] = {}
"""An empty mapping. All share one, which saves memory."""
AHEAD_MS = 2 * 60_000
"""The largest distance of an event's time after its arrival: phones' clocks are a little off."""


class Value(Struct, frozen=True, gc=False):
    """A frozen value like a NamedTuple, but not a tuple: four times faster to create, and three times faster to read.

    No value refers back to itself, so the garbage collector need not look at any.
    """

    def _replace(self, **changes: Any) -> Self:
        return structs.replace(self, **changes)

    def _asdict(self) -> dict[str, Any]:
        return structs.asdict(self)


class Event(Value, frozen=True):
    """Something a user did. `id` is empty where the sender gave none: see `event_id`."""

    user: str
    name: str
    at: int
    arrived: int
    properties: Mapping[str, Json]
    id: str = ""


class Operation(NamedTuple):
    """A change to the value that a property has: add to a number (`incr`), add items to a list, or remove them."""

    name: Literal["incr", "add", "remove"]
    argument: Json


class ProfileChange(NamedTuple):
    """New values for a user's properties (`None` removes one), and operations on others. `id` as that of an event."""

    user: str
    at: int
    arrived: int
    properties: Mapping[str, Json]
    operations: Mapping[str, Operation] = {}
    id: str = ""
    along: str = ""
    """The name of the event that it came with, and without which it means nothing."""


class Tie(NamedTuple):
    """Two ids of one person: what was done under `alias` was done by `user`. `alone`: the record says nothing else."""

    user: str
    alias: str
    along: str = ""
    """The name of the event that it came with, and without which it means nothing."""
    alone: bool = False
    at: int = 0
    """The time of the record, for whoever replays it (epoch milliseconds; 0: not known). No order of ties matters."""


class Tick(NamedTuple):
    """Time has passed for this user: `at` is what the user was nominated for. The fold decides."""

    user: str
    at: int


class Rejected(NamedTuple):
    """A record that can never be folded, and the reason. If user and name of an event could still be read, `event` is
    the event that it may have been, at the time of its arrival.
    """

    reason: str
    record: Json
    event: Event | None = None


class Ignored(NamedTuple):
    """A record with nothing to fold, such as a call that vendors send besides events. It is only counted."""

    kind: str


class Unread(NamedTuple):
    """A record that a source of a newer release may read. It has to come again."""

    source: str


Record: TypeAlias = Event | ProfileChange | Tie | Tick | Rejected | Ignored | Unread


@lru_cache(maxsize=4096)
def event_key(name: str) -> str:
    """Event names match without regard to case and spaces."""
    return "".join(name.split()).casefold()


def event_id(event: Event) -> str:
    """The sender's id, or 16 hex digits of a hash of the content: the same event sent twice has the same id.

    Ids order events of the same millisecond and the same user and constant value, so 64 bits are plenty.
    """
    return event.id or _hash([event.user, event_key(event.name), event.at, event.properties])


def change_id(change: ProfileChange) -> str:
    """As `event_id`."""
    return change.id or _hash([change.user, change.at, change.properties, change.operations])


def _hash(content: object) -> str:
    return hashlib.sha256(canonical_bytes(content)).hexdigest()[:16]


canonical_bytes = json.Encoder(order="deterministic").encode
"""The one JSON text of a value, in UTF-8: sorted keys, no spaces."""


def canonical(value: object) -> str:
    return canonical_bytes(value).decode()
