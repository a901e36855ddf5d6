"""Plans: what the fold needs of a campaign's revision, and what an event means to each of them.

A plan is plain data (`dataclasses.asdict` is its JSON), compiled once per container. It needs neither Pydantic nor
Liquid, which every cold start of join would pay for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, cast

import jmespath

from holdfast.core.events import Event, Json, Value, canonical, event_id, event_key
from holdfast.core.recommend.ranking import MOST_ITEMS, Recommender, Seen, items

MAX_AGE_MS = 2 * 60 * 60_000
LONGEST_MS = 90 * 24 * 60 * 60_000
"""The longest duration that a campaign may have anywhere."""
SETTLE_MS = 60_000
EXIT = ""
"""What an event is that is no part of the trigger."""

Search: TypeAlias = Callable[[Mapping[str, Json]], Json]


@dataclass(frozen=True, slots=True)
class Constant:
    """A property held equal across events, and where each event bears it (JMESPath by event key)."""

    name: str
    paths: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One revision of a campaign, as join and deliver read it. Events are named by `event_key`; times are milliseconds.

    `names` are the events' names as the owner wrote them. `keep` are the trigger's properties that the templates name:
    of the event, no others are kept in state. `summary` means one message for all of a user's watches, about `limit`
    of them at most. `catalogs` say, by catalog, which columns of its row are equal to what in the trigger (JMESPath);
    `recommendations` are those that the templates name.
    """

    id: str
    revision: int = 1
    name: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    paused: bool = False
    did: tuple[str, ...]
    did_not: tuple[str, ...] = ()
    within: int = 0
    settle: int = SETTLE_MS
    max_age: int = MAX_AGE_MS
    where: Mapping[str, str] = field(default_factory=dict)
    constant: tuple[Constant, ...] = ()
    keep: tuple[str, ...] = ()
    summary: bool = False
    limit: int = 5
    detail_type: str = "Personalized Message"
    values: Mapping[str, str] = field(default_factory=dict)
    catalogs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    recommendations: tuple[str, ...] = ()

    @property
    def immediate(self) -> bool:
        """Nothing to wait for: decided as soon as the trigger is folded."""
        return not self.did_not and not self.within

    def to_json(self) -> dict[str, Json]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        lists = {name: tuple(data.get(name, ())) for name in ("did", "did_not", "keep", "recommendations")}
        return cls(**{**data, **lists, "constant": tuple(Constant(**c) for c in data["constant"])})


class Hit(Value, frozen=True):
    """What one event means to one campaign: the part of its trigger (an event of `did`), or an `EXIT`.

    `values` are the constant values the event bears: by key, as the event wrote them. `due` is when a watch opened by
    this hit falls due; a hit that is `history` opens none. Where all that the event means are exits, it has no `id`.
    """

    campaign: str
    part: str
    at: int
    id: str
    arrived: int
    values: Mapping[str, Json]
    due: int
    history: bool
    revision: int
    kept: Mapping[str, Json]


class Problem(NamedTuple):
    """Why an event that a campaign names cannot be joined there."""

    campaign: str
    reason: str


class _Route(NamedTuple):
    plan: Plan
    part: str
    where: Search | None
    constant: tuple[tuple[str, str, Search], ...]


class _Items(NamedTuple):
    """Where a recommendation finds items in an event."""

    recommendation: str
    find: Search
    done: bool


class Plans(dict[str, Plan]):
    """The live plans by campaign id, with the way from an event's name to the campaigns that name it.

    `recommenders` are the live recommendations, by id.
    """

    def __init__(self, plans: Iterable[Plan] = (), recommenders: Iterable[Recommender] = ()) -> None:
        super().__init__((plan.id, plan) for plan in plans)
        self.recommenders = {recommender.id: recommender for recommender in recommenders}
        routes: dict[str, list[_Route]] = {}
        for plan in self.values():
            for part, name in (*((did, did) for did in plan.did), *((EXIT, did_not) for did_not in plan.did_not)):
                where = search(plan.where[name]) if name in plan.where else None
                constant = tuple((c.name, c.paths[name], search(c.paths[name])) for c in plan.constant)
                routes.setdefault(name, []).append(_Route(plan, part, where, constant))
        routes_to_items: dict[str, list[_Items]] = {}
        for each in self.recommenders.values():
            for done, paths in ((False, each.did), (True, each.exclude_done)):
                for name, path in paths.items():
                    routes_to_items.setdefault(name, []).append(_Items(each.id, search(path), done))
        self._items = lru_cache(maxsize=4096)(lambda name: routes_to_items.get(event_key(name), ()))
        self.summaries = frozenset(plan.id for plan in self.values() if plan.summary)
        self._routes = lru_cache(maxsize=4096)(lambda name: routes.get(event_key(name), ()))
        self.heeds = lru_cache(maxsize=4096)(lambda name: bool(self._routes(name) or self._items(name)))
        """Does any campaign or recommendation name this event?"""

    def name(self, event_name: str) -> bool:
        """Does any campaign name this event?"""
        return bool(self._routes(event_name))

    def read(self, event: Event) -> tuple[list[Hit], list[Problem]]:
        """What the event means to each campaign that names it and whose `where` it passes."""
        hits: list[Hit] = []
        problems: list[Problem] = []
        routes = self._routes(event.name)
        id_ = ""
        for route in routes:
            try:
                if route.where is None or _truthy(route.where(event.properties)):
                    if route.part != EXIT and not id_:
                        id_ = event_id(event)
                    hits.append(_hit(route, event, id_))
            except (ValueError, TypeError, ArithmeticError) as error:  # as JMESPath's `"20" > 20`
                problems.append(Problem(route.plan.id, str(error)))
        return hits, problems

    def seen(self, event: Event) -> list[Seen]:
        """What the event means to recommendations. One that bears no item means nothing to them."""
        seen: list[Seen] = []
        for recommendation, find, done in self._items(event.name):
            with suppress(ValueError, TypeError, ArithmeticError):
                texts = items(find, event.properties)[:MOST_ITEMS]
                seen += [Seen(recommendation, text, event.at, done) for text in texts]
        return seen


def _hit(route: _Route, event: Event, id_: str) -> Hit:
    plan, at, arrived = route.plan, event.at, event.arrived
    return Hit(
        plan.id,
        route.part,
        at,
        id_,
        arrived,
        _values(route.constant, event),
        max(at + plan.within, arrived + min(plan.settle, plan.within)),
        arrived - at > plan.max_age,
        plan.revision,
        _kept(plan, event) if plan.keep and route.part != EXIT else {},
    )


def _kept(plan: Plan, event: Event) -> dict[str, Json]:
    return {name: event.properties[name] for name in plan.keep if name in event.properties}


class _NotJoinable(ValueError):
    pass


def _values(constant: tuple[tuple[str, str, Search], ...], event: Event) -> dict[str, Json]:
    """By key, the values as the event wrote them. Lists of a composite key go side by side, like items of a basket."""
    if not constant:
        return {"": None}
    if len(constant) == 1:
        name, path, find = constant[0]
        if type(found := find(event.properties)) is str and (key := found.strip()):
            return {key: found}
    columns = []
    for name, path, find in constant:
        found = find(event.properties)
        column = found if isinstance(found, list) else [found]
        if not column or None in column:
            msg = f"constant property {name}: {path} is missing in {event.name}"
            raise _NotJoinable(msg)
        columns.append(column)
    if len(columns) == 1:
        return {_value_key(value, constant[0][0]): value for value in reversed(columns[0])}
    rows = max(map(len, columns))
    if any(len(column) not in {1, rows} for column in columns):
        msg = "constant properties " + ", ".join(c[0] for c in constant) + ": lists of different lengths"
        raise _NotJoinable(msg)
    tuples = ([column[row % len(column)] for column in columns] for row in reversed(range(rows)))
    names = [c[0] for c in constant]
    return {canonical([_value_key(v, n) for v, n in zip(row, names, strict=True)]): row for row in tuples}


def _value_key(value: Json, name: str) -> str:
    """Values match as trimmed strings: 123, "123" and 123.0 are one value."""
    match value:
        case str():
            key = value.strip()
        case bool():
            key = "true" if value else "false"
        case int():
            key = str(value)
        case float() if math.isfinite(value):
            key = str(int(value)) if value.is_integer() else repr(value)
        case _:
            key = ""
    if not key:
        msg = f"constant property {name}: neither a value nor a list of values"
        raise _NotJoinable(msg)
    return key


def search(path: str) -> Search:
    """A compiled JMESPath. A plain name, by far the most frequent, needs no interpreter."""
    expression = jmespath.compile(path)
    parsed = expression.parsed
    if parsed["type"] == "field":
        name = cast("str", parsed["value"])
        return lambda properties: properties.get(name)
    return cast("Search", expression.search)


def _truthy(value: Json) -> bool:
    """As JMESPath has it: 0 is true; false, null and what is empty are not."""
    return value is not None and value is not False and value not in ("", [], {})
