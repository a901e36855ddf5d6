"""The effect of a campaign's messages: in numbers, and in a sentence that is valid on any day.

Only users whose time to convert is over are compared: those of days that ended long enough ago. The two groups are
those who got a message (of one variant, or of any), and the campaign's control group; else that of the stack; else, of
several variants, the users of the first one.

With several variants, each comparison gets its share of the 5 %, so that all statements together are wrong with a
probability of at most 5 %.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil, erfc, sqrt
from typing import Literal, NamedTuple, TypeAlias

from holdfast.core.events import Json
from holdfast.core.measure.uplift import (
    ALPHA,
    Amounts,
    Group,
    Interval,
    difference,
    difference_of_means,
    users_until_clear,
)
from holdfast.core.messages.scores import NOTHING, Arm, Score, total
from holdfast.core.plans.plan import Plan

Verdict: TypeAlias = Literal["works", "harms", "not yet", "nothing to compare"]

FEWEST = 50
"""Users of each group from which on an interval of amounts is given: it needs some dozens to be right."""
FAR_DAYS = 365
"""Beyond that, no number of days is named."""
HOUR_MS = 60 * 60_000
DAY_MS = 24 * HOUR_MS


class Comparison(NamedTuple):
    """A comparison of one variant (empty: of all messages) with the control group, or with another variant."""

    variant: str
    against: str
    treated: Group
    control: Group
    points: Interval
    """The interval of the difference, a share from 0 to 1."""
    currency: str
    amounts: tuple[Amounts, Amounts]
    amount: Interval | None
    """The interval of the difference in the amount per user."""
    verdict: Verdict
    sentence: str
    plain: str
    """The claim of a dashboard that computes as if one looked only once."""

    def to_json(self) -> dict[str, Json]:
        treated, control = self.amounts
        return {
            "variant": self.variant or None,
            "against": self.against or None,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "plain_dashboard": self.plain,
            "treated": {**self.treated._asdict(), "amount": treated.total},
            "control": {**self.control._asdict(), "amount": control.total},
            "points": [round(each, 6) for each in self.points],
            "currency": self.currency or None,
            "amount_per_user": [round(each, 4) for each in self.amount] if self.amount else None,
        }


def over(day_end: int, within: int, max_age: int, now: int) -> bool:
    """Whether everything that may follow the messages of a day with this end is known by now."""
    return day_end + within + max_age + HOUR_MS <= now


def counted(plan: Plan) -> bool:
    """Whether the messages of a campaign are counted by variant and group."""
    return plan.convert is not None or bool(plan.variants)


def comparable(live: Plan, revisions: Iterable[Plan]) -> frozenset[int]:
    """The revisions whose users may be compared together with those of the live one: up to it without a gap, all that
    hold back the same share, and count the same as a conversion.
    """
    found = {live.revision}
    for plan in sorted(revisions, key=lambda plan: -plan.revision):
        if (plan.convert, plan.rules.control, plan.rules.variants) != (
            live.convert,
            live.rules.control,
            live.rules.variants,
        ):
            break
        found.add(plan.revision)
    return frozenset(found)


class Reported(NamedTuple):
    """The report on one campaign: conversions after its messages, by day, and comparisons."""

    by_day: Mapping[str, Mapping[Arm, Score]]
    comparisons: Sequence[Comparison]

    def rows(self) -> Iterator[dict[str, Json]]:
        """By day, revision, variant and group, with one row for each currency."""
        for day, of in sorted(self.by_day.items()):
            for arm, score in sorted(of.items()):
                for currency in sorted({*score.amounts, *score.users_amounts}) or [""]:
                    yield {
                        "day": day,
                        "revision": arm.revision,
                        "variant": arm.variant,
                        "group": arm.group,
                        "messages": score.messages,
                        "converted": score.converted,
                        "amount": score.amounts.get(currency, 0.0),
                        "currency": currency,
                        "users": score.users,
                        "users_converted": score.users_converted,
                        "users_amount": score.users_amounts.get(currency, 0.0),
                    }


def reported(live: Plan, by_day: Mapping[str, Mapping[Arm, Score]], revisions: Collection[int], now: int) -> Reported:
    goal = live.convert
    if goal is None:
        return Reported(by_day, [])
    done = {
        day: {arm: score for arm, score in of.items() if arm.revision in revisions}
        for day, of in by_day.items()
        if over(end_of(day), goal.within, live.max_age, now)
    }
    return Reported(by_day, compare(done, live.rules.variants, control=live.rules.control > 0))


def end_of(day: str) -> int:
    """The end of a day (UTC) in epoch milliseconds."""
    return round(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000) + DAY_MS


def compare(
    by_day: Mapping[str, Mapping[Arm, Score]], variants: Collection[str] = (), *, control: bool = False
) -> list[Comparison]:
    """`by_day` are the days that are over, of the revisions that may be compared. `control`: there is a control group,
    though it may have no user yet.
    """
    sums: dict[tuple[str, str], Score] = {}
    for of in by_day.values():
        for arm, score in of.items():
            key = (arm.variant, arm.group)
            sums[key] = total([sums.get(key, NOTHING), score])
    treated = {variant: score for (variant, group), score in sums.items() if not group}
    score, against = _base(sums, treated, control=control)
    named = sorted({*variants, *(variant for variant in treated if variant)})
    together = total(treated.values())
    days = sum(any(score.users for score in of.values()) for of in by_day.values())
    base = _Base(against, score, _currency(sums.values()), days)
    whole = [_compared("", together, base, ALPHA)] if against in {"control", "stack", ""} else []
    others = [each for each in named if each != against] if against and len(named) > 1 else []
    return whole + [_compared(each, treated.get(each, NOTHING), base, ALPHA / len(others)) for each in others]


def _base(sums: Mapping[tuple[str, str], Score], treated: Mapping[str, Score], *, control: bool) -> tuple[Score, str]:
    for group in ("control", "stack"):
        held = [score for (_, its), score in sums.items() if its == group]
        if held:
            return total(held), group
    if control:
        return NOTHING, "control"
    named = sorted(variant for variant in treated if variant)
    return (treated[named[0]], named[0]) if len(named) > 1 else (NOTHING, "")


def _currency(scores: Collection[Score]) -> str:
    """The one in which most was paid."""
    paid: dict[str, float] = {}
    for score in scores:
        for currency, amount in score.users_amounts.items():
            paid[currency] = paid.get(currency, 0.0) + amount
    return max(sorted(paid), key=lambda each: paid[each], default="")


class _Base(NamedTuple):
    """The base of a comparison: its score, the currency, and the number of days."""

    against: str
    score: Score
    currency: str
    days: int


def _compared(variant: str, treated: Score, base: _Base, alpha: float) -> Comparison:
    against, control, currency, days = base
    groups = _group(treated), _group(control)
    amounts = _amounts(treated, currency), _amounts(control, currency)
    points = difference(*groups, alpha)
    amount = difference_of_means(*amounts, alpha) if min(groups[0].users, groups[1].users) >= FEWEST else None
    verdict, sentence = _said(groups, points, days, alpha, against=against)
    plain = plain_dashboard(groups, amounts)
    return Comparison(variant, against, *groups, points, currency, amounts, amount, verdict, sentence, plain)


def _group(score: Score) -> Group:
    """Counted twice or not at all, a batch may leave numbers that cannot be."""
    users = max(score.users, 0)
    return Group(users, min(max(score.users_converted, 0), users))


def _amounts(score: Score, currency: str) -> Amounts:
    return Amounts(
        max(score.users, 0), score.users_amounts.get(currency, 0.0), max(score.users_squares.get(currency, 0.0), 0.0)
    )


def _said(
    groups: tuple[Group, Group], points: Interval, days: int, alpha: float, *, against: str
) -> tuple[Verdict, str]:
    treated, control = groups
    if not against:
        return "nothing to compare", "There is no control group: send.control says how many users to hold back."
    if not (treated.users and control.users):
        return "not yet", "Not yet: no user of each group whose time to convert is over."
    interval = f"{_points(points.low)} to {_points(points.high)} points"
    if points.low > 0:
        return "works", f"Works: {interval} more users convert."
    if points.high < 0:
        return "harms", f"Harms: {_points(-points.high)} to {_points(-points.low)} points fewer users convert."
    times = users_until_clear(treated, control, alpha)
    more = ceil((times - 1) * days) if times and days else 0
    if not more or more > FAR_DAYS:
        return "not yet", f"Not yet: {interval}. At this traffic and with this difference it takes more than a year."
    return "not yet", f"Not yet: about {more} more {'day' if more == 1 else 'days'} at this traffic ({interval})."


def _points(share: float) -> str:
    return f"{share * 100:+.1f}".replace("+0.0", "0.0").replace("-0.0", "0.0")


def plain_dashboard(groups: tuple[Group, Group], amounts: tuple[Amounts, Amounts] | None = None) -> str:
    """The relative uplift of conversions and of amounts, with two-sided z-tests at 95 %, as most tools compute it."""
    treated, control = groups
    if not (treated.users and control.users and control.converted):
        return "A plain dashboard would say: nothing yet."
    mine, theirs = treated.converted / treated.users, control.converted / control.users
    pooled = (treated.converted + control.converted) / (treated.users + control.users)
    error = sqrt(pooled * (1 - pooled) * (1 / treated.users + 1 / control.users))
    claims = [_claim(mine, theirs, error)]
    if amounts and amounts[1].total > 0:
        mine, theirs = (each.total / each.users for each in amounts)
        error = sqrt(sum(_variance(each) / each.users for each in amounts))
        claims.append(f"amount per user {_claim(mine, theirs, error)}")
    return f"A plain dashboard would say: {'; '.join(claims)}."


def _claim(mine: float, theirs: float, error: float) -> str:
    sure = error > 0 and erfc(abs(mine - theirs) / error / sqrt(2)) < ALPHA
    return f"{mine / theirs - 1:+.0%}, {'significant' if sure else 'not significant'}"


def _variance(amounts: Amounts) -> float:
    """The sample variance; 0 for a single user."""
    spread = amounts.squares - amounts.total**2 / amounts.users
    return max(spread, 0.0) / max(amounts.users - 1, 1)
