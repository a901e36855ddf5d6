"""Holdfast's own handlers, on an embedded AWS and a clock that the run sets.

The same join folds the events before the slice, into tables in memory. The result is then put into the real tables, and
from there on everything is counted.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from typing import Any, Self
from unittest.mock import patch

import deliver
import join
import sweep
from bench.capacity import ITEM_BYTES, item_bytes
from bench.emulated import client
from bench.ledger import Call, Ledger
from bench.memory import MemoryQueue, MemoryTimers, MemoryUsers, refuse
from bench.prod import memory_mb, prod
from bench.results import Result, Said
from bench.tables import create, environment, put_profiles
from bench.traces import MINUTE, SECOND, START, Event, line
from bench.virtual import Batches, Loop, Meter, Sent, Stream
from holdfast.aws import clients, clock
from holdfast.aws.queues import Message
from holdfast.aws.tables.revisions import EPOCH
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Users
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.fold.timers import AHEAD_MS
from holdfast.services import join as join_service
from holdfast.services.join import Join
from holdfast.services.sweep import Sweep
from holdfast_cli import local
from holdfast_cli.campaigns import campaigns, publish_one
from holdfast_cli.outputs import Outputs
from holdfast_cli.stack import Deployment


def _sweep_every() -> int:
    return prod().sweep_minutes * MINUTE


class HoldfastRun:
    """One campaign, one slice of a trace. Tables and queues are new for each run: `name` tells them apart.

    `more` are extra properties of each add. `deflate`: states are stored deflated.
    """

    def __init__(
        self,
        endpoint: str,
        campaign: Campaign,
        *,
        name: str,
        more: Mapping[str, str] | None = None,
        deflate: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._campaign = campaign
        self._name = name
        self._stack = ExitStack()
        self._loop = Loop(START)
        self._more = more or {}
        self._deflate = deflate
        stage = prod()
        window = int(stage.join_batch_window.to_milliseconds())
        self._batches: Batches[Sent] = Batches(self._loop, self._join, size=stage.join_batch_size, window=window)
        self._stream: Stream[Any] = Stream(
            self._loop,
            self._deliver,
            size=stage.deliver_batch_size,
            window=int(stage.deliver_batch_window.to_milliseconds()),
            lanes=stage.deliver_lanes,
        )
        self._said: list[Said] = []
        self._slots: set[str] = set()

    def __enter__(self) -> Self:
        create(self._endpoint, self._name)
        self._outputs: Outputs = {
            "CampaignsTableName": f"{self._name}-campaigns",
            "CatalogTableName": f"{self._name}-catalog",
        }
        told = {**environment(self._endpoint, self._name), "HOLDFAST_DEFLATE_STATES": str(self._deflate).lower()}
        self._stack.enter_context(patch.dict(os.environ, told, clear=True))
        self._stack.enter_context(patch.object(join_service, "random", Random(1)))  # noqa: S311  (which shard a slot is in)
        self._stack.enter_context(patch.object(clock, "time", SimpleNamespace(time_ns=lambda: self._loop.now * 10**6)))
        deployment = Deployment(stage="local", region=local.REGION, endpoint=self._endpoint, outputs=self._outputs)
        publish_one(campaigns(deployment), self._campaign, self._campaign.model_dump_json(by_alias=True))
        clients._session.cache_clear()  # noqa: SLF001  (the next run has another ledger)
        where = {"TableName": self._outputs["CampaignsTableName"], "Key": EPOCH, "ConsistentRead": True}
        epoch = client("dynamodb", self._endpoint).get_item(**where)["Item"]
        self._memory_users, self._memory_timers = MemoryUsers(epoch), MemoryTimers()
        self._memory_join, self._memory_sweep = self._in_memory()
        self._meter = Meter(Ledger(clients._session().register))  # noqa: SLF001  (all clients come from it)
        self._dynamodb = client("dynamodb", self._endpoint)
        self._streams = client("dynamodbstreams", self._endpoint)
        self._iterator = self._stream_end()
        for module in (join, sweep, deliver):
            module.build.cache_clear()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, before: list[Event], within: list[Event], *, length: int) -> Result:
        """Fold the earlier events in memory, then count the effects of `length` milliseconds."""
        with patch.object(join, "build", lambda: self._memory_join):
            self._loop.now = before[0].arrives if before else START
            for event in before:
                self._offer(event)
            self._sweep_in_memory()
            self._loop.run(START)
        self._put_what_stands({event.user for event in (*before, *within)})
        self._warm_up()
        self._meter.counting = True
        for event in within:
            self._offer(event)
        self._meter.sent(within)
        self._loop.run(START + length)
        self._stream.flush()  # what was decided within belongs to it; what was before is not in the stream
        self._sweep_what_was_written(length)
        self._meter.counting = False
        triggers = len({event[1:] for event in within if event.name == self._campaign_trigger})
        return Result(self._meter.counts, triggers, self._said, self._stored(), (length or 0) / SECOND, len(within))

    @property
    def _campaign_trigger(self) -> str:
        return self._campaign.when.did[0]

    # --- what happens ------------------------------------------------------------------------------------------------

    def _offer(self, event: Event) -> None:
        more = self._more if event.name == self._campaign_trigger else {}
        body = json.dumps(line(event, **more))
        self._loop.at(event.arrives, lambda: self._batches.offer(Sent(body, event.arrives)))

    def _join(self, batch: list[Sent]) -> None:
        records = [
            {"messageId": str(n), "body": each.body, "attributes": {"SentTimestamp": str(each.sent)}}
            for n, each in enumerate(batch)
        ]
        self._meter.polled(len(batch))
        calls = self._meter.invoke("join", join.handler, {"Records": records}, memory_mb=memory_mb("join"))
        self._ticks(calls)
        for call in calls:
            if call.operation == "dynamodb:BatchWriteItem":
                puts = call.parameters["RequestItems"][f"{self._name}-timers"]
                self._slots |= {put["PutRequest"]["Item"]["slot"]["S"] for put in puts}
        if any(call.operation.startswith("dynamodb:") and "Get" not in call.operation for call in calls):
            self._stream_records()

    def _ticks(self, calls: Iterable[Call]) -> None:
        for call in calls:
            if call.operation == "sqs:SendMessageBatch":
                if not call.parameters["QueueUrl"].endswith(f"{self._name}-events"):
                    raise RuntimeError(f"set aside: {call.parameters['Entries'][0]['MessageBody'][:500]}")
                for entry in call.parameters["Entries"]:
                    self._delayed(entry["MessageBody"], entry.get("DelaySeconds", 0))

    def _delayed(self, body: str, delay: int) -> None:
        sent = Sent(body, self._loop.now)
        self._loop.at(self._loop.now + delay * SECOND, lambda: self._batches.offer(sent))

    def _stream_records(self) -> None:
        found = self._streams.get_records(ShardIterator=self._iterator)
        self._iterator = found["NextShardIterator"]
        for record in found["Records"]:
            image = record["dynamodb"].get("NewImage", {})
            if "outbox" in image:
                self._stream.write(zlib.crc32(image["user"]["S"].encode()), {"dynamodb": {"NewImage": image}})

    def _deliver(self, records: list[Any]) -> None:
        calls = self._meter.invoke("deliver", deliver.handler, {"Records": records}, memory_mb=memory_mb("deliver"))
        for call in calls:
            if call.operation == "events:PutEvents":
                for entry in call.parameters["Entries"]:
                    detail = json.loads(entry["Detail"])
                    self._said.append(Said(detail["user"]["identity"], detail["constant"]["value"]))

    # --- before, and after -------------------------------------------------------------------------------------------

    def _in_memory(self) -> tuple[Join, Sweep]:
        events = os.environ["HOLDFAST_EVENTS_QUEUE_URL"]
        with ExitStack() as stack:
            for module in (join, sweep):
                stack.enter_context(patch.object(module, "Timers", lambda *_, **__: self._memory_timers))
                stack.enter_context(
                    patch.object(
                        module,
                        "Queue",
                        lambda _, url, **__: MemoryQueue(self._send_in_memory if url == events else refuse),
                    )
                )
            stack.enter_context(patch.object(join, "Users", lambda *_, **__: self._memory_users))
            return join.build.__wrapped__(), sweep.build.__wrapped__()

    def _send_in_memory(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._delayed(message.body, message.delay)

    def _sweep_in_memory(self) -> None:
        for at in range(self._loop.now, START, _sweep_every()):
            self._loop.at(at, lambda: self._memory_sweep.sweep(lambda: True))

    def _put_what_stands(self, users: Iterable[str]) -> None:
        """Put the states, and a profile for every user, into the real tables."""
        table = Users(self._dynamodb, f"{self._name}-users", deflate=self._deflate)
        table.save([save._replace(over=None, outbox=None) for save in self._memory_users.saves.values()])
        put_profiles(self._dynamodb, f"{self._name}-users", sorted(users))

    def _warm_up(self) -> None:
        """Do everything that a container does once: read the campaigns, note the names of events, open connections."""
        self._iterator = self._stream_end()
        for name in ("viewed", self._campaign_trigger, self._campaign.when.did_not[0]):
            event = {"user": "nobody", "event": name, "product": "p", "price": 1.5, "ts": START - 10**9}
            self._join([Sent(json.dumps(event), START)])  # history: nothing comes of it
        self._said.clear()
        self._slots.clear()

    def _sweep_what_was_written(self, length: int) -> None:
        """Read the slots that the slice wrote to, as sweep would find them.

        Each minute and shard has one query in any case, and each sweep one read and one write of a shard's cursor. Only
        the slice's share of these is counted.
        """
        if not self._slots:
            return
        shards = prod().timer_shards
        timers = Timers(self._dynamodb, f"{self._name}-timers")
        minutes = sorted({_minute(slot) for slot in self._slots})
        for shard in range(shards):
            timers.set_cursor(shard, minutes[0])
        self._loop.now = max(minutes[-1] - AHEAD_MS, START)
        counts = self._meter.counts
        self._meter.counting = False
        calls = self._meter.invoke("sweep", sweep.handler, {}, memory_mb=memory_mb("sweep"))
        for call in calls:
            if call.operation == "sqs:SendMessageBatch" or call.answer.get("Items"):
                counts.add(call)
        counts.calls["dynamodb:Query"] = round(shards * length / MINUTE)
        sweeps = round(shards * length / _sweep_every())
        for operation in ("GetItem", "PutItem"):
            counts.calls[f"dynamodb:{operation}"] += sweeps
        counts.things["write_units"] += sweeps
        counts.things["read_units"] += sweeps
        counts.invocations["sweep"] += 1
        counts.things["lambda_requests"] += 1

    def _stored(self) -> int:
        """Bytes of users' watches, by DynamoDB's rules; profiles are the user's, not the trigger's."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=f"{self._name}-users")
        items = (item for page in pages for item in page["Items"] if item["part"]["S"] == "watches")
        return sum(item_bytes(item) + ITEM_BYTES for item in items)

    def _stream_end(self) -> str:
        table = self._dynamodb.describe_table(TableName=f"{self._name}-users")["Table"]
        arn = table["LatestStreamArn"]
        (shard,) = self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        return str(
            self._streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST")[
                "ShardIterator"
            ]
        )


def _minute(slot: str) -> int:
    """When a slot begins."""
    return int(datetime.strptime(slot.partition("#")[0], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC).timestamp()) * SECOND
