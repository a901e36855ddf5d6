"""Between due and sent: as campaigns say it, as the fold asks it, and over whole histories."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.authoring import text as campaign_text
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.events import Event
from holdfast.core.explain.explanation import explain
from holdfast.core.explain.replay import Decided, Simulation
from holdfast.core.fold.asking import FULL, MOST_SENT, Known
from holdfast.core.fold.fold import fold
from holdfast.core.fold.forgetting import needed_until
from holdfast.core.fold.stored import decode, encode
from holdfast.core.fold.watches import Decision, State
from holdfast.core.gate.chance import in_control
from holdfast.core.gate.hours import Hours
from holdfast.core.gate.policy import Cap, Policy
from holdfast.core.gate.rules import Rules
from holdfast.core.plans.hits import Input
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from tests.unit.builders import (
    CHARGED,
    DAY,
    HOUR,
    LIMITS,
    MINUTE,
    NOON,
    History,
    a_plan,
    a_tick,
    added,
    charged,
    hits,
    minute,
)

BEGIN = datetime.fromtimestamp(NOON / 1000, UTC)
"""A Friday, at noon in UTC."""

CART = """\
id: cart
when: {{did: added to cart, did_not: charged, within: 30 minutes}}
constant: {{name: product, in: {{added to cart: product_name, charged: "Items[].prod_name"}}}}
send:
  {send}
  values: {{title: "{{{{ ConstantEventProperty }}}}"}}
"""


def cart(send: str) -> Campaign:
    return campaign_text.validate(campaign_text.parse(CART.format(send=send)), Campaign)


def mistakes(send: str) -> list[tuple[str, str]]:
    with pytest.raises(campaign_text.CampaignFileError) as refused:
        cart(send)
    return [(each.place, each.message) for each in refused.value.mistakes]


# --- What campaigns say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("send", "rules"),
    [
        ("audience: Profile.country == 'DE'", Rules(audience="Profile.country == 'DE'")),
        ("start: 2026-12-01T00:00:00+01:00", Rules(start=1_796_079_600_000)),
        ('end: "2026-12-01T00:00:00+01:00"', Rules(end=1_796_079_600_000)),
        (
            'hours: {days: [Monday, tue], from: "08:00", to: "21:00", zone: Europe/Berlin, otherwise: withhold}',
            Rules(hours=Hours(8 * 60, 21 * 60, (0, 1), "Europe/Berlin", wait=False)),
        ),
        ('hours: {from: 22:00, to: "02:00"}', Rules(hours=Hours(22 * 60, 2 * 60))),
        ("hours: {days: sat}", Rules(hours=Hours(days=(5,)))),
        ('hours: {from: "18:00"}', Rules(hours=Hours(18 * 60))),
        ("again_after: 3 days", Rules(again_after=3 * DAY)),
        ("per_user: {at_most: 2, in: 7 days}", Rules(per_user=(Cap(2, 7 * DAY),))),
        (
            "per_user: [{at_most: 1, in: 1 day}, {at_most: 2, in: 7 days}]",
            Rules(per_user=(Cap(1, DAY), Cap(2, 7 * DAY))),
        ),
        ("priority: -3", Rules(priority=-3)),
        ("instead_of: browse", Rules(instead_of=("browse",))),
        ("control: 5%", Rules(control=0.05)),
        ('control: "12.5 %"', Rules(control=0.125)),
    ],
)
def test_what_a_campaign_says_is_in_its_plan(send: str, rules: Rules) -> None:
    campaign = cart(send)
    plan = campaign.plan()
    assert plan.rules == rules
    assert Plan.from_json(plan.to_json()) == plan
    assert Campaign.model_validate(campaign.model_dump(by_alias=True, exclude_defaults=True)).plan() == plan
    assert Campaign.model_validate(campaign.model_dump(by_alias=True, mode="json")).plan() == plan


def test_a_plan_without_rules_is_as_the_release_before_wrote_it() -> None:
    assert "rules" not in cart("limit: 5").plan().to_json()


def test_the_trigger_s_properties_that_an_audience_names_are_kept() -> None:
    plan = cart("audience: Event.price > `20` && Profile.x && contains(Event.\"of it\", 'a')").plan()
    assert plan.keep == ("of it", "price")


@pytest.mark.parametrize(
    ("send", "place", "message"),
    [
        ("audience: Profile.age > 18", "send.audience", "a number stands between backticks: Profile.age > `18`"),
        (
            "audience: Profile.age > '18'",
            "send.audience",
            "> compares numbers, and '18' is a text: write the number as `18`",
        ),
        ("audience: \"'b' <= Profile.name\"", "send.audience", "<= compares numbers, and 'b' is a text"),
        (
            "audience: 'Profile.country == \"DE\"'",
            "send.audience",
            "'DE' is neither Profile nor Event; a text is written between single quotes: 'DE'",
        ),
        (
            "audience: profile.country == 'DE'",
            "send.audience",
            "'profile' is neither Profile nor Event; did you mean 'Profile'?",
        ),
        (
            "audience: keys(Event)",
            "send.audience",
            "say which property of the event, such as Event.price: only that one is kept",
        ),
        (
            'audience: "@"',
            "send.audience",
            "@ is all that is known of a user: name the part, such as Profile.country",
        ),
        (
            "start: 2026-12-01",
            "send.start",
            "say the time with its offset from UTC, such as 2026-12-01T00:00:00+01:00",
        ),
        ("start: soon", "send.start", "'soon' is not a time: write it as 2026-12-01T00:00:00+01:00"),
        (
            "{start: 2026-12-01T00:00:00Z, end: 2026-12-01T00:00:00Z}",
            "send.end",
            "the end is not after the start: nothing would ever be sent",
        ),
        (
            'hours: {from: "08:00", to: "08:00"}',
            "send.hours",
            "from and to are the same time: for whole days leave both out",
        ),
        (
            'hours: {from: "8 am"}',
            "send.hours.from",
            '\'8 am\' is not a time of day: write it as "08:00", from "00:00" to "24:00"',
        ),
        (
            'hours: {to: "24:01"}',
            "send.hours.to",
            '\'24:01\' is not a time of day: write it as "08:00", from "00:00" to "24:00"',
        ),
        (
            "hours: {days: [mon, tues, x]}",
            "send.hours.days",
            "'x' is not a day of the week; they are mon, tue, wed …",
        ),
        (
            "hours: {zone: Europe/Berln}",
            "send.hours.zone",
            "'Europe/Berln' is not a time zone; did you mean 'Europe/Berlin'?",
        ),
        ("hours: {zone: berlin}", "send.hours.zone", "'berlin' is not a time zone; did you mean 'Europe/Berlin'?"),
        (
            "hours: {zone: qqqq}",
            "send.hours.zone",
            "'qqqq' is not a time zone; a zone is written like Europe/Berlin",
        ),
        ("again_after: 0 days", "send.again_after", "a time of more than nothing is needed here"),
        (
            "control: 0.05",
            "send.control",
            '0.05 is not a share of users: write it with its sign, as "5%", above 0% and below 100%',
        ),
        (
            "control: 100%",
            "send.control",
            "'100%' is not a share of users: write it with its sign, as \"5%\", above 0% and below 100%",
        ),
        ("instead_of: cart", "send.instead_of", "a campaign cannot be sent instead of itself"),
    ],
)
def test_a_mistake_says_what_to_write(send: str, place: str, message: str) -> None:
    text = send.removeprefix("{").removesuffix("}").replace(", end", "\n  end") if send.startswith("{") else send
    ((where, said),) = mistakes(text)
    assert where == place
    assert said.endswith(message)


# --- What the fold makes of it ----------------------------------------------------------------------------------------


def told(decisions: Iterable[Decision]) -> list[tuple[str, str, str]]:
    return [(each.campaign, each.key, each.reason or each.kind) for each in decisions]


class Asked(History):
    """A user of whom more is known."""

    def __init__(self, *plans: Plan, profile: dict[str, Any] | None = None, policy: Policy | None = None) -> None:
        super().__init__(*plans)
        self.plans = Plans(plans, policy=policy or Policy())
        self.known = Known("u-1", profile or {})

    def at(self, number: float, *events: Event, tick: bool = False) -> list[Decision]:
        now = minute(number)
        inputs: list[Input] = [*hits(self.plans, *events), *([a_tick(now)] if tick else [])]
        self.state, decisions = fold(decode(encode(self.state)), inputs, self.plans, now, LIMITS, self.known)
        return decisions

    def tick_at(self, number: float) -> list[tuple[str, str, str]]:
        return told(self.at(number, tick=True))


def waits(user: Asked) -> tuple[int, str] | None:
    return user.state.watches["cart"]["coat"].wait


EVENING = Hours(18 * 60, 21 * 60)


def ruled(id: str = "cart", **rules: Any) -> Plan:  # noqa: A002
    return a_plan(id, rules=Rules(**rules))


def test_outside_the_hours_a_message_waits_for_them() -> None:
    user = Asked(ruled(hours=EVENING), profile={"timezone": "Europe/Berlin"})
    user.at(0, added("coat"))
    assert user.tick_at(30) == []
    begin = round(datetime(2026, 5, 29, 18, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000)
    assert user.state.due() == begin
    assert waits(user) == (begin, "outside hours")
    assert decode(encode(user.state)) == user.state
    assert user.tick_at((begin - NOON) / MINUTE - 1) == []
    assert user.tick_at((begin - NOON) / MINUTE) == [("cart", "coat", "send")]
    assert waits(user) is None
    assert user.state.due() is None


def test_a_purchase_ends_what_waits() -> None:
    user = Asked(ruled(hours=EVENING))
    user.at(0, added("coat"))
    user.tick_at(30)
    user.at(60, charged("coat", minute(60)))
    assert user.state.due() is None
    assert user.tick_at(6 * 60) == []
    assert waits(user) is None


def test_another_trigger_waits_for_itself() -> None:
    user = Asked(ruled(hours=EVENING))
    user.at(0, added("coat"))
    user.tick_at(30)
    user.at(6 * 60 - 5, added("coat", minute(6 * 60 - 5)))
    assert user.tick_at(6 * 60) == []
    assert user.tick_at(6 * 60 + 25) == [("cart", "coat", "send")]


def test_an_event_that_comes_again_changes_nothing_of_a_wait() -> None:
    user = Asked(ruled(hours=EVENING))
    user.at(0, added("coat"))
    user.tick_at(30)
    before = user.state
    user.at(40, added("coat"))
    assert user.state == before


def test_explain_tells_what_a_message_waits_for() -> None:
    plan = ruled(hours=EVENING)
    user = Asked(plan)
    user.at(0, added("coat"))
    user.tick_at(30)
    (about,) = explain("u-1", user.state, user.plans, minute(31), zone=UTC)
    assert about.status == "waits"
    assert about.until == minute(6 * 60)
    assert "it was due at 12:30, and waits: it was outside the sending hours" in about.text


def test_explain_tells_which_message_filled_a_cap_by_the_clock_of_the_reader() -> None:
    user = Asked(ruled("cart", per_user=(Cap(1, DAY),)))
    user.at(0, added("coat"))
    user.tick_at(30)
    user.at(31, added("hat", minute(31)))
    user.tick_at(61)
    told = explain("u-1", user.state, user.plans, minute(62), zone=ZoneInfo("Europe/Berlin"))
    (about,) = [each for each in told if each.constant == "hat"]
    assert about.text.endswith("withheld at 15:01: capped: 1 in 1 day, the last was cart at 14:30")


def test_eight_adds_in_eight_hours_make_one_message() -> None:
    user = Asked(ruled(again_after=DAY))
    sent = []
    for hour in range(8):
        user.at(hour * 60, added("coat", minute(hour * 60)))
        sent += user.tick_at(hour * 60 + 30)
    assert [what for *_, what in sent] == ["send", *["again too soon"] * 7]


def test_messages_are_remembered_only_where_they_are_asked_for_and_only_so_long() -> None:
    plain, capped = Asked(a_plan("cart")), Asked(ruled(per_user=(Cap(1, HOUR),)))
    for user in (plain, capped):
        user.at(0, added("coat"))
        user.tick_at(30)
    assert plain.state.sent == {}
    assert capped.state.sent == {"cart": ((minute(30), "coat"),)}
    assert needed_until(replace_watches(capped.state), capped.plans, LIMITS) == minute(90)
    capped.at(90, added("hat", minute(90)))
    assert capped.state.sent, "a container whose clock is behind may still ask"
    capped.at(91, added("hat", minute(91)))
    assert capped.state.sent == {}


def test_a_container_whose_clock_is_behind_still_finds_what_another_no_longer_asks_for() -> None:
    user = Asked(ruled(per_user=(Cap(1, HOUR),)))
    user.at(0, added("coat"))
    user.tick_at(30)
    user.at(58, added("hat", minute(58)))
    user.at(90.01, added("map", minute(90)))
    ((_, value, what),) = user.tick_at(89.99)
    assert (value, what[:6]) == ("hat", "capped")


def replace_watches(state: State) -> State:
    return state._replace(watches={})


def test_priority_says_who_goes_first_where_there_is_room_for_one() -> None:
    plans = [a_plan("a"), ruled("b", priority=1), ruled("c", priority=-1)]
    user = Asked(*plans, policy=Policy(per_user=(Cap(1, DAY),)))
    user.at(0, added("coat"))
    capped = "capped: 1 in 1 day, the last was b at 2026-05-29T12:30Z"
    assert user.tick_at(30) == [("b", "coat", "send"), ("a", "coat", capped), ("c", "coat", capped)]


@pytest.mark.parametrize(("first", "second"), [("browse", "cart"), ("cart", "browse")])
def test_instead_of(first: str, second: str) -> None:
    """Whether the other message is open still, or went a moment ago."""
    plans = {"browse": a_plan("browse"), "cart": ruled("cart", instead_of=("browse",))}
    late = replace(plans[second], within=40 * MINUTE)
    user = Asked(plans[first], late)
    user.at(0, added("coat"))
    browse, sent = ("browse", "coat", "instead: cart"), ("cart", "coat", "send")
    assert user.tick_at(30) == [browse if first == "browse" else sent]
    assert user.tick_at(40) == [browse if second == "browse" else sent]


def test_what_was_seen_after_the_other_message_is_something_new() -> None:
    paths = {"viewed": "product_name", CHARGED: "Items[].prod_name"}
    cart_of = a_plan("cart", did="viewed", constant=paths, rules=Rules(instead_of=("browse",)))
    user = Asked(a_plan("browse"), cart_of)
    user.state = State(sent={"cart": ((minute(-1), "coat"),)})
    user.at(0, added("coat"))
    assert user.tick_at(30) == [("browse", "coat", "send")]


def test_two_that_give_way_to_each_other_make_one_message() -> None:
    user = Asked(ruled("a", instead_of=("b",)), ruled("b", instead_of=("a",)))
    user.at(0, added("coat"))
    assert user.tick_at(30) == [("a", "coat", "instead: b"), ("b", "coat", "send")]


@pytest.mark.parametrize("more", [{"paused": True}, {}])
def test_nothing_gives_way_to_a_campaign_that_sends_nothing(more: dict[str, Any]) -> None:
    plans = [a_plan("browse"), *([replace(ruled("cart", instead_of=("browse",)), **more)] if more else [])]
    user = Asked(*plans)
    user.at(0, added("coat"))
    assert ("browse", "coat", "send") in user.tick_at(30)


def test_a_summary_asks_once() -> None:
    plan = replace(ruled(per_user=(Cap(1, DAY),), hours=EVENING), summary=True)
    user = Asked(plan)
    user.at(0, added("coat"), added("hat"))
    assert user.tick_at(30) == []
    assert user.state.due(user.plans.summaries) == minute(6 * 60)
    assert user.tick_at(6 * 60) == [("cart", "", "send")]
    assert user.state.sent == {"cart": ((minute(6 * 60), ""),)}


def test_who_is_in_the_control_group_would_have_got_it() -> None:
    share = 0.5
    user = next(f"u-{n}" for n in range(100) if in_control(share, f"u-{n}", "cart"))
    asked = Asked(ruled(control=share, again_after=DAY))
    asked.known = Known(user)
    asked.at(0, added("coat"))
    assert asked.tick_at(30) == [("cart", "coat", "control group")]
    asked.at(60, added("coat", minute(60)))
    assert asked.tick_at(90) == [("cart", "coat", "again too soon")]


def test_what_is_paused_says_so_whatever_its_rules() -> None:
    user = Asked(replace(ruled(hours=EVENING), paused=True))
    user.at(0, added("coat"))
    assert user.tick_at(30) == [("cart", "coat", "campaign paused")]


def test_what_is_remembered_is_bounded_and_nothing_is_sent_beyond_it() -> None:
    user = Asked(ruled(again_after=90 * DAY))
    user.state = State(sent={"cart": tuple((minute(-1), f"{n}") for n in range(MOST_SENT))})
    user.at(0, added("coat" * 20))
    assert user.tick_at(30) == [("cart", "coat" * 20, FULL)]
    assert sum(map(len, user.state.sent.values())) == MOST_SENT


def test_a_long_value_is_remembered_by_its_hash() -> None:
    user = Asked(ruled(again_after=DAY))
    user.at(0, added("coat" * 30))
    user.tick_at(30)
    ((_, key),) = user.state.sent["cart"]
    assert len(key) == 32
    user.at(60, added("coat" * 30, minute(60)))
    assert user.tick_at(90)[0][-1] == "again too soon"


def test_two_copies_of_a_fold_remember_a_message_once() -> None:
    """A redelivered tick, after the fold was saved."""
    user = Asked(ruled(per_user=(Cap(2, DAY),)))
    user.at(0, added("coat"))
    user.tick_at(30)
    before = user.state
    assert user.tick_at(30) == []
    assert user.state == before


# --- Over whole histories ---------------------------------------------------------------------------------------------

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")
VALUES = ("coat", "hat", "map")

steps = st.lists(
    st.tuples(st.integers(0, 9 * 60), st.sampled_from(VALUES), st.sampled_from(["add", "buy", "tick", "again"])),
    min_size=1,
    max_size=40,
)
caps = st.lists(st.builds(Cap, st.integers(1, 3), st.integers(1, 72).map(lambda hours: hours * HOUR)), max_size=2)
hours = st.builds(
    Hours,
    st.integers(0, 47).map(lambda half: half * 30),
    st.integers(1, 48).map(lambda half: half * 30),
    st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    st.sampled_from(["user", *ZONES]),
    st.booleans(),
)
rules_of = st.builds(
    Rules,
    hours=st.none() | hours,
    again_after=st.sampled_from([0, 6 * HOUR, 2 * DAY]),
    per_user=caps.map(tuple),
    priority=st.integers(-1, 1),
    instead_of=st.sampled_from([(), ("a",), ("b",)]),
    control=st.sampled_from([0.0, 0.3]),
)
policies = st.builds(
    Policy, hours=st.none() | hours, per_user=caps.map(tuple), zone=st.sampled_from(ZONES), exempt=st.just(("c",))
)


def inside(of: Hours, now: int, zone: str) -> bool:
    """By the clock on the wall, minute by minute: written otherwise than the code under test."""
    wall = datetime.fromtimestamp(now / 1000, ZoneInfo(zone))
    minutes = wall.hour * 60 + wall.minute
    if of.begin < of.end:
        return wall.weekday() in of.days and of.begin <= minutes < of.end
    yesterday = (wall - timedelta(days=1)).weekday()
    return (wall.weekday() in of.days and minutes >= of.begin) or (yesterday in of.days and minutes < of.end)


BEFORE_A_CHANGE = tuple(days * 24 * 60 for days in (0, 124, 146, 153, 280))
"""Minutes from the beginning to a few days before the clock changes somewhere: in October, November and March."""


@given(
    st.tuples(rules_of, rules_of, rules_of), policies, st.sampled_from(ZONES), st.sampled_from(BEFORE_A_CHANGE), steps
)
def test_caps_are_never_exceeded_and_hours_never_broken(
    of_each: tuple[Rules, Rules, Rules], policy: Policy, zone: str, begin: int, walk: list[tuple[int, str, str]]
) -> None:
    plans = {name: ruled_by(name, rules) for name, rules in zip("abc", of_each, strict=True)}
    user = Asked(*plans.values(), profile={"timezone": zone}, policy=policy)
    sent: list[Decision] = []
    at, last = begin, added("coat", minute(begin))
    for gap, value, what in walk:
        at += gap
        now = minute(at)
        last = {"add": added(value, now), "buy": charged(value, now), "again": last}.get(what, last)
        decided = user.at(at, *([] if what == "tick" else [last]), tick=what == "tick")
        sent += [each for each in decided if each.kind == "send"]
        assert all(each.when == now for each in decided)
    for name, plan in plans.items():
        own = [each for each in sent if each.campaign == name]
        _within(plan.rules.per_user, own)
        for value in VALUES:
            times = [each.when for each in own if each.key == value]
            assert all(later - one >= plan.rules.again_after for one, later in pairwise(times))
        of = plan.rules.hours or (None if name == "c" else policy.hours)
        if of:
            assert all(inside(of, each.when, zone if of.zone == "user" else of.zone) for each in own)
    _within(policy.per_user, [each for each in sent if each.campaign != "c"])


some_caps = st.lists(
    st.builds(Cap, st.integers(1, 3), st.integers(1, 72).map(lambda hours: hours * HOUR)), min_size=1, max_size=2
).map(tuple)


@given(some_caps, some_caps, st.lists(st.tuples(st.integers(0, 9), st.sampled_from(VALUES)), min_size=8, max_size=30))
def test_caps_hold_where_everything_wants_to_be_sent(
    own: tuple[Cap, ...], of_all: tuple[Cap, ...], walk: list[tuple[int, str]]
) -> None:
    user = Asked(a_plan("a"), ruled("b", per_user=own), policy=Policy(per_user=of_all))
    sent: list[Decision] = []
    at = 0
    for gap, value in walk:
        at += 60 * gap
        user.at(at, added(value, minute(at)))
        at += 30
        sent += [each for each in user.at(at, tick=True) if each.kind == "send"]
    assert sent
    _within(own, [each for each in sent if each.campaign == "b"])
    _within(of_all, sent)


def ruled_by(name: str, rules: Rules) -> Plan:
    return a_plan(name, rules=rules._replace(instead_of=tuple(each for each in rules.instead_of if each != name)))


def _within(per_user: Iterable[Cap], sent: list[Decision]) -> None:
    times = [each.when for each in sent]
    for cap in per_user:
        assert all(sum(one <= at < one + cap.within for at in times) <= cap.at_most for one in times)


some_events = st.lists(
    st.builds(
        lambda make, value, at: make(value, minute(at), arrived=minute(100)),
        st.sampled_from([added, charged]),
        st.sampled_from(VALUES),
        st.integers(0, 60),
    ),
    min_size=1,
    max_size=12,
)


@given(rules_of, rules_of, some_events, some_events, st.randoms(use_true_random=False))
def test_order_and_duplicates_make_no_difference_to_what_waits(
    a: Rules, b: Rules, before: list[Event], after: list[Event], chance: random.Random
) -> None:
    """Beside the same ticks: whatever waits, was sent, or gave way at the first of them."""
    one, other = (Asked(ruled_by("a", a), ruled_by("b", b)) for _ in range(2))
    for number, some in enumerate((before, after)):
        shuffled = [*some, *some[:3]]
        chance.shuffle(shuffled)
        one.at(100 + number, *some)
        for event in shuffled:
            other.at(100 + number, event)
        assert one.at(140 + number, tick=True) == other.at(140 + number, tick=True)
        assert one.state == other.state


@given(rules_of, rules_of, policies, st.sampled_from(ZONES), steps)
def test_simulate_decides_as_the_functions_do(
    a: Rules, b: Rules, policy: Policy, zone: str, walk: list[tuple[int, str, str]]
) -> None:
    """As the functions do whose ticks come when they are due, and whose state is saved in between."""
    user = Asked(ruled_by("a", a), ruled_by("b", b), profile={"timezone": zone}, policy=policy)
    simulation = Simulation(user.plans, Decided, lambda _: user.known)
    decisions: list[Decision] = []
    at = 0
    for gap, value, what in walk:
        at += gap
        if what in {"add", "buy"}:
            event = (added if what == "add" else charged)(value, minute(at))
            decisions += _ticked(user, minute(at))
            decisions += user.at(at, event)
            simulation.event(event)
    decisions += _ticked(user, minute(at) + 30 * DAY)
    assert [each.decision for each in simulation.until()] == decisions
    assert user.state.due() is None


def _ticked(user: Asked, until: int) -> list[Decision]:
    """A nomination for each due time, as join writes them."""
    decisions: list[Decision] = []
    for _ in range(1000):
        due = user.state.due()
        if due is None or due > until:
            return decisions
        decisions += user.at((due - NOON) / MINUTE, tick=True)
    raise AssertionError("it waits without end")
