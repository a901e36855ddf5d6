"""Messages: seen before anyone gets them, put on the bus as a test, and explained."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from holdfast.console.models.basics import Object, Open, Told
from holdfast.console.models.drafts import Drafted, Mistake

UserId: TypeAlias = Annotated[str, Field(min_length=1, max_length=1024)]


class Occurrence(Drafted):
    """A campaign and a user, real or made up. Without `event` the latest event that is kept of the user counts, without
    `profile` what is held of them. `event` is the trigger's properties, an event in any form, or a list of them.
    """

    user: UserId
    event: Object | list[Object] | None = None
    profile: Object | None = None


class Samples(Drafted):
    events: Annotated[list[Object], Field(max_length=100)]


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


class Matched(Told):
    by_event: dict[str, list[Any]]
    problems: dict[str, str]
    match: bool | None
    text: str


class Tested(Told):
    id: str
    source: str
    detail_type: str
    detail: Object


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
