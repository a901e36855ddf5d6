"""`holdfast catalog …`: what messages can say of the things that users do something with."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.catalog import Catalog, Catalogs, Importer, Importing, Throttled, UnknownCatalog
from holdfast.core.catalog.csv_file import header, match, records
from holdfast.core.catalog.csv_lines import BadFile
from holdfast.core.catalog.rows import IDENTITY, IMAGE, NAME, NAME_PATTERN
from holdfast.core.messages.detail import iso
from holdfast.services.message_data import Lookup
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows, progress
from holdfast_cli.rows import whole
from holdfast_cli.stack import Deployment

app = typer.Typer(no_args_is_help=True, help="Work with catalogs: import from CSV, show, list, delete.")

Name = Annotated[str, typer.Argument(help="The catalog's name.", show_default=False)]

COUNTS = ("rows", "new", "changed", "unchanged", "older", "repeated", "bad")


@app.command("import")
def import_(
    name: Name,
    file: Annotated[Path, typer.Argument(help="A CSV file. Its first line names the columns.", show_default=False)],
    *,
    find_by: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns that campaigns look rows up by, besides Identity and Name; Name,Colour means both together."
            " May be given several times, and is remembered."
        ),
    ] = None,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Import a CSV file into a catalog. A row replaces the one with the same identity; rows not in the file are kept.

    Bad rows are listed with their line, and the good rows are imported. Exit code 1 if there were bad rows.

    Example: `holdfast catalog import products products.csv --stage dev`
    """
    if not re.match(NAME_PATTERN, name):
        raise typer.BadParameter("lower-case letters, digits and hyphens, 63 at most", param_hint="NAME")
    table = catalogs(Deployment.find(stage))
    try:
        counts = import_file(table, name, file, find_by or (), as_json=json)
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}") from None
    except BadFile as error:
        raise Failure(f"{file}: {error}") from None
    except Importing:
        raise Failure(f"An import of {name} is under way. Try again when it is over, in two minutes at most.") from None
    except Throttled:
        raise Failure("AWS throttles the catalog table. Run the same import again to finish it.") from None
    if json:
        print_json({"catalog": name, **counts})
    else:
        told = ", ".join(f"{counts[what]:,} {what}" for what in COUNTS[1:-1] if counts[what])
        out.print(f"[green]✓[/] {escape(name)}: {counts['rows']:,} rows" + (f" ({told})" if told else ""))
    if counts["bad"]:
        if not json:
            err.print(f"[red]✗[/] {counts['bad']:,} rows were bad, and are listed above")
        raise typer.Exit(1)


def import_file(
    table: Catalogs, name: str, file: Path, find_by: Iterable[str] = (), *, as_json: bool = False
) -> Counter[str]:
    """Import with a bar, telling of each bad row; answers what became of the rows.

    Raises OSError, BadFile, Importing and Throttled.
    """
    with file.open("rb") as lines:
        return _import(table, name, lines, file, find_by, as_json=as_json)


def _import(
    table: Catalogs, name: str, lines: BinaryIO, file: Path, find_by: Iterable[str], *, as_json: bool
) -> Counter[str]:
    given = whole(lines)
    known = header(given)
    by = tuple(match(columns.split(","), known) for columns in find_by)
    importer = table.importer(name, known.columns, by, now_ms(), uuid.uuid4().hex, now_ms)
    counts: Counter[str] = Counter()
    with progress(f"importing {file.name}", file.stat().st_size) as bar, _going_on_later(importer, counts, file):
        for done in importer.run(records(known, importer.known.match, given)):
            counts.update(done.counts)
            for bad in done.bad:
                if as_json:
                    print_json({"file": str(file), "line": bad.line, "reason": bad.reason})
                else:
                    err.print(f"[red]✗[/] [bold]{escape(f'{file}:{bad.line}')}[/] {escape(bad.reason)}")
            for line, value in done.shared:
                what = f"{file}:{line}: {value} is another row's too; who looks it up finds the later one"
                err.print(f"[yellow]![/] {escape(what)}")
            bar.update(bar.task_ids[0], completed=done.end)
    importer.finish(counts)
    return counts


@contextmanager
def _going_on_later(importer: Importer, counts: Counter[str], file: Path) -> Iterator[None]:
    """An import that ends early says what went in, and keeps nobody from importing the rest at once."""
    try:
        yield
    except BaseException as error:
        with suppress(Importing, ClientError, BotoCoreError):  # the lease is over in two minutes at most
            importer.pause()
        told = ", ".join(f"{number:,} {what}" for what, number in counts.items() if number) or "nothing yet"
        what = f"interrupted; {told}. The same command again does the rest."
        if not isinstance(error, KeyboardInterrupt):
            what = f"not imported to its end; {told}."
        err.print(f"[yellow]![/] {escape(file.name)}: {what}")
        raise


@app.command("list")
def list_(*, stage: Stage = "local", json: Json = False) -> None:
    """List all catalogs."""
    rows = [_row(each) for each in catalogs(Deployment.find(stage)).all()]
    print_rows(rows, ["catalog", "columns", "found_by", "imported_at", "rows"], as_json=json)


def _row(known: Catalog) -> dict[str, Any]:
    return {
        "catalog": known.name,
        "columns": list(known.columns),
        "found_by": [IDENTITY, *("+".join(columns) for columns in known.match)],
        "imported_at": iso(known.at) if known.at else None,
        "rows": known.counts.get("rows"),
        "last_import": dict(known.counts),
    }


@app.command()
def show(
    name: Name,
    identity: Annotated[str, typer.Argument(help="The identity of the row to print.")] = "",
    *,
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="Print the row that a message would find, such as Name='white coat'. If given several times, all"
            " have to match."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="How many rows.", min=1)] = 20,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Print some rows of a catalog, or one row.

    Example: `holdfast catalog show products --where Name=coat --stage dev`
    """
    table = catalogs(Deployment.find(stage))
    wanted = {IDENTITY: identity} if identity else {}
    for condition in where or []:
        column, equals, text = condition.partition("=")
        if not equals:
            raise typer.BadParameter(f"{condition!r} is not COLUMN=VALUE", param_hint="--where")
        wanted[column.strip()] = text.strip()
    try:
        known = table.get(name)
        rows = [table.row(name, wanted)] if wanted else list(islice(table.rows(name), limit))
    except UnknownCatalog as error:
        raise Failure(f"There is no catalog {error}. See: holdfast catalog list") from None
    print_rows(rows, list(known.columns) if wanted else [IDENTITY, NAME, IMAGE], as_json=json)


@app.command()
def delete(
    name: Name,
    identities: Annotated[
        list[str] | None, typer.Argument(help="The identities of the rows to delete. Default: all.")
    ] = None,
    *,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Delete a catalog, or some of its rows. Messages that need them use their default, or are withheld.

    Example: `holdfast catalog delete products --stage dev`
    """
    table = catalogs(Deployment.find(stage))
    deleted = 0
    try:
        for identity in identities or []:
            table.delete_row(name, identity)
            deleted += 1
        if not identities:
            with progress(f"deleting {name}", None) as bar:
                for some in table.delete(name):
                    deleted += some
                    bar.advance(bar.task_ids[0], some)
    except UnknownCatalog as error:
        raise Failure(f"There is no catalog {error}. See: holdfast catalog list") from None
    except Throttled:
        raise Failure("AWS throttles the catalog table. Run the same command again to finish it.") from None
    if json:
        print_json({"catalog": name, "deleted": deleted, "whole": not identities})
    else:
        what = f"{deleted:,} rows deleted" if identities else f"deleted, with {deleted:,} items"
        out.print(f"[green]✓[/] {escape(name)}: {what}")


def lookup(deployment: Deployment) -> Lookup:
    """The data that deliver looks up, except for Amazon Personalize's: nobody's preview is billed."""
    tables = deployment.outputs
    return Lookup(deployment.client("dynamodb"), tables["UsersTableName"], tables["CatalogTableName"])


def catalogs(deployment: Deployment) -> Catalogs:
    return Catalogs(deployment.client("dynamodb"), deployment.outputs["CatalogTableName"])
