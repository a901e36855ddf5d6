"""What differs between the stages, and nothing else: the constructs hold no `if stage == …`."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

LOCAL_ACCOUNT = "000000000000"
LOCAL_REGION = "us-east-1"

_ACCOUNT = re.compile(r"\d{12}")
_PERSONALIZE = re.compile(r"arn:aws[a-z-]*:personalize:[a-z0-9-]+:\d{12}:(recommender|campaign)/[A-Za-z0-9_-]+")
_BUS = re.compile(r"[/.\-_A-Za-z0-9]{1,256}")


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
    campaigns_ttl: Duration

    # Join
    join_memory_mb: int = 1024
    join_timeout: Duration
    join_batch_size: int = 1000
    join_batch_window: Duration
    join_concurrency: int
    # AWS advises six times the timeout, plus the window: a batch that is retried inside Lambda stays invisible.
    events_visibility: Duration
    events_retention: Duration

    # Deliver: what is decided within the window is rendered and put together. Without one, or in many lanes, there
    # would be an invocation, a read and a call for every message. What one lane of a shard delivers in a second, and
    # what a shard may have, is on the page on scale.
    deliver_batch_window: Duration
    deliver_lanes: int = 1

    # Sweep
    timer_shards: int
    sweep_minutes: int
    sweep_reserved_concurrency: int | None

    # Recommendations: DuckDB in the function, Athena, or auto, which takes the one that fits the size of the history.
    recommend_engine: str = "auto"
    recommend_memory_mb: int = 3008

    # Data
    customer_managed_key: bool = False
    recoverable: bool
    protected: bool

    # Neighbours
    source: str = "holdfast"
    upstream_accounts: tuple[str, ...] = ()
    consumer_accounts: tuple[str, ...] = ()
    # An event bus of the account whose events come in too, and the `source` of those wanted (`*` matches anything);
    # None: of all but AWS's own and Holdfast's.
    events_bus: str | None = None
    events_sources: tuple[str, ...] = ()
    schema_registry: bool = False
    # Recommenders and campaigns of Amazon Personalize that messages may be asked of.
    personalize: tuple[str, ...] = ()

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
        return RemovalPolicy.RETAIN if self.protected else RemovalPolicy.DESTROY


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
        campaigns_ttl=Duration.seconds(1),  # a campaign just published counts for the next event
        join_timeout=Duration.seconds(20),
        join_batch_window=Duration.seconds(1),  # demanded with this batch size; the emulator does not wait for it
        join_concurrency=2,
        deliver_batch_window=Duration.seconds(0),
        events_visibility=Duration.seconds(20),  # a retry one can wait for
        events_retention=Duration.days(4),
        timer_shards=2,
        sweep_minutes=1,
        sweep_reserved_concurrency=None,
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
        campaigns_ttl=Duration.seconds(60),
        join_timeout=Duration.seconds(30),
        join_batch_window=Duration.seconds(1),
        join_concurrency=5,
        deliver_batch_window=Duration.seconds(1),
        events_visibility=Duration.seconds(6 * 30 + 1),
        events_retention=Duration.days(4),
        timer_shards=4,
        sweep_minutes=5,
        # An account whose concurrency limit is still 10 cannot reserve any; two sweeps at once do no harm.
        sweep_reserved_concurrency=None,
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
        sweep_reserved_concurrency=1,
        protected=True,
        mfa=cognito.Mfa.REQUIRED,
    )


def _personalize(value: str) -> tuple[str, ...]:
    arns = tuple(part.strip() for part in value.split(",") if part.strip())
    for arn in arns:
        if not _PERSONALIZE.fullmatch(arn):
            raise SettingError(
                f"personalize: {arn!r} is not the ARN of a recommender or campaign of Amazon Personalize"
            )
    return arns


_STAGES = {"local": _local, "dev": _dev, "prod": _prod}


def _accounts(*, key: str, value: str) -> tuple[str, ...]:
    accounts = tuple(part.strip() for part in value.split(",") if part.strip())
    for account in accounts:
        if not _ACCOUNT.fullmatch(account):
            raise SettingError(f"{key}: {account!r} is no account id (twelve digits, several separated by commas)")
    return accounts


def _events_bus(setting: Callable[[str], object], source: str) -> tuple[str | None, tuple[str, ...]]:
    """No pattern may match Holdfast's own source: its messages, brought in as events, would never come to an end."""
    bus = str(setting("events_bus")) if setting("events_bus") else None
    patterns = tuple(part.strip() for part in str(setting("events_source") or "").split(",") if part.strip())
    if bus is not None and not _BUS.fullmatch(bus):
        raise SettingError(f"events_bus: {bus!r} is not the name of an event bus (letters, digits and / . - _)")
    if patterns and bus is None:
        raise SettingError("events_source: says which events to take, but events_bus does not say from where")
    for pattern in patterns:
        if re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), source):
            raise SettingError(
                f"events_source: {pattern!r} matches {source!r}, Holdfast's own: messages would come back"
            )
    return bus, patterns


def stage_from(setting: Callable[[str], object]) -> Stage:
    """The stage named by `-c stage=…`, with what else can be set by `-c` on the command line or in cdk.json."""
    name = str(setting("stage") or "dev")
    if name not in _STAGES:
        raise SettingError(f"stage: {name!r} is none of {', '.join(_STAGES)}")
    stage = _STAGES[name]()
    source = str(setting("source") or stage.source)
    events_bus, events_sources = _events_bus(setting, source)
    return replace(
        stage,
        source=source,
        events_bus=events_bus,
        events_sources=events_sources,
        schema_registry=str(setting("schema_registry")).lower() == "true",
        personalize=_personalize(str(setting("personalize") or "")),
        upstream_accounts=_accounts(key="upstream_accounts", value=str(setting("upstream_accounts") or "")),
        consumer_accounts=_accounts(key="consumer_accounts", value=str(setting("consumer_accounts") or "")),
        console=str(setting("console")).lower() != "false",
        customer_managed_key=str(setting("customer_managed_key")).lower() == "true",
        alarm_topic_arn=str(setting("alarm_topic")) if setting("alarm_topic") else None,
    )
