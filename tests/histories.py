"""Generated histories: what users did, with pairs planted in it, or with nothing in it but chance and popularity."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate

DAY = 24 * 60 * 60_000
START = 1_790_000_000_000


def history(
    *, seed: int, users: int = 3000, items: int = 300, pairs: int = 100, follows: float = 0.6, days: int = 60
) -> Iterator[dict[str, object]]:
    """Purchases, in the order of time: each user buys one to four items, as popular as the square of their number.

    Items 2n and 2n + 1 are a pair for n < `pairs`: who bought one buys the other some days later, with the probability
    `follows`. Without pairs there is nothing to find.
    """
    chance = random.Random(seed)
    weights = list(accumulate(1 / (number + 5) for number in range(items)))
    numbers = range(items)
    bought: list[tuple[int, str, int]] = []
    for user in range(users):
        at = START + chance.randrange((days - 10) * DAY)
        for item in chance.choices(numbers, cum_weights=weights, k=chance.randint(1, 4)):
            at += chance.randrange(2 * DAY)
            bought.append((at, f"user-{user}", item))
            if item < 2 * pairs and chance.random() < follows:
                bought.append((at + chance.randrange(DAY, 5 * DAY), f"user-{user}", item ^ 1))
    for at, who, item in sorted(bought):
        yield {"user": who, "event": "charged", "Items": [{"prod_id": f"item-{item}"}], "ts": at}
