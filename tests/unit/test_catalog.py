"""Catalogs: where rows stand, what an import changes, and that what came last wins whatever the order."""

from __future__ import annotations

import itertools
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.catalog.rows import (
    BY_NAME,
    SHARDS,
    Place,
    Stored,
    Values,
    kept,
    named,
    partitions,
    place,
    places,
    step,
    wanted,
)
from holdfast.core.fold.watches import Decision
from tests.unit.builders import a_plan

IMAGE = "https://shop.example/1.jpg"


def a_row(identity: str = "1", name: str = "white coat", **more: str) -> dict[str, str]:
    return {"Identity": identity, "Name": name, "ImageURL": IMAGE, **more}


def put(table: dict[Place, Stored], rows: dict[int, Values], at: int = 1) -> Any:
    """Import rows as the shell does."""
    done = step("products", BY_NAME, rows, at, dict(table))
    table.update(done.puts)
    for where, identity in done.stale.items():
        if where in table and table[where].row["Identity"] == identity:
            del table[where]
    return done


def by_name(table: dict[Place, Stored], name: str) -> Values | None:
    found = table.get(place("products", {"Name": name}))
    return found.row if found else None


def test_a_row_is_found_by_its_identity_and_by_its_name() -> None:
    table: dict[Place, Stored] = {}
    put(table, {2: a_row()})
    assert table[place("products", {"Identity": "1"})].row == a_row()
    assert by_name(table, "white coat") == a_row()


def test_rows_are_spread_over_partitions_that_can_be_listed() -> None:
    used = {place("products", {"Identity": str(n)}).pk for n in range(1000)}
    assert used == set(partitions("products"))
    assert len(used) == SHARDS
    assert place("products", {"Name": "x"}).pk in partitions("products", ("Name",))


def test_no_two_sets_of_columns_share_a_place() -> None:
    given = [{"Name": "a"}, {"Colour": "a"}, {"Identity": "a"}, {"Name": "a", "Colour": "b"}, {"Name": '["b","a"]'}]
    assert len({place("products", values) for values in given}) == len(given)


def test_what_is_as_it_should_be_is_not_written() -> None:
    table: dict[Place, Stored] = {}
    put(table, {2: a_row()})
    done = put(table, {2: a_row()}, at=2)
    assert (done.puts, done.counts["unchanged"]) == ({}, 1)


def test_a_row_with_a_new_name_is_no_longer_found_by_the_old_one() -> None:
    table: dict[Place, Stored] = {}
    put(table, {2: a_row(name="white coat")})
    put(table, {2: a_row(name="ivory coat")}, at=2)
    assert by_name(table, "white coat") is None
    assert by_name(table, "ivory coat") == a_row(name="ivory coat")


def test_a_name_that_two_rows_bear_is_told_and_means_the_later() -> None:
    table: dict[Place, Stored] = {}
    done = put(table, {2: a_row("1"), 3: a_row("2")})
    assert done.shared == [(3, "white coat")]
    assert by_name(table, "white coat") == a_row("2")


def test_the_name_that_another_row_has_taken_over_stays_when_the_first_is_renamed() -> None:
    table: dict[Place, Stored] = {}
    put(table, {2: a_row("1"), 3: a_row("2")})
    put(table, {2: a_row("1", "ivory coat")}, at=2)
    assert by_name(table, "white coat") == a_row("2")


def test_of_an_identity_the_last_row_of_the_file_wins() -> None:
    table: dict[Place, Stored] = {}
    done = put(table, {2: a_row(Price="1"), 3: a_row(Price="2")})
    assert table[place("products", {"Identity": "1"})].row["Price"] == "2"
    assert (done.counts["new"], done.counts["repeated"]) == (1, 1)


@given(
    st.lists(st.tuples(st.sampled_from("123"), st.sampled_from("abc"), st.sampled_from("xy")), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_imports_of_one_time_give_the_same_rows_in_any_order_and_any_number(
    rows: list[tuple[str, str, str]], rng: random.Random
) -> None:
    """Each row is a file of its own, so that all of them are changes; only their times say which is last."""
    files = [(at, a_row(identity, name, Price=f"{price}{at}")) for at, (identity, name, price) in enumerate(rows)]
    ordered, shuffled = dict[Place, Stored](), dict[Place, Stored]()
    for at, row in files:
        put(ordered, {2: row}, at)
    for at, row in rng.sample(files * 2, k=2 * len(files)):
        put(shuffled, {2: row}, at)
    own = [place("products", {"Identity": identity}) for identity in "123"]
    assert {where: ordered.get(where) for where in own} == {where: shuffled.get(where) for where in own}


def test_an_older_file_that_comes_late_changes_nothing_that_is_newer() -> None:
    table: dict[Place, Stored] = {}
    put(table, {2: a_row(Price="2")}, at=2)
    done = put(table, {2: a_row(Price="1")}, at=1)
    assert (done.puts, done.counts["older"]) == ({}, 1)


# In messages


def a_decision(event: dict[str, Any], *events: dict[str, Any]) -> Decision:
    return Decision("send", "abandoned-cart", "coat", "coat", 0, "e", 0, 1, event, events=events)


def test_the_row_of_a_message_is_the_one_that_its_event_names() -> None:
    plan = a_plan(catalogs={"products": {"Identity": "sku"}})
    decision = a_decision({"sku": 1.0})
    (where,) = wanted(plan, decision)["products"]
    assert where == place("products", {"Identity": "1"})
    assert where
    assert named(plan, decision, {where: a_row()}) == {"products": a_row()}


def test_a_row_that_is_gone_or_not_named_is_nothing() -> None:
    plan = a_plan(catalogs={"products": {"Identity": "sku"}})
    assert named(plan, a_decision({"sku": "1"}), {}) == {"products": None}
    assert wanted(plan, a_decision({})) == {"products": [None]}
    assert wanted(plan, a_decision({"sku": True})) == {"products": [None]}


def test_several_columns_have_to_agree() -> None:
    plan = a_plan(catalogs={"products": {"Identity": "sku", "Colour": "colour"}})
    where = place("products", {"Identity": "1"})
    rows = {where: a_row(Colour="white")}
    assert named(plan, a_decision({"sku": "1", "colour": "white"}), rows) == {"products": rows[where]}
    assert named(plan, a_decision({"sku": "1", "colour": "red"}), rows) == {"products": None}


def test_columns_without_the_identity_are_looked_up_together() -> None:
    plan = a_plan(catalogs={"products": {"Name": "product_name", "Colour": "colour"}})
    (where,) = wanted(plan, a_decision({"product_name": "coat", "colour": "white"}))["products"]
    row = a_row(name="coat", Colour="white")
    assert where in places("products", (("Colour", "Name"),), row)


def test_a_summary_has_a_row_for_each_value_in_step() -> None:
    plan = a_plan(catalogs={"products": {"Identity": "sku"}}, summary=True)
    decision = a_decision({"sku": "2"}, {"sku": "2"}, {"sku": "9"}, {"sku": "1"})
    rows: dict[Place, Values] = {place("products", {"Identity": n}): a_row(n) for n in "12"}
    assert named(plan, decision, rows) == {"products": [a_row("2"), {}, a_row("1")]}


def test_an_expression_that_does_not_fit_the_event_finds_no_row() -> None:
    plan = a_plan(catalogs={"products": {"Identity": "max_by(Items, &price).id"}})
    assert wanted(plan, a_decision({"Items": [{"price": "a"}, {"price": 1}]})) == {"products": [None]}
    assert kept(["max_by(Items, &price).id", "sku"]) == {"Items", "price", "id", "sku"}


def test_places_are_texts_that_dynamodb_takes() -> None:
    for columns in itertools.combinations(("Name", "Colour", "Size"), 2):
        where = place("products", dict.fromkeys(columns, "x" * 400))
        assert 0 < len(where.sk.encode()) <= 1024
