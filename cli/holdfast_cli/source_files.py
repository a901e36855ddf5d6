"""Source files: read from disk for the commands that read events by them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from holdfast.core.authoring.source import SourceFile
from holdfast.core.intake.fields import Rules
from holdfast.core.intake.sources import Source
from holdfast_cli.campaign_file import read_model
from holdfast_cli.mistakes import mistakes_end

SourceOption = Annotated[
    list[Path] | None,
    typer.Option("--source", help="Read bodies without a native form by this source file. May be given several times."),
]


def rules_of(files: Iterable[Path] | None, *, as_json: bool) -> Rules:
    """How records are read with these files; mistakes in them end the command."""
    return Rules(sources=tuple(read_sources(files or (), as_json=as_json)))


def valid_source(path: Path, *, as_json: bool) -> tuple[SourceFile, str]:
    with mistakes_end(as_json=as_json):
        source, file = read_model(path, SourceFile)
    return source, file.text


def read_sources(files: Iterable[Path], *, as_json: bool) -> list[Source]:
    """The sources, in the order in which they are asked."""
    return sorted((valid_source(path, as_json=as_json)[0].plan() for path in files), key=lambda source: source.id)
