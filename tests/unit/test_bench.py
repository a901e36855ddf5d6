"""The bench's pure parts: a trace that is what it says, sums that add up."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import pytest

from bench.prices import PRICES, dollars, flink_month
from bench.report import Part, Row, number
from bench.traces import ADDED, CHARGED, TIDY, VIEWED, Event, Trace, flat_lines, line


def events(count: int, **given: object) -> list[Event]:
    return [*islice(Trace(**given).events(), count)]  # type: ignore[arg-type]


def test_a_trace_is_the_same_every_time_and_another_with_another_seed() -> None:
    assert events(2000) == events(2000)
    assert events(2000) != events(2000, seed=2)


def test_a_trace_comes_in_the_order_of_arrival_and_one_event_in_a_hundred_late() -> None:
    trace = events(50_000)
    assert all(one.arrives <= other.arrives for one, other in pairwise(trace))
    assert 0.005 < sum(event.arrives > event.at for event in trace) / len(trace) < 0.03


def test_eight_percent_of_a_realistic_trace_are_adds_and_charges_and_all_of_a_dense_one() -> None:
    kinds = Counter(event.name for event in events(100_000, rate=50.0))
    assert 0.07 < 1 - kinds[VIEWED] / 100_000 < 0.09
    assert VIEWED not in {event.name for event in events(5000, views=False)}


def test_baskets_hold_one_to_eight_products_and_one_event_in_a_hundred_comes_twice() -> None:
    trace = events(50_000, views=False, rate=10.0)
    assert {len(event.products) for event in trace if event.name == CHARGED} == {*range(1, 9)}
    copies = sum(count - 1 for count in Counter((e.user, e.name, e.at, e.products) for e in trace).values())
    assert 0.005 < copies / len(trace) < 0.02


def test_products_are_zipf_and_users_are_as_many_as_said() -> None:
    trace = events(100_000, views=False, users=1000)
    assert len({event.user for event in trace}) == 1000
    favourites = Counter(product for event in trace if event.name == ADDED for product in event.products)
    (_, first), (_, second) = favourites.most_common(2)
    assert first / second == pytest.approx(2, rel=0.1)


def test_a_tidy_trace_has_nothing_late_and_nothing_twice() -> None:
    trace = events(20_000, **TIDY)
    assert all(event.arrives == event.at for event in trace)
    assert max(Counter((e.user, e.name, e.at, e.products) for e in trace if e.name != VIEWED).values()) == 1


def test_a_charge_of_a_basket_is_a_line_in_holdfasts_form_and_a_line_for_each_product_in_the_flat_one() -> None:
    charge = Event(5, "u-1", CHARGED, 5, ("p-1", "p-2"))
    assert line(charge) == {"user": "u-1", "event": "charged", "product": ("p-1", "p-2"), "ts": 5}
    assert [each["product"] for each in flat_lines(charge)] == ["p-1", "p-2"]


def test_dollars_are_the_sum_of_what_was_counted_at_list_prices() -> None:
    million = 1_000_000
    counted = {"write_units": million, "read_units": 2 * million, "bus_events": million, "sqs_requests": million}
    assert dollars(counted) == pytest.approx(0.625 + 0.25 + 1.0 + 0.4)


def test_a_thing_without_a_price_is_an_error_and_not_free() -> None:
    with pytest.raises(KeyError):
        dollars({"gifts": 1})


def test_flink_costs_two_units_and_their_storage_even_where_nothing_happens() -> None:
    assert flink_month(0, 10) == pytest.approx(2 * 730 * PRICES["kpu_hours"] + 50 * 0.10)
    assert flink_month(1_000_000, 10) == pytest.approx(21 * 730 * PRICES["kpu_hours"] + 20 * 50 * 0.10)


def test_a_goal_is_met_or_not_and_a_part_that_failed_is_not() -> None:
    assert Row("calls", 0.2, goal=0.25).met
    assert Row("events", 0.4, goal=0.5, sense="at least").met is False
    assert Row("events", 0.4).met is None
    assert Part("a", "A", [Row("calls", 0.2, goal=0.25)]).met
    assert not Part("a", "A", failed="no emulator").met


def test_numbers_are_shown_with_three_digits() -> None:
    assert [number(n) for n in (0, 0.00012, 0.01234, 1.5, 12.345, 1234.5)] == [
        "0",
        "0.00012",
        "0.0123",
        "1.5",
        "12.3",
        "1,234",
    ]
