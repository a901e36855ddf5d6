"""Sending ticks: one user that the queue refuses keeps nobody else's tick from being sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from holdfast.aws.queues import Message, Queue
from holdfast.core.fold.timers import TickMessage


class Unticked(NamedTuple):
    """Users whose ticks were not sent: `later` they may be; those of `never` the queue refuses."""

    later: set[str]
    never: set[str]


def send_ticks(queue: Queue, ticks: Iterable[TickMessage]) -> Unticked:
    """Send them all. A message that the queue refuses is halved, until the user is found whom it refuses."""
    unticked = Unticked(set(), set())
    waiting = list(ticks)
    while waiting:
        messages = {Message(tick.body, tick.delay): tick for tick in waiting}
        later, never = queue.put(messages)
        for message in later:
            unticked.later.update(messages[message].users)
        waiting = []
        for message in never:
            halves = messages[message].halves()
            waiting += halves
            if not halves:
                unticked.never.update(messages[message].users)
    return unticked
