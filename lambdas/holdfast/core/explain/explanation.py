"""Why a user did, did not, or will get a message: what the fold's state says, in sentences for customer support.

A printout, no second engine: what is told is what the state holds. So it says neither what an exit's name was (only its
time is kept) nor whether a message that was decided lacked a value: deliver finds that out. Where the profile is at
hand, that is worked out again, for what is still open and for the `outbox` that was saved with the state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal, NamedTuple, TypeAlias

from holdfast.core.events import Json
from holdfast.core.explain.comparison import outlook
from holdfast.core.fold.conversions import conversion
from holdfast.core.fold.deciding import DELETED, GONE, PAUSED, TOO_MANY
from holdfast.core.fold.watches import PARTS_MS, Decided, Decision, Doubt, State, Trigger, Watch
from holdfast.core.gate.gate import AGAIN, AUDIENCE, CONTROL, CONTROL_OF_ALL, EARLY, LATE, MINUTE, OUTSIDE
from holdfast.core.messages.detail import message_id
from holdfast.core.messages.rendering import Outcome
from holdfast.core.places import campaign_of
from holdfast.core.plans.plan import EARLIER, Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.times import format_duration

Status: TypeAlias = Literal[
    "waits",  # open, and not yet due
    "due",  # open, and due: decided with the next tick
    "sent",
    "withheld",
    "retracted",
    "converted",
    "ended",  # by an exit, before a message
    "incomplete",  # some of several triggers were seen
    "remembered",  # an exit without its trigger
    "full",  # what is older than this was let go
    "nothing",
]

Render: TypeAlias = Callable[[Decision], Outcome]
"""Renders a decision to send, as of now."""

_REASONS: Mapping[str, str] = {
    TOO_MANY: "too many watches of this user were open, and the oldest were let go",
    PAUSED: "the campaign was paused",
    GONE: "the campaign was gone",
    DELETED: "the campaign was deleted",
    AUDIENCE: "the user was not in the campaign's audience",
    EARLY: "it was before the campaign's start",
    LATE: "it was after the campaign's end",
    AGAIN: "the last message about it was not long enough ago",
    OUTSIDE: "it was outside the sending hours",
    CONTROL: "the user is in the campaign's control group, which gets no message",
    CONTROL_OF_ALL: "the user is in the control group of the stack, which gets no message",
}
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ")
"""A time within a reason, as the gate writes it."""
GROUP_NAMES: Mapping[str, str] = {"control": "control group", "stack": "control group of the stack"}
SECONDS_BELOW_MS = 10 * 60_000
"""A campaign with a shorter window has its times shown to the second."""


class Fact(NamedTuple):
    """One known fact. `at` is when it happened, or will happen (epoch milliseconds)."""

    what: Literal["seen", "exit", "decided", "retracted", "waits", "note"]
    at: int
    text: str


class Explanation(NamedTuple):
    """The facts about one campaign and constant value (as its trigger wrote it, else its key; or None).

    `until` is when an open watch falls due, and `waits_for` what would end it, or what it still lacks. `message` is the
    id of the message that was decided, `decided` when. `latest` is the event time of the last thing seen. `values` are
    the message's pairs, rendered now, where enough is kept to render it.
    """

    campaign: str
    name: str
    constant: Json
    status: Status
    facts: tuple[Fact, ...]
    latest: int = 0
    waits_for: tuple[str, ...] = ()
    until: int | None = None
    decided: int | None = None
    message: str = ""
    reason: str = ""
    values: Mapping[str, Json] | None = None

    @property
    def text(self) -> str:
        return "; ".join(fact.text for fact in self.facts)

    def to_json(self) -> dict[str, Json]:
        facts: list[Json] = [dict(fact._asdict()) for fact in self.facts]
        values: Json = None if self.values is None else dict(self.values)
        more: dict[str, Json] = {"waits_for": list(self.waits_for), "values": values, "text": self.text}
        return {**self._asdict(), "facts": facts, **more}


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
        about = _About(user, campaign, place, plan, state, now, zone, decisions, render)
        found.setdefault(campaign, []).extend(about.explanations())
    return [each for many in found.values() for each in _without_nothing(many)]


def _without_nothing(found: list[Explanation]) -> list[Explanation]:
    """Leaves out that one reading of a campaign knows nothing, if another reading knows something."""
    return [each for each in found if each.status != "nothing"] or found[-1:]


@dataclass(frozen=True, slots=True)
class _About:
    """One campaign of one user, as one of its readings remembers it."""

    user: str
    campaign: str
    place: str
    plan: Plan | None
    state: State
    now: int
    zone: tzinfo
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
            text = f"what was seen until {self._time(floor[0])} and is not listed was let go: {_REASONS[TOO_MANY]}"
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
        constant = trigger.shown if trigger else _shown(key, watch)
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
            more = [Fact("exit", watch.exit, f"{self._ended(watch)} {_when(watch, trigger)}: no message")]
        elif watch.parts:
            about, more = self._incomplete(about, watch)
        else:
            text = f"{self._ended(watch)}{_said(constant)} at {self._time(watch.exit)}"
            text += f", and no {self._triggers()} before it: nothing to send"
            more = [Fact("exit", watch.exit, text)] if watch.exit else []
        return about._replace(facts=(*facts, *more))

    def _seen(self, watch: Watch, constant: Json) -> list[Fact]:
        """The events of the trigger."""
        said = _said(constant)
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
            span = _span(pending.at - exited)
            facts.append(Fact("exit", exited, f"{self._ended(watch)} {span} before that does not count"))
        if plan and plan.single and pending.revision == plan.revision and due > pending.at + plan.within:
            arrived = due - min(plan.settle, plan.within)
            facts.append(Fact("note", arrived, f"that arrived late, at {self._time(arrived)}"))
        if watch.wait and watch.wait[0] == pending.due:
            why = _REASONS.get(watch.wait[1], watch.wait[1])
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
                    span = _span(exited - decided.when)
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
        at, reason = self._time(decided.when), _REASONS.get(decided.reason) or self._local(decided.reason)
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

    def _name(self, key: str) -> str:
        return self.plan.name_of(key) if self.plan else key

    def _join(self, keys: Iterable[str], word: str) -> str:
        return word.join(map(self._name, keys)) or "event"

    def _did(self) -> tuple[str, ...]:
        return tuple(map(self._name, self.plan.did)) if self.plan else ()

    def _did_not(self) -> tuple[str, ...]:
        return tuple(map(self._name, self.plan.did_not)) if self.plan else ()

    def _triggers(self) -> str:
        return (" or " if self.plan and self.plan.any_of else " and ").join(self._did()) or "its event"

    def _exits(self) -> str:
        """The state holds an exit's time and not its name: it is one of these."""
        return " or ".join(self._did_not()) or "what ends it"

    def _ended(self, watch: Watch) -> str:
        """The exit of a watch: one of the campaign's exits, or a snapshot without the value."""
        if watch.grace == EARLIER and self.plan:
            return f"no longer in {self._join(self.plan.snapshots, ' or ')}"
        return self._exits()

    def _local(self, reason: str) -> str:
        """A reason, with its time converted to the reader's time zone."""

        def shown(found: re.Match[str]) -> str:
            return self._time(round(datetime.strptime(found[0], f"{MINUTE[:-1]}%z").timestamp() * 1000))

        return _MINUTE.sub(shown, reason)

    def _time(self, at: int) -> str:
        """A short time: without the date if it is today."""
        moment, today = (datetime.fromtimestamp(ms / 1000, self.zone) for ms in (at, self.now))
        fine = self.plan is not None and 0 < self.plan.within < SECONDS_BELOW_MS
        clock = f"{moment:%H:%M:%S}" if fine else f"{moment:%H:%M}"
        return clock if moment.date() == today.date() else f"{moment:%Y-%m-%d} {clock}"


def _latest(watch: Watch) -> int:
    """The event time of the last thing seen."""
    triggers = [watch.trigger] if watch.trigger else []
    return max([watch.exit, *(each.at for each in (*triggers, *watch.parts.values()))])


def _when(watch: Watch, trigger: Trigger) -> str:
    """When the exit was, seen from the trigger that it ended."""
    span = watch.exit - trigger.at
    if not span:
        return "at the same time"
    if span > 0:
        return f"{_span(span)} after it"
    return f"{_span(-span)} before it, within the grace of {format_duration(watch.grace)}"


def _shown(key: str, watch: Watch) -> Json:
    """The constant value of a watch without a trigger: as one of its events wrote it, or else its key."""
    for part in watch.parts.values():
        return part.shown
    try:
        composite: Json = json.loads(key) if key.startswith("[") else key
    except ValueError:
        return key
    return composite or None


def _said(constant: Json) -> str:
    match constant:
        case None:
            return ""
        case list():
            return " " + ", ".join(_said(each).strip() for each in constant)
        case str():
            return f" {constant.strip()}"
        case _:
            return f" {json.dumps(constant)}"


def _span(ms: int) -> str:
    """A time between two events, in its two largest units: `4 min`, `2 h 5 min`, `3 d`."""
    seconds = round(ms / 1000)
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    told = [f"{number} {unit}" for number, unit in parts if number][:2]
    return " ".join(told) or ("less than a second" if ms else "0 s")
