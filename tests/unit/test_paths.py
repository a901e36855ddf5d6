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
