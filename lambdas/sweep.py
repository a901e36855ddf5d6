"""sweep: turns the clock into ticks. Reads the slots of the next ten minutes, and puts their users on the queue."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from holdfast.aws.clients import client
from holdfast.aws.clock import now_ms
from holdfast.aws.observe import Logger, Metrics, count
from holdfast.aws.queues import Message, Queue
from holdfast.aws.settings import SweepSettings
from holdfast.aws.timers import Timers
from holdfast.core.timers import AHEAD_MS, SLOT_MS, TickMessage, gathered, slot, slots_to_read, tick_messages

logger = Logger()
metrics = Metrics()

RESERVE_MS = 10_000
"""What is left of an invocation's time when it stops reading; the next one goes on where it stopped."""


class NotSent(RuntimeError):
    """Ticks could not be put on the queue. The slot is read again by the next sweep."""


@logger.inject_lambda_context
@metrics.log_metrics
def handler(_event: dict[str, Any], context: Any) -> None:
    sweep = build()
    sweep.sweep(lambda: context.get_remaining_time_in_millis() > RESERVE_MS)


@cache
def build() -> Sweep:
    settings = SweepSettings.from_env(os.environ)
    return Sweep(
        timers=Timers(client("dynamodb"), settings.timers_table),
        events=Queue(client("sqs"), settings.events_queue_url),
        shards=settings.timer_shards,
    )


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
                if not time_left():
                    logger.warning("out of time; the next sweep goes on")
                    break
                shards = [shard for shard, slots in unread.items() if begin in slots]
                if self._events.send(Message(body, delay) for body, delay in self._ticks(begin, shards)):
                    raise NotSent(slot(begin, shards[0]))
                done |= dict.fromkeys(shards, begin + SLOT_MS)
        finally:
            for shard, end in done.items():
                self._timers.set_cursor(shard, end)

    def _ticks(self, begin: int, shards: Iterable[int]) -> Iterator[TickMessage]:
        """For all who are nominated for one minute."""
        items = (json.loads(users) for shard in shards for users in self._timers.read(slot(begin, shard)))
        for users in gathered(items):
            count(metrics, Nominated=len(users))
            yield from tick_messages(users, self._clock())
