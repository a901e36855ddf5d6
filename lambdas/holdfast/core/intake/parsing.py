"""A body as JSON. Mistakes are described in words for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import msgspec

from holdfast.core.events import Event, Json

MAX_RECORDS = 1000
"""In one body, as in CleverTap's upload: each may become a message of its own on the rejected queue."""
MAX_LEVELS = 32
"""How deep a body may be nested. Beyond, Python's recursion limit is near."""


class CannotFold(ValueError):
    """The reason why a record is rejected; and the event that it may have been, where that much could be read."""

    event: Event | None = None


def as_text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        from holdfast.core.intake.cures import of_bytes  # noqa: PLC0415 (no cold start pays for it)

        raise CannotFold(f"not JSON: it is not UTF-8 text{of_bytes(body)}") from None


_decode = msgspec.json.Decoder().decode


def parse(text: str) -> Json:
    """A text that msgspec refuses (half of a surrogate pair, a number too large) the standard library may take, for the
    record to be rejected alone; or it says what is wrong, and where.
    """
    try:
        data: Json = _decode(text)
    except (ValueError, RecursionError):
        try:
            text.encode()
            data = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            if one_by_one := _side_by_side(text):
                return one_by_one
            raise CannotFold(f"not JSON: {_wrong(error, text)}") from None
    return data


def _wrong(error: Exception, text: str) -> str:
    """Python's words are for programmers."""
    from holdfast.core.intake.cures import of_json  # noqa: PLC0415 (no cold start pays for it)

    if not isinstance(error, json.JSONDecodeError):
        return f"{error}; write null" if "is no JSON value" in str(error) else str(error)
    if not text.strip():
        return "it is empty"
    said = next((said for start, said in _JSON_SAID.items() if error.msg.startswith(start)), error.msg)
    if text[: error.pos].rstrip().endswith(",") and text[error.pos : error.pos + 1] in {"}", "]"}:
        said = "a comma is too many"
    return f"{said} at line {error.lineno}, column {error.colno}{of_json(text, error.pos)}"


_JSON_SAID = {
    "Expecting value": "a value is missing",
    "Expecting property name": "a name in double quotes is missing",
    "Expecting ':'": "a colon is missing",
    "Expecting ','": "a comma is missing",
    "Illegal trailing comma": "a comma is too many",
    "Unterminated string": "a text without its end begins",
    "Invalid control character": "a control character stands in a text",
    "Invalid \\": "a backslash stands before what it cannot escape",
    "Extra data": "something stands behind its end",
}


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON value")


def _side_by_side(text: str) -> list[Json]:
    """Objects one behind the other, with or without line ends, as Firehose writes them, or with commas between; none
    where one is broken.
    """
    found: list[Json] = []
    at, end = len(text) - len(text.lstrip()), len(text.rstrip())
    while at < end and len(found) <= MAX_RECORDS:
        try:
            each, at = _next_object(text, at)
        except (ValueError, RecursionError):
            return []
        if not isinstance(each, dict):
            return []
        found.append(each)
        behind = _BETWEEN.match(text, at)
        at = behind.end() if behind else at
    return found


_BETWEEN = re.compile(r"\s*,?\s*")
_next_object = json.JSONDecoder(parse_constant=_no_constant).raw_decode


def shallow(data: Json, text: str) -> Json:
    if text.count("{") + text.count("[") > MAX_LEVELS and _levels(data) > MAX_LEVELS:
        raise CannotFold(f"nested too deep: {MAX_LEVELS} levels are allowed")
    return data


def _levels(data: Json) -> int:
    level: list[Json] = [[data]]
    depth = 0
    while level := [each for outer in level for each in _inside(outer) if isinstance(each, dict | list)]:
        depth += 1
    return depth


def _inside(outer: Json) -> Iterable[Json]:
    return outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ()
