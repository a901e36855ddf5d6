"""The volume, in the campaigns table: `volume` / day, with a number for each event key, and one for all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from holdfast.aws.retry import CALL_SECONDS, SecondsLeft, plenty
from holdfast.core.intake.batch import Parsed
from holdfast.core.intake.volume import OTHERS, Held, bounded

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

VOLUME = "volume"
_EVENT = "event#"
_OTHERS = "others"
KEPT_SECONDS = 100 * 24 * 60 * 60
APART_MS = 60_000
"""The least time between two writes of one container, whether they succeed or not."""


class Volumes:
    """Raises what AWS raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def read(self, first: str, last: str) -> dict[str, Counter[str]]:
        """Numbers by day and event key; days without any are left out."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": {"S": VOLUME}, ":first": {"S": first}, ":last": {"S": last}},
        )
        return {item["sk"]["S"]: _counts(item) for page in pages for item in page["Items"]}

    def add(self, day: str, counts: Mapping[str, int]) -> Collection[str]:
        """The event keys that the day has then."""
        names = {f"#{n}": _EVENT + key if key != OTHERS else _OTHERS for n, key in enumerate(counts)}
        values: dict[str, Any] = {f":{n}": {"N": str(count)} for n, count in enumerate(counts.values())}
        ends = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) + KEPT_SECONDS
        answer = self._dynamodb.update_item(
            TableName=self._table,
            Key={"pk": {"S": VOLUME}, "sk": {"S": day}},
            UpdateExpression="SET expires_at = :ends ADD " + ", ".join(f"#{n} :{n}" for n in range(len(counts))),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={**values, ":ends": {"N": str(ends)}},
            ReturnValues="ALL_NEW",
        )
        return _counts(answer["Attributes"]).keys() - {OTHERS}


def _counts(item: Mapping[str, Any]) -> Counter[str]:
    of = {name.removeprefix(_EVENT): value for name, value in item.items() if name.startswith(_EVENT)}
    if _OTHERS in item:
        of[OTHERS] = item[_OTHERS]
    return Counter({key: int(value["N"]) for key, value in of.items()})


class Volume:
    """The events that one container counts. It writes at the end of a batch, at most once a minute. Low traffic is
    counted exactly; under high traffic, the last minute of a container is lost.
    """

    def __init__(self, volumes: Volumes, clock: Callable[[], int], *, seconds_left: SecondsLeft = plenty) -> None:
        self._volumes = volumes
        self._clock = clock
        self._seconds_left = seconds_left
        self._held = Held()
        self._after = 0
        self._written: dict[str, Collection[str]] = {}

    def count(self, batch: Iterable[Parsed], failed: Collection[str]) -> None:
        self._held.count(batch, failed)

    def note(self) -> None:
        """Write what is held, if it is time and there is time. Raises what AWS raises: what was not written is held on.

        A day is read before it is written for the first time, so that its bound holds for all containers together (but
        for what is written between one's reading and writing).
        """
        now = self._clock()
        if not self._held.days or now < self._after or not self._has_time():
            return
        self._after = now + APART_MS
        for day, held in [*self._held.days.items()]:
            if not self._has_time():
                return
            if day not in self._written:
                self._written[day] = self._volumes.read(day, day).get(day, Counter()).keys() - {OTHERS}
            self._written[day] = self._volumes.add(day, bounded(held, self._written[day]))
            del self._held.days[day]

    def _has_time(self) -> bool:
        return self._seconds_left() >= 2 * CALL_SECONDS
