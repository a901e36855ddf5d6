"""The live tail, in the campaigns table.

`timeline` / `#epoch`      an attribute `tail#`id for each who follows: join reads this item with every batch anyway
`tail#`id / time#unique    lines; who follows deletes them to show them, or at the end, and else they expire

A publication writes the epoch anew, without what is beside it: whoever follows renews it every few seconds.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from holdfast.aws.retry import attempts
from holdfast.aws.tables.revisions import EPOCH, aws_time
from holdfast.core.intake.tail import Line, Wanted

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TAIL = "tail#"
LEASE_MS = 45_000
"""How long somebody follows after the last request."""
KEPT_MS = 10 * 60_000
"""Then a line is shown to nobody, also where the table has not deleted it yet."""
MOST = 5
"""How many may follow at a time: each costs join a write with every batch."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[list[Line], int]).decode


class TooMany(RuntimeError):
    """Too many people are following already."""


def wanted(item: Mapping[str, Any] | None, now: int) -> list[Wanted]:
    """The people who follow, according to the epoch's item."""
    found = [Wanted.from_text(value.get("S", "")) for name, value in (item or {}).items() if name.startswith(TAIL)]
    return [each for each in found if each and each.until > now][:MOST]


class Tails:
    """Raises what AWS raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    # Who follows

    def ask(self, id_: str, *, user: str = "", event: str = "", values: bool = False) -> None:
        """Follow for `LEASE_MS` more. `user` is a mark. Raises TooMany."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=EPOCH, ConsistentRead=True)
        item, now = answer.get("Item", {}), aws_time(answer)
        live = {each.id for each in wanted(item, now)}
        if id_ not in live and len(live) >= MOST:
            raise TooMany
        over = [name for name in item if name.startswith(TAIL) and name.removeprefix(TAIL) not in live | {id_}]
        text = Wanted(id_, now + LEASE_MS, user, event, values).to_text()
        # Other releases read this item too, and none of them one without an epoch.
        self._update(
            f"SET #id = :wanted, epoch = if_not_exists(epoch, :epoch){self._gone(over)}",
            ExpressionAttributeNames={"#id": TAIL + id_, **{f"#gone{n}": name for n, name in enumerate(over)}},
            ExpressionAttributeValues={":wanted": {"S": text}, ":epoch": {"S": uuid.uuid4().hex}},
        )

    def end(self, id_: str) -> None:
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):  # nobody asked yet
            self._update(
                "REMOVE #id",
                ExpressionAttributeNames={"#id": TAIL + id_},
                ConditionExpression="attribute_exists(#id)",
            )
        for _ in self.take(id_):
            pass

    @staticmethod
    def _gone(over: Sequence[str]) -> str:
        return " REMOVE " + ", ".join(f"#gone{number}" for number in range(len(over))) if over else ""

    def _update(self, update: str, **more: Any) -> None:
        for _ in attempts():
            try:
                self._dynamodb.update_item(TableName=self._table, Key=EPOCH, UpdateExpression=update, **more)
            except self._dynamodb.exceptions.TransactionConflictException as error:
                failure = error  # somebody publishes
            else:
                return
        raise failure

    def take(self, id_: str) -> Iterator[tuple[list[Line], int]]:
        """The lines since the last call, and the number of further records. The lines are deleted."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": TAIL + id_}},
        )
        for page in pages:
            now = aws_time(page)
            for item in page["Items"]:
                self._dynamodb.delete_item(TableName=self._table, Key={"pk": item["pk"], "sk": item["sk"]})
                if int(item["expires_at"]["N"]) * 1000 > now:
                    yield _decode(item["lines"]["S"])

    # Join

    def write(self, id_: str, some: Sequence[Line], more: int, now: int) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"pk": {"S": TAIL + id_}, "sk": {"S": f"{now:015d}#{uuid.uuid4().hex}"}},
            UpdateExpression="SET #lines = :lines, expires_at = :ends",
            ExpressionAttributeNames={"#lines": "lines"},
            ExpressionAttributeValues={
                ":lines": {"S": _encode((some, more)).decode()},
                ":ends": {"N": str((now + KEPT_MS) // 1000)},
            },
        )
