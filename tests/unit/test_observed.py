"""Notes of the shapes of events, and what they say about a campaign."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.hints import Known, hints
from holdfast.core.events import Event, Json
from holdfast.core.intake import shapes as module
from holdfast.core.intake.shapes import MAX_EVENTS, MAX_SHAPES, MAX_SIGNATURES, Observed, Shapes


def seeing(*events: tuple[str, Mapping[str, Json]]) -> Observed:
    observed = Observed()
    for name, properties in events:
        observed.see(Event("u-1", name, 0, 0, properties))
    return observed


def noted(observed: Observed) -> dict[str, Shapes]:
    return dict(observed.news)


# What is noted


def test_names_and_types_are_noted_and_no_value() -> None:
    observed = seeing(
        ("Added to cart", {"product": "secret", "price": 89.0, "gift": True, "note": None}),
        (
            "charged",
            {"Items": [{"name": "secret", "n": 1}, {"size": "secret"}], "tags": ["secret"], "to": {"city": "secret"}},
        ),
    )
    assert noted(observed) == {
        "addedtocart": Shapes(
            "Added to cart", frozenset({"string product", "number price", "boolean gift", "null note"})
        ),
        "charged": Shapes(
            "charged",
            frozenset(
                {
                    *("list Items", "string Items[].name", "number Items[].n", "string Items[].size"),
                    *("list tags", "string tags[]", "object to", "string to.city"),
                }
            ),
        ),
    }
    assert "secret" not in repr(observed.__dict__)


def test_an_event_without_properties_is_noted_too() -> None:
    assert noted(seeing(("app opened", {}))) == {"appopened": Shapes("app opened")}


def test_a_known_event_costs_one_look_up_and_brings_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    observed = seeing(("added", {"price": 1}))
    observed.noted("added")
    monkeypatch.setattr(module, "property_shapes", lambda _: pytest.fail("looked closer"))
    for price in range(100):
        observed.see(Event("u-1", "added", 0, 0, {"price": price}))
    assert observed.news == {}


@pytest.mark.parametrize(
    "other",
    [{"prce": 1}, {"price": "1"}, {"price": 1, "size": "L"}, {"price": [{"a": 1}]}, {"price": {"a": 1}}],
    ids=str,
)
def test_a_new_name_or_type_is_news(other: dict[str, Json]) -> None:
    observed = seeing(("added", {"price": 1}))
    observed.noted("added")
    observed.see(Event("u-1", "ADDED ", 0, 0, other))
    assert observed.news


def test_what_is_inside_a_list_is_news_though_the_list_was_known() -> None:
    observed = seeing(("charged", {"Items": []}))
    observed.noted("charged")
    observed.see(Event("u-1", "charged", 0, 0, {"Items": [{"name": "coat"}]}))
    assert observed.news["charged"].shapes == {"string Items[].name"}


def test_news_stays_until_it_is_noted_and_what_the_table_has_is_none() -> None:
    observed = seeing(("added", {"price": 1}), ("viewed", {"page": "/"}))
    observed.learn({"added": Shapes("Added", frozenset({"number price", "string size"}))})
    assert set(observed.news) == {"viewed"}
    observed.noted("viewed")
    assert not observed.news


def test_beyond_the_bound_no_event_is_noted_any_more_and_that_is_said() -> None:
    observed = seeing(*((f"viewed /{number}", {}) for number in range(MAX_EVENTS + 3)))
    assert (len(observed.news), observed.dropped) == (MAX_EVENTS, 3)
    observed.see(Event("u-1", "viewed /0", 0, 0, {"new": 1}))
    assert observed.news["viewed/0"].shapes == {"number new"}


def test_the_bounds_count_what_the_table_has() -> None:
    observed = seeing(("one more", {}))
    observed.learn({str(number): Shapes(str(number)) for number in range(MAX_EVENTS)})
    assert (observed.news, observed.dropped) == ({}, 1)


def test_beyond_the_bound_no_property_is_noted_any_more_and_that_is_said() -> None:
    observed = seeing(*(("saved", {f"id {number}": 1}) for number in range(MAX_SHAPES + 3)))
    assert (len(observed.news["saved"].shapes), observed.dropped) == (MAX_SHAPES, 3)


def test_a_container_remembers_no_more_than_so_much() -> None:
    observed = seeing(*((f"viewed /{number}", {}) for number in range(3 * MAX_SIGNATURES)))
    assert len(observed._known) <= MAX_SIGNATURES


def test_it_costs_microseconds() -> None:
    event = Event("u-1", "charged", 0, 0, {**{f"p{n}": n for n in range(20)}, "Items": [{"name": "coat"}] * 50})
    observed = seeing((event.name, dict(event.properties)))
    begun = time.process_time()
    for _ in range(10_000):
        observed.see(event)
    assert time.process_time() - begun < 1  # 0.04 on a laptop


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(st.tuples(st.sampled_from(["a", "A ", "b"]), st.dictionaries(st.text(max_size=3), JSON, max_size=4))))
def test_whatever_comes_can_be_noted_and_twice_is_once(events: list[tuple[str, dict[str, Json]]]) -> None:
    observed = seeing(*events)
    for key in list(observed.news):
        observed.noted(key)
    for name, properties in events:
        observed.see(Event("u-2", name, 0, 0, properties))
    assert not observed.news
    assert not observed.dropped


# What is told by it

SEEN = noted(
    seeing(
        ("Added to cart", {"prod_name": "coat", "price": "89.0", "quantity": 1, "gift": True, "to": {"city": "Ulm"}}),
        ("Charged", {"Items": [{"prod_name": "coat", "price": 89.0}], "total": 1, "codes": ["A"]}),
        ("Signed up", {"plan": "free"}),
    )
)

NOBODY = Shapes("profile")
PROFILE = Shapes("profile", frozenset({"string first_name", "object address", "string address.city"}))
IMPORTED = {"products": ("Identity", "Name", "Price"), "stores": ("Identity", "City")}


def told(
    seen: dict[str, Shapes] = SEEN, profile: Shapes = NOBODY, imported: Any = None, **changes: Any
) -> list[tuple[str, str]]:
    data: dict[str, Any] = {
        "id": "c",
        "when": {"did": "added to cart", "did_not": "charged", "within": "1h", "where": changes.pop("where", {})},
        "constant": {"name": "product", "in": {"added to cart": "prod_name", "charged": "Items[].prod_name"}},
        "send": {"values": {"title": changes.pop("title", "Hi")}},
    }
    for key, value in changes.items():
        data[key] = {**data.get(key, {}), **value} if isinstance(value, dict) else value
    found = hints(Campaign.model_validate(data), Known(seen, profile, imported))
    return [(".".join(map(str, hint.place)), hint.message) for hint in found]


def test_a_campaign_that_agrees_with_what_was_seen_is_told_nothing() -> None:
    assert told(where={"added to cart": "to_number(price) >= `20` && gift"}, title="{{ Event.price }}") == []


def test_where_nothing_was_seen_nothing_is_told() -> None:
    assert told(seen={}, title="{{ Event.prce }}") == []


def test_an_event_never_seen() -> None:
    constant = {"name": "product", "in": {"addd to cart": "prod_name", "charged": "Items[].prod_name"}}
    when = {"did": "addd to cart", "did_not": "charged", "within": "1h"}
    assert told(when=when, constant=constant, title="{{ Event.anything }}") == [
        ("when.did.0", "'addd to cart' was never seen; did you mean 'Added to cart'?")
    ]


NEVER = [
    ("Items[].prod_nme", "'Items[].prod_nme' was never seen in 'Charged'; did you mean 'Items[].prod_name'?"),
    ("Items[*].prod_nme", "'Items[].prod_nme' was never seen in 'Charged'; did you mean 'Items[].prod_name'?"),
    ("Items[0].prod_nme", "'Items[].prod_nme' was never seen in 'Charged'; did you mean 'Items[].prod_name'?"),
    (
        "Items[?price > `3`].prod_nme",
        "'Items[].prod_nme' was never seen in 'Charged'; did you mean 'Items[].prod_name'?",
    ),
    ("Items[?prize > `3`].prod_name", "'Items[].prize' was never seen in 'Charged'; did you mean 'Items[].price'?"),
    (
        "sort_by(Items, &prize)[].prod_name",
        "'Items[].prize' was never seen in 'Charged'; did you mean 'Items[].price'?",
    ),
    ("max_by(Items, &price).nam", "'Items[].nam' was never seen in 'Charged'"),
    ("Items.prod_name", "'Items.prod_name' was never seen in 'Charged'; did you mean 'Items[].prod_name'?"),
    ("Itms[].prod_name", "'Itms' was never seen in 'Charged'; did you mean 'Items'?"),
    ("Items[].[prod_name, sze]", "'Items[].sze' was never seen in 'Charged'"),
    ("totl || total", "'totl' was never seen in 'Charged'; did you mean 'total'?"),
    ("Items | [0].prize", "'Items[].prize' was never seen in 'Charged'; did you mean 'Items[].price'?"),
]


@pytest.mark.parametrize(("path", "message"), NEVER, ids=[path for path, _ in NEVER])
def test_a_property_never_seen_with_what_may_be_meant(path: str, message: str) -> None:
    constant = {"name": "product", "in": {"added to cart": "prod_name", "charged": path}}
    ((place, first), *_) = told(constant=constant)
    assert place == "constant.0.in.charged"
    assert first.startswith(message)


@pytest.mark.parametrize(
    "path",
    [
        "Items[].prod_name",
        "Items[?price > `3`].prod_name | [0]",
        "Items[].prod_name.deeper.than.observed",
        "map(&to_string(price), Items)",
        "keys(@)",
        "*.anything",
        "codes[0]",
        "join(',', codes)",
        "Items[-1].price",
        "{a: total, b: Items[0].price}.a",
        "not_null(total, Items)",
        "`1`",
    ],
)
def test_no_hint_where_nothing_is_known_to_be_wrong(path: str) -> None:
    constant = {"name": "product", "in": {"added to cart": "prod_name", "charged": path}}
    assert told(constant=constant) == []


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("price >= `20`", "price was always a string in 'Added to cart': compare with to_number(price)"),
        ("`20` <= price", "price was always a string in 'Added to cart': compare with to_number(price)"),
        (
            "price == `20`",
            "price was always a string in 'Added to cart', never a number: compare with to_number(price)",
        ),
        ("quantity == '1'", "quantity was always a number in 'Added to cart', never a string"),
        ("gift == 'true'", "gift was always a boolean in 'Added to cart', never a string"),
        ("gift > `0`", "gift was always a boolean in 'Added to cart', which > does not compare"),
        ("to > `0`", "to was always an object in 'Added to cart', which > does not compare"),
        ("gift == true", "true is read as a property's name: the value is written `true`"),
        ("!(price > `3`)", "price was always a string in 'Added to cart': compare with to_number(price)"),
    ],
)
def test_a_comparison_that_is_never_true(where: str, message: str) -> None:
    assert told(where={"added to cart": where}) == [("when.where.added to cart", message)]


@pytest.mark.parametrize(
    "where",
    ["price == '20'", "quantity > `1`", "gift == `true`", "price != null", "price == prod_name", "to.city == 'Ulm'"],
)
def test_a_comparison_that_can_be_true(where: str) -> None:
    assert told(where={"added to cart": where}) == []


def test_a_property_that_had_several_types_may_be_compared_with_any() -> None:
    seen = {
        **SEEN,
        "addedtocart": Shapes("Added to cart", frozenset({"string price", "number price", "string prod_name"})),
    }
    assert told(seen, where={"added to cart": "price > `3`"}) == []


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("{{ Event.prise }}", "'prise' was never seen in 'Added to cart'; did you mean 'price'?"),
        ("@added to cart - prise", "'prise' was never seen in 'Added to cart'; did you mean 'price'?"),
        ("{% if Event.gft %}A{% endif %}B", "'gft' was never seen in 'Added to cart'; did you mean 'gift'?"),
        ("{{ Event.to.cty }}", "'to.cty' was never seen in 'Added to cart'; did you mean 'to.city'?"),
    ],
)
def test_what_a_template_names_and_no_event_had(title: str, message: str) -> None:
    assert told(title=title) == [("send.values.title", message)]


def test_of_several_triggers_one_must_have_had_it() -> None:
    constant = {"name": "p", "in": {"added to cart": "prod_name", "signed up": "plan", "charged": "total"}}
    when = {"did": ["added to cart", "signed up"], "did_not": "charged", "within": "1h"}
    assert told(when=when, constant=constant, title="{{ Event.price }}{{ Event.plan }}") == []
    assert len(told(when=when, constant=constant, title="{{ Event.nothing }}")) == 1


def test_nothing_is_said_of_an_event_of_which_not_all_was_noted() -> None:
    full = Shapes("Added to cart", frozenset(f"string id {number}" for number in range(MAX_SHAPES)))
    assert told({**SEEN, "addedtocart": full}, title="{{ Event.price }}") == []


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("{{ Profile.first_name }} {{ Profile.address.city }} {{ Profile.locale | default: 'en' }}", "locale"),
        ("{{ Profile.firstname }}", "firstname is in no profile of those looked at; did you mean 'first_name'?"),
        ("{{ Profile['address'].cty }}", "address.cty is in no profile of those looked at"),
        ("{% if Profile.vip %}x{% else %}y{% endif %}", "vip is in no profile of those looked at"),
    ],
)
def test_what_a_template_names_and_no_profile_has(title: str, message: str) -> None:
    ((place, found),) = told(profile=PROFILE, title=title)
    assert place == "send.values.title"
    assert found.startswith(f"Profile.{message}")


@pytest.mark.parametrize(
    ("audience", "messages"),
    [
        ("Profile.first_name == 'Ann' && !Profile.unsubscribed && Event.gift", []),
        ("Profile.first_nam == 'Ann'", ["'Profile.first_nam' was never seen in 'profiles and triggers'; did you mean"]),
        ("Event.prise > `5`", ["'Event.prise' was never seen in 'profiles and triggers'; did you mean 'Event.price'?"]),
        ("Event.price > `5`", ["Event.price was always a string in 'profiles and triggers': compare with to_number"]),
        ("Profile.address.city == 'Ulm' && Event.to.city == 'Ulm'", []),
    ],
)
def test_what_an_audience_names(audience: str, messages: list[str]) -> None:
    found = told(profile=PROFILE, send={"audience": audience})
    assert [place for place, _ in found] == len(messages) * ["send.audience"]
    assert all(message.startswith(start) for (_, message), start in zip(found, messages, strict=True))
    assert told(send={"audience": audience}) == []
    unseen = told({"charged": SEEN["charged"]}, profile=PROFILE, send={"audience": audience})
    assert [place for place, _ in unseen if place == "send.audience"] == []


@pytest.mark.parametrize("profile", [NOBODY, Shapes("profile", frozenset(f"string p{n}" for n in range(MAX_SHAPES)))])
def test_where_not_all_is_known_of_profiles_nothing_is_said_of_them(profile: Shapes) -> None:
    assert told(profile=profile, title="{{ Profile.firstname }}") == []


ROW = "{{ Catalog['products'].Name }}"


@pytest.mark.parametrize(
    ("catalogs", "title", "hint"),
    [
        ({"products": {"Identity": "prod_name"}}, ROW, None),
        ({"products": {"Identity": "prod_nam"}}, ROW, ("catalogs.products.Identity", "'prod_nam' was never seen in")),
        ({"product": {"Identity": "prod_name"}}, ROW.replace("products", "product"),
         ("catalogs.product", "no catalog 'product' is imported; did you mean 'products'?")),
        ({"products": {"Nam": "prod_name"}}, ROW, ("catalogs.products.Nam", "catalog 'products' has no column 'Nam'")),
        ({"products": {"Identity": "prod_name"}}, ROW.replace("Name", "Nmae"),
         ("send.values.title", "catalog 'products' has no column 'Nmae'; did you mean 'Name'?")),
    ],
)  # fmt: skip
def test_what_is_named_of_catalogs(catalogs: Any, title: str, hint: tuple[str, str] | None) -> None:
    found = told(imported=IMPORTED, catalogs=catalogs, title=title)
    assert [(place, message.startswith(hint[1] if hint else "!")) for place, message in found] == (
        [(hint[0], True)] if hint else []
    )
    assert [place for place, _ in told(catalogs=catalogs, title=title) if "Identity" not in place] == []


def test_a_lookup_is_fine_if_one_of_several_triggers_bears_it() -> None:
    found = told(
        when={"did": [], "did_any": ["added to cart", "signed up"]},
        constant={"in": {"added to cart": "prod_name", "signed up": "plan", "charged": "total"}},
        catalogs={"products": {"Identity": "plan"}},
        imported=IMPORTED,
        title=ROW,
    )
    assert found == []
