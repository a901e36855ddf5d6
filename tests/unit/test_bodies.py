"""Mutated bodies, through all that a body goes through. `make bodies BODIES=300000` takes more of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.core.events import ProfileChange
from holdfast.core.fold import profiles
from holdfast.core.intake import batch as batch_module
from holdfast.core.intake.batch import Intake
from tests import bodies

SEEDS, NUMBER = range(3), 500


@pytest.fixture(scope="module")
def made() -> list[str]:
    """Made once: that takes as long as looking at them."""
    return [body for seed in SEEDS for body in bodies.made(seed, NUMBER)]


def test_no_body_raises_and_every_record_is_accounted_for(made: list[str]) -> None:
    assert list(bodies.failing(made)) == []


def _forgets(intake: Intake, message: str, record: Any, plans: Any, add: Any = Intake._add) -> None:
    if not isinstance(record, ProfileChange):
        add(intake, message, record, plans)


def _raises(*_: Any) -> Any:
    raise ValueError("any")


def _whole(reject: Any) -> str:
    return json.dumps(reject._asdict())


def _nothing(*_: Any) -> list[Any]:
    return []


@pytest.mark.parametrize(
    ("where", "name", "mistake", "found"),
    [
        (Intake, "_add", _forgets, "records of"),
        (profiles, "merge", _raises, "raised"),
        (bodies, "report", _whole, "longer than a message may be"),
        (batch_module, "records", _nothing, "nothing is made of it"),
    ],
)
def test_what_is_wrong_is_seen(
    where: Any, name: str, mistake: Any, found: str, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, mistake)
    assert any(found in each for _, wrong in bodies.failing(made) for each in wrong)
