"""The policy of a stack: the rules that hold for all of its campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import ValidationError, convert, to_builtins

from holdfast.core.events import Json, Value
from holdfast.core.formats import check
from holdfast.core.gate.hours import USER, Hours

FORMAT = 1
"""The newest format of a policy that this release reads."""


class Cap(Value, frozen=True):
    """At most `at_most` messages to a user in any `within` milliseconds."""

    at_most: int
    within: int


class Policy(Value, frozen=True, omit_defaults=True):
    """`zone` is the time zone of users without one of their own. `control` is the share of users who get no message of
    any campaign. `exempt` campaigns ignore the stack's hours, caps and control group, and count for no cap.
    """

    revision: int = 0
    zone: str = "UTC"
    hours: Hours | None = None
    per_user: tuple[Cap, ...] = ()
    control: float = 0.0
    exempt: tuple[str, ...] = ()

    @property
    def forbids(self) -> bool:
        """Whether it can hold back a message. A zone alone cannot."""
        return bool(self.hours or self.per_user or self.control)

    def asks_profile(self, campaign: str) -> bool:
        """Whether a decision for a campaign without hours of its own needs the profile."""
        return self.hours is not None and self.hours.zone == USER and campaign not in self.exempt

    def to_json(self) -> Mapping[str, Json]:
        data: dict[str, Json] = to_builtins(self)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Policy:
        """Raises TypeError and NewerFormat; ignores what it does not know."""
        check(data, FORMAT)
        try:
            return convert(data, cls)
        except ValidationError as error:
            raise TypeError(error) from error


NONE = Policy()
