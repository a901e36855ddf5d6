"""How results are shown: tables for people, a JSON object per line for scripts; what is no result goes to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 240)
err = Console(stderr=True, highlight=False, soft_wrap=True)

LONG = {"reason", "values", "story", "expected", "received", "record", "note", "did"}
"""Columns that may take several lines: if a table is too wide, the others stay whole."""
LONGEST = 300
"""Characters of a cell; with --json all of it is printed."""

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Stage: TypeAlias = Annotated[
    str, typer.Option("--stage", "-s", envvar="HOLDFAST_STAGE", help="local, or the stage that was deployed to AWS.")
]


class Failure(Exception):
    """Something is wrong, and this says what to do: printed as it is, exit code 1."""


def not_empty(value: str) -> str:
    """For what names something. Raises BadParameter."""
    if not value.strip():
        raise typer.BadParameter("it is empty")
    return value


def print_json(row: Mapping[str, Any]) -> None:
    print(json.dumps(row, ensure_ascii=False), flush=True)  # noqa: T201 (rich would wrap it)


def print_lines(lines: Sequence[bytes]) -> None:
    """Lines of JSON that are made already."""
    sys.stdout.flush()
    sys.stdout.buffer.writelines([line + b"\n" for line in lines])
    sys.stdout.buffer.flush()


def print_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, title: str = "") -> None:
    """A table of the columns named, or every row whole as JSON."""
    if as_json:
        for row in rows:
            print_json(row)
        return
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold")
    for column in columns:
        long = column in LONG
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=not long, min_width=12 if long else None)
    for row in rows:
        table.add_row(*(escape(_cut(_cell(row.get(column)))) for column in columns))
    out.print(table, soft_wrap=False)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case list():
            return ", ".join(map(_cell, value))
        case _:
            return json.dumps(value, ensure_ascii=False)


def check_writable(path: Path) -> None:
    """Before a long run, not after it. Raises Failure."""
    if path.is_dir():
        raise Failure(f"{path} is a directory: name a file in it")
    if not path.parent.is_dir():
        raise Failure(f"{path} cannot be written: there is no directory {path.parent}")


def write_text(path: Path, text: str) -> None:
    """Raises Failure."""
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}") from None


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Progress]:
    """A bar on stderr where that is a terminal; advance it by `advance(0, n)`. It vanishes when done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        bar.add_task(what, total=total)
        yield bar
