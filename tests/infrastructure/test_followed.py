"""The types of the CDK that are checked: of all that is used, and of whatever that inherits from."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("infra", "tests", "bench", "tools", "examples")
IMPORTED = re.compile(r"^ +import (aws_cdk[.\w]*) as (_\w+)$", re.MULTILINE)
BASES = re.compile(r"^class \w+\((.*?)\):$", re.MULTILINE | re.DOTALL)


def followed() -> set[str]:
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    (names,) = (each["module"] for each in mypy["overrides"] if each["follow_imports"] == "normal")
    return set(names)


def used() -> set[str]:
    found = set[str]()
    texts = (path.read_text() for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    for text in (text for text in texts if "aws_cdk" in text):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == "aws_cdk":
                found |= {f"aws_cdk.{each.name}" for each in node.names if each.name.startswith("aws_")}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aws_cdk."):
                found.add(str(node.module))
    return found


def inherited(module: str) -> set[str]:
    """Other modules of the CDK that classes of this one inherit from."""
    spec = find_spec(module)
    assert spec
    assert spec.origin
    text = Path(spec.origin).read_text()
    names = {alias: name for name, alias in IMPORTED.findall(text)}
    return {name for bases in BASES.findall(text) for alias, name in names.items() if f"{alias}." in bases}


def test_what_is_used_of_the_cdk_is_checked_with_its_types() -> None:
    assert len(used()) > 20
    assert used() < followed()


def test_so_is_what_that_inherits_from() -> None:
    of = {module: inherited(module) for module in followed()}
    assert "aws_cdk.interfaces.aws_lambda" in of["aws_cdk.aws_lambda"]
    assert set().union(*of.values()) < followed()
