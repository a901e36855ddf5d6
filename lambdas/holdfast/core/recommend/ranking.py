"""Recommenders: what join, the nightly build and deliver need of a recommendation's revision; and what they recommend.

Plain data as a `Plan` is: no Pydantic, which every cold start of join would pay for.

A build is rows in the catalog table. Of every item that others go with, one row names those, best first; one row, that
of the item `POPULAR`, names what is popular. The pointer, written when all rows are there, says which build is live:

`rec#`name`#`build`#`item / `-`   `items`: JSON, [[item, score, support], …]; `expires_at`
`rec#`name / `live`               `build`, and what is told of it
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, TypeAlias

from holdfast.core.events import Json

LOOKBACK_MS = 90 * 24 * 60 * 60_000
SHORTEST_MS = 24 * 60 * 60_000
"""The shortest lookback: history is partitioned by day."""
LIMIT = 3
MIN_SUPPORT = 2
POPULAR = ""
RECENT = 3
"""The latest items of a user that are kept of each recommendation: those that it recommends by."""
DONE = 20
"""The latest items of `exclude_done` that are kept."""
RECENT_MS = 60 * 24 * 60 * 60_000
"""How long both are kept after they were seen."""
MOST_ITEMS = 100
"""Items of one event that are looked at."""

Find: TypeAlias = Callable[[Mapping[str, Json]], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommender:
    """One revision of a recommendation. Events are named by `event_key`; times are milliseconds.

    `did` says, by event, where it bears the items that are done together (JMESPath); `exclude_done`, by event, those
    that are not recommended to who did it. `include` and `exclude` choose among the catalog's rows: by column, the
    values of which a row must have one, or none. `personalize` is the ARN of a recommender or campaign of Amazon
    Personalize; without, what is recommended are the rows of the nightly build. `popular`: users without known items
    get popular items.
    """

    id: str
    revision: int = 1
    name: str = ""
    catalog: str
    names: Mapping[str, str] = field(default_factory=dict)
    did: Mapping[str, str]
    lookback: int = LOOKBACK_MS
    min_support: int = MIN_SUPPORT
    include: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude_done: Mapping[str, str] = field(default_factory=dict)
    limit: int = LIMIT
    popular: bool = False
    personalize: str | None = None

    def to_json(self) -> dict[str, Json]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recommender:
        columns = {
            name: {column: tuple(values) for column, values in data[name].items()} for name in ("include", "exclude")
        }
        return cls(**{**data, **columns})


def items(find: Find, properties: Mapping[str, Json]) -> tuple[str, ...]:
    """The items that an event bears, as text, each once; what is neither text nor a number is none.

    Raises ValueError or TypeError where the JMESPath does not fit the properties.
    """
    found = find(properties)
    texts = map(_text, found if isinstance(found, list) else [found])
    return tuple(dict.fromkeys(text for text in texts if text))


def _text(value: Json) -> str:
    """An item's text, like that of constant values: 123, "123" and 123.0 are one item."""
    match value:
        case str():
            return value.strip()
        case bool():
            return ""
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            return ""


class Neighbour(NamedTuple):
    """An item that goes with another, or is popular: its score (0 to 1), and how many users it follows from."""

    item: str
    score: float
    support: int


class Recommended(NamedTuple):
    """An item to recommend, and because of which of the user's items; None: because it is popular."""

    item: str
    score: float
    support: int
    because: str | None


class Seen(NamedTuple):
    """The meaning of an event to a recommendation: the user did something with an item, at a time (epoch milliseconds).

    `done` items are not recommended; the others seed the recommendation.
    """

    recommendation: str
    item: str
    at: int
    done: bool


Items: TypeAlias = Mapping[str, int]
"""Items, and when each was last seen. Of too many the oldest go; of equal times, the one whose text is less."""


def remember(known: dict[str, int], item: str, at: int, most: int) -> None:
    """Merge by the later time, and keep the `most` latest: so order, repetition and batches do not matter."""
    known[item] = max(at, known.get(item, 0))
    if len(known) > most:
        del known[min(known, key=lambda each: (known[each], each))]


def latest_first(known: Items) -> list[str]:
    return sorted(known, key=lambda each: (known[each], each), reverse=True)


def row_key(name: str, build: str, item: str) -> str:
    return f"rec#{name}#{build}#{item}"


def pointer_key(name: str) -> str:
    return f"rec#{name}"


def encode(neighbours: Iterable[Neighbour]) -> str:
    return json.dumps([list(each) for each in neighbours], separators=(",", ":"), ensure_ascii=False)


def decode(text: str) -> tuple[Neighbour, ...]:
    return tuple(Neighbour(*each) for each in json.loads(text))


def ranked(
    rows: Mapping[str, Sequence[Neighbour]],
    seeds: Sequence[str],
    *,
    popular: Sequence[Neighbour] = (),
    without: Collection[str] = (),
) -> list[Recommended]:
    """Items that go with the seeds (the user's own) or are popular, best first; no seed, none of `without`.

    An item has the sum of its scores, with each seed that it goes with and of what is popular, and is there because of
    the greatest of them: a seed, or None for what is popular.
    """
    own = {*seeds, *without}
    total: dict[str, float] = {}
    best: dict[str, tuple[Neighbour, str | None]] = {}
    for because in (None, *seeds):
        neighbours = popular if because is None else rows.get(because, ())
        for each in neighbours:
            if each.item in own:
                continue
            total[each.item] = total.get(each.item, 0.0) + each.score
            if each.item not in best or each.score > best[each.item][0].score:
                best[each.item] = (each, because)
    order = sorted(total, key=lambda item: (-total[item], -best[item][0].support, item))
    return [Recommended(item, round(total[item], 6), best[item][0].support, best[item][1]) for item in order]
