"""The heads of events on lines that are flat objects: whose event it is, its name and its time.

So events that no campaign uses are skipped in less time. Their other properties have to be like those of events that
were read in full: msgspec, which is told their names and limits, then checks each line as the full reading would.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Annotated, Any, NamedTuple, cast

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct
from msgspec.json import Decoder

from holdfast.core.intake.fields import EARLIEST_MS, LATEST_MS
from holdfast.core.intake.flat import Flat, FlatValue, ShortText

MOST_NAMES = 64
"""Names of properties in one file. With more of them, its lines have little in common, and are read in full."""
FEW = 64
"""So many lines, or fewer, are not divided any further."""
MOST_ODD = 16
"""Pieces of one chunk that are read in full before the rest of it is, too."""


class Head(Struct, gc=False, forbid_unknown_fields=True):
    user: ShortText
    event: ShortText
    ts: int


class Piece(NamedTuple):
    """Some of the lines of a chunk, from `start` on, and their heads; None if these lines are to be read in full."""

    start: int
    text: bytes
    lines: Sequence[bytes]
    heads: list[Head] | None


class Heads:
    """Learns the names of properties from some objects, and reads the heads of others that have no other properties.

    `latest` is the latest time that an event may have.
    """

    def __init__(self, latest: int) -> None:
        self._time = Annotated[int, Meta(ge=EARLIEST_MS, le=min(latest, LATEST_MS - 1))]
        self._names: set[str] = set()
        self._learns = True
        self._decoder: Decoder[Head] | None = None

    def learn(self, objects: Iterable[Flat]) -> None:
        """Names that msgspec cannot be told are not learned."""
        if not self._learns:
            return
        names = set().union(*objects) - {"user", "event", "ts", "id", "alias"}
        names = self._names.union(name for name in names if name.isprintable() and not {*'"\\'} & {*name})
        if len(names) > MOST_NAMES:
            self._learns, self._decoder = False, None
        elif names != self._names or self._decoder is None:
            self._names, self._decoder = names, self._for(names)

    def _for(self, names: set[str]) -> Decoder[Head]:
        renamed = {f"property{number}": name for number, name in enumerate(sorted(names))}
        fields: list[Any] = [("ts", self._time), ("id", ShortText | UnsetType, UNSET)]
        fields += [(field, FlatValue, None) for field in renamed]
        like = defstruct("Like", fields, bases=(Head,), rename=renamed, gc=False, forbid_unknown_fields=True)
        return Decoder(cast("type[Head]", like))

    def pieces(self, text: bytes, lines: Sequence[bytes]) -> Iterator[Piece]:
        """The lines of a text, in order. Lines that are not as those that were learned are searched for by halves.
        Whoever reads a piece in full can learn from it before asking for the next one.
        """
        left, odd = [(0, lines, text)], 0
        while left:
            start, some, text = left.pop()
            heads = self._read(text, some) if odd < MOST_ODD else None
            if heads is None and self._learns and len(some) > FEW and odd < MOST_ODD:
                half = len(some) // 2
                left += [(start + n, each, b"\n".join(each)) for n, each in ((half, some[half:]), (0, some[:half]))]
            else:
                odd += heads is None
                yield Piece(start, text, some, heads)

    def _read(self, text: bytes, lines: Sequence[bytes]) -> list[Head] | None:
        """The heads of the objects on the lines of a text, if each is as those that were learned; else None.

        A line that begins with a brace begins an object, as there is none inside of another. With as many objects as
        lines, each line is one.
        """
        if self._decoder is None:
            return None
        try:
            alone = {*map(_first_byte, lines)} == _BRACE
            heads = self._decoder.decode_lines(text) if alone else []
        except (IndexError, ValueError, RecursionError):  # the first if a line is empty
            return None
        return heads if len(heads) == len(lines) else None


_first_byte = itemgetter(0)
_BRACE = set(b"{")
