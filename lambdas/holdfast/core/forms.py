"""The forms in which records come (one message body holds one or many), each recognised by its shape.

Every record becomes an event, a profile change or a tick, or is rejected with a reason that says what to do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from holdfast.core.events import AHEAD_MS, Event, Json, ProfileChange, Record, Rejected, Tick, canonical

MAX_USER_BYTES = 1024
"""A user is a partition key (2,048 bytes at most in DynamoDB), and many go into one tick."""
_EARLIEST_MS = 100_000_000_000
"""March 1973. Numbers below are epoch seconds, given where milliseconds belong."""


class _CannotFold(ValueError):
    """The reason why a record is rejected."""


def records(body: str, arrived: int) -> Iterator[Record]:
    """The records of one message body that the queue took at `arrived` (epoch milliseconds). Raises nothing."""
    try:
        data = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        yield Rejected(f"not JSON: {error}", body)
        return
    for record in _read(data, arrived):
        yield record if "\\u" not in body else _encodable(record)


def _encodable(record: Record) -> Record:
    """JSON can escape half of a surrogate pair, which is no character: no table, hash or message could hold it."""
    try:
        canonical(record).encode()
    except UnicodeEncodeError:
        whole = record.record if isinstance(record, Rejected) else record._asdict()
        return Rejected("not Unicode: half of a surrogate pair", whole)
    return record


def _no_constant(name: str) -> Json:
    msg = f"{name} is no JSON value"
    raise ValueError(msg)


def _read(data: Json, arrived: int) -> Iterator[Record]:
    if isinstance(data, list):
        for each in data:
            yield from _read(each, arrived)
        return
    if not isinstance(data, dict):
        yield Rejected("a record is a JSON object", data)
        return
    try:
        for recognises, read in _FORMS:
            if recognises(data):
                yield from read(data, arrived)
                return
    except _CannotFold as error:
        yield Rejected(str(error), data)


# Each form: whether a record has its shape, and what to make of it.


def _ticks(data: dict[str, Any], _: int) -> Iterator[Record]:
    users = data.get("users")
    if not isinstance(users, dict):
        msg = "a tick names its users"
        raise _CannotFold(msg)
    for user, at in users.items():
        yield Tick(_user(user, "users"), _time(at, 1 << 53))


def _many(data: dict[str, Any], arrived: int) -> Iterator[Record]:
    yield from _read(data["d"], arrived)


def _clevertap(data: dict[str, Any], arrived: int) -> Iterator[Record]:
    """https://developer.clevertap.com/docs/upload-events-api: `ts` is in epoch seconds."""
    user = _user(data.get("identity", data.get("objectId")), "identity")
    at = _time(data["ts"] * 1000 if isinstance(data.get("ts"), int | float) else data.get("ts"), arrived)
    if data["type"] == "profile":
        yield ProfileChange(user, at, arrived, _properties(data.get("profileData"), "profileData"))
    else:
        properties = _properties(data.get("evtData", {}), "evtData")
        yield Event(user, _name(data.get("evtName"), "evtName"), at, arrived, properties, _id(data.get("id")))


def _plain(data: dict[str, Any], arrived: int) -> Iterator[Record]:
    rest = dict(data)
    user = _user(rest.pop("user", None), "user")
    at = _time(rest.pop("ts", None), arrived)
    if "event" not in rest and "profile" in rest:
        yield ProfileChange(user, at, arrived, _properties(rest["profile"], "profile"))
    else:
        name, given = _name(rest.pop("event", None), "event"), _id(rest.pop("id", None))
        yield Event(user, name, at, arrived, rest, given)


_FORMS: tuple[tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any], int], Iterator[Record]]], ...] = (
    (lambda data: data.get("holdfast") == "tick", _ticks),
    (lambda data: isinstance(data.get("d"), list), _many),
    (lambda data: data.get("type") in {"event", "profile"} and ("identity" in data or "evtName" in data), _clevertap),
    (lambda _: True, _plain),
)


def _user(value: Json, field: str) -> str:
    """Users are strings; a number is taken as its text."""
    user = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(user, str) or not user.strip():
        msg = f"no user: {field} must be a string"
        raise _CannotFold(msg)
    if len(user.encode(errors="surrogatepass")) > MAX_USER_BYTES:
        msg = f"user too long: {field} may have {MAX_USER_BYTES} bytes"
        raise _CannotFold(msg)
    return user.strip()


def _name(value: Json, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        msg = f"no event name: {field} must be a string"
        raise _CannotFold(msg)
    return value


def _id(value: Json) -> str:
    match value:
        case None:
            return ""
        case str() | int() if not isinstance(value, bool):
            return str(value)
        case _:
            msg = "id must be a string"
            raise _CannotFold(msg)


def _properties(value: Json, field: str) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        msg = f"{field} must be an object"
        raise _CannotFold(msg)
    return value


def _time(value: Json, arrived: int) -> int:
    """Epoch milliseconds. Without a time, it is the time the queue took the record."""
    match value:
        case None:
            return arrived
        case bool():
            at = 0
        case int() | float() if math.isfinite(value):
            at = int(value)
        case str():
            at = _iso_time(value)
        case _:
            at = 0
    if at < _EARLIEST_MS:
        msg = "ts must be epoch milliseconds (a number of 12 digits or more) or ISO 8601 with its time zone"
        raise _CannotFold(msg)
    if at > arrived + AHEAD_MS:
        msg = f"ts is in the future: {(at - arrived) // 1000} s after the record arrived, {AHEAD_MS // 1000} s are allowed"
        raise _CannotFold(msg)
    return at


def _iso_time(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
        return round(when.timestamp() * 1000) if when.tzinfo else 0
    except (ValueError, OverflowError):
        return 0
