"""One person, several ids: what ties them, who is who, and that merging is a semilattice (law 11)."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.events import Event, Ignored, Record, Rejected, Tie
from holdfast.core.explain.replay import Decided, Simulation
from holdfast.core.fold import profiles
from holdfast.core.fold.fold import fold
from holdfast.core.fold.merging import Alias, merged, with_alias
from holdfast.core.fold.stored import decode, encode
from holdfast.core.fold.watches import Decision, State, Watch
from holdfast.core.intake.forms import records
from holdfast.core.people.people import LONGEST_CHAIN, MOST_IDS, People, who_is_who
from holdfast.core.plans.hits import Input
from holdfast.core.plans.plans import Plans
from tests.unit.brute_force import BruteForce
from tests.unit.builders import (
    ADDED,
    CHARGED,
    DAY,
    LIMITS,
    MINUTE,
    NOON,
    History,
    a_plan,
    a_tick,
    added,
    an_event,
    batches,
    charged,
    doubts,
    events,
    hits,
    minute,
)
from tests.unit.test_laws import CAMPAIGNS, NAMES, READINGS, RECENT_ITEMS, RECOMMENDERS, as_said, in_order

# --- What ties. ---

AT = "2026-05-29T12:00:00Z"
TRACK = {"type": "track", "event": "Viewed", "messageId": "m", "timestamp": AT}
CLEVERTAP = {"type": "event", "evtName": "Viewed", "ts": NOON // 1000}


def read(data: object) -> list[Record]:
    return records(json.dumps(data), NOON)


TIES: dict[str, tuple[object, list[Tie]]] = {
    "a plain one": ({"user": "u-1", "alias": "anon-7"}, [Tie("u-1", "anon-7", alone=True)]),
    "with its time": ({"user": "u-1", "alias": "anon-7", "ts": AT}, [Tie("u-1", "anon-7", alone=True)]),
    "of numbers": ({"user": 1, "alias": 7}, [Tie("1", "7", alone=True)]),
    "beside a profile": ({"user": "u-1", "alias": "anon-7", "profile": {"a": 1}}, [Tie("u-1", "anon-7")]),
    "beside an event": ({"user": "u-1", "alias": "anon-7", "event": "Viewed"}, [Tie("u-1", "anon-7", "Viewed")]),
    "an alias call": (
        {"type": "alias", "userId": "u-1", "previousId": "anon-7"},
        [Tie("u-1", "anon-7", alone=True)],
    ),
    "an alias call of a device": (
        {"type": "alias", "userId": "u-1", "anonymousId": "anon-7"},
        [Tie("u-1", "anon-7", alone=True)],
    ),
    "an identify call": (
        {"type": "identify", "userId": "u-1", "anonymousId": "anon-7", "timestamp": AT},
        [Tie("u-1", "anon-7")],
    ),
    "a track call": ({**TRACK, "userId": "u-1", "anonymousId": "anon-7"}, [Tie("u-1", "anon-7", "Viewed")]),
    "a batch": (
        {"batch": [{**TRACK, "userId": "u-1", "anonymousId": "anon-7"}, {**TRACK, "userId": "u-1"}]},
        [Tie("u-1", "anon-7", "Viewed")],
    ),
    "several identities": (
        {**CLEVERTAP, "identity": "u-1", "objectId": "anon-7", "FBID": "f-1"},
        [Tie("u-1", "f-1", "Viewed"), Tie("u-1", "anon-7", "Viewed")],
    ),
    "a profile of several": (
        {"type": "profile", "identity": "u-1", "objectId": "anon-7", "profileData": {}},
        [Tie("u-1", "anon-7")],
    ),
    "an envelope": (
        {"detail-type": "x", "detail": {"user": "u-1", "alias": "anon-7"}},
        [Tie("u-1", "anon-7", alone=True)],
    ),
    "a guest": ({**TRACK, "userId": None, "anonymousId": "anon-7"}, []),
    "a user who is nobody": ({**TRACK, "userId": "undefined", "anonymousId": "anon-7"}, []),
    "a device that is nobody's": ({**TRACK, "userId": "u-1", "anonymousId": "undefined"}, []),
    "the same id twice": ({**TRACK, "userId": "u-1", "anonymousId": " u-1"}, []),
    "a property that is no id": ({"user": "u-1", "event": "Viewed", "alias": {"a": 1}}, []),
}


@pytest.mark.parametrize(("body", "ties"), TIES.values(), ids=TIES)
def test_what_ties_an_id_to_another(body: object, ties: list[Tie]) -> None:
    found = read(body)
    assert [each for each in found if isinstance(each, Tie)] == [tie._replace(at=NOON) for tie in ties]
    assert not [each for each in found if isinstance(each, Rejected)]
    assert len(found) > len(ties) or all(tie.alone for tie in ties)


def test_a_tie_to_oneself_is_nothing() -> None:
    assert read({"user": "u-1", "alias": "u-1"}) == [Ignored("tie to itself")]


def test_a_tie_to_nobody_is_rejected() -> None:
    (rejected,) = read({"user": "u-1", "alias": "undefined"})
    assert isinstance(rejected, Rejected)
    assert "stands for nobody" in rejected.reason


def test_an_alias_beside_an_event_stays_its_property() -> None:
    _, event = read({"user": "u-1", "event": "Viewed", "alias": "Ann"})
    assert isinstance(event, Event)
    assert event.properties == {"alias": "Ann"}


# --- Who is who. ---


def who(*ties: tuple[str, str], stored: dict[str, str] | None = None, ids: Any = None) -> People:
    return who_is_who(stored or {}, [Tie(*tie, alone=True) for tie in ties], ids or {})


def test_ids_join_one_person_however_they_are_tied() -> None:
    for ties in ([("c", "b"), ("b", "a")], [("b", "a"), ("c", "b")], [("c", "a"), ("c", "b"), ("c", "a")]):
        people = who(*ties)
        assert people.joining == {"c": ("a", "b")}
        assert [people.person(id_) for id_ in "abcd"] == ["c", "c", "c", "d"]


def test_a_chain_is_followed_and_what_joined_stays() -> None:
    people = who(("c", "b"), ("c", "a"), stored={"a": "b"})
    assert people.joining == {"c": ("b",)}
    assert people.person("a") == "c"
    assert not people.refused


def test_a_circle_is_refused_with_its_reason() -> None:
    people = who(("a", "b"), stored={"a": "b"})
    assert not people.joining
    assert [each.reason for each in people.refused] == ["a circle: a is an alias of b already"]


def test_an_id_belongs_to_one_person() -> None:
    people = who(("v", "a"), stored={"a": "u"})
    assert (people.joining, people.person("a")) == ({}, "u")
    assert [each.reason for each in people.refused] == ["a belongs to another user already"]
    # It is no mistake of the sender's where a second user logs in on the device.
    assert not who_is_who({"a": "u"}, [Tie("v", "a")], {}).refused[0].odd


def test_a_person_has_so_many_ids_and_no_more() -> None:
    full = {f"id-{n}": 1 for n in range(MOST_IDS)}
    assert not who(("u", "id-0"), ids={"u": full}).refused
    assert who(("u", "new"), ids={"u": full}).refused[0].reason == "too many ids: a user may have 40 others"


def test_a_chain_has_an_end() -> None:
    longest = {"u": {"a": LONGEST_CHAIN}}
    assert not who(("u", "b"), ids=longest).refused
    assert "too long a chain" in who(("v", "u"), ids=longest).refused[0].reason


@given(st.lists(st.tuples(*[st.sampled_from("abcdefgh")] * 2).filter(lambda tie: tie[0] != tie[1]), max_size=12))
def test_no_ties_make_a_circle_and_all_that_joins_comes_to_a_person(ties: list[tuple[str, str]]) -> None:
    stored: dict[str, str] = {}
    ids: dict[str, dict[str, int]] = {}
    for tie in ties:
        people = who(tie, stored=stored, ids=ids)
        for person, joining in people.joining.items():
            assert person not in stored
            for id_ in joining:
                stored[id_] = person
                ids[person] = {**ids.get(person, {}), id_: 1, **{i: n + 1 for i, n in ids.pop(id_, {}).items()}}
    for id_ in "abcdefgh":
        person, steps = id_, 0
        while person in stored:
            person, steps = stored[person], steps + 1
            assert steps <= LONGEST_CHAIN
        assert not steps or ids[person][id_] >= steps


# --- Merging is a semilattice. ---

PLANS = Plans(CAMPAIGNS, RECOMMENDERS)


def inputs_of(*some: Event) -> list[Input]:
    return [*hits(PLANS, *some), *doubts(PLANS, *some), *[each for one in some for each in PLANS.seen(one)]]


def _state(some: Sequence[Event], tick: int) -> State:
    return fold(State(), [*inputs_of(*some), *[a_tick()] * (tick > 0)], PLANS, minute(tick), LIMITS)[0]


states = st.builds(_state, st.lists(events(NAMES), max_size=6), st.integers(0, 12))


def same(one: State, other: State) -> None:
    assert json.loads(encode(one)) == json.loads(encode(other))
    assert decode(encode(one)) == one


@given(states, states)
def test_merging_does_not_care_for_order(one: State, other: State) -> None:
    same(merged(one, other, PLANS), merged(other, one, PLANS))


@given(states, states, states)
def test_merging_does_not_care_for_groups(a: State, b: State, c: State) -> None:
    same(merged(merged(a, b, PLANS), c, PLANS), merged(a, merged(b, c, PLANS), PLANS))


@given(states, states)
def test_merging_again_changes_nothing(one: State, other: State) -> None:
    both = merged(one, other, PLANS)
    same(merged(both, other, PLANS), both)
    same(merged(both, both, PLANS), both)


# --- Law 11. ---


class Ids:
    """States by id, as the users table would hold them: what comes in is folded into the person's."""

    def __init__(self, plans: Plans = PLANS) -> None:
        self.plans = plans
        self.states: dict[str, State] = {}
        self.pointers: dict[str, str] = {}

    def fold(self, batch: Iterable[Event | Tie], now: int, *, tick: bool = False) -> list[Decision]:
        batch = list(batch)
        ids = {id_: state.ids for id_, state in self.states.items()}
        people = who_is_who(self.pointers, [each for each in batch if isinstance(each, Tie)], ids)
        by_person: dict[str, list[Input]] = {person: [] for person in people.joining}
        for each in batch:
            if isinstance(each, Event):
                found: list[Input] = [*hits(self.plans, each), *doubts(self.plans, each), *self.plans.seen(each)]
                by_person.setdefault(people.person(each.user), []).extend(found)
        decisions: list[Decision] = []
        if tick:
            by_person = {id_: by_person.get(id_, []) for id_ in {*by_person, *self.states} if people.person(id_) == id_}
        for person, inputs in by_person.items():
            aliases = [Alias(id_, self.states.pop(id_, State())) for id_ in people.joining.get(person, ())]
            given = [*inputs, *[a_tick(now, person)] * tick]
            state = self.states.get(person, State())
            self.states[person], decided = fold(state, given, self.plans, now, LIMITS, aliases=aliases)
            self.pointers |= {alias.id: person for alias in aliases}
            decisions += decided
        return decisions


TREES = (
    [Tie("c", "a"), Tie("c", "b")],
    [Tie("b", "a"), Tie("c", "b")],
    [Tie("c", "b"), Tie("b", "a"), Tie("c", "a")],
)
LATER = [plan for plan in CAMPAIGNS if not plan.immediate]
"""Those that decide nothing before a tick: the law is about what nothing was decided of."""


def said(decisions: Iterable[Decision]) -> list[str]:
    return sorted(json.dumps([d.kind, d.campaign, d.key, d.at, d.id, d.when, d.reason, d.event]) for d in decisions)


@given(
    st.lists(st.tuples(events(NAMES), st.sampled_from("abc")), max_size=8),
    st.sampled_from(TREES),
    st.randoms(use_true_random=False),
)
def test_11_one_person(some: list[tuple[Event, str]], ties: list[Tie], rng: random.Random) -> None:
    """Any order of events and ties, some of them twice, in any batches: the decisions of one id that did it all."""
    plans = Plans(LATER, RECOMMENDERS)
    numbered = [(each._replace(id=f"e-{n}"), id_) for n, (each, id_) in enumerate(some)]
    one = History(*LATER, limits=LIMITS, recommenders=RECOMMENDERS)
    one.fold(*[each for each, _ in numbered], now=minute(12))
    expected = one.tick(minute(30))
    all_of_it: list[Event | Tie] = [*(each._replace(user=id_) for each, id_ in numbered), *ties]
    all_of_it += rng.sample(all_of_it, len(all_of_it) // 2)
    rng.shuffle(all_of_it)
    ids = Ids(plans)
    for batch in batches(all_of_it, rng):
        assert not ids.fold(batch, minute(12))
    decided = ids.fold([], minute(30), tick=True)
    assert said(decided) == said(expected)
    slow = BruteForce(READINGS, RECENT_ITEMS)
    known = {plan.id: plan for plan in LATER}
    assert not slow.fold([each for each, _ in numbered], tick=False, plans=known, now=minute(12))
    expected_too = slow.fold([], tick=True, plans=known, now=minute(30))
    assert in_order(map(as_said, decided)) == in_order(expected_too)
    assert set(ids.states) == {"c"}
    same(ids.states["c"]._replace(ids={}), one.state)


ORDERS = {
    "adds, logs in, buys": "atb",
    "adds, buys, logs in": "abt",
    "logs in, adds, buys": "tab",
    "buys, adds, logs in": "bat",
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_a_guest_who_bought_gets_no_message(order: str) -> None:
    records_: dict[str, Event | Tie] = {
        "a": added("coat", at=minute(0), user="anon-7"),
        "t": Tie("u-1", "anon-7"),
        "b": charged("coat", at=minute(5), user="u-1"),
    }
    ids = Ids(Plans([a_plan()]))
    for step in order:
        assert not ids.fold([records_[step]], minute(6))
    assert not ids.fold([], minute(60), tick=True)


def test_what_the_guest_did_is_sent_to_the_user() -> None:
    ids = Ids(Plans([a_plan()]))
    ids.fold([added("coat", user="anon-7")], minute(0))
    ids.fold([Tie("u-1", "anon-7")], minute(1))
    (sent,) = ids.fold([], minute(30), tick=True)
    assert (sent.kind, sent.key, list(ids.states)) == ("send", "coat", ["u-1"])


def test_parts_of_an_occurrence_may_come_under_two_ids() -> None:
    parts = dict.fromkeys((ADDED, "viewed"), "product_name")
    ids = Ids(Plans([a_plan(did=[ADDED, "viewed"], did_not=[], constant=parts)]))
    ids.fold([added("coat", user="anon-7"), an_event("viewed", product_name="coat", user="u-1")], minute(0))
    ids.fold([Tie("u-1", "anon-7")], minute(1))
    assert [each.kind for each in ids.fold([], minute(30), tick=True)] == ["send"]


def test_a_message_to_the_guest_is_taken_back_once_it_is_known_who_bought() -> None:
    ids = Ids(Plans([a_plan()]))
    ids.fold([added("coat", user="anon-7"), charged("coat", at=minute(5), user="u-1")], minute(6))
    (sent,) = ids.fold([], minute(30), tick=True)
    assert sent.kind == "send"
    (back,) = ids.fold([Tie("u-1", "anon-7")], minute(40))
    assert (back.kind, back.mark, back.user) == ("retract", sent.mark, "anon-7")
    assert not ids.fold([Tie("u-1", "anon-7"), charged("coat", at=minute(6), user="u-1")], minute(41), tick=True)


def test_a_late_exit_takes_back_what_went_to_the_guest() -> None:
    ids = Ids(Plans([a_plan()]))
    ids.fold([added("coat", user="anon-7")], minute(0))
    ids.fold([], minute(30), tick=True)
    ids.fold([Tie("u-1", "anon-7"), Tie("u-2", "u-1")], minute(31))
    assert "decided_for" in encode(ids.states["u-2"])
    ids.states = {id_: decode(encode(state)) for id_, state in ids.states.items()}
    (back,) = ids.fold([charged("coat", at=minute(20), arrived=minute(35), user="u-2")], minute(35))
    assert (back.kind, back.user) == ("retract", "anon-7")


def test_of_two_decisions_on_one_event_none_is_made_again() -> None:
    """The same event came under both ids, and a message went to each."""
    event = added("coat", id="e-1")
    ids = Ids(Plans([a_plan()]))
    ids.fold([event._replace(user="anon-7"), event._replace(user="u-1")], minute(0))
    assert len(ids.fold([], minute(30), tick=True)) == 2
    assert not ids.fold([Tie("u-1", "anon-7")], minute(31), tick=True)


def test_too_many_watches_of_two_ids_are_withheld() -> None:
    """The oldest go, with their reason, as if one id had had them all."""
    state, other = (fold(State(), hits(PLAN_ONLY, *some), PLAN_ONLY, minute(0), LIMITS)[0] for some in HALVES)
    limits = LIMITS._replace(watches=3)
    state, decisions = fold(state, [], PLAN_ONLY, minute(1), limits, aliases=[Alias("anon-7", other)])
    assert [(each.kind, each.key, each.reason) for each in decisions] == [
        ("withhold", f"{n}", "too many watches") for n in (0, 1, 2)
    ]
    assert state.ids == {"anon-7": 1}


PLAN_ONLY = Plans([a_plan()])
HALVES = (
    [added(str(n), at=NOON - 10_000 + n) for n in range(0, 6, 2)],
    [added(str(n), at=NOON - 10_000 + n) for n in range(1, 6, 2)],
)


def test_ids_are_kept_with_the_state() -> None:
    state = with_alias(State(), Alias("b", State(ids={"a": 1})), PLANS)
    assert decode(encode(state)).ids == {"a": 2, "b": 1}


# --- Profiles. ---


def profile(*changes: dict[str, Any]) -> profiles.Profile:
    found: list[Any] = []
    for number, change in enumerate(changes):
        found += records(json.dumps({"user": "x", "ts": minute(number), **change}), minute(60))
    return profiles.merge({}, found).profile


def test_of_two_profiles_each_property_is_what_was_set_last() -> None:
    guest = profile({"profile": {"city": "Ulm", "cart": 1}}, {"profile": {"points": {"$incr": 2}}, "id": "p-1"})
    user = profile({"ts": minute(-1), "profile": {"city": "Bonn", "email": "a@b.c"}}, {"profile": {"cart": 2}})
    for both in ([guest, user], [user, guest]):
        assert profiles.properties(profiles.joined(both)) == {
            "city": "Ulm",
            "cart": 2,
            "email": "a@b.c",
            "points": 2,
        }


def test_operations_of_both_profiles_count_once_each() -> None:
    one = profile({"profile": {"points": {"$incr": 1}}, "id": "p-1"})
    other = profile({"profile": {"points": {"$incr": 1}}, "id": "p-1"}, {"profile": {"points": {"$incr": 5}}})
    assert profiles.properties(profiles.joined([one, other])) == {"points": 6}


# --- Simulation. ---


def test_a_simulation_ties_as_join_does() -> None:
    run = Simulation(Plans([a_plan()]), Decided)
    run.event(added("coat", at=minute(0), user="anon-7"))
    run.event(added("hat", at=minute(1), user="anon-7"))
    run.tie(Tie("u-1", "anon-7"))
    run.event(charged("coat", at=minute(5), user="u-1"))
    run.event(added("tie", at=minute(6), user="anon-7"))
    assert [(each.user, each.decision.key) for each in run.until()] == [("u-1", "hat"), ("u-1", "tie")]


def test_a_guest_who_logs_in_and_orders_is_one_user() -> None:
    """A track call of the guest, an identify call with both ids, and an order of the user's: nothing is waiting."""
    calls: list[dict[str, Any]] = [
        {"type": "track", "messageId": "m1", "userId": None, "anonymousId": "anon-1", "event": "Product Added"},
        {"type": "identify", "messageId": "m2", "userId": "u1", "anonymousId": "anon-1", "traits": {"email": "a@b.c"}},
        {"type": "track", "messageId": "m3", "userId": "u1", "anonymousId": "anon-1", "event": "Order Completed"},
    ]
    read_by = {"Product Added": "product_id", "Order Completed": "products[].product_id"}
    properties = {"product_id": "A1", "products": [{"product_id": "A1"}]}
    run = Simulation(Plans([a_plan(did="Product Added", did_not="Order Completed", constant=read_by)]), Decided)
    for number, call in enumerate(calls):
        for record in read({**call, "timestamp": f"2026-05-29T11:0{number}:00Z", "properties": properties}):
            if isinstance(record, Event):
                run.event(record)
            elif isinstance(record, Tie):
                run.tie(record)
    assert not run.until()
    assert run.person("anon-1") == "u1"


def test_in_a_simulation_too_an_event_ties_only_where_a_campaign_names_it() -> None:
    run = Simulation(Plans([a_plan()]), Decided)
    assert not run.tie(Tie("u-1", "anon-7", along="page seen")).joining
    assert run.tie(Tie("u-1", "anon-7", along=CHARGED)).joining


def test_what_is_tied_is_not_forgotten() -> None:
    run = Simulation(Plans([a_plan()]), Decided)
    run.tie(Tie("u-1", "anon-7"))
    for day in range(3000):
        run.event(added("coat", at=minute(0) + day * DAY // 100, user=f"v-{day}"))
        run.event(charged("coat", at=minute(0) + day * DAY // 100 + MINUTE, user=f"v-{day}"))
    assert [each.reason for each in run.tie(Tie("anon-7", "u-1")).refused]


def test_what_is_merged_stands_in_an_order_that_no_hash_decides() -> None:
    """Decisions that fall due together come in this order, in every process."""
    watches = {f"{n}": Watch(exit=NOON + n) for n in range(20)}
    one, other = {key: watches[key] for key in [*watches][:10]}, {key: watches[key] for key in [*watches][10:]}
    both = merged(State({"a": one, "b": one}), State({"c": other, "a": other}), {})
    assert [*both.watches] == ["a", "b", "c"]
    assert [*both.watches["a"]] == [*watches]
