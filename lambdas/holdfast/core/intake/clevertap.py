"""CleverTap's form: https://developer.clevertap.com/docs/upload-events-api"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from holdfast.core.events import Json, Record
from holdfast.core.intake.fields import (
    EARLIEST_MS,
    Around,
    Object,
    a_profile_change,
    an_event,
    event_name,
    id_of,
    ties_of,
    time_of,
    user_of,
)
from holdfast.core.intake.parsing import CannotFold

CLEVERTAP_FIELDS = ("identity", "evtName", "profileData")
"""Fields, one of which tells a record of CleverTap's from another that has a type."""
_IDS = ("identity", "FBID", "GPID", "objectId")


def clevertap(data: Object, around: Around) -> Iterable[Record]:
    """`ts` is in epoch seconds, and so are `$D_` dates."""
    user = user_of(data, around, *_IDS)
    ts, given = data.get("ts"), data.get("id")
    if data["type"] == "profile":
        at = time_of(_milliseconds(ts), around)
        properties = {"profileData": _dated(data.get("profileData"))}
        changes = a_profile_change(user, at, around, properties, id_of(given, around))
        return [*ties_of(user, data, around, at, *_IDS), *changes]
    name = event_name(data.get("evtName"), "evtName")
    event = an_event(user, name, data.get("evtData"), around, given, ts, "evtData", _dated, _milliseconds)
    return [*ties_of(user, data, around, event.at, *_IDS, along=name), event]


def _milliseconds(ts: Json) -> Json:
    if not isinstance(ts, int | float):
        return ts
    if ts >= EARLIEST_MS:
        raise CannotFold("ts must be epoch seconds, as CleverTap's is; this is in milliseconds or less: divide it")
    return ts * 1000


def _dated(value: Any) -> Any:
    """CleverTap's dates, `$D_` and epoch seconds, as ISO 8601 in UTC: people can read it, and it can be compared."""
    kind = type(value)
    if kind is str:
        return _DATE.sub(_iso_date, value) if value.startswith("$D_") else value
    if kind is dict:
        return {name: _dated(each) for name, each in value.items()}
    return [_dated(each) for each in value] if kind is list else value


_DATE = re.compile(r"\A\$D_(-?[0-9]{1,11})\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _iso_date(date: re.Match[str]) -> str:
    try:
        return (_EPOCH + timedelta(seconds=int(date[1]))).isoformat().replace("+00:00", "Z")
    except OverflowError:  # before the year 1
        return date[0]
