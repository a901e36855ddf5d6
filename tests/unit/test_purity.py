"""The core is pure: no clock, chance, environment, input or output. An AST walk over its modules keeps it so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "lambdas" / "holdfast" / "core"
MODULES = sorted(CORE.rglob("*.py"))

PURE = {
    *(
        "__future__",
        "bisect",
        "collections",
        "contextlib",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
    ),
    *("functools", "hmac", "urllib.parse", "zlib"),
    *("hashlib", "heapq", "inspect", "itertools", "json", "math", "operator", "re", "string", "types", "typing"),
    *("unicodedata", "zoneinfo", "babel", "jmespath", "liquid", "msgspec", "pydantic", "pydantic_core"),
    *("holdfast.core", "io", "ruamel.yaml"),  # text in memory: files are caught by the calls that open them
}
"""Modules that may be imported, with all that is inside of them."""

BUILT_IN = {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__", "hash", "id"}
"""Of what needs no import, what may not be used. (`hash` and `id` differ from process to process.)"""

CLOCK = {"now", "utcnow", "today"}
"""Methods that may not be called, on whatever it is; nor be taken from `datetime` and `date` to be called by others."""

FILES = {"open", "read_text", "write_text", "read_bytes", "write_bytes"}

LIGHT = {"plans", "intake", "fold", "gate", "people"}
"""The rooms that join runs on, with the root of the core: each of its cold starts would pay for Pydantic or Liquid."""

LENT = {"recommend.ranking", "catalog.rows"}
"""Modules of other rooms that light ones use."""


def _name(path: Path) -> str:
    """The module's name below `holdfast.core`."""
    return ".".join(path.relative_to(CORE).with_suffix("").parts)


def impurities(source: str) -> Iterator[str]:
    """Places in the source that are not pure, each with its line."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = [f"import {name.name}" for name in names if not _within(name.name, PURE)]
            case ast.ImportFrom(module=module, level=level):
                found = (
                    [] if module and not level and _within(module, PURE) else [f"import {'.' * level}{module or ''}"]
                )
            case ast.Name(id=name, ctx=ast.Load()) if name in BUILT_IN:
                found = [name]
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCK:
                found = [f".{name}()"]
            case ast.Attribute(value=ast.Name(id=of) | ast.Attribute(attr=of), attr=name) if name in CLOCK:
                found = [f"{of}.{name}"] if of in {"datetime", "date"} | _names_of_datetime(tree) else []
            case ast.Call(func=ast.Attribute(attr=name)) if name in FILES:
                found = [f".{name}()"]
            case ast.Call(func=ast.Attribute(attr="fromtimestamp"), args=[_], keywords=[]):
                found = [".fromtimestamp in the machine's time zone"]
            case ast.Call(func=ast.Attribute(attr="astimezone"), args=[], keywords=[]):
                found = [".astimezone to the machine's time zone"]
            case _:
                found = []
        yield from (f"line {getattr(node, 'lineno', 0)}: {what}" for what in found)


def _names_of_datetime(tree: ast.AST) -> set[str]:
    """Under which names the module knows what it imports from `datetime`."""
    froms = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "datetime")
    return {name.asname or name.name for node in froms for name in node.names}


def imports(source: str) -> set[str]:
    """The modules that the source imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{name.name}" for name in node.names)})
    return found


def _within(module: str, packages: set[str]) -> bool:
    parts = module.split(".")
    return any(".".join(parts[:length]) in packages for length in range(1, len(parts) + 1))


def test_the_core_was_found() -> None:
    assert {"fold", "watches", "plan"} <= {path.stem for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_of_the_core_is_pure(path: Path) -> None:
    assert list(impurities(path.read_text(encoding="utf-8"))) == []


def _light(path: Path) -> bool:
    room = _name(path).rpartition(".")[0]
    return room in LIGHT or not room or _name(path) in LENT


@pytest.mark.parametrize("path", [path for path in MODULES if _light(path)], ids=_name)
def test_a_light_room_imports_only_light_rooms(path: Path) -> None:
    heavy = {"pydantic", "liquid", "babel"} | {
        f"holdfast.core.{_name(each)}" for each in MODULES if not _light(each) and each.stem != "__init__"
    }
    found = imports(path.read_text(encoding="utf-8"))
    assert {name for name in found if _within(name, heavy)} == set()


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import time as t",
        "from time import time",
        "import random",
        "import secrets",
        "from uuid import uuid4",
        "import os",
        "import os.path",
        "from os import environ",
        "import sys",
        "import pathlib",
        "import logging",
        "import importlib",
        "import boto3",
        "import holdfast.aws.clock",
        "from holdfast.aws.clock import now_ms",
        "from holdfast import aws",
        "from . import clock",
        "from ..aws import clock",
        "def inside():\n    import time",
        "datetime.now()",
        "datetime.datetime.now(UTC)",
        "from datetime import datetime as d\nd.now()",
        "datetime.utcnow()",
        "date.today()",
        "field(default_factory=datetime.now)",
        "from datetime import datetime as d\nfield(default_factory=d.now)",
        "import datetime\nclock = datetime.date.today",
        "datetime.fromtimestamp(1.0)",
        "moment.astimezone()",
        "open('x')",
        "path.open()",
        "path.read_text()",
        "print('x')",
        "list(map(print, 'x'))",
        "input()",
        "eval('1')",
        "exec('1')",
        "__import__('time')",
        "breakpoint()",
        "hash('x')",
        "id(x)",
    ],
)
def test_the_walk_catches(source: str) -> None:
    assert list(impurities(source))


@pytest.mark.parametrize(
    "source",
    [
        "from collections.abc import Mapping",
        "import jmespath\njmespath.compile('a')",
        "from holdfast.core.events import Event",
        "def fold(now): return now",
        "self.now = state.now",
        "decision.open",
        "datetime.fromtimestamp(1.0, UTC)",
        "event.id",
        "hashlib.sha256(b'')",
    ],
)
def test_the_walk_lets_pass(source: str) -> None:
    assert list(impurities(source)) == []


def test_no_room_imports_one_that_imports_it() -> None:
    """Not by way of others either: `graphlib` finds an order in which each room stands behind all that it imports."""
    rooms: dict[str, set[str]] = {}
    for path in MODULES:
        room = path.relative_to(CORE).parts[0]
        found = {
            name.removeprefix("holdfast.core.").split(".")[0] for name in imports(path.read_text(encoding="utf-8"))
        }
        known = {each for each in found if (CORE / each / "__init__.py").exists()}
        rooms.setdefault(room, set()).update(known - {room})
    order = [*TopologicalSorter(rooms).static_order()]  # raises CycleError
    assert {"plans", "fold", "explain"} <= {*order}
