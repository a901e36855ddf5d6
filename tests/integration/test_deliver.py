"""deliver, with a fault at every hop: what was decided reaches the bus, or the undelivered queue whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.aws.bus import Bus, Entry
from holdfast.aws.packing import MAX_BYTES
from holdfast.core.fold.watches import Decision
from holdfast.core.messages.detail import message_id
from holdfast.services.deliver import Undelivered
from tests.integration.conftest import MINUTE, T0, World, a_plan, throttled


def decide(world: World, *users: str, **more: Any) -> None:
    """Each user leaves a coat behind, and their window runs out."""
    world.join().take([world.body(*(world.added(user=user, **more) for user in users))])
    world.now += 30 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": dict.fromkeys(users, world.now)})])


def test_a_send_is_rendered_for_its_user_and_put_on_the_bus(world: World) -> None:
    profile = {"user": "ann", "profile": {"first_name": "Ann", "email": "ann@example.com"}, "ts": T0}
    world.join().take([world.body(profile)])
    decide(world, "ann")
    world.deliver_outboxes()
    (event,) = world.messages("rule")
    assert (event["source"], event["detail-type"]) == ("holdfast", "Personalized Message")
    assert event["detail"]["user"] == {"identity": "ann", "email": "ann@example.com"}
    assert event["detail"]["values"] == {"title": "Ann, your coat"}
    assert event["detail"]["constant"] == {"name": "product", "value": "coat"}
    assert event["detail"]["metadata"]["decided_at"] == "2026-09-21T14:43:20.000Z"


def test_delivered_twice_it_has_the_same_id(world: World) -> None:
    decide(world, "ann")
    world.deliver_outboxes()
    world.deliver_outboxes()
    one, two = (event["detail"]["metadata"]["id"] for event in world.messages("rule"))
    assert one == two == message_id("ann", Decision(**world.outbox()[0]))


def test_a_missing_value_withholds_the_message_with_its_reason(world: World) -> None:
    world.publish(a_plan(values={"price": "{{ Event.price }}"}))
    decide(world, "ann")
    world.deliver_outboxes()
    (event,) = world.messages("rule")
    assert event["detail-type"] == "Personalized Message Withheld"
    assert event["detail"]["reason"] == "missing: Event.price"
    assert "values" not in event["detail"]


def test_a_purchase_learnt_of_too_late_takes_the_message_back(world: World) -> None:
    bought = world.charged()
    decide(world, "ann")
    sent = message_id("ann", Decision(**world.outbox()[0]))
    world.join().take([world.body(bought)])
    world.deliver_outboxes()
    (event,) = world.messages("rule")
    assert event["detail-type"] == "Personalized Message Retracted"
    assert event["detail"]["metadata"]["id"] == sent


def test_of_ten_entries_the_one_that_failed_is_put_again_alone(world: World) -> None:
    decide(world, *(f"u{n}" for n in range(10)))
    calls: list[int] = []

    def fail_the_third(arguments: dict[str, Any]) -> dict[str, Any]:
        calls.append(len(arguments["Entries"]))
        good = [entry for n, entry in enumerate(arguments["Entries"]) if n != 2]
        world.events._real.put_events(Entries=good)
        answers: list[dict[str, str]] = [{"EventId": str(n)} for n in range(10)]
        answers[2] = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
        return {"FailedEntryCount": 1, "Entries": answers}

    world.events.fault("put_events", fail_the_third, lambda arguments: calls.append(len(arguments["Entries"])))
    world.deliver_outboxes()
    assert calls == [10, 1]
    assert {event["detail"]["user"]["identity"] for event in world.messages("rule")} == {f"u{n}" for n in range(10)}
    assert world.messages("undelivered") == []


def test_eleven_messages_take_two_requests(world: World) -> None:
    decide(world, *(f"u{n}" for n in range(11)))
    world.deliver_outboxes()
    assert world.events.calls["put_events"] == 2
    assert len(world.messages("rule")) == 11


def test_what_cannot_be_put_goes_to_the_undelivered_queue_whole(world: World) -> None:
    decide(world, "ann", price=7)
    world.events.fault("put_events", *[throttled] * 6)
    world.deliver_outboxes()
    (undelivered,) = world.messages("undelivered")
    assert undelivered["reason"] == "not put: ProvisionedThroughputExceededException"
    assert undelivered["user"] == "ann"
    assert undelivered["outbox"] == world.outbox()


def test_with_no_time_left_it_does_not_try_again(world: World) -> None:
    decide(world, "ann")
    world.events.fault("put_events", throttled)
    world.deliver().take([world.item() or {}], lambda: 5.0)
    assert world.events.calls["put_events"] == 1
    assert len(world.messages("undelivered")) == 1


def test_where_nothing_can_be_put_aside_the_stream_has_to_try_again(world: World) -> None:
    decide(world, "ann")
    world.events.fault("put_events", *[throttled] * 6)
    world.sqs.fault("send_message_batch", *[throttled] * 4)
    with pytest.raises(Undelivered):
        world.deliver_outboxes()


def test_an_outbox_that_cannot_be_read_does_not_hold_up_the_next(world: World) -> None:
    decide(world, "ann")
    poison = {"user": {"S": "eve"}, "outbox": {"S": '[{"kind": "send", "colour": "red"}]'}}
    world.deliver().take([poison, world.item() or {}], lambda: 60.0)
    assert len(world.messages("rule")) == 1
    (undelivered,) = world.messages("undelivered")
    assert undelivered == {"reason": "not readable", "image": poison}


def test_a_message_that_cannot_be_rendered_does_not_hold_up_the_next(world: World) -> None:
    decide(world, "ann")
    image = world.item() or {}
    gone = json.loads(image["outbox"]["S"])
    gone[0] |= {"campaign": "never-published"}
    poison = {"user": {"S": "eve"}, "outbox": {"S": json.dumps(gone)}}
    world.deliver().take([poison, image], lambda: 60.0)
    assert len(world.messages("rule")) == 1
    (undelivered,) = world.messages("undelivered")
    assert undelivered["reason"] == "not rendered: UnknownCampaign"


def test_an_entry_larger_than_the_bus_takes_does_not_spoil_the_request_of_the_others(world: World) -> None:
    huge, small = Entry("Huge", '"' + "x" * MAX_BYTES + '"', T0), Entry("Small", "{}", T0)
    refused = Bus(world.events, "bus", "holdfast").put([huge, small], lambda: 60.0)  # type: ignore[arg-type]
    assert refused == {huge: "larger than 1048576 bytes"}
    assert [event["detail-type"] for event in world.messages("rule")] == ["Small"]


def test_a_message_is_rendered_by_the_live_revision(world: World) -> None:
    world.join().take([world.body(world.added(price=7))])
    world.publish(a_plan(values={"price": "now {{ Event.price }}"}))
    world.now += 30 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": {"ann": world.now}})])
    world.deliver_outboxes()
    (event,) = world.messages("rule")
    assert event["detail"]["values"] == {"price": "now 7"}
    assert event["detail"]["metadata"]["revision"] == 2


def test_where_the_live_revision_names_what_was_not_kept_the_folded_one_renders(world: World) -> None:
    world.join().take([world.body(world.added(price=7, colour="red"))])
    world.publish(a_plan(keep=("colour",), values={"colour": "{{ Event.colour }}"}))
    world.now += 30 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": {"ann": world.now}})])
    world.deliver_outboxes()
    (event,) = world.messages("rule")
    assert event["detail"]["values"] == {"title": "Hi, your coat"}
    assert event["detail"]["metadata"]["revision"] == 1


def test_a_paused_campaign_withholds_with_that_reason(world: World) -> None:
    world.join().take([world.body(world.added())])
    world.campaigns.pause("cart", paused=True)
    world.now += 30 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": {"ann": world.now}})])
    world.deliver_outboxes()
    (event,) = world.messages("rule")
    assert (event["detail-type"], event["detail"]["reason"]) == ("Personalized Message Withheld", "campaign paused")
