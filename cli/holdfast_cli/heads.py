"""The heads of events on lines that are flat objects: whose event it is, its name, and its time. Nothing else is built.

So events that no campaign uses are skipped in less time. The lines are still checked as JSON, and for
everything else that would make a record rejected: numbers and texts beyond the limits. If a quick check cannot be sure
of that, there are no heads, and the lines are read in full.
"""

from __future__ import annotations

import re

from msgspec import UNSET, Struct, UnsetType
from msgspec.json import Decoder

from holdfast.core.limits import MAX_ENTRIES, MAX_NAME, MAX_VALUE_BYTES


class Head(Struct, gc=False):
    user: str | float | bool | None = None
    event: str | float | bool | None = None
    ts: str | int | float | bool | None = None
    id: str | float | bool | UnsetType | None = UNSET
    alias: str | float | bool | UnsetType | None = UNSET


def flat_heads(lines: bytes) -> list[Head] | None:
    """The heads of the objects on many lines, if `flat_objects` would find an object on each; None if not sure."""
    number = lines.count(b"\n") + (not lines.endswith(b"\n"))
    begins = lines.count(b"\n{") + lines.startswith(b"{")
    if not number == begins == lines.count(b"{") or b"[" in lines or b"\\" in lines or not _within_limits(lines):
        return None
    try:
        lines.decode()  # skipped texts are not checked otherwise
        heads = _decode(lines)
    except (ValueError, RecursionError):
        return None
    return heads if len(heads) == number else None


_decode = Decoder(Head).decode_lines
_SHORT = min(MAX_NAME, MAX_VALUE_BYTES // 4)
"""So many bytes are within the limits, be they a name or a text."""
_SHORTEST_ENTRY = len('"":0,')
_ZEROES = bytes.maketrans(b"123456789+E", b"0000000000e")
_LARGE_NUMBER = re.compile(rb":\s*-?[0-9.]*(?:[0-9]{19}|[eE][+]?[0-9]{3})")


def _within_limits(lines: bytes) -> bool:
    longest = max(map(len, lines.split(b"\n")))
    if longest > _SHORT and (longest > MAX_ENTRIES * _SHORTEST_ENTRY or max(map(len, lines.split(b'"'))) > _SHORT):
        return False
    zeroes = lines.translate(_ZEROES)
    if b"0" * 19 in zeroes or b"0e000" in zeroes:  # a large number has one of them, as do many ids
        return not _LARGE_NUMBER.search(lines)
    return True
