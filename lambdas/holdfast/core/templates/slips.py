"""Slips in Liquid: what people write in `{{ … }}` and `{% … %}` as other languages have it, and what to write instead.

A row is a pattern on the markup, in which quoted texts are blanked, and what to say. The first that fits is shown.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_IF = r"\{%-?\s*(?:if|elsif|unless)\b"
_OUT = r"\{\{"
_SETS = r"\{%-?\s*assign\b"
_ROWS: Final = (
    # the markup itself
    (r"^(?:\{\{|\{%)-?\s*-?(?:\}\}|%\})", "nothing stands between the braces"),
    (r"\{\{~|~\}\}|\{%~|~%\}", "white space is cut by a hyphen: {{- … -}}"),
    # conditions
    (rf"{_IF}\s*-?%\}}", "a condition is missing: {% if Event.price > 10 %}"),
    (rf"{_IF}.*(?:===|!==)", "two are compared by == and !="),
    (rf"{_IF}.*(?:=>|=<)", "more or equal is written >=, less or equal <="),
    (rf"{_IF}.*&&", "&& is written and"),
    (rf"{_IF}.*\|\|", "|| is written or"),
    (rf"{_IF}.*(?<![=!<>])=(?!=)", "two are compared by =="),
    (rf"{_IF}.*\s(?:AND|OR|CONTAINS)\s", "and, or and contains are written small"),
    (rf"{_IF}.*!\s*(?![=\s])", "Liquid has no '!'; use {% unless … %}, or compare with == false"),
    (rf"{_IF}.*\sis\s", "is is written =="),
    (
        rf"{_IF}(?P<left>[^|]*?)\s(?:not\s+)?in\s+(?P<right>[\w.]+)",
        "whether a list has something is asked by contains: {% if <right> contains<left> %}",
    ),
    (rf"{_IF}.*\d,\d", "a number is written without separators: 1000"),
    (rf"{_IF}[^|]*\|", "a condition takes no filters: {% assign x = … | … %} before it, and then {% if x … %}"),
    (r"\{%-?\s*when\s*(?:[<>=!]|\bcontains\b)", "when takes values: compare in {% if … %}{% elsif … %}"),
    # loops
    (
        r"\{%-?\s*for\b[^|]*\|",
        "a loop takes no filters: {% assign x = … | … %} before it, then {% for item in x %}",
    ),
    (
        r"\{%-?\s*for\s+\w+\s*,\s*\w+\s+in\s+(?P<of>[\w.]+)",
        "a loop has one variable: {% for pair in <of> %}{{ pair[0] }}: {{ pair[1] }}{% endfor %}",
    ),
    (r"\{%-?\s*for\s+(?!\w+\s+in\s+\S)", "a loop is written {% for item in Event.items %}"),
    # variables
    (rf"{_SETS}\s+\w+\.\w", "the name of a variable is one word"),
    (rf"{_SETS}[^=]*=\s*\[", 'a list is written {% assign x = "a,b" | split: "," %}'),
    (rf"{_SETS}[^=]*=\s*\{{", "objects cannot be written in a template: take them from the event or a catalog"),
    (
        rf"{_SETS}[^=]*=.*?(?:[=!<>]=|[<>]|\s(?:and|or|contains)\s|&&|\|\|)",
        "a variable holds no condition: {% if … %}{% assign x = true %}{% else %}{% assign x = false %}{% endif %}",
    ),
    (r"\{%-?\s*capture\s+[\"']", "the name of a variable stands without quotes: {% capture text %}"),
    # paths
    (r"(?P<of>\b[A-Za-z_][\w.]*)\.(?P<n>\d+)\b", "an item of a list stands in brackets: <of>[<n>]"),
    (r"(?P<of>\b[A-Z]\w*)\.(?P<name>[$@#][\w.]*)", 'a name with a sign in it is written <of>["<name>"]'),
    (r"(?P<of>\b[A-Z]\w*)\.[\"']", 'a name in quotes stands in brackets: <of>["product name"]'),
    # what is printed
    (rf"{_OUT}.*\?\?|{_OUT}(?P<of>.*?)(?:\|\||\sor\s)", "what to print instead is written | default: 'friend'"),
    (rf"{_OUT}.*\?", "there is no ? inside {{ }}; write {% if … %}…{% else %}…{% endif %}"),
    (rf"{_OUT}.*(?:==|!=|[<>]|\sand\s)", "nothing is compared inside {{ }}; write {% if … %}…{% endif %}"),
    (rf"{_OUT}[^|]*[\w\]]\s*\+\s*\S", "a sum is written | plus: 2, and texts are joined by | append: 'text'"),
    (rf"{_OUT}[^|]*[\w\]]\s+-\s+\S", "a difference is written | minus: 2"),
    (rf"{_OUT}[^|]*[\w\]]\s*\*\s*\S", "a product is written | times: 2"),
    (rf"{_OUT}[^|]*[\w\]]\s*/\s*\S", "a quotient is written | divided_by: 2.0"),
    (rf"{_OUT}-?\s*-[A-Za-z]", "a negative is written | times: -1"),
    (r"\|\s*(?:\||-?\}\}|-?%\})", "the name of a filter is missing behind |"),
    (r"\|\s*(?P<name>\w+)\s*(?:\(\s*\)|=)", "what a filter takes stands behind a colon: | <name>: …"),
    (r"\|\s*(?P<name>\w+)\s*\(", "what a filter takes stands behind a colon, without parentheses: | <name>: …"),
    (rf"{_OUT}[^|:]*,", "each value has braces of its own: {{ Event.a }}, {{ Event.b }}"),
)

_ESCAPED: Final = re.compile(r"\\[\"']|'[^']*''[^']*'|\"[^\"]*\"\"[^\"]*\"")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")


def slip(markup: str) -> str:
    """The correction; empty if no slip is known."""
    if _ESCAPED.search(markup):
        return "Liquid's texts have no escapes: one that has ' in it stands between \" and \", and the other way round"
    bare = _QUOTED.sub(lambda quoted: quoted[0][0] + "x" * (len(quoted[0]) - 2) + quoted[0][0], markup)
    for pattern, said in _patterns():
        if found := pattern.search(bare):
            for name in found.groupdict():
                said = said.replace(f"<{name}>", markup[slice(*found.span(name))])  # noqa: PLW2901 (filled in)
            return said
    return ""


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.DOTALL), said) for pattern, said in _ROWS)
