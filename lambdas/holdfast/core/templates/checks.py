"""Mistakes in a template that python-liquid would find only when rendering, or never."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty, IntegerLiteral, Nil, RangeLiteral
from liquid.builtin.tags.case_tag import _AnyExpression

from holdfast.core.templates import locales
from holdfast.core.templates.bounds import MAX_TURNS, Context, Meter, Withheld, withholding
from holdfast.core.templates.errors import TemplateError, placed, suggest
from holdfast.core.templates.filters import FILTERS


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
