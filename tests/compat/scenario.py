"""A scenario: it leaves items in tables and queues, and records what a release makes of those it finds there.

This file runs inside today's code and inside older releases taken from git, so it uses only what all of them have:
`World` of `tests/integration/conftest.py`, and the functions behind it.

    python scenario.py leave LEFT      write what this release leaves behind
    python scenario.py meet LEFT MET   write what this release makes of that
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import boto3
from moto import mock_aws

from tests.integration import conftest

MINUTE = 60_000
BEHIND = ("users", "timers", "campaigns")
QUEUES = ("events", "rejected", "undelivered")
FEW = 5
ACTIONS = ("tick", "buy", "buy late", "add again")

Left = dict[str, Any]
Met = dict[str, Any]


class Shop:
    """Numbers messages and events, so that two runs are alike."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.join = world.join()
        self.sent = 0

    def take(self, *records: dict[str, Any]) -> None:
        self.sent += 1
        assert self.join.take([self.world.body(*records, message=f"m{self.sent}")]) == []

    def event(self, user: str, name: str, product: str = "coat", *, ago: int = 0, **more: Any) -> dict[str, Any]:
        at = self.world.now - ago
        return {
            "user": user,
            "event": name,
            "product": product,
            "ts": at,
            "id": f"{user}-{name}-{product}-{at}",
            **more,
        }

    def tick(self, *users: str) -> None:
        self.take({"holdfast": "tick", "users": dict.fromkeys(users, self.world.now)})


def campaigns() -> list[Any]:
    constant = vars(conftest)["Constant"]

    def on(*names: str) -> tuple[Any, ...]:
        return (constant("product", dict.fromkeys(names, "product")),)

    def plan(id_: str, **more: Any) -> Any:
        return conftest.a_plan(id=id_, **more)

    return [
        plan("cart"),
        plan("soon", did=("viewed",), within=5 * MINUTE, constant=on("viewed", "charged")),
        plan("summary", did=("saved",), summary=True, constant=on("saved", "charged")),
        plan("both", did=("searched", "clicked"), constant=on("searched", "clicked", "charged")),
        plan("welcome", did=("signedup",), did_not=(), within=0, constant=(), values={"title": "hello"}),
        plan("halted", did=("wished",), constant=on("wished", "charged")),
    ]


def leave(world: Any) -> Left:
    """Users in every state that a release knows, and what is on its way."""
    world.now -= 60 * MINUTE
    for plan in campaigns():
        world.publish(plan)
    world.campaigns.pause("halted", paused=True)
    world.now += 60 * MINUTE
    shop = Shop(world)
    shop.take(*(shop.event(user, "added", price=9.5) for user in ("decided", "rearmed", "late")))
    shop.take(*(shop.event(user, "saved", each) for user in ("summed", "summed-again") for each in ("coat", "hat")))
    shop.take(shop.event("withheld", "wished"), shop.event("welcomed", "signedup"))
    shop.take(shop.event("both-decided", "searched"), shop.event("both-decided", "clicked"))
    shop.take(
        {"user": "decided", "profile": {"first_name": "Ann", "points": {"$incr": 3}}, "ts": world.now, "id": "p1"}
    )
    shop.take({"user": "refused", "event": "added", "ts": world.now, "id": "r1"})
    world.now += 31 * MINUTE
    shop.tick("decided", "rearmed", "late", "summed", "summed-again", "withheld", "welcomed", "both-decided")
    world.now += MINUTE
    shop.take(shop.event("late", "added", ago=12 * MINUTE, price=1))
    world.now += 9 * MINUTE
    shop.take(shop.event("rearmed", "added", price=7), shop.event("summed-again", "saved"))
    shop.take(shop.event("pending", "added", price=3), shop.event("seen-just-now", "viewed"))
    shop.take(shop.event("one-of-two", "searched"), shop.event("to-be-summed", "saved"), shop.event("halted", "wished"))
    shop.take(shop.event("bought", "added", ago=3 * MINUTE))
    shop.take(shop.event("bought", "charged"))
    for start in range(0, 210, 70):
        adds = (shop.event("too-many", "added", f"p{n:03}", ago=210 - n) for n in range(start, start + 70))
        shop.take(*adds)
    return {
        "now": world.now,
        "tables": {name: sorted(world.items(name), key=json.dumps) for name in BEHIND},
        "queues": {name: world.messages(name) for name in QUEUES},
    }


def meet(fresh: Callable[[], Any], left: Left) -> Met:
    """The outcome for each user when something happens to them, and for each outbox, tick, slot and reject."""
    met: Met = {}
    users = sorted(item["user"]["S"] for item in left["tables"]["users"] if item["part"]["S"] == "watches")
    for action in ACTIONS:
        with found(fresh, left) as world:
            met |= happens(world, users, action)
    with found(fresh, left) as world:
        world.deliver().take([item for item in left["tables"]["users"] if "outbox" in item], lambda: 60.0)
        met["delivered"] = sorted(
            (
                [message["detail-type"], message["detail"].get("values"), message["detail"]["metadata"]["id"]]
                for message in world.messages("rule")
            ),
            key=json.dumps,
        )
        assert world.messages("undelivered") == []
    with found(fresh, left) as world:
        world.now += 25 * MINUTE
        world.sweep().sweep(lambda: True)
        met["swept"] = sorted(user for message in world.messages("events") for user in message["users"])
        again = [*left["queues"]["events"], *(message["record"] for message in left["queues"]["rejected"])]
        for each in again:
            assert world.join().take([world.body(each)]) == [], each
    with found(fresh, left) as world:
        change = {"user": "decided", "profile": {"points": {"$incr": 4}}, "id": "p2", "ts": left["now"]}
        assert world.join().take([world.body(change)]) == []
        met["profile"] = json.loads(world.item("decided", "profile")["state"]["S"])
        met["campaigns"] = sorted(
            [each.plan.id, each.plan.revision, each.plan.paused] for each in world.campaigns.live()
        )
        assert world.campaigns.pause("cart", paused=True).plan.paused
        assert len(world.campaigns.revisions("summary")) == 1
    return met


def happens(world: Any, users: list[str], action: str) -> Met:
    """The decisions by it for each user, and by a tick an hour later."""
    world.now += 60 * MINUTE if action == "tick" else MINUTE
    shop = Shop(world)
    met: Met = {}
    for user in users:
        if action == "tick":
            shop.tick(user)
        elif action == "add again":
            shop.take(shop.event(user, "added"))
        else:
            shop.take(shop.event(user, "charged", ago=25 * MINUTE if action == "buy late" else 0))
        met[f"{user}: {action}"] = decided(world, user)
    world.now += 60 * MINUTE
    shop.tick(*users)
    return met | {f"{user}: {action}, then a tick": decided(world, user) for user in users}


def decided(world: Any, user: str) -> list[Any]:
    """The decisions in the user's last write; of many decisions their number, and a digest of them."""
    names = ("kind", "campaign", "key", "at", "id", "reason", "open")
    defaults = {"reason": "", "open": 1}
    found = [[each.get(name, defaults.get(name)) for name in names] for each in world.outbox(user)]
    digest = hashlib.sha256(json.dumps(sorted(found)).encode()).hexdigest()
    return found if len(found) <= FEW else [len(found), digest]


@contextmanager
def found(fresh: Callable[[], Any], left: Left) -> Iterator[Any]:
    """A world in which everything is as it was left, but no outbox is in the way."""
    with fresh() as world:
        for table, items in left["tables"].items():
            for item in items:
                kept = {name: value for name, value in item.items() if name != "outbox"}
                world.dynamodb._real.put_item(TableName=table, Item=kept)
        world.now = left["now"]
        yield world


@cache
def client(service: Literal["dynamodb", "sqs", "events"]) -> Any:
    """Made once: that takes longer than what is done with it."""
    return boto3.client(service)


@contextmanager
def empty() -> Iterator[Any]:
    """As the fixture `world`, which only pytest can use."""
    with mock_aws():
        dynamodb, sqs, events = client("dynamodb"), client("sqs"), client("events")
        keys = {"users": ("user", "part"), "timers": ("slot", "id"), "campaigns": ("pk", "sk"), "catalog": ("pk", "sk")}
        for table, key in keys.items():
            conftest._create_table(dynamodb, table, *key)
        queues = {
            name: sqs.create_queue(QueueName=name)["QueueUrl"]
            for name in ("events", "rejected", "undelivered", "rule", "imports")
        }
        events.create_event_bus(Name="bus")
        events.put_rule(Name="all", EventBusName="bus", EventPattern='{"source": ["holdfast"]}')
        arn = sqs.get_queue_attributes(QueueUrl=queues["rule"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "queue", "Arn": arn}])
        world = conftest.World(conftest.Client(dynamodb), conftest.Client(sqs), conftest.Client(events), queues)
        with ExitStack() as stack:
            revisions: Any = vars(conftest).get("revisions")
            if revisions:  # it goes by AWS's time, as earlier releases do not
                stack.enter_context(patch.object(revisions, "aws_time", lambda _: world.now - revisions.LEAD_MS))
                stack.enter_context(patch.object(revisions, "sleep", lambda _: None))
            yield world


def main(what: str, path: str, to: str = "") -> None:
    if what == "leave":
        with empty() as world:
            Path(path).write_text(json.dumps(leave(world)))
    else:
        met = meet(empty, json.loads(Path(path).read_text()))
        Path(to).write_text(json.dumps(met))


if __name__ == "__main__":
    main(*sys.argv[1:])
