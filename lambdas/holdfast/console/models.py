"""The models of the API's requests and answers: validated on the way in, and the OpenAPI document is made of it.

Times are epoch milliseconds. What the command line prints with --json stands here as it is there, as an open object.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

MAX_SOURCE = 200_000
"""Characters of a campaign's file."""

CampaignId: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Note: TypeAlias = Annotated[
    str | None, Field(max_length=500, description="Why: stored with the time and the user's name.")
]
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


Force: TypeAlias = Annotated[bool, Field(description="Even if it breaks consumers of the messages.")]


class Publish(Drafted):
    """`seen_revision` is the live revision that the editor began with, 0 where there was none."""

    seen_revision: Annotated[int, Field(ge=0)]
    note: Note = None
    force: Force = False


class Seen(Asked):
    seen_revision: Annotated[int, Field(ge=1)]
    note: Note = None


class Rollback(Seen):
    to: Annotated[int | None, Field(ge=1, description="Without: the revision before the live one.")] = None
    force: Force = False


class PolicyText(Asked):
    source: Annotated[str, Field(max_length=MAX_SOURCE, description="The text of a policy file.")]


class PublishPolicy(PolicyText):
    """`seen_revision` is the live revision that the editor began with, 0 where there was none."""

    seen_revision: Annotated[int, Field(ge=0)]
    note: Note = None


class Chosen(Asked):
    """Messages of a queue: by ids, by groups, or all; with `search`, only those that contain it."""

    ids: Annotated[list[str] | None, Field(max_length=1000)] = None
    groups: Annotated[list[str] | None, Field(max_length=1000, description="As the answer names them.")] = None
    search: Annotated[str, Field(max_length=200)] = ""
    note: Note = None


class Told(BaseModel):
    """An answer. Fields with a default are always present, and need not be passed."""

    model_config = ConfigDict(json_schema_mode_override="serialization")


class Open(Told):
    """An object that the command line prints as well: it may have more keys than those that the page knows."""

    model_config = ConfigDict(extra="allow", json_schema_mode_override="serialization")


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
    one_per: Literal["value", "user"]
    published_by: str | None = None


class Listed(Told):
    campaigns: list[Row]


class Revision(Told):
    """`published_by` and `note` are null for what was published before they were kept."""

    revision: int
    published_at: int
    published_by: str | None = None
    note: str | None = None


class Shown(Told):
    """One revision of a campaign: as its file, and as JSON (null if today's rules refuse the file)."""

    id: str
    revision: int
    live_revision: int
    paused: bool
    published_at: int
    published_by: str | None
    note: str | None
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
    """A hint, going by the events that were seen so far."""

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


class TemplateFault(Open):
    message: str
    line: int | None
    column: int | None


class Variable(Open):
    """A variable of a template, where its value came from, and the value."""

    name: str
    origin: Literal[
        "profile", "event", "constant", "catalog", "recommendation", "campaign", "time", "default", "missing"
    ]
    value: Any


class Traced(Open):
    """One pair of a message: its text, or why there is none."""

    text: str | None
    reason: str | None
    error: TemplateFault | None
    variables: list[Variable]


class Previewed(Told):
    ok: bool
    mistakes: list[Mistake]
    user: str
    campaign: str
    revision: int
    sent: bool
    reason: str | None
    gate: Annotated[str | None, Field(description="The effect of its rules when it is due.")] = None
    values: dict[str, Traced]
    event: Object
    source: Annotated[str, Field(description="The bus event's source.")]
    detail_type: str
    detail: Object
    pattern: Annotated[Object, Field(description="An event pattern for a rule that catches it.")]


class PolicyShown(Told):
    """The policy, the rules for all campaigns. `live_revision` is 0 and `source` null where none was published yet."""

    revision: int
    live_revision: int
    published_at: int | None = None
    published_by: str | None = None
    note: str | None = None
    source: str | None = None
    revisions: list[Revision] = []


class PolicyChecked(Told):
    ok: bool
    mistakes: list[Mistake]
    hints: list[Mistake]


class PolicyPublished(Told):
    revision: int
    published_at: int
    changed: bool


class Published(Told):
    id: str
    revision: int
    paused: bool
    published_at: int
    changed: bool


class Deleted(Told):
    id: str
    revision: int
    """The last one that was live."""


class Tested(Told):
    id: str
    source: str
    detail_type: str
    detail: Object


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


class Fact(Open):
    what: str
    at: int
    text: str


class Explanation(Open):
    """The story of one campaign and one constant value of a user."""

    campaign: str
    name: str
    constant: Any
    status: str
    facts: list[Fact]
    latest: int
    waits_for: list[str]
    until: int | None
    decided: int | None
    message: str
    reason: str
    values: dict[str, Any] | None
    """The pairs of the message, rendered now; null where it cannot be, and for whoever may not see the profile."""
    text: str


class Explained(Told):
    """`known` is false if nothing is stored about the user. `profile` is null if the reader may not see it.

    `ids` are sentences about the other ids of the person whose id the user is.
    `also` says in sentences why nothing may have come of events that no campaign remembers.
    """

    user: str
    ids: list[str]
    known: bool
    profile: Object | None
    explanations: list[Explanation]
    also: list[str]


class Change(Open):
    field: str
    before: Any
    after: Any
    open: bool


class Outcome(Open):
    values: dict[str, str] | None
    reason: str | None
    revision: int


class Difference(Open):
    user: str
    constant: Any
    effect: str
    before: Outcome
    after: Outcome


class Diff(Open):
    """`live` is 0 where nothing was published yet; `complete` is whether all users were read in the time there is.

    `breaking` is what consumers of the messages would not find any more.
    """

    campaign: str
    live: int
    paused: bool = False
    changes: list[Change]
    open: int
    complete: bool
    sentences: list[str]
    examples: list[Difference] = []
    breaking: list[str] = []


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


class QueueGroup(Told):
    """Messages that were set aside for the same reason, numbers in it apart; `messages` are the newest few."""

    group: str
    reason: str
    count: int
    first: int
    last: int
    campaigns: list[str]
    messages: list[Waiting]


class Queued(Told):
    """`looked` is how many messages were looked at, of `approximate_total`; `found` how many of them fit the search."""

    groups: list[QueueGroup]
    looked: int
    found: int
    approximate_total: int


class Counts(Told):
    """About how many messages wait in each queue."""

    rejected: int
    undelivered: int


class Discarded(Told):
    discarded: int
    left: int


class Act(Told):
    """Something that somebody did. `of` is a campaign, or a queue."""

    at: int
    by: str | None
    action: str
    of: str
    revision: int | None
    count: int | None
    note: str | None


class Activity(Told):
    """The newest first."""

    acts: list[Act]


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


class Count(Told):
    value: str
    count: int


class Followed(Told):
    """Conversions after messages of one day: of a revision, a variant (empty: there is none) and a group (empty: they
    were sent; else the control group of the campaign, or of the whole stack). A user counts once, with the first one.
    """

    day: str
    revision: int
    variant: str
    group: Literal["", "control", "stack"]
    messages: int
    converted: int
    amount: float
    currency: str
    users: int
    users_converted: int
    users_amount: float


class ComparedGroup(Told):
    users: int
    converted: int
    amount: float


class Comparison(Told):
    """One variant, or all messages, compared with users who got none. `points` is the interval of the difference, a
    share from 0 to 1, and is valid on any day. `plain_dashboard` is what a test for one day would claim.
    """

    variant: str | None
    against: str | None
    verdict: Literal["works", "harms", "not yet", "nothing to compare"]
    sentence: str
    plain_dashboard: str
    treated: ComparedGroup
    control: ComparedGroup
    points: tuple[float, float]
    currency: str | None
    amount_per_user: tuple[float, float] | None


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
    outcomes: list[Followed] = []
    comparisons: list[Comparison] = []


class Behind(Told):
    """Users, in order. `complete` is whether these are all: the users table is read for a few seconds."""

    users: list[str]
    complete: bool


class Statistics(Told):
    """`days` are UTC, the last one still under way; `waiting_at` is when `waiting` was counted."""

    days: list[str]
    campaigns: dict[str, Numbers]
    waiting_at: int


class Redriven(Told):
    redriven: int
    failed: dict[str, int]
    left: int
