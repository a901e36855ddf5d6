"""Liquid templates: what a campaign's `send.values` say, compiled once and rendered for each message.

The rules, kept here and in the modules that this one puts together:

* **Never a blank.** A variable that is undefined, null or a blank text is *absent*. An absent value passes through
  filters, is false in conditions, and is replaced by `default` or by the `else` of a loop. If it is printed, it
  withholds the message with the reason `missing: Event.price`. False, 0 and an empty list are values. (An empty list
  prints nothing, so printing one counts as missing.)
* **Refuse early** (`checks`). Mistakes that can be found without a user are refused when the campaign is validated:
  unknown names, whole objects, and every expression without variables that fails when it is tried.
* **Bounded** (`sandbox`, `bounds`). A message has a budget of work: no template can stall delivery or fill its memory.
* **Pure.** The same context gives the same text. No template reads a clock: `date` takes epoch numbers and ISO 8601,
  and refuses `now`. The language of money, dates and plurals is the profile's (`locales`).
* **Plain text.** The payload is JSON, so nothing is escaped; for HTML there is the filter `escape`. Numbers and
  booleans print as they do in JSON, lists with a comma and a space between their items.

A template can name:

    Profile, Campaign                    objects
    ConstantEventProperty                the constant value; a list in a summary
    Event                                the trigger
    Events                               in a summary, the triggers, newest first; `Event` is `Events[0]`
    Catalog["products"]                  the row of a catalog that the campaign maps; in a summary a list, like `Events`
    Recommendations["also-bought"]       catalog rows, best first; absent if there are none

In text there are the `@` forms (`shorthand`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from liquid import BoundTemplate, Expression
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError

from holdfast.core.templates.bounds import MAX_OUTPUT, MAX_WORK, Context, Json, Meter, Missing, Withheld, withholding
from holdfast.core.templates.checks import check
from holdfast.core.templates.errors import TemplateError, advised, refusal
from holdfast.core.templates.filters import ENVIRONMENT, typed
from holdfast.core.templates.shorthand import to_liquid
from holdfast.core.templates.uses import uses

__all__ = [
    "MAX_OUTPUT",
    "MAX_SOURCE",
    "MAX_WORK",
    "Json",
    "Meter",
    "Missing",
    "Template",
    "TemplateError",
    "Values",
    "Withheld",
    "compile_each",
    "compile_values",
]

MAX_SOURCE = 50_000
"""Characters of a template."""


TYPES: Final = ("text", "number", "boolean", "json")
"""The types of a value. Text is what a template is without one."""


@dataclass(frozen=True, slots=True)
class Template:
    """The template of one value. Rendering parses nothing and changes nothing: threads may share it."""

    source: str
    uses: frozenset[tuple[str, ...]]
    """The variables, as far as their names are written out: ("Event", "price"), be it of `Event` or one of `Events`."""
    liquid: BoundTemplate = field(repr=False, compare=False)

    @classmethod
    def compile(
        cls, source: str, *, events: Iterable[str] = (), catalogs: Collection[str] = (), live: bool = False
    ) -> Template:
        """Raise TemplateError, or give a template of which the worst that can come is Withheld.

        One that is `live` is not refused for what could never show: an older release may have taken it.
        """
        if not source.strip():
            raise TemplateError("is blank; write a text, or leave the key out")
        if len(source) > MAX_SOURCE:
            raise TemplateError(f"is {len(source):,} characters long; {MAX_SOURCE:,} is the most")
        text = source
        try:
            text = to_liquid(source, events, catalogs, strict=not live)
            return cls(source, *_compiled(text, frozenset(catalogs), strict=not live))
        except TemplateError as error:
            cured = advised(error, source)
            if cured.line and source.split("\n")[cured.line - 1] != text.split("\n")[cured.line - 1]:
                cured.column = None  # it counts in what the @ forms became
            raise cured from None

    def render(self, context: Mapping[str, Json], meter: Meter | None = None) -> str:
        """Raise Withheld, or give the text."""
        return self.render_in(Context(self.liquid, context, meter or Meter()))

    @property
    def expression(self) -> Expression:
        """The expression of a template that is one `{{ … }}` and nothing else. Raises TemplateError."""
        match self.liquid.nodes:
            case [OutputNode(expression=expression)] if self.source.strip().startswith(("{{", "@")):
                return expression
        raise TemplateError("a value with a type is exactly one {{ … }}, with nothing around it")

    def value_in(self, context: Context, type_: str) -> Json:
        """The value as its type has it. Raises Withheld."""
        if type_ == "text":
            return self.render_in(context)
        with withholding():
            return typed(self.expression.evaluate(context), type_, context)

    def render_in(self, context: Context) -> str:
        buffer = context.get_buffer()
        with withholding():
            self.liquid.render_with_context(context, buffer)
        return buffer.getvalue()


@lru_cache(maxsize=256)  # whoever writes a template compiles its neighbours again with each key
def _compiled(text: str, catalogs: frozenset[str], *, strict: bool) -> tuple[frozenset[tuple[str, ...]], BoundTemplate]:
    try:
        liquid = ENVIRONMENT.from_string(text)
        named = uses(liquid, text, catalogs)
        check(liquid, text, strict=strict)
    except LiquidError as error:
        raise refusal(error) from error
    except RecursionError as error:
        raise TemplateError("is nested too deeply; take it apart with {% assign %}") from error
    return named, liquid


@dataclass(frozen=True, slots=True)
class Values:
    """All the values of a message."""

    templates: Mapping[str, Template]
    types: Mapping[str, str] = field(default_factory=dict)
    """The type of each value that is not text."""

    @property
    def event_properties(self) -> frozenset[str]:
        """The triggers' properties that the templates name: no others have to be kept."""
        paths = [path for template in self.templates.values() for path in template.uses]
        return frozenset(path[1] for path in paths if path[0] == "Event")

    @property
    def recommendations(self) -> frozenset[str]:
        """The recommendations that the templates name."""
        paths = [path for template in self.templates.values() for path in template.uses]
        return frozenset(path[1] for path in paths if path[0] == "Recommendations")

    def render(self, context: Mapping[str, Json]) -> dict[str, Json]:
        """Give all of them, or raise Withheld."""
        meter = Meter()
        values: dict[str, Json] = {}
        for key, template in self.templates.items():
            try:
                value = template.value_in(Context(template.liquid, context, meter), self.types.get(key, "text"))
            except Withheld as withheld:
                withheld.key = key
                raise
            if isinstance(value, str) and not value.strip():
                raise Withheld(f"blank: {key}", key)
            values[key] = value
        return values


def compile_values(
    values: Mapping[str, str],
    *,
    events: Iterable[str] = (),
    catalogs: Collection[str] = (),
    types: Mapping[str, str] = MappingProxyType({}),
    live: bool = False,
) -> Values:
    """`events` are the campaign's triggers, by which `@` forms name the properties of `Event`; `catalogs` those that it
    maps; `types` those of the values that are not text. `live` are templates of a revision that was published, and so
    was validated.
    """
    templates = {}
    for key, template in compile_each(values, events=events, catalogs=catalogs, types=types, live=live).items():
        if isinstance(template, TemplateError):
            raise template
        templates[key] = template
    return Values(templates, types)


def compile_each(
    values: Mapping[str, str],
    *,
    events: Iterable[str] = (),
    catalogs: Collection[str] = (),
    types: Mapping[str, str] = MappingProxyType({}),
    live: bool = False,
) -> dict[str, Template | TemplateError]:
    """Each key's template, or why it is refused."""
    names = tuple(events)

    def tried(key: str, source: str) -> Template | TemplateError:
        try:
            template = Template.compile(source, events=names, catalogs=catalogs, live=live)
            if key in types:
                template.expression  # noqa: B018 (raises)
        except TemplateError as error:
            error.key = key
            return error
        return template

    return {key: tried(key, source) for key, source in values.items()}
