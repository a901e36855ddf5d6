"""Traces of shoppers: seeded, so that the same arguments give the same events on every machine.

A session is one visit of a user: a basket of 1 to 8 products (Zipf: some are in every other basket), put in one by
one, some of them a second time; a third of the baskets are bought, most products of them, by one charge. Realistic
traces have views between, so that 8 % of the events are adds and charges; dense ones have none.

    python -m bench.traces --events 100000 --users 10000 > trace.jsonl

The lines are in the order of their arrival: some come late, some twice. `--flat` writes a charge of three products as
three events, and `--tidy` leaves out late events and copies: other engines need this.
"""

from __future__ import annotations

import heapq
import json
import math
import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, islice
from random import Random
from typing import Annotated, Any, NamedTuple, TypeAlias

import typer

ADDED, CHARGED, VIEWED = "added_to_cart", "charged", "viewed"
SECOND = 1000
MINUTE = 60 * SECOND
START = 1_830_000_000_000
"""When traces begin: in December 2027, so that nothing of them is due yet on the clock of this machine."""

BASKET = tuple(0.6**n for n in range(8))
"""How frequent baskets of 1, 2, … 8 products are, beside each other."""
GAP = 40 * SECOND
"""The mean between two adds of a session; and between the last one and the charge it is four times that."""
REPEATED, BOUGHT, LEFT = 0.10, 0.35, 0.15
"""The shares of adds that are repeated, of baskets that are bought, and of their products that then are left behind."""
RELEVANT = 0.08
"""The share of adds and charges in a realistic trace."""
LONGEST = 30 * MINUTE
"""No session takes longer, and nothing of one comes later."""
LATE = 30 * SECOND
"""How late (mean) those events come that are out of order; and the second copies of those that come twice."""

MARGIN = 10 * SECOND
"""Records that came or fell due so long before a slice may still be under way when it begins."""


class Event(NamedTuple):
    """`at` is when it happened, `arrives` when it comes in. A charge has all products of a basket, an add has its
    price.
    """

    arrives: int
    user: str
    name: str
    at: int
    products: tuple[str, ...]
    price: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """`rate` is events per second, views included; `users` is the number of people who share the sessions."""

    seed: int = 1
    users: int = 100_000
    products: int = 10_000
    rate: float = 1000.0
    views: bool = True
    duplicates: float = 0.01
    disorder: float = 0.01

    def events(self) -> Iterator[Event]:
        """An endless stream, in the order of arrival."""
        rng = Random(self.seed)  # noqa: S311  (a trace, no secret)
        waiting: list[Event] = []
        start = float(START)
        while True:
            start += rng.expovariate(self.sessions_per_second / SECOND)
            while waiting and waiting[0].arrives < start:
                yield heapq.heappop(waiting)
            for event in self.session(rng, int(start)):
                heapq.heappush(waiting, event)

    def slice(self, *, window: int, length: int) -> tuple[list[Event], list[Event]]:
        """Cut a slice out of an endless trace: the events that arrive in the `length` milliseconds from START on, and
        the earlier events of the sessions that still matter then. Those are not over, or one of their adds falls due
        (`window` milliseconds after it). Views are cut out, too, but without history.
        """
        rng = Random(self.seed)  # noqa: S311  (as above)
        sessions = replace(self, views=False)
        before: list[Event] = []
        within: list[Event] = []
        ends = START + length
        # Sessions begin at a constant rate, but those in between need not be generated: they have no effect.
        first = START - MARGIN - LONGEST
        spans = [(first, ends), (first - window, min(ends - window, first))]
        for begin, end in spans:
            at = float(begin)
            while (at := at + rng.expovariate(self.sessions_per_second / SECOND)) < end:
                events = [*sessions.session(rng, int(at))]
                times = [event.arrives for event in events]
                times += [event.at + window for event in events if event.name == ADDED]
                if any(START - MARGIN <= each < ends for each in times):
                    before += (event for event in events if event.arrives < START)
                    within += (event for event in events if START <= event.arrives < ends)
        if self.views:
            for _ in range(int(len(within) * (1 / RELEVANT - 1))):
                viewed = START + rng.randrange(length)
                within.append(Event(viewed, f"u-{rng.randrange(self.users)}", VIEWED, viewed, (self._product(rng),)))
        return sorted(before), sorted(within)

    @property
    def sessions_per_second(self) -> float:
        basket = sum(n * weight for n, weight in enumerate(BASKET, 1)) / sum(BASKET)
        relevant = basket * (1 + REPEATED) + BOUGHT
        return self.rate / (relevant / (RELEVANT if self.views else 1) * (1 + self.duplicates))

    def session(self, rng: Random, start: int) -> Iterator[Event]:
        """All events of one visit, in no order."""
        user = f"u-{rng.randrange(self.users)}"
        size = bisect_left(_cumulated(BASKET), rng.random()) + 1
        basket: dict[str, None] = {}
        while len(basket) < size:
            basket[self._product(rng)] = None
        at = start + rng.expovariate(1 / GAP)
        for product in basket:
            price = round(5 + rng.random() * 195, 2)
            yield from self._seen(rng, start, Event(0, user, ADDED, int(at), (product,), price))
            if rng.random() < REPEATED:
                again = int(at + rng.expovariate(1 / GAP)) + 1
                yield from self._seen(rng, start, Event(0, user, ADDED, again, (product,), price))
            at += rng.expovariate(1 / GAP)
        if rng.random() < BOUGHT:
            bought = tuple(product for product in basket if rng.random() >= LEFT) or (product,)
            charged = int(at + rng.expovariate(1 / (4 * GAP)))
            yield from self._seen(rng, start, Event(0, user, CHARGED, charged, bought))

    def _seen(self, rng: Random, start: int, event: Event) -> Iterator[Event]:
        """An add or a charge, with the views that led to it."""
        yield from self._arriving(rng, start, event)
        if self.views:
            per = 1 / RELEVANT - 1
            for _ in range(int(per) + (rng.random() < per % 1)):
                viewed = max(int(event.at - rng.expovariate(2 / GAP)), start)
                yield from self._arriving(rng, start, Event(0, event.user, VIEWED, viewed, (self._product(rng),)))

    def _arriving(self, rng: Random, start: int, event: Event) -> Iterator[Event]:
        at = min(event.at, start + LONGEST)
        arrives = at if rng.random() >= self.disorder else at + int(rng.expovariate(1 / LATE))
        arriving = event._replace(at=at, arrives=min(arrives, start + LONGEST))
        yield arriving
        if rng.random() < self.duplicates:
            yield arriving._replace(arrives=min(arrives + int(rng.expovariate(1 / LATE)), start + LONGEST))

    def _product(self, rng: Random) -> str:
        return f"p-{bisect_left(_zipf(self.products), rng.random())}"


TIDY: dict[str, Any] = {"duplicates": 0.0, "disorder": 0.0}
"""For a Trace that other engines are to read."""

Line: TypeAlias = dict[str, Any]


def line(event: Event, **more: Any) -> Line:
    """The event in Holdfast's plain form."""
    user, name, at, products, price = event[1:]
    product = products if name == CHARGED else products[0]
    priced = {} if price is None else {"price": price}
    return {"user": user, "event": name, "product": product, **priced, **more, "ts": at}


def flat_lines(event: Event) -> Iterator[Line]:
    """One line for each product, without data that only messages need: the input for Flink and SQL."""
    for product in event.products:
        yield {"user": event.user, "event": event.name, "product": product, "ts": event.at}


@cache
def _zipf(products: int) -> list[float]:
    return _cumulated(tuple(1 / n for n in range(1, products + 1)))


@cache
def _cumulated(weights: tuple[float, ...]) -> list[float]:
    total = math.fsum(weights)
    return [*(each / total for each in accumulate(weights[:-1])), 1.0]


def main(
    *,
    events: Annotated[int, typer.Option(help="How many lines.")] = 100_000,
    users: Annotated[int, typer.Option(help="How many users the sessions are shared between.")] = 10_000,
    rate: Annotated[float, typer.Option(help="Events per second.")] = 1000.0,
    seed: int = 1,
    dense: Annotated[bool, typer.Option(help="Adds and charges only.")] = False,
    flat: Annotated[bool, typer.Option(help="A charge of three products as three events.")] = False,
    tidy: Annotated[bool, typer.Option(help="Nothing late, nothing twice.")] = False,
) -> None:
    """Write a trace to standard output, an event a line."""
    trace = Trace(seed=seed, users=users, rate=rate, views=not dense, **(TIDY if tidy else {}))
    lines = (each for event in trace.events() for each in (flat_lines(event) if flat else (line(event),)))
    dump = json.JSONEncoder(separators=(",", ":")).encode
    for each in islice(lines, events):
        sys.stdout.write(dump(each) + "\n")


if __name__ == "__main__":
    typer.run(main)
