"""The `@` forms, a shorthand in text, translated to Liquid before it is parsed:

    @Profile - first_name                             {{ Profile["first_name"] }}
    @added to cart - price | default: "a good price"  {{ Event["price"] | default: "a good price" }}
    @products - Price                                 {{ Catalog["products"]["Price"] }}
    @ConstantEventProperty                            {{ ConstantEventProperty }}

An event's name is matched without regard to case and spaces. A property is one word; a name with spaces is quoted, or
ends at `| default:`, or is all the rest where the form is the whole value. `default`, with a quoted text or a number,
is the one filter that a form takes. An `@` inside a word (ann@example.com) is text, and so is one before anything else
than a known name or `some name - property`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from holdfast.core.templates.blocks import Blocks
from holdfast.core.templates.bounds import TAGS
from holdfast.core.templates.errors import TemplateError, placed, suggest
from holdfast.core.templates.filters import FILTERS
from holdfast.core.templates.objects import CONSTANT, NAMES, OBJECTS

INNER_TAGS: Final = {"else", "elsif", "when", *(f"end{tag}" for tag in ("case", "capture", "for", "if", "unless"))}

MAX_MARKUP: Final = 1_000
"""Characters of one `{{ }}` or `{% %}`, within which python-liquid's lexer can take quadratic time."""

_PIECE = r"""
    (?P<raw>     \{%-?\s*raw\s*-?%\} .*? \{%-?\s*endraw\s*-?%\} )
  | (?P<comment> \{%-?\s*comment\s*-?%\} )
  | (?P<markup>  \{\{.*?\}\} | \{%-?+\s*+(?P<tag>\#|\w*+).*?%\} )
  | (?P<open>    \{\{ | \{% )
  | (?P<form>    (?<!\w)@
        (?: ConstantEventProperty(?!\w)
          | (?P<name>(?i:KNOWN))(?!\w)
            (?: [ ]*-[ ]* (?: (?P<quoted>"[^"{}\n]+"|'[^'{}\n]+') | (?P<words>\w++(?:[ ]\w++){0,9}+) ) )? )
        (?P<tail> [ ]*\|[ ]*(?P<filter>\w+)(?P<colon>[ ]*:)?
            (?:[ ]*(?P<argument>"[^"{}\n]*"|'[^'{}\n]*'|-?\d+(?:\.\d+)?|true|false))? )? )
  | (?P<merge> \*\|[A-Z]\w*(?::[^|\n{}]*)?\|\* | \{\#[^{}\n]*\#\} | \{[ ]*(?:Profile|Event)\.\w+[^{}\n]*\} )
  | (?P<unknown> (?<!\w)@(?P<nobody>\w[^@{}|\n]{0,60}?)[ ]+-[ ]+["'\w] )
"""

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


_IN_COMMENT = re.compile(r"\{%-?\s*(?P<tag>raw|comment|endcomment)\s*-?%\}")
_END_OF_RAW = re.compile(r"\{%-?\s*endraw\s*-?%\}")


def to_liquid(source: str, events: Iterable[str], catalogs: Iterable[str] = (), *, strict: bool = True) -> str:
    """Translate the @ forms, and refuse what the lexer should not see. Lines stay where they are.

    What could never show is refused too, unless not `strict`: an older release may have published it.
    """
    known, piece = _known(tuple(events), tuple(catalogs))
    blocks = Blocks() if strict else None
    written: list[str] = []
    at = 0
    while match := piece.search(source, at):
        with placed(source, match.start()):
            between, at = source[at : match.start()], match.end()
            match match.lastgroup:
                case "comment":  # emptied, as the lexer would read even this
                    closing, at = _end_of_comment(source, at, strict=strict)
                    liquid = match[0] + "\n" * source.count("\n", match.end(), at) + closing
                case kind:
                    liquid = _translated(kind, match, known, strict=strict)
            if blocks:
                blocks.text(between)
                blocks.tag(match["tag"], match[0], match.start()) if match["tag"] is not None else blocks.text(
                    _shown(match)
                )
            written += [between, liquid]
    if blocks and (unclosed := blocks.end()):
        reason, begun = unclosed
        with placed(source, begun):
            raise TemplateError(reason)
    return "".join([*written, source[at:]])


@lru_cache(maxsize=32)
def _known(events: tuple[str, ...], catalogs: tuple[str, ...]) -> tuple[Mapping[str, tuple[str, str]], re.Pattern[str]]:
    """Names that a form may begin with, and what finds the pieces of a template: the same for all of a campaign."""
    known = {_squash(name): (name, f'Catalog["{name}"]') for name in catalogs}
    known |= {_squash(name): (name, "Event") for name in events} | {_squash(name): (name, name) for name in OBJECTS}
    names = "|".join("[ ]*".join(map(re.escape, name)) for name in sorted(known, key=len, reverse=True))
    # one letter whose folded form has two
    piece = re.compile(_PIECE.replace("KNOWN", names.replace("s[ ]*s", "(?:s[ ]*s|ß)")), re.DOTALL | re.VERBOSE)
    return known, piece


def _translated(kind: str | None, match: re.Match[str], known: Mapping[str, tuple[str, str]], *, strict: bool) -> str:
    match kind:
        case "form":
            return _form(match, known)
        case "unknown":
            suggestion = suggest(match["nobody"], [name for name, _ in known.values()])
            raise TemplateError(f"unknown event @{match['nobody']}{suggestion}")
        case "merge" if strict:
            raise TemplateError(f"{match[0]} is not markup here, and would be sent as it stands")
        case "markup" | "open":
            return _markup(match[0], match["tag"], closed=kind == "markup")
    return match[0]


def _shown(match: re.Match[str]) -> str:
    return "" if match["comment"] else match[0]


def _end_of_comment(source: str, at: int, *, strict: bool) -> tuple[str, int]:
    """The tag that ends a comment, and where it ends. Comments nest, and what is raw in one does not end it."""
    depth, position = 1, at
    while found := _IN_COMMENT.search(source, position):
        position = found.end()
        match found["tag"]:
            case "raw" if end := _END_OF_RAW.search(source, position):
                position = end.end()
            case "comment":
                depth += 1
            case "endcomment":
                depth -= 1
        if not depth:
            return found[0], position
    if not strict and (first := re.compile(r"\{%-?\s*endcomment\s*-?%\}").search(source, at)):
        return first[0], first.end()
    raise TemplateError("{% comment %} is never closed")


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
        if tag in NAMES:
            raise TemplateError(f"what prints stands between other braces: {{{{ {text[2:-2].strip(' -')} }}}}")
        raise TemplateError(f"unknown tag {tag!r}{suggest(tag, TAGS | INNER_TAGS)}")
    return text


def _form(match: re.Match[str], known: Mapping[str, tuple[str, str]]) -> str:
    default, rest = "", match["tail"] or ""
    if match["filter"] == "default":
        if not match["argument"]:
            raise TemplateError('the default of an @ form is a quoted text or a number: | default: "friend"')
        default, rest = f" | default: {match['argument']}", ""
    elif match["filter"] in FILTERS or match["colon"]:
        raise TemplateError(f"an @ form takes only the filter default, not {match['filter']!r}; {{{{ … }}}} takes all")
    if not match["name"]:
        return f"{{{{ {CONSTANT}{default} }}}}{rest}"
    name, root = known[_squash(match["name"])]
    if match["quoted"]:
        return f"{{{{ {root}[{match['quoted']}]{default} }}}}{rest}"
    if not match["words"]:
        example = f"@{name} - {OBJECTS.get(root, 'Price')}"
        raise TemplateError(f'@{name} names no property, such as {example}; as mere text it is {{{{ "@" }}}}{name}')
    words = match["words"]
    if not default and match[0] != match.string.strip():
        words, space, more = words.partition(" ")
        rest = space + more + rest
    return f'{{{{ {root}["{words}"]{default} }}}}{rest}'
