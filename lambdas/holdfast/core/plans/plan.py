"""Plans: what the fold needs of a campaign's revision, and what an event means to each of them.

A plan is plain data (`dataclasses.asdict` is its JSON), compiled once per container. It needs neither Pydantic nor
Liquid, which every cold start of join would pay for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, TypeVar

from holdfast.core.events import Event, Json, Tick, Value, canonical, event_id, event_key
from holdfast.core.formats import check
from holdfast.core.gate import chance
from holdfast.core.gate.policy import NONE as NO_POLICY
from holdfast.core.gate.policy import Policy
from holdfast.core.gate.rules import NONE, Rules
from holdfast.core.limits import MAX_VALUE_BYTES, MAX_VALUES, beyond, bytes_of
from holdfast.core.paths import Search, Unclear, folded, key_of, search, shown, text_in_the_way, truthy, without_case
from holdfast.core.places import place_of
from holdfast.core.plans.goal import Goal, Purchase, Worth
from holdfast.core.recommend.ranking import MOST_ITEMS, Recommender, Seen, items

MAX_AGE_MS = 2 * 60 * 60_000
LONGEST_MS = 90 * 24 * 60 * 60_000
"""The longest duration that a campaign may have anywhere."""
SETTLE_MS = 60_000
FORMAT = 1
"""The newest format of a plan that this release reads."""
GRACE_MS = 2 * 60_000
"""How long before its trigger an exit still counts, unless the campaign says otherwise."""
LONGEST_GRACE_MS = 24 * 60 * 60_000
EARLIER = -1
"""The grace of a snapshot: it ends what is earlier than itself."""
IGNORE_CASE = "ignore case"
EXIT = ""
"""The role of an exit event."""


MISREAD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""How the reading of a plan fails that this release did not write."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A property held equal across events, and where each event bears it (JMESPath by event key).

    With `match` its values match as that says: `ignore case`.
    """

    name: str
    paths: Mapping[str, str]
    match: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One revision of a campaign, as join and deliver read it. Events are named by `event_key`; times are milliseconds.

    `names` are the events' names as the owner wrote them. `keep` are the trigger's properties that the templates name:
    of the event, no others are kept in state. `summary` means one message for all of a user's watches, about `limit`
    of them at most. `catalogs` say, by catalog, which columns of its row are equal to what in the trigger (JMESPath);
    `recommendations` are those that the templates name.

    `any_of` means that any one of `did` is a trigger. `grace` is how long before its trigger an exit still counts.
    `every` are those of `did_not` that end every value, `snapshots` those of `did` that carry all there is. `events`
    are the campaign's own names of events: the key of the event that each of them is, told apart by `where`.
    `unreadable_exits` is `ignore` where an exit that cannot be read leaves no doubt.

    A trigger from before `since` is history: when it happened, nobody watched for it yet.

    `space` is the revision with which the campaign's reading of today began (see `same_reading`), 0 for the first one.
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
    any_of: bool = False
    grace: int = 0
    every: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    events: Mapping[str, str] = field(default_factory=dict)
    unreadable_exits: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    """Of the values that are not text."""
    since: int = 0
    rules: Rules = NONE
    """Between due and sent."""
    variants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The values in which a variant's messages differ, by the variant's name."""
    variant: str = ""
    """Whose values these are."""
    convert: Goal | None = None
    space: int = 0

    @property
    def place(self) -> str:
        """The key of its watches in a state: keys of different readings never mix."""
        return place_of(self.id, self.space)

    @property
    def single(self) -> bool:
        """Whether one event is an occurrence of what is watched for."""
        return self.any_of or len(self.did) == 1

    def variant_of(self, user: str) -> str:
        """The variant that a user gets; empty where there are none."""
        weights = self.rules.variants
        return chance.variant(weights, user, self.id) if weights else ""

    def varied(self, variant: str) -> Plan:
        """The plan with the values of a variant; of one that this revision does not have, with those of all."""
        if variant not in self.variants:
            return self
        return replace(self, variant=variant, values={**self.values, **self.variants[variant]})

    def name_of(self, key: str) -> str:
        """An event's name as the owner of the campaign wrote it."""
        return self.names.get(key, key)

    @property
    def immediate(self) -> bool:
        """Nothing to wait for: decided as soon as the trigger is folded."""
        return not self.did_not and not self.within

    def to_json(self) -> dict[str, Json]:
        """Fields of later releases are left out at their default: earlier releases do not know them.

        So are `since` and `space`, which stand beside the plan in the table.
        """
        data = {name: value for name, value in asdict(self).items() if name not in LATER or value != LATER[name]}
        del data["since"], data["space"]
        if "rules" in data:
            data["rules"] = self.rules.to_json()
        if self.convert:
            data["convert"] = self.convert.to_json()
        data["constant"] = [{k: v for k, v in each.items() if v or k != "match"} for each in data["constant"]]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Raises TypeError, LookupError and NewerFormat; ignores what it does not know."""
        check(data, FORMAT)
        given: dict[str, Any] = {
            name: tuple(value) if name in _TUPLES else value for name, value in data.items() if name in _FIELDS
        }
        constant = (Constant(c["name"], c["paths"], c.get("match", "")) for c in data["constant"])
        rules = {"rules": Rules.from_json(data["rules"])} if "rules" in data else {}
        goal = {"convert": Goal.from_json(data["convert"])} if "convert" in data else {}
        return cls(**{**given, "constant": tuple(constant), **rules, **goal})


_FIELDS = frozenset(each.name for each in fields(Plan))
_TUPLES = frozenset({"did", "did_not", "keep", "recommendations", "every", "snapshots"})
LATER: Mapping[str, object] = {
    each.name: each.default_factory() if each.default_factory is not MISSING else each.default
    for each in fields(Plan)
    if each.name
    in {
        "any_of",
        "grace",
        "every",
        "snapshots",
        "events",
        "unreadable_exits",
        "types",
        "rules",
        "convert",
        "variants",
        "variant",
    }
}
"""Fields that release 0.1 does not know, with their defaults."""
HARMLESS = frozenset({"grace", "unreadable_exits", "convert"})
"""Fields that a release which does not know them may do without: it only does as it always did."""


def same_reading(old: Plan, new: Plan) -> bool:
    """Whether both give an event the same keys, and take the same events for exits. If not, a new space begins."""
    return _same_keys(old, new) and _exits(old) == _exits(new)


def _same_keys(old: Plan, new: Plan) -> bool:
    """Whether the triggers that both know bear the constant at the same places, and match alike."""
    if len(old.constant) != len(new.constant):
        return False
    common = set(old.did) & set(new.did)
    return not old.constant or (
        bool(common)
        and all(
            before.match == after.match and all(before.paths.get(name) == after.paths.get(name) for name in common)
            for before, after in zip(old.constant, new.constant, strict=True)
        )
    )


def _match(plan: Plan) -> list[str]:
    return [each.match for each in plan.constant]


def _exits(plan: Plan) -> list[tuple[str, ...]]:
    """How exits are read, snapshots among them."""
    names = [(name, "") for name in plan.did_not] + [(name, "snapshot") for name in plan.snapshots]
    return sorted(
        (
            plan.events.get(name, name),
            plan.where.get(name, ""),
            how or ("every" if name in plan.every else ""),
            *(each.paths.get(name, "") for each in plan.constant),
        )
        for name, how in names
    )


class Illegible(NamedTuple):
    """A revision that this release cannot read: why, and which events (keys) it names, as far as one can see."""

    reason: str
    names: frozenset[str]

    @classmethod
    def of(cls, text: str, error: Exception) -> Illegible:
        names: set[str] = set()
        with suppress(ValueError, AttributeError):
            data = json.loads(text)
            for name in ("did", "did_not", "where"):
                names |= {each for each in data.get(name) or () if isinstance(each, str)}
            own = data.get("events") or {}
            names |= {each for each in own.values() if isinstance(each, str)}
        return cls(f"{type(error).__name__}: {error}", frozenset(names))


class Hit(Value, frozen=True):
    """The meaning of one event to one campaign: the part of its trigger (an event of `did`), or an `EXIT`.

    `values` are the constant values the event bears: by key, as the event wrote them. `due` is when a watch opened by
    this hit falls due; a hit that is `history` opens none. `grace` is how far beyond its time an exit reaches. `every`
    means all values: of an exit; of a snapshot, all but those that it bears.

    `id` is that of the event; an exit has none where the sender gave none. `plan` is the revision that read the event.

    `campaign` is the campaign's key in the state: that of one space. What `opens` nothing there is read for what it
    ends, and arrived when a newer space had begun. `elder` are the keys that a trigger has in older spaces.
    """

    campaign: str
    part: str
    at: int
    id: str
    arrived: int
    values: Mapping[str, Json]
    due: int
    history: bool
    plan: Plan
    kept: Mapping[str, Json]
    grace: int = 0
    every: bool = False
    opens: bool = True
    elder: Mapping[str, Sequence[str]] = {}


class Unreadable(Value, frozen=True):
    """An event that may be an exit of a campaign and cannot be read: under its name there, and why. `later`: it arrived
    when a newer space had begun.
    """

    campaign: str
    id: str
    at: int
    grace: int
    name: str
    why: str
    later: bool = False


Input: TypeAlias = Hit | Unreadable | Seen | Purchase | Tick
"""All that the fold takes."""


NOTHING: Mapping[str, Any] = {}
"""One for all that have nothing, as it takes memory."""


class Problem(NamedTuple):
    """Why an event that a campaign names cannot be joined there, and the doubt that it leaves if it may be an exit.

    Without a campaign it is nothing to be reported: only another space cannot read the event.
    """

    campaign: str
    reason: str
    doubt: Unreadable | None = None


class _Column(NamedTuple):
    """Where an event bears a constant property, and how its texts match."""

    name: str
    path: str
    find: Search
    fold: Callable[[str], str]


class _Route(NamedTuple):
    """How a campaign reads an event: as a part of its trigger or as an exit."""

    plan: Plan
    part: str
    name: str
    where: Search | None
    constant: tuple[_Column, ...]
    every: bool
    snapshot: bool
    place: str
    foreign: bool = False
    """Whether it reads for an older space than that which was in force."""
    elder: tuple[_Route, ...] = ()
    """How older spaces read the trigger."""

    @property
    def grace(self) -> int:
        return EARLIER if self.snapshot else self.plan.grace

    @property
    def ends(self) -> bool:
        """Whether the event may end a watch, and so leaves a doubt where it cannot be read."""
        return (self.part == EXIT or self.snapshot) and self.plan.unreadable_exits != "ignore"


class _Goal(NamedTuple):
    """How a campaign reads an event that converts its messages, or undoes that."""

    route: _Route
    undoes: bool
    worth: Worth


class _Items(NamedTuple):
    """Where a recommendation finds items in an event."""

    recommendation: str
    find: Search
    done: bool


class Plans(dict[str, Plan]):
    """The live plans by campaign id, with the way from an event's name to the campaigns that name it.

    `recommenders` are the live recommendations, by id. `illegible` are campaigns and recommendations that are live but
    that this release cannot read: they are not among the plans. `deleted` are campaigns that were live once.

    `policy` are the rules of all campaigns. While this release cannot read it (None), it decides nothing.

    `others` are the last revisions of the other spaces in which watches may be open. Those of older ones read exits for
    these alone; so does the live revision, where the keys are the same. `places` are the keys of all these spaces in a
    state.
    """

    def __init__(
        self,
        plans: Iterable[Plan] = (),
        recommenders: Iterable[Recommender] = (),
        *,
        illegible: Mapping[str, Illegible] = MappingProxyType({}),
        deleted: Iterable[str] = (),
        others: Iterable[Plan] = (),
        policy: Policy | None = NO_POLICY,
    ) -> None:
        super().__init__((plan.id, plan) for plan in plans)
        apart: dict[str, list[Plan]] = {}
        for other in others:
            with suppress(*MISREAD):  # was never read, and concerns no revision that came after it
                _read_by(other, other.place)
                _goals(other)
                apart.setdefault(other.id, []).append(other)
        self.deleted = frozenset(deleted)
        self.illegible = dict(illegible)
        self.recommenders = {recommender.id: recommender for recommender in recommenders}
        routes: dict[str, list[_Route]] = {}
        routes_to_goals: dict[str, list[_Goal]] = {}
        for plan in [*self.values()]:
            try:
                found = _routes(plan, apart.get(plan.id, ()))
                goals = [each for own in (plan, *apart.get(plan.id, ())) for each in _goals(own)]
            except MISREAD as error:  # published by a release with fewer checks: it concerns no other campaign
                del self[plan.id]
                names = frozenset(plan.events.get(name, name) for name in (*plan.did, *plan.did_not))
                self.illegible[plan.id] = Illegible(f"{type(error).__name__}: {error}", names)
            else:
                _add(routes, found)
                _add(routes_to_goals, goals)
        routes_to_items: dict[str, list[_Items]] = {}
        for each in [*self.recommenders.values()]:
            try:
                items_of = [
                    (name, _Items(each.id, search(path), done))
                    for done, paths in ((False, each.did), (True, each.exclude_done))
                    for name, path in paths.items()
                ]
            except MISREAD:
                del self.recommenders[each.id]
            else:
                _add(routes_to_items, items_of)
        self._items = lru_cache(maxsize=4096)(lambda name: routes_to_items.get(event_key(name), ()))
        self.policy = policy or NO_POLICY
        self.undecidable = policy is None
        self.ask_profile = any(self._asks_profile(plan) for plan in self.values())
        """Does any campaign decide by the user's profile?"""
        self.places = frozenset(each.place for plan in self.values() for each in (plan, *apart.get(plan.id, ())))
        self.summaries = frozenset(plan.id for plan in self.values() if plan.summary)
        self._routes = lru_cache(maxsize=4096)(lambda name: routes.get(event_key(name), ()))
        self._goals = lru_cache(maxsize=4096)(lambda name: routes_to_goals.get(event_key(name), ()))
        self.heeds = lru_cache(maxsize=4096)(
            lambda name: bool(self._routes(name) or self._items(name) or self._goals(name))
        )
        """Does any campaign or recommendation name this event?"""
        unread = frozenset(name for each in self.illegible.values() for name in each.names)
        self.unread = lru_cache(maxsize=4096)(lambda name: event_key(name) in unread) if unread else _never
        """Does a campaign that is not legible name this event?"""

    def _asks_profile(self, plan: Plan) -> bool:
        return plan.rules.ask_profile or (plan.rules.hours is None and self.policy.asks_profile(plan.id))

    @cached_property
    def rivals(self) -> Mapping[str, Sequence[str]]:
        """By campaign, those whose message goes instead of its own."""
        rivals: dict[str, list[str]] = {}
        for rival in sorted(self):
            plan = self[rival]
            for other in () if plan.paused else plan.rules.instead_of:
                rivals.setdefault(other, []).append(rival)
        return rivals

    def leaves(self, campaign: str) -> bool:
        """Whether the decisions of a campaign are left to a newer release."""
        return self.undecidable or campaign in self.illegible

    def name(self, event_name: str) -> bool:
        """Does any campaign name this event?"""
        return bool(self._routes(event_name) or self._goals(event_name))

    def read(self, event: Event) -> tuple[list[Hit], list[Problem]]:
        """The event's meaning to each campaign that names it and whose `where` it passes."""
        hits: list[Hit] = []
        problems: list[Problem] = []
        routes = self._routes(event.name)
        id_ = ""
        for route in routes:
            try:
                if route.where is None or truthy(_passes(route, event)):
                    if route.part != EXIT and not id_:
                        id_ = event_id(event)
                    hits.append(_hit(route, event, event.id if route.part == EXIT else id_))
            except _NotJoinable as error:
                doubt = _unreadable(route, event, error.why) if route.ends else None
                problems.append(Problem("" if route.foreign else route.plan.id, str(error), doubt))
        if problems and any(not each.campaign for each in problems):
            # Of two readings for one space, one that succeeds is enough.
            ended = {hit.campaign for hit in hits}
            problems = [p for p in problems if p.campaign or (p.doubt and p.doubt.campaign not in ended)]
        return hits, problems

    def doubts(self, event: Event, why: str) -> list[Unreadable]:
        """The watches in doubt when the event, which may be an exit, could not be taken at all."""
        return [_unreadable(route, event, why) for route in self._routes(event.name) if route.ends]

    def seen(self, event: Event) -> list[Seen | Purchase]:
        """The event's meaning to recommendations, and to messages that went. One that bears no item, or no value,
        means nothing to them.
        """
        seen: list[Seen | Purchase] = []
        for goal in self._goals(event.name):
            with suppress(_NotJoinable):
                if goal.route.where is None or truthy(_passes(goal.route, event)):
                    seen.append(_purchase(goal, event))
        for recommendation, find, done in self._items(event.name):
            with suppress(ValueError, TypeError, ArithmeticError):
                texts = items(find, event.properties)[:MOST_ITEMS]
                seen += [Seen(recommendation, text, event.at, done) for text in texts]
        return seen


T = TypeVar("T")


def _add(index: dict[str, list[T]], found: Iterable[tuple[str, T]]) -> None:
    for name, each in found:
        index.setdefault(name, []).append(each)


def _never(_name: str) -> bool:
    return False


def _routes(plan: Plan, others: Sequence[Plan] = ()) -> list[tuple[str, _Route]]:
    """How a plan reads an event, by the event's key: for its own space, and what it ends in older ones."""
    own, older = _read_by(plan, plan.place), [other for other in others if other.space < plan.space]
    found = [
        (key, route._replace(elder=_elder_routes(plan, route, key, older)) if route.part != EXIT else route)
        for key, route in own
    ]
    for other in older:
        ending = [*_read_by(other, other.place), *(_read_by(plan, other.place) if _same_keys(other, plan) else ())]
        found += [(key, route._replace(foreign=True)) for key, route in ending if route.part == EXIT or route.snapshot]
    return found


def _read_by(plan: Plan, place: str) -> list[tuple[str, _Route]]:
    parts = (*((did, did) for did in plan.did), *((EXIT, did_not) for did_not in plan.did_not))
    return [(plan.events.get(name, name), _route(plan, part, name, place)) for part, name in parts]


def _goals(plan: Plan) -> list[tuple[str, _Goal]]:
    """How a plan reads the events that convert its messages, by the event's key."""
    goal = plan.convert
    if goal is None:
        return []
    worth = goal.worth(without_case if any(each.match == IGNORE_CASE for each in plan.constant) else folded)
    named = [(name, False) for name in goal.on] + [(name, True) for name in goal.undone_by]
    return [
        (plan.events.get(name, name), _Goal(_route(plan, EXIT, name, plan.place), undoes, worth))
        for name, undoes in named
    ]


def _purchase(goal: _Goal, event: Event) -> Purchase:
    route = goal.route
    values = _values(route, event)
    id_, max_age = event_id(event), route.plan.max_age
    return Purchase(
        route.place, id_, event.at, event.arrived, values, goal.undoes, max_age, event.properties, goal.worth
    )


def _elder_routes(plan: Plan, route: _Route, key: str, older: Iterable[Plan]) -> tuple[_Route, ...]:
    """How older spaces read the event of a trigger. One that does not name it, and has the same exits, would have read
    it as the plan does.
    """
    found: list[_Route] = []
    for other in older:
        named = [each for event, each in _read_by(other, other.place) if event == key and each.part != EXIT]
        if not named and _exits(other) == _exits(plan) and _match(other) == _match(plan):
            named = [route._replace(place=other.place)]
        found += named
    return tuple(found)


def _route(plan: Plan, part: str, name: str, place: str) -> _Route:
    every, snapshot = name in plan.every, part != EXIT and name in plan.snapshots
    constant = tuple(
        _Column(c.name, c.paths[name], search(c.paths[name]), without_case if c.match == IGNORE_CASE else folded)
        for c in ([] if every else plan.constant)
    )
    where = search(plan.where[name]) if name in plan.where else None
    return _Route(plan, part, name, where, constant, every, snapshot, place)


def _unreadable(route: _Route, event: Event, why: str) -> Unreadable:
    plan = route.plan
    name = plan.names.get(route.name, event.name)
    return Unreadable(route.place, event_id(event), event.at, route.grace, name, why, route.foreign)


def _hit(route: _Route, event: Event, id_: str) -> Hit:
    plan, at, arrived = route.plan, event.at, event.arrived
    return Hit(
        route.place,
        route.part,
        at,
        id_,
        arrived,
        NOTHING if route.every else _values(route, event),
        max(at + plan.within, arrived + min(plan.settle, plan.within)),
        arrived - at > plan.max_age or at < plan.since,
        plan,
        _kept(plan, event) if plan.keep and route.part != EXIT else NOTHING,
        route.grace if route.part == EXIT or route.snapshot else 0,
        route.every or route.snapshot,
        not route.foreign,
        _elder(route, event) if route.elder else NOTHING,
    )


def _elder(route: _Route, event: Event) -> dict[str, list[str]]:
    """The keys of the event in older spaces, by space. What its reading filters does not matter: the value does."""
    found: dict[str, list[str]] = {}
    for each in route.elder:
        with suppress(_NotJoinable):
            found.setdefault(each.place, []).extend(_values(each, event))
    return found


class _NotJoinable(ValueError):
    """Says why an event cannot be joined; `why` is the same in short."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(reason)
        self.why = why


def _passes(route: _Route, event: Event) -> Json:
    try:
        return route.where(event.properties) if route.where else True
    except Unclear as unclear:
        raise _NotJoinable(f"the filter of {event.name} cannot be computed: {unclear}", str(unclear)) from None


def _kept(plan: Plan, event: Event) -> dict[str, Json]:
    kept = {name: event.properties[name] for name in plan.keep if name in event.properties}
    if why := beyond(kept):
        raise _NotJoinable(why, why)
    return kept


def _values(route: _Route, event: Event) -> dict[str, Json]:
    """By key, the values as the event wrote them. Lists of a composite key go side by side, like items of a basket.

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
        raise _NotJoinable(f"constant properties {names}: lists of different lengths", "lists of different lengths")
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


def _found(column: _Column, event: Event) -> Json:
    try:
        return column.find(event.properties)
    except Unclear as unclear:
        raise _NotJoinable(f"constant property {column.name}: {unclear}", str(unclear)) from None


def _column(route: _Route, column: _Column, event: Event) -> list[Json]:
    found = _found(column, event)
    if found is None or (found == [] and not route.snapshot):
        raise _missing(column, event)
    listed: list[Json] = found if isinstance(found, list) else [found]
    if len(listed) > MAX_VALUES:
        why = f"{column.path} has {len(listed)} values, {MAX_VALUES} are allowed"
        raise _NotJoinable(f"constant property {column.name}: {why}", why)
    return listed


_OWN = ("id", "ts", "user", "event")
"""Keys of a plain record that are not properties."""


def _missing(column: _Column, event: Event) -> _NotJoinable:
    if text := text_in_the_way(column.path, event.properties):
        why = f"{text} is text, not a list or an object"
        return _NotJoinable(f"constant property {column.name}: {why} in {event.name}", why)
    why = f"{column.path} is missing"
    if column.path in _OWN:
        why += f" ({column.path} of a plain record is the record's own: call the property something else)"
    from holdfast.core.near import instead  # noqa: PLC0415 (no cold start pays for it)

    there = instead(column.path, event.properties)
    return _NotJoinable(f"constant property {column.name}: {why} in {event.name}{there}", why)


def _key(value: Json, column: _Column) -> str:
    """The text by which a value matches; empty where it says nothing."""
    key = column.fold(value) if isinstance(value, str) else "" if value is None else key_of(value)
    if key is None:
        why = f"{column.path} is neither a value nor a list of values"
        inside = f"; name a property of it, as in {column.path}.id" if isinstance(value, dict) else ""
        raise _NotJoinable(f"constant property {column.name}: neither a value nor a list of values{inside}", why)
    if len(key) * 4 > MAX_VALUE_BYTES and (size := bytes_of(key)) > MAX_VALUE_BYTES:
        why = f"{column.path} has {size} bytes, {MAX_VALUE_BYTES} are allowed"
        raise _NotJoinable(f"too long: {why}", f"too long: {why}")
    return key
