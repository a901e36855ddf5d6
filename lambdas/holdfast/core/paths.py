"""JMESPath on the properties of an event, and the values found there: how they match, and how they are shown."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

import jmespath
from jmespath.exceptions import JMESPathTypeError
from jmespath.visitor import TreeInterpreter

from holdfast.core.events import Json

Search: TypeAlias = Callable[[Mapping[str, Json]], Json]

_ONWARDS = frozenset({"subexpression", "index_expression", "projection", "filter_projection", "value_projection"})
"""Expressions that go on from what their first child finds."""
_ORDER = frozenset({"lt", "lte", "gt", "gte"})
_LONGEST = 40
"""Characters of a value that a message shows."""


class Unclear(ValueError):
    """An expression that cannot be computed, or a value that cannot be used: the message says why."""


MAX_PATH = 2000
"""Characters of a JMESPath expression."""
MAX_PATH_LEVELS = 100
"""How deep one may be nested: each level is some frames of Python's stack."""
MAX_SELECTS = 2
"""How many multi-selects (`[a, b]`, `{a: b}`) one may have, of `MAX_SELECTED` each: `[@, @][]` doubles what it is
given, and ten of them make a thousand of one."""
MAX_SELECTED = 20


def too_complex(path: str) -> str:
    """Why a JMESPath expression must not be evaluated; empty if it may be. Raises jmespath's errors."""
    if len(path) > MAX_PATH:
        return f"longer than {MAX_PATH} characters"
    try:
        level = [cast("dict[str, Any]", jmespath.compile(path).parsed)]
    except RecursionError:
        return "nested too deep"
    selects = 0
    for _ in range(MAX_PATH_LEVELS):
        if not level:
            return ""
        for node in level:
            if node["type"] in {"multi_select_list", "multi_select_dict"}:
                selects += 1
                if selects > MAX_SELECTS or len(node["children"]) > MAX_SELECTED:
                    return f"more than {MAX_SELECTS} multi-selects of {MAX_SELECTED} each"
        level = [child for node in level for child in node["children"] if isinstance(child, dict)]
    return f"nested deeper than {MAX_PATH_LEVELS} levels"


def search(path: str) -> Search:
    """A compiled JMESPath; it raises Unclear. A plain name, by far the most frequent, needs no interpreter.

    One that is too complex, which an older release has let pass, is clear of no event.
    """
    if reason := too_complex(path):
        return _never_clear(f"the expression is {reason}")
    parsed = _negated_whole(cast("dict[str, Any]", jmespath.compile(path).parsed))
    if parsed["type"] == "field":
        name = cast("str", parsed["value"])
        return lambda properties: properties.get(name)
    compute = _Strict().visit

    def find(properties: Mapping[str, Json]) -> Json:
        try:
            return cast("Json", compute(cast("Any", parsed), properties))
        except Unclear:
            raise
        except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as error:
            raise Unclear(_explained(parsed, properties, error)) from None

    return find


def search_for(path: str, fold: Callable[[str], str]) -> Callable[[Mapping[str, Json], Json], Json]:
    """A compiled JMESPath in which `$value` is a constant value, given with the properties; it raises Unclear.

    In a comparison the value is the same as any that it matches: a text is folded as the constant's texts are.
    """
    path = value_named(path)
    if reason := too_complex(path):
        never = _never_clear(f"the expression is {reason}")
        return lambda properties, _value: never(properties)
    parsed = _negated_whole(cast("dict[str, Any]", jmespath.compile(path).parsed))

    def find(properties: Mapping[str, Json], value: Json) -> Json:
        try:
            return cast("Json", _OfValue(value, fold).visit(cast("Any", parsed), properties))
        except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as error:
            raise Unclear(_explained(parsed, properties, error)) from None

    return find


def value_named(path: str) -> str:
    """The expression as JMESPath can read it, with a literal in the place of `$value`."""
    return re.sub(rf"(?<!'){re.escape(_VALUE)}\b", f"'{_VALUE}'", path)


_VALUE = "$value"


class _OfValue(TreeInterpreter):
    """Computes an expression for one constant value."""

    def __init__(self, value: Json, fold: Callable[[str], str]) -> None:
        super().__init__()
        self._value = value
        self._fold = fold

    def visit_literal(self, node: Any, value: Any) -> Any:  # noqa: ARG002
        return self._value if node["value"] == _VALUE else node["value"]

    def visit_comparator(self, node: Any, value: Any) -> Any:
        if node["value"] in {"eq", "ne"} and any(map(_of_value, node["children"])):
            left, right = (self._key(self.visit(child, value)) for child in node["children"])
            return (left == right) == (node["value"] == "eq")
        return super().visit_comparator(node, value)

    def _key(self, value: Json) -> Json:
        key = self._fold(value) if isinstance(value, str) else key_of(value)
        return value if key is None else key


def _of_value(node: Any) -> bool:
    """Whether an expression is `$value` or a part of it."""
    while node["type"] in {"index_expression", "subexpression"}:
        node = node["children"][0]
    return bool(node["type"] == "literal" and node["value"] == _VALUE)


def number_in(found: Json) -> float | None:
    """A number, a text that is one, or the sum of those in a list; None where there is none."""
    if isinstance(found, list):
        numbers = [number for each in found if (number := number_in(each)) is not None]
        return round(math.fsum(numbers), 4) if numbers else None
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        number = float(found)
    except (ValueError, OverflowError):
        return None
    return round(number, 4) if abs(number) < MAX_NUMBER else None


MAX_NUMBER = 1e12


def _never_clear(reason: str) -> Search:
    def find(_properties: Mapping[str, Json]) -> Json:
        raise Unclear(reason)

    return find


def _negated_whole(node: dict[str, Any]) -> dict[str, Any]:
    """The parsed expression with `!a.b` meaning "not a.b".

    The parser reads it as "b of (not a)", which is null for whatever there is: an opt-out would never be seen.
    """
    children = [_negated_whole(each) if isinstance(each, dict) else each for each in node["children"]]
    if node["type"] in _ONWARDS and children[0]["type"] == "not_expression":
        inner = node | {"children": [*children[0]["children"], *children[1:]]}
        return children[0] | {"children": [_negated_whole(inner)]}
    return node | {"children": children}


def truthy(value: Json) -> bool:
    """Truth as JMESPath defines it: 0 is true; false, null and empty values are not. `"false"` is false, too, because
    shops send flags as text.
    """
    return value is not None and value is not False and value not in ("", [], {}) and not _says_false(value)


def _says_false(value: Json) -> bool:
    return isinstance(value, str) and len(value) < _LONGEST and value.strip().casefold() == "false"


def text_in_the_way(path: str, properties: Mapping[str, Json]) -> str:
    """The part of a path that reads a list or an object, where it is text: `order.lines` of `order.lines[].sku`."""
    node: Any = jmespath.compile(path).parsed
    steps: list[Any] = []
    while node["children"] and node["type"] != "function_expression":
        node = node["children"][0]
        steps.append(node)
    for step in reversed(steps):
        found = TreeInterpreter().visit(step, properties)
        texts = found if isinstance(found, list) else [found]
        if texts and all(isinstance(each, str) and each.strip() for each in texts):
            return _written(step).removesuffix("[]") + "[]" * isinstance(found, list)
    return ""


# --- Values -----------------------------------------------------------------------------------------------------------


_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""The soft hyphen, white space without a width, and the mark at the beginning of files: nobody sees them anywhere."""


def folded(text: str) -> str:
    """Text as it matches: in Unicode's composed form (NFC), with white space of any kind trimmed and made one space,
    and without what cannot be seen.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    trimmed = " ".join(text.split())
    return text if trimmed == text else trimmed  # one text in memory, not two


def without_case(text: str) -> str:
    """Text as it matches where case does not matter."""
    return folded(text.casefold())


def key_of(value: Json) -> str | None:
    """A scalar as the text by which it matches: 123, "123" and 123.0 are one value. None if it is not a scalar."""
    match value:
        case str():
            return folded(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            return None


def shown(value: Json) -> Json:
    """A value as messages show it: a whole number as one, as spreadsheets write 12345678 as 12345678.0."""
    return int(value) if type(value) is float and value.is_integer() else value


# --- Why an expression cannot be computed -----------------------------------------------------------------------------


def _explained(parsed: Any, properties: Mapping[str, Json], error: Exception) -> str:
    """The property, its value and what to write instead: found by computing the expression once more, step by step."""
    try:
        _Careful().visit(parsed, properties)
    except Unclear as unclear:
        return str(unclear)
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError):
        pass
    return str(error) if isinstance(error, ValueError) else "it cannot be computed with these values"


class _Strict(TreeInterpreter):
    """Computes an expression. Where one side of `<` is a number and the other is something else, JMESPath gives null or
    stops at a Python error, and a purchase would pass for none. Only what is missing is null here. Nor is `"true"`
    another value than true, and `"false"` is false: a purchase would pass for none there, too, and who has opted out
    for somebody who has not.
    """

    def _is_false(self, value: Any) -> bool:
        return not truthy(value)

    def visit_not_expression(self, node: Any, value: Any) -> bool:
        return not truthy(self.visit(node["children"][0], value))

    def visit_comparator(self, node: Any, value: Any) -> Any:
        children = node["children"]
        left, right = (self.visit(child, value) for child in children)
        if node["value"] not in _ORDER:
            return _same(left, right) == (node["value"] == "eq")
        for child, found, other in ((children[0], left, right), (children[1], right, left)):
            if found is None:
                self._converted(child, value)
            elif _is_number(other) and not _is_number(found):
                raise Unclear(_not_a_number(_written(child), found, literal=child["type"] == "literal"))
        alike = (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str))
        return self.COMPARATOR_FUNC[node["value"]](left, right) if alike else None

    def _converted(self, child: Any, value: Any) -> None:
        """Null may be what `to_number` makes of something that is there."""
        if (child["type"], child.get("value")) == ("function_expression", "to_number"):
            (argument,) = child["children"]
            if (given := self.visit(argument, value)) is not None:
                raise Unclear(f"{_written(argument)} is {_called(given)}, and to_number() makes no number of it")


def _same(left: Any, right: Any) -> bool:
    """Equal as constant values are: a number or a boolean is the text that says it, as many shops send them so."""
    if isinstance(left, str) is not isinstance(right, str):
        text, other = (left, right) if isinstance(left, str) else (right, left)
        if isinstance(other, bool):
            return bool(text.strip().casefold() == ("true" if other else "false"))
        if isinstance(other, int | float):
            return _NUMBER.fullmatch(text.strip()) is not None and float(text) == other
    return bool(_equal(left, right))


_equal = TreeInterpreter.COMPARATOR_FUNC["eq"]
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
"""Not `007`, which is a code."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _not_a_number(name: str, found: Any, *, literal: bool) -> str:
    wrong = f"{name} is a text, not a number" if literal else f"{name} is {_called(found)}, not a number"
    try:
        float(found)
    except (TypeError, ValueError):
        return wrong
    if literal:
        return f"{wrong}: write `{found}`"
    return wrong if isinstance(found, bool) else f"{wrong}: write to_number({name})"


def _called(value: Any) -> str:
    return f"the text {_short(value)}" if isinstance(value, str) else _short(value)


class _Careful(_Strict):
    """Also says what is wrong with a function's argument. It computes arguments twice."""

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        arguments = [self.visit(child, value) for child in node["children"]]
        try:
            return super().visit_function_expression(node, value)
        except JMESPathTypeError as error:
            of = zip(node["children"], arguments, strict=True)
            name = next((_written(child) for child, given in of if given is error.current_value), "a value")
            wanted = " or ".join(error.expected_types)
            cure = f": where it may be missing, write {name} || `[]`" if error.current_value is None else ""
            given = _short(error.current_value)
            raise Unclear(f"{name} is {given}, and {node['value']}() takes {wanted}{cure}") from None


def _written(node: Any) -> str:
    """An expression as its owner wrote it, as far as it is simple."""
    children = [_written(child) for child in node["children"]]
    first, second = (*children, "", "")[:2]
    written: Mapping[str, str] = {
        "field": str(node.get("value")),
        "subexpression": ".".join(children),
        "index_expression": "".join(children),
        "index": f"[{node.get('value')}]",
        "current": "@",
        "literal": _literal(node.get("value")),
        "flatten": f"{first}[]",
        "projection": f"{first}.{second}" if second not in {"", "@"} else first,
        "function_expression": f"{node.get('value')}({', '.join(children)})",
    }
    return written.get(node["type"], "the value")


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
