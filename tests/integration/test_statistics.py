"""deliver counts what becomes of its decisions, by one update for a campaign and batch; and never fails by it."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.aws.tables.outcomes import KEPT_SECONDS
from holdfast.aws.tables.statistics import RACES, Statistics
from holdfast.core.messages.statistics import Tally
from tests.integration.conftest import MINUTE, World, throttled

TODAY = "2026-09-21"


def decide(world: World, *users: str, product: str = "coat") -> None:
    world.join().take([world.body(world.added(product, user=user), message=user) for user in users])
    world.now += 30 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": dict.fromkeys(users, world.now)})])


def today(world: World) -> Tally:
    return Statistics(world.dynamodb, "campaigns").read(["cart"], TODAY, TODAY)["cart"][TODAY]  # type: ignore[arg-type]


def test_a_batch_costs_one_update_and_says_what_became_of_it(world: World) -> None:
    decide(world, "ann", "bob", "cleo")
    updates = world.dynamodb.calls["update_item"]
    world.deliver_outboxes()
    assert world.dynamodb.calls["update_item"] == updates + 1
    assert today(world) == Tally(sent=3, top={"coat": 3}, values=3)


def test_what_is_withheld_and_what_fails_is_counted_too(world: World) -> None:
    decide(world, "ann", "bob")
    world.campaigns.pause("cart", paused=True)
    decide(world, "cleo")
    world.events.fault("put_events", *[throttled] * 6)
    world.deliver_outboxes()
    assert today(world) == Tally(failed=3)
    world.deliver_outboxes()
    tally = today(world)
    assert (tally.sent, tally.failed, tally.withheld) == (2, 3, {"campaign paused": 1})


def test_a_counter_that_fails_keeps_no_message_back(world: World) -> None:
    decide(world, "ann")
    world.dynamodb.fault("update_item", throttled)
    world.deliver_outboxes()
    assert len(world.messages("rule")) == 1
    assert world.messages("undelivered") == []


def test_a_counter_that_cannot_be_read_keeps_no_message_back_either(world: World) -> None:
    key = {"pk": {"S": "stats#cart"}, "sk": {"S": TODAY}}
    world.dynamodb.put_item(TableName="campaigns", Item={**key, "top": {"S": "not JSON"}})
    decide(world, "ann")
    world.deliver_outboxes()
    assert len(world.messages("rule")) == 1
    assert world.messages("undelivered") == []


def test_two_that_count_at_once_lose_nothing(world: World) -> None:
    one, two = (Statistics(world.dynamodb, "campaigns") for _ in range(2))  # type: ignore[arg-type]
    for _ in range(3):
        one.add({("cart", TODAY): Tally(sent=2, top={"coat": 2}, values=2)})
        two.add({("cart", TODAY): Tally(sent=1, top={"hat": 1}, values=1)})
    assert today(world) == Tally(sent=9, top={"coat": 6, "hat": 3}, values=9)


def test_who_always_loses_the_race_still_counts_and_says_what_the_sketch_lacks(world: World) -> None:
    statistics, other = (Statistics(world.dynamodb, "campaigns") for _ in range(2))  # type: ignore[arg-type]

    def interfere(_: dict[str, Any]) -> None:
        other.add({("cart", TODAY): Tally(sent=1, top={"hat": 1}, values=1)})

    def let_pass(_: dict[str, Any]) -> None:
        return None

    world.dynamodb.fault("update_item", *[interfere, let_pass] * RACES)  # whose update, too, is a call
    statistics.add({("cart", TODAY): Tally(sent=5, top={"coat": 5}, values=5)})
    tally = today(world)
    assert tally.sent == 5 + tally.top["hat"]
    assert (tally.uncounted, "coat" in tally.top) == (5, False)


def test_statistics_expire(world: World) -> None:
    decide(world, "ann")
    world.deliver_outboxes()
    (item,) = (each for each in world.items("campaigns") if each["pk"]["S"] == "stats#cart")
    assert int(item["expires_at"]["N"]) == pytest.approx(world.now / 1000 + KEPT_SECONDS, abs=24 * 60 * 60)
