"""Conversions after messages, counted by the day of the message: for each revision, variant and control group.

A user counts once for a campaign (`Decision.first`), with the first message and what follows that one: so users follow
each other independently, as `measure.uplift` needs it. What is decided later about a message (`convert`, `unconvert`)
is added to the day of the message, with its sign, so the sums come to the same whatever the order.

Like all statistics, these are counted after delivery, at least once: a batch that the stream delivers twice is counted
twice, and a failed update is not repeated. Both affect messages and control groups alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from holdfast.core.fold.conversions import GROUPS
from holdfast.core.fold.watches import Bought, Decision
from holdfast.core.messages.statistics import Became, day


class Arm(NamedTuple):
    """Users with the same treatment: a variant, or a control group ("control" or "stack") without a message."""

    revision: int
    variant: str = ""
    group: str = ""


class Score(NamedTuple):
    """The counts of one campaign, day and arm, or of a batch's share of it.

    Amounts are by currency. `squares` are the sums of the users' squared amounts.
    """

    messages: int = 0
    converted: int = 0
    amounts: Mapping[str, float] = {}
    users: int = 0
    users_converted: int = 0
    users_amounts: Mapping[str, float] = {}
    users_squares: Mapping[str, float] = {}


NOTHING = Score()


def total(scores_: Iterable[Score]) -> Score:
    sums = NOTHING
    for each in scores_:
        sums = Score(
            sums.messages + each.messages,
            sums.converted + each.converted,
            _both(sums.amounts, each.amounts),
            sums.users + each.users,
            sums.users_converted + each.users_converted,
            _both(sums.users_amounts, each.users_amounts),
            _both(sums.users_squares, each.users_squares),
        )
    return sums


def _both(mine: Mapping[str, float], theirs: Mapping[str, float]) -> Mapping[str, float]:
    return {each: round(mine.get(each, 0.0) + theirs.get(each, 0.0), 4) for each in {**mine, **theirs}}


def scores(outcomes: Iterable[Became]) -> dict[tuple[str, str], dict[Arm, Score]]:
    """By campaign and day. What could not be delivered counts when it is delivered after all."""
    found: dict[tuple[str, str], dict[Arm, Score]] = {}
    for each in outcomes:
        decision = each.decision
        if each.kind is None or not (decision.followed or decision.variant or decision.conversion):
            continue
        when = decision.conversion.sent if decision.conversion else decision.when
        of = found.setdefault((decision.campaign, day(when)), {})
        arm, score = _arm(decision), _score(each)
        of[arm] = total([of.get(arm, NOTHING), score])
    return found


def _arm(decision: Decision) -> Arm:
    group = decision.conversion.control if decision.conversion else GROUPS.get(decision.reason, "")
    return Arm(decision.revision, decision.variant, group)


def _score(each: Became) -> Score:
    decision = each.decision
    if decision.conversion is None:
        held = decision.reason in GROUPS
        return Score(messages=int(each.kind == "send" or held), users=int(decision.first))
    now, before = decision.conversion.bought, decision.conversion.before
    number = (now is not None) - (before is not None)
    amounts = _difference(now, before, 1)
    if not decision.first:
        return Score(converted=number, amounts=amounts)
    return Score(0, number, amounts, 0, number, amounts, _difference(now, before, 2))


def _difference(now: Bought | None, before: Bought | None, power: int) -> dict[str, float]:
    sums: dict[str, float] = {}
    for bought, sign in ((now, 1), (before, -1)):
        if bought and bought.amount is not None:
            sums[bought.currency] = sums.get(bought.currency, 0.0) + sign * round(bought.amount**power, 4)
    return {currency: amount for currency, amount in sums.items() if amount}
