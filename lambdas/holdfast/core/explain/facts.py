"""The facts that are known about one campaign and one constant value of a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from holdfast.core.events import Json

Status: TypeAlias = Literal[
    "waits",  # open, and not yet due
    "due",  # open, and due: decided with the next tick
    "sent",
    "withheld",
    "retracted",
    "converted",
    "ended",  # by an exit, before a message
    "incomplete",  # some of several triggers were seen
    "remembered",  # an exit without its trigger
    "full",  # what is older than this was let go
    "nothing",
]


class Fact(NamedTuple):
    """One known fact. `at` is when it happened, or will happen (epoch milliseconds)."""

    what: Literal["seen", "exit", "decided", "retracted", "waits", "note"]
    at: int
    text: str


class Explanation(NamedTuple):
    """The facts about one campaign and constant value (as its trigger wrote it, else its key; or None).

    `until` is when an open watch falls due, and `waits_for` what would end it, or what it still lacks. `message` is the
    id of the message that was decided, `decided` when. `latest` is the event time of the last thing seen. `values` are
    the message's pairs, rendered now, where enough is kept to render it.
    """

    campaign: str
    name: str
    constant: Json
    status: Status
    facts: tuple[Fact, ...]
    latest: int = 0
    waits_for: tuple[str, ...] = ()
    until: int | None = None
    decided: int | None = None
    message: str = ""
    reason: str = ""
    values: Mapping[str, Json] | None = None

    @property
    def text(self) -> str:
        return "; ".join(fact.text for fact in self.facts)

    def to_json(self) -> dict[str, Json]:
        facts: list[Json] = [dict(fact._asdict()) for fact in self.facts]
        values: Json = None if self.values is None else dict(self.values)
        more: dict[str, Json] = {"waits_for": list(self.waits_for), "values": values, "text": self.text}
        return {**self._asdict(), "facts": facts, **more}
