"""Intervals that are right on whatever day one looks: never more than 5 % of them are ever wrong."""

from __future__ import annotations

import math
import random
from math import lgamma, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.measure.uplift import (
    RHO,
    Amounts,
    Group,
    covers,
    difference,
    difference_of_means,
    is_clear,
    users_until_clear,
)

LOOKS = 30 * 24
"""Every hour for thirty days."""


def looks(
    rng: random.Random, treated: float, control: float, *, users: int, held: float = 0.1
) -> list[tuple[Group, Group]]:
    """The two groups at each look: `users` more of them an hour, of whom a share is held back."""
    found = []
    n = k = held_n = held_k = 0
    for _ in range(LOOKS):
        for _ in range(users):
            if rng.random() < held:
                held_n += 1
                held_k += rng.random() < control
            else:
                n += 1
                k += rng.random() < treated
        found.append((Group(n, k), Group(held_n, held_k)))
    return found


@pytest.mark.slow
def test_of_two_thousand_campaigns_without_effect_at_most_five_percent_are_ever_declared_to_have_one() -> None:
    rng = random.Random(7)
    declared = 0
    for number in range(2_000):
        rate = (0.02, 0.1, 0.3)[number % 3]
        declared += any(is_clear(*groups) for groups in looks(rng, rate, rate, users=1, held=0.5))
    assert declared <= 100


@pytest.mark.slow
@pytest.mark.parametrize("effect", [0.01, 0.05, 0.2])
def test_with_an_effect_the_interval_covers_it_at_every_look(effect: float) -> None:
    rng = random.Random(11)
    wrong = 0
    for _ in range(100):
        often = looks(rng, 0.1 + effect, 0.1, users=2, held=0.3)[::6]
        wrong += not all(covers(*groups, effect) for groups in often)
    assert wrong <= 5


def on_a_grid(treated: Group, control: Group, steps: int = 400) -> tuple[float, float]:
    """The same interval by trying all pairs of shares on a grid: nothing is shared with the code under test."""

    def surprise(group: Group, share: float) -> float:
        mixture = lgamma(group.converted + 1) + lgamma(group.users - group.converted + 1) - lgamma(group.users + 2)
        own = sum(
            count * log(part) if part > 0 else (0.0 if not count else -math.inf)
            for count, part in ((group.converted, share), (group.users - group.converted, 1 - share))
        )
        return mixture - own

    shares = [step / steps for step in range(steps + 1)]
    of_treated, of_control = ([surprise(group, share) for share in shares] for group in (treated, control))
    inside = [
        shares[one] - shares[other]
        for one in range(steps + 1)
        for other in range(steps + 1)
        if of_treated[one] + of_control[other] < log(20)
    ]
    return min(inside), max(inside)


groups = st.integers(0, 300).flatmap(lambda n: st.builds(Group, st.just(n), st.integers(0, n)))


@pytest.mark.parametrize(
    ("treated", "control"),
    [
        (Group(0, 0), Group(0, 0)),
        (Group(200, 20), Group(50, 2)),
        (Group(50, 0), Group(50, 50)),
        (Group(1_000, 120), Group(100, 8)),
        (Group(3, 3), Group(200, 1)),
    ],
)
def test_it_is_the_interval_that_a_grid_of_all_shares_gives(treated: Group, control: Group) -> None:
    assert difference(treated, control) == pytest.approx(on_a_grid(treated, control), abs=2 / 400)


@given(groups, groups)
def test_the_interval_holds_what_was_seen_and_turns_around_with_the_groups(treated: Group, control: Group) -> None:
    low, high = difference(treated, control)
    assert -1 <= low <= high <= 1
    if treated.users and control.users:
        assert low - 1e-9 <= treated.converted / treated.users - control.converted / control.users <= high + 1e-9
    turned = difference(control, treated)
    assert (-turned.high, -turned.low) == pytest.approx((low, high), abs=1e-6)
    middle = (low + high) / 2
    assert covers(treated, control, middle)
    assert is_clear(treated, control) == (low > 1e-9 or high < -1e-9) or min(abs(low), abs(high)) < 1e-6


@pytest.mark.slow
def test_of_amounts_the_interval_covers_the_truth_at_every_look() -> None:
    rng = random.Random(3)
    wrong = 0
    for _ in range(200):
        sums = [[0, 0.0, 0.0], [0, 0.0, 0.0]]
        missed = False
        for look in range(1, 201):
            for arm, rate in ((0, 0.2), (1, 0.15)):
                for _ in range(10):
                    spent = rng.expovariate(1 / 40) if rng.random() < rate else 0.0
                    sums[arm][0] += 1
                    sums[arm][1] += spent
                    sums[arm][2] += spent * spent
            if look >= 10:
                one, other = (Amounts(int(n), total, squares) for n, total, squares in sums)
                low, high = difference_of_means(one, other)
                missed = missed or not low <= 0.05 * 40 <= high
        wrong += missed
    assert wrong <= 10


def mixed(deviation: float, users: int, rho: float) -> float:
    """The evidence that a sum of standardised amounts deviates so far: the martingale of each slope, mixed by a normal
    distribution of slopes. By numerical integration: nothing is shared with the code under test.
    """
    steps = 20_000
    slopes = (20 * rho * (step / steps - 0.5) for step in range(steps + 1))
    weighed = (
        math.exp(slope * deviation - users * slope * slope / 2 - slope * slope / (2 * rho * rho)) for slope in slopes
    )
    return sum(weighed) * 20 / steps / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("users", [50, 700, 3_000])
def test_an_interval_of_amounts_ends_where_the_evidence_is_one_in_forty(users: int) -> None:
    """Two groups share the 5 %. In one of them nobody pays, so the interval's width is the other one's."""
    rng = random.Random(users)
    paid = [rng.expovariate(1 / 40) * (rng.random() < 0.3) for _ in range(users)]
    mean = sum(paid) / users
    deviates = (sum((each - mean) ** 2 for each in paid) / users) ** 0.5
    low, high = difference_of_means(
        Amounts(users, sum(paid), sum(each * each for each in paid)), Amounts(users, 0.0, 0.0)
    )
    assert (low + high) / 2 == pytest.approx(mean)
    assert mixed(users * (high - mean) / deviates, users, RHO) == pytest.approx(40, rel=1e-6)


def test_without_users_nothing_is_known_of_amounts() -> None:
    assert difference_of_means(Amounts(0, 0, 0), Amounts(5, 1, 1)) == (-math.inf, math.inf)


def test_how_many_more_users_until_it_is_clear() -> None:
    assert users_until_clear(Group(100_000, 12_000), Group(10_000, 800)) == 1.0
    times = users_until_clear(Group(1_000, 120), Group(100, 8))
    assert times is not None
    grown = (Group(round(1_000 * times), round(120 * times)), Group(round(100 * times), round(8 * times)))
    assert is_clear(*grown)
    assert not is_clear(Group(round(900 * times), round(108 * times)), Group(round(90 * times), round(7.2 * times)))
    assert users_until_clear(Group(100, 10), Group(100, 10)) is None
