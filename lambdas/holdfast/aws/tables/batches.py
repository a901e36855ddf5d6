"""Writing to DynamoDB, twenty-five items a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.retry import ATTEMPTS, attempts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ITEMS_PER_WRITE = 25


def write(
    dynamodb: DynamoDBClient,
    table: str,
    requests: Sequence[Any],
    *,
    tries: int = ATTEMPTS,
    passing: tuple[type[Exception], ...] = (ClientError, BotoCoreError),
) -> Sequence[Any]:
    """Put and delete, `ITEMS_PER_WRITE` at most; those that could not be after some tries are returned.

    `passing` is what is worth another try; any other error of AWS is raised.
    """
    for _ in attempts(tries):
        try:
            answer = dynamodb.batch_write_item(RequestItems={table: requests})
        except passing:
            continue
        requests = answer.get("UnprocessedItems", {}).get(table, ())
        if not requests:
            break
    return requests
