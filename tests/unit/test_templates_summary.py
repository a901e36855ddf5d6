"""Events in templates: what may be done with them, and which of their properties have to be kept for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.templates.templates import Missing, TemplateError, Withheld, compile_values
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.core.templates.templates import Json

EVENTS: list[Json] = [{"name": "coat", "price": 89.0, "n": 2}, {"name": "hat", "price": 9, "n": 1}, {"name": "bag"}]
CONTEXT: Mapping[str, Json] = {
    "Profile": {"first_name": "Ann", "key": "price"},
    "Event": EVENTS[0],
    "Events": EVENTS,
    "ConstantEventProperty": ["coat", "hat", "bag"],
    "Campaign": {"id": "abandoned-cart"},
}

RENDERS: Mapping[str, tuple[str, set[str]]] = {
    "{{ Event.price }}": ("89.0", {"price"}),
    "{{ Events[0].price }} {{ Events[1]['price'] }}": ("89.0 9", {"price"}),
    "{{ Events.first.name }} {{ Events.last.name }} {{ Events[-1].name }}": ("coat bag bag", {"name"}),
    "{% for event in Events %}{{ event.name }} {% endfor %}": ("coat hat bag ", {"name"}),
    "{% for event in Events %}{{ event['name'] }}{% if event.price %}: {{ event.price }}{% endif %} {% endfor %}": (
        "coat: 89.0 hat: 9 bag ",
        {"name", "price"},
    ),
    "{% for item in ConstantEventProperty %}{{ item }}={{ Events[forloop.index0].name }} {% endfor %}": (
        "coat=coat hat=hat bag=bag ",
        {"name"},
    ),
    "{% for event in Events reversed limit: 2 %}{{ event.name }}{% endfor %}": ("hatcoat", {"name"}),
    "{% for a in Events limit: 1 %}{% for b in Events %}{{ a.n }}{{ b.name }} {% endfor %}{% endfor %}": (
        "2coat 2hat 2bag ",
        {"n", "name"},
    ),
    "{{ Events | map: 'name' | join: ', ' }}": ("coat, hat, bag", {"name"}),
    "{{ Events | sum: 'n' }} {{ Events | has: 'name', 'hat' }} {{ Events | find_index: 'name', 'hat' }}": (
        "3 true 1",
        {"n", "name"},
    ),
    "{{ Events | where: 'n', 1 | map: 'name' }} {{ Events | reject: 'price' | map: 'name' }}": (
        "hat bag",
        {"n", "name", "price"},
    ),
    "{% assign cheap = Events | compact: 'name' | sort: 'name' | slice: 0, 2 | reverse %}{{ cheap[1].name }}": (
        "bag",
        {"name"},
    ),
    "{{ Events.size }} {{ Events | size }} {{ Events['size'] }}": ("3 3 3", set()),
    "{% if Events[1] %}several{% endif %}{% unless Events[7] %}, few{% endunless %}": ("several, few", set()),
    "{% if Events.size > 2 and Events[0].price > 50 %}many{% endif %}": ("many", {"price"}),
    # under another name
    "{% assign e = Events[1] %}{{ e.name }}": ("hat", {"name"}),
    "{% assign e = Event %}{{ e.name }}": ("coat", {"name"}),
    "{% assign all = Events %}{% assign e = all | last %}{% assign f = e %}{{ f.name }}": ("bag", {"name"}),
    "{% assign hat = Events | find: 'name', 'hat' %}{{ hat.price }}": ("9", {"name", "price"}),
    "{% assign i = 1 %}{{ Events[i].name }}": ("hat", {"name"}),
    "{% if Profile.vip %}{% assign e = Events[1] %}{% else %}{% assign e = Events[2] %}{% endif %}{{ e.name }}": (
        "bag",
        {"name"},
    ),
    "{% assign e = Profile.first_name %}{% for e in Events limit: 1 %}{{ e.name }}{% endfor %} {{ e }}": (
        "coat Ann",
        {"name"},
    ),
    "{% for e in Events limit: 1 %}{% assign e = 1 %}{{ e.name }}{% endfor %}": ("coat", {"name"}),
    "{% for x in Events %}{{ x.name }}{% endfor %}{% for x in ConstantEventProperty %}{{ x }}{% endfor %}": (
        "coathatbagcoathatbag",
        {"name"},
    ),
    "{% capture c %}{{ Events[0].name }}{% endcapture %}{{ c }}": ("coat", {"name"}),
    "{% case Events[0].name %}{% when Events[1].name %}same{% else %}{{ Events[2].name }}{% endcase %}": (
        "bag",
        {"name"},
    ),
}

REFUSED = {
    "{{ Events }}": "Events is a list of events; take one, as in Events[0].price, loop, as in {% for event in Ev",
    "{{ Events | join: ', ' }}": "join takes whole events here; take one, as in Events[0].price, loop, as in {% for",
    "{{ Events.price }}": "Events is a list of events; take one, as in Events[0].price",
    "{{ Events[0] }}": "Events[0] is a whole object; name a property of it, such as Events[0].price",
    "{% for event in Events %}{{ event }}{% endfor %}": "event is a whole object; name a property of it, such as ev",
    "{% for e in Events %}{% for p in e %}{{ p[0] }}{% endfor %}{% endfor %}": "e is a whole object",
    "{% for p in Event %}{{ p[0] }}{% endfor %}": "Event is a whole object; name a property of it, such as Event.price",
    "{{ Events[0][Profile.key] }}": "Events is a whole object",
    "{% assign e = Event %}{{ e[Profile.key] }}": "e is a whole object; name a property of it, such as e.price",
    "{{ Event[0] }}": "Event is a whole object",
    "{{ Events | map: Profile.key }}": 'map takes a property in quotes, as in Events | map: "price"',
    "{{ Events | uniq | size }}": 'uniq takes a property in quotes, as in Events | uniq: "price"',
    "{{ Events | find: 'n', 2 }}": "name a property of it: {% assign event = Events | find: 'n', 2 %}{{ event.price }}",
    "{{ Events | default: 'none' }}": "default takes whole events here",
    "{{ Event | default: 'none' }}": "default takes a whole event here; name a property, such as event.price",
    "{{ Events | first | upcase }}": "upcase takes a whole event here",
    "{{ 'x' | append: Events[0] }}": "Events[0] is a whole object",
    "{{ Event.tags | concat: Events | size }}": "Events is a list of events",
    "{% if Events == Event.others %}x{% endif %}": "Events is a list of events",
    "{% if Events[0] == nil %}x{% endif %}": "Events[0] is a whole object",
    "{% if Events contains 'x' %}x{% endif %}": "Events is a list of events",
    "{% case Event %}{% when 1 %}x{% endcase %}": "Event is a whole object",
    "{% abort Events %}": "Events is a list of events",
    "{% for i in (1..Events) %}x{% endfor %}": "Events is a list of events",
    "{% for i in Event.tags limit: Events %}x{% endfor %}": "Events is a list of events",
    "{% assign x = Events %}{% assign x = 'a' %}{{ x }}": "x is a list of events in one place and anything else here",
    "{% assign x = '' %}{% for e in Events %}{{ x.name }}{% assign x = e %}{% endfor %}": "x is anything else in one",
    "{% for e in Events %}{% endfor %}{{ e.name }}": "unknown object e",
    "{% for e in Events %}x{% else %}{{ e.name }}{% endfor %}": "unknown object e",
    "{% assign Events = 1 %}x": "Events is the name of an object",
    "{% capture Events %}{% endcapture %}x": "Events is the name of an object",
    "{% for Events in Event.tags %}x{% endfor %}": "Events is the name of an object",
    "{{ Catalog.price }}": "catalog 'price' is not mapped",
    "{{ Recommendations[0].name }}": "Recommendations is by name, and then by column",
}


@pytest.mark.parametrize(("source", "text", "kept"), [(source, *rest) for source, rest in RENDERS.items()])
def test_renders_with_what_is_kept_and_nothing_else(source: str, text: str, kept: set[str]) -> None:
    values = compile_values({"k": source})
    assert values.event_properties == kept
    stored: list[Json] = [{k: v for k, v in e.items() if k in kept} for e in EVENTS if isinstance(e, dict)]
    for events in (EVENTS, stored):
        assert values.render({**CONTEXT, "Events": events, "Event": events[0]}) == {"k": text}


@pytest.mark.parametrize(("source", "message"), REFUSED.items())
def test_refuses_where_it_could_not_tell_which_properties_to_keep(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        compile_values({"k": source})
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("source", "name"),
    {
        "{% for event in Events %}{{ event.price }}{% endfor %}": "Events[2].price",
        "{% assign e = Events | last %}{{ e.price }}": "Events[2].price",
        "{% assign e = Event %}{{ e.cost }}": "Events[0].cost",
        "{{ Events[5].price }}": "Events[5].price",
        "{% for event in Events %}{{ event.cost | times: 2 }}{% endfor %}": "Events[0].cost",
    }.items(),
)
def test_what_is_missing_has_its_name_as_seen_from_outside(source: str, name: str) -> None:
    with pytest.raises(Missing) as missing:
        compile_values({"k": source}).render(CONTEXT)
    assert missing.value.name == name


NAMES = st.sampled_from(["name", "price", "n", "tags", "absent"])
OWN = st.sampled_from(["a", "b", "it"])
LISTS = st.sampled_from(["Events", "a", "b", "it", "Event.tags", "ConstantEventProperty"])
FILTERS = st.one_of(
    st.sampled_from(["first", "last", "reverse", "size", "join", "uniq", "slice: 0, 2", "concat: Events", "compact"]),
    st.builds(
        lambda name, key: f"{name}: '{key}'",
        st.sampled_from(["map", "where", "reject", "sort", "sum", "find", "has", "uniq", "compact", "find_index"]),
        NAMES,
    ),
)
PATHS = st.one_of(
    LISTS,
    st.builds("{}.{}".format, st.sampled_from(["Event", "a", "it"]), NAMES),
    st.builds("Events[{}].{}".format, st.sampled_from(["0", "-1", "a", "forloop.index0", "Event.n"]), NAMES),
    st.builds("{}[{}]".format, LISTS, st.sampled_from(["0", "1", "'price'", "Profile.key", "it"])),
)
EXPRESSIONS = st.one_of(
    st.builds(lambda path, used: " | ".join([path, *used]), PATHS, st.lists(FILTERS, max_size=2)),
    st.builds("Events | {}".format, FILTERS),
)
STATEMENTS = st.recursive(
    st.one_of(
        st.builds("{{{{ {} | default: '-' }}}}".format, EXPRESSIONS),
        st.builds("{{% assign {} = {} %}}".format, OWN, EXPRESSIONS),
    ),
    lambda inner: st.one_of(
        st.builds("{{% for {} in {} %}}{}{{% endfor %}}".format, OWN, LISTS, inner),
        st.builds("{{% if {} %}}{}{{% endif %}}".format, PATHS, inner),
        st.builds("{{% for {} in Events %}}{}{{{{ it.name | default: '-' }}}}{{% endfor %}}".format, OWN, inner),
        st.builds("{}{}".format, inner, inner),
    ),
    max_leaves=8,
)


HEADS = st.sampled_from(["", "{% assign a = Events[0] %}{% assign b = Events | reverse %}{% assign it = Event.name %}"])


@settings(max_examples=examples(500))
@given(st.builds("{}{}".format, HEADS, STATEMENTS))
def test_whatever_a_template_does_the_kept_properties_are_all_it_reads(source: str) -> None:
    try:
        values = compile_values({"k": source})
    except TemplateError:
        return
    kept = [{k: v for k, v in e.items() if k in values.event_properties} for e in EVENTS if isinstance(e, dict)]
    outcomes = []
    for events in (EVENTS, kept):
        try:
            outcomes.append(values.render({**CONTEXT, "Events": list(events), "Event": events[0]})["k"])
        except Withheld as withheld:
            outcomes.append(withheld.reason)
    assert outcomes[0] == outcomes[1]


def test_a_refusal_names_line_and_column() -> None:
    with pytest.raises(TemplateError) as refused:
        compile_values({"k": "Hi\n@Profile - first_name\n  {{ Events }}"})
    assert (refused.value.line, refused.value.column) == (3, 6)
