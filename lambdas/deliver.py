"""The handler of deliver: see `holdfast.services.deliver`."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from holdfast.aws.bus import Bus
from holdfast.aws.clients import client, quick_client
from holdfast.aws.personalize import Personalize
from holdfast.aws.queues import Queue
from holdfast.aws.retry import TimeLeft
from holdfast.aws.secrets import Secret
from holdfast.aws.settings import DeliverSettings
from holdfast.aws.tables.campaigns import Campaigns, LivePlans
from holdfast.aws.tables.statistics import Statistics
from holdfast.aws.telemetry import Logger, Metrics
from holdfast.services.deliver import Deliver
from holdfast.services.message_data import Lookup

logger = Logger()
metrics = Metrics()
time_left = TimeLeft()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> None:
    """Raises only if the undelivered queue, too, refuses a decision that cannot be delivered: then the stream tries
    again.
    """
    time_left.begin(context)
    build().take([record.get("dynamodb", {}).get("NewImage", {}) for record in event["Records"]], time_left)


@cache
def build() -> Deliver:
    settings = DeliverSettings.from_env(os.environ)
    dynamodb = client("dynamodb")
    campaigns = Campaigns(dynamodb, settings.campaigns_table)
    return Deliver(
        lookup=Lookup(
            dynamodb,
            settings.users_table,
            settings.catalog_table,
            campaigns_table=settings.campaigns_table,
            seconds_left=time_left,
            personalize=Personalize(quick_client("personalize-runtime")) if settings.personalize else None,
        ),
        campaigns=campaigns,
        live=LivePlans(campaigns),
        bus=Bus(client("events"), settings.bus_name, settings.source),
        undelivered=Queue(client("sqs"), settings.undelivered_queue_url, seconds_left=time_left),
        statistics=Statistics(dynamodb, settings.campaigns_table),
        secret=Secret(lambda: client("secretsmanager"), settings.signing_secret),
    )
