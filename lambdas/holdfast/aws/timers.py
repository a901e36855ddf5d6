"""The timers table: the slots of the timing wheel, and how far sweep has read each shard."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.retry import attempts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

    from holdfast.core.timers import TimerItem

ITEMS_PER_WRITE = 25
KEPT_SECONDS = 7 * 24 * 60 * 60
"""How long after its minute a slot stays: long enough for sweep to be out for a week."""


class Timers:
    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def write(self, items: list[TimerItem]) -> bool:
        """Whether all were written. Writing one twice does no harm."""
        puts: list[WriteRequestTypeDef] = [
            {
                "PutRequest": {
                    "Item": {
                        "slot": {"S": item.slot},
                        "id": {"S": uuid.uuid4().hex},
                        "users": {"S": item.users},
                        "expires_at": {"N": str(item.ends // 1000 + KEPT_SECONDS)},
                    }
                }
            }
            for item in items
        ]
        chunks = (puts[at : at + ITEMS_PER_WRITE] for at in range(0, len(puts), ITEMS_PER_WRITE))
        return all(self._write(chunk) for chunk in chunks)

    def _write(self, puts: list[WriteRequestTypeDef]) -> bool:
        for _ in attempts():
            try:
                answer = self._dynamodb.batch_write_item(RequestItems={self._table: puts})
            except (ClientError, BotoCoreError):
                continue
            puts = list(answer.get("UnprocessedItems", {}).get(self._table, ()))  # type: ignore[arg-type]
            if not puts:
                return True
        return False

    def read(self, slot: str) -> Iterator[str]:
        """The `users` of each item of a slot."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="slot = :slot",
            ExpressionAttributeValues={":slot": {"S": slot}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield item["users"]["S"]

    def cursor(self, shard: int) -> int | None:
        """The beginning (epoch milliseconds) of the first slot of a shard that was not read yet."""
        item = self._dynamodb.get_item(TableName=self._table, Key=self._cursor(shard), ConsistentRead=True).get("Item")
        return int(item["next"]["N"]) if item else None

    def set_cursor(self, shard: int, begins: int) -> None:
        self._dynamodb.put_item(TableName=self._table, Item={**self._cursor(shard), "next": {"N": str(begins)}})

    @staticmethod
    def _cursor(shard: int) -> dict[str, dict[str, str]]:
        return {"slot": {"S": f"cursor#{shard}"}, "id": {"S": "cursor"}}
