"""The published contracts: as the models have them, and as reality has it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]
from ruamel.yaml import YAML
from typer.testing import CliRunner

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.recommendation import Recommendation
from holdfast.core.events import Json, Rejected, Tick
from holdfast.core.fold.watches import Decision
from holdfast.core.intake.forms import _FORMS, form_of
from holdfast.core.intake.forms import records as read
from holdfast.core.messages.detail import detail
from holdfast.core.plans.plan import Constant, Plan
from holdfast_cli.contracts import SCHEMAS, text
from holdfast_cli.detail_model import Detail
from holdfast_cli.main import app
from tests.unit import test_forms as forms

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if ".test" not in path.name)
T0 = 1_790_000_000_000


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((ROOT / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_schema_is_the_models_own(name: str) -> None:
    committed = (ROOT / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    assert committed == text(name), "make schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_command_line_prints_it(name: str) -> None:
    assert CliRunner().invoke(app, ["schema", name]).stdout == text(name)


# Campaigns


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_campaign_is_what_its_schema_says(path: Path) -> None:
    data = YAML(typ="safe").load(path)
    validator("campaign").validate(data)
    as_published = Campaign.model_validate(data).model_dump(mode="json", by_alias=True)
    validator("campaign").validate(as_published)


@pytest.mark.parametrize("path", [*(ROOT / "examples" / "recommendations").glob("*.yaml")], ids=lambda path: path.stem)
def test_a_recommendation_is_what_its_schema_says(path: Path) -> None:
    data = YAML(typ="safe").load(path)
    validator("recommendation").validate(data)
    as_published = Recommendation.model_validate(data).model_dump(mode="json", by_alias=True)
    validator("recommendation").validate(as_published)


@pytest.mark.parametrize(
    "broken",
    [{"id": "No Name"}, {"send": {}}, {"whn": {}}, {"when": {"did": []}}, {"when": {"did": "a", "within": 30}}],
    ids=str,
)
def test_an_editor_marks_what_is_no_campaign(broken: dict[str, Json]) -> None:
    campaign = {"id": "c", "when": {"did": "signed up"}, "send": {"values": {"title": "Hi"}}}
    validator("campaign").validate(campaign)
    with pytest.raises(ValidationError):
        validator("campaign").validate({**campaign, **broken})


@pytest.mark.parametrize("name", ["campaign", "recommendation", "policy"])
def test_an_editor_tells_what_each_key_of_a_file_is_for(name: str) -> None:
    schema = SCHEMAS[name]()
    parts = {name: schema, **schema.get("$defs", {})}
    untold = [
        f"{part}.{key}" for part, p in parts.items() for key, f in p["properties"].items() if not f.get("description")
    ]
    assert untold == []


def test_defaults_are_shown_as_they_would_be_written() -> None:
    when = SCHEMAS["campaign"]()["$defs"]["When"]["properties"]
    assert (when["max_age"]["default"], when["settle"]["default"]) == ("2 hours", "1 minute")


# Input

BODIES = {
    f"{form}: {name}": body
    for form in ("PLAIN", "CLEVERTAP", "SEGMENT", "CLOUDEVENTS", "EVENTBRIDGE", "SNS")
    for name, (body, records) in getattr(forms, form).items()
    if not any(isinstance(record, Rejected | Tick) for record in records)
    and name != "a list in a list"  # is read, but not promised
}


@pytest.mark.parametrize("form", sorted({name for name, _, _ in _FORMS} - {"tick"}))
def test_each_form_has_a_body_here_and_a_row_on_the_page(form: str) -> None:
    texts = (body if isinstance(body, str) else json.dumps(body) for body in BODIES.values())
    assert any(form in form_of(text) for text in texts), "a body in tests/unit/test_forms.py; its list in BODIES"
    page = (ROOT / "docs" / "events-in.md").read_text(encoding="utf-8")
    assert form == "plain" or any(line.startswith(f"| {form}") for line in page.splitlines())


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_comes_in_is_what_its_schema_says(body: object) -> None:
    validator("input").validate(json.loads(body.removeprefix("\ufeff")) if isinstance(body, str) else body)


@pytest.mark.parametrize(
    "body",
    [
        17,
        {"event": "viewed"},
        {"user": "u-7"},
        {"user": "u-7", "event": ["viewed"]},
        {"user": "u-7", "event": "e" * 121},
        {"type": "event", "evtName": "Viewed"},
        {"type": "alias", "userId": "u-7"},
        {"type": "track", "event": "Viewed"},
        {"detail-type": "added"},
        [{"user": "u-7", "event": "viewed"}, 17],
    ],
    ids=str,
)
def test_what_would_be_rejected_does_not_pass(body: object) -> None:
    assert any(isinstance(record, Rejected) for record in read(json.dumps(body), T0))
    assert not validator("input").is_valid(body)


# Detail

PLAN = Plan(id="cart", revision=3, did=("added",), constant=(Constant("product", {"added": "product"}),))
PAIR = Plan(
    id="cart",
    revision=1,
    did=("added",),
    constant=(Constant("product", {"added": "p"}), Constant("size", {"added": "s"})),
)


def decided(kind: Any = "send", shown: Json = "coat", **more: Any) -> Decision:
    return Decision(kind, "cart", "coat", shown, T0, "e-1", T0 + 1, 3, **more)


DETAILS: dict[str, dict[str, Json]] = {
    "a send": detail("ann", decided(), plan=PLAN, profile={"email": "a@example.com"}, values={"title": "Hi"}),
    "a withhold": detail("ann", decided("withhold"), plan=PLAN, profile={}, reason="missing: Event.price"),
    "a withhold of a campaign that is gone": detail("ann", decided("withhold"), plan=None, profile={}, reason="gone"),
    "a retract": detail("ann", decided("retract"), plan=PLAN, profile={"email": "a@example.com"}),
    "a convert": detail("ann", decided("convert"), plan=PLAN, profile={}),
    "nothing held constant": detail("ann", decided(shown=None), plan=PLAN, profile={}, values={"title": "Hi"}),
    "a number": detail("ann", decided(shown=17), plan=PLAN, profile={}, values={"title": "Hi"}),
    "a composite key": detail("ann", decided(shown=["coat", 42]), plan=PAIR, profile={}, values={"title": "Hi"}),
    "a summary": detail(
        "ann", decided(shown=["coat", "hat"], events=[{}, {}], open=7), plan=PLAN, profile={}, values={"title": "Hi"}
    ),
}


@pytest.mark.parametrize("body", DETAILS.values(), ids=DETAILS)
def test_what_goes_out_is_what_its_schema_says_and_nothing_else(body: dict[str, Json]) -> None:
    as_received = json.loads(json.dumps(body))
    validator("detail").validate(as_received)
    Detail.model_validate(as_received)  # which takes nothing that the schema does not name


def test_a_field_that_is_new_does_not_break_who_validates() -> None:
    validator("detail").validate({**DETAILS["a send"], "new": 1})


@pytest.mark.parametrize("lacks", ["metadata", "user", "constant"])
def test_what_every_detail_has_is_required(lacks: str) -> None:
    body = {key: value for key, value in DETAILS["a send"].items() if key != lacks}
    assert not validator("detail").is_valid(body)
