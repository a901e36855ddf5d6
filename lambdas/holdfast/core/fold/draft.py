"""A user's state while it is being changed."""

from __future__ import annotations

from collections.abc import Container, Mapping

from holdfast.core.events import NONE
from holdfast.core.fold.watches import State, Watch, Watches, next_due
from holdfast.core.places import campaign_of

EMPTY = State()
"""A state with nothing but watches, as most users have. All share one, which saves memory."""


class Draft:
    """A user's state while it changes, turn by turn; `fold` is one turn. A replay continues with the same draft.

    `watches` are the watches that may be changed, by place; `before` are all others. `rest` is everything else in the
    state; it is the shared EMPTY if there is nothing else. `touched` are the watches that the current turn looks at.
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
        """The state as it is now. Later changes are made to a copy."""
        self.before, self.watches = {**self.whole}, {}
        return self.rest._replace(watches=self.before)

    @property
    def whole(self) -> Mapping[str, Mapping[str, Watch]]:
        return {**self.before, **self.watches} if self.before else self.watches

    @property
    def spaces(self) -> bool:
        """Whether the draft holds anything of a campaign's space other than its first."""
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
        """The watches of a place, for changing."""
        if (watches := self.watches.get(place)) is None:
            watches = self.watches[place] = Watches.of(self.before.get(place, {}))
        self.touched[place] = watches
        return watches

    def drop(self, place: str) -> None:
        """Remove everything at a place."""
        del self.watches[place]
        if place in self.before:
            self.before = {each: watches for each, watches in self.before.items() if each != place}


def rest_of(state: State) -> State:
    """The state without its watches."""
    rest = state._replace(watches=NONE)
    return EMPTY if rest == EMPTY else rest
