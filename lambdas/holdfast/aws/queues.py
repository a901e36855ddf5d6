"""Sending to SQS, ten messages a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.packing import requests
from holdfast.aws.retry import SecondsLeft, attempts, lasting, plenty

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef, SendMessageBatchRequestEntryTypeDef


FIRST_ARRIVAL = "holdfast-first-arrival"
"""The attribute by which a message that is sent again keeps the time of its first arrival (epoch milliseconds)."""


class Message(NamedTuple):
    """`delay` is in seconds. `first_arrival` is that of a message which is sent again."""

    body: str
    delay: int = 0
    first_arrival: int | None = None


class Unsent(NamedTuple):
    """Messages that could not be sent: `later` may succeed later; AWS refuses those of `never` for their content."""

    later: list[Message]
    never: list[Message]


class Queue:
    """One queue to send to."""

    def __init__(self, sqs: SQSClient, url: str, *, seconds_left: SecondsLeft = plenty) -> None:
        self._sqs = sqs
        self._url = url
        self._seconds_left = seconds_left

    def send(self, messages: Iterable[Message]) -> list[Message]:
        """Send them all. Returns those that could not be sent after some tries. Raises none of AWS's errors."""
        later, never = self.put(messages)
        return [*later, *never]

    def put(self, messages: Iterable[Message]) -> Unsent:
        """Like `send`, but separates messages that may succeed later from those that cannot."""
        unsent = Unsent([], [])
        for request in requests(messages, _size):
            self._send(request, unsent)
        return unsent

    def _send(self, request: Sequence[Message], unsent: Unsent) -> None:
        for _ in attempts(seconds_left=self._seconds_left):
            entries = [_entry(number, message) for number, message in enumerate(request)]
            try:
                answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            except (ClientError, BotoCoreError) as error:
                if lasting(error):
                    self._send_alone(request, unsent)
                    return
                continue
            failures = answer.get("Failed", ())
            unsent.never.extend(request[int(failure["Id"])] for failure in failures if failure.get("SenderFault"))
            request = [request[int(failure["Id"])] for failure in failures if not failure.get("SenderFault")]
            if not request:
                break
        unsent.later.extend(request)

    def _send_alone(self, request: Sequence[Message], unsent: Unsent) -> None:
        """Send one by one: a request may be refused as a whole because of one message."""
        if len(request) == 1:
            unsent.never.extend(request)
            return
        for message in request:
            self._send([message], unsent)


def _size(message: Message) -> int:
    return len(message.body.encode())


def _entry(number: int, message: Message) -> SendMessageBatchRequestEntryTypeDef:
    entry: SendMessageBatchRequestEntryTypeDef = {
        "Id": str(number),
        "MessageBody": message.body,
        "DelaySeconds": message.delay,
    }
    if message.first_arrival is not None:
        first: MessageAttributeValueTypeDef = {"DataType": "Number", "StringValue": str(message.first_arrival)}
        entry["MessageAttributes"] = {FIRST_ARRIVAL: first}
    return entry
