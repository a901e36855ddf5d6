"""The parts of a campaign file. `campaign.py` puts them together, and checks that they agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)

from holdfast.core.authoring.basics import (
    Duration,
    Names,
    Path,
    Text,
    expression,
)
from holdfast.core.authoring.sending import Sending, Span
from holdfast.core.catalog.rows import NAME_PATTERN
from holdfast.core.gate.rules import Rules
from holdfast.core.paths import value_named
from holdfast.core.plans import goal as goals
from holdfast.core.plans import plan as plans


def _grace(value: int) -> int:
    if value > plans.LONGEST_GRACE_MS:
        msg = "1 day is the longest grace"
        raise ValueError(msg)
    return value


CatalogName: TypeAlias = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
EVERY = "every value"
"""Where a path would stand: the exit ends the watches of all values."""


def _place(value: str) -> str:
    return EVERY if " ".join(value.split()).casefold() == EVERY else expression(value)


Place: TypeAlias = Annotated[Text, AfterValidator(_place)]
Grace: TypeAlias = Annotated[Duration, AfterValidator(_grace)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(Model):
    """Whom to watch for: did all of `did` (or any one of `did_any`) and none of `did_not` within the window, on the
    same constant value.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [key], "properties": {key: {"minItems": 1}}} for key in ("did", "did_any")]
        }
    )

    did: Names = []
    did_any: Names = []
    did_not: Names = []
    within: Duration = 0
    where: dict[Text, Path] = {}
    grace: Grace = plans.GRACE_MS
    snapshots: Names = []
    unreadable_exits: Literal["withhold", "ignore"] = "withhold"
    max_age: Duration = plans.MAX_AGE_MS
    settle: Duration = plans.SETTLE_MS

    @property
    def triggers(self) -> list[str]:
        return self.did or self.did_any


class NamedEvent(Model):
    """An event under a name of the campaign's own, which a filter tells apart from others of the same name."""

    event: Text
    where: Path | None = None


class Constant(Model):
    """A property held equal across the campaign's events, and where each of them bears it."""

    name: Text
    paths: dict[Text, Place] = Field(alias="in")
    match: Literal["ignore case"] | None = None


TEXT_TAG, TYPED_TAG = "a text", "a value with a type"


def _tag_of_value(value: object) -> str:
    """Which of the two somebody meant. Anything else lacks a text."""
    typed = isinstance(value, Typed) or (isinstance(value, Mapping) and all(isinstance(key, str) for key in value))
    return TYPED_TAG if typed else TEXT_TAG


class Typed(Model):
    """A value that goes out as JSON of a type: its template is exactly one `{{ … }}`."""

    value: str
    type: Literal["number", "boolean", "json"]


Values: TypeAlias = dict[
    Text,
    Annotated[Annotated[str, Tag(TEXT_TAG)] | Annotated[Typed, Tag(TYPED_TAG)], Discriminator(_tag_of_value)],
]


class Variant(Model):
    """Some of the users get these values in the place of those of all, or besides."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1
    values: Annotated[Values, Field(min_length=1, max_length=100)]


class Send(Sending):
    """The message: key-value pairs, with Liquid in the values.

    One message for each value, or for a user: then, once the user has been quiet for the window, a summary of all
    values that are still open, newest first, `limit` at most.
    """

    one_per: Literal["value", "user"] = "value"
    limit: Annotated[int, Field(ge=1, le=50)] = 5
    values: Annotated[Values, Field(min_length=1, max_length=100)]
    variants: Annotated[tuple[Variant, ...], Field(max_length=10)] = ()
    detail_type: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "Personalized Message"

    @property
    def templates(self) -> dict[str, str]:
        """The template of each value."""
        return texts_of(self.values)

    @property
    def types(self) -> dict[str, str]:
        """The type of each value that is not text."""
        of = (self.values, *(each.values for each in self.variants))
        return {key: each.type for values in of for key, each in values.items() if isinstance(each, Typed)}

    def rules(self) -> Rules:
        weights = {each.name: each.weight for each in self.variants}
        return super().rules()._replace(variants=weights) if weights else super().rules()


def texts_of(values: Mapping[str, str | Typed]) -> dict[str, str]:
    return {key: each.value if isinstance(each, Typed) else each for key, each in values.items()}


def _amount(value: str) -> str:
    expression(value_named(value))
    return value


class Convert(Model):
    """A conversion: an event about the same value, up to `within` after the message. The first one
    counts.
    """

    on: Names = []
    within: Span = goals.WITHIN_MS
    amount: Annotated[Text, AfterValidator(_amount)] | None = None
    currency: Path | None = None
    undone_by: Names = []
