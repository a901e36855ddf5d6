"""The AsyncAPI document: accepted by AsyncAPI's own schema, and kept by what really goes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, ValidationError  # type: ignore[import-untyped]
from typer.testing import CliRunner

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.fold.watches import Decision, Kind
from holdfast.core.messages.detail import detail, detail_type
from holdfast.core.plans.plan import Plan
from holdfast_cli.asyncapi import document
from holdfast_cli.main import app

ROOT = Path(__file__).parents[2]
SPECIFICATION = ROOT / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
"""With the tests beside them, as a shell would expand it."""
T0 = 1_790_000_000_000


def a_plan(**changes: Any) -> Plan:
    campaign = {
        "id": "cart",
        "when": {"did": "added", "did_not": "charged", "within": "30 minutes"},
        "constant": {"name": "product", "in": {"added": "product", "charged": "product"}},
        "send": {
            "values": {
                "title": "Hi",
                "price": {"value": "{{ Event.price }}", "type": "number"},
                "sale": {"value": "{{ Event.sale }}", "type": "boolean"},
                "rows": {"value": "{{ Event.rows }}", "type": "json"},
            }
        },
    }
    return Campaign.model_validate({**campaign, **changes}).plan(3)


def printed(*args: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["schema", "asyncapi", *map(str, args)])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("files", [[], EXAMPLES], ids=["no campaign", "examples"])
def test_the_official_schema_accepts_it(files: list[Path]) -> None:
    made = printed(*files)
    specification = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    Draft7Validator(specification).validate(made)
    with pytest.raises(ValidationError):
        Draft7Validator(specification).validate({**made, "operations": {"x": {"action": "put"}}})


def test_every_reference_leads_somewhere() -> None:
    made = document([a_plan()])

    def follow(part: Any) -> int:
        if isinstance(part, list):
            return sum(map(follow, part))
        if not isinstance(part, dict):
            return 0
        found = 0
        if isinstance(reference := part.get("$ref"), str):
            at: Any = made
            for step in reference.removeprefix("#/").split("/"):
                at = at[step]
            found = 1
        return found + sum(map(follow, part.values()))

    assert follow(made) > 20


def validator(plan: Plan, key: str) -> Draft7Validator:
    made = document([plan])
    return Draft7Validator({**made["components"]["messages"][key]["payload"], "components": made["components"]})


VALUES: dict[str, Any] = {"title": "Hi", "price": 89.0, "sale": False, "rows": [{"a": 1}]}


def event(plan: Plan, kind: Kind = "send", **changes: Any) -> dict[str, Any]:
    """As the bus delivers what deliver puts there."""
    decision = Decision(kind, plan.id, "coat", "coat", T0, "e1", T0 + 1000, 3)
    values, reason = (VALUES, "") if kind == "send" else (None, "missing: x" if kind == "withhold" else "")
    body = detail("ann", decision, plan=plan, profile={}, values=values, reason=reason)
    return {"source": "holdfast", "detail-type": detail_type(kind, plan), "detail": {**body, **changes}, "id": "x"}


@pytest.mark.parametrize(
    ("kind", "key"), [("send", "cart"), ("withhold", "cart.withhold"), ("retract", "cart.retract")]
)
def test_what_goes_out_is_what_it_says(kind: Kind, key: str) -> None:
    validator(a_plan(), key).validate(event(a_plan(), kind))


@pytest.mark.parametrize(
    "wrong",
    [
        {"values": {**VALUES, "price": "89.0"}},
        {"values": {**VALUES, "sale": "false"}},
        {"values": {**VALUES, "title": 1}},
        {"values": {"title": "Hi"}},
        {"constant": {"name": "sku", "value": "coat"}},
        {"metadata": {}},
    ],
    ids=str,
)
def test_what_is_of_another_type_is_not(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        validator(a_plan(), "cart").validate(event(a_plan(), **wrong))


def test_only_asyncapi_takes_campaigns() -> None:
    assert CliRunner().invoke(app, ["schema", "detail", str(EXAMPLES[0])]).exit_code == 2


def test_conversions_are_messages_of_campaigns_that_have_a_goal() -> None:
    converting = a_plan(convert={"on": "charged", "within": "7 days"})
    keys = {"cart", "cart.withhold", "cart.retract"}
    assert set(document([a_plan()])["channels"]["messages"]["messages"]) == keys
    made = document([converting])["components"]["messages"]
    assert set(made) - {"records"} == keys | {"cart.convert", "cart.unconvert"}
    assert made["cart.convert"]["name"] == "Personalized Message Converted"
