"""Templates that are refused: what is wrong, where, and what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from liquid.exceptions import LiquidError
from liquid.token import TOKEN_STRING, TOKEN_TAG


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
