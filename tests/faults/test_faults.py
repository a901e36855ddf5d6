"""Two hundred histories in which something goes wrong all the time: nothing is lost, twice, early or blind.

`make faults SEEDS=…` runs more. The oracle is shown to see what it is for: each mistake below is found.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast.aws.bus import Bus
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Saved, Users
from holdfast.core.events import canonical
from holdfast.core.fold import fitting as fitting_module
from holdfast.core.fold import fold as fold_module
from holdfast.core.fold import watches as watches_module
from holdfast.core.fold.watches import State, Watch
from holdfast.services.join import Join
from tests.faults import history as history_module
from tests.faults.history import History
from tests.faults.oracle import wrong
from tests.faults.world import Faults

SEEDS = 200
AT_ONCE = 10
ENOUGH = 40
"""Histories within which every mistake shows."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def told(seed: int) -> History:
    history = History(seed)
    history.tell()
    return history


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_whatever_fails_nothing_is_lost_twice_early_or_blind(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        assert list(wrong(told(seed))) == [], f"seed {seed}"


def test_a_seed_is_one_history() -> None:
    one, two = told(3), told(3)
    assert one.decided == two.decided
    assert one.events.put == two.events.put
    assert one.world.injected == two.world.injected


def test_every_kind_of_fault_happens() -> None:
    injected = sum((told(seed).world.injected for seed in range(30)), start=told(30).world.injected)
    assert all(injected[name] > 0 for name in Faults._fields if name != "skew"), injected


def _all_saved(users: Users, saves: Any, save: Callable[..., Any] = Users.save) -> Any:
    return dict.fromkeys(save(users, saves), Saved.DONE)


def _no_nominations(_join: Join, _users: Any) -> set[str]:
    return set()


def _never_refused(bus: Bus, entries: Any, seconds_left: Any, put: Callable[..., Any] = Bus.put) -> Any:
    put(bus, entries, seconds_left)
    return {}


def _no_timers(_timers: Timers, _slot: str) -> Iterator[str]:
    return iter(())


def _ended_by_nothing(watch: Watch, _exit: int, _grace: int) -> Watch:
    return watch


def _forgetful(state: State, encode: Callable[[State], str] = watches_module.encode) -> str:
    data = json.loads(encode(state))
    for watch in (each for of in data["watches"].values() for each in of.values()):
        watch.pop("decided", None)
    return canonical(data)


SHORTER = tuple(
    dataclasses.replace(plan, within=plan.within // 2, settle=0) if plan.within else plan
    for plan in history_module.PLANS
)

MISTAKES: dict[str, tuple[Any, str, Any, str]] = {
    "a save that failed counts as done": (Users, "save", _all_saved, "lost"),
    "nobody is nominated": (Join, "_nominate", _no_nominations, "lost"),
    "no slot is read": (Timers, "read", _no_timers, "lost"),
    "what the bus did not take counts as put": (Bus, "put", _never_refused, "on its way for ever"),
    "a purchase ends nothing": (Watch, "ended", _ended_by_nothing, "blind"),
    "what was decided is forgotten": (fitting_module, "encode", _forgetful, "decided"),
    "a window is half as long": (history_module, "PLANS", SHORTER, "early"),
    "nothing is taken back": (fold_module, "_takes_back", lambda *_: False, "not taken back"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_oracle_sees_a_mistake(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, what, kind = MISTAKES[mistake]
    monkeypatch.setattr(where, name, what)
    found = (each for seed in range(ENOUGH) for each in wrong(told(seed)))
    assert any(each.startswith(kind) for each in found)
