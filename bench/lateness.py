"""How late a message is: from when its watch is due to when the rule's target, a queue, has the message.

    python -m bench.lateness

Measured at rest and under load, with windows of 5 s and 90 s, and with watches that only a timer slot knows. A window
that goes through a slot takes at least a quarter of an hour. So for those, the state and the nomination are written as
join would have written them, into the slot that sweep reads next, a minute before they are due.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from bench import report
from bench.campaign import a_campaign
from bench.emulated import deployed
from bench.prod import prod
from bench.report import Part
from bench.traces import ADDED, SECOND, Trace, line
from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Message, Queue
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Save, Users
from holdfast.core.fold.stored import encode
from holdfast.core.fold.timers import AHEAD_MS, SLOT_MS, TimerItem, slot
from holdfast.core.fold.watches import State, Trigger, Watch
from holdfast_cli.campaigns import campaigns, publish_one
from holdfast_cli.output import err
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import tap

if TYPE_CHECKING:
    from infra.stages import Stage

SHORT, LONG = 5, 90
"""Seconds: the two windows. What goes through a slot falls due with the long one."""
WATCHES = 40
"""How many of each kind."""
SPREAD = 12.0
"""Seconds over which those of one kind fall due."""
LOAD = 150
"""Events a second under load, in messages of one event."""
GOALS = {"median": 1.0, "99 %": 3.0}
"""Seconds."""
GROUPS = 3
"""The spread of a quantile is that of every third watch's, from the first, the second and the third on."""
AT_REST = "at rest"
BINS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0)
"""Upper ends of the histogram's bins, in seconds; what is later comes in one more."""


class Kind(NamedTuple):
    """A group of watches that is measured separately."""

    way: str
    load: str

    def __str__(self) -> str:
        return f"{self.way}, {self.load}"


BOUNDS: Mapping[Kind, Mapping[str, float]] = {Kind("through a timer slot", AT_REST): {"median": 2.0}}
"""Seconds. Ticks are delayed by whole seconds, and the emulator looks for those that are due once a second at rest."""


class Lateness:
    """Sends triggers, and receives the messages. `due` is by user, in epoch milliseconds."""

    def __init__(self, deployment: Deployment, watches: int) -> None:
        self._deployment = deployment
        self._queue = Queue(deployment.client("sqs"), deployment.outputs["EventsQueueUrl"])
        self._watches = watches
        self.due: dict[str, tuple[Kind, int]] = {}
        self.late: dict[str, float] = {}

    def send(self, way: str, load: str, window: int) -> None:
        """Triggers, spread over some seconds, each at a time of its own: one a message, as they happen."""
        kind = Kind(f"window {window} s", load)
        begun = time.monotonic()
        for n in range(self._watches):
            time.sleep(max(begun + n * SPREAD / self._watches - time.monotonic(), 0))
            user, now = f"{way}-{load}-{n}", now_ms()
            self.due[user] = kind, now + window * SECOND
            event = {"user": user, "event": f"{ADDED} {window}", "product": "coat", "price": 89.0, "ts": now}
            self._send(event)

    def put_into_slots(self, load: str, campaign: str) -> None:
        """Watches that are due in `LONG` seconds, and after, in the state and the slot as join would leave them."""
        dynamodb, outputs = self._deployment.client("dynamodb"), self._deployment.outputs
        timers, users = Timers(dynamodb, outputs["TimersTableName"]), Users(dynamodb, outputs["UsersTableName"])
        now = now_ms()
        dues = {
            f"slot-{load}-{n}": int(now + SECOND * (LONG + n * SPREAD / self._watches)) for n in range(self._watches)
        }
        saves = []
        for user, due in dues.items():
            watch = Watch(Trigger(due - 1800 * SECOND, "t1", due, 1, "coat", {"price": 89.0}))
            saves.append(Save((user, "watches"), encode(State({campaign: {"coat": watch}})), None, due))
            self.due[user] = Kind("through a timer slot", load), due
        users.save(saves)
        # No sweep has read this slot yet, and the next one, in a minute at the latest, does.
        unread = (timers.cursor(0) or now + AHEAD_MS) // SLOT_MS * SLOT_MS
        timers.write([TimerItem(slot(unread, 0), json.dumps(dues), unread)])

    @contextmanager
    def load(self, per_second: int) -> Iterator[None]:
        """Send a realistic trace at the same time, in real time."""
        done = Flag()

        def run() -> None:
            begun, sent = time.monotonic(), 0
            events = Trace(users=1000, rate=per_second).events()
            while not done.wait(0.2):
                owed = int((time.monotonic() - begun) * per_second) - sent
                now = now_ms()
                batch = [line(next(events)) | {"ts": now} for _ in range(owed)]
                self._queue.send(Message(json.dumps(each)) for each in batch)
                sent += owed

        thread = Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def hear(self, receive: Callable[[], list[dict[str, Any]]], until: float) -> None:
        """Receive until the time (monotonic) is up, or every watch has its message."""
        while time.monotonic() < until and len(self.late) < len(self.due):
            for message in receive():
                user = json.loads(message["Body"])["detail"]["user"]["identity"]
                if user in self.due and user not in self.late:
                    self.late[user] = (int(message["Attributes"]["SentTimestamp"]) - self.due[user][1]) / SECOND

    def _send(self, event: dict[str, Any]) -> None:
        if self._queue.send([Message(json.dumps(event))]):
            raise RuntimeError("the queue does not take events")


def lateness(part: Part, deployment: Deployment, *, watches: int = WATCHES) -> None:
    """Takes two and a half minutes: watches due under load are triggered at rest, and the other way round."""
    for window in (SHORT, LONG):
        campaign = a_campaign(f"lateness-{window}", within=window, settle=0)
        text = campaign.model_dump_json(by_alias=True).replace(f'"{ADDED}"', f'"{ADDED} {window}"')
        publish_one(campaigns(deployment), type(campaign).model_validate_json(text), text)
    measured = Lateness(deployment, watches)
    sqs = deployment.client("sqs")
    with tap(deployment) as tapped, err.status("waiting for messages") as status:

        def receive() -> list[dict[str, Any]]:
            found = sqs.receive_message(
                QueueUrl=tapped.url, MaxNumberOfMessages=10, WaitTimeSeconds=1, AttributeNames=["SentTimestamp"]
            ).get("Messages", [])
            for message in found:
                sqs.delete_message(QueueUrl=tapped.url, ReceiptHandle=message["ReceiptHandle"])
            return list(found)  # type: ignore[arg-type]

        begun = time.monotonic()
        measured.put_into_slots(AT_REST, "lateness-90")
        measured.send("long", AT_REST, LONG)
        measured.send("short", AT_REST, SHORT)
        time.sleep(max(begun + 50 - time.monotonic(), 0))
        measured.put_into_slots("under load", "lateness-90")
        measured.send("long", "under load", LONG)
        status.update("waiting until what is at rest has come")
        measured.hear(receive, begun + LONG + SPREAD + 10)
        with measured.load(LOAD):
            status.update(f"{LOAD} events a second beside it")
            time.sleep(max(begun + 50 + LONG - SPREAD - time.monotonic(), 0))
            measured.send("short", "under load", SHORT)
            measured.hear(receive, begun + 50 + LONG + SPREAD + 20)
    _report(part, measured)


def _report(part: Part, measured: Lateness) -> None:
    histograms = {}
    for kind in sorted({kind for kind, _ in measured.due.values()}):
        users = [user for user, (of, _) in measured.due.items() if of == kind]
        late = [measured.late[user] for user in users if user in measured.late]
        lost = len(users) - len(late)
        histograms[str(kind)] = histogram(late)
        if lost:
            part.row(f"{kind}: not heard of", lost, "messages", goal=0)
        if len(late) >= GROUPS:
            part.row(f"{kind}: early", sum(each < 0 for each in late), "messages", goal=0)
            for name, share in (("median", 0.5), ("99 %", 0.99)):
                groups = [quantile(sorted(late[first::GROUPS]), share) for first in range(GROUPS)]
                note = f"of {len(late)}, in {GROUPS} groups"
                part.spread(
                    f"{kind}: {name}", groups, "s", goal=GOALS[name], bound=BOUNDS.get(kind, {}).get(name), note=note
                )
            middle = quantile(sorted(late), 0.5)
            part.row(
                "  in prod, where functions wait for more", middle + waits(kind, prod()), "s", note="median, computed"
            )
    part.data["histograms"] = histograms


def waits(kind: Kind, stage: Stage) -> float:
    """Seconds that a stage's batching windows add, which the embedded AWS does not have: join's, then deliver's.

    A single record waits for the whole window; in a steady flow, a record waits for half of it on average. From AWS's
    documentation of event source mappings, MaximumBatchingWindowInSeconds.
    """
    windows = (stage.join_batch_window, stage.deliver_batch_window)
    whole = sum(window.to_milliseconds() for window in windows) / SECOND
    return whole if kind.load == AT_REST else whole / 2


def quantile(ordered: list[float], share: float) -> float:
    """The smallest value that is at least as large as `share` of them. At least one value."""
    return ordered[max(math.ceil(len(ordered) * share - 1e-9) - 1, 0)]


def histogram(values: list[float]) -> list[int]:
    """How many are in each of `BINS`, and above."""
    edges = (float("-inf"), *BINS, float("inf"))
    return [sum(low < value <= high for value in values) for low, high in pairwise(edges)]


def main(
    *,
    watches: Annotated[int, typer.Option(help="How many of each kind.")] = WATCHES,
) -> None:
    """Measure, and print the table."""
    part = Part("lateness", "Lateness on the embedded AWS")
    with deployed() as deployment:
        lateness(part, deployment, watches=watches)
    report.show([part])
    raise typer.Exit(int(not part.met))


if __name__ == "__main__":
    typer.run(main)
