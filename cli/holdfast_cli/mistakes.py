"""Mistakes in files, shown with their lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from rich.markup import escape

from holdfast.core.authoring.text import CampaignFileError, Mistake
from holdfast_cli.campaign_file import read_model, text_of
from holdfast_cli.output import err, out, print_json

LONGEST_SHOWN = 500
"""Characters of a line that is shown beneath its mistake."""


@contextmanager
def mistakes_end(*, as_json: bool) -> Iterator[None]:
    """Mistakes in a file are shown, and end the command."""
    try:
        yield
    except CampaignFileError as error:
        show_mistakes(error, as_json=as_json)
        raise typer.Exit(1) from None


def check_files(files: Iterable[Path], model: type[BaseModel], kind: str, *, as_json: bool) -> None:
    """Read them all, and show what is wrong with each. Exit code 1 if something is."""
    wrong = False
    for path in files:
        try:
            valid: Any = read_model(path, model)[0]
        except CampaignFileError as error:
            wrong = True
            show_mistakes(error, as_json=as_json)
            continue
        if as_json:
            print_json({"file": str(path), kind: valid.id, "valid": True})
        else:
            out.print(f"[green]✓[/] {escape(str(path))}: {valid.id}")
    if wrong:
        raise typer.Exit(1)


def show_mistakes(error: CampaignFileError, *, as_json: bool) -> None:
    """Each mistake with its line, and the line itself."""
    for mistake in error.mistakes:
        if as_json:
            print_json({**mistake._asdict(), "valid": False})
        else:
            show_mistake(mistake, "[red]✗[/]")


def show_mistake(mistake: Mistake, mark: str) -> None:
    """Print a mistake and its place; below it the line, if that is not too long."""
    where = f"{mistake.file}:{mistake.line}:{mistake.column}" if mistake.line else mistake.file
    what = f"{mistake.place}: {mistake.message}" if mistake.place else mistake.message
    err.print(f"{mark} [bold]{escape(where)}[/] {escape(what)}")
    if not mistake.line:
        return
    try:
        line = text_of(Path(mistake.file)).splitlines()[mistake.line - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        return
    if len(line) > LONGEST_SHOWN:
        return
    err.print(f"[dim]{mistake.line:>5} │[/] {escape(line)}")
    err.print(f"[dim]      │[/] {' ' * (mistake.column - 1)}[red]^[/]")
