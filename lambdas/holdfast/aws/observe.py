"""Logs, metrics and traces by Powertools. Nothing here or in its callers names a user or an event's content."""

from __future__ import annotations

import warnings

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

# An invocation that counts nothing (a sweep at night) is no mistake.
warnings.filterwarnings("ignore", message="No application metrics to publish")

__all__ = ["Logger", "Metrics", "Tracer", "count"]


def count(metrics: Metrics, **counts: int) -> None:
    """Add the counts that are not zero."""
    for name, value in counts.items():
        if value:
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
