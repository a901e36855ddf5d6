"""Grouping what goes out into requests of the size that AWS takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
MAX_ENTRIES = 10
MAX_BYTES = 1024 * 1024
"""The limits of SQS's SendMessageBatch and EventBridge's PutEvents alike: entries, and bytes of them all."""


def requests(entries: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """In order, as many in each as fit. An entry that is too large by itself has a request to itself."""
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
