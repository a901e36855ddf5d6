"""Sending ticks, and sending again those that ended in the dead-letter queue.

One user whom the queue refuses keeps nobody else's tick from being sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from holdfast.aws.packing import MAX_ENTRIES
from holdfast.aws.queues import Message, Queue
from holdfast.core.fold.timers import TickMessage, tick_users

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import ChangeMessageVisibilityBatchRequestEntryTypeDef, MessageTypeDef


class Unticked(NamedTuple):
    """Users whose ticks were not sent: `later` may succeed later; the queue refuses those of `never`."""

    later: set[str]
    never: set[str]


def send_ticks(queue: Queue, ticks: Iterable[TickMessage]) -> Unticked:
    """Send all ticks. A refused message is halved until the one user at fault is found."""
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


LOOKS = 10
"""How often a sweep looks into the dead-letter queue, at ten messages each time."""
HIDDEN_SECONDS = 60
"""So long a dead letter stays hidden after a look, so that the next look finds others: no longer than they all take.
After the last one, those that are left are to be seen at once: people look there, too."""


class DeadTicks:
    """Ticks among the dead letters: nothing else nominates their users. Events there wait for a person."""

    def __init__(self, sqs: SQSClient, url: str, events: Queue) -> None:
        self._sqs = sqs
        self._url = url
        self._events = events

    def send_again(self, time_left: Callable[[], bool]) -> int:
        """How many ticks went on the events queue again. Raises what AWS raises."""
        again = 0
        left: list[MessageTypeDef] = []
        try:
            for _ in range(LOOKS):
                found = self._look() if time_left() else []
                if not found:
                    break
                for message in found:
                    if tick_users(message["Body"]) is not None and not self._events.send([Message(message["Body"])]):
                        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                        again += 1
                    else:
                        left.append(message)
        finally:
            self._show_again(left)
        return again

    def _show_again(self, left: list[MessageTypeDef]) -> None:
        for at in range(0, len(left), MAX_ENTRIES):
            entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
                for number, message in enumerate(left[at : at + MAX_ENTRIES])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def _look(self) -> list[MessageTypeDef]:
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, VisibilityTimeout=HIDDEN_SECONDS)
        return answer.get("Messages", [])
