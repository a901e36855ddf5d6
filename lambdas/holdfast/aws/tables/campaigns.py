"""The campaigns table: every revision of each campaign and recommendation, which ones are live, and since when.

`live` / id                    the live revision's plan, whether it is paused, and from when on it is in force
`campaign#`id / number         a revision as it was published: its source and its plan
`timeline` / id`#`time         a revision that was replaced, and since when it was in force; or that there is none
`timeline` / `#epoch`          changed by every publication, in the same transaction; and who follows: see tail.py
`live` / `recommendation#`id   the same of recommendations: campaigns' ids have no #
`recommendation#`id / number
`timeline` / `recommendation#`id`#`time
`policy` / number              a revision of the policy: its file, and what it comes to
`timeline` / `#policy`         the one that is live: no release before policies reads this partition
`timeline` / `source#`id       the same of sources, which the release before must not find in `live`
`source#`id / number
`timeline` / `source#`id`#`time
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from holdfast.aws.tables.published import (
    RECOMMENDATION,
    SOURCE,
    TIMELINE,
    Published,
    is_source,
    name_of,
    number_in,
    numbered,
    source_entry,
    what_of,
)
from holdfast.aws.tables.revisions import EPOCH, LIVE, Revisions, epoch_of, expect
from holdfast.core.gate.policy import Policy
from holdfast.core.intake.sources import InForce, Source
from holdfast.core.intake.timeline import Entry, Timeline
from holdfast.core.plans.plan import Plan, same_reading
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.ranking import Recommender

OLDEST_SECONDS = 300
"""After so long the plans are read again although the epoch is the same: an older release does not raise it."""
CHASES = 5
"""How often plans are read again because something was published meanwhile."""


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


class Campaigns(Revisions[Plan]):
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

        When this returns it is in force, unless it should not `wait`. `seen` is the revision that the publisher has
        looked at (0: there was none). Raises Conflict if another one is live by now, or was published or paused at the
        same moment.
        """
        before = self.find(campaign)
        expect(campaign, seen, before)
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
        expect(campaign, seen, live)
        published = live._replace(plan=replace(live.plan, paused=paused))
        self._transact(self._put(LIVE, campaign, published, before=live))
        return published

    def delete(self, campaign: str, *, seen: int | None = None) -> Published[Plan]:
        """Stop watching for it. Its revisions stay in the history. Open watches are withheld when they fall due.

        Raises UnknownCampaign, and Conflict as `publish` does.
        """
        live = self.get(campaign)
        expect(campaign, seen, live)
        return self._delete(campaign, live)

    def timeline(self) -> Timeline:
        """All that is in force, and was, by two queries.

        Only if the epoch is still the same afterwards, nothing was published between the two.
        """
        before, live = self._query(TIMELINE), self._query(LIVE)
        (epoch,) = [*(epoch_of(item) for item in before if item["sk"] == EPOCH["sk"]), ""][:1]
        entries = [item for item in (*before, *live) if item["sk"] != EPOCH["sk"] and not is_source(item)]
        return Timeline(
            (Entry(name_of(item), number_in(item, "in_force_from"), what_of(item)) for item in entries),
            epoch,
            InForce(source_entry(item) for item in before if is_source(item)),
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


class Recommendations(Revisions[Recommender]):
    _plan, _all, _live, _unknown = Recommender, RECOMMENDATION, RECOMMENDATION, UnknownRecommendation

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


class Policies(Revisions[Policy]):
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
        """Make `source` the live revision. `seen` and Conflict are as for Campaigns.publish."""
        before = self.find(self._name)
        expect(self._name, seen, before)
        policy = policy_of(before.plan.revision + 1 if before else 1)
        published = Published(policy, source, now, by=by, note=note)
        self._transact(
            self._put(self._name, numbered(policy.revision), published),
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


class Sources(Revisions[Source]):
    _plan, _all, _live, _unknown, _where = Source, SOURCE, SOURCE, UnknownSource, TIMELINE

    def live(self) -> list[Published[Source]]:
        """The live revision of each that this release can read."""
        found = (item for item in self._query(TIMELINE) if is_source(item) and str(item["sk"]["S"]).count("#") == 1)
        return [self._published(item) for item in found if isinstance(source_entry(item).what, Source)]

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
    """The plans that a container has in memory. The epoch, read after all messages of a batch have arrived, says
    whether they are still the published ones.
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
        """The plans as they were last read; they are read now if they never were. Plans that could not be read are
        absent.
        """
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
