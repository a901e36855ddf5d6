"""Made-up shops: their users act by planted patterns, popularity and chance."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from holdfast.core.recommend.evaluation import Done

DAY_MS = 24 * 60 * 60_000
SPAN_MS = 30 * DAY_MS
HOUR_MS = 60 * 60_000
CLUSTER = 40
"""Items in a cluster, about."""


@dataclass(frozen=True, slots=True)
class World:
    """A made-up shop. The popularity of the nth item is 1 / n ** `skew`; each user does `each` things, on average.

    `pairs`: the probability that a related item follows an item, an hour to two days later. `clusters`: the probability
    that an item is one of the user's own cluster.
    """

    name: str
    skew: float
    pairs: float = 0.0
    clusters: float = 0.0
    users: int = 10_000
    items: int = 2_000
    each: float = 6.0


SKEWS = {0.0: "flat", 0.8: "skewed", 1.1: "very skewed"}
WORLDS = (
    *(
        World(f"pairs {share:.0%}, {how}", skew, pairs=share)
        for skew, how in SKEWS.items()
        for share in (0.05, 0.2, 0.5)
    ),
    *(World(f"clusters {share:.0%}, skewed", 0.8, clusters=share) for share in (0.3, 0.6)),
    World("a small shop, pairs 30%", 0.8, pairs=0.3, users=600, items=200, each=5.0),
    World("a small shop, clusters 60%", 0.8, clusters=0.6, users=600, items=200, each=5.0),
    World("noise", 0.8),
)


def history(world: World, seed: int = 1) -> Iterator[Done]:
    """The users' actions, from 0 to 30 days; in no order."""
    chance = random.Random(seed)  # noqa: S311  (no secret)
    weights = [1 / number**world.skew for number in range(1, world.items + 1)]
    everything = range(world.items), list(accumulate(weights))
    shuffled = chance.sample(range(world.items), world.items)
    partner = dict(zip(shuffled[::2] + shuffled[1::2], shuffled[1::2] + shuffled[::2], strict=True))
    clusters: list[list[int]] = [[] for _ in range(world.items // CLUSTER)]
    for item in range(world.items):
        chance.choice(clusters).append(item)
    within = [(cluster, list(accumulate(weights[item] for item in cluster))) for cluster in clusters]

    def drawn(items: tuple[range, list[float]] | tuple[list[int], list[float]]) -> int:
        return chance.choices(items[0], cum_weights=items[1])[0]

    for user in range(world.users):
        own = chance.choice(within)
        for _ in range(max(1, _poisson(chance, world.each))):
            at = chance.randrange(SPAN_MS)
            item = drawn(own if chance.random() < world.clusters else everything)
            yield Done(f"u{user}", at, str(item))
            if chance.random() < world.pairs and (then := at + chance.randrange(HOUR_MS, 2 * DAY_MS)) < SPAN_MS:
                yield Done(f"u{user}", then, str(partner[item]))


def _poisson(chance: random.Random, mean: float) -> int:
    """Knuth's way: how many uniform numbers, multiplied, stay above exp(-mean)."""
    number, product = 0, chance.random()
    while product > math.exp(-mean):
        number, product = number + 1, product * chance.random()
    return number
