"""join, with a fault at every hop: nothing is lost, nothing is decided twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from holdfast.aws.history import Recorder
from holdfast.core.fold import profiles
from holdfast.core.fold.timers import slot
from holdfast.core.gate.hours import Hours
from holdfast.core.gate.rules import Rules
from holdfast.core.plans.plan import Constant
from holdfast.core.recommend.history import Row
from holdfast.services.join import Join
from tests.integration.conftest import MINUTE, T0, World, a_plan, killed, refusing, throttled


def tick(world: World, *users: str) -> dict[str, object]:
    return {"holdfast": "tick", "users": dict.fromkeys(users or ("ann",), world.now)}


def test_a_watch_is_opened_nominated_and_decided_by_its_tick(world: World) -> None:
    assert world.join().take([world.body(world.added(price=89.0))]) == []
    assert world.state().due() == T0 + 30 * MINUTE
    (timer,) = world.items("timers")
    assert timer["slot"]["S"] == slot(T0 + 30 * MINUTE, 0)
    world.now += 30 * MINUTE
    assert world.join().take([world.body(tick(world))]) == []
    (sent,) = world.outbox()
    assert (sent["kind"], sent["shown"], sent["event"], sent["when"]) == ("send", "coat", {"price": 89.0}, world.now)


def test_a_tick_that_only_nominates_again_writes_no_state(world: World) -> None:
    """The coat was bought; the hat falls due a minute later."""
    world.join().take([world.body(world.added())])
    world.now += MINUTE
    world.join().take([world.body(world.added("hat"), world.charged("coat"))])
    before, sent = world.items("users"), world.sqs.calls["send_message_batch"]
    world.now = T0 + 30 * MINUTE
    assert world.join().take([world.body(tick(world))]) == []
    assert world.items("users") == before
    assert world.sqs.calls["send_message_batch"] == sent + 1
    world.now += MINUTE
    world.join().take([world.body(tick(world))])
    assert [each["shown"] for each in world.outbox()] == ["hat"]


def test_a_user_costs_one_read_and_one_write_however_many_events_a_batch_holds(world: World) -> None:
    world.publish(a_plan(within=5 * MINUTE))
    join = world.join()
    join.take([])
    world.dynamodb.calls.clear()
    products = [world.added(f"p{n}") for n in range(20)]
    join.take([world.body(*products), world.body(world.charged("p3"), message="m2")])
    assert (world.dynamodb.calls["batch_get_item"], world.dynamodb.calls["put_item"]) == (1, 1)


def test_events_that_no_campaign_names_cost_one_read_however_many_there_are(world: World) -> None:
    """Of the epoch: a campaign published meanwhile may name them."""
    join = world.join()
    join.take([])
    world.dynamodb.calls.clear()
    viewed = {"user": "ann", "event": "viewed", "product": "coat", "ts": T0}
    join.take([world.body(viewed, message=f"m{number}") for number in range(1000)])
    assert world.dynamodb.calls == {"batch_get_item": 1}
    assert not world.sqs.calls


def test_a_redelivered_batch_writes_nothing_and_decides_nothing(world: World) -> None:
    batch = [world.body(world.added(), world.added("hat"))]
    world.join().take(batch)
    before = world.items("users")
    world.dynamodb.calls.clear()
    world.join().take(batch)
    assert world.items("users") == before
    assert world.dynamodb.calls["put_item"] == 0


def test_a_lost_race_is_folded_again_on_what_won_it(world: World) -> None:
    def competitor(_: dict[str, Any]) -> None:
        world.join().take([world.body(world.added("hat"), message="other")])

    world.dynamodb.fault("put_item", competitor)
    assert world.join().take([world.body(world.added("coat"))]) == []
    assert set(world.state().watches["cart"]) == {"coat", "hat"}


def test_of_two_ticks_at_the_same_time_one_decides(world: World) -> None:
    world.join().take([world.body(world.added())])
    world.now += 30 * MINUTE
    decided: list[object] = []

    def competitor(_: dict[str, Any]) -> None:
        world.join().take([world.body(tick(world), message="other")])
        decided.extend(world.outbox())

    world.dynamodb.fault("put_item", competitor)
    world.join().take([world.body(tick(world))])
    assert len(decided) == 1
    assert int(world.item()["version"]["N"]) == 2  # type: ignore[index]


def test_a_race_lost_too_often_goes_back_to_the_queue(world: World) -> None:
    lost = ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
    lost = world.dynamodb.exceptions.ConditionalCheckFailedException(lost.response, "PutItem")

    def lose(_: dict[str, Any]) -> None:
        raise lost

    world.dynamodb.fault("put_item", lose, lose, lose)
    assert world.join().take([world.body(world.added())]) == ["m1"]
    assert world.join().take([world.body(world.added())]) == []


def test_a_throttled_save_returns_the_records_of_that_user_and_no_others(world: World) -> None:
    def throttle_ann(arguments: dict[str, Any]) -> None:
        if arguments["Item"]["user"]["S"] == "ann":
            throttled(arguments)

    world.dynamodb.fault("put_item", *[throttle_ann] * 5)  # once with bob's beside it, and tried again alone
    batch = [world.body(world.added(), message="m1"), world.body(world.added(user="bob"), message="m2")]
    assert world.join().take(batch) == ["m1"]
    assert world.item("ann") is None
    assert world.item("bob") is not None


def test_what_cannot_be_read_comes_again(world: World) -> None:
    world.dynamodb.fault("batch_get_item", *[throttled] * 4)
    assert world.join().take([world.body(world.added())]) == ["m1"]
    assert world.items("users") == []


def test_keys_that_dynamodb_leaves_unprocessed_are_asked_for_again(world: World) -> None:
    world.join().take([world.body(world.added())])

    def unprocessed(arguments: dict[str, Any]) -> dict[str, Any]:
        return {"Responses": {}, "UnprocessedKeys": arguments["RequestItems"]}

    world.dynamodb.fault("batch_get_item", unprocessed)
    assert world.join().take([world.body(world.charged())]) == []
    assert world.state().due() is None


def test_no_state_is_saved_whose_timer_was_not_written(world: World) -> None:
    world.dynamodb.fault("batch_write_item", *[throttled] * 4)
    assert world.join().take([world.body(world.added())]) == ["m1"]
    assert world.items("users") == []


def test_no_state_is_saved_whose_tick_was_not_sent(world: World) -> None:
    world.publish(a_plan(within=MINUTE))
    world.sqs.fault("send_message_batch", *[throttled] * 4)
    assert world.join().take([world.body(world.added())]) == ["m1"]
    assert world.items("users") == []


def test_killed_between_timer_and_state_it_leaves_a_nomination_that_comes_to_nothing(world: World) -> None:
    world.dynamodb.fault("put_item", killed)
    with pytest.raises(KeyboardInterrupt):
        world.join().take([world.body(world.added())])
    assert world.items("timers")
    world.now += 30 * MINUTE
    assert world.join().take([world.body(tick(world))]) == []
    assert world.items("users") == []


def test_killed_after_its_save_it_changes_nothing_when_it_runs_again(world: World) -> None:
    batch = [world.body(world.added()), world.body("{", message="m2")]
    world.sqs.fault("send_message_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        world.join().take(batch)
    saved = world.items("users")
    assert world.join().take(batch) == []
    assert world.items("users") == saved
    assert len(world.messages("rejected")) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("not json", "not JSON"),
        ('{"event": "added", "product": "coat"}', "no user"),
        ({"user": "ann", "event": "added", "product": "coat", "ts": T0 + 3 * MINUTE}, "in the future"),
        ({"user": "ann", "event": "added", "ts": T0}, "cart: constant property product: product is missing"),
        ({"user": "ann", "event": "added", "product": {"a": 1}, "ts": T0}, "neither a value nor a list"),
    ],
)
def test_a_record_that_can_never_be_folded_is_rejected_and_its_neighbours_are_folded(
    world: World, body: object, reason: str
) -> None:
    batch = [world.body(body), world.body(world.added("hat"), message="m2")]
    assert world.join().take(batch) == []
    (rejected,) = world.messages("rejected")
    assert reason in rejected["reason"]
    assert set(world.state().watches["cart"]) == {"hat"}


def test_one_bad_record_of_a_message_leaves_the_others_of_it_alone(world: World) -> None:
    assert world.join().take([world.body(world.added(), {"event": "added"}, 17, world.added("hat"))]) == []
    assert set(world.state().watches["cart"]) == {"coat", "hat"}
    assert [each["record"] for each in world.messages("rejected")] == [{"event": "added"}, 17]


def test_an_event_that_one_campaign_cannot_join_is_folded_for_the_others(world: World) -> None:
    world.publish(a_plan(id="any", constant=(), values={"title": "hello"}))
    assert world.join().take([world.body({"user": "ann", "event": "added", "ts": T0})]) == []
    assert set(world.state().watches) == {"any"}
    (rejected,) = world.messages("rejected")
    assert rejected["campaigns"] == ["cart"]
    assert rejected["record"]["user"] == "ann"


def test_a_rejected_event_sent_again_is_the_same_event(world: World) -> None:
    world.publish(a_plan(id="any", constant=(), values={"title": "hello"}))
    world.join().take([world.body({"user": "ann", "event": "added", "ts": T0})])
    state = world.state()
    (rejected,) = world.messages("rejected")
    world.join().take([world.body(rejected["record"])])
    assert world.state() == state


def test_rejects_that_could_not_be_put_aside_come_again(world: World) -> None:
    world.sqs.fault("send_message_batch", *[throttled] * 4)
    batch = [world.body("{", message="m1"), world.body(world.added("hat"), message="m2")]
    assert world.join().take(batch) == ["m1"]


def test_two_equal_bad_messages_are_two_rejects(world: World) -> None:
    world.join().take([world.body("{", message="m1"), world.body("{", message="m2")])
    assert len(world.messages("rejected")) == 2


def test_a_tick_that_comes_too_early_nominates_again(world: World) -> None:
    world.publish(a_plan(within=2 * MINUTE))
    world.join().take([world.body(world.added())])
    world.sqs.calls.clear()
    early = {"holdfast": "tick", "users": {"ann": T0 + 2 * MINUTE}}
    world.now += 2 * MINUTE - 100
    world.join().take([world.body(early)])
    assert world.sqs.calls["send_message_batch"] == 1
    assert world.outbox() == []


def test_profiles_keep_the_latest_value_whatever_the_order(world: World) -> None:
    new = {"user": "ann", "profile": {"first_name": "Anna"}, "ts": T0}
    old = {"user": "ann", "profile": {"first_name": "Ann", "city": "Ulm"}, "ts": T0 - 1}
    world.join().take([world.body(new)])
    world.join().take([world.body(old)])
    world.join().take([world.body(new)])
    item = world.item(part="profile")
    assert item
    assert item["state"]["S"] == f'{{"city":["Ulm",{T0 - 1}],"first_name":["Anna",{T0}]}}'
    assert item["version"]["N"] == "2"


def test_what_is_decided_at_once_is_not_saved_before_the_profile_that_came_with_it(world: World) -> None:
    world.publish(
        a_plan(id="now", did=("viewed",), did_not=(), within=0, constant=(Constant("product", {"viewed": "product"}),))
    )
    join, about = world.join(), {"user": "ann", "profile": {"first_name": "Anna"}, "ts": world.now}
    batch = [world.body(about, {"user": "ann", "event": "viewed", "product": "coat", "ts": world.now})]
    world.dynamodb.fault("batch_execute_statement", *[throttled] * 4)
    assert join.take(batch) == ["m1"]
    assert world.outbox() == []
    assert join.take(batch) == []
    world.deliver_outboxes()
    (sent,) = world.messages("rule")
    assert sent["detail"]["values"]["title"] == "Anna, your coat"


def test_operations_on_a_profile_count_once_and_what_comes_too_late_for_them_is_rejected(world: World) -> None:
    def points(at: int, number: int) -> dict[str, object]:
        return {"user": "ann", "profile": {"points": {"$incr": number}}, "ts": at}

    world.join().take([world.body(points(T0, 1), points(T0, 1))])
    world.now += 5 * 24 * 60 * MINUTE
    world.join().take([world.body(points(world.now, 2), message="m2")])
    assert world.join().take([world.body(points(T0, 7), message="m3")]) == []
    assert profiles.properties(profiles.decode((world.item(part="profile") or {})["state"]["S"])) == {"points": 3}
    (rejected,) = world.messages("rejected")
    assert rejected["record"]["profile"] == {"points": {"$incr": 7}}


def test_a_profile_larger_than_what_is_kept_is_told_not_cut_silently(world: World) -> None:
    small = {"user": "ann", "profile": {"first_name": "Ann"}, "ts": T0}
    big = {"user": "ann", "profile": {f"p{n}": "x" * 500 for n in range(250)}, "ts": T0}
    assert world.join().take([world.body(small), world.body(big, message="m2")]) == []
    assert profiles.properties(profiles.decode((world.item(part="profile") or {})["state"]["S"])) == {
        "first_name": "Ann"
    }
    (rejected,) = world.messages("rejected")
    assert rejected["record"]["profile"] == big["profile"]
    assert "102400 are allowed" in rejected["reason"]


def test_a_filter_that_cannot_compare_an_event_rejects_it_and_holds_up_nobody(world: World) -> None:
    world.publish(a_plan(where={"added": "price >= `20`"}))
    batch = [world.body(world.added(price="30")), world.body(world.added("hat", price=30), message="m2")]
    assert world.join().take(batch) == []
    assert set(world.state().watches["cart"]) == {"hat"}
    (rejected,) = world.messages("rejected")
    assert rejected["campaigns"] == ["cart"]


def test_a_state_that_cannot_be_read_concerns_its_user_alone(world: World) -> None:
    """Nor does one of a newer release: its messages come again, until there is one that can read it."""
    world.join().take([world.body(world.added(user="bad")), world.body(world.added(user="newer"), message="m2")])
    for user, text in {"bad": '{"watches": {"cart": 7}}', "newer": '{"v": 99, "watches": {}}'}.items():
        world.dynamodb._real.update_item(
            TableName="users",
            Key={"user": {"S": user}, "part": {"S": "watches"}},
            UpdateExpression="SET #state = :text",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":text": {"S": text}},
        )
    bodies = [world.body(world.added("hat", user=user), message=user) for user in ("ann", "bad", "bob", "newer")]
    assert world.join().take(bodies) == ["bad", "newer"]
    assert all(world.state(user).watches for user in ("ann", "bob"))


def test_a_profile_that_cannot_be_read_concerns_its_user_alone(world: World) -> None:
    profile = {"user": "bad", "profile": {"name": "x"}, "ts": world.now}
    world.join().take([world.body(profile)])
    world.dynamodb._real.update_item(
        TableName="users",
        Key={"user": {"S": "bad"}, "part": {"S": "profile"}},
        UpdateExpression="SET #state = :text",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":text": {"S": "[]"}},
    )
    good = {"user": "ann", "profile": {"name": "Ann"}, "ts": world.now}
    assert world.join().take([world.body(profile, message="bad"), world.body(good, message="good")]) == ["bad"]
    assert world.item("ann", "profile")


def test_a_user_whose_tick_is_refused_concerns_nobody_else(world: World) -> None:
    world.publish(a_plan(within=5 * MINUTE))
    world.sqs.fault("send_message_batch", *[refusing(world, "bad")] * 9)
    bodies = [world.body(world.added("hat", user=user), message=user) for user in ("ann", "bad", "bob")]
    assert world.join().take(bodies) == ["bad"]
    assert world.item("bad") is None


def test_a_save_that_can_never_succeed_concerns_its_user_alone_and_is_not_tried_again(world: World) -> None:
    """DynamoDB says so of a whole call, which is then made one by one."""
    asked: list[int] = []

    def too_large(arguments: dict[str, Any]) -> None:
        asked.append(len(arguments["Statements"]))
        if any("bad" in str(each["Parameters"]) for each in arguments["Statements"]):
            raise ClientError({"Error": {"Code": "ValidationException"}}, "BatchExecuteStatement")

    world.dynamodb.fault("batch_execute_statement", *[too_large] * 9)
    bodies = [world.body(world.added("hat", user=user), message=user) for user in ("ann", "bad", "bob")]
    assert world.join().take(bodies) == ["bad"]
    assert asked == [3, 1, 1, 1]


def test_with_no_time_left_nothing_is_begun_and_everything_comes_again(world: World) -> None:
    join = world.join()
    join._users._seconds_left = lambda: 5.0
    assert join.take([world.body(world.added())]) == ["m1"]
    assert world.dynamodb.calls["batch_get_item"] == 0


@pytest.mark.parametrize("body", ['"' * 600_000, "中" * 300_000, "\x7f\x01\\" * 300_000, "[" + "中" * 340_000])
def test_a_body_that_is_larger_in_a_report_is_rejected_all_the_same(world: World, body: str) -> None:
    assert world.join().take([world.body(body)]) == []
    (rejected,) = world.messages("rejected")
    assert body.startswith(rejected["record"])
    assert len(rejected["record"]) == len(body) or rejected["cut"] == len(body)


def test_history_that_nobody_takes_costs_one_short_wait() -> None:
    asked = []

    class Hanging:
        def put_record_batch(self, **_: object) -> None:
            asked.append(1)
            raise ReadTimeoutError(endpoint_url="any")

    rows = [Row("ann", "added", "product", "x" * 500, 1) for _ in range(20_000)]
    assert Recorder(Hanging, "stream").put(rows) == 20_000  # type: ignore[arg-type]
    assert asked == [1]


@pytest.mark.parametrize("campaigns", [("cart",), ("cart", "browse")])
def test_a_user_with_as_much_as_the_limits_allow_is_saved_and_decided(world: World, campaigns: tuple[str, ...]) -> None:
    keep = ("price", "title", "image", "url", "brand")
    for campaign in campaigns:
        world.publish(a_plan(id=campaign, keep=keep))
    long = {"title": "t" * 500, "image": "i" * 500, "url": "u" * 500, "brand": "b" * 500}
    join = world.join()
    told = 0
    for number in range(0, 200, 20):
        adds = (world.added(f"p{n:03}" + "x" * 400, price=9.5, **long) for n in range(number, number + 20))
        assert join.take([world.body(*adds)]) == []
        told += sum(each.get("open", 1) for each in world.outbox())
        world.now += 1000
    world.now += 31 * MINUTE
    while world.state().due() is not None:
        assert join.take([world.body(tick(world))]) == []
        told += sum(each.get("open", 1) for each in world.outbox())
    assert told == 200 * len(campaigns)


GERMAN = Rules(audience="Profile.country == 'DE'")


def country(of: str) -> dict[str, object]:
    return {"user": "ann", "profile": {"country": of}, "ts": T0}


@pytest.mark.parametrize(("of", "what"), [("DE", ("send", "")), ("FR", ("withhold", "audience"))])
@pytest.mark.parametrize("together", [True, False])
def test_the_profile_decides_where_a_campaign_asks_for_it(
    world: World, of: str, what: tuple[str, str], *, together: bool
) -> None:
    """Also one that comes in the very batch in which it is asked for."""
    world.publish(a_plan(rules=GERMAN))
    world.join().take([world.body(world.added(), *([] if together else [country(of)]))])
    world.now += 30 * MINUTE
    world.join().take([world.body(tick(world), message="m2"), *([world.body(country(of))] if together else [])])
    assert [(each["kind"], each.get("reason", "")) for each in world.outbox()] == [what]


def test_the_profile_is_read_only_for_what_may_be_decided_and_beside_the_state(world: World) -> None:
    asked: list[int] = []

    def see(arguments: dict[str, Any]) -> None:
        asked.extend(len(each["Keys"]) for each in arguments["RequestItems"].values())

    for plan, batch, keys in (
        (a_plan(rules=GERMAN), [world.added()], 1),
        (a_plan(rules=GERMAN), [tick(world)], 2),
        (a_plan(rules=Rules(again_after=MINUTE)), [tick(world)], 1),
    ):
        world.publish(plan)
        join = world.join()
        join.take([])
        asked.clear()
        world.dynamodb.calls.clear()
        world.dynamodb.fault("batch_get_item", see)
        join.take([world.body(*batch)])
        assert (world.dynamodb.calls["batch_get_item"], sum(asked)) == (1, keys + 1), "and one is the epoch"


def test_nothing_is_decided_without_the_profile_that_it_asks_for(world: World) -> None:
    world.publish(a_plan(rules=GERMAN))
    world.join().take([world.body(world.added(), country("DE"))])
    item = world.item(part="profile")
    assert item
    world.dynamodb.put_item(TableName="users", Item={**item, "state": {"S": "{"}})
    world.now += 30 * MINUTE
    assert world.join().take([world.body(tick(world), message="m2")]) == ["m2"]
    assert world.outbox() == []


def test_a_message_waits_for_its_hours_by_a_nomination(world: World) -> None:
    at = datetime.fromtimestamp(T0 / 1000, UTC) + timedelta(hours=2)
    begin = at.hour * 60
    world.publish(a_plan(rules=Rules(hours=Hours(begin, (begin + 60) % 1440, zone="UTC"))))
    world.join().take([world.body(world.added())])
    world.now += 30 * MINUTE
    assert world.join().take([world.body(tick(world))]) == []
    assert world.outbox() == []
    opens = round(at.replace(minute=0, second=0, microsecond=0).timestamp() * 1000)
    assert world.state().due() == opens
    assert slot(opens, 0) in [timer["slot"]["S"] for timer in world.items("timers")]
    world.now = opens
    world.join().take([world.body(tick(world))])
    assert [(each["kind"], each["when"]) for each in world.outbox()] == [("send", opens)]


# --- A tick that is folded before the state that it is for is saved ---


def _folding(world: World, join: Join) -> Callable[[dict[str, Any]], None]:
    """Another container folds the ticks that come meanwhile."""

    def meanwhile(_: dict[str, Any]) -> None:
        ticks = [world.body(each, message="t") for each in world.messages("events")]
        assert join.take(ticks) == []

    return meanwhile


def _ticks(world: World) -> list[dict[str, int]]:
    """The users of the ticks that are sent next, delayed ones too."""
    sent: list[dict[str, int]] = []

    def sending(arguments: dict[str, Any]) -> None:
        sent.extend(json.loads(each["MessageBody"])["users"] for each in arguments["Entries"])

    world.sqs.fault("send_message_batch", *[sending] * 9)
    return sent


def test_a_watch_that_was_due_when_it_was_folded_is_nominated_once_it_is_saved(world: World) -> None:
    body = world.body(world.added())
    world.now += 45 * MINUTE
    world.dynamodb.fault("put_item", _folding(world, world.join()))
    assert world.join().take([body]) == []
    (again,) = world.messages("events")
    assert again["users"] == {"ann": world.now}
    world.join().take([world.body(again)])
    assert [each["kind"] for each in world.outbox()] == ["send"]


def test_a_tick_that_comes_to_nothing_while_an_event_is_folded_leaves_its_watch_nominated(world: World) -> None:
    world.publish(a_plan(within=5 * MINUTE))
    one, two = world.join(), world.join()
    one.take([world.body(world.added())])
    world.now += 1000
    one.take([world.body(world.charged())])
    world.now = T0 + 5 * MINUTE - 10
    one.take([])
    due = world.now + 5 * MINUTE

    def meanwhile(_: dict[str, Any]) -> None:
        world.now += 20
        two.take([world.body({"holdfast": "tick", "users": {"ann": T0 + 5 * MINUTE}})])

    world.dynamodb.fault("put_item", meanwhile)
    sent = _ticks(world)
    assert one.take([world.body(world.added("hat"))]) == []
    assert sent == [{"ann": due}]


def test_a_nomination_of_the_next_seconds_is_not_relied_on_as_clocks_differ(world: World) -> None:
    world.publish(a_plan(within=5 * MINUTE))
    world.join().take([world.body(world.added())])
    sent = _ticks(world)
    for early, ticks in ((6000, []), (4000, [{"ann": T0 + 5 * MINUTE}])):
        world.now = T0 + 5 * MINUTE - early
        world.join().take([world.body(world.added("hat"))])
        assert sent == ticks


def test_what_could_not_be_nominated_once_it_was_saved_comes_again_and_is(world: World) -> None:
    body = world.body(world.added())
    world.now += 45 * MINUTE
    world.sqs.fault("send_message_batch", lambda _: None, *[throttled] * 4)
    assert world.join().take([body]) == ["m1"]
    world.messages("events")
    assert world.join().take([body]) == []
    assert [each["users"] for each in world.messages("events")] == [{"ann": world.now}]
