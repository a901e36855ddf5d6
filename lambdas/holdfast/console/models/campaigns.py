"""Campaigns: listed, shown, checked, compared, published; and who did it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from holdfast.console.models.basics import Asked, Note, Object, Open, Told
from holdfast.console.models.drafts import Drafted, Mistake

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
