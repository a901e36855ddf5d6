"""Two containers of join at one user: whatever comes between a read and its save, an open watch stays nominated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from holdfast.aws.tables.campaigns import Campaigns, LivePlans
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Users
from holdfast.core.intake.batch import Body
from holdfast.core.plans.plan import Constant, Plan
from holdfast.services import join as join_module
from holdfast.services.join import Join
from tests.unit.tables import Sink, Tables

SECOND, MINUTE = 1000, 60_000
T0 = 1_790_000_000_000


class Two:
    """Two containers, one queue and one clock."""

    def __init__(self, within: int) -> None:
        self.now = T0
        self.tables, self.queue = Tables(), Sink()
        constant = (Constant("product", {"added": "product", "charged": "product"}),)
        plan = Plan(id="cart", did=("added",), did_not=("charged",), within=within, constant=constant)
        item = {"pk": {"S": "live"}, "sk": {"S": "cart"}, "plan": {"S": json.dumps(plan.to_json())}}
        self.tables.put_item(TableName="campaigns", Item=item)
        self.one, self.other, self.ahead = self.container(), self.container(), self.container(2 * SECOND)

    def container(self, ahead: int = 0) -> Join:
        """Its clock may be ahead of those of the others."""
        return Join(
            users=Users(self.tables, "users"),  # type: ignore[arg-type]
            timers=Timers(self.tables, "timers"),  # type: ignore[arg-type]
            plans=LivePlans(Campaigns(self.tables, "campaigns")),  # type: ignore[arg-type]
            events=self.queue,  # type: ignore[arg-type]
            rejected=Sink(),  # type: ignore[arg-type]
            clock=lambda: self.now + ahead,
        )

    def event(self, name: str, product: str = "coat") -> Body:
        record = {"user": "ann", "event": name, "product": product, "ts": self.now, "id": f"{name} {product}"}
        return Body("m", json.dumps(record), self.now)

    def tick_all(self, join: Join) -> int:
        """Take the ticks that were sent so far, when the last of them is due. Returned is how many there were."""
        taken, self.queue.taken = self.queue.taken, []
        ticks = [json.loads(each.body) for each in taken]
        self.now = max([self.now, *(at for tick in ticks for at in tick["users"].values())])
        assert join.take([Body(f"t{n}", json.dumps(tick), self.now) for n, tick in enumerate(ticks)]) == []
        return len(ticks)

    def decided(self) -> list[tuple[str, str]]:
        item = self.tables.items["users"]["ann", "watches"]
        return [(each["kind"], each["key"]) for each in json.loads(item["outbox"]["S"])] if "outbox" in item else []


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with patch.object(join_module, "count", lambda *_a, **_k: None):
        yield


def test_a_watch_whose_tick_is_folded_before_it_is_saved_is_ticked_again() -> None:
    """Its batch waited, so it is due when it is folded."""
    two = Two(within=MINUTE)
    added = two.event("added")
    two.now += 3 * MINUTE
    early: list[int] = []
    two.tables.before_save = [lambda: early.append(two.tick_all(two.other))]
    assert two.one.take([added]) == []
    assert early == [1]
    assert two.decided() == []
    assert two.tick_all(two.other) == 1
    assert two.decided() == [("send", "coat")]


def test_a_nomination_that_another_container_uses_up_before_the_save_is_made_again() -> None:
    two = Two(within=5 * MINUTE)
    two.one.take([two.event("added", "hat")])
    two.now += 10 * SECOND
    two.one.take([two.event("charged", "hat")])
    two.now = T0 + 5 * MINUTE - 10
    two.tables.before_save = [lambda: _assert(two.tick_all(two.other) == 1)]
    assert two.one.take([two.event("added")]) == []
    while two.tick_all(two.other):
        pass
    assert two.decided() == [("send", "coat")]


def test_a_nomination_that_a_container_with_a_fast_clock_uses_up_is_made_again() -> None:
    two = Two(within=5 * MINUTE)
    two.one.take([two.event("added", "hat")])
    two.now += 10 * SECOND
    two.one.take([two.event("charged", "hat")])
    (tick,), two.queue.taken = two.queue.taken, []
    two.now = T0 + 5 * MINUTE - 1500
    two.tables.before_save = [lambda: _assert(two.ahead.take([Body("t", tick.body, two.now)]) == [])]
    assert two.one.take([two.event("added")]) == []
    while two.tick_all(two.other):
        pass
    assert two.decided() == [("send", "coat")]


def _assert(fine: Any) -> None:
    assert fine
