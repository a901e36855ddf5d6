"""The fast path for the common case, a plain event whose properties are flat: in a body, or on each line of a file."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from holdfast.core.events import AHEAD_MS, Event
from holdfast.core.intake.fields import EARLIEST_MS, LATEST_MS, Rules, is_nobody, is_zero
from holdfast.core.limits import LARGEST, MAX_ENTRIES, MAX_NAME, MAX_VALUE_BYTES

ShortText: TypeAlias = Annotated[str, Meta(max_length=MAX_VALUE_BYTES // 4)]
"""So many characters are not too many bytes, whatever they are."""
_Int: TypeAlias = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
_Float: TypeAlias = Annotated[float, Meta(gt=-LARGEST, lt=LARGEST)]
FlatValue: TypeAlias = ShortText | _Int | _Float | bool | None
"""A value of a flat object that is within the limits."""
_flat = msgspec.json.Decoder(dict[Annotated[str, Meta(max_length=MAX_NAME)], FlatValue])
Flat: TypeAlias = dict[str, str | int | float | bool | None]


def usual_event(body: str | bytes, arrived: int, rules: Rules) -> Event | None:
    """The fast path of `records` for the common case: a plain, flat event that is valid.

    None means that there is more to look at.
    """
    try:
        return flat_event(_flat.decode(body), arrived, rules)
    except (ValueError, RecursionError):
        return None


def flat_objects(lines: bytes) -> list[Flat] | None:
    """The objects on many lines, if each line is a flat object; built in half the time of one at a time."""
    try:
        found = _flat.decode_lines(lines)
    except (ValueError, RecursionError):
        return None
    number = lines.count(b"\n") + (not lines.endswith(b"\n"))
    # A flat object has no brace inside that begins a line: with as many objects as lines, each line is one.
    alone = len(found) == number == lines.count(b"\n{") + lines.startswith(b"{")
    return found if alone else None


def flat_event(data: Flat, arrived: int, rules: Rules) -> Event | None:
    """The event of a flat object, whose fields become its properties. None means that there is more to look at."""
    user, name, at, given = data.pop("user", None), data.pop("event", None), data.pop("ts", None), data.pop("id", "")
    if (
        type(user) is not str
        or type(name) is not str
        or type(at) is not int
        or type(given) is not str
        or not EARLIEST_MS <= at < LATEST_MS
        or at > arrived + AHEAD_MS
        or not is_usual_user(user, rules)
        or not name.strip()
        or len(name) > MAX_NAME
        or len(data) > MAX_ENTRIES
        or "alias" in data
    ):
        return None
    return Event(user, name, at, arrived, data, given)


def is_usual_user(user: str, rules: Rules) -> bool:
    """Whether a short text is certainly the id of a user as it is. Others have to be looked at more closely."""
    return (
        bool(user)
        and user.strip() == user
        and user.isprintable()
        and (not is_nobody(user, rules) or is_zero(user, rules))
    )
