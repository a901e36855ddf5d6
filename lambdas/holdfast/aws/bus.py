"""The event bus: PutEvents in tens, failed entries retried alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.packing import MAX_BYTES, requests
from holdfast.aws.retry import attempts, lasting

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

RESERVE_SECONDS = 12
"""The time that an invocation must have left after a call: enough to put aside what failed."""
NO_TIME = "out of time"
_OVERHEAD = 256
"""Source, detail type, bus and time are counted too."""


class Entry(NamedTuple):
    """`detail` is JSON text, `at` epoch milliseconds."""

    detail_type: str
    detail: str
    at: int


class Bus:
    def __init__(self, events: EventBridgeClient, bus: str, source: str) -> None:
        self._events = events
        self._bus = bus
        self._source = source

    def put(self, entries: Sequence[Entry], seconds_left: Callable[[], float]) -> dict[Entry, str]:
        """Put all entries. Returns those that could not be put in the time that is left, each with its reason."""
        failed = {entry: f"larger than {MAX_BYTES} bytes" for entry in entries if _size(entry) > MAX_BYTES}
        for request in requests((entry for entry in entries if entry not in failed), _size):
            failed.update(self._put(request, seconds_left))
        return failed

    def _put(self, request: Sequence[Entry], seconds_left: Callable[[], float]) -> dict[Entry, str]:
        failed = dict.fromkeys(request, NO_TIME)
        for _ in attempts(6, first=0.1, seconds_left=seconds_left, reserve=RESERVE_SECONDS):
            try:
                answer = self._events.put_events(Entries=[self._entry(entry) for entry in request])
            except ClientError as error:
                failed = dict.fromkeys(request, error.response["Error"]["Code"])
                if lasting(error) and len(request) > 1:  # one entry is at fault, and the others are not
                    alone = [self._put([entry], seconds_left) for entry in request]
                    return {entry: reason for each in alone for entry, reason in each.items()}
                if lasting(error):
                    break
            except BotoCoreError as error:
                failed = dict.fromkeys(request, type(error).__name__)
            else:
                outcomes = zip(request, answer["Entries"], strict=True)
                failed = {entry: outcome["ErrorCode"] for entry, outcome in outcomes if "ErrorCode" in outcome}
            if not failed:
                break
            request = list(failed)
        return failed

    def _entry(self, entry: Entry) -> PutEventsRequestEntryTypeDef:
        return {
            "EventBusName": self._bus,
            "Source": self._source,
            "DetailType": entry.detail_type,
            "Detail": entry.detail,
            "Time": datetime.fromtimestamp(entry.at / 1000, UTC),
        }


def _size(entry: Entry) -> int:
    return len(entry.detail.encode()) + len(entry.detail_type.encode()) + _OVERHEAD
