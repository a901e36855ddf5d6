"""People: which ids are one person, by what is stored of them and by the ties that came in.

    stored      anon-7 ─► u-1          anon-7 points to u-1: all that comes under it is u-1's
    comes in    u-1 is u-9             u-1 joins u-9: its state goes there, and it points there from now on
    then        anon-7 ─► u-1 ─► u-9   a chain, read to its end

An id joins one person, once, and never leaves. If two ties contradict each other, the first counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from holdfast.core.events import Tie

MOST_IDS = 40
"""The other ids that a person may have. More are a mistake of a sender's, such as one user for all.

All that join at once are two items each in one transaction, which takes 100.
"""
LONGEST_CHAIN = 8
"""So many pointers may have to be followed from an id to its person: each costs a read."""

Ids = Mapping[str, int]
"""A person's other ids, and how many pointers lead from each to the person."""
NO_IDS: Ids = {}


class Refused(NamedTuple):
    """A tie without effect, and why. An `odd` tie is a sender's mistake; the other kind comes from a device on which
    somebody else was known before.
    """

    tie: Tie
    reason: str
    odd: bool


class People(NamedTuple):
    """`persons` are the persons of the ids that are another's. `joining` are the ids that join a person now."""

    persons: Mapping[str, str]
    joining: Mapping[str, tuple[str, ...]]
    refused: tuple[Refused, ...] = ()

    def person(self, id_: str) -> str:
        return self.persons.get(id_, id_)


NOBODY_ELSE = People({}, {})


def who_is_who(pointers: Mapping[str, str], ties: Iterable[Tie], ids: Mapping[str, Ids]) -> People:
    """The persons behind all ids that are named. `pointers` and `ids` (persons' other ids) are what is stored."""
    draft = _Draft(pointers, ids)
    refused = [each for tie in sorted(set(ties)) if (each := draft.tie(tie))]
    return draft.people([again for each in refused if (again := draft.tie(each.tie))])  # others may have tied them


def with_id(ids: Ids, alias: str, others: Ids) -> dict[str, int]:
    """A person's other ids with one that joins, and what had joined that."""
    found = {**ids}
    for id_, length in ((alias, 1), *((id_, length + 1) for id_, length in others.items())):
        found[id_] = max(length, found.get(id_, 0))
    return found


class _Draft:
    """The pointers between ids, while ties are made. An id without a pointer is a person."""

    def __init__(self, pointers: Mapping[str, str], ids: Mapping[str, Ids]) -> None:
        self._stored = pointers
        self._pointers = dict(pointers)
        self._ids = dict(ids)

    def find(self, id_: str) -> str:
        """The person. A circle, which nothing here makes, ends where it began."""
        seen = {id_}
        while (next_ := self._pointers.get(id_)) is not None and next_ not in seen:
            seen.add(next_)
            id_ = next_
        return id_

    def tie(self, tie: Tie) -> Refused | None:
        person, other = self.find(tie.user), self.find(tie.alias)
        if person == other:
            circle = tie.alias == person
            return (
                Refused(tie, f"a circle: {tie.user} is an alias of {tie.alias} already", odd=True) if circle else None
            )
        if other != tie.alias:
            return Refused(tie, f"{tie.alias} belongs to another user already", odd=tie.alone)
        ids = with_id(self._ids.get(person, NO_IDS), tie.alias, self._ids.get(tie.alias, NO_IDS))
        if len(ids) > MOST_IDS:
            return Refused(tie, f"too many ids: a user may have {MOST_IDS} others", odd=True)
        if max(ids.values()) > LONGEST_CHAIN:
            why = f"too long a chain of ids: {LONGEST_CHAIN} may lead from one to the next; tie them to one user"
            return Refused(tie, why, odd=True)
        self._ids[person] = ids
        self._pointers[tie.alias] = person
        return None

    def people(self, refused: Iterable[Refused]) -> People:
        persons = {id_: self.find(id_) for id_ in self._pointers}
        joining: dict[str, tuple[str, ...]] = {}
        for id_ in sorted(self._pointers.keys() - self._stored.keys()):
            joining[persons[id_]] = (*joining.get(persons[id_], ()), id_)
        return People(persons, joining, tuple(refused))
