"""Numbers: waiting watches, outcomes, and the users behind a number."""

from __future__ import annotations

from typing import Literal

from holdfast.console.models.basics import Told


class Count(Told):
    value: str
    count: int


class Followed(Told):
    """Conversions after messages of one day: of a revision, a variant (empty: there is none) and a group (empty: they
    were sent; else the control group of the campaign, or of the whole stack). A user counts once, with the first one.
    """

    day: str
    revision: int
    variant: str
    group: Literal["", "control", "stack"]
    messages: int
    converted: int
    amount: float
    currency: str
    users: int
    users_converted: int
    users_amount: float


class ComparedGroup(Told):
    users: int
    converted: int
    amount: float


class Comparison(Told):
    """One variant, or all messages, compared with users who got none. `points` is the interval of the difference, a
    share from 0 to 1, and is valid on any day. `plain_dashboard` is what a test for one day would claim.
    """

    variant: str | None
    against: str | None
    verdict: Literal["works", "harms", "not yet", "nothing to compare"]
    sentence: str
    plain_dashboard: str
    treated: ComparedGroup
    control: ComparedGroup
    points: tuple[float, float]
    currency: str | None
    amount_per_user: tuple[float, float] | None


class Numbers(Told):
    """A campaign's days. `waiting` is null where the users table is too large to be counted while somebody waits, and
    `waiting_at_least` is what was found then. `top`'s counts are too low by `top_error` at most.
    """

    waiting: int | None
    waiting_at_least: int
    sent: list[int]
    withheld: dict[str, list[int]]
    retracted: list[int]
    failed: list[int]
    top: list[Count]
    top_error: int
    outcomes: list[Followed] = []
    comparisons: list[Comparison] = []


class Statistics(Told):
    """`days` are UTC, the last one still under way; `waiting_at` is when `waiting` was counted."""

    days: list[str]
    campaigns: dict[str, Numbers]
    waiting_at: int


class Behind(Told):
    """Users, in order. `complete` is whether these are all: the users table is read for a few seconds."""

    users: list[str]
    complete: bool
