"""The tables and queues that join uses, in memory: for properties, which need thousands of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from holdfast.aws.queues import Message, Unsent
from tests.integration.statements import batch_execute_statement

KEYS = {"users": ("user", "part"), "timers": ("slot", "id"), "campaigns": ("pk", "sk")}


class Refused(ClientError):
    """As the SDK raises it."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "ConditionalCheckFailedException"}}, "any")


class Tables:
    """DynamoDB in memory: as much of it as join and the campaigns table use."""

    class exceptions:  # noqa: N801 (as the SDK has it)
        ConditionalCheckFailedException = Refused
        TransactionCanceledException = Refused

    def __init__(self) -> None:
        self.items: dict[str, dict[tuple[str, str], dict[str, Any]]] = {name: {} for name in KEYS}
        self._real = self
        self.before_save: list[Callable[[], None]] = []
        """Events that happen while the next saves are on their way, one each."""

    def _key(self, table: str, item: Mapping[str, Any]) -> tuple[str, str]:
        first, second = KEYS[table]
        return item[first]["S"], item[second]["S"]

    def get_item(self, *, TableName: str, Key: Any, ConsistentRead: bool) -> Any:  # noqa: N803
        assert ConsistentRead
        found = self.items[TableName].get(self._key(TableName, Key))
        return {"Item": found} if found else {}

    def put_item(self, *, TableName: str, Item: dict[str, Any], **condition: Any) -> Any:  # noqa: N803
        old = self.items[TableName].get(self._key(TableName, Item), {})
        if "version" in condition.get("ConditionExpression", ""):
            wanted = condition.get("ExpressionAttributeValues", {}).get(":version")
            if old.get("version") != wanted:
                raise Refused
        self.items[TableName][self._key(TableName, Item)] = Item
        return {}

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        found = {
            table: [item for key in asked["Keys"] if (item := self.items[table].get(self._key(table, key)))]
            for table, asked in RequestItems.items()
        }
        return {"Responses": found, "UnprocessedKeys": {}}

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        for table, requests in RequestItems.items():
            for each in requests:
                self.put_item(TableName=table, Item=each["PutRequest"]["Item"])
        return {"UnprocessedItems": {}}

    def batch_execute_statement(self, *, Statements: Any) -> Any:  # noqa: N803
        if self.before_save:
            self.before_save.pop(0)()
        return batch_execute_statement(self, Statements)

    def transact_write_items(self, *, TransactItems: Any) -> Any:  # noqa: N803
        for each in TransactItems:
            if put := each.get("Put"):
                self.items[put["TableName"]][self._key(put["TableName"], put["Item"])] = put["Item"]
            else:
                gone = each["Delete"]
                del self.items[gone["TableName"]][self._key(gone["TableName"], gone["Key"])]
        return {}

    def query(self, *, TableName: str, ExpressionAttributeValues: Any, **_: Any) -> Any:  # noqa: N803
        (partition,) = (each["S"] for each in ExpressionAttributeValues.values())
        found = sorted((key, item) for key, item in self.items[TableName].items() if key[0] == partition)
        return {"Items": [item for _, item in found[::-1]][:1]}

    def get_paginator(self, _operation: str) -> Any:
        tables = self

        class Query:
            def paginate(self, *, TableName: str, ExpressionAttributeValues: Any, **_: Any) -> Any:  # noqa: N803
                (partition,) = (each["S"] for each in ExpressionAttributeValues.values())
                found = sorted((key, item) for key, item in tables.items[TableName].items() if key[0] == partition)
                yield {"Items": [item for _, item in found]}

        return Query()


class Sink:
    """A queue that takes all that it is given."""

    def __init__(self) -> None:
        self.taken: list[Message] = []

    def put(self, messages: Iterable[Message]) -> Unsent:
        self.taken += messages
        return Unsent([], [])

    def send(self, messages: Iterable[Message]) -> list[Message]:
        return self.put(messages).later
