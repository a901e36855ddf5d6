"""The preview: each value's text, reason or error, and where each variable came from."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from holdfast.core.templates.templates import Withheld, compile_values
from holdfast.core.templates.trace import MAX_VARIABLES, Refusal, Variable, preview, trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.core.templates.templates import Json

EVENTS: list[Json] = [{"name": "coat", "price": 89.0}, {"name": "hat", "price": 9}, {"name": "bag"}]
CONTEXT: Mapping[str, Json] = {
    "Profile": {"first_name": "Ann", "locale": "de", "note": " "},
    "Event": {"price": 89.0, "tags": ["warm"], "items": [{"k": "a"}, {"k": "b"}], "none": []},
    "Events": EVENTS,
    "ConstantEventProperty": ["coat", "hat", "bag"],
    "Campaign": {"id": "abandoned-cart"},
}

VARIABLES: Mapping[str, list[tuple[str, str, Json]]] = {
    "Hi @Profile - first_name": [("Profile.first_name", "profile", "Ann")],
    "{{ Event.price | times: 2 }}": [("Event.price", "event", 89.0)],
    "{{ Campaign.id }} {{ ConstantEventProperty | first }}": [
        ("Campaign.id", "campaign", "abandoned-cart"),
        ("ConstantEventProperty", "constant", ["coat", "hat", "bag"]),
    ],
    "{{ Profile.nick | default: 'you' }}": [("Profile.nick", "default", "you")],
    "{{ Profile.note | upcase | default: 'you' }}": [("Profile.note", "default", "you")],
    "{{ Profile.nick | default: Profile.first_name }}": [
        ("Profile.nick", "default", "Ann"),
        ("Profile.first_name", "profile", "Ann"),
    ],
    "{{ Profile.nick | default: Profile.alias }}": [
        ("Profile.nick", "missing", None),
        ("Profile.alias", "missing", None),
    ],
    "{{ Profile.nick | default: 'you' }} {{ Profile.nick }}": [("Profile.nick", "missing", None)],
    "{{ Event.cost }} {{ Event.none }} {{ Event.price }}": [
        ("Event.cost", "missing", None),
        ("Event.none", "missing", None),
        ("Event.price", "event", 89.0),
    ],
    "{{ Event.items[1].k }}": [("Event.items[1].k", "event", "b")],
    # through loops and assigns
    "{% for event in Events %}{{ event.price | default: 0 }}{% endfor %}": [
        ("Events", "event", EVENTS),
        ("Events[0].price", "event", 89.0),
        ("Events[1].price", "event", 9),
        ("Events[2].price", "default", 0),
    ],
    "{% assign e = Events[1] %}{{ e.name }}": [("Events[1]", "event", EVENTS[1]), ("Events[1].name", "event", "hat")],
    "{% for it in Event.items %}{{ it.k }}{% endfor %}{% for t in Event.tags %}{{ t }}{% endfor %}": [
        ("Event.items", "event", [{"k": "a"}, {"k": "b"}]),
        ("Event.items[0].k", "event", "a"),
        ("Event.items[1].k", "event", "b"),
        ("Event.tags", "event", ["warm"]),
    ],
    "{% assign p = Event.price %}{{ p }}{{ p | plus: 1 }}": [("Event.price", "event", 89.0)],
    "{% assign parts = 'a,b' | split: ',' %}{{ parts[0] }}{{ parts.size }}": [],
    # what was not come to
    "{% if Profile.vip %}{{ Event.price }}{{ Profile.tier }}{% endif %}x": [
        ("Profile.vip", "missing", None),
        ("Event.price", "event", 89.0),
        ("Profile.tier", "missing", None),
    ],
    "{% abort 'no' %}{{ Events | map: 'price' }}": [
        ("Events[0].price", "event", 89.0),
        ("Events[1].price", "event", 9),
        ("Events[2].price", "missing", None),
    ],
    # the locale
    "{{ 1 | money: 'EUR' }}": [("Profile.locale", "profile", "de")],
}


@pytest.mark.parametrize(("source", "variables"), VARIABLES.items())
def test_says_where_each_variable_came_from(source: str, variables: list[tuple[str, str, Json]]) -> None:
    traced = preview({"k": source}, CONTEXT)["k"]
    assert [(v.name, v.origin, v.value) for v in traced.variables] == variables


SOURCES = {
    "good": "Hi {{ Profile.first_name }}",
    "missing": "{{ Event.cost }}{{ Event.size }}",
    "aborted": "{% abort 'no' %}",
    "blank": "{{ Profile.nick | default: '' }}",
    "failed": "{{ Profile.first_name | plus: 1 }}",
    "refused": "Hi\n  {{ Evnt.price }}",
    "after a form": "\n@Profile - first_name {{ Evnt.price }}",
    "syntax": "{{ 'x }}",
    "empty": "",
}


def test_gives_for_each_key_its_text_or_reason_or_error() -> None:
    traced = preview(SOURCES, CONTEXT)
    assert {key: each.text for key, each in traced.items() if each.text is not None} == {"good": "Hi Ann"}
    assert {key: each.reason for key, each in traced.items() if each.reason} == {
        "missing": "missing: Event.cost",
        "aborted": "aborted: no",
        "blank": "blank: blank",
        "failed": "failed: not a number: 'Ann'",
    }
    unknown = "unknown object Evnt; did you mean 'Event'?"
    assert traced["refused"].error == Refusal(unknown, 2, 6)
    assert traced["after a form"].error == Refusal(unknown, 2, None)
    assert {key for key, each in traced.items() if each.error} == {"refused", "after a form", "syntax", "empty"}
    assert json.loads(json.dumps({key: asdict(each) for key, each in traced.items()}))["good"]["text"] == "Hi Ann"


@pytest.mark.parametrize("source", [source for source in VARIABLES if "Event" in source or "Profile" in source])
def test_what_is_traced_is_what_is_rendered(source: str) -> None:
    values = compile_values({"k": source})
    traced = trace(values, CONTEXT)["k"]
    if traced.reason is None:
        assert values.render(CONTEXT) == {"k": traced.text}
    else:
        with pytest.raises(Withheld) as withheld:
            values.render(CONTEXT)
        assert withheld.value.reason == traced.reason


def test_the_keys_share_a_messages_work_as_when_it_is_sent() -> None:
    work = "{{ Profile.long | strip | size }}"
    traced = preview({"a": work, "b": work}, {"Profile": {"long": "a" * 300_000}})
    assert traced["a"].text == "300000"
    assert "limit" in str(traced["b"].reason)
    assert traced["a"].variables == (Variable("Profile.long", "profile", "a" * 2_000 + "…"),)


HOSTILE: Mapping[str, Json] = {
    "Profile": {},
    "Event": {"items": [{"k": f"{n}", "sub": [{"n": n}]} for n in range(3_000)]},
    "Events": [{"k": n, "sub": [{"n": n}]} for n in range(200)],
}


@pytest.mark.parametrize(
    "source",
    [
        "{% for it in Event.items %}{{ it.k }}{% endfor %}",
        "{% for e in Events %}{% for s in e.sub %}{{ s.n }}{% endfor %}{% endfor %}",
        "{% for i in (1..9999) %}{% assign e = Events[150] %}{{ e.k }}{% endfor %}",
        "{% for e in Events %}{% for f in Events %}{{ e.k }}{{ f.k }}{{ f.x | default: 1 }}{% endfor %}{% endfor %}",
        "{% assign l = Event.items %}{% for i in (1..9999) %}{{ l[i].x | default: 1 }}{% endfor %}",
        "{% for i in (1..9999) %}{% assign l = Events | where: 'k' %}{{ l[9].k }}{% endfor %}",
    ],
)
def test_a_preview_is_bounded(source: str) -> None:
    values = compile_values({"k": source})
    started = time.process_time()
    traced = trace(values, HOSTILE)["k"]
    assert time.process_time() - started < 5
    assert len(traced.variables) <= MAX_VARIABLES
    assert len(json.dumps(asdict(traced))) < 1_000_000


def test_a_language_that_is_not_here_is_noted() -> None:
    traced = preview({"k": "{{ 1 | money: 'EUR' }}"}, {"Profile": {"locale": "sw_KE"}})["k"]
    assert traced.text == "€1.00"
    (note,) = traced.notes
    assert note.startswith("the language 'sw_KE' is not here; there are ar, bg, ")
    assert note.endswith("; written as English")
    assert preview({"k": "{{ 1 | money: 'EUR' }}"}, {"Profile": {"locale": "th"}})["k"].notes == ()


def test_a_signature_is_shown_with_another_secret_than_the_stages() -> None:
    traced = preview({"k": "{{ Profile.id | hmac_sha256 }}"}, {"Profile": {"id": "7"}})["k"]
    assert traced.text
    assert traced.notes == ("hmac_sha256 is shown with another secret than the stage's",)
