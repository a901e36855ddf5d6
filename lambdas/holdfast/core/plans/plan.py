"""A plan: what the fold needs of a campaign's revision.

A plan is plain data (`dataclasses.asdict` is its JSON), compiled once per container. It needs neither Pydantic nor
Liquid, which every cold start of join would pay for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import Any, NamedTuple

from holdfast.core.events import Json
from holdfast.core.formats import check
from holdfast.core.gate import chance
from holdfast.core.gate.rules import NONE, Rules
from holdfast.core.places import place_of
from holdfast.core.plans.goal import Goal

MAX_AGE_MS = 2 * 60 * 60_000
LONGEST_MS = 90 * 24 * 60 * 60_000
"""The longest duration that a campaign may have anywhere."""
SETTLE_MS = 60_000
FORMAT = 1
"""The newest format of a plan that this release reads."""
GRACE_MS = 2 * 60_000
"""How long before its trigger an exit still counts, unless the campaign says otherwise."""
LONGEST_GRACE_MS = 24 * 60 * 60_000
EARLIER = -1
"""The grace of a snapshot: it ends what is earlier than itself."""
IGNORE_CASE = "ignore case"
EXIT = ""
"""The role of an exit event."""


MISREAD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""How the reading of a plan fails that this release did not write."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A property held equal across events, and where each event bears it (JMESPath by event key).

    With `match` its values match as that says: `ignore case`.
    """

    name: str
    paths: Mapping[str, str]
    match: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One revision of a campaign, as join and deliver read it. Events are named by `event_key`; times are milliseconds.

    `names` are the events' names as the owner wrote them. `keep` are the trigger's properties that the templates name:
    of the event, no others are kept in state. `summary` means one message for all of a user's watches, about `limit`
    of them at most. `catalogs` say, by catalog, which columns of its row are equal to what in the trigger (JMESPath);
    `recommendations` are those that the templates name.

    `any_of` means that any one of `did` is a trigger. `grace` is how long before its trigger an exit still counts.
    `every` are those of `did_not` that end every value, `snapshots` those of `did` that carry all there is. `events`
    are the campaign's own names of events: the key of the event that each of them is, told apart by `where`.
    With `unreadable_exits` = `ignore`, an unreadable exit leaves no doubt.

    A trigger from before `since` is history: when it happened, nobody watched for it yet.

    `space` is the revision with which the campaign's reading of today began (see `same_reading`), 0 for the first one.
    """

    id: str
    revision: int = 1
    name: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    paused: bool = False
    did: tuple[str, ...]
    did_not: tuple[str, ...] = ()
    within: int = 0
    settle: int = SETTLE_MS
    max_age: int = MAX_AGE_MS
    where: Mapping[str, str] = field(default_factory=dict)
    constant: tuple[Constant, ...] = ()
    keep: tuple[str, ...] = ()
    summary: bool = False
    limit: int = 5
    detail_type: str = "Personalized Message"
    values: Mapping[str, str] = field(default_factory=dict)
    catalogs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    recommendations: tuple[str, ...] = ()
    any_of: bool = False
    grace: int = 0
    every: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    events: Mapping[str, str] = field(default_factory=dict)
    unreadable_exits: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    """The type of each value that is not text."""
    since: int = 0
    rules: Rules = NONE
    """The rules between due and sent."""
    variants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The values in which a variant's messages differ, by the variant's name."""
    variant: str = ""
    """The variant whose values these are."""
    convert: Goal | None = None
    space: int = 0

    @property
    def place(self) -> str:
        """The key of its watches in a state: keys of different readings never mix."""
        return place_of(self.id, self.space)

    @property
    def single(self) -> bool:
        """Whether one event is an occurrence of what is watched for."""
        return self.any_of or len(self.did) == 1

    def variant_of(self, user: str) -> str:
        """The variant that a user gets; empty if the campaign has none."""
        weights = self.rules.variants
        return chance.variant(weights, user, self.id) if weights else ""

    def varied(self, variant: str) -> Plan:
        """The plan with the values of a variant. A variant that this revision does not have changes nothing."""
        if variant not in self.variants:
            return self
        return replace(self, variant=variant, values={**self.values, **self.variants[variant]})

    def name_of(self, key: str) -> str:
        """An event's name as the owner of the campaign wrote it."""
        return self.names.get(key, key)

    @property
    def immediate(self) -> bool:
        """The campaign waits for nothing: its messages are decided as soon as the trigger is folded."""
        return not self.did_not and not self.within

    def to_json(self) -> dict[str, Json]:
        """Fields of later releases are left out at their default: earlier releases do not know them.

        So are `since` and `space`, which stand beside the plan in the table.
        """
        data = {name: value for name, value in asdict(self).items() if name not in LATER or value != LATER[name]}
        del data["since"], data["space"]
        if "rules" in data:
            data["rules"] = self.rules.to_json()
        if self.convert:
            data["convert"] = self.convert.to_json()
        data["constant"] = [{k: v for k, v in each.items() if v or k != "match"} for each in data["constant"]]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Raises TypeError, LookupError and NewerFormat; ignores what it does not know."""
        check(data, FORMAT)
        given: dict[str, Any] = {
            name: tuple(value) if name in _TUPLES else value for name, value in data.items() if name in _FIELDS
        }
        constant = (Constant(c["name"], c["paths"], c.get("match", "")) for c in data["constant"])
        rules = {"rules": Rules.from_json(data["rules"])} if "rules" in data else {}
        goal = {"convert": Goal.from_json(data["convert"])} if "convert" in data else {}
        return cls(**{**given, "constant": tuple(constant), **rules, **goal})


_FIELDS = frozenset(each.name for each in fields(Plan))
_TUPLES = frozenset({"did", "did_not", "keep", "recommendations", "every", "snapshots"})
LATER: Mapping[str, object] = {
    each.name: each.default_factory() if each.default_factory is not MISSING else each.default
    for each in fields(Plan)
    if each.name
    in {
        "any_of",
        "grace",
        "every",
        "snapshots",
        "events",
        "unreadable_exits",
        "types",
        "rules",
        "convert",
        "variants",
        "variant",
    }
}
"""Fields that release 0.1 does not know, with their defaults."""
HARMLESS = frozenset({"grace", "unreadable_exits", "convert"})
"""Fields that a release which does not know them may do without: it only does as it always did."""


def same_reading(old: Plan, new: Plan) -> bool:
    """Whether both give an event the same keys, and take the same events for exits. If not, a new space begins."""
    return same_keys(old, new) and exits_of(old) == exits_of(new)


def same_keys(old: Plan, new: Plan) -> bool:
    """Whether the triggers that both know bear the constant at the same places, and match alike."""
    if len(old.constant) != len(new.constant):
        return False
    common = set(old.did) & set(new.did)
    return not old.constant or (
        bool(common)
        and all(
            before.match == after.match and all(before.paths.get(name) == after.paths.get(name) for name in common)
            for before, after in zip(old.constant, new.constant, strict=True)
        )
    )


def match_of(plan: Plan) -> list[str]:
    return [each.match for each in plan.constant]


def exits_of(plan: Plan) -> list[tuple[str, ...]]:
    """How exits are read, snapshots among them."""
    names = [(name, "") for name in plan.did_not] + [(name, "snapshot") for name in plan.snapshots]
    return sorted(
        (
            plan.events.get(name, name),
            plan.where.get(name, ""),
            how or ("every" if name in plan.every else ""),
            *(each.paths.get(name, "") for each in plan.constant),
        )
        for name, how in names
    )


class Illegible(NamedTuple):
    """A revision that this release cannot read: why, and which events (keys) it names, as far as one can see."""

    reason: str
    names: frozenset[str]

    @classmethod
    def of(cls, text: str, error: Exception) -> Illegible:
        names: set[str] = set()
        with suppress(ValueError, AttributeError):
            data = json.loads(text)
            for name in ("did", "did_not", "where"):
                names |= {each for each in data.get(name) or () if isinstance(each, str)}
            own = data.get("events") or {}
            names |= {each for each in own.values() if isinstance(each, str)}
        return cls(f"{type(error).__name__}: {error}", frozenset(names))
