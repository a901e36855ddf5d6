"""The handler of recommend: see `holdfast.services.build_recommendations`."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from holdfast.aws.clients import patient_client as client
from holdfast.aws.history import History
from holdfast.aws.settings import RecommendSettings
from holdfast.aws.tables.builds import Builds
from holdfast.aws.tables.campaigns import Recommendations
from holdfast.aws.telemetry import Logger, Metrics
from holdfast.core.recommend.item_to_item import first_day
from holdfast.core.recommend.ranking import Recommender
from holdfast.services.build_engines import AthenaEngine, DuckEngine, Engine
from holdfast.services.build_recommendations import BuildFailed, Recommend

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _context: object) -> list[dict[str, Any]]:
    """Builds the recommendation that the event names, or all. Raises BuildFailed after the last, if any failed.

    How each ended is in the catalog table too, where `holdfast recommend build` waits for it.
    """
    outcomes = build().run(event.get("recommendation"))
    if failed := [outcome.recommendation for outcome in outcomes if outcome.failed]:
        raise BuildFailed(f"not built: {', '.join(failed)}")
    return [outcome._asdict() for outcome in outcomes]


@cache
def build() -> Recommend:
    settings = RecommendSettings.from_env(os.environ)
    dynamodb, s3 = client("dynamodb"), client("s3")
    history = History(s3, settings.history_bucket)

    def engine_for(recommender: Recommender, until: int, scratch: Path) -> Engine:
        choice = settings.engine
        if choice == "auto":
            size = sum(each.size for each in history.objects(first_day(recommender, until)))
            choice = "athena" if size > settings.duckdb_most_mb * 1024 * 1024 else "duckdb"
        if choice == "duckdb":
            return DuckEngine(history, scratch, memory_mb=settings.duckdb_memory_mb)
        return AthenaEngine(
            client("athena"),
            s3,
            database=settings.history_database,
            table=settings.history_table,
            workgroup=settings.athena_workgroup,
            bucket=settings.history_bucket,
            prefix=settings.athena_results,
        )

    return Recommend(
        recommendations=Recommendations(dynamodb, settings.campaigns_table),
        builds=Builds(dynamodb, settings.catalog_table),
        engine_for=engine_for,
    )
