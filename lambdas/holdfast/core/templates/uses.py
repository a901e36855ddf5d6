"""The variables that a template names.

Only the properties of events that templates name are kept in state, so these must be known whatever way a template goes
about it: `Event.price`, `Events[0].price`, `{% for event in Events %}{{ event.price }}`, `Events | map: "price"`. Hence
the `_Reader`, which follows events through assigns, loops and filters; where it could not tell what is named, the
template is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum
from itertools import takewhile

from liquid import BoundTemplate, Expression, Node, RenderContext
from liquid.builtin.expressions import (
    BooleanExpression,
    Filter,
    FilteredExpression,
    LoopExpression,
    Path,
    StringLiteral,
)
from liquid.builtin.expressions.logical import (
    LogicalAndExpression,
    LogicalNotExpression,
    LogicalOrExpression,
)
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.for_tag import ForNode

from holdfast.core.templates.errors import TemplateError, placed, suggest
from holdfast.core.templates.objects import AS_THEY_ARE, CATALOG, EVENTS, NAMES, OBJECTS, RECOMMENDATIONS, ROWS


class _Shape(Enum):
    """An expression's value, as far as that matters for which properties are named."""

    VALUE = "anything else"
    EVENT = "an event"
    EVENTS = "a list of events"


_VALUE, _EVENT, _EVENTS = _Shape.VALUE, _Shape.EVENT, _Shape.EVENTS

_ON_EVENTS: Mapping[str, _Shape] = {
    "first": _EVENT,
    "last": _EVENT,
    "reverse": _EVENTS,
    "slice": _EVENTS,
    "size": _VALUE,
}
_ON_THEIR_PROPERTY: Mapping[str, _Shape] = {
    **dict.fromkeys(("find_index", "has", "map", "sum"), _VALUE),
    **dict.fromkeys(("compact", "reject", "sort", "sort_natural", "uniq", "where"), _EVENTS),
    "find": _EVENT,
}
"""Filters that read one property of each event, their first argument."""

_AS_A_LIST = 'take one, as in Events[0].price, loop, as in {% for event in Events %}, or Events | map: "price"'


def uses(liquid: BoundTemplate, source: str, catalogs: Collection[str] = ()) -> frozenset[tuple[str, ...]]:
    """The variables from outside the template, each of which must be one of ours. An item of Events is an Event."""
    reader = _Reader(source, RenderContext(liquid), catalogs)
    reader.read(liquid.nodes)
    return frozenset(reader.uses)


class _Reader:
    """Reads a template in the order in which it is written, and follows what its own variables stand for."""

    def __init__(self, source: str, scope: RenderContext, catalogs: Collection[str]) -> None:
        self.source = source
        self.catalogs = catalogs
        self.scope = scope
        self.uses: set[tuple[str, ...]] = set()
        self.own: dict[str, _Shape] = {}
        self.loops: list[dict[str, _Shape]] = []

    def read(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            match node:
                case AssignNode(name=name, expression=expression):
                    self.bind(node, name, self.shape(expression))
                case ForNode(expression=LoopExpression() as loop):
                    self.loop(node, loop)
                case _:
                    for expression in node.expressions():
                        self.value(expression)
                    self.read(node.children(self.scope, include_partials=False))
                    for name in node.template_scope():
                        self.bind(node, name, _VALUE)

    def bind(self, node: Node, name: str, shape: _Shape) -> None:
        """A variable keeps its shape, so that loops over it can be followed."""
        with placed(self.source, node.token.start_index):
            if name in NAMES:
                raise TemplateError(f"{name} is the name of an object; call the variable something else")
            if (before := self.own.setdefault(name, shape)) is not shape:
                raise TemplateError(f"{name} is {before.value} in one place and {shape.value} here; use two names")

    def loop(self, node: ForNode, loop: LoopExpression) -> None:
        with placed(self.source, node.token.start_index):
            if loop.identifier in NAMES:
                raise TemplateError(f"{loop.identifier} is the name of an object; call the variable something else")
        item = self.shape(loop.iterable)
        if item is _EVENT:
            self.value(loop.iterable)
        for bound in (loop.limit, loop.offset):
            if bound:
                self.value(bound)
        self.loops.append({loop.identifier: _EVENT if item is _EVENTS else _VALUE, "forloop": _VALUE})
        self.read([node.block])
        self.loops.pop()
        self.read([node.default] if node.default else [])

    def value(self, expression: Expression) -> None:
        """An event as a whole may not be printed, compared or filtered: all its properties would have to be kept."""
        if isinstance(expression, FilteredExpression) and not expression.filters:
            expression = expression.left
        shape = self.shape(expression)
        with placed(self.source, expression.token.start_index):
            match shape, expression:
                case _Shape.EVENT, Path():
                    raise TemplateError(_whole(str(expression)))
                case _Shape.EVENT, _:
                    raise TemplateError(
                        f"{expression} is a whole object; name a property of it:"
                        f" {{% assign event = {expression} %}}{{{{ event.price }}}}"
                    )
                case _Shape.EVENTS, _:
                    raise TemplateError(f"{expression} is a list of events; {_AS_A_LIST}")
                case _, Path(path=[str(root), str(name)]) if root in ROWS:
                    raise TemplateError(_whole_rows(root, name))

    def shape(self, expression: Expression) -> _Shape:
        match expression:
            case Path():
                return self.path(expression)
            case FilteredExpression(left=left, filters=filters):
                shape = self.shape(left)
                for used in filters or ():
                    shape = self.filtered(shape, used)
                return shape
            case BooleanExpression() | LogicalAndExpression() | LogicalOrExpression() | LogicalNotExpression():
                for child in expression.children():  # is it there?
                    self.shape(child)
            case _:
                for child in expression.children():
                    self.value(child)
        return _VALUE

    def filtered(self, shape: _Shape, used: Filter) -> _Shape:
        arguments = [argument.value for argument in used.args]
        with placed(self.source, used.token.start_index):
            match shape, arguments:
                case _Shape.EVENT, _:
                    raise TemplateError(f"{used.name} takes a whole event here; name a property, such as event.price")
                case _Shape.EVENTS, [StringLiteral(value=name), *_] if used.name in _ON_THEIR_PROPERTY:
                    self.uses |= {("Event", name), ("Event", name.partition(".")[0])}  # of an object inside, the object
                case _Shape.EVENTS, _ if used.name in _ON_THEIR_PROPERTY:
                    raise TemplateError(f'{used.name} takes a property in quotes, as in Events | {used.name}: "price"')
                case _Shape.EVENTS, _ if used.name not in _ON_EVENTS:
                    raise TemplateError(f"{used.name} takes whole events here; {_AS_A_LIST}")
        for argument in arguments:
            self.value(argument)
        return _VALUE if shape is _VALUE else {**_ON_EVENTS, **_ON_THEIR_PROPERTY}[used.name]

    def path(self, path: Path) -> _Shape:
        for segment in path.path:
            if isinstance(segment, Path):
                self.bracketed(path, segment)
                self.value(segment)
        root, *more = path.path
        with placed(self.source, path.token.start_index):
            for names in (*reversed(self.loops), self.own):
                if isinstance(root, str) and root in names:
                    return self.within(names[root], path, more)
            match root, more:
                case "Event", _:
                    return self.within(_EVENT, path, more)
                case "Events", _:
                    self.uses.add((EVENTS,))
                    return self.within(_EVENTS, path, more)
                case (str(), _) if root in ROWS:
                    self.rows(root, more)
                case (str(), _) if root in AS_THEY_ARE or (root in OBJECTS and isinstance(next(iter(more), None), str)):
                    self.uses.add((root, *_names(more)))
                case (str(), _) if root in OBJECTS:
                    raise TemplateError(_whole(root, OBJECTS[root]))
                case _:
                    raise TemplateError(_unknown(str(root)))
        return _VALUE

    def bracketed(self, path: Path, segment: Path) -> None:
        """`Event[price]`, which is the property that a variable called price names."""
        name = segment.path[0]
        known = any(name in names for names in (*self.loops, self.own)) or name in NAMES
        if len(segment.path) == 1 and not known:
            with placed(self.source, segment.token.start_index):
                raise TemplateError(f'a name in brackets stands in quotes: {path.path[0]}["{name}"]')

    def rows(self, root: str, more: list[str | int | Path]) -> None:
        match more:
            case [str(name), *_] if root == RECOMMENDATIONS or name in self.catalogs:
                self.uses.add((root, *_names(more)))
            case [str(name), *_]:
                raise TemplateError(_unknown_catalog(name, self.catalogs))
            case _:
                raise TemplateError(_whole_rows(root, "products" if root == CATALOG else "also-bought"))

    def within(self, shape: _Shape, path: Path, more: list[str | int | Path]) -> _Shape:
        """The value at the rest of a path."""
        match shape, more:
            case _, []:
                return shape
            case _Shape.EVENT, [str(), *_]:
                self.uses.add(("Event", *_names(more)))
            case _Shape.EVENT, _:
                raise TemplateError(_whole(str(path.path[0])))
            case _Shape.EVENTS, [int() | "first" | "last" | Path(), *rest]:
                return self.within(_EVENT, path, rest)
            case _Shape.EVENTS, [name, *_] if name != "size":
                raise TemplateError(f"{path.path[0]} is a list of events; {_AS_A_LIST}")
        return _VALUE


def _unknown(root: str) -> str:
    if root == "forloop":
        return "forloop is there inside {% for %} only"
    return f"unknown object {root}{suggest(root, NAMES)}"


def _names(path: Iterable[str | int | Path]) -> Iterator[str]:
    return map(str, takewhile(lambda segment: isinstance(segment, str), path))


def _whole_rows(root: str, name: str) -> str:
    column = ".Price" if root == CATALOG else "[0].Name"
    return f'{root} is by name, and then by column, as in {root}["{name}"]{column}'


def _unknown_catalog(name: str, known: Collection[str]) -> str:
    if not known:
        return f"catalog {name!r} is not mapped; under catalogs, say which row: {name}: {{Identity: product_id}}"
    return f"catalog {name!r} is not among the campaign's catalogs{suggest(name, known)}"


def _whole(name: str, example: str = "price") -> str:
    return f"{name} is a whole object; name a property of it, such as {name}.{example}"
