"""Plans: what an event means to the campaigns that name it, and why it cannot be joined where it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from holdfast.core.events import Event, Json, event_id, event_key
from holdfast.core.limits import MAX_VALUES
from holdfast.core.plans.hits import Hit, Problem
from holdfast.core.plans.plan import EXIT, Constant, Plan
from holdfast.core.plans.plans import Plans
from tests.unit.builders import ADDED, CHARGED, HOUR, MINUTE, NOON, a_plan, an_event


def an_added(**properties: Any) -> Event:
    return an_event(ADDED, **properties)


def the_hit(event: Event, **plan: Any) -> Hit:
    ((hit,), problems) = Plans([a_plan(**plan)]).read(event)
    assert problems == []
    return hit


def the_problem(event: Event, **plan: Any) -> str:
    hits, (problem,) = Plans([a_plan(**plan)]).read(event)
    assert (hits, problem.campaign) == ([], "abandoned-cart")
    return problem.reason


@pytest.mark.parametrize("name", ["added to cart", "Added To Cart", "addedtocart", " ADDED  to\tcart "])
def test_an_event_is_known_whatever_its_case_and_spaces(name: str) -> None:
    plans = Plans([a_plan()])
    assert plans.name(name)
    assert plans.read(an_event(name, product_name="coat"))[0][0].part == event_key(name)


def test_an_event_that_no_campaign_names_means_nothing() -> None:
    plans = Plans([a_plan()])
    assert not plans.name("viewed")
    assert plans.read(an_event("viewed")) == ([], [])


def test_a_trigger_keeps_what_the_templates_name_and_an_exit_keeps_nothing() -> None:
    plan = a_plan(keep=("price", "size"))
    assert the_hit(an_added(product_name="coat", price=20, colour="red"), keep=plan.keep).kept == {"price": 20}
    assert the_hit(an_event(CHARGED, Items=[{"prod_name": "coat"}], price=20), keep=plan.keep).kept == {}


def test_a_hit_bears_the_time_and_id_of_its_event_and_the_revision_of_its_campaign() -> None:
    event = an_event(ADDED, at=NOON, arrived=NOON + 5, product_name="coat")
    hit = the_hit(event, revision=3)
    assert (hit.at, hit.arrived, hit.id, hit.plan.revision) == (NOON, NOON + 5, event_id(event), 3)


def test_several_events_that_a_campaign_looks_for_are_numbered_and_what_ends_it_is_an_exit() -> None:
    plans = Plans([a_plan(did=["a", "b"], did_not="c", constant={"a": "p", "b": "p", "c": "p"})])
    parts = [hit.part for name in "abc" for hit in plans.read(an_event(name, p=1))[0]]
    assert parts == ["a", "b", EXIT]


@pytest.mark.parametrize(
    ("late", "due"),
    [(0, 30 * MINUTE), (29 * MINUTE, 30 * MINUTE), (29.5 * MINUTE, 30.5 * MINUTE), (HOUR, HOUR + MINUTE)],
)
def test_a_watch_falls_due_after_the_window_and_not_at_once_upon_a_late_arrival(late: float, due: float) -> None:
    assert the_hit(an_event(ADDED, arrived=NOON + round(late), product_name="coat")).due == NOON + due


def test_settling_never_takes_longer_than_the_window() -> None:
    assert the_hit(an_event(ADDED, arrived=NOON + MINUTE, product_name="coat"), within=1000).due == NOON + MINUTE + 1000


@pytest.mark.parametrize(("late", "history"), [(2 * HOUR, False), (2 * HOUR + 1, True), (-MINUTE, False)])
def test_what_is_older_than_two_hours_on_arrival_is_history(late: int, history: bool) -> None:
    assert the_hit(an_event(ADDED, arrived=NOON + late, product_name="coat")).history is history


# Constant values.


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("coat", "coat"),
        ("  coat ", "coat"),
        ("Coat", "Coat"),
        (123, "123"),
        ("123", "123"),
        (123.0, "123"),
        (" 123 ", "123"),
        (12.5, "12.5"),
        ("12.5", "12.5"),
        (-0.0, "0"),
        (0, "0"),
        (1e22, "10000000000000000000000"),
        (True, "true"),
        (False, "false"),
        ("true", "true"),
    ],
)
def test_one_value_written_in_several_ways_is_one_value_shown_as_it_was_written(written: Json, key: str) -> None:
    assert the_hit(an_added(product_name=written)).values == {key: written}


@pytest.mark.parametrize(
    ("items", "values"),
    [
        (["coat", "hat"], {"coat": "coat", "hat": "hat"}),
        (["1", 1, 1.0], {"1": "1"}),
        (["a", "b", "a"], {"a": "a", "b": "b"}),
    ],
)
def test_a_list_means_any_of_its_values_and_of_equal_ones_the_first_is_shown(
    items: list[Json], values: dict[str, Json]
) -> None:
    assert the_hit(an_added(product_name=items)).values == values
    bought = an_event(CHARGED, Items=[{"prod_name": item} for item in items])
    assert the_hit(bought).values == values


def test_without_a_constant_there_is_one_value_which_is_none() -> None:
    assert the_hit(an_added(), constant=None).values == {"": None}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, "constant property product: product_name is missing in added to cart"),
        ({"product_name": None}, "constant property product: product_name is missing in added to cart; it is null"),
        ({"product_name": []}, "constant property product: product_name is missing in added to cart"),
        ({"product_name": [None, ""]}, "constant property product: product_name is missing in added to cart"),
        ({"product_name": ""}, "constant property product: product_name is missing in added to cart; it is blank"),
        (
            {"product_name": " \u00a0"},
            "constant property product: product_name is missing in added to cart; it is blank",
        ),
        (
            {"product_name": {"name": "coat"}},
            (
                "constant property product: neither a value nor a list of values;"
                " name a property of it, as in product_name.id"
            ),
        ),
        ({"product_name": [["coat"]]}, "constant property product: neither a value nor a list of values"),
        ({"product_name": float("inf")}, "constant property product: neither a value nor a list of values"),
    ],
)
def test_a_value_that_is_not_there_is_a_problem_that_says_where_it_should_be(
    properties: dict[str, Json], reason: str
) -> None:
    assert the_problem(an_added(**properties)) == reason


# Composite keys: two properties held equal together.

SHOP_AND_PRODUCT = {"shop": {ADDED: "shop", CHARGED: "shop"}, "product": {ADDED: "product", CHARGED: "Items[].id"}}


def composite(**properties: Any) -> Event:
    return an_event(CHARGED, **properties)


def test_a_composite_value_has_the_parts_of_each_property_in_their_order() -> None:
    hit = the_hit(an_added(shop="Ulm", product=7), constant=SHOP_AND_PRODUCT)
    assert hit.values == {'["Ulm","7"]': ["Ulm", 7]}


def test_a_composite_value_with_a_list_goes_with_each_of_its_items() -> None:
    hit = the_hit(composite(shop="Ulm", Items=[{"id": 1}, {"id": 2}]), constant=SHOP_AND_PRODUCT)
    assert hit.values == {'["Ulm","1"]': ["Ulm", 1], '["Ulm","2"]': ["Ulm", 2]}


def test_two_lists_of_a_composite_value_go_side_by_side_as_the_items_of_a_basket_do() -> None:
    both = {"size": {ADDED: "s", CHARGED: "Items[].size"}, "product": {ADDED: "p", CHARGED: "Items[].id"}}
    hit = the_hit(composite(Items=[{"id": 1, "size": "M"}, {"id": 2, "size": "L"}]), constant=both)
    assert hit.values == {'["M","1"]': ["M", 1], '["L","2"]': ["L", 2]}


def test_two_lists_of_different_lengths_are_a_problem() -> None:
    both = {"size": {ADDED: "s", CHARGED: "sizes"}, "product": {ADDED: "p", CHARGED: "Items[].id"}}
    event = composite(sizes=["M", "L", "S"], Items=[{"id": 1}, {"id": 2}])
    assert the_problem(event, constant=both) == "constant properties size, product: lists of different lengths"


def test_a_composite_value_that_lacks_a_part_is_a_problem_of_that_part() -> None:
    reason = the_problem(an_added(shop="Ulm"), constant=SHOP_AND_PRODUCT)
    assert reason == "constant property product: product is missing in added to cart"


# `where`.


@pytest.mark.parametrize(
    ("where", "properties", "passes"),
    [
        ("price >= `20`", {"price": 20}, True),
        ("price >= `20`", {"price": 19.99}, False),
        ("price >= `20`", {}, False),
        ("price", {"price": 0}, True),
        ("price", {"price": ""}, False),
        ("price", {"price": "0"}, True),
        ("price", {"price": None}, False),
        ("price", {"price": False}, False),
        ("price", {"price": []}, False),
        ("price", {"price": {}}, False),
        ("price", {}, False),
        ("!price", {}, True),
        ("contains(tags, 'new')", {"tags": ["new"]}, True),
        ("Items[?qty > `1`]", {"Items": [{"qty": 1}]}, False),
        ("Items[?qty > `1`]", {"Items": [{"qty": 2}]}, True),
        ("size == 'M' && colour != 'red'", {"size": "M"}, True),
        ('"unit price" > `5`', {"unit price": 6}, True),
    ],
)
def test_where_is_true_as_jmespath_has_it(where: str, properties: dict[str, Json], passes: bool) -> None:
    hits, problems = Plans([a_plan(where={ADDED: where})]).read(an_added(product_name="coat", **properties))
    assert (bool(hits), problems) == (passes, [])


def test_an_event_that_where_does_not_let_pass_need_not_bear_the_constant_property() -> None:
    assert Plans([a_plan(where={ADDED: "price"})]).read(an_added()) == ([], [])


def test_where_of_one_event_does_not_concern_another() -> None:
    event = an_event(CHARGED, Items=[{"prod_name": "coat"}])
    assert the_hit(event, where={ADDED: "price"}).part == EXIT


@pytest.mark.parametrize(
    ("where", "properties"),
    [
        ("length(price) > `1`", {"price": 1}),
        ("price > `20`", {"price": "20"}),
        ("ceil(to_number(price))", {"price": "inf"}),
        ("floor(to_number(price))", {"price": "nan"}),
        ("sum(prices)", {"prices": [10**307] * 200 + [0.5]}),
        ("prices[::0]", {"prices": [1]}),
        ("merge(a, b)", {"a": {}}),
    ],
)
def test_an_expression_that_cannot_be_evaluated_is_a_problem_of_that_campaign_alone(
    where: str, properties: dict[str, Json]
) -> None:
    plans = Plans([a_plan("first", where={ADDED: where}), a_plan("second")])
    hits, problems = plans.read(an_added(product_name="coat", **properties))
    assert [hit.campaign for hit in hits] == ["second"]
    assert [problem.campaign for problem in problems] == ["first"]
    assert all(problem.reason for problem in problems)


def test_each_campaign_reads_an_event_for_itself() -> None:
    by_size = a_plan("by-size", constant={ADDED: "size", CHARGED: "size"})
    hits, problems = Plans([a_plan(), by_size]).read(an_added(product_name="coat"))
    assert [(hit.campaign, hit.values) for hit in hits] == [("abandoned-cart", {"coat": "coat"})]
    assert problems == [Problem("by-size", "constant property product: size is missing in added to cart")]


def test_a_plan_survives_its_json() -> None:
    plan = a_plan(where={ADDED: "price"}, keep=("price",), values={"title": "Hi"}, names={"addedtocart": ADDED})
    again = type(plan).from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan


@pytest.mark.parametrize(
    ("did_not", "within", "immediate"),
    [((), 0, True), ((), MINUTE, False), (CHARGED, 0, False)],
)
def test_only_what_waits_for_nothing_is_decided_at_once(did_not: Any, within: int, immediate: bool) -> None:
    assert a_plan(did_not=did_not, within=within).immediate is immediate


# How values match, and what is said of those that cannot be read.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Caf\u00e9 cr\u00e8me", "Cafe\u0301 cre\u0300me"),
        ("white coat", " white\u00a0 \u2009coat\t"),
        (123, "123"),
        (123.0, " 123 "),
        (12345678.0, 12345678),
        (1e22, "10000000000000000000000"),
    ],
)
def test_values_that_read_alike_are_one_value(one: Json, other: Json) -> None:
    first, second = (the_hit(an_added(product_name=value)).values for value in (one, other))
    assert [*first] == [*second]


@pytest.mark.parametrize(("one", "other"), [("coat", "Coat"), ("white coat", "whitecoat"), ("1", "1.0"), (1, 1.5)])
def test_values_that_read_differently_are_not(one: Json, other: Json) -> None:
    first, second = (the_hit(an_added(product_name=value)).values for value in (one, other))
    assert [*first] != [*second]


def test_a_whole_number_is_shown_as_one_and_text_as_it_was_written() -> None:
    assert the_hit(an_added(product_name=12345678.0)).values == {"12345678": 12345678}
    assert type(the_hit(an_added(product_name=12345678.0)).values["12345678"]) is int
    assert the_hit(an_added(product_name=" White  coat")).values == {"White coat": " White  coat"}


def test_case_does_not_matter_where_a_constant_says_so() -> None:
    plan = replace(a_plan(), constant=(Constant("sku", {"addedtocart": "product_name"}, "ignore case"),), did_not=())
    (hit,), _ = Plans([plan]).read(an_added(product_name="SKU-1a STRASSE"))
    (same,), _ = Plans([plan]).read(an_added(product_name="sku-1A Stra\u00dfe"))
    assert [*hit.values] == [*same.values] == ["sku-1a strasse"]


def test_blank_items_of_a_list_say_nothing() -> None:
    bought = an_event(CHARGED, Items=[{"prod_name": name} for name in ("coat", "", " ", "\u00a0", None, "hat")])
    assert [*the_hit(bought).values] == ["coat", "hat"]


def test_a_row_of_a_composite_value_is_skipped_where_it_is_blank_and_a_problem_where_it_is_half_blank() -> None:
    both = {"size": {ADDED: "s", CHARGED: "Items[].size"}, "product": {ADDED: "p", CHARGED: "Items[].id"}}
    hit = the_hit(composite(Items=[{"id": 1, "size": "M"}, {"id": "", "size": " "}]), constant=both)
    assert [*hit.values] == ['["M","1"]']
    reason = the_problem(composite(Items=[{"id": 1, "size": "M"}, {"id": 2, "size": ""}]), constant=both)
    assert reason == "constant property size: Items[].size is missing in charged"


def test_an_order_of_many_lines_is_read_and_one_of_too_many_is_in_doubt() -> None:
    bought: list[Json] = [{"prod_name": f"p{number}"} for number in range(MAX_VALUES)]
    assert len(the_hit(an_event(CHARGED, Items=bought)).values) == MAX_VALUES
    hits, (problem,) = Plans([a_plan()]).read(an_event(CHARGED, Items=[*bought, {"prod_name": "one more"}]))
    assert (hits, problem.doubt is not None) == ([], True)
    assert problem.reason == "constant property product: Items[].prod_name has 5001 values, 5000 are allowed"


def test_a_constant_value_has_its_limit() -> None:
    assert the_hit(an_added(product_name="x" * 512)).values
    assert the_problem(an_added(product_name="x" * 513)) == "too long: product_name has 513 bytes, 512 are allowed"


@pytest.mark.parametrize(
    ("where", "properties", "reason"),
    [
        ("total > `0`", {"total": "89.00"}, 'total is the text "89.00", not a number: write to_number(total)'),
        (
            "`20` <= order.total",
            {"order": {"total": "9"}},
            'order.total is the text "9", not a number: write to_number',
        ),
        (
            "Items[?price > `2`]",
            {"Items": [{"price": "9"}]},
            'price is the text "9", not a number: write to_number(price)',
        ),
        ("contains(tags, 'a')", {"tags": None}, "tags is null, and contains() takes array or string"),
        ("length(n) > `0`", {"n": 5}, "n is 5, and length() takes string or array or object"),
        ("total > `0`", {"total": "x" * 80}, f'total is the text "{"x" * 38}…, not a number'),
    ],
)
def test_a_filter_that_cannot_be_computed_names_the_property_its_value_and_what_to_write(
    where: str, properties: dict[str, Json], reason: str
) -> None:
    given: dict[str, Any] = {"Items": [{"prod_name": "coat"}], **properties}
    hits, (problem,) = Plans([a_plan(where={CHARGED: where})]).read(an_event(CHARGED, **given))
    assert not hits
    assert problem.reason.startswith(f"the filter of charged cannot be computed: {reason}")
    assert problem.doubt is not None
    assert problem.doubt.why.startswith(reason)


def test_a_list_that_was_sent_as_text_is_named() -> None:
    reason = the_problem(an_event(CHARGED, Items='[{"prod_name": "coat"}]'))
    assert reason == "constant property product: Items is text, not a list or an object in charged"


def test_a_plan_of_this_release_is_one_of_the_release_before_as_far_as_it_uses_nothing_new() -> None:
    data = a_plan().to_json()
    assert not {"any_of", "grace", "every", "snapshots", "events", "unreadable_exits"} & {*data}
    assert data["constant"] == [{"name": "product", "paths": dict(a_plan().constant[0].paths)}]
    assert Plan.from_json({**data, "something": "later"}) == a_plan()
    new = replace(
        a_plan(), any_of=True, grace=7, every=("x",), snapshots=("y",), events={"a": "b"}, unreadable_exits="ignore"
    )
    assert Plan.from_json(json.loads(json.dumps(new.to_json()))) == new
