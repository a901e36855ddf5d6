"""The handler of catalog_import: see `holdfast.services.import_catalog`."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

from holdfast.aws.clients import patient_client as client
from holdfast.aws.drop_bucket import DropBucket
from holdfast.aws.queues import Queue
from holdfast.aws.settings import CatalogImportSettings
from holdfast.aws.tables.catalog import Catalogs
from holdfast.aws.telemetry import Logger, Metrics
from holdfast.services.import_catalog import CatalogImport, Task

logger = Logger()
metrics = Metrics()

RESERVE_MS = 90_000
"""The time that an invocation has left when it stops: enough for a window that DynamoDB throttles, and the report."""


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> None:
    (record,) = event["Records"]  # the mapping's batches are of one
    build().take(_task(record["body"]), lambda: context.get_remaining_time_in_millis() > RESERVE_MS)


def _task(body: str) -> Task:
    """From EventBridge's event that an object was created, or from this function itself."""
    message = json.loads(body)
    if "detail" not in message:
        return Task(**message)
    created = message["detail"]["object"]
    return Task(created["key"], created.get("version-id", ""))


@cache
def build() -> CatalogImport:
    settings = CatalogImportSettings.from_env(os.environ)
    return CatalogImport(
        catalogs=Catalogs(client("dynamodb"), settings.catalog_table),
        bucket=DropBucket(client("s3"), settings.catalog_bucket),
        queue=Queue(client("sqs"), settings.imports_queue_url),
    )
