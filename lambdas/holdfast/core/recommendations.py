"""Recommenders: what join, the nightly build and deliver need of a recommendation's revision.

Plain data as a `Plan` is: no Pydantic, which every cold start of join would pay for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from holdfast.core.events import Json

LOOKBACK_MS = 90 * 24 * 60 * 60_000
SHORTEST_MS = 24 * 60 * 60_000
"""Of a lookback: history is kept by the day."""
LIMIT = 3
MIN_SUPPORT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommender:
    """One revision of a recommendation. Events are named by `event_key`; times are milliseconds.

    `did` says, by event, where it bears the items that are done together (JMESPath); `exclude_done`, by event, those
    that are not recommended to who did it. `include` and `exclude` choose among the catalog's rows: by column, the
    values of which a row must have one, or none. `personalize` is the ARN of a recommender or campaign of Amazon
    Personalize; without, what is recommended are the rows of the nightly build. `popular`: where nothing is known of
    a user, what is popular is recommended.
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
