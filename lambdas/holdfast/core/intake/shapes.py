"""The shapes of seen events: their names, and the names and types of their properties. Never a value.

By it `holdfast campaign validate` tells a misspelt name. A known event costs a container one look-up in a set. Only new
shapes are noted, within bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from holdfast.core.events import Event, Json, event_key

MAX_EVENTS = 500
MAX_SHAPES = 256
"""The most shapes of one event. An upstream that puts values into names is not followed any further."""
MAX_SIGNATURES = 2_000
"""How many a container keeps; then it begins anew, which costs time but no writes."""

Signature: TypeAlias = tuple[object, ...]

_TYPES: Mapping[type, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    list: "list",
    dict: "object",
    type(None): "null",
}


class Shapes(NamedTuple):
    """An event's name as it was first written, and its shapes: `number price`, `string Items[].prod_name`."""

    name: str
    shapes: frozenset[str] = frozenset()

    def types(self, path: str) -> set[str]:
        """The types that the property at a path has had; none where it was never seen."""
        return {kind for kind, _, where in (shape.partition(" ") for shape in self.shapes) if where == path}

    @property
    def paths(self) -> set[str]:
        return {shape.partition(" ")[2] for shape in self.shapes}

    @property
    def full(self) -> bool:
        """More may have come that was not noted."""
        return len(self.shapes) >= MAX_SHAPES


class Observed:
    """Shapes that one container has seen. `news` (by event key) may be new to the table: they stay until `noted`."""

    def __init__(self) -> None:
        self.news: dict[str, Shapes] = {}
        self.dropped = 0
        self._seen: dict[str, Shapes] = {}
        self._known: set[Signature] = set()

    def see(self, event: Event) -> None:
        signature = _signature(event)
        if signature in self._known:
            return
        if len(self._known) >= MAX_SIGNATURES:
            self._known.clear()
        self._known.add(signature)
        self._add(event_key(event.name), Shapes(event.name, frozenset(property_shapes(event.properties))))

    def learn(self, table: Mapping[str, Shapes]) -> None:
        """Add the table's shapes, and keep only the news that the table does not have."""
        news, self.news = self.news, {}
        self._seen |= table
        for key, seen in news.items():
            self._add(key, seen)

    def noted(self, key: str) -> None:
        """The table has the news about this event."""
        name, shapes = self.news.pop(key)
        before = self._seen.get(key, Shapes(name))
        self._seen[key] = Shapes(before.name, before.shapes | shapes)

    def _add(self, key: str, seen: Shapes) -> None:
        if key not in self._seen and key not in self.news and len(self._seen.keys() | self.news) >= MAX_EVENTS:
            self.dropped += 1
            return
        waiting = self.news.get(key, Shapes(seen.name)).shapes
        known = self._seen[key].shapes | waiting if key in self._seen else waiting
        new = sorted(seen.shapes - known)
        room = max(0, MAX_SHAPES - len(known))
        self.dropped += len(new) > room
        if new[:room] or key not in self._seen:
            self.news[key] = Shapes(seen.name, waiting.union(new[:room]))


def _signature(event: Event) -> Signature:
    """Names and types, also inside of objects and of each list's first item: what is seldom first comes first once."""
    properties = event.properties
    kinds = tuple(map(type, properties.values()))
    signature = (event.name, *properties, *kinds)
    return (*signature, *_inside(properties)) if dict in kinds or list in kinds else signature


def _inside(properties: Mapping[str, Any]) -> Iterator[Signature]:
    for value in properties.values():
        first = value[0] if type(value) is list and value else value
        if type(first) is dict:
            yield (*first, *map(type, first.values()))
        elif first is not value:
            yield (type(first),)


def property_shapes(properties: Mapping[str, Json]) -> Iterator[str]:
    """The type and path of each property, and of those one level further down, in objects and in lists of them."""
    return (f"{_TYPES[type(value)]} {path}" for path, value in paths(properties))


def paths(properties: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """The path and value of each of those."""
    for name, value in properties.items():
        yield name, value
        for item in value if isinstance(value, list) else [value] if isinstance(value, dict) else []:
            within = f"{name}[]" if isinstance(value, list) else name
            if isinstance(item, dict):
                for inner, each in item.items():
                    yield f"{within}.{inner}", each
            else:
                yield within, item
