"""Names for writing a campaign: events and properties, catalogs, recommendations, sources, and incoming records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from holdfast.console.models.basics import Asked, Told


class Me(Told):
    name: str
    groups: list[str]
    may_edit: bool
    stage: str


class SeenProperty(Told):
    path: str
    types: list[str]


class Use(Told):
    campaign: str
    part: Literal["did", "did_not", "convert"]


class SeenEvent(Told):
    """`campaigns` are the live ones that use it. `volume` is about how many came, by day."""

    name: str
    properties: list[SeenProperty]
    campaigns: list[Use]
    volume: list[int]


class SeenNames(Told):
    """`days` (UTC) are those of each volume, the oldest first. `others` came under names that are not counted apart."""

    days: list[str]
    events: list[SeenEvent]
    others: list[int]
    profile: list[SeenProperty]


class Suggestion(Told):
    """`insert` is what stands between the braces."""

    insert: str
    label: str
    note: str


class Group(Told):
    group: str
    items: list[Suggestion]


class Suggested(Told):
    groups: list[Group]


class Catalog(Told):
    """`rows` is how many its last import read; null where none has come to an end yet."""

    name: str
    columns: list[str]
    rows: int | None
    imported_at: int | None


class Catalogs(Told):
    catalogs: list[Catalog]


class Recommendation(Told):
    """`columns` are those of the catalog whose rows it recommends."""

    name: str
    title: str
    revision: int
    published_at: int
    catalog: str
    columns: list[str]
    limit: int


class Recommendations(Told):
    recommendations: list[Recommendation]


class LiveSource(Told):
    """How bodies of another system are read. `match` says which; `source` is the file as it was published."""

    id: str
    name: str
    revision: int
    match: str
    published_at: int
    published_by: str | None
    note: str | None
    source: str


class Sources(Told):
    """The live sources, in the order in which they are asked."""

    sources: list[LiveSource]


class LookOn(Asked):
    """Follow incoming records under an id of the client's choice: a request within 45 seconds of the last one
    continues. `user` and `event` filter, from then on. `values` of properties are shown to editors only.
    """

    id: Annotated[str, Field(pattern="^[0-9a-f]{8,32}$")]
    user: Annotated[str, Field(max_length=1024)] = ""
    event: Annotated[str, Field(max_length=120)] = ""
    values: bool = False


class Came(Told):
    """A record: names and types of its properties, and the campaigns that it touches. `again`: it comes again. `values`
    are the beginnings of values as JSON, by the path of the property, where they were asked for.
    """

    came: int
    form: str
    read: Literal["event", "profile", "tie", "rejected", "ignored", "later"]
    user: str
    event: str
    at: int | None
    properties: list[str]
    campaigns: list[str]
    reason: str
    again: bool
    values: dict[str, str]


class Tailed(Told):
    """The records since the last request, and how many more that are not shown."""

    records: list[Came]
    more: int
