"""`simulate`, as it prints in a process of its own, which no thread keeps from forking, in each way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from holdfast_cli import team
from holdfast_cli.main import app

ROOT = Path(__file__).parents[2]
START = 1_780_056_000_000
CAMPAIGN = """
id: cart
when: {did: added, did_not: charged, within: 30 minutes}
constant: {name: product, in: {added: product, charged: product}}
send: {values: {title: "{{ Profile.first_name | default: 'you' }}"}}
"""
WAYS = {"json": ["--json"], "as arrived": ["--json", "--as-arrived"], "text": []}
JOBS = (1, 2, 3)


class Printed(NamedTuple):
    out: str
    err: str
    html: str


class Alone(NamedTuple):
    started: str
    """By which method processes were started."""
    by: dict[str, list[Printed]]
    """For each way, what was printed with so many JOBS."""


def trace(folder: Path) -> list[str]:
    """The arguments for a file with everything in it: late, doubled, tied, rejected, and in no order."""
    (folder / "c.yaml").write_text(CAMPAIGN)
    (folder / "policy.yaml").write_text("per_user: [{at_most: 2, in: 1 day}]\n")
    (folder / "p.jsonl").write_text(json.dumps({"user": "u-3", "profile": {"first_name": "Ann"}}) + "\n")
    lines: list[str] = []
    for n in range(900):
        at = START + (n * 7919 % 900) * 20_000
        user = f"u-{n * 31 % 90}"
        event: dict[str, Any] = {"user": user, "event": ("added", "charged", "page")[n * n % 3], "ts": at}
        lines.append(json.dumps(event if n % 50 == 0 else {**event, "product": f"p-{n % 5}"}))
        if n % 60 == 7:
            lines += [lines[-1], json.dumps({"user": user, "alias": f"u-{n % 90}"}), "not json"]
    (folder / "e.jsonl").write_text("\n".join(lines))
    names = ("-c", "c.yaml"), ("--policy", "policy.yaml"), ("-p", "p.jsonl"), ("-e", "e.jsonl")
    return [each for option, name in names for each in (option, str(folder / name))]


def printed(arguments: Sequence[str], folder: Path, *more: str) -> Printed:
    html = folder / "page.html"
    result = CliRunner().invoke(app, ["simulate", *arguments, "--html", str(html), *more])
    assert result.exit_code == 0, result.output
    return Printed(result.stdout, result.stderr, html.read_text())


def alone(folder: Path) -> Alone:
    """All ways in one process, of which most of the time goes into its imports."""
    command = [sys.executable, "-m", "tests.unit.simulated_alone", str(folder)]
    paths = os.pathsep.join(str(ROOT / each) for each in ("lambdas", "cli", "."))
    environment = {**os.environ, "PYTHONPATH": paths}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    started, by = json.loads(ended.stdout)
    return Alone(started, {way: [Printed(*each) for each in of] for way, of in by.items()})


def main(folder: Path) -> None:
    arguments = trace(folder)
    by = {
        way: [printed(arguments, folder, "--jobs", str(jobs), *options) for jobs in JOBS]
        for way, options in WAYS.items()
    }
    json.dump(Alone(team._start_method(), by), sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
