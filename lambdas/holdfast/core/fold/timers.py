"""The timing wheel: when a user has to be ticked, and by which way.

A tick only nominates a user, so one too many costs a little and one too few loses a message. The invariant: a user
with a pending watch is nominated at or before the time it falls due. `sweep` runs every five minutes and reads the
slots that begin in the next ten; a slot is never written to less than fourteen minutes before it begins; so it misses
none.

A tick may be folded by another container before the state that it is for is saved. It comes to nothing then, and
leaves no trace. So where a save relies on a tick that may have come already, the user is nominated again after it:

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
"""Of users in one tick or timer, as ASCII: half of what an item of DynamoDB holds, a fifth of a message of SQS."""
GATHERED = 10_000
"""Nominations that a sweep holds at a time, however many are due in one minute."""
DEPLOYING_MS = 24 * 60 * 60_000
"""How long a deployment may take that gives a stack more shards: join writes to them before sweep reads them."""


def nomination(due: int | None, nominated: int | None, now: int) -> int | None:
    """When to nominate a user whose next watch is due at `due`; None where there is no need, or `nominated` will do.

    A nomination of the past may have come to nothing already (that is not written down: it would cost a write), so it
    does not count.
    """
    if due is None or (nominated is not None and now < nominated <= due):
        return None
    return max(due, now)


def nomination_again(due: int | None, relied: int | None, now: int) -> int | None:
    """When to nominate a user again, `now` that the state is saved; None where the tick of `relied` is still to come.

    `due` is the next watch of that state, and `relied` what stands there as its nomination.
    """
    return None if relied is not None and relied > now + NEAR_MS else nomination(due, None, now)


class TickMessage(NamedTuple):
    """One message to the events queue: many users, delayed (seconds) to when the latest of them is due."""

    users: Mapping[str, int]
    delay: int

    @property
    def body(self) -> str:
        """ASCII, as JSON can escape what SQS refuses to take."""
        return json.dumps({"holdfast": "tick", "users": self.users})

    def halves(self) -> tuple[TickMessage, ...]:
        """Itself in two messages; nothing where there is only one user."""
        users = list(self.users.items())
        parts = (users[: len(users) // 2], users[len(users) // 2 :]) if len(users) > 1 else ()
        return tuple(TickMessage(dict(part), self.delay) for part in parts)


class TimerItem(NamedTuple):
    """One item of the timers table: the users to be ticked in one minute. `users` is JSON, user to time."""

    slot: str
    users: str
    ends: int


def tick_messages(nominated: Mapping[str, int], now: int) -> Iterator[TickMessage]:
    """Ticks for users nominated for the next quarter of an hour, those of one second together."""
    by_delay: dict[int, dict[str, int]] = {}
    for user, at in nominated.items():
        delay = min(max(-(-(at - now) // 1000), 0), REACH_MS // 1000)
        by_delay.setdefault(delay, {})[user] = at
    for delay, users in sorted(by_delay.items()):
        for chunk in _chunks(users):
            yield TickMessage(chunk, delay)


def tick_users(text: str) -> int | None:
    """How many users a tick names; None where a message is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_tick = isinstance(data, dict) and data.get("holdfast") == "tick" and isinstance(data.get("users"), dict)
    return len(data["users"]) if is_tick else None


def schedule(nominated: Mapping[str, int], now: int, shard: int) -> tuple[list[TickMessage], list[TimerItem]]:
    """How to keep each user's nomination: by a delayed tick if it is near, else by an item in its slot."""
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
    """The time at which a slot begins, by its name."""
    return int(datetime.strptime(name.partition("#")[0], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC).timestamp()) * 1000


def slots_to_read(cursor: int, now: int) -> range:
    """The beginnings of the slots that sweep has to read now, oldest first; `cursor` is the first one not yet read."""
    return range(cursor, now + AHEAD_MS + 1, SLOT_MS)


def first_cursor(now: int, others: Iterable[int], earliest: Callable[[], int | None]) -> int:
    """The first slot to read of a shard that was never read, however long ago it came to be.

    Where other shards were read, it came to be after they were last read, but for the time that a deployment takes.
    Where none was, `earliest` finds the first slot that there is: what is yet to be written is due later than now.
    """
    read = [*others]
    begin = min(now, *read) - DEPLOYING_MS if read else min(now, earliest() or now)
    return begin // SLOT_MS * SLOT_MS


def gathered(items: Iterable[Mapping[str, int]]) -> Iterator[dict[str, int]]:
    """The nominations of a minute's items, so many together that messages are full. Of two nominations of one user
    neither may take the other's place.
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
