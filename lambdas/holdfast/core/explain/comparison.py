"""Revisions of a campaign: what a change does to the watches that are open now.

A watch falls due as it was folded, so a change of `when` or `constant` says something about events that come after it
only. Who gets a message of what is open, and its text, is up to `send`: `Comparison` tells that, watch by watch, as if
nothing more came in until all of them are due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from holdfast.core.events import Json, Tick
from holdfast.core.fold.asking import Gate, Known
from holdfast.core.fold.fold import fold
from holdfast.core.fold.forgetting import Limits
from holdfast.core.fold.watches import Decision, State
from holdfast.core.gate.gate import Answer, Withhold
from holdfast.core.gate.policy import NONE as NO_POLICY
from holdfast.core.gate.policy import Policy
from holdfast.core.gate.rules import NONE
from holdfast.core.messages.rendering import FindRevision, Outcome, Rendering, Rows, no_rows
from holdfast.core.messages.statistics import short
from holdfast.core.places import campaign_of
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans


class Change(NamedTuple):
    """A field of the campaign's file, such as `when.within`, and what it says before and after (None: nothing).

    `open` is whether it concerns the watches that are open now, or only events that are still to come.
    """

    field: str
    before: Json
    after: Json
    open: bool


def changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[Change]:
    """The differences between two campaigns, each as the model dumps it."""
    old, new = _flat(dict(before)), _flat(dict(after))
    differing = [path for path in dict.fromkeys([*old, *new]) if old.get(path) != new.get(path)]
    return [
        Change(".".join(path), old.get(path), new.get(path), open=path[0] not in {"when", "constant"})
        for path in differing
    ]


def _flat(value: Json, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Json]:
    """The non-empty values, by path. A list of one item is the item, because a file may write either."""
    match value:
        case dict():
            return {k: v for name, each in value.items() for k, v in _flat(each, (*path, name)).items()}
        case [only]:
            return _flat(only, path)
        case [dict(), *_]:
            return {k: v for at, each in enumerate(value) for k, v in _flat(each, (*path, str(at))).items()}
        case None | []:
            return {}
        case _:
            return {path: value}


def outlook(state: State, plan: Plan, place: str = "") -> dict[str, Decision]:
    """The decisions that the fold would make on the open watches if nothing more came in, by constant key.

    The watches are those in one place of the campaign, by default the plan's own. The campaign counts as not paused and
    without rules for what is due. A summary appears once for each watch that it is about. An unreadable plan decides
    nothing.
    """
    place = place or plan.place
    watches, doubts = state.watches.get(place, {}), state.doubts.get(place, {})
    pending = {key: trigger for key, watch in watches.items() if (trigger := watch.pending)}
    if not pending:
        return {}
    last = max(trigger.due for trigger in pending.values())
    plans, limits = Plans([replace(plan, paused=False, rules=NONE)]), Limits(decisions=len(pending))
    alone = state._replace(watches={plan.place: watches}, doubts={plan.place: doubts}, floors={}, ends={})
    _, decisions = fold(alone, [Tick("", last)], plans, last, limits)
    if plan.summary:
        whole, doubted = {each.key: each for each in decisions if not each.key}, {d.key: d for d in decisions if d.key}
        return {key: each for key in pending if (each := doubted.get(key) or whole.get(""))}
    return {each.key: each._replace(when=pending[each.key].due) for each in decisions}


def kept_back(
    decisions: Mapping[str, Decision], plan: Plan, policy: Policy, known: Known, state: State
) -> dict[str, str]:
    """The reasons why rules would withhold a message of an `outlook`, by constant key.

    Each message is checked once, when it is due. One that would wait is not withheld. Other campaigns do not count.
    """
    if not decisions or not (plan.rules is not NONE or policy.forbids):
        return {}
    in_order = sorted(decisions.items(), key=lambda each: (each[1].when, each[0]))
    gate = Gate(state.sent, state.watches, Plans([plan], policy=policy), known, in_order[0][1].when)
    said: dict[tuple[str, tuple[int, str]], Answer] = {}
    found: dict[str, str] = {}
    for key, decision in in_order:
        if decision.kind != "send":
            continue
        gate.now = decision.when
        one = decision.key, decision.mark
        if one not in said:
            said[one] = gate.answer(plan, decision.key, decision.event)
        if isinstance(answer := said[one], Withhold):
            found[key] = answer.reason
    return found


Effect: TypeAlias = Literal["gained", "lost", "changed", "same"]


class Difference(NamedTuple):
    """The effect of a change on one open watch; `constant` as the trigger wrote it.

    gained: sent where it would not have been; lost: the other way; changed: another text, another reason, or another
    kind of message; same: nothing.
    """

    user: str
    constant: Json
    effect: Effect
    before: Outcome
    after: Outcome

    def to_json(self) -> dict[str, Json]:
        data: dict[str, Json] = {"user": self.user, "constant": self.constant, "effect": self.effect}
        for name, of in (("before", self.before), ("after", self.after)):
            values: Json = dict(of.values) if of.values is not None else None
            data[name] = {"values": values, "reason": of.reason or None, "revision": of.revision}
        return data


class _Open(NamedTuple):
    """A user's open watches in one reading of the campaign, by constant key."""

    user: str
    profile: Mapping[str, Json]
    shown: Mapping[str, Json]
    before: Mapping[str, Decision]
    after: Mapping[str, Decision]


class Comparison:
    """The live revision against a draft, over the open watches of all users; `add` them, many at once.

    The draft's revision is a number that no watch bears, as the next one. `rows` reads what messages name of catalogs.
    """

    def __init__(
        self,
        live: Plan,
        draft: Plan,
        revision: FindRevision,
        *,
        policy: Policy = NO_POLICY,
        rows: Rows = no_rows,
        examples: int = 3,
    ) -> None:
        self._live = live
        self._draft = draft
        self._policy = policy
        self._rows = rows
        self._rendering = Rendering(revision)
        self._examples = examples
        self.users = 0
        self.effects: Counter[Effect] = Counter()
        self.messages = Counter({"before": 0, "after": 0})
        self.kept_back: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
        """How many messages the rules between due and sent would withhold, by reason."""
        self.examples: list[Difference] = []
        """A few of each effect."""

    @property
    def open(self) -> int:
        """The number of open watches, whatever the effect on them."""
        return self.effects.total()

    def add(self, users: Iterable[tuple[str, State, Mapping[str, Json]]]) -> list[Difference]:
        """The effects on these users, each with the state and the profile. Raises what reading rows raises."""
        open_ = [
            _Open(user, profile, *each)
            for user, state, profile in users
            for each in self._outlooks(user, state, profile)
        ]
        asked: list[tuple[str, Decision, Plan | None, Mapping[str, Json]]] = []
        for user, profile, _, before, after in open_:
            asked += [(user, each, self._live, profile) for each in before.values()]
            asked += [(user, after[key], self._draft, profile) for key in before]
        outcomes = iter(self._rendering.outcomes(asked, self._rows))
        found = []
        for user, _, shown, before, _ in open_:
            old, new = list(islice(outcomes, len(before))), list(islice(outcomes, len(before)))
            self.messages["before"] += _messages(self._live, old)
            self.messages["after"] += _messages(self._draft, new)
            for key, one, other in zip(before, old, new, strict=True):
                found.append(Difference(user, shown[key], self._effect(one, other), one, other))
        self.users += len({each.user for each in found})
        for each in found:
            if each.effect != "same" and self.effects[each.effect] < self._examples:
                self.examples.append(each)
            self.effects[each.effect] += 1
        return found

    def _outlooks(
        self, user: str, state: State, profile: Mapping[str, Json]
    ) -> Iterator[tuple[dict[str, Json], Mapping[str, Decision], Mapping[str, Decision]]]:
        """For each reading of the campaign: the open watches' values, and what is decided before and after."""
        known = Known(user, profile)
        for place in [place for place in state.watches if campaign_of(place) == self._live.id]:
            before = self._ruled("before", outlook(state, self._live, place), self._live, known, state)
            after = self._ruled("after", outlook(state, self._draft, place), self._draft, known, state)
            triggers = {key: state.watches[place][key].trigger for key in before}
            yield {key: each.shown if each else key for key, each in triggers.items()}, before, after

    def _ruled(
        self, side: str, decisions: Mapping[str, Decision], plan: Plan, known: Known, state: State
    ) -> Mapping[str, Decision]:
        """The decisions, those withheld that rules would keep back."""
        why = kept_back(decisions, plan, self._policy, known, state)
        self.kept_back[side].update(map(short, why.values()))
        held = {key: decisions[key]._replace(kind="withhold", reason=reason) for key, reason in why.items()}
        return {**decisions, **held}

    def to_json(self) -> dict[str, Json]:
        """The open watches, as `holdfast campaign diff --json` prints them."""
        effects: tuple[Effect, ...] = ("gained", "lost", "changed", "same")
        return {
            "open": self.open,
            "users": self.users,
            "effects": {effect: self.effects[effect] for effect in effects},
            "messages": dict(self.messages),
            "kept_back": {when: dict(reasons) for when, reasons in self.kept_back.items()},
            "examples": [each.to_json() for each in self.examples],
        }

    def _effect(self, old: Outcome, new: Outcome) -> Effect:
        if old.sent != new.sent:
            return "gained" if new.sent else "lost"
        live, draft = self._live, self._draft
        retyped = new.revision == draft.revision and live.detail_type != draft.detail_type
        other = new.sent and (live.summary != draft.summary or retyped)
        return "changed" if other or (old.values, old.reason) != (new.values, new.reason) else "same"

    def sentences(self) -> list[str]:
        """The effect of the change in a few lines, for people."""
        if not self.open:
            return ["No watch of this campaign is open now."]
        effects = self.effects
        told = [f"{_many(self.open, 'watch is', 'watches are')} open now, of {_many(self.users, 'user', 'users')}."]
        if effects["gained"] or effects["lost"]:
            gained, lost = effects["gained"], effects["lost"]
            told.append(f"{gained} would be sent that would not have been, {lost} the other way.")
        else:
            told.append("The same ones would be sent.")
        told.append(f"{_many(effects['changed'], 'changes', 'change')}, {effects['same']} as before.")
        if kept := self.kept_back["after"]:
            reasons = ", ".join(f"{reason} ({number})" for reason, number in kept.most_common())
            told.append(f"{kept.total()} of {self.open} would be withheld by rules: {reasons}.")
        if self._live.summary != self._draft.summary:
            before, after = self.messages["before"], self.messages["after"]
            told.append(f"{_many(after, 'message', 'messages')} in all, where it would have been {before}.")
        return told


def _messages(plan: Plan, outcomes: list[Outcome]) -> int:
    sent = sum(each.sent for each in outcomes)
    return min(sent, 1) if plan.summary else sent


def _many(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
