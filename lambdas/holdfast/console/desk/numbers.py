"""Numbers: waiting watches, outcomes, and the users behind a number."""

from __future__ import annotations

import time
from collections.abc import Sequence

from holdfast.console.desk.ports import LOOKING_SECONDS, MESSAGES, Ports
from holdfast.console.models.numbers import Behind, Numbers, Statistics
from holdfast.core.events import Json
from holdfast.core.measure.report import comparable, counted, reported
from holdfast.core.messages.rendering import Rendering
from holdfast.core.messages.statistics import days, series
from holdfast.core.plans.plan import Plan
from holdfast.services.behind import Asked, behind, behind_failed, withheld_now
from holdfast.services.publishing import live_then, plan_of


class NumbersDesk(Ports):
    def count(self, number: int) -> Statistics:
        now = self.clock()
        wanted = days(now, number)
        campaigns = self.live.current().newest
        by_day = self.statistics.read(campaigns, wanted[0], wanted[-1])
        followed = {id_: self._followed(plan, wanted, now) for id_, plan in campaigns.items() if counted(plan)}
        at, (watches, complete) = self._waiting(now)
        return Statistics(
            days=wanted,
            waiting_at=at,
            campaigns={
                campaign: Numbers.model_validate(
                    {
                        "waiting": watches[campaign] if complete else None,
                        "waiting_at_least": watches[campaign],
                        **series(by_day[campaign], wanted).to_json(),
                        **followed.get(campaign, {}),
                    }
                )
                for campaign in campaigns
            },
        )

    def _followed(self, plan: Plan, wanted: Sequence[str], now: int) -> dict[str, Json]:
        """A campaign's messages by variant and group with the conversions after them, and the report on them."""
        by_day = self.statistics.outcomes.read([plan.id], wanted[0], wanted[-1])[plan.id]
        revisions = comparable(plan, (each.plan for each in self.campaigns.revisions(plan.id)))
        found = reported(plan, by_day, revisions, now)
        return {"outcomes": [*found.rows()], "comparisons": [each.to_json() for each in found.comparisons]}

    def behind(self, asked: Asked) -> Behind:
        self._get(asked.campaign)
        ends = time.monotonic() + LOOKING_SECONDS
        if asked.kind == "failed":
            looked = self._queue("undelivered").look(MESSAGES, time_left=lambda: time.monotonic() < ends)
            complete = len(looked) < MESSAGES and time.monotonic() < ends
            return Behind(**behind_failed(looked, asked.campaign, complete=complete)._asdict())
        plans = self.live.current().newest
        live = live_then(self.campaigns, plans)
        reasons = withheld_now(self.lookup, Rendering(plan_of(self.campaigns)), plans, live)
        return Behind(**behind(self.users, asked, reasons, time_left=lambda: time.monotonic() < ends)._asdict())
