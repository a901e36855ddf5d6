"""States and profiles for people who look at many users: an unreadable one is left out and does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from holdfast.core.events import Json
from holdfast.core.fold import profiles
from holdfast.core.fold.stored import decode
from holdfast.core.fold.watches import State

T = TypeVar("T")


def read_state(text: str) -> State | None:
    """The state, or None if it cannot be read."""
    return _tried(decode, text)


def read_properties(text: str) -> dict[str, Json] | None:
    """The user's properties, or None if the profile cannot be read."""
    return _tried(lambda given: profiles.properties(profiles.decode(given)), text)


def readable(states: Mapping[str, str]) -> dict[str, State]:
    """The states that can be read, by user."""
    return {user: state for user, text in states.items() if (state := read_state(text)) is not None}


def _tried(read: Callable[[str], T], text: str) -> T | None:
    try:
        return read(text)
    except Exception:  # noqa: BLE001 (whatever is wrong with it)
        return None
