"""Filters of lists, numbers and texts where what comes is not what the template's author had in mind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.core.templates.templates import Withheld, compile_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.core.templates.templates import Json

CONTEXT: Mapping[str, Json] = {
    "Profile": {"vip": True, "name": "Ground", "huge": "1e999999"},
    "Event": {
        "price": 1234.5,
        "neg": -3,
        "nums": [3, 1, None, 2],
        "texts": ["10.50", "2", None],
        "mixed": [1, "a"],
        "words": ["b", "A", "c"],
        "nested": [[1, 2], [3]],
        "obj": {"a": 1},
        "items": [
            {"name": "coat", "price": 89, "sku": {"id": "A1"}, "a.b": 1},
            {"name": "bag", "price": None},
            {"name": "hat", "price": "9.50", "sku": {"id": "B2"}},
            {"name": "cap", "price": "7", "sku": None},
        ],
    },
}

PRINTS = {
    # a property of an object inside
    "{{ Event.items | where: 'sku.id', 'A1' | map: 'name' }}": "coat",
    "{{ Event.items | reject: 'sku.id' | map: 'name' }}": "bag, cap",
    "{{ Event.items | map: 'sku.id' | compact }}": "A1, B2",
    "{{ Event.items | has: 'sku.id', 'B2' }} {{ Event.items | find_index: 'sku.id', 'B2' }}": "true 2",
    "{{ Event.items | sort: 'sku.id' | map: 'name' }}": "coat, hat, bag, cap",
    "{{ Event.items | where: 'a.b', 1 | map: 'name' }}": "coat",
    # values compared as conditions compare them
    "{{ Event.items | where: 'price', 9.5 | map: 'name' }}": "hat",
    "{{ Event.items | find_index: 'price', '89.00' }}": "0",
    # what is absent comes last, and counts nothing
    "{{ Event.nums | sort | compact }}": "1, 2, 3",
    "{{ Event.items | sort_natural: 'price' | map: 'name' }}": "cap, coat, hat, bag",
    "{{ Event.nums | sum }} {{ Event.texts | sum }} {{ Event.items | sum: 'price' }}": "6 12.5 105.5",
    "{{ Event.nested | sum }} {{ Event.nested | sort }}": "6 1, 2, 3",
    # no shorter than the end, and whole where it fits
    "{{ 'abcdef' | truncate: 2 }} {{ 'abcdef' | truncate: 0 }} {{ 'abcdef' | truncate: 4 }}": "... ... a...",
    "{{ Profile.name | truncate: 6 }} {{ Profile.name | truncate: 5 }}": "Ground Gr...",
    "{{ Profile.name | truncate: 6, '' }}{{ Profile.name | truncate: 3, '' }}": "GroundGro",
    # of the characters that a value prints
    "{{ true | slice: 0, 9 }} {{ Profile.vip | slice: 0 }}": "true t",
    "[{{ '5' | slice: -2, 2 }}] [{{ 'abc' | slice: 1, -1 }}] {{ 'abc' | slice: -2, 9 }}": "[] [] bc",
    "{{ 'abc' | slice: 1.0, '2' }}": "bc",
    # the rest has the sign of what is divided by
    "{{ Event.neg | modulo: 2 }} {{ Event.neg | modulo: 2.5 }} {{ 7 | modulo: -2.5 }} {{ 5 | modulo: 2.5 }}": (
        "1 2.0 -0.5 0.0"
    ),
}

WITHHELD = {
    "{{ Event.mixed | sort }}": "failed: sort of values of several kinds: 1 and 'a'",
    "{{ Event.mixed | sum }}": "failed: not a number: 'a'",
    "{{ Event.words | where: 'b' }}": "failed: where takes a list of objects, and 'b' is not one",
    "{{ Event.words | has: 'b' }}": (
        "failed: has takes a list of objects, and 'b' is not one; whether a list has a text is asked by contains"
    ),
    "{{ Event.nums | sort: 'x' }}": "failed: sort takes a list of objects, and 3 is not one",
    "{{ Event.obj | slice: 0 }}": "failed: an object is not text; name a property of it",
    "{{ Profile.name | truncate: Event.words[0] }}": "failed: truncate takes whole numbers, not 'b'",
    "{{ Profile.name | slice: Event.price }}": "failed: slice takes whole numbers, not 1234.5",
    "{{ Profile.name | append: '8=' | base64_decode }}": "failed: base64_decode cannot be computed for 'Ground8='",
    "{% for i in Event.nums limit: Event.neg %}{{ i }}{% endfor %}": (
        "failed: the limit of a loop is -3, and is never below 0"
    ),
    "{% for i in Event.words %}{{ forloop.parentloop.index }}{% endfor %}": "missing: forloop.parentloop",
    "{{ Profile.huge | sum }}": "limit: sum gives a number beyond 2^63",
}


@pytest.mark.parametrize(("source", "text"), PRINTS.items())
def test_prints(source: str, text: str) -> None:
    assert compile_values({"v": source}).render(CONTEXT) == {"v": text}


@pytest.mark.parametrize(("source", "reason"), WITHHELD.items())
def test_withholds_in_words_for_people(source: str, reason: str) -> None:
    with pytest.raises(Withheld) as withheld:
        compile_values({"v": source}, live=True).render(CONTEXT)
    assert withheld.value.reason == reason


def test_of_a_summary_s_events_the_object_is_kept_whose_property_a_filter_names() -> None:
    values = compile_values({"v": "{{ Events | map: 'sku.id' | join }}"})
    assert "sku" in values.event_properties
    assert values.render({"Events": [{"sku": {"id": "A1"}}, {"sku": {"id": "B2"}}]}) == {"v": "A1 B2"}
