"""Rows for messages out of files: catalogs, and recommendations built from a history of events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.markup import escape

from holdfast.core.catalog.csv_file import Bad, header, records
from holdfast.core.catalog.csv_lines import MAX_LINE, BadFile, LineTooLong
from holdfast.core.catalog.rows import NAME_PATTERN, Place, Values
from holdfast.core.messages.rendering import Rows
from holdfast.core.messages.rows import RowsInMemory, found_by, placed
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.ranking import Neighbour, Recommender
from holdfast_cli.output import Failure, err

CatalogOption = Annotated[
    list[str] | None,
    typer.Option(
        "--catalog",
        metavar="NAME=FILE",
        help="A catalog's CSV file, as for `catalog import`. May be given several times. Messages are rendered too.",
    ),
]
RecommendationOption = Annotated[
    list[Path] | None,
    typer.Option("--recommendation", "-r", help="A recommendation's file. May be given several times."),
]
HistoryOption = Annotated[
    Path | None,
    typer.Option(help="A file of events: recommendations are built from it. Messages are rendered too."),
]


def rows_in_files(plans: Plans, catalogs: Iterable[str], history: Path | None) -> Rows:
    rows: dict[Place, Values] = {}
    for given in catalogs:
        name, equals, file = given.partition("=")
        if not equals or not re.match(NAME_PATTERN, name):
            hint = "NAME=FILE, such as products=products.csv; a name is lower-case letters, digits and -"
            raise typer.BadParameter(hint, param_hint="--catalog")
        rows |= read_catalog(name, Path(file), plans)
    built = {name: _built(each, history) for name, each in plans.recommenders.items()} if history else {}
    return RowsInMemory(rows, built, plans.recommenders)


def read_catalog(name: str, file: Path, plans: Plans) -> Mapping[Place, Values]:
    """A bad row is shown with its line, and left out, as an import does."""
    good: list[Values] = []
    match = found_by(name, plans.values())
    try:
        with file.open("rb") as lines:
            given = whole(lines)
            for each in records(header(given), match, given):
                if isinstance(each, Bad):
                    err.print(f"[red]✗[/] [bold]{escape(f'{file}:{each.line}')}[/] {escape(each.reason)}")
                else:
                    good.append(each.values)
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}") from None
    except BadFile as error:
        raise Failure(f"{file}: {error}") from None
    return placed(name, match, good)


def whole(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise LineTooLong(MAX_LINE)
        yield line


def _built(recommender: Recommender, history: Path) -> Mapping[str, list[Neighbour]]:
    """The items that go with each item, from all that is in the file."""
    from holdfast.core.recommend.item_to_item import grouped  # noqa: PLC0415
    from holdfast_cli import offline  # noqa: PLC0415 (DuckDB takes 0.1 s to load: who needs no history does not wait)

    with offline.database() as duck:
        offline.load(duck, recommender, history)
        return dict(grouped(offline.find(duck, recommender)))
