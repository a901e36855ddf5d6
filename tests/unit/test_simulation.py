"""The simulation runs each user on alone and orders what was decided afterwards. Here is the straightforward one, which
takes one event at a time and lets every timer fire in its turn: it decides the same, in the same order.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.events import Event, Tick, Tie
from holdfast.core.explain import replay as simulation
from holdfast.core.explain.replay import Decided, Simulation
from holdfast.core.fold.fold import fold
from holdfast.core.fold.forgetting import Limits
from holdfast.core.fold.watches import State
from holdfast.core.people.people import People, who_is_who
from holdfast.core.plans.hits import Hit
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from tests.unit.builders import ADDED, CHARGED, DAY, MINUTE, NOON, a_plan, added, an_event, charged, events, minute

VIEWED = "viewed"
ALL = {ADDED: "product_name", VIEWED: "product_name", CHARGED: "Items[].prod_name"}
PLANS = (
    a_plan("one", within=3 * MINUTE, max_age=4 * MINUTE),
    a_plan("sum", within=4 * MINUTE, summary=True),
    a_plan("both", did=[ADDED, VIEWED], within=2 * MINUTE, constant=ALL),
    a_plan("at once", did=VIEWED, did_not=[], within=0, constant={VIEWED: "product_name"}),
    a_plan("later", did=VIEWED, did_not=[], within=MINUTE, settle=2 * MINUTE, constant=None),
)


def one_at_a_time(plans: Plans, trace: Sequence[Event]) -> list[Decided]:
    """Every timer of every user is in one queue, by time and user; nothing is put off, and nothing forgotten early."""
    now = 0
    states: dict[str, State] = {}
    timers: list[tuple[int, str]] = []
    decided: list[Decided] = []

    def folded(user: str, inputs: Sequence[Hit | Tick]) -> None:
        states[user], decisions = fold(states.get(user, State()), inputs, plans, now, Limits(waiting=0))
        decided.extend(Decided(user, decision) for decision in decisions)
        if (due := states[user].due(plans.summaries)) is not None:
            heapq.heappush(timers, (due, user))

    def fire(until: int) -> None:
        nonlocal now
        while timers and timers[0][0] <= until:
            due, user = heapq.heappop(timers)
            if states[user].due(plans.summaries) == due:
                now = max(now, due)
                folded(user, [Tick(user, due)])

    for event in trace:
        fire(event.at)
        now = max(now, event.at)
        if hits := plans.read(event._replace(arrived=now))[0]:
            folded(event.user, hits)
            fire(now)
    fire(NOON + 400 * DAY)
    return decided


def simulated(plans: Plans, trace: Sequence[Event], steps: Sequence[int] = ()) -> list[Decided]:
    """With everything asked for after each of the steps: it makes no difference when."""
    run = Simulation(plans, Decided)
    found: list[Decided] = []
    for number, event in enumerate(trace):
        run.event(event)
        if number in steps:
            found += run.until(run.now)
    return found + run.until()


traces = st.lists(
    st.builds(
        lambda event, user: event._replace(user=user), events((ADDED, CHARGED, VIEWED)), st.sampled_from(["ann", "bob"])
    ),
    max_size=20,
)


@given(
    traces,
    st.lists(st.sampled_from(PLANS), min_size=1, unique_by=lambda plan: plan.id),
    st.lists(st.integers(0, 20)),
    st.booleans(),
)
def test_each_user_alone_decides_what_one_event_at_a_time_decides_and_in_the_same_order(
    trace: list[Event], some: list[Plan], steps: list[int], in_order: bool
) -> None:
    plans = Plans(some)
    if in_order:
        trace = sorted(trace, key=lambda event: event.at)
    assert simulated(plans, trace, steps) == one_at_a_time(plans, trace)


def test_what_waits_for_a_tick_is_folded_before_there_are_too_many_watches() -> None:
    trace = [added(f"p-{number}", at=NOON + number) for number in range(250)]
    decided = simulated(Plans([a_plan()]), trace)
    assert decided == one_at_a_time(Plans([a_plan()]), trace)
    assert sum(each.decision.reason == "too many watches" for each in decided) == 50


def test_what_ends_the_wait_of_a_summary_does_not_wait_for_a_tick() -> None:
    """The hat, which the coat waited for, is bought: the coat is due at once."""
    trace = [added("coat"), added("hat", at=minute(10)), charged("hat", at=minute(35))]
    decided = simulated(Plans([a_plan(summary=True)]), trace)
    assert [(each.decision.shown, each.decision.when) for each in decided] == [(["coat"], minute(35))]


def test_what_comes_late_and_takes_a_message_back_does_not_wait_for_a_tick() -> None:
    trace = [added("coat"), added("coat", at=minute(31), user="bob"), charged("coat", at=minute(20))]
    decided = [each.decision for each in simulated(Plans([a_plan()]), trace) if each.user != "bob"]
    assert [(each.kind, each.when) for each in decided] == [("send", minute(30)), ("retract", minute(31))]


def test_a_timer_due_at_the_very_time_of_an_event_fires_before_it() -> None:
    decided = simulated(Plans([a_plan()]), [added("coat"), charged("coat", at=minute(30))])
    assert [(each.decision.kind, each.decision.when) for each in decided] == [("send", minute(30))]


def test_what_is_decided_comes_in_order_of_time_and_of_users() -> None:
    trace = [added("coat", user=user, at=minute(at)) for user, at in (("cleo", 0), ("bob", 0), ("ann", 1))]
    decided = simulated(Plans([a_plan()]), trace)
    assert [each.user for each in decided] == ["bob", "cleo", "ann"]


def test_catching_up_decides_what_is_due_for_one_user() -> None:
    run = Simulation(Plans([a_plan()]), lambda user, _: user)
    for user in ("ann", "bob"):
        run.event(added("coat", user=user))
    run.event(an_event("viewed", at=minute(31)))
    run.catch_up("bob")
    assert [each[-1] for each in run._told] == ["bob"]
    assert run.until(run.now) == ["ann", "bob"]


def test_users_of_whom_nothing_is_left_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "FEWEST", 10)
    run = Simulation(Plans([a_plan()]), Decided)
    held = []
    for number in count():
        at = minute(10 * number)
        run.event(added("coat", user=f"u-{number}", at=at))
        run.until(at)
        held.append(len(run._states))
        if number == 500:
            break
    assert max(held) <= 40


def test_ids_of_somebody_who_joins_another_are_the_other_s() -> None:
    run = Simulation(Plans([a_plan()]), Decided)
    for user, alias in (("b", "a"), ("c", "b"), ("d", "c"), ("d", "x")):
        run.tie(Tie(user, alias))
    assert {id_: run.person(id_) for id_ in "abcdx"} == dict.fromkeys("abcdx", "d")


def test_a_tie_looks_at_its_own_ids_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else ten thousand of them would take hours."""
    looked: list[int] = []

    def spy(pointers: Mapping[str, str], *more: Any) -> People:
        looked.append(len(pointers))
        return who_is_who(pointers, *more)

    monkeypatch.setattr(simulation, "who_is_who", spy)
    run = Simulation(Plans([a_plan()]), Decided)
    for number in range(20):
        run.tie(Tie(f"u-{number}", f"a-{number}"))
    assert max(looked) == 0
