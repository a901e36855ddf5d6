"""The differences between the stages, and nothing else: the constructs hold no `if stage == …`."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

LOCAL_ACCOUNT = "000000000000"
LOCAL_REGION = "us-east-1"

_ACCOUNT = re.compile(r"\d{12}")
_SECRET = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+")
_PERSONALIZE = re.compile(r"arn:aws[a-z-]*:personalize:[a-z0-9-]+:\d{12}:(recommender|campaign)/[A-Za-z0-9_-]+")
_BUS = re.compile(r"[/.\-_A-Za-z0-9]{1,256}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_STREAM = re.compile(r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table/([A-Za-z0-9_.-]{3,255})/stream/[0-9T:.-]+")
PARTNER = "aws.partner/"
"""How the names of partners' event buses begin, and the `source` of all that is on them."""
TABLES = ("users", "timers", "campaigns", "catalog")


class SettingError(ValueError):
    """A value given with `-c` that cannot be used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    name: str
    # None: the account and region of the credentials at hand.
    account: str | None = None
    region: str | None = None

    # The embedded AWS speaks HTTP, on the loopback interface, and is deployed to without bootstrap roles.
    embedded: bool = False

    # Functions
    architecture: lambda_.Architecture
    # pip's --platform; None means the machine that runs the CDK app.
    wheels: str | None
    tracing: bool = True
    log_level: str = "INFO"
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH

    # Join
    join_memory_mb: int = 1024
    join_timeout: Duration
    join_batch_size: int = 1000
    join_batch_window: Duration
    join_concurrency: int
    # AWS advises six times the timeout, plus the window: a batch that is retried inside Lambda stays invisible.
    events_visibility: Duration
    events_retention: Duration
    # How long a message that may succeed later is retried, every `events_visibility`, before it goes to the dead-letter
    # queue: an outage or a bad release of that length moves nothing there. A message that can never succeed is
    # rejected at once.
    events_patience: Duration
    imports_patience: Duration = field(default_factory=partial(Duration.hours, 4))

    # Deliver: decisions within the window are rendered and put on the bus together. Without a window, or in many lanes,
    # every message would cost an invocation, a read and a call. docs/scale.md has the throughput of one lane of a
    # shard, and the limit for a shard.
    deliver_batch_size: int = 100
    deliver_batch_window: Duration
    deliver_lanes: int = 1
    # How long the stream waits for deliver. The stream itself drops records after 24 hours, and AWS does not say that
    # these reach the on-failure destination. Records that Lambda gives up on an hour earlier do, whole.
    deliver_patience: Duration = field(default_factory=partial(Duration.hours, 23))

    # Sweep
    timer_shards: int
    sweep_minutes: int
    # None: nothing is reserved. Only an account with more than 100 concurrent executions can reserve one, and a new
    # account has 10. Two sweeps at once do no harm.
    sweep_reserved_concurrency: int | None = None

    # Recommendations: history, Glue, Athena and the function that builds. DuckDB in the function, Athena, or auto,
    # which takes the one that fits the size of the history.
    recommendations: bool = False
    recommend_engine: str = "auto"
    recommend_memory_mb: int = 3008
    # What Athena may read for one build before it is stopped; 1 TB costs about $5.
    athena_scan_limit_gb: int = 200

    # Data. A key of this stack (True), or one that is there already (its ARN).
    customer_managed_key: bool | str = False
    recoverable: bool
    # Resources that hold data outlive the stack.
    protected: bool
    # While it is on, the stack, its tables and its user pool cannot be deleted. Leave it off for the first deployment:
    # one that fails half-way could not be rolled back.
    locked: bool = False
    # Write units a second that the users and timers tables take from the start; None: AWS's own 4,000.
    warm_writes: int | None = None
    # Existing tables, by their place (see TABLES): those that an earlier stack left behind.
    tables: Mapping[str, str] = field(default_factory=dict)
    users_stream_arn: str | None = None
    bus_name: str | None = None

    # Neighbours
    source: str = "holdfast"
    upstream_accounts: tuple[str, ...] = ()
    consumer_accounts: tuple[str, ...] = ()
    # Event buses of the account whose events come in too, and the `source` of those wanted (`*` matches anything);
    # none: all but AWS's own and Holdfast's, and from a partner's bus all that the partner sends.
    events_buses: tuple[str, ...] = ()
    events_sources: tuple[str, ...] = ()
    # SNS topics whose messages also come in.
    upstream_topics: tuple[str, ...] = ()
    schema_registry: bool = False
    # Recommenders and campaigns of Amazon Personalize that messages may be asked of.
    personalize: tuple[str, ...] = ()
    # The secret of Secrets Manager that the filter hmac_sha256 signs with.
    signing_secret: str = ""

    # Identities that stand for nobody, beside those that always do.
    nobody: tuple[str, ...] = ()
    # Whether the subject of a CloudEvent is its user.
    subject_is_user: bool = False

    # Whether states over about 1 KB are stored deflated, which the release before this one cannot read.
    deflate: bool = False

    # Console
    console: bool = True
    # A second factor at sign-in, by an authenticator app.
    mfa: cognito.Mfa = cognito.Mfa.OPTIONAL
    # Requests a second to the page and its API, all users together; twice as many in a burst.
    console_rate: int = 50

    alarms: bool = True
    alarm_topic_arn: str | None = None

    @property
    def removal_policy(self) -> RemovalPolicy:
        return self.kept if self.protected else RemovalPolicy.DESTROY

    @property
    def kept(self) -> RemovalPolicy:
        """Resources of a failed deployment are removed, so that it can be tried again; all others are kept."""
        return RemovalPolicy.DESTROY if self.embedded else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def _local() -> Stage:
    arm = platform.machine().lower() in {"arm64", "aarch64"}
    return Stage(
        name="local",
        account=LOCAL_ACCOUNT,
        region=LOCAL_REGION,
        embedded=True,
        architecture=lambda_.Architecture.ARM_64 if arm else lambda_.Architecture.X86_64,
        wheels=None,
        tracing=False,  # the emulator has no X-Ray daemon
        log_retention=logs.RetentionDays.ONE_DAY,
        join_timeout=Duration.seconds(20),
        join_batch_window=Duration.seconds(1),  # demanded with this batch size; the emulator does not wait for it
        join_concurrency=2,
        deliver_batch_window=Duration.seconds(0),
        events_visibility=Duration.seconds(20),  # short enough to wait for a retry
        events_retention=Duration.days(4),
        events_patience=Duration.seconds(100),
        timer_shards=2,
        sweep_minutes=1,
        recommendations=True,
        recoverable=False,
        protected=False,
        mfa=cognito.Mfa.OFF,
        alarms=False,
    )


def _dev() -> Stage:
    return Stage(
        name="dev",
        architecture=lambda_.Architecture.ARM_64,
        wheels="manylinux2014_aarch64",
        join_timeout=Duration.seconds(30),
        join_batch_window=Duration.seconds(1),
        join_concurrency=5,
        deliver_batch_window=Duration.seconds(1),
        events_visibility=Duration.seconds(6 * 30 + 1),
        events_retention=Duration.days(4),
        events_patience=Duration.hours(12),
        timer_shards=4,
        sweep_minutes=5,
        recoverable=True,
        protected=False,
    )


def _prod() -> Stage:
    return replace(
        _dev(),
        name="prod",
        log_retention=logs.RetentionDays.THREE_MONTHS,
        join_concurrency=100,
        timer_shards=16,
        protected=True,
        mfa=cognito.Mfa.REQUIRED,
    )


_STAGES = {"local": _local, "dev": _dev, "prod": _prod}

Setting: TypeAlias = Callable[[str], object]
"""The value of a `-c`, or None."""


def stage_from(setting: Setting) -> Stage:
    """The stage named by `-c stage=…`, with all other `-c` settings from the command line or cdk.json."""
    name = _text(setting, "stage") or "dev"
    if name not in _STAGES:
        raise SettingError(f"stage: {name!r} is not one of {', '.join(_STAGES)}")
    stage = _STAGES[name]()
    source = _text(setting, "source") or stage.source
    buses, sources = _events_buses(setting, source)
    tables, stream = _tables(setting)
    return replace(
        stage,
        source=source,
        events_buses=buses,
        events_sources=sources,
        schema_registry=_flag(setting, "schema_registry", default=False),
        personalize=_each(
            setting, "personalize", _PERSONALIZE, "the ARN of a recommender or campaign of Amazon Personalize"
        ),
        signing_secret="".join(
            _each(setting, "signing_secret", _SECRET, "the ARN of one secret of AWS Secrets Manager")[:1]
        ),
        nobody=tuple(part.strip() for part in _text(setting, "nobody").split(",") if part.strip()),
        subject_is_user=_subject(_text(setting, "cloudevent_subject")),
        deflate=_flag(setting, "deflate", default=False),
        upstream_topics=_each(setting, "upstream_topics", _TOPIC, "the ARN of an SNS topic"),
        upstream_accounts=_each(setting, "upstream_accounts", _ACCOUNT, "an account id of twelve digits"),
        consumer_accounts=_each(setting, "consumer_accounts", _ACCOUNT, "an account id of twelve digits"),
        console=_flag(setting, "console", default=True),
        recommendations=_flag(setting, "recommendations", default=stage.recommendations),
        customer_managed_key=_key(setting),
        locked=_flag(setting, "locked", default=False),
        sweep_reserved_concurrency=_number(setting, "sweep_reserved", least=1),
        warm_writes=_number(setting, "warm_writes", least=4_000),
        tables=tables,
        users_stream_arn=stream,
        bus_name=_one(setting, "bus", _BUS, "the name of an event bus"),
        alarm_topic_arn=_one(setting, "alarm_topic", _TOPIC, "the ARN of an SNS topic"),
    )


def _subject(value: str) -> bool:
    if value not in {"", "user"}:
        raise SettingError(f"cloudevent_subject: {value!r} is not user, the one thing that a subject may be")
    return value == "user"


def _text(setting: Setting, key: str) -> str:
    value = setting(key)
    return "" if value is None else str(value).strip()


def _flag(setting: Setting, key: str, *, default: bool) -> bool:
    text = _text(setting, key).lower()
    if text not in {"", "true", "false"}:
        raise SettingError(f"{key}: {text!r} is neither true nor false")
    return text == "true" if text else default


def _number(setting: Setting, key: str, *, least: int) -> int | None:
    text = _text(setting, key)
    if not text:
        return None
    if not text.isdecimal() or int(text) < least:
        raise SettingError(f"{key}: {text!r} is not a whole number of at least {least}")
    return int(text)


def _each(setting: Setting, key: str, pattern: re.Pattern[str], meant: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in _text(setting, key).split(",") if part.strip())
    for part in found:
        if not pattern.fullmatch(part):
            raise SettingError(f"{key}: {part!r} is not {meant} (several are separated by commas)")
    return found


def _one(setting: Setting, key: str, pattern: re.Pattern[str], meant: str) -> str | None:
    text = _text(setting, key)
    if text and not pattern.fullmatch(text):
        raise SettingError(f"{key}: {text!r} is not {meant}")
    return text or None


def _key(setting: Setting) -> bool | str:
    text = _text(setting, "customer_managed_key")
    if _KEY.fullmatch(text):
        return text
    if text.lower() not in {"", "true", "false"}:
        raise SettingError(f"customer_managed_key: {text!r} is neither true nor false nor the ARN of a KMS key")
    return text.lower() == "true"


def _tables(setting: Setting) -> tuple[Mapping[str, str], str | None]:
    """All or none: with only some of them, the stack would have lost the rest of the data."""
    meant = "the name of a table"
    given = {each: _one(setting, f"{each}_table", _TABLE, meant) for each in TABLES}
    found = {each: name for each, name in given.items() if name}
    stream = _one(setting, "users_stream", _STREAM, "the ARN of a table's stream")
    if not found and stream is None:
        return {}, None
    if missing := [f"{each}_table" for each in TABLES if each not in found]:
        raise SettingError(f"{missing[0]}: the tables of an earlier stack are given all together; this one is missing")
    if stream is None:
        raise SettingError(
            f"users_stream: missing; it is what `aws dynamodb describe-table --table-name {found['users']} "
            "--query Table.LatestStreamArn --output text` prints"
        )
    if (match := _STREAM.fullmatch(stream)) is None or match[1] != found["users"]:
        raise SettingError(f"users_stream: {stream!r} is not the stream of {found['users']!r}")
    return found, stream


def _events_buses(setting: Setting, source: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """No pattern may match Holdfast's own source: its messages would come in as events and loop forever."""
    buses = _each(setting, "events_bus", _BUS, "the name of an event bus (letters, digits and / . - _)")
    patterns = tuple(part.strip() for part in _text(setting, "events_source").split(",") if part.strip())
    if patterns and not buses:
        raise SettingError("events_source: says which events to take, but events_bus does not say from where")
    for pattern in patterns:
        if re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), source):
            raise SettingError(
                f"events_source: {pattern!r} matches {source!r}, Holdfast's own: messages would come back"
            )
        if pattern.startswith(PARTNER) not in {bus.startswith(PARTNER) for bus in buses}:
            raise SettingError(
                f"events_source: {pattern!r} fits none of the buses: sources that begin with {PARTNER} are only on a "
                "partner's bus, and nothing else is there"
            )
    return buses, patterns
