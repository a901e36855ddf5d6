"""The forms in which records arrive, each recognised by its shape. One message body holds one record or many.

Every record becomes an event, a profile change or a tick, or is rejected with a reason that says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any, TypeAlias

from holdfast.core.events import (
    Event,
    Ignored,
    Json,
    Record,
    Rejected,
    Tick,
    canonical,
)
from holdfast.core.intake.described import by_sources
from holdfast.core.intake.fields import (
    EARLIEST_MS,
    LATEST_MS,
    RULES,
    Around,
    Object,
    Rules,
    a_profile_change,
    an_event,
    changes_along,
    event_name,
    id_of,
    is_zero,
    iso_time,
    known_user,
    only_ties,
    properties_of,
    ties_of,
    time_of,
    user_of,
)
from holdfast.core.intake.flat import usual_event
from holdfast.core.intake.parsing import MAX_RECORDS, CannotFold, as_text, parse, shallow
from holdfast.core.intake.sources import Source

_UNKNOWN_MS = 1 << 53
"""An arrival from here on is none: of a file, it is not known."""
_BEHIND_MS = 2 * 60 * 60_000
"""The lateness on arrival from which an event is history by default."""


def records(body: str | bytes, arrived: int, rules: Rules = RULES) -> list[Record]:
    """The records of one message body that the queue received at `arrived` (epoch milliseconds). Raises nothing."""
    try:
        if event := usual_event(body, arrived, rules):
            return [event]
        text = body if isinstance(body, str) else as_text(body)
        data = parse(text.removeprefix("\ufeff"))
        found = list(islice(_read(shallow(data, text), Around(arrived, rules=rules)), MAX_RECORDS + 1))
    except CannotFold as error:
        return [Rejected(str(error), body if isinstance(body, str) else body.decode(errors="replace"))]
    if len(found) > MAX_RECORDS:
        return [Rejected(f"more than {MAX_RECORDS} records in one body: send them in several", text)]
    return found if _is_text(text) else [_encodable(record) for record in found]


def _is_text(body: str) -> bool:
    """Whether the body certainly has no half of a surrogate pair, escaped or not."""
    return "\\u" not in body and (body.isascii() or not _HALF.search(body))


_HALF = re.compile("[\ud800-\udfff]")


def _encodable(record: Record) -> Record:
    """JSON can escape half of a surrogate pair, which is not a character: no table, hash or message could hold it."""
    try:
        canonical(record).encode()
    except UnicodeEncodeError:
        event = record._replace(properties={}) if isinstance(record, Event) else None
        whole = record.record if isinstance(record, Rejected) else record._asdict()
        return Rejected("not Unicode: half of a surrogate pair", whole, event and _whole(event))
    return record


def _whole(event: Event) -> Event | None:
    """The event, if its user and its name are text."""
    try:
        canonical(event).encode()
    except UnicodeEncodeError:
        return None
    return event


def _read(data: Json, around: Around) -> Iterable[Record]:
    """One record or a list of them. One that cannot be folded is rejected alone, in the envelope that it came in."""
    if isinstance(data, list):
        return chain.from_iterable(_read(each, around.item(number)) for number, each in enumerate(data))
    try:
        return _record(data, around)
    except CannotFold as error:
        return [Rejected(str(error), data, error.event)]


def _record(data: Json, around: Around) -> Iterable[Record]:
    if isinstance(data, str) and _JSON_INSIDE.match(data):  # written as JSON twice
        return _read(shallow(parse(data), data), around.inside(None, None))
    if not isinstance(data, dict):
        from holdfast.core.intake.cures import of_kind  # noqa: PLC0415 (no cold start pays for it)

        raise CannotFold(f"a record is a JSON object{of_kind(data).replace('blank', 'a text')}")
    return (_form(data) or _unknown)(data, around)


_JSON_INSIDE = re.compile(r"\s*[\[{]")


def _form(data: Object) -> _Reader | None:
    return next((read for _, recognises, read in _FORMS if recognises(data)), None)


# The forms: how a record of each becomes records.


def _plain(data: Object, around: Around) -> Iterable[Record]:
    rest = dict(data)
    user = "0" if is_zero(rest["user"], around.rules) else user_of(rest, around, "user")
    del rest["user"]
    ts, given = rest.pop("ts", None), rest.pop("id", None)
    if "event" in rest:
        event = an_event(user, event_name(rest.pop("event"), "event"), rest, around, given, ts, "ts")
        return [*ties_of(user, data, around, event.at, "alias", along=event.name), event]
    if "profile" not in rest:
        return only_ties(user, data, around, ts, "alias")
    at = time_of(ts, around)
    changes = a_profile_change(user, at, around, {"profile": rest["profile"]}, id_of(given, around))
    return [*ties_of(user, data, around, at, "alias"), *changes]


def _ticks(data: Object, _: Around) -> Iterable[Record]:
    users = data.get("users")
    if not isinstance(users, dict):
        raise CannotFold("a tick names its users")
    return [Tick(known_user({"users": user}), time_of(at, Around(1 << 53))) for user, at in users.items()]


def _clevertap_upload(data: Object, around: Around) -> Iterable[Record]:
    return _read(data["d"], around)


def _clevertap(data: Object, around: Around) -> Iterable[Record]:
    """https://developer.clevertap.com/docs/upload-events-api: `ts` is in epoch seconds, and so are `$D_` dates."""
    user = user_of(data, around, *_CLEVERTAP_IDS)
    ts, given = data.get("ts"), data.get("id")
    if data["type"] == "profile":
        at = time_of(_milliseconds(ts), around)
        properties = {"profileData": _dated(data.get("profileData"))}
        changes = a_profile_change(user, at, around, properties, id_of(given, around))
        return [*ties_of(user, data, around, at, *_CLEVERTAP_IDS), *changes]
    name = event_name(data.get("evtName"), "evtName")
    event = an_event(user, name, data.get("evtData"), around, given, ts, "evtData", _dated, _milliseconds)
    return [*ties_of(user, data, around, event.at, *_CLEVERTAP_IDS, along=name), event]


def _milliseconds(ts: Json) -> Json:
    if not isinstance(ts, int | float):
        return ts
    if ts >= EARLIEST_MS:
        raise CannotFold("ts must be epoch seconds, as CleverTap's is; this is in milliseconds or less: divide it")
    return ts * 1000


def _segment_batch(data: Object, around: Around) -> Iterable[Record]:
    """https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#batch: the context and the
    sending time of the batch apply to each call.
    """
    shared = {name: data[name] for name in ("sentAt", "receivedAt") if name in data}
    context = data.get("context")

    def call(each: Json) -> Json:
        if not isinstance(each, dict):
            return each
        own = each.get("context")
        both = {**context, **(own if isinstance(own, dict) else {})} if isinstance(context, dict) else own
        return {**shared, **each, **({"context": both} if both is not None else {})}

    return _read([call(each) for each in data["batch"]], around)


def _segment(data: Object, around: Around) -> Iterable[Record]:
    """https://segment.com/docs/connections/spec and RudderStack's, whose traits are in the context.

    Any call may name one person by both `userId` and `anonymousId`:
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
    if at and sent_at and around.arrived < _UNKNOWN_MS and around.arrived - sent_at > _BEHIND_MS:
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


def _cloudevent(data: Object, around: Around) -> Iterable[Record]:
    """https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md"""
    if data.get("data_base64") is not None:
        raise CannotFold("data_base64 is not read: send data as JSON")
    around = around.inside(data.get("time"), data.get("id"))
    return _carried(data, "data", "type", around)


def _eventbridge(data: Object, around: Around) -> Iterable[Record]:
    """https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html"""
    around = around.inside(data.get("time"), data.get("id"))
    return _carried(data, "detail", "detail-type", around)


def _sns(data: Object, around: Around) -> Iterable[Record]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html, without raw delivery."""
    around = around.inside(data.get("Timestamp"), data.get("MessageId"))
    try:
        message = shallow(parse(data["Message"]), data["Message"])
    except CannotFold as error:
        raise CannotFold(f"Message is {error}") from None
    return _read(message, around) if isinstance(message, list) else _record(message, around)


def _carried(envelope: Object, content: str, name: str, around: Around) -> Iterable[Record]:
    """A record of any form, or else the properties of an event that the envelope names."""
    data = envelope.get(content)
    if isinstance(data, str) and _JSON_INSIDE.match(data):
        with suppress(CannotFold):
            data = shallow(parse(data), data)
            envelope = {**envelope, content: data}
    if isinstance(data, dict) and (read := _form(data)):
        return read(data, around)
    try:
        return _named(envelope, content, name, around)
    except CannotFold as error:
        return by_sources(envelope, around, error)


def _named(envelope: Object, content: str, name: str, around: Around) -> list[Record]:
    properties = properties_of(envelope.get(content), content)
    users = {f"{content}.{field}": properties.get(field) for field in ("user", "userId", "identity")}
    if around.rules.subject and "subject" in envelope:
        users["subject"] = envelope["subject"]
    user = user_of(users, around, *users)
    return [an_event(user, event_name(envelope[name], name), properties, around, None, None, content)]


def _unknown(data: Object, around: Around) -> Iterable[Record]:
    reason = "a record of no known form: a plain one has user, event and ts"
    if "event" in data:
        reason = "no user: user must be a string"
    elif data.get("profile") is not None and "user" in data:
        reason = "profile must be an object"
    elif "user" in data:
        reason = "no event name: event must be a string"
    refused = CannotFold(reason)
    try:
        return by_sources(data, around, refused)
    except CannotFold as error:
        if error is not refused:
            raise
    from holdfast.core.intake.cures import of_record  # noqa: PLC0415 (no cold start pays for it)

    raise CannotFold(reason + of_record(data))


_Reader: TypeAlias = Callable[[Object, Around], Iterable[Record]]
_CLEVERTAP_IDS = ("identity", "FBID", "GPID", "objectId")
_OF_CLEVERTAP = ("identity", "evtName", "profileData")
_OF_SEGMENT = ("userId", "anonymousId", "previousId", "messageId")
_SAYING_NOTHING = ("page", "screen", "group")
"""Calls that every Segment source sends, and that say nothing that is folded: no reason to set them aside."""
_SEGMENT_CALLS = ("track", "identify", "page", "screen", "group", "alias")
_FORMS: tuple[tuple[str, Callable[[Object], bool], _Reader], ...] = (
    (
        "plain",
        lambda data: "user" in data and ("event" in data or "alias" in data or isinstance(data.get("profile"), dict)),
        _plain,
    ),
    ("tick", lambda data: data.get("holdfast") == "tick", _ticks),
    ("CleverTap", lambda data: isinstance(data.get("d"), list), _clevertap_upload),
    (
        "CleverTap",
        lambda data: data.get("type") in ("event", "profile") and not data.keys().isdisjoint(_OF_CLEVERTAP),
        _clevertap,
    ),
    (
        "Segment",
        lambda data: isinstance(data.get("batch"), list) and "event" not in data and "type" not in data,
        _segment_batch,
    ),
    (
        "Segment",
        lambda data: data.get("type") in _SEGMENT_CALLS and not data.keys().isdisjoint(_OF_SEGMENT),
        _segment,
    ),
    ("CloudEvent", lambda data: "specversion" in data and "type" in data, _cloudevent),
    ("EventBridge", lambda data: "detail-type" in data and "detail" in data, _eventbridge),
    ("SNS", lambda data: data.get("Type") == "Notification" and isinstance(data.get("Message"), str), _sns),
)
"""The name that people read, how a record is recognised, and how it is read. The first that recognises it reads it."""
_NAMES: Mapping[_Reader, str] = {read: name for name, _, read in _FORMS}


def form_of(body: str, rules: Rules = RULES) -> str:
    """The form by which a body is read, shown to people: `SNS, Segment`. A list has the form of its first record."""
    with suppress(CannotFold):
        return ", ".join(_forms_of(shallow(parse(body), body), rules)) or "unknown"
    return "not JSON"


def _forms_of(data: Json, rules: Rules) -> Iterator[str]:
    data = next(iter(data), None) if isinstance(data, list) else data
    read = _form(data) if isinstance(data, dict) else None
    if not isinstance(data, dict):
        return
    if read is None:
        yield from _source_of(data, rules)
        return
    yield _NAMES[read]
    if read is _sns:
        message = str(data["Message"])
        yield from _forms_of(shallow(parse(message), message), rules)
    elif read in {_cloudevent, _eventbridge}:
        content, name = ("data", "type") if read is _cloudevent else ("detail", "detail-type")
        inside = data.get(content)
        if isinstance(inside, dict) and _form(inside):
            yield from _forms_of(inside, rules)
            return
        try:
            _named(data, content, name, Around(_UNKNOWN_MS, rules=rules))
        except CannotFold:
            yield from _source_of(data, rules)


def _source_of(data: Object, rules: Rules) -> list[str]:
    """The first source that matches."""
    return [f"source {each.id}" for each in rules.sources if isinstance(each, Source) and each.matches(data)][:1]


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
