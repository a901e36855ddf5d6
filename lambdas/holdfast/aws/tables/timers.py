"""The timers table: the slots of the timing wheel, and how far sweep has read each shard."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.aws.retry import SecondsLeft, plenty
from holdfast.aws.tables.batches import ITEMS_PER_WRITE, write
from holdfast.core.fold.timers import begins_at

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

    from holdfast.core.fold.timers import TimerItem

CURSOR = "cursor#"
"""How the partitions begin that say how far a shard was read."""
KEPT_SECONDS = 7 * 24 * 60 * 60
"""How long after its minute a slot stays: long enough for sweep to be out for a week."""


class Entry(NamedTuple):
    """A user's nomination for `at`, and the item whose `users` it is among."""

    slot: str
    id: str
    users: str
    at: int


class Timers:
    def __init__(self, dynamodb: DynamoDBClient, table: str, *, seconds_left: SecondsLeft = plenty) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._seconds_left = seconds_left

    def write(self, items: list[TimerItem]) -> list[TimerItem]:
        """Returns those that could not be written after some tries. Writing one twice does no harm."""
        puts = {uuid.uuid4().hex: item for item in items}
        requests: list[WriteRequestTypeDef] = [
            {
                "PutRequest": {
                    "Item": {
                        "slot": {"S": item.slot},
                        "id": {"S": number},
                        "users": {"S": item.users},
                        "expires_at": {"N": str(item.ends // 1000 + KEPT_SECONDS)},
                    }
                }
            }
            for number, item in puts.items()
        ]
        chunks = (requests[at : at + ITEMS_PER_WRITE] for at in range(0, len(requests), ITEMS_PER_WRITE))
        unwritten = (write(self._dynamodb, self._table, chunk, seconds_left=self._seconds_left) for chunk in chunks)
        return [puts[each["PutRequest"]["Item"]["id"]["S"]] for chunk in unwritten for each in chunk]

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

    def entries(self, user: str) -> Iterator[Entry]:
        """A user's nominations, past ones too as long as their slots are kept. This reads the whole table."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            FilterExpression="contains(#users, :user)",
            ExpressionAttributeNames={"#users": "users"},
            ExpressionAttributeValues={":user": {"S": json.dumps(user, ensure_ascii=False)}},
        )
        for page in pages:
            for item in page["Items"]:
                users = item["users"]["S"]
                at = json.loads(users).get(user)
                if at is not None:
                    yield Entry(item["slot"]["S"], item["id"]["S"], users, at)

    def forget(self, user: str) -> int:
        """Remove a user from all slots. Returns the number of items that named the user."""
        forgotten = 0
        while entries := [*self.entries(user)]:  # again where somebody else did the same to another user of an item
            forgotten += sum(self._forget(user, entry) for entry in entries)
        return forgotten

    def _forget(self, user: str, entry: Entry) -> bool:
        """Whether the item was still as it had been read. Nothing else ever changes an item."""
        others = {each: at for each, at in json.loads(entry.users).items() if each != user}
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "Key": {"slot": {"S": entry.slot}, "id": {"S": entry.id}},
            "ConditionExpression": "#users = :users",
            "ExpressionAttributeNames": {"#users": "users"},
            "ExpressionAttributeValues": {":users": {"S": entry.users}},
        }
        try:
            if others:
                arguments["ExpressionAttributeValues"][":others"] = {"S": json.dumps(others, ensure_ascii=False)}
                self._dynamodb.update_item(**arguments, UpdateExpression="SET #users = :others")
            else:
                self._dynamodb.delete_item(**arguments)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def earliest(self) -> int | None:
        """The beginning of the earliest slot (epoch milliseconds). This reads the whole table."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table, ConsistentRead=True, ProjectionExpression="slot"
        )
        slots = (item["slot"]["S"] for page in pages for item in page["Items"])
        first = min((slot for slot in slots if not slot.startswith(CURSOR)), default=None)
        return begins_at(first) if first else None

    def cursor(self, shard: int) -> int | None:
        """The beginning (epoch milliseconds) of the first slot of a shard that was not read yet."""
        item = self._dynamodb.get_item(TableName=self._table, Key=self._cursor(shard), ConsistentRead=True).get("Item")
        return int(item["next"]["N"]) if item else None

    def set_cursor(self, shard: int, begins: int) -> None:
        self._dynamodb.put_item(TableName=self._table, Item={**self._cursor(shard), "next": {"N": str(begins)}})

    @staticmethod
    def _cursor(shard: int) -> dict[str, dict[str, str]]:
        return {"slot": {"S": f"{CURSOR}{shard}"}, "id": {"S": "cursor"}}
