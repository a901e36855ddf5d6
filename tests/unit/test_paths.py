"""JMESPath on properties."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.paths import search


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
