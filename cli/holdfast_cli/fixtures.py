"""Fixture tests: `abandoned-cart.test.yaml` beside `abandoned-cart.yaml` says which messages come of which events.

Each case is run through the simulation. A message is compared only in what the case says about it, so a case that names
just the user means: something is sent to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from holdfast.core.authoring.basics import Duration, Text
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.parts import CatalogName
from holdfast.core.authoring.policy import Policy
from holdfast.core.authoring.source import SourceFile
from holdfast.core.authoring.text import CampaignFileError, Source
from holdfast.core.catalog.rows import IDENTITY, Place, Values
from holdfast.core.events import Event, ProfileChange, Tie
from holdfast.core.events import Json as JsonValue
from holdfast.core.explain.replay import NO_ARRIVAL, Replay
from holdfast.core.fold.watches import Decision, Kind
from holdfast.core.gate.policy import NONE
from holdfast.core.intake.fields import RULES, Rules
from holdfast.core.intake.forms import records
from holdfast.core.messages.rendering import Rendering
from holdfast.core.messages.rows import RowsInMemory, found_by, placed
from holdfast.core.plans.plans import Plans
from holdfast.core.times import format_duration, parse_duration
from holdfast_cli.campaign_file import read_campaign, read_model
from holdfast_cli.comparing import Difference, Fields, compare, compare_rejected

SUFFIXES = (".yaml", ".yml", ".json")
START_MS = round(datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp() * 1000)
"""The Monday morning from which the times of a case count."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expected(_Strict):
    """A message out: with `withheld` or `retracted` that it is, without that it is sent."""

    user: Text
    constant: Any = None
    at: Annotated[Duration | None, Field(description="When it is decided.")] = None
    values: Annotated[dict[str, Any], Field(description="Those that matter.")] = {}
    withheld: Annotated[Text | None, Field(description="The reason.")] = None
    retracted: Literal[True] | None = None
    converted: Literal[True] | None = None
    unconverted: Annotated[Literal[True] | None, Field(description="A conversion that was undone.")] = None
    amount: Annotated[float | None, Field(description="Of a conversion.")] = None
    variant: Annotated[Text | None, Field(description="The variant that the user gets.")] = None

    @model_validator(mode="after")
    def _one_thing(self) -> Expected:
        said = [name for name in ("values", *_OTHERWISE) if name in self.model_fields_set]
        if len(said) > 1:
            msg = f"either {said[0]} or {said[1]}, not both"
            raise ValueError(msg)
        return self

    def fields(self) -> Fields:
        fields: dict[str, JsonValue] = {"user": self.user, "decision": "sent"}
        for name in _OTHERWISE:
            if getattr(self, name):
                fields["decision"] = name
        if "constant" in self.model_fields_set:
            fields["constant"] = self.constant
        if self.at is not None:
            fields["at"] = format_duration(self.at)
        if self.withheld:
            fields["reason"] = self.withheld
        if self.variant:
            fields["variant"] = self.variant
        if self.amount is not None:
            fields["amount"] = self.amount
        return {**fields, **{f"values.{key}": value for key, value in self.values.items()}}


_OTHERWISE = ("withheld", "retracted", "converted", "unconverted")
_TOLD: Mapping[Kind, str] = {
    "send": "sent",
    "withhold": "withheld",
    "retract": "retracted",
    "convert": "converted",
    "unconvert": "unconverted",
}


class Case(_Strict):
    """`events` are records in any form, in the order in which they arrive, with `at` as their time: `at: 10m`."""

    name: Text
    profiles: dict[Text, dict[str, Any]] = {}
    events: Annotated[list[dict[str, Any] | list[Any]], Field(min_length=1)]
    messages: list[Expected] = []
    rejected: Annotated[list[Text], Field(description="Reasons, or parts of them.")] = []


class Fixtures(_Strict):
    """A test file. Its `profiles` are those of all cases, and so are its `policy`, its `sources` and the rows of its
    `catalogs`.
    """

    policy: Policy | None = None
    sources: Annotated[
        list[Text], Field(description="Source files that read the events, by their paths from this file.")
    ] = []
    catalogs: Annotated[
        dict[CatalogName, list[dict[Text, str]]],
        Field(description="Rows by catalog, each by its columns: Identity, Name, …"),
    ] = {}
    profiles: dict[Text, dict[str, Any]] = {}
    cases: Annotated[list[Case], Field(min_length=1)]

    @field_validator("catalogs")
    @classmethod
    def _identified(cls, catalogs: dict[str, list[dict[str, str]]]) -> dict[str, list[dict[str, str]]]:
        for name, rows in catalogs.items():
            if any(IDENTITY not in row for row in rows):
                msg = f"a row of {name} has no {IDENTITY}"
                raise ValueError(msg)
        return catalogs


class Result(NamedTuple):
    """The result of a case, and where it stands."""

    file: Path
    line: int
    case: str
    differences: Sequence[Difference]

    @property
    def passed(self) -> bool:
        return not self.differences


def is_fixture(path: Path) -> bool:
    return path.suffix in SUFFIXES and path.stem.endswith(".test")


def fixture_of(campaign: Path) -> Path | None:
    """The test file beside a campaign's file, if there is one."""
    return _existing(campaign, campaign.stem + ".test")


def campaign_of(fixture: Path) -> Path | None:
    """The campaign's file beside a test file."""
    return _existing(fixture, fixture.stem.removesuffix(".test"))


def _existing(beside: Path, stem: str) -> Path | None:
    paths = (beside.with_name(stem + suffix) for suffix in SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def run(fixture: Path, campaign: Campaign) -> Iterator[Result]:
    """Raises CampaignFileError where the test file itself is wrong."""
    fixtures, source = read_model(fixture, Fixtures)
    files = [read_model(fixture.parent / path, SourceFile)[0] for path in fixtures.sources]
    rules = Rules(sources=tuple(sorted((each.plan() for each in files), key=lambda each: each.id)))
    for number, case in enumerate(fixtures.cases):
        place = ("cases", number)
        trace = _Trace(campaign, fixtures, rules)
        trace.run({**fixtures.profiles, **case.profiles}, case.events, source, (*place, "events"))
        differences = [
            *compare([each.fields() for each in case.messages], trace.messages),
            *compare_rejected(case.rejected, trace.rejected),
        ]
        yield Result(fixture, source.position(place)[0], case.name, differences)


def run_file(path: Path) -> list[Result]:
    """The results of a test file, or of the one beside a campaign's file: none if there is no such file.

    Raises CampaignFileError.
    """
    fixture = path if is_fixture(path) else fixture_of(path)
    campaign = campaign_of(path) if is_fixture(path) else path
    if campaign is None or fixture is None:
        return []
    return list(run(fixture, read_campaign(campaign)[0]))


class _Trace:
    """One case: what comes of its events."""

    def __init__(self, campaign: Campaign, fixtures: Fixtures, rules: Rules = RULES) -> None:
        self.messages: list[Fields] = []
        self.rejected: list[str] = []
        self._rules = rules
        self._plan = campaign.plan()
        self._rendering = Rendering(lambda _campaign, _revision: self._plan, lambda: "test")
        plans = Plans([self._plan], policy=fixtures.policy.plan() if fixtures.policy else NONE)
        rows: dict[Place, Values] = {}
        for name, given in fixtures.catalogs.items():
            rows |= placed(name, found_by(name, [self._plan]), given)
        self._rows = RowsInMemory(rows)
        self._replay = Replay(plans, self._message, start=START_MS)

    def run(
        self, known: Mapping[str, Any], events: Sequence[Any], source: Source, place: tuple[int | str, ...]
    ) -> None:
        for user, properties in known.items():
            self._take({"user": user, "profile": properties}, START_MS)
        for number, record in enumerate(events):
            try:
                self._take(*_timed(record))
            except ValueError as error:
                raise CampaignFileError([source.mistake((*place, number), str(error))]) from error
        self.messages += self._replay.until()

    def _take(self, data: Any, at: int | None) -> None:
        """Fold the records. Those without a time happen at `at`, or when the one before them did."""
        for record in records(json.dumps(data, default=_json), NO_ARRIVAL, self._rules):
            if at is not None and isinstance(record, Event | ProfileChange):
                if record.at != NO_ARRIVAL:
                    msg = "says at, and has a time of its own"
                    raise ValueError(msg)
                self.rejected += self._replay.take(record._replace(at=at))
            else:
                if at is not None and isinstance(record, Tie):
                    self.messages += self._replay.until(at)
                self.rejected += self._replay.take(record)

    def _message(self, user: str, decision: Decision, profile: Mapping[str, JsonValue]) -> Fields:
        (outcome,) = self._rendering.outcomes([(user, decision, self._plan, profile)], self._rows)
        fields: dict[str, JsonValue] = {"user": user, "decision": _TOLD[outcome.kind], "constant": decision.shown}
        fields["at"] = format_duration(decision.when - START_MS)
        if outcome.reason:
            fields["reason"] = outcome.reason
        if decision.variant:
            fields["variant"] = decision.variant
        if decision.conversion and decision.conversion.bought:
            fields["amount"] = decision.conversion.bought.amount
        return {**fields, **{f"values.{key}": value for key, value in (outcome.values or {}).items()}}


def _timed(record: Any) -> tuple[Any, int | None]:
    """A record without its `at`, and the time that this means. Raises ValueError."""
    if not isinstance(record, dict) or "at" not in record:
        return record, None
    rest = dict(record)
    return rest, START_MS + parse_duration(str(rest.pop("at")))


def _json(value: Any) -> str:
    """A time that YAML has read as one."""
    if not isinstance(value, datetime):
        msg = f"{value!r} is no JSON"
        raise TypeError(msg)
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
