"""Refuses parts of templates that could never be shown. The tags alone reveal them: python-liquid, like Shopify's
Liquid, silently leaves such parts out.

Such are the condition of an `{% else if … %}`, an `{% elsif %}` after the `{% else %}`, and text before the first
`{% when %}`; and a block that is never closed, or closed by another's end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from holdfast.core.templates.errors import TemplateError

_OPENING = {"if", "unless", "case", "for", "capture"}
_BRANCH = {"elsif", "when"}
_WITHIN = {"else": {"if", "unless", "case", "for"}, "elsif": {"if", "unless"}, "when": {"case"}}
_IN_A_LOOP = {"break", "continue"}


@dataclass(slots=True)
class _Block:
    tag: str
    at: int = 0
    """Where it begins in the source."""
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

    def end(self) -> tuple[str, int] | None:
        """Why and where an open block at the template's end is refused."""
        if not self._open:
            return None
        block = self._open[-1]
        return f"{{% {block.tag} … %}} is never closed: {{% end{block.tag} %}} is missing", block.at

    def tag(self, name: str, markup: str, at: int = 0) -> None:
        block = self._open[-1] if self._open else None
        self._check_place(name, block)
        if name in _OPENING:
            self.text(markup)
            self._open.append(_Block(name, at))
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

    def _check_place(self, name: str, block: _Block | None) -> None:
        if name.startswith("end") and (not block or name != f"end{block.tag}"):
            due = f"; {{% end{block.tag} %}} is due" if block else ""
            raise TemplateError(f"{{% {name} %}} closes nothing that is open here{due}")
        if name in _WITHIN and (not block or block.tag not in _WITHIN[name]):
            where = " or ".join(f"{{% {each} %}}" for each in sorted(_WITHIN[name]))
            raise TemplateError(f"{{% {name} %}} stands inside {where}")
        if name in _IN_A_LOOP and not any(each.tag == "for" for each in self._open):
            raise TemplateError(f"{{% {name} %}} stands inside {{% for %}}: outside, it would withhold the message")
