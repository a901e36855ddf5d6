"""Real shopping events, where they are at hand (they are not part of the project), and the simulation of them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from holdfast.core.events import Event
from holdfast.core.explain.replay import Decided, Simulation
from holdfast.core.intake.forms import records
from holdfast.core.plans.plan import Constant, Plan
from holdfast.core.plans.plans import Plans


class Trace(NamedTuple):
    path: Path

    def lines(self) -> list[str]:
        return gzip.decompress(self.path.read_bytes()).decode().splitlines()


OTTO = Trace(Path(os.environ.get("HOLDFAST_OTTO", "otto.jsonl.gz")))
needs_otto = pytest.mark.skipif(
    not OTTO.path.exists(),
    reason=f"no {OTTO.path}: set HOLDFAST_OTTO to some sessions of otto-de/recsys-dataset, gzipped",
)


def a_plan(seconds: int) -> Plan:
    """Added and not charged for the same product."""
    return Plan(
        id="otto",
        did=("added_to_cart",),
        did_not=("charged",),
        within=seconds * 1000,
        constant=(Constant("product", {"added_to_cart": "product", "charged": "product"}),),
    )


def simulate(lines: Iterable[str], seconds: int) -> list[tuple[str, str, str, int]]:
    """The decisions: kind, user, product, the trigger's time."""
    simulation = Simulation(Plans([a_plan(seconds)]), Decided)
    for line in lines:
        for record in records(line, 1 << 53):
            assert isinstance(record, Event)
            simulation.event(record)
    return [(d.kind, user, str(d.shown), d.at) for user, d in simulation.until()]
