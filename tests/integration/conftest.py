"""The functions on moto's DynamoDB, SQS and EventBridge, with faults put in where a test wants them."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from threading import Condition
from typing import Any, Literal, TypeAlias

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from holdfast.aws import retry
from holdfast.aws.bus import Bus
from holdfast.aws.personalize import Personalize
from holdfast.aws.queues import Queue
from holdfast.aws.tables import revisions
from holdfast.aws.tables.campaigns import Campaigns, LivePlans
from holdfast.aws.tables.statistics import Statistics
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Users
from holdfast.aws.telemetry import Metrics
from holdfast.core.fold.forgetting import Limits
from holdfast.core.fold.stored import decode
from holdfast.core.fold.watches import State
from holdfast.core.intake.batch import Body
from holdfast.core.plans.plan import Constant, Plan
from holdfast.services.deliver import Deliver
from holdfast.services.join import Join
from holdfast.services.message_data import Lookup
from holdfast.services.sweep import Sweep
from tests.integration.statements import batch_execute_statement

T0 = 1_790_000_000_000
"""A Monday in September 2026, on the full second."""
MINUTE = 60_000
YEAR = 365 * 24 * 60 * MINUTE


class Client:
    """A client that counts its calls, and fails or interferes where it was told to.

    A statement of a batch is counted, and fails, as the PutItem that it comes to.
    """

    def __init__(self, real: Any) -> None:
        self._real = real
        self.calls: Counter[str] = Counter()
        self._faults: dict[str, list[Callable[[dict[str, Any]], Any]]] = defaultdict(list)

    def fault(self, operation: str, *faults: Callable[[dict[str, Any]], Any]) -> None:
        """For the next calls of an operation, one each: a fault gets the arguments; it raises, or returns an answer, or
        returns None to let the call through.
        """
        self._faults[operation].extend(faults)

    def batch_execute_statement(self, **arguments: Any) -> Any:
        self.calls["batch_execute_statement"] += 1
        faults = self._faults["batch_execute_statement"]
        answer = faults.pop(0)(arguments) if faults else None
        return batch_execute_statement(self, arguments["Statements"]) if answer is None else answer

    def __getattr__(self, operation: str) -> Any:
        attribute = getattr(self._real, operation)
        if not callable(attribute) or operation == "get_paginator":
            return attribute

        def call(**arguments: Any) -> Any:
            self.calls[operation] += 1
            answer = self._faults[operation].pop(0)(arguments) if self._faults[operation] else None
            return attribute(**arguments) if answer is None else answer

        return call


def throttled(_: dict[str, Any]) -> None:
    raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "any")


def killed(_: dict[str, Any]) -> None:
    """The function is gone at this point: nothing after it runs."""
    raise KeyboardInterrupt


def a_plan(**changes: Any) -> Plan:
    given: dict[str, Any] = {
        "id": "cart",
        "did": ("added",),
        "did_not": ("charged",),
        "within": 30 * MINUTE,
        "constant": (Constant("product", {"added": "product", "charged": "product"}),),
        "keep": ("price",),
        "values": {"title": "{{ Profile.first_name | default: 'Hi' }}, your {{ ConstantEventProperty }}"},
    }
    return Plan(**{**given, **changes})


@dataclass
class World:
    """The tables, queues and functions, and a clock that stands until it is told to go on."""

    dynamodb: Client
    sqs: Client
    events: Client
    queues: dict[str, str]
    now: int = T0
    sent: list[dict[str, Any]] = field(default_factory=list)
    personalize: Personalize | None = None

    def __post_init__(self) -> None:
        self.campaigns = Campaigns(self.dynamodb, "campaigns")  # type: ignore[arg-type]

    def publish(self, plan: Plan) -> None:
        """In force from now on."""
        self.campaigns.publish(plan.id, "", lambda revision: Plan(**{**_fields(plan), "revision": revision}), self.now)

    def join(self, **more: Any) -> Join:
        return Join(
            users=Users(self.dynamodb, "users"),  # type: ignore[arg-type]
            timers=Timers(self.dynamodb, "timers"),  # type: ignore[arg-type]
            plans=LivePlans(self.campaigns),
            events=Queue(self.sqs, self.queues["events"]),  # type: ignore[arg-type]
            rejected=Queue(self.sqs, self.queues["rejected"]),  # type: ignore[arg-type]
            limits=Limits(waiting=4 * 24 * 60 * MINUTE),
            clock=lambda: self.now,
            **more,
        )

    def sweep(self, *, shards: int = 1) -> Sweep:
        timers = Timers(self.dynamodb, "timers")  # type: ignore[arg-type]
        events = Queue(self.sqs, self.queues["events"])  # type: ignore[arg-type]
        return Sweep(timers=timers, events=events, shards=shards, clock=lambda: self.now)

    def deliver(self) -> Deliver:
        return Deliver(
            lookup=Lookup(
                self.dynamodb,  # type: ignore[arg-type]
                "users",
                "catalog",
                campaigns_table="campaigns",
                personalize=self.personalize,
            ),
            campaigns=self.campaigns,
            live=LivePlans(self.campaigns),
            bus=Bus(self.events, "bus", "holdfast"),  # type: ignore[arg-type]
            undelivered=Queue(self.sqs, self.queues["undelivered"]),  # type: ignore[arg-type]
            statistics=Statistics(self.dynamodb, "campaigns"),  # type: ignore[arg-type]
        )

    def deliver_outboxes(self) -> None:
        """Run deliver over the outboxes that stand in the users table, as the stream would bring them."""
        self.deliver().take([item for item in self.items("users") if "outbox" in item], lambda: 60.0)

    def body(self, *records: object, message: str = "m1", sent: int | None = None) -> Body:
        """One message: each record is a dict, or text that is put in as it is."""
        text = records[0] if isinstance(records[0], str) else json.dumps(records[0] if len(records) == 1 else records)
        return Body(message, str(text), self.now if sent is None else sent)

    def added(self, product: str = "coat", *, user: str = "ann", **more: object) -> dict[str, object]:
        return {"user": user, "event": "Added", "product": product, "ts": self.now, **more}

    def charged(self, product: str = "coat", *, user: str = "ann", **more: object) -> dict[str, object]:
        return {"user": user, "event": "charged", "product": product, "ts": self.now, **more}

    def items(self, table: str) -> list[dict[str, Any]]:
        return self.dynamodb._real.scan(TableName=table)["Items"]  # type: ignore[no-any-return]

    def item(self, user: str = "ann", part: str = "watches") -> dict[str, Any] | None:
        key = {"user": {"S": user}, "part": {"S": part}}
        return self.dynamodb._real.get_item(TableName="users", Key=key).get("Item")  # type: ignore[no-any-return]

    def state(self, user: str = "ann") -> State:
        item = self.item(user)
        return decode(item["state"]["S"]) if item else State()

    def outbox(self, user: str = "ann") -> list[dict[str, Any]]:
        item = self.item(user)
        return json.loads(item["outbox"]["S"]) if item and "outbox" in item else []

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """The bodies waiting in a queue, delayed ones too; they are taken from it."""
        found: list[dict[str, Any]] = []
        while batch := self.sqs._real.receive_message(QueueUrl=self.queues[queue], MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in batch:
                found.append(json.loads(message["Body"]))
                self.sqs._real.delete_message(QueueUrl=self.queues[queue], ReceiptHandle=message["ReceiptHandle"])
        return found


def _fields(plan: Plan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in Plan.__slots__}


def _create_table(dynamodb: Any, name: str, partition: str, sort: str) -> None:
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in (partition, sort)],
    )


def unsendable(text: str) -> bool:
    """By the rule that SQS documents for the characters of a message."""
    return any(not (c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff") for c in text)


def refusing(world: World, *words: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """SQS, as it answers about messages with a character that it does not take, or with one of some words."""

    def answer(arguments: dict[str, Any]) -> dict[str, Any]:
        entries = arguments["Entries"]
        bad = [e for e in entries if unsendable(e["MessageBody"]) or any(w in e["MessageBody"] for w in words)]
        if good := [each for each in entries if each not in bad]:
            world.sqs._real.send_message_batch(QueueUrl=arguments["QueueUrl"], Entries=good)
        return {"Failed": [{"Id": e["Id"], "Code": "InvalidMessageContents", "SenderFault": True} for e in bad]}

    return answer


@cache
def client(service: Literal["dynamodb", "sqs", "events", "s3"]) -> Any:
    """Made once by each worker, within `mock_aws`: that takes longer than most tests."""
    return boto3.client(service)


REGION = "eu-central-1"
Service: TypeAlias = Literal["dynamodb", "sqs", "events"]
MOTO: Sequence[Service] = ("dynamodb", "sqs", "events")


class Standing:
    """The world before each test: moto's contents, after the calls by which one of the tests has made it. All other
    tests of the worker begin with a copy, as the calls take longer than most of what is tested.
    """

    def __init__(self, world: World) -> None:
        self.queues = world.queues
        self.calls = [each.calls.copy() for each in (world.dynamodb, world.sqs, world.events)]
        self.kept = {service: _copied(service, vars(_backend(service))) for service in MOTO}

    def again(self) -> World:
        for service, kept in self.kept.items():
            vars(_backend(service)).update(_copied(service, kept))
        world = World(Client(client("dynamodb")), Client(client("sqs")), Client(client("events")), {**self.queues})
        for each, calls in zip((world.dynamodb, world.sqs, world.events), self.calls, strict=True):
            each.calls.update(calls)
        return world


def _backend(service: Service) -> Any:
    return get_backend(service)[DEFAULT_ACCOUNT_ID][REGION]


def _copied(service: Service, contents: dict[str, Any]) -> dict[str, Any]:
    """Of locks, which cannot be copied, each queue gets a new one."""
    backend = _backend(service)
    locks = [queue._messages_lock for queue in contents.get("queues", {}).values()]
    return deepcopy(contents, {id(backend): backend, **{id(lock): Condition() for lock in locks}})


def _made() -> World:
    dynamodb, sqs, events = client("dynamodb"), client("sqs"), client("events")
    _create_table(dynamodb, "users", "user", "part")
    _create_table(dynamodb, "timers", "slot", "id")
    _create_table(dynamodb, "campaigns", "pk", "sk")
    _create_table(dynamodb, "catalog", "pk", "sk")
    queues = {
        name: sqs.create_queue(QueueName=name)["QueueUrl"]
        for name in ("events", "rejected", "undelivered", "rule", "imports")
    }
    events.create_event_bus(Name="bus")
    events.put_rule(Name="all", EventBusName="bus", EventPattern='{"source": ["holdfast"]}')
    arn = sqs.get_queue_attributes(QueueUrl=queues["rule"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "queue", "Arn": arn}])
    return World(Client(dynamodb), Client(sqs), Client(events), queues)


@pytest.fixture(scope="session")
def standing() -> list[Standing]:
    """None, or the one."""
    return []


@pytest.fixture
def world(standing: list[Standing], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for variable in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    Metrics().clear_metrics()  # with the hundredth value of one, Powertools prints them: into what a command says, too
    with mock_aws():
        world = standing[0].again() if standing else _made()
        monkeypatch.setattr(revisions, "aws_time", lambda _answer: world.now - revisions.LEAD_MS)
        for waits in (revisions, retry):
            monkeypatch.setattr(waits, "sleep", lambda _seconds: None)
        if not standing:
            world.now = T0 - YEAR
            world.publish(a_plan())
            world.now = T0
            standing.append(Standing(world))
        yield world
