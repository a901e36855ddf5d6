from __future__ import annotations

import json
import os
import subprocess
import sys

COUNT_ONE = """
from holdfast.aws.telemetry import Metrics, count
outer, inner = Metrics(), Metrics()

@outer.log_metrics
def handler(event, context):
    count(inner, RecordsFolded=1)

handler({}, None)
handler({}, None)
"""


def test_what_is_counted_bears_its_stage_so_that_two_in_one_account_are_two() -> None:
    powertools = {"POWERTOOLS_METRICS_NAMESPACE": "Holdfast", "POWERTOOLS_SERVICE_NAME": "join"}
    environment = {**os.environ, **powertools, "HOLDFAST_STAGE": "dev", "PYTHONPATH": "lambdas"}
    done = subprocess.run(
        [sys.executable, "-c", COUNT_ONE], env=environment, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["service"], each["stage"], each["RecordsFolded"]) for each in lines] == [("join", "dev", [1.0])] * 2
    for each in lines:
        (directive,) = each["_aws"]["CloudWatchMetrics"]
        assert [sorted(dimensions) for dimensions in directive["Dimensions"]] == [["service", "stage"]]
