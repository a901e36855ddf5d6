"""Sending to SQS, ten messages a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.packing import requests
from holdfast.aws.retry import attempts

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef


class Message(NamedTuple):
    body: str
    delay: int = 0


class Queue:
    """One queue to send to."""

    def __init__(self, sqs: SQSClient, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, messages: Iterable[Message]) -> list[Message]:
        """Send them all; those that could not be sent after some tries are returned. Raises nothing of AWS's."""
        return [failed for request in requests(messages, _size) for failed in self._send(request)]

    def _send(self, request: Sequence[Message]) -> Sequence[Message]:
        for _ in attempts():
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(n), "MessageBody": m.body, "DelaySeconds": m.delay} for n, m in enumerate(request)
            ]
            try:
                answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            except (ClientError, BotoCoreError):
                continue
            request = [request[int(failure["Id"])] for failure in answer.get("Failed", ())]
            if not request:
                break
        return request


def _size(message: Message) -> int:
    return len(message.body.encode())
