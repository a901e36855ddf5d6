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
from holdfast.aws.tables import revisions
from holdfast.aws.tables import timers as timers_module
from holdfast.aws.tables import users as users_module
from holdfast.aws.tables.campaigns import Campaigns, LivePlans, UnknownCampaign
from holdfast.aws.tables.revisions import Conflict
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Users
from holdfast.core.fold.forgetting import Limits
from holdfast.core.intake.batch import Body
from holdfast.core.intake.timeline import Timeline
from holdfast.core.plans.plan import Constant, Plan
from holdfast.services import join as join_module
from holdfast.services.deliver import Deliver, Undelivered
from holdfast.services.join import Join
from holdfast.services.message_data import Lookup
from holdfast.services.redriving import arrive_again, dead_letter
from holdfast.services.set_aside import SetAside
from holdfast.services.sweep import NotSent, Sweep
from holdfast.services.ticks import DeadTicks
from tests.faults.world import HOUR, MINUTE, SECOND, SQS, START, Dynamo, Events, Faults, Killed, Run, Sent, World

MAX_AGE = 20 * MINUTE
RETENTION = 96 * HOUR
TRIES = 40
FEW_TRIES = 1
"""So often a message fails at least before it may become a dead letter."""
VISIBILITY = 181 * SECOND
SHARDS = 2
USERS = ("u1", "u2", "u3", "日本\ufffd")
TIES = {"anon-1": "u1", "anon-2": "anon-1", "anon-3": "u2"}
"""Who guests prove to be."""


def _on(*events: str) -> tuple[Constant, ...]:
    return (Constant("product", dict.fromkeys(events, "product")),)


PLANS = (
    Plan(id="long", did=("added",), did_not=("bought",), within=30 * MINUTE, constant=_on("added", "bought")),
    Plan(id="short", did=("viewed",), did_not=("bought",), within=2 * MINUTE, constant=_on("viewed", "bought")),
    Plan(id="once", did=("viewed",), within=0, constant=_on("viewed")),
)
DRAFTS = (
    *PLANS,
    Plan(id="long", did=("added",), did_not=("removed",), within=10 * MINUTE, constant=_on("added", "removed")),
    Plan(id="long", did=("viewed",), did_not=("bought",), within=5 * MINUTE, constant=_on("viewed", "bought")),
    Plan(
        id="short",
        did=("viewed",),
        did_not=("bought", "removed"),
        within=20 * MINUTE,
        constant=_on("viewed", "bought", "removed"),
    ),
    Plan(id="new", did=("added",), did_not=("bought",), within=4 * MINUTE, constant=_on("added", "bought")),
)
"""Plans that somebody may publish while events come."""
VALUES = {"title": "{{ Profile.name | default: 'Hi' }}, your {{ ConstantEventProperty }}"}


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


class Published(NamedTuple):
    """A publication, in the table from `written` on. It reads messages that arrive from `since` on. `plan` is None
    where the campaign was deleted.
    """

    campaign: str
    written: int
    since: int
    revision: int
    paused: bool
    plan: Mapping[str, Any] | None


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
    """The publication of a story that leaves it alone: the epoch never moves."""

    table = "campaigns"

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def known(self) -> Timeline:
        return self._timeline

    refresh = current = known


class Copy(NamedTuple):
    """A container of a function: its clock, and the plans as it read them last."""

    clock: Callable[[], int]
    plans: LivePlans | Live


BUSY = Copy(lambda: 0, None)  # type: ignore[arg-type]
"""In the place of a container at work."""


class History:
    ruled = False
    """Whether rules between due and sent withhold messages; then nothing is published meanwhile."""

    def __init__(self, seed: int, faults: Faults | None = None, *, containers: Containers | None = None) -> None:
        self.world = World(seed, faults)
        self.dynamo = Dynamo(self.world, self._written, self._publishing)
        self.sqs = SQS(self.world, self._sent)
        self.events = Events(self.world)
        self.happened: list[Happened] = []
        self.decided: list[Decided] = []
        self.published: list[Published] = []
        self.broken: list[str] = []
        """Promises that a command made and did not keep."""
        self.guests = not self.ruled and seed % 4 == 0
        """Whether some do things before it is known who they are."""
        self.tied: dict[str, int] = {}
        """By guest, since when it is acknowledged who that is."""
        self.said: list[tuple[str, str, int, str, int]] = []
        """Of each profile: user, property, time and value, of records that were acknowledged; and when that was."""
        self.arrivals: dict[str, list[int]] = defaultdict(list)
        """By event, when its messages came first."""
        self.crashes: list[str] = []
        self._containers = containers or Containers()
        self._copies: dict[str, list[Copy | None]] = {"join": [None] * 3, "deliver": [None] * 2}
        self._stream: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._delivering: set[str] = set()
        self._busy = 0
        self._taken: dict[tuple[str, int], Copy] = {}
        self._died: dict[str, int] = {}

    @property
    def users(self) -> tuple[str, ...]:
        return (*USERS, *TIES) if self.guests else USERS

    # Upstream

    def tell(self) -> None:
        """Events over an hour or two, some late, some twice; and what people do meanwhile."""
        rng, world = self.world.rng, self.world
        with patched(world):
            self._begin()
            length = rng.choice((20 * MINUTE, 90 * MINUTE))
            for number in range(rng.randint(5, 40)):
                self._happens(number, START + rng.randint(0, length))
            for guest in TIES if self.guests else ():
                self._logs_in(guest, START + rng.randint(0, length))
            for _ in range(rng.choice((0, 0, 2))):
                self._out(rng.choice(("dynamodb", "sqs", "events")), length, 3 * MINUTE)
            if rng.random() < 0.25 and world.faults != Faults():
                self._out("sweep", length, rng.choice((40 * MINUTE, 3 * HOUR)))
            for number in range(0 if self.ruled else rng.choice((0, 0, 3, 8))):
                self._somebody_publishes(100 * (number + 1), START + rng.randint(0, length))
            world.at(START + rng.randint(0, 5 * MINUTE), self._sweep)
            world.at(START + rng.randint(0, length), self._redrive)
            world.run(START + length + 30 * MINUTE)
            world.calm = True
            world.outages.clear()
            for _ in range(2):
                self._redrive()
                world.run(world.now + HOUR)
            world.run(world.now + HOUR)

    def _begin(self) -> None:
        """Earlier publications stand there; and sweep has run before, unless the stack is new."""
        self.world.now = START - HOUR
        self._publish_all()
        if self.world.rng.random() < 0.9:
            for shard in range(SHARDS):
                self._containers.timers(self).set_cursor(shard, START - HOUR)
        self.world.now = START

    def _out(self, service: str, length: int, duration: int) -> None:
        begin = START + self.world.rng.randint(0, length)
        self.world.outages.append((service, begin, begin + duration))

    def _happens(self, number: int, at: int) -> None:
        rng = self.world.rng
        for copy in (at, at + rng.choice((1, MINUTE, 25 * MINUTE)))[: rng.choice((1, 1, 1, 2))]:
            self.world.at(copy, partial(self._send, number, at))

    def _logs_in(self, guest: str, at: int) -> None:
        """Who a guest is comes once or several times, alone or beside a profile."""
        rng = self.world.rng
        for more in range(rng.choice((1, 1, 3))):
            moment = at + rng.choice((0, 1, MINUTE)) * more
            record: dict[str, Any] = {"user": TIES[guest], "alias": guest}
            if rng.random() < 0.3:
                record |= {"profile": {"name": f"once {guest}"}, "ts": moment}
            self.world.at(moment, partial(self.sqs.put, "events", json.dumps(record)))

    def _send(self, number: int, at: int) -> None:
        rng = random.Random(number * 7919 + at)
        late = rng.choice((0, 0, 0, 1, 500, 4 * MINUTE, MAX_AGE + 5 * MINUTE))
        record: dict[str, Any] = {"user": rng.choice(self.users), "ts": at - late, "id": f"e{number}"}
        if rng.random() < 0.1:
            record["profile"] = {rng.choice(("name", "city")): f"value {number}"}
        else:
            record["event"] = rng.choice(("added", "added", "viewed", "bought", "removed"))
            record["product"] = rng.choice(("coat", "hat"))
        self.arrivals[record["id"]].append(self.sqs.put("events", json.dumps(record)).arrived)

    # Publications

    def _publish_all(self) -> None:
        for plan in PLANS:
            self._publish(plan)

    def _publish(self, plan: Plan) -> None:
        of = lambda revision: dataclasses.replace(plan, max_age=MAX_AGE, values=VALUES, revision=revision)  # noqa: E731
        published = self._containers.campaigns(self).publish(plan.id, "source", of, self.world.now)
        if published.since > self.world.now > START:
            self.broken.append(f"returned before it was in force: {published.plan}")

    def _somebody_publishes(self, number: int, at: int) -> None:
        """Something is published, while more happens than else."""
        rng = self.world.rng
        plan = rng.choice(DRAFTS)
        campaigns = self._containers.campaigns(self)
        do = rng.choice(
            (
                *[lambda: self._publish(plan)] * 4,
                lambda: campaigns.pause(plan.id, paused=True),
                lambda: campaigns.pause(plan.id, paused=False),
                lambda: campaigns.delete(plan.id),
            )
        )

        self.world.at(at, lambda: self._run(do, 60))
        for more in range(rng.randint(0, 5)):
            self._happens(number + more, at + rng.randint(0, rng.choice((100, 4000))))

    def _publishing(self, writes: list[dict[str, Any]]) -> None:
        for each in writes:
            item = each.get("Item", {})
            if item.get("pk") == {"S": "live"}:
                plan = json.loads(item["plan"]["S"]) | json.loads(item.get("more", {"S": "{}"})["S"])
                number, since = int(item["revision"]["N"]), int(item["in_force_from"]["N"])
                self._publishes(item["sk"]["S"], since, number, item["paused"]["BOOL"], plan)
            elif "deleted" in item:
                name = item["sk"]["S"].partition("#")[0]
                self._publishes(name, int(item["in_force_from"]["N"]), int(item["deleted"]["N"]), False, None)

    def _publishes(self, campaign: str, since: int, number: int, paused: bool, plan: Any) -> None:
        self.published.append(Published(campaign, self.world.now, since, number, paused, plan))

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
            if message.received > FEW_TRIES and self.world.chance("gives_up"):
                message.gone = True
                self._died.setdefault(message.body, message.arrived)
                self.sqs.put("dead", message.body, arrived=message.arrived)
                continue
            message.visible = now + (rng.randint(0, 3000) if self.world.chance("message_twice") else VISIBILITY)
            self.world.at(message.visible + 1, self._poll)
        if len(waiting) > len(batch):
            self.world.at(now + 100, self._poll)
        bodies = [Body(m.id, m.body, m.arrived) for m in batch if not m.gone]
        self._busy += 1
        number, copy = self._free("join")
        take = lambda: self._containers.join(self, copy).take(bodies)  # noqa: E731
        self._run(take, 30, lambda failed: self._joined(batch, failed, number))

    def _joined(self, batch: list[Sent], failed: list[str] | None, number: int) -> None:
        self._busy -= 1
        self._let_go("join", number, failed is None)
        for message in batch:
            if failed is None or message.id in failed or message.gone:
                continue
            if not message.acknowledged:
                message.acknowledged = True
                self._acknowledged(message)
            message.gone = not self.world.chance("comes_again")

    def _acknowledged(self, message: Sent) -> None:
        r, arrived = json.loads(message.body), message.arrived
        if "id" in r and arrived not in self.arrivals[r["id"]]:  # redriven, which is no new arrival
            arrived = self._died[message.body]
        if "event" in r:
            happened = Happened(r["user"], r["event"], r["product"], r["ts"], r["id"], arrived, self.world.now)
            self.happened.append(happened)
        if "alias" in r:
            self.tied.setdefault(r["alias"], self.world.now)
        for name, value in r.get("profile", {}).items():
            self.said.append((r["user"], name, r["ts"], value, self.world.now))

    def _free(self, function: str) -> tuple[int, Copy]:
        """A container that is idle, whichever; and what it is busy with from now on."""
        copies = self._copies[function]
        number = self.world.rng.choice([number for number, copy in enumerate(copies) if copy is not BUSY])
        copy = copies[number] or self._containers.copy(self)
        copies[number] = BUSY
        self._taken[function, number] = copy
        return number, copy

    def _let_go(self, function: str, number: int, failed: bool) -> None:
        """A container whose run has failed may be gone."""
        copy = self._taken.pop((function, number))
        self._copies[function][number] = None if failed and self.world.rng.random() < 0.5 else copy

    def _redrive(self) -> None:
        """Somebody redrives the dead letters."""
        events = self._containers.queue(self, "events")
        aside = SetAside(self.sqs, "dead", arrive_again(events, lambda: self.world.now), dead_letter)  # type: ignore[arg-type]
        self._run(lambda: aside.redrive(1000), 900)

    # Sweep

    def _sweep(self) -> None:
        out = any(name == "sweep" and begin <= self.world.now < end for name, begin, end in self.world.outages)
        if not out and not self.world.chance("sweep_missed"):
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
        if len(self._delivering) >= len(self._copies["deliver"]):
            self.world.at(self.world.now + SECOND, lambda: self._deliver(user))
            return
        self._delivering.add(user)
        copied, copy = self._free("deliver")
        take = lambda: self._containers.deliver(self, copy).take(images, self.world.seconds_left)  # noqa: E731
        self._run(take, 60, lambda ended: self._delivered(user, len(images), ended, copied))

    def _delivered(self, user: str, number: int, ended: Any, copied: int) -> None:
        self._delivering.discard(user)
        self._let_go("deliver", copied, ended is None)
        if ended is not None and not self.world.chance("replayed"):
            del self._stream[user][:number]
        self.world.at(self.world.now + SECOND, lambda: self._deliver(user))

    def _run(self, do: Callable[[], Any], seconds: float, then: Callable[[Any], None] = lambda _: None) -> None:
        def body() -> None:
            ended = None
            try:
                ended = do() or []
            except (Killed, ClientError, BotoCoreError, NotSent, Undelivered, Conflict, UnknownCampaign):
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

    def copy(self, history: History) -> Copy:
        return Copy(self.clock(history), LivePlans(self.campaigns(history), lambda: history.world.now / SECOND))

    def campaigns(self, history: History) -> Campaigns:
        return Campaigns(history.dynamo, "campaigns")  # type: ignore[arg-type]

    def users(self, history: History) -> Users:
        return Users(history.dynamo, "users", seconds_left=history.world.seconds_left)  # type: ignore[arg-type]

    def queue(self, history: History, name: str) -> Queue:
        return Queue(history.sqs, name, seconds_left=history.world.seconds_left)  # type: ignore[arg-type]

    def timers(self, history: History) -> Timers:
        return Timers(history.dynamo, "timers", seconds_left=history.world.seconds_left)  # type: ignore[arg-type]

    def join(self, history: History, copy: Copy) -> Join:
        return Join(
            users=self.users(history),
            timers=self.timers(history),
            plans=copy.plans,  # type: ignore[arg-type]
            events=self.queue(history, "events"),
            rejected=self.queue(history, "rejected"),
            limits=Limits(waiting=RETENTION),
            shards=SHARDS,
            clock=copy.clock,
        )

    def sweep(self, history: History) -> Sweep:
        events = self.queue(history, "events")
        return Sweep(
            timers=self.timers(history),
            events=events,
            shards=SHARDS,
            dead=DeadTicks(history.sqs, "dead", events),  # type: ignore[arg-type]
            clock=self.clock(history),
        )

    def deliver(self, history: History, copy: Copy) -> Deliver:
        return Deliver(
            lookup=Lookup(
                history.dynamo,  # type: ignore[arg-type]
                "users",
                "catalog",
                campaigns_table="campaigns",
                seconds_left=history.world.seconds_left,
            ),
            campaigns=self.campaigns(history),
            live=copy.plans,  # type: ignore[arg-type]
            bus=Bus(history.events, "bus", "holdfast"),  # type: ignore[arg-type]
            undelivered=self.queue(history, "undelivered"),
        )


@contextmanager
def patched(world: World) -> Iterator[None]:
    """Time, chance and threads are the world's."""
    numbers = itertools.count()
    with ExitStack() as stack:
        for where, name, what in (
            (retry, "sleep", lambda seconds: world.pass_(int(seconds * SECOND))),
            (retry, "random", world.rng),
            (join_module, "random", world.rng),
            (users_module, "ThreadPoolExecutor", Serial),
            (revisions, "sleep", lambda seconds: world.pass_(int(seconds * SECOND))),
            (revisions, "uuid", SimpleNamespace(uuid4=lambda: SimpleNamespace(hex=f"{next(numbers):08}"))),
            (timers_module, "uuid", SimpleNamespace(uuid4=lambda: SimpleNamespace(hex=f"{next(numbers):08}"))),
        ):
            stack.enter_context(patch.object(where, name, what))
        yield
