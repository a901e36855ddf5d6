"""deliver counts what follows messages: by one update more where a campaign says what a conversion is, else by none."""

from __future__ import annotations

from typing import Any

from holdfast.aws.tables.outcomes import KEPT_SECONDS
from holdfast.aws.tables.statistics import Statistics
from holdfast.core.gate.rules import Rules
from holdfast.core.messages.scores import Arm, Score
from holdfast.core.plans.goal import Goal
from tests.integration.conftest import MINUTE, World, a_plan, throttled
from tests.integration.test_statistics import TODAY, decide, today

GOAL = Goal(("charged",), 60 * MINUTE, "price", "'EUR'")


def counted(world: World) -> dict[Arm, Score]:
    return Statistics(world.dynamodb, "campaigns").outcomes.read(["cart"], TODAY, TODAY)["cart"].get(TODAY, {})  # type: ignore[arg-type]


def bought(world: World, user: str, price: float) -> None:
    world.now += MINUTE
    world.join().take([world.body(world.charged(user=user, price=price), message=f"bought by {user}")])


def deliver(world: World, *users: str) -> None:
    """The outboxes of these users, as the stream brings them."""
    items = [item for user in users if (item := world.item(user)) and "outbox" in item]
    world.deliver().take(items, lambda: 60.0)


def test_what_follows_messages_is_counted_and_reaches_the_bus(world: World) -> None:
    world.publish(a_plan(convert=GOAL))
    decide(world, "ann", "bob")
    deliver(world, "ann", "bob")
    assert counted(world) == {Arm(2): Score(2, users=2)}
    bought(world, "ann", 40.5)
    deliver(world, "ann")
    assert counted(world) == {Arm(2): Score(2, 1, {"EUR": 40.5}, 2, 1, {"EUR": 40.5}, {"EUR": 1640.25})}
    told = [each for each in world.messages("rule") if "conversion" in each["detail"]]
    assert [(each["detail-type"], each["detail"]["conversion"]["amount"]) for each in told] == [
        ("Personalized Message Converted", 40.5)
    ]


def test_a_control_group_counts_its_users_and_what_they_bought(world: World) -> None:
    world.publish(a_plan(convert=GOAL, rules=Rules(control=1.0)))
    decide(world, "ann")
    deliver(world, "ann")
    bought(world, "ann", 7)
    deliver(world, "ann")
    assert counted(world) == {Arm(2, "", "control"): Score(1, 1, {"EUR": 7.0}, 1, 1, {"EUR": 7.0}, {"EUR": 49.0})}


def test_variants_are_rendered_counted_and_said(world: World) -> None:
    variants = {"long": {"title": "Your {{ ConstantEventProperty }} waits"}, "short": {"title": "{{ Event.price }}"}}
    plan = a_plan(convert=GOAL, variants=variants, rules=Rules(variants={"long": 1, "short": 1}))
    world.publish(plan)
    users = [f"u-{number}" for number in range(12)]
    world.join().take([world.body(world.added(user=user, price=9), message=user) for user in users])
    world.now += 30 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": dict.fromkeys(users, world.now)})])
    deliver(world, *users)
    told = {each["detail"]["user"]["identity"]: each["detail"] for each in world.messages("rule")}
    texts = {"long": "Your coat waits", "short": "9"}
    chosen = {user: plan.variant_of(user) for user in users}
    assert set(chosen.values()) == set(texts)
    assert {user: each["metadata"]["variant"] for user, each in told.items()} == chosen
    assert {user: each["values"]["title"] for user, each in told.items()} == {u: texts[v] for u, v in chosen.items()}
    assert {arm.variant: score.users for arm, score in counted(world).items()} == {
        variant: sum(each == variant for each in chosen.values()) for variant in texts
    }


def test_a_campaign_without_conversions_and_variants_costs_no_more_than_ever(world: World) -> None:
    """One update for its batch, and no word more in state and outbox."""
    decide(world, "ann", "bob")
    updates = world.dynamodb.calls["update_item"]
    world.deliver_outboxes()
    assert world.dynamodb.calls["update_item"] == updates + 1
    bought(world, "ann", 40)
    assert world.outbox("ann") == []
    assert counted(world) == {}
    item = world.item("bob")
    assert item is not None
    for word in ("variant", "followed", "first", "exposures", "counted"):
        assert word not in item["state"]["S"] + item["outbox"]["S"]


def test_a_campaign_with_conversions_costs_one_update_more_for_a_batch(world: World) -> None:
    world.publish(a_plan(convert=GOAL))
    decide(world, "ann", "bob", "cleo")
    updates = world.dynamodb.calls["update_item"]
    deliver(world, "ann", "bob", "cleo")
    assert world.dynamodb.calls["update_item"] == updates + 2


def test_a_count_that_fails_keeps_no_message_back(world: World) -> None:
    world.publish(a_plan(convert=GOAL))
    decide(world, "ann")
    world.dynamodb.fault("update_item", lambda _: None, throttled)
    deliver(world, "ann")
    assert len(world.messages("rule")) == 1
    assert world.messages("undelivered") == []
    assert (today(world).sent, counted(world)) == (1, {})


def test_what_the_stream_brings_twice_is_counted_twice_in_both_groups_alike(world: World) -> None:
    """How far the numbers may be off: by the batches that came again."""
    world.publish(a_plan(convert=GOAL))
    decide(world, "ann")
    deliver(world, "ann")
    deliver(world, "ann")
    assert counted(world) == {Arm(2): Score(2, users=2)}


def test_outcomes_expire_with_the_other_statistics(world: World) -> None:
    world.publish(a_plan(convert=GOAL))
    decide(world, "ann")
    deliver(world, "ann")
    found: list[Any] = [each for each in world.items("campaigns") if each["pk"]["S"] == "stats#cart/outcomes"]
    assert [int(each["expires_at"]["N"]) - world.now // 1000 > KEPT_SECONDS - 2 * 86400 for each in found] == [True]
