"""Names and shapes that were seen, in the campaigns table: `seen` / event key, with the name and a set of shapes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from holdfast.aws.retry import CALL_SECONDS, SecondsLeft, plenty
from holdfast.core.events import Event
from holdfast.core.intake.shapes import Observed, Shapes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SEEN = "seen"
WRITES = 25
"""The most writes in one batch: further ones wait for the next batch."""
PAUSE_MS = 60_000
"""How long nothing is noted after it has failed: a table that is throttled is not asked by every batch."""


class Observations:
    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def read(self) -> dict[str, Shapes]:
        """The shapes that were seen, by event key."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": SEEN}},
        )
        return {
            item["sk"]["S"]: Shapes(item["name"]["S"], frozenset(item.get("shapes", {}).get("SS", ())))
            for page in pages
            for item in page["Items"]
        }

    def note(self, key: str, seen: Shapes) -> None:
        """Add to the stored shapes. Noting the same twice, or in two containers at once, does no harm."""
        update: dict[str, Any] = {
            "UpdateExpression": "SET #name = if_not_exists(#name, :name)",
            "ExpressionAttributeNames": {"#name": "name"},
            "ExpressionAttributeValues": {":name": {"S": seen.name}},
        }
        if seen.shapes:
            update["UpdateExpression"] += " ADD shapes :shapes"
            update["ExpressionAttributeValues"][":shapes"] = {"SS": sorted(seen.shapes)}
        self._dynamodb.update_item(TableName=self._table, Key={"pk": {"S": SEEN}, "sk": {"S": key}}, **update)


class Observer:
    """The names and shapes that join sees. Only new ones are written."""

    def __init__(
        self, observations: Observations, clock: Callable[[], int], *, seconds_left: SecondsLeft = plenty
    ) -> None:
        self._observations = observations
        self._clock = clock
        self._seconds_left = seconds_left
        self._observed = Observed()
        self._paused_until = 0

    def see(self, event: Event) -> None:
        self._observed.see(event)

    def note(self) -> int:
        """Write the news, as far as there is time, and return how many were dropped beyond the bounds since last time.
        Raises what AWS raises.

        What the table has is read first, so a container that begins does not write what others wrote, and the bounds
        hold for all of them together (but for what is written between one's reading and writing).
        """
        observed, now = self._observed, self._clock()
        if observed.news and now >= self._paused_until and self._seconds_left() >= 2 * CALL_SECONDS:
            self._paused_until = now + PAUSE_MS
            observed.learn(self._observations.read())
            for key, seen in list(islice(observed.news.items(), WRITES)):
                if self._seconds_left() < CALL_SECONDS:
                    break
                self._observations.note(key, seen)
                observed.noted(key)
            self._paused_until = 0
        dropped, observed.dropped = observed.dropped, 0
        return dropped
