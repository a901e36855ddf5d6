"""A start pays for every import: each handler and command loads of what is heavy only what it cannot do without."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
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
import json, sys
from holdfast_cli.main import main
given, into = sys.argv[1:]
with open(into, "w") as file:
    for arguments in json.loads(given):
        sys.argv[1:] = arguments
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        print(json.dumps([code, *sys.modules]), file=file)
"""


def loaded_by(commands: Iterable[tuple[str, ...]], folder: Path) -> list[set[str]]:
    """The modules that are loaded after each of the commands, one after the other. There is no deployment at hand."""
    (folder / "events.jsonl").write_text(json.dumps(ADDED))
    (folder / "profiles.jsonl").write_text(json.dumps({"user": "ann", "profile": {"first_name": "Ann"}}))
    environment = {"HOLDFAST_HOME": str(folder), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", RUN, json.dumps([*commands]), "loaded"]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in (folder / "loaded").read_text().splitlines()]
    assert [code for code, *_ in rows] == [0] * len(rows), ran.stderr
    return [set(loaded) for _, *loaded in rows]


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    return dict(zip(OFFLINE, loaded_by(OFFLINE.values(), tmp_path_factory.mktemp("offline")), strict=True))


@pytest.mark.parametrize("name", OFFLINE)
def test_a_command_that_works_offline_imports_nothing_of_aws(name: str, offline: Mapping[str, set[str]]) -> None:
    assert "holdfast_cli.main" in offline[name]
    assert AWS & {module.partition(".")[0] for module in offline[name]} == set()


def test_no_command_is_imported_before_it_is_asked_for(tmp_path: Path) -> None:
    before = {"holdfast", "holdfast_cli", *(f"holdfast_cli.{each}" for each in ("later", "main", "output"))}
    for loaded in loaded_by([("--version",), ("--help",)], tmp_path):
        assert {module for module in loaded if module.startswith("holdfast")} == before
