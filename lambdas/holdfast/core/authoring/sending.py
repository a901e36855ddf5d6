"""Who gets a campaign's message, when, and how often: the keys under `send` that decide between due and sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import available_timezones

import jmespath
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)

from holdfast.core.authoring.basics import Duration, Text, did_you_mean, expression, one_or_many
from holdfast.core.gate import hours as gate_hours
from holdfast.core.gate.policy import Cap
from holdfast.core.gate.rules import Rules

ROOTS = ("Profile", "Event")
MOST = 100
"""The most that a cap may allow: so many messages to one user are remembered."""

_Node: TypeAlias = Mapping[str, Any]


# --- Audiences --------------------------------------------------------------------------------------------------------

_SCOPED = {
    *("subexpression", "pipe", "index_expression", "projection", "filter_projection", "value_projection"),
}
"""Expressions of which only the first part is computed on the object that has `Profile` and `Event`."""
_ORDER = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def _audience(value: str) -> str:
    expression(value)
    for mistake in _mistakes(jmespath.compile(value).parsed):
        raise ValueError(mistake)
    return value


def _mistakes(node: _Node) -> Iterator[str]:
    """The mistake in an expression that is computed on an object of `Profile` and `Event`."""
    kind, children = node["type"], node.get("children", ())
    if kind == "comparator":
        yield from _ordered(node)
    if kind == "field":
        yield from _root(node["value"], alone=True)
    elif kind == "subexpression" and children[0]["type"] == "field":
        yield from _root(children[0]["value"], alone=children[1]["type"] != "field")
    elif kind == "current":
        yield "@ is all that is known of a user: name the part, such as Profile.country"
    else:
        for child in children[:1] if kind in _SCOPED else children:
            if child["type"] != "expref":
                yield from _mistakes(child)


def _root(name: str, *, alone: bool) -> Iterator[str]:
    if name not in ROOTS:
        known = did_you_mean(name, ROOTS) or did_you_mean(name.title(), ROOTS)
        text = f"; a text is written between single quotes: {name!r}" if alone and not known else known
        yield f"{name!r} is neither Profile nor Event{text}"
    elif name == "Event" and alone:
        yield "say which property of the event, such as Event.price: only that one is kept"


def _ordered(node: _Node) -> Iterator[str]:
    """Text has no order in JMESPath: such a comparison is never true."""
    if (operator := _ORDER.get(node["value"])) is None:
        return
    for side in node["children"]:
        if side["type"] == "literal" and isinstance(side["value"], str):
            text = side["value"]
            number = f": write the number as `{text}`" if re.fullmatch(r"-?\d+(\.\d+)?", text) else ""
            yield f"{operator} compares numbers, and {text!r} is a text{number}"


def event_properties(audience: str) -> frozenset[str]:
    """The properties of the trigger that an audience names."""
    return frozenset(_event_properties(jmespath.compile(audience).parsed)) if audience else frozenset()


def _event_properties(node: _Node) -> Iterator[str]:
    children = node.get("children", ())
    if node["type"] == "subexpression" and children[0] == {"type": "field", "children": [], "value": "Event"}:
        yield children[1]["value"]
    for child in children:
        yield from _event_properties(child)


# --- Times ------------------------------------------------------------------------------------------------------------


def _moment(value: object) -> int:
    """Epoch milliseconds of a time with its offset from UTC, as YAML reads it or as text."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            msg = f"{value!r} is not a time: write it as 2026-12-01T00:00:00+01:00"
            raise ValueError(msg) from None
    if not isinstance(value, datetime | date):
        msg = "a time is needed here, such as 2026-12-01T00:00:00+01:00"
        raise ValueError(msg)  # noqa: TRY004 (Pydantic turns ValueErrors into validation errors)
    if not isinstance(value, datetime) or value.tzinfo is None:
        msg = f"say the time with its offset from UTC, such as {value.isoformat()[:10]}T00:00:00+01:00"
        raise ValueError(msg)
    return round(value.timestamp() * 1000)


def _moment_text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def _clock(value: object) -> int:
    """Minutes after midnight."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", value.strip()) if isinstance(value, str) else None
    minutes = int(found[1]) * 60 + int(found[2]) if found and int(found[2]) < 60 else -1  # noqa: PLR2004
    if not 0 <= minutes <= gate_hours.ALL_DAY:
        msg = f'{value!r} is not a time of day: write it as "08:00", from "00:00" to "24:00"'
        raise ValueError(msg)
    return minutes


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@cache
def zones() -> frozenset[str]:
    """All IANA names: those of the machine, and those of the package `tzdata`, which the functions bring along."""
    return frozenset(available_timezones())


def _zone(value: str) -> str:
    if value == gate_hours.USER or value in zones():
        return value
    cities = {name.rpartition("/")[2].replace("_", " "): name for name in sorted(zones())}
    by_case = {name.casefold(): name for name in (*zones(), *cities)}
    near = by_case.get(value.casefold()) or next(iter(_close(value, [*zones(), *cities])), "")
    known = f"; did you mean {cities.get(near, near)!r}?" if near else "; a zone is written like Europe/Berlin"
    msg = f"{value!r} is not a time zone{known}"
    raise ValueError(msg)


def _close(value: str, known: list[str]) -> list[str]:
    found = did_you_mean(value, known)
    return [found.split("'")[1]] if found else []


Moment: TypeAlias = Annotated[
    int,
    BeforeValidator(_moment, json_schema_input_type=str),
    PlainSerializer(_moment_text, return_type=str),
]
Clock: TypeAlias = Annotated[
    int, BeforeValidator(_clock, json_schema_input_type=str), PlainSerializer(_clock_text, return_type=str)
]
Zone: TypeAlias = Annotated[Text, AfterValidator(_zone)]
Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _days(value: object) -> object:
    """Weekdays in their usual spellings: also whole names, in upper or lower case."""
    listed = value if isinstance(value, list | tuple) else [value]
    return [_day(each) for each in listed]


def _day(value: object) -> object:
    text = value.strip().casefold() if isinstance(value, str) else ""
    found = next((day for day in gate_hours.DAYS if text[:3] == day and _FULL[day].startswith(text)), None)
    if found is None:
        msg = f"{value!r} is not a day of the week{did_you_mean(text, gate_hours.DAYS)}; they are mon, tue, wed …"
        raise ValueError(msg)
    return found


_FULL = dict(
    zip(
        gate_hours.DAYS,
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        strict=True,
    )
)


class Hours(BaseModel):
    """When messages may be sent, in the user's local time. Hours over midnight belong to the day of their beginning."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Annotated[
        tuple[Day, ...], BeforeValidator(_days, json_schema_input_type=Day | list[Day]), Field(min_length=1)
    ] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    from_: Clock = Field(0, alias="from")
    to: Clock = gate_hours.ALL_DAY
    zone: Zone = gate_hours.USER
    otherwise: Literal["wait", "withhold"] = "wait"

    @model_validator(mode="after")
    def _some_time(self) -> Hours:
        if self.from_ % gate_hours.ALL_DAY == self.to % gate_hours.ALL_DAY and (self.from_, self.to) != (
            0,
            gate_hours.ALL_DAY,
        ):
            msg = "from and to are the same time: for whole days leave both out"
            raise ValueError(msg)
        return self

    def hours(self) -> gate_hours.Hours:
        days = tuple(number for number, day in enumerate(gate_hours.DAYS) if day in self.days)
        begin = self.from_ % gate_hours.ALL_DAY
        return gate_hours.Hours(begin, self.to, days, self.zone, self.otherwise == "wait")


# --- How often --------------------------------------------------------------------------------------------------------


def _above_nothing(value: int) -> int:
    if value <= 0:
        msg = "a time of more than nothing is needed here"
        raise ValueError(msg)
    return value


Span: TypeAlias = Annotated[Duration, AfterValidator(_above_nothing)]


class PerUser(BaseModel):
    """A cap: at most so many messages to a user in any period of that length."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_most: Annotated[int, Field(ge=1, le=MOST)]
    in_: Span = Field(alias="in")

    def cap(self) -> Cap:
        return Cap(self.at_most, self.in_)


def _share(value: object) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip()) if isinstance(value, str) else None
    if found is None or not 0 < float(found[1]) < 100:  # noqa: PLR2004
        msg = f'{value!r} is not a share of users: write it with its sign, as "5%", above 0% and below 100%'
        raise ValueError(msg)
    return float(found[1]) / 100


def _share_text(share: float) -> str:
    return f"{share * 100:.10g}%"


Share: TypeAlias = Annotated[
    float,
    BeforeValidator(_share, json_schema_input_type=str),
    PlainSerializer(_share_text, return_type=str),
]


CampaignId: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class Sending(BaseModel):
    """Who gets the message, when, and how often. What is left out forbids nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    audience: Annotated[Text, AfterValidator(_audience)] | None = None
    start: Moment | None = None
    end: Moment | None = None
    hours: Hours | None = None
    again_after: Span | None = None
    per_user: Annotated[
        tuple[PerUser, ...],
        BeforeValidator(one_or_many, json_schema_input_type=PerUser | list[PerUser]),
        Field(max_length=5),
    ] = ()
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    instead_of: Annotated[
        tuple[CampaignId, ...],
        BeforeValidator(one_or_many, json_schema_input_type=CampaignId | list[CampaignId]),
        Field(max_length=20),
    ] = ()
    control: Share | None = None

    @field_validator("end")
    @classmethod
    def _after_its_start(cls, end: int | None, info: Any) -> int | None:
        if end is not None and (info.data.get("start") or 0) >= end:
            msg = "the end is not after the start: nothing would ever be sent"
            raise ValueError(msg)
        return end

    def rules(self) -> Rules:
        return Rules(
            audience=self.audience or "",
            start=self.start or 0,
            end=self.end or 0,
            hours=self.hours.hours() if self.hours else None,
            again_after=self.again_after or 0,
            per_user=tuple(each.cap() for each in self.per_user),
            priority=self.priority,
            instead_of=self.instead_of,
            control=self.control or 0.0,
        )
