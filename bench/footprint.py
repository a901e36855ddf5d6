"""What a cold start pays for: the size of code and layer, and the CPU time of importing each handler.

Run by `make footprint`. Times are CPU milliseconds in a fresh interpreter, the least of seven; the ratio to importing
boto3 and making the clients, in the same run, says more than the number.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer

from holdfast_cli.output import Json, print_rows
from infra.dependencies import build_layer
from infra.stages import stage_from

ROOT = Path(__file__).parents[1]
TIMES = 7
BASELINE = "boto3 and its clients"
CLIENTS = "import boto3; [boto3.client(name, region_name='eu-west-1') for name in ('dynamodb', 'sqs', 'events')]"
WHAT = {BASELINE: CLIENTS, **{name: f"import {name}; {CLIENTS}" for name in ("join", "sweep", "deliver")}}
MEASURE = "import time; begun = time.process_time(); {}; print((time.process_time() - begun) * 1000)"


def main(*, json: Json = False) -> None:
    """Print the sizes of what is deployed, and what importing it costs."""
    layer = build_layer(platform_tag=stage_from({"stage": "prod"}.get).wheels)
    sizes = [
        {"what": "the functions' code", "unpacked_kb": _kilobytes(ROOT / "lambdas", "**/*.py")},
        {"what": "the layer", "unpacked_kb": _kilobytes(layer, "**/*")},
        *({"what": f"  {each.name}", "unpacked_kb": _kilobytes(each, "**/*")} for each in _largest(layer / "python")),
    ]
    print_rows(sizes, ["what", "unpacked_kb"], as_json=json, title="Size for Lambda (arm64, Python 3.13)")
    least = {name: min(_cpu_ms(code) for _ in range(TIMES)) for name, code in WHAT.items()}
    times: list[dict[str, Any]] = [
        {"import": name, "cpu_ms": round(ms), "ratio": round(ms / least[BASELINE], 2)} for name, ms in least.items()
    ]
    print_rows(times, ["import", "cpu_ms", "ratio"], as_json=json, title="Import and clients, CPU")


def _kilobytes(directory: Path, pattern: str) -> int:
    files = (path for path in directory.glob(pattern) if path.is_file() and "__pycache__" not in path.parts)
    return round(sum(path.stat().st_size for path in files) / 1024)


def _largest(packages: Path) -> list[Path]:
    folders = [path for path in packages.iterdir() if path.is_dir() and path.suffix != ".dist-info"]
    return sorted(folders, key=lambda path: -_kilobytes(path, "**/*"))[:5]


def _cpu_ms(code: str) -> float:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "lambdas"),
        "POWERTOOLS_TRACE_DISABLED": "true",
        "POWERTOOLS_METRICS_NAMESPACE": "Holdfast",
        "POWERTOOLS_SERVICE_NAME": "footprint",
    }
    command = [sys.executable, "-c", MEASURE.format(code)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    return float(result.stdout)


if __name__ == "__main__":
    typer.run(main)
