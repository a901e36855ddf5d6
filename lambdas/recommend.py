"""The handler of recommend: see `holdfast.services.build_recommendations`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.clients import patient_client as client
from holdfast.aws.history import History
from holdfast.aws.settings import RecommendSettings
from holdfast.aws.tables.builds import Builds
from holdfast.aws.tables.campaigns import Recommendations
from holdfast.aws.telemetry import Logger, Metrics
from holdfast.core.recommend.item_to_item import first_day
from holdfast.core.recommend.ranking import Recommender
from holdfast.services.build_engines import AthenaEngine, DuckElseAthena, DuckEngine, Engine
from holdfast.services.build_recommendations import BuildFailed, Recommend

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> list[dict[str, Any]]:
    """Builds the recommendation that the event names. Raises BuildFailed.

    An event that names none, as the nightly one, starts an invocation for each: one that takes long, or fails, must not
    use up the time of the others.
    How each ended is in the catalog table too, where `holdfast recommend build` waits for it.
    """
    recommend = build(lambda: context.get_remaining_time_in_millis() / 1000)
    if "recommendation" not in event:
        return start_each(recommend.names(), client("lambda"), context.invoked_function_arn)
    outcomes = recommend.run(event["recommendation"])
    if failed := [outcome.recommendation for outcome in outcomes if outcome.failed]:
        raise BuildFailed(f"not built: {', '.join(failed)}")
    return [outcome._asdict() for outcome in outcomes]


def start_each(names: Sequence[str], functions: LambdaClient, function: str) -> list[dict[str, Any]]:
    """Raises BuildFailed after the last, if any could not be started."""
    failed = []
    for name in names:
        try:
            payload = json.dumps({"recommendation": name})
            functions.invoke(FunctionName=function, InvocationType="Event", Payload=payload)
        except (ClientError, BotoCoreError):
            logger.exception("not started", extra={"recommendation": name})
            failed.append(name)
    if failed:
        raise BuildFailed(f"not started: {', '.join(failed)}")
    return [{"recommendation": name, "started": True} for name in names]


def build(seconds_left: Callable[[], float]) -> Recommend:
    settings = RecommendSettings.from_env(os.environ)
    dynamodb, s3 = client("dynamodb"), client("s3")
    history = History(s3, settings.history_bucket)

    def engine_for(recommender: Recommender, until: int, scratch: Path) -> Engine:
        duck = DuckEngine(history, scratch, memory_mb=settings.duckdb_memory_mb)
        athena = AthenaEngine(
            client("athena"),
            s3,
            database=settings.history_database,
            table=settings.history_table,
            workgroup=settings.athena_workgroup,
            bucket=settings.history_bucket,
            prefix=settings.athena_results,
            seconds_left=seconds_left,
        )
        if settings.engine != "auto":
            return duck if settings.engine == "duckdb" else athena
        size = sum(each.size for each in history.objects(first_day(recommender, until)))
        return athena if size > settings.duckdb_most_mb * 1024 * 1024 else DuckElseAthena(duck, athena)

    return Recommend(
        recommendations=Recommendations(dynamodb, settings.campaigns_table),
        builds=Builds(dynamodb, settings.catalog_table),
        engine_for=engine_for,
    )
