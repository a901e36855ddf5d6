"""From events to rows that deliver reads: the queue, join, Firehose, S3, the build function, the catalog table."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError
from typer.testing import CliRunner

from holdfast.aws.history import History
from holdfast.aws.settings import RecommendSettings
from holdfast.aws.tables.builds import Builds
from holdfast.aws.tables.campaigns import Recommendations
from holdfast.services.build_engines import AthenaEngine, Duck, DuckEngine
from holdfast_cli.main import app
from holdfast_cli.stack import Deployment
from tests.eventually import PATIENCE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = "bought-together"


def test_what_is_bought_together_is_built_from_what_came_through_the_queue(
    deployed: Deployment, tmp_path: Path
) -> None:
    file = {"id": NAME, "catalog": "products", "did": {"bought together": "Items[].id"}}
    (tmp_path / "definition.yaml").write_text(json.dumps(file))
    holdfast("recommend", "publish", str(tmp_path / "definition.yaml"))
    events = [
        {"user": f"buyer-{n}", "event": "Bought together", "Items": [{"id": each} for each in items], "ts": now()}
        for n, items in enumerate([["tent", "mat"]] * 12 + [["lamp"]] * 30)
    ]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events * 2))
    holdfast("send", str(tmp_path / "events.jsonl"))

    history = History(deployed.client("s3"), deployed.outputs["HistoryBucketName"])
    found: set[tuple[str, str]] = set()
    give_up = time.monotonic() + PATIENCE
    while len(found) < 54 and time.monotonic() < give_up:
        time.sleep(1)
        scratch = tmp_path / str(time.monotonic())
        scratch.mkdir()
        duck = Duck(scratch)
        DuckEngine(history, scratch).load(duck, "2000-01-01", lambda _: None)
        found = {
            (who, item)
            for who, item in duck.run("SELECT DISTINCT who, item FROM history WHERE event = 'boughttogether'")
        }
        duck.close()
    assert len(found) == 54

    (outcome,) = map(json.loads, holdfast("recommend", "build", NAME, "--json").splitlines())
    assert (outcome["failed"], outcome["items"], outcome["pairs"]) == (False, 2, 2), outcome
    builds = Builds(deployed.client("dynamodb"), deployed.outputs["CatalogTableName"])
    live = builds.live(NAME)
    assert live is not None
    assert [each.item for each in builds.row(NAME, live.build, "tent")] == ["mat"]
    assert [each.item for each in builds.row(NAME, live.build)] == ["lamp", "mat", "tent"]

    scratch = tmp_path / "both engines"
    scratch.mkdir()
    recommender = Recommendations(deployed.client("dynamodb"), deployed.outputs["CampaignsTableName"]).get(NAME).plan
    until = now()
    on_duckdb = list(DuckEngine(history, scratch).rows(recommender, until, lambda _: None))
    assert [(each.item, each.other, each.support) for each in on_duckdb] == [
        ("", "lamp", 30), ("", "mat", 12), ("", "tent", 12), ("mat", "tent", 12), ("tent", "mat", 12),
    ]  # fmt: skip
    assert list(athena(deployed).rows(recommender, until, lambda _: None)) == on_duckdb


def athena(deployed: Deployment) -> AthenaEngine:
    """As the build function has it: with the settings in its environment."""
    function = deployed.client("lambda").get_function_configuration(
        FunctionName=deployed.outputs["RecommendFunctionName"]
    )
    settings = RecommendSettings.from_env(function["Environment"]["Variables"])
    return AthenaEngine(
        deployed.client("athena"),
        cast("S3Client", Results(deployed.client("s3"))),
        database=settings.history_database,
        table=settings.history_table,
        workgroup=settings.athena_workgroup,
        bucket=settings.history_bucket,
        prefix=settings.athena_results,
    )


class Results:
    """The embedded Athena says, as AWS does, that a result is at `athena/ID.csv`, and puts it at
    `athena/ID.csv/ID.csv`.
    """

    def __init__(self, s3: S3Client) -> None:
        self._s3 = s3

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803 (boto3's names)
        try:
            return self._s3.get_object(Bucket=Bucket, Key=Key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return self._s3.get_object(Bucket=Bucket, Key=f"{Key}/{Key.rpartition('/')[2]}")


def now() -> int:
    return time.time_ns() // 1_000_000


def holdfast(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, f"{result.output} {result.exception}"
    return result.stdout
