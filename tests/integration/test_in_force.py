"""A publication counts for every event that arrives from then on, in every container, however it comes again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from holdfast.aws.queues import FIRST_ARRIVAL
from holdfast.aws.tables import revisions
from holdfast.aws.tables.campaigns import CHASES, OLDEST_SECONDS, Campaigns, LivePlans, Restless, UnknownCampaign
from holdfast.aws.tables.revisions import LEAD_MS, Conflict
from holdfast.aws.tables.statistics import waiting
from holdfast.aws.tables.users import Beside, Users
from holdfast.core.plans.plan import Plan
from holdfast.services.audit import audit
from join import LONGEST_WAIT_MS, first_arrival
from tests.integration.conftest import MINUTE, T0, World, a_plan, throttled

SECOND = 1000


def tick(world: World, *users: str) -> Any:
    return world.body({"holdfast": "tick", "users": dict.fromkeys(users or ("ann",), world.now)})


def test_a_container_that_knew_nothing_of_a_campaign_folds_what_arrives_once_it_is_published(world: World) -> None:
    join = world.join()
    join.take([world.body(world.added())])
    world.publish(a_plan(id="new"))
    world.now += SECOND
    assert join.take([world.body(world.added("hat"))]) == []
    assert set(world.state().watches["new"]) == {"hat"}


def test_an_exit_that_is_published_ends_what_is_open(world: World) -> None:
    join = world.join()
    join.take([world.body(world.added())])
    constant = replace(a_plan().constant[0], paths={"added": "product", "charged": "product", "removed": "product"})
    world.publish(a_plan(did_not=("charged", "removed"), constant=(constant,)))
    world.now += SECOND
    join.take([world.body({"user": "ann", "event": "removed", "product": "coat", "ts": world.now})])
    assert world.state().due() is None


def test_what_arrived_before_is_read_as_before_however_late_and_by_whichever_container(world: World) -> None:
    """`viewed` alone triggers nothing in the first revision, which wants `added` as well, nor in the second."""
    constant = replace(a_plan().constant[0], paths=dict.fromkeys(("viewed", "added", "charged"), "product"))
    world.publish(a_plan(id="both", did=("viewed", "added"), constant=(constant,)))
    world.now += SECOND
    viewed = world.body({"user": "ann", "event": "viewed", "product": "coat", "ts": world.now})
    old = world.join()
    old.take([tick(world, "bob")])
    world.now += SECOND
    world.publish(a_plan(id="both"))
    world.now += SECOND
    for join in (old, world.join()):
        join.take([viewed])
        watch = world.state().watches["both"]["coat"]
        assert set(watch.parts) == {"viewed"}
        assert watch.trigger is None


def test_a_batch_is_sorted_anew_where_something_was_published_while_it_was_read(world: World) -> None:
    join = world.join()
    join.take([])

    def meanwhile(_: dict[str, Any]) -> None:
        world.publish(a_plan(id="new"))

    world.dynamodb.fault("batch_get_item", meanwhile)
    assert join.take([world.body(world.added())]) == []
    assert set(world.state().watches) == {"cart", "new"}


def test_plans_that_could_not_be_read_are_not_taken_for_none(world: World) -> None:
    join = world.join()

    def failing(*_: Any) -> Any:
        throttled({})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.dynamodb._real, "get_paginator", failing)
        assert join.take([world.body(world.added())]) == ["m1"]
        assert join.take([world.body(world.added())]) == ["m1"]
    assert join.take([world.body(world.added())]) == []
    assert set(world.state().watches["cart"]) == {"coat"}


def test_a_batch_whose_epoch_cannot_be_read_comes_again(world: World) -> None:
    def without_the_epoch(arguments: dict[str, Any]) -> Any:
        asked = arguments["RequestItems"]
        return {"Responses": {}, "UnprocessedKeys": {"campaigns": asked["campaigns"]}}

    world.dynamodb.fault("batch_get_item", *[without_the_epoch] * 4)
    assert world.join().take([world.body(world.added())]) == ["m1"]
    assert world.items("users") == []


def test_who_loses_a_race_to_a_container_that_knows_a_newer_reading_comes_again(world: World) -> None:
    """The add happened before the purchase and arrives after the update, while the purchase is still being saved."""
    slow, quick = world.join(), world.join()
    late = world.added("white coat", sku="77")
    world.now += 10 * SECOND
    purchase = world.body(world.charged("white coat", sku="77"))

    def meanwhile(_: dict[str, Any]) -> None:
        world.now += 3 * SECOND
        world.publish(by("sku"))
        world.now += SECOND
        assert quick.take([world.body(late, message="m2")]) == []

    world.dynamodb.fault("batch_execute_statement", meanwhile)
    assert slow.take([purchase]) == ["m1"]
    assert slow.take([purchase]) == []
    world.now += 60 * MINUTE
    quick.take([tick(world)])
    assert world.outbox() == []


def test_the_epoch_is_not_older_than_any_user_that_is_read_beside_it(world: World) -> None:
    """Users that are not answered at once are read later, and what is in force may have changed by then."""
    asked: list[tuple[int, bool]] = []

    def noted(arguments: dict[str, Any]) -> None:
        tables = arguments["RequestItems"]
        asked.append((len(tables.get("users", {"Keys": ()})["Keys"]), "campaigns" in tables))

    def in_part(arguments: dict[str, Any]) -> Any:
        noted(arguments)
        users = arguments["RequestItems"]["users"]
        return {"Responses": {"campaigns": []}, "UnprocessedKeys": {"users": {**users, "Keys": users["Keys"][:1]}}}

    beside = Beside("campaigns", revisions.EPOCH)
    world.dynamodb.fault("batch_get_item", noted, noted, in_part, noted)
    _, failed = Users(world.dynamodb, "users").read(  # type: ignore[arg-type]
        [(f"u{number}", "watches") for number in range(250)], beside
    )
    assert failed == set()
    assert asked == [(100, False), (100, False), (50, True), (1, True)]
    assert revisions.epoch_of(beside.item) == world.campaigns.epoch()


def test_where_something_is_published_without_end_the_batch_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(_: dict[str, Any]) -> None:
        world.publish(a_plan(id="new"))

    world.dynamodb.fault("batch_get_item", *[meanwhile] * CHASES)
    assert world.join().take([world.body(world.added())]) == ["m1"]
    epochs = (str(number) for number in range(100))
    monkeypatch.setattr(world.campaigns, "epoch", lambda: next(epochs))
    with pytest.raises(Restless):
        LivePlans(world.campaigns).current()


def test_pausing_and_resuming_count_for_the_very_next_decision(world: World) -> None:
    join = world.join()
    join.take([world.body(world.added(), world.added(user="bob"))])
    world.now += 30 * MINUTE
    world.campaigns.pause("cart", paused=True)
    join.take([tick(world, "ann")])
    assert [(each["kind"], each["reason"]) for each in world.outbox()] == [("withhold", "campaign paused")]
    world.campaigns.pause("cart", paused=False)
    join.take([tick(world, "bob")])
    assert [each["kind"] for each in world.outbox("bob")] == ["send"]


def test_pausing_changes_nothing_in_how_events_are_read(world: World) -> None:
    since = world.campaigns.get("cart").since
    world.campaigns.pause("cart", paused=True)
    assert world.campaigns.get("cart").since == since


def test_what_happened_before_a_campaign_was_first_published_is_history(world: World) -> None:
    world.publish(a_plan(id="new"))
    world.join().take([world.body(world.added("coat", ts=T0 - 1), world.added("hat", ts=T0))])
    assert set(world.state().watches["new"]) == {"hat"}
    world.now += MINUTE
    world.publish(a_plan(id="new", within=MINUTE))
    world.join().take([world.body(world.added("map", ts=T0 + 1))])
    assert set(world.state().watches["new"]) == {"hat", "map"}


def test_what_is_published_while_another_publication_lies_ahead_comes_after_it(world: World) -> None:
    first, second = (
        world.campaigns.publish("new", "", lambda revision: a_plan(id="new", revision=revision), world.now)
        for _ in range(2)
    )
    assert (first.since, second.since) == (T0, T0 + 1)


def test_publishing_takes_aws_time_and_returns_when_that_is_in_force(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(revisions, "aws_time", lambda _answer: T0)
    monkeypatch.setattr(revisions, "sleep", slept.append)
    published = world.campaigns.publish("new", "", lambda _: a_plan(id="new"), world.now)
    assert published.since == T0 + LEAD_MS
    assert slept == [(LEAD_MS + revisions.MARGIN_MS) / 1000]
    assert world.campaigns.get("new") == published


def test_what_was_written_too_late_holds_from_later_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may have read the plans between the moment and the write, and folded by the old ones."""
    times = iter([T0, T0 + 2 * SECOND, T0 + 3 * SECOND, T0 + 4 * SECOND])
    monkeypatch.setattr(revisions, "aws_time", lambda _answer: next(times, T0 + 4 * SECOND))
    published = world.campaigns.publish("new", "", lambda _: a_plan(id="new"), world.now)
    assert published.since == published.first == T0 + 3 * SECOND + LEAD_MS
    assert world.campaigns.get("new") == published


def test_the_date_of_an_answer_is_awss_time() -> None:
    answer = {"ResponseMetadata": {"HTTPHeaders": {"date": "Wed, 25 Nov 2026 22:15:42 GMT"}}}
    assert revisions.aws_time(answer) == 1_795_644_942_000


def test_of_two_who_publish_at_once_nothing_is_lost_to_the_epoch_they_share(world: World) -> None:
    reasons = [{"Code": "None"}, {"Code": "None"}, {"Code": "TransactionConflict"}]

    def conflict(_: dict[str, Any]) -> None:
        cancelled = world.dynamodb.exceptions.TransactionCanceledException
        raise cancelled({"Error": {"Code": "x"}, "CancellationReasons": reasons}, "TransactWriteItems")

    world.dynamodb.fault("transact_write_items", conflict)
    world.publish(a_plan(id="new"))
    assert world.campaigns.get("new").plan.revision == 1


def test_what_the_release_before_published_is_in_force_since_ever(world: World) -> None:
    """Its items bear neither `in_force_from` nor `first_from`, and it raises no epoch."""
    plan = json.dumps(a_plan(id="old").to_json())
    item = {"pk": {"S": "live"}, "sk": {"S": "old"}, "revision": {"N": "1"}, "plan": {"S": plan}, "source": {"S": ""}}
    world.dynamodb._real.put_item(TableName="campaigns", Item={**item, "published_at": {"N": str(T0)}})
    seconds = 0.0
    live = LivePlans(world.campaigns, lambda: seconds)
    world.join().take([world.body(world.added(ts=T0 - MINUTE))])
    assert "old" in live.known().at(0)
    assert set(world.state().watches["old"]) == {"coat"}
    world.dynamodb._real.put_item(
        TableName="campaigns", Item={**item, "sk": {"S": "older"}, "published_at": {"N": str(T0)}}
    )
    assert set(live.current().newest) == {"cart", "old"}
    seconds = OLDEST_SECONDS
    assert set(live.known().newest) >= {"cart", "old"}


def test_the_release_before_can_read_every_live_item(world: World) -> None:
    """It takes whatever is in `live` for a plan whose fields it knows."""
    world.publish(a_plan(within=MINUTE))
    known = {
        *("id", "revision", "name", "names", "paused", "did", "did_not", "within", "settle", "max_age", "where"),
        *("constant", "keep", "summary", "limit", "detail_type", "values", "catalogs", "recommendations"),
    }
    live = [item for item in world.items("campaigns") if item["pk"]["S"] == "live"]
    assert live
    for item in live:
        assert set(json.loads(item["plan"]["S"])) <= known


@pytest.mark.parametrize(
    "change", [{"v": 2}, {"where": {"added": "price >"}}, {"constant": [{"name": "product", "paths": {}}]}]
)
def test_a_plan_that_cannot_be_read_concerns_no_other_campaign(world: World, change: dict[str, object]) -> None:
    world.publish(a_plan(id="other"))
    item = next(item for item in world.items("campaigns") if (item["pk"]["S"], item["sk"]["S"]) == ("live", "cart"))
    plan = {**json.loads(item["plan"]["S"]), **change}
    world.dynamodb._real.put_item(TableName="campaigns", Item={**item, "plan": {"S": json.dumps(plan)}})
    bought = {"user": "bob", "event": "viewed", "ts": T0}
    added, viewed = world.body(world.added(), message="m1"), world.body(bought, message="m2")
    assert world.join().take([added, viewed]) == ["m1"], "an event that it names comes again"
    assert set(world.state().watches) == {"other"}
    assert world.messages("rejected") == []


def test_what_is_due_of_a_campaign_that_cannot_be_read_stays_open(world: World) -> None:
    world.join().take([world.body(world.added())])
    item = next(item for item in world.items("campaigns") if (item["pk"]["S"], item["sk"]["S"]) == ("live", "cart"))
    plan = {**json.loads(item["plan"]["S"]), "v": 2}
    world.dynamodb._real.put_item(TableName="campaigns", Item={**item, "plan": {"S": json.dumps(plan)}})
    world.now += 30 * MINUTE
    sent: list[Any] = []
    world.sqs.fault("send_message_batch", lambda arguments: sent.extend(arguments["Entries"]))
    assert world.join().take([tick(world)]) == []
    assert world.outbox() == []
    assert [(json.loads(each["MessageBody"])["users"], each["DelaySeconds"]) for each in sent] == [
        ({"ann": world.now + 5 * MINUTE}, 5 * 60)
    ]
    world.dynamodb._real.put_item(TableName="campaigns", Item=item)
    world.join().take([tick(world)])
    assert [each["kind"] for each in world.outbox()] == ["send"]


# --- Readings never mix ---------------------------------------------------------------------------------------------


def by(path: str, **changes: Any) -> Plan:
    return a_plan(constant=(replace(a_plan().constant[0], paths={"added": path, "charged": path}),), **changes)


def test_what_was_added_before_an_update_of_the_constant_and_bought_after_it(world: World) -> None:
    join = world.join()
    join.take([world.body(world.added("white coat", sku="77"), world.added("hat", user="bob", sku="9"))])
    world.now += MINUTE
    world.publish(by("sku"))
    world.now += MINUTE
    assert join.take([world.body(world.charged("white coat", sku="77"))]) == []
    world.now += 30 * MINUTE
    world.join().take([tick(world, "ann", "bob")])
    assert world.outbox() == []
    assert [(each["kind"], each["campaign"], each["shown"]) for each in world.outbox("bob")] == [
        ("send", "cart", "hat")
    ]
    world.deliver_outboxes()
    assert [each["detail"]["metadata"]["campaign"] for each in world.messages("rule")] == ["cart"]


@pytest.mark.parametrize("first_arrival", ["the same", "another"])
def test_an_add_that_is_delivered_before_and_after_an_update_of_the_constant(world: World, first_arrival: str) -> None:
    join = world.join()
    added = world.body(world.added(sku="77", id="e1"))
    join.take([added])
    world.now += MINUTE
    world.publish(by("sku"))
    world.now += MINUTE
    join.take([added if first_arrival == "the same" else added._replace(arrived=world.now)])
    world.now += 30 * MINUTE
    join.take([tick(world)])
    assert [(each["kind"], each["campaign"], each["id"]) for each in world.outbox()] == [("send", "cart", "e1")]


def test_a_space_begins_with_a_revision_that_reads_in_another_way_and_stays_with_those_after_it(world: World) -> None:
    spaces = [world.campaigns.get("cart").plan.space]
    for plan in (a_plan(within=MINUTE), by("sku"), by("sku", within=MINUTE), a_plan()):
        world.publish(plan)
        spaces.append(world.campaigns.get("cart").plan.space)
    assert spaces == [0, 0, 3, 3, 5]
    assert [each.plan.space for each in world.campaigns.revisions("cart")] == spaces
    world.campaigns.pause("cart", paused=True)
    assert world.campaigns.get("cart").plan.space == 5
    newest = world.campaigns.plans()
    assert newest["cart"].space == 5
    assert newest.places == {"cart", "cart@3", "cart@5"}
    assert all("space" not in json.loads(item["plan"]["S"]) for item in world.items("campaigns") if "plan" in item)


def test_what_was_open_before_a_campaign_was_deleted_and_published_again(world: World) -> None:
    """Nobody read exits in between."""
    join = world.join()
    join.take([world.body(world.added())])
    world.campaigns.delete("cart")
    world.now += MINUTE
    world.publish(a_plan())
    world.now += 30 * MINUTE
    join.take([world.body(world.added("hat")), tick(world)])
    assert [(each["kind"], each["reason"]) for each in world.outbox()] == [("withhold", "campaign gone")]
    assert set(world.state().watches["cart@2"]) == {"hat"}


def test_an_exit_that_only_the_new_reading_can_read_is_folded_and_not_reported(world: World) -> None:
    join = world.join()
    join.take([world.body(world.added())])
    world.now += MINUTE
    world.publish(by("sku"))
    world.now += MINUTE
    join.take([world.body({"user": "ann", "event": "charged", "sku": "77", "ts": world.now, "id": "e2"})])
    assert world.messages("rejected") == []
    world.now += 30 * MINUTE
    join.take([tick(world)])
    (withheld,) = world.outbox()
    assert withheld["reason"].startswith("in doubt: charged at ")
    assert withheld["reason"].endswith("could not be read (product is missing)")


def test_who_scans_finds_all_spaces_of_a_campaign(world: World) -> None:
    join = world.join()
    join.take([world.body(world.added(sku="77"))])
    world.publish(by("sku"))
    world.now += MINUTE
    join.take([world.body(world.added(sku="77", user="bob"), world.added("hat", sku="9"))])
    users = Users(world.dynamodb, "users")  # type: ignore[arg-type]
    assert {user for page in users.scan("cart") for user in page.states} == {"ann", "bob"}
    assert {user for page in users.scan("car") for user in page.states} == set()
    assert waiting(users).watches == {"cart": 3}
    assert audit(users.everyone(), (), world.now).open == {"cart": 3}


# --- Deleting -------------------------------------------------------------------------------------------------------


def test_what_is_open_of_a_deleted_campaign_is_withheld_with_that_reason(world: World) -> None:
    join = world.join()
    join.take([world.body(world.added())])
    world.campaigns.delete("cart")
    world.now += 30 * MINUTE
    join.take([world.body(world.added("hat")), tick(world)])
    assert [(each["shown"], each["reason"]) for each in world.outbox()] == [("coat", "campaign deleted")]
    assert set(world.state().watches["cart"]) == {"coat"}


def test_a_deleted_campaign_keeps_its_history_and_its_numbers(world: World) -> None:
    world.publish(a_plan(within=MINUTE))
    world.campaigns.delete("cart")
    assert world.campaigns.find("cart") is None
    assert world.campaigns.live() == []
    assert [each.plan.revision for each in world.campaigns.revisions("cart")] == [1, 2]
    world.now += MINUTE
    world.publish(a_plan())
    again = world.campaigns.get("cart")
    assert (again.plan.revision, again.first) == (3, world.now)


def test_what_arrived_before_it_was_deleted_is_read_as_before(world: World) -> None:
    before = world.body(world.added())
    world.now += SECOND
    world.campaigns.delete("cart")
    world.now += SECOND
    world.join().take([before])
    assert set(world.state().watches["cart"]) == {"coat"}


def test_only_what_was_looked_at_is_deleted(world: World) -> None:
    with pytest.raises(Conflict):
        world.campaigns.delete("cart", seen=7)
    with pytest.raises(UnknownCampaign):
        world.campaigns.delete("none")

    def meanwhile(_: dict[str, Any]) -> None:
        Campaigns(world.dynamodb._real, "campaigns").pause("cart", paused=True)

    world.dynamodb.fault("transact_write_items", meanwhile)
    with pytest.raises(Conflict):
        world.campaigns.delete("cart")
    assert world.campaigns.get("cart").plan.paused


# --- First arrival --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "arrived"),
    [
        (None, T0),
        (str(T0 - MINUTE), T0 - MINUTE),
        (str(T0 + 1), T0),
        ("0", T0 - LONGEST_WAIT_MS),
        ("yesterday", T0),
        ("²", T0),
        ("", T0),
    ],
)
def test_a_message_that_was_redriven_bears_the_time_of_its_first_arrival(said: str | None, arrived: int) -> None:
    record: dict[str, Any] = {"attributes": {"SentTimestamp": str(T0)}, "messageAttributes": {}}
    if said is not None:
        record["messageAttributes"][FIRST_ARRIVAL] = {"stringValue": said, "dataType": "Number"}
    assert first_arrival(record) == arrived


def test_a_plan_of_an_unknown_field_is_read_without_it() -> None:
    assert Plan.from_json({**a_plan().to_json(), "later": True}) == a_plan()
