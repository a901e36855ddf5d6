"""Old and new side by side: today's code reads what earlier releases left, and the release before reads today's.

`golden/` holds what each release left in its tables and queues, and what it made of that itself when users went on.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.compat import scenario
from tests.compat.make_golden import NoHistory, run, source

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
OTHERWISE = ("too-many: buy", "too-many: buy, then a tick")
"""What today's release decides otherwise on purpose: a purchase of something else, beyond the cap of watches, ends none
of those that are open any more."""
PREVIOUS = "d5c770d"
"""The release before: what is deployed when this one is rolled back."""


@pytest.fixture(autouse=True)
def _on_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"DEFAULT_REGION": "eu-central-1", "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)


def as_ever(met: scenario.Met) -> scenario.Met:
    return {name: what for name, what in met.items() if name not in OTHERWISE}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_today_goes_on_where_an_earlier_release_stopped(golden: Path) -> None:
    """Every user, outbox, tick, slot, reject and campaign, and with the outcome that the release itself had."""
    recorded = json.loads(golden.read_text())
    met = json.loads(json.dumps(scenario.meet(scenario.empty, recorded["left"])))
    assert met["too-many: buy"] == []
    assert met["too-many: buy, then a tick"][0] == 200
    assert as_ever(met) == as_ever(recorded["met"])


def test_the_release_before_goes_on_where_today_stops(tmp_path: Path) -> None:
    """A rollback: nothing is raised or returned to the queue, and what is decided is what today would have decided."""
    try:
        previous = source(PREVIOUS, tmp_path)
    except NoHistory as reason:
        pytest.skip(f"git has no {PREVIOUS} here, which a shallow clone lacks: {reason}")
    with scenario.empty() as world:
        left = json.loads(json.dumps(scenario.leave(world)))
    (tmp_path / "left.json").write_text(json.dumps(left))
    run(previous, "meet", str(tmp_path / "left.json"), str(tmp_path / "met.json"))
    today = json.loads(json.dumps(scenario.meet(scenario.empty, left)))
    assert as_ever(json.loads((tmp_path / "met.json").read_text())) == as_ever(today)
