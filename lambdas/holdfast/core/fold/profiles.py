"""Profiles: the latest value of each of a user's properties, by event time, in any order of arrival.

A property is the value it was last set to, and the later operations on it. These operations are kept one by one, by the
id of their change: a late one is put in its place, and a repeated one is recognised. Operations older than `floor` are
folded into the value, as no repeat of them can still be on its way. A change that arrives even later, and belongs
before an operation that was folded, is refused with that reason.

A removed property stays as null, so that an older value cannot bring it back. The text of a profile is `{property:
[value, at]}`. The folded time and the pending operations follow in the list, if there are any.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

from holdfast.core.events import Json, ProfileChange, Rejected, canonical, change_id

MAX_BYTES = 100 * 1024
"""The most bytes of a profile's text: a quarter of what a DynamoDB item can hold, and 100 write units."""
MAX_PENDING = 256
"""Operations of one property. Beyond, the oldest is folded before its time."""


class Pending(NamedTuple):
    """An operation, and when it happened."""

    at: int
    name: str
    argument: Json


class Property(NamedTuple):
    """The value set at `at` (0: never), including the operations up to `folded`; and the later operations."""

    value: Json = None
    at: int = 0
    folded: int = 0
    pending: Mapping[str, Pending] = {}


Profile: TypeAlias = Mapping[str, Property]


class Merged(NamedTuple):
    """A profile, and the changes that it does not include: records that can be sent again, each with its reason."""

    profile: Profile
    refused: list[Rejected]


def merge(profile: Profile, changes: Iterable[ProfileChange], floor: int = 0) -> Merged:
    """Merge changes into a profile. Their order and repetition do not matter. If two values have the same millisecond,
    the greater JSON wins.

    No change older than `floor` can still arrive in time, neither at its first delivery nor as a repeat.
    """
    refused: list[Rejected] = []
    for change in sorted(changes, key=lambda change: change.at):
        merged, problems = _merge(profile, change, floor)
        size = len(encode(merged).encode()) if merged != profile else 0
        if size > MAX_BYTES and size > len(encode(profile).encode()):
            reason = (
                f"profile too large: it would have {size} bytes, {MAX_BYTES} are allowed; $delete what is not needed"
            )
            problems = dict.fromkeys([*change.properties, *change.operations], reason)
        else:
            profile = merged
        refused += _refused(change, problems)
    return Merged(profile, refused)


def joined(profiles: Iterable[Profile]) -> dict[str, Property]:
    """The profile of several ids of one person: for each property, the value set last and the operations of all ids."""
    found: dict[str, Property] = {}
    for name, each in (item for profile in profiles for item in profile.items()):
        old = found.get(name, each)
        last = max(old, each, key=lambda one: (one.at, one.folded, canonical(one.value)))
        pending = dict(old.pending)
        for key, step in each.pending.items():
            pending[key] = min(step, pending.get(key, step), key=_order)
        found[name] = last._replace(pending=pending)
    return found


def properties(profile: Profile) -> dict[str, Json]:
    """The user's properties as they are now."""
    if not profile:
        return {}
    values = {name: _value(each) for name, each in profile.items()}
    return {name: value for name, value in values.items() if value is not None}


def encode(profile: Profile) -> str:
    return canonical({name: each if each.folded or each.pending else each[:2] for name, each in profile.items()})


def decode(text: str) -> Profile:
    return {name: _property(*each) for name, each in json.loads(text).items()}


def _property(value: Json, at: int, folded: int = 0, pending: Mapping[str, Any] | None = None) -> Property:
    return Property(value, at, folded, {key: Pending(*each) for key, each in (pending or {}).items()})


def _merge(profile: Profile, change: ProfileChange, floor: int) -> tuple[Profile, dict[str, str]]:
    """The new profile, and for each property that could not be changed, the reason."""
    merged = dict(profile)
    problems: dict[str, str] = {}
    for name, value in change.properties.items():
        old = merged.get(name, Property())
        if old.at < change.at <= old.folded:
            problems[name] = f"{name}: set before an operation that is folded already; set it again with a later time"
        elif (change.at, canonical(value)) > (old.at, canonical(old.value)) and change.at > old.folded:
            merged[name] = Property(value, change.at, 0, old.pending)
    key = sha256(change_id(change).encode()).hexdigest()[:12] if change.operations else ""
    for name, operation in change.operations.items():
        old = merged.get(name, Property())
        new, known = Pending(change.at, *operation), old.pending.get(key)
        if known is None and old.at <= change.at <= old.folded:
            problems[name] = f"{name}: later operations are folded already, and this one may be among them"
        elif known is None or _order(new) < _order(known):
            merged[name] = old._replace(pending={**old.pending, key: new})
    if merged != profile:
        merged = {name: _folded(each, floor) if each.pending else each for name, each in merged.items()}
    return merged, problems


def _folded(old: Property, floor: int) -> Property:
    """The property, with the operations older than the floor, and the oldest beyond `MAX_PENDING`, folded into the
    value.
    """
    value, folded = old.value, old.folded
    steps = _sorted(old)
    done = sum(step.at < floor for _, step in steps)
    done = max(done, len(steps) - MAX_PENDING)
    for _, step in steps[:done]:
        if step.at >= old.at:
            value, folded = _apply(value, step), step.at
    return Property(value, old.at, folded, dict(steps[done:]))


def _value(of: Property) -> Json:
    value = of.value
    for _, step in _sorted(of) if of.pending else ():
        if step.at >= of.at:
            value = _apply(value, step)
    return value


def _sorted(of: Property) -> list[tuple[str, Pending]]:
    return sorted(of.pending.items(), key=lambda item: (item[1].at, item[0]))


def _order(of: Pending) -> tuple[int, str]:
    return of.at, canonical(of[1:])


def _apply(value: Json, step: Pending) -> Json:
    """A value of the wrong type is kept as it is by `incr`; the other operations make it the first item of a list."""
    argument = step.argument
    if isinstance(argument, int | float):
        if value is None:
            return argument
        return value + argument if isinstance(value, int | float) and not isinstance(value, bool) else value
    given = argument if isinstance(argument, list) else []
    items = value if isinstance(value, list) else [] if value is None else [value]
    if step.name == "remove":
        return [each for each in items if each not in given]
    return [*items, *(each for number, each in enumerate(given) if each not in items and each not in given[:number])]


def _refused(change: ProfileChange, problems: Mapping[str, str]) -> list[Rejected]:
    """One record of all refused changes, in the plain form, with the id under which it would have been folded."""
    if not problems:
        return []
    values: dict[str, Json] = {name: value for name, value in change.properties.items() if name in problems}
    for name, operation in change.operations.items():
        if name in problems:
            values[name] = {f"${operation.name}": operation.argument}
    record: Json = {"user": change.user, "profile": values, "ts": change.at, "id": change_id(change)}
    return [Rejected("; ".join(dict.fromkeys(problems.values())), record)]
