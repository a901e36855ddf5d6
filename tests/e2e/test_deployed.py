"""The stack as it is deployed: real queues, a real stream, functions that run, a rule that fires."""

from __future__ import annotations

import csv
import io
import json
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Message, Queue
from holdfast.aws.tables.timers import Timers
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.fold.stored import encode
from holdfast.core.fold.timers import SLOT_MS, TimerItem, slot
from holdfast.core.fold.watches import State, Trigger, Watch
from holdfast_cli.books import Books, read_books
from holdfast_cli.campaigns import campaigns, publish_one
from holdfast_cli.main import app
from holdfast_cli.set_aside import rejected_queue
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import Tap, tap
from tests.eventually import PATIENCE, eventually
from tests.otto import OTTO, needs_otto, simulate

WINDOW = 6.0
QUIET = 3.0
"""Seconds."""


def a_campaign(**when: Any) -> Campaign:
    """A new one, so that tests do not get in each other's way: its id is also the name of its events' first word."""
    name = f"c{uuid.uuid4().hex[:8]}"
    added, charged = f"{name} added", f"{name} charged"
    return Campaign.model_validate(
        {
            "id": name,
            "when": {"did": added, "did_not": charged, "within": f"{WINDOW} s", "settle": "0 s", **when},
            "constant": {"name": "product", "in": {added: "product", charged: "product"}},
            "send": {"values": {"title": "{{ Profile.first_name | default: 'Hi' }}, your {{ ConstantEventProperty }}"}},
        }
    )


@pytest.fixture
def tapped(deployed: Deployment) -> Iterator[Tap]:
    with tap(deployed) as tapped:
        yield tapped


def publish(deployed: Deployment, campaign: Campaign) -> None:
    publish_one(campaigns(deployed), campaign, campaign.model_dump_json(by_alias=True))


def send(deployed: Deployment, *records: object) -> None:
    queue = Queue(deployed.client("sqs"), deployed.outputs["EventsQueueUrl"])
    assert queue.send(Message(r if isinstance(r, str) else json.dumps(r)) for r in records) == []


def hear(tapped: Tap, campaign: str, expected: int, *, before: Iterable[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """The events that a rule's target gets for a campaign, repeats left out, those of what was heard `before` too:
    until there is as much as expected (a busy machine may take its time), and then for a few seconds more, in which
    nothing else should come.
    """
    known = {_identity(event) for event in before}
    heard: dict[tuple[str, str], dict[str, Any]] = {}
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        for event in tapped.messages():
            if event["detail"]["metadata"]["campaign"] == campaign and _identity(event) not in known:
                heard[_identity(event)] = event
                if len(heard) == expected:
                    ends = min(ends, time.monotonic() + QUIET)
    return list(heard.values())


def _identity(event: dict[str, Any]) -> tuple[str, str]:
    return event["detail-type"], event["detail"]["metadata"]["id"]


def test_what_was_left_behind_reaches_the_rules_target_and_what_was_bought_does_not(
    deployed: Deployment, tapped: Tap
) -> None:
    campaign = a_campaign()
    publish(deployed, campaign)
    now = now_ms()
    base = {"user": "ann", "ts": now}
    records = [
        {"user": "ann", "profile": {"first_name": "Ann", "email": "ann@example.com"}, "ts": now},
        {**base, "event": f"{campaign.id} Added", "product": "coat"},
        {**base, "event": f"{campaign.id} Added", "product": "hat"},
        {**base, "event": f"{campaign.id} Added", "product": 7},
        {**base, "event": f"{campaign.id} CHARGED", "product": ["hat", "7"], "ts": now + 1},
    ]
    send(deployed, records)  # one message: no purchase is folded later than what it ends is due
    (event,) = hear(tapped, campaign.id, 1)
    assert event["source"] == "holdfast"
    assert event["detail"]["values"] == {"title": "Ann, your coat"}
    assert event["detail"]["user"] == {"identity": "ann", "email": "ann@example.com"}
    decided = event["detail"]["metadata"]["decided_at"]
    assert decided >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now / 1000 + WINDOW))


@needs_otto
def test_real_shopping_events_give_the_same_messages_as_the_simulation(deployed: Deployment, tapped: Tap) -> None:
    """The sample spans weeks. Watches of different (user, product) know nothing of each other: each pair's events are
    moved to now. Those closer than the window are one message of the queue, a little apart by their own times: no such
    group is near the window's length. After a longer gap, what was due before has come.
    """
    campaign = a_campaign()
    publish(deployed, campaign)
    names = {"added_to_cart": f"{campaign.id} added", "charged": f"{campaign.id} charged", "viewed": "viewed"}
    pairs: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    rounds: dict[tuple[str, str], tuple[int, int]] = {}
    round_of: dict[tuple[str, str, int], int] = {}
    for event in map(json.loads, OTTO.lines()):
        pair = event["user"], event["product"]
        number = 0
        if event["event"] != "viewed":
            if pair in rounds:
                before, number = rounds[pair]
                number += event["ts"] - before >= 60_000
            rounds[pair] = event["ts"], number
            round_of[*pair, event["ts"]] = number
        pairs[pair].append((number, names[event["event"]]))
    decided = simulate(OTTO.lines(), seconds=60)
    expected = Counter((user, product) for _, user, product, _ in decided)
    assert expected.total() == 49
    heard: list[dict[str, Any]] = []
    for number in range(1 + max(round_of.values())):
        at = now_ms()
        together = (
            [
                {"user": user, "event": name, "product": product, "ts": at + 10 * nth}
                for nth, (mine, name) in enumerate(events)
                if mine == number
            ]
            for (user, product), events in pairs.items()
        )
        send(deployed, *filter(None, together))
        if due := sum(round_of[each[1:]] == number for each in decided):
            heard += hear(tapped, campaign.id, due, before=heard)
    assert {event["detail-type"] for event in heard} == {"Personalized Message"}
    assert Counter((e["detail"]["user"]["identity"], e["detail"]["constant"]["value"]) for e in heard) == expected


def test_sweep_ticks_the_users_of_a_slot(deployed: Deployment, tapped: Tap) -> None:
    """A watch that nothing but its timer slot knows of: as one is fifteen minutes after its trigger."""
    campaign = a_campaign(within="20 minutes")
    publish(deployed, campaign)
    now, user = now_ms(), uuid.uuid4().hex
    watch = Watch(Trigger(now - 20 * 60_000, "e1", now, 1, "coat", {}))
    dynamodb = deployed.client("dynamodb")
    dynamodb.put_item(
        TableName=deployed.outputs["UsersTableName"],
        Item={
            "user": {"S": user},
            "part": {"S": "watches"},
            "state": {"S": encode(State({campaign.id: {"coat": watch}}))},
            "version": {"N": "1"},
        },
    )
    timers = Timers(dynamodb, deployed.outputs["TimersTableName"])
    for shard in range(4):
        assert timers.write([TimerItem(slot(now, shard), json.dumps({user: now}), now)]) == []
        timers.set_cursor(shard, now // SLOT_MS * SLOT_MS)  # a sweep on schedule may have read this minute by now
    deployed.client("lambda").invoke(FunctionName=deployed.outputs["SweepFunctionName"], Payload=b"{}")
    (event,) = hear(tapped, campaign.id, 1)
    assert event["detail"]["user"]["identity"] == user


def test_a_campaign_is_published_listed_shown_and_paused_from_the_command_line(tapped: Tap, tmp_path: Any) -> None:
    runner = CliRunner()
    campaign = a_campaign()
    file = tmp_path / "campaign.json"
    file.write_text(campaign.model_dump_json(by_alias=True, exclude_unset=True))

    def run(*arguments: str) -> list[dict[str, Any]]:
        result = runner.invoke(app, [*arguments, "--json"])
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    assert [row["news"] for row in run("campaign", "publish", str(file))] == ["published"]
    assert [row["news"] for row in run("campaign", "publish", str(file))] == ["unchanged"]
    assert campaign.id in {row["campaign"] for row in run("campaign", "list")}
    assert run("campaign", "show", campaign.id)[0]["source"] == file.read_text()
    assert run("campaign", "pause", campaign.id)[0]["state"] == "paused"
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps({"user": "pia", "event": f"{campaign.id} added", "product": "coat"}) + "\n")
    assert run("send", str(events)) == [{"sent": 1, "unsent": 0}]
    (event,) = hear(tapped, campaign.id, 1)
    assert event["detail"]["reason"] == "campaign paused"
    assert run("campaign", "resume", campaign.id)[0]["state"] == "live"
    missing = runner.invoke(app, ["campaign", "show", "no-such"])
    assert missing.exit_code == 1
    assert "no campaign no-such" in str(missing.exception)


def test_the_logs_name_no_user_and_nothing_of_an_event(deployed: Deployment) -> None:
    before = read_books(deployed).rejected
    send(deployed, {"user": "u-8c1f", "event": "p-77ab"}, '{"user": "u-8c1f", "secret": "s-12"', {"secret": "s-12"})
    assert eventually(lambda: read_books(deployed).rejected, lambda rejected: rejected >= before + 2) >= before + 2
    pages = deployed.client("logs").get_paginator("filter_log_events")
    lines = [
        event["message"]
        for function in ("join", "sweep", "deliver")
        for page in pages.paginate(logGroupName=deployed.log_group(function))
        for event in page["events"]
    ]
    for word in ("u-8c1f", "p-77ab", "s-12", "ann@example.com", "pia", "coat"):
        assert not [line for line in lines if word in line]


def test_the_books_balance_after_all_of_this(deployed: Deployment) -> None:
    """A queue may hand a record over twice: then it is rejected and counted twice, and lies on the queue twice."""
    before, word = read_books(deployed), uuid.uuid4().hex
    send(deployed, f"not json: {word}", {"user": word})

    def look() -> tuple[Books, list[str]]:
        records = (json.dumps(each.body["record"]) for each in rejected_queue(deployed).look(1000))
        return read_books(deployed), [record for record in records if word in record]

    def settled(found: tuple[Books, list[str]]) -> bool:
        books, rejected = found
        decided = books.delivered + books.withheld
        new = books.rejected - before.rejected
        return new == len(rejected) >= 2 and not books.waiting and books.decided == decided

    books, rejected = eventually(look, settled)
    assert len(set(rejected)) == 2
    assert books.rejected - before.rejected == len(rejected)
    assert books.waiting == 0
    assert books.decided == books.delivered + books.withheld + books.undelivered > 0


def test_two_variants_go_out_and_a_purchase_after_the_message_converts_it(deployed: Deployment, tapped: Tap) -> None:
    """The purchase is sent once its message was heard, and happened after it: nothing depends on how long that took."""
    campaign = a_campaign()
    added, charged = campaign.when.did[0], campaign.when.did_not[0]
    campaign = Campaign.model_validate(
        {
            **campaign.model_dump(by_alias=True, mode="json"),
            "send": {
                "values": {"title": "Your {{ ConstantEventProperty }}"},
                "variants": [
                    {"name": "short", "values": {"title": "Hi"}},
                    {"name": "long", "values": {"title": "Your {{ ConstantEventProperty }} is still here"}},
                ],
            },
            "convert": {"within": "1 day", "amount": "price", "currency": "'EUR'"},
        }
    )
    publish(deployed, campaign)
    plan = campaign.plan()
    of = {plan.variant_of(user): user for user in (f"{campaign.id}-{number}" for number in range(40))}
    send(deployed, *({"user": user, "event": added, "product": "coat", "ts": now_ms()} for user in of.values()))
    sent = {each["detail"]["metadata"]["variant"]: each for each in hear(tapped, campaign.id, 2)}
    assert {variant: each["detail"]["values"]["title"] for variant, each in sent.items()} == {
        "short": "Hi",
        "long": "Your coat is still here",
    }
    send(deployed, {"user": of["long"], "event": charged, "product": "coat", "price": 40.5, "ts": now_ms()})
    (converted,) = hear(tapped, campaign.id, 1, before=sent.values())
    assert converted["detail-type"] == "Personalized Message Converted"
    told = converted["detail"]
    assert told["metadata"]["id"] == sent["long"]["detail"]["metadata"]["id"]
    assert (told["metadata"]["variant"], told["user"]["identity"]) == ("long", of["long"])
    assert (told["conversion"]["amount"], told["conversion"]["currency"]) == (40.5, "EUR")
    rows = _outcomes(campaign.id)
    assert {(row["variant"], row["messages"], row["converted"], row["amount"]) for row in rows} == {
        ("short", "1", "0", "0.0"),
        ("long", "1", "1", "40.5"),
    }


def _outcomes(campaign: str) -> list[dict[str, str]]:
    """The rows of `holdfast stats --csv` about it, once the conversion is counted: that comes after the bus."""

    def look() -> list[dict[str, str]]:
        result = CliRunner().invoke(app, ["stats", "--csv", "--days", "2"])
        assert result.exit_code == 0, result.output
        return [row for row in csv.DictReader(io.StringIO(result.stdout)) if row["campaign"] == campaign]

    return eventually(look, lambda rows: any(row["converted"] == "1" for row in rows))
