"""Filters of campaigns that no event passes: a mistake in one, else, looks as if nobody had done anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.hints import Known, hints
from holdfast.core.events import Event, Json, event_key
from holdfast.core.gate.policy import Policy
from holdfast.core.intake.shapes import Observed, Shapes
from holdfast.core.paths import Search, truthy
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.plans.reading import Route
from holdfast.core.recommend.ranking import Recommender

Filter: TypeAlias = tuple[str, str]
"""A campaign, and the key of an event in it."""


class Tried(NamedTuple):
    """The result of a filter: whether any event came, whether any passed, and what they were like if none did."""

    came: bool
    passed: bool
    event: Shapes

    def with_(self, other: Tried) -> Tried:
        shapes = self.event.shapes | other.event.shapes
        return Tried(self.came or other.came, self.passed or other.passed, self.event._replace(shapes=shapes))


class _Trial:
    """A filter that notes whether any event passes it. Once one has, nothing more is noted."""

    def __init__(self, where: Search, name: str) -> None:
        self._where = where
        self._name = name
        self._passed = False
        self._like = Observed()

    def __call__(self, properties: Mapping[str, Json]) -> Json:
        found = self._where(properties)
        if not self._passed:
            self._passed = truthy(found)
            self._like.see(Event("", self._name, 0, 0, properties))
        return found

    def taken(self) -> Tried:
        """The result since the last call."""
        shapes = self._like.news.get(event_key(self._name))
        tried = Tried(shapes is not None, self._passed, shapes or Shapes(self._name))
        self._passed, self._like = False, Observed()
        return tried


class TryingPlans(Plans):
    """Plans whose filters are tried."""

    def __init__(self, plans: Iterable[Plan], recommenders: Iterable[Recommender], policy: Policy) -> None:
        super().__init__(plans, recommenders, policy=policy)
        self._trials: dict[Filter, _Trial] = {}
        routes, goals = self._routes, self._goals
        self._routes = lru_cache(maxsize=4096)(lambda name: [self._trying(each, name) for each in routes(name)])
        self._goals = lru_cache(maxsize=4096)(
            lambda name: [each._replace(route=self._trying(each.route, name)) for each in goals(name)]
        )

    def _trying(self, route: Route, name: str) -> Route:
        if route.where is None:
            return route
        return route._replace(where=self._trials.setdefault((route.plan.id, route.name), _Trial(route.where, name)))

    def taken(self) -> dict[Filter, Tried]:
        """The results since the last call."""
        return {key: trial.taken() for key, trial in self._trials.items()}


def all_tried(found: Iterable[Mapping[Filter, Tried]]) -> dict[Filter, Tried]:
    together: dict[Filter, Tried] = {}
    for each in found:
        for key, tried in each.items():
            together[key] = together[key].with_(tried) if key in together else tried
    return together


class NonePassed(NamedTuple):
    """A filter that no event passed, with hints at the reason."""

    campaign: str
    event: str
    where: str
    hints: str


def none_passed(
    campaigns: Iterable[Campaign], plans: Mapping[str, Plan], tried: Mapping[Filter, Tried]
) -> Iterator[NonePassed]:
    for campaign in campaigns:
        plan = plans[campaign.id]
        for key, where in plan.where.items():
            found = tried.get((plan.id, key))
            if found and found.came and not found.passed:
                seen = {event_key(found.event.name): found.event}
                said = (hint.message for hint in hints(campaign, Known(seen)) if _is_of(key, hint.place))
                yield NonePassed(plan.id, plan.name_of(key), where, "; ".join(said))


def _is_of(key: str, place: Sequence[str | int]) -> bool:
    """Whether a place in a campaign's file is the filter of an event."""
    match place:
        case ("when", "where", str(name)) | ("events", str(name), "where"):
            return event_key(name) == key
    return False
