"""The items that an event bears, and the recommendations by the rows of a build."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.paths import search
from holdfast.core.recommend.ranking import Neighbour, Recommended, decode, encode, items, ranked

ROWS = {
    "tent": [Neighbour("mat", 0.5, 9), Neighbour("stove", 0.4, 7)],
    "stove": [Neighbour("gas", 0.6, 8), Neighbour("tent", 0.4, 7), Neighbour("mat", 0.2, 3)],
}
POPULAR = [Neighbour("tent", 0.9, 90), Neighbour("mat", 0.48, 48), Neighbour("lamp", 0.45, 45)]


@pytest.mark.parametrize(
    ("path", "properties", "expected"),
    [
        ("product", {"product": " tent "}, ("tent",)),
        ("product", {"product": 7.0}, ("7",)),
        ("product", {"product": 7}, ("7",)),
        ("product", {"product": True}, ()),
        ("product", {"product": float("nan")}, ()),
        ("product", {"product": None}, ()),
        ("product", {}, ()),
        ("product", {"product": {"id": 1}}, ()),
        ("Items[].id", {"Items": [{"id": "b"}, {"id": "a"}, {"id": "b"}, {"id": ""}, {}]}, ("b", "a")),
        ("Items[].id", {"Items": []}, ()),
    ],
)
def test_the_items_of_an_event(path: str, properties: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert items(search(path), properties) == expected


def test_what_goes_with_several_of_the_users_items_comes_first() -> None:
    assert ranked(ROWS, ["stove", "tent"]) == [
        Recommended("mat", 0.7, 9, "tent"),
        Recommended("gas", 0.6, 8, "stove"),
    ]


def test_what_is_popular_stands_among_it_by_its_score_and_nothing_twice() -> None:
    found = ranked(ROWS, ["tent"], popular=POPULAR)
    assert [(each.item, each.because) for each in found] == [("mat", "tent"), ("lamp", None), ("stove", "tent")]


def test_what_the_user_has_is_not_recommended() -> None:
    found = ranked(ROWS, ["tent"], popular=POPULAR, without={"mat", "lamp"})
    assert [each.item for each in found] == ["stove"]


def test_of_nothing_follows_nothing() -> None:
    assert ranked(ROWS, []) == []
    assert ranked({}, ["tent"]) == []


def test_a_row_survives_its_text() -> None:
    assert decode(encode(POPULAR)) == tuple(POPULAR)
