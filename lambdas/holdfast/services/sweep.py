"""sweep: turns the clock into ticks. Reads the slots of the next ten minutes, and puts their users on the queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count as count_up
from itertools import takewhile

from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Queue
from holdfast.aws.tables.timers import Timers
from holdfast.aws.telemetry import Logger, Metrics, count, measure
from holdfast.core.fold.timers import AHEAD_MS, SLOT_MS, first_cursor, gathered, slot, slots_to_read, tick_messages
from holdfast.services.ticks import DeadTicks, send_ticks

logger = Logger(child=True)
metrics = Metrics()


class NotSent(RuntimeError):
    """Ticks could not be put on the queue. The message names the first slot of the minute; the next sweep reads that
    minute again.
    """


class Sweep:
    def __init__(
        self,
        *,
        timers: Timers,
        events: Queue,
        shards: int = 1,
        dead: DeadTicks | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._dead = dead
        self._timers = timers
        self._events = events
        self._shards = shards
        self._clock = clock

    def sweep(self, time_left: Callable[[], bool]) -> None:
        """Read every shard from where the last sweep stopped; after an outage that is long ago.

        All shards of a minute are read together: who is due in the same second is ticked in the same message.
        """
        now = self._clock()
        unread = {shard: slots_to_read(cursor, now) for shard, cursor in self._cursors(now).items()}
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
        self._measure(unread, done, now)
        self._revive(time_left)

    def _cursors(self, now: int) -> dict[int, int]:
        """How far each shard was read. Where nothing says so yet, it is written down at once: if this sweep comes to
        nothing, the next one may be any time later, and has to begin at the same slot.

        Shards that a stack had more of before are read on: there may be timers in them for months.
        """
        cursors: dict[int, int] = {}
        for shard in count_up():
            cursor = self._timers.cursor(shard)
            if cursor is not None:
                cursors[shard] = cursor
            elif shard >= self._shards:
                break
        new = set(range(self._shards)) - cursors.keys()
        first = first_cursor(now, cursors.values(), self._timers.earliest) if new else now
        for shard in sorted(new):
            self._timers.set_cursor(shard, first)
        return cursors | dict.fromkeys(new, first)

    def _revive(self, time_left: Callable[[], bool]) -> None:
        """Send dead ticks again, after what is due, and whatever comes of it: the next sweep tries again."""
        if self._dead is None:
            return
        try:
            count(metrics, TicksRevived=self._dead.send_again(time_left))
        except Exception:
            logger.exception("dead letters not looked at")

    def _measure(self, unread: Mapping[int, range], done: Mapping[int, int], now: int) -> None:
        """The delay of the minute that is read next; negative while sweep reads ahead of the clock."""
        first = min(done.get(shard, slots.start) for shard, slots in unread.items())
        measure(metrics, SweepLag=max(now - first, 0) / 1000)

    def _tick(self, begin: int, shards: Iterable[int], time_left: Callable[[], bool]) -> list[int]:
        """Tick all who are nominated for one minute, shard by shard while there is time. Returned are those done."""
        read: list[int] = []

        def nominations() -> Iterator[dict[str, int]]:
            for shard in takewhile(lambda _: time_left(), shards):
                for text in self._timers.read(slot(begin, shard)):
                    yield self._users(text)
                read.append(shard)

        unsent = False
        for users in gathered(nominations()):
            count(metrics, Nominated=len(users))
            later, never = send_ticks(self._events, tick_messages(users, self._clock()))
            unsent = unsent or bool(later)
            if never:
                logger.error("the queue refuses ticks", extra={"users": len(never), "slot": slot(begin, 0)})
                count(metrics, TicksRefused=len(never))
        if unsent:
            raise NotSent(slot(begin, 0))
        return read

    def _users(self, text: str) -> dict[str, int]:
        """The users of a timer; none if it cannot be read, so that it does not block other timers."""
        try:
            return {user: int(at) for user, at in json.loads(text).items()}
        except (ValueError, TypeError, AttributeError):
            logger.error("a timer that cannot be read")  # noqa: TRY400 (the error would name users)
            count(metrics, TimersUnreadable=1)
            return {}
