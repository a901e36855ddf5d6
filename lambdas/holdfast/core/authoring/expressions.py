"""One expression, read over the properties that an event was seen with: what it takes, and what it compares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from holdfast.core.authoring.basics import did_you_mean
from holdfast.core.intake.shapes import Shapes

At: TypeAlias = tuple[str, ...] | None
"""A place in an event: `()` is the event, `("Items", "[]", "price")` a property of each item of a list, which is as far
down as is observed. None is what is further down, or made by a function."""

_Node: TypeAlias = Mapping[str, Any]
"""A node of JMESPath's syntax tree: `type`, `children`, and for some a `value`."""

EVENT: At = ()
ITEM = "[]"
_ORDER = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


class Reading:
    """One expression read over one event: which properties it takes, and what it compares them with."""

    def __init__(self, event: Shapes) -> None:
        self.event = event
        self.messages: list[str] = []

    def walk(self, node: _Node, at: At) -> At:
        """The value of the expression when applied at a place."""
        return getattr(self, f"_{node['type']}", self._other)(node, at)

    def _field(self, node: _Node, at: At) -> At:
        if at is None or sum(part != ITEM for part in at) > 1:
            return None
        found = (*at, node["value"])
        if message := unseen(found, self.event):
            match node["value"]:
                case "null":  # such a property is always null, as is meant
                    pass
                case "true" | "false" as value:
                    self.messages.append(f"{value} is read as a property's name: the value is written `{value}`")
                case _:
                    self.messages.append(message)
            return None
        return found

    def _current(self, _: _Node, at: At) -> At:
        return at

    _identity = _current

    def _subexpression(self, node: _Node, at: At) -> At:
        for child in node["children"]:
            at = self.walk(child, at)
        return at

    _pipe = _subexpression

    def _index_expression(self, node: _Node, at: At) -> At:
        return _item(self.walk(node["children"][0], at))

    def _flatten(self, node: _Node, at: At) -> At:
        return self.walk(node["children"][0], at)

    def _projection(self, node: _Node, at: At) -> At:
        left, right = node["children"]
        return self.walk(right, _item(self.walk(left, at)))

    def _filter_projection(self, node: _Node, at: At) -> At:
        left, right, condition = node["children"]
        item = _item(self.walk(left, at))
        self.walk(condition, item)
        return self.walk(right, item)

    def _value_projection(self, node: _Node, at: At) -> None:
        self.walk(node["children"][0], at)

    def _function_expression(self, node: _Node, at: At) -> At:
        """Functions that sort or choose return an item or the list; the others return something new."""
        arguments = node["children"]
        given = [self.walk(each, at) for each in arguments if each["type"] != "expref"]
        of = given[0] if given else None
        for each in arguments:
            if each["type"] == "expref":
                self.walk(each["children"][0], _item(of))
        if node["value"] in {"sort_by", "reverse", "sort"}:
            return of
        return _item(of) if node["value"] in {"max_by", "min_by"} else None

    def _comparator(self, node: _Node, at: At) -> None:
        left, right = ((each, self.walk(each, at)) for each in node["children"])
        self._compare(node["value"], left, right)
        self._compare(node["value"], right, left)

    def _other(self, node: _Node, at: At) -> None:
        for child in node["children"]:
            self.walk(child, at)

    def _compare(self, operator: str, side: tuple[_Node, At], other: tuple[_Node, At]) -> None:
        at = side[1] or ()
        kinds = self.event.types(_text(at)) - {"null"}
        if not at or len(kinds) != 1:
            return
        (kind,) = kinds
        always = f"{_text(at)} was always {_a(kind)} in {self.event.name!r}"
        literal = other[0].get("value") if other[0]["type"] == "literal" else None
        if operator in _ORDER and kind != "number":
            what = (
                f": compare with to_number({at[-1]})"
                if kind == "string"
                else f", which {_ORDER[operator]} does not compare"
            )
            self.messages.append(always + what)
        elif operator not in _ORDER and literal is not None and (wanted := _kind(literal)) != kind:
            what = f": compare with to_number({at[-1]})" if (kind, wanted) == ("string", "number") else ""
            self.messages.append(f"{always}, never {_a(wanted)}{what}")


def _item(at: At) -> At:
    return at if not at or at[-1] == ITEM else (*at, ITEM)


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "object" else f"a {kind}"


def _kind(literal: object) -> str:
    match literal:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
    return "list" if isinstance(literal, list) else "object"


def unseen(at: At, event: Shapes) -> str:
    """A hint at a property that was never seen, or at the one that holds it; else nothing."""
    never = never_seen(at, event)
    return f"{never!r} was never seen in {event.name!r}{did_you_mean(never, sorted(event.paths))}" if never else ""


def never_seen(at: At, seen: Shapes) -> str:
    """The property that was never seen, or the one that holds it."""
    if not at or seen.full:
        return ""
    return next((_text(part) for part in (at[:1], at) if _text(part) not in seen.paths), "")


def _text(at: tuple[str, ...]) -> str:
    return ".".join(at).replace("." + ITEM, ITEM)


def quoted(node: _Node, path: str) -> Iterator[str]:
    """Text that was written between double quotes, where JMESPath has names of properties."""
    if node["type"] == "comparator":
        left, right = node["children"]
        name = right.get("value")
        if left["type"] == right["type"] == "field" and f'"{name}"' in path:
            yield f"{name} is read as a property's name: a text stands between single quotes, '{name}'"
        for side in node["children"]:
            if node["value"] in {"lt", "lte", "gt", "gte"} and side["type"] == "literal" and _a_number(side["value"]):
                yield f"'{side['value']}' is a text: a number stands between backticks, `{side['value']}`"
    for child in node["children"]:
        yield from quoted(child, path)


def _a_number(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) is not None
