"""Who did what, in the campaigns table: `activity` / time, and a number that makes it unique. It stays for 400 days.

A revision keeps its own author (campaigns.py); here is what leaves no other trace, and all of it in order of time.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ACTIVITY: Final = "activity"
KEPT_MS: Final = 400 * 24 * 60 * 60_000


class Act(NamedTuple):
    """Something that somebody did: `action` is a past tense, `of` a campaign or a queue, `at` epoch milliseconds.

    `number` is of how many messages. What does not apply is None; an empty `by` is somebody without a name.
    """

    at: int
    by: str
    action: str
    of: str
    revision: int | None = None
    number: int | None = None
    note: str = ""


class Activity:
    """Raises what AWS raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def record(self, act: Act) -> None:
        item: dict[str, Any] = {
            "pk": {"S": ACTIVITY},
            "sk": {"S": f"{act.at:015d}#{uuid.uuid4().hex}"},
            "at": {"N": str(act.at)},
            "action": {"S": act.action},
            "of": {"S": act.of},
            "expires_at": {"N": str((act.at + KEPT_MS) // 1000)},
        }
        item |= {name: {"S": text} for name, text in (("by", act.by), ("note", act.note)) if text}
        counted = (("revision", act.revision), ("count", act.number))
        item |= {name: {"N": str(number)} for name, number in counted if number is not None}
        self._dynamodb.put_item(TableName=self._table, Item=item)

    def latest(self, limit: int = 200) -> list[Act]:
        """The newest first."""
        answer = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": ACTIVITY}},
            ScanIndexForward=False,
            Limit=limit,
        )
        return [_act(item) for item in answer["Items"]]


def _act(item: Mapping[str, Any]) -> Act:
    return Act(
        at=int(item["at"]["N"]),
        by=item.get("by", {}).get("S", ""),
        action=item["action"]["S"],
        of=item["of"]["S"],
        revision=_number(item, "revision"),
        number=_number(item, "count"),
        note=item.get("note", {}).get("S", ""),
    )


def _number(item: Mapping[str, Any], name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None
