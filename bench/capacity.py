"""The charges of DynamoDB for a request, by its rules: bytes of an item, and units of reads and writes.

The emulator's own `ConsumedCapacity` is right for PutItem, UpdateItem, DeleteItem and BatchWriteItem, and is taken from
there. It is wrong for reads (it does not look at sizes) and for statements (one unit each): those are computed here.
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
    """Names and values in UTF-8."""
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
    """About: a byte for two significant digits, and one more; another for a sign."""
    digits = text.lstrip("+-").replace(".", "").strip("0")
    return 1 + math.ceil(len(digits) / 2) + text.startswith("-")


def write_units(*sizes: int) -> int:
    """Of an item's sizes before and after, the larger counts; a refused write costs what a write does."""
    return max(1, math.ceil(max(sizes, default=0) / WRITE_BYTES))


def read_units(size: int, *, consistent: bool) -> float:
    """Of one item, or of all items that one query reads. What is not there costs as much as the smallest."""
    return max(1, math.ceil(size / READ_BYTES)) * (1 if consistent else 0.5)


_NAME = re.compile(r"""["']?([A-Za-z_]\w*)["']?\s*(?:=|:)\s*\?""")


def statement_bytes(statement: str, parameters: Iterable[Mapping[str, Any]]) -> int:
    """About the size of the item that an INSERT makes, or an UPDATE that sets all but the key: names and parameters.

    A version that is compared as well as set is counted twice, which is some ten bytes too much.
    """
    names = sum(len(name.encode()) for name in _NAME.findall(statement))
    return names + sum(map(value_bytes, parameters))
