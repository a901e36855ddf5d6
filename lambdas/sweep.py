"""The handler of sweep: see `holdfast.services.sweep`."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from holdfast.aws.clients import client
from holdfast.aws.queues import Queue
from holdfast.aws.retry import TimeLeft
from holdfast.aws.settings import SweepSettings
from holdfast.aws.tables.timers import Timers
from holdfast.aws.telemetry import Logger, Metrics
from holdfast.services.sweep import Sweep
from holdfast.services.ticks import DeadTicks

logger = Logger()
metrics = Metrics()
time_left = TimeLeft()

RESERVE_MS = 30_000
"""The time that an invocation has left when it stops reading; the next one goes on where it stopped."""


@logger.inject_lambda_context
@metrics.log_metrics
def handler(_event: dict[str, Any], context: Any) -> None:
    time_left.begin(context)
    build().sweep(lambda: time_left() * 1000 > RESERVE_MS)


@cache
def build() -> Sweep:
    settings = SweepSettings.from_env(os.environ)
    sqs = client("sqs")
    events = Queue(sqs, settings.events_queue_url, seconds_left=time_left)
    dead = settings.dead_letters_queue_url
    return Sweep(
        timers=Timers(client("dynamodb"), settings.timers_table, seconds_left=time_left),
        events=events,
        shards=settings.timer_shards,
        dead=DeadTicks(sqs, dead, events) if dead else None,
    )
