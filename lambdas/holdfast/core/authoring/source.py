"""A source as its owner writes it: the model that validates the file, and the source that is made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from holdfast.core.authoring.basics import Path, Text, expression, fail, one_or_many
from holdfast.core.authoring.parts import TEXT_TAG, TYPED_TAG, Model
from holdfast.core.intake.sources import BODY, Source

_INNER_BODY = re.compile(r"(?<![\w.\"'])Body\b")
MOST = 50
"""Values that are picked one by one, each by its own path."""


def _place(value: str) -> str:
    """A path in the record; or, behind `Body.`, one in the whole body."""
    inner = value.removeprefix(BODY)
    if _INNER_BODY.search(inner):
        msg = "Body. stands at the beginning only: the rest is a path in the whole body"
        raise ValueError(msg)
    expression(inner)
    return value


def _tag(value: object) -> str:
    return TYPED_TAG if isinstance(value, Mapping) else TEXT_TAG


Place: TypeAlias = Annotated[Text, AfterValidator(_place)]
Places: TypeAlias = Annotated[
    list[Place],
    Field(min_length=1, max_length=10),
    BeforeValidator(one_or_many, json_schema_input_type=str | list[str]),
]
Object: TypeAlias = Annotated[
    Annotated[Place, Tag(TEXT_TAG)]
    | Annotated[dict[Text, Place], Field(min_length=1, max_length=MOST), Tag(TYPED_TAG)],
    Discriminator(_tag),
]


class Read(Model):
    """Where things are in a record (JMESPath)."""

    user: Places
    event: Place | None = None
    time: Place | None = None
    zone: Literal["UTC"] | None = None
    id: Place | None = None
    properties: Object | None = None
    profile: Object | None = None
    alias: Places | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Read:
        if self.event is None and self.profile is None and self.alias is None:
            fail(
                ("read",),
                "event is missing, or profile or alias: a record is something that a user did, or what is known",
            )
        if self.event is None and self.properties is not None:
            fail(("read", "properties"), "properties are those of an event: event is missing")
        if self.zone is not None and self.time is None:
            fail(("read", "zone"), "zone is that of time: time is missing")
        return self


class SourceFile(Model):
    """A source file."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: Text | None = None
    match: Path
    records: Path | None = None
    read: Read

    def plan(self, revision: int = 1) -> Source:
        """The reader of bodies by this revision."""
        read = self.read
        return Source(
            id=self.id,
            revision=revision,
            name=self.name or "",
            match=self.match,
            records=self.records or "",
            user=tuple(read.user),
            event=read.event or "",
            time=read.time or "",
            zone=read.zone or "",
            event_id=read.id or "",
            properties=read.properties or "",
            profile=read.profile or "",
            alias=tuple(read.alias or ()),
        )
