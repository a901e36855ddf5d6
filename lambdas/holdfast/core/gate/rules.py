"""The rules of a campaign between due and sent, as its plan holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import ValidationError, convert, to_builtins

from holdfast.core.events import Json, Value
from holdfast.core.gate.hours import USER, Hours
from holdfast.core.gate.policy import Cap


class Rules(Value, frozen=True, omit_defaults=True):
    """Durations are milliseconds, `start` and `end` epoch milliseconds (0: none).

    `audience` is a JMESPath over `Profile` and `Event`. `again_after` is how long after a message the same value gets
    no other one. If several campaigns are due at once, the highest `priority` goes first. `instead_of` are
    campaigns that give way to this one for the same value. `variants` are weights by name.
    """

    audience: str = ""
    start: int = 0
    end: int = 0
    hours: Hours | None = None
    again_after: int = 0
    per_user: tuple[Cap, ...] = ()
    priority: int = 0
    instead_of: tuple[str, ...] = ()
    control: float = 0.0
    variants: Mapping[str, float] = {}

    @property
    def ask_profile(self) -> bool:
        """Whether the decision needs the profile."""
        return "Profile" in self.audience or (self.hours is not None and self.hours.zone == USER)

    def to_json(self) -> Mapping[str, Json]:
        data: dict[str, Json] = to_builtins(self)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rules:
        """Raises TypeError."""
        try:
            return convert(data, cls)
        except ValidationError as error:
            raise TypeError(error) from error


NONE = Rules()
