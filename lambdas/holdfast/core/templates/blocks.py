"""Refuses what could never show. It is told by the tags alone: python-liquid, like Shopify's Liquid, leaves it out.

Such are the condition of an `{% else if … %}`, an `{% elsif %}` after the `{% else %}`, and text before the first
`{% when %}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from holdfast.core.templates.checks import TemplateError

_OPENING = {"if", "unless", "case", "for", "capture"}
_BRANCH = {"elsif", "when"}


@dataclass(slots=True)
class _Block:
    tag: str
    branches: bool = False
    last: bool = False
    """Its else was there."""


class Blocks:
    """The blocks that are open, as a template is read from its beginning to its end."""

    def __init__(self) -> None:
        self._open: list[_Block] = []

    def text(self, text: str) -> None:
        """Text, or what prints."""
        if self._open and self._open[-1].tag == "case" and not self._open[-1].branches and text.strip():
            raise TemplateError(f"{text.strip()[:20]!r} stands before the first when, where nothing shows")

    def tag(self, name: str, markup: str) -> None:
        block = self._open[-1] if self._open else None
        if name in _OPENING:
            self.text(markup)
            self._open.append(_Block(name))
        elif name == "else" and block:
            if more := re.sub(r"^\{%-?\s*else|-?%\}$", "", markup).strip():
                raise TemplateError(f"else takes no condition, such as {more[:40]!r}; did you mean 'elsif'?")
            if block.last:
                raise TemplateError("a second else can never show")
            block.branches = block.last = True
        elif name in _BRANCH and block:
            if block.last:
                raise TemplateError(f"{name} after an else can never show; the else comes last")
            block.branches = True
        elif block and name == f"end{block.tag}":
            self._open.pop()
        elif name != "#":
            self.text(markup)
