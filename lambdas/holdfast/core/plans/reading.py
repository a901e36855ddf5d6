"""How a campaign reads an event: as a part of its trigger or as an exit, with the constant values that it bears."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from holdfast.core.events import NONE, Event, Json, canonical, event_id
from holdfast.core.limits import MAX_VALUE_BYTES, MAX_VALUES, beyond, bytes_of
from holdfast.core.paths import Search, Unclear, folded, key_of, search, shown, text_in_the_way, without_case
from holdfast.core.plans.hits import Hit, Unreadable
from holdfast.core.plans.plan import EARLIER, EXIT, IGNORE_CASE, Plan, exits_of, match_of, same_keys


class Column(NamedTuple):
    """The place where an event has a constant property, and how its texts match."""

    name: str
    path: str
    find: Search
    fold: Callable[[str], str]


class Route(NamedTuple):
    """How a campaign reads an event: as a part of its trigger or as an exit."""

    plan: Plan
    part: str
    name: str
    where: Search | None
    constant: tuple[Column, ...]
    every: bool
    snapshot: bool
    place: str
    foreign: bool = False
    """Whether it reads for an older space than that which was in force."""
    elder: tuple[Route, ...] = ()
    """How older spaces read the trigger."""

    @property
    def grace(self) -> int:
        return EARLIER if self.snapshot else self.plan.grace

    @property
    def ends(self) -> bool:
        """Whether the event may end a watch, and so leaves a doubt where it cannot be read."""
        return (self.part == EXIT or self.snapshot) and self.plan.unreadable_exits != "ignore"


def routes_of(plan: Plan, others: Sequence[Plan] = ()) -> list[tuple[str, Route]]:
    """How a plan reads an event, by the event's key: for its own space, and what it ends in older ones."""
    own, older = read_by(plan, plan.place), [other for other in others if other.space < plan.space]
    found = [
        (key, route._replace(elder=_elder_routes(plan, route, key, older)) if route.part != EXIT else route)
        for key, route in own
    ]
    for other in older:
        ending = [*read_by(other, other.place), *(read_by(plan, other.place) if same_keys(other, plan) else ())]
        found += [(key, route._replace(foreign=True)) for key, route in ending if route.part == EXIT or route.snapshot]
    return found


def read_by(plan: Plan, place: str) -> list[tuple[str, Route]]:
    parts = (*((did, did) for did in plan.did), *((EXIT, did_not) for did_not in plan.did_not))
    return [(plan.events.get(name, name), route_of(plan, part, name, place)) for part, name in parts]


def _elder_routes(plan: Plan, route: Route, key: str, older: Iterable[Plan]) -> tuple[Route, ...]:
    """How older spaces read the event of a trigger. One that does not name it, and has the same exits, would have read
    it as the plan does.
    """
    found: list[Route] = []
    for other in older:
        named = [each for event, each in read_by(other, other.place) if event == key and each.part != EXIT]
        if not named and exits_of(other) == exits_of(plan) and match_of(other) == match_of(plan):
            named = [route._replace(place=other.place)]
        found += named
    return tuple(found)


def route_of(plan: Plan, part: str, name: str, place: str) -> Route:
    every, snapshot = name in plan.every, part != EXIT and name in plan.snapshots
    constant = tuple(
        Column(c.name, c.paths[name], search(c.paths[name]), without_case if c.match == IGNORE_CASE else folded)
        for c in ([] if every else plan.constant)
    )
    where = search(plan.where[name]) if name in plan.where else None
    return Route(plan, part, name, where, constant, every, snapshot, place)


def unreadable_of(route: Route, event: Event, why: str) -> Unreadable:
    plan = route.plan
    name = plan.names.get(route.name, event.name)
    return Unreadable(route.place, event_id(event), event.at, route.grace, name, why, route.foreign)


def hit_of(route: Route, event: Event, id_: str) -> Hit:
    plan, at, arrived = route.plan, event.at, event.arrived
    return Hit(
        route.place,
        route.part,
        at,
        id_,
        arrived,
        NONE if route.every else values_of(route, event),
        max(at + plan.within, arrived + min(plan.settle, plan.within)),
        arrived - at > plan.max_age or at < plan.since,
        plan,
        _kept(plan, event) if plan.keep and route.part != EXIT else NONE,
        route.grace if route.part == EXIT or route.snapshot else 0,
        route.every or route.snapshot,
        not route.foreign,
        _elder(route, event) if route.elder else NONE,
    )


def _elder(route: Route, event: Event) -> dict[str, list[str]]:
    """The keys of the event in older spaces, by space. What its reading filters does not matter: the value does."""
    found: dict[str, list[str]] = {}
    for each in route.elder:
        with suppress(NotJoinable):
            found.setdefault(each.place, []).extend(values_of(each, event))
    return found


class NotJoinable(ValueError):
    """Says why an event cannot be joined; `why` is the same in short."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(reason)
        self.why = why


def passes(route: Route, event: Event) -> Json:
    try:
        return route.where(event.properties) if route.where else True
    except Unclear as unclear:
        raise NotJoinable(f"the filter of {event.name} cannot be computed: {unclear}", str(unclear)) from None


def _kept(plan: Plan, event: Event) -> dict[str, Json]:
    kept = {name: event.properties[name] for name in plan.keep if name in event.properties}
    if why := beyond(kept):
        raise NotJoinable(why, why)
    return kept


def values_of(route: Route, event: Event) -> dict[str, Json]:
    """The values as the event wrote them, by key. Lists of a composite key go side by side, like items of a basket.

    Null and blank items say nothing. A snapshot may be empty; any other event bears a value.
    """
    constant = route.constant
    if not constant:
        return {"": None}
    if len(constant) == 1:
        only = constant[0]
        found = _found(only, event)
        if type(found) is str and len(found) * 4 <= MAX_VALUE_BYTES and (key := only.fold(found)):
            return {key: found}
    columns = [_column(route, each, event) for each in constant]
    rows = max(map(len, columns))
    if any(len(column) not in {1, rows} for column in columns):
        names = ", ".join(each.name for each in constant)
        raise NotJoinable(f"constant properties {names}: lists of different lengths", "lists of different lengths")
    values: dict[str, Json] = {}
    for row in range(rows):
        cells = [column[row % len(column)] for column in columns]
        keys = [_key(cell, each) for cell, each in zip(cells, constant, strict=True)]
        if all(keys):
            key = keys[0] if len(keys) == 1 else canonical(keys)
            values.setdefault(key, shown(cells[0]) if len(cells) == 1 else [shown(cell) for cell in cells])
        elif any(keys):
            missing = next(each for each, key in zip(constant, keys, strict=True) if not key)
            raise _missing(missing, event)
    if not values and not route.snapshot:
        raise _missing(constant[0], event)
    return values


def _found(column: Column, event: Event) -> Json:
    try:
        return column.find(event.properties)
    except Unclear as unclear:
        raise NotJoinable(f"constant property {column.name}: {unclear}", str(unclear)) from None


def _column(route: Route, column: Column, event: Event) -> list[Json]:
    found = _found(column, event)
    if found is None or (found == [] and not route.snapshot):
        raise _missing(column, event)
    listed: list[Json] = found if isinstance(found, list) else [found]
    if len(listed) > MAX_VALUES:
        why = f"{column.path} has {len(listed)} values, {MAX_VALUES} are allowed"
        raise NotJoinable(f"constant property {column.name}: {why}", why)
    return listed


_OWN = ("id", "ts", "user", "event")
"""Keys of a plain record that are not properties."""


def _missing(column: Column, event: Event) -> NotJoinable:
    if text := text_in_the_way(column.path, event.properties):
        why = f"{text} is text, not a list or an object"
        return NotJoinable(f"constant property {column.name}: {why} in {event.name}", why)
    why = f"{column.path} is missing"
    if column.path in _OWN:
        why += f" ({column.path} of a plain record is the record's own: call the property something else)"
    from holdfast.core.near import instead  # noqa: PLC0415 (no cold start pays for it)

    there = instead(column.path, event.properties)
    return NotJoinable(f"constant property {column.name}: {why} in {event.name}{there}", why)


def _key(value: Json, column: Column) -> str:
    """The text by which a value matches; empty for a blank value."""
    key = column.fold(value) if isinstance(value, str) else "" if value is None else key_of(value)
    if key is None:
        why = f"{column.path} is neither a value nor a list of values"
        inside = f"; name a property of it, as in {column.path}.id" if isinstance(value, dict) else ""
        raise NotJoinable(f"constant property {column.name}: neither a value nor a list of values{inside}", why)
    if len(key) * 4 > MAX_VALUE_BYTES and (size := bytes_of(key)) > MAX_VALUE_BYTES:
        why = f"{column.path} has {size} bytes, {MAX_VALUE_BYTES} are allowed"
        raise NotJoinable(f"too long: {why}", f"too long: {why}")
    return key
