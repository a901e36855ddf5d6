"""Comparisons in templates: of numbers, texts and what is blank."""

from __future__ import annotations

from collections.abc import Mapping

from liquid import Expression, RenderContext
from liquid.builtin.expressions import BooleanExpression
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalNotExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty

from holdfast.core.templates.bounds import Absent, Withheld, bounded, text


def equal(left: object, right: object) -> bool:
    """Lenient equality: blank, empty and '' are equal, and equal to an absent value; '89.00' equals 89, 'true' equals
    true.
    """
    left, right = (None if isinstance(each, Absent) else each for each in (left, right))
    if asks_for_blank(right):
        return _is_blank(left)
    if asks_for_blank(left):
        return _is_blank(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return _boolean_in(left) is _boolean_in(right)
    if isinstance(left, str) != isinstance(right, str):
        left, right = _number_in(left, beside=right), _number_in(right, beside=left)
    return left == right


def asks_for_blank(value: object) -> bool:
    return isinstance(value, Blank | Empty) or (isinstance(value, str) and (not value or value.isspace()))


def _is_blank(value: object) -> bool:
    return value is None or value in ([], {}) or asks_for_blank(value)


def _boolean_in(value: object) -> object:
    """The boolean that a text is: shops send flags as text."""
    return {"true": True, "false": False}.get(value.strip().casefold(), value) if isinstance(value, str) else value


def _number_in(value: object, *, beside: object) -> object:
    """The number that a text is, where it stands beside one: shops send prices as text."""
    if isinstance(value, str) and isinstance(beside, int | float):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value


def less(left: object, right: object, *, or_equal: bool = False) -> bool:
    if left is None or right is None or isinstance(left, Absent) or isinstance(right, Absent):
        return False
    low, high = _number_in(left, beside=right), _number_in(right, beside=left)
    match low, high:
        case (str(), str()) | (int() | float(), int() | float()):
            return bool(low <= high if or_equal else low < high)  # type: ignore[operator]  # the kinds agree
    one, other = sorted((left, right), key=lambda each: isinstance(each, int | float))
    raise Withheld(f"failed: {one!r:.50} is compared with {other!r:.50}, and is not a number")


class _Equal(EqExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return equal(self.left.evaluate(context), self.right.evaluate(context))


class _Unequal(NeExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return not equal(self.left.evaluate(context), self.right.evaluate(context))


class _Less(LtExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return less(self.left.evaluate(context), self.right.evaluate(context))


class _AtMost(LeExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return less(self.left.evaluate(context), self.right.evaluate(context), or_equal=True)


class _More(GtExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return less(self.right.evaluate(context), self.left.evaluate(context))


class _AtLeast(GeExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return less(self.right.evaluate(context), self.left.evaluate(context), or_equal=True)


class _Contains(ContainsExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """A list contains what is equal to one of its items, a text what it has in it as text."""
        whole, part = self.left.evaluate(context), self.right.evaluate(context)
        match whole:
            case _ if part is None or isinstance(part, Absent):
                return False
            case str():
                return text(part) in whole
            case list() | tuple():
                bounded(context).meter.spend(len(whole))
                return any(equal(each, part) for each in whole)
            case dict():
                return part in whole
            case int() | float() if not isinstance(whole, bool):
                return text(part) in text(whole)
        return False


_COMPARISONS: Mapping[type[Expression], type[Expression]] = {
    EqExpression: _Equal,
    NeExpression: _Unequal,
    LtExpression: _Less,
    LeExpression: _AtMost,
    GtExpression: _More,
    GeExpression: _AtLeast,
    ContainsExpression: _Contains,
}


def compared_as_here(expression: Expression) -> Expression:
    """The expression with our comparisons in the place of python-liquid's."""
    match expression:
        case BooleanExpression():
            expression.expression = compared_as_here(expression.expression)
        case LogicalNotExpression():
            expression.right = compared_as_here(expression.right)
        case LogicalAndExpression() | LogicalOrExpression():
            expression.left, expression.right = compared_as_here(expression.left), compared_as_here(expression.right)
        case _ if ours := _COMPARISONS.get(type(expression)):
            return ours(expression.token, expression.left, expression.right)  # type: ignore[attr-defined, call-arg]
    return expression
