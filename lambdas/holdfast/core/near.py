"""Hints for a path that finds nothing in an event. Imported only when a path finds nothing.

It names keys and kinds, never values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from holdfast.core.events import Json

_STEP: Final = re.compile(r"(?P<name>[A-Za-z_][\w]*)(?P<list>\[\]|\[\*\])?(?:\.|$)")
_MOST: Final = 300
"""Places that are looked at."""


def instead(path: str, properties: Mapping[str, Json]) -> str:
    """`; products is empty`, `; there is properties.product_id`; empty where nothing helps."""
    steps = list(_STEP.finditer(path))
    if "".join(step[0] for step in steps) != path:
        return ""
    found = _on_the_way(steps, properties) or _elsewhere(steps[-1]["name"], path, properties)
    return f"; {found}" if found else ""


def _on_the_way(steps: list[re.Match[str]], properties: Mapping[str, Json]) -> str:  # noqa: PLR0911 (one for each)
    """The first step of the path at which the event has something else."""
    value: Json = dict(properties)
    read = ""
    for step in steps:
        if not isinstance(value, dict) or step["name"] not in value:
            return ""
        value = value[step["name"]]
        read += ("." if read else "") + step["name"]
        called = "it" if step is steps[-1] and not step["list"] else read
        if value is None:
            return f"{called} is null"
        if isinstance(value, str) and not value.strip():
            return f"{called} is blank"
        if step["list"] and isinstance(value, dict):
            return f"{read} is an object, not a list"
        if step["list"] and isinstance(value, list):
            if not value:
                return f"{read} is empty"
            read += "[]"
            value = value[0]
        elif isinstance(value, list) and step is not steps[-1]:
            return f"{read} is a list: write {read}[]"
    return ""


def _elsewhere(name: str, path: str, properties: Mapping[str, Json]) -> str:
    """The place of a property of that name, or of a name that differs only in case and separators."""
    wanted = _plain(name)
    found = [place for place, key in _places(properties) if _plain(key) == wanted and place != path]
    return f"there is {min(found, key=len)}" if found else ""


def _places(properties: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    pending: list[tuple[str, Json]] = [("", dict(properties))]
    for _ in range(_MOST):
        if not pending:
            return
        read, value = pending.pop(0)
        if isinstance(value, list):
            pending += [(f"{read}[]", each) for each in value[:2] if isinstance(each, dict)]
            continue
        if isinstance(value, dict):
            for key, each in value.items():
                place = f"{read}.{key}" if read else key
                yield place, key
                if isinstance(each, dict | list):
                    pending.append((place, each))


def _plain(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum())
