"""The timing wheel: when a user has to be ticked, and by which means.

A tick only nominates a user: an extra tick costs a little, a missing tick loses a message. The invariant: a user
with a pending watch is nominated at or before the time it falls due. `sweep` runs every five minutes and reads the
slots that begin in the next ten; a slot is never written to less than fourteen minutes before it begins; so it misses
none.

Another container may fold a tick before the state that the tick is for is saved. The tick then has no effect and
leaves no trace. So if a save relies on a tick that may already have come, the user is nominated again after the save:

    one container   reads, `nominated` will do ................. saves the new watch, nominates again
    another                                     folds that tick
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

SLOT_MS = 60_000
REACH_MS = 15 * 60_000
"""A user due sooner is ticked by a delayed message (SQS delays by 900 s at most), one due later by a slot."""
AHEAD_MS = 10 * 60_000
"""How far ahead of the clock sweep reads."""
NEAR_MS = 5_000
"""A tick is not relied on that comes sooner than this after a save: it may have been folded before. Twice as long as
the clocks of two containers may differ, and what SQS's full seconds add."""
USERS_PER_MESSAGE = 250
BYTES_PER_MESSAGE = 200_000
"""The most bytes of users in one tick or timer, as ASCII: half of a DynamoDB item, a fifth of an SQS message."""
GATHERED = 10_000
"""Nominations that a sweep holds at a time, however many are due in one minute."""
DEPLOYING_MS = 24 * 60 * 60_000
"""How long a deployment may take that gives a stack more shards: join writes to them before sweep reads them."""


def nomination(due: int | None, nominated: int | None, now: int) -> int | None:
    """When to nominate a user whose next watch is due at `due`; None if there is no need, or if `nominated` suffices.

    A nomination in the past does not count: its tick may already have been folded without effect. (That is not stored,
    as it would cost a write.)
    """
    if due is None or (nominated is not None and now < nominated <= due):
        return None
    return max(due, now)


def nomination_again(due: int | None, relied: int | None, now: int) -> int | None:
    """When to nominate a user again, now that the state is saved; None if the tick of `relied` is still to come.

    `due` is the next watch of that state, and `relied` is the nomination stored with it.
    """
    return None if relied is not None and relied > now + NEAR_MS else nomination(due, None, now)


class TickMessage(NamedTuple):
    """One message to the events queue: many users, delayed (seconds) until the latest of them is due."""

    users: Mapping[str, int]
    delay: int

    @property
    def body(self) -> str:
        """The message as ASCII: JSON can escape the characters that SQS refuses."""
        return json.dumps({"holdfast": "tick", "users": self.users})

    def halves(self) -> tuple[TickMessage, ...]:
        """The message as two messages; empty if there is only one user."""
        users = list(self.users.items())
        parts = (users[: len(users) // 2], users[len(users) // 2 :]) if len(users) > 1 else ()
        return tuple(TickMessage(dict(part), self.delay) for part in parts)


class TimerItem(NamedTuple):
    """One item of the timers table: the users to tick in one minute. `users` is JSON, a map from user to time."""

    slot: str
    users: str
    ends: int


def tick_messages(nominated: Mapping[str, int], now: int) -> Iterator[TickMessage]:
    """Ticks for the users nominated for the next quarter of an hour. Users of the same second share messages."""
    by_delay: dict[int, dict[str, int]] = {}
    for user, at in nominated.items():
        delay = min(max(-(-(at - now) // 1000), 0), REACH_MS // 1000)
        by_delay.setdefault(delay, {})[user] = at
    for delay, users in sorted(by_delay.items()):
        for chunk in _chunks(users):
            yield TickMessage(chunk, delay)


def tick_users(text: str) -> int | None:
    """How many users a tick names; None if the message is not a tick."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_tick = isinstance(data, dict) and data.get("holdfast") == "tick" and isinstance(data.get("users"), dict)
    return len(data["users"]) if is_tick else None


def schedule(nominated: Mapping[str, int], now: int, shard: int) -> tuple[list[TickMessage], list[TimerItem]]:
    """How to keep each user's nomination: as a delayed tick if it is near, else as an item in its slot."""
    near = {user: at for user, at in nominated.items() if at < now + REACH_MS}
    slots: dict[int, dict[str, int]] = {}
    for user, at in nominated.items():
        if user not in near:
            slots.setdefault(at // SLOT_MS, {})[user] = at
    items = [
        TimerItem(slot(minute * SLOT_MS, shard), json.dumps(chunk, ensure_ascii=False), (minute + 1) * SLOT_MS)
        for minute, users in sorted(slots.items())
        for chunk in _chunks(users)
    ]
    return list(tick_messages(near, now)), items


def slot(at: int, shard: int) -> str:
    """The name of the slot that the time `at` falls into."""
    return f"{datetime.fromtimestamp(at // SLOT_MS * SLOT_MS / 1000, UTC):%Y-%m-%dT%H:%M}#{shard}"


def begins_at(name: str) -> int:
    """The time at which the slot with this name begins."""
    return int(datetime.strptime(name.partition("#")[0], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC).timestamp()) * 1000


def slots_to_read(cursor: int, now: int) -> range:
    """The beginnings of the slots that sweep has to read now, oldest first; `cursor` is the first one not yet read."""
    return range(cursor, now + AHEAD_MS + 1, SLOT_MS)


def first_cursor(now: int, others: Iterable[int], earliest: Callable[[], int | None]) -> int:
    """The first slot to read of a shard that was never read, however long ago the shard was added.

    If other shards were read, this shard was added after they were last read, except for the duration of a deployment.
    If none was read, `earliest` finds the first slot that exists: nominations yet to be written are due later than now.
    """
    read = [*others]
    begin = min(now, *read) - DEPLOYING_MS if read else min(now, earliest() or now)
    return begin // SLOT_MS * SLOT_MS


def gathered(items: Iterable[Mapping[str, int]]) -> Iterator[dict[str, int]]:
    """The nominations of a minute's items, grouped so that messages are full. If a user has two nominations, both are
    kept.
    """
    together: dict[str, int] = {}
    for users in items:
        if len(together) + len(users) > GATHERED or not together.keys().isdisjoint(users):
            yield together
            together = {}
        together |= users
    yield together


def _chunks(users: Mapping[str, int]) -> Iterator[dict[str, int]]:
    chunk: dict[str, int] = {}
    total = 0
    for user, at in users.items():
        length = len(json.dumps(user)) + 20  # the time, and what stands between
        if chunk and (len(chunk) == USERS_PER_MESSAGE or total + length > BYTES_PER_MESSAGE):
            yield chunk
            chunk, total = {}, 0
        chunk[user] = at
        total += length
    if chunk:
        yield chunk
