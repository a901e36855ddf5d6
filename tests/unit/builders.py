"""Plans and events for tests: builders that hold the defaults, and Hypothesis strategies over small domains.

Times are milliseconds. The strategies keep to a grid of minutes, on which equal times are frequent.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from holdfast.core.events import Event, Json, Tick, event_key
from holdfast.core.fold.fold import fold
from holdfast.core.fold.forgetting import Limits
from holdfast.core.fold.watches import Decision, State
from holdfast.core.plans.hits import Hit, Input, Unreadable
from holdfast.core.plans.plan import Constant, Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.ranking import Recommender

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = 1_780_056_000_000
"""The minute 0 of tests."""

ADDED = "added to cart"
CHARGED = "charged"


def minute(number: float) -> int:
    """The time of a minute after noon."""
    return NOON + round(number * MINUTE)


def an_event(
    name: str = ADDED,
    *,
    at: int = NOON,
    arrived: int | None = None,
    user: str = "u-1",
    id: str = "",  # noqa: A002 (the field's own name)
    **properties: Json,
) -> Event:
    """An event; it arrives when it happens unless told otherwise."""
    return Event(user, name, at, at if arrived is None else arrived, properties, id)


def added(product: Json = "coat", at: int = NOON, **more: Any) -> Event:
    return an_event(ADDED, at=at, product_name=product, **more)


def charged(products: Any = "coat", at: int = NOON, **more: Any) -> Event:
    """One product, or a basket of them."""
    basket = products if isinstance(products, list | tuple) else [products]
    return an_event(CHARGED, at=at, Items=[{"prod_name": product} for product in basket], **more)


def a_tick(at: int = NOON, user: str = "u-1") -> Tick:
    return Tick(user, at)


PRODUCT = {ADDED: "product_name", CHARGED: "Items[].prod_name"}


def a_plan(
    id: str = "abandoned-cart",  # noqa: A002
    *,
    did: str | Sequence[str] = ADDED,
    did_not: str | Sequence[str] = CHARGED,
    constant: Mapping[str, str] | Mapping[str, Mapping[str, str]] | None = PRODUCT,
    where: Mapping[str, str] | None = None,
    within: int = 30 * MINUTE,
    **more: Any,
) -> Plan:
    """The README's campaign. `constant` is path by event, or (a composite key) path by event by property."""
    paths: dict[str, Any] = dict(constant or {})
    composite = paths if all(isinstance(path, Mapping) for path in paths.values()) else {"product": paths}
    return Plan(
        id=id,
        did=_keys(did),
        did_not=_keys(did_not),
        within=within,
        where={event_key(name): path for name, path in (where or {}).items()},
        constant=tuple(Constant(c, {event_key(n): path for n, path in by.items()}) for c, by in composite.items()),
        **more,
    )


def a_recommender(
    id: str = "also-bought",  # noqa: A002
    *,
    did: Mapping[str, str] | None = None,
    exclude_done: Mapping[str, str] | None = None,
    **more: Any,
) -> Recommender:
    """Recommends what goes with what the user bought."""
    by, done = ({event_key(name): path for name, path in (each or {}).items()} for each in (did, exclude_done))
    given: dict[str, Any] = {"catalog": "products", "did": by or {event_key(CHARGED): "Items[].prod_name"}, **more}
    return Recommender(id=id, exclude_done=done, **given)


def _keys(names: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(map(event_key, [names] if isinstance(names, str) else names))


def hits(plans: Plans, *events: Event) -> list[Hit]:
    """The hits of the events on the plans; those that are a problem leave a doubt."""
    found: list[Hit] = []
    for event in events:
        read, problems = plans.read(event)
        assert all(problem.doubt for problem in problems), problems
        found += read
    return found


def doubts(plans: Plans, *events: Event) -> list[Unreadable]:
    """The doubts that the events leave, as they cannot be read."""
    return [problem.doubt for event in events for problem in plans.read(event)[1] if problem.doubt]


LIMITS = Limits(waiting=4 * DAY)
"""The events queue keeps what nobody takes for four days."""


class History:
    """One user's state, folded batch by batch."""

    def __init__(self, *plans: Plan, limits: Limits = LIMITS, recommenders: Iterable[Recommender] = ()) -> None:
        self.plans = Plans(plans or [a_plan()], recommenders)
        self.limits = limits
        self.state = State()
        self.decisions: list[Decision] = []

    def fold(self, *inputs: Event | Tick, now: int) -> list[Decision]:
        """Fold one batch; answers what was decided."""
        known: list[Input] = []
        for one in inputs:
            if isinstance(one, Tick):
                known.append(one)
            else:
                known += [*hits(self.plans, one), *doubts(self.plans, one), *self.plans.seen(one)]
        self.state, decisions = fold(self.state, known, self.plans, now, self.limits)
        self.decisions += decisions
        return decisions

    def tick(self, now: int) -> list[Decision]:
        return self.fold(a_tick(now), now=now)


# Strategies. The domains are small, so that values meet, times are equal, and ages are exactly the limit.

VALUES: Sequence[Json] = ("a", "b", 1, "1", 1.0, " a ")
"""Three values, some of them written in several ways."""


def times(first: int = 0, last: int = 12) -> st.SearchStrategy[int]:
    """Minutes after noon."""
    return st.integers(first, last).map(minute)


def _properties(products: Sequence[Json]) -> list[dict[str, Json]]:
    """Properties that the campaigns of the tests read: the product and the items bought, alone and with others."""
    found: list[dict[str, Json]] = []
    for number, product in enumerate(products):
        others = [products[(number + step) % len(products)] for step in (1, 2)]
        for size, bought in ((1, [product]), (2, [product]), (1, [product, others[0]]), (2, [*others, product])):
            items: list[Json] = [{"prod_name": each, "size": 1 + (size + at) % 2} for at, each in enumerate(bought)]
            found += [{"product_name": product, "size": size, "price": price, "Items": items} for price in (10, 20)]
    return found


def events(
    names: Sequence[str] = (ADDED, CHARGED), products: Sequence[Json] = VALUES, last: int = 12
) -> st.SearchStrategy[Event]:
    """Events of one user, bearing values in every way that a campaign of the tests looks for.

    Some arrive late, some are history, some are a minute ahead. Their ids are hashes: in no order of any meaning.
    """
    return st.builds(
        lambda name, at, late, properties: an_event(name, at=at, arrived=at + late * MINUTE, **properties),
        st.sampled_from(names),
        times(0, last),
        st.sampled_from([0, 0, 0, 1, 2, 4, 5, -1]),
        st.sampled_from(_properties(products)),
    )


def batches(inputs: Iterable[Any], rng: random.Random) -> list[list[Any]]:
    """The inputs in their order, cut at random places."""
    cut: list[list[Any]] = [[]]
    for each in inputs:
        if rng.random() < 0.5:
            cut.append([])
        cut[-1].append(each)
    return cut
