"""Checks of a campaign's templates: mistakes, and the variables that they name.

Only the properties of events that templates name are kept in state, so these must be known whatever way a template goes
about it: `Event.price`, `Events[0].price`, `{% for event in Events %}{{ event.price }}`, `Events | map: "price"`. Hence
the `_Reader`, which follows events through assigns, loops and filters; where it could not tell what is named, the
template is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from itertools import takewhile
from typing import Final

from liquid import BoundTemplate, Expression, Node, RenderContext, Token
from liquid.builtin.expressions import (
    BooleanExpression,
    Filter,
    FilteredExpression,
    LoopExpression,
    Path,
    PositionalArgument,
    StringLiteral,
)
from liquid.builtin.expressions.logical import (
    EqExpression,
    LogicalAndExpression,
    LogicalNotExpression,
    LogicalOrExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty, IntegerLiteral, Nil, RangeLiteral
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.case_tag import _AnyExpression
from liquid.builtin.tags.for_tag import ForNode
from liquid.exceptions import LiquidError
from liquid.token import TOKEN_STRING, TOKEN_TAG

from holdfast.core.templates import locales
from holdfast.core.templates.bounds import MAX_TURNS, Context, Meter, Withheld, withholding
from holdfast.core.templates.filters import FILTERS

OBJECTS: Final = {"Profile": "first_name", "Event": "price", "Campaign": "name"}
"""The objects, of which a template names properties, each with an example for messages."""

EVENTS: Final = "Events"
"""The triggers of a summary, newest first."""

CONSTANT: Final = "ConstantEventProperty"
"""A property that a template names as it is: a scalar, or a list of them."""

TRIGGERED, DECIDED = "TriggeredAt", "DecidedAt"
"""When the trigger happened, and when it was decided to send: ISO 8601 in UTC. There is no other clock."""

AS_THEY_ARE: Final = (CONSTANT, TRIGGERED, DECIDED)

CATALOG: Final = "Catalog"
"""The rows of the catalogs that the campaign maps; in a summary, lists of them."""

RECOMMENDATIONS: Final = "Recommendations"
"""Lists of catalog rows, by recommendation."""

ROWS: Final = (CATALOG, RECOMMENDATIONS)

NAMES: Final = (*OBJECTS, EVENTS, *AS_THEY_ARE, *ROWS)


class TemplateError(ValueError):
    """A template that is refused when its campaign is validated: what is wrong, and what would be right."""

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(f"line {line}: {message}" if line and line > 1 else message)
        self.message = message
        self.line = line
        self.column = column
        self.key: str | None = None


@contextmanager
def placed(source: str, index: int) -> Iterator[None]:
    """Add the place of a refused part, unless it is known already."""
    try:
        yield
    except TemplateError as error:
        raise error if error.line else _at(error.message, source, index) from None


def _at(message: str, source: str, index: int) -> TemplateError:
    line_start = source.rfind("\n", 0, index) + 1
    return TemplateError(message, line=source.count("\n", 0, index) + 1, column=index - line_start + 1)


def refusal(error: LiquidError) -> TemplateError:
    message = str(error.message)
    if not error.token or error.token.start_index < 0:
        ended = "found end of expression" in message
        return TemplateError("nothing stands between some braces, or behind an 'in'" if ended else message)
    token, source, index = error.token, error.token.source, error.token.start_index
    before = source[max(0, index - 100) : index]
    from holdfast.core.templates.slips import slip  # noqa: PLC0415 (no cold start pays for it)

    if slipped := slip(markup_at(source, index)):
        return _at(slipped, source, index)
    if cure := next((cure for words, cure in _CURES.items() if words in message), None):
        return _at(cure, source, index)
    if used := re.search(r"\|\s*(\w+)\s*['\"]?$", before):
        argument = f"'{token.value}'" if token.kind == TOKEN_STRING else token.value
        return _at(f"a colon is missing: {used[1]}: {argument}", source, index)
    message += f", at {token.value!r}"
    if token.kind != TOKEN_TAG and token.value.isidentifier() and re.search(r"\w[ .]+$", before):
        message += '; a name with spaces, or one that Liquid keeps for itself, is written Event["product name"]'
    return _at(message, source, index)


_CURES: Mapping[str, str] = {
    "not operator": "Liquid has no 'not'; use {% unless … %}, or {% if … %}{% else %}…{% endif %} inside",
    "parentheses in logical": "conditions take no parentheses; put one {% if %} inside another",
    "ternary": "there is no if inside {{ }}; write {% if … %}…{% else %}…{% endif %}",
}
"""Cures by words of python-liquid's message."""


def markup_at(source: str, index: int) -> str:
    """The `{{ … }}` or `{% … %}` that a place is in; the line that it is in, where it is in none."""
    opened = max(source.rfind("{{", 0, index + 2), source.rfind("{%", 0, index + 2))
    while opened > 0 and source[opened - 1] == "{":
        opened -= 1
    closing = re.compile(r"\}\}+" if source[opened : opened + 2] == "{{" else r"%\}")
    closed = closing.search(source, opened + 2) if opened >= 0 else None
    if closed and closed.end() > index:
        return source[opened : closed.end()]
    start = source.rfind("\n", 0, index) + 1
    return source[start : source.find("\n", index) % (len(source) + 1)]


def advised(error: TemplateError, source: str) -> TemplateError:
    """The error, with what is written here where the template's author wrote another tool's language."""
    from holdfast.core.templates.elsewhere import advice  # noqa: PLC0415 (no cold start pays for it)

    lines = source.split("\n")
    line = (error.line or 1) - 1
    at = len("\n".join(lines[:line])) + bool(line) + (error.column or 1) - 1
    found = advice(markup_at(source, at)[:200], names="unknown object" in error.message)
    if not found or found in error.message:
        return error
    return TemplateError(f"{error.message}; {found}", line=error.line, column=error.column)


def suggest(name: str, known: Iterable[str]) -> str:
    folded = {each.casefold(): each for each in sorted(known)}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f"; did you mean {folded[close[0]]!r}?" if close else f"; there are {', '.join(folded.values())}"


# --- Which variables are named ----------------------------------------------------------------------------------------


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


# --- What is refused --------------------------------------------------------------------------------------------------


def check(liquid: BoundTemplate, source: str, *, strict: bool = True) -> None:
    """Refuse mistakes that python-liquid would find only when rendering, or never."""
    scope = Context(liquid, {}, Meter())
    for node in _nodes(liquid.nodes, scope):
        for expression in node.expressions():
            parts = list(_parts(expression))
            for part in parts:
                with placed(source, part.token.start_index):
                    _check_part(part, scope, strict=strict)
            computable = isinstance(expression, FilteredExpression | BooleanExpression)
            if computable and not any(isinstance(part, Path) for part in parts):
                with placed(source, expression.token.start_index):
                    _try(expression, scope)


def _nodes(nodes: Iterable[Node], scope: RenderContext) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _nodes(node.children(scope, include_partials=False), scope)


def _parts(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in expression.children():
        if isinstance(expression, LoopExpression) and isinstance(child, RangeLiteral):
            yield from (part for bound in child.children() for part in _parts(bound))  # the one place for a range
        elif not (isinstance(expression, _COMPARING) and isinstance(child, Blank | Empty)):  # the one place for these
            yield from _parts(child)


_COMPARING = (EqExpression, NeExpression, _AnyExpression)


def _check_part(part: Expression, scope: Context, *, strict: bool) -> None:
    match part:
        case Blank() | Empty():
            raise TemplateError("blank and empty are only compared, as in {% if Event.note == blank %}")
        case LoopExpression(iterable=RangeLiteral(start=IntegerLiteral(value=start), stop=IntegerLiteral(value=stop))):
            if stop - start >= MAX_TURNS:
                raise TemplateError(f"a loop of {stop - start + 1:,} turns; {MAX_TURNS:,} is the most")
        case RangeLiteral():
            raise TemplateError(f"a range is only looped over: {{% for i in {part} %}}")
        case FilteredExpression(filters=list(filters)):
            for used in filters:
                _check_filter(used, strict=strict)
                if strict:
                    _check_arguments(used, scope)


def _check_filter(used: Filter, *, strict: bool) -> None:
    known = FILTERS.get(used.name)
    if known is None:
        raise TemplateError(f"unknown filter {used.name!r}{suggest(used.name, FILTERS)}")
    positional = [argument.value for argument in used.args if isinstance(argument, PositionalArgument)]
    named = {argument.name: argument.value for argument in used.args if not isinstance(argument, PositionalArgument)}
    if named.keys() - known.by_name:  # a filter that takes them in any order could not tell what it will cost
        allowed = f"by name only {', '.join(sorted(known.by_name))}" if known.by_name else "no arguments by name"
        raise TemplateError(f"filter {used.name!r} takes {allowed}")
    try:
        known.signature.bind(None, *positional, **named)
    except TypeError as error:
        raise TemplateError(f"filter {used.name!r}: {error}") from None
    if any(isinstance(argument, Nil) for argument in (*positional, *named.values())):
        raise TemplateError(f"nil as an argument of {used.name} gives nothing, ever; {_NIL.get(used.name, _NO_NIL)}")
    tests = {**_TESTS, **_STRICT_TESTS} if strict else _TESTS
    for argument, test in zip(positional, tests.get(used.name, ()), strict=False):
        if isinstance(argument, StringLiteral):
            try:
                test(argument.value)
            except ValueError as error:
                raise TemplateError(str(error)) from None


def _check_arguments(used: Filter, scope: Context) -> None:
    """Refuse literal arguments with which the filter fails for every input."""
    arguments = [argument.value for argument in used.args]
    if not arguments or any(_parts_with_names(argument) for argument in arguments):
        return
    context = Context(scope.template, {}, Meter())
    named = re.compile("|".join(rf"(?<!\w){re.escape(str(each).strip(chr(39)))}(?!\w)" for each in arguments))
    reasons = []
    for sample in _SAMPLES:
        try:
            with withholding():
                FilteredExpression(used.token, _Sample(used.token, sample), [used]).evaluate(context)
        except Withheld as withheld:
            reason = withheld.reason.removeprefix("failed: ")
            reasons.append((named.search(reason) is None, f"{sample!r:.40}" in reason, reason))
        else:
            return
    raise TemplateError(f"{used.name} can only fail: {min(reasons, key=lambda each: each[:2])[2]}")


def _parts_with_names(argument: Expression) -> bool:
    return any(isinstance(part, Path) for part in _parts(argument))


class _Sample(Expression):
    """A value in the place of one that only a message will have."""

    __slots__ = ("value",)

    def __init__(self, token: Token, value: object) -> None:
        super().__init__(token)
        self.value = value

    def evaluate(self, context: RenderContext) -> object:  # noqa: ARG002
        return self.value

    async def evaluate_async(self, context: RenderContext) -> object:
        return self.evaluate(context)

    def children(self) -> list[Expression]:
        return []


_SAMPLES: Final = (7, "2026-11-23T10:00:00Z", "text", ["b", "a"], [{"name": "coat", "price": 89}])
"""One value of each kind that a filter may be given."""

_TESTS: Mapping[str, tuple[Callable[[str], object], ...]] = {
    "date": (locales.layout, locales.zone),
    "money": (locales.currency,),
    "time": (locales.time_length, locales.zone),
}
"""The checks of a filter's arguments, in their order, where they are written out."""

_STRICT_TESTS: Mapping[str, tuple[Callable[[str], object], ...]] = {"date": (locales.printing, locales.zone)}

_NO_NIL = "leave it out"
_NIL: Mapping[str, str] = {
    "default": "write default: '' where nothing should show",
    **dict.fromkeys(
        ("find", "find_index", "has", "where"), "what lacks a property is found by {{ … | reject: 'discount' }}"
    ),
    "reject": "what has a property is found by {{ … | where: 'discount' }}",
}


def _try(expression: Expression, scope: RenderContext) -> None:
    try:
        with withholding():
            expression.evaluate(scope)
    except Withheld as withheld:
        raise TemplateError(f"{expression} cannot be computed: {withheld.reason}") from None
