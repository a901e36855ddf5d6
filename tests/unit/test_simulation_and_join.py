"""`simulate --as-arrived` decides what the functions decide of the same records, in the order in which they arrive.

The functions get each record in a message of its own that arrives at the latest time of all records so far, and a tick
at the very moment that something falls due. Some records come late, some twice, some cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.aws.tables import revisions
from holdfast.aws.tables.campaigns import Campaigns, LivePlans
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Users
from holdfast.core.events import Json
from holdfast.core.explain.replay import NO_ARRIVAL, Replay
from holdfast.core.fold.forgetting import Limits
from holdfast.core.fold.stored import decode
from holdfast.core.fold.watches import Decision
from holdfast.core.intake.batch import Body
from holdfast.core.intake.forms import records
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from holdfast.services import join as join_module
from holdfast.services.join import Join
from tests.unit.builders import ADDED, CHARGED, HOUR, MINUTE, NOON, a_plan
from tests.unit.tables import Sink, Tables

VIEWED = "viewed"
PATHS = {ADDED: "name", VIEWED: "name", CHARGED: "bought"}
PLANS = (
    a_plan("one", within=3 * MINUTE, constant=PATHS, max_age=4 * MINUTE, settle=MINUTE),
    a_plan("both", did=[ADDED, VIEWED], within=2 * MINUTE, constant=PATHS, settle=0),
    a_plan("sum", within=4 * MINUTE, summary=True, constant=PATHS, settle=MINUTE),
    a_plan("at once", did=VIEWED, did_not=[], within=0, constant=PATHS, settle=0),
    a_plan("where", within=2 * MINUTE, where={ADDED: "price > `10`"}, constant=PATHS, settle=0, grace=MINUTE),
    a_plan("ended by all", within=5 * MINUTE, did_not=CHARGED, every=(CHARGED,), constant=PATHS, settle=0),
)
IDS = ("ann", "bob", "anon-7")
BASKETS: tuple[Json, ...] = (["coat"], ["hat"], ["coat", "hat"], None)
END = NOON + 3 * HOUR

Line = Mapping[str, Json]
Said = tuple[str, str, str, str, int, str, int, str]


@st.composite
def traces(draw: st.DrawFn) -> list[Line]:
    lines: list[Line] = []
    now = NOON
    for number in range(draw(st.integers(1, 8))):
        now += draw(st.sampled_from((0, 0, 1, 2, 5))) * MINUTE
        late = draw(st.sampled_from((0, 0, 0, 1, 3, 6))) * MINUTE
        record: dict[str, Json] = {"user": draw(st.sampled_from(IDS[:2])), "ts": now - late}
        record |= {"id": f"e{number}"} if draw(st.booleans()) else {}
        product = draw(st.sampled_from(("coat", "hat")))
        match draw(st.sampled_from((ADDED, ADDED, VIEWED, CHARGED, "tie"))):
            case "tie":
                record |= {"alias": draw(st.sampled_from([each for each in IDS if each != record["user"]]))}
            case kind if kind == CHARGED:
                record |= {"event": kind, "bought": draw(st.sampled_from(BASKETS))}
            case kind:
                record |= {"event": kind, "name": product, "price": draw(st.sampled_from((5, 20, "20")))}
        lines.append({name: value for name, value in record.items() if value is not None})
    copies = draw(st.lists(st.sampled_from(lines), max_size=2))
    return [*lines, *copies]


def said(user: str, decision: Decision) -> Said:
    about = decision.kind, decision.campaign, decision.key, decision.at, decision.id, decision.when, decision.reason
    return (user, *about)


def simulated(lines: Sequence[Line]) -> list[Said]:
    replay = Replay(Plans(PLANS), lambda user, decision, _: said(user, decision))
    for line in lines:
        for record in records(json.dumps(line), NO_ARRIVAL):
            replay.take(record)
    return replay.until(END)


class Stack:
    """Join on tables in memory; each decision is kept as it is saved."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.campaigns = Campaigns(self.tables, "campaigns")  # type: ignore[arg-type]
        self.now = NOON - HOUR
        self.said: list[Said] = []
        self.versions: dict[str, str] = {}
        for plan in PLANS:
            self.campaigns.publish(plan.id, "", _revision(plan), self.now)
        self.join = Join(
            users=Users(self.tables, "users"),  # type: ignore[arg-type]
            timers=Timers(self.tables, "timers"),  # type: ignore[arg-type]
            plans=LivePlans(self.campaigns),
            events=Sink(),  # type: ignore[arg-type]
            rejected=Sink(),  # type: ignore[arg-type]
            limits=Limits(waiting=0),
            clock=lambda: self.now,
        )

    def take(self, body: Mapping[str, Any], now: int) -> None:
        self.now = now
        assert self.join.take([Body("m", json.dumps(body), now)]) == []
        for (user, part), item in self.tables.items["users"].items():
            version = item.get("version", {}).get("N", "")
            if part == "watches" and self.versions.get(user) != version:
                self.versions[user] = version
                found = json.loads(item["outbox"]["S"]) if "outbox" in item else []
                decisions = [Decision(**each) for each in found]
                self.said += [said(each.user or user, each) for each in decisions]

    def dues(self) -> Iterator[tuple[int, str]]:
        for (user, part), item in self.tables.items["users"].items():
            if part == "watches" and "state" in item:
                due = decode(item["state"]["S"]).due({plan.id for plan in PLANS if plan.summary})
                if due is not None:
                    yield due, user

    def until(self, end: int) -> None:
        while (first := min(self.dues(), default=(end + 1, ""))) <= (end, "\uffff"):
            due, user = first
            self.take({"holdfast": "tick", "users": {user: due}}, max(due, self.now))


def _revision(plan: Plan) -> Any:
    return lambda _number: plan


def deployed(lines: Sequence[Line]) -> list[Said]:
    with (
        patch.object(revisions, "aws_time", lambda _answer: NOON - HOUR - revisions.LEAD_MS),
        patch.object(revisions, "sleep", lambda _seconds: None),
    ):
        stack = Stack()
    arrived = 0
    for line in lines:
        arrived = max(arrived, int(str(line["ts"])))
        stack.until(arrived)
        stack.take(line, arrived)
    stack.until(END)
    return stack.said


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    with patch.object(join_module, "count", lambda *_a, **_k: None):
        yield


@given(traces())
def test_a_simulation_in_order_of_arrival_decides_what_the_functions_do(lines: list[Line]) -> None:
    assert sorted(simulated(lines)) == sorted(deployed(lines))
