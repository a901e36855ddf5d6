"""Retries of calls that AWS answers in part or not at all; and the errors that are not retried."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from time import sleep
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

ATTEMPTS = 4
CALL_SECONDS = 9.0
"""The longest that one call takes, the SDK's own second attempt included: see `clients`."""

SecondsLeft: TypeAlias = Callable[[], float]


def plenty() -> float:
    return math.inf


class TimeLeft:
    """The seconds that the current invocation has left; infinite before the first one."""

    def __init__(self) -> None:
        self._seconds: SecondsLeft = plenty

    def begin(self, context: Any) -> None:
        self._seconds = lambda: context.get_remaining_time_in_millis() / 1000

    def __call__(self) -> float:
        return self._seconds()


def attempts(
    count: int = ATTEMPTS, first: float = 0.05, *, seconds_left: SecondsLeft = plenty, reserve: float = 0.0
) -> Iterator[int]:
    """Numbers from 0, with a growing, jittered pause before each but the first (seconds: at most 0.05, 0.1, 0.2, …).

    They end, before the first if need be, where a call might not end in the time that is left, with `reserve` seconds
    for what comes after it.
    """
    for attempt in range(count):
        if attempt:
            sleep(random.uniform(first / 2, first) * 2 ** (attempt - 1))  # noqa: S311 (jitter, not a secret)
        if seconds_left() < CALL_SECONDS + reserve:
            return
        yield attempt


_LASTING = {
    *("ValidationException", "ValidationError", "ItemCollectionSizeLimitExceededException"),
    *("InvalidMessageContents", "InvalidParameterValue", "AWS.SimpleQueueService.BatchRequestTooLong"),
    *("AWS.SimpleQueueService.InvalidMessageContents", "AWS.SimpleQueueService.InvalidBatchEntryId"),
}


def lasting(error: Exception) -> bool:
    """Whether the same call can never succeed, because its content is at fault."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in _LASTING
