"""python-liquid, bounded: an environment in which a template can neither stall delivery nor fill its memory.

A message has a budget of work, the `Meter`. Whatever is looked up, filtered, looped over or written is paid for by its
size, and growth before it happens. python-liquid's own limits are set too, but they do not reach into filters.

What has no value is `Absent`: it passes through filters, is false in conditions, and withholds the message where it is
printed or looped over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TextIO

from liquid import BlockNode, Environment, Expression, Node, RenderContext, Tag, Token, TokenStream
from liquid.ast import ConditionalBlockNode
from liquid.builtin.expressions import FilteredExpression, LoopExpression, Path
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.case_tag import CaseNode, CaseTag, MultiExpressionBlockNode
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.if_tag import IfNode, IfTag
from liquid.builtin.tags.unless_tag import UnlessNode, UnlessTag
from liquid.token import TOKEN_CONTENT, TOKEN_EXPRESSION, TOKEN_ILLEGAL, TOKEN_OUTPUT, TOKEN_TAG

from holdfast.core.templates.bounds import (
    ITEM,
    MAX_OUTPUT,
    MAX_TURNS,
    MAX_WORK,
    TAGS,
    Absent,
    Withheld,
    bounded,
    text,
)
from holdfast.core.templates.comparing import compared_as_here, equal


class _OutputNode(OutputNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        if isinstance(value, Absent):
            return bounded(context).lack(value)
        printed = "" if value is None else text(value)
        match self.expression:
            case FilteredExpression(left=Path(path=path), filters=filters) if not printed.strip():
                own = len(path) == 1 and path[0] in context.locals
                if not own and not any(used.name == "default" for used in filters or ()):
                    return bounded(context).lack(Absent.at(list(path)))
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
        for name, bound in (("limit", self.expression.limit), ("offset", self.expression.offset)):
            given = bound.evaluate(context) if bound else None
            if isinstance(given, int) and given < 0:
                raise Withheld(f"failed: the {name} of a loop is {given}, and is never below 0")
        match self.expression.iterable.evaluate(context):
            case Absent() as absent:
                if self.default is None:
                    return bounded(context).lack(absent)
                return self.default.render(context, buffer)
            case range(start=start, stop=stop) if stop - start > MAX_TURNS:
                raise Withheld(f"limit: a loop of more than {MAX_TURNS:,} turns")
            case range() | list() | dict() | tuple() as items:
                turns = len(items)
            case _:
                turns = 1
        limit = self.expression.limit.evaluate(context) if self.expression.limit else turns
        turns = min(turns, limit) if isinstance(limit, int) else turns
        bounded(context).meter.spend(max(turns, 1) * self.turn)
        return super().render_to_output(context, buffer)


class _For(ForTag):
    node_class = _ForNode


class _When(MultiExpressionBlockNode):
    """Renders its block once. python-liquid renders it once for each equal value: nested, up to 500^16 times."""

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
            each.expression = compared_as_here(each.expression)
        super().__init__(token, compared_as_here(condition), consequence, alternatives, default)


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
            each.expression = compared_as_here(each.expression)
        super().__init__(token, compared_as_here(condition), consequence, alternatives, default)


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
