"""The gate as the fold asks it: with the messages that the state remembers, and the campaigns that give way.

A campaign's messages are remembered only if its rules or the stack's policy need them later, and only for as long as
they need them. Caps and `again_after` count from the time at which they were published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from holdfast.core.events import Json
from holdfast.core.fold.watches import Decided, Trigger, Watch
from holdfast.core.gate import policy as policies
from holdfast.core.gate import rules as rules_of
from holdfast.core.gate.gate import CONTROL, CONTROL_OF_ALL, Answer, Case, Send, Sent, Withhold, decide, horizon
from holdfast.core.places import campaign_of
from holdfast.core.plans.plan import LONGEST_MS, Plan
from holdfast.core.plans.plans import Plans

MOST_SENT = 200
"""Messages of a user that are remembered. No more of those campaigns may go then: what is forgotten is not counted."""
CLOCKS_MS = 60_000
"""How far the clocks of two containers may differ: what one of them no longer asks for, the other still may."""
FULL = f"capped: {MOST_SENT} messages are remembered"
INSTEAD = "instead"
LONGEST_KEY = 64
"""Longer values are remembered by their hash."""

SEND = Send()


class Known(NamedTuple):
    """The facts about the user that the gate uses, besides the state."""

    user: str = ""
    profile: Mapping[str, Json] = {}


UNKNOWN = Known()


class Gate:
    """The gate for one user in one fold. `watches` are all of the user's watches, as they are decided one after the
    other.
    """

    def __init__(
        self,
        sent: Mapping[str, Sequence[tuple[int, str]]],
        watches: Mapping[str, Mapping[str, Watch]],
        plans: Plans,
        known: Known,
        now: int,
    ) -> None:
        self._watches = watches
        self.plans = plans
        self._known = known
        self.now = now
        self.sent = _lately(sent, plans, now) if sent else sent
        """When a campaign's messages went, and about which value, by campaign."""

    def asks(self, plan: Plan) -> bool:
        """Whether any rule could withhold a message."""
        return plan.rules != rules_of.NONE or self.plans.policy.forbids

    def answer(self, plan: Plan, key: str, event: Mapping[str, Json]) -> Answer:
        if not self.asks(plan):
            return SEND
        user, profile = self._known
        policy, sent = self.plans.policy, [*self._all()]
        answer = decide(Case(user, plan.id, _short(key), event, plan.rules, policy, profile, sent, self.now))
        remembers = remembered_for(plan, self.plans)
        if remembers and isinstance(answer, Send) and sum(map(len, self.sent.values())) >= MOST_SENT:
            return Withhold(FULL)
        if remembers and (isinstance(answer, Send) or _control(answer)):
            went = (*self.sent.get(plan.id, ()), (self.now, _short(key)))
            self.sent = {**self.sent, plan.id: went}
        return answer

    def _all(self) -> Iterator[Sent]:
        for campaign, went in self.sent.items():
            for at, key in went:
                yield Sent(at, campaign, key)

    def gives_way(self, campaign: str, key: str, trigger: Trigger) -> str:
        """The reason why another campaign's message goes instead: it is still open, or it went after the trigger."""
        for rival in self.plans.rivals.get(campaign, ()):
            known = [of[key] for place, of in self._watches.items() if campaign_of(place) == rival and key in of]
            went = any(at >= trigger.at and each == _short(key) for at, each in self.sent.get(rival, ()))
            if went or any(watch.pending or _since(watch.decided, trigger) for watch in known):
                return f"{INSTEAD}: {rival}"
        return ""


def _since(decided: Decided | None, trigger: Trigger) -> bool:
    if decided is None or decided.when < trigger.at:
        return False
    return decided.kind == "send" or decided.reason in {CONTROL, CONTROL_OF_ALL}


def _control(answer: Answer) -> bool:
    return isinstance(answer, Withhold) and answer.reason in {CONTROL, CONTROL_OF_ALL}


def _short(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:32]


def remembered_for(plan: Plan | None, plans: Plans) -> int:
    """How long a message of a campaign is remembered (milliseconds). A deleted campaign may come back."""
    if plan is None:
        return LONGEST_MS
    of_all = policies.NONE if plan.id in plans.policy.exempt else plans.policy
    give_way = (plans[name].within + plans[name].max_age for name in plan.rules.instead_of if name in plans)
    return max((horizon(plan.rules, of_all), *give_way))


def _lately(
    sent: Mapping[str, Sequence[tuple[int, str]]], plans: Plans, now: int
) -> Mapping[str, Sequence[tuple[int, str]]]:
    """The part that still matters."""
    kept: dict[str, Sequence[tuple[int, str]]] = {}
    for campaign, went in sent.items():
        before = now - remembered_for(plans.get(campaign), plans) - CLOCKS_MS
        if lately := tuple(each for each in went if each[0] > before):
            kept[campaign] = lately
    return kept
