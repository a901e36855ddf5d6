"""Values with types: what goes out as JSON, and what is withheld because it is not of its type."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.text import CampaignFileError, parse, validate
from holdfast.core.events import event_key
from holdfast.core.explain.preview import made_up, preview
from holdfast.core.messages.detail import MAX_ENTRY_BYTES, too_large
from holdfast.core.plans.plan import Plan
from holdfast.core.templates.templates import TemplateError, Withheld, compile_values
from tests.unit.builders import ADDED, a_plan, added

EVENT: dict[str, Any] = {
    "price": 89.5,
    "text": "89.50",
    "word": "soon",
    "flag": False,
    "said": "true",
    "items": [{"name": "coat", "note": None}],
    "none": [],
    "long": ["x" * 500] * 200,
    "huge": 1e300,
}


def render(source: str, type_: str) -> Any:
    values = compile_values({"v": source}, events=["added to cart"], types={"v": type_})
    return values.render({"Event": EVENT, "Profile": {}})["v"]


@pytest.mark.parametrize(
    ("source", "type_", "value"),
    [
        ("{{ Event.price }}", "number", 89.5),
        ("{{ Event.text }}", "number", 89.5),
        (" {{- Event.price | times: 2 -}} ", "number", 179.0),
        ("@added to cart - price", "number", 89.5),
        ("{{ Event.cost | default: 0 }}", "number", 0),
        ("{{ Event.items.size }}", "number", 1),
        ("{{ Event.flag }}", "boolean", False),
        ("{{ Event.said }}", "boolean", True),
        ("{{ Event.items | has: 'name', 'coat' }}", "boolean", True),
        ("{{ Event.items }}", "json", [{"name": "coat", "note": None}]),
        ("{{ Event.items | map: 'name' }}", "json", ["coat"]),
        ("{{ Event.none }}", "json", []),
        ("{{ Event.items[0] }}", "json", {"name": "coat", "note": None}),
        ("{{ Event.word }}", "json", "soon"),
        ("{{ Event.price }}", "text", "89.5"),
    ],
)
def test_a_value_goes_out_as_its_type(source: str, type_: str, value: Any) -> None:
    got = render(source, type_)
    assert (type(got), got) == (type(value), value)


@pytest.mark.parametrize(
    ("source", "type_", "reason"),
    [
        ("{{ Event.cost }}", "number", "missing: Event.cost"),
        ("{{ Event.cost }}", "json", "missing: Event.cost"),
        ("{{ Event.word }}", "number", "failed: not a number: 'soon'"),
        ("{{ Event.flag }}", "number", "failed: not a number: False"),
        ("{{ Event.huge }}", "number", "limit: a number beyond 2^63"),
        ("{{ Event.price }}", "boolean", "failed: not a boolean: 89.5"),
        ("{{ Event.long }}", "json", "limit: 100,800 characters of JSON; 65,536 is the most"),
        ("{{ Event.cost | default: '' }}", "json", "blank: v"),
    ],
)
def test_what_is_not_of_its_type_withholds_the_message(source: str, type_: str, reason: str) -> None:
    with pytest.raises(Withheld) as withheld:
        render(source, type_)
    assert (withheld.value.reason, withheld.value.key or "v") == (reason, "v")


@pytest.mark.parametrize(
    "source",
    ["{{ Event.price }} EUR", "a {{ Event.price }}", "{{ Event.a }}{{ Event.b }}", "12", "{% if 1 %}1{% endif %}"],
)
def test_a_value_with_a_type_is_exactly_one_expression(source: str) -> None:
    with pytest.raises(TemplateError, match=r"exactly one \{\{ … \}\}"):
        render(source, "number")


FILE = """\
id: cart
when: {did: added to cart}
send:
  values:
    title: "{{ Event.price }}"
    price: {value: "{{ Event.price }}", type: number}
    items: {value: "{{ Event.items }}", type: json}
"""


def test_a_campaign_file_says_the_types() -> None:
    plan = validate(parse(FILE), Campaign).plan()
    assert plan.types == {"price": "number", "items": "json"}
    assert plan.keep == ("items", "price")
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("{{ Event.items }}", "{{ Event.items }} pieces", 7, "exactly one {{ … }}"),
        ("{{ Event.items }}", "{{ Evnt.items }}", 7, "unknown object Evnt"),
        ("type: json", "type: list", 7, "'number', 'boolean' or 'json'"),
        ("type: json", "kind: json", 7, "unknown key 'kind'"),
    ],
)
def test_a_mistake_in_a_value_with_a_type_has_its_line(old: str, new: str, line: int, message: str) -> None:
    with pytest.raises(CampaignFileError) as error:
        validate(parse(FILE.replace(old, new)), Campaign)
    assert any(each.line == line and message in each.message for each in error.value.mistakes)


def test_a_plan_without_types_has_only_what_older_releases_read() -> None:
    assert "types" not in a_plan().to_json()


def test_fields_of_a_newer_release_are_let_pass() -> None:
    assert Plan.from_json({**a_plan().to_json(), "of_tomorrow": 1}) == a_plan()


def test_the_preview_shows_the_type_and_the_detail_holds_the_value() -> None:
    plan = a_plan(
        names={event_key(ADDED): ADDED},
        values={"price": "{{ Event.price }}"},
        types={"price": "number"},
        keep=("price",),
    )
    shown = preview(plan, "u", made_up(plan, [added("coat", price="89.50")]), {})
    assert (shown.values["price"].text, shown.values["price"].type) == ("89.5", "number")
    assert shown.detail["values"] == {"price": 89.5}


def test_the_preview_says_that_the_bus_would_not_take_the_message() -> None:
    long = "{% for i in (1..20) %}" + "😀" * 800 + "{% endfor %}"
    plan = a_plan(names={event_key(ADDED): ADDED}, values={f"v{n}": long for n in range(17)})
    shown = preview(plan, "u", made_up(plan, [added("coat")]), {})
    assert shown.reason.startswith("limit: 1,088,")
    assert (shown.detail_type, "values" in shown.detail) == ("Personalized Message Withheld", False)


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_the_largest_entry_is_known_to_the_byte(letter: str) -> None:
    room = MAX_ENTRY_BYTES - 256 - len("Message")
    text = letter * (room // len(letter.encode()))
    text += "x" * (room - len(text.encode()))
    assert too_large("Message", text) == ""
    assert too_large("Message", text + "x") == "limit: 1,048,577 bytes; the bus takes 1,048,576"
