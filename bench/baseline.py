"""The baseline that Holdfast is measured against: the same service, built as AWS's documentation suggests.

`ingest` reads the queue with Powertools' batch processing, record by record. Powertools' idempotency utility makes each
one idempotent (in DynamoDB). A user's product is an item; an add makes a one-off EventBridge schedule, a charge deletes
it. The schedule starts `send`, which reads the profile and puts one event.

It is correct: an add that arrives after its charge opens nothing, as an item keeps the latest time of both; an existing
schedule is moved; a missing one is not an error. Events that nobody waits for cost no call.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

ADDED, CHARGED = "added_to_cart", "charged"
KEPT_MS = 4 * 24 * 3600 * 1000

processor = BatchProcessor(event_type=EventType.SQS)


def ingest(event: dict[str, Any], context: Any) -> PartialItemFailureResponse:
    settings().idempotency.register_lambda_context(context)
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)


def handle(record: SQSRecord) -> None:
    event = record.json_body
    if event["event"] in {ADDED, CHARGED}:
        settings().once(event=event)


def send(event: dict[str, Any], _context: object) -> None:
    """Started by the schedule, which only a charge could have prevented."""
    its = settings()
    key = {"user": {"S": event["user"]}}
    profile = its.dynamodb.get_item(TableName=its.profiles, Key=key).get("Item", {})
    name = profile.get("first_name", {"S": "Hi"})["S"]
    detail = {
        "metadata": {"id": _name(event["user"], event["product"], event["ts"]), "campaign": "abandoned-cart"},
        "user": {"identity": event["user"], "email": profile.get("email", {"S": ""})["S"]},
        "constant": {"name": "product", "value": event["product"]},
        "values": {"title": f"{name}, your {event['product']} is waiting", "price": str(event["price"])},
    }
    entry = {"Source": "baseline", "DetailType": "Personalized Message", "Detail": json.dumps(detail)}
    its.events.put_events(Entries=[{"EventBusName": its.bus, **entry}])


class Settings:
    """Clients and names, made once for each container."""

    def __init__(self) -> None:
        self.dynamodb: Any = boto3.client("dynamodb")
        self.scheduler: Any = boto3.client("scheduler")
        self.events: Any = boto3.client("events")
        self.watches, self.profiles = os.environ["WATCHES_TABLE"], os.environ["PROFILES_TABLE"]
        self.bus, self.window = os.environ["BUS_NAME"], int(os.environ["WINDOW_MS"])
        self.target = {"Arn": os.environ["SEND_ARN"], "RoleArn": os.environ["SCHEDULER_ROLE_ARN"]}
        self.idempotency = IdempotencyConfig()
        store = DynamoDBPersistenceLayer(os.environ["IDEMPOTENCY_TABLE"], boto3_client=self.dynamodb)
        self.once = idempotent_function(
            take, data_keyword_argument="event", persistence_store=store, config=self.idempotency
        )


@cache
def settings() -> Settings:
    return Settings()


def take(event: dict[str, Any]) -> None:
    if event["event"] == ADDED:
        _added(event)
    else:
        for product in event["product"]:
            _charged(event, product)


def _added(event: dict[str, Any]) -> None:
    user, product, at = event["user"], event["product"], event["ts"]
    item = _later("added_at", user, product, at)
    if item is None or int(item.get("charged_at", {"N": "0"})["N"]) >= at:
        return
    its = settings()
    due = datetime.fromtimestamp(-(-(at + its.window) // 1000), UTC)
    schedule = {
        "Name": _name(user, product),
        "ScheduleExpression": f"at({due:%Y-%m-%dT%H:%M:%S})",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {**its.target, "Input": json.dumps(event)},
    }
    try:
        its.scheduler.create_schedule(**schedule)
    except its.scheduler.exceptions.ConflictException:  # added before: its window starts again
        its.scheduler.update_schedule(**schedule)


def _charged(event: dict[str, Any], product: str) -> None:
    user, at = event["user"], event["ts"]
    item = _later("charged_at", user, product, at)
    its = settings()
    if item is not None and 0 < int(item.get("added_at", {"N": "0"})["N"]) <= at:
        with suppress(its.scheduler.exceptions.ResourceNotFoundException):  # it was already sent
            its.scheduler.delete_schedule(Name=_name(user, product))


def _later(what: str, user: str, product: str, at: int) -> dict[str, Any] | None:
    """Keep the later time. Returns the item as it is then, or None if it already had a later time."""
    its = settings()
    try:
        answer = its.dynamodb.update_item(
            TableName=its.watches,
            Key={"user": {"S": user}, "product": {"S": product}},
            UpdateExpression="SET #what = :at, expires_at = :ends",
            ConditionExpression="attribute_not_exists(#what) OR #what < :at",
            ExpressionAttributeNames={"#what": what},
            ExpressionAttributeValues={":at": {"N": str(at)}, ":ends": {"N": str((at + KEPT_MS) // 1000)}},
            ReturnValues="ALL_NEW",
        )
    except its.dynamodb.exceptions.ConditionalCheckFailedException:
        return None
    return dict(answer["Attributes"])


def _name(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
