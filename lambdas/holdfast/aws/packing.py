"""Groups outgoing entries into requests of the size that AWS accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
MAX_ENTRIES = 10
MAX_BYTES = 1024 * 1024
"""The limits of SQS's SendMessageBatch and EventBridge's PutEvents alike: entries, and bytes of them all."""


def requests(entries: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Requests in order, each with as many entries as fit. An entry that is too large gets a request of its own."""
    group: list[T] = []
    total = 0
    for entry in entries:
        length = size(entry)
        if group and (len(group) == MAX_ENTRIES or total + length > MAX_BYTES):
            yield group
            group, total = [], 0
        group.append(entry)
        total += length
    if group:
        yield group
