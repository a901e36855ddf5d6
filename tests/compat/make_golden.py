"""Writes the golden items of a release: what it leaves behind, and what it makes of that itself.

    python tests/compat/make_golden.py d5c770d

The release's own source runs, taken from git. Run this once for each release, when it is made; the files stay.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ON_MOTO = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "POWERTOOLS_SERVICE_NAME": "compat",
    "POWERTOOLS_METRICS_NAMESPACE": "compat",
}
"""The environment of a function."""


class NoHistory(RuntimeError):
    """Git does not have the release: this is a shallow clone, or no clone at all."""


def source(release: str, to: Path) -> Path:
    """The release's source, below `to`. Raises NoHistory."""
    target = to / release
    if not target.exists():
        packed = subprocess.run(["git", "-C", str(ROOT), "archive", release], capture_output=True, check=False)
        if packed.returncode:
            raise NoHistory(packed.stderr.decode().strip())
        target.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", str(target)], input=packed.stdout, check=True)
    return target


def run(release: Path, *arguments: str, also: str = "") -> None:
    """Run the scenario inside a release. `also` is a folder of packages that only this release needs."""
    path = ":".join(filter(None, [str(release / "lambdas"), str(release), also]))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, **ON_MOTO}
    command = [sys.executable, str(HERE / "scenario.py"), *arguments]
    ended = subprocess.run(command, cwd=release, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(ended.stderr[-4000:])


def main(release: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        inside = source(release, Path(scratch))
        also = ""
        if "aws-xray-sdk==" in (inside / "lambdas" / "requirements.txt").read_text():
            also = f"{scratch}/also"  # which today's .venv no longer has
            install = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--target",
                also,
                "aws-xray-sdk",
                "wrapt",
            ]
            subprocess.run(install, check=True)
        left, met = Path(scratch) / "left.json", Path(scratch) / "met.json"
        run(inside, "leave", str(left), also=also)
        run(inside, "meet", str(left), str(met), also=also)
        golden = {"left": json.loads(left.read_text()), "met": json.loads(met.read_text())}
    lines = json.dumps(golden, sort_keys=True, indent=1)
    (HERE / "golden" / f"{release}.json").write_text(lines + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
