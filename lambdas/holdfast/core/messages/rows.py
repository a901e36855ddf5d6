"""The rows that messages need, and the rows that were found: for deliver, which reads tables, and for files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import TypeAlias

from holdfast.core.catalog.rows import BY_NAME, IDENTITY, Match, Place, Values, named, place, places, wanted
from holdfast.core.messages.detail import Found, Shown
from holdfast.core.messages.rendering import ToRender
from holdfast.core.plans.plan import Plan
from holdfast.core.recommend.ranking import (
    POPULAR,
    Neighbour,
    Recommended,
    Recommender,
    latest_first,
    pointer_key,
    ranked,
    row_key,
)

Neighbours: TypeAlias = Callable[[str, str], Sequence[Neighbour]]
"""The items that go with an item, by the recommendation's name and the item."""
Personal: TypeAlias = Callable[[str, str, Sequence[str], int], Sequence[Recommended] | None]
"""Amazon Personalize's answer: by its ARN, the user, the user's own items, and how many."""


class Asking:
    """The rows that some messages need, and those that were found so far."""

    def __init__(self, messages: Mapping[int, ToRender], recommenders: Mapping[str, Recommender]) -> None:
        self.messages = messages
        self.candidates: dict[tuple[int, str], Sequence[Recommended]] = {}
        self._recommenders = recommenders
        self._wanted = {number: wanted(message.plan, message.decision) for number, message in messages.items()}

    def names(self) -> list[str]:
        return list(dict.fromkeys(recommender.id for _, recommender in self.each()))

    def each(self) -> Iterator[tuple[int, Recommender]]:
        """Every message with every recommendation that it names; one that is gone recommends nothing."""
        for number, message in self.messages.items():
            for name in message.plan.recommendations:
                if name in self._recommenders:
                    yield number, self._recommenders[name]

    def rows(self) -> Iterator[Place]:
        for wanted_ in self._wanted.values():
            for each in wanted_.values():
                yield from (where for where in each if where)

    def neighbours(self, builds: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
        for number, recommender in self.each():
            if build := builds.get(recommender.id):
                for item in self._items(number, recommender):
                    yield recommender.id, build, item

    def _items(self, number: int, recommender: Recommender) -> list[str]:
        """The items whose neighbours are looked up."""
        seeds = self.messages[number].decision.recent.get(recommender.id, {})
        return [*(() if recommender.personalize else seeds), *([POPULAR] if recommender.popular else [])]

    def rank(self, neighbours: Neighbours, personal: Personal | None = None) -> None:
        """Chooses the recommended items among those with rows: neighbours of the user's own items, or Personalize's
        answer.
        """
        for number, recommender in self.each():
            message = self.messages[number]
            seeds = latest_first(message.decision.recent.get(recommender.id, {}))
            without = message.decision.done.get(recommender.id, {})
            known = {seed: neighbours(recommender.id, seed) for seed in seeds if not recommender.personalize}
            popular = neighbours(recommender.id, POPULAR) if recommender.popular else ()
            candidates = ranked(known, seeds, popular=popular, without=without)
            if recommender.personalize and personal:
                answer = personal(recommender.personalize, message.user, seeds, 2 * recommender.limit)
                own = {*seeds, *without}
                candidates = [each for each in answer or () if each.item not in own] or candidates
            self.candidates[number, recommender.id] = candidates

    def missing_rows(self, rows: Mapping[Place, Values | None]) -> list[Place]:
        """The next rows to look at: for each recommendation without enough items, twice as many as it still needs."""
        places: list[Place] = []
        for number, recommender in self.each():
            shown = self._shown(number, recommender, rows)
            if len(shown) < recommender.limit:
                candidates = self.candidates[number, recommender.id]
                unknown = (w for each in candidates if (w := _of(recommender, each)) not in rows)
                places += islice(unknown, 2 * recommender.limit)
        return list(dict.fromkeys(places))

    def _shown(self, number: int, recommender: Recommender, rows: Mapping[Place, Values | None]) -> list[Shown]:
        candidates = self.candidates.get((number, recommender.id), ())
        known = ((row, each) for each in candidates if (row := rows.get(_of(recommender, each))))
        return [Shown(row, each) for row, each in known if _passes(recommender, row)][: recommender.limit]

    def found(self, rows: Mapping[Place, Values | None]) -> dict[int, Found]:
        recommended: dict[int, dict[str, Sequence[Shown]]] = {}
        for number, message in self.messages.items():
            recommended[number] = dict.fromkeys(message.plan.recommendations, ())
        for number, recommender in self.each():
            recommended[number][recommender.id] = self._shown(number, recommender, rows)
        there = {where: row for where, row in rows.items() if row is not None}
        return {
            number: Found(named(message.plan, message.decision, there), recommended[number])
            for number, message in self.messages.items()
        }

    def lacking(self, unread: set[Place], builds: Mapping[str, str]) -> set[int]:
        """The messages that need something which could not be read."""
        if not unread:
            return set()
        lacking = {
            number
            for number, places in self._wanted.items()
            if any(where in unread for each in places.values() for where in each)
        }
        for number, recommender in self.each():
            keys = {Place(pointer_key(recommender.id), "live")}
            build = builds.get(recommender.id, "")
            keys |= {Place(row_key(recommender.id, build, item), "-") for item in self._items(number, recommender)}
            keys |= {_of(recommender, each) for each in self.candidates.get((number, recommender.id), ())}
            if keys & unread:
                lacking.add(number)
        return lacking


def _of(recommender: Recommender, each: Recommended) -> Place:
    return place(recommender.catalog, {IDENTITY: each.item})


def _passes(recommender: Recommender, row: Values) -> bool:
    return all(row.get(column) in values for column, values in recommender.include.items()) and not any(
        row.get(column) in values for column, values in recommender.exclude.items()
    )


class RowsInMemory:
    """Catalogs and recommendations that were read from files, in place of the catalog table's."""

    def __init__(
        self,
        rows: Mapping[Place, Values] = MappingProxyType({}),
        neighbours: Mapping[str, Mapping[str, Sequence[Neighbour]]] = MappingProxyType({}),
        recommenders: Mapping[str, Recommender] = MappingProxyType({}),
    ) -> None:
        self._rows = rows
        self._neighbours = neighbours
        self._recommenders = recommenders

    def __call__(self, messages: Mapping[int, ToRender], /) -> Callable[[int], Found]:
        asking = Asking(messages, self._recommenders)
        asking.rank(lambda name, item: self._neighbours.get(name, {}).get(item, ()))
        rows = {where: self._rows.get(where) for where in asking.rows()}
        while more := asking.missing_rows(rows):
            rows |= {where: self._rows.get(where) for where in more}
        return asking.found(rows).__getitem__


def found_by(catalog: str, plans: Iterable[Plan]) -> Match:
    """The sets of columns by which the campaigns look rows up: those by which a catalog has to be imported."""
    sets = {tuple(sorted(plan.catalogs[catalog])) for plan in plans if catalog in plan.catalogs}
    return tuple(sorted({*BY_NAME, *(columns for columns in sets if IDENTITY not in columns)}))


def placed(catalog: str, match: Match, rows: Iterable[Values]) -> dict[Place, Values]:
    """The rows of a catalog's file where an import would put them. Of equal keys the last row counts."""
    return {where: row for row in rows for where in places(catalog, match, row)}
