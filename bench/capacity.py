"""DynamoDB's charges for a request, by its rules: bytes of an item, and units of reads and writes.

The emulator's own `ConsumedCapacity` is right for PutItem, UpdateItem, DeleteItem and BatchWriteItem, and is used for
those. It is wrong for reads (it ignores sizes) and for statements (one unit each): those are computed here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

WRITE_BYTES = 1024
READ_BYTES = 4096
ITEM_BYTES = 100
"""Bytes that storage counts for an item besides its content."""

Item = Mapping[str, Mapping[str, Any]]
"""An item, or some attributes of one, as the low-level API has it: `{"user": {"S": "u-1"}}`."""


def item_bytes(item: Item) -> int:
    """The size of an item: names and values in UTF-8."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value: Mapping[str, Any]) -> int:  # noqa: PLR0911  (a line for each kind)
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_bytes(content)
        case "B":
            return len(content)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + value_bytes(each) for each in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_bytes(each) for name, each in content.items())
        case "SS":
            return sum(len(each.encode()) for each in content)
        case _:
            return sum(map(_number_bytes, content))


def _number_bytes(text: str) -> int:
    """Approximate: one byte for two significant digits, and one more; another for a sign."""
    digits = text.lstrip("+-").replace(".", "").strip("0")
    return 1 + math.ceil(len(digits) / 2) + text.startswith("-")


def write_units(*sizes: int) -> int:
    """The units of a write: the larger of the item's sizes before and after counts. A refused write costs as much."""
    return max(1, math.ceil(max(sizes, default=0) / WRITE_BYTES))


def read_units(size: int, *, consistent: bool) -> float:
    """The units for one item, or for all items that one query reads. A missing item costs as much as the smallest."""
    return max(1, math.ceil(size / READ_BYTES)) * (1 if consistent else 0.5)


_NAME = re.compile(r"""["']?([A-Za-z_]\w*)["']?\s*(?:=|:)\s*\?""")


def statement_bytes(statement: str, parameters: Iterable[Mapping[str, Any]]) -> int:
    """The approximate size of the item that an INSERT makes, or an UPDATE that sets all but the key: names and
    parameters.

    A version that is both compared and set is counted twice, which is about ten bytes too much.
    """
    names = sum(len(name.encode()) for name in _NAME.findall(statement))
    return names + sum(map(value_bytes, parameters))
