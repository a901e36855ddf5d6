"""Why a user did, did not, or will get a message: what the fold's state says, in sentences for customer support.

A printout, no second engine: what is told is what the state holds. So it says neither what an exit's name was (only its
time is kept) nor whether a message that was decided lacked a value: deliver finds that out. Where the profile is at
hand, that is worked out again, for what is still open and for the `outbox` that was saved with the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, TypeAlias

from holdfast.core.events import Json
from holdfast.core.explain.comparison import outlook
from holdfast.core.explain.facts import Explanation, Fact, Status
from holdfast.core.explain.words import REASONS, Words, as_words, constant_of, span_text, when_ended
from holdfast.core.fold.conversions import conversion
from holdfast.core.fold.deciding import TOO_MANY
from holdfast.core.fold.watches import PARTS_MS, Decided, Decision, Doubt, State, Trigger, Watch
from holdfast.core.messages.detail import message_id
from holdfast.core.messages.rendering import Outcome
from holdfast.core.places import campaign_of
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.times import format_duration

Render: TypeAlias = Callable[[Decision], Outcome]
"""Renders a decision to send, as of now."""

GROUP_NAMES: Mapping[str, str] = {"control": "control group", "stack": "control group of the stack"}


def explain(
    user: str,
    state: State,
    plans: Mapping[str, Plan],
    now: int,
    *,
    zone: tzinfo,
    outbox: Iterable[Decision] = (),
    render: Render | None = None,
) -> list[Explanation]:
    """Explanations by campaign, newest first. `plans` are the live ones, including paused ones; times are shown in
    `zone`.
    """
    decisions = tuple(outbox)
    found: dict[str, list[Explanation]] = {}
    for place in sorted({*state.watches, *state.floors, *(plan.place for plan in plans.values())}):
        campaign = campaign_of(place)
        plan = None if isinstance(plans, Plans) and place not in plans.places else plans.get(campaign)
        about = _About(plan, now, zone, user, campaign, place, state, decisions, render)
        found.setdefault(campaign, []).extend(about.explanations())
    return [each for many in found.values() for each in _without_nothing(many)]


def _without_nothing(found: list[Explanation]) -> list[Explanation]:
    """Leaves out that one reading of a campaign knows nothing, if another reading knows something."""
    return [each for each in found if each.status != "nothing"] or found[-1:]


@dataclass(frozen=True, slots=True)
class _About(Words):
    """One campaign of one user, as one of its readings remembers it."""

    user: str
    campaign: str
    place: str
    state: State
    outbox: tuple[Decision, ...]
    render: Render | None

    def explanations(self) -> Iterator[Explanation]:
        watches = self.state.watches.get(self.place, {})
        coming = outlook(self.state, self.plan, self.place) if self.plan else {}
        found = [self._watch(key, watch, coming.get(key)) for key, watch in watches.items()]
        yield from sorted(found, key=lambda each: (-each.latest, str(each.constant)))
        doubts = [doubt for doubt in self.state.doubts.get(self.place, {}).values() if doubt.why]
        if self.plan and self.place != self.plan.place and not coming:
            doubts = []  # nothing of the former reading is open
        for doubt in sorted(doubts, key=lambda each: -each.at):
            yield self._doubted(doubt)
        if floor := self.state.floors.get(self.place):
            text = f"what was seen until {self._time(floor[0])} and is not listed was let go: {REASONS[TOO_MANY]}"
            yield self._explanation(None, "full", Fact("note", floor[0], text), reason=TOO_MANY)
        elif not found and not doubts:
            did = self._triggers() if self.plan else "event"
            text = f"no {did} is remembered: none that still counts was seen lately"
            yield self._explanation(None, "nothing", Fact("note", self.now, text), waits_for=self._did())

    def _doubted(self, doubt: Doubt) -> Explanation:
        at, until = self._time(doubt.at), self._time(doubt.reach)
        text = (
            f"{doubt.name} at {at} could not be read ({doubt.why}): it may have ended what was seen until {until}, "
            "which is withheld until the record comes again, corrected and with the same id"
        )
        return self._explanation(None, "remembered", Fact("exit", doubt.at, text), latest=doubt.at)

    def _explanation(self, constant: Json, status: Status, *facts: Fact, **more: Any) -> Explanation:
        name = self.plan.name or self.campaign if self.plan else self.campaign
        return Explanation(self.campaign, name, constant, status, facts)._replace(**more)

    def _watch(self, key: str, watch: Watch, coming: Decision | None) -> Explanation:
        trigger, decided = watch.trigger, watch.decided
        constant = trigger.shown if trigger else constant_of(key, watch)
        facts: list[Fact] = []
        current = decided is not None and (trigger is None or trigger.mark <= (decided.at, decided.id))
        if decided and not current:
            facts.append(self._earlier(key, decided))
        facts += self._seen(watch, constant)
        about = self._explanation(constant, "remembered", latest=_latest(watch))
        if pending := watch.pending:
            about, more = self._waits(about, pending, watch, coming)
        elif decided and current:
            about, more = self._decided(about, key, watch, decided)
            about, more = self._converted(about, more, key, decided)
        elif trigger and trigger.at > watch.reach:
            about = about._replace(status="ended")
            more = [
                Fact("note", trigger.at, "another reading of the campaign, of before a change or since, decides on it")
            ]
        elif trigger:
            about = about._replace(status="ended")
            more = [Fact("exit", watch.exit, f"{self._ended(watch)} {when_ended(watch, trigger)}: no message")]
        elif watch.parts:
            about, more = self._incomplete(about, watch)
        else:
            text = f"{self._ended(watch)}{as_words(constant)} at {self._time(watch.exit)}"
            text += f", and no {self._triggers()} before it: nothing to send"
            more = [Fact("exit", watch.exit, text)] if watch.exit else []
        return about._replace(facts=(*facts, *more))

    def _seen(self, watch: Watch, constant: Json) -> list[Fact]:
        """The events of the trigger."""
        said = as_words(constant)
        if watch.parts:
            parts = sorted((part.at, name) for name, part in watch.parts.items())
            return [Fact("seen", at, f"{self._name(name)}{said} at {self._time(at)}") for at, name in parts]
        if watch.trigger is None:
            return []
        at = watch.trigger.at
        return [Fact("seen", at, f"{self._triggers()}{said} at {self._time(at)}")]

    def _waits(
        self, about: Explanation, pending: Trigger, watch: Watch, coming: Decision | None
    ) -> tuple[Explanation, list[Fact]]:
        plan, facts = self.plan, list[Fact]()
        due = watch.trigger.due if watch.trigger else pending.due
        if exited := watch.exit:
            span = span_text(pending.at - exited)
            facts.append(Fact("exit", exited, f"{self._ended(watch)} {span} before that does not count"))
        if plan and plan.single and pending.revision == plan.revision and due > pending.at + plan.within:
            arrived = due - min(plan.settle, plan.within)
            facts.append(Fact("note", arrived, f"that arrived late, at {self._time(arrived)}"))
        if watch.wait and watch.wait[0] == pending.due:
            why = REASONS.get(watch.wait[1], watch.wait[1])
            facts.append(Fact("note", due, f"it was due at {self._time(due)}, and waits: {why}"))
        until = coming.when if coming else pending.due
        facts.append(Fact("waits", until, self._until(until, coming)))
        if plan and plan.paused:
            facts.append(Fact("note", self.now, "but the campaign is paused, and withholds what falls due"))
        withheld = coming.reason if coming and coming.kind == "withhold" else ""
        outcome = self.render(coming) if coming and self.render and not withheld else None
        reason = withheld or (outcome.reason if outcome and not outcome.sent else "")
        if reason:
            facts.append(Fact("note", self.now, f"as things stand, it would be withheld: {reason}"))
        if coming and outcome:
            facts += self._recommended(coming, outcome)
        status: Status = "waits" if until > self.now else "due"
        values = outcome.values if outcome else None
        about = about._replace(status=status, until=until, waits_for=self._did_not(), reason=reason, values=values)
        return about, facts

    def _until(self, until: int, coming: Decision | None) -> str:
        plan, at = self.plan, self._time(until)
        if plan is None:
            return f"the campaign is gone: withheld with that reason, due at {at}"
        if until <= self.now:
            return f"due since {at}: decided as soon as the events that wait in the queue are folded"
        what = "a message is sent"
        if plan.summary and coming:
            what = f"one message is sent about all that is open ({coming.open} now)"
        if not plan.did_not:
            return f"at {at} {what}"
        return f"waits until {at} for {self._exits()}, and if it does not come, {what}"

    def _decided(self, about: Explanation, key: str, watch: Watch, decided: Decided) -> tuple[Explanation, list[Fact]]:
        facts, reason = [self._decision(key, decided)], decided.reason
        exited, exits = watch.exit, self._exits()
        kept = self._kept(key, decided)
        status: Status
        outcome = None
        match decided.kind:
            case "send":
                status = "sent"
                outcome = self.render(kept) if kept and self.plan and self.render else None
                if outcome and not outcome.sent:
                    status, reason = "withheld", outcome.reason
                    text = f"withheld at delivery: {reason} (rendered with the data of now)"
                    facts.append(Fact("note", decided.when, text))
                elif kept and outcome:
                    facts += self._recommended(kept, outcome)
                if exited >= decided.when:
                    span = span_text(exited - decided.when)
                    facts.append(Fact("exit", exited, f"{exits} {span} later, after the message"))
                elif exited >= decided.at:
                    text = f"{exits} at {self._time(exited)} became known only after it, too late to take it back"
                    facts.append(Fact("exit", exited, text))
            case "withhold":
                status = "withheld"
            case "retract":
                status = "retracted"
                facts.append(self._taken_back(watch, decided))
        message = self._message(key, decided) if status in {"sent", "retracted", "converted"} else ""
        values = outcome.values if outcome else None
        return about._replace(status=status, decided=decided.when, message=message, reason=reason, values=values), facts

    def _converted(
        self, about: Explanation, facts: list[Fact], key: str, decided: Decided
    ) -> tuple[Explanation, list[Fact]]:
        """Purchases since, where the campaign says what a conversion is."""
        of = ("", decided.summary) if decided.summary else (key, decided.mark)
        exposures = self.state.exposures.get(self.place, ())
        found = next((each for each in exposures if (each.key, (each.at, each.id)) == of), None)
        if found is None:
            return about, facts
        group = f" (without a message: {GROUP_NAMES[found.control]})" if found.control else ""
        if bought := conversion(found):
            paid = "" if bought.amount is None else f", {bought.amount:g} {bought.currency}".rstrip()
            fact = Fact("note", bought.at, f"converted at {self._time(bought.at)}{paid}{group}")
            status: Status = "converted" if about.status == "sent" else about.status
            return about._replace(status=status), [*facts, fact]
        if found.void:
            return about, [*facts, Fact("note", found.when, "so nothing that follows it is a conversion")]
        if found.undone:
            undone = Fact("note", found.undone, f"a conversion was undone at {self._time(found.undone)}")
            return about, [*facts, undone]
        if found.until > self.now:
            waits = Fact("note", found.until, f"a conversion counts until {self._time(found.until)}{group}")
            return about, [*facts, waits]
        return about, facts

    def _recommended(self, decision: Decision, outcome: Outcome) -> list[Fact]:
        """Which items, from which of the user's, with which score: by the recommendations as they are now."""
        facts = []
        for name, shown in outcome.found.recommended.items():
            for row, why in shown:
                because = "it is popular" if why.because is None else "Amazon Personalize says so"
                if why.because:
                    because = f"of {why.because}"
                    if seen := decision.recent.get(name, {}).get(why.because):
                        because += f", seen at {self._time(seen)}"
                text = f"{name} recommends {row['Name']} (score {why.score:.3f}), because {because}"
                facts.append(Fact("note", decision.when, text))
        return facts

    def _taken_back(self, watch: Watch, decided: Decided) -> Fact:
        """The exit that retracted it is the latest one, unless another came later, or it was about another value."""
        mark = decided.summary or (decided.at, decided.id)
        when = next((d.when for d in self.outbox if d.kind == "retract" and self._same(d) and d.mark == mark), None)
        exits, known = self._exits(), f"at {self._time(when)}" if when else "only after that"
        if decided.at <= watch.exit < decided.when:
            text = f"taken back: {exits} at {self._time(watch.exit)} became known {known}"
        else:
            of = ", of one of its values," if decided.summary else ""
            text = f"taken back: {exits}{of} happened before it and became known {known}"
        return Fact("retracted", when or decided.when, text)

    def _incomplete(self, about: Explanation, watch: Watch) -> tuple[Explanation, list[Fact]]:
        wanted = self.plan.did if self.plan else ()
        missing = [name for name in wanted if name not in watch.parts]
        last = _latest(watch)
        facts = []
        if watch.exit:
            facts.append(Fact("exit", watch.exit, f"{self._exits()} at {self._time(watch.exit)}"))
        if missing:
            text = f"{len(wanted) - len(missing)} of {len(wanted)} events: waits for {self._join(missing, ' and ')}"
        else:
            text = f"no message: not all within {format_duration(PARTS_MS)}"
        facts.append(Fact("note", last, text))
        return about._replace(status="incomplete", waits_for=tuple(map(self._name, missing))), facts

    def _earlier(self, key: str, decided: Decided) -> Fact:
        at, what = self._time(decided.at), self._decision(key, decided)
        taken = ", and taken back" if decided.kind == "retract" else ""
        return what._replace(text=f"earlier, for what was seen at {at}: {what.text}{taken}")

    def _decision(self, key: str, decided: Decided) -> Fact:
        at, reason = self._time(decided.when), REASONS.get(decided.reason) or self._local(decided.reason)
        text = f"withheld at {at}: {reason}"
        if decided.kind != "withhold":
            one = "one message about all that was open" if decided.summary else "a message"
            text = f"decided at {at} to send {one}, id {self._message(key, decided)}"
        return Fact("decided", decided.when, text)

    def _message(self, key: str, decided: Decided) -> str:
        at, id_ = decided.summary or (decided.at, decided.id)
        of = "" if decided.summary else key
        return message_id(self.user, Decision(decided.kind, self.campaign, of, None, at, id_, decided.when, 0))

    def _kept(self, key: str, decided: Decided) -> Decision | None:
        """The decision itself, where it is the last that was saved."""
        of, mark = ("", decided.summary) if decided.summary else (key, (decided.at, decided.id))
        same = (d for d in self.outbox if d.kind == "send" and self._same(d) and (d.key, d.mark) == (of, mark))
        return next(same, None)

    def _same(self, decision: Decision) -> bool:
        return decision.campaign == self.campaign


def _latest(watch: Watch) -> int:
    """The event time of the last thing seen."""
    triggers = [watch.trigger] if watch.trigger else []
    return max([watch.exit, *(each.at for each in (*triggers, *watch.parts.values()))])
