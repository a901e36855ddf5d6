"""The models of what comes in, one for each form. Fields that a form does not name are let pass: properties, and those
that other systems add.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, RootModel

from holdfast.core.intake.fields import MAX_ID
from holdfast.core.intake.parsing import MAX_RECORDS
from holdfast.core.limits import MAX_NAME

_Object: TypeAlias = dict[str, Any]
_EventName: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
_Identity: TypeAlias = Annotated[str | int, Field(description="The user; a number is read as text.")]
_Id: TypeAlias = Annotated[
    Annotated[str, Field(max_length=MAX_ID)] | int | None,
    Field(description="Identifies repeats; without it, the content does."),
]
_IsoTime: TypeAlias = Annotated[str | None, Field(description="ISO 8601 with its time zone.")]
_Time: TypeAlias = Annotated[
    float | str | None,
    Field(description="Epoch milliseconds, or ISO 8601 with its time zone. Default: when the queue took the record."),
]


def _one_of(*fields: str) -> dict[str, Any]:
    return {"anyOf": [{"required": [field]} for field in fields]}


class _In(BaseModel):
    model_config = ConfigDict(extra="allow")


class PlainEvent(_In):
    """Something a user did. Whatever else the record holds are the event's properties."""

    user: _Identity
    event: _EventName
    ts: _Time = None
    id: _Id = None
    alias: Annotated[Any, Field(description="Another id of the user. It is a property, too.")] = None


class PlainProfile(_In):
    """Properties of a user. A value may be an operation: `{"$incr": 1}`, `$decr`, `$add`, `$remove`, `$delete`."""

    user: _Identity
    profile: _Object
    ts: _Time = None
    id: _Id = None
    alias: _Identity | None = None


class PlainTie(_In):
    """Two ids of one person: what was done, and will be, under the alias was done by the user."""

    user: _Identity
    alias: _Identity


class CleverTapEvent(_In):
    """An event of CleverTap's upload API. A date is `$D_` and epoch seconds."""

    model_config = ConfigDict(json_schema_extra=_one_of("identity", "FBID", "GPID", "objectId"))
    type: Literal["event"]
    identity: _Identity | None = None
    FBID: _Identity | None = None
    GPID: _Identity | None = None
    objectId: _Identity | None = None  # noqa: N815 (CleverTap's name)
    evtName: _EventName  # noqa: N815
    evtData: _Object | None = None  # noqa: N815
    ts: Annotated[float | str | None, Field(description="Epoch seconds, or ISO 8601 with its time zone.")] = None


class CleverTapProfile(_In):
    """A profile of CleverTap's upload API."""

    model_config = ConfigDict(json_schema_extra=_one_of("identity", "FBID", "GPID", "objectId"))
    type: Literal["profile"]
    identity: _Identity | None = None
    FBID: _Identity | None = None
    GPID: _Identity | None = None
    objectId: _Identity | None = None  # noqa: N815
    profileData: _Object | None = None  # noqa: N815
    ts: Annotated[float | str | None, Field(description="Epoch seconds, or ISO 8601 with its time zone.")] = None


class CleverTapUpload(_In):
    """The body of a CleverTap upload."""

    d: Annotated[list[CleverTapEvent | CleverTapProfile], Field(max_length=MAX_RECORDS)]


class SegmentTrack(_In):
    """A `track` call of Segment or RudderStack."""

    model_config = ConfigDict(json_schema_extra=_one_of("userId", "anonymousId"))
    type: Literal["track"]
    event: _EventName
    userId: _Identity | None = None  # noqa: N815 (Segment's name)
    anonymousId: _Identity | None = None  # noqa: N815
    properties: _Object | None = None
    timestamp: _IsoTime = None
    messageId: _Id = None  # noqa: N815


class SegmentIdentify(_In):
    """An `identify` call of Segment or RudderStack; RudderStack's traits are in the context."""

    model_config = ConfigDict(json_schema_extra=_one_of("userId", "anonymousId"))
    type: Literal["identify"]
    userId: _Identity | None = None  # noqa: N815
    anonymousId: _Identity | None = None  # noqa: N815
    traits: _Object | None = None
    context: _Object | None = None
    timestamp: _IsoTime = None
    messageId: _Id = None  # noqa: N815


class SegmentAlias(_In):
    """An `alias` call of Segment or RudderStack: what was done under `previousId` was done by the user."""

    type: Literal["alias"]
    userId: _Identity  # noqa: N815
    previousId: _Identity  # noqa: N815
    messageId: _Id = None  # noqa: N815


class SegmentByTheWay(_In):
    """A call of Segment or RudderStack that says nothing which is folded: it is ignored, and counted."""

    type: Literal["page", "screen", "group"]
    messageId: _Id = None  # noqa: N815


class SegmentBatch(_In):
    """A batch of Segment's HTTP API. What it says of its context and its sending holds for each call."""

    batch: Annotated[
        list[SegmentTrack | SegmentIdentify | SegmentAlias | SegmentByTheWay], Field(max_length=MAX_RECORDS)
    ]
    context: _Object | None = None
    sentAt: _IsoTime = None  # noqa: N815


class CloudEvent(_In):
    """A CloudEvent in JSON. Its data is a record of any form, or the properties of an event named by `type`."""

    specversion: str
    type: _EventName
    source: str
    id: str
    time: _IsoTime = None
    subject: Annotated[str | None, Field(description="The user, where the data names none.")] = None
    data: _Object | None = None


class EventBridgeEvent(_In):
    """An event as an EventBridge rule hands it on. Its detail is as a CloudEvent's data."""

    detail_type: Annotated[_EventName, Field(alias="detail-type")]
    detail: _Object
    source: str | None = None
    id: _Id = None
    time: _IsoTime = None


class SnsNotification(_In):
    """A notification of SNS. Its message is the JSON text of a record of any form, or of a list of them."""

    Type: Literal["Notification"]
    Message: Annotated[str, Field(json_schema_extra={"contentMediaType": "application/json"})]
    MessageId: _Id = None
    Timestamp: _IsoTime = None


Record: TypeAlias = (
    PlainEvent
    | PlainProfile
    | PlainTie
    | CleverTapUpload
    | CleverTapEvent
    | CleverTapProfile
    | SegmentTrack
    | SegmentIdentify
    | SegmentAlias
    | SegmentByTheWay
    | SegmentBatch
    | CloudEvent
    | EventBridgeEvent
    | SnsNotification
)


class Input(RootModel[Record | list[Record]]):
    """The body of one message on the events queue: a record of any form, or a list of them."""
