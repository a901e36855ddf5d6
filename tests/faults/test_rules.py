"""Whatever fails, no cap is exceeded and no message goes outside its hours; and nothing is withheld without cause."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest

from holdfast.core.events import Event
from holdfast.core.explain.replay import Simulation
from holdfast.core.fold import asking
from holdfast.core.fold.asking import Known
from holdfast.core.fold.watches import Decision
from holdfast.core.gate import gate
from tests.faults.oracle import wrong
from tests.faults.rules import ZONES, Ruled, RuledContainers, broken
from tests.faults.world import Faults

SEEDS = 60
AT_ONCE = 10
ENOUGH = 60
"""Histories within which every mistake shows."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def told(seed: int) -> Ruled:
    history = Ruled(seed)
    history.tell()
    return history


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_whatever_fails_every_rule_is_kept(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        history = told(seed)
        assert [*wrong(history), *broken(history)] == [], f"seed {seed}"


def test_every_answer_is_among_them() -> None:
    reasons = Counter[str]()
    for seed in range(30):
        reasons.update(d.what.get("reason", d.what["kind"]).partition(":")[0] for d in told(seed).decided)
    wanted = {"send", "capped", "again too soon", "control group", "control group of the stack", "instead"}
    assert {reason for reason in wanted if reasons[reason] < 3} == set(), reasons


MISTAKES: dict[str, tuple[Any, str, Any, str]] = {
    "what went is forgotten": (asking, "_lately", lambda *_: {}, "over a cap"),
    "there are no caps": (gate, "_full", lambda *_: None, "over a cap"),
    "hours are always open": (gate, "opens", lambda _hours, now, _zone: now, "at 15"),
    "every user lives by UTC": (gate, "zone_of", lambda *_: UTC, "at 15"),
    "a cap is full one message early": (
        gate,
        "_full",
        lambda caps, sent, now, full=gate._full: full(
            [c._replace(at_most=max(c.at_most - 1, 1)) for c in caps], sent, now
        ),
        "capped, and there was room",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_oracle_sees_a_mistake(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, what, kind = MISTAKES[mistake]
    monkeypatch.setattr(where, name, what)
    questions = tuple(getattr(gate, each.__name__) for each in gate.QUESTIONS)
    monkeypatch.setattr(gate, "QUESTIONS", questions)
    found = (each for seed in range(ENOUGH) for each in broken(told(seed)))
    assert any(each.startswith(kind) for each in found)


# --- The same as `holdfast simulate` ----------------------------------------------------------------------------------


def simulated(history: Ruled) -> list[tuple[str, str, str, str, str]]:
    """The decisions of the simulation on the events that the functions took."""
    plans = RuledContainers(history.by).timeline.newest
    known = {user: Known(user, {"timezone": zone}) for user, zone in ZONES.items()}
    decided: list[tuple[str, str, str, str, str]] = []

    def tell(user: str, d: Decision) -> None:
        decided.append(_row(user, d.campaign, d.key, d.id, d.kind, d.reason))

    simulation = Simulation(plans, tell, lambda user: known.get(user, Known(user)))
    for each in sorted(history.happened, key=lambda e: (e.at, e.id)):
        simulation.event(Event(each.user, each.name, each.at, each.at, {"product": each.product}, each.id))
    simulation.until()
    return sorted(decided)


def _row(user: str, campaign: str, key: str, id_: str, kind: str, reason: str) -> tuple[str, str, str, str, str]:
    """Times are left out: in a queue everything takes a second or two."""
    return user, campaign, key, id_, reason.partition(" at ")[0] or kind


@pytest.mark.parametrize("seed", range(20))
def test_a_simulation_decides_what_the_functions_decide(seed: int) -> None:
    """On histories in which nothing fails and nothing comes late, but for the seconds that everything takes."""
    history = Ruled(seed, Faults(), late=False)
    history.tell()
    functions = sorted(
        _row(d.user, d.what["campaign"], d.what["key"], d.what["id"], d.what["kind"], d.what.get("reason", ""))
        for d in history.decided
    )
    assert functions == simulated(history)
