"""Decisions about watches that fall due: send, or withhold with a reason; or one decision for a summary."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.core.fold.asking import Gate
from holdfast.core.fold.merging import order
from holdfast.core.fold.watches import Decided, Decision, Doubt, Kind, Trigger, Watch, Watches
from holdfast.core.gate.gate import Send, Wait, Withhold
from holdfast.core.places import campaign_of
from holdfast.core.plans.plan import Plan
from holdfast.core.recommend.ranking import Items

TOO_MANY = "too many watches"
PAUSED = "campaign paused"
GONE = "campaign gone"
DELETED = "campaign deleted"


def decide(
    place: str,
    watches: Watches,
    plan: Plan | None,
    gate: Gate,
    room: int,
    doubts: Mapping[str, Mapping[str, Doubt]],
) -> list[Decision]:
    """Decide a campaign's watches that are due: in the order in which they fell due, or, for a summary, all at once.

    A space is dropped if no revision reads exits for it any more, such as one from before the campaign was deleted.
    """
    campaign, now = campaign_of(place), gate.now
    if plan is None:
        reason = DELETED if campaign in gate.plans.deleted else GONE
    else:
        reason = PAUSED if plan.paused else "" if place in gate.plans.places else GONE
    if plan and plan.summary:
        return _sum_up(place, watches, plan, gate, room, reason, doubts)
    decisions: list[Decision] = []
    while len(decisions) < room and (first := watches.first_due(now)):
        key, trigger = first
        why = reason or _in_doubt(place, trigger, doubts) or gate.gives_way(campaign, key, trigger)
        answer = gate.answer(plan, key, trigger.event) if plan and not why else Withhold(why)
        if isinstance(answer, Wait):
            watches.put(key, watches[key]._replace(wait=(answer.until, answer.reason)))
        else:
            decision = _decide_one(place, watches, key, trigger, now, _reason(answer))
            decisions.append(_of_variant(decision, answer))
    return decisions


def _reason(answer: Send | Withhold) -> str:
    return answer.reason if isinstance(answer, Withhold) else ""


def _of_variant(decision: Decision, answer: Send | Withhold) -> Decision:
    variant = answer.variant if isinstance(answer, Send) else ""
    return decision._replace(variant=variant) if variant else decision


def _decide_one(campaign: str, watches: Watches, key: str, trigger: Trigger, now: int, reason: str) -> Decision:
    kind: Kind = "withhold" if reason else "send"
    decided = Decided(trigger.at, trigger.id, now, kind, reason)
    watches.close(key, watches[key].over_with(trigger, decided))
    return decision(kind, campaign, key, trigger, now, reason)


def _in_doubt(place: str, trigger: Trigger, doubts: Mapping[str, Mapping[str, Doubt]]) -> str:
    """The reason of the doubt that reaches furthest among those that stand in the way of this trigger. These are the
    doubts of its own space, and those of older spaces that arrived before a newer space began.
    """
    if not doubts:
        return ""
    known = [*doubts.get(place, {}).values()]
    known += [each for elder in trigger.elder for each in doubts.get(elder, {}).values() if not each.later]
    standing = [doubt for doubt in known if doubt.why and trigger.at <= doubt.reach]
    return max(standing, key=order).text if standing else ""


def _sum_up(  # noqa: PLR0917 (as `_decide`)
    place: str,
    watches: Watches,
    plan: Plan,
    gate: Gate,
    room: int,
    reason: str,
    doubts: Mapping[str, Mapping[str, Doubt]],
) -> list[Decision]:
    """One message about all watches, once all are due. Watches in doubt and watches that give way are left out. The
    gate is asked once, as it is one message.
    """
    pending, now = watches.pending(), gate.now
    if not pending or room <= 0 or any(trigger.due > now for _, trigger in pending):
        return []
    decisions: list[Decision] = []
    certain: list[tuple[str, Trigger]] = []
    for key, trigger in pending:
        why = "" if reason else _in_doubt(place, trigger, doubts) or gate.gives_way(plan.id, key, trigger)
        if why:
            decisions.append(_decide_one(plan.id, watches, key, trigger, now, why))
        else:
            certain.append((key, trigger))
    if not certain:
        return decisions
    newest = max((trigger.mark, key, trigger) for key, trigger in certain)[-1]
    answer = Withhold(reason) if reason else gate.answer(plan, "", newest.event)
    if isinstance(answer, Wait):
        for key, _ in certain:
            watches.put(key, watches[key]._replace(wait=(answer.until, answer.reason)))
        return decisions
    why = _reason(answer)
    kind: Kind = "withhold" if why else "send"
    summary = _summary(kind, plan, certain, now, why)
    for key, trigger in certain:
        decided = Decided(trigger.at, trigger.id, now, kind, why, summary.mark)
        watches.put(key, watches[key]._replace(decided=decided, wait=None))
    return [*decisions, _of_variant(summary, answer)]


def _summary(kind: Kind, plan: Plan, due: list[tuple[str, Trigger]], now: int, reason: str) -> Decision:
    """One decision on all watches of a campaign. The newest watch identifies it."""
    newest = sorted(((trigger.mark, key, trigger) for key, trigger in due), reverse=True)
    triggers = [trigger for _, _, trigger in newest]
    first, told = triggers[0], triggers[: plan.limit]
    return Decision(
        kind,
        plan.id,
        key="",
        shown=[trigger.shown for trigger in told],
        at=first.at,
        id=first.id,
        when=now,
        revision=min(trigger.revision for trigger in told),  # which kept what all of them have
        event=first.event,
        reason=reason,
        events=[trigger.event for trigger in told],
        open=len(triggers),
    )


def evict(campaign: str, watches: Watches, floors: dict[str, tuple[int, str]], now: int, most: int) -> list[Decision]:
    """Drop the oldest watches beyond `most`: first those with nothing to decide, then the open ones.

    A key without a watch is not remembered again if it ranks no higher than the watches that were dropped: see
    `State.floors`.
    """
    ranked = sorted((stage(watch), watch.latest, key) for key, watch in watches.items())
    decisions: list[Decision] = []
    floor = floors.get(campaign, (0, ""))
    for _, latest, key in ranked[: len(ranked) - most]:
        floor = max(floor, (latest, key))
        if trigger := watches.pop(key).pending:
            decisions.append(decision("withhold", campaign, key, trigger, now, TOO_MANY))
    floors[campaign] = floor
    watches.arrange()
    return decisions


def stage(watch: Watch) -> int:
    """How much would be lost with the watch: nothing to decide, a part of an occurrence, an open watch."""
    return 2 if watch.pending else 1 if watch.parts else 0


def decision(kind: Kind, place: str, key: str, trigger: Trigger, now: int, reason: str) -> Decision:
    campaign, shown, event = campaign_of(place), trigger.shown, trigger.event
    return Decision(kind, campaign, key, shown, trigger.at, trigger.id, now, trigger.revision, event, reason)


def recommending(
    decisions: list[Decision], plan: Plan | None, recent: Mapping[str, Items], done: Mapping[str, Items]
) -> list[Decision]:
    """The decisions of a campaign, with the items that its recommendations are based on."""
    if plan is None or not plan.recommendations:
        return decisions
    of = {name: recent.get(name, {}) for name in plan.recommendations}
    without = {name: done[name] for name in plan.recommendations if name in done}
    return [each._replace(recent=of, done=without) if each.kind == "send" else each for each in decisions]
