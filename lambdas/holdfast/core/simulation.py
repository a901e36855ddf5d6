"""What would have been decided: a trace run through the fold in event time, each tick exactly when it is due."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from holdfast.core.events import Event, Tick
from holdfast.core.fold import Limits, fold, needed_until
from holdfast.core.plans import Hit, Plans, Problem
from holdfast.core.recommendations import Seen
from holdfast.core.watches import Decision, State

NOTHING = State()


class Decided(NamedTuple):
    user: str
    decision: Decision


class Simulation:
    """Time is the largest event time so far, so an event with an earlier one is late by the difference.

    A timer due at the very time of an event fires before it. A user of whom nothing is left takes no memory.
    """

    def __init__(self, plans: Plans) -> None:
        self.now = 0
        self._plans = plans
        self._limits = Limits(waiting=0)
        self._states: dict[str, State] = {}
        self._wake: dict[str, int] = {}
        self._timers: list[tuple[int, str]] = []

    def event(self, event: Event) -> tuple[list[Decided], list[Problem]]:
        """What falls due before the event, and what the event itself brings about."""
        hits, problems = self._plans.read(event._replace(arrived=max(event.at, self.now)))
        decided = list(self.until(event.at))
        inputs: list[Hit | Seen | Tick] = [*hits, *self._plans.seen(event)]
        if inputs:
            decided += self._fold(event.user, inputs)
        return decided, problems

    def until(self, now: int | None = None) -> Iterator[Decided]:
        """Let time run on: to `now`, or until nothing is due any more."""
        while self._timers and (now is None or self._timers[0][0] <= now):
            at, user = heapq.heappop(self._timers)
            if self._wake.get(user) == at:
                self.now = max(self.now, at)
                del self._wake[user]
                yield from self._fold(user, [Tick(user, at)])
        self.now = max(self.now, now or 0)

    def _fold(self, user: str, inputs: Sequence[Hit | Seen | Tick]) -> list[Decided]:
        state, decisions = fold(self._states.get(user, NOTHING), inputs, self._plans, self.now, self._limits)
        if state != NOTHING:
            self._states[user] = state
            self._wake_at(user, state.due(self._plans.summaries) or needed_until(state, self._plans, self._limits) + 1)
        else:
            self._states.pop(user, None)
        return [Decided(user, decision) for decision in decisions]

    def _wake_at(self, user: str, at: int) -> None:
        """A user is woken when a watch is due, or else to be forgotten."""
        if self._wake.get(user) != at:
            self._wake[user] = at
            heapq.heappush(self._timers, (at, user))
