"""Logs and metrics by Powertools. Nothing here or in its callers names a user or an event's content.

Traces come from Lambda's own active tracing, which needs nothing in here. Powertools' Tracer would need the X-Ray SDK,
which has received only security fixes since 2026 and takes longer to import than Holdfast.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from traceback import walk_tb

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

# An invocation that counts nothing (a sweep at night) is no mistake.
warnings.filterwarnings("ignore", message="No application metrics to publish")

# Two stages in one account would else be counted as one. The dimension is that of all instances.
if stage := os.environ.get("HOLDFAST_STAGE"):
    Metrics().set_default_dimensions(stage=stage)

__all__ = ["Logger", "Metrics", "count", "measure", "place_of"]


def count(metrics: Metrics, **counts: int) -> None:
    """Add the counts that are not zero."""
    for name, value in counts.items():
        if value:
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure(metrics: Metrics, **seconds: float) -> None:
    """Add durations, including zero: an alarm on a duration has to see that all is well."""
    for name, value in seconds.items():
        metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=value)


def place_of(error: BaseException) -> str:
    """An error's kind and place. Its message is left out, because it may contain a user's data, which no log may."""
    places = [f" at {Path(frame.f_code.co_filename).name}:{line}" for frame, line in walk_tb(error.__traceback__)]
    return type(error).__name__ + "".join(places[-1:])
