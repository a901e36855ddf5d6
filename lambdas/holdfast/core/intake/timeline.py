"""The timeline: which revision of each campaign and recommendation was in force when.

    cart     |-- revision 1 --------|-- revision 2 ----|  deleted
             since 0                since 10:02:07     since 11:30:00

An event is read by the revisions in force when its message first arrived (`at`), in every container, however late or
often. A decision is made by what was published last (`newest`). Watches of a reading that was replaced keep it: while
revisions of it are remembered, exits are read as these read them, too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from holdfast.core.gate.policy import NONE, Policy
from holdfast.core.intake.sources import InForce
from holdfast.core.plans.plan import Illegible, Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.ranking import Recommender

POLICY = "#policy"
"""The name of the policy's entry."""


class Entry(NamedTuple):
    """`what` was in force under this name from `since` on (epoch milliseconds). None: it was deleted.

    No event is read by the policy: there is only the one that was published last.
    """

    name: str
    since: int
    what: Plan | Recommender | Policy | Illegible | None


class Timeline:
    """`epoch` names the state of the campaigns table that the entries were read from: each publication changes it.

    `sources` are those in force, with those that were.
    """

    def __init__(self, entries: Iterable[Entry] = (), epoch: str = "", sources: InForce | None = None) -> None:
        self.epoch = epoch
        self.sources = InForce() if sources is None else sources
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        self._policy: Policy | None = NONE
        for entry in sorted(entries, key=lambda entry: entry.since):
            if entry.name == POLICY:
                self._policy = entry.what if isinstance(entry.what, Policy) else None
                continue
            self._entries[entry.name].append(entry)
        self._turns = sorted({entry.since for of in self._entries.values() for entry in of})
        self._plans: dict[int, Plans] = {}

    @property
    def newest(self) -> Plans:
        """The latest publication, also in the moment before it is in force."""
        return self._after(len(self._turns))

    def at(self, moment: int) -> Plans:
        return self._after(bisect_right(self._turns, moment))

    def _after(self, turns: int) -> Plans:
        """The plans in force after so many changes: compiled once, as that takes a while."""
        if turns not in self._plans:
            since = self._turns[turns - 1] if turns else 0
            last = {
                name: entry.what
                for name, entries in self._entries.items()
                for entry in entries
                if turns and entry.since <= since
            }
            self._plans[turns] = Plans(
                (what for what in last.values() if isinstance(what, Plan)),
                (what for what in last.values() if isinstance(what, Recommender)),
                illegible={name: what for name, what in last.items() if isinstance(what, Illegible)},
                deleted=(name for name, what in last.items() if what is None),
                policy=self._policy,
                others=[other for what in last.values() if isinstance(what, Plan) for other in self._others(what)],
            )
        return self._plans[turns]

    def _others(self, plan: Plan) -> list[Plan]:
        """The last revision of each other space of a campaign. Spaces of before it was deleted are over."""
        spaces: dict[int, Plan] = {}
        for entry in self._entries[plan.id]:
            if entry.what is None:
                if plan.space in spaces:
                    break
                spaces = {}
            elif isinstance(entry.what, Plan):
                spaces[entry.what.space] = entry.what
        return [other for space, other in spaces.items() if space != plan.space]
