"""What the API takes and gives: validated on the way in, and the OpenAPI document is made of it.

Times are epoch milliseconds. What the command line prints with --json stands here as it is there, as an open object.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

MAX_SOURCE = 200_000
"""Characters of a campaign's file."""

CampaignId: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
UserId: TypeAlias = Annotated[str, Field(min_length=1, max_length=1024)]
Object: TypeAlias = dict[str, Any]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Drafted(Asked):
    """A campaign: as JSON, as the text of its file, or both. Then `campaign` says what, and `source` is rewritten."""

    campaign: Object | None = None
    source: Annotated[str | None, Field(max_length=MAX_SOURCE)] = None


class Occurrence(Drafted):
    """A campaign and a user, real or made up. Without `event` the latest event that is kept of the user counts, without
    `profile` what is held of them. `event` is the trigger's properties, an event in any form, or a list of them.
    """

    user: UserId
    event: Object | list[Object] | None = None
    profile: Object | None = None


class Samples(Drafted):
    events: Annotated[list[Object], Field(max_length=100)]


class Publish(Drafted):
    """`seen_revision` is the live revision that the editor began with, 0 where there was none."""

    seen_revision: Annotated[int, Field(ge=0)]


class Seen(Asked):
    seen_revision: Annotated[int, Field(ge=1)]


class Rollback(Seen):
    to: Annotated[int | None, Field(ge=1, description="Without: the revision before the live one.")] = None


class Redrive(Asked):
    ids: Annotated[list[str] | None, Field(max_length=1000, description="Without: all that waits.")] = None


class Told(BaseModel):
    """An answer."""


class Me(Told):
    name: str
    groups: list[str]
    may_edit: bool
    stage: str


class Row(Told):
    """A campaign in the list."""

    id: str
    name: str
    revision: int
    paused: bool
    published_at: int
    did: list[str]
    did_not: list[str]
    within: str
    one_per: str


class Listed(Told):
    campaigns: list[Row]


class Revision(Told):
    revision: int
    published_at: int


class Shown(Told):
    """One revision of a campaign: as its file, and as JSON (null where today's rules refuse the file)."""

    id: str
    revision: int
    live_revision: int
    paused: bool
    published_at: int
    source: str
    campaign: Object | None
    revisions: list[Revision]


class Mistake(Told):
    """`line` and `column` are in the file, `template_line` and `template_column` in the template's own text."""

    path: list[str | int]
    place: str
    message: str
    line: int
    column: int
    template_line: int | None
    template_column: int | None


class Hint(Told):
    """What looks wrong, going by the events that were seen so far."""

    path: list[str | int]
    place: str
    message: str
    line: int
    column: int


class Checked(Told):
    ok: bool
    campaign: Object | None
    source: str | None
    mistakes: list[Mistake]
    hints: list[Hint]


class Previewed(Told):
    ok: bool
    mistakes: list[Mistake]
    user: str
    campaign: str
    revision: int
    sent: bool
    reason: str | None
    values: Object
    event: Object
    source: Annotated[str, Field(description="The bus event's source.")]
    detail_type: str
    detail: Object
    pattern: Annotated[Object, Field(description="An event pattern for a rule that catches it.")]


class Published(Told):
    id: str
    revision: int
    paused: bool
    published_at: int
    changed: bool


class Tested(Told):
    id: str
    source: str
    detail_type: str
    detail: Object


class SeenProperty(Told):
    path: str
    types: list[str]


class SeenEvent(Told):
    name: str
    properties: list[SeenProperty]


class SeenNames(Told):
    events: list[SeenEvent]
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


class Explained(Told):
    user: str
    profile: Object
    explanations: list[Object]


class Matched(Told):
    by_event: dict[str, list[Any]]
    problems: dict[str, str]
    match: bool | None
    text: str


class Waiting(Told):
    id: str
    reason: str
    campaigns: list[str]
    at: int
    record: Any


class Queued(Told):
    messages: list[Waiting]
    approximate_total: int


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


class Count(Told):
    value: str
    count: int


class Numbers(Told):
    """A campaign's days. `waiting` is null where the users table is too large to be counted while somebody waits, and
    `waiting_at_least` is what was found then. `top`'s counts are too low by `top_error` at most.
    """

    waiting: int | None
    waiting_at_least: int
    sent: list[int]
    withheld: dict[str, list[int]]
    retracted: list[int]
    failed: list[int]
    top: list[Count]
    top_error: int


class Statistics(Told):
    """`days` are UTC, the last one still under way; `waiting_at` is when `waiting` was counted."""

    days: list[str]
    campaigns: dict[str, Numbers]
    waiting_at: int


class Redriven(Told):
    redriven: int
    failed: dict[str, int]
    left: int
