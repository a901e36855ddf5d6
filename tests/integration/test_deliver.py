"""deliver, with a fault at every hop: what was decided reaches the bus, or the undelivered queue whole."""

from __future__ import annotations

import hmac
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from holdfast.aws import retry
from holdfast.aws.bus import Bus, Entry
from holdfast.aws.packing import MAX_BYTES
from holdfast.aws.secrets import Secret
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


def test_what_the_bus_would_not_take_is_withheld_with_its_size(world: World) -> None:
    long = "{% for i in (1..20) %}" + "😀" * 800 + "{% endfor %}"
    world.publish(a_plan(values={f"v{n}": long for n in range(17)}))
    decide(world, "eve")
    world.deliver_outboxes()
    (event,) = world.messages("rule")
    assert event["detail-type"] == "Personalized Message Withheld"
    assert re.fullmatch(r"limit: 1,088,\d{3} bytes; the bus takes 1,048,576", event["detail"]["reason"])
    assert world.messages("undelivered") == []


def test_a_value_with_a_type_goes_out_as_that_json(world: World) -> None:
    values = {"price": "{{ Event.price }}", "title": "{{ Event.price }}"}
    world.publish(a_plan(values=values, types={"price": "number"}, keep=("price",)))
    decide(world, "ann", price="89.50")
    world.deliver_outboxes()
    (event,) = world.messages("rule")
    assert event["detail"]["values"] == {"price": 89.5, "title": "89.50"}


SIGNED = {"link": "https://shop.example/?s={{ Event.price | hmac_sha256 }}"}


def test_a_link_is_signed_with_the_stages_secret(world: World) -> None:
    world.publish(a_plan(values=SIGNED, keep=("price",)))
    decide(world, "ann", price="7")
    deliver = world.deliver()
    deliver._secret = lambda: "s3cret"
    deliver.take([world.item() or {}], lambda: 60.0)
    (event,) = world.messages("rule")
    signature = hmac.new(b"s3cret", b"7", "sha256").hexdigest()
    assert event["detail"]["values"] == {"link": f"https://shop.example/?s={signature}"}


def test_a_secret_that_cannot_be_read_withholds_nothing(world: World) -> None:
    def unreadable() -> str:
        raise TimeoutError

    world.publish(a_plan(values=SIGNED, keep=("price",)))
    decide(world, "ann", price="7")
    deliver = world.deliver()
    deliver._secret = unreadable
    deliver.take([world.item() or {}], lambda: 60.0)
    assert world.messages("rule") == []
    (undelivered,) = world.messages("undelivered")
    assert undelivered["reason"] == "the signing secret could not be read: TimeoutError"


def test_a_secret_is_read_once_and_only_where_there_is_one() -> None:
    calls: list[str] = []

    class Client:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803
            calls.append(SecretId)
            return {"SecretString": "s3cret"}

    secret = Secret(Client, "arn")
    assert (secret(), secret(), calls) == ("s3cret", "s3cret", ["arn"])
    assert (Secret(Client, "")(), calls) == ("", ["arn"])
    forgetful = Secret(Client, "other", ttl=-1)
    assert (forgetful(), forgetful(), calls) == ("s3cret", "s3cret", ["arn", "other", "other"])


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


def test_a_call_that_may_not_end_in_time_is_not_begun(world: World) -> None:
    """The rest of the time is for putting aside what could not be put."""
    decide(world, "ann")
    world.deliver().take([world.item() or {}], lambda: 15.0)
    assert world.events.calls["put_events"] == 0
    (undelivered,) = world.messages("undelivered")
    assert undelivered["reason"] == "not put: out of time"


class Clock:
    """Time that passes while a call is waited for, as long as the SDK's own settings let it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.left = seconds
        monkeypatch.setattr(retry, "sleep", self.pass_)

    def pass_(self, seconds: float) -> None:
        self.left -= seconds

    def hang(self, _: dict[str, Any]) -> None:
        self.left -= retry.CALL_SECONDS
        raise ReadTimeoutError(endpoint_url="any")


@pytest.mark.parametrize("users", [1, 15, 35])
def test_a_bus_that_does_not_answer_leaves_time_to_put_everything_aside(
    world: World, monkeypatch: pytest.MonkeyPatch, users: int
) -> None:
    images = []
    for number in range(users):
        decide(world, f"u{number}")
        images.append(world.item(f"u{number}") or {})
    clock = Clock(monkeypatch, 60.0)
    world.events.fault("put_events", *[clock.hang] * 99)
    world.deliver().take(images, lambda: clock.left)
    assert clock.left > 10
    assert len(world.messages("undelivered")) == users


def test_campaigns_that_cannot_be_read_set_decisions_aside_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    decide(world, "ann", price=7)
    image = world.item() or {}
    deliver = world.deliver()
    Clock(monkeypatch, 60.0)

    def unreadable() -> Any:
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "Query")

    monkeypatch.setattr(deliver._live, "known", unreadable)
    deliver.take([image], lambda: 60.0)
    (undelivered,) = world.messages("undelivered")
    assert undelivered["reason"] == "the campaigns could not be read: ClientError"
    assert undelivered["outbox"] == world.outbox()


def test_of_an_outbox_only_the_decision_that_cannot_be_read_is_set_aside(world: World) -> None:
    decide(world, "ann")
    (good,) = world.outbox()
    newer, broken = {**good, "v": 99}, {"kind": "send"}
    texts = json.dumps([newer, {**good, "colour": "red"}, broken])
    world.deliver().take([{"user": {"S": "ann"}, "outbox": {"S": texts}}], lambda: 60.0)
    assert len(world.messages("rule")) == 1  # a field that is not known is ignored
    assert {each["reason"]: each["outbox"] for each in world.messages("undelivered")} == {
        "needs a newer release": [newer],
        "not readable": [broken],
    }


@pytest.mark.parametrize(
    "image", [{}, {"outbox": {"S": "[]"}}, {"user": {"S": "x"}, "outbox": {"S": "[1]"}}, {"outbox": 1}]
)
def test_an_image_of_any_shape_holds_nobody_up(world: World, image: dict[str, Any]) -> None:
    decide(world, "ann")
    world.deliver().take([image, world.item() or {}], lambda: 60.0)
    assert len(world.messages("rule")) == 1


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
    outbox = [{"kind": "send", "colour": "red"}]
    assert undelivered == {"reason": "not readable", "user": "eve", "outbox": outbox}


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
