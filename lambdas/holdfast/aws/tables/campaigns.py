"""The campaigns table: every revision of each campaign and recommendation, and which ones are live.

`live` / id                    the live revision's plan, and whether it is paused: one query reads all that is live
`campaign#`id / number         a revision as it was published: its source and its plan
`live` / `recommendation#`id   the same of recommendations: campaigns' ids have no #
`recommendation#`id / number
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

from holdfast.core.plans.plan import HARMLESS, Plan, Plans
from holdfast.core.recommend.ranking import Recommender

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIVE = "live"
_RECOMMENDATION = "recommendation#"

P = TypeVar("P", Plan, Recommender)


class Published(NamedTuple, Generic[P]):
    """A revision as it stands in the table. `source` is the file; `published_at` epoch milliseconds.

    `by` is who published it, and `note` why, as far as they were said.
    """

    plan: P
    source: str
    published_at: int
    by: str = ""
    note: str = ""


class Conflict(RuntimeError):
    """Somebody else published or paused it in the meantime."""


class UnknownCampaign(LookupError):
    """There is no such campaign, or no such revision of it."""


class UnknownRecommendation(LookupError):
    """There is no such recommendation, or no such revision of it."""


class _Revisions(Generic[P]):
    """What is published in numbered revisions, of which one is live."""

    _plan: type[P]
    _all: ClassVar[str]
    """How the partitions begin that hold the revisions of one each."""
    _live: ClassVar[str]
    """How the sort keys begin in the partition of all that is live."""
    _unknown: ClassVar[type[LookupError]]

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def live(self) -> list[Published[P]]:
        """The live revision of each."""
        return [self._published(item) for item in self._query(LIVE) if _is_recommendation(item) == bool(self._live)]

    def get(self, name: str, revision: int | None = None) -> Published[P]:
        """One revision, by default the live one."""
        pk, sk = (LIVE, self._live + name) if revision is None else (self._all + name, _number(revision))
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            raise self._unknown(name if revision is None else f"{name}, revision {revision}")
        return self._published(item)

    def find(self, name: str) -> Published[P] | None:
        """The live revision, if there is one of that name."""
        try:
            return self.get(name)
        except self._unknown:
            return None

    def revisions(self, name: str) -> list[Published[P]]:
        """All revisions, oldest first; none where there is none of that name."""
        return [self._published(item) for item in self._query(self._all + name)]

    def _publish(self, name: str, before: Published[P] | None, published: Published[P]) -> None:
        """Add a revision, and make it the live one in the place of `before` (None: of none)."""
        self._transact(
            self._put(self._all + name, _number(published.plan.revision), published),
            self._put(LIVE, self._live + name, published, before=before),
        )

    def _put(self, pk: str, sk: str, published: Published[P], *, before: Published[P] | None = None) -> dict[str, Any]:
        """Put an item in the place of `before`, which nobody has replaced or paused meanwhile."""
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": {
                "pk": {"S": pk},
                "sk": {"S": sk},
                "revision": {"N": str(published.plan.revision)},
                "paused": {"BOOL": _paused(published)},
                **_written(published.plan.to_json()),
                "source": {"S": published.source},
                "published_at": {"N": str(published.published_at)},
                **({"published_by": {"S": published.by}} if published.by else {}),
                **({"note": {"S": published.note}} if published.note else {}),
            },
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        if before:
            # Without `paused` an item is of a release that did not write it yet.
            put["ConditionExpression"] = "revision = :revision AND (attribute_not_exists(paused) OR paused = :paused)"
            put["ExpressionAttributeValues"] = {
                ":revision": {"N": str(before.plan.revision)},
                ":paused": {"BOOL": _paused(before)},
            }
        return {"Put": put}

    def _transact(self, *puts: Any) -> None:
        try:
            self._dynamodb.transact_write_items(TransactItems=list(puts))
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            raise Conflict from error

    def _published(self, item: Mapping[str, Any]) -> Published[P]:
        plan = self._plan.from_json(_read(item))
        by, note = (item.get(name, {}).get("S", "") for name in ("published_by", "note"))
        return Published(plan, item["source"]["S"], int(item["published_at"]["N"]), by=by, note=note)

    def _query(self, pk: str) -> list[Mapping[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]


class Campaigns(_Revisions[Plan]):
    _plan, _all, _live, _unknown = Plan, "campaign#", "", UnknownCampaign

    def publish(
        self,
        campaign: str,
        source: str,
        plan_of: Callable[[int], Plan],
        now: int,
        *,
        seen: int | None = None,
        by: str = "",
        note: str = "",
    ) -> Published[Plan]:
        """Make `source` the live revision, numbered on from the one that is live. A paused campaign stays paused.

        `seen` is the revision that whoever publishes has looked at (0: there was none). Raises Conflict where another
        one is live by now, or was published or paused at this very time.
        """
        before = self.find(campaign)
        _expect(campaign, seen, before)
        plan = plan_of(before.plan.revision + 1 if before else 1)
        plan = replace(plan, paused=before.plan.paused) if before else plan
        published = Published(plan, source, now, by=by, note=note)
        self._publish(campaign, before, published)
        return published

    def pause(self, campaign: str, *, paused: bool, seen: int | None = None) -> Published[Plan]:
        """Pause or resume. What falls due while a campaign is paused is withheld, with that reason.

        Raises UnknownCampaign, and Conflict as `publish` does.
        """
        live = self.get(campaign)
        _expect(campaign, seen, live)
        published = live._replace(plan=replace(live.plan, paused=paused))
        self._transact(self._put(LIVE, campaign, published, before=live))
        return published

    def plans(self) -> Plans:
        """All that is live, campaigns and recommendations, by one query."""
        items = self._query(LIVE)
        data = [(_is_recommendation(item), _read(item)) for item in items]
        return Plans(
            (Plan.from_json(plan) for is_recommendation, plan in data if not is_recommendation),
            (Recommender.from_json(plan) for is_recommendation, plan in data if is_recommendation),
        )


class Recommendations(_Revisions[Recommender]):
    _plan, _all, _live, _unknown = Recommender, _RECOMMENDATION, _RECOMMENDATION, UnknownRecommendation

    def publish(
        self, name: str, source: str, plan_of: Callable[[int], Recommender], now: int
    ) -> Published[Recommender]:
        """Make `source` the live revision, numbered on from the one that is live."""
        before = self.find(name)
        published = Published(plan_of(before.plan.revision + 1 if before else 1), source, now)
        self._publish(name, before, published)
        return published


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
        self._plans = self._campaigns.plans()
        return self._plans


def _written(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A plan as attributes of an item. What a release that does not know it may do without is put beside the plan, as
    such a release reads no plan that holds a field which it does not know.
    """
    more = {name: value for name, value in plan.items() if name in HARMLESS}
    rest = {name: value for name, value in plan.items() if name not in more}
    texts = {"plan": rest, **({"more": more} if more else {})}
    return {name: {"S": json.dumps(data, ensure_ascii=False)} for name, data in texts.items()}


def _read(item: Mapping[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = json.loads(item["more"]["S"]) if "more" in item else {}
    return {**json.loads(item["plan"]["S"]), **more}


def _expect(campaign: str, seen: int | None, live: Published[Plan] | None) -> None:
    if seen is not None and seen != (live.plan.revision if live else 0):
        raise Conflict(campaign)


def _paused(published: Published[P]) -> bool:
    return isinstance(published.plan, Plan) and published.plan.paused


def _number(revision: int) -> str:
    return f"{revision:06d}"


def _is_recommendation(item: Mapping[str, Any]) -> bool:
    return str(item["sk"]["S"]).startswith(_RECOMMENDATION)
