"""History: who did what to which item, as the build reads it.

A row is as little as the build needs: a hash of the user's name, the items of the event, and no id, as a user who does
something twice counts once. Rows are kept by where an event bears its items, not by recommendation: two
that look in the same place share them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from holdfast.core.events import Event, event_key
from holdfast.core.paths import search
from holdfast.core.recommend.ranking import Recommender, items


class Row(NamedTuple):
    """`at_ms` in epoch milliseconds; `path` is the JMESPath at which the event bears the item."""

    who: str
    event: str
    path: str
    item: str
    at_ms: int

    def line(self) -> str:
        return json.dumps(self._asdict(), separators=(",", ":"), ensure_ascii=False) + "\n"


class Sources:
    """Which events the recommenders name, and where these bear items."""

    def __init__(self, recommenders: Iterable[Recommender]) -> None:
        places = {place for recommender in recommenders for place in recommender.did.items()}
        self._finds = [(event, path, search(path)) for event, path in sorted(places)]
        self._events = {event for event, _ in places}

    def __bool__(self) -> bool:
        return bool(self._events)

    def rows(self, event: Event) -> Iterator[Row]:
        """None, where no recommender names the event or where it does not bear an item."""
        key = event_key(event.name)
        if key not in self._events:
            return
        for name, path, find in self._finds:
            if name == key:
                try:
                    found = items(find, event.properties)
                except (ValueError, TypeError):  # the expression does not fit what came
                    continue
                yield from (Row(who(event.user), key, path, item, event.at) for item in found)


def who(user: str) -> str:
    """The user's hash in the history: 16 hex digits."""
    return hashlib.sha256(user.encode()).hexdigest()[:16]
