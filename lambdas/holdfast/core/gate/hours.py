"""Sending hours: whether a moment lies inside them, and when they begin next, by the clock on the user's wall.

A day's hours run from `begin` to `end` (minutes after midnight); where `end` is not later than `begin`, they run over
midnight and belong to the day on which they begin. Where a change of the clock leaves two moments to choose from (a
time that comes twice, or one that is skipped), hours begin at the later and end at the earlier one: never outside.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from holdfast.core.events import Value

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL_DAY = 24 * 60
USER = "user"


class Hours(Value, frozen=True, omit_defaults=True):
    """`days` are the numbers of weekdays, Monday is 0. `zone` is an IANA name, or `user`: the user's own zone.

    Outside of the hours a message waits for them, or, unless `wait`, is withheld.
    """

    begin: int = 0
    end: int = ALL_DAY
    days: tuple[int, ...] = tuple(range(7))
    zone: str = USER
    wait: bool = True


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo | None:
    """The zone of an IANA name; None where there is none of that name."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 (a cold start without hours needs none)

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def opens(hours: Hours, now: int, at: tzinfo) -> int:
    """The first moment at or after `now` inside the hours (both epoch milliseconds): `now` itself if it is inside.

    Raises ValueError where there is no such moment, as `days` is empty.
    """
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(at).date()
    for days in range(-1, 16):  # of a week, the only day may be the one on which a change of the clock takes them all
        day = today + timedelta(days=days)
        if day.weekday() not in hours.days:
            continue
        begin, end = _window(hours, day, at)
        if now < end and begin < end:
            return max(now, begin)
    raise ValueError("sending hours without a day")


def _window(hours: Hours, day: date, at: tzinfo) -> tuple[int, int]:
    over_midnight = hours.end <= hours.begin
    return max(_moments(day, hours.begin, at)), min(_moments(day + timedelta(days=over_midnight), hours.end, at))


def _moments(day: date, minutes: int, at: tzinfo) -> tuple[int, int]:
    """When the clock on the wall shows this, by the offset before and by the one after a change of the clock."""
    wall = datetime.combine(day, time(), at) + timedelta(minutes=minutes)
    return round(wall.timestamp() * 1000), round(wall.replace(fold=1).timestamp() * 1000)
