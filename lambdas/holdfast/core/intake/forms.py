"""The forms in which records come (one message body holds one or many), each recognised by its shape.

Every record becomes an event, a profile change or a tick, or is rejected with a reason that says what to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Annotated, Any, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from holdfast.core.events import (
    AHEAD_MS,
    Event,
    Ignored,
    Json,
    Operation,
    ProfileChange,
    Record,
    Rejected,
    Tick,
    Tie,
    Unread,
    canonical,
)
from holdfast.core.intake.sources import Lookup, Source, Unreadable
from holdfast.core.limits import LARGEST, MAX_ENTRIES, MAX_NAME, MAX_VALUE_BYTES, beyond, bytes_of
from holdfast.core.paths import Unclear

MAX_RECORDS = 1000
"""In one body, as in CleverTap's upload: each may become a message of its own on the rejected queue."""
MAX_ID = 256
MAX_USER_BYTES = 1024
"""A user is a partition key (2,048 bytes at most in DynamoDB), and many go into one tick."""
MAX_LEVELS = 32
"""How deep a body may be nested. Beyond, Python's recursion limit is near."""
MAX_ENVELOPES = 4
MAX_STEP = 1 << 53
"""The most that `$incr` may add at once: no sum of these is too large for a JSON number."""
_UNKNOWN_MS = 1 << 53
"""An arrival from here on is none: of a file, it is not known."""
_BEHIND_MS = 2 * 60 * 60_000
"""The lateness on arrival from which an event is history by default."""
EARLIEST_MS, LATEST_MS = 10**11, 10**14
"""1973 to 5138. Numbers below are epoch seconds, given where milliseconds belong; numbers above are microseconds."""


NOBODY = frozenset(
    {
        *("undefined", "null", "nil", "none", "nan", "unknown", "anonymous", "guest", "true", "false"),
        *("[object object]", "n/a", "na", "-1", "(null)", "<null>", "<nil>"),
    }
)
"""Identities, in lower case, that stand for nobody: programs write them where there is no user. So are those of zeros
and hyphens alone, such as the nil UUID.
"""


class Rules(NamedTuple):
    """The settings of a stack. `nobody` are more identities, in lower case, that stand for nobody; `subject` means that
    the subject of a CloudEvent is its user, where its data names none. `sources` read what no native form can.
    """

    nobody: frozenset[str] = frozenset()
    subject: bool = False
    sources: tuple[Source | Unreadable, ...] = ()

    @classmethod
    def of(cls, nobody: str, subject: str) -> Rules:
        """As settings say it: identities separated by commas, and `user` where the subject is one."""
        return cls(frozenset(each.strip().casefold() for each in nobody.split(",") if each.strip()), subject == "user")


RULES = Rules()


class _CannotFold(ValueError):
    """The reason why a record is rejected; and the event that it may have been, where that much could be read."""

    event: Event | None = None


class _Around(NamedTuple):
    """When the queue took a record, and its envelopes' time and id, which the record takes for want of its own."""

    arrived: int
    time: Json = None
    id: str = ""
    envelopes: int = 0
    rules: Rules = RULES

    def inside(self, time: Json, id_: Json) -> _Around:
        if self.envelopes == MAX_ENVELOPES:
            raise _CannotFold(f"more than {MAX_ENVELOPES} envelopes around one record: send it in one, or in none")
        outer = self.time if time is None else time
        return _Around(self.arrived, outer, _id(id_, self), self.envelopes + 1, self.rules)

    def item(self, number: int) -> _Around:
        return self._replace(id=f"{self.id}/{number}") if self.id else self


_Object: TypeAlias = Mapping[str, Any]


def records(body: str | bytes, arrived: int, rules: Rules = RULES) -> list[Record]:
    """The records of one message body that the queue took at `arrived` (epoch milliseconds). Raises nothing."""
    try:
        if event := _usual(body, arrived, rules):
            return [event]
        text = body if isinstance(body, str) else _text(body)
        data = _parse(text.removeprefix("\ufeff"))
        found = list(islice(_read(_shallow(data, text), _Around(arrived, rules=rules)), MAX_RECORDS + 1))
    except _CannotFold as error:
        return [Rejected(str(error), body if isinstance(body, str) else body.decode(errors="replace"))]
    if len(found) > MAX_RECORDS:
        return [Rejected(f"more than {MAX_RECORDS} records in one body: send them in several", text)]
    return found if _is_text(text) else [_encodable(record) for record in found]


def _is_text(body: str) -> bool:
    """Is it sure that no half of a surrogate pair is in it, escaped or as it is?"""
    return "\\u" not in body and (body.isascii() or not _HALF.search(body))


_HALF = re.compile("[\ud800-\udfff]")


_Short: TypeAlias = Annotated[str, Meta(max_length=MAX_VALUE_BYTES // 4)]
"""So many characters are not too many bytes, whatever they are."""
_Int: TypeAlias = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
_Float: TypeAlias = Annotated[float, Meta(gt=-LARGEST, lt=LARGEST)]
_flat = msgspec.json.Decoder(dict[Annotated[str, Meta(max_length=MAX_NAME)], _Short | _Int | _Float | bool | None])
Flat: TypeAlias = dict[str, str | int | float | bool | None]


def _usual(body: str | bytes, arrived: int, rules: Rules) -> Event | None:
    """Fast path of `_plain` for the common case: a plain event which is flat, and has nothing to object to.

    None means nothing: there is more to look at.
    """
    try:
        return flat_event(_flat.decode(body), arrived, rules)
    except (ValueError, RecursionError):
        return None


def flat_objects(lines: bytes) -> list[Flat] | None:
    """The objects on many lines, if each line is a flat one; made in half the time that each alone takes."""
    try:
        found = _flat.decode_lines(lines)
    except (ValueError, RecursionError):
        return None
    number = lines.count(b"\n") + (not lines.endswith(b"\n"))
    # A flat object has no brace inside that begins a line: with as many objects as lines, each line is one.
    alone = len(found) == number == lines.count(b"\n{") + lines.startswith(b"{")
    return found if alone else None


def flat_event(data: Flat, arrived: int, rules: Rules) -> Event | None:
    """The event of a flat object, which becomes its properties. None means that there is more to look at."""
    user, name, at, given = data.pop("user", None), data.pop("event", None), data.pop("ts", None), data.pop("id", "")
    if (
        type(user) is not str
        or type(name) is not str
        or type(at) is not int
        or type(given) is not str
        or not EARLIEST_MS <= at < LATEST_MS
        or at > arrived + AHEAD_MS
        or not user
        or user.strip() != user
        or not user.isprintable()
        or (_is_nobody(user, rules) and not _is_zero(user, rules))
        or not name.strip()
        or len(name) > MAX_NAME
        or len(data) > MAX_ENTRIES
        or "alias" in data
    ):
        return None
    return Event(user, name, at, arrived, data, given)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise _CannotFold(f"not JSON: {error}") from None


_decode = msgspec.json.Decoder().decode


def _parse(text: str) -> Json:
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
            raise _CannotFold(f"not JSON: {_wrong(error)}") from None
    return data


def _wrong(error: Exception) -> str:
    """Python's words are for programmers."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    if not error.doc.strip():
        return "it is empty"
    said = next((said for start, said in _JSON_SAID.items() if error.msg.startswith(start)), error.msg)
    return f"{said} at line {error.lineno}, column {error.colno}"


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
    """Objects one behind the other, with or without line ends, as Firehose writes them; none where one is broken."""
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
        while at < end and text[at].isspace():
            at += 1
    return found


_next_object = json.JSONDecoder(parse_constant=_no_constant).raw_decode


def _shallow(data: Json, text: str) -> Json:
    if text.count("{") + text.count("[") > MAX_LEVELS and _levels(data) > MAX_LEVELS:
        raise _CannotFold(f"nested too deep: {MAX_LEVELS} levels are allowed")
    return data


def _levels(data: Json) -> int:
    level: list[Json] = [[data]]
    depth = 0
    while level := [each for outer in level for each in _inside(outer) if isinstance(each, dict | list)]:
        depth += 1
    return depth


def _inside(outer: Json) -> Iterable[Json]:
    return outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ()


def _encodable(record: Record) -> Record:
    """JSON can escape half of a surrogate pair, which is no character: no table, hash or message could hold it."""
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


def _read(data: Json, around: _Around) -> Iterable[Record]:
    """One record or a list of them. What cannot be folded is rejected alone, in the envelope that it came in."""
    if isinstance(data, list):
        return chain.from_iterable(_read(each, around.item(number)) for number, each in enumerate(data))
    try:
        return _record(data, around)
    except _CannotFold as error:
        return [Rejected(str(error), data, error.event)]


def _record(data: Json, around: _Around) -> Iterable[Record]:
    if not isinstance(data, dict):
        raise _CannotFold("a record is a JSON object")
    return (_form(data) or _unknown)(data, around)


def _form(data: _Object) -> _Reader | None:
    return next((read for recognises, read in _FORMS if recognises(data)), None)


# The forms: what to make of a record of each.


def _plain(data: _Object, around: _Around) -> Iterable[Record]:
    rest = dict(data)
    user = "0" if _is_zero(rest["user"], around.rules) else _user(rest, around, "user")
    del rest["user"]
    ts, given = rest.pop("ts", None), rest.pop("id", None)
    if "event" in rest:
        event = _event(user, _name(rest.pop("event"), "event"), rest, around, given, ts, "ts")
        return [*_ties(user, data, around, event.at, "alias", along=event.name), event]
    if "profile" not in rest:
        return _only_ties(user, data, around, ts, "alias")
    at = _time(ts, around)
    changes = _profile(user, at, around, {"profile": rest["profile"]}, _id(given, around))
    return [*_ties(user, data, around, at, "alias"), *changes]


def _ticks(data: _Object, _: _Around) -> Iterable[Record]:
    users = data.get("users")
    if not isinstance(users, dict):
        raise _CannotFold("a tick names its users")
    return [Tick(_known_user({"users": user}), _time(at, _Around(1 << 53))) for user, at in users.items()]


def _clevertap_upload(data: _Object, around: _Around) -> Iterable[Record]:
    return _read(data["d"], around)


def _clevertap(data: _Object, around: _Around) -> Iterable[Record]:
    """https://developer.clevertap.com/docs/upload-events-api: `ts` is in epoch seconds, and so are `$D_` dates."""
    user = _user(data, around, *_CLEVERTAP_IDS)
    ts, given = data.get("ts"), data.get("id")
    if data["type"] == "profile":
        at = _time(_milliseconds(ts), around)
        properties = {"profileData": _dated(data.get("profileData"))}
        changes = _profile(user, at, around, properties, _id(given, around))
        return [*_ties(user, data, around, at, *_CLEVERTAP_IDS), *changes]
    name = _name(data.get("evtName"), "evtName")
    event = _event(user, name, data.get("evtData"), around, given, ts, "evtData", _dated, _milliseconds)
    return [*_ties(user, data, around, event.at, *_CLEVERTAP_IDS, along=name), event]


def _milliseconds(ts: Json) -> Json:
    if not isinstance(ts, int | float):
        return ts
    if ts >= EARLIEST_MS:
        raise _CannotFold("ts must be epoch seconds")
    return ts * 1000


def _segment_batch(data: _Object, around: _Around) -> Iterable[Record]:
    """https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#batch: what the batch says of
    its context and its sending holds for each call.
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


def _segment(data: _Object, around: _Around) -> Iterable[Record]:
    """https://segment.com/docs/connections/spec and RudderStack's, whose traits are in the context.

    Both take `userId` and `anonymousId` in one call for one person, whichever call it is:
    https://segment.com/docs/unify/identity-resolution/externalids
    """
    call = data["type"]
    if call in _SAYING_NOTHING:
        return [Ignored(f"{call} call")]
    user = _user(data, around, "userId", "anonymousId")
    if call == "alias":
        return _only_ties(user, data, around, data.get("timestamp"), "previousId", "anonymousId")
    given = data.get("messageId")
    context = data.get("context")
    known = context.get("traits") if isinstance(context, dict) else None
    if call == "track":
        name = _name(data.get("event"), "event")
        properties = data.get("properties")
        try:
            time = _happened(data, around)
        except _CannotFold as error:
            error.event = _event(user, name, properties, around, given, None, "properties")
            raise
        event = _event(user, name, properties, around, given, time, "properties", field="timestamp")
        ties = _ties(user, data, around, event.at, "anonymousId", along=name)
        return [*ties, *_along(event, known, around), event]
    at = _time(_happened(data, around), around, "timestamp")
    traits = {"context.traits": known, "traits": data.get("traits")}
    changes = _profile(user, at, around, traits, _id(given, around))
    return [*_ties(user, data, around, at, "anonymousId"), *changes]


def _happened(data: _Object, around: _Around) -> Json:
    """`timestamp`, which the vendor has corrected; else the sender's own time, corrected by how wrong its clock was
    where the record says both when it was sent and when it was received.

    The time of the record's arrival here corrects nothing: sent twice, one event would happen at two times. But where
    it shows that the clock was hours behind, the event cannot silently be history.
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
        raise _CannotFold(
            f"sentAt is {behind} minutes before the record arrived: the sender's clock is wrong, or it waited so long;"
            " send timestamp or receivedAt too"
        )
    return sent if original is None else original


def _epoch_ms(value: Json) -> int:
    """0 for what is not a time."""
    if isinstance(value, str):
        return _iso_time(value)
    return int(value) if isinstance(value, int | float) and EARLIEST_MS <= value < LATEST_MS else 0


def _along(event: Event, traits: Json, around: _Around) -> list[Record]:
    """The profile changes that a track call bears besides. A mistake in them does not harm the event."""
    if not isinstance(traits, dict) or not traits:
        return []
    try:
        changes = _profile(event.user, event.at, around, {"context.traits": traits}, event.id)
    except _CannotFold:
        return []
    return [each._replace(along=event.name) for each in changes if isinstance(each, ProfileChange)]


def _cloudevent(data: _Object, around: _Around) -> Iterable[Record]:
    """https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md"""
    if data.get("data_base64") is not None:
        raise _CannotFold("data_base64 is not read: send data as JSON")
    around = around.inside(data.get("time"), data.get("id"))
    return _carried(data, "data", "type", around)


def _eventbridge(data: _Object, around: _Around) -> Iterable[Record]:
    """https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html"""
    around = around.inside(data.get("time"), data.get("id"))
    return _carried(data, "detail", "detail-type", around)


def _sns(data: _Object, around: _Around) -> Iterable[Record]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html, without raw delivery."""
    around = around.inside(data.get("Timestamp"), data.get("MessageId"))
    try:
        message = _shallow(_parse(data["Message"]), data["Message"])
    except _CannotFold as error:
        raise _CannotFold(f"Message is {error}") from None
    return _read(message, around) if isinstance(message, list) else _record(message, around)


def _carried(envelope: _Object, content: str, name: str, around: _Around) -> Iterable[Record]:
    """A record of any form, or else the properties of an event that the envelope names."""
    data = envelope.get(content)
    if isinstance(data, dict) and (read := _form(data)):
        return read(data, around)
    try:
        return _named(envelope, content, name, around)
    except _CannotFold as error:
        return _by_sources(envelope, around, error)


def _named(envelope: _Object, content: str, name: str, around: _Around) -> list[Record]:
    properties = _properties(envelope.get(content), content)
    users = {f"{content}.{field}": properties.get(field) for field in ("user", "userId", "identity")}
    if around.rules.subject and "subject" in envelope:
        users["subject"] = envelope["subject"]
    user = _user(users, around, *users)
    return [_event(user, _name(envelope[name], name), properties, around, None, None, content)]


def _unknown(data: _Object, around: _Around) -> Iterable[Record]:
    reason = "a record of no known form: a plain one has user, event and ts"
    if "event" in data:
        reason = "no user: user must be a string"
    elif "user" in data:
        reason = "no event name: event must be a string"
    return _by_sources(data, around, _CannotFold(reason))


# The sources: what to make of what no native form reads.


def _by_sources(data: _Object, around: _Around, refused: _CannotFold) -> Iterable[Record]:
    """As the first source reads it that matches it; else it is `refused`, unless a newer release may know better."""
    unreadable = ""
    for source in around.rules.sources:
        if isinstance(source, Unreadable):
            unreadable = unreadable or source.id
        elif source.matches(data):
            return _by_source(source, data, around)
    if unreadable:
        return [Unread(unreadable)]
    raise refused


def _by_source(source: Source, data: _Object, around: _Around) -> Iterator[Record]:
    try:
        found = source.found(data)
    except Unclear as unclear:
        raise _CannotFold(f"source {source.id}: records cannot be computed: {unclear}") from None
    lookup = Lookup(source, data)
    if not found:
        return iter([Ignored(f"{source.id} body without a record")])
    places = [around] if len(found) == 1 else [around.item(number) for number in range(len(found))]
    return chain.from_iterable(
        _one_by_source(source, lookup, record, place) for record, place in zip(found, places, strict=True)
    )


def _one_by_source(source: Source, lookup: Lookup, record: Json, around: _Around) -> list[Record]:
    """A mistake in one record leaves the others of its body alone."""
    if not isinstance(record, dict):
        return [Rejected(f"source {source.id}: a record is a JSON object", record)]
    try:
        return _described(source, lookup, record, around)
    except _CannotFold as error:
        return [Rejected(f"source {source.id}: {error}", record, error.event)]


def _described(source: Source, lookup: Lookup, record: _Object, around: _Around) -> list[Record]:
    find = _finder(lookup, record)
    users = {path: find("user", path) for path in source.user}
    user = _user(users, around, *source.user)
    aliases = {path: find("alias", path) for path in source.alias}
    name, given = find("event", source.event), find("id", source.event_id)
    if name is None and not source.profile:
        if source.event and not any(aliases.values()):
            raise _CannotFold(f"no event name: {source.event} is missing")
        return _only_ties(user, aliases, around, _in_ms(find("time", source.time), source.zone), *source.alias)
    if name is None:
        at = _time(_in_ms(find("time", source.time), source.zone), around, source.time or "time")
        traits = dict(_object_of(lookup, source.profile, record, "profile"))
        changes = _profile(user, at, around, {"profile": traits}, _id(given, around))
        return [*_ties(user, aliases, around, at, *source.alias), *changes]
    name = _name(name, source.event)
    properties = dict(record)
    try:
        if source.properties:
            properties = dict(_object_of(lookup, source.properties, record, "properties"))
        time = _in_ms(find("time", source.time), source.zone)
    except _CannotFold as error:
        error.event = _event(user, name, properties, around, given, None, "properties")
        raise
    event = _event(user, name, properties, around, given, time, "properties", field=source.time or "time")
    try:
        traits = dict(_object_of(lookup, source.profile, record, "profile")) if source.profile else {}
    except _CannotFold:  # what is wrong with that does not harm the event
        traits = {}
    ties = _ties(user, aliases, around, event.at, *source.alias, along=event.name)
    return [*ties, *_along(event, traits, around), event]


def _finder(lookup: Lookup, record: _Object) -> Callable[[str, str], Json]:
    def find(what: str, path: str) -> Json:
        try:
            return lookup.find(path, record)
        except Unclear as unclear:
            raise _CannotFold(f"{what} cannot be computed: {unclear}") from None

    return find


def _object_of(lookup: Lookup, paths: str | Mapping[str, str], record: _Object, what: str) -> _Object:
    try:
        return _properties(lookup.object(paths, record), what)
    except Unclear as unclear:
        raise _CannotFold(f"{what} cannot be computed: {unclear}") from None


def _in_ms(given: Json, zone: str) -> Json:
    """Epoch seconds, milliseconds or microseconds (their size tells), also as text, in milliseconds; and a text without
    a time zone in the one that the source names.
    """
    time = given
    if isinstance(given, str):
        text = given.strip()
        if not _NUMBER.match(text):
            return f"{text}+00:00" if zone and _WITHOUT_ZONE.match(text) else text
        time = float(text) if "." in text else int(text)
    if isinstance(time, bool) or not isinstance(time, int | float) or not 0 < time < LATEST_MS * 1000:
        return time
    if time < EARLIEST_MS:
        return round(time * 1000)
    return time if time < LATEST_MS else time // 1000


_NUMBER = re.compile(r"\A[0-9]{1,17}(\.[0-9]{1,9})?\Z")
_WITHOUT_ZONE = re.compile(r"\A[0-9]{4}-?[0-9]{2}-?[0-9]{2}[T ][0-9:.]+\Z")


_Reader: TypeAlias = Callable[[_Object, _Around], Iterable[Record]]
_CLEVERTAP_IDS = ("identity", "FBID", "GPID", "objectId")
_OF_CLEVERTAP = ("identity", "evtName", "profileData")
_OF_SEGMENT = ("userId", "anonymousId", "previousId", "messageId")
_SAYING_NOTHING = ("page", "screen", "group")
"""Calls that every Segment source sends, and that say nothing that is folded: no reason to set them aside."""
_SEGMENT_CALLS = ("track", "identify", "page", "screen", "group", "alias")
_FORMS: tuple[tuple[Callable[[_Object], bool], _Reader], ...] = (
    (
        lambda data: "user" in data and ("event" in data or "alias" in data or isinstance(data.get("profile"), dict)),
        _plain,
    ),
    (lambda data: data.get("holdfast") == "tick", _ticks),
    (lambda data: isinstance(data.get("d"), list), _clevertap_upload),
    (lambda data: data.get("type") in ("event", "profile") and not data.keys().isdisjoint(_OF_CLEVERTAP), _clevertap),
    (lambda data: isinstance(data.get("batch"), list) and "event" not in data and "type" not in data, _segment_batch),
    (lambda data: data.get("type") in _SEGMENT_CALLS and not data.keys().isdisjoint(_OF_SEGMENT), _segment),
    (lambda data: "specversion" in data and "type" in data, _cloudevent),
    (lambda data: "detail-type" in data and "detail" in data, _eventbridge),
    (lambda data: data.get("Type") == "Notification" and isinstance(data.get("Message"), str), _sns),
)


_NAMES: Mapping[_Reader, str] = {
    _plain: "plain",
    _clevertap_upload: "CleverTap",
    _clevertap: "CleverTap",
    _segment_batch: "Segment",
    _segment: "Segment",
    _cloudevent: "CloudEvent",
    _eventbridge: "EventBridge",
    _sns: "SNS",
}


def form_of(body: str, rules: Rules = RULES) -> str:
    """The form by which a body is read, for people who look on: `SNS, Segment`; of a list, as its first record is."""
    with suppress(_CannotFold):
        return ", ".join(_forms_of(_shallow(_parse(body), body), rules)) or "unknown"
    return "not JSON"


def _forms_of(data: Json, rules: Rules) -> Iterator[str]:
    data = next(iter(data), None) if isinstance(data, list) else data
    read = _form(data) if isinstance(data, dict) else None
    if not isinstance(data, dict):
        return
    if read is None:
        yield from _source_of(data, rules)
        return
    yield _NAMES.get(read, "tick")
    if read is _sns:
        message = str(data["Message"])
        yield from _forms_of(_shallow(_parse(message), message), rules)
    elif read in {_cloudevent, _eventbridge}:
        content, name = ("data", "type") if read is _cloudevent else ("detail", "detail-type")
        inside = data.get(content)
        if isinstance(inside, dict) and _form(inside):
            yield from _forms_of(inside, rules)
            return
        try:
            _named(data, content, name, _Around(_UNKNOWN_MS, rules=rules))
        except _CannotFold:
            yield from _source_of(data, rules)


def _source_of(data: _Object, rules: Rules) -> list[str]:
    """The first source that matches."""
    return [f"source {each.id}" for each in rules.sources if isinstance(each, Source) and each.matches(data)][:1]


# The fields: what they have in common whatever the form.


def _event(  # noqa: PLR0917 (what the forms have in common, each under its own name)
    user: str,
    name: str,
    properties: _Object | Json,
    around: _Around,
    given: Json,
    time: Json,
    content: str,
    read: Callable[[Any], Any] = lambda properties: properties,
    milliseconds: Callable[[Json], Json] = lambda time: time,
    field: str = "ts",
) -> Event:
    """An event of which user and name are known: whatever else is wrong, it may have been an exit."""
    found = properties if isinstance(properties, dict) else {}
    id_ = around.id
    try:
        id_ = _id(given, around)
        at = _time(milliseconds(time), around, field)
        return Event(user, name, at, around.arrived, read(_properties(properties, content)), id_)
    except _CannotFold as error:
        error.event = Event(user, name, around.arrived, around.arrived, read(found), id_)
        raise


def _profile(user: str, at: int, around: _Around, given: Mapping[str, Json], id_: str) -> list[Record]:
    """Of `{"points": {"$incr": 5}}` an operation, of anything else the property's new value.

    `given` are the properties by the field that they are in. One beyond a limit is refused alone.
    """
    values: dict[str, Json] = {}
    operations: dict[str, Operation] = {}
    refused: list[Record] = []
    merged = {name: (field, value) for field, some in given.items() for name, value in _properties(some, field).items()}
    for name, (field, value) in merged.items():
        if why := beyond({name: value}, field):
            change: Json = {"user": user, "profile": {name: value}, "ts": at, **({"id": id_} if id_ else {})}
            refused.append(Rejected(why, change))
            continue
        operator = next((key for key in value if key.startswith("$")), "") if isinstance(value, dict) else ""
        if not operator:
            values[name] = value
        elif len(value) > 1:
            raise _CannotFold(f"{name}: one operator at a time")
        elif operator in {"$set", "$delete"}:
            values[name] = value[operator] if operator == "$set" else None
        else:
            operations[name] = _operation(name, operator, value[operator])
    if refused and not values and not operations:
        return refused
    return [ProfileChange(user, at, around.arrived, values, operations, id_), *refused]


def _operation(name: str, operator: str, argument: Json) -> Operation:
    match operator, argument:
        case "$incr" | "$decr", int() | float() if type(argument) is not bool and -MAX_STEP <= argument <= MAX_STEP:
            return Operation("incr", argument if operator == "$incr" else -argument)
        case "$incr" | "$decr", _:
            raise _CannotFold(f"{name}: {operator} takes a number up to {MAX_STEP}")
        case "$add", _:
            return Operation("add", argument if isinstance(argument, list) else [argument])
        case "$remove", _:
            return Operation("remove", argument if isinstance(argument, list) else [argument])
        case _:
            raise _CannotFold(f"{name}: {operator} is not one of $set, $delete, $incr, $decr, $add and $remove")


_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""The characters that SQS takes in no message."""


def _user(data: _Object, around: _Around, *fields: str) -> str:
    """The first of the fields that names somebody. Users are strings; a number is taken as its text."""
    nobody = ""
    for field in fields:
        value = data.get(field)
        user = _whole_number(value)
        if isinstance(user, str) and (user := user.strip()):
            if _is_nobody(user, around.rules):
                nobody = nobody or f"{field} is {user[:40]!r}, which stands for nobody: send the id of a user"
                continue
            if bytes_of(user) > MAX_USER_BYTES:
                raise _CannotFold(f"user too long: {field} may have {MAX_USER_BYTES} bytes")
            if field != "users" and _UNSENDABLE.search(user):  # of a tick, it is a user of an older release
                raise _CannotFold(f"{field} has a control character, or one that is none: no queue could carry it")
            return user
    raise _CannotFold(f"no user: {nobody or ' or '.join(fields) + ' must be a string'}")


def _ties(user: str, data: _Object, around: _Around, at: int, *fields: str, along: str = "") -> list[Tie]:
    """The user's other ids. What stands for nobody, or can be nobody's id, ties nothing."""
    found: list[Tie] = []
    for field in fields:
        with suppress(_CannotFold):
            if (alias := _user(data, around, field)) != user:
                found.append(Tie(user, alias, along, at=at))
    return found


def _only_ties(user: str, data: _Object, around: _Around, time: Json, *fields: str) -> list[Record]:
    """Of a record that says nothing else. A time that is none does not matter."""
    _user(data, around, *fields)
    at = 0
    with suppress(_CannotFold):
        at = _time(time, around)
    return [tie._replace(alone=True) for tie in _ties(user, data, around, at, *fields)] or [Ignored("tie to itself")]


def _whole_number(value: Json) -> Json:
    """As text: 42, and 42.0, which is what pandas writes where other rows have no user."""
    if type(value) is float and value.is_integer() and abs(value) < 1 << 53:
        return str(int(value))
    return str(value) if type(value) is int else value


def _is_nobody(user: str, rules: Rules) -> bool:
    if user[0] in "0-" and not user.strip("0-"):
        return True
    small = user.casefold()
    return small in NOBODY or small in rules.nobody


def _is_zero(user: Json, rules: Rules) -> bool:
    """In the plain form the text "0" is a user, as data sets number theirs from 0; the number 0 is always nobody."""
    return user == "0" and type(user) is str and "0" not in rules.nobody


def _known_user(data: _Object) -> str:
    """The user of a tick, who is known: whom earlier releases took for somebody is decided upon like anybody else."""
    (user,) = data.values()
    if not isinstance(user, str) or not user.strip() or bytes_of(user) > MAX_USER_BYTES:
        raise _CannotFold("a tick names its users")
    return user.strip()


def _name(value: Json, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _CannotFold(f"no event name: {field} must be a string")
    if len(value) > MAX_NAME:
        raise _CannotFold(f"event name too long: {field} has {len(value)} characters, {MAX_NAME} are allowed")
    return value


def _id(value: Json, around: _Around) -> str:
    if value is None:
        return around.id
    given = _whole_number(value)
    if not isinstance(given, str) or len(given) > MAX_ID:
        raise _CannotFold(f"id must be a string of at most {MAX_ID} characters")
    return given


def _properties(value: _Object | Json, field: str) -> _Object:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _CannotFold(f"{field} must be an object")
    return value


def _dated(value: Any) -> Any:
    """CleverTap's dates, `$D_` and epoch seconds, as ISO 8601 in UTC: what people read, and can be compared."""
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


def _time(value: Json, around: _Around, field: str = "ts") -> int:
    """Epoch milliseconds. Without a time, it is the envelope's, or the time the queue took the record."""
    if value is None:
        value, field = around.time, "the envelope's time"
        if value is None:
            return around.arrived
    at = _iso_time(value) if isinstance(value, str) else value if isinstance(value, int | float) else 0
    if not EARLIEST_MS <= at < LATEST_MS:
        raise _CannotFold(
            f"{field} must be epoch milliseconds (a number of 12 digits or more) or ISO 8601 with its time zone"
        )
    if at > around.arrived + AHEAD_MS:
        ahead, allowed = (int(at) - around.arrived) // 1000, AHEAD_MS // 1000
        raise _CannotFold(f"{field} is in the future: {ahead} s after the record arrived, {allowed} s are allowed")
    return int(at)


def _iso_time(text: str) -> int:
    try:
        when = datetime.fromisoformat(text.upper() if text.endswith("z") else text)
        return round(when.timestamp() * 1000) if when.tzinfo else 0
    except (ValueError, OverflowError):
        return 0
