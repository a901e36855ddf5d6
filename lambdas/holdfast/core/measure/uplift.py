"""The difference in conversions between users with a message and users held back, with intervals that are valid at any
time.

A test for a fixed day is wrong if one looks daily and stops when it looks good. A *confidence sequence* is an interval
for each moment such that, with 95 %, all of them contain the truth. So one may look as often as one likes.

Shares (`difference`). Each user converts or not. For a supposed share p of one group, the ratio of the Beta mixture's
likelihood to p's own is a nonnegative martingale with mean 1 if p is the truth (Robbins, "Statistical methods related
to the law of the iterated logarithm", 1970; Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric,
nonasymptotic confidence sequences", Annals of Statistics 2021). The product of both groups' ratios is one, too, however
the users of the groups follow each other. By Ville's inequality it exceeds 1/0.05 with 5 % at most, ever. The interval
holds each difference for which some pair of shares has a product below that.

Amounts (`difference_of_means`). The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
("Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 2024), for each group
with half of the 5 %, as amounts have no known bound. It needs some dozens of users in each group to be right.

Only users count whose time to convert is over (see `tally`): else late purchases would look like none.
"""

from __future__ import annotations

from math import exp, inf, lgamma, log, sqrt
from typing import NamedTuple

ALPHA = 0.05
RHO = 0.1
"""At which sample size the interval of means is tightest: about 700 users of a group."""


class Group(NamedTuple):
    """Users of one group whose time to convert is over, and how many of them did."""

    users: int
    converted: int


class Amounts(NamedTuple):
    """The sum over users of what each spent, and the sum of its squares."""

    users: int
    total: float
    squares: float


class Interval(NamedTuple):
    low: float
    high: float


def difference(treated: Group, control: Group, alpha: float = ALPHA) -> Interval:
    """The 95 % interval of (share of treated that converts) - (share of control that converts), each from 0 to 1."""
    bound = -log(alpha)
    point = _share(treated) - _share(control)
    return Interval(
        _edge(treated, control, point, -1.0, bound),
        _edge(treated, control, point, 1.0, bound),
    )


def is_clear(treated: Group, control: Group, alpha: float = ALPHA) -> bool:
    """Whether the interval leaves 0 out: something happens, for better or worse."""
    users = treated.users + control.users
    pooled = (treated.converted + control.converted) / users if users else 0.5  # the pair of least evidence
    return _ratio(treated, pooled) + _ratio(control, pooled) >= -log(alpha)


def covers(treated: Group, control: Group, supposed: float, alpha: float = ALPHA) -> bool:
    """Whether the interval holds this difference: cheaper than the interval."""
    return _evidence(treated, control, supposed) < -log(alpha)


def _share(group: Group) -> float:
    return group.converted / group.users if group.users else 0.5


def _edge(treated: Group, control: Group, inside: float, outside: float, bound: float) -> float:
    """The difference at which the evidence against it reaches the bound, between one inside the interval and an end."""
    if _evidence(treated, control, outside) < bound:
        return outside
    for _ in range(40):
        middle = (inside + outside) / 2
        if _evidence(treated, control, middle) < bound:
            inside = middle
        else:
            outside = middle
    return outside


def _evidence(treated: Group, control: Group, difference_: float) -> float:
    """The least logarithm of the product over all pairs of shares of this difference.

    It is convex in the share of control; so its slope changes sign once, where it is least.
    """
    low, high = max(0.0, -difference_), min(1.0, 1.0 - difference_)
    for _ in range(40):
        middle = (low + high) / 2
        if _slope(control, middle) + _slope(treated, middle + difference_) > 0:
            high = middle
        else:
            low = middle
    share = (low + high) / 2
    return _ratio(control, share) + _ratio(treated, share + difference_)


def _slope(group: Group, share: float) -> float:
    """The derivative of `_ratio` by the share, for a share between 0 and 1."""
    return (group.users - group.converted) / max(1.0 - share, 1e-15) - group.converted / max(share, 1e-15)


def _ratio(group: Group, share: float) -> float:
    """The logarithm of the uniform mixture's likelihood over that of `share`."""
    n, k = group
    mixture = lgamma(k + 1) + lgamma(n - k + 1) - lgamma(n + 2)
    return mixture - _times_log(k, share) - _times_log(n - k, 1.0 - share)


def _times_log(count: int, share: float) -> float:
    if not count:
        return 0.0
    return count * log(share) if share > 0 else -inf


def difference_of_means(treated: Amounts, control: Amounts, alpha: float = ALPHA) -> Interval:
    """The 95 % interval of (amount per treated user) - (amount per control user)."""
    if not (treated.users and control.users):
        return Interval(-inf, inf)
    point = treated.total / treated.users - control.total / control.users
    width = _half(treated, alpha / 2) + _half(control, alpha / 2)
    return Interval(point - width, point + width)


def _half(group: Amounts, alpha: float) -> float:
    n, mean = group.users, group.total / group.users
    variance = max(group.squares / n - mean * mean, 0.0)
    scale = n * RHO * RHO + 1
    return sqrt(variance * 2 * scale / (n * n * RHO * RHO) * log(sqrt(scale) / alpha))


def users_until_clear(treated: Group, control: Group, alpha: float = ALPHA, most: float = 1000) -> float | None:
    """How many times as many users, at today's shares, until the interval leaves 0 out; None if more than `most`.

    1 where it leaves it out already.
    """

    def clear(times: float) -> bool:
        grown = [Group(round(g.users * times), round(g.converted * times)) for g in (treated, control)]
        return is_clear(grown[0], grown[1], alpha)

    if clear(1.0):
        return 1.0
    if not clear(most):
        return None
    low, high = 0.0, log(most)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if clear(exp(middle)) else (middle, high)
    return exp(high)
