"""JMESPath on properties."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.near import instead
from holdfast.core.paths import Unclear, search, truthy


@pytest.mark.parametrize(
    ("path", "properties", "found"),
    [
        ("!a.b", {"a": {}}, True),
        ("!a.b", {"a": {"b": True}}, False),
        ("!a.b.c", {"a": {"b": {"c": 1}}}, False),
        ("!!a.b", {"a": {"b": 1}}, True),
        ("!a[0].b", {"a": [{"b": 1}]}, False),
        ("!a[?b].c", {"a": [{"b": 1, "c": 2}]}, False),
        ("!a[*].b", {"a": []}, True),
        ("x == 'y' && !a.b", {"x": "y", "a": {}}, True),
        ("[?!a.b].c", None, None),
        ("items[?!a.b].c", {"items": [{"a": {"b": 1}, "c": 1}, {"a": {}, "c": 2}]}, [2]),
        ("!(a).b", {"a": {"b": 1}}, False),
        ("!a", {"a": False}, True),
        ("!length(a)", {"a": [1]}, False),
    ],
)
def test_not_is_about_the_whole_path_behind_it(path: str, properties: Any, found: Any) -> None:
    assert search(path)(properties) == found


@pytest.mark.parametrize(
    ("path", "properties", "found"),
    [
        ("paid == `true`", {"paid": "true"}, True),
        ("paid == `true`", {"paid": "True "}, True),
        ("test == `false`", {"test": "false"}, True),
        ("test != `true`", {"test": "true"}, False),
        ("test != `true`", {"test": "yes"}, True),
        ("paid == `true`", {"paid": "1"}, False),
        ("paid == `true`", {"paid": 1}, False),
        ("paid == `true`", {}, False),
        ("total == `89`", {"total": "89.00"}, True),
        ("total != `0`", {"total": "0.00"}, False),
        ("'12' == size", {"size": 12}, True),
        ("code == `7`", {"code": "007"}, False),
        ("total == `1299`", {"total": "1.299,00"}, False),
        ("total == `1000`", {"total": "1e3"}, False),
        ("items[?qty == `2`].sku", {"items": [{"qty": "2", "sku": "A"}, {"qty": 1, "sku": "B"}]}, ["A"]),
        ("qty == `1` || qty == '1'", {"qty": "1"}, True),
        ("name == 'a'", {"name": "a"}, True),
        ("name == 'a'", {"name": "A"}, False),
        ("a == b", {"a": [1, "2"], "b": [1, "2"]}, True),
        ("gone == null", {}, True),
    ],
)
def test_a_text_that_says_a_number_or_a_boolean_equals_it(path: str, properties: Any, found: Any) -> None:
    assert search(path)(properties) == found


@pytest.mark.parametrize(
    ("path", "properties", "found"),
    [
        ("!test", {"test": "false"}, True),
        ("!test", {"test": "False "}, True),
        ("!test", {"test": "true"}, False),
        ("!test", {"test": "no"}, False),
        ("!test", {"test": 0}, False),
        ("!test", {}, True),
        ("paid && !test", {"paid": "true", "test": "false"}, True),
        ("paid && total", {"paid": "false", "total": 1}, "false"),
        ("paid || total", {"paid": "false", "total": 1}, 1),
        ("items[?gift].sku", {"items": [{"gift": "false", "sku": "A"}, {"gift": True, "sku": "B"}]}, ["B"]),
    ],
)
def test_the_text_false_is_false(path: str, properties: Any, found: Any) -> None:
    assert search(path)(properties) == found


@pytest.mark.parametrize(
    ("value", "true"), [("false", False), (" FALSE", False), ("true", True), ("no", True), (0, True)]
)
def test_what_a_filter_finds_is_true_unless_it_says_false(value: Any, true: bool) -> None:
    assert truthy(search("paid")({"paid": value})) is true


@pytest.mark.parametrize(
    ("path", "properties", "why"),
    [
        ("price > '20'", {"price": 30}, "'20' is a text, not a number: write `20`"),
        ("price > 'a'", {"price": 30}, "'a' is a text, not a number"),
        (
            "contains(tags, 'x')",
            {},
            "tags is null, and contains() takes array or string: where it may be missing, write tags || `[]`",
        ),
    ],
)
def test_what_cannot_be_computed_says_what_to_write(path: str, properties: Any, why: str) -> None:
    with pytest.raises(Unclear) as unclear:
        search(path)(properties)
    assert str(unclear.value) == why


@pytest.mark.parametrize(
    ("path", "properties", "found"),
    [
        ("id", {"id": None}, "; it is null"),
        ("id", {"id": " "}, "; it is blank"),
        ("items[].id", {"items": []}, "; items is empty"),
        ("items[].id", {"items": None}, "; items is null"),
        ("items[].id", {"items": {"id": 1}}, "; items is an object, not a list"),
        ("items.id", {"items": [{"id": 1}]}, "; items is a list: write items[]"),
        ("cart.items[].id", {"cart": {"items": []}}, "; cart.items is empty"),
        ("product_id", {"properties": {"product_id": 1}}, "; there is properties.product_id"),
        ("product_id", {"Product-ID": 1}, "; there is Product-ID"),
        ("items[].product_id", {"items": [{"productId": 1}]}, "; there is items[].productId"),
        ("items[].id", {"lines": [{"id": 1}]}, "; there is lines[].id"),
        ("id", {"name": 1}, ""),
        ("items[?x].id", {"items": []}, ""),
        ("items[0].id", {"items": []}, ""),
    ],
)
def test_what_is_there_in_the_place_of_what_is_missing(path: str, properties: Any, found: str) -> None:
    assert instead(path, properties) == found
