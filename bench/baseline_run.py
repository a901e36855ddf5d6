"""The baseline's own handlers, on the same embedded AWS and the same kind of clock as Holdfast's in `holdfast_run`.

Events before the slice are put in their final form: the items, and the schedules that the slice deletes or moves.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from contextlib import ExitStack, suppress
from functools import partial
from itertools import islice
from typing import Self
from unittest.mock import patch

import boto3

from bench import baseline
from bench.capacity import ITEM_BYTES, item_bytes
from bench.emulated import client
from bench.ledger import Ledger
from bench.results import Result, Said
from bench.traces import ADDED, CHARGED, SECOND, START, VIEWED, Event, line
from bench.virtual import Batches, Loop, Meter, Sent
from holdfast_cli import local

BATCH_SIZE, BATCH_WINDOW = 10, SECOND
MEMORY_MB = 1024
TABLES = {"watches": ("user", "product"), "profiles": ("user",), "idempotency": ("id",)}


class BaselineRun:
    """One slice of a trace. `name` tells tables apart; `window` is milliseconds."""

    def __init__(self, endpoint: str, *, window: int, name: str) -> None:
        self._endpoint = endpoint
        self._window = window
        self._name = name
        self._stack = ExitStack()
        self._loop = Loop(START)
        self._batches: Batches[Sent] = Batches(self._loop, self._ingest, size=BATCH_SIZE, window=BATCH_WINDOW)
        self._due: dict[str, tuple[int, str]] = {}
        self._said: list[Said] = []

    def __enter__(self) -> Self:
        dynamodb = client("dynamodb", self._endpoint)
        for table, keys in TABLES.items():
            dynamodb.create_table(
                TableName=f"{self._name}-{table}",
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": k, "KeyType": t} for k, t in zip(keys, ("HASH", "RANGE"), strict=False)],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            )
        arn = f"arn:aws:lambda:{local.REGION}:{local.ACCOUNT}:function:send"
        environment = {
            **local.environment(self._endpoint),
            **{f"{table.upper()}_TABLE": f"{self._name}-{table}" for table in TABLES},
            "BUS_NAME": "default",
            "WINDOW_MS": str(self._window),
            "SEND_ARN": arn,
            "SCHEDULER_ROLE_ARN": f"arn:aws:iam::{local.ACCOUNT}:role/scheduler",
        }
        self._stack.enter_context(patch.dict(os.environ, environment, clear=True))
        boto3.setup_default_session(region_name=local.REGION)
        session = boto3._get_default_session()  # noqa: SLF001  (as boto3.client uses it)
        self._meter = Meter(Ledger(session.events.register))
        baseline.settings.cache_clear()
        self._scheduler = client("scheduler", self._endpoint)
        self._dynamodb = dynamodb
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the schedules: the next run makes some with the same names."""
        while left := self._scheduler.list_schedules()["Schedules"]:
            for each in left:
                self._scheduler.delete_schedule(Name=each["Name"])
        self._stack.close()
        boto3.DEFAULT_SESSION = None

    def run(self, before: list[Event], within: list[Event], *, length: int | None) -> Result:
        """As HoldfastRun.run."""
        self._put_what_stands(before, within)
        for name in (ADDED, CHARGED):  # connections are open, clients are made
            product = "p" if name == ADDED else ["p"]
            first = {"user": "nobody", "event": name, "product": product, "price": 1.5, "ts": START}
            self._ingest([Sent(json.dumps(first), START)])
        self._due.pop(baseline._name("nobody", "p"), None)  # noqa: SLF001
        self._meter.counting = True
        for event in within:
            sent = Sent(json.dumps(line(event)), event.arrives)
            self._loop.at(event.arrives, partial(self._batches.offer, sent))
        self._meter.sent(within)
        if length is None:
            self._loop.run_out()
        else:
            self._loop.run(START + length)
        self._meter.counting = False
        triggers = len({event[1:] for event in within if event.name == ADDED})
        return Result(self._meter.counts, triggers, self._said, self._stored(), (length or 0) / SECOND, len(within))

    def _ingest(self, batch: list[Sent]) -> None:
        records = [
            {"messageId": str(n), "body": each.body, "eventSource": "aws:sqs", "receiptHandle": str(n)}
            for n, each in enumerate(batch)
        ]
        self._meter.polled(len(batch))
        calls = self._meter.invoke("ingest", baseline.ingest, {"Records": records}, memory_mb=MEMORY_MB)
        for call in calls:
            if call.operation.startswith("scheduler:") and "Error" not in call.answer:
                name = call.parameters["Name"]
                if call.operation == "scheduler:DeleteSchedule":
                    self._due.pop(name, None)
                else:
                    event = json.loads(call.parameters["Target"]["Input"])
                    self._schedule(name, event["ts"] + self._window, call.parameters["Target"]["Input"])

    def _schedule(self, name: str, due: int, given: str) -> None:
        self._due[name] = due, given
        self._loop.at(due, lambda: self._fire(name, due))

    def _fire(self, name: str, due: int) -> None:
        if self._due.get(name, (0, ""))[0] != due:
            return  # deleted, or moved
        _, given = self._due.pop(name)
        event = json.loads(given)
        if self._meter.counting:
            self._meter.counts.things["scheduler_invocations"] += 1
        self._meter.invoke("send", baseline.send, event, memory_mb=MEMORY_MB)
        self._said.append(Said(event["user"], event["product"], event["ts"]))
        # As ActionAfterCompletion has it; the emulator does so only when it fires one itself.
        with suppress(self._scheduler.exceptions.ResourceNotFoundException):
            self._scheduler.delete_schedule(Name=name)

    def _put_what_stands(self, before: list[Event], within: list[Event]) -> None:
        latest: dict[tuple[str, str], dict[str, Event]] = defaultdict(dict)
        for event in before:
            for product in event.products:
                known = latest[event.user, product]
                if event.name not in known or known[event.name].at < event.at:
                    known[event.name] = event
        items, touched = [], {(e.user, p) for e in within if e.name != VIEWED for p in e.products}
        for (user, product), known in latest.items():
            names = {ADDED: "added_at", CHARGED: "charged_at"}
            times = {names[name]: {"N": str(event.at)} for name, event in known.items()}
            items.append({"user": {"S": user}, "product": {"S": product}, **times, "expires_at": {"N": str(START)}})
            added, charged = known.get(ADDED), known.get(CHARGED)
            if added and added.at + self._window >= START and not (charged and charged.at >= added.at):
                name, given = baseline._name(user, product), json.dumps(line(added))  # noqa: SLF001
                self._schedule(name, added.at + self._window, given)
                if (user, product) in touched:
                    self._scheduler.create_schedule(
                        Name=name,
                        ScheduleExpression="at(2029-01-01T00:00:00)",
                        FlexibleTimeWindow={"Mode": "OFF"},
                        Target={"Arn": "arn:aws:lambda:us-east-1:000000000000:function:send", "RoleArn": "r"},
                    )
        people = sorted({event.user for event in (*before, *within)})
        profiles = [
            {"user": {"S": user}, "first_name": {"S": "Ann"}, "email": {"S": "ann@example.com"}, "country": {"S": "NL"}}
            for user in people
        ]
        for table, rows in (("watches", items), ("profiles", profiles)):
            waiting = iter(rows)
            while chunk := [*islice(waiting, 25)]:
                puts = [{"PutRequest": {"Item": item}} for item in chunk]
                self._dynamodb.batch_write_item(RequestItems={f"{self._name}-{table}": puts})

    def _stored(self) -> int:
        """Bytes of watches and idempotency records."""
        pages = (
            page
            for table in ("watches", "idempotency")
            for page in self._dynamodb.get_paginator("scan").paginate(TableName=f"{self._name}-{table}")
        )
        return sum(item_bytes(item) + ITEM_BYTES for page in pages for item in page["Items"])
