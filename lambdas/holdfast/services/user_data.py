"""A user's data: the parts in the users table, read by the core."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from holdfast.aws.tables.users import Held, Users
from holdfast.core.events import Json
from holdfast.core.fold import profiles
from holdfast.core.fold.stored import decision_of, decode
from holdfast.core.fold.watches import Decision, State
from holdfast.core.people.people import LONGEST_CHAIN


class Known(NamedTuple):
    """A user's data in the users table. `outbox` is what the last write of the state decided.

    `person` is whose id was asked for, `ids` are all of that person's, that one first.
    """

    state: State
    properties: dict[str, Json]
    outbox: tuple[Decision, ...]
    person: str
    ids: Sequence[str]

    def about(self, asked: str) -> list[str]:
        """A sentence about the user's ids; empty for a user who has one."""
        told = [f"{asked} is an id of {self.person}"] if asked != self.person else []
        others = [id_ for id_ in self.ids if id_ not in {asked, self.person}]
        return [*told, f"other ids of {self.person}: {', '.join(others)}"] if others else told


def held_of(users: Users, user: str) -> tuple[str, list[Held]]:
    """The person behind the id, and all data of that person; follows pointers. Raises AWS's errors."""
    held = users.held(user)
    for _ in range(LONGEST_CHAIN):
        person = next((each.item.person for each in held if each.item.person), "")
        if not person:
            break
        user, held = person, users.held(person)
    return user, held


def read_user(users: Users, user: str) -> Known:
    """Nothing where there is no such user. Raises what AWS raises."""
    person, all_held = held_of(users, user)
    known = Known(State(), {}, (), person, (person,))
    for held in all_held:
        if held.part == "watches":
            outbox = tuple(decision_of(each) for each in json.loads(held.outbox or "[]"))
            state = decode(held.item.state)
            known = known._replace(state=state, outbox=outbox, ids=(person, *sorted(state.ids)))
        elif held.part == "profile":
            known = known._replace(properties=profiles.properties(profiles.decode(held.item.state)))
    return known
