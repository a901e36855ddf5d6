"""Messages that were set aside go on by what is known today: dead letters as if they had just arrived for the first
time, undelivered messages only where nothing has happened since.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.aws.clients import waiting_client
from holdfast.aws.queues import FIRST_ARRIVAL, Queue
from holdfast.aws.tables.users import Users
from holdfast.core.formats import MAX_MESSAGE_BYTES
from holdfast.core.intake.batch import Reject, report
from holdfast.services.redriving import (
    ENDED,
    OLDEST_MS,
    arrive_again,
    dead_letter,
    deliver_again,
    ended_since,
    send_again,
)
from holdfast.services.set_aside import Aside, NotTaken, SetAside
from holdfast.services.ticks import DeadTicks
from holdfast_cli.stack import _client
from tests.integration.conftest import MINUTE, World, a_plan, throttled


def dead(world: World, *bodies: str) -> SetAside:
    url = world.sqs._real.create_queue(QueueName="dead")["QueueUrl"]
    for body in bodies:
        world.sqs._real.send_message(QueueUrl=url, MessageBody=body)
    events = Queue(world.sqs, world.queues["events"])  # type: ignore[arg-type]
    return SetAside(world.sqs, url, arrive_again(events), dead_letter)  # type: ignore[arg-type]


def received(world: World, queue: str) -> list[dict[str, Any]]:
    answer = world.sqs._real.receive_message(
        QueueUrl=world.queues[queue], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return answer.get("Messages", [])  # type: ignore[no-any-return]


def test_a_dead_letter_keeps_the_time_of_its_first_arrival_however_often_it_is_redriven(world: World) -> None:
    queue = dead(world, '{"user": "ann"}', "not JSON")
    before = {each.body["record"]: each.at for each in queue.look(10)}
    assert queue.redrive(10).done == 2
    arrived = received(world, "events")
    assert {m["Body"]: int(m["MessageAttributes"][FIRST_ARRIVAL]["StringValue"]) for m in arrived} == before
    for message in arrived:  # it fails again: SQS moves it as it is
        attributes = {FIRST_ARRIVAL: {"DataType": "Number", "StringValue": "1790000000000"}}
        world.sqs._real.send_message(QueueUrl=queue._url, MessageBody=message["Body"], MessageAttributes=attributes)
    assert {each.at for each in queue.look(10)} == {1_790_000_000_000}


def test_dead_letters_say_what_they_are(world: World) -> None:
    queue = dead(world, json.dumps({"holdfast": "tick", "users": {"ann": 1, "bob": 2}}), "[" * 100_000)
    assert sorted(each.reason for each in queue.look(10)) == ["could not be folded", "tick of 2 users"]


def test_sweep_sends_dead_ticks_again_and_leaves_events_for_people(world: World) -> None:
    tick = json.dumps({"holdfast": "tick", "users": {"ann": 1}})
    url = dead(world, "an event", tick)._url
    events = Queue(world.sqs, world.queues["events"])  # type: ignore[arg-type]
    sweep = world.sweep()
    sweep._dead = DeadTicks(world.sqs, url, events)  # type: ignore[arg-type]
    sweep.sweep(lambda: True)
    assert world.messages("events") == [json.loads(tick)]
    (event,) = world.sqs._real.receive_message(QueueUrl=url)["Messages"]
    assert event["Body"] == "an event"  # to be seen at once, by whoever redrives it


def test_a_dead_letter_queue_that_cannot_be_read_does_not_hold_sweep_up(world: World) -> None:
    world.sqs.fault("receive_message", throttled)
    sweep = world.sweep()
    sweep._dead = DeadTicks(world.sqs, "any", Queue(world.sqs, "any"))  # type: ignore[arg-type]
    sweep.sweep(lambda: True)


class Functions:
    """The deliver function, invoked by the redrive."""

    def __init__(self, world: World) -> None:
        self.world = world

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803 (as AWS names them)
        assert FunctionName == "deliver"
        images = [record["dynamodb"]["NewImage"] for record in json.loads(Payload)["Records"]]
        self.world.deliver().take(images, lambda: 60.0)
        return {}


def undelivered(world: World) -> SetAside:
    """One message is decided, and the bus does not take it."""
    world.join().take([world.body(world.added())])
    world.now += 31 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": {"ann": world.now}})])
    world.events.fault("put_events", *[throttled] * 6)
    world.deliver_outboxes()
    users = Users(world.dynamodb, "users")  # type: ignore[arg-type]
    redrive = deliver_again(Functions(world), "deliver", None, ended_since(users))  # type: ignore[arg-type]
    return SetAside(world.sqs, world.queues["undelivered"], redrive)  # type: ignore[arg-type]


@pytest.mark.parametrize("ago", [0, 20], ids=["bought since", "bought before, which was known only since"])
def test_an_undelivered_message_is_not_sent_once_its_user_has_bought(world: World, ago: int) -> None:
    queue = undelivered(world)
    world.now += MINUTE
    world.join().take([world.body(world.charged(ts=world.now - ago * MINUTE))])
    assert queue.redrive(10).done == 1
    (told,) = world.messages("rule")
    assert (told["detail-type"], told["detail"]["reason"]) == ("Personalized Message Withheld", ENDED)


def test_an_undelivered_message_is_sent_where_nothing_has_ended_it(world: World) -> None:
    queue = undelivered(world)
    world.now += MINUTE
    world.join().take([world.body(world.charged("hat"))])
    assert queue.redrive(10).done == 1
    (told,) = world.messages("rule")
    assert told["detail-type"] == "Personalized Message"


def test_an_undelivered_summary_is_not_sent_once_one_of_its_values_is_bought(world: World) -> None:
    world.publish(a_plan(summary=True, values={"title": "{{ ConstantEventProperty | join: ', ' }}"}))
    world.join().take([world.body(world.added("hat"))])
    queue = undelivered(world)
    world.now += MINUTE
    world.join().take([world.body(world.charged("hat"))])
    assert queue.redrive(10).done == 1
    (told,) = world.messages("rule")
    assert told["detail-type"] == "Personalized Message Withheld"


def test_what_was_cut_is_not_sent_again_as_if_it_were_whole(world: World) -> None:
    body = json.loads(report(Reject("not JSON", (), "中" * MAX_MESSAGE_BYTES)))
    redrive = send_again(Queue(world.sqs, world.queues["events"]))  # type: ignore[arg-type]
    with pytest.raises(NotTaken, match="beginning"):
        redrive(Aside("1", body, "", 0))


def test_an_event_that_outlived_the_marks_of_what_its_user_did_is_not_decided_blindly(world: World) -> None:
    """A purchase of that time is forgotten by now, and the reminder would go to whoever bought."""
    events = Queue(world.sqs, world.queues["events"])  # type: ignore[arg-type]
    again = arrive_again(events, clock=lambda: OLDEST_MS + 10)
    body = dead_letter('{"user": "ann", "event": "added to cart"}')
    with pytest.raises(NotTaken, match="three days"):
        again(Aside("m1", body, "r1", 9))
    again(Aside("m1", body, "r1", 10))


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:1"], ids=["on AWS", "embedded"])
def test_who_redrives_waits_as_long_as_deliver_may_take_and_starts_it_once(
    endpoint: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    deliver_seconds = 60
    for client in (_client("lambda", region="eu-central-1", endpoint=endpoint), waiting_client("lambda")):
        assert client.meta.config.read_timeout > deliver_seconds
        assert client.meta.config.retries["total_max_attempts"] == 1
