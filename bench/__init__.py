"""Measurements: the costs of Holdfast, and its speed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Where Lambda finds the handlers, and what the stack tells them: they look at it when they are imported.
sys.path.insert(0, str(Path(__file__).parents[1] / "lambdas"))
POWERTOOLS = {
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "Holdfast",
    "POWERTOOLS_TRACE_DISABLED": "true",
}
os.environ.update(POWERTOOLS)
