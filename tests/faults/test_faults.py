"""Two hundred histories in which something goes wrong all the time: nothing is lost, twice, early or blind.

`make faults SEEDS=…` runs more. The oracle is shown to see what it is for: each mistake below is found.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from holdfast.aws.bus import Bus
from holdfast.aws.queues import Message
from holdfast.aws.tables import revisions
from holdfast.aws.tables.campaigns import Campaigns
from holdfast.aws.tables.revisions import EPOCH
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Save, Saved, Users
from holdfast.core.events import canonical
from holdfast.core.fold import fitting as fitting_module
from holdfast.core.fold import fold as fold_module
from holdfast.core.fold import profiles, seeing
from holdfast.core.fold.merging import Alias
from holdfast.core.fold.stored import encode as encoded
from holdfast.core.fold.watches import State, Trigger, Watch
from holdfast.core.intake.timeline import Timeline
from holdfast.core.people.people import with_id
from holdfast.core.plans.hits import Hit
from holdfast.core.plans.plans import Plans
from holdfast.services import join as join_module
from holdfast.services import redriving
from holdfast.services import sweep as sweep_module
from holdfast.services.join import Join
from holdfast.services.persons import Persons
from holdfast.services.set_aside import SetAside
from tests.faults.history import TIES, History
from tests.faults.oracle import wrong
from tests.faults.world import MINUTE, Faults

SEEDS = 200
AT_ONCE = 10
ENOUGH = 100
"""Histories within which every mistake shows; of those about guests, four times as many that have guests."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def told(seed: int) -> History:
    history = History(seed)
    history.tell()
    return history


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_whatever_fails_nothing_is_lost_twice_early_or_blind(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        assert list(wrong(told(seed))) == [], f"seed {seed}"


def test_a_seed_is_one_history() -> None:
    one, two = told(3), told(3)
    assert one.decided == two.decided
    assert one.events.put == two.events.put
    assert one.world.injected == two.world.injected


def test_guests_prove_to_be_somebody_before_and_after_what_they_do() -> None:
    stories = [told(seed) for seed in range(0, 40, 4)]
    assert all(story.guests and len(story.tied) == len(TIES) for story in stories)
    under = [
        (each.acknowledged, story.tied[each.user]) for story in stories for each in story.happened if each.user in TIES
    ]
    assert any(did < tied for did, tied in under)
    assert any(did > tied for did, tied in under)


def test_every_kind_of_fault_happens() -> None:
    injected = sum((told(seed).world.injected for seed in range(30)), start=told(30).world.injected)
    assert all(injected[name] > 0 for name in Faults._fields if name != "skew"), injected


def _all_saved(users: Users, saves: Any, save: Callable[..., Any] = Users.save) -> Any:
    return dict.fromkeys(save(users, saves), Saved.DONE)


def _no_nominations(_join: Join, _users: Any) -> set[str]:
    return set()


def _never_refused(bus: Bus, entries: Any, seconds_left: Any, put: Callable[..., Any] = Bus.put) -> Any:
    put(bus, entries, seconds_left)
    return {}


def _no_timers(_timers: Timers, _slot: str) -> Iterator[str]:
    return iter(())


def _as_of_now(timeline: Timeline, _moment: int) -> Plans:
    return timeline.newest


class _Whatever(str):
    """An epoch that is the same as any other."""

    __slots__ = ()

    def __eq__(self, _: object) -> bool:
        return True

    __hash__ = str.__hash__


def _written_at_once(campaigns: Campaigns, _before: object) -> int:
    """In force before it is written: of two containers, only one may have seen it."""
    return revisions.aws_time(campaigns._dynamodb.get_item(TableName="campaigns", Key=EPOCH, ConsistentRead=True))


def _as_they_came(profile: Any, changes: Any, floor: int = 0, merge: Callable[..., Any] = profiles.merge) -> Any:
    return merge(profile, [change._replace(at=change.arrived) for change in changes], floor)


def _never_again(_aside: SetAside, _limit: int) -> int:
    return 0


def _new_arrival(body: str, first_arrival: int) -> Message:
    assert first_arrival
    return Message(body)


def _from_now_on(_cursor: int | None, now: int) -> range:
    return range(now - now % MINUTE, now + 10 * MINUTE, MINUTE)


def _ended_by_nothing(watch: Watch, _exit: int, _grace: int, *, later: bool = False) -> Watch:
    del later
    return watch


def _forgetful(state: State, encode: Callable[[State], str] = encoded) -> str:
    data = json.loads(encode(state))
    for watch in (each for of in data["watches"].values() for each in of.values()):
        watch.pop("decided", None)
    return canonical(data)


def _too_soon(hit: Hit, number: int, shown: Any, trigger: Callable[..., Trigger] = seeing._trigger) -> Trigger:
    return trigger(hit, number, shown)._replace(due=hit.at + hit.plan.within // 2)


def _left_behind(state: State, alias: Alias, _plans: Any) -> State:
    return state._replace(ids=with_id(state.ids, alias.id, alias.state.ids))


def _no_pointers(_persons: Persons, _person: str) -> list[Save]:
    return []


def _one_by_one(users: Users, saves: Sequence[Save]) -> Saved:
    """First what is left of the ids that join, then the person's state."""
    saved = [what for save in reversed(saves) for what in users._put(save).values()]
    return next((what for what in saved if what is not Saved.DONE), Saved.DONE)


MISTAKES: dict[str, tuple[Any, str, Any, str]] = {
    "a save that failed counts as done": (Users, "save", _all_saved, "lost"),
    "nobody is nominated": (Join, "_nominate", _no_nominations, "lost"),
    "no slot is read": (Timers, "read", _no_timers, "lost"),
    "what the bus did not take counts as put": (Bus, "put", _never_refused, "on its way for ever"),
    "a purchase ends nothing": (Watch, "ended", _ended_by_nothing, "blind"),
    "what was decided is forgotten": (fitting_module, "encode", _forgetful, "decided"),
    "a window is half as long": (seeing, "_trigger", _too_soon, "early"),
    "an event is read by what was published last": (Timeline, "at", _as_of_now, "read by what was not in force"),
    "a pause is not heard of": (join_module, "epoch_of", lambda _: _Whatever(), "sent although"),
    "what is published later is not read": (join_module, "epoch_of", lambda _: _Whatever(), "lost"),
    "it is in force before it is written": (Campaigns, "_soon", _written_at_once, "lost"),
    "of a profile the last that came counts": (profiles, "merge", _as_they_came, "profile"),
    "dead ticks and letters stay": (SetAside, "redrive", _never_again, "stuck in the queue dead"),
    "a redrive is a new arrival": (redriving, "Message", _new_arrival, "lost"),
    "sweep reads from now on": (sweep_module, "slots_to_read", _from_now_on, "lost"),
    "nothing is taken back": (seeing, "takes_back", lambda *_: False, "not taken back"),
}
OF_GUESTS: dict[str, tuple[Any, str, Any, str]] = {
    "what a guest did is forgotten": (fold_module, "with_alias", _left_behind, "lost"),
    "a guest stays a stranger": (Persons, "pointers", _no_pointers, "stranger"),
    "a person's items are saved one by one": (Users, "save_together", _one_by_one, "decided"),
}


@pytest.mark.parametrize("mistake", [*MISTAKES, *OF_GUESTS])
def test_the_oracle_sees_a_mistake(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, what, kind = (MISTAKES | OF_GUESTS)[mistake]
    monkeypatch.setattr(where, name, what)
    seeds = range(0, 16 * ENOUGH, 4) if mistake in OF_GUESTS else range(ENOUGH)
    found = (each for seed in seeds for each in wrong(told(seed)))
    assert any(each.startswith(kind) for each in found)
