"""A user's state while it is being changed."""

from __future__ import annotations

from collections.abc import Container, Mapping

from holdfast.core.events import NONE
from holdfast.core.fold.watches import State, Watch, Watches, next_due
from holdfast.core.places import campaign_of

EMPTY = State()
"""What most users have of most things: one for all of them, as it takes memory."""


class Draft:
    """A user's state, to be changed turn by turn; `fold` is one turn. A replay goes on with it where it stopped.

    `watches` are those by place that may be changed, `before` all others. `rest` is what else the state holds: EMPTY,
    one for all, where that is nothing. Of the turn at hand, `touched` are the watches that it looks at.
    """

    __slots__ = ("before", "rest", "touched", "watches")

    before: Mapping[str, Mapping[str, Watch]]
    watches: dict[str, Watches]
    rest: State
    touched: dict[str, Watches]

    def __init__(self, state: State = EMPTY) -> None:
        self.before = state.watches
        self.watches = {}
        self.rest = rest_of(state)
        self.touched = {}

    def state(self) -> State:
        """The state as it is now. What is changed after that is changed in a copy."""
        self.before, self.watches = {**self.whole}, {}
        return self.rest._replace(watches=self.before)

    @property
    def whole(self) -> Mapping[str, Mapping[str, Watch]]:
        return {**self.before, **self.watches} if self.before else self.watches

    @property
    def spaces(self) -> bool:
        """Whether anything is known of another space than the first of some campaign."""
        for place in self.whole:  # noqa: SIM110  (in half the time)
            if "@" in place:
                return True
        return False

    def places(self, campaign: str) -> dict[str, Mapping[str, Watch]]:
        """The watches of a campaign, in all of its spaces."""
        return {place: watches for place, watches in self.whole.items() if campaign_of(place) == campaign}

    def due(self, summaries: Container[str]) -> int | None:
        """As `State.due`."""
        return next_due(self.whole, summaries)

    def of(self, place: str) -> Watches:
        """The watches of a place, to be changed."""
        if (watches := self.watches.get(place)) is None:
            watches = self.watches[place] = Watches.of(self.before.get(place, {}))
        self.touched[place] = watches
        return watches

    def drop(self, place: str) -> None:
        """Nothing is left there."""
        del self.watches[place]
        if place in self.before:
            self.before = {each: watches for each, watches in self.before.items() if each != place}


def rest_of(state: State) -> State:
    """All but the watches."""
    rest = state._replace(watches=NONE)
    return EMPTY if rest == EMPTY else rest
