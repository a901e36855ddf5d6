"""sweep: turns the clock into ticks. Reads the slots of the next ten minutes, and puts their users on the queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile

from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Message, Queue
from holdfast.aws.tables.timers import Timers
from holdfast.aws.telemetry import Logger, Metrics, count
from holdfast.core.fold.timers import AHEAD_MS, SLOT_MS, TickMessage, gathered, slot, slots_to_read, tick_messages

logger = Logger(child=True)
metrics = Metrics()


class NotSent(RuntimeError):
    """Ticks could not be put on the queue. The minute is read again by the next sweep; its first slot is named."""


class Sweep:
    def __init__(self, *, timers: Timers, events: Queue, shards: int = 1, clock: Callable[[], int] = now_ms) -> None:
        self._timers = timers
        self._events = events
        self._shards = shards
        self._clock = clock

    def sweep(self, time_left: Callable[[], bool]) -> None:
        """Read every shard from where the last sweep stopped; after an outage that is long ago.

        All shards of a minute are read together: who is due in the same second is ticked in the same message.
        """
        now = self._clock()
        cursors = {shard: self._timers.cursor(shard) for shard in range(self._shards)}
        unread = {shard: slots_to_read(cursor, now) for shard, cursor in cursors.items()}
        done: dict[int, int] = {}
        try:
            for begin in range(min(slots.start for slots in unread.values()), now + AHEAD_MS + 1, SLOT_MS):
                shards = [shard for shard, slots in unread.items() if begin in slots]
                ticked = self._tick(begin, shards, time_left)
                done |= dict.fromkeys(ticked, begin + SLOT_MS)
                if ticked != shards:
                    logger.warning("out of time; the next sweep goes on")
                    break
        finally:
            for shard, end in done.items():
                self._timers.set_cursor(shard, end)

    def _tick(self, begin: int, shards: Iterable[int], time_left: Callable[[], bool]) -> list[int]:
        """Tick all who are nominated for one minute, shard by shard while there is time. Returned are those done."""
        read: list[int] = []

        def nominations() -> Iterator[dict[str, int]]:
            for shard in takewhile(lambda _: time_left(), shards):
                yield from map(json.loads, self._timers.read(slot(begin, shard)))
                read.append(shard)

        if self._events.send(Message(body, delay) for body, delay in self._messages(nominations())):
            raise NotSent(slot(begin, 0))
        return read

    def _messages(self, nominations: Iterable[dict[str, int]]) -> Iterator[TickMessage]:
        for users in gathered(nominations):
            count(metrics, Nominated=len(users))
            yield from tick_messages(users, self._clock())
