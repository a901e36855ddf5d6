"""The campaigns table: every revision of each campaign and recommendation, which ones are live, and since when.

`live` / id                    the live revision's plan, whether it is paused, and from when on it is in force
`campaign#`id / number         a revision as it was published: its source and its plan
`timeline` / id`#`time         a revision that was replaced, and since when it was in force; or that there is none
`timeline` / `#epoch`          changed by every publication, in the same transaction; and who looks on: see tail.py
`live` / `recommendation#`id   the same of recommendations: campaigns' ids have no #
`recommendation#`id / number
`timeline` / `recommendation#`id`#`time
`policy` / number              a revision of the policy: its file, and what it comes to
`timeline` / `#policy`         the one that is live: no release before policies reads this partition
`timeline` / `source#`id       the same of sources, which the release before must not find in `live`
`source#`id / number
`timeline` / `source#`id`#`time

A publication is in force from a moment that is a little later than its write: an event that arrives after that moment
finds it written, whichever container folds it, and one that arrived before is read as before, however often.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from time import sleep
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

from holdfast.aws.clock import now_ms
from holdfast.aws.retry import attempts
from holdfast.core.gate.policy import Policy
from holdfast.core.intake import sources
from holdfast.core.intake.sources import InForce, Source, Unreadable
from holdfast.core.intake.timeline import POLICY, Entry, Timeline
from holdfast.core.plans.plan import HARMLESS, LATER, MISREAD, Illegible, Plan, Plans, same_reading
from holdfast.core.recommend.ranking import Recommender

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIVE = "live"
TIMELINE = "timeline"
"""The partition of what the release before does not read: all in `live` it takes for a plan that it can read."""
EPOCH_KEY = (TIMELINE, "#epoch")
EPOCH: Mapping[str, Any] = {"pk": {"S": TIMELINE}, "sk": {"S": "#epoch"}}
_RECOMMENDATION = "recommendation#"
_SOURCE = "source#"

LEAD_MS = 2500
"""From AWS's time to the moment when what is published is in force. AWS gives its time in full seconds."""
MARGIN_MS = 500
"""How far the clocks of AWS's services may differ: a publication is written that much before it holds, at least."""
LONGEST_WAIT_MS = 15 * 24 * 60 * 60_000
"""A day longer than a message may wait in any queue. So long a revision is kept as one that was in force."""
DELETED_MS = 200 * 24 * 60 * 60_000
"""How long it is known that a campaign was deleted: longer than any watch of it can be open."""
OLDEST_SECONDS = 300
"""After so long the plans are read again although the epoch is the same: an older release does not raise it."""
CHASES = 5
"""How often plans are read again because something was published meanwhile."""

P = TypeVar("P", Plan, Recommender, Policy, Source)


def aws_time(answer: Mapping[str, Any]) -> int:
    """When AWS answered by its own clock (epoch milliseconds, on the full second before)."""
    date = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    return int(parsedate_to_datetime(date).timestamp() * 1000) if date else now_ms() // 1000 * 1000


class Published(NamedTuple, Generic[P]):
    """A revision as it stands in the table. `source` is the file; times are epoch milliseconds.

    `by` is who published it, and `note` why, as far as they were said. It is in force from `since` on. `first` is when
    the campaign was published for the first time; both are 0 where an older release published it.
    """

    plan: P
    source: str
    published_at: int
    by: str = ""
    note: str = ""
    since: int = 0
    first: int = 0


class Conflict(RuntimeError):
    """Somebody else published or paused it in the meantime."""


class UnknownCampaign(LookupError):
    """There is no such campaign, or no such revision of it."""


class UnknownRecommendation(LookupError):
    """There is no such recommendation, or no such revision of it."""


class UnknownPolicy(LookupError):
    """No policy is published, or no such revision of it."""


class UnknownSource(LookupError):
    """There is no such source, or no such revision of it."""


class Restless(RuntimeError):
    """The plans were published anew each time they were read."""


class _Revisions(Generic[P]):
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
        found = (item for item in self._query(LIVE) if _is_recommendation(item) == bool(self._live))
        return [self._published(item) for item in found if not isinstance(_what(item), Illegible)]

    def get(self, name: str, revision: int | None = None) -> Published[P]:
        """One revision, by default the live one."""
        pk, sk = (self._where, self._live + name) if revision is None else (self._all + name, _number(revision))
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
            self._put(self._all + name, _number(published.plan.revision), published),
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
            {"Delete": {"TableName": self._table, "Key": key, **_as_it_was(live)}},
            self._replaced(name, live, since),
            self._timeline(name, since, since + DELETED_MS, deleted={"N": str(live.plan.revision)}),
        )
        self._await(answer, since)
        return live

    def _soon(self, before: Published[P] | None) -> int:
        """From when on something can hold that is written now, after `before`."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=EPOCH, ConsistentRead=True)
        return max(aws_time(answer) + LEAD_MS, before.since + 1 if before else 0)

    @staticmethod
    def _await(answer: Mapping[str, Any], since: int) -> None:
        """Until that moment has passed, by AWS's clock, which was at least at the time of its answer just now."""
        sleep(max(since + MARGIN_MS - aws_time(answer), 0) / 1000)

    def _put(self, pk: str, sk: str, published: Published[P], *, before: Published[P] | None = None) -> dict[str, Any]:
        """Put an item in the place of `before`, which nobody has replaced or paused meanwhile."""
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": {
                "pk": {"S": pk},
                "sk": {"S": sk},
                "revision": {"N": str(published.plan.revision)},
                "paused": {"BOOL": _paused(published)},
                **_texts(published.plan),
                "source": {"S": published.source},
                "published_at": {"N": str(published.published_at)},
                **({"published_by": {"S": published.by}} if published.by else {}),
                **({"note": {"S": published.note}} if published.note else {}),
                "in_force_from": {"N": str(published.since)},
                "first_from": {"N": str(published.first)},
                **_space(published.plan),
            },
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return {"Put": {**put, **(_as_it_was(before) if before else {})}}

    def _replaced(self, name: str, before: Published[P], since: int) -> dict[str, Any]:
        """The readings in force up to then, kept as long as an event may still be read by one."""
        plan = before.plan
        waits = _waits(plan) if isinstance(plan, Plan) else 0
        return self._timeline(
            name,
            before.since,
            since + waits + LONGEST_WAIT_MS,
            **_texts(_reading(plan)),
            revision={"N": str(plan.revision)},
            first_from={"N": str(before.first)},
            **_space(plan),
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
        plan = _placed(self._plan.from_json(_read(item)), item)
        by, note = (item.get(name, {}).get("S", "") for name in ("published_by", "note"))
        published_at, since = int(item["published_at"]["N"]), _number_in(item, "in_force_from")
        return Published(plan, item["source"]["S"], published_at, by, note, since, _first(item))

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
        wait: bool = True,
    ) -> Published[Plan]:
        """Make `source` the live revision, numbered on from the last one. A paused campaign stays paused.

        When this returns it is in force, unless it should not `wait`. `seen` is the revision that whoever publishes has
        looked at (0: there was none). Raises Conflict where another one is live by now, or was published or paused at
        this very time.
        """
        before = self.find(campaign)
        _expect(campaign, seen, before)
        plan = plan_of(1 + (before.plan.revision if before else self._last(campaign)))
        if before:
            space = before.plan.space if same_reading(before.plan, plan) else plan.revision
            plan = replace(plan, paused=before.plan.paused, space=space)
        elif plan.revision > 1:
            plan = replace(plan, space=plan.revision)  # it was deleted, and nobody read exits meanwhile
        published = Published(plan, source, now, by=by, note=note)
        return self._publish(campaign, before, published, wait=wait)

    def pause(self, campaign: str, *, paused: bool, seen: int | None = None) -> Published[Plan]:
        """Pause or resume. What falls due while a campaign is paused is withheld, with that reason.

        Events are read as before, so it is in force as soon as it is written. Raises UnknownCampaign, and Conflict as
        `publish` does.
        """
        live = self.get(campaign)
        _expect(campaign, seen, live)
        published = live._replace(plan=replace(live.plan, paused=paused))
        self._transact(self._put(LIVE, campaign, published, before=live))
        return published

    def delete(self, campaign: str, *, seen: int | None = None) -> Published[Plan]:
        """Watch for it no more; what was published stays in the history. What is open is withheld when it falls due.

        Raises UnknownCampaign, and Conflict as `publish` does.
        """
        live = self.get(campaign)
        _expect(campaign, seen, live)
        return self._delete(campaign, live)

    def timeline(self) -> Timeline:
        """All that is in force, and was, by two queries.

        Only if the epoch is still the same afterwards, nothing was published between the two.
        """
        before, live = self._query(TIMELINE), self._query(LIVE)
        (epoch,) = [*(epoch_of(item) for item in before if item["sk"] == EPOCH["sk"]), ""][:1]
        entries = [item for item in (*before, *live) if item["sk"] != EPOCH["sk"] and not _is_source(item)]
        return Timeline(
            (Entry(_name(item), _number_in(item, "in_force_from"), _what(item)) for item in entries),
            epoch,
            InForce(_entry(item) for item in before if _is_source(item)),
        )

    def epoch(self) -> str:
        answer = self._dynamodb.get_item(TableName=self._table, Key=EPOCH, ConsistentRead=True)
        return epoch_of(answer.get("Item"))

    def plans(self) -> Plans:
        """All that is live, campaigns and recommendations."""
        return self.timeline().newest

    @property
    def table(self) -> str:
        return self._table


class Recommendations(_Revisions[Recommender]):
    _plan, _all, _live, _unknown = Recommender, _RECOMMENDATION, _RECOMMENDATION, UnknownRecommendation

    def publish(
        self,
        name: str,
        source: str,
        plan_of: Callable[[int], Recommender],
        now: int,
        *,
        by: str = "",
        note: str = "",
        wait: bool = True,
    ) -> Published[Recommender]:
        """Make `source` the live revision, numbered on from the one that is live. In force when this returns."""
        before = self.find(name)
        published = Published(plan_of(before.plan.revision + 1 if before else 1), source, now, by=by, note=note)
        return self._publish(name, before, published, wait=wait)


class Policies(_Revisions[Policy]):
    """The one policy of the stack. It decides, and reads no event: so it is in force as soon as it is written."""

    _plan, _all, _where, _live, _unknown = Policy, "", TIMELINE, "#", UnknownPolicy
    _name = "policy"

    def publish(
        self,
        source: str,
        policy_of: Callable[[int], Policy],
        now: int,
        *,
        seen: int | None = None,
        by: str = "",
        note: str = "",
    ) -> Published[Policy]:
        """Make `source` the live revision. Of `seen` and Conflict: Campaigns.publish."""
        before = self.find(self._name)
        _expect(self._name, seen, before)
        policy = policy_of(before.plan.revision + 1 if before else 1)
        published = Published(policy, source, now, by=by, note=note)
        self._transact(
            self._put(self._name, _number(policy.revision), published),
            self._put(self._where, self._live + self._name, published, before=before),
        )
        return published

    def live_one(self) -> Published[Policy] | None:
        """The live revision, unless none was ever published."""
        return self.find(self._name)

    def one(self, revision: int) -> Published[Policy]:
        """Raises UnknownPolicy."""
        return self.get(self._name, revision)

    def history(self) -> list[Published[Policy]]:
        """All revisions, oldest first."""
        return self.revisions(self._name)


class Sources(_Revisions[Source]):
    _plan, _all, _live, _unknown, _where = Source, _SOURCE, _SOURCE, UnknownSource, TIMELINE

    def live(self) -> list[Published[Source]]:
        """The live revision of each that this release can read."""
        found = (item for item in self._query(TIMELINE) if _is_source(item) and str(item["sk"]["S"]).count("#") == 1)
        return [self._published(item) for item in found if isinstance(_entry(item).what, Source)]

    def publish(
        self,
        name: str,
        source: str,
        plan_of: Callable[[int], Source],
        now: int,
        *,
        by: str = "",
        note: str = "",
        wait: bool = True,
    ) -> Published[Source]:
        """Make `source` the live revision, numbered on from the last one. In force when this returns, if it waits."""
        before = self.find(name)
        number = 1 + (before.plan.revision if before else self._last(name))
        return self._publish(name, before, Published(plan_of(number), source, now, by=by, note=note), wait=wait)

    def delete(self, name: str) -> Published[Source]:
        """From then on its records are rejected. Raises UnknownSource, and Conflict as `publish` does."""
        return self._delete(name, self.get(name))


class LivePlans:
    """The plans as a container knows them. Whoever reads the epoch, after all that is to be read by them has arrived,
    learns whether they still are what is published.
    """

    def __init__(self, campaigns: Campaigns, clock: Callable[[], float] = time.time) -> None:
        self._campaigns = campaigns
        self._clock = clock
        self._timeline: Timeline | None = None
        self._read_at = 0.0

    @property
    def table(self) -> str:
        return self._campaigns.table

    def known(self) -> Timeline:
        """Read for the first time, or as they were read before. What could not be read is not known."""
        if self._timeline is None or self._clock() >= self._read_at + OLDEST_SECONDS:
            return self.refresh()
        return self._timeline

    def refresh(self) -> Timeline:
        read_at = self._clock()
        self._timeline = self._campaigns.timeline()
        self._read_at = read_at
        return self._timeline

    def current(self) -> Timeline:
        """All that is published at the moment. Raises Restless."""
        timeline = self.known()
        for _ in range(CHASES):
            if self._campaigns.epoch() == timeline.epoch:
                return timeline
            timeline = self.refresh()
        raise Restless


def _texts(plan: Plan | Recommender | Policy | Source) -> dict[str, Any]:
    if isinstance(plan, Source):  # which the release before never reads
        return {"plan": {"S": json.dumps(plan.to_json(), ensure_ascii=False)}}
    return _written(plan.to_json())


def _written(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan in two texts: `plan` holds what release 0.1 reads, which stops for all campaigns where it meets more,
    and `more` the rest, which counts before it.

    Where 0.1 must not do without the rest, it finds the campaign paused. So it sends nothing that hours or other exits
    would have kept back; and its command line changes nothing, as `paused` beside the plan says otherwise.
    """
    more = {name: value for name, value in plan.items() if name in LATER}
    known = {name: value for name, value in plan.items() if name not in more}
    if any("match" in each for each in plan.get("constant", ())):
        known["constant"] = [{"name": each["name"], "paths": each["paths"]} for each in plan["constant"]]
    if every := more.get("every"):  # 0.1 asks the constant for the path of each event
        known["did_not"] = [name for name in plan["did_not"] if name not in every]
    if more.keys() - HARMLESS or known != {name: plan[name] for name in known}:
        known["paused"] = True
    more |= {name: plan[name] for name, value in known.items() if value != plan[name]}
    texts = {"plan": known, **({"more": more} if more else {})}
    return {name: {"S": json.dumps(text, ensure_ascii=False)} for name, text in texts.items()}


def _read(item: Mapping[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = json.loads(item["more"]["S"]) if "more" in item else {}
    return {**json.loads(item["plan"]["S"]), **more}


def _expect(campaign: str, seen: int | None, live: Published[P] | None) -> None:
    if seen is not None and seen != (live.plan.revision if live else 0):
        raise Conflict(campaign)


def _paused(published: Published[P]) -> bool:
    return isinstance(published.plan, Plan) and published.plan.paused


def _number(revision: int) -> str:
    return f"{revision:06d}"


def _is_recommendation(item: Mapping[str, Any]) -> bool:
    return str(item["sk"]["S"]).startswith(_RECOMMENDATION)


def _is_source(item: Mapping[str, Any]) -> bool:
    return str(item["sk"]["S"]).startswith(_SOURCE)


def _entry(item: Mapping[str, Any]) -> sources.Entry:
    """A source in force from a time on. One that cannot be read concerns no other."""
    id_ = str(item["sk"]["S"]).split("#")[1]
    what: Source | Unreadable | None = None
    if "deleted" not in item:
        try:
            what = Source.from_json(json.loads(item["plan"]["S"]))
        except MISREAD as error:  # of a newer release, or changed by hand
            what = Unreadable(id_, f"{type(error).__name__}: {error}")
    return sources.Entry(id_, _number_in(item, "in_force_from"), what)


def epoch_of(item: Mapping[str, Any] | None) -> str:
    """The epoch in its item; before the first publication there is none."""
    return str(item["epoch"]["S"]) if item and "epoch" in item else ""


def _as_it_was(before: Published[P]) -> dict[str, Any]:
    """The condition that nobody has replaced or paused it meanwhile."""
    # Without `paused` an item is of a release that did not write it yet.
    return {
        "ConditionExpression": "revision = :revision AND (attribute_not_exists(paused) OR paused = :paused)",
        "ExpressionAttributeValues": {
            ":revision": {"N": str(before.plan.revision)},
            ":paused": {"BOOL": _paused(before)},
        },
    }


def _waits(plan: Plan) -> int:
    """How long after an event something may wait that is read as the event was: a watch, then its message."""
    return max(plan.within, plan.settle) + (plan.convert.within if plan.convert else 0)


def _reading(plan: P) -> P:
    """Without what only messages need."""
    return replace(plan, values={}) if isinstance(plan, Plan) else plan


def _space(plan: Plan | Recommender | Policy | Source) -> dict[str, Any]:
    """Beside the plan, as the release before reads no plan that holds it. Of the first space nothing is written."""
    return {"space": {"N": str(plan.space)}} if isinstance(plan, Plan) and plan.space else {}


def _placed(plan: P, item: Mapping[str, Any]) -> P:
    return replace(plan, space=_number_in(item, "space")) if isinstance(plan, Plan) else plan


def _name(item: Mapping[str, Any]) -> str:
    """The name of an item in `live`, or in `timeline`, which bears the time as well, unless it is the policy."""
    name = str(item["sk"]["S"])
    if name == POLICY:
        return name
    return name.rpartition("#")[0] if item["pk"]["S"] == TIMELINE else name


def _what(item: Mapping[str, Any]) -> Plan | Recommender | Policy | Illegible | None:
    """The revision that an item publishes. One that cannot be read concerns no other."""
    if "deleted" in item:
        return None
    text = item["plan"]["S"]
    try:
        data = _read(item)
        if item["sk"]["S"] == POLICY:
            return Policy.from_json(data)
        if _is_recommendation(item):
            return Recommender.from_json(data)
        return replace(_placed(Plan.from_json(data), item), since=_first(item))
    except MISREAD as error:  # of a newer release, or changed by hand
        return Illegible.of(text, error)


def _first(item: Mapping[str, Any]) -> int:
    return _number_in(item, "first_from")


def _number_in(item: Mapping[str, Any], name: str) -> int:
    return int(item[name]["N"]) if name in item else 0
