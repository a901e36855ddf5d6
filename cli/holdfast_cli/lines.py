"""Records in files: one JSON value on each line, JSON in any other layout, CSV, or Parquet; on disk or in S3.

A row of a table is a plain record: its columns are user, event, ts, and the properties. Nothing is held in memory but
the row or the line at hand, or, of a JSON value over several lines, the file.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import IO, Any, cast

import typer

from holdfast.core.events import Json
from holdfast_cli.output import Failure

TEXTS = ("user", "alias", "event", "id")
"""Columns of CSV whose cells are text, whatever they look like."""
ROWS = 10_000
"""Rows that are taken from a table at a time."""
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")
_WORDS: dict[str, Json] = {"true": True, "false": False}
_BEGINNINGS = (b"[", b"{", b"[{")
"""First lines of JSON that is printed over several."""
_MARK = "\ufeff".encode()
"""What some programs write at the beginning of UTF-8."""
_S3 = re.compile(r"s3:/{1,2}(?P<bucket>[^/]+)/(?P<key>.+)")
"""A path has one slash where an address has two."""


def read_lines(path: Path) -> Iterator[bytes]:
    """The records of a file, as lines of JSON. `.gz` is unpacked, `-` is standard input, and `s3://bucket/key` an
    object in S3, which is fetched into a temporary file. Raises Failure.
    """
    try:
        with _fetched(path) as file:
            yield from _table(file) if _name(file).endswith(".parquet") else _text(file)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Failure(f"{path} cannot be read: {reason}") from error


def plain(path: Path) -> bool:
    """Whether the file can be read in pieces: it is on disk, unpacked, and has a record on each line."""
    if _name(path).endswith((".gz", ".csv", ".parquet")) or not path.is_file():
        return False
    with path.open("rb") as file:
        lines = _not_blank(file)
        return _layout(next(lines, b""), next(lines, b"")) is _Layout.LINES


def _not_blank(file: IO[bytes]) -> Iterator[bytes]:
    return filter(bytes.strip, chain([file.readline().removeprefix(_MARK)], file))


class _Layout(Enum):
    LINES = auto()
    """A record on each line, or several that belong together: a batch."""
    SEVERAL = auto()
    """A list on each line, or objects one behind the other."""
    OVER_LINES = auto()


def _layout(first: bytes, second: bytes) -> _Layout:
    """The layout of a file, by its first two lines that are not blank."""
    if not first.startswith((b"{", b"[")):
        return _Layout.LINES
    if (found := _apart(first)) is not None:
        return _Layout.LINES if len(found) == 1 and first.startswith(b"{") else _Layout.SEVERAL
    # An object cannot begin with another one: the first line is broken.
    return _Layout.LINES if first.startswith(b"{") and second.startswith(b"{") else _Layout.OVER_LINES


def _text(path: Path) -> Iterator[bytes]:
    with _open(path) as file:
        if _name(path).removesuffix(".gz").endswith(".csv"):
            yield from _csv(path, file)
            return
        lines = _not_blank(file)
        first, second = next(lines, b""), next(lines, b"")
        every = chain(filter(None, (first, second)), lines)
        match _layout(first, second):
            case _Layout.LINES:
                yield from every
            case _Layout.SEVERAL:
                for line in every:
                    yield from [line] if (found := _apart(line)) is None else found
            case _Layout.OVER_LINES:
                text = [*every]
                whole = b"".join(text)
                # If it cannot be read, it is rejected with its reason, as a whole where it was printed over lines.
                as_it_is = [whole] if first.strip() in _BEGINNINGS else text
                yield from as_it_is if (found := _apart(whole)) is None else found


def _open(path: Path) -> IO[bytes]:
    if str(path) == "-":
        return cast("IO[bytes]", typer.get_binary_stream("stdin"))
    return cast("IO[bytes]", gzip.open(path)) if _name(path).endswith(".gz") else path.open("rb")


def _name(path: Path) -> str:
    return path.name.lower()


def _apart(text: bytes) -> list[bytes] | None:
    """Each record of a JSON list, or of objects one behind the other, with a comma between or without: as a line of its
    own. None if there is anything else.
    """
    found: list[bytes] = []
    try:
        given = text.decode().strip()
        at = 0
        while at < len(given):
            value, at = _next_value(given, at)
            found += map(_line, value if isinstance(value, list) else [value])
            at = cast("re.Match[str]", _BETWEEN.match(given, at)).end()
    except (ValueError, RecursionError):
        return None
    return found


_BETWEEN = re.compile(r"\s*,?\s*")
_next_value = json.JSONDecoder().raw_decode


# --- Tables. ---


def _csv(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    """A row is a record: an empty cell is not there, and a cell that is a number, true, false, or a list or an object
    in JSON is that; but for ids and names, which are text.
    """
    try:
        text = TextIOWrapper(file, "utf-8-sig", newline="")
        header = text.readline()
        separator = max(",;\t", key=header.count)
        rows = csv.reader(chain([header], text), delimiter=separator, strict=True)
        columns = [name.strip() for name in next(rows, ())]
        if twice := next((name for name in columns if name and columns.count(name) > 1), ""):
            raise Failure(f"{path}: there are two columns {twice}: give one of them another name")
        for row in rows:
            if len(row) > len(columns):
                raise Failure(f"{path}, line {rows.line_num}: {len(row)} cells for {len(columns)} columns")
            cells = {name: cell for name, cell in zip(columns, row, strict=False) if name and cell}
            if cells:
                yield _line({name: cell if name in TEXTS else _value(cell) for name, cell in cells.items()})
    except UnicodeDecodeError:
        raise Failure(f"{path} is not UTF-8 text: save it as 'CSV UTF-8'") from None
    except csv.Error as error:
        raise Failure(f"{path}, line {rows.line_num}: {error}") from None


def _value(cell: str) -> Json:
    """A number only where its text is how it is written: 00123 is a product's number, and stays text."""
    if _NUMBER.fullmatch(cell):
        return float(cell) if "." in cell else int(cell)
    if cell[0] in "[{":
        try:
            return cast("Json", json.loads(cell))
        except ValueError:
            return cell
    return _WORDS.get(cell.lower(), cell)


def _table(path: Path) -> Iterator[bytes]:
    """A row is a record: what is null or NaN is not there, and a point in time is in epoch milliseconds."""
    try:
        import duckdb  # noqa: PLC0415  (only who has such a file pays for it)
    except ImportError:
        raise Failure("Parquet is read by DuckDB: pip install duckdb") from None
    with duckdb.connect() as duck:
        try:
            described = duck.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            columns = ", ".join(_column(name, kind) for name, kind, *_ in described)
            # A column may have the name of any table: without one, all of them are a row.
            rows_of = f"SELECT to_json(struct_pack({columns})) FROM read_parquet(?)"  # noqa: S608
            found = duck.execute(rows_of, [str(path)])
            while rows := found.fetchmany(ROWS):
                for (row,) in rows:
                    yield _line({name: value for name, value in json.loads(row).items() if not _is_missing(value)})
        except duckdb.Error as error:
            raise Failure(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def _is_missing(value: Json) -> bool:
    """NaN, too, is how programs write a number that they do not have."""
    return value is None or value != value  # noqa: PLR0124


def _column(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    if kind == "TIMESTAMP_NS":  # as pandas writes it: of which DuckDB knows no milliseconds
        return f"{quoted} := epoch_ms({quoted}::TIMESTAMP)"
    return f"{quoted} := epoch_ms({quoted})" if kind.startswith(("TIMESTAMP", "DATE")) else f"{quoted} := {quoted}"


def _line(record: Any) -> bytes:
    try:
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair, for which only an escape can stand
        return json.dumps(record).encode() + b"\n"


# --- S3. ---


@contextmanager
def _fetched(path: Path) -> Iterator[Path]:
    """The file itself; or a temporary copy of an object in S3, of the same name."""
    address = _S3.fullmatch(str(path))
    if address is None:
        yield path
        return
    import boto3  # noqa: PLC0415  (offline, nothing needs it)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        copy = Path(folder) / Path(address["key"]).name
        try:
            body = boto3.client("s3").get_object(Bucket=address["bucket"], Key=address["key"])["Body"]
        except (BotoCoreError, ClientError) as error:
            raise Failure(f"s3://{address['bucket']}/{address['key']} cannot be read: {error}") from error
        with copy.open("wb") as file:
            shutil.copyfileobj(body, file)
        yield copy
