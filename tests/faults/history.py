"""One seeded history: events come, join, sweep and deliver run in containers of their own, and things go wrong."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple, Self
from unittest.mock import patch

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws import retry
from holdfast.aws.bus import Bus
from holdfast.aws.queues import Queue
from holdfast.aws.tables import timers as timers_module
from holdfast.aws.tables import users as users_module
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Users
from holdfast.core.fold.fold import Limits
from holdfast.core.intake.batch import Body
from holdfast.core.plans.plan import Constant, Plan
from holdfast.core.plans.timeline import Entry, Timeline
from holdfast.services import join as join_module
from holdfast.services.deliver import Deliver, Undelivered
from holdfast.services.join import Join
from holdfast.services.message_data import Lookup
from holdfast.services.sweep import NotSent, Sweep
from tests.faults.world import HOUR, MINUTE, SECOND, SQS, START, Dynamo, Events, Faults, Killed, Run, Sent, World

MAX_AGE = 20 * MINUTE
RETENTION = 96 * HOUR
TRIES = 40
VISIBILITY = 181 * SECOND
SHARDS = 2
USERS = ("u1", "u2", "u3", "日本\ufffd")


def _on(*events: str) -> tuple[Constant, ...]:
    return (Constant("product", dict.fromkeys(events, "product")),)


PLANS = (
    Plan(id="long", did=("added",), did_not=("bought",), within=30 * MINUTE, constant=_on("added", "bought")),
    Plan(id="short", did=("viewed",), did_not=("bought",), within=2 * MINUTE, constant=_on("viewed", "bought")),
    Plan(id="once", did=("viewed",), within=0, constant=_on("viewed")),
)
VALUES = {"title": "your {{ ConstantEventProperty }}"}


class Happened(NamedTuple):
    """An event whose message was acknowledged: then it counts."""

    user: str
    name: str
    product: str
    at: int
    id: str
    arrived: int
    acknowledged: int


class Decided(NamedTuple):
    """A decision, as it was written."""

    user: str
    what: Mapping[str, Any]
    written: int


class Serial:
    """In the place of a pool of threads, which greenlets cannot be moved between."""

    def __init__(self, _workers: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, do: Callable[[Any], Any], many: list[Any]) -> list[Any]:
        return [do(each) for each in many]


class Live:
    """What is published, which this story leaves alone: the epoch never moves."""

    table = "campaigns"

    def __init__(self) -> None:
        plans = (dataclasses.replace(plan, max_age=MAX_AGE, values=VALUES) for plan in PLANS)
        self._timeline = Timeline(Entry(plan.id, 0, plan) for plan in plans)

    def known(self) -> Timeline:
        return self._timeline

    refresh = current = known


class History:
    def __init__(self, seed: int, faults: Faults | None = None, *, containers: Containers | None = None) -> None:
        self.world = World(seed, faults)
        self.dynamo = Dynamo(self.world, self._written)
        self.sqs = SQS(self.world, self._sent)
        self.events = Events(self.world)
        self.happened: list[Happened] = []
        self.decided: list[Decided] = []
        self.crashes: list[str] = []
        self._containers = containers or Containers()
        self._records: dict[str, list[dict[str, Any]]] = {}
        self._stream: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._delivering: set[str] = set()
        self._busy = 0

    # Upstream

    def tell(self) -> None:
        """Events over an hour or two, some late, some twice."""
        rng = self.world.rng
        length = rng.choice((20 * MINUTE, 90 * MINUTE))
        for number in range(rng.randint(5, 40)):
            at = START + rng.randint(0, length)
            for copy in (at, at + rng.choice((1, MINUTE, 25 * MINUTE)))[: rng.choice((1, 1, 1, 2))]:
                self.world.at(copy, partial(self._send, number, at))
        for _ in range(rng.choice((0, 0, 2))):
            begin = START + rng.randint(0, length)
            self.world.outages.append((rng.choice(("dynamodb", "sqs", "events")), begin, begin + 3 * MINUTE))
        self.world.at(START + rng.randint(0, 5 * MINUTE), self._sweep)
        with patched(self.world):
            self.world.run(START + length + 30 * MINUTE)
            self.world.calm = True
            self.world.run(self.world.now + 3 * HOUR)

    def _send(self, number: int, at: int) -> None:
        rng = random.Random(number * 7919 + at)
        late = rng.choice((0, 0, 0, 1, 500, 4 * MINUTE, MAX_AGE + 5 * MINUTE))
        record = {
            "user": rng.choice(USERS),
            "event": rng.choice(("added", "added", "viewed", "bought")),
            "product": rng.choice(("coat", "hat")),
            "ts": at - late,
            "id": f"e{number}",
        }
        self._records[self.sqs.put("events", json.dumps(record)).id] = [record]

    # Join

    def _sent(self, queue: str, message: Sent) -> None:
        if queue == "events":
            self.world.at(message.visible + self.world.rng.randint(0, 1000), self._poll)

    def _poll(self) -> None:
        rng, now = self.world.rng, self.world.now
        waiting = [m for m in self.sqs.queues["events"] if not m.gone and m.visible <= now]
        if not waiting:
            return
        if self._busy >= 3:
            self.world.at(now + SECOND, self._poll)
            return
        rng.shuffle(waiting)
        batch = waiting[: rng.randint(1, 10)]
        for message in batch:
            message.received += 1
            assert message.received <= TRIES, "a message that fails again and again"
            message.visible = now + (rng.randint(0, 3000) if self.world.chance("message_twice") else VISIBILITY)
            self.world.at(message.visible + 1, self._poll)
        if len(waiting) > len(batch):
            self.world.at(now + 100, self._poll)
        bodies = [Body(m.id, m.body, m.sent) for m in batch]
        self._busy += 1
        self._run(lambda: self._containers.join(self).take(bodies), 30, lambda failed: self._joined(batch, failed))

    def _joined(self, batch: list[Sent], failed: list[str] | None) -> None:
        self._busy -= 1
        for message in batch:
            if failed is None or message.id in failed:
                continue
            if not message.acknowledged:
                message.acknowledged = True
                self.happened += [
                    Happened(r["user"], r["event"], r["product"], r["ts"], r["id"], message.sent, self.world.now)
                    for r in self._records.get(message.id, ())
                ]
            message.gone = not self.world.chance("comes_again")

    # Sweep

    def _sweep(self) -> None:
        if not self.world.chance("sweep_missed"):
            for _ in range(1 + self.world.chance("two_sweeps")):
                self._run(lambda: self._containers.sweep(self).sweep(lambda: self.world.seconds_left() > 30), 240)
        self.world.at(self.world.now + 5 * MINUTE, self._sweep)

    # Deliver

    def _written(self, item: Mapping[str, Any]) -> None:
        if "outbox" in item:
            user = item["user"]["S"]
            self.decided += [Decided(user, each, self.world.now) for each in json.loads(item["outbox"]["S"])]
            self._stream[user].append(dict(item))
            self.world.at(self.world.now + self.world.rng.randint(200, 2000), lambda: self._deliver(user))

    def _deliver(self, user: str) -> None:
        images = self._stream[user][:5]
        if not images or user in self._delivering:
            return
        self._delivering.add(user)
        take = lambda: self._containers.deliver(self).take(images, self.world.seconds_left)  # noqa: E731
        self._run(take, 60, lambda ended: self._delivered(user, len(images), ended))

    def _delivered(self, user: str, number: int, ended: Any) -> None:
        self._delivering.discard(user)
        if ended is not None and not self.world.chance("replayed"):
            del self._stream[user][:number]
        self.world.at(self.world.now + SECOND, lambda: self._deliver(user))

    def _run(self, do: Callable[[], Any], seconds: float, then: Callable[[Any], None] = lambda _: None) -> None:
        def body() -> None:
            ended = None
            try:
                ended = do() or []
            except (Killed, ClientError, BotoCoreError, NotSent, Undelivered):
                pass  # the invocation has failed
            except Exception as error:  # noqa: BLE001 (nothing else may be raised)
                self.crashes.append(repr(error))
            then(ended)

        Run(self.world, body, seconds).switch()


class Containers:
    """How the functions are built. A test of the oracle builds them otherwise."""

    def clock(self, history: History) -> Callable[[], int]:
        world = history.world
        skew = world.rng.randint(-world.faults.skew, world.faults.skew)
        return lambda: world.now + skew

    def live(self) -> Live:
        return Live()

    def users(self, history: History) -> Users:
        return Users(history.dynamo, "users", seconds_left=history.world.seconds_left)  # type: ignore[arg-type]

    def queue(self, history: History, name: str) -> Queue:
        return Queue(history.sqs, name, seconds_left=history.world.seconds_left)  # type: ignore[arg-type]

    def timers(self, history: History) -> Timers:
        return Timers(history.dynamo, "timers", seconds_left=history.world.seconds_left)  # type: ignore[arg-type]

    def join(self, history: History) -> Join:
        return Join(
            users=self.users(history),
            timers=self.timers(history),
            plans=self.live(),  # type: ignore[arg-type]
            events=self.queue(history, "events"),
            rejected=self.queue(history, "rejected"),
            limits=Limits(waiting=RETENTION),
            shards=SHARDS,
            clock=self.clock(history),
        )

    def sweep(self, history: History) -> Sweep:
        return Sweep(
            timers=self.timers(history), events=self.queue(history, "events"), shards=SHARDS, clock=self.clock(history)
        )

    def deliver(self, history: History) -> Deliver:
        return Deliver(
            lookup=Lookup(
                history.dynamo,  # type: ignore[arg-type]
                "users",
                "catalog",
                campaigns_table="campaigns",
                seconds_left=history.world.seconds_left,
            ),
            campaigns=None,  # type: ignore[arg-type]
            live=self.live(),  # type: ignore[arg-type]
            bus=Bus(history.events, "bus", "holdfast"),  # type: ignore[arg-type]
            undelivered=self.queue(history, "undelivered"),
        )


@contextmanager
def patched(world: World) -> Iterator[None]:
    """Time, chance and threads are the world's."""
    numbers = itertools.count()
    with ExitStack() as stack:
        for where, name, what in (
            (retry, "time", SimpleNamespace(sleep=lambda seconds: world.pass_(int(seconds * SECOND)))),
            (retry, "random", world.rng),
            (join_module, "random", world.rng),
            (users_module, "ThreadPoolExecutor", Serial),
            (timers_module, "uuid", SimpleNamespace(uuid4=lambda: SimpleNamespace(hex=f"{next(numbers):08}"))),
        ):
            stack.enter_context(patch.object(where, name, what))
        yield
