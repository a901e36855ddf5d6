"""The second half of a simulation: each part is folded alone, and what is decided is merged in order of time."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct, json

from holdfast.core.events import Json as JsonValue
from holdfast.core.events import ProfileChange, Tie
from holdfast.core.explain.replay import BY_EVENT, NEVER, Key, Replay
from holdfast.core.fold.watches import Decision, Kind
from holdfast.core.gate.policy import Policy
from holdfast.core.messages.detail import message_id
from holdfast.core.messages.rendering import Rendering, Rows
from holdfast.core.plans.plan import Plan, Plans
from holdfast.core.recommend.ranking import Recommender
from holdfast_cli.page import Numbers
from holdfast_cli.reading import Entry, Run, in_order

STEP = 4_000
"""Entries after which decisions are given out."""
AHEAD = 2
"""Blocks of decisions that wait for those of slower parts."""


class Row(Struct, omit_defaults=True, gc=False):
    """The printed form of a decision. Times are epoch milliseconds, `constant` is the trigger's own value."""

    decision: Kind
    campaign: str
    user: str
    constant: JsonValue
    trigger_at: int
    decided_at: int
    id: str
    reason: str = ""
    values: Mapping[str, JsonValue] | None = None
    variant: str = ""
    amount: float | None = None
    currency: str = ""


class Setup(NamedTuple):
    """All that a fold goes by, in a form that can be handed to another process. Messages are rendered where there are
    rows for them, be they none.
    """

    plans: Sequence[Plan]
    recommenders: Sequence[Recommender]
    policy: Policy
    rows: Rows | None = None
    page: bool = False

    def compiled(self) -> Plans:
        return Plans(self.plans, self.recommenders, policy=self.policy)


@dataclass
class Counts:
    """The result of the fold, in numbers."""

    records: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    numbers: Numbers = field(default_factory=Numbers)

    def add(self, other: Counts) -> None:
        self.records += other.records
        self.rejected.update(other.rejected)
        self.decisions.update(other.decisions)
        self.numbers.add(other.numbers)


Said = tuple[Key, bytes]
"""A decision as a line of JSON, by its place among all."""


class Block(NamedTuple):
    """Decisions of a part in order. All that are still to come, come behind `until`."""

    until: Key
    rows: list[Said]


LAST: Key = (NEVER, BY_EVENT, "", (), 0)


class Fold:
    """Folds one part: entries in, decisions out."""

    def __init__(self, setup: Setup, plans: Plans | None = None) -> None:
        self._plans = setup.compiled() if plans is None else plans
        self._rows = setup.rows
        self.counts = Counts()
        ended = self.counts.numbers.ended if setup.page else None
        self._page = setup.page
        self._replay = Replay(self._plans, self._row, ended=ended)
        self._rendering = Rendering(lambda campaign, _revision: self._plans[campaign], lambda: "simulated")

    def blocks(self, runs: Iterable[Run], step: Callable[[int], None]) -> Iterator[Block]:
        """`step` hears of how many entries were folded."""
        simulation, number = self._replay.simulation, 0
        for stage, base, entries in in_order(runs):
            simulation.now = max(simulation.now, base)
            for entry in entries:
                simulation.now = max(simulation.now, entry.time)
                simulation.turn = stage, entry.number, entry.index
                self._take(entry)
                number += 1
                if number >= STEP:
                    step(number)
                    number = 0
                    until = simulation.now, BY_EVENT, "", simulation.turn, NEVER
                    yield Block(until, simulation.told(simulation.now))
        step(number)
        yield Block(LAST, simulation.told())

    def _take(self, entry: Entry) -> None:
        if entry.kind == "m":
            self._replay.simulation.now = max(self._replay.simulation.now, entry.at)
            return
        record = entry.record()
        if entry.kind == "k" and isinstance(record, ProfileChange):
            reasons = self._replay.know(record)
        else:
            reasons = self._replay.take(record)
        if entry.kind == "u":
            return  # was counted when it was read
        if reasons:
            self.counts.rejected.update(reasons)
        else:
            self.counts.records += not isinstance(record, Tie) or record.alone

    def _row(self, user: str, decision: Decision, profile: Mapping[str, JsonValue]) -> bytes:
        kind, reason, values = decision.kind, decision.reason, None
        if self._rows and kind == "send":
            plan = self._plans[decision.campaign]
            (outcome,) = self._rendering.outcomes([(user, decision, plan, profile)], self._rows)
            kind, reason, values = outcome.kind, outcome.reason, outcome.values
        self.counts.decisions[kind] += 1
        if self._page:
            self.counts.numbers.decided(decision.campaign, kind, reason, decision.when)
        bought = decision.conversion.bought if decision.conversion else None
        row = Row(
            kind,
            decision.campaign,
            user,
            decision.shown,
            decision.at,
            decision.when,
            message_id(user, decision),
            reason,
            values,
            decision.variant,
            bought.amount if bought else None,
            bought.currency if bought else "",
        )
        return _encode(row)


_encode = json.Encoder().encode


class Merging:
    """Blocks of several parts, merged: a decision is given out once no part can have an earlier one."""

    def __init__(self, parts: int) -> None:
        self._until: list[Key] = [(0, 0, "", (), 0)] * parts
        self._held: list[list[Said]] = [[] for _ in range(parts)]
        self._blocks = [0] * parts

    def put(self, part: int, block: Block) -> list[bytes]:
        self._held[part] += block.rows
        self._blocks[part] += 1
        self._until[part] = block.until
        until, ready = min(self._until), list[Said]()
        for number, held in enumerate(self._held):
            end = bisect_right(held, until, key=lambda said: said[0])
            ready += held[:end]
            del held[:end]
            self._blocks[number] = self._blocks[number] if held else 0
        ready.sort()
        return [row for _, row in ready]

    def wants(self, part: int) -> bool:
        """Whether the part's next block may come: not where it is far ahead of others."""
        return self._until[part] == min(self._until) or self._blocks[part] < AHEAD
