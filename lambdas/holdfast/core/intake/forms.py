"""The forms in which records arrive, each recognised by its shape. One message body holds one record or many.

Every record becomes an event, a profile change or a tick, or is rejected with a reason that says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, islice
from typing import TypeAlias

from holdfast.core.events import (
    Event,
    Json,
    Record,
    Rejected,
    Tick,
    canonical,
)
from holdfast.core.intake.clevertap import CLEVERTAP_FIELDS, clevertap
from holdfast.core.intake.described import by_sources
from holdfast.core.intake.fields import (
    RULES,
    UNKNOWN_MS,
    Around,
    Object,
    Rules,
    a_profile_change,
    an_event,
    event_name,
    id_of,
    is_zero,
    known_user,
    only_ties,
    properties_of,
    ties_of,
    time_of,
    user_of,
)
from holdfast.core.intake.flat import usual_event
from holdfast.core.intake.parsing import MAX_RECORDS, CannotFold, as_text, parse, shallow
from holdfast.core.intake.segment import SEGMENT_CALLS, SEGMENT_FIELDS, calls_of, segment
from holdfast.core.intake.sources import Source


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


def _segment_batch(data: Object, around: Around) -> Iterable[Record]:
    return _read(calls_of(data), around)


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
        lambda data: data.get("type") in ("event", "profile") and not data.keys().isdisjoint(CLEVERTAP_FIELDS),
        clevertap,
    ),
    (
        "Segment",
        lambda data: isinstance(data.get("batch"), list) and "event" not in data and "type" not in data,
        _segment_batch,
    ),
    (
        "Segment",
        lambda data: data.get("type") in SEGMENT_CALLS and not data.keys().isdisjoint(SEGMENT_FIELDS),
        segment,
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
            _named(data, content, name, Around(UNKNOWN_MS, rules=rules))
        except CannotFold:
            yield from _source_of(data, rules)


def _source_of(data: Object, rules: Rules) -> list[str]:
    """The first source that matches."""
    return [f"source {each.id}" for each in rules.sources if isinstance(each, Source) and each.matches(data)][:1]
