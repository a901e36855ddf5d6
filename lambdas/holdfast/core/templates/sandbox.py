"""python-liquid, bounded: an environment in which a template can neither stall delivery nor fill its memory.

A message has a budget of work, the `Meter`. Whatever is looked up, filtered, looped over or written is paid for by its
size, and growth before it happens. python-liquid's own limits are set too, but they do not reach into filters.

What has no value is `Absent`: it passes through filters, is false in conditions, and withholds the message where it is
printed or looped over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TextIO, TypeAlias

from babel import Locale
from liquid import BlockNode, BoundTemplate, Environment, Expression, Node, RenderContext, Tag, Token, TokenStream
from liquid.ast import ConditionalBlockNode
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, LoopExpression, Path
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
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.case_tag import CaseNode, CaseTag, MultiExpressionBlockNode
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.if_tag import IfNode, IfTag
from liquid.builtin.tags.unless_tag import UnlessNode, UnlessTag
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.output import LimitedStringIO
from liquid.token import TOKEN_CONTENT, TOKEN_EXPRESSION, TOKEN_ILLEGAL, TOKEN_OUTPUT, TOKEN_TAG
from liquid.undefined import UNDEFINED, Undefined

from holdfast.core.templates import locales

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

TAGS: Final = {"assign", "break", "capture", "case", "comment", "continue", "for", "if", "raw", "unless", "abort", "#"}

MAX_WORK: Final = 1_000_000
"""The budget of a message: a unit for each character; `ITEM` for each item, use of a filter, and turn of a loop, which
costs the length of its body besides. A long newsletter takes tens of thousands; a million buys tenths of a second."""

ITEM: Final = 10
MAX_TURNS: Final = 10_000
MAX_OUTPUT: Final = 65_536
MAX_SEARCH: Final = 10_000
"""Lists and objects that are looked through for the one which a loop calls `item`."""

LOCALE_PROPERTIES: Final = ("locale", "language")
"""Properties of a profile that say how to write money, numbers, dates and plurals."""


SECRET: Final = "Secret"  # noqa: S105 (a name)
"""Where among a message's objects the stage's secret is: for `hmac_sha256`, and for no template to print."""

SIGNING: Final = "hmac_sha256"
"""The filter that needs it."""


class Withheld(Exception):
    """The message is not sent, and this is the reason. `key` is the value that could not be rendered."""

    def __init__(self, reason: str, key: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.key = key


class Missing(Withheld):
    """A variable has no value, and the template gives no default."""

    def __init__(self, name: str) -> None:
        super().__init__(f"missing: {name}")
        self.name = name


class Meter:
    """The work that a message has left."""

    def __init__(self, work: int = MAX_WORK) -> None:
        self.left = work

    def spend(self, work: int) -> None:
        self.left -= work
        if self.left < 0:
            raise Withheld("limit: too much work; use shorter loops, texts and lists")


class Absent(Undefined):
    """A variable without a value. python-liquid's conditions take it for nil."""

    __slots__ = ("path",)
    path: list[object]

    @classmethod
    def at(cls, path: list[object], root: object = None) -> Absent:
        """`root` is what the path's first name stood for, where the template gave the name."""
        absent = cls(dotted(path), obj=root)
        absent.path = path
        return absent

    def __int__(self) -> int:  # as the limit or offset of a loop, or the bound of its range
        raise Missing(self.name)


class Context(RenderContext):
    """Looks up variables, and has the meter that everything is paid from."""

    __slots__ = ("meter",)

    def __init__(self, template: BoundTemplate, values: Mapping[str, object], meter: Meter) -> None:
        super().__init__(template, globals=values)
        self.meter = meter

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:  # noqa: ARG002
        """Give the value at the path, or `Absent`. What a template itself sets to a blank is its own affair."""
        for segment in path:
            if isinstance(segment, Absent):
                return segment
        value = super().get(path, token=token, default=None)
        self.meter.spend(size(value, self.meter.left))
        own = len(path) == 1 and path[0] in self.locals
        if value is None or (isinstance(value, str) and not own and not value.strip()):
            return Absent.at(path, self.root(path))
        return value

    def get_item(self, obj: object, key: object) -> object:
        """An object has its properties and nothing else: `Event.size` is a property, not the number of them."""
        return obj[key] if isinstance(obj, Mapping) else super().get_item(obj, key)

    def assign(self, key: str, val: object) -> None:
        self.meter.spend(len(self.locals))  # all of which python-liquid measures
        super().assign(key, val)

    def get_buffer(self, buf: TextIO | None = None) -> Buffer:  # noqa: ARG002
        return Buffer(self.meter)

    def lack(self, absent: Absent) -> int:
        """Withhold the message, as nothing can be written."""
        raise self.lacking(absent)

    def lacking(self, absent: Absent) -> Withheld:
        """Why nothing can be written: the variable is missing; or there are not so many recommendations."""
        match absent.path:
            case ["Recommendations", name, *_] if self.resolve_path(absent.path[:3]) is None:
                return Withheld(f"no recommendation: {name}")
        return Missing(self.full_name(absent.path, absent.obj))

    def resolve_path(self, path: list[object]) -> object:
        return super().get(path, token=None, default=None)

    def step_in(self, absent: Absent, default: object) -> None:
        """A default stands in for what is absent: of interest to a preview."""

    def root(self, path: list[object]) -> object:
        """The value of the path's first name where the template gave it one, in a loop or an assign."""
        return None if path[0] in self.globals else self.resolve(str(path[0]), default=None)

    def full_name(self, path: list[object], root: object) -> str:
        """The path as seen from outside: what a loop calls `event.price` is `Events[1].price`."""
        return dotted([*(self.place(root) or path[:1]), *path[1:]])

    def place(self, root: object) -> list[object] | None:
        """Where in the objects this very list or object is."""
        if not isinstance(root, dict | list):
            return None
        return next((path for path, each in self.places() if each is root), None)

    def places(self) -> Iterable[tuple[list[object], object]]:
        return places(self.globals)

    def language(self) -> tuple[list[object], str] | None:
        """The source of the language, which is the profile or else the campaign, and the language."""
        for root, names in (("Profile", LOCALE_PROPERTIES), ("Campaign", LOCALE_PROPERTIES[:1])):
            found = self.globals.get(root)
            for name in names:
                tag = found.get(name) if isinstance(found, Mapping) else None
                if isinstance(tag, str) and tag.strip():
                    return [root, name], tag
        return None

    def locale(self) -> Locale:
        _, tag = self.language() or ("", "en")
        return locales.find(tag)

    @property
    def secret(self) -> str:
        """The stage's secret, which no template can name."""
        return str(self.globals.get(SECRET) or "")


class Buffer(LimitedStringIO):
    def __init__(self, meter: Meter) -> None:
        super().__init__(limit=MAX_OUTPUT, newline="")  # which writes line ends as they are
        self.meter = meter

    def write(self, text: str, /) -> int:
        self.meter.spend(len(text))
        return super().write(text)


@contextmanager
def withholding() -> Iterator[None]:
    """Make whatever a template fails with the reason why its message, and no other, is withheld."""
    try:
        yield
    except Withheld:
        raise
    except ResourceLimitError as error:
        raise Withheld(f"limit: {error.message}") from error
    except LiquidError as error:
        raise Withheld(f"failed: {error.message}"[:200]) from error
    except Exception as error:
        raise Withheld(f"failed: {type(error).__name__}: {error}"[:200]) from error


def dotted(path: Iterable[object]) -> str:
    """As the template would name it: Event.items[0].name, Catalog["products"].Price."""
    match list(path):
        case ["Catalog" | "Recommendations" as root, str(name), *more]:
            return f'{root}["{name}"]' + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in more)
        case path:
            pass
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path).removeprefix(".")


def places(objects: Mapping[str, object]) -> Iterator[tuple[list[object], object]]:
    """The lists and objects in these objects, each with its path; not all, if there are very many.

    Where there are several events, `Event` is `Events[0]`, which is what it is called then.
    """
    pending: list[tuple[list[object], object]] = [([], objects)]
    match objects:
        case {"Events": [_, _, *_] as events}:
            pending.append((["Events"], events))
        case {"Event": event}:
            pending.append((["Event"], event))
    for _ in range(MAX_SEARCH):
        if not pending:
            break
        path, value = pending.pop()
        yield path, value
        pairs = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        pending.extend(([*path, key], each) for key, each in pairs if isinstance(each, dict | list))


def size(value: object, most: int) -> int:
    """Characters, and items with what is in them; counted no further than `most`."""
    total, pending = 0, [value]
    while pending and total <= most:
        match pending.pop():
            case str(text):
                total += len(text)
            case list(items) | tuple(items):
                total += ITEM * len(items)
                pending.extend(items)
            case dict(items):
                total += ITEM * len(items)
                pending.extend(items.values())
            case _:
                total += 1
    return total


def text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float() if abs(value) < math.inf:  # JSON has neither infinity nor NaN
            return str(value)
        case list() | tuple():
            return ", ".join(map(text, value))
        case None:
            raise Withheld("failed: null in a list; the filter compact takes it out")
        case dict():
            raise Withheld("failed: an object is not text; name a property of it")
    raise Withheld(f"failed: no text: {value!r:.50}")


class _OutputNode(OutputNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        if isinstance(value, Absent):
            return _bounded(context).lack(value)
        printed = "" if value is None else text(value)
        match self.expression:
            case FilteredExpression(left=Path(path=path), filters=filters) if not printed.strip():
                own = len(path) == 1 and path[0] in context.locals
                if not own and not any(used.name == "default" for used in filters or ()):
                    return _bounded(context).lack(Absent.at(list(path)))
        return buffer.write(printed)


class _Output(Output):
    node_class = _OutputNode


class _ForNode(ForNode):
    """Pays for its turns beforehand, and does not loop over what is not there."""

    __slots__ = ("turn",)

    def __init__(
        self, token: Token, expression: LoopExpression, block: BlockNode, default: BlockNode | None = None
    ) -> None:
        super().__init__(token, expression, block, default)
        self.turn = ITEM + len(str(block))

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        match self.expression.iterable.evaluate(context):
            case Absent() as absent:
                if self.default is None:
                    return _bounded(context).lack(absent)
                return self.default.render(context, buffer)
            case range(start=start, stop=stop) if stop - start > MAX_TURNS:
                raise Withheld(f"limit: a loop of more than {MAX_TURNS:,} turns")
            case range() | list() | dict() | tuple() as items:
                turns = len(items)
            case _:
                turns = 1
        limit = self.expression.limit.evaluate(context) if self.expression.limit else turns
        turns = min(turns, limit) if isinstance(limit, int) else turns
        _bounded(context).meter.spend(max(turns, 1) * self.turn)
        return super().render_to_output(context, buffer)


class _For(ForTag):
    node_class = _ForNode


class _When(MultiExpressionBlockNode):
    """Renders its block once, where python-liquid does once for each value that is equal: nested, 500 to the 16th."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.left.evaluate(context)
        if any(equal(value, each.evaluate(context)) for each in self.expression.expressions):
            return self.block.render(context, buffer)
        return -1


class _CaseNode(CaseNode):
    __slots__ = ()

    def __init__(
        self, token: Token, expression: Expression, blocks: list[MultiExpressionBlockNode | BlockNode]
    ) -> None:
        once: list[MultiExpressionBlockNode | BlockNode] = [
            b if isinstance(b, BlockNode) else _When(b.token, b.block, b.expression) for b in blocks
        ]
        super().__init__(token, expression, once)


class _Case(CaseTag):
    node_class = _CaseNode


def equal(left: object, right: object) -> bool:
    """As everybody expects: blank, empty and '' are one, and equal to what is absent; '89.00' is 89."""
    left, right = (None if isinstance(each, Absent) else each for each in (left, right))
    if asks_for_blank(right):
        return _is_blank(left)
    if asks_for_blank(left):
        return _is_blank(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) != isinstance(right, str):
        left, right = _number_in(left, beside=right), _number_in(right, beside=left)
    return left == right


def asks_for_blank(value: object) -> bool:
    return isinstance(value, Blank | Empty) or (isinstance(value, str) and (not value or value.isspace()))


def _is_blank(value: object) -> bool:
    return value is None or value in ([], {}) or asks_for_blank(value)


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
                _bounded(context).meter.spend(len(whole))
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


def _ours(expression: Expression) -> Expression:
    """The expression with our comparisons in the place of python-liquid's."""
    match expression:
        case BooleanExpression():
            expression.expression = _ours(expression.expression)
        case LogicalNotExpression():
            expression.right = _ours(expression.right)
        case LogicalAndExpression() | LogicalOrExpression():
            expression.left, expression.right = _ours(expression.left), _ours(expression.right)
        case _ if ours := _COMPARISONS.get(type(expression)):
            return ours(expression.token, expression.left, expression.right)  # type: ignore[attr-defined, call-arg]
    return expression


class _IfNode(IfNode):
    __slots__ = ()

    def __init__(
        self,
        token: Token,
        condition: Expression,
        consequence: BlockNode,
        alternatives: list[ConditionalBlockNode],
        default: BlockNode | None,
    ) -> None:
        for each in alternatives:
            each.expression = _ours(each.expression)
        super().__init__(token, _ours(condition), consequence, alternatives, default)


class _If(IfTag):
    node_class = _IfNode


class _UnlessNode(UnlessNode):
    __slots__ = ()

    def __init__(
        self,
        token: Token,
        condition: Expression,
        consequence: BlockNode,
        alternatives: list[ConditionalBlockNode] | None = None,
        default: BlockNode | None = None,
    ) -> None:
        for each in alternatives or ():
            each.expression = _ours(each.expression)
        super().__init__(token, _ours(condition), consequence, alternatives, default)


class _Unless(UnlessTag):
    node_class = _UnlessNode


class _AbortNode(Node):
    __slots__ = ("reason",)

    def __init__(self, token: Token, reason: Expression | None) -> None:
        super().__init__(token)
        self.reason = reason

    def __str__(self) -> str:
        return f"{{% abort {self.reason or ''} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:  # noqa: ARG002
        reason = self.reason.evaluate(context) if self.reason else None
        known = reason is not None and not isinstance(reason, Absent)
        raise Withheld(f"aborted: {text(reason)}"[:200] if known else "aborted")

    def expressions(self) -> Iterable[Expression]:
        return [self.reason] if self.reason else []


class _Abort(Tag):
    """`{% abort "out of stock" %}`: this message is not sent."""

    block = False
    name = "abort"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.expect(TOKEN_TAG)
        if stream.peek.kind != TOKEN_EXPRESSION:
            return _AbortNode(token, None)
        stream.eat(TOKEN_TAG)
        return _AbortNode(token, FilteredExpression.parse(self.env, stream.into_inner(tag=token, eat=False)))


def _bounded(context: RenderContext) -> Context:
    assert isinstance(context, Context)  # noqa: S101 (the only one there is)
    return context


class Bounded(Environment):
    block_nesting_limit = 16
    context_depth_limit = 32
    loop_iteration_limit = MAX_TURNS
    local_namespace_limit = 8 * MAX_WORK
    output_stream_limit = MAX_OUTPUT

    def __init__(self, filters: Mapping[str, Callable[..., object]]) -> None:
        super().__init__(undefined=Absent)
        self.filters = dict(filters)

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for tag in (_Output, _For, _If, _Unless, _Case, _Abort):
            self.add_tag(tag)
        allowed = TAGS | {TOKEN_CONTENT, TOKEN_ILLEGAL, TOKEN_OUTPUT}
        self.tags = {name: tag for name, tag in self.tags.items() if name in allowed}
