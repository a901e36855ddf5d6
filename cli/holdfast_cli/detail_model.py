"""The model of what goes out: a message's detail.

It is strict here, so that a test notices what a detail has beyond its contract. The published schema lets pass what is
unknown, so that a field may be added without breaking those who validate.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Metadata(_Out):
    """The decision that this is about."""

    id: Annotated[
        str,
        Field(
            pattern="^[0-9a-f]{32}$",
            description="The same every time for one (campaign, user, constant value, trigger occurrence): drop a "
            "repeat by it. A retraction has the id of the message that it takes back.",
        ),
    ]
    campaign: Annotated[str, Field(description="The campaign's id.")]
    revision: Annotated[int, Field(ge=1, description="The campaign's revision that the message was rendered by.")]
    variant: Annotated[str | None, Field(description="The variant of the message, if the campaign has several.")]
    decided_at: Annotated[
        str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339 in UTC, with milliseconds.")
    ]
    test: Annotated[
        Literal[True] | None,
        Field(description="A test send: the detail type ends in ` Test`, and the id is its own."),
    ] = None
    schema_: Annotated[Literal["1"], Field(alias="schema", description="The version of this contract.")]


class User(_Out):
    """The user that the message is about."""

    identity: Annotated[str, Field(description="The user's identity, as upstream sent it.")]
    email: Annotated[
        Any, Field(description="The property `email` or `Email` of the user's profile, where there is one.")
    ] = None
    phone: Annotated[Any, Field(description="As `email`: the property `phone` or `Phone`.")] = None
    name: Annotated[Any, Field(description="As `email`: the property `name` or `Name`.")] = None


class ConstantProperty(_Out):
    """The value that was held constant: the very thing that the user nearly did."""

    name: Annotated[str | list[str], Field(description="The property's name; for a composite key, the names.")]
    value: Annotated[
        Any,
        Field(description="Its value as the trigger wrote it; for a composite key, a list; for a summary, all values."),
    ]
    open: Annotated[
        int | None,
        Field(ge=1, description="In a summary: how many values were open; `value` has the newest of them."),
    ] = None


class ConversionTold(_Out):
    """The conversion: what the user did within the campaign's time after the message. Of several detail events with one
    id, the last one decided counts: an earlier purchase that became known later takes the place of the one before.
    """

    sent_at: Annotated[
        str, Field(json_schema_extra={"format": "date-time"}, description="When the message was decided.")
    ]
    at: Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="When the purchase happened.")]
    amount: Annotated[float | None, Field(description="The amount paid for the value; null if it is not known.")]
    currency: Annotated[
        str | None, Field(description="The currency of the amount, from the event; null if the event has none.")
    ]
    group: Annotated[
        Literal["control", "stack"] | None,
        Field(
            description="There was no message: the user is in the control group of the campaign, or of the whole stack."
        ),
    ] = None


class Detail(_Out):
    """The detail of an event that Holdfast puts on the bus.

    What is to be sent has `values`, what is withheld has a `reason`, what is converted a `conversion`; a retraction has
    none of them.
    """

    metadata: Metadata
    user: User
    constant: Annotated[
        ConstantProperty | None, Field(description="The constant property; null if the campaign has none.")
    ]
    values: Annotated[
        dict[str, Any] | None,
        Field(description="The key-value pairs of the message, rendered for this user: text, unless typed."),
    ] = None
    recommendations: Annotated[
        dict[str, list[str]] | None,
        Field(description="By recommendation, the identities of the recommended items, best first."),
    ] = None
    reason: Annotated[str | None, Field(min_length=1, description="Why the message was withheld.")] = None
    conversion: Annotated[
        ConversionTold | None,
        Field(description="The purchase that converts the message; for a retracted conversion, the one that did."),
    ] = None
