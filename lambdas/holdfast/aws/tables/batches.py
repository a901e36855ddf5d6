"""Writing to DynamoDB, twenty-five items a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.retry import ATTEMPTS, SecondsLeft, attempts, lasting, plenty

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
    seconds_left: SecondsLeft = plenty,
) -> Sequence[Any]:
    """Put and delete, `ITEMS_PER_WRITE` at most; those that could not be after some tries are returned.

    `passing` is what is worth another try; any other error of AWS is raised. Where a request is refused because of
    what is in it, the others are written without the one at fault.
    """
    for _ in attempts(tries, seconds_left=seconds_left):
        try:
            answer = dynamodb.batch_write_item(RequestItems={table: requests})
        except passing as error:
            if lasting(error):
                if len(requests) == 1:
                    return requests
                alone = (
                    write(dynamodb, table, [each], tries=tries, passing=passing, seconds_left=seconds_left)
                    for each in requests
                )
                return [each for failed in alone for each in failed]
            continue
        requests = answer.get("UnprocessedItems", {}).get(table, ())
        if not requests:
            break
    return requests
