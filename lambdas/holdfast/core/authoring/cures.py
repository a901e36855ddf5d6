"""Cures for what people write in campaign files: what is wrong to JMESPath or to YAML, and what to write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

_TEXT = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"")
"""A quoted part, in one of JMESPath's ways."""


def of_expression(expression: str) -> str:  # noqa: PLR0911 (one for each mistake)
    """The expression to write instead of one that is refused; empty where none is known."""
    bare = _TEXT.sub(lambda quoted: "q" * len(quoted[0]), expression)
    if found := re.search(r"(?<=[A-Za-z_\]])\.(\d+)(?=\.|$|\[)", bare):
        before, after = expression[: found.start()], expression[found.end() :]
        return f"an item of a list stands in brackets: {before}[{found[1]}]{after}"
    if found := re.search(r"[<>=!]=?\s*(-?\d+(?:\.\d+)?)(?![\w.])", bare):
        start, end = found.span(1)
        return f"a number stands between backticks: {expression[:start]}`{found[1]}`{expression[end:]}"
    if found := re.search(r"(?<![<>=!])=(?!=)", bare):
        return f"two are compared by ==: {expression[: found.start()]}=={expression[found.end() :]}"
    if found := re.search(r"(?<=\s)(and|or|not)(?=\s)", bare):
        return f"{found[1]} is written {dict(zip(('and', 'or', 'not'), ('&&', '||', '!'), strict=True))[found[1]]}"
    if re.search(r"[\u201c\u201d\u2018\u2019]", bare):
        return "text stands between straight quotes: 'shoes'"
    if found := re.search(r"[A-Za-z_$][\w$]*(?:[ -]+[\w$]+)+|\$[\w$]+", bare):
        return (
            "a name with a space, a hyphen or $ stands between double quotes:"
            f' {expression[: found.start()]}"{found[0]}"{expression[found.end() :]}'
        )
    return ""


def of_text(value: object) -> str:  # noqa: PLR0911 (one for each kind)
    """Why YAML reads something else than a text."""
    match value:
        case Mapping() if _eaten(value):
            return "to YAML this is not text: put quotes around a value that starts with {{"
        case bool():
            return f"to YAML this is {str(value).lower()}, not a text: put it between quotes"
        case int() | float():
            return f"to YAML this is the number {value}, not a text: put it between quotes"
        case date():
            return "to YAML this is a date, not a text: put it between quotes"
        case None:
            return "is blank: write a text, or leave the key out"
        case Mapping() | list():
            return "has to be a text"
        case _ if hasattr(value, "tag"):
            return (
                f"to YAML {value.tag.value} is a type, and no part of the text: put it between quotes, or take it away"
            )
    return ""


def _eaten(value: Mapping[Any, Any]) -> bool:
    """`{{ Event.price }}` without quotes: a mapping whose key is a mapping."""
    return any(not isinstance(key, str | int | float | bool) for key in value)


_PROBLEMS = (
    (r"found undefined alias '(.*)'", "no part is named &{0}; put quotes around a value that starts with *"),
    (r"found duplicate key (\"[^\"]*\")", "the key {0} is there twice in one place; keep one of the two"),
    (r"but found another document", "a second document begins here; put it into a file of its own"),
    (
        r"expected <block end>, but found '(?:-|<block sequence start>)'",
        "a - stands among lines of `key: value`; take it away, or indent it like the other items of its list",
    ),
)
"""Problems in the words of YAML's parser, and in words for people."""


def of_yaml(problem: str, line: str) -> str:
    """The problem of a line that is not YAML, with what to write instead where that is known."""
    for pattern, said in _PROBLEMS:
        if found := re.match(pattern, problem):
            return said.format(*found.groups())
    cure = _of_line(line)
    return f"{problem}; {cure}" if cure else problem


def _of_line(line: str) -> str:  # noqa: PLR0911 (one for each mistake)
    """The line to write instead of one that is not YAML; empty where none is known."""
    if re.search(r"[:\-]\s+\{[{%]", line):
        return "put quotes around a value that starts with {{ or {%"
    if re.search(r"[:\-]\s+[@`%]", line):
        return "put quotes around a value that starts with @, ` or %"
    if re.search(r"[:\-]\s+[>|][-+0-9]*\s+[^\s#]", line):
        return "put quotes around a value that starts with > or |"
    if re.search(r"[:\-]\s+('[^']*'|\"[^\"]*\")\s*[^\s#,:}\]]", line):
        return "the closing quote ends the value; write '' for a ' inside of '…', \\\" for a \" inside of \"…\""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "indent with spaces, not with tabs"
    if line.count(": ") > 1:
        return "put quotes around a value with a colon in it"
    return ""
