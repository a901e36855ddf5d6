"""The settings of each function: written into its environment by the stack, read once when the function is built."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


class MissingSetting(RuntimeError):
    """The environment lacks a variable; the stack sets all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is read from the environment variable HOLDFAST_ with the field's name in capitals. A field with a
    default is optional.
    """

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        given: dict[str, str | int] = {}
        for field in dataclasses.fields(cls):
            variable = f"HOLDFAST_{field.name.upper()}"
            if variable in environment:
                text = environment[variable]
                given[field.name] = int(text) if field.type == "int" else text
            elif field.default is dataclasses.MISSING:
                raise MissingSetting(variable)
        return cls(**given)

    def to_env(self) -> dict[str, str]:
        """The environment from which `from_env` makes these settings again."""
        given = {field.name: str(getattr(self, field.name)) for field in dataclasses.fields(self)}
        return {f"HOLDFAST_{name.upper()}": text for name, text in given.items() if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinSettings(Settings):
    """`deflate_states` is `true` once no release is rolled back to that reads states as text only.

    `nobody` are more identities that stand for nobody, separated by commas. `cloudevent_subject` is `user` where the
    subject of a CloudEvent names its user.
    """

    users_table: str
    timers_table: str
    campaigns_table: str
    events_queue_url: str
    rejected_queue_url: str
    queue_retention_seconds: int
    timer_shards: int = 4
    history_stream: str = ""
    deflate_states: str = "false"
    nobody: str = ""
    cloudevent_subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings(Settings):
    timers_table: str
    events_queue_url: str
    timer_shards: int = 4
    dead_letters_queue_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverSettings(Settings):
    """`signing_secret` is the ARN of the secret that `hmac_sha256` signs with."""

    users_table: str
    campaigns_table: str
    catalog_table: str
    undelivered_queue_url: str
    bus_name: str
    source: str = "holdfast"
    personalize: str = ""
    signing_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings(Settings):
    """Without `sign_in_url` there is no hosted sign-in: a request with the session's token is accepted."""

    stage: str
    users_table: str
    campaigns_table: str
    catalog_table: str
    events_queue_url: str
    rejected_queue_url: str
    undelivered_queue_url: str
    deliver_function: str
    bus_name: str
    source: str = "holdfast"
    sign_in_url: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogImportSettings(Settings):
    catalog_table: str
    catalog_bucket: str
    imports_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendSettings(Settings):
    """`engine` is duckdb, athena, or auto: DuckDB for a history of up to `duckdb_most_mb` (packed, as it is in S3)."""

    campaigns_table: str
    catalog_table: str
    history_bucket: str
    history_database: str
    history_table: str
    athena_workgroup: str
    athena_results: str
    engine: str = "auto"
    duckdb_most_mb: int = 512
    duckdb_memory_mb: int = 1536
