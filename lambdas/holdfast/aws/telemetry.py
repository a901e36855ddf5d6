"""Logs and metrics by Powertools. Nothing here or in its callers names a user or an event's content.

Traces come from Lambda's own active tracing, which needs nothing in here. The X-Ray SDK, by which Powertools' Tracer
would add to them, gets security fixes only since 2026, and takes longer to import than Holdfast.
"""

from __future__ import annotations

import warnings

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

# An invocation that counts nothing (a sweep at night) is no mistake.
warnings.filterwarnings("ignore", message="No application metrics to publish")

__all__ = ["Logger", "Metrics", "count"]


def count(metrics: Metrics, **counts: int) -> None:
    """Add the counts that are not zero."""
    for name, value in counts.items():
        if value:
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
