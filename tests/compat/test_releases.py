"""Old and new side by side: today's code reads what earlier releases left, and the release before reads today's.

`golden/` holds what each release left in its tables and queues, and what it made of that itself when users went on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holdfast.aws.tables.campaigns import Policies
from holdfast.aws.tables.published import read, written
from holdfast.core.authoring.policy import Policy as PolicyFile
from holdfast.core.authoring.text import parse, validate
from holdfast.core.fold.watches import State, Trigger, Watch
from holdfast.core.gate.rules import Rules
from holdfast.core.plans.goal import Goal
from holdfast.core.plans.plan import Constant, Plan
from tests.compat import features, scenario
from tests.compat.make_golden import NoHistory, run, source

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
FEATURES = sorted((Path(__file__).parent / "golden" / "features").glob("*.json"))
OTHERWISE = ("too-many: buy", "too-many: buy, then a tick")
"""Decisions that today's release takes otherwise on purpose: a purchase of something else, beyond the cap of
watches, ends none of those that are open any more."""
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


@pytest.mark.parametrize("golden", FEATURES, ids=lambda path: path.stem)
def test_today_goes_on_with_what_was_left_of_each_feature(golden: Path) -> None:
    recorded = json.loads(golden.read_text())
    met = json.loads(json.dumps(features.meet(scenario.empty, recorded["left"])))
    assert met == recorded["met"]


OF_A_WATCH = {"at", "id", "rev", "due", "shown", "event", "elder", "exit", "grace", "decided", "decided_for", "parts"}
OF_A_WATCH |= {"wait", "elsewhere", "own"}
"""The fields that `core/fold/watches.py` writes of a watch and its trigger."""


def test_all_that_an_item_of_a_user_may_hold_is_in_some_golden_file() -> None:
    """A new field has to come with a golden item: `python -m tests.compat.features`."""
    items = [each for path in (*GOLDEN, *FEATURES) for each in json.loads(path.read_text())["left"]["tables"]["users"]]
    states = [json.loads(each["state"]["S"]) for each in items if each["part"]["S"] == "watches"]
    watches = [watch for state in states for of in state["watches"].values() for watch in of.values()]
    assert {name for state in states for name in state} == set(State.__struct_fields__)
    assert {name for watch in watches for name in watch} == OF_A_WATCH
    assert set(Watch.__struct_fields__) - {"trigger"} < OF_A_WATCH
    assert set(Trigger.__struct_fields__) - {"revision"} < OF_A_WATCH
    assert {len(each) for state in states for of in state.get("doubts", {}).values() for each in of.values()} == {4, 5}
    assert {each["part"]["S"] for each in items if "person" in each} == {"watches", "profile"}


def test_the_release_before_goes_on_where_today_stops(tmp_path: Path) -> None:
    """A rollback: nothing is raised or returned to the queue, and what is decided is what today would have decided."""
    try:
        previous = source(PREVIOUS, tmp_path)
    except NoHistory as reason:
        pytest.skip(f"git has no {PREVIOUS} here, which a shallow clone lacks: {reason}")
    with scenario.empty() as world:
        left = json.loads(json.dumps(scenario.leave(world)))
    recorded = json.loads((GOLDEN[0].parent / f"{PREVIOUS}.json").read_text())
    assert _watched(left) == _watched(recorded["left"])
    (tmp_path / "left.json").write_text(json.dumps(left))
    run(previous, "meet", str(tmp_path / "left.json"), str(tmp_path / "met.json"))
    today = json.loads(json.dumps(scenario.meet(scenario.empty, left)))
    assert as_ever(json.loads((tmp_path / "met.json").read_text())) == as_ever(today)


def _watched(left: scenario.Left) -> dict[str, list[str]]:
    """The keys of what each user has watches or marks of, by campaign."""
    states = {
        item["user"]["S"]: item["state"]["S"] for item in left["tables"]["users"] if item["part"]["S"] == "watches"
    }
    return {
        f"{user} {place}": sorted(of)
        for user, text in states.items()
        for place, of in json.loads(text)["watches"].items()
    }


READ = """
import json, sys
from holdfast.core.events import Event
from holdfast.core.plans import Plan, Plans
plans = Plans(Plan.from_json(json.loads(text)) for text in json.load(sys.stdin))
plans.read(Event("u-1", "added", 1, 1, {"product": "coat"}))
json.dump({plan.id: plan.paused for plan in plans.values()}, sys.stdout)
"""
"""Calls that join of the release before makes on all that is live, before it does anything else."""

NEW: dict[str, dict[str, Any]] = {
    "grace": {"grace": 60_000},
    "any-of": {"did": ("added", "viewed"), "any_of": True},
    "every": {"did_not": ("charged", "cleared"), "every": ("cleared",)},
    "snapshots": {"snapshots": ("added",)},
    "named": {"events": {"added": "commerce"}},
    "ignoring": {"unreadable_exits": "ignore"},
    "typed": {"types": {"k": "number"}},
    "converting": {"convert": Goal(("charged",))},
    "varied": {"variants": {"short": {"k": "v"}}, "rules": Rules(variants={"short": 1})},
    "ruled": {"rules": Rules(again_after=60_000)},
    "matched": {"constant": (Constant("product", {"added": "product", "charged": "product"}, "ignore case"),)},
}
"""Campaigns with what the release before does not know."""


@pytest.mark.parametrize("paused", [False, True])
def test_the_release_before_reads_every_plan_and_sends_nothing_by_one_that_it_reads_in_part(
    tmp_path: Path, *, paused: bool
) -> None:
    try:
        previous = source(PREVIOUS, tmp_path)
    except NoHistory as reason:
        pytest.skip(f"git has no {PREVIOUS} here, which a shallow clone lacks: {reason}")
    paths = dict.fromkeys(("added", "viewed", "charged"), "product")
    common: dict[str, Any] = {
        "did": ("added",),
        "did_not": ("charged",),
        "within": 60_000,
        "constant": (Constant("product", paths),),
    }
    plans = [Plan(id=id_, paused=paused, **(common | more)) for id_, more in {"plain": {}, **NEW}.items()]
    texts = {plan.id: written(plan.to_json()) for plan in plans}
    assert [Plan.from_json(read(texts[plan.id])) for plan in plans] == plans
    found = subprocess.run(
        [sys.executable, "-c", READ],
        input=json.dumps([item["plan"]["S"] for item in texts.values()]),
        env=os.environ | {"PYTHONPATH": str(previous / "lambdas")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    as_it_is = {"plain", "grace", "ignoring", "converting"}
    assert json.loads(found.stdout) == {plan.id: paused or plan.id not in as_it_is for plan in plans}


LIVE = """
import json, sys
from holdfast.aws.campaigns import Campaigns
from holdfast.core.events import Event

class Stands:
    def get_paginator(self, _operation):
        return self

    def paginate(self, *, ExpressionAttributeValues, **_):
        pk = ExpressionAttributeValues[":pk"]["S"]
        yield {"Items": [item for item in ITEMS if item["pk"]["S"] == pk]}

ITEMS = json.load(sys.stdin)
plans = Campaigns(Stands(), "campaigns").plans()
hits, problems = plans.read(Event("u-1", "added", 1, 1, {"product": "coat"}))
json.dump([sorted(plans), len(hits), len(problems)], sys.stdout)
"""
"""Join of the release before reads the campaigns table, as it does on a cold start."""


def test_the_release_before_goes_on_beside_a_policy(tmp_path: Path) -> None:
    try:
        previous = source(PREVIOUS, tmp_path)
    except NoHistory as reason:
        pytest.skip(f"git has no {PREVIOUS} here, which a shallow clone lacks: {reason}")
    with scenario.empty() as world:
        for plan in scenario.campaigns():
            world.publish(plan)
        before = world.items("campaigns")
        text = "per_user: {at_most: 1, in: 1 day}\n"
        policies = Policies(world.dynamodb, "campaigns")
        policies.publish(text, validate(parse(text), PolicyFile).plan, world.now)
        items = world.items("campaigns")
        assert len(items) == len(before) + 2, "a revision, and the live one"
        assert {each["pk"]["S"] for each in items if each not in before} == {"policy", "timeline"}
        ids = sorted(plan.id for plan in world.campaigns.timeline().newest.values())
    found = subprocess.run(
        [sys.executable, "-c", LIVE],
        input=json.dumps(items),
        env=os.environ | {"PYTHONPATH": str(previous / "lambdas")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == [ids, 1, 0]
