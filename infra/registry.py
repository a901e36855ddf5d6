from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import aws_eventschemas as eventschemas
from constructs import Construct

from infra.stages import Stage

DETAIL = Path(__file__).parent.parent / "schemas" / "detail.json"
DETAIL_TYPE = "Personalized Message"


class SchemaRegistry(Construct):
    """The published schema of the messages, in the registry that EventBridge's code bindings and consoles read."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        registry = eventschemas.CfnRegistry(self, "Registry", description="Holdfast's messages")
        detail: dict[str, Any] = json.loads(DETAIL.read_text(encoding="utf-8"))
        eventschemas.CfnSchema(
            self,
            "Schema",
            registry_name=registry.attr_registry_name,
            # The form of the names that EventBridge gives to discovered schemas.
            schema_name=re.sub(r"[^0-9A-Za-z_.\-]", "-", stage.source) + "@" + DETAIL_TYPE.replace(" ", ""),
            description="What deliver puts on the bus, whatever the detail type",
            type="OpenApi3",
            content=json.dumps(openapi(detail, stage.source)),
        )


def openapi(detail: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The event around a detail, in OpenAPI 3.0, from which the registry generates code."""
    text = {"type": "string"}
    envelope = {
        "detail": {"$ref": "#/components/schemas/Detail"},
        "detail-type": text,
        "resources": {"type": "array", "items": text},
        "id": text,
        "source": text,
        "time": {"type": "string", "format": "date-time"},
        "region": text,
        "version": text,
        "account": text,
    }
    event = {
        "type": "object",
        "required": list(envelope),
        "x-amazon-events-detail-type": DETAIL_TYPE,
        "x-amazon-events-source": source,
        "properties": envelope,
    }
    parts = {"Detail": detail, **detail.get("$defs", {})}
    return {
        "openapi": "3.0.0",
        "info": {"version": "1.0.0", "title": DETAIL_TYPE.replace(" ", "")},
        "paths": {},
        "components": {"schemas": {"AWSEvent": event, **{name: _as_openapi(part) for name, part in parts.items()}}},
    }


def _as_openapi(schema: Any) -> Any:
    """JSON Schema 2020-12 in the terms of OpenAPI 3.0, which has no `const`, and null only as `nullable`."""
    if isinstance(schema, list):
        return [_as_openapi(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    known = {key: value for key, value in schema.items() if key not in {"$schema", "$defs", "const", "examples"}}
    written = {key: _as_openapi(value) for key, value in known.items()}
    if "properties" in schema:  # whose keys are names, not keywords
        written["properties"] = {name: _as_openapi(value) for name, value in schema["properties"].items()}
    if "const" in schema:
        written["enum"] = [schema["const"]]
    if "$ref" in schema:
        written["$ref"] = schema["$ref"].replace("#/$defs/", "#/components/schemas/")
    if written.get("type") == "null":
        return {"nullable": True}
    if {"nullable": True} in written.get("anyOf", ()):
        written["anyOf"] = [each for each in written["anyOf"] if each != {"nullable": True}]
        written["nullable"] = True
        if len(written["anyOf"]) == 1 and "$ref" not in written["anyOf"][0]:
            (only,) = written.pop("anyOf")
            written = {**only, **written}
    return written
