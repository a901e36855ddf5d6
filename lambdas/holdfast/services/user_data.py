"""What is known of a user: the users table's parts, read by the core."""

from __future__ import annotations

import json
from typing import NamedTuple

from holdfast.aws.tables.users import Users
from holdfast.core.events import Json
from holdfast.core.fold import profiles, watches
from holdfast.core.fold.watches import Decision, State


class Known(NamedTuple):
    """What the users table has of a user. `outbox` is what the last write of the state decided."""

    state: State
    properties: dict[str, Json]
    outbox: tuple[Decision, ...]


def read_user(users: Users, user: str) -> Known:
    """Nothing where there is no such user. Raises what AWS raises."""
    known = Known(State(), {}, ())
    for held in users.held(user):
        if held.part == "watches":
            outbox = tuple(watches.decision_of(each) for each in json.loads(held.outbox or "[]"))
            known = known._replace(state=watches.decode(held.item.state), outbox=outbox)
        elif held.part == "profile":
            known = known._replace(properties=profiles.properties(profiles.decode(held.item.state)))
    return known
