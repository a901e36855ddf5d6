"""The handler of join: see `holdfast.services.join`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from holdfast.aws.clients import client, quick_client
from holdfast.aws.clock import now_ms
from holdfast.aws.history import Historian, Recorder
from holdfast.aws.queues import FIRST_ARRIVAL, Queue
from holdfast.aws.retry import TimeLeft
from holdfast.aws.settings import JoinSettings
from holdfast.aws.tables.campaigns import Campaigns, LivePlans
from holdfast.aws.tables.shapes import Observations, Observer
from holdfast.aws.tables.tail import Tails
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Users
from holdfast.aws.tables.volume import Volume, Volumes
from holdfast.aws.telemetry import Logger, Metrics
from holdfast.core.fold.forgetting import Limits
from holdfast.core.intake.batch import Body
from holdfast.core.intake.fields import Rules
from holdfast.services.join import Join
from holdfast.services.tail import Tail

LONGEST_WAIT_MS = 14 * 24 * 60 * 60_000
"""The longest that a queue keeps a message."""

logger = Logger()
metrics = Metrics()
time_left = TimeLeft()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers which messages of the batch may succeed later: those, and no others, come again."""
    time_left.begin(context)
    bodies = [Body(record["messageId"], record["body"], first_arrival(record)) for record in event["Records"]]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in build().take(bodies)]}


def first_arrival(record: Mapping[str, Any]) -> int:
    """When a message came for the first time: one that was redriven says so (epoch milliseconds)."""
    sent = int(record["attributes"]["SentTimestamp"])
    said = record.get("messageAttributes", {}).get(FIRST_ARRIVAL, {}).get("stringValue", "")
    return min(max(int(said), sent - LONGEST_WAIT_MS), sent) if said.isascii() and said.isdecimal() else sent


@cache
def build() -> Join:
    settings = JoinSettings.from_env(os.environ)
    dynamodb, sqs = client("dynamodb"), client("sqs")
    return Join(
        users=Users(dynamodb, settings.users_table, deflate=settings.deflate_states == "true", seconds_left=time_left),
        timers=Timers(dynamodb, settings.timers_table, seconds_left=time_left),
        plans=LivePlans(Campaigns(dynamodb, settings.campaigns_table)),
        events=Queue(sqs, settings.events_queue_url, seconds_left=time_left),
        rejected=Queue(sqs, settings.rejected_queue_url, seconds_left=time_left),
        limits=Limits(waiting=settings.queue_retention_seconds * 1000),
        shards=settings.timer_shards,
        rules=Rules.of(settings.nobody, settings.cloudevent_subject),
        observer=Observer(Observations(dynamodb, settings.campaigns_table), now_ms, seconds_left=time_left),
        tail=Tail(Tails(dynamodb, settings.campaigns_table), now_ms, seconds_left=time_left),
        volume=Volume(Volumes(dynamodb, settings.campaigns_table), now_ms, seconds_left=time_left),
        historian=Historian(
            Recorder(lambda: quick_client("firehose"), settings.history_stream, seconds_left=time_left)
        ),
    )
