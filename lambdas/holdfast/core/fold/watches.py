"""The memory of a user: one watch for each (campaign, constant value).

A watch is the *latest* trigger, the *latest* exit, and the trigger for which it last decided. Each is merged by taking
the later one. So order, duplicates and batches of events do not matter.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, Literal, TypeAlias

from msgspec import structs

from holdfast.core.events import NONE, Json, Value, canonical
from holdfast.core.places import campaign_of
from holdfast.core.recommend.ranking import Items

Kind: TypeAlias = Literal["send", "withhold", "retract", "convert", "unconvert"]

PARTS_MS = 30 * 24 * 60 * 60_000
"""How long one part of a trigger of several events waits for the others."""


STALE = 4
"""With more entries than this for each watch, a heap is made anew."""


class Trigger(Value, frozen=True):
    """An occurrence of the event to watch for. `due` is when it may be decided. `shown` and `event` are the data that a
    message needs; they are dropped as soon as no message can follow any more. `elder` are the keys of its value in
    older spaces of the campaign, while these are read: see `spaces`.
    """

    at: int
    id: str
    due: int
    revision: int
    shown: Json = None
    event: Mapping[str, Json] = {}
    elder: Mapping[str, Sequence[str]] = {}

    @property
    def mark(self) -> tuple[int, str]:
        """The order of triggers: event time, then event id."""
        return self.at, self.id

    @property
    def bare(self) -> Trigger:
        """The trigger without the data that only a message needs."""
        return Trigger(self.at, self.id, 0, self.revision, self.shown, NONE, self.elder)


class Decided(Value, frozen=True):
    """The last decision of a watch: for the trigger (`at`, `id`), made at `when`.

    `summary` is the trigger that identifies a message about several watches; None for a message about this watch alone.
    `user` is the id that the decision was made for, if that id has joined the user since.
    """

    at: int
    id: str
    when: int
    kind: Kind
    reason: str = ""
    summary: tuple[int, str] | None = None
    user: str = ""

    @property
    def mark(self) -> tuple[int, str]:
        return self.at, self.id


class Watch(Value, frozen=True):
    """The latest of each kind that was seen of one value.

    `parts` is used by campaigns whose `did` names several events: the latest of each, by event key.

    `exit` is the time of the latest exit, 0 if none was seen. It ends triggers up to its `reach`, which is `grace`
    later; an exit of grace -1 ends only what is earlier than itself.

    `own` is the latest of the exits that arrived before a newer space of the campaign began, if that is a different
    exit. Triggers up to the mark `elsewhere` are decided in another space.

    `wait`: the time until which the trigger's message waits although it is due, and the reason.
    """

    trigger: Trigger | None = None
    exit: int = 0
    decided: Decided | None = None
    parts: Mapping[str, Trigger] = {}
    grace: int = 0
    wait: tuple[int, str] | None = None
    elsewhere: tuple[int, str] | None = None
    own: tuple[int, int] | None = None

    @property
    def reach(self) -> int:
        """The time of the last trigger that the exit ends."""
        return self.exit + self.grace

    @property
    def own_exit(self) -> tuple[int, int]:
        """Time and grace of the latest of the exits that arrived before a newer space began."""
        return (self.exit, self.grace) if self.own is None else self.own

    def ended(self, exit_: int, grace: int, *, later: bool = False) -> Watch:
        """The watch with an exit merged in: the exit that reaches further counts. `later`: a newer space had begun."""
        known, new = (self.exit, self.grace), (exit_, grace)
        if furthest(known, new) == known and (later or self.own is None or furthest(self.own, new) == self.own):
            return self
        both, own = furthest(known, new), self.own_exit if later else furthest(self.own_exit, new)
        own_ = None if own == both else own
        return Watch(self.trigger, both[0], self.decided, self.parts, both[1], self.wait, self.elsewhere, own_)

    def seen(self, trigger: Trigger | None, parts: Mapping[str, Trigger]) -> Watch:
        """The watch with a trigger merged in. A new trigger does not inherit the wait of the one before it."""
        same = self.wait and self.trigger and trigger and trigger.mark == self.trigger.mark
        wait = self.wait if same else None
        return Watch(trigger, self.exit, self.decided, parts, self.grace, wait, self.elsewhere, self.own)

    def merged(self, other: Watch) -> Watch:
        """Everything that either watch has seen of one value: the later trigger, exit and decision."""
        if self == other:
            return self
        trigger = _latest(self.trigger, other.trigger)
        waits = [w.wait for w in (self, other) if w.wait and w.trigger and trigger and w.trigger.mark == trigger.mark]
        both = Watch(
            trigger,
            self.exit,
            max(filter(None, (self.decided, other.decided)), key=_weight, default=None),
            {n: part for n in {*self.parts, *other.parts} if (part := _latest(self.parts.get(n), other.parts.get(n)))},
            self.grace,
            max(waits, default=None),
            max(filter(None, (self.elsewhere, other.elsewhere)), default=None),
            self.own,
        )
        both = both.ended(*other.own_exit)
        return both.ended(other.exit, other.grace, later=True)

    @property
    def pending(self) -> Trigger | None:
        """The trigger that still waits for its decision: later than the latest exit and than the last decision's
        trigger.

        It is due when its wait is over.
        """
        trigger, decided = self.trigger, self.decided
        if trigger is None or trigger.at <= self.exit + self.grace:
            return None
        if decided is not None and (trigger.at, trigger.id) <= (decided.at, decided.id):
            return None
        if self.elsewhere is not None and (trigger.at, trigger.id) <= self.elsewhere:
            return None
        return trigger._replace(due=max(trigger.due, self.wait[0])) if self.wait else trigger

    @property
    def latest(self) -> int:
        """The latest event time that the watch has seen, or that its exit ends."""
        latest = self.exit + self.grace
        if self.trigger and self.trigger.at > latest:
            latest = self.trigger.at
        if self.elsewhere and self.elsewhere[0] > latest:
            latest = self.elsewhere[0]
        return max(latest, *(part.at for part in self.parts.values())) if self.parts else latest

    @property
    def over(self) -> int:
        """The time from which a watch with nothing pending is kept no longer than any mark."""
        over = max(self.latest, self.decided.when) if self.decided else self.latest
        return max(over, self.latest + PARTS_MS) if self.parts else over

    @property
    def tidied(self) -> Watch:
        """The watch without event properties, once no message can follow from it."""
        trigger = self.trigger
        if trigger is None or not (trigger.due or trigger.event):
            return self
        return self._replace(trigger=trigger.bare, wait=None)

    def over_with(self, trigger: Trigger, decided: Decided) -> Watch:
        """The watch with its trigger decided."""
        exit_, parts, grace = self.exit, self.parts, self.grace
        return Watch(trigger.bare, exit_, decided, parts, grace, None, self.elsewhere, self.own)


def furthest(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """The exit (time, grace) that reaches further; if both reach equally far, the later one."""
    return one if (one[0] + one[1], one[0]) >= (other[0] + other[1], other[0]) else other


def _latest(one: Trigger | None, other: Trigger | None) -> Trigger | None:
    """The later trigger. If both are copies of one event, the one that arrived first."""
    if one is None or other is None:
        return one or other
    if one.mark == other.mark:
        return min(
            one, other, key=lambda copy: (copy.due, copy.revision, canonical([copy.shown, copy.event, copy.elder]))
        )
    return max(one, other, key=lambda each: each.mark)


def _weight(decided: Decided) -> tuple[Any, ...]:
    """The order of decisions. If two are for one trigger, a sent message counts."""
    at, id_, when, kind, reason, summary, user = structs.astuple(decided)
    return at, id_, kind == "send", when, kind, reason, summary or (), user


class Watches(dict[str, Watch]):
    """A campaign's watches of one user, by constant value.

    Two heaps avoid a look at all of them: `dues` gives the watches that fall due next (when, and which), `overs` those
    that are over and can be forgotten (since when, and which).

    An entry of a heap may be stale if its watch has changed since; the first entry of `dues` is always valid.
    """

    __slots__ = ("dues", "overs")

    dues: list[tuple[int, str]]
    overs: list[tuple[int, str]]

    @classmethod
    def of(cls, watches: Mapping[str, Watch]) -> Watches:
        """A copy, for changing."""
        copy = cls(watches)
        if isinstance(watches, Watches) and len(watches.dues) + len(watches.overs) <= STALE * len(watches):
            copy.dues, copy.overs = watches.dues.copy(), watches.overs.copy()
        else:
            copy.arrange()
        return copy

    def arrange(self) -> None:
        """Rebuild the heaps."""
        self.dues = [(pending.due, key) for key, watch in self.items() if (pending := watch.pending)]
        self.overs = [(watch.over, key) for key, watch in self.items() if not watch.pending]
        heapify(self.dues)
        heapify(self.overs)

    def put(self, key: str, watch: Watch) -> None:
        if pending := watch.pending:
            self[key] = watch
            due = pending.due, key
            heappush(self.dues, due)
            first = self.dues[0]
            if first[1] == key and first != due:
                self._settle()
        else:
            self.close(key, watch.tidied)

    def close(self, key: str, watch: Watch) -> None:
        """Put a watch that has nothing pending and holds no data for a message."""
        self[key] = watch
        heappush(self.overs, (watch.over, key))
        if self.dues and self.dues[0][1] == key:
            self._settle()

    def _settle(self) -> None:
        """Drop stale entries from the front of the heap."""
        dues = self.dues
        while dues:
            at, key = dues[0]
            watch = self.get(key)
            if watch is not None and (pending := watch.pending) and pending.due == at:
                break
            heappop(dues)

    def forget(self, before: int) -> None:
        """Drop the watches that were over before then; and stale entries of the heaps, if there are too many."""
        while self.overs and self.overs[0][0] < before:
            _, key = heappop(self.overs)
            if (watch := self.get(key)) and not watch.pending and watch.over < before:
                del self[key]
        if len(self.dues) + len(self.overs) > STALE * len(self):
            self.arrange()

    def first_due(self, now: int) -> tuple[str, Trigger] | None:
        """The watch that fell due first, if any is due by now."""
        if not self.dues or self.dues[0][0] > now:
            return None
        key = self.dues[0][1]
        pending = self[key].pending
        return (key, pending) if pending else None

    def pending(self) -> list[tuple[str, Trigger]]:
        """All watches that wait for their decision."""
        return [(key, pending) for key, watch in self.items() if (pending := watch.pending)]


class Doubt(Value, frozen=True):
    """An event that may be an exit and could not be read: the time and the name of the event, and the reason (`why`).

    It stands in the way of triggers up to `reach`. `why` becomes empty once the event could be read after all: the mark
    stays, so that a copy of the unreadable record does not bring the doubt back. `later`: it arrived after a newer
    space of the campaign had begun.
    """

    at: int
    grace: int
    name: str
    why: str
    later: bool = False

    @property
    def reach(self) -> int:
        return self.at + self.grace

    @property
    def text(self) -> str:
        """The reason why a watch is withheld. The time is in UTC."""
        minutes = self.at // 60_000 % (24 * 60)
        return f"{IN_DOUBT}: {self.name} at {minutes // 60:02}:{minutes % 60:02} could not be read ({self.why})"


IN_DOUBT = "in doubt"


class Bought(Value, frozen=True, array_like=True, omit_defaults=True):
    """A purchase after a message: its event, and the amount paid for the value, as far as that could be read."""

    at: int
    id: str
    amount: float | None = None
    currency: str = ""


class Exposure(Value, frozen=True, omit_defaults=True):
    """A message that went (`when`), or was held back for the group `control` ("control" is the campaign's group,
    "stack" is the stack's), and the purchases made until `until`.

    `key`, `at` and `id` are those of its decision; `shown` is the value, if it differs from the key. In a summary,
    `about` holds the values that it names, and when each was triggered. `first`: statistics count the user with this
    exposure.

    `bought` are the purchases that nothing undid, in order; `undone` is the time of the latest event that undoes.
    `void`: the message should not have gone. `user` is the id that the message was for, as in a decision.
    """

    key: str
    at: int
    id: str
    when: int
    until: int
    revision: int
    about: Mapping[str, int] = {}
    variant: str = ""
    control: str = ""
    first: bool = False
    shown: Json = None
    bought: tuple[Bought, ...] = ()
    undone: int = 0
    void: bool = False
    user: str = ""

    @property
    def values(self) -> Mapping[str, int]:
        """The constant values that the message is about, and when each was triggered."""
        return self.about or {self.key: self.at}


class Conversion(Value, frozen=True, omit_defaults=True):
    """The conversion of a message that was decided at `sent`, or held back for the group `control`: the purchase that
    converts it now (None: no purchase any more), and the one that was reported before.
    """

    sent: int
    control: str = ""
    bought: Bought | None = None
    before: Bought | None = None


class State(Value, frozen=True):
    """Everything that is remembered of a user.

    `watches` are by campaign and constant value. The key of a campaign is its place: each of its spaces has its own.

    The `floor` of a campaign is the rank (time, constant value) of the newest watch that was dropped because there were
    too many. Nothing that ranks no higher is remembered again, unless its watch is still there.

    `ends` is, by campaign, the exit for every value that reaches furthest: its time and its grace. `own_ends` is the
    same for the exits that arrived before a newer space began, if that is a different exit. `doubts` are the events
    that may be exits and could not be read, by campaign and event id.

    `sent` is, by campaign, when its messages went, and about which value, as far as the gate needs them.

    `exposures` are, by place, the messages that may still be converted. `counted` is, by campaign, the time since which
    the user is in its statistics.

    `recent` and `done` are, by recommendation, the user's recent items and those already done with, a few of each: see
    `recommendations.Items`.

    `ids` are the user's other ids: see `people.Ids`.
    """

    watches: Mapping[str, Mapping[str, Watch]] = {}
    floors: Mapping[str, tuple[int, str]] = {}
    recent: Mapping[str, Items] = {}
    done: Mapping[str, Items] = {}
    ends: Mapping[str, tuple[int, int]] = {}
    doubts: Mapping[str, Mapping[str, Doubt]] = {}
    sent: Mapping[str, Sequence[tuple[int, str]]] = {}
    exposures: Mapping[str, Sequence[Exposure]] = {}
    counted: Mapping[str, int] = {}
    ids: Mapping[str, int] = {}
    own_ends: Mapping[str, tuple[int, int]] = {}

    def due(self, summaries: Container[str] = (), without: Container[str] = ()) -> int | None:
        """When something falls due: the next watch, or the last one of a campaign that sums them up."""
        return next_due(self.watches, summaries, without)

    def all(self) -> Iterator[tuple[str, str, Watch]]:
        for campaign, watches in self.watches.items():
            for key, watch in watches.items():
                yield campaign, key, watch


def next_due(
    places: Mapping[str, Mapping[str, Watch]], summaries: Container[str] = (), without: Container[str] = ()
) -> int | None:
    """As `State.due`, for its watches."""
    first: int | None = None
    for campaign, watches in places.items():
        name = campaign_of(campaign)
        if name in without:
            continue
        known = watches if isinstance(watches, Watches) else Watches.of(watches)
        if known.dues:
            due = max(t.due for _, t in known.pending()) if name in summaries else known.dues[0][0]
            first = due if first is None or due < first else first
    return first


class Decision(Value, frozen=True, omit_defaults=True):
    """The fold's decision for the trigger (`at`, `id`) of a watch. `event` is the data that was kept of the trigger.

    A summary has an empty `key` and the newest watch's trigger. `shown` and `events` are lists, newest first and no
    longer than the campaign's limit; `open` is the number of watches that the summary closes.

    `variant` is the message's variant. `followed`: the message's effect is counted, and if `first`, so is the user.
    `conversion` is the subject of a `convert` or an `unconvert`, whose trigger is that of the message.

    `recent` and `done` are, for the recommendations that the campaign names, what the user's state held: a message has
    the same content whenever it is rendered.

    A retraction is for the id that its message was for: `user`, if that is another one of the user's ids.
    """

    kind: Kind
    campaign: str
    key: str
    shown: Json
    at: int
    id: str
    when: int
    revision: int
    event: Mapping[str, Json] = {}
    reason: str = ""
    events: Sequence[Mapping[str, Json]] = ()
    open: int = 1
    recent: Mapping[str, Items] = {}
    done: Mapping[str, Items] = {}
    variant: str = ""
    followed: bool = False
    first: bool = False
    conversion: Conversion | None = None
    user: str = ""

    @property
    def mark(self) -> tuple[int, str]:
        return self.at, self.id
