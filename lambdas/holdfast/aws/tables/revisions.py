"""Revisions of whatever is published: numbered, one of them live, each in force from a moment on.

A publication is in force from a moment that is a little later than its write: an event that arrives after that moment
finds it written, whichever container folds it, and one that arrived before is read as before, however often.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import sleep
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from holdfast.aws.clock import now_ms
from holdfast.aws.retry import attempts
from holdfast.aws.tables.published import (
    TIMELINE,
    P,
    Published,
    as_it_was,
    first_of,
    is_recommendation,
    number_in,
    numbered,
    paused_of,
    placed,
    read,
    reading,
    space_of,
    texts,
    waits,
    what_of,
)
from holdfast.core.plans.plan import Illegible, Plan

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIVE = "live"
EPOCH_KEY = (TIMELINE, "#epoch")
EPOCH: Mapping[str, Any] = {"pk": {"S": TIMELINE}, "sk": {"S": "#epoch"}}

LEAD_MS = 2500
"""From AWS's time to the moment when what is published is in force. AWS gives its time in full seconds."""
MARGIN_MS = 500
"""How far the clocks of AWS's services may differ: a publication is written that much before it holds, at least."""
LONGEST_WAIT_MS = 15 * 24 * 60 * 60_000
"""A day longer than a message may wait in any queue. So long a revision is kept as one that was in force."""
DELETED_MS = 200 * 24 * 60 * 60_000
"""How long it is known that a campaign was deleted: longer than any watch of it can be open."""


def aws_time(answer: Mapping[str, Any]) -> int:
    """The time of AWS's answer by AWS's clock (epoch milliseconds, rounded down to a second)."""
    date = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    return int(parsedate_to_datetime(date).timestamp() * 1000) if date else now_ms() // 1000 * 1000


class Conflict(RuntimeError):
    """Somebody else published or paused it in the meantime."""


class Revisions(Generic[P]):
    """Things that are published in numbered revisions, of which one is live."""

    _plan: type[P]
    _all: ClassVar[str]
    """How the partitions begin that hold the revisions of one each."""
    _where: ClassVar[str] = LIVE
    """The partition of all that is live."""
    _live: ClassVar[str]
    """How the sort keys begin there."""
    _unknown: ClassVar[type[LookupError]]

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def live(self) -> list[Published[P]]:
        """The live revision of each that this release can read."""
        found = (item for item in self._query(LIVE) if is_recommendation(item) == bool(self._live))
        return [self._published(item) for item in found if not isinstance(what_of(item), Illegible)]

    def get(self, name: str, revision: int | None = None) -> Published[P]:
        """One revision, by default the live one."""
        pk, sk = (self._where, self._live + name) if revision is None else (self._all + name, numbered(revision))
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

    def _publish(self, name: str, before: Published[P] | None, published: Published[P], *, wait: bool) -> Published[P]:
        """Add a revision, and make it the live one in the place of `before` (None: of none)."""
        since = self._soon(before)
        published = published._replace(since=since, first=before.first if before else since)
        answer = self._transact(
            self._put(self._all + name, numbered(published.plan.revision), published),
            self._put(self._where, self._live + name, published, before=before),
            *([self._replaced(name, before, since)] if before else []),
        )
        for _ in attempts():
            if aws_time(answer) + 1000 + MARGIN_MS <= published.since:
                break
            # Written too late to hold from then on: whoever read the plans meanwhile has not seen it.
            since = self._soon(published)
            later = published._replace(since=since, first=before.first if before else since)
            answer = self._transact(self._put(self._where, self._live + name, later, before=published))
            published = later
        if wait:
            self._await(answer, published.since)
        return published

    def _delete(self, name: str, live: Published[P]) -> Published[P]:
        since = self._soon(live)
        key = {"pk": {"S": self._where}, "sk": {"S": self._live + name}}
        answer = self._transact(
            {"Delete": {"TableName": self._table, "Key": key, **as_it_was(live)}},
            self._replaced(name, live, since),
            self._timeline(name, since, since + DELETED_MS, deleted={"N": str(live.plan.revision)}),
        )
        self._await(answer, since)
        return live

    def _soon(self, before: Published[P] | None) -> int:
        """The moment from which something that is written now, after `before`, can be in force."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=EPOCH, ConsistentRead=True)
        return max(aws_time(answer) + LEAD_MS, before.since + 1 if before else 0)

    @staticmethod
    def _await(answer: Mapping[str, Any], since: int) -> None:
        """Wait until that moment has passed by AWS's clock, which has reached at least the time of its last answer."""
        sleep(max(since + MARGIN_MS - aws_time(answer), 0) / 1000)

    def _put(self, pk: str, sk: str, published: Published[P], *, before: Published[P] | None = None) -> dict[str, Any]:
        """Put an item in the place of `before`, which nobody has replaced or paused meanwhile."""
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": {
                "pk": {"S": pk},
                "sk": {"S": sk},
                "revision": {"N": str(published.plan.revision)},
                "paused": {"BOOL": paused_of(published)},
                **texts(published.plan),
                "source": {"S": published.source},
                "published_at": {"N": str(published.published_at)},
                **({"published_by": {"S": published.by}} if published.by else {}),
                **({"note": {"S": published.note}} if published.note else {}),
                "in_force_from": {"N": str(published.since)},
                "first_from": {"N": str(published.first)},
                **space_of(published.plan),
            },
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return {"Put": {**put, **(as_it_was(before) if before else {})}}

    def _replaced(self, name: str, before: Published[P], since: int) -> dict[str, Any]:
        """The readings in force up to then, kept as long as an event may still be read by one."""
        plan = before.plan
        more = waits(plan) if isinstance(plan, Plan) else 0
        return self._timeline(
            name,
            before.since,
            since + more + LONGEST_WAIT_MS,
            **texts(reading(plan)),
            revision={"N": str(plan.revision)},
            first_from={"N": str(before.first)},
            **space_of(plan),
        )

    def _timeline(self, name: str, since: int, ends: int, **values: Mapping[str, str]) -> dict[str, Any]:
        item = {
            "pk": {"S": TIMELINE},
            "sk": {"S": f"{self._live}{name}#{since:015d}"},
            "in_force_from": {"N": str(since)},
            "expires_at": {"N": str(ends // 1000)},
            **values,
        }
        return {"Put": {"TableName": self._table, "Item": item}}

    def _transact(self, *writes: Any) -> Mapping[str, Any]:
        """All or none, and the epoch with them. Raises Conflict."""
        epoch: Any = {"Put": {"TableName": self._table, "Item": {**EPOCH, "epoch": {"S": uuid.uuid4().hex}}}}
        for _ in attempts():
            try:
                return self._dynamodb.transact_write_items(TransactItems=[*writes, epoch])
            except self._dynamodb.exceptions.TransactionCanceledException as error:
                reasons = error.response.get("CancellationReasons", ())
                if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                    raise Conflict from error
                failure = error  # two who publish at once meet at the epoch
        raise failure

    def _last(self, name: str) -> int:
        """The number of the last revision there ever was, 0 for none."""
        answer = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": self._all + name}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        return max((int(item["revision"]["N"]) for item in answer["Items"]), default=0)

    def _published(self, item: Mapping[str, Any]) -> Published[P]:
        plan = placed(self._plan.from_json(read(item)), item)
        by, note = (item.get(name, {}).get("S", "") for name in ("published_by", "note"))
        published_at, since = int(item["published_at"]["N"]), number_in(item, "in_force_from")
        return Published(plan, item["source"]["S"], published_at, by, note, since, first_of(item))

    def _query(self, pk: str) -> list[Mapping[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]


def expect(campaign: str, seen: int | None, live: Published[P] | None) -> None:
    if seen is not None and seen != (live.plan.revision if live else 0):
        raise Conflict(campaign)


def epoch_of(item: Mapping[str, Any] | None) -> str:
    """The epoch in its item; before the first publication there is none."""
    return str(item["epoch"]["S"]) if item and "epoch" in item else ""
