"""Profiles: the latest value of each of a user's properties, by event time, whatever the order of arrival.

A profile is `{property: [value, at]}`. A removed property stays as null, so that an older value cannot bring it back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from holdfast.core.events import Json, ProfileChange, canonical

Profile: TypeAlias = Mapping[str, tuple[Json, int]]


def merge(profile: Profile, changes: Iterable[ProfileChange]) -> Profile:
    """Order and repetition of the changes do not matter; of two values of the same millisecond the greater JSON wins."""
    merged = dict(profile)
    for change in changes:
        for name, value in change.properties.items():
            old = merged.get(name)
            if old is None or (change.at, canonical(value)) > (old[1], canonical(old[0])):
                merged[name] = (value, change.at)
    return merged


def properties(profile: Profile) -> dict[str, Json]:
    """The user's properties as they are now."""
    return {name: value for name, (value, _) in profile.items() if value is not None}


def encode(profile: Profile) -> str:
    return canonical(profile)


def decode(text: str) -> Profile:
    return {name: (value, at) for name, (value, at) in json.loads(text).items()}
