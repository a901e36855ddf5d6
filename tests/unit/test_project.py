"""The promises of a project beside its code: licence, notice, pins, versions."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import holdfast

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
LAYERS = sorted((ROOT / "lambdas").glob("requirements*.txt"))
REQUIREMENTS = [*LAYERS, *sorted(ROOT.glob("requirements*.txt"))]
TOOLS = {
    "@asyncapi/specs",
    "@biomejs/biome",
    "aws-cdk",
    "axe-core",
    "esbuild",
    "fast-check",
    "openapi-typescript",
    "tsc-native",
    "typescript",
}
"""npm packages of which nothing is shipped with the page."""


def pinned(file: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("-r")]


def shipped_with_the_page() -> set[str]:
    packages: dict[str, Any] = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    waiting = [name for name in packages[""]["devDependencies"] if name not in TOOLS]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += set(packages[f"node_modules/{name}"].get("dependencies", {})) - found
    return found


def test_the_licence_is_the_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PYPROJECT["project"]["license"] == "Apache-2.0"


@pytest.mark.parametrize("file", LAYERS, ids=lambda file: file.name)
def test_the_notice_names_what_a_layer_ships(file: Path) -> None:
    for requirement in pinned(file):
        assert re.search(rf"^{re.escape(requirement.split('==')[0])}\s", NOTICE, re.MULTILINE), requirement


def test_the_notice_names_what_the_page_ships() -> None:
    assert {"preact", "yaml", "@codemirror/state", "style-mod"} <= shipped_with_the_page()
    for name in shipped_with_the_page():
        assert re.search(rf"^{re.escape(name)}\s", NOTICE, re.MULTILINE), name


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.name)
def test_every_requirement_is_pinned_exactly(file: Path) -> None:
    for requirement in pinned(file):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", requirement), requirement


def releases(text: str) -> set[str]:
    return {re.sub(r"[._]", "-", found).lower() for found in re.findall(r"^([\w.-]+==[\w.]+)", text, re.MULTILINE)}


def of(file: Path) -> str:
    """The text of a list, with those that it includes."""
    text = file.read_text(encoding="utf-8")
    return "\n".join([text, *(of(file.parent / name) for name in re.findall(r"^-r (\S+)", text, re.MULTILINE))])


@pytest.mark.parametrize("lock", [*sorted((ROOT / "lambdas").glob("*.lock")), ROOT / "requirements.lock"])
def test_a_lock_has_the_releases_of_its_list_each_with_hashes(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert releases(text) == releases(of(lock.with_suffix(".txt"))), "run: make lock"
    assert len(re.findall(r"==[\w.]+ \\\n +--hash=sha256:", text)) == len(releases(text))


def test_every_list_of_a_layer_has_a_lock() -> None:
    assert {file.with_suffix(".lock").name for file in LAYERS} == {
        file.name for file in (ROOT / "lambdas").glob("*.lock")
    }


def test_the_changelog_has_an_entry_for_this_version() -> None:
    release = holdfast.__version__.split(".dev")[0]
    assert f"\n## {release} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_cdks_command_line_and_library_are_updated_together() -> None:
    rules = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))["packageRules"]
    (together,) = (rule for rule in rules if rule.get("groupName") == "aws-cdk")
    assert {"aws-cdk", "aws-cdk-lib"} <= set(together["matchPackageNames"])
