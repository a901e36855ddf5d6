"""recommend: builds recommendations from the history, every night or on request. The live build stays until the new one
is complete.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.builds import ENDED, RUNNING, Build, Builds
from holdfast.aws.tables.campaigns import Recommendations
from holdfast.aws.telemetry import Logger, Metrics, count
from holdfast.core.messages.detail import iso
from holdfast.core.recommend.item_to_item import grouped
from holdfast.core.recommend.ranking import POPULAR, Neighbour, Recommender
from holdfast.services.build_engines import Engine

logger = Logger(child=True)
metrics = Metrics()

TOLD_EVERY_MS = 1_000

EngineFor = Callable[[Recommender, int, Path], Engine]
"""The engine for a build that counts what was until then (epoch milliseconds), with a directory for its files."""


class BuildFailed(RuntimeError):
    """Some recommendations could not be built. Their live builds stay."""


class Empty(RuntimeError):
    """There is no history to build from, where there was some."""


class BuildResult(NamedTuple):
    """The result of building one recommendation; `reason`, where nothing new is live."""

    recommendation: str
    build: str
    items: int = 0
    pairs: int = 0
    reason: str | None = None
    failed: bool = False


class Recommend:
    def __init__(
        self,
        *,
        recommendations: Recommendations,
        builds: Builds,
        engine_for: EngineFor,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._recommendations = recommendations
        self._builds = builds
        self._engine_for = engine_for
        self._clock = clock

    def names(self) -> list[str]:
        return [each.plan.id for each in self._recommendations.live()]

    def run(self, name: str | None = None) -> list[BuildResult]:
        """Build one recommendation, or all that are live, one after the other. Raises UnknownRecommendation."""
        live = self._recommendations
        published = [live.get(name)] if name is not None else live.live()
        return [self._try(each.plan) for each in published]

    def _try(self, recommender: Recommender) -> BuildResult:
        started = self._clock()
        number = f"{iso(started)}-{uuid.uuid4().hex[:4]}"  # in the order of time; no two are the same
        try:
            outcome = self._build(recommender, number, started)
        except Exception as error:  # one that cannot be built must not hold up the others
            logger.exception("not built", extra={"recommendation": recommender.id})
            outcome = BuildResult(recommender.id, number, reason=f"{type(error).__name__}: {error}", failed=True)
        else:
            logger.info("built" if outcome.reason is None else "not built", extra=outcome._asdict())
        count(
            metrics,
            RecommendationsBuilt=outcome.reason is None,
            RecommendationsFailed=outcome.failed,
            RecommendationRows=outcome.items,
        )
        self._tell(outcome)
        return outcome

    def _tell(self, outcome: BuildResult) -> None:
        told = {name: value for name, value in outcome._asdict().items() if value is not None}
        try:
            self._builds.tell(
                outcome.recommendation, ENDED, at=self._clock(), **{**told, "failed": int(outcome.failed)}
            )
        except (ClientError, BotoCoreError):  # what became of this one holds up the others as little
            logger.exception("not told", extra={"recommendation": outcome.recommendation})

    def _build(self, recommender: Recommender, number: str, started: int) -> BuildResult:
        name, builds = recommender.id, self._builds
        told_at = 0

        def tell(step: str) -> None:
            nonlocal told_at
            if self._clock() - told_at >= TOLD_EVERY_MS:
                told_at = self._clock()
                builds.tell(name, RUNNING, build=number, at=told_at, step=step)

        with tempfile.TemporaryDirectory(prefix="recommend-") as scratch:
            engine = self._engine_for(recommender, started, Path(scratch))
            rows = grouped(engine.rows(recommender, started, tell))
            first = next(rows, None)
            if first is None:
                if builds.live(name) is not None:
                    raise Empty("no history in the lookback; what is live stays. Is history still written?")
                return BuildResult(name, number, reason="no history yet")
            counted = _Counted(chain([first], rows), popular_only=recommender.personalize is not None)
            for written in builds.write(name, number, counted, started):
                tell(f"{written} rows written")
        finished = Build(
            build=number,
            revision=recommender.revision,
            engine=engine.name,
            started_at=started,
            finished_at=self._clock(),
            items=counted.items,
            pairs=counted.pairs,
        )
        if not builds.publish(name, finished):
            return BuildResult(
                name, number, counted.items, counted.pairs, reason="a build that began later is live already"
            )
        return BuildResult(name, number, counted.items, counted.pairs)


class _Counted:
    """Counts rows as they pass; with `popular_only`, keeps only popular items, because another provider finds the
    neighbours.
    """

    def __init__(self, rows: Iterator[tuple[str, list[Neighbour]]], *, popular_only: bool) -> None:
        self._rows = rows
        self._popular_only = popular_only
        self.items = 0
        self.pairs = 0

    def __iter__(self) -> Iterator[tuple[str, list[Neighbour]]]:
        for item, neighbours in self._rows:
            if item != POPULAR:
                if self._popular_only:
                    return
                self.items += 1
                self.pairs += len(neighbours)
            yield item, neighbours
