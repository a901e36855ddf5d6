"""A start pays for every import: each handler and command loads of what is heavy only what it cannot do without."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAMBDAS = ROOT / "lambdas"
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


# The command line

AWS = {"aws_cdk", "boto3", "botocore", "duckdb", "ministack", "moto"}
CART = str(ROOT / "examples" / "abandoned-cart.yaml")
ADDED = {"user": "ann", "event": "added to cart", "product_name": "white coat", "price": 30, "ts": 1790002000000}
OFFLINE: Mapping[str, tuple[str, ...]] = {
    "version": ("--version",),
    "help": ("--help",),
    "help of a command": ("simulate", "--help"),
    "help of a group": ("campaign", "--help"),
    "validate": ("campaign", "validate", CART),
    "test": ("campaign", "test", CART),
    "schema": ("schema", "campaign"),
    "schema of files": ("schema", "asyncapi", CART),
    "simulate": ("simulate", "--json", "--jobs", "1", "-c", CART, "-e", "events.jsonl"),
    "simulate and render": ("simulate", "--json", "-c", CART, "-e", "events.jsonl", "-p", "profiles.jsonl"),
    "preview": ("preview", CART, "--user", "ann", "--event", json.dumps(ADDED)),
}

RUN = """
import sys
from holdfast_cli.main import main
try:
    main()
finally:
    print("loaded:", *sys.modules, file=sys.stderr)
"""


def loaded_by(arguments: tuple[str, ...], folder: Path) -> set[str]:
    """The modules that a command has loaded when it ends well. `folder` has no deployment, and two files of records."""
    (folder / "events.jsonl").write_text(json.dumps(ADDED))
    (folder / "profiles.jsonl").write_text(json.dumps({"user": "ann", "profile": {"first_name": "Ann"}}))
    environment = {"HOLDFAST_HOME": str(folder), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", RUN, *arguments]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout, "the command has not done what it is for"
    return set(ran.stderr.rpartition("loaded: ")[2].split())


@pytest.mark.parametrize("arguments", OFFLINE.values(), ids=OFFLINE)
def test_a_command_that_works_offline_imports_nothing_of_aws(arguments: tuple[str, ...], tmp_path: Path) -> None:
    loaded = loaded_by(arguments, tmp_path)
    assert "holdfast_cli.main" in loaded
    assert AWS & {module.partition(".")[0] for module in loaded} == set()


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_no_command_is_imported_before_it_is_asked_for(option: str, tmp_path: Path) -> None:
    ours = {module for module in loaded_by((option,), tmp_path) if module.startswith("holdfast")}
    assert ours == {"holdfast", "holdfast_cli", *(f"holdfast_cli.{each}" for each in ("later", "main", "output"))}
