"""Events a second through the deployed stack, beside a pass-through that does the same work in the same run.

    python -m bench.throughput

Both get the same realistic trace while their mappings are disabled. Then each mapping in turn is enabled until its
queue is empty, which is after the last tick, too. The pass-through reads users, writes them conditionally, sends ticks
and puts messages as often as Holdfast does, and keeps none of its promises: it is the floor, the emulator's own speed.
They take turns, several times. Afterwards, Holdfast's books have to balance.

There are two runs. In one, a message holds a hundred events: the emulator gives a function at most ten messages, and
AWS a thousand, so a function gets as many events as from AWS. In the other, a message holds one event, and there are
fewer events.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from itertools import groupby, islice
from typing import Annotated, Any, NamedTuple, TypeVar

import typer

from bench import report
from bench.campaign import a_campaign
from bench.emulated import deployed
from bench.passthrough import PassThrough, pass_through
from bench.report import Part
from bench.traces import Trace, line
from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Message, Queue
from holdfast_cli.books import Books, read_books
from holdfast_cli.campaigns import campaigns, publish_one
from holdfast_cli.output import err
from holdfast_cli.stack import Deployment

EVENTS = 20_000
"""Each time."""
TIMES = 3
SHAPES = {100: 1, 1: 20}
"""How many events a message holds, and for which part of the events: one in so many."""
USERS = 10_000
WINDOW_SECONDS = 2
T = TypeVar("T")
PATIENCE = 300.0
"""Seconds until a queue has to be empty."""
GOAL = 0.5


class Run(NamedTuple):
    seconds: float
    per_second: float


def throughput(part: Part, deployment: Deployment, *, events: int = EVENTS, times: int = TIMES) -> None:
    campaign = a_campaign(within=WINDOW_SECONDS, settle=0)
    publish_one(campaigns(deployment), campaign, campaign.model_dump_json(by_alias=True))
    sent = 0
    with pass_through(deployment, window=WINDOW_SECONDS) as floor:
        for records, share in SHAPES.items():
            each, ratios, ours = events // share, [], []
            for _ in range(1 + times):  # the first turn starts the functions
                bodies = _bodies(each, records, sent)
                sent += each
                passing = _timed(deployment, floor.queue_url, floor.mapping, bodies, each)
                queue, mapping = deployment.outputs["EventsQueueUrl"], _join_mapping(deployment)
                ours.append(_timed(deployment, queue, mapping, bodies, each).per_second)
                ratios.append(ours[-1] / passing.per_second)
            shape = f"{each:,} events, {records} in a message"
            part.spread(
                f"{shape}: Holdfast", ours[1:], "events/s", note="with ticks and decisions; deliver goes on beside it"
            )
            part.spread("  of the pass-through", ratios[1:], goal=GOAL, sense="at least", note="after a first turn")
            part.data[shape] = {"holdfast": ours, "ratios": ratios}
        passed = _settled(lambda: _passed(deployment, floor), lambda passed: passed["records"] >= sent)
    books = _settled(lambda: read_books(deployment), lambda books: books.balance(sent))
    part.row("events that did not pass through", sent - passed["records"], goal=0)
    part.row("messages of the pass-through", passed["put"], note=f"Holdfast's {books.delivered:,}")
    part.row("books that do not balance", int(not books.balance(sent)), goal=0, note=_told(books))


def _bodies(events: int, records: int, first: int) -> list[str]:
    now = now_ms()
    lines = (line(event) | {"ts": now, "n": n} for n, event in enumerate(islice(_trace().events(), events), first))
    return [json.dumps([*together]) for _, together in groupby(lines, key=lambda each: each["n"] // records)]


def _trace() -> Trace:
    """Everything happens now, so no event can be late or a copy: `n` tells equal events apart."""
    return Trace(users=USERS, rate=100, duplicates=0, disorder=0)


def _timed(deployment: Deployment, queue: str, mapping: str, bodies: list[str], events: int) -> Run:
    """The time from when the mapping is enabled until the queue is empty."""
    lambda_ = deployment.client("lambda")
    lambda_.update_event_source_mapping(UUID=mapping, Enabled=False)
    time.sleep(1)
    with err.status("filling the queue"):
        unsent = Queue(deployment.client("sqs"), queue).send(map(Message, bodies))
    if unsent:
        raise RuntimeError(f"{len(unsent)} messages could not be sent")
    time.sleep(WINDOW_SECONDS)
    lambda_.update_event_source_mapping(UUID=mapping, Enabled=True)
    started = time.monotonic()
    with err.status(f"{events:,} events under way"):
        empty = _await_empty(deployment, queue)
    return Run(empty - started, events / (empty - started))


def _await_empty(deployment: Deployment, queue: str) -> float:
    """When the queue was first seen empty, with nothing in flight and nothing delayed (and stayed so)."""
    deadline = time.monotonic() + PATIENCE
    since: float | None = None
    while (now := time.monotonic()) < deadline:
        if _waiting(deployment, queue):
            since = None
        elif since is None:
            since = now
        elif now - since > 1:
            return since
        time.sleep(0.1)
    raise TimeoutError(f"{_waiting(deployment, queue):,} messages still wait after {PATIENCE:.0f} s")


def _waiting(deployment: Deployment, queue: str) -> int:
    names: list[Any] = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
    attributes = deployment.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(attributes.get(name, 0)) for name in names)


def _join_mapping(deployment: Deployment) -> str:
    name = deployment.outputs["JoinFunctionName"]
    (mapping,) = deployment.client("lambda").list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    return mapping["UUID"]


def _passed(deployment: Deployment, floor: PassThrough) -> Counter[str]:
    """Records taken and messages put, by the pass-through's own counts."""
    pages = deployment.client("logs").get_paginator("filter_log_events").paginate(logGroupName=floor.log_group)
    lines = (event["message"].strip() for page in pages for event in page["events"])
    passed: Counter[str] = Counter()
    for each in lines:
        if each.startswith('{"records"'):
            passed.update(json.loads(each))
    return passed


def _settled(read: Callable[[], T], enough: Callable[[T], bool]) -> T:
    """The number read, once it is enough or the time for that is over."""
    for _ in range(40):
        if enough(found := read()):
            break
        time.sleep(0.5)
    return found


def _told(books: Books) -> str:
    return (
        f"folded {books.folded:,} + rejected {books.rejected:,} + waiting {books.waiting:,}; decided {books.decided:,}"
        f" = delivered {books.delivered:,} + withheld {books.withheld:,} + undelivered {books.undelivered:,}"
    )


def main(
    *,
    events: Annotated[int, typer.Option(help="How many events.")] = EVENTS,
) -> None:
    """Measure, and print the table."""
    part = Part("throughput", "Throughput on the embedded AWS")
    with deployed() as deployment:
        throughput(part, deployment, events=events)
    report.show([part])
    raise typer.Exit(int(not part.met))


if __name__ == "__main__":
    typer.run(main)
