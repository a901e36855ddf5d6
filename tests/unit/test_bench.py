"""The bench's pure parts: a trace that is what it says, sums that add up."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path
from threading import get_ident
from typing import Any

import pytest
from typer.testing import CliRunner

from bench import gate, recommend, rows, scale, simulate, simulate_big
from bench.__main__ import _run
from bench.capacity import Item, item_bytes, read_units, write_units
from bench.lateness import histogram, quantile
from bench.ledger import Call, Counts, one_after_another
from bench.memory import MemoryQueue, MemoryTimers, MemoryUsers, refuse
from bench.prices import PRICES, dollars, flink_month
from bench.report import Part, Row, number, spread
from bench.traces import ADDED, CHARGED, MINUTE, SECOND, START, TIDY, VIEWED, Event, Trace, flat_lines, line
from bench.virtual import Batches, Loop
from holdfast.core.authoring.policy import Policy
from holdfast.core.intake.batch import Body
from holdfast.core.intake.timeline import Entry, Timeline
from holdfast.core.plans.plan import Constant, Plan
from holdfast.core.recommend.ranking import ranked
from holdfast.services.join import Join
from holdfast.services.sweep import Sweep
from holdfast_cli.main import app
from tests.faults.history import Live

pytestmark = pytest.mark.slow


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
    assert Row("calls", 0.2, goal=0.25).verdict == "met"
    assert Row("events", 0.4, goal=0.5, sense="at least").verdict == "not met"
    assert Row("events", 0.4).verdict is None
    assert Part("a", "A", [Row("calls", 0.2, goal=0.25)]).met
    assert not Part("a", "A", [Row("calls", 0.3, goal=0.25)]).met
    assert not Part("a", "A", failed="no emulator").met


def test_a_goal_is_met_where_every_measurement_meets_it() -> None:
    row = spread("CPU", [0.2, 0.3, 0.22], goal=0.25)
    assert (row.value, row.spread, row.verdict) == (0.22, (0.2, 0.3), "not met")
    assert spread("CPU", [0.2, 0.25, 0.22], goal=0.25).verdict == "met"
    assert spread("events", [0.4, 0.6], goal=0.5, sense="at least").verdict == "not met"


def test_what_cannot_be_met_fails_only_beyond_its_bound() -> None:
    bounded = spread("CPU", [0.2, 0.3, 0.22], goal=0.25, bound=0.3)
    assert bounded.verdict == "bounded"
    assert Part("a", "A", [bounded]).met
    assert spread("CPU", [0.2, 0.31], goal=0.25, bound=0.3).verdict == "not met"
    assert Row("events", 0.4, goal=0.5, bound=0.3, sense="at least").verdict == "bounded"


def test_numbers_are_shown_with_three_digits() -> None:
    assert [number(n) for n in (0, 0.00012, 0.01234, 1.5, 12.345, 1234.5)] == [
        "0",
        "0.00012",
        "0.0123",
        "1.5",
        "12.3",
        "1,234",
    ]


def test_a_slice_has_as_many_watches_fall_due_as_are_opened() -> None:
    length, window = 20 * SECOND, 30 * MINUTE
    before, within = Trace().slice(window=window, length=length)
    adds = sum(event.name == ADDED for event in within)
    dues = sum(event.name == ADDED and START <= event.at + window < START + length for event in before)
    assert adds == pytest.approx(dues, rel=0.15)
    assert all(START <= event.arrives < START + length for event in within)
    assert max(event.arrives for event in before) < START
    assert 0.07 < sum(event.name != VIEWED for event in within) / len(within) < 0.09


def test_an_items_bytes_are_those_of_its_names_and_values() -> None:
    item: Item = {"user": {"S": "zoë"}, "version": {"N": "12345"}, "tags": {"SS": ["a", "bc"]}, "old": {"BOOL": True}}
    assert item_bytes(item) == (4 + 4) + (7 + 1 + 3) + (4 + 3) + (3 + 1)


def test_a_write_is_a_unit_for_each_started_kilobyte_of_the_larger_item_and_a_read_for_each_four() -> None:
    assert [write_units(size) for size in (0, 1024, 1025)] == [1, 1, 2]
    assert write_units(100, 5000) == 5
    assert read_units(0, consistent=True) == 1
    assert read_units(4097, consistent=True) == 2
    assert read_units(4097, consistent=False) == 1


def test_a_batch_of_reads_costs_a_unit_for_what_is_not_there_too() -> None:
    keys = [{"user": {"S": "ann"}}, {"user": {"S": "bob"}}]
    found = [{"user": {"S": "ann"}, "state": {"S": "x" * 5000}}]
    counts = Counts()
    wanted = {"users": {"Keys": keys, "ConsistentRead": True}}
    counts.add(Call("dynamodb:BatchGetItem", {"RequestItems": wanted}, {"Responses": {"users": found}}))
    assert counts.reads["users"] == 3
    assert counts.calls == {"dynamodb:BatchGetItem": 1}


def test_a_statement_in_a_batch_is_charged_by_the_size_of_its_item() -> None:
    statement = """UPDATE "users" SET "state" = ?, version = ? WHERE "user" = ? AND version = ?"""
    parameters = [{"S": "x" * 1500}, {"N": "2"}, {"S": "ann"}, {"N": "1"}]
    counts = Counts()
    asked = {"Statements": [{"Statement": statement, "Parameters": parameters}] * 2}
    counts.add(Call("dynamodb:BatchExecuteStatement", asked, {"Responses": [{}, {}]}))
    assert counts.writes == {"users": 4}
    assert sum(counts.calls.values()) == 1


def test_items_are_counted_one_by_one_whatever_call_writes_them() -> None:
    counts = Counts()
    units = {"ConsumedCapacity": [{"TableName": "timers", "CapacityUnits": 5.0}]}
    counts.add(Call("dynamodb:BatchWriteItem", {"RequestItems": {"timers": [{}, {}, {}]}}, units))
    counts.add(Call("dynamodb:PutItem", {"TableName": "timers"}, {"ConsumedCapacity": units["ConsumedCapacity"][0]}))
    assert counts.items["timers"] == 4
    assert counts.writes["timers"] == 10


def test_of_calls_side_by_side_only_the_busiest_threads_are_waited_for() -> None:
    here = get_ident()
    calls = [Call("dynamodb:PutItem", {}, {}, thread) for thread in (here, here, here + 1, here + 1, here + 2)]
    assert one_after_another(calls) == 4
    assert one_after_another([]) == 0


def test_batches_are_handed_on_when_full_or_when_their_window_is_over() -> None:
    loop, seen = Loop(0), []
    batches: Batches[int] = Batches(loop, lambda batch: seen.append((loop.now, batch)), size=2, window=1000, lanes=2)
    for at, each in ((0, 1), (10, 2), (20, 3)):
        loop.at(at, lambda each=each: batches.offer(each))  # type: ignore[misc]
    loop.run_out()
    assert seen == [(20, [1, 3]), (1010, [2])]


def test_the_histogram_has_a_place_for_everything_and_quantiles_are_values_that_were_seen() -> None:
    late = sorted([-0.1, 0.2, 0.3, 0.9, 1.4, 60.0])
    assert sum(histogram(late)) == 6
    assert histogram(late)[0] == 2
    assert histogram(late)[-1] == 1
    assert quantile(late, 0.5) == 0.3
    assert quantile(late, 0.99) == 60.0


def test_the_page_on_scale_is_what_its_script_writes() -> None:
    assert scale.PAGE.read_text() == scale.page(json.loads(scale.UNITS.read_text()))


def test_no_two_messages_have_their_likeliest_recommendations_in_common() -> None:
    likely = []
    for message in range(20):
        items = rows.own(message)
        candidates = ranked({item: rows.others(item) for item in items}, items)
        likely += [each.item for each in candidates[: rows.LIKELY]]
        assert {len(rows.others(item)) for item in items} == {rows.OTHERS}
    assert len(set(likely)) == 20 * rows.LIKELY


def test_the_reads_of_a_message_are_by_table_and_cost_what_units_cost() -> None:
    counts = Counts()
    counts.reads.update({"rows-users": 10, "rows-catalog": 5})
    counts.calls["dynamodb:BatchGetItem"] = 1
    found = rows.reads(counts, 10)
    assert found.units == {"users": 1, "catalog": 0.5}
    assert found.calls == 0.1
    assert found.dollars == pytest.approx(1.5 * 0.125)


def test_the_peak_memory_of_a_program_is_not_that_of_what_started_it(tmp_path: Path) -> None:
    large = bytearray(150 << 20)
    found = simulate.spent([sys.executable, "-S", "-c", "print('done')"], tmp_path / "out")
    assert found.megabytes < len(large) >> 20
    assert (tmp_path / "out").read_text() == "done\n"


def test_the_traces_that_are_simulated_lie_in_the_past_and_lead_to_decisions(tmp_path: Path) -> None:
    """Bench traces begin in the future, where a simulation rejects everything."""
    campaign, trace = tmp_path / "campaign.yaml", tmp_path / "trace.jsonl"
    campaign.write_text(simulate.watching(within=60))
    simulate.write(simulate.KINDS["dense"], 200, trace)
    result = CliRunner().invoke(app, ["simulate", "--json", "-c", str(campaign), "-e", str(trace)])
    assert len(result.stdout.splitlines()) > 100
    assert "rejected" not in result.stderr


def test_events_in_no_order_are_simulated_and_their_memory_is_measured(tmp_path: Path) -> None:
    spent, decisions = simulate_big.run(tmp_path, events=2_000, users=100, relevant=0.5)
    times = [json.loads(line)["ts"] for line in (tmp_path / "big.jsonl").read_text().splitlines()]
    assert sum(one > other for one, other in pairwise(times)) > 900
    assert decisions > 500
    assert spent.megabytes > 10


def test_a_part_that_fails_says_so_and_the_next_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(recommend, "recommend", broken)
    monkeypatch.setattr(simulate, "fill", lambda part, **_: part.row("events", 1))
    one, two = (_run(name, quick=True) for name in ("recommend", "simulate"))
    assert (one.failed, one.met) == ("OSError: no room", False)
    assert (two.failed, len(two.rows)) == ("", 1)


def test_what_a_run_keeps_in_memory_is_all_that_join_and_sweep_ask_for() -> None:
    """They are put in the place of the real ones before a slice begins, past every check of types."""
    now: list[int] = [START]
    sent: list[Any] = []
    plan = Plan(id="cart", did=("added",), within=MINUTE * 30, constant=(Constant("p", {"added": "p"}),))
    users, timers = MemoryUsers({}), MemoryTimers()
    ours: dict[str, Any] = {"timers": timers, "events": MemoryQueue(sent.extend), "clock": lambda: now[0]}
    live: Any = Live(Timeline([Entry("cart", 0, plan)]))
    join = Join(users=users, plans=live, rejected=MemoryQueue(refuse), **ours)  # type: ignore[arg-type]
    assert join.take([Body("m", json.dumps({"user": "u", "event": "added", "p": "coat", "ts": START}), START)]) == []
    now[0] += 31 * MINUTE
    Sweep(shards=1, **ours).sweep(lambda: True)
    (tick,) = sent
    assert join.take([Body("tick", tick.body, now[0])]) == []
    (save,) = users.saves.values()
    assert save.outbox


def test_each_setting_between_due_and_sent_is_of_a_campaign_or_a_policy_that_is_valid() -> None:
    asked = gate.settings(datetime(2026, 11, 26, 23, 30, tzinfo=UTC))
    assert {*gate.AT_NO_COST, gate.NOTHING, gate.CONVERT, gate.POLICY} <= asked.keys()
    policy = asked.pop(gate.POLICY)
    assert Policy.model_validate(policy).plan().per_user
    plans = {name: gate._campaign(send).plan() for name, send in asked.items()}
    plain = plans.pop(gate.NOTHING)
    assert all((each.rules, each.convert) != (plain.rules, plain.convert) for each in plans.values())
