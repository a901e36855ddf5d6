"""Sources are published like campaigns: what they read is read alike in every container, and older releases go on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from holdfast.aws.tables.campaigns import LIVE, TIMELINE, LivePlans, Sources, UnknownSource
from holdfast.core.intake.sources import Source
from tests.integration.conftest import World

SHOP = Source(id="shop", match="shop", user=("who",), event="what", event_id="nr")
SECOND = 1000


def table(world: World) -> Sources:
    return Sources(world.dynamodb, "campaigns")  # type: ignore[arg-type]


def publish(world: World, source: Source = SHOP) -> int:
    published = table(world).publish(source.id, "file", lambda number: replace(source, revision=number), world.now)
    return published.plan.revision


def shop(**changes: object) -> dict[str, object]:
    return {"shop": 1, "who": "ann", "what": "Added", "product": "coat", "nr": 1, **changes}


def test_a_container_that_knew_no_source_reads_by_it_once_it_is_published(world: World) -> None:
    join = world.join()
    join.take([world.body(shop())])
    (rejected,) = world.messages("rejected")
    assert rejected["reason"].startswith("a record of no known form")
    assert publish(world) == 1
    world.now += SECOND
    assert join.take([world.body(shop())]) == []
    assert set(world.state().watches["cart"]) == {"coat"}
    assert not world.messages("rejected")


def test_what_arrived_before_is_read_as_before_however_late_and_by_whichever_container(world: World) -> None:
    publish(world)
    world.now += SECOND
    early = world.body(shop())
    old = world.join()
    world.now += SECOND
    publish(world, replace(SHOP, event="'something else'"))
    world.now += SECOND
    for join in (old, world.join()):
        join.take([early])
        assert set(world.state().watches["cart"]) == {"coat"}
    before = world.state()
    world.join().take([world.body(shop(product="hat", nr=2))])
    assert world.state() == before
    world.now += SECOND
    table(world).delete("shop")
    world.now += SECOND
    world.join().take([early, world.body(shop(product="hat", nr=2), message="m2")])
    assert [each["record"]["product"] for each in world.messages("rejected")] == ["hat"]


def test_an_exit_by_a_source_ends_what_a_native_event_opened(world: World) -> None:
    publish(world)
    world.now += SECOND
    join = world.join()
    join.take([world.body(world.added())])
    assert world.state().due() is not None
    world.now += SECOND
    join.take([world.body(shop(what="charged"))])
    assert world.state().due() is None


def test_a_source_that_cannot_be_read_takes_out_itself_only(world: World) -> None:
    """What no other reads comes again; everything else is folded, rejected and decided as ever."""
    publish(world)
    publish(world, replace(SHOP, id="future", match="future"))
    key = {"pk": {"S": TIMELINE}, "sk": {"S": "source#future"}}
    item: dict[str, Any] = world.dynamodb._real.get_item(TableName="campaigns", Key=key)["Item"]
    item["plan"] = {"S": json.dumps({**json.loads(item["plan"]["S"]), "unwrap": "gzip"})}
    world.dynamodb._real.put_item(TableName="campaigns", Item=item)
    world.now += SECOND
    bodies = [
        world.body(shop(), message="m1"),
        world.body({"future": 1}, message="m2"),
        world.body(world.added("hat"), message="m3"),
    ]
    assert world.join().take(bodies) == ["m2"]
    assert set(world.state().watches["cart"]) == {"coat", "hat"}
    assert not world.messages("rejected")
    assert [each.plan.id for each in table(world).live()] == ["shop"]


def test_a_batch_costs_as_many_calls_with_sources_as_without(world: World) -> None:
    join = world.join()
    join.take([world.body(world.added())])
    world.dynamodb.calls.clear()
    join.take([world.body(world.added("hat"))])
    without = dict(world.dynamodb.calls)
    publish(world)
    world.now += SECOND
    join.take([world.body(world.added("cap"))])
    world.dynamodb.calls.clear()
    join.take([world.body(world.added("scarf"))])
    assert world.dynamodb.calls == without


def test_the_release_before_finds_nothing_of_them_in_what_it_reads(world: World) -> None:
    live = [item for item in world.items("campaigns") if item["pk"]["S"] == LIVE]
    publish(world)
    publish(world, replace(SHOP, match="other"))
    table(world).delete("shop")
    publish(world)
    assert [item for item in world.items("campaigns") if item["pk"]["S"] == LIVE] == live
    assert list(LivePlans(world.campaigns).current().newest) == ["cart"]


def test_each_publication_is_a_revision_also_after_it_was_deleted(world: World) -> None:
    assert publish(world) == 1
    assert publish(world, replace(SHOP, match="other")) == 2
    table(world).delete("shop")
    with pytest.raises(UnknownSource, match="shop"):
        table(world).delete("shop")
    assert table(world).live() == []
    assert publish(world) == 3
    assert table(world).get("shop").plan == replace(SHOP, revision=3)
    assert table(world).get("shop", 2).plan.match == "other"
    assert [each.plan.revision for each in table(world).revisions("shop")] == [1, 2, 3]
