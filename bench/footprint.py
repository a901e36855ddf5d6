"""The price of a cold start: the size of code and layer, and the CPU time of importing and building each handler.

Run by `make footprint`. It measures the deployed files, bytecode included, in a fresh interpreter. Times are CPU
milliseconds, the least of `TIMES`. The ratio to importing boto3 and making the three clients, in the same run, says
more than the number.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import typer

from bench.report import Part
from holdfast.aws import settings
from holdfast_cli.output import Json, print_rows
from infra.assets import functions_code
from infra.dependencies import layer
from infra.stages import stage_from

TIMES = 21
GROUPS = 3
BASELINE = "boto3 and its clients"
CLIENTS = "import boto3; [boto3.client(name) for name in ('dynamodb', 'sqs', 'events')]"
MEASURE = "import time; begun = time.process_time(); {}; print((time.process_time() - begun) * 1000)"

GOALS: Mapping[str, float] = {"join": 1.25, "sweep": 1.25, "deliver": 1.6}
GOAL_MB = 30
STARTS: Mapping[str, str] = {BASELINE: CLIENTS, **{name: f"import {name}; {name}.build()" for name in GOALS}}

COLD_STARTS = 20_000
"""A month: three functions that start anew every two hours, and a hundred copies of join for some peaks a day."""
ARM_GB_SECOND, SNAPSHOT_GB_SECOND, RESTORED_GB = 0.0000133334, 0.0000015046, 0.0001397998
"""Lambda's list prices in us-east-1, dollars: duration on arm64; and SnapStart's, for keeping and for restoring."""


def main(*, json: Json = False) -> None:
    """Print the sizes of what is deployed, what starting it costs, and what SnapStart would."""
    wheels = stage_from({"stage": "prod"}.get).wheels
    code, dependencies = functions_code(platform_tag=wheels).built(), layer(platform_tag=wheels).built()
    sizes = [
        {"what": "the functions' code", "unpacked_mb": _megabytes(code)},
        {"what": "the layer", "unpacked_mb": _megabytes(dependencies)},
        *({"what": f"  {each.name}", "unpacked_mb": _megabytes(each)} for each in _largest(dependencies / "python")),
        {"what": "both", "unpacked_mb": round(_megabytes(code) + _megabytes(dependencies), 1), "goal": GOAL_MB},
    ]
    print_rows(sizes, ["what", "unpacked_mb", "goal"], as_json=json, title="Size for Lambda (arm64, Python 3.13)")
    least = _least(_turns(STARTS))
    times: list[dict[str, Any]] = [
        {"start": name, "cpu_ms": round(ms), "ratio": round(ms / least[BASELINE], 2), "goal": GOALS.get(name)}
        for name, ms in least.items()
    ]
    print_rows(times, ["start", "cpu_ms", "ratio", "goal"], as_json=json, title="Import and build, CPU")
    print_rows(
        _snapstart(least["join"] / 1000), ["start", "dollars_a_month"], as_json=json, title="Is SnapStart worth it?"
    )


def footprint(part: Part) -> None:
    """The goals alone, for the bench."""
    wheels = stage_from({"stage": "prod"}.get).wheels
    built = (functions_code(platform_tag=wheels).built(), layer(platform_tag=wheels).built())
    part.row("code and layer, unpacked", sum(map(_megabytes, built)), "MB", goal=GOAL_MB)
    turns = _turns(STARTS)
    least = _least(turns)
    for name, goal in GOALS.items():
        note = (
            f"{least[name]:.0f} of {least[BASELINE]:.0f} ms CPU at least; {GROUPS} medians of {TIMES // GROUPS} turns"
        )
        # In one turn: a processor's speed changes from one to the next.
        ratios = [turn[name] / turn[BASELINE] for turn in turns]
        medians = [median(ratios[first::GROUPS]) for first in range(GROUPS)]
        part.spread(f"{name}: import and build, of boto3 and its clients", medians, goal=goal, note=note)


def _snapstart(seconds: float, gigabytes: float = 1.0) -> list[dict[str, Any]]:
    """The bill of a function's cold starts, both ways, for one published version of it."""
    month = 30 * 24 * 3600
    return [
        {
            "start": f"{COLD_STARTS:,} cold starts of {seconds:.1f} s",
            "dollars_a_month": round(COLD_STARTS * seconds * gigabytes * ARM_GB_SECOND, 2),
        },
        {
            "start": f"{COLD_STARTS:,} restores, and the snapshot",
            "dollars_a_month": round(gigabytes * (COLD_STARTS * RESTORED_GB + month * SNAPSHOT_GB_SECOND), 2),
        },
    ]


def _megabytes(directory: Path) -> float:
    return round(sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 2**20, 1)


def _largest(packages: Path) -> list[Path]:
    folders = [path for path in packages.iterdir() if path.is_dir() and path.suffix != ".dist-info"]
    return sorted(folders, key=_megabytes, reverse=True)[:5]


def _least(turns: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: min(turn[name] for turn in turns) for name in turns[0]}


def _turns(codes: Mapping[str, str]) -> list[dict[str, float]]:
    """CPU milliseconds, measured in turns, so that other work on the machine slows all of them alike."""
    code, dependencies = functions_code(platform_tag=None).built(), layer(platform_tag=None).built()
    fields = [field for cls in settings.Settings.__subclasses__() for field in dataclasses.fields(cls)]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(code), str(dependencies / "python")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "POWERTOOLS_METRICS_NAMESPACE": "Holdfast",
        "POWERTOOLS_SERVICE_NAME": "footprint",
        **{f"HOLDFAST_{field.name.upper()}": "1" for field in fields},
    }
    return [{name: _cpu_ms(each, environment) for name, each in codes.items()} for _ in range(TIMES)]


def _cpu_ms(code: str, environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-c", MEASURE.format(code)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    return float(result.stdout)


if __name__ == "__main__":
    typer.run(main)
