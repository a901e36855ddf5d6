"""The contract as an AsyncAPI 3 document: the queue in, the bus out, and of each campaign its messages.

A value of a message has the type that its campaign declares; so code that is generated from the document knows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from holdfast.core.fold.watches import Kind
from holdfast.core.messages.detail import detail_type
from holdfast.core.plans.plan import Plan
from holdfast_cli import contracts

_TYPES: Final[Mapping[str, dict[str, Any]]] = {"number": {"type": "number"}, "boolean": {"type": "boolean"}, "json": {}}
_KINDS: Final[Mapping[Kind, str]] = {
    "send": "A message to send to the user.",
    "withhold": "A message that is not sent, with the reason.",
    "retract": "A sent message is void: the user had done it already.",
    "convert": "The user did what the message is for.",
    "unconvert": "A conversion that no longer counts.",
}


def document(plans: Iterable[Plan], source: str = "holdfast") -> dict[str, Any]:
    """The AsyncAPI document of these campaigns. `source` is that of the events on the bus."""
    messages = {_key(plan, kind): _message(plan, kind, source) for plan in plans for kind in _kinds(plan)}
    records = {"name": "records", "title": "Records", "payload": {"$ref": "#/components/schemas/Input"}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Holdfast",
            "version": "1",
            "description": "Notices what a user started and did not finish, and says so on an EventBridge bus.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": None,
                "title": "Events in",
                "description": "An SQS queue: the stack's output EventsQueueUrl.",
                "messages": {"records": {"$ref": "#/components/messages/records"}},
            },
            "messages": {
                "address": None,
                "title": "Messages out",
                "description": "An EventBridge bus: the stack's output EventBusName. Rules match its detail types.",
                "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
            },
        },
        "operations": {
            "takeEvents": {"action": "receive", "channel": {"$ref": "#/channels/events"}},
            "putMessages": {"action": "send", "channel": {"$ref": "#/channels/messages"}},
        },
        "components": {
            "messages": {"records": records, **messages},
            "schemas": {**_schemas("Input", contracts.input_()), **_schemas("Detail", contracts.detail())},
        },
    }


def _kinds(plan: Plan) -> list[Kind]:
    return [kind for kind in _KINDS if plan.convert or kind not in {"convert", "unconvert"}]


def _key(plan: Plan, kind: Kind) -> str:
    return plan.id if kind == "send" else f"{plan.id}.{kind}"


def _message(plan: Plan, kind: Kind, source: str) -> dict[str, Any]:
    type_ = detail_type(kind, plan)
    envelope = {
        "source": {"const": source},
        "detail-type": {"const": type_},
        "detail": {"allOf": [{"$ref": "#/components/schemas/Detail"}, _detail(plan, kind)]},
    }
    return {
        "name": type_,
        "title": f"{plan.name or plan.id}: {type_}",
        "summary": _KINDS[kind],
        "payload": {"type": "object", "required": list(envelope), "properties": envelope},
    }


def _detail(plan: Plan, kind: Kind) -> dict[str, Any]:
    """The keys that a campaign's detail has beyond those of all."""
    properties: dict[str, Any] = {
        "metadata": {"type": "object", "properties": {"campaign": {"const": plan.id}}},
        "constant": _constant(plan),
    }
    required = ["metadata", "constant"]
    if kind == "send":
        values = {key: _TYPES.get(plan.types.get(key, ""), {"type": "string"}) for key in plan.values}
        properties["values"] = {"type": "object", "required": list(values), "properties": values}
        required.append("values")
    if kind == "withhold":
        required.append("reason")
    if kind in {"convert", "unconvert"}:
        required.append("conversion")
    return {"type": "object", "required": required, "properties": properties}


def _constant(plan: Plan) -> dict[str, Any]:
    """The value that is held constant: one, or several that belong together; a summary has a list of them."""
    names = [each.name for each in plan.constant]
    if not names:
        return {}
    one: dict[str, Any] = {} if len(names) == 1 else {"type": "array", "minItems": len(names), "maxItems": len(names)}
    value = {"type": "array", "items": one} if plan.summary else one
    return {
        "type": ["object", "null"],
        "properties": {"name": {"const": names[0] if len(names) == 1 else names}, "value": value},
    }


def _schemas(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema and its definitions, each by a name of the document's."""
    own = {key: value for key, value in schema.items() if key not in {"$defs", "$schema"}}
    return {key: _moved(part) for key, part in {name: own, **schema.get("$defs", {})}.items()}


def _moved(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_moved(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(value) for key, value in schema.items()}
    if isinstance(reference := schema.get("$ref"), str):
        moved["$ref"] = reference.replace("#/$defs/", "#/components/schemas/")
    return moved
