"""Conversions after messages, in the campaigns table: `stats#`campaign`/outcomes` / day of the message, with a counter
for each number of each revision, variant and control group. They stay as long as the other statistics.

A counter's name is number`|`revision`|`variant`|`group`|`currency. Adding raises what AWS raises, and reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from holdfast.core.messages.scores import NOTHING, Arm, Score, total

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

STATISTICS: Final = "stats#"
KEPT_SECONDS: Final = 100 * 24 * 60 * 60
READERS: Final = 8
_COUNTS: Final = ("messages", "converted", "users", "users_converted")
_AMOUNTS: Final = ("amounts", "users_amounts", "users_squares")
MOST: Final = 200
"""Counters of one update: its expression may have 4 KB."""


class Outcomes:
    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def add(self, scores: Mapping[tuple[str, str], Mapping[Arm, Score]]) -> None:
        """One update for each campaign and day of messages; more only where there are very many variants."""
        for (campaign, day), of in scores.items():
            counters = [(name, value) for arm, score in of.items() for name, value in _counters(arm, score) if value]
            for at in range(0, len(counters), MOST):
                self._add(campaign, day, counters[at : at + MOST])

    def _add(self, campaign: str, day: str, counters: list[tuple[str, float]]) -> None:
        expires = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) + KEPT_SECONDS
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"pk": {"S": _pk(campaign)}, "sk": {"S": day}},
            UpdateExpression="SET expires_at = :e ADD " + ", ".join(f"#{n} :{n}" for n in range(len(counters))),
            ExpressionAttributeNames={f"#{number}": name for number, (name, _) in enumerate(counters)},
            ExpressionAttributeValues={
                ":e": {"N": str(expires)},
                **{f":{number}": {"N": str(value)} for number, (_, value) in enumerate(counters)},
            },
        )

    def read(self, campaigns: Iterable[str], first: str, last: str) -> dict[str, dict[str, dict[Arm, Score]]]:
        """The scores by campaign and day."""
        wanted = list(campaigns)
        with ThreadPoolExecutor(READERS) as pool:
            return dict(zip(wanted, pool.map(lambda campaign: self._read(campaign, first, last), wanted), strict=True))

    def _read(self, campaign: str, first: str, last: str) -> dict[str, dict[Arm, Score]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": {"S": _pk(campaign)},
                ":first": {"S": first},
                ":last": {"S": last},
            },
        )
        return {item["sk"]["S"]: _scores(item) for page in pages for item in page["Items"]}


def _pk(campaign: str) -> str:
    return f"{STATISTICS}{campaign}/outcomes"


def _counters(arm: Arm, score: Score) -> Iterator[tuple[str, float]]:
    of = f"{arm.revision}|{arm.variant}|{arm.group}"
    for name in _COUNTS:
        yield f"{name}|{of}|", getattr(score, name)
    for name in _AMOUNTS:
        for currency, amount in getattr(score, name).items():
            yield f"{name}|{of}|{currency}", amount


def _scores(item: Mapping[str, Any]) -> dict[Arm, Score]:
    found: dict[Arm, Score] = {}
    for name, value in item.items():
        if name.count("|") < 4:  # noqa: PLR2004 (the key, and when it expires)
            continue
        number, revision, variant, group, currency = name.split("|", 4)
        arm, amount = Arm(int(revision), variant, group), float(value["N"])
        one = {number: int(amount)} if number in _COUNTS else {number: {currency: amount}} if number in _AMOUNTS else {}
        found[arm] = total([found.get(arm, NOTHING), NOTHING._replace(**one)])
    return found
