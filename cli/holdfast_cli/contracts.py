"""The published contracts as JSON Schema: files that people write, what comes in, and what goes out.

The text of each stands in `schemas/` too (`make schemas` writes it), for editors and for whoever has no Holdfast at
hand. No function imports this module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.policy import Policy
from holdfast.core.authoring.recommendation import Recommendation
from holdfast.core.authoring.source import SourceFile
from holdfast.core.times import format_duration
from holdfast_cli.detail_model import Detail
from holdfast_cli.input_models import Input

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# What an editor shows of the keys of campaigns and recommendations.

_TOLD: Final[Mapping[str, Mapping[str, str]]] = {
    "Campaign": {
        "id": "The campaign's id, which is in each message: lower-case letters, digits and hyphens.",
        "name": "The name that people read. Default: the id.",
        "events": "Your own names for events that differ only by a filter, so that one event can be both trigger and"
        " exit.",
        "when": "Which users to watch.",
        "constant": "The property that has to have the same value in all events, or a list of properties that all have"
        " to agree.",
        "catalogs": "Which row of each catalog the message uses: by column, the property of the trigger that it"
        " has to equal (JMESPath). With several columns, all have to be equal.",
        "send": "The message.",
        "convert": "What counts as a conversion of its messages.",
    },
    "When": {
        "did": "The event that the user did, or a list of events, all of which they did. Case and spaces do not"
        " matter.",
        "did_any": "Instead of did: several events, any one of which is a trigger.",
        "did_not": "The event that the user did not do, or a list of events, none of which they did. Without it the"
        " campaign is a plain action campaign.",
        "within": "The window: how long after the trigger to wait, such as 30 minutes, 24h, 3 days or PT30M.",
        "where": "By event, a condition on its properties in JMESPath: price >= `20`.",
        "max_age": "A trigger that arrives later than this after it happened is history: it opens no watch.",
        "grace": "How long before its trigger an exit still counts, because clocks differ: 0 seconds to 1 day.",
        "snapshots": "Triggers that carry the whole cart, or another complete list: watches of items that are no"
        " longer in it end.",
        "unreadable_exits": "What to do about an exit that cannot be read: `withhold` the messages that it"
        " may have prevented, or `ignore` it.",
        "settle": "How long a watch waits after the arrival of its trigger, before it is decided; at most the window.",
    },
    "Convert": {
        "on": "The event that converts a message about the same value, or a list of such events. Default: those of"
        " did_not.",
        "within": "How long after the message, such as 7 days.",
        "amount": "What it was worth, in JMESPath on the event; $value is the constant value:"
        " Items[?prod_name == $value].price. Numbers in a list are summed.",
        "currency": "Its currency, in JMESPath on the event; between single quotes it is always the same: 'EUR'.",
        "undone_by": "Events that undo conversions before them, such as refunded, about the same value.",
    },
    "NamedEvent": {
        "event": "The event's name as it comes in.",
        "where": "A condition in JMESPath on its properties: type == 'purchase'.",
    },
    "Constant": {
        "name": "The property's name in messages.",
        "in": "Where each event has it, in JMESPath: product_name, Items[].prod_name. A list means any of these"
        " values. An event of did_not may say `every value` instead: it ends all watches.",
        "match": "`ignore case`: values that differ only in case are one value.",
    },
    "Send": {
        "one_per": "`value`: one message for each value. `user`: one message about all values that are still open.",
        "limit": "With `one_per: user`, how many values a message names at most.",
        "values": "The key-value pairs of the message; each value is a Liquid template, or {value, type}.",
        "detail_type": "The detail type of the message on the bus, which rules match.",
        "audience": "Which users get it, in JMESPath over Profile and Event: Profile.country == 'DE' &&"
        " !Profile.unsubscribed. Others get nothing.",
        "start": "Nothing is sent before this time: 2026-12-01T00:00:00+01:00.",
        "end": "Nothing is sent from this time on.",
        "hours": "When messages may be sent, in the user's local time.",
        "again_after": "How long after a message there is no other one about the same value, such as 3 days.",
        "per_user": "The most messages of this campaign that a user gets in a period: one cap, or a list.",
        "priority": "If several campaigns are due at the same time, the highest goes first.",
        "instead_of": "Campaigns whose message about the same value is not sent where this campaign's is open, or was"
        " sent since their trigger.",
        "variants": "Messages to compare: each user gets one of them, the same every time.",
        "control": 'The share of users who get no message, for comparison: "5%". The same users every time.',
    },
    "Variant": {
        "name": "Its name, in messages as metadata.variant: lower-case letters, digits and hyphens.",
        "weight": "Its weight, relative to the other variants.",
        "values": "Its values: they replace those of the same name under send.values.",
    },
    "Hours": {
        "days": "The days of the week: mon, tue, wed, thu, fri, sat, sun.",
        "from": 'When they begin: "08:00".',
        "to": 'When they end: "21:00". If that is earlier than the beginning, they run over midnight.',
        "zone": "A time zone, such as Europe/Berlin; or `user`: the property `timezone` of the user's profile, else"
        " the zone of the policy.",
        "otherwise": "Outside the hours, `wait` until they begin, or `withhold`.",
    },
    "PerUser": {
        "at_most": "How many messages.",
        "in": "In any period of this length, such as 7 days.",
    },
    "Typed": {
        "value": "Exactly one {{ … }}, of Liquid.",
        "type": "The JSON type of the value on the bus.",
    },
    "Policy": {
        "zone": "The time zone of users without one of their own, such as Europe/Berlin.",
        "hours": "When messages may be sent, for campaigns without hours of their own.",
        "per_user": "The most messages of all campaigns together that a user gets in a period: one cap, or a list.",
        "control": 'The share of users who get no message of any campaign, for comparison: "2%". The same users'
        " every time.",
        "exempt": "Campaigns to which none of this applies, and whose messages count for no cap, such as order"
        " confirmations.",
    },
    "Recommendation": {
        "id": "The id, by which templates name it (lower-case letters, digits and hyphens):"
        ' Recommendations["also-bought"].',
        "name": "The name that people read. Default: the id.",
        "catalog": "The catalog that the items are in, by their Identity.",
        "did": "The events that are done together, and where each has its items, in JMESPath: Items[].prod_id. A list"
        " means each of these items. Case and spaces of the events' names do not matter.",
        "lookback": "How much of the history counts: 1 to 90 days.",
        "min_support": "The least number of users who did this with both of two items.",
        "include": "Only items whose row in the catalog has one of these values, by column.",
        "exclude": "No items whose row in the catalog has one of these values, by column.",
        "exclude_done": "No items with which the user did one of these events, such as bought them or put them into the"
        " cart: where each event has its items.",
        "limit": "How many items a message gets at most.",
        "fallback": "`popular`: popular items are considered, too; they are all there is if nothing goes with the"
        " user's items. `none`: nothing in that case; a message that names this recommendation is then withheld.",
        "personalize": "The ARN of a recommender or campaign of Amazon Personalize to ask instead of the nightly"
        " build.",
    },
}
_SAID_OF_SOURCES: Final[Mapping[str, Mapping[str, str]]] = {
    "SourceFile": {
        "id": "The source's id: lower-case letters, digits and hyphens. Of several that match, the first by id reads.",
        "name": "The name that people read. Default: the id.",
        "match": "Which bodies it reads, in JMESPath; for an EventBridge event, on its envelope. It is tried only on"
        " bodies that no native form reads.",
        "records": "Where the records are in a body, in JMESPath: one, or a list of them. Default: the body is one.",
        "read": "Where the fields of each record are, in JMESPath; a path that begins with `Body.` starts at the whole"
        " body.",
    },
    "Read": {
        "user": "The user; with a list of paths, the first that names somebody.",
        "event": "The event's name. A fixed one stands between single quotes: \"'Order Completed'\".",
        "time": "When it happened: ISO 8601 with its time zone, or epoch seconds, milliseconds or microseconds."
        " Default: the envelope's time, else when the queue took it.",
        "zone": "`UTC`: times that name no time zone are in UTC.",
        "id": "Identifies repeats. Default: the envelope's id, else the content does.",
        "properties": "The event's properties: a path to an object, or a path for each of them. Default: the record.",
        "profile": "Properties of the user, in the same way. Without `event` (or if it is null), a record has only"
        " these.",
        "alias": "One more id of the same person, such as an anonymous one; with a list of paths, each that names"
        " somebody.",
    },
}


class _Generate(GenerateJsonSchema):
    """Leaves titles out, which would only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def campaign() -> dict[str, Any]:
    return _headed("A Holdfast campaign", _file(Campaign))


def policy() -> dict[str, Any]:
    return _headed("A Holdfast policy", _file(Policy))


def recommendation() -> dict[str, Any]:
    return _headed("A Holdfast recommendation", _file(Recommendation))


def source() -> dict[str, Any]:
    return _headed("A Holdfast source", _file(SourceFile))


def _file(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(schema_generator=_Generate)
    for name, definition in {model.__name__: schema, **schema.get("$defs", {})}.items():
        for key, field in definition["properties"].items():
            if told := (_TOLD.get(name) or _SAID_OF_SOURCES.get(name, {})).get(key):
                field["description"] = told
            if field.get("type") == "string" and isinstance(field.get("default"), int):
                shown = _clock_text if name == "Hours" else format_duration
                field["default"] = shown(field["default"])
    return schema


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def input_() -> dict[str, Any]:
    return _headed("Input of Holdfast", TypeAdapter(Input).json_schema(schema_generator=_Generate))


def detail() -> dict[str, Any]:
    schema = Detail.model_json_schema(schema_generator=_Generate)
    for definition in (schema, *schema["$defs"].values()):
        del definition["additionalProperties"]
        for field in definition["properties"].values():
            if field.get("default", ...) is None:  # such a field is absent, never null
                del field["default"]
                field.update(_present(field))
                field.pop("anyOf", None)
    return _headed("A message of Holdfast", schema)


def _present(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of an optional field where it is there."""
    (schema,) = (each for each in field.get("anyOf", [{}]) if each.get("type") != "null")
    present: Mapping[str, Any] = schema
    return present


def _headed(title: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"$schema": DIALECT, **_unwrapped(schema), "title": title}


def _unwrapped(schema: Any) -> Any:
    """Descriptions without the line ends of the docstrings that they come from."""
    if isinstance(schema, list):
        return [_unwrapped(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    told = schema.get("description")
    plain = {"description": " ".join(told.split())} if isinstance(told, str) else {}
    return {**{key: _unwrapped(value) for key, value in schema.items()}, **plain}


SCHEMAS: Final = {
    "campaign": campaign,
    "recommendation": recommendation,
    "policy": policy,
    "source": source,
    "input": input_,
    "detail": detail,
}


def text(name: str) -> str:
    """A schema as it stands in its file."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"
