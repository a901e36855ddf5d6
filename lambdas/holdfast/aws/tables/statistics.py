"""Statistics, in the campaigns table: `stats#`campaign / day, with counters, a counter for each reason, and a sketch of
the most frequent constant values. They stay for a hundred days.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from holdfast.aws.tables.outcomes import KEPT_SECONDS, READERS, STATISTICS, Outcomes
from holdfast.aws.tables.users import Users
from holdfast.core.fold.readable import readable
from holdfast.core.messages.statistics import Tally, bounded, merged
from holdfast.core.places import campaign_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_REASON: Final = "withheld#"
_COUNTERS: Final = tuple(name for name, empty in Tally._field_defaults.items() if empty == 0)
RACES: Final = 3
"""Retries of the sketch after a lost race; then the values of this batch count as `uncounted`."""


class Statistics:
    """Adding raises AWS's errors. It reads nothing before it writes, because a container remembers its last write."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._known: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.outcomes = Outcomes(dynamodb, table)

    def add(self, tallies: Mapping[tuple[str, str], Tally]) -> None:
        """One update for each campaign and day."""
        for (campaign, day), tally in tallies.items():
            for race in range(RACES + 1):
                if self._add(campaign, day, tally, last=race == RACES):
                    break

    def _add(self, campaign: str, day: str, tally: Tally, *, last: bool) -> bool:
        """False if somebody else has changed the sketch meanwhile. The `last` attempt does not change it."""
        key = {"pk": {"S": STATISTICS + campaign}, "sk": {"S": day}}
        before = self._known.get((campaign, day), {})
        withheld = bounded(tally.withheld, _tally(before).withheld)
        counts = {name: getattr(tally, name) for name in _COUNTERS}
        sketch = "" if last or not tally.top else _text(merged(_sketch(before), tally.top))
        if last:
            counts |= {"values": 0, "uncounted": tally.values}
        adding = {name: count for name, count in counts.items() if count}
        adding |= {_REASON + reason: count for reason, count in withheld.items()}
        if not adding:
            return True
        names = {f"#{number}": name for number, name in enumerate(adding)}
        values: dict[str, Any] = {f":{number}": {"N": str(count)} for number, count in enumerate(adding.values())}
        expires = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) + KEPT_SECONDS
        update: dict[str, Any] = {
            "UpdateExpression": "SET expires_at = :expires"
            + (", #top = :top" if sketch else "")
            + " ADD "
            + ", ".join(f"#{number} :{number}" for number in range(len(adding))),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {**values, ":expires": {"N": str(expires)}},
        }
        if sketch:
            update["ExpressionAttributeNames"]["#top"] = "top"
            update["ExpressionAttributeValues"][":top"] = {"S": sketch}
            update["ConditionExpression"] = "attribute_not_exists(#top)"
            if "top" in before:
                update["ConditionExpression"] = "#top = :before"
                update["ExpressionAttributeValues"][":before"] = before["top"]
        try:
            answer = self._dynamodb.update_item(TableName=self._table, Key=key, ReturnValues="ALL_NEW", **update)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            found = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            self._remember(campaign, day, found.get("Item", {}))
            return False
        self._remember(campaign, day, answer["Attributes"])
        return True

    def _remember(self, campaign: str, day: str, item: Mapping[str, Any]) -> None:
        """The latest day of each campaign."""
        self._known = {key: kept for key, kept in self._known.items() if key[0] != campaign}
        self._known[campaign, day] = item

    def read(self, campaigns: Iterable[str], first: str, last: str) -> dict[str, dict[str, Tally]]:
        """Tallies by campaign and day; days without any are left out."""
        wanted = list(campaigns)
        with ThreadPoolExecutor(READERS) as pool:
            return dict(zip(wanted, pool.map(lambda campaign: self._read(campaign, first, last), wanted), strict=True))

    def _read(self, campaign: str, first: str, last: str) -> dict[str, Tally]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": {"S": STATISTICS + campaign},
                ":first": {"S": first},
                ":last": {"S": last},
            },
        )
        return {item["sk"]["S"]: _tally(item) for page in pages for item in page["Items"]}


class Open(NamedTuple):
    """Watches that wait for their decision, by campaign: of all users if `complete`, otherwise of the users that could
    be read in time.
    """

    watches: Counter[str]
    complete: bool


def waiting(
    users: Users,
    *,
    scanned: Callable[[int], None] = lambda _items: None,
    time_left: Callable[[], bool] = lambda: True,
) -> Open:
    """Reads the whole users table. An index of open watches would cost two writes per watch."""
    watches: Counter[str] = Counter()
    for page in users.scan():
        for state in readable(page.states).values():
            for place, _, watch in state.all():
                watches[campaign_of(place)] += watch.pending is not None
        scanned(page.scanned)
        if not time_left():
            return Open(watches, complete=False)
    return Open(watches, complete=True)


def _tally(item: Mapping[str, Any]) -> Tally:
    counts = {name: int(item[name]["N"]) for name in _COUNTERS if name in item}
    reasons = {name: int(value["N"]) for name, value in item.items() if name.startswith(_REASON)}
    withheld = {name.removeprefix(_REASON): count for name, count in reasons.items()}
    return Tally(**counts, withheld=withheld, top=_sketch(item))


def _sketch(item: Mapping[str, Any]) -> dict[str, int]:
    return json.loads(item["top"]["S"]) if "top" in item else {}


def _text(sketch: Mapping[str, int]) -> str:
    return json.dumps(sketch, ensure_ascii=False)
