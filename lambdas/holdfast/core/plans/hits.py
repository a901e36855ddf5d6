"""The meaning of an event to a campaign: what the fold takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from holdfast.core.events import Json, Tick, Value
from holdfast.core.plans.goal import Purchase
from holdfast.core.plans.plan import Plan
from holdfast.core.recommend.ranking import Seen


class Hit(Value, frozen=True):
    """The meaning of one event to one campaign: the part of its trigger (an event of `did`), or an `EXIT`.

    `values` are the constant values the event bears: by key, as the event wrote them. `due` is when a watch opened by
    this hit falls due; a hit that is `history` opens none. `grace` is how far beyond its time an exit reaches. `every`
    means all values for an exit, and for a snapshot all but those that it has.

    `id` is that of the event; an exit has none where the sender gave none. `plan` is the revision that read the event.

    `campaign` is the campaign's key in the state: that of one space. What `opens` nothing there is read for what it
    ends, and arrived when a newer space had begun. `elder` are the keys that a trigger has in older spaces.
    """

    campaign: str
    part: str
    at: int
    id: str
    arrived: int
    values: Mapping[str, Json]
    due: int
    history: bool
    plan: Plan
    kept: Mapping[str, Json]
    grace: int = 0
    every: bool = False
    opens: bool = True
    elder: Mapping[str, Sequence[str]] = {}


class Unreadable(Value, frozen=True):
    """An event that may be an exit of a campaign and cannot be read: under its name there, and why. `later`: it arrived
    when a newer space had begun.
    """

    campaign: str
    id: str
    at: int
    grace: int
    name: str
    why: str
    later: bool = False


Input: TypeAlias = Hit | Unreadable | Seen | Purchase | Tick
"""All that the fold takes."""


class Problem(NamedTuple):
    """Why an event that a campaign names cannot be joined there, and the doubt that it leaves if it may be an exit.

    Without a campaign it is nothing to be reported: only another space cannot read the event.
    """

    campaign: str
    reason: str
    doubt: Unreadable | None = None
