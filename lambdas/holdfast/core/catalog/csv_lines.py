"""The lines of a CSV file, handed out as text, and taken back where a bad record took too many with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

MAX_RECORD = 65_536
"""Bytes of a record in the file."""
MAX_LINE = 1024 * 1024
"""Bytes. What has longer lines is not a CSV file, and would fill the memory."""

UNCLOSED = "a quote is not closed"


class BadFile(ValueError):
    """Nothing of the file, or nothing more of it, can be imported, and this says why."""


class LineTooLong(BadFile):
    def __init__(self, most: int) -> None:
        super().__init__(f"a line is longer than {most:,} bytes; is this a CSV file?")


class BadRow(ValueError):
    pass


def in_words(error: Exception) -> str:
    return UNCLOSED if str(error) == "unexpected end of data" else str(error)


class Lines:
    """Hands out lines as text, and takes those back that a bad record took with it."""

    def __init__(self, lines: Iterable[bytes], line: int, end: int) -> None:
        self._lines = iter(lines)
        self._again: list[bytes] = []
        self._broken: BadFile | None = None
        self.ended = False
        self._taken: list[bytes] = []
        self.size = 0
        self.last = line
        self.end = end

    @property
    def first(self) -> int:
        """The line on which the record begins."""
        return self.last - len(self._taken) + 1

    def begin(self) -> None:
        self._taken = []
        self.size = 0

    def look(self) -> bytes:
        """The next line, which stays."""
        if not self._again:
            self._again += [line for line in [next(self._lines, b"")] if line]
        return self._again[-1] if self._again else b""

    def plain(self) -> list[bytes]:
        """Takes lines before the next quote, some at a time; or none. Raises BadFile after what came before it."""
        if self._again:
            return []
        if self._broken:
            raise self._broken
        some, size = [], 0
        try:
            for raw in self._lines:
                if b'"' in raw or not self.last:
                    self._again.append(raw)
                    break
                some.append(raw)
                size += len(raw)
                if size > MAX_RECORD:
                    break
            else:
                self.ended = True
        except BadFile as error:
            self._broken = error
        self.last += len(some)
        self.end += size
        return some

    def take_back(self, lines: Sequence[bytes]) -> None:
        self._again += reversed(lines)
        self.last -= len(lines)
        self.end -= sum(map(len, lines))

    def keep_first(self) -> None:
        """Takes back all lines of the record that was begun, but the first."""
        self.take_back(self._taken[1:])
        self._taken = self._taken[:1]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.size > MAX_RECORD:
            raise BadRow(UNCLOSED)
        raw = self._again.pop() if self._again else next(self._lines)
        self._taken.append(raw)
        self.size += len(raw)
        self.last += 1
        self.end += len(raw)
        return raw.decode("utf-8-sig" if self.last == 1 else "utf-8")
