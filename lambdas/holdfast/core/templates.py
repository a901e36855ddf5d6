"""Liquid templates: what a campaign's `send.values` say, compiled once and rendered for each message.

The rules, all of which live in this file:

* **Never a blank.** What is undefined, null or a blank text is *absent*. Absence passes through filters, is false in
  conditions, and is caught by `default` or by the `else` of a loop; printed, it withholds the message with the reason
  `missing: Event.price`. False, 0 and an empty list are values, though an empty list prints nothing: missing.
* **Refuse early.** What can be known to be wrong without a user is refused when the campaign is validated: unknown
  names, whole objects, and every expression without variables that fails when it is tried.
* **Bounded.** A message has a budget of work. Whatever is looked up, filtered, looped over or written is paid for by
  its size, and growth before it happens: no template can stall delivery or fill its memory. python-liquid's own limits
  are set too, but they do not reach into filters.
* **Pure.** The same context gives the same text. Nothing here reads a clock: `date` takes epoch numbers and ISO 8601,
  and refuses `now`.
* **Plain text.** The payload is JSON, so nothing is escaped; for HTML there is the filter `escape`. Numbers and
  booleans print as they do in JSON, lists with a comma and a space between their items.

The `@` forms are a shorthand in text, translated to Liquid before it is parsed:

    @Profile - first_name                             {{ Profile["first_name"] }}
    @added to cart - price | default: "a good price"  {{ Event["price"] | default: "a good price" }}
    @ConstantEventProperty                            {{ ConstantEventProperty }}

An event's name is matched without regard to case and spaces. A property is one word; a name with spaces is quoted, or
ends at `| default:`, or is all the rest where the form is the whole value. `default`, with a quoted text or a number,
is the one filter that a form takes. An `@` inside a word (ann@example.com) is text, and so is one before anything else
than a known name or `some name - property`.
"""

from __future__ import annotations

import difflib
import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias

from liquid import BlockNode, BoundTemplate, Environment, Expression, Node, RenderContext, Tag, Token, TokenStream
from liquid.builtin.expressions import (
    BooleanExpression,
    Filter,
    FilteredExpression,
    LoopExpression,
    Path,
    PositionalArgument,
    StringLiteral,
)
from liquid.builtin.expressions.logical import EqExpression, NeExpression
from liquid.builtin.expressions.primitive import Blank, Empty, IntegerLiteral, RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.case_tag import CaseNode, CaseTag, MultiExpressionBlockNode
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.output import LimitedStringIO
from liquid.token import TOKEN_CONTENT, TOKEN_EXPRESSION, TOKEN_ILLEGAL, TOKEN_OUTPUT, TOKEN_TAG
from liquid.undefined import UNDEFINED, Undefined

if TYPE_CHECKING:
    from liquid.static_analysis import Segments

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

OBJECTS: Final = {"Profile": "first_name", "Event": "price", "Campaign": "name"}
"""The objects, of which a template names properties, each with an example for messages."""

CONSTANT: Final = "ConstantEventProperty"
"""What a template names as it is: a scalar, or a list of them."""

TAGS: Final = {"assign", "break", "capture", "case", "comment", "continue", "for", "if", "raw", "unless", "abort", "#"}
INNER_TAGS: Final = {"else", "elsif", "when", *(f"end{tag}" for tag in ("case", "capture", "for", "if", "unless"))}

MAX_SOURCE: Final = 50_000
"""Characters of a template."""

MAX_MARKUP: Final = 1_000
"""Characters of one `{{ }}` or `{% %}`, within which python-liquid's lexer can take quadratic time."""

MAX_WORK: Final = 1_000_000
"""What a message may cost: a unit for each character; `ITEM` for each item, use of a filter, and turn of a loop, which
costs the length of its body besides. A long newsletter takes tens of thousands; a million buys tenths of a second."""

ITEM: Final = 10
MAX_TURNS: Final = 10_000
MAX_OUTPUT: Final = 65_536
MAX_NUMBER: Final = 2**63
MILLISECONDS_FROM: Final = 10**11
"""A number from here on is a time in milliseconds: as seconds it would be the year 5138."""


class TemplateError(ValueError):
    """A template that is refused when its campaign is validated: what is wrong, and what would be right."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(f"line {line}: {message}" if line and line > 1 else message)
        self.line = line
        self.key: str | None = None


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


@dataclass(frozen=True, slots=True)
class Template:
    """The template of one value. Rendering parses nothing and changes nothing: threads may share it."""

    source: str
    uses: frozenset[tuple[str, ...]]
    """The variables, as far as their names are written out: ("Event", "price")."""
    _liquid: BoundTemplate = field(repr=False, compare=False)

    @classmethod
    def compile(cls, source: str, *, events: Iterable[str] = ()) -> Template:
        """Raise TemplateError, or give a template of which the worst that can come is Withheld."""
        if not source.strip():
            raise TemplateError("is blank; write a text, or leave the key out")
        if len(source) > MAX_SOURCE:
            raise TemplateError(f"is {len(source):,} characters long; {MAX_SOURCE:,} is the most")
        text = _to_liquid(source, events)
        try:
            liquid = _ENVIRONMENT.from_string(text)
            uses = _uses(liquid, text)
            _check(liquid, text)
        except LiquidError as error:
            raise _refusal(error) from error
        except RecursionError as error:
            raise TemplateError("is nested too deeply; take it apart with {% assign %}") from error
        return cls(source, uses, liquid)

    def render(self, context: Mapping[str, Json], meter: Meter | None = None) -> str:
        """Raise Withheld, or give the text."""
        scope = _Context(self._liquid, context, meter or Meter())
        buffer = scope.get_buffer()
        with _withholding():
            self._liquid.render_with_context(scope, buffer)
        return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Values:
    """All the values of a message."""

    templates: Mapping[str, Template]

    @property
    def event_properties(self) -> frozenset[str]:
        """The trigger's properties that the templates name: all of the event that need be kept."""
        paths = [path for template in self.templates.values() for path in template.uses]
        return frozenset(path[1] for path in paths if path[0] == "Event")

    def render(self, context: Mapping[str, Json]) -> dict[str, str]:
        """Give all of them, or raise Withheld."""
        meter = Meter()
        values = {}
        for key, template in self.templates.items():
            try:
                values[key] = template.render(context, meter)
            except Withheld as withheld:
                withheld.key = key
                raise
            if not values[key].strip():
                raise Withheld(f"blank: {key}", key)
        return values


def compile_values(values: Mapping[str, str], *, events: Iterable[str] = ()) -> Values:
    """`events` are the campaign's triggers, by which `@` forms name the properties of `Event`."""
    names = tuple(events)
    templates = {}
    for key, source in values.items():
        try:
            templates[key] = Template.compile(source, events=names)
        except TemplateError as error:
            error.key = key
            raise
    return Values(templates)


# --- From text with @ forms to Liquid ---------------------------------------------------------------------------------

_PIECE = r"""
    (?P<raw>     \{%-?\s*raw\s*-?%\} .*? \{%-?\s*endraw\s*-?%\} )
  | (?P<comment> (?P<opening>\{%-?\s*comment\s*-?%\}) .*? (?P<closing>\{%-?\s*endcomment\s*-?%\}) )
  | (?P<markup>  \{\{.*?\}\} | \{%-?\s*(?P<tag>\#|\w*).*?%\} )
  | (?P<open>    \{\{ | \{% )
  | (?P<form>    (?<!\w)@
        (?: ConstantEventProperty(?!\w)
          | (?P<name>(?i:KNOWN))(?!\w)
            (?: [ ]*-[ ]* (?: (?P<quoted>"[^"{}\n]+"|'[^'{}\n]+') | (?P<words>\w++(?:[ ]\w++){0,9}+) ) )? )
        (?P<tail> [ ]*\|[ ]*(?P<filter>\w+)(?P<colon>[ ]*:)?
            (?:[ ]*(?P<argument>"[^"{}\n]*"|'[^'{}\n]*'|-?\d+(?:\.\d+)?|true|false))? )? )
  | (?P<unknown> (?<!\w)@(?P<nobody>\w[^@{}|\n]{0,60}?)[ ]+-[ ]+["'\w] )
"""

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def _to_liquid(source: str, events: Iterable[str]) -> str:
    """Translate the @ forms, and refuse what the lexer should not see. Lines stay where they are."""
    known = {_squash(name): (name, "Event") for name in events} | {_squash(name): (name, name) for name in OBJECTS}
    names = "|".join("[ ]*".join(map(re.escape, name)) for name in sorted(known, key=len, reverse=True))
    piece = _PIECE.replace("KNOWN", names.replace("s[ ]*s", "(?:s[ ]*s|ß)"))  # one letter whose folded form has two

    def translate(match: re.Match[str]) -> str:
        with _placed(source, match.start()):
            match match.lastgroup:
                case "raw":
                    return match[0]
                case "comment":  # emptied, as the lexer would read even this
                    return match["opening"] + "\n" * match[0].count("\n") + match["closing"]
                case "form":
                    return _form(match, known)
                case "unknown":
                    suggestion = _suggest(match["nobody"], [name for name, _ in known.values()])
                    raise TemplateError(f"unknown event @{match['nobody']}{suggestion}")
                case kind:
                    return _markup(match[0], match["tag"], closed=kind == "markup")

    return re.sub(piece, translate, source, flags=re.DOTALL | re.VERBOSE)


def _squash(name: str) -> str:
    return "".join(name.split()).casefold()


def _markup(text: str, tag: str | None, *, closed: bool) -> str:
    if len(text) > MAX_MARKUP:
        raise TemplateError(f"{text[:20]}… is {len(text):,} characters long; {MAX_MARKUP:,} is the most between braces")
    if not closed or tag in {"raw", "comment"}:
        raise TemplateError(f"{text} is never closed")
    if "@" in _QUOTED.sub("", text):
        raise TemplateError(f"{text}: an @ form stands in the text, without braces")
    if tag is not None and tag not in TAGS | INNER_TAGS:
        raise TemplateError(f"unknown tag {tag!r}{_suggest(tag, TAGS | INNER_TAGS)}")
    return text


def _form(match: re.Match[str], known: Mapping[str, tuple[str, str]]) -> str:
    default, rest = "", match["tail"] or ""
    if match["filter"] == "default":
        if not match["argument"]:
            raise TemplateError('the default of an @ form is a quoted text or a number: | default: "friend"')
        default, rest = f" | default: {match['argument']}", ""
    elif match["filter"] in _FILTERS or match["colon"]:
        raise TemplateError(f"an @ form takes only the filter default, not {match['filter']!r}; {{{{ … }}}} takes all")
    if not match["name"]:
        return f"{{{{ {CONSTANT}{default} }}}}{rest}"
    name, root = known[_squash(match["name"])]
    if match["quoted"]:
        return f"{{{{ {root}[{match['quoted']}]{default} }}}}{rest}"
    if not match["words"]:
        example = f"@{name} - {OBJECTS[root]}"
        raise TemplateError(f'@{name} names no property, such as {example}; as mere text it is {{{{ "@" }}}}{name}')
    words = match["words"]
    if not default and match[0] != match.string.strip():
        words, space, more = words.partition(" ")
        rest = space + more + rest
    return f'{{{{ {root}["{words}"]{default} }}}}{rest}'


# --- What is refused --------------------------------------------------------------------------------------------------


def _uses(liquid: BoundTemplate, text: str) -> frozenset[tuple[str, ...]]:
    """The variables from outside the template, each of which must be one of ours."""
    uses = set()
    for variables in liquid.analyze(include_partials=False).globals.values():
        for variable in variables:
            with _placed(text, variable.span.index):
                uses.add(_path(variable.segments))
    return frozenset(uses)


def _path(segments: Segments) -> tuple[str, ...]:
    match segments:
        case [str(root), *more] if root == CONSTANT or (root in OBJECTS and more and isinstance(more[0], str)):
            return tuple(str(name) for name in takewhile(lambda segment: isinstance(segment, str), segments))
        case [str(root), *_] if root in OBJECTS:
            raise TemplateError(f"{root} is a whole object; name a property of it, such as {root}.{OBJECTS[root]}")
        case _:
            root = str(segments[0])
            raise TemplateError(f"unknown object {root}{_suggest(root, [*OBJECTS, CONSTANT])}")


def _check(liquid: BoundTemplate, text: str) -> None:
    """Refuse what python-liquid would find out only when rendering, or not at all."""
    scope = _Context(liquid, {}, Meter())
    for node in _nodes(liquid.nodes, scope):
        with _placed(text, node.token.start_index):
            for name in (*node.template_scope(), *node.block_scope()):
                if name in {*OBJECTS, CONSTANT}:
                    raise TemplateError(f"{name} is the name of an object; call the variable something else")
        for expression in node.expressions():
            parts = list(_parts(expression))
            for part in parts:
                with _placed(text, part.token.start_index):
                    _check_part(part)
            computable = isinstance(expression, FilteredExpression | BooleanExpression)
            if computable and not any(isinstance(part, Path) for part in parts):
                with _placed(text, expression.token.start_index):
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
        else:
            yield from _parts(child)


_COMPARED_TO_BLANK = (
    "nothing is compared to blank: what is undefined, null or blank is simply false, as in {% if Event.note %};"
    " an empty list has a size, as in {% if Event.items.size == 0 %}"
)


def _check_part(part: Expression) -> None:
    match part:
        case (
            EqExpression(right=StringLiteral(value=""))
            | NeExpression(right=StringLiteral(value=""))
            | Blank()
            | Empty()
        ):
            raise TemplateError(_COMPARED_TO_BLANK)
        case LoopExpression(iterable=RangeLiteral(start=IntegerLiteral(value=start), stop=IntegerLiteral(value=stop))):
            if stop - start >= MAX_TURNS:
                raise TemplateError(f"a loop of {stop - start + 1:,} turns; {MAX_TURNS:,} is the most")
        case RangeLiteral():
            raise TemplateError(f"a range is only looped over: {{% for i in {part} %}}")
        case FilteredExpression(filters=list(filters)):
            for used in filters:
                _check_filter(used)


def _check_filter(used: Filter) -> None:
    known = _FILTERS.get(used.name)
    if known is None:
        raise TemplateError(f"unknown filter {used.name!r}{_suggest(used.name, _FILTERS)}")
    positional = [argument.value for argument in used.args if isinstance(argument, PositionalArgument)]
    named = {argument.name: argument.value for argument in used.args if not isinstance(argument, PositionalArgument)}
    if named.keys() - {"allow_false"}:  # a filter that takes them in any order could not tell what it will cost
        raise TemplateError(f"filter {used.name!r} takes no arguments by name")
    try:
        known.signature.bind(None, *positional, **named)
    except TypeError as error:
        raise TemplateError(f"filter {used.name!r}: {error}") from None
    match used.name, *positional:
        case "date", StringLiteral(value=layout) if not _LAYOUT.fullmatch(layout):
            raise TemplateError(_BAD_LAYOUT)


def _try(expression: Expression, scope: RenderContext) -> None:
    try:
        with _withholding():
            expression.evaluate(scope)
    except Withheld as withheld:
        raise TemplateError(f"{expression} cannot be computed: {withheld.reason}") from None


def _refusal(error: LiquidError) -> TemplateError:
    message, line = str(error.message), None
    if error.token and error.token.start_index >= 0:
        line = _line(error.token.source, error.token.start_index)
        message += f", at {error.token.value!r}"
        if error.token.kind != TOKEN_TAG and error.token.value.isidentifier():
            message += '; a name with spaces, or one that Liquid keeps for itself, is written Event["product name"]'
    return TemplateError(message, line=line)


@contextmanager
def _placed(text: str, index: int) -> Iterator[None]:
    try:
        yield
    except TemplateError as error:
        raise TemplateError(str(error), line=_line(text, index)) from None


def _line(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def _suggest(name: str, known: Iterable[str]) -> str:
    folded = {each.casefold(): each for each in sorted(known)}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f"; did you mean {folded[close[0]]!r}?" if close else f"; there are {', '.join(folded.values())}"


# --- What happens when rendering --------------------------------------------------------------------------------------


class _Absent(Undefined):
    """A variable without a value, under its full name. python-liquid's conditions take it for nil."""

    def __int__(self) -> int:  # as the limit or offset of a loop, or the bound of its range
        raise Missing(self.name)


class _Context(RenderContext):
    """Looks up variables, and has the meter that everything is paid from."""

    __slots__ = ("meter",)

    def __init__(self, template: BoundTemplate, values: Mapping[str, object], meter: Meter) -> None:
        super().__init__(template, globals=values)
        self.meter = meter

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:  # noqa: ARG002
        """Give the value at the path, or `_Absent`. What a template itself sets to a blank is its own affair."""
        for segment in path:
            if isinstance(segment, _Absent):
                return segment
        value = super().get(path, token=token, default=None)
        self.meter.spend(_size(value, self.meter.left))
        own = len(path) == 1 and path[0] in self.locals
        if value is None or (isinstance(value, str) and not own and not value.strip()):
            return _Absent(_dotted(path))
        return value

    def get_item(self, obj: object, key: object) -> object:
        """An object has its properties and nothing else: `Event.size` is a property, not the number of them."""
        return obj[key] if isinstance(obj, Mapping) else super().get_item(obj, key)

    def assign(self, key: str, val: object) -> None:
        self.meter.spend(len(self.locals))  # all of which python-liquid measures
        super().assign(key, val)

    def get_buffer(self, buf: TextIO | None = None) -> _Buffer:  # noqa: ARG002
        return _Buffer(self.meter)


def _meter(context: RenderContext) -> Meter:
    assert isinstance(context, _Context)  # noqa: S101 (the only one there is)
    return context.meter


class _Buffer(LimitedStringIO):
    def __init__(self, meter: Meter) -> None:
        super().__init__(limit=MAX_OUTPUT, newline="")  # which writes line ends as they are
        self.meter = meter

    def write(self, text: str, /) -> int:
        self.meter.spend(len(text))
        return super().write(text)


@contextmanager
def _withholding() -> Iterator[None]:
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


def _dotted(path: Iterable[object]) -> str:
    return ".".join(map(str, path))


def _size(value: object, most: int) -> int:
    """Characters, and items with what is in them; counted no further than `most`."""
    size, pending = 0, [value]
    while pending and size <= most:
        match pending.pop():
            case str(text):
                size += len(text)
            case list(items) | tuple(items):
                size += ITEM * len(items)
                pending.extend(items)
            case dict(items):
                size += ITEM * len(items)
                pending.extend(items.values())
            case _:
                size += 1
    return size


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float() if abs(value) < math.inf:  # JSON has neither infinity nor NaN
            return str(value)
        case list() | tuple():
            return ", ".join(map(_text, value))
        case None:
            raise Withheld("failed: null in a list; the filter compact takes it out")
        case dict():
            raise Withheld("failed: an object is no text; name a property of it")
    raise Withheld(f"failed: no text: {value!r:.50}")


def _number(value: object) -> int | float:
    match value:
        case bool():
            pass
        case int() | float():
            return value
        case str():
            for kind in (int, float):
                try:
                    return kind(value)
                except ValueError:
                    continue
    raise Withheld(f"failed: no number: {value!r:.50}")


class _OutputNode(OutputNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        if isinstance(value, _Absent):
            raise Missing(value.name)
        text = "" if value is None else _text(value)
        match self.expression:
            case FilteredExpression(left=Path(path=path), filters=filters) if not text.strip():
                own = len(path) == 1 and path[0] in context.locals
                if not own and not any(used.name == "default" for used in filters or ()):
                    raise Missing(_dotted(path))
        return buffer.write(text)


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
            case _Absent() as absent:
                if self.default is None:
                    raise Missing(absent.name)
                return self.default.render(context, buffer)
            case range(start=start, stop=stop) if stop - start > MAX_TURNS:
                raise Withheld(f"limit: a loop of more than {MAX_TURNS:,} turns")
            case range() | list() | dict() | tuple() as items:
                turns = len(items)
            case _:
                turns = 1
        limit = self.expression.limit.evaluate(context) if self.expression.limit else turns
        turns = min(turns, limit) if isinstance(limit, int) else turns
        _meter(context).spend(max(turns, 1) * self.turn)
        return super().render_to_output(context, buffer)


class _For(ForTag):
    node_class = _ForNode


class _When(MultiExpressionBlockNode):
    """Renders its block once, where python-liquid does once for each value that is equal: nested, 500 to the 16th."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return self.block.render(context, buffer) if any(self.expression.evaluate(context)) else -1


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


class _AbortNode(Node):
    __slots__ = ("reason",)

    def __init__(self, token: Token, reason: Expression | None) -> None:
        super().__init__(token)
        self.reason = reason

    def __str__(self) -> str:
        return f"{{% abort {self.reason or ''} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:  # noqa: ARG002
        reason = self.reason.evaluate(context) if self.reason else None
        known = reason is not None and not isinstance(reason, _Absent)
        raise Withheld(f"aborted: {_text(reason)}"[:200] if known else "aborted")

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


# --- Filters ----------------------------------------------------------------------------------------------------------

_LAYOUT = re.compile(r"(?:[^%]|%-?[aAbBdeFHIjlmMpPSTyYzZ%]){1,64}")
_BAD_LAYOUT = "date prints by a layout such as '%d %B %Y' or '%H:%M', without widths"


def _default(value: object, fallback: object = "", *, allow_false: bool = True) -> object:
    """Unlike Shopify's, take False for the value it is, unless `allow_false: false` says otherwise."""
    absent = value is None or isinstance(value, _Absent) or value in ([], {}) or (value is False and not allow_false)
    return fallback if absent or (isinstance(value, str) and not value.strip()) else value


def _date(value: object, layout: object) -> str:
    if not isinstance(layout, str) or not _LAYOUT.fullmatch(layout):
        raise Withheld(f"failed: {_BAD_LAYOUT}")
    return _moment(value).strftime(layout)


def _moment(value: object) -> datetime:
    """Epoch seconds or milliseconds (then in UTC), or ISO 8601 (then as written)."""
    try:
        match value:
            case str() if not value.isdigit():
                return datetime.fromisoformat(value)
            case _:
                epoch = _number(value)
                return datetime.fromtimestamp(epoch / 1000 if abs(epoch) >= MILLISECONDS_FROM else epoch, UTC)
    except (ValueError, OverflowError, OSError):
        detail = repr(value)[:50]
        raise Withheld(f"failed: date takes an epoch number or ISO 8601, and there is no clock; not {detail}") from None


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _join(value: object, glue: object = " ") -> str:
    return _text(glue).join(map(_text, _items(value)))


def _map(value: object, key: object) -> list[object]:
    return [item.get(key) if isinstance(item, dict) else None for item in _items(value)]


class _Filter:
    """A filter that absence passes through, that takes what it can handle, and that is paid for."""

    with_context = True  # python-liquid then passes it

    def __init__(self, name: str, function: Callable[..., object], take: Callable[[object], object] | None) -> None:
        self.name = name
        self.function = function
        self.take = take
        signature = inspect.signature(function)
        self.signature = signature.replace(
            parameters=[p for p in signature.parameters.values() if p.name != "environment"]
        )
        self.environment = "environment" in signature.parameters

    def __call__(self, left: object, *arguments: object, context: _Context, **options: object) -> object:
        operands = [left, *arguments]
        if self.name != "default":
            for operand in (*operands, *options.values()):
                if operand is None or isinstance(operand, _Absent):
                    return operand
        if self.take:
            operands = list(map(self.take, operands))
        context.meter.spend(ITEM + self._growth(operands))
        if self.environment:
            options["environment"] = context.env
        result = self.function(*operands, **options)
        context.meter.spend(_size(result, context.meter.left))
        if isinstance(result, int | float) and not abs(result) < MAX_NUMBER:  # nor NaN
            raise Withheld(f"limit: {self.name} gives a number beyond 2^63")
        return result

    def _growth(self, operands: list[object]) -> int:
        """What a result may have, or takes in time, beyond a small multiple of what goes in."""
        match self.name, operands:
            case "replace", [str(text), str(old), *new]:
                return (text.count(old) if old else len(text) + 1) * sum(len(str(each)) for each in new)
            case "join", [list(items), glue]:
                return len(items) * len(_text(glue))
            case "split", [str(text), str(glue)]:
                return ITEM * (text.count(glue) if glue.strip() else len(text))
            case "uniq", [list(items), *_]:  # compares each with each
                return len(items) * _size(items, MAX_WORK) // 50
            case "strip_html", [str(text)]:  # a parser in Python
                return 20 * len(text)
        return 0


_TAKES: Mapping[Callable[[object], object] | None, str] = {
    _text: """
        append base64_decode base64_encode base64_url_safe_decode base64_url_safe_encode capitalize downcase escape
        escape_once lstrip newline_to_br prepend remove remove_first remove_last replace replace_first replace_last
        rstrip split squish strip strip_html strip_newlines truncate truncatewords upcase url_decode url_encode
    """,
    _number: "abs at_least at_most ceil divided_by floor minus modulo plus round times",
    None: """
        compact concat date default find find_index first has join last map reject reverse size slice sort sort_natural
        sum uniq where
    """,
}
_OURS: Mapping[str, Callable[..., object]] = {"date": _date, "default": _default, "join": _join, "map": _map}
_STANDARD: Mapping[str, Callable[..., object]] = {**Environment().filters, **_OURS}
_FILTERS = {name: _Filter(name, _STANDARD[name], take) for take, names in _TAKES.items() for name in names.split()}


class _Environment(Environment):
    block_nesting_limit = 16
    context_depth_limit = 32
    loop_iteration_limit = MAX_TURNS
    local_namespace_limit = 8 * MAX_WORK
    output_stream_limit = MAX_OUTPUT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for tag in (_Output, _For, _Case, _Abort):
            self.add_tag(tag)
        allowed = TAGS | {TOKEN_CONTENT, TOKEN_ILLEGAL, TOKEN_OUTPUT}
        self.tags = {name: tag for name, tag in self.tags.items() if name in allowed}
        self.filters = dict(_FILTERS)


_ENVIRONMENT = _Environment(undefined=_Absent)
