"""The policy, the rules for all campaigns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from holdfast.console.models.basics import MAX_SOURCE, Asked, Note, Told
from holdfast.console.models.campaigns import Revision
from holdfast.console.models.drafts import Mistake


class PolicyText(Asked):
    source: Annotated[str, Field(max_length=MAX_SOURCE, description="The text of a policy file.")]


class PublishPolicy(PolicyText):
    """`seen_revision` is the live revision that the editor began with, 0 where there was none."""

    seen_revision: Annotated[int, Field(ge=0)]
    note: Note = None


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
