"""The persons behind the ids of a batch: reads the items of the ids, and follows their pointers until it finds a
person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeAlias

from holdfast.aws.tables.users import EMPTY, PARTS, Item, Key, Save
from holdfast.core.events import ProfileChange, Tie
from holdfast.core.fold.stored import decode
from holdfast.core.intake.batch import Intake
from holdfast.core.people.people import LONGEST_CHAIN, NO_IDS, NOBODY_ELSE, Ids, People, who_is_who
from holdfast.core.plans.hits import Input

CALLS = LONGEST_CHAIN + 2
"""A chain is read pointer by pointer; and those that join once more."""


class Persons(NamedTuple):
    """Some ids of a batch, by person: what was read, and what is to be folded. `ids` are the keys that came in, by the
    key that they are folded into; `asked` the profiles by which something may be decided.
    """

    items: Mapping[Key, Item]
    unread: set[Key]
    people: People
    ids: Mapping[Key, Collection[Key]]
    asked: set[Key]
    inputs: Mapping[str, Sequence[Input]]
    changes: Mapping[str, Sequence[ProfileChange]]

    def joining(self, person: str) -> tuple[str, ...]:
        return self.people.joining.get(person, ())

    def pointers(self, person: str) -> list[Save]:
        """The writes that leave a pointer to the person in the place of each id that joins."""
        return [
            Save((id_, part), EMPTY[part], self.items.get((id_, part)), person=person)
            for id_ in self.joining(person)
            for part in PARTS
        ]


Found: TypeAlias = tuple[dict[Key, Item], set[Key]]
"""The users' items that there are, and the keys that could not be read."""


def gather(
    users: Callable[[set[Key]], Found | None], intake: Intake, waiting: set[Key], asked: set[Key], found: Found | None
) -> Persons | None:
    """The records to fold, by person. `found` was read of `waiting` and `asked`; whoever has no pointer and is not tied
    to anybody costs no further read. None where `users` could not go on.
    """
    if found is None:
        return None
    items, unread = found
    ties = [tie for tie in intake.ties if (tie.user, "watches") in waiting]
    read = waiting | asked
    people = _people(items, ties)
    for _ in range(CALLS):
        missing = _needed(people, waiting | asked) - read
        if not missing:
            break
        if (more := users(missing)) is None:
            return None
        items, unread, read = items | more[0], unread | more[1], read | missing
        people = _people(items, ties)
    else:
        unread = unread | missing
    if people is NOBODY_ELSE:
        return Persons(items, unread, people, {key: (key,) for key in waiting}, asked, intake.inputs, intake.changes)
    return _by_person(intake, waiting, asked, Persons(items, unread, people, {}, set(), {}, {}))


def _by_person(intake: Intake, waiting: set[Key], asked: set[Key], persons: Persons) -> Persons:
    person = persons.people.person
    ids: dict[Key, list[Key]] = {(each, part): [] for each in persons.people.joining for part in PARTS}
    inputs: dict[str, list[Input]] = defaultdict(list)
    changes: dict[str, list[ProfileChange]] = defaultdict(list)
    for id_, part in sorted(waiting):
        ids.setdefault((person(id_), part), []).append((id_, part))
        if part == "watches":
            inputs[person(id_)] += intake.inputs.get(id_, ())
        else:
            changes[person(id_)] += intake.changes[id_]
    of = {(person(id_), part) for id_, part in asked}
    return persons._replace(ids=ids, asked=of, inputs=inputs, changes=changes)


def _people(items: Mapping[Key, Item], ties: Sequence[Tie]) -> People:
    """The persons behind the ids, as far as they could be read.

    A release that knows no pointers may have written over one, so that its state is not empty; or over a person's
    state, so that it lacks the id. Then the id joins again.
    """
    stored = {key: item.person for key, item in items.items() if item.person}
    if not stored and not ties:
        return NOBODY_ELSE
    again = {key[0]: person for key, person in stored.items() if items[key].state != EMPTY[key[1]]}
    pointers = {id_: person for (id_, _), person in stored.items() if id_ not in again}
    known = who_is_who(pointers, (), {})
    ids = {id_: _ids(items.get((id_, "watches"))) for id_ in {each for tie in ties for each in _both(tie, known)}}
    again |= {tie.alias: known.person(tie.user) for tie in ties if _forgotten(tie, known, ids)}
    pointers = {id_: person for id_, person in pointers.items() if id_ not in again}
    new = [tie for tie in ties if not tie.along or tie.alias not in ids[known.person(tie.user)]]
    return who_is_who(pointers, [*new, *(Tie(person, id_) for id_, person in again.items())], ids)


def _forgotten(tie: Tie, known: People, ids: Mapping[str, Ids]) -> bool:
    person = known.person(tie.user)
    return tie.alias != person == known.person(tie.alias) and tie.alias not in ids[person]


def _both(tie: Tie, known: People) -> tuple[str, str]:
    return known.person(tie.user), known.person(tie.alias)


def _ids(item: Item | None) -> Ids:
    """The other ids that a person's state keeps. One that cannot be read is no matter here: its fold fails."""
    if item:
        with suppress(Exception):
            return decode(item.state).ids
    return NO_IDS


def _needed(people: People, keys: set[Key]) -> set[Key]:
    """The input of the fold: for each person the new records, and all that those who join now have."""
    needed = {(people.person(id_), part) for id_, part in keys}
    together = {id_ for person, joining in people.joining.items() for id_ in (person, *joining)}
    return needed | {(id_, part) for id_ in together for part in PARTS}
