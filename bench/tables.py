"""The tables and queues of a run, as the stack has them, and the settings that name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from bench import POWERTOOLS
from bench.emulated import client
from bench.prod import prod
from bench.traces import START
from holdfast.core.events import ProfileChange
from holdfast.core.fold import profiles
from holdfast_cli import local

TABLES = {
    "users": ("user", "part"),
    "timers": ("slot", "id"),
    "campaigns": ("pk", "sk"),
    "catalog": ("pk", "sk"),
}
QUEUES = ("events", "rejected", "undelivered")


def environment(endpoint: str, name: str) -> Mapping[str, str]:
    """The settings that the stack gives the functions, for the tables and queues made by `create`."""
    sqs = client("sqs", endpoint)
    urls = {queue: sqs.get_queue_url(QueueName=f"{name}-{queue}")["QueueUrl"] for queue in QUEUES}
    return {
        **local.environment(endpoint),
        **{f"HOLDFAST_{table.upper()}_TABLE": f"{name}-{table}" for table in TABLES},
        **{f"HOLDFAST_{queue.upper()}_QUEUE_URL": url for queue, url in urls.items()},
        "HOLDFAST_BUS_NAME": "default",
        "HOLDFAST_TIMER_SHARDS": str(prod().timer_shards),
        "HOLDFAST_QUEUE_RETENTION_SECONDS": str(prod().events_retention.to_seconds()),
        **POWERTOOLS,
    }


def create(endpoint: str, name: str) -> None:
    """Tables and queues, as the stack has them."""
    dynamodb, sqs = client("dynamodb", endpoint), client("sqs", endpoint)
    for table, keys in TABLES.items():
        dynamodb.create_table(
            TableName=f"{name}-{table}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            **(
                {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}
                if table == "users"
                else {}
            ),
        )
    for queue in QUEUES:
        sqs.create_queue(QueueName=f"{name}-{queue}")


def put_profiles(dynamodb: Any, table: str, users: Iterable[str]) -> None:
    given = {"first_name": "Ann", "email": "ann@example.com", "country": "NL"}
    changes = (ProfileChange(user, START, START, given) for user in users)
    items = (
        {
            "user": {"S": change.user},
            "part": {"S": "profile"},
            "state": {"S": profiles.encode(profiles.merge({}, [change]).profile)},
            "version": {"N": "1"},
        }
        for change in changes
    )
    while chunk := [*islice(items, 25)]:
        puts = [{"PutRequest": {"Item": item}} for item in chunk]
        dynamodb.batch_write_item(RequestItems={table: puts})
