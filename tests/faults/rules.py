"""Histories with rules between due and sent, and what has to have come of them: said without any code of the gate.

Hours are shut for one hour a day by the clock on the wall. With these zones that hour lies within each history, and
ends before the history does.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from holdfast.core.events import ProfileChange
from holdfast.core.fold import profiles
from holdfast.core.gate.hours import Hours
from holdfast.core.gate.policy import Cap, Policy
from holdfast.core.gate.rules import Rules
from holdfast.core.intake.timeline import POLICY, Entry, Timeline
from holdfast.core.plans.plan import Plan
from tests.faults.history import MAX_AGE, PLANS, USERS, VALUES, Containers, Copy, Decided, History, Live, Published
from tests.faults.world import MINUTE, START, Faults

SHUT = 15
"""The hour of the day in which nothing may go. The histories begin at 14:13 UTC."""
SHUT_HOURS = Hours((SHUT + 1) * 60, SHUT * 60)
ZONES = {USERS[0]: "Europe/London", USERS[1]: "Atlantic/Cape_Verde", USERS[2]: "Nowhere/Atall"}
"""One hour before UTC, one after it, and none that there is: then the policy's zone counts. The last user has none."""
CONTROL = ("control group", "control group of the stack")


class Drawn(NamedTuple):
    policy: Policy
    plans: tuple[Plan, ...]


def drawn(seed: int) -> Drawn:
    rng = random.Random(seed)

    def caps() -> tuple[Cap, ...]:
        return tuple(
            Cap(rng.randint(1, 3), rng.choice((5, 30, 24 * 60)) * MINUTE) for _ in range(rng.choice((0, 1, 2)))
        )

    policy = Policy(
        hours=rng.choice((None, SHUT_HOURS)),
        per_user=caps(),
        control=rng.choice((0.0, 0.0, 0.4)),
        exempt=rng.choice(((), ("once",))),
    )
    rules = {
        plan.id: Rules(
            hours=rng.choice((None, None, SHUT_HOURS)),
            again_after=rng.choice((0, 0, 20 * MINUTE)),
            per_user=caps() if rng.random() < 0.3 else (),
            priority=rng.choice((0, 0, 1)),
            control=rng.choice((0.0, 0.0, 0.4)),
            instead_of=("once",) if plan.id == "short" and rng.random() < 0.3 else (),
        )
        for plan in PLANS
    }
    return Drawn(policy, tuple(dataclasses.replace(plan, rules=rules[plan.id]) for plan in PLANS))


class RuledContainers(Containers):
    def __init__(self, by: Drawn) -> None:
        plans = (dataclasses.replace(plan, max_age=MAX_AGE, values=VALUES) for plan in by.plans)
        self.timeline = Timeline([*(Entry(plan.id, 0, plan) for plan in plans), Entry(POLICY, 0, by.policy)])

    def copy(self, history: History) -> Copy:
        return Copy(self.clock(history), Live(self.timeline))


class Ruled(History):
    ruled = True

    def __init__(self, seed: int, faults: Faults | None = None, *, late: bool = True) -> None:
        self.by = drawn(seed)
        super().__init__(seed, faults, containers=RuledContainers(self.by))
        self._late = late
        for user, zone in ZONES.items():
            profile, _ = profiles.merge({}, [ProfileChange(user, START, START, {"timezone": zone})])
            item = {"user": user, "part": "profile", "state": profiles.encode(profile)}
            self.dynamo.tables["users"][user, "profile"] = {
                **{name: {"S": value} for name, value in item.items()},
                "version": {"N": "1"},
            }

    def _publish_all(self) -> None:
        self.published += [Published(plan.id, 0, 0, 1, False, plan.to_json()) for plan in PLANS]

    def _send(self, number: int, at: int) -> None:
        super()._send(number, at)
        if not self._late:
            message = self.sqs.queues["events"][-1]
            message.body = json.dumps({**json.loads(message.body), "ts": at})


def broken(history: Ruled) -> Iterator[str]:
    """Every rule that was not kept, and everything that was withheld without cause."""
    for user in USERS:
        of = sorted((d for d in history.decided if d.user == user), key=lambda d: int(d.what["when"]))
        went = [d for d in of if d.what["kind"] in {"send", "retract"} or d.what.get("reason") in CONTROL]
        went = list(
            {(d.what["campaign"], d.what["key"], d.what["at"], d.what["id"]): d for d in reversed(went)}.values()
        )
        went.sort(key=_when)
        yield from _caps(history.by, went)
        yield from _again(history.by, went)
        for each in of:
            if each.what["kind"] == "send" and (why := _shut(history.by, each)):
                yield f"at {why}: {each}"
        yield from _without_cause(history, of, went)


def _when(decided: Decided) -> int:
    return int(decided.what["when"])


def _rules(by: Drawn, campaign: str) -> Rules:
    return next(plan.rules for plan in by.plans if plan.id == campaign)


def _counted(by: Drawn, went: list[Decided], campaign: str) -> Iterator[tuple[Cap, list[Decided]]]:
    """Each cap that a message of the campaign falls under, with what counts for it."""
    for cap in _rules(by, campaign).per_user:
        yield cap, [d for d in went if d.what["campaign"] == campaign]
    if campaign not in by.policy.exempt:
        for cap in by.policy.per_user:
            yield cap, [d for d in went if d.what["campaign"] not in by.policy.exempt]


def _caps(by: Drawn, went: list[Decided]) -> Iterator[str]:
    for plan in by.plans:
        for cap, counted in _counted(by, went, plan.id):
            for first, last in zip(counted, counted[cap.at_most :], strict=False):
                if _when(last) - _when(first) < cap.within:
                    yield f"over a cap: {cap}, {first}, {last}"


def _again(by: Drawn, went: list[Decided]) -> Iterator[str]:
    for first in went:
        for later in went:
            span = _when(later) - _when(first)
            same = (first.what["campaign"], first.what["key"]) == (later.what["campaign"], later.what["key"])
            if same and later is not first and 0 <= span < _rules(by, first.what["campaign"]).again_after:
                yield f"again: {first}, {later}"


def _shut(by: Drawn, decided: Decided) -> str:
    """The hour on the user's wall, where nothing may go in it."""
    campaign = decided.what["campaign"]
    policy = by.policy.hours if campaign not in by.policy.exempt else None
    if not (_rules(by, campaign).hours or policy):
        return ""
    zone = ZONES.get(decided.user, "UTC")
    wall = datetime.fromtimestamp(_when(decided) / 1000, ZoneInfo("UTC" if zone.startswith("Nowhere") else zone))
    return f"{wall:%H:%M}" if wall.hour == SHUT else ""


def _without_cause(history: Ruled, of: list[Decided], went: list[Decided]) -> Iterator[str]:
    for each in of:
        reason = each.what.get("reason", "")
        campaign, when = each.what["campaign"], _when(each)
        if reason.startswith("capped"):
            full = any(
                sum(when - cap.within <= _when(d) <= when + 2 * history.world.faults.skew for d in counted)
                >= cap.at_most
                for cap, counted in _counted(history.by, went, campaign)
            )
            if not full:
                yield f"capped, and there was room: {each}"
        elif reason == "again too soon":
            same = [d for d in went if (d.what["campaign"], d.what["key"]) == (campaign, each.what["key"])]
            if not any(abs(when - _when(d)) <= _rules(history.by, campaign).again_after for d in same):
                yield f"not again, and there was none before: {each}"
        elif each.what["kind"] == "withhold" and reason not in {*CONTROL, "instead: short"}:
            yield f"withheld for a reason that there is not: {each}"
