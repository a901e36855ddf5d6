"""The campaigns table: every revision of each campaign, and which one is live.

`live` / id            the live revision's plan, and whether it is paused: one query reads all that is live
`campaign#`id / number a revision as it was published: its source and its plan
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.core.plans import Plan, Plans

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIVE = "live"


class Published(NamedTuple):
    """A revision as it stands in the table. `source` is the campaign's file; `published_at` epoch milliseconds."""

    plan: Plan
    source: str
    published_at: int


class Conflict(RuntimeError):
    """Somebody else published or paused the campaign in the meantime."""


class UnknownCampaign(LookupError):
    """There is no such campaign, or no such revision of it."""


class Campaigns:
    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def live(self) -> list[Published]:
        """The live revision of every campaign, the paused ones among them."""
        return [_published(item) for item in self._query(LIVE)]

    def get(self, campaign: str, revision: int | None = None) -> Published:
        """One revision, by default the live one."""
        pk, sk = (LIVE, campaign) if revision is None else (f"campaign#{campaign}", _number(revision))
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            raise UnknownCampaign(campaign if revision is None else f"{campaign}, revision {revision}")
        return _published(item)

    def revisions(self, campaign: str) -> list[Published]:
        """All revisions, oldest first; none where there is no such campaign."""
        return [_published(item) for item in self._query(f"campaign#{campaign}")]

    def publish(self, campaign: str, source: str, plan_of: Callable[[int], Plan], now: int) -> Published:
        """Make `source` the live revision, numbered on from the one that is live. A paused campaign stays paused."""
        try:
            before = self.get(campaign).plan
        except UnknownCampaign:
            plan = plan_of(1)
        else:
            plan = replace(plan_of(before.revision + 1), paused=before.paused)
        published = Published(plan, source, now)
        self._transact(
            self._put(f"campaign#{campaign}", _number(plan.revision), published, before=0),
            self._put(LIVE, campaign, published, before=plan.revision - 1),
        )
        return published

    def pause(self, campaign: str, *, paused: bool) -> Published:
        """Pause or resume. What falls due while a campaign is paused is withheld, with that reason."""
        live = self.get(campaign)
        published = live._replace(plan=replace(live.plan, paused=paused))
        self._transact(self._put(LIVE, campaign, published, before=live.plan.revision))
        return published

    def _put(self, pk: str, sk: str, published: Published, *, before: int) -> dict[str, Any]:
        """Put an item in the place of revision `before` (0: of none)."""
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": {
                "pk": {"S": pk},
                "sk": {"S": sk},
                "revision": {"N": str(published.plan.revision)},
                "plan": {"S": json.dumps(published.plan.to_json(), ensure_ascii=False)},
                "source": {"S": published.source},
                "published_at": {"N": str(published.published_at)},
            },
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        if before:
            put["ConditionExpression"] = "revision = :before"
            put["ExpressionAttributeValues"] = {":before": {"N": str(before)}}
        return {"Put": put}

    def _transact(self, *puts: Any) -> None:
        try:
            self._dynamodb.transact_write_items(TransactItems=list(puts))
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            raise Conflict from error

    def _query(self, pk: str) -> list[Mapping[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]


class LivePlans:
    """The live plans, read again after `ttl` seconds, or at once when something newer than they was seen."""

    def __init__(self, campaigns: Campaigns, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._campaigns = campaigns
        self._ttl = ttl
        self._clock = clock
        self._plans = Plans()
        self._read_at: float | None = None

    def get(self) -> Plans:
        if self._read_at is None or self._clock() - self._read_at >= self._ttl:
            return self.refresh()
        return self._plans

    def refresh(self) -> Plans:
        self._read_at = self._clock()
        self._plans = Plans(published.plan for published in self._campaigns.live())
        return self._plans


def _number(revision: int) -> str:
    return f"{revision:06d}"


def _published(item: Mapping[str, Any]) -> Published:
    plan = Plan.from_json(json.loads(item["plan"]["S"]))
    return Published(plan, item["source"]["S"], int(item["published_at"]["N"]))
