"""A clock that the caller sets, and Lambda's event source mappings as AWS describes them: each run is the same.

The functions that are invoked are real, and so are their calls; time, queue delays and batches are simulated.
"""

from __future__ import annotations

import heapq
import io
import math
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from functools import partial
from itertools import count
from typing import Any, Generic, NamedTuple, TypeVar

from bench.ledger import Call, Counts, Ledger, one_after_another
from bench.prices import GB
from bench.traces import SECOND

T = TypeVar("T")

RECEIVED = 10
"""Messages in a request to SQS: to send, to receive, to delete. Lambda's own requests are billed too."""
POLLERS = 5
"""How many of a queue's batches Lambda gathers at a time, at first: AWS's documentation says five."""
STREAM_SHARDS = 4
"""Shards of the stream of a new on-demand table: one for each partition."""
STREAM_POLL = SECOND // 4
"""Lambda asks each shard of a stream four times a second."""
CALL_SECONDS = 0.005
"""How long a call to AWS takes: what a function waits is billed as well."""
VCPU_MB = 1769
"""The memory with which a function has one processor."""


class Loop:
    """A timetable: by epoch milliseconds; entries of the same time are in the order in which they were added."""

    def __init__(self, now: int) -> None:
        self.now = now
        self._order = count()
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, when: int, do: Callable[[], None]) -> None:
        heapq.heappush(self._waiting, (max(when, self.now), next(self._order), do))

    def run(self, until: int) -> None:
        """Run everything before `until`, and set the clock to `until`."""
        while self._waiting and self._waiting[0][0] < until:
            self.now, _, do = heapq.heappop(self._waiting)
            do()
        self.now = until

    def run_out(self) -> None:
        """Run until nothing is left."""
        while self._waiting:
            self.run(self._waiting[0][0] + 1)


class Sent(NamedTuple):
    """A message as a queue has it: the receiver gets the time at which it was sent."""

    body: str
    sent: int


class Batches(Generic[T]):
    """Gathers entries, in several batches at a time; each batch is passed on when it is full, or when its window is
    over.
    """

    def __init__(
        self, loop: Loop, invoke: Callable[[list[T]], None], *, size: int, window: int, lanes: int = POLLERS
    ) -> None:
        self._loop = loop
        self._invoke = invoke
        self._size = size
        self._window = window
        self._lanes: list[list[T]] = [[] for _ in range(lanes)]
        self._next = 0

    def offer(self, each: T) -> None:
        lane, self._next = self._next, (self._next + 1) % len(self._lanes)
        batch = self._lanes[lane]
        batch.append(each)
        if len(batch) == self._size:
            self._hand_on(lane, batch)
        elif len(batch) == 1:
            self._loop.at(self._loop.now + self._window, partial(self._hand_on, lane, batch))

    def _hand_on(self, lane: int, batch: list[T]) -> None:
        if self._lanes[lane] is batch:  # it was not full before its window was over
            self._lanes[lane] = []
            self._invoke(batch)


class Stream(Generic[T]):
    """A table's stream: each shard is polled at its times, and its records are passed on in `lanes` batches at a time.

    The same key always takes the same lane. With a `window`, a batch waits for more.
    """

    def __init__(self, loop: Loop, invoke: Callable[[list[T]], None], *, size: int, window: int, lanes: int) -> None:
        self._loop = loop
        self._invoke = invoke
        self._size = size
        self._window = window
        self._lanes = lanes
        self._batches: dict[tuple[int, int], list[T]] = {}

    def write(self, key: int, record: T) -> None:
        shard, lane = key % STREAM_SHARDS, key // STREAM_SHARDS % self._lanes
        where = shard, lane
        batch = self._batches.setdefault(where, [])
        batch.append(record)
        if len(batch) == self._size:
            self._hand_on(where, batch)
        elif len(batch) == 1:
            phase = shard * STREAM_POLL // STREAM_SHARDS
            asked = math.ceil((self._loop.now - phase) / STREAM_POLL) * STREAM_POLL + phase
            self._loop.at(asked + self._window, partial(self._hand_on, where, batch))

    def flush(self) -> None:
        """Pass on the waiting records."""
        for where, batch in [*self._batches.items()]:
            self._hand_on(where, batch)

    def _hand_on(self, where: tuple[int, int], batch: list[T]) -> None:
        if self._batches.get(where) is batch:
            del self._batches[where]
            self._invoke(batch)


class Context:
    """The context that Lambda gives a function with its invocation."""

    function_name = "bench"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
    aws_request_id = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Meter:
    """Invokes functions, and counts their requests while counting is on."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.counts = Counts()
        self.counting = False

    def invoke(self, function: str, handler: Callable[[Any, Any], Any], event: Any, *, memory_mb: int) -> list[Call]:
        """Invoke a function. Returns the calls it made. CPU time is that of this process, all threads together."""
        self._ledger.take()
        logged = io.StringIO()
        with redirect_stdout(logged):
            begun = time.process_time()
            answer = handler(event, Context())
            cpu = time.process_time() - begun
        calls = self._ledger.take()
        if answer and answer.get("batchItemFailures"):
            raise RuntimeError(f"{function} returned {answer}: {logged.getvalue()[-2000:]}")
        if self.counting:
            counts, things = self.counts, self.counts.things
            for call in calls:
                counts.add(call)
            counts.invocations[function] += 1
            counts.cpu_us[function] += round(cpu * 1_000_000)
            things["lambda_requests"] += 1
            waited = CALL_SECONDS * one_after_another(calls)
            seconds = math.ceil((cpu * max(VCPU_MB / memory_mb, 1) + waited) * 1000) / 1000
            things["lambda_arm_gb_seconds"] += seconds * memory_mb / 1024  # type: ignore[assignment]
            things["logged_gb"] += len(logged.getvalue().encode()) / GB  # type: ignore[assignment]
        return calls

    def polled(self, messages: int) -> None:
        """Count a batch as received from a queue, and deleted."""
        if self.counting:
            self.counts.things["sqs_requests"] += 2 * math.ceil(messages / RECEIVED)

    def sent(self, messages: Iterable[object]) -> None:
        """Count these as sent upstream, in requests as full as possible."""
        if self.counting:
            self.counts.things["sqs_requests"] += sum(1 for _ in messages) / RECEIVED  # type: ignore[assignment]
