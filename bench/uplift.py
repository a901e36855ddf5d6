"""Checks that `holdfast stats` and the console are right about a campaign's effect on any day. Simulated campaigns with
a known truth are looked at every hour for thirty days: `python -m bench.uplift`.

Each person becomes due once, and is held back or not. Purchases follow within `WITHIN`; some arrive late, and some are
taken back. Some persons come under two ids, which are due before they are tied together: both are counted, each in its
own group, and a purchase counts for both. As in the report, users are compared once nothing can follow any more.

Prints the results, and exits with an error if a bound is broken: in more than 5 % of the campaigns the interval
ever misses the truth, or an effect is declared where there is none. The random numbers are the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from typing import Annotated, Any, NamedTuple

import typer

from bench.campaign import a_campaign
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.measure.report import DAY_MS, HOUR_MS, plain_dashboard, reported
from holdfast.core.measure.uplift import ALPHA, Group, covers, is_clear
from holdfast.core.messages.scores import Arm, Score
from holdfast.core.messages.statistics import day
from holdfast.core.plans.plan import Plan
from holdfast_cli.output import Json, err, print_rows

LOOKS = 30 * 24
"""One an hour, from the hour on in which the first user counts."""
WITHIN, MAX_AGE = 48, 24
"""Hours to convert, and by how many hours an event may be late."""
RIPE = WITHIN + MAX_AGE + 1
"""Hours after which nothing follows a message any more."""
LATE, BACK, TWO_IDS = 0.2, 0.1, 0.02
"""Shares: of events that are late, of purchases that are taken back, of persons with two ids."""
APART = 24
"""Hours at most between the messages to two ids of a person."""
START = 20_000 * DAY_MS
SENT, HELD = Arm(1), Arm(1, "", "control")
ARMS = (SENT, HELD)

EFFECTS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
TRAFFIC, SHARES, RATES = (1, 4, 16), (0.1, 0.5), (0.02, 0.1, 0.3)
"""Persons an hour; the share of them that is held back; the share that converts without a message."""


class World(NamedTuple):
    """A campaign, and the truth about it."""

    persons: int
    held: float
    rate: float
    effect: float
    seed: str


class Seen(NamedTuple):
    """The result of all looks at one campaign.

    `missed`: an interval did not contain the truth. `right`, `wrong`: an effect was declared in the true direction, or
    in another. `plain`: a plain dashboard called something significant. `agrees`: the report of the last day counts the
    same users, and says the same.
    """

    missed: bool
    right: bool
    wrong: bool
    plain: bool
    agrees: bool


class Counters:
    """The counters as in the statistics table, at any moment: by the hour of the message and by arm."""

    def __init__(self, hours: int) -> None:
        self.users = [[0, 0] for _ in range(hours)]
        self.converted = [[0, 0] for _ in range(hours)]

    def by_day(self, hours: int) -> Mapping[str, Mapping[Arm, Score]]:
        found: dict[str, dict[Arm, Score]] = {}
        for hour in range(hours):
            of = found.setdefault(day(START + hour * HOUR_MS), dict.fromkeys(ARMS, Score()))
            for arm, users, converted in zip(ARMS, self.users[hour], self.converted[hour], strict=True):
                of[arm] = Score(users=of[arm].users + users, users_converted=of[arm].users_converted + converted)
        return found


def live(world: World) -> Iterator[Counters]:
    """The counters after each hour."""
    rng = random.Random(world.seed)  # noqa: S311 (a simulation)
    hours = LOOKS + RIPE
    counters = Counters(hours + APART)
    coming: list[list[tuple[int, int, int]]] = [[] for _ in range(hours + RIPE + APART)]
    for hour in range(hours):
        for _ in range(world.persons):
            ids = [(hour, int(rng.random() < world.held))]
            if rng.random() < TWO_IDS:
                ids.append((hour + rng.randint(1, APART), int(rng.random() < world.held)))
            for of, arm in ids:
                counters.users[of][arm] += 1
            sent = any(ARMS[arm] is SENT for _, arm in ids)
            if rng.random() < (world.rate + world.effect * sent) / (1 - BACK):
                for at, sign in _purchase(rng, ids[0][0], ids[-1][0]):
                    coming[at] += [(of, arm, sign) for of, arm in ids]
        for of, arm, sign in coming[hour]:
            counters.converted[of][arm] += sign
        yield counters


def _purchase(rng: random.Random, first: int, last: int) -> Iterator[tuple[int, int]]:
    """When a purchase arrives that follows the messages of these hours, and when it is taken back."""
    at = rng.randint(last, first + WITHIN)
    arrives = at + _late(rng)
    if rng.random() < BACK:
        undone = rng.randint(at, first + WITHIN) + _late(rng)
        if undone <= arrives:
            return  # it was undone before it was known
        yield undone, -1
    yield arrives, 1


def _late(rng: random.Random) -> int:
    return rng.randint(1, MAX_AGE) if rng.random() < LATE else 0


def looked_at(world: World) -> Seen:
    missed = right = wrong = plain = False
    sums = [[0, 0], [0, 0]]
    groups = (Group(0, 0), Group(0, 0))
    counters = Counters(0)
    for hour, counters in enumerate(live(world)):
        ripe = hour - RIPE
        if ripe < 0:
            continue
        for arm, of in enumerate(sums):
            of[0] += counters.users[ripe][arm]
            of[1] += counters.converted[ripe][arm]
        groups = Group(*sums[0]), Group(*sums[1])
        missed = missed or not covers(*groups, world.effect)
        plain = plain or _significant(plain_dashboard(groups))
        if not (right and wrong) and is_clear(*groups):
            better = _share(groups[0]) > _share(groups[1])
            right, wrong = right or (better and world.effect > 0), wrong or not (better and world.effect > 0)
    return Seen(missed, right, wrong, plain, _agrees(counters))


def _agrees(counters: Counters) -> bool:
    """Whether the report after the last look uses the same users."""
    now = START + (LOOKS + RIPE) * HOUR_MS
    (found,) = reported(_plan(), counters.by_day(LOOKS + RIPE), {1}, now).comparisons
    whole = range(LOOKS // 24 * 24)
    sent, held = (
        Group(sum(counters.users[hour][arm] for hour in whole), sum(counters.converted[hour][arm] for hour in whole))
        for arm in range(len(ARMS))
    )
    return (found.treated, found.control) == (sent, held) and (found.verdict != "not yet") == is_clear(sent, held)


@cache
def _plan() -> Plan:
    made = a_campaign(max_age=MAX_AGE * 3600).model_dump(mode="json", by_alias=True)
    return Campaign.model_validate({**made, "convert": {"within": f"{WITHIN} hours"}}).plan()


def _share(group: Group) -> float:
    return group.converted / max(group.users, 1)


def _significant(sentence: str) -> bool:
    return sentence.endswith(" significant.") and not sentence.endswith(" not significant.")


def worlds(effect: float, count: int) -> list[World]:
    """The same number of campaigns of every kind."""
    kinds = [*product(TRAFFIC, SHARES, RATES)]
    return [World(*kinds[number % len(kinds)], effect, f"{effect} {number}") for number in range(count)]


def tried(effect: float, campaigns: int) -> list[Seen]:
    """Run in processes, as the looks are CPU-bound."""
    with ProcessPoolExecutor() as pool:
        return [*pool.map(looked_at, worlds(effect, campaigns), chunksize=10)]


def row(effect: float, seen: Sequence[Seen]) -> dict[str, Any]:
    return {
        "effect": f"{effect * 100:.0f} points",
        "campaigns": len(seen),
        "ever missed the truth": _percent(each.missed for each in seen),
        "ever declared": _percent(each.right for each in seen) if effect else "",
        "ever wrongly declared": _percent(each.wrong for each in seen),
        "plain dashboard: ever significant": _percent(each.plain for each in seen),
    }


def broken(effect: float, seen: Sequence[Seen]) -> list[str]:
    """The bounds that do not hold."""
    most = ALPHA * len(seen)
    found = {
        "the interval ever misses the truth in more than 5 %": sum(each.missed for each in seen) > most,
        "an effect that there is not is declared in more than 5 %": sum(each.wrong for each in seen) > most,
        "the report counts or says something else": not all(each.agrees for each in seen),
    }
    return [f"{effect * 100:.0f} points: {what}" for what, is_so in found.items() if is_so]


def _percent(of: Iterable[bool]) -> str:
    each = [*of]
    return f"{sum(each) / len(each):.1%}"


def main(
    *,
    campaigns: Annotated[
        int, typer.Option(help="So many without an effect, and with all others together.", min=5)
    ] = 2000,
    json: Json = False,
) -> None:
    """Print for each effect how often an interval ever missed it; exit with an error where that is too often."""
    rows, wrong = [], []
    for effect in EFFECTS:
        seen = tried(effect, campaigns // (len(EFFECTS) - 1) if effect else campaigns)
        rows.append(row(effect, seen))
        wrong += broken(effect, seen)
    print_rows(rows, [*rows[0]], as_json=json, title=f"{LOOKS} looks at each campaign")
    for each in wrong:
        err.print(f"[red]{each}[/]")
    if wrong:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
