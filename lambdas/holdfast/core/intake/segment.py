"""Segment's form, and RudderStack's, whose traits are in the context: https://segment.com/docs/connections/spec"""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.core.events import Ignored, Json, Record
from holdfast.core.intake.fields import (
    EARLIEST_MS,
    LATEST_MS,
    UNKNOWN_MS,
    Around,
    Object,
    a_profile_change,
    an_event,
    changes_along,
    event_name,
    id_of,
    iso_time,
    only_ties,
    ties_of,
    time_of,
    user_of,
)
from holdfast.core.intake.parsing import CannotFold

SEGMENT_CALLS = ("track", "identify", "page", "screen", "group", "alias")
SEGMENT_FIELDS = ("userId", "anonymousId", "previousId", "messageId")
"""Fields, one of which tells a call of Segment's from another record that has a type."""
_SAYING_NOTHING = ("page", "screen", "group")
"""Calls that every Segment source sends, and that say nothing that is folded: no reason to set them aside."""
_BEHIND_MS = 2 * 60 * 60_000
"""The lateness on arrival from which an event is history by default."""


def calls_of(data: Object) -> list[Json]:
    """The calls of a batch, to each of which the context and the sending time of the batch apply:
    https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#batch
    """
    shared = {name: data[name] for name in ("sentAt", "receivedAt") if name in data}
    context = data.get("context")

    def call(each: Json) -> Json:
        if not isinstance(each, dict):
            return each
        own = each.get("context")
        both = {**context, **(own if isinstance(own, dict) else {})} if isinstance(context, dict) else own
        return {**shared, **each, **({"context": both} if both is not None else {})}

    return [call(each) for each in data["batch"]]


def segment(data: Object, around: Around) -> Iterable[Record]:
    """Any call may name one person by both `userId` and `anonymousId`:
    https://segment.com/docs/unify/identity-resolution/externalids
    """
    call = data["type"]
    if call in _SAYING_NOTHING:
        return [Ignored(f"{call} call")]
    user = user_of(data, around, "userId", "anonymousId")
    if call == "alias":
        return only_ties(user, data, around, data.get("timestamp"), "previousId", "anonymousId")
    given = data.get("messageId")
    context = data.get("context")
    known = context.get("traits") if isinstance(context, dict) else None
    if call == "track":
        name = event_name(data.get("event"), "event")
        properties = data.get("properties")
        try:
            time = _happened(data, around)
        except CannotFold as error:
            error.event = an_event(user, name, properties, around, given, None, "properties")
            raise
        event = an_event(user, name, properties, around, given, time, "properties", field="timestamp")
        ties = ties_of(user, data, around, event.at, "anonymousId", along=name)
        return [*ties, *changes_along(event, known, around), event]
    at = time_of(_happened(data, around), around, "timestamp")
    traits = {"context.traits": known, "traits": data.get("traits")}
    changes = a_profile_change(user, at, around, traits, id_of(given, around))
    return [*ties_of(user, data, around, at, "anonymousId"), *changes]


def _happened(data: Object, around: Around) -> Json:
    """The time of `timestamp`, which the vendor has corrected. Without it, the sender's own time, corrected by the
    error of its clock if the record says both when it was sent and when it was received.

    The time of the record's arrival here corrects nothing: an event sent twice would then have two times. But if it
    shows that the clock was hours behind, the event cannot silently be history.
    """
    if data.get("timestamp") is not None:
        time: Json = data["timestamp"]
        return time
    original, sent, received = (data.get(name) for name in ("originalTimestamp", "sentAt", "receivedAt"))
    at, sent_at, received_at = map(_epoch_ms, (original, sent, received))
    if at and sent_at and received_at:
        return at + received_at - sent_at
    if at and sent_at and around.arrived < UNKNOWN_MS and around.arrived - sent_at > _BEHIND_MS:
        behind = (around.arrived - sent_at) // 60_000
        raise CannotFold(
            f"sentAt is {behind} minutes before the record arrived: the sender's clock is wrong, or it waited so long;"
            " send timestamp or receivedAt too"
        )
    return sent if original is None else original


def _epoch_ms(value: Json) -> int:
    """The time in epoch milliseconds; 0 if the value is not a time."""
    if isinstance(value, str):
        return iso_time(value)
    return int(value) if isinstance(value, int | float) and EARLIEST_MS <= value < LATEST_MS else 0
