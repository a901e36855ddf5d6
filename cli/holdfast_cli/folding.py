"""The second half of a simulation: each part is folded alone, and the decisions are merged in order of time."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import IO, NamedTuple

from msgspec import Struct, json, msgpack

from holdfast.core.events import Json as JsonValue
from holdfast.core.events import ProfileChange, Tie
from holdfast.core.explain.replay import BY_EVENT, NEVER, Key, Replay
from holdfast.core.fold.watches import Decision, Kind
from holdfast.core.gate.policy import Policy
from holdfast.core.messages.detail import message_id
from holdfast.core.messages.rendering import Rendering, Rows
from holdfast.core.plans.plan import Plan
from holdfast.core.recommend.ranking import Recommender
from holdfast_cli.filters import Filter, Tried, TryingPlans, all_tried
from holdfast_cli.page import Numbers
from holdfast_cli.runs import Entry, Run, in_order

STEP = 4_000
"""Entries after which decisions are written; and as many are in one block at most."""


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
    """Everything that a fold needs, in a form that can be passed to another process.

    Messages are rendered if `rows` is given, even if it is empty.
    """

    plans: Sequence[Plan]
    recommenders: Sequence[Recommender]
    policy: Policy
    rows: Rows | None = None
    page: bool = False

    def compiled(self) -> TryingPlans:
        return TryingPlans(self.plans, self.recommenders, self.policy)


@dataclass
class Counts:
    """The result of the fold, as numbers. Of the rejected records, some campaign could read `partly`. `history` are the
    events that were so late that they opened nothing.
    """

    records: int = 0
    partly: int = 0
    history: int = 0
    tried: Mapping[Filter, Tried] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    numbers: Numbers = field(default_factory=Numbers)

    def add(self, other: Counts) -> None:
        self.records += other.records
        self.partly += other.partly
        self.history += other.history
        self.tried = all_tried((self.tried, other.tried))
        self.rejected.update(other.rejected)
        self.decisions.update(other.decisions)
        self.numbers.add(other.numbers)


Said = tuple[Key, bytes]
"""A decision as a line of JSON, by its place among all."""


FIRST: Key = (0, 0, "", (), 0)
LAST: Key = (NEVER, BY_EVENT, "", (), 0)


class Fold:
    """Folds one part: entries in, decisions out."""

    def __init__(self, setup: Setup, plans: TryingPlans) -> None:
        self._plans = plans
        self._rows = setup.rows
        self.counts = Counts()
        ended = self.counts.numbers.ended if setup.page else None
        self._page = setup.page
        self._replay = Replay(self._plans, self._row, ended=ended)
        self._rendering = Rendering(lambda campaign, _revision: self._plans[campaign], lambda: "simulated")

    def write(self, runs: Iterable[Run], path: Path, step: Callable[[int], None]) -> None:
        """Write decisions as blocks, one after the other. `step` receives the number of entries folded."""
        simulation, number = self._replay.simulation, 0
        with path.open("wb") as file:
            for stage, base, entries in in_order(runs):
                simulation.now = max(simulation.now, base)
                for entry in entries:
                    simulation.now = max(simulation.now, entry.time)
                    simulation.turn = stage, entry.number, entry.index
                    self._take(entry)
                    number += 1
                    if number == STEP:
                        _dump(simulation.told(simulation.now), file)
                        step(number)
                        number = 0
            _dump(simulation.told(), file)
        self.counts.partly, self.counts.history = simulation.partly, simulation.history
        self.counts.tried = self._plans.taken()
        self._replay.forget()
        step(number)

    def _take(self, entry: Entry) -> None:
        record = entry.record()
        if entry.kind == "k" and isinstance(record, ProfileChange):
            reasons = self._replay.know(record)
        else:
            reasons = self._replay.take(record)
        if entry.kind == "u":
            return  # was counted when it was read
        if reasons:
            self.counts.rejected["; ".join(reasons)] += 1
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


# --- All parts together. ---

ROWS = 100
"""Decisions in one block: one block of each part is in memory, and a second one of some parts."""


def _dump(rows: Sequence[Said], file: IO[bytes]) -> None:
    """Write a block. Its last decision comes before all decisions that follow."""
    for start in range(0, len(rows), ROWS):
        block = _pack(rows[start : start + ROWS])
        file.write(len(block).to_bytes(_LENGTH, "big") + block)


def merged(paths: Iterable[Path]) -> Iterator[list[bytes]]:
    """The decisions of all parts in order, in blocks."""
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb")) for path in paths]
        held: list[list[Said]] = [[] for _ in files]
        until = dict.fromkeys(range(len(files)), FIRST)
        while until:
            for number in sorted(until, key=until.__getitem__)[: 1 + len(until) // 4]:  # the parts furthest behind
                if block := _load(files[number]):
                    held[number] += block
                    until[number] = block[-1][0]
                else:
                    del until[number]
            yield from _ready(held, min(until.values(), default=LAST))


def _ready(held: list[list[Said]], last: Key) -> Iterator[list[bytes]]:
    """Take out the decisions up to this place."""
    ready: list[Said] = []
    for of in held:
        end = bisect_right(of, last, key=itemgetter(0))
        ready += of[:end]
        del of[:end]
    ready.sort()
    if ready:
        yield [row for _, row in ready]


def _load(file: IO[bytes]) -> list[Said]:
    """The next block; empty at the end."""
    length = int.from_bytes(file.read(_LENGTH), "big")
    return _unpack(file.read(length)) if length else []


_LENGTH = 4
"""Bytes before a block that say how long it is."""
_pack = msgpack.Encoder().encode
_unpack = msgpack.Decoder(list[Said]).decode
