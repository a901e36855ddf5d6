"""A catalog's CSV file, read record by record: the good rows, and every bad one with its line and the reason.

The first line names the columns: `Identity`, `Name` and `ImageURL` among them, twenty at most. Separators are commas,
semicolons or tabs, whichever the first line has; the text is UTF-8. An empty cell is no value.

A quote that is never closed would swallow all that follows: where a record of several lines turns out bad, its first
line is, and reading goes on with the second.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from holdfast.core.catalog.rows import IDENTITY, IMAGE, MAX_KEY, NAME, Match, Values, key_bytes

REQUIRED = (IDENTITY, NAME, IMAGE)
MAX_COLUMNS = 20
MAX_COLUMN_NAME = 120
"""Characters."""
MAX_ROW = 16_384
"""Bytes of a row, of which a reader pays for every four thousand."""
MAX_RECORD = 65_536
"""Bytes of a record in the file."""

_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f,#]")


class BadFile(ValueError):
    """Nothing of the file can be imported, and this says why."""


class Header(NamedTuple):
    columns: tuple[str, ...]
    separator: str


class Row(NamedTuple):
    """`line` counts from 1; the row ends with line `last`. `end` is the byte of the file at which the next begins."""

    line: int
    last: int
    end: int
    values: Values


class Bad(NamedTuple):
    line: int
    end: int
    reason: str

    @property
    def last(self) -> int:
        return self.line


def header(line: bytes) -> Header:
    """What the first line says. Raises BadFile."""
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        msg = "the file is not UTF-8 text; save it as 'CSV UTF-8'"
        raise BadFile(msg) from None
    if "\r" in text.rstrip("\r\n"):
        msg = "its lines end as those of old Macs do (CR); save it as 'CSV UTF-8'"
        raise BadFile(msg)
    separator = max(",;\t", key=text.count)
    try:
        columns = tuple(cell.strip() for cell in next(csv.reader([text], delimiter=separator), []))
    except csv.Error as error:
        msg = f"the first line is not one of a CSV file: {error}"
        raise BadFile(msg) from None
    if not any(columns):
        msg = f"the first line names no columns; it should begin with {','.join(REQUIRED)}"
        raise BadFile(msg)
    if missing := [name for name in REQUIRED if name not in columns]:
        rest = [column for column in columns if column not in REQUIRED]
        msg = f"there is no column {missing[0]}{_meant(missing[0], rest)}"
        raise BadFile(msg)
    if len(columns) > MAX_COLUMNS:
        msg = f"{len(columns)} columns; {MAX_COLUMNS} is the most"
        raise BadFile(msg)
    for column in columns:
        if not column or len(column) > MAX_COLUMN_NAME or _NOT_IN_A_NAME.search(column):
            msg = f"{column!r} is no name of a column: {MAX_COLUMN_NAME} characters at most, none of them , or #"
            raise BadFile(msg)
        if columns.count(column) > 1:
            msg = f"column {column} is there twice"
            raise BadFile(msg)
    return Header(columns, separator)


def _meant(name: str, known: Iterable[str]) -> str:
    folded = {column.casefold(): column for column in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f"; did you mean {folded[close[0]]!r}?" if close else ""


def match(columns: Iterable[str], known: Header) -> tuple[str, ...]:
    """A set of columns by which to find rows. Raises BadFile."""
    names = tuple(sorted({column.strip() for column in columns}))
    for name in names:
        if name not in known.columns:
            msg = f"there is no column {name!r} to find rows by{_meant(name, known.columns)}"
            raise BadFile(msg)
    return names


def records(known: Header, by: Match, lines: Iterable[bytes], *, line: int = 1, end: int = 0) -> Iterator[Row | Bad]:
    """What follows line `line`, which ends at byte `end`. Empty lines are nothing."""
    source = _Lines(lines, line, end)
    while True:
        source.begin()
        try:
            cells = next(csv.reader(source, delimiter=known.separator, strict=True), None)
            if cells is None:
                return
            values = _values(known, by, cells) if any(cells) else None
        except UnicodeDecodeError:
            reason = "not UTF-8 text"
        except (csv.Error, _BadRow) as error:
            reason = str(error)
        else:
            if values is not None:
                yield Row(source.first, source.last, source.end, values)
            continue
        source.keep_first()
        yield Bad(source.first, source.end, reason)


class _BadRow(ValueError):
    pass


class _Lines:
    """Hands out lines as text, and takes those back that a bad record took with it."""

    def __init__(self, lines: Iterable[bytes], line: int, end: int) -> None:
        self._lines = iter(lines)
        self._again: list[bytes] = []
        self._taken: list[bytes] = []
        self.last = line
        self.end = end

    @property
    def first(self) -> int:
        """The line on which the record begins."""
        return self.last - len(self._taken) + 1

    def begin(self) -> None:
        self._taken = []

    def keep_first(self) -> None:
        """Of the record that was begun, take all lines back but the first."""
        back = self._taken[1:]
        self._again += reversed(back)
        self._taken = self._taken[:1]
        self.last -= len(back)
        self.end -= sum(map(len, back))

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if sum(map(len, self._taken)) > MAX_RECORD:
            msg = "a quote is not closed"
            raise _BadRow(msg)
        raw = self._again.pop() if self._again else next(self._lines)
        self._taken.append(raw)
        self.last += 1
        self.end += len(raw)
        return raw.decode()


def _values(known: Header, by: Match, cells: Sequence[str]) -> Values:
    if len(cells) != len(known.columns):
        msg = f"{len(cells)} cells where there are {len(known.columns)} columns"
        raise _BadRow(msg)
    row = {column: text for column, cell in zip(known.columns, cells, strict=True) if (text := cell.strip())}
    for column in REQUIRED:
        if column not in row:
            msg = f"{column} is empty"
            raise _BadRow(msg)
    if not _https(row[IMAGE]):
        msg = f"{IMAGE} is no https:// address: {row[IMAGE][:100]!r}"
        raise _BadRow(msg)
    size = sum(len(column.encode()) + len(text.encode()) for column, text in row.items())
    if size > MAX_ROW:
        msg = f"{size:,} bytes; {MAX_ROW:,} is the most"
        raise _BadRow(msg)
    for columns in ((IDENTITY,), *by):
        if key_bytes(row.get(column, "") for column in columns) > MAX_KEY:
            msg = f"{', '.join(columns)}: too long to be looked up by; {MAX_KEY} bytes is the most"
            raise _BadRow(msg)
    return row


def _https(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" and bool(parts.hostname) and not any(map(str.isspace, address))
    except ValueError:
        return False
