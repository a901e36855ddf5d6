"""Tables and queues in memory, in the place of those that a function has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from holdfast.aws.queues import Message, Unsent
from holdfast.aws.tables.users import Beside, Item, Key, Save, Saved
from holdfast.core.fold.timers import TimerItem, begins_at


class MemoryUsers:
    """The users table's port, in memory. Nothing runs concurrently, and nothing is published: `epoch` is the item of
    the run.
    """

    def __init__(self, epoch: Mapping[str, Any]) -> None:
        self.saves: dict[Key, Save] = {}
        self._items: dict[Key, Item] = {}
        self._epoch = epoch

    def read(self, keys: Iterable[Key], beside: Beside | None = None) -> tuple[dict[Key, Item], set[Key]]:
        if beside:
            beside.read, beside.item = True, self._epoch
        return {key: self._items[key] for key in keys if key in self._items}, set()

    def save(self, saves: Iterable[Save]) -> dict[Key, Saved]:
        given = {save.key: save for save in saves}
        self.saves |= given
        for key, save in given.items():
            self._items[key] = Item(save.state, 1, save.nominated, decided=save.outbox is not None)
        return dict.fromkeys(given, Saved.DONE)


class MemoryTimers:
    def __init__(self) -> None:
        self._slots: dict[str, list[str]] = defaultdict(list)
        self._cursors: dict[int, int] = {}

    def write(self, items: Iterable[TimerItem]) -> list[TimerItem]:
        for item in items:
            self._slots[item.slot].append(item.users)
        return []

    def earliest(self) -> int | None:
        return min(map(begins_at, self._slots), default=None)

    def read(self, slot: str) -> Iterator[str]:
        return iter(self._slots.pop(slot, ()))

    def cursor(self, shard: int) -> int | None:
        return self._cursors.get(shard)

    def set_cursor(self, shard: int, begins: int) -> None:
        self._cursors[shard] = begins


class MemoryQueue:
    def __init__(self, take: Callable[[Iterable[Message]], None]) -> None:
        self._take = take

    def put(self, messages: Iterable[Message]) -> Unsent:
        self._take(messages)
        return Unsent([], [])

    def send(self, messages: Iterable[Message]) -> list[Message]:
        self._take(messages)
        return []


def refuse(messages: Iterable[Message]) -> None:
    """Nothing of a trace may be set aside."""
    if set_aside := list(messages):
        raise RuntimeError(f"set aside: {set_aside[0].body[:500]}")
