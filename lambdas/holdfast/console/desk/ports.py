"""All that the desk has at hand, and what its parts share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.bus import Bus
from holdfast.aws.clock import now_ms
from holdfast.aws.tables.activity import Act, Activity
from holdfast.aws.tables.campaigns import Campaigns, LivePlans, Policies, Recommendations, Sources, UnknownCampaign
from holdfast.aws.tables.catalog import Catalogs
from holdfast.aws.tables.published import Published as Live
from holdfast.aws.tables.shapes import Observations
from holdfast.aws.tables.statistics import Open, Statistics, waiting
from holdfast.aws.tables.tail import Tails
from holdfast.aws.tables.users import Users
from holdfast.aws.tables.volume import Volumes
from holdfast.aws.telemetry import Logger
from holdfast.console.answers import Refused
from holdfast.core.events import Json
from holdfast.core.intake.shapes import Shapes, property_shapes
from holdfast.core.plans.plan import Plan
from holdfast.services.message_data import Lookup
from holdfast.services.set_aside import SetAside
from holdfast.services.user_data import Known as KnownUser

SECONDS: Final = 15
"""For what reads a whole table: an HTTP API waits half a minute for an answer."""
SAMPLE: Final = 200
"""Items of the users table that are looked at for the names of profile properties."""
COUNTING_SECONDS: Final = 2
"""For counting what is open, which reads the whole users table: some 50 MB in this time."""
MESSAGES: Final = 300
"""The most messages of a queue that are looked at for one page."""
LOOKING_SECONDS: Final = 5
FRESH_SECONDS: Final = 60
"""How long what was observed is kept: names, which change seldom."""

logger = Logger(child=True)


@dataclass
class Ports:
    stage: str
    source: str
    campaigns: Campaigns
    live: LivePlans
    users: Users
    observations: Observations
    volumes: Volumes
    catalogs: Catalogs
    lookup: Lookup
    recommendations: Recommendations
    policies: Policies
    sources: Sources
    tails: Tails
    statistics: Statistics
    bus: Bus
    activity: Activity
    queues: Mapping[str, SetAside]
    clock: Callable[[], int] = now_ms
    _observed: tuple[float, dict[str, Shapes], Shapes] | None = field(default=None, init=False)
    _open: tuple[int, Open] | None = field(default=None, init=False)

    def _record(self, by: str, action: str, of: str, *, note: str | None = None, **counted: int) -> None:
        """An action that cannot be recorded has happened all the same. The log says so, and the answer is a success."""
        try:
            self.activity.record(Act(self.clock(), by, action, of, note=note or "", **counted))
        except (ClientError, BotoCoreError):
            logger.exception("activity not recorded", extra={"action": action, "of": of, "by": by})

    def _columns(self) -> dict[str, list[str]]:
        return {each.name: list(each.columns) for each in self.catalogs.all()}

    def _waiting(self, now: int) -> tuple[int, Open]:
        """Counted for a few seconds at most, and again after a minute."""
        if self._open is None or now - self._open[0] > FRESH_SECONDS * 1000:
            ends = time.monotonic() + COUNTING_SECONDS
            self._open = now, waiting(self.users, time_left=lambda: time.monotonic() < ends)
        return self._open

    def _seen(self) -> tuple[dict[str, Shapes], Shapes]:
        """Events by key, and the properties of profiles: of the latter a sample tells."""
        now = time.monotonic()
        if self._observed is None or now - self._observed[0] > FRESH_SECONDS:
            sample: Iterable[Mapping[str, Json]] = self.users.sample_profiles(SAMPLE)
            shapes = frozenset(shape for each in sample for shape in property_shapes(each))
            self._observed = now, self.observations.read(), Shapes("profile", shapes)
        return self._observed[1:]

    def _queue(self, name: str) -> SetAside:
        try:
            return self.queues[name]
        except KeyError:
            raise Refused(404, "not_found", f"There is no queue {name}: {' and '.join(self.queues)} are.") from None

    def _get(self, campaign: str, revision: int | None = None) -> Live[Plan]:
        try:
            return self.campaigns.get(campaign, revision)
        except UnknownCampaign as error:
            raise unknown(error) from None


def unknown(error: UnknownCampaign) -> Refused:
    return Refused(404, "not_found", f"There is no campaign {error}.")


def is_known(user: KnownUser) -> bool:
    return bool(user.properties or user.outbox or user.state.watches or user.state.floors)
