"""State and decisions fit one item, and nothing goes without being told."""

from __future__ import annotations

import pytest

from holdfast.core.events import Event, Json, Tick
from holdfast.core.fold.deciding import TOO_MANY
from holdfast.core.fold.fitting import ITEM_BYTES, STATE_BYTES, Folded, fold_to_fit
from holdfast.core.fold.watches import State
from holdfast.core.plans.hits import Input
from holdfast.core.plans.plans import Plans
from tests.unit.builders import MINUTE, a_plan, added, charged
from tests.unit.builders import NOON as T0

LONG = {f"p{number}": "x" * 500 for number in range(6)}


def plans(campaigns: int) -> Plans:
    return Plans(a_plan(id=f"c{number}", keep=tuple(LONG)) for number in range(campaigns))


def leaves(product: Json, at: int) -> Event:
    return added(product, at, id=f"{at}", **LONG)


def hits(of: Plans, *events: Event) -> list[Input]:
    return [hit for event in events for hit in of.read(event)[0]]


def fits(folded: Folded) -> bool:
    state, outbox = len(folded.text.encode()), len((folded.outbox or "").encode())
    return state <= STATE_BYTES and state + outbox <= ITEM_BYTES


def told(folded: Folded) -> int:
    return sum(each.open for each in folded.decisions)


@pytest.mark.parametrize("campaigns", [1, 2, 3])
def test_a_user_with_long_properties_is_saved_and_every_watch_is_decided(campaigns: int) -> None:
    of, state, told_of = plans(campaigns), State(), 0
    for number in range(180):
        folded = fold_to_fit(state, hits(of, leaves(f"{number:03}", T0 + number)), of, T0 + number)
        assert fits(folded)
        assert all(each.reason == TOO_MANY for each in folded.decisions)
        state, told_of = folded.state, told_of + told(folded)
    newest = {key for _, key, _ in state.all()}
    assert "179" in newest
    assert "000" not in newest
    for _ in range(20):
        folded = fold_to_fit(state, [Tick("ann", 0)], of, T0 + 60 * MINUTE)
        assert fits(folded)
        state, told_of = folded.state, told_of + told(folded)
    assert state.due() is None
    assert told_of == 180 * campaigns


def test_marks_go_before_open_watches() -> None:
    of, state = plans(1), State()
    bought = (charged(f"{n}" + "m" * 400, T0 + 500 + n) for n in range(190))
    open_ = (leaves(f"open{number}", T0 + number) for number in range(50))
    for event in (*open_, *bought):
        folded = fold_to_fit(state, hits(of, event), of, event.at)
        assert fits(folded)
        assert not folded.decisions
        state = folded.state
    assert sum(watch.pending is not None for _, _, watch in state.all()) == 50


def test_one_event_that_decides_more_than_an_item_holds_tells_of_all() -> None:
    of = plans(3)
    values: list[Json] = [f"{number:04}" + "v" * 480 for number in range(1000)]
    folded = fold_to_fit(State(), hits(of, leaves(values, T0)), of, T0)
    assert fits(folded)
    still = sum(1 for _ in folded.state.all())
    assert told(folded) + still == 3000
