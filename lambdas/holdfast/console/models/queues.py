"""The queues of rejected records and undelivered messages."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from holdfast.console.models.basics import Asked, Note, Told


class Chosen(Asked):
    """Messages of a queue: by ids, by groups, or all; with `search`, only those that contain it."""

    ids: Annotated[list[str] | None, Field(max_length=1000)] = None
    groups: Annotated[list[str] | None, Field(max_length=1000, description="As the answer names them.")] = None
    search: Annotated[str, Field(max_length=200)] = ""
    note: Note = None


class Waiting(Told):
    id: str
    reason: str
    campaigns: list[str]
    at: int
    record: Any


class QueueGroup(Told):
    """Messages that were set aside for the same reason, numbers in it apart; `messages` are the newest few."""

    group: str
    reason: str
    count: int
    first: int
    last: int
    campaigns: list[str]
    messages: list[Waiting]


class Queued(Told):
    """`looked` is how many messages were looked at, of `approximate_total`; `found` how many of them fit the search."""

    groups: list[QueueGroup]
    looked: int
    found: int
    approximate_total: int


class Counts(Told):
    """About how many messages wait in each queue."""

    rejected: int
    undelivered: int


class Discarded(Told):
    discarded: int
    left: int


class Redriven(Told):
    redriven: int
    failed: dict[str, int]
    left: int
