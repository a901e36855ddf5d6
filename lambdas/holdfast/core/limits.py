"""The limits of properties that are read and kept. Other properties may have any size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_NAME = 120
"""Characters in the name of an event or property. This limit and the next two are CleverTap's."""
MAX_VALUE_BYTES = 512
MAX_ENTRIES = 256
"""Properties of an object, and items of a list."""
MAX_VALUES = 5_000
"""Constant values of one event."""
LARGEST = 1e308


def beyond(values: Mapping[str, Any], at: str = "") -> str:
    """Why a value is beyond the limits, and where; empty if none is.

    Frequent kinds come first, and bytes are counted only where they may be too many.
    """
    if len(values) > MAX_ENTRIES:
        return f"too many: {at or 'the record'} has {len(values)} entries, {MAX_ENTRIES} are allowed"
    for name, value in values.items():
        if len(name) > MAX_NAME:
            where = f"in {at} " if at else ""
            return f"property name {where}too long: {name[:20]}… has {len(name)} characters, {MAX_NAME} are allowed"
        if why := _value(value, f"{at}.{name}" if at else name):
            return why
    return ""


def _value(value: Any, at: str) -> str:
    kind = type(value)
    if kind is str:
        if len(value) * 4 > MAX_VALUE_BYTES and (size := bytes_of(value)) > MAX_VALUE_BYTES:
            return f"too long: {at} has {size} bytes, {MAX_VALUE_BYTES} are allowed"
    elif kind is float or kind is int:
        if not -LARGEST < value < LARGEST:
            return f"{at} is too large a number"
    elif kind is dict:
        return beyond(value, at)
    elif kind is list:
        return beyond({str(number): each for number, each in enumerate(value)}, at)
    return ""


def bytes_of(text: str) -> int:
    """The size of a text in UTF-8; half of a surrogate pair counts too."""
    return len(text.encode(errors="surrogatepass"))
