"""The timing wheel: its rules one by one, and all of it turning (join, sweep, crashes, races, outages), simulated."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from holdfast.core.events import Event, Tick
from holdfast.core.fold.fold import fold
from holdfast.core.fold.forgetting import Limits
from holdfast.core.fold.stored import decode, encode
from holdfast.core.fold.timers import (
    AHEAD_MS,
    GATHERED,
    REACH_MS,
    SLOT_MS,
    USERS_PER_MESSAGE,
    TickMessage,
    begins_at,
    first_cursor,
    gathered,
    nomination,
    nomination_again,
    schedule,
    slot,
    slots_to_read,
    tick_messages,
)
from holdfast.core.fold.watches import State
from holdfast.core.plans.plans import Plans
from tests.unit.builders import DAY, HOUR, MINUTE, NOON, a_plan, added, charged, hits, minute

SECOND = 1000
SWEEP_EVERY = 5 * MINUTE

# --- One by one. ---


@pytest.mark.parametrize(
    ("due", "nominated", "answer", "why"),
    [
        (None, None, None, "nothing is due"),
        (None, 30, None, "nothing is due any more"),
        (30, None, 30, "it is due then"),
        (30, 30, None, "it is nominated for then"),
        (30, 20, None, "an earlier nomination will do: that tick will nominate again"),
        (20, 30, 20, "it is due before it is nominated"),
        (30, 10, 30, "a nomination of now may have come to nothing already"),
        (30, 5, 30, "a nomination of the past may have come to nothing already"),
        (5, None, 10, "what is overdue is nominated for now"),
        (10, None, 10, "what is due now is nominated for now"),
        (5, 5, 10, "what is overdue, and was nominated for then, is nominated for now"),
        (5, 20, 10, "what is overdue does not wait for a nomination to come"),
    ],
)
def test_nomination(due: int | None, nominated: int | None, answer: int | None, why: str) -> None:
    assert nomination(due, nominated, now=10) == answer, why


@given(st.none() | st.integers(0, 40), st.none() | st.integers(0, 40), st.integers(0, 40))
def test_after_a_nomination_a_user_is_nominated_at_or_before_the_time_due_and_never_for_the_past(
    due: int | None, nominated: int | None, now: int
) -> None:
    new = nomination(due, nominated, now)
    if due is not None:
        at = nominated if new is None else new
        assert at is not None
        assert now <= at <= max(due, now)
    if new is not None and new > now:
        assert nomination(due, new, now) is None


@pytest.mark.parametrize(
    ("due_in", "near"),
    [(0, True), (REACH_MS - 1, True), (REACH_MS, False), (REACH_MS + 1, False), (-5, True)],
)
def test_what_is_due_within_a_quarter_of_an_hour_is_ticked_by_a_message_the_rest_by_a_slot(
    due_in: int, near: bool
) -> None:
    ticks, items = schedule({"u": NOON + due_in}, NOON, shard=0)
    assert (len(ticks), len(items)) == ((1, 0) if near else (0, 1))


@pytest.mark.parametrize(("ms", "delay"), [(-5000, 0), (0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (899_999, 900)])
def test_the_delay_of_a_tick_is_rounded_up(ms: int, delay: int) -> None:
    (message,) = tick_messages({"u": NOON + ms}, NOON)
    assert message.delay == delay


def test_no_delay_is_longer_than_the_queue_allows() -> None:
    (message,) = tick_messages({"u": NOON + HOUR}, NOON)
    assert message.delay == 900


def test_a_tick_says_for_when_each_of_its_users_was_nominated() -> None:
    (message,) = tick_messages({"é": NOON + 1, "b": NOON + 2}, NOON)
    assert json.loads(message.body) == {"holdfast": "tick", "users": {"é": NOON + 1, "b": NOON + 2}}


def test_ticks_of_different_seconds_are_different_messages_the_first_one_first() -> None:
    messages = list(tick_messages({"a": NOON + 1500, "b": NOON + 500}, NOON))
    assert [(message.delay, list(json.loads(message.body)["users"])) for message in messages] == [
        (1, ["b"]),
        (2, ["a"]),
    ]


@pytest.mark.parametrize(("users", "messages"), [(0, 0), (1, 1), (USERS_PER_MESSAGE, 1), (USERS_PER_MESSAGE + 1, 2)])
def test_messages_and_items_hold_only_so_many_users(users: int, messages: int) -> None:
    near = dict.fromkeys(map(str, range(users)), NOON)
    far = dict.fromkeys(map(str, range(users)), NOON + HOUR)
    assert len(list(tick_messages(near, NOON))) == messages
    assert len(schedule(far, NOON, shard=0)[1]) == messages


def test_a_slot_is_named_by_its_minute_in_utc_and_its_shard() -> None:
    assert slot(NOON, 3) == "2026-05-29T12:00#3"
    assert slot(NOON + SLOT_MS - 1, 3) == slot(NOON, 3)
    assert slot(NOON + SLOT_MS, 3) == "2026-05-29T12:01#3"


def test_an_item_of_a_slot_ends_with_its_minute() -> None:
    _, (item,) = schedule({"u": NOON + HOUR + 1}, NOON, shard=0)
    assert item.ends == NOON + HOUR + SLOT_MS
    assert json.loads(item.users) == {"u": NOON + HOUR + 1}


def test_sweep_reads_from_where_it_stopped_to_ten_minutes_ahead() -> None:
    assert list(slots_to_read(NOON, NOON)) == [NOON + minutes * MINUTE for minutes in range(11)]
    assert list(slots_to_read(NOON + AHEAD_MS + MINUTE, NOON)) == []
    assert slots_to_read(NOON - DAY, NOON)[0] == NOON - DAY


def test_a_shard_that_was_never_read_is_read_from_its_first_slot_on() -> None:
    now = NOON + 1234
    assert first_cursor(now, [], lambda: None) == NOON
    assert first_cursor(now, [], lambda: NOON + DAY) == NOON
    assert first_cursor(now, [], lambda: NOON - 9 * DAY) == NOON - 9 * DAY
    assert first_cursor(now, [NOON + AHEAD_MS, NOON - 2 * DAY], lambda: None) == NOON - 3 * DAY
    assert begins_at(slot(NOON + MINUTE, 3)) == NOON + MINUTE


@given(
    st.dictionaries(st.integers(0, 99).map(str), st.integers(-MINUTE, 30 * MINUTE).map(lambda ms: NOON + ms)),
    st.integers(0, 999),
    st.integers(0, 3),
)
def test_every_nominated_user_is_in_one_tick_or_in_the_slot_of_its_minute(
    nominated: dict[str, int], later: int, shard: int
) -> None:
    now = NOON + later
    ticks, items = schedule(nominated, now, shard)
    found: list[tuple[str, int]] = []
    for message in ticks:
        for user, at in json.loads(message.body)["users"].items():
            found.append((user, at))
            assert 0 <= message.delay <= 900
            assert max(at, now) <= now + message.delay * SECOND < max(at, now) + SECOND
    for item in items:
        for user, at in json.loads(item.users).items():
            found.append((user, at))
            assert item.slot == slot(at, shard)
            assert item.ends - SLOT_MS <= at < item.ends
            assert at - now >= REACH_MS
    assert sorted(found) == sorted(nominated.items())


@given(st.integers(0, 10 * MINUTE), st.integers(0, SWEEP_EVERY), st.integers(0, 4 * MINUTE))
def test_a_slot_is_written_before_any_sweep_reads_it_even_if_the_write_takes_minutes(
    decided: int, phase: int, takes: int
) -> None:
    """Sweep at its earliest, and the nearest slot there is: it is read only after the item was written."""
    now = NOON + decided
    slot_begins = (now + REACH_MS) // SLOT_MS * SLOT_MS
    first_sweep_to_read = next(
        at
        for at in range(NOON - HOUR + phase, NOON + HOUR, SWEEP_EVERY)
        if slot_begins in slots_to_read(NOON - DAY, at)
    )
    assert now + takes <= first_sweep_to_read <= slot_begins


def test_items_are_gathered_but_for_a_users_second_nomination_and_beyond_what_is_held_at_a_time() -> None:
    assert list(gathered([{"a": 1, "b": 2}, {"c": 3}, {"a": 4}, {"d": 5}])) == [
        {"a": 1, "b": 2, "c": 3},
        {"a": 4, "d": 5},
    ]
    items = [{f"{item}-{user}": item for user in range(USERS_PER_MESSAGE)} for item in range(100)]
    held = list(gathered(items))
    assert max(map(len, held)) == GATHERED
    assert sum(map(len, held)) == 100 * USERS_PER_MESSAGE


# --- The wheel, turning. ---


class Row(NamedTuple):
    """A user's item in the table."""

    state: str = encode(State())
    version: int = 0
    nominated: int | None = None


class Waiting(NamedTuple):
    """A message in the queue: it can be received from `visible` on."""

    visible: int
    inputs: tuple[tuple[str, Event | Tick], ...]


class Conflict(Exception):
    """Another writer was faster."""


class Container:
    """One invocation of join, step by step: others may run between any two. Its clock is `ahead` of the true time."""

    def __init__(self, wheel: Wheel, messages: Iterable[Waiting], *, ahead: int = 0) -> None:
        self.wheel = wheel
        self.ahead = ahead
        self.messages = list(messages)
        self.running = True
        self.steps = self._run()

    @property
    def now(self) -> int:
        return self.wheel.now + self.ahead

    def step(self) -> bool:
        """Go on to the next call of AWS. Whether there is one."""
        return next(self.steps, None) is not None

    def finish(self) -> None:
        while self.step():
            pass

    def _run(self) -> Iterator[str]:
        by_user: dict[str, list[Event | Tick]] = defaultdict(list)
        for message in self.messages:
            for user, each in message.inputs:
                by_user[user].append(each)
        for user, inputs in by_user.items():
            while True:
                try:
                    yield from self._fold(user, inputs)
                except Conflict:
                    continue
                break
        for message in self.messages:
            self.wheel.queue.remove(message)
        self.running = False

    def _fold(self, user: str, inputs: list[Event | Tick]) -> Iterator[str]:
        wheel = self.wheel
        row = wheel.rows[user]
        nominated = row.nominated
        ticks = [each.at for each in inputs if isinstance(each, Tick)]
        if nominated is not None and ticks and nominated <= max(self.now, *ticks):
            nominated = None
        known = [hit for each in inputs for hit in ([each] if isinstance(each, Tick) else hits(wheel.plans, each))]
        old = decode(row.state)
        now = self.now
        state, decisions = fold(old, known, wheel.plans, now, Limits(waiting=4 * DAY))
        nominate = nomination(state.due(), nominated, now)
        yield "read"
        if nominate is not None:
            wheel.write({user: nominate}, self.now)
            yield "nominated"
        relied = nominated if nominate is None else nominate
        if state != old or decisions:
            if wheel.rows[user].version != row.version:
                raise Conflict
            wheel.rows[user] = Row(encode(state), row.version + 1, relied)
            for decision in decisions:
                wheel.decided[user, decision.campaign, decision.key, decision.at] = now
            yield "saved"
        elif nominate is not None:
            return
        again = nomination_again(state.due(), relied, self.now)
        if again is not None:
            wheel.write({user: again}, self.now)
            yield "nominated again"


class Wheel:
    """The table, the timers, the queue and the clock, in memory; join and sweep as in `lambdas/`, over them."""

    def __init__(self) -> None:
        self.plans = Plans(
            [
                a_plan("soon", within=4 * SECOND, settle=0),
                a_plan("near", within=7 * MINUTE),
                a_plan("far", within=40 * MINUTE),
            ]
        )
        self.now = NOON
        self.rows: dict[str, Row] = defaultdict(Row)
        self.timers: dict[str, list[str]] = defaultdict(list)
        self.cursors: dict[int, int] = {}
        self.queue: list[Waiting] = []
        self.decided: dict[tuple[str, str, str, int], int] = {}
        self.swept = NOON

    def put(self, *events: Event) -> None:
        self.queue.append(Waiting(self.now, tuple((each.user, each) for each in events)))

    def receive(self, messages: Iterable[Waiting]) -> None:
        """One batch: every user in it is read, folded and saved, and nobody comes in between."""
        Container(self, messages).finish()

    def write(self, nominated: dict[str, int], now: int) -> None:
        ticks, items = schedule(nominated, now, shard=0)
        for item in items:
            self.timers[item.slot].append(item.users)
        self._send(ticks)

    def _send(self, ticks: Iterable[TickMessage]) -> None:
        for tick in ticks:
            users = json.loads(tick.body)["users"]
            self.queue.append(
                Waiting(self.now + tick.delay * SECOND, tuple((user, Tick(user, at)) for user, at in users.items()))
            )

    def _cursor(self, now: int) -> int:
        first = min((begins_at(name) for name, items in self.timers.items() if items), default=None)
        return self.cursors.setdefault(0, first_cursor(now, [], lambda: first))

    def sweep(self, *, crash_after: int | None = None, ahead: int = 0) -> None:
        """Slot by slot."""
        now = self.now + ahead
        for number, begin in enumerate(slots_to_read(self._cursor(now), now)):
            for users in gathered(map(json.loads, self.timers[slot(begin, 0)])):
                self._send(tick_messages(users, now))
            if number == crash_after:
                return
            self.cursors[0] = begin + SLOT_MS

    def visible(self) -> list[Waiting]:
        return [message for message in self.queue if message.visible <= self.now]

    def run(self, until: int) -> None:
        """All is well: every message is received in the second in which it can be, and sweep runs when it should."""
        while self.now < until:
            if self.now >= self.swept + SWEEP_EVERY:
                self.sweep()
                self.swept = self.now
            while messages := self.visible():
                self.receive(messages)
            self.now = min([until, self.swept + SWEEP_EVERY, *(message.visible for message in self.queue)])

    def nominations(self, user: str) -> list[int]:
        """The times of all ticks of a user that are still to come: in the queue, or in a slot that was not read yet."""
        begun = slots_to_read(self._cursor(self.now), self.now)
        unread = (
            at
            for name, items in self.timers.items()
            for users in items
            for who, at in json.loads(users).items()
            if who == user and name == slot(at, 0) and at >= begun.start
        )
        queued = (
            each.at for message in self.queue for who, each in message.inputs if who == user and isinstance(each, Tick)
        )
        return [*unread, *queued]


def test_when_all_is_well_every_watch_is_decided_within_a_second_of_the_time_it_is_due() -> None:
    wheel = Wheel()
    for number in range(200):
        wheel.put(added(number, at=wheel.now, user=f"u-{number % 7}"))
        wheel.run(wheel.now + 12_345)
    wheel.run(wheel.now + HOUR)
    within = {plan.id: plan.within for plan in wheel.plans.values()}
    late = [when - at - within[campaign] for (_, campaign, _, at), when in wheel.decided.items()]
    assert len(late) == 3 * 200
    assert min(late) >= 0
    assert max(late) <= SECOND


def test_of_two_nominations_in_one_minute_neither_is_lost() -> None:
    """A fold nominates for :10 and crashes; in the next one the watch has moved to :40. The tick of :10 finds the state
    nominated for :40, so the tick of :40 must come.
    """
    wheel = Wheel()
    wheel.plans = Plans([a_plan(within=HOUR)])
    wheel.put(added(at=minute(0) + 10 * SECOND))
    wheel.now = minute(0) + 10 * SECOND
    crashing = Container(wheel, wheel.visible())
    assert [crashing.step(), crashing.step()] == [True, True]
    wheel.now = minute(0) + 40 * SECOND
    wheel.put(added(at=wheel.now))
    wheel.receive(wheel.visible())
    assert [json.loads(each) for each in wheel.timers[slot(minute(60), 0)]] == [
        {"u-1": minute(60) + 10 * SECOND},
        {"u-1": minute(60) + 40 * SECOND},
    ]
    wheel.run(minute(62))
    assert list(wheel.decided.values()) == [minute(60) + 40 * SECOND]


# --- Whatever comes first. ---

APART = 2 * SECOND
"""How far two clocks may be apart."""


def _late() -> Wheel:
    """An event that comes when its watch is due already."""
    wheel = Wheel()
    wheel.put(added(at=NOON - 10 * MINUTE))
    return wheel


def _bought() -> Wheel:
    """An event that comes when a nomination is near that will find nothing due, as what it was for was bought."""
    wheel = Wheel()
    wheel.plans = Plans([a_plan(within=7 * MINUTE)])
    wheel.put(added("a", at=NOON), charged("a", at=NOON + 1))
    wheel.receive(wheel.visible())
    wheel.put(added("a", at=NOON + 2))
    wheel.receive(wheel.visible())
    wheel.put(charged("a", at=NOON + 3))
    wheel.receive(wheel.visible())
    wheel.now = NOON + 7 * MINUTE - 10
    wheel.put(added("b", at=wheel.now))
    return wheel


def _moved() -> Wheel:
    """An event that comes when a nomination is near whose watch is due a minute later by now; its own is due sooner."""
    wheel = Wheel()
    for at in (NOON, NOON + MINUTE):
        wheel.run(at)
        wheel.put(added("a", at=at))
    wheel.run(NOON + 7 * MINUTE - 1)
    wheel.now += 3
    wheel.put(added("b", at=wheel.now - 10))
    return wheel


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["well", "amid its work"])
@pytest.mark.parametrize("ahead", [0, -APART // 2, APART // 2])
@pytest.mark.parametrize("make", [_late, _bought, _moved])
def test_every_watch_is_nominated_in_whatever_order_two_containers_fold(
    make: Callable[[], Wheel], ahead: int, ends: str
) -> None:
    """All orders of five steps: one container folds the event (a), another the ticks that come (b), time passes (t)."""
    for word in product("abt", repeat=5):
        wheel = make()
        one = Container(wheel, wheel.visible()[-1:], ahead=ahead)
        two = Container(wheel, (), ahead=-ahead)
        for step in word:
            if step == "a":
                one.step()
            elif step == "b" and not two.step():
                two = Container(wheel, [each for each in wheel.visible() if each not in one.messages], ahead=-ahead)
                two.step()
            elif step == "t":
                wheel.now = min((m.visible for m in wheel.queue if m.visible > wheel.now), default=wheel.now + SECOND)
        two.finish()
        if ends == "well":
            one.finish()
        elif one.running:
            Container(wheel, one.messages, ahead=-ahead).finish()
        due = decode(wheel.rows["u-1"].state).due()
        if due is not None:
            latest = max(due, wheel.now) + APART
            assert min(wheel.nominations("u-1"), default=due + DAY) <= latest, "".join(word)


USERS = ("ann", "bob")
clocks = st.sampled_from([0, 0, -APART // 2, APART // 2])
randoms = st.randoms(use_true_random=False)


@st.composite
def _events(draw: st.DrawFn) -> list[Event]:
    """Adds and purchases, as seconds before they arrive; the machine knows when that is."""
    make = st.sampled_from([added, added, added, charged])
    return [
        draw(make)(
            draw(st.sampled_from("ab")),
            at=draw(st.sampled_from([0, 0, 20, 61, 600])),
            user=draw(st.sampled_from(USERS)),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]


class TurningWheel(RuleBasedStateMachine):
    """Events come, containers run beside one another and end amid their work, messages wait and come again, sweep is
    out for an hour, and clocks are up to 2 s apart: a user with a pending watch has a tick to come at or before the
    time it is due; and once it is quiet, all that was due is decided.
    """

    running = Bundle("running")

    @initialize()
    def begin(self) -> None:
        """A sweep runs once before all else: how far back the very first one looks has its own test."""
        self.wheel = Wheel()
        self.wheel.sweep()
        self.containers: list[Container] = []
        self.received: list[Waiting] = []

    @rule(events=_events(), seconds=st.sampled_from([0, 1, 20, 40, 60, 299, 540]))
    def events_come(self, events: list[Event], seconds: int) -> None:
        now = self.wheel.now
        self.wheel.put(*(each._replace(at=now - each.at * SECOND, arrived=now) for each in events))
        self.wheel.now += seconds * SECOND

    @rule(target=running, ahead=clocks, rng=randoms)
    def a_container_takes_a_batch(self, ahead: int, rng: random.Random) -> Container:
        """Some of what can be received, and nobody else receives it meanwhile: a backlog leaves the rest for later."""
        taken = {id(message) for container in self.containers for message in container.messages}
        visible = [each for each in self.wheel.visible() if id(each) not in taken]
        container = Container(self.wheel, rng.sample(visible, rng.randint(0, len(visible))), ahead=ahead)
        self.containers.append(container)
        self.received += container.messages
        return container

    @rule(container=running, steps=st.integers(1, 3))
    def a_container_goes_on(self, container: Container, steps: int) -> None:
        if container in self.containers and not all(container.step() for _ in range(steps)):
            self.containers.remove(container)

    @rule(container=consumes(running))
    def a_container_ends_amid_its_work(self, container: Container) -> None:
        """Messages that it had received can be received again."""
        if container in self.containers:
            self.containers.remove(container)

    @rule(rng=randoms)
    def a_message_comes_again(self, rng: random.Random) -> None:
        if self.received:
            self.wheel.queue.append(rng.choice(self.received[-5:])._replace(visible=self.wheel.now))

    @rule(crash_after=st.sampled_from([None, None, 0, 3]), ahead=clocks)
    def sweep_runs(self, crash_after: int | None, ahead: int) -> None:
        """It has to run every five minutes; here it runs when it likes to, and may end amid its work."""
        self.wheel.sweep(crash_after=crash_after, ahead=ahead)

    @rule(ms=st.sampled_from([10, 500, 1500, 3000, 10_000]))
    def moments_pass(self, ms: int) -> None:
        self.wheel.now += ms

    @rule()
    def a_tick_comes(self) -> None:
        """Time passes until the next message can be received."""
        later = [message.visible for message in self.wheel.queue if message.visible > self.wheel.now]
        self.wheel.now = min(later, default=self.wheel.now)

    @rule(minutes=st.sampled_from([1, 5, 15, 70]))
    def nothing_runs(self, minutes: int) -> None:
        self.wheel.now += minutes * MINUTE

    @rule(minutes=st.sampled_from([1, 5, 15, 70]))
    def all_is_well(self, minutes: int) -> None:
        self._all_finish()
        self.wheel.run(self.wheel.now + minutes * MINUTE)

    def _all_finish(self) -> None:
        while self.containers:
            self.containers.pop().finish()

    @invariant()
    def who_has_a_pending_watch_has_a_tick_to_come_in_time(self) -> None:
        """Or is in a batch that is folded just now, and that would come again."""
        folding = {user for each in self.containers for message in each.messages for user, _ in message.inputs}
        for user in self.wheel.rows.keys() - folding:
            due = decode(self.wheel.rows[user].state).due()
            if due is not None:
                latest = max(due, self.wheel.now) + APART
                assert min(self.wheel.nominations(user), default=due + DAY) <= latest

    def teardown(self) -> None:
        if hasattr(self, "wheel"):
            self._all_finish()
            self.wheel.run(self.wheel.now + 2 * HOUR)
            assert all(decode(row.state).due() is None for row in self.wheel.rows.values())
            assert not self.wheel.queue


TestTurningWheel = TurningWheel.TestCase


def test_ticks_are_ascii_and_bounded_in_bytes_whatever_users_are_called() -> None:
    hard = {f"{number:03}" + "\x01" * 1000: 1000 for number in range(250)}
    ticks, items = schedule({**hard, "h\uffff": 1000, **{f"{name}later": 2**40 for name in hard}}, 0, 0)
    assert all(tick.body.isascii() and len(tick.body) < 256 * 1024 for tick in ticks)
    assert all(len(item.users.encode()) < 400 * 1024 for item in items)
    told = {user: at for tick in ticks for user, at in json.loads(tick.body)["users"].items()}
    assert told == {**hard, "h\uffff": 1000}
    assert {user for item in items for user in json.loads(item.users)} == {f"{name}later" for name in hard}
