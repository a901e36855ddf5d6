"""The books, counted from the states themselves: no killed function and no lost answer can falsify them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from holdfast.core.fold.readable import read_state
from holdfast.core.places import campaign_of

LATE_MS = 20 * 60_000
"""How long a watch may be overdue before something is wrong: longer than a tick is delayed and tried again."""


class Audit(NamedTuple):
    """`open` and `decided` (by kind) are watches, by campaign. Only the last decision of a watch is known. `overdue`
    are users with a watch that should have been decided long ago, `unreadable` those whose state cannot be read.
    """

    users: int
    open: Counter[str]
    decided: Counter[tuple[str, str]]
    overdue: dict[str, int]
    unreadable: tuple[str, ...]


def audit(states: Iterable[tuple[str, str | None]], summaries: Collection[str], now: int) -> Audit:
    """`summaries` are the campaigns that make one message of all watches of a user."""
    users = 0
    opened, decided = Counter[str](), Counter[tuple[str, str]]()
    overdue: dict[str, int] = {}
    unreadable: list[str] = []
    for user, text in states:
        users += 1
        state = None if text is None else read_state(text)
        if state is None:
            unreadable.append(user)
            continue
        due = state.due(summaries)
        if due is not None and due + LATE_MS < now:
            overdue[user] = due
        for place, _, watch in state.all():
            campaign = campaign_of(place)
            opened[campaign] += watch.pending is not None
            if watch.decided:
                decided[campaign, watch.decided.kind] += 1
    return Audit(users, opened, decided, overdue, tuple(unreadable))
