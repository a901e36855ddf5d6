"""Changes of a new revision that break whoever consumes the messages."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.messages.contract import breaks
from tests.unit.builders import a_plan

VALUES = {"title": "x", "price": "{{ Event.price }}"}
PAIR = {"product": {"added to cart": "p", "charged": "p"}, "size": {"added to cart": "s", "charged": "s"}}
OTHER = {"sku": {"added to cart": "p", "charged": "p"}}


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        ({}, []),
        ({"values": {**VALUES, "link": "y"}}, []),
        ({"values": {"title": "another text", "price": "0"}, "within": 1}, []),
        ({"values": {"title": "x"}}, ["values.price is gone"]),
        ({"values": {"title": "x"}, "variants": {"long": {"price": "y"}}}, []),
        ({"types": {"price": "number"}}, ["values.price was text and becomes number"]),
        (
            {"detail_type": "Cart"},
            ["the detail type 'Personalized Message' becomes 'Cart': rules on it match no more"],
        ),
        ({"summary": True}, ["constant.value was one value and becomes a list, each one value"]),
        ({"constant": PAIR}, ["constant.value was one value and becomes a list of values that belong together"]),
        ({"constant": None}, ["constant.value was one value and becomes absent"]),
        ({"constant": OTHER}, ["constant.name was product and becomes sku"]),
    ],
)
def test_what_breaks(after: dict[str, Any], broken: list[str]) -> None:
    assert breaks(a_plan(values=VALUES), a_plan(**{"values": VALUES, **after})) == broken


def test_what_a_variant_alone_holds_is_a_promise_too() -> None:
    before = a_plan(values=VALUES, variants={"long": {"link": "y"}, "short": {}})
    assert breaks(before, a_plan(values=VALUES, variants={"long": {}, "short": {}})) == ["values.link is gone"]
