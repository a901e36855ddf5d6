"""The fields of a record, which all forms have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from holdfast.core.events import AHEAD_MS, Event, Ignored, Json, Operation, ProfileChange, Record, Rejected, Tie
from holdfast.core.intake.parsing import CannotFold
from holdfast.core.intake.sources import Source, Unreadable
from holdfast.core.limits import MAX_NAME, beyond, bytes_of
from holdfast.core.times import iso_text

MAX_ID = 256
MAX_USER_BYTES = 1024
"""A user is a partition key (2,048 bytes at most in DynamoDB), and many go into one tick."""
MAX_ENVELOPES = 4
MAX_STEP = 1 << 53
"""The most that `$incr` may add at once: no sum of these is too large for a JSON number."""
EARLIEST_MS, LATEST_MS = 10**11, 10**14
"""1973 to 5138. Numbers below are epoch seconds, given where milliseconds belong; numbers above are microseconds."""
UNKNOWN_MS = 1 << 53
"""An arrival from here on is none: of a file, it is not known."""
NOBODY = frozenset(
    {
        *("undefined", "null", "nil", "none", "nan", "unknown", "anonymous", "guest", "true", "false"),
        *("[object object]", "n/a", "na", "-1", "(null)", "<null>", "<nil>", "(not set)", "not set", "(none)"),
        *("<none>", "<anonymous>", "(anonymous)", "<undefined>", "(undefined)", "infinity"),
    }
)
"""Identities, in lower case, that stand for nobody: programs write them where there is no user. So are those of zeros
and hyphens alone, such as the nil UUID.
"""

_UNFILLED = re.compile(r"\$?\{\{?[^{}]*\}?\}|%%?[^%]+%%?|\*\|[^|]+\|\*|<%.*%>|\[[A-Za-z_ ]+\]")
"""A placeholder that some program was to replace by an id: all of its users would be one."""


class Rules(NamedTuple):
    """The settings of a stack. `nobody` are more identities, in lower case, that stand for nobody; `subject` means that
    the subject of a CloudEvent is its user, where its data names none. `sources` read what no native form can.
    """

    nobody: frozenset[str] = frozenset()
    subject: bool = False
    sources: tuple[Source | Unreadable, ...] = ()

    @classmethod
    def of(cls, nobody: str, subject: str) -> Rules:
        """The rules of a stage's settings: identities separated by commas, and `user` if the subject is one."""
        return cls(frozenset(each.strip().casefold() for each in nobody.split(",") if each.strip()), subject == "user")


RULES = Rules()


class Around(NamedTuple):
    """The arrival of a record, and its envelopes' time and id, which apply if the record has none."""

    arrived: int
    time: Json = None
    id: str = ""
    envelopes: int = 0
    rules: Rules = RULES

    def inside(self, time: Json, id_: Json) -> Around:
        if self.envelopes == MAX_ENVELOPES:
            raise CannotFold(f"more than {MAX_ENVELOPES} envelopes around one record: send it in one, or in none")
        outer = self.time if time is None else time
        return Around(self.arrived, outer, id_of(id_, self), self.envelopes + 1, self.rules)

    def item(self, number: int) -> Around:
        return self._replace(id=f"{self.id}/{number}") if self.id else self


Object: TypeAlias = Mapping[str, Any]


def an_event(  # noqa: PLR0917 (what the forms have in common, each under its own name)
    user: str,
    name: str,
    properties: Object | Json,
    around: Around,
    given: Json,
    time: Json,
    content: str,
    read: Callable[[Any], Any] = lambda properties: properties,
    milliseconds: Callable[[Json], Json] = lambda time: time,
    field: str = "ts",
) -> Event:
    """An event with a known user and name. Even if the rest is unreadable, it may have been an exit."""
    found = properties if isinstance(properties, dict) else {}
    id_ = around.id
    try:
        id_ = id_of(given, around)
        at = time_of(milliseconds(time), around, field)
        return Event(user, name, at, around.arrived, read(properties_of(properties, content)), id_)
    except CannotFold as error:
        error.event = Event(user, name, around.arrived, around.arrived, read(found), id_)
        raise


def a_profile_change(user: str, at: int, around: Around, given: Mapping[str, Json], id_: str) -> list[Record]:
    """The changes of a profile: `{"points": {"$incr": 5}}` is an operation, anything else is the property's new value.

    `given` are the properties by the field that they are in. A property beyond a limit is refused alone.
    """
    values: dict[str, Json] = {}
    operations: dict[str, Operation] = {}
    refused: list[Record] = []
    merged = {
        name: (field, value) for field, some in given.items() for name, value in properties_of(some, field).items()
    }
    for name, (field, value) in merged.items():
        if why := beyond({name: value}, field):
            change: Json = {"user": user, "profile": {name: value}, "ts": at, **({"id": id_} if id_ else {})}
            refused.append(Rejected(why, change))
            continue
        operator = next((key for key in value if key.startswith("$")), "") if isinstance(value, dict) else ""
        if not operator:
            values[name] = value
        elif len(value) > 1:
            raise CannotFold(f"{name}: one operator at a time")
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
            raise CannotFold(f"{name}: {operator} takes a number up to {MAX_STEP}")
        case "$add", _:
            return Operation("add", argument if isinstance(argument, list) else [argument])
        case "$remove", _:
            return Operation("remove", argument if isinstance(argument, list) else [argument])
        case _:
            raise CannotFold(f"{name}: {operator} is not one of $set, $delete, $incr, $decr, $add and $remove")


_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""The characters that SQS takes in no message."""


def user_of(data: Object, around: Around, *fields: str) -> str:
    """The first of the fields that names a user. Users are strings; a number is read as text."""
    nobody = ""
    for field in fields:
        value = data.get(field)
        user = whole_number(value)
        if isinstance(user, str) and (user := user.strip()):
            if is_nobody(user, around.rules):
                nobody = nobody or f"{field} is {user[:40]!r}, which stands for nobody: send the id of a user"
                continue
            if bytes_of(user) > MAX_USER_BYTES:
                raise CannotFold(f"user too long: {field} may have {MAX_USER_BYTES} bytes")
            if field != "users" and _UNSENDABLE.search(user):  # of a tick, it is a user of an older release
                raise CannotFold(f"{field} has a control character, or one that is none: no queue could carry it")
            return user
    raise CannotFold(f"no user: {nobody or _must_be_a_string(fields, map(data.get, fields))}")


def _must_be_a_string(fields: Iterable[str], values: Iterable[Json]) -> str:
    from holdfast.core.intake.cures import of_kind  # noqa: PLC0415 (no cold start pays for it)

    given = next((value for value in values if value is not None), None)
    return f"{' or '.join(fields)} must be a string{of_kind(given)}"


def ties_of(user: str, data: Object, around: Around, at: int, *fields: str, along: str = "") -> list[Tie]:
    """The user's other ids. What stands for nobody, or can be nobody's id, ties nothing."""
    found: list[Tie] = []
    for field in fields:
        with suppress(CannotFold):
            if (alias := user_of(data, around, field)) != user:
                found.append(Tie(user, alias, along, at=at))
    return found


def only_ties(user: str, data: Object, around: Around, time: Json, *fields: str) -> list[Record]:
    """The ties of a record that says nothing else. A time that cannot be read does not matter."""
    user_of(data, around, *fields)
    at = 0
    with suppress(CannotFold):
        at = time_of(time, around)
    return [tie._replace(alone=True) for tie in ties_of(user, data, around, at, *fields)] or [Ignored("tie to itself")]


def whole_number(value: Json) -> Json:
    """The value, with whole numbers as text: 42, and 42.0, which pandas writes if other rows have no user."""
    if type(value) is float and value.is_integer() and abs(value) < 1 << 53:
        return str(int(value))
    return str(value) if type(value) is int else value


def is_nobody(user: str, rules: Rules) -> bool:
    if user[0] in "0-" and not user.strip("0-."):
        return True
    if user[0] in "${%*<[" and _UNFILLED.fullmatch(user):
        return True
    small = user.casefold()
    return small in NOBODY or small in rules.nobody


def is_zero(user: Json, rules: Rules) -> bool:
    """In the plain form the text "0" is a user, as data sets number theirs from 0; the number 0 is always nobody."""
    return user == "0" and type(user) is str and "0" not in rules.nobody


def known_user(data: Object) -> str:
    """The user of a tick. The user is not checked: earlier releases accepted more ids, and their watches have to be
    decided, too.
    """
    (user,) = data.values()
    if not isinstance(user, str) or not user.strip() or bytes_of(user) > MAX_USER_BYTES:
        raise CannotFold("a tick names its users")
    return user.strip()


def event_name(value: Json, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise CannotFold(f"no event name: {_must_be_a_string([field], [value])}")
    if len(value) > MAX_NAME:
        raise CannotFold(f"event name too long: {field} has {len(value)} characters, {MAX_NAME} are allowed")
    return value


def id_of(value: Json, around: Around) -> str:
    if value is None:
        return around.id
    given = whole_number(value)
    if not isinstance(given, str) or len(given) > MAX_ID:
        raise CannotFold(f"id must be a string of at most {MAX_ID} characters")
    return given


def properties_of(value: Object | Json, field: str) -> Object:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CannotFold(f"{field} must be an object")
    return value


def time_of(value: Json, around: Around, field: str = "ts") -> int:
    """Epoch milliseconds. Without a time, it is the envelope's, or the time the queue took the record."""
    if value is None:
        value, field = around.time, "the envelope's time"
        if value is None:
            return around.arrived
    at = iso_time(value) if isinstance(value, str) else value if isinstance(value, int | float) else 0
    if not EARLIEST_MS <= at < LATEST_MS:
        from holdfast.core.intake.cures import of_time  # noqa: PLC0415 (no cold start pays for it)

        must = "must be epoch milliseconds (a number of 12 digits or more) or ISO 8601 with its time zone"
        raise CannotFold(f"{field} {must}{of_time(value)}")
    if at > around.arrived + AHEAD_MS:
        ahead, allowed = (int(at) - around.arrived) // 1000, AHEAD_MS // 1000
        raise CannotFold(f"{field} is in the future: {ahead} s after the record arrived, {allowed} s are allowed")
    return int(at)


def iso_time(text: str) -> int:
    try:
        when = datetime.fromisoformat(iso_text(text))
        return round(when.timestamp() * 1000) if when.tzinfo else 0
    except (ValueError, OverflowError):
        return 0


def changes_along(event: Event, traits: Json, around: Around) -> list[Record]:
    """The profile changes in a track call. A mistake in them does not affect the event."""
    if not isinstance(traits, dict) or not traits:
        return []
    try:
        changes = a_profile_change(event.user, event.at, around, {"context.traits": traits}, event.id)
    except CannotFold:
        return []
    return [each._replace(along=event.name) for each in changes if isinstance(each, ProfileChange)]
