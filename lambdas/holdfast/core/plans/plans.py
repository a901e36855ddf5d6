"""All plans that are live, compiled: which campaigns an event concerns, and what it means to each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from holdfast.core.events import Event, event_id, event_key
from holdfast.core.gate.policy import NONE as NO_POLICY
from holdfast.core.gate.policy import Policy
from holdfast.core.paths import Search, folded, search, truthy, without_case
from holdfast.core.plans.goal import Purchase, Worth
from holdfast.core.plans.hits import Hit, Problem, Unreadable
from holdfast.core.plans.plan import EXIT, IGNORE_CASE, MISREAD, Illegible, Plan
from holdfast.core.plans.reading import (
    NotJoinable,
    Route,
    hit_of,
    passes,
    read_by,
    route_of,
    routes_of,
    unreadable_of,
    values_of,
)
from holdfast.core.recommend.ranking import MOST_ITEMS, Recommender, Seen, items


class _Goal(NamedTuple):
    """How a campaign reads an event that converts its messages, or undoes that."""

    route: Route
    undoes: bool
    worth: Worth


class _Items(NamedTuple):
    """The place where a recommendation finds items in an event."""

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
        apart = _apart(others)
        self.deleted = frozenset(deleted)
        self.illegible = dict(illegible)
        self.recommenders = {recommender.id: recommender for recommender in recommenders}
        routes, routes_to_goals = self._compile(apart)
        routes_to_items = self._compile_recommenders()
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

    def _compile(self, apart: Mapping[str, Sequence[Plan]]) -> tuple[dict[str, list[Route]], dict[str, list[_Goal]]]:
        """The ways from an event's key to the campaigns and goals that name it. Plans that cannot be read are moved to
        the illegible ones.
        """
        routes: dict[str, list[Route]] = {}
        routes_to_goals: dict[str, list[_Goal]] = {}
        for plan in [*self.values()]:
            try:
                found = routes_of(plan, apart.get(plan.id, ()))
                goals = [each for own in (plan, *apart.get(plan.id, ())) for each in _goals(own)]
            except MISREAD as error:  # published by a release with fewer checks: it concerns no other campaign
                del self[plan.id]
                names = frozenset(plan.events.get(name, name) for name in (*plan.did, *plan.did_not))
                self.illegible[plan.id] = Illegible(f"{type(error).__name__}: {error}", names)
            else:
                _add(routes, found)
                _add(routes_to_goals, goals)
        return routes, routes_to_goals

    def _compile_recommenders(self) -> dict[str, list[_Items]]:
        """The ways from an event's key to the recommendations that find items in it. Those that cannot be read are left
        out.
        """
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
        return routes_to_items

    def _asks_profile(self, plan: Plan) -> bool:
        return plan.rules.ask_profile or (plan.rules.hours is None and self.policy.asks_profile(plan.id))

    @cached_property
    def rivals(self) -> Mapping[str, Sequence[str]]:
        """The campaigns whose message goes instead of a campaign's own, by that campaign."""
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
        """Whether a campaign names this event."""
        return bool(self._routes(event_name) or self._goals(event_name))

    def read(self, event: Event) -> tuple[list[Hit], list[Problem]]:
        """The event's meaning to each campaign that names it and whose `where` it passes."""
        hits: list[Hit] = []
        problems: list[Problem] = []
        routes = self._routes(event.name)
        id_ = ""
        for route in routes:
            try:
                if route.where is None or truthy(passes(route, event)):
                    if route.part != EXIT and not id_:
                        id_ = event_id(event)
                    hits.append(hit_of(route, event, event.id if route.part == EXIT else id_))
            except NotJoinable as error:
                doubt = unreadable_of(route, event, error.why) if route.ends else None
                problems.append(Problem("" if route.foreign else route.plan.id, str(error), doubt))
        if problems and any(not each.campaign for each in problems):
            # Of two readings for one space, one that succeeds is enough.
            ended = {hit.campaign for hit in hits}
            problems = [p for p in problems if p.campaign or (p.doubt and p.doubt.campaign not in ended)]
        return hits, problems

    def doubts(self, event: Event, why: str) -> list[Unreadable]:
        """The watches in doubt when the event, which may be an exit, could not be taken at all."""
        return [unreadable_of(route, event, why) for route in self._routes(event.name) if route.ends]

    def seen(self, event: Event) -> list[Seen | Purchase]:
        """The event's meaning to recommendations, and to messages that went. One that bears no item, or no value,
        means nothing to them.
        """
        seen: list[Seen | Purchase] = []
        for goal in self._goals(event.name):
            with suppress(NotJoinable):
                if goal.route.where is None or truthy(passes(goal.route, event)):
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


def _apart(others: Iterable[Plan]) -> dict[str, list[Plan]]:
    """The plans of other spaces, by campaign. Those that cannot be read are left out."""
    apart: dict[str, list[Plan]] = {}
    for other in others:
        with suppress(*MISREAD):  # was never read, and concerns no revision that came after it
            read_by(other, other.place)
            _goals(other)
            apart.setdefault(other.id, []).append(other)
    return apart


def _never(_name: str) -> bool:
    return False


def _goals(plan: Plan) -> list[tuple[str, _Goal]]:
    """How a plan reads the events that convert its messages, by the event's key."""
    goal = plan.convert
    if goal is None:
        return []
    worth = goal.worth(without_case if any(each.match == IGNORE_CASE for each in plan.constant) else folded)
    named = [(name, False) for name in goal.on] + [(name, True) for name in goal.undone_by]
    return [
        (plan.events.get(name, name), _Goal(route_of(plan, EXIT, name, plan.place), undoes, worth))
        for name, undoes in named
    ]


def _purchase(goal: _Goal, event: Event) -> Purchase:
    route = goal.route
    values = values_of(route, event)
    id_, max_age = event_id(event), route.plan.max_age
    return Purchase(
        route.place, id_, event.at, event.arrived, values, goal.undoes, max_age, event.properties, goal.worth
    )
