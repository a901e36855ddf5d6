"""Between due and sent: the order of the questions, hours by the clock on the wall, caps, and chance."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from holdfast.core.gate import chance
from holdfast.core.gate.gate import Case, Send, Sent, Wait, Withhold, decide, horizon, zone_of
from holdfast.core.gate.hours import ALL_DAY, Hours, opens, zone
from holdfast.core.gate.policy import Cap, Policy
from holdfast.core.gate.rules import Rules

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


NOON = ms("2026-11-25T12:00+00:00")
CLOSED = Hours(begin=8 * 60, end=9 * 60)


def case(rules: Rules | None = None, policy: Policy | None = None, **more: Any) -> Case:
    given_: dict[str, Any] = {"user": "u-1", "key": "coat", "event": {}, "profile": {}, "sent": (), "now": NOON} | more
    return Case(campaign="cart", rules=rules or Rules(), policy=policy or Policy(), **given_)


def test_without_rules_everything_goes() -> None:
    assert decide(case()) == Send()


IN_ORDER: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("audience", {"audience": "Profile.country == 'DE'"}, {}, "audience"),
    ("start", {"start": NOON + 1}, {}, "before its start"),
    ("end", {"end": NOON}, {}, "after its end"),
    ("again", {"again_after": HOUR}, {}, "again too soon"),
    ("cap", {"per_user": (Cap(1, DAY),)}, {}, "capped: 1 in 1 day, the last was cart at 2026-11-25T11:40Z"),
    ("caps of all", {}, {"per_user": (Cap(2, DAY),)}, "capped: 2 in 1 day, the last was cart at 2026-11-25T11:40Z"),
    ("hours", {}, {"hours": CLOSED}, "outside hours"),
    ("control of all", {}, {"control": 1.0}, "control group of the stack"),
    ("control", {"control": 1.0}, {}, "control group"),
]


@pytest.mark.parametrize("first", range(len(IN_ORDER)), ids=[name for name, *_ in IN_ORDER])
def test_the_first_no_counts(first: int) -> None:
    """All the noes from this one on hold at once."""
    rules: dict[str, Any] = {}
    policy: dict[str, Any] = {}
    for _, of_rules, of_policy, _ in reversed(IN_ORDER[first:]):
        rules |= of_rules
        policy |= of_policy
    sent = (Sent(NOON - 30 * MINUTE, "other", "coat"), Sent(NOON - 20 * MINUTE, "cart", "coat"))
    answer = decide(case(Rules(**rules), Policy(**policy), sent=sent))
    assert isinstance(answer, Withhold | Wait)
    assert answer.reason == IN_ORDER[first][3]


@pytest.mark.parametrize(
    ("audience", "profile", "event", "inside"),
    [
        ("Profile.country == 'DE' && !Profile.unsubscribed", {"country": "DE"}, {}, True),
        ("Profile.country == 'DE' && !Profile.unsubscribed", {"country": "DE", "unsubscribed": True}, {}, False),
        ("Event.price > `20`", {}, {"price": 21}, True),
        ("Event.price > `20`", {}, {"price": "21"}, False),
        ("Profile.tags[?@ == 'vip']", {"tags": ["vip"]}, {}, True),
        ("length(Profile.name) > `3`", {}, {}, False),
    ],
)
def test_an_audience(audience: str, profile: dict[str, Any], event: dict[str, Any], *, inside: bool) -> None:
    answer = decide(case(Rules(audience=audience), profile=profile, event=event))
    assert answer == (Send() if inside else Withhold("audience"))


def test_again_is_about_the_same_value_of_the_same_campaign() -> None:
    rules = Rules(again_after=HOUR)
    assert decide(case(rules, sent=(Sent(NOON - MINUTE, "cart", "hat"), Sent(NOON, "other", "coat")))) == Send()
    assert decide(case(rules, sent=(Sent(NOON - HOUR, "cart", "coat"),))) == Send()
    assert decide(case(rules, sent=(Sent(NOON - HOUR + 1, "cart", "coat"),))) == Withhold("again too soon")


def test_an_exempt_campaign_knows_nothing_of_the_policy_and_counts_for_no_cap() -> None:
    policy = Policy(hours=CLOSED, per_user=(Cap(1, DAY),), control=1.0, exempt=("cart",))
    assert decide(case(policy=policy, sent=(Sent(NOON, "other", "x"),))) == Send()
    other = policy._replace(hours=None, control=0.0, exempt=("confirmation",))
    assert decide(case(policy=other, sent=(Sent(NOON, "confirmation", "x"),))) == Send()


caps = st.lists(st.builds(Cap, st.integers(1, 4), st.integers(1, 3 * DAY)), min_size=1, max_size=3)


@given(caps, st.lists(st.integers(0, 10 * HOUR), min_size=1, max_size=60))
def test_a_cap_is_never_exceeded_in_any_stretch_of_time(per_user: list[Cap], gaps: list[int]) -> None:
    policy = Policy(per_user=tuple(per_user))
    sent: list[Sent] = []
    now = NOON
    for gap in gaps:
        now += gap
        known = [each for each in sent if now - each.at < horizon(Rules(), policy)]
        if decide(case(policy=policy, sent=known, now=now)) == Send():
            sent.append(Sent(now, "cart", "coat"))
    for cap in per_user:
        for each in sent:
            assert sum(each.at <= other.at < each.at + cap.within for other in sent) <= cap.at_most


def test_the_user_s_zone_then_the_policy_s_then_utc() -> None:
    hours = Hours(begin=8 * 60, end=21 * 60)
    policy = Policy(zone="Europe/Berlin")
    assert zone_of(hours, policy, {"timezone": "Asia/Tokyo"}) == zone("Asia/Tokyo")
    assert zone_of(hours, policy, {"timezone": "Middle/Earth"}) == zone("Europe/Berlin")
    assert zone_of(hours, policy, {"timezone": 7}) == zone("Europe/Berlin")
    assert zone_of(hours, Policy(zone="nowhere"), {}) == UTC
    assert zone_of(hours._replace(zone="America/Lima"), policy, {"timezone": "Asia/Tokyo"}) == zone("America/Lima")


@pytest.mark.parametrize(
    ("hours", "now", "at", "until"),
    [
        (Hours(480, 1260), "2026-11-25T06:30+00:00", "Europe/Berlin", "2026-11-25T08:00+01:00"),
        (Hours(480, 1260), "2026-11-25T07:00+00:00", "Europe/Berlin", "2026-11-25T08:00+01:00"),
        (Hours(480, 1260), "2026-11-25T20:00+00:00", "Europe/Berlin", "2026-11-26T08:00+01:00"),
        (Hours(480, 1260, days=(0,)), "2026-11-25T12:00+00:00", "UTC", "2026-11-30T08:00+00:00"),
        (Hours(1320, 120), "2026-11-25T01:00+00:00", "UTC", "2026-11-25T01:00+00:00"),  # over midnight: inside
        (Hours(1320, 120), "2026-11-25T02:00+00:00", "UTC", "2026-11-25T22:00+00:00"),
        (Hours(1320, 120, days=(2,)), "2026-11-26T01:00+00:00", "UTC", "2026-11-26T01:00+00:00"),  # Wednesday's night
        (Hours(0, ALL_DAY, days=(5, 6)), "2026-11-27T23:59+00:00", "UTC", "2026-11-28T00:00+00:00"),
        # 29 March 2026, Berlin: 02:00 is followed by 03:00. 02:30 does not come; the later of its readings is 03:30.
        (Hours(150, 600), "2026-03-29T00:30+00:00", "Europe/Berlin", "2026-03-29T03:30+02:00"),
        # 25 October 2026, Berlin: 03:00 is followed by 02:00. 02:30 comes twice; hours begin with the second one.
        (Hours(150, 600), "2026-10-25T00:00+00:00", "Europe/Berlin", "2026-10-25T02:30+01:00"),
        (
            Hours(0, 150),
            "2026-10-25T00:45+00:00",
            "Europe/Berlin",
            "2026-10-26T00:00+01:00",
        ),  # … and end with the first
    ],
)
def test_when_hours_open(hours: Hours, now: str, at: str, until: str) -> None:
    found = zone(at)
    assert found
    assert opens(hours, ms(now), found) == ms(until)


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe")
some_hours = st.builds(
    Hours,
    begin=st.integers(0, ALL_DAY - 1),
    end=st.integers(1, ALL_DAY),
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
)


def inside(hours: Hours, now: int, name: str) -> bool:
    """By the wall clock alone, minute by minute."""
    at = zone(name)
    assert at
    wall = datetime.fromtimestamp(now / 1000, UTC).astimezone(at)
    minutes = wall.hour * 60 + wall.minute
    if hours.begin < hours.end:
        return hours.begin <= minutes < hours.end and wall.weekday() in hours.days
    yesterday = (wall - timedelta(days=1)).weekday()
    return (minutes >= hours.begin and wall.weekday() in hours.days) or (
        minutes < hours.end and yesterday in hours.days
    )


@given(
    some_hours,
    st.sampled_from(ZONES),
    st.integers(ms("2026-01-01T00:00Z") // MINUTE, ms("2028-01-01T00:00Z") // MINUTE),
)
def test_a_message_that_waited_goes_at_the_first_moment_inside_by_the_clock_on_the_wall(
    hours: Hours, name: str, minute: int
) -> None:
    at = zone(name)
    assert at
    now = minute * MINUTE
    until = opens(hours, now, at)
    assert until >= now
    assert inside(hours, until, name)
    if until > now and not _change_near(now, until, name):
        assert not inside(hours, until - MINUTE, name) or not inside(hours, now, name)
        assert not any(inside(hours, now + step * (until - now) // 50, name) for step in range(50))


def _change_near(begin: int, end: int, name: str) -> bool:
    at = zone(name)
    steps = [
        datetime.fromtimestamp(each / 1000, UTC).astimezone(at).utcoffset()
        for each in range(begin - DAY, end + DAY, 6 * HOUR)
    ]
    return any(one != other for one, other in pairwise(steps))


def test_opens_without_a_day_says_so() -> None:
    with pytest.raises(ValueError, match="without a day"):
        opens(Hours(days=()), NOON, zone("UTC"))  # type: ignore[arg-type]


# --- Chance. ---

USERS = [f"user-{number}" for number in range(20_000)]


def test_shares_are_uniform_and_of_different_salts_independent() -> None:
    tens = Counter(int(chance.share("control/", user) * 10) for user in USERS)
    expected = len(USERS) / 10
    assert sum((tens[ten] - expected) ** 2 / expected for ten in range(10)) < 27.9  # chi-squared, 9 degrees, 0.1 %
    both = sum(chance.in_control(0.5, user) and chance.in_control(0.5, user, "cart") for user in USERS)
    assert abs(both / len(USERS) - 0.25) < 0.0125


def test_the_hash_is_the_documented_one() -> None:
    """SHA-256 over the JSON ["control/cart","u-1"], its first 8 bytes, of which 53 bits count."""
    digest = hashlib.sha256(b'["control/cart","u-1"]').digest()
    assert chance.share("control/cart", "u-1") == (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def test_a_growing_group_keeps_whom_it_has() -> None:
    small = {user for user in USERS if chance.in_control(0.05, user, "cart")}
    large = {user for user in USERS if chance.in_control(0.10, user, "cart")}
    assert small < large
    assert abs(len(small) / len(USERS) - 0.05) < 0.006


def test_variants_are_by_weight_and_new_weights_move_as_few_as_possible() -> None:
    before = {user: chance.variant({"short": 50, "long": 50}, user, "cart") for user in USERS}
    after = {user: chance.variant({"short": 50, "long": 50, "new": 25}, user, "cart") for user in USERS}
    assert abs(Counter(before.values())["short"] / len(USERS) - 0.5) < 0.0125
    moved = {user for user in USERS if before[user] != after[user]}
    assert {after[user] for user in moved} == {"new"}
    assert abs(len(moved) / len(USERS) - 0.2) < 0.0125
    heavier = {user: chance.variant({"short": 75, "long": 50}, user, "cart") for user in USERS}
    moved = {user for user in USERS if before[user] != heavier[user]}
    assert {heavier[user] for user in moved} == {"short"}
    assert abs(len(moved) / len(USERS) - 0.1) < 0.0125


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.floats(0.1, 100), min_size=1, max_size=5), st.text())
def test_a_variant_is_the_same_every_time_whatever_the_order_of_the_weights(
    weights: dict[str, float], user: str
) -> None:
    assume(user)
    turned = dict(reversed(list(weights.items())))
    assert chance.variant(weights, user, "cart") == chance.variant(turned, user, "cart")


def test_rules_and_policy_are_plain_json_and_leave_out_what_is_default() -> None:
    assert Rules().to_json() == {}
    assert Policy().to_json() == {}
    rules = Rules(audience="Profile.x", hours=CLOSED, per_user=(Cap(1, DAY),), variants={"a": 1.0})
    assert Rules.from_json(rules.to_json()) == rules
    policy = Policy(revision=3, hours=CLOSED, per_user=(Cap(1, DAY),), exempt=("x",))
    assert Policy.from_json(policy.to_json()) == policy
    assert Policy.from_json({**policy.to_json(), "later": 1}) == policy
