"""Catalogs: where their rows stand in the table, what an import changes, and which rows a message needs.

A row is a mapping of columns to texts. It stands under its identity, and once more, whole, under each of the sets of
columns by which the catalog was imported to be looked up (`Name`, unless told otherwise):

`item#`name`#`shard / identity              the row
`by#`name`#`columns`#`shard / their values  its copy: the last row with these values

So whatever columns a campaign maps, a lookup is one key, and the rows of many messages are one batched read, with no
index. The price is one write more for each row and set. A row's shard follows from its sort key: an import spreads over
sixteen partitions, and to list a catalog takes sixteen queries.

What came last wins, whatever the order in which imports run: a row is stamped with its file's time and its line, and
is not put in the place of one with a later stamp.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import jmespath

from holdfast.core.events import Json, canonical
from holdfast.core.fold.watches import Decision
from holdfast.core.paths import search
from holdfast.core.plans.plan import Plan
from holdfast.core.recommend.ranking import items

IDENTITY = "Identity"
NAME = "Name"
IMAGE = "ImageURL"
SHARDS = 16
NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"

Values: TypeAlias = Mapping[str, str]
Match: TypeAlias = tuple[tuple[str, ...], ...]
"""The sets of columns by which rows are found, besides their identity; each set is sorted."""

BY_NAME: Match = ((NAME,),)


MAX_KEY = 900
"""Bytes of the values by which a row is found: what DynamoDB takes for a sort key, with room for what joins them."""


class Place(NamedTuple):
    """A key of the catalog table."""

    pk: str
    sk: str


def place(catalog: str, values: Values) -> Place:
    """The place of the row with these values: that of its identity if it is among them, else that of all of them."""
    if IDENTITY in values:
        return _sharded(f"item#{catalog}", values[IDENTITY])
    columns = sorted(values)
    sk = values[columns[0]] if len(columns) == 1 else canonical([values[column] for column in columns])
    return _sharded(f"by#{catalog}#{','.join(columns)}", sk)


def places(catalog: str, match: Match, row: Values) -> list[Place]:
    """All places of a row, its own first. It has none under a column that is empty."""
    sets = ((IDENTITY,), *(columns for columns in match if all(column in row for column in columns)))
    return [place(catalog, {column: row[column] for column in columns}) for columns in sets]


def partitions(catalog: str, columns: Sequence[str] = ()) -> list[str]:
    """The partitions of a catalog's rows, or of their copies under a set of columns."""
    of = f"by#{catalog}#{','.join(columns)}" if columns else f"item#{catalog}"
    return [f"{of}#{shard:02d}" for shard in range(SHARDS)]


def key_bytes(values: Iterable[str]) -> int:
    """The length of the key that these values make. No row is stored under a key longer than `MAX_KEY`."""
    return sum(len(value.encode(errors="surrogatepass")) + 4 for value in values)


def _sharded(of: str, sk: str) -> Place:
    return Place(f"{of}#{zlib.crc32(sk.encode()) % SHARDS:02d}", sk)


# --- Importing --------------------------------------------------------------------------------------------------------


class Stamp(NamedTuple):
    """The order of rows of one identity: the time of their file (epoch milliseconds), then the line."""

    at: int
    line: int


class Stored(NamedTuple):
    """A row as it stands in a place."""

    row: Values
    stamp: Stamp


class Step(NamedTuple):
    """The changes that some rows of a file make: items to put, and places to clear, by identity.

    `counts` are of rows: new, changed, unchanged, older (than what is stored). `shared` are the lines of rows that took
    the place of another identity's copy, with its values: who looks by these finds the later row only.
    """

    puts: Mapping[Place, Stored]
    stale: Mapping[Place, str]
    counts: Counter[str]
    shared: Sequence[tuple[int, str]]


def step(catalog: str, match: Match, rows: Mapping[int, Values], at: int, stored: Mapping[Place, Stored]) -> Step:
    """`rows` by their line; `stored` is what stands now in all of their places."""
    latest = {row[IDENTITY]: line for line, row in sorted(rows.items())}
    puts: dict[Place, Stored] = {}
    stale: dict[Place, str] = {}
    counts = Counter(new=0, changed=0, unchanged=0, older=0, repeated=len(rows) - len(latest))
    shared: list[tuple[int, str]] = []
    for identity, line in latest.items():
        row, stamp = rows[line], Stamp(at, line)
        own, *copies = places(catalog, match, row)
        before = stored.get(own)
        if before and before.stamp > stamp:
            counts["older"] += 1
            continue
        put = {own: Stored(row, stamp)} if not before or before.row != row else {}
        for copy in copies:
            there = puts.get(copy) or stored.get(copy)
            if there and there.row[IDENTITY] != identity:
                shared.append((line, copy.sk))
            if not there or (there.row != row and there.stamp <= stamp):
                put[copy] = Stored(row, stamp)
        if before:
            stale |= dict.fromkeys(set(places(catalog, match, before.row)) - {own, *copies}, identity)
        counts["new" if not before else "changed" if put else "unchanged"] += 1
        puts |= put
    return Step(puts, {place: identity for place, identity in stale.items() if place not in puts}, counts, shared)


# --- In messages ------------------------------------------------------------------------------------------------------


def wanted(plan: Plan, decision: Decision) -> dict[str, list[Place | None]]:
    """The places of the rows that a message names, by catalog: one, or one for each event of a summary.

    None where the event does not say which.
    """
    events = decision.events or [decision.event]
    return {
        catalog: [_place(catalog, columns, event) for event in events] for catalog, columns in plan.catalogs.items()
    }


def _place(catalog: str, columns: Mapping[str, str], event: Mapping[str, Json]) -> Place | None:
    values = {column: text for column, path in columns.items() if (text := _text(path, event))}
    findable = len(values) == len(columns) and key_bytes(values.values()) <= MAX_KEY
    return place(catalog, values) if findable else None


def _text(path: str, event: Mapping[str, Json]) -> str:
    """The event's value at the path, as text; the first one of a list. None if the path does not fit the event."""
    try:
        return next(iter(items(search(path), event)), "")
    except (ValueError, TypeError, ArithmeticError):
        return ""


def named(plan: Plan, decision: Decision, rows: Mapping[Place, Values]) -> dict[str, Json]:
    """The object that templates call `Catalog`. A row that is gone is nothing, in a summary's list an empty one.

    Of a mapping by identity and other columns, the row found must agree with all of them.
    """
    events = decision.events or [decision.event]
    found: dict[str, Json] = {}
    for catalog, at in wanted(plan, decision).items():
        columns = plan.catalogs[catalog]
        each: list[Json] = [
            _agreeing(rows.get(one), columns, event) if one else {} for one, event in zip(at, events, strict=True)
        ]
        found[catalog] = each if plan.summary else each[0] or None
    return found


def _agreeing(row: Values | None, columns: Mapping[str, str], event: Mapping[str, Json]) -> dict[str, Json]:
    if row is None or any(row.get(column) != _text(path, event) for column, path in columns.items()):
        return {}
    return dict(row)


def kept(paths: Iterable[str]) -> frozenset[str]:
    """The properties of an event that JMESPath expressions may read: every name that they mention, to be safe."""
    names: set[str] = set()
    for path in paths:
        pending = [jmespath.compile(path).parsed]
        while pending:
            node = pending.pop()
            if node["type"] == "field":
                names.add(node["value"])
            pending += node["children"]
    return frozenset(names)
