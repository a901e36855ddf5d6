"""Numbers and times, as filters find them in a message's data: read, and times moved by a duration."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from holdfast.core.templates import locales
from holdfast.core.templates.bounds import Withheld, text
from holdfast.core.templates.lists import MAX_NUMBER
from holdfast.core.times import iso_text, parse_duration

T = TypeVar("T")

MILLISECONDS_FROM: Final = 10**11
"""A number from here on is a time in milliseconds: as seconds it would be the year 5138."""

CALENDAR: Final = re.compile(r"(?:19|20|21)[0-9]{6}(?:[0-9]{6})?")
"""Eight or fourteen digits that are a day, and a time, as ISO 8601 writes them without separators."""
NO_TIME_BELOW: Final = 10**7
"""As epoch seconds, positive numbers below are in the first months of 1970: years, counts and durations, not times."""


def checked(function: Callable[..., T], *arguments: object) -> T:
    try:
        return function(*arguments)
    except ValueError as error:
        raise Withheld(f"failed: {error}") from None


def number(value: object) -> int | float:
    match value:
        case bool():
            pass
        case int() | float():
            return value
        case str():
            for kind in (int, float):
                try:
                    return kind(value)
                except ValueError:
                    continue
    raise Withheld(f"failed: not a number: {value!r:.50}")


def small(value: object) -> int | float:
    if not abs(found := number(value)) < MAX_NUMBER:  # nor NaN
        raise Withheld("limit: a number beyond 2^63")
    return found


def moment_of(value: object, zone: object) -> datetime:
    """Epoch seconds or milliseconds, or ISO 8601. In the zone; else in UTC or, ISO 8601, as written."""
    try:
        moment = _calendar(value) or _epoch(value)
    except (ValueError, OverflowError, OSError):
        detail = repr(value)[:50]
        raise Withheld(f"failed: date takes an epoch number or ISO 8601, and there is no clock; not {detail}") from None
    if zone is None:
        return moment
    where = checked(locales.zone, text(zone))
    return moment.astimezone(where) if moment.tzinfo else moment


def _calendar(value: object) -> datetime | None:
    """ISO 8601; where it is mere digits, a day that there is: 20261123, not seconds of August 1970."""
    written = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if isinstance(value, str) and not re.fullmatch(r"[-+]?[0-9]+(\.[0-9]*)?", written):
        return datetime.fromisoformat(iso_text(written))
    if CALENDAR.fullmatch(written):
        try:
            return datetime.fromisoformat(f"{written[:8]}T{written[8:]}" if len(written) > len("20261123") else written)
        except ValueError:
            pass
    return None


def _epoch(value: object) -> datetime:
    epoch = number(value)
    if 0 < epoch < NO_TIME_BELOW:
        raise ValueError
    return datetime.fromtimestamp(epoch / 1000 if abs(epoch) >= MILLISECONDS_FROM else epoch, UTC)


def is_duration(value: object) -> bool:
    """`3 days` and PT30M are, `3` is not."""
    return isinstance(value, str) and re.search(r"[a-zA-Z]", value) is not None and not _is_number(value)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def later(value: object, duration: object, sign: int) -> object:
    """A time moved by a duration, as it was written: a number as a number, a day as a day where hours do not matter."""
    try:
        moment = moment_of(value, None) + timedelta(milliseconds=sign * checked(parse_duration, text(duration)))
    except OverflowError:
        raise Withheld(f"failed: {value!r:.50} and {duration!r:.50} is beyond the year 9999") from None
    match value:
        case int() | float() if not CALENDAR.fullmatch(str(value)):
            seconds = moment.timestamp()
            return round(seconds * 1000) if abs(value) >= MILLISECONDS_FROM else int(seconds)
        case str() if re.fullmatch(r"-?[0-9]+", value) and not CALENDAR.fullmatch(value):
            seconds = moment.timestamp()
            return str(round(seconds * 1000) if abs(int(value)) >= MILLISECONDS_FROM else int(seconds))
        case str() if re.fullmatch(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}", value) and moment.time() == datetime.min.time():
            return moment.date().isoformat()
    return moment.isoformat().replace("+00:00", "Z")
