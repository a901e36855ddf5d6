"""sweep: turns the clock into ticks. Reads the slots of the next ten minutes, and puts their users on the queue."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from holdfast.aws.clients import client
from holdfast.aws.clock import now_ms
from holdfast.aws.observe import Logger, Metrics, count
from holdfast.aws.queues import Message, Queue
from holdfast.aws.settings import SweepSettings
from holdfast.aws.timers import Timers
from holdfast.core.timers import SLOT_MS, slot, slots_to_read, tick_messages

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
        """Read every shard from where the last sweep stopped; after an outage that is long ago."""
        for shard in range(self._shards):
            cursor = done = self._timers.cursor(shard)
            try:
                for end in self._slots(shard, cursor, time_left):
                    done = end
            finally:
                if done is not None and done != cursor:
                    self._timers.set_cursor(shard, done)

    def _slots(self, shard: int, cursor: int | None, time_left: Callable[[], bool]) -> Iterator[int]:
        """Tick slot by slot, yielding the end of each that is done."""
        now = self._clock()
        for begin in slots_to_read(cursor, now):
            if not time_left():
                logger.warning("out of time; the next sweep goes on", extra={"shard": shard})
                return
            # Item by item: of two nominations of a user in this minute, neither may take the other's place.
            items = [json.loads(users) for users in self._timers.read(slot(begin, shard))]
            ticks = (tick for users in items for tick in tick_messages(users, self._clock()))
            if self._events.send(Message(body, delay) for body, delay in ticks):
                raise NotSent(slot(begin, shard))
            count(metrics, Nominated=sum(map(len, items)))
            yield begin + SLOT_MS
