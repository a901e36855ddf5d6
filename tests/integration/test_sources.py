"""Sources are published like campaigns: what they read is read alike in every container, and older releases go on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holdfast.aws.tables.activity import Activity
from holdfast.aws.tables.campaigns import LivePlans, Sources, UnknownSource
from holdfast.aws.tables.published import TIMELINE
from holdfast.aws.tables.revisions import LIVE
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.source import SourceFile
from holdfast.core.authoring.text import parse, validate
from holdfast.core.intake.sources import Source
from holdfast.core.messages.detail import iso
from holdfast_cli.acts import whoami
from holdfast_cli.campaign_file import read_model
from holdfast_cli.stack import Deployment
from tests.integration.conftest import MINUTE, World
from tests.integration.test_users_commands import Shell, Stack

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


@pytest.mark.parametrize("alias", [("device",), ()])
def test_an_order_that_names_the_device_ends_what_its_guest_began(world: World, alias: tuple[str, ...]) -> None:
    publish(world, replace(SHOP, alias=alias))
    world.now += SECOND
    join = world.join()
    join.take([world.body({**world.added(), "user": "d-1"}, {**world.added("hat"), "user": "d-1"})])
    world.now += SECOND
    join.take([world.body(shop(what="charged", device="d-1"))])
    world.now += 40 * MINUTE
    join.take([world.body({"holdfast": "tick", "users": {"d-1": world.now, "ann": world.now}})])
    sent = [decision["key"] for user in ("d-1", "ann") for decision in world.outbox(user)]
    assert sorted(sent) == (["hat"] if alias else ["coat", "hat"])
    assert not world.messages("rejected")


def test_a_source_that_cannot_be_read_takes_out_itself_only(world: World) -> None:
    """A record that no other source reads comes again; everything else is folded, rejected and decided as ever."""
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


ROOT = Path(__file__).parents[2]
ORDER: dict[str, Any] = {
    "version": "0",
    "id": "e1",
    "detail-type": "shopifyWebhook",
    "source": "aws.partner/shopify.com/4321/shop",
    "resources": [],
    "detail": {
        "metadata": {"X-Shopify-Topic": "orders/create", "X-Shopify-Webhook-Id": "w1"},
        "payload": {"customer": {"id": 77}, "line_items": [{"product_id": 7}, {"product_id": 8}]},
    },
}
CAMPAIGN = """\
id: left
events:
  ordered: {event: shopifyWebhook, where: "metadata.\\"X-Shopify-Topic\\" == 'orders/create'"}
when: {did: Product Added, did_not: ordered, within: 30 minutes}
constant:
  name: product
  in: {Product Added: product_id, ordered: "payload.line_items[].product_id"}
send: {values: {title: "{{ ConstantEventProperty }}"}}
"""


@pytest.mark.parametrize(("topic", "left"), [("orders/create", ["9"]), ("carts/update", ["7", "9"])])
def test_a_shopify_order_from_a_partner_bus_ends_what_a_segment_batch_opened(
    world: World, topic: str, left: list[str]
) -> None:
    """As a rule hands it on, with the source and the campaign as their files say."""
    shopify, text = read_model(ROOT / "examples" / "sources" / "shopify-eventbridge.yaml", SourceFile)
    table(world).publish(shopify.id, text.text, shopify.plan, world.now)
    campaign = validate(parse(CAMPAIGN), Campaign)
    world.campaigns.publish(campaign.id, CAMPAIGN, campaign.plan, world.now)
    world.now += SECOND
    join = world.join()
    calls = [
        {"type": "track", "messageId": f"m{product}", "userId": "77", "event": "Product Added", "timestamp": at(world),
         "properties": {"product_id": product}}
        for product in ("7", "9")
    ]  # fmt: skip
    join.take([world.body({"batch": calls, "sentAt": at(world)})])
    assert set(world.state("77").watches["left"]) == {"7", "9"}
    world.now += SECOND
    detail = {**ORDER["detail"], "metadata": {**ORDER["detail"]["metadata"], "X-Shopify-Topic": topic}}
    join.take([world.body({**ORDER, "detail": detail, "time": at(world)})])
    world.now += 40 * MINUTE
    join.take([world.body({"holdfast": "tick", "users": {"77": world.now}})])
    assert sorted(decision["key"] for decision in world.outbox("77") if decision["kind"] == "send") == left
    assert not world.messages("rejected")


def at(world: World) -> str:
    return iso(world.now)


@pytest.fixture
def shell(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr(Deployment, "find", lambda _stage: Stack(world))
    return Shell(world, tmp_path)


def test_who_published_and_deleted_is_kept_of_sources_and_recommendations(shell: Shell, tmp_path: Path) -> None:
    source, recommendation = tmp_path / "shop.yaml", tmp_path / "also.yaml"
    source.write_text("{id: shop, match: shop, read: {user: who, event: what}}")
    recommendation.write_text(
        "{id: also, catalog: products, did: {Charged: product},"
        " personalize: 'arn:aws:personalize:eu-central-1:123456789012:recommender/also'}"
    )
    (published,) = shell.rows("source", "publish", str(source), "--note", "the new shop")
    assert published["by"] == whoami()
    assert shell.rows("source", "publish", str(source))[0]["news"] == "unchanged"
    shell.rows("source", "delete", "shop", "--yes")
    shell.rows("recommend", "publish", str(recommendation))
    acts = Activity(shell.world.dynamodb, "campaigns").latest(10)  # type: ignore[arg-type]
    assert [(each.by, each.action, each.of, each.note) for each in reversed(acts)] == [
        (whoami(), "published", "source shop", "the new shop"),
        (whoami(), "deleted", "source shop", ""),
        (whoami(), "published", "recommendation also", ""),
    ]
