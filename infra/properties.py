"""The properties of the construct `Holdfast`: what `-c` is on the command line of this repository's own app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypedDict

from aws_cdk import aws_sns as sns

from infra.stages import Stage, stage_from


class Properties(TypedDict, total=False):
    """All may be left out."""

    stage: Literal["dev", "prod"]
    """`prod` keeps its data when the stack is deleted, keeps logs for three months, and runs wider. Default: dev."""
    source: str
    """The `source` of the messages on the bus. Default: holdfast."""
    upstream_accounts: Sequence[str]
    """Accounts that may send events to the queue."""
    upstream_topics: Sequence[str]
    """ARNs of SNS topics whose messages come in too."""
    consumer_accounts: Sequence[str]
    """Accounts that may put rules of their own on the bus."""
    events_bus: Sequence[str]
    """Names of event buses of the account whose events come in too."""
    events_source: Sequence[str]
    """From those buses, only events with such a `source`; `*` matches anything."""
    nobody: Sequence[str]
    """More identities that stand for nobody: records about them are rejected."""
    cloudevent_subject: Literal["user"]
    """The subject of a CloudEvent is its user where its data names none."""
    deflate: bool
    """Store long states deflated: cheaper, and release 0.1 cannot read them. Default: no."""
    schema_registry: bool
    """Put the messages' schema into an EventBridge schema registry. Default: no."""
    console: bool
    """The web page, behind a sign-in by Cognito. Default: yes."""
    recommendations: bool
    """Keep history and build recommendations: Firehose, a bucket, Glue, Athena and a function. Default: no."""
    personalize: Sequence[str]
    """ARNs of recommenders and campaigns of Amazon Personalize that messages may ask."""
    signing_secret: Sequence[str]
    """The ARN of the secret of AWS Secrets Manager that the filter hmac_sha256 signs with."""
    alarm_topic: sns.ITopic | str
    """Notified of every alarm; or its ARN."""
    customer_managed_key: bool | str
    """A KMS key for the data at rest: a new one, or the ARN of one that is there."""
    locked: bool
    """The tables and the user pool cannot be deleted. Not for the first deployment."""
    sweep_reserved: int
    """Concurrency reserved for sweep. The account must have more than 100."""
    warm_writes: int
    """Write units a second that the tables of users and timers take from the start, instead of 4,000."""
    users_table: str
    """The tables of an earlier stack by name: this one, the next three and `users_stream` together."""
    timers_table: str
    campaigns_table: str
    catalog_table: str
    users_stream: str
    """The ARN of that users table's stream."""
    bus: str
    """The name of a message bus that is there already."""


def stage_of(properties: Properties) -> Stage:
    """Raises SettingError: each property is checked as `-c` is."""
    given: Mapping[str, object] = {**properties}
    topic = given.get("alarm_topic")
    settings = {key: _text(value) for key, value in given.items() if key != "alarm_topic" or isinstance(value, str)}
    stage = stage_from(settings.get)
    # The ARN of a topic of the same app is not known yet, and needs no check.
    return stage if topic is None or isinstance(topic, str) else replace(stage, alarm_topic_arn=_arn(topic))


def _text(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() | int():
            return str(value)
        case Sequence():
            return ",".join(map(str, value))
        case _:
            raise TypeError(f"{value!r} is not a text, a number, a boolean or a list")


def _arn(topic: object) -> str:
    return str(getattr(topic, "topic_arn"))  # noqa: B009 (of what jsii made, whose type is only known to it)
