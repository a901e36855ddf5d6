"""Asking the deployed function for builds, and telling how far they have got meanwhile."""

from __future__ import annotations

import json
import time
from typing import Any

from holdfast.aws.tables.builds import ENDED, RUNNING, Builds
from holdfast.aws.tables.campaigns import Recommendations
from holdfast_cli.output import Failure, progress
from holdfast_cli.stack import Deployment

_POLL_SECONDS = 0.5
_MOST_SECONDS = 16 * 60
"""A minute more than a function may run."""


def build(deployment: Deployment, recommendation: str | None) -> list[dict[str, Any]]:
    """Build one recommendation, or all, and wait for it. Each outcome says whether it `failed`, and the `reason`."""
    dynamodb = deployment.client("dynamodb")
    builds = Builds(dynamodb, deployment.outputs["CatalogTableName"])
    live = Recommendations(dynamodb, deployment.outputs["CampaignsTableName"]).live()
    names = [published.plan.id for published in live]
    if recommendation is not None and recommendation not in names:
        raise Failure(f"There is no recommendation {recommendation}. See: holdfast recommend list")
    outcomes: list[dict[str, Any]] = []
    with progress("building", None) as bar:
        # A call for each: together they might not fit into the time that a function has.
        for name in names if recommendation is None else [recommendation]:
            before = _ended(builds, name)
            deployment.client("lambda").invoke(
                FunctionName=deployment.recommending("RecommendFunctionName"),
                InvocationType="Event",  # an answer may take minutes, and networks drop connections that are silent
                Payload=json.dumps({"recommendation": name}).encode(),
            )
            give_up = time.monotonic() + _MOST_SECONDS
            while (ended := _ended(builds, name)) == before:
                if time.monotonic() > give_up:
                    raise Failure(f"The build of {name} did not finish. See the log of its function.")
                told = builds.told(name, RUNNING)
                bar.update(bar.task_ids[0], description=f"{name}: {told['step'] if told else 'starting'}")
                time.sleep(_POLL_SECONDS)
            outcomes.append(ended)
    return outcomes


def _ended(builds: Builds, name: str) -> dict[str, Any]:
    told = builds.told(name, ENDED) or {}
    return {key: bool(value) if key == "failed" else value for key, value in told.items() if key not in {"pk", "sk"}}
