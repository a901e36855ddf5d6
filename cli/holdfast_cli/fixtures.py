"""Fixture tests: `abandoned-cart.test.yaml` beside `abandoned-cart.yaml` says which messages come of which events.

Each case is run through the simulation. Of a message only what the case says is compared, so one that says no more than
the user means: something is sent to them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from holdfast.core.authoring.basics import Duration, Text
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.policy import Policy
from holdfast.core.authoring.text import CampaignFileError, Source
from holdfast.core.events import Event, ProfileChange, Rejected, Tie
from holdfast.core.events import Json as JsonValue
from holdfast.core.explain.replay import Simulation
from holdfast.core.fold import profiles
from holdfast.core.fold.asking import Known
from holdfast.core.fold.watches import Decision, Kind
from holdfast.core.gate.policy import NONE
from holdfast.core.intake.forms import records
from holdfast.core.messages.detail import context
from holdfast.core.plans.plan import Plans
from holdfast.core.templates.sandbox import SECRET
from holdfast.core.templates.templates import Withheld, compile_values
from holdfast.core.times import format_duration, parse_duration
from holdfast_cli.campaign_file import read_campaign, read_model
from holdfast_cli.ordering import NO_ARRIVAL

SUFFIXES = (".yaml", ".yml", ".json")
START_MS = round(datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp() * 1000)
"""The Monday morning from which the times of a case count."""

Fields: TypeAlias = Mapping[str, JsonValue]
"""What there is to say of a message, flat: user, decision, constant, at, reason, values.title, …"""


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
    unconverted: Annotated[Literal[True] | None, Field(description="A conversion that is none any more.")] = None
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
    """A test file. Its `profiles` are those of all cases, and so is its `policy`."""

    policy: Policy | None = None
    profiles: dict[Text, dict[str, Any]] = {}
    cases: Annotated[list[Case], Field(min_length=1)]


class Difference(NamedTuple):
    """What was expected and what came instead; None for neither."""

    expected: Fields | None
    got: Fields | None

    def lines(self) -> Iterator[str]:
        """As a diff: `-` is expected, `+` is what came. White space that nobody sees is escaped."""
        expected, got = self.expected, self.got
        if expected is None or got is None:
            yield f"{'+' if got else '-'} {_sentence(expected or got or {})}"
            return
        yield f"  {_title(got)}"
        for key, wanted in expected.items():
            if not _meant(key, wanted, got.get(key)):
                yield f"- expected {key}: {_visible(wanted)}"
                yield f"+ got {key}: {_visible(got.get(key))}"


class Result(NamedTuple):
    """What came of a case, and where it stands."""

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
    for number, case in enumerate(fixtures.cases):
        place = ("cases", number)
        trace = _Trace(campaign, fixtures.policy)
        trace.run({**fixtures.profiles, **case.profiles}, case.events, source, (*place, "events"))
        differences = [
            *compare([each.fields() for each in case.messages], trace.messages),
            *_compare_rejected(case.rejected, trace.rejected),
        ]
        yield Result(fixture, source.position(place)[0], case.name, differences)


def run_file(path: Path) -> list[Result]:
    """Of a test file, or the one beside a campaign's file. Raises CampaignFileError; no results where there is none."""
    fixture = path if is_fixture(path) else fixture_of(path)
    campaign = campaign_of(path) if is_fixture(path) else path
    if campaign is None or fixture is None:
        return []
    return list(run(fixture, read_campaign(campaign)[0]))


class _Trace:
    """One case: what comes of its events."""

    def __init__(self, campaign: Campaign, policy: Policy | None) -> None:
        self.messages: list[Fields] = []
        self.rejected: list[str] = []
        self._plan = campaign.plan()
        self._values = {
            plan.variant: compile_values(
                plan.values, events=campaign.when.triggers, catalogs=campaign.catalogs, types=plan.types
            )
            for plan in (self._plan, *map(self._plan.varied, self._plan.variants))
        }
        self._simulation = Simulation(
            Plans([self._plan], policy=policy.plan() if policy else NONE), self._message, self._known
        )
        self._simulation.now = START_MS
        self._profiles: dict[str, profiles.Profile] = {}

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
        self.messages += self._simulation.until()

    def _take(self, data: Any, at: int | None) -> None:
        """Fold the records. Those without a time happen at `at`, or when the one before them did."""
        for record in records(json.dumps(data, default=_json), NO_ARRIVAL):
            match record:
                case Tie():
                    if at is not None:
                        self.messages += self._simulation.until(at)
                    self._tie(record)
                case Event() | ProfileChange():
                    if at is not None and record.at != NO_ARRIVAL:
                        msg = "says at, and has a time of its own"
                        raise ValueError(msg)
                    when = record.at if record.at != NO_ARRIVAL else self._simulation.now if at is None else at
                    self._happen(record._replace(at=when))
                case Rejected(reason, event=event):
                    self.rejected.append(reason)
                    if event:
                        self._simulation.unreadable(event, reason)

    def _happen(self, record: Event | ProfileChange) -> None:
        if isinstance(record, Event):
            self.rejected += [problem.reason for problem in self._simulation.event(record)]
        else:
            self.messages += self._simulation.until(record.at)
            user = self._simulation.person(record.user)
            before = self._profiles.get(user, {})
            self._profiles[user], refused = profiles.merge(before, [record])
            self.rejected += [each.reason for each in refused]

    def _tie(self, tie: Tie) -> None:
        people = self._simulation.tie(tie)
        self.rejected += [each.reason for each in people.refused if each.odd and not tie.along]
        for person, joining in people.joining.items():
            known = [self._profiles.pop(id_, {}) for id_ in (person, *joining)]
            self._profiles[person] = profiles.joined(known)

    def _known(self, user: str) -> Known:
        return Known(user, profiles.properties(self._profiles.get(user, {})))

    def _message(self, user: str, decision: Decision) -> Fields:
        kind, reason, values = decision.kind, decision.reason, dict[str, JsonValue]()
        if kind == "send":
            try:
                values = self._values[decision.variant].render(
                    context(decision, self._plan, self._known(user).profile) | {SECRET: "test"}
                )
            except Withheld as withheld:
                kind, reason = "withhold", withheld.reason
        told = _TOLD[kind]
        fields: dict[str, JsonValue] = {"user": user, "decision": told, "constant": decision.shown}
        fields["at"] = format_duration(decision.when - START_MS)
        if reason:
            fields["reason"] = reason
        if decision.variant:
            fields["variant"] = decision.variant
        if decision.conversion and decision.conversion.bought:
            fields["amount"] = decision.conversion.bought.amount
        return {**fields, **{f"values.{key}": value for key, value in values.items()}}


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


def compare(expected: Sequence[Fields], got: Sequence[Fields]) -> list[Difference]:
    """What does not agree, each beside what is likeliest meant. The order is no matter."""
    came = list(got)
    missing: list[Fields] = []
    for each in sorted(expected, key=len, reverse=True):  # those that say most choose first
        agreeing = next((one for one in came if _agree(each, one)), None)
        if agreeing is None:
            missing.append(each)
        else:
            came.remove(agreeing)
    differences = []
    for each in sorted(missing, key=expected.index):
        alike = sorted((one for one in came if one["user"] == each["user"]), key=lambda one: -_likeness(each, one))
        if alike:
            came.remove(alike[0])
        differences.append(Difference(each, alike[0] if alike else None))
    return differences + [Difference(None, one) for one in came]


def _agree(expected: Fields, got: Fields) -> bool:
    return all(_meant(key, value, got.get(key)) for key, value in expected.items())


def _meant(key: str, expected: JsonValue, got: JsonValue) -> bool:
    """Of a reason, what stands before the colon is enough."""
    return got == expected or (key == "reason" and str(got).partition(":")[0] == expected)


def _likeness(expected: Fields, got: Fields) -> int:
    """The constant value says more than all else."""
    return sum((9 if key == "constant" else 1) * (got.get(key) == value) for key, value in expected.items())


def _compare_rejected(expected: Sequence[str], got: Sequence[str]) -> list[Difference]:
    came = list(got)
    differences = []
    for part in expected:
        reason = next((each for each in came if part in each), None)
        if reason is None:
            differences.append(Difference({"decision": "rejected", "reason": part}, None))
        else:
            came.remove(reason)
    return differences + [Difference(None, {"decision": "rejected", "reason": reason}) for reason in came]


def _title(fields: Fields) -> str:
    shown = [fields["user"]] if "user" in fields else []
    shown += [fields["constant"]] if fields.get("constant") is not None else []
    return ", ".join(map(_shown, shown))


def _sentence(fields: Fields) -> str:
    who, reason = _title(fields), fields.get("reason")
    at = f" at {fields['at']}" if "at" in fields else ""
    values = ", ".join(
        f"{k.removeprefix('values.')}: {_shown(v)}" for k, v in fields.items() if k.startswith("values.")
    )
    what = str(fields["decision"]) + at + (f": {reason}" if reason else "") + (f" ({values})" if values else "")
    return f"{who}: {what}" if who else what


def _visible(value: JsonValue) -> str:
    """With quotes where a text could be taken for something else, or has white space that does not show."""
    if not isinstance(value, str):
        return _shown(value)
    written = "".join(each if each == " " or each.isprintable() else ascii(each)[1:-1] for each in value)
    numberlike = re.fullmatch(r"-?[0-9.]+|true|false|null|nothing|", value)
    return f'"{written}"' if written != value or numberlike or value != value.strip() or "  " in value else value


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) else "nothing" if value is None else json.dumps(value, ensure_ascii=False)
