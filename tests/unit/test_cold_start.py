"""A cold start pays for every import: each handler loads of what is heavy only what it cannot do without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

LAMBDAS = Path(__file__).parents[2] / "lambdas"
HANDLERS = sorted(path.stem for path in LAMBDAS.glob("*.py"))

HEAVY = {"aws_xray_sdk", "babel", "boto3", "liquid", "moto", "pydantic", "requests", "s3transfer", "tzdata", "zoneinfo"}
NEEDED: Mapping[str, set[str]] = {
    "deliver": {"liquid", "babel", "zoneinfo"},
    "console": {"liquid", "babel", "pydantic", "zoneinfo"},
}
"""Whoever renders needs Liquid, which brings Babel and zones; whoever takes campaigns from people, Pydantic."""

SEE = "import sys; before = {{*sys.modules}}; import {}; print(*({{*sys.modules}} - before))"


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_imports_nothing_heavy_that_it_does_not_need(handler: str) -> None:
    command = [sys.executable, "-c", SEE.format(handler)]
    environment = {"PYTHONPATH": str(LAMBDAS), "POWERTOOLS_METRICS_NAMESPACE": "Holdfast"}
    loaded = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    assert "botocore" in loaded, "nothing was seen of what the handler imports"
    assert HEAVY & {module.partition(".")[0] for module in loaded} == NEEDED.get(handler, set())
