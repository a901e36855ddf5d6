"""Writes the tables in docs/ that follow from the code: keys of files, fields of messages, commands and their options.

Each stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->` on its page; a test notices what is out of date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from holdfast_cli import contracts
from holdfast_cli.later import whole
from holdfast_cli.main import app

DOCS = Path(__file__).parents[1] / "docs"

_TAKES: Final[Mapping[Any, str]] = {int: "NUMBER", float: "NUMBER", Path: "PATH"}


# Files and messages


def keys(schema: Mapping[str, Any], name: str | None = None) -> str:
    """A table of a model's keys: the schema's own, or those of a definition in it."""
    model = schema["$defs"][name] if name else schema
    required = set(model.get("required", ()))
    rows = []
    for key, field in model["properties"].items():
        default = "required" if key in required else _default(field.get("default"))
        rows.append((f"`{key}`", default, field["description"]))
    return table(("key", "default", "meaning"), rows)


def _default(value: object) -> str:
    match value:
        case None | [] | {} | "" | "0 ms":
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case _:
            return f"`{value}`"


def fields(schema: Mapping[str, Any]) -> str:
    """A table of the fields of a message's detail, those of its objects too."""
    return table(("field", "when", "meaning"), _fields(schema, schema, ""))


def _fields(model: Mapping[str, Any], schema: Mapping[str, Any], at: str) -> Iterator[tuple[str, str, str]]:
    required = set(model.get("required", ()))
    for key, field in model["properties"].items():
        inner = _inner(field, schema)
        told = field.get("description") or (inner or {}).get("description", "")
        yield f"`{at}{key}`", "always" if key in required else "where there is one", told
        if inner:
            yield from _fields(inner, schema, f"{at}{key}.")


def _inner(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for each in (field, *field.get("anyOf", ())):
        if "$ref" in each:
            found: Mapping[str, Any] = schema["$defs"][each["$ref"].rpartition("/")[2]]
            return found
    return None


# Commands


def commands() -> str:
    return "\n\n".join(_commands(whole(app), "holdfast"))


def _commands(command: Any, name: str) -> Iterator[str]:
    inner = getattr(command, "commands", None) or {}
    if not inner or getattr(command, "invoke_without_command", False):
        yield _command(command, name)
    for word in inner:
        yield from _commands(inner[word], f"{name} {word}")


def _command(command: Any, name: str) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and each.name != "help"]
    usage = " ".join([name, *(_argument(each) for each in arguments)])
    text = f"### `{usage}`\n\n{_prose(command.help)}"
    rows = [(_option(each), _told(each)) for each in options]
    told = [f"`{each.name.upper()}`: {each.help}" for each in arguments if getattr(each, "help", None)]
    return "\n\n".join([text, *told, *([table(("option", "meaning"), rows)] if rows else [])])


def _argument(argument: Any) -> str:
    name = argument.name.upper() + ("…" if argument.nargs != 1 else "")
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    names = "`, `".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return f"`{names}`"
    takes = option.type_descriptor.annotation
    (takes, *_) = [each for each in getattr(takes, "__args__", ()) if each is not type(None)] or [takes]
    return f"`{names}` {_TAKES.get(takes, 'TEXT')}"


def _told(option: Any) -> str:
    told = option.help or ""
    if option.required:
        told += " Required."
    elif not option.is_flag and option.default not in (None, "", [], ()):
        told += f" Default: `{option.default}`."
    return told


def _prose(text: str | None) -> str:
    """A docstring's paragraphs, each on one line."""
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


# Pages


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [list(head), *(list(row) for row in rows)]
    lines = [f"| {' | '.join(each.replace('|', chr(92) + '|') for each in row)} |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]])


TABLES: Final[Mapping[str, Mapping[str, Callable[[], str]]]] = {
    "campaigns.md": {
        "campaign": lambda: keys(contracts.campaign()),
        "when": lambda: keys(contracts.campaign(), "When"),
        "named": lambda: keys(contracts.campaign(), "NamedEvent"),
        "constant": lambda: keys(contracts.campaign(), "Constant"),
        "send": lambda: keys(contracts.campaign(), "Send"),
        "hours": lambda: keys(contracts.campaign(), "Hours"),
        "per_user": lambda: keys(contracts.campaign(), "PerUser"),
    },
    "between-due-and-sent.md": {"policy": lambda: keys(contracts.policy())},
    "catalogs-and-recommendations.md": {"recommendation": lambda: keys(contracts.recommendation())},
    "events-in.md": {
        "source": lambda: keys(contracts.source()),
        "read": lambda: keys(contracts.source(), "Read"),
    },
    "messages-out.md": {"detail": lambda: fields(contracts.detail())},
    "commands.md": {"commands": commands},
}


def written(page: str, text: str) -> str:
    """The page with its tables as they should be."""
    for name, make in TABLES[page].items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"docs/{page} has no place for {name}: write {begin} and {end} there")
        before, after = pattern.split(text, maxsplit=1)
        text = f"{before}{begin}\n\n{make()}\n\n{end}{after}"
    return text


def main() -> None:
    for page in TABLES:
        path = DOCS / page
        path.write_text(written(page, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
