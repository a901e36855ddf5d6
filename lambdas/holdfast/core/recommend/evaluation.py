"""How good recommendations are: history is split by time, the earlier part is built from, the later part asks.

A trial is a moment of the later part at which a user with earlier items did something with new ones. The recommendation
uses the user's last items before that moment; it is a hit if one of the new items is among the first k. What is
popular, without what the user had, stands beside it: by the same trials, and counted from the same history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from holdfast.core.recommend.ranking import Neighbour, ranked

SEEDS = 3
"""A user's last items, by which is recommended."""
SIZES = (3, 10)


class Done(NamedTuple):
    """Who did it to which item, and when (epoch milliseconds)."""

    who: str
    at: int
    item: str


class Trial(NamedTuple):
    seeds: tuple[str, ...]
    had: frozenset[str]
    wanted: frozenset[str]


def trials(history: Iterable[Done], split: int) -> Iterator[Trial]:
    """The trials from `split` on, of a history in the order of users and times."""
    for _, of_user in groupby(history, key=lambda done: done.who):
        had: dict[str, None] = {}
        for at, moment in groupby(of_user, key=lambda done: done.at):
            items = dict.fromkeys(done.item for done in moment)
            wanted = frozenset(items.keys() - had.keys())
            if at >= split and had and wanted:
                yield Trial(tuple(had)[-SEEDS:][::-1], frozenset(had), wanted)
            for item in items:
                had.pop(item, None)
                had[item] = None


@dataclass
class Scores:
    """The scores of one way to recommend, by k: the trials that it hit, and all items that it named in the first k."""

    hits: dict[int, int] = field(default_factory=lambda: dict.fromkeys(SIZES, 0))
    named: dict[int, set[str]] = field(default_factory=lambda: {k: set() for k in SIZES})

    def add(self, recommended: Sequence[str], wanted: frozenset[str]) -> None:
        for k in SIZES:
            first = recommended[:k]
            self.hits[k] += not wanted.isdisjoint(first)
            self.named[k].update(first)


@dataclass
class Evaluation:
    """`known` are the trials in which what came first was there because of the user's items, not because it is popular.

    `items` is how many the earlier part has: the coverage is how many of them were ever recommended.
    """

    items: int
    trials: int = 0
    known: int = 0
    recommended: Scores = field(default_factory=Scores)
    popular: Scores = field(default_factory=Scores)

    def rates(self, scores: Scores) -> dict[str, float]:
        hit_rates = {f"hit_rate_{k}": _share(scores.hits[k], self.trials) for k in SIZES}
        return hit_rates | {f"coverage_{k}": _share(len(scores.named[k]), self.items) for k in SIZES}


def evaluate(
    asked: Iterable[Trial],
    rows: Mapping[str, Sequence[Neighbour]],
    popular: Sequence[Neighbour],
    *,
    items: int,
    fallback: bool,
    step: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Recommend for each trial by a build's rows, with what is popular after it where that is the `fallback`."""
    evaluation = Evaluation(items)
    for seeds, had, wanted in asked:
        found = ranked(rows, seeds, popular=popular if fallback else (), without=had)
        evaluation.trials += 1
        evaluation.known += bool(found) and found[0].because is not None
        evaluation.recommended.add([each.item for each in found], wanted)
        evaluation.popular.add([each.item for each in popular if each.item not in had], wanted)
        step()
    return evaluation


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
