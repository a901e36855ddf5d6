"""A campaign's goal: which events convert a message, and which undo that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from msgspec import ValidationError, convert, to_builtins

from holdfast.core.events import Json, Value
from holdfast.core.paths import Unclear, number_in, search, search_for

WITHIN_MS = 7 * 24 * 60 * 60_000
MAX_CURRENCY = 8
"""Characters."""

Worth: TypeAlias = Callable[[Mapping[str, Json], Json], tuple[float | None, str]]
"""The amount and its currency, from an event's properties and a constant value, as far as they can be read."""


class Goal(Value, frozen=True, omit_defaults=True):
    """`on` are the events (keys) that convert a message about the same value, up to `within` milliseconds after it.
    `undone_by` are events that undo what was before them. `amount` and `currency` are JMESPaths on the event.
    """

    on: tuple[str, ...]
    within: int = WITHIN_MS
    amount: str = ""
    currency: str = ""
    undone_by: tuple[str, ...] = ()

    def to_json(self) -> Mapping[str, Json]:
        data: dict[str, Json] = to_builtins(self)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Goal:
        """Raises TypeError."""
        try:
            return convert(data, cls)
        except ValidationError as error:
            raise TypeError(error) from error

    def worth(self, fold: Callable[[str], str]) -> Worth:
        """How amounts are read. What cannot be computed is no amount: the event is a conversion all the same."""
        amount = search_for(self.amount, fold) if self.amount else None
        currency = search(self.currency) if self.currency else None

        def read(properties: Mapping[str, Json], value: Json) -> tuple[float | None, str]:
            found = name = None
            with suppress(Unclear):
                found = number_in(amount(properties, value)) if amount else None
            with suppress(Unclear):
                name = currency(properties) if currency else None
            return found, name[:MAX_CURRENCY] if isinstance(name, str) else ""

        return read


class Purchase(Value, frozen=True):
    """An event that converts the messages of a campaign about its `values` (by key, as the event wrote them), or undoes
    conversions. `campaign` is the key in the state. `worth` says the amount for a value, which is computed only where
    there is such a message.
    """

    campaign: str
    id: str
    at: int
    arrived: int
    values: Mapping[str, Json]
    undoes: bool
    max_age: int
    properties: Mapping[str, Json]
    worth: Worth
