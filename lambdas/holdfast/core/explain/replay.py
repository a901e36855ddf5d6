"""A replay: a trace is folded in event time, with each tick exactly when it is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from holdfast.core.events import AHEAD_MS, NONE, Event, Json, ProfileChange, Record, Rejected, Tick, Tie
from holdfast.core.fold import profiles
from holdfast.core.fold.asking import Known
from holdfast.core.fold.draft import Draft
from holdfast.core.fold.fold import turn
from holdfast.core.fold.forgetting import Limits, needed_until
from holdfast.core.fold.merging import Alias
from holdfast.core.fold.watches import Decision
from holdfast.core.people.people import People, who_is_who
from holdfast.core.places import campaign_of
from holdfast.core.plans.hits import Hit, Input, Problem
from holdfast.core.plans.plan import EXIT
from holdfast.core.plans.plans import Plans

NEVER = 1 << 62
BY_TICK, BY_EVENT = 0, 1
"""Tie-break at equal times: ticks before events."""
FEWEST = 1_000
"""With so few states held, none is looked at to be forgotten."""
NO_ARRIVAL = 1 << 53
"""The arrival of records whose arrival is not known; so the time of those that do not say theirs, which happen at the
trace's time."""
FIRST = 1
"""The earliest time of a change of a profile: one at 0 would change nothing."""
FUTURE = f"the time is in the future: {AHEAD_MS // 1000} s after now are allowed"

MOST, WIDEST = 10, 10
"""So many inputs of a user wait at most to be folded together, and each is about so many watches at most."""


class Decided(NamedTuple):
    user: str
    decision: Decision


Told = TypeVar("Told")
Key: TypeAlias = tuple[int, int, str, tuple[int, ...], int]
"""The place of a decision among all: its time; by a tick or by an event; the user whom a tick was for; the turn of the
record; and how many came before.
"""


class _User:
    """A user in a simulation. `due` is when something falls due next. `needed` is until when the user is remembered, if
    that was computed. `waiting` are the inputs to fold at the next tick.
    """

    __slots__ = ("due", "needed", "state", "waiting")

    def __init__(self) -> None:
        self.state = Draft()
        self.due = NEVER
        self.needed = NEVER
        self.waiting: list[Input] | None = None

    def put_off(self, hits: Sequence[Hit], inputs: list[Input], now: int, plans: Plans, most: int) -> bool:
        """Let the inputs wait for the user's next tick, if they can only open a watch that falls due then or later, or
        close one.

        They may not wait if any comes late (it might take a message back), if a campaign sums up (an exit might make
        its message due at once), if a campaign has too many watches, or if a message waits for a purchase.
        """
        state, waiting, first = self.state, self.waiting, self.due
        if not hits or state.rest.floors or state.rest.exposures:
            return False
        for hit in hits:
            due = hit.due
            if hit.at < now or due <= now or len(hit.values) > WIDEST:
                return False
            if plans.summaries and campaign_of(hit.campaign) in plans.summaries:
                return False
            first = min(first, due)
        if waiting is None:
            most_known = max(map(len, state.whole.values()), default=0)
            if len(inputs) > MOST or most_known + MOST * WIDEST > most:
                return False
            self.waiting = inputs
        elif len(waiting) + len(inputs) > MOST:
            return False
        else:
            waiting += inputs
        self.due = first
        return True


NOBODY = _User()
"""A user of whom nothing is ever known."""


class Simulation(Generic[Told]):
    """A simulation of events. Its time is the largest event time so far, so an earlier event is late by the difference.

    A timer due at the very time of an event fires before the event. Users are independent, so each one's time advances
    alone: decisions that fell due since a user's last event are made when its next event comes, or when `until` asks
    for all of them, as if they were made when due.

    `tell` receives a user's decisions in order; `until` returns the results of `tell`. `known` returns the facts about
    the user besides events at that moment.

    Inputs that decide nothing before the user's next tick wait to be folded with it: batches make no difference.

    Events under an id that was tied to another belong to that other id, under which decisions are reported.

    A user with nothing left to remember is soon dropped from memory.

    `ended` receives each exit that ends an open watch: the campaign, and how long after its trigger, in milliseconds.

    `turn` is that of the current record, for callers that combine the decisions of several simulations of one trace.
    """

    def __init__(
        self,
        plans: Plans,
        tell: Callable[[str, Decision], Told],
        known: Callable[[str], Known] = Known,
        ended: Callable[[str, int], None] | None = None,
    ) -> None:
        self.now = 0
        self.turn: tuple[int, ...] = ()
        self._known = known
        self._plans = plans
        self._tell = tell
        self._ended = ended
        self._limits = Limits(waiting=0)
        self._states: dict[str, _User] = {}
        self._told: list[tuple[Key, Told]] = []
        self._room = FEWEST
        self._persons: dict[str, str] = {}
        self.partly = 0
        """Events that one campaign could read and another could not."""
        self.history = 0
        """Events that were so late that they opened nothing in some campaign."""

    def event(self, event: Event) -> list[Problem]:
        """Take an event, and return the problems of joining it."""
        self.now = max(self.now, event.at)
        if not self._plans.heeds(event.name):
            return []
        plans, user, now = self._plans, self.person(event.user), self.now
        event = Event(event.user, event.name, event.at, now, event.properties, event.id)
        hits, problems = plans.read(event)
        inputs: list[Input] = [*hits, *plans.seen(event)]
        if event.at < now and any(hit.history and hit.part != EXIT for hit in hits):
            self.history += 1
        if problems:
            self.partly += bool(hits)
            inputs += [each.doubt for each in problems if each.doubt]
        self._take(user, hits, inputs)
        return problems

    def person(self, id_: str) -> str:
        """The id of the person that this id belongs to by now."""
        return self._persons.get(id_, id_)

    def tie(self, tie: Tie) -> People:
        """Join two ids as one person, and return who joined whom, or why not."""
        if tie.along and not self._plans.name(tie.along):
            return who_is_who({}, (), {})
        if tie.at < NO_ARRIVAL:
            self.now = max(self.now, tie.at)
        pointers = {id_: self._persons[id_] for id_ in (tie.user, tie.alias) if id_ in self._persons}
        ids = {id_: self._user(id_).state.rest.ids for id_ in map(self.person, (tie.user, tie.alias))}
        people = who_is_who(pointers, [tie], ids)
        for person, joining in people.joining.items():
            for each in (person, *joining):
                self.catch_up(each)
                if waiting := self._user(each).waiting:
                    arrived = max(hit.arrived for hit in waiting if isinstance(hit, Hit))
                    self._fold(each, [], arrived, BY_EVENT)
            aliases = [Alias(id_, self._states.pop(id_, NOBODY).state.state()) for id_ in joining]
            theirs = [id_ for alias in aliases for id_ in (alias.id, *alias.state.ids)]
            self._persons.update(dict.fromkeys(theirs, person))
            self._fold(person, [], self.now, BY_EVENT, aliases)
            self._decide_at_once(person)
        return people

    def _user(self, id_: str) -> _User:
        if (user := self._states.get(id_)) is None:
            user = self._states[id_] = _User()
        return user

    def unreadable(self, event: Event, why: str) -> None:
        """Take a rejected event, which may have been an exit: its time is now, as far as is known."""
        self._take(
            self.person(event.user), [], [*self._plans.doubts(event._replace(at=self.now, arrived=self.now), why)]
        )

    def _take(self, id_: str, hits: list[Hit], inputs: list[Input]) -> None:
        if not inputs:
            return
        now, known = self.now, self._states.get(id_)
        if known and known.due <= now:
            self.catch_up(id_)
        if self._ended:
            self._look_for_ends(id_, hits, self._ended)
        if not self._user(id_).put_off(hits, inputs, now, self._plans, self._limits.watches):
            self._fold(id_, inputs, now, BY_EVENT)
            self._decide_at_once(id_)

    def _look_for_ends(self, user: str, hits: list[Hit], ended: Callable[[str, int], None]) -> None:
        """Report the exits. Waiting records are folded first, so that all open watches are known."""
        if any(hit.part == EXIT for hit in hits):
            self._fold(user, [], self.now, BY_EVENT)
        for hit in hits:
            watches = self._user(user).state.whole.get(hit.campaign, {}) if hit.part == EXIT else {}
            for key in watches if hit.every else hit.values.keys() & watches.keys():
                if (open_ := watches[key].pending) and open_.at <= hit.at + hit.grace:
                    ended(campaign_of(hit.campaign), max(hit.at - open_.at, 0))

    def _decide_at_once(self, user: str) -> None:
        """Decide what just fell due: the last watch of a summary was closed, or an occurrence has all its parts."""
        while self._user(user).due <= self.now:
            self._fold(user, [Tick(user, self.now)], self.now, BY_EVENT)

    def catch_up(self, user: str, end: int | None = None) -> None:
        """Decide everything that has fallen due for a user by now, or by `end`."""
        end = self.now if end is None else end
        at = 0
        while (known := self._states.get(user)) and known.due <= end:
            at = max(at, known.due)  # decisions that did not fit are made right after
            self._fold(user, [Tick(user, at)], at, BY_TICK)

    def until(self, now: int | None = None) -> list[Told]:
        """Advance to `now`, or until nothing is due. Returns the decisions since the last call, in order."""
        return [told for _, told in self.told(now)]

    def told(self, now: int | None = None) -> list[tuple[Key, Told]]:
        """As `until`; each decision with its place."""
        end = NEVER - 1 if now is None else max(now, self.now)
        for user in [user for user, each in self._states.items() if each.due <= end]:
            self.catch_up(user, end)
        told = sorted(self._told, key=itemgetter(0))
        self.now = max(self.now, now or 0, *(key[0] for key, _ in self._told[-1:]))
        self._told.clear()
        return told

    def forget(self) -> None:
        """Forget all users and all undecided inputs."""
        self._states.clear()

    def _fold(self, id_: str, inputs: list[Input], now: int, by: int, aliases: Sequence[Alias] = ()) -> None:
        user = self._user(id_)
        if user.waiting:
            inputs, user.waiting = user.waiting + inputs, None
        for decision in turn(user.state, inputs, self._plans, now, self._limits, self._known(id_), aliases):
            told = self._tell(decision.user or id_, decision)
            self._told.append(((now, by, "" if by == BY_EVENT else id_, self.turn, len(self._told)), told))
        user.needed = NEVER
        due = user.state.due(self._plans.summaries)
        user.due = NEVER if due is None else due
        if due is None and len(self._states) >= self._room:
            self._forget()

    def _forget(self) -> None:
        """Drop users that are over: rarely enough to cost little, often enough that at most half of the users held are
        over.
        """
        for id_, user in [*self._states.items()]:
            if user.due != NEVER or user.state.rest.ids:
                continue
            if user.needed == NEVER:
                user.needed = needed_until(user.state.state(), self._plans, self._limits)
            if user.needed < self.now:
                del self._states[id_]
        self._room = max(FEWEST, 2 * len(self._states))


class Replay(Generic[Told]):
    """A simulation of records, events and profile changes among them, one by one, as they arrive.

    `tell` receives each decision with the user's properties as they are then. `latest` is the latest time that a record
    may have: a later one is in the future, and is rejected as the stack does.
    """

    def __init__(
        self,
        plans: Plans,
        tell: Callable[[str, Decision, Mapping[str, Json]], Told],
        *,
        start: int = 0,
        latest: int = NEVER,
        ended: Callable[[str, int], None] | None = None,
    ) -> None:
        self.simulation = Simulation(plans, self._told, self._known, ended)
        self.simulation.now = start
        self._tell = tell
        self._latest = min(latest, NO_ARRIVAL - 1)
        self._plans = plans
        self._profiles: dict[str, profiles.Profile] = {}

    def know(self, change: ProfileChange) -> list[str]:
        """Take a profile change from before the records begin: no time passes. Returns why it is rejected."""
        return self._change(change if change.at != NO_ARRIVAL else change._replace(at=FIRST))

    def take(self, record: Record) -> list[str]:
        """Take a record. Returns the reasons for its rejection, as a whole or by a campaign."""
        match record:
            case Event(at=at) if at <= self._latest or at == NO_ARRIVAL:
                event = record if at != NO_ARRIVAL else record._replace(at=self.simulation.now)
                return _reasons(self.simulation.event(event), several=len(self._plans) > 1)
            case Event(at=at) | ProfileChange(at=at) | Tie(at=at) if self._latest < at < NO_ARRIVAL:
                return [FUTURE]
            case ProfileChange(at=at, along=along) if not along or self._plans.name(along):
                simulation = self.simulation
                change = record if at != NO_ARRIVAL else record._replace(at=max(FIRST, simulation.now))
                simulation.now = max(simulation.now, change.at)
                simulation.catch_up(simulation.person(change.user))
                return self._change(change)
            case Tie():
                return self._tie(record)
            case Rejected(reason, event=event):
                if event:
                    self.simulation.unreadable(event, reason)
                return [reason]
        return []

    def until(self, now: int | None = None) -> list[Told]:
        """As `Simulation.until`."""
        return self.simulation.until(now)

    def forget(self) -> None:
        """Forget all users. A replay refers to itself: without this, it would wait for the garbage collector."""
        self.simulation.forget()
        self._profiles.clear()

    def _change(self, change: ProfileChange) -> list[str]:
        user = self.simulation.person(change.user)
        self._profiles[user], refused = profiles.merge(self._profiles.get(user, {}), [change])
        return [each.reason for each in refused]

    def _tie(self, tie: Tie) -> list[str]:
        people = self.simulation.tie(tie)
        for person, joining in people.joining.items():
            known = [self._profiles.pop(id_, {}) for id_ in (person, *joining)]
            self._profiles[person] = profiles.joined(known)
        return [each.reason for each in people.refused if each.odd and not tie.along]

    def _known(self, user: str) -> Known:
        return Known(user, self._properties(user))

    def _properties(self, user: str) -> Mapping[str, Json]:
        profile = self._profiles.get(user)
        return profiles.properties(profile) if profile else NONE

    def _told(self, user: str, decision: Decision) -> Told:
        return self._tell(user, decision, self._properties(self.simulation.person(user)))


def _reasons(problems: Sequence[Problem], *, several: bool) -> list[str]:
    """With several campaigns, each reason says whose it is."""
    return list(dict.fromkeys(f"{each.campaign}: {each.reason}" if several else each.reason for each in problems))
