"""How long it takes until a comparison is clear, by traffic and effect: `python -m tools.power` prints the table of
`docs/measure.md`.

Each cell is the median of simulated campaigns: one in ten users converts without a message, one in ten is held back,
and the interval is looked at once a day. The random numbers are the same in each run.
"""

from __future__ import annotations

import random
from statistics import NormalDist, median

from holdfast.core.measure.uplift import Group, is_clear

RATE, HELD, DAYS, RUNS = 0.1, 0.1, 90, 25
TRAFFIC = (100, 300, 1_000, 3_000, 10_000)
"""Users of a campaign that are due a day, for the first time."""
EFFECTS = (0.01, 0.02, 0.05, 0.1, 0.2)
FEW = 300
"""Up to so many, each is drawn; of more, the sum is, by the normal distribution with the same mean and variance."""


def converted(rng: random.Random, users: int, share: float) -> int:
    if users <= FEW:
        return sum(rng.random() < share for _ in range(users))
    number = NormalDist(users * share, (users * share * (1 - share)) ** 0.5).inv_cdf(1 - rng.random())
    return min(max(round(number), 0), users)


def days_until_clear(rng: random.Random, users: int, effect: float) -> float:
    """Infinite where it is not clear after `DAYS`."""
    held, sent = round(users * HELD), users - round(users * HELD)
    treated, control = Group(0, 0), Group(0, 0)
    for day in range(1, DAYS + 1):
        treated = Group(treated.users + sent, treated.converted + converted(rng, sent, RATE + effect))
        control = Group(control.users + held, control.converted + converted(rng, held, RATE))
        if is_clear(treated, control):
            return day
    return float("inf")


def table() -> str:
    heads = " | ".join(f"{effect * 100:.0f} points".replace("1 points", "1 point") for effect in EFFECTS)
    lines = [f"| users a day | {heads} |", "|---|" + "---|" * len(EFFECTS)]
    for users in TRAFFIC:
        rng = random.Random(users)  # noqa: S311 (a simulation)
        found = [median(days_until_clear(rng, users, effect) for _ in range(RUNS)) for effect in EFFECTS]
        cells = " | ".join("more than 90" if days > DAYS else f"{days:.0f}" for days in found)
        lines.append(f"| {users:,} | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())  # noqa: T201
