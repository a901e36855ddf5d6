"""join: folds a batch of events and ticks into the users' states, one read and one write for each user."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar, get_args

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.clock import now_ms
from holdfast.aws.history import Historian
from holdfast.aws.queues import Message, Queue
from holdfast.aws.tables.campaigns import CHASES, LivePlans
from holdfast.aws.tables.revisions import EPOCH, epoch_of
from holdfast.aws.tables.shapes import Observer
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import PARTS, Beside, Item, Key, Save, Saved, Users
from holdfast.aws.tables.volume import Volume
from holdfast.aws.telemetry import Logger, Metrics, count, place_of
from holdfast.core.events import Event, Rejected, Tick, Tie
from holdfast.core.fold import profiles
from holdfast.core.fold.asking import Known
from holdfast.core.fold.fitting import fold_to_fit
from holdfast.core.fold.forgetting import LIMITS, Limits, needed_until
from holdfast.core.fold.merging import Alias
from holdfast.core.fold.stored import decode
from holdfast.core.fold.timers import nomination, nomination_again, schedule
from holdfast.core.fold.watches import Decision, Kind, State
from holdfast.core.intake.batch import Body, Intake, Parsed, Reject, Taken, parsed, report
from holdfast.core.intake.fields import RULES, Rules
from holdfast.core.intake.timeline import Timeline
from holdfast.core.people.people import Refused
from holdfast.core.places import campaign_of
from holdfast.core.plans.hits import Hit, Input
from holdfast.core.plans.plan import MAX_AGE_MS
from holdfast.core.plans.plans import Plans
from holdfast.services.persons import Found, Persons, gather
from holdfast.services.tail import Tail
from holdfast.services.ticks import send_ticks

logger = Logger(child=True)
metrics = Metrics()

T = TypeVar("T")

ROUNDS = 3
"""How often a lost race is folded again on what won it, before its records go back to the queue."""


LATER_MS = 5 * 60_000
"""How often it is tried whether what another release published can be read by now."""


class FoldedPart(NamedTuple):
    """The result of folding one part of a user: what to save (None: nothing changed), when to tick, what is refused.

    `due` is when the next watch falls due, `relied` is the nomination that has to come for it once this is saved.
    """

    save: Save | None
    nominate: int | None = None
    due: int | None = None
    relied: int | None = None
    decisions: tuple[Decision, ...] = ()
    refused: Sequence[Rejected] = ()


class Join:
    def __init__(
        self,
        *,
        users: Users,
        timers: Timers,
        plans: LivePlans,
        events: Queue,
        rejected: Queue,
        limits: Limits = LIMITS,
        shards: int = 1,
        clock: Callable[[], int] = now_ms,
        observer: Observer | None = None,
        historian: Historian | None = None,
        tail: Tail | None = None,
        volume: Volume | None = None,
        rules: Rules = RULES,
    ) -> None:
        self._users = users
        self._timers = timers
        self._plans = plans
        self._events = events
        self._rejected = rejected
        self._limits = limits
        self._shards = shards
        self._clock = clock
        self._observer = observer
        self._historian = historian
        self._tail = tail
        self._volume = volume
        self._rules = rules

    def take(self, bodies: list[Body]) -> list[str]:
        """Fold a batch. Returns the messages that have to come again."""
        sorted_out = self._sort_out(bodies)
        if sorted_out is None:
            logger.error("plans not read: the batch comes again")
            count(metrics, PlansUnread=1, MessagesReturned=len(bodies))
            return [body.message for body in bodies]
        timeline, batch, intake, found = sorted_out
        plans = timeline.newest
        self._show(batch, plans)
        unsaved, refused, untied = self._fold_all(intake, timeline, found)
        failed_users = {user for user, _ in unsaved}
        failed = {message for message, users in intake.users.items() if not users.isdisjoint(failed_users)}
        failed |= intake.later
        taken = intake.taken(refused, untied, failed)
        failed |= self._reject({m: rejects for m, rejects in taken.rejects.items() if m not in failed})
        self._count(intake, taken, failed)
        if plans.illegible or plans.undecidable:
            count(metrics, CampaignsUnreadable=len(plans) if plans.undecidable else len(plans.illegible))
        if intake.unread:
            count(metrics, SourcesUnreadable=len(intake.unread))
        self._note()
        self._measure(batch, failed)
        self._keep()
        self._tell(bodies, batch, timeline, taken, failed)
        return sorted(failed)

    def _sort_out(self, bodies: Sequence[Body]) -> tuple[Timeline, Sequence[Parsed], Intake, Found] | None:
        """All plans; the batch, read and sorted by what was in force when each message arrived; and what was found of
        the users. None where the plans could not be read.

        The epoch is read after all of the batch has arrived, in the same call as the users. Where it has moved, the
        plans are read again, and the batch is sorted anew.
        """
        try:
            timeline = self._plans.known()
            batch = parsed(bodies, self._rules, timeline.sources)
            for _ in range(CHASES):
                intake = Intake(batch, timeline.at)
                beside = Beside(self._plans.table, EPOCH)
                found = self._users.read(intake.keys | _asked(intake, timeline.newest), beside)
                if not beside.read:
                    return None
                if self._tail is not None:
                    self._tail.look(beside.item)
                if epoch_of(beside.item) == timeline.epoch:
                    return timeline, batch, intake, found
                before, timeline = timeline, self._plans.refresh()
                if before.sources or timeline.sources:
                    batch = parsed(bodies, self._rules, timeline.sources)
        except (ClientError, BotoCoreError):
            logger.exception("plans not read")
        return None

    def _show(self, batch: Sequence[Parsed], plans: Plans) -> None:
        """Every event of the batch, to those who follow it, besides the fold."""
        keeps = self._historian is not None and self._historian.begin(plans)
        if self._observer is None and not keeps:
            return
        for event in (record for message in batch for record in message.records if isinstance(record, Event)):
            if self._observer is not None:
                self._observer.see(event)
            if self._historian is not None and keeps:
                self._historian.see(event)

    def _fold_all(
        self, intake: Intake, timeline: Timeline, found: Found
    ) -> tuple[set[Key], list[tuple[str, Rejected]], list[Refused]]:
        """Fold and save every user of the batch. Returned is what could not be saved, what was refused, and which ties.

        `found` are the users as they were read first; who loses a race is read again. If something was published since,
        the winner may have known of it, and opened a watch that this batch's exits end only as the new plans read them:
        then the loser comes again.
        """
        plans = timeline.newest
        waiting = intake.keys
        failed: set[Key] = set()
        refused: dict[Key, Sequence[Rejected]] = {}
        untied: dict[Tie, Refused] = {}
        asked = _asked(intake, plans)
        for number in range(ROUNDS):
            asked = {(user, part) for user, part in asked if (user, "watches") in waiting}
            read = self._read_again(waiting | asked, timeline) if number else found
            persons = gather(lambda keys: self._read_again(keys, timeline), intake, waiting, asked, read)
            if persons is None:
                break
            lost, unsaved, came = self._round(persons, plans)
            failed |= _came_in(unsaved, persons)
            waiting = _came_in(lost, persons) - failed
            refused |= {min(persons.ids[key], default=key): each for key, each in came.items()}
            untied |= {each.tie: each for each in persons.people.refused}
            count(metrics, RacesLost=len(waiting))
            if not waiting:
                break
        failed |= waiting
        count(metrics, TiesRefused=len(untied))
        problems = [(key[0], each) for key, many in refused.items() if key not in failed for each in many]
        return failed, problems, list(untied.values())

    def _read_again(self, keys: set[Key], timeline: Timeline) -> Found | None:
        """The users; None where something was published in the meantime."""
        beside = Beside(self._plans.table, EPOCH)
        found = self._users.read(keys, beside)
        return found if beside.read and epoch_of(beside.item) == timeline.epoch else None

    def _round(self, persons: Persons, plans: Plans) -> tuple[set[Key], set[Key], dict[Key, Sequence[Rejected]]]:
        """Fold and save once. Returns the keys that lost a race, those that could not be saved, and the refused
        records.
        """
        unread = persons.unread | {(user, "watches") for user, _ in persons.unread & persons.asked}
        failed = persons.ids.keys() & unread
        outcomes = self._outcomes(persons.ids.keys() - unread, persons, plans)
        failed |= persons.ids.keys() - outcomes.keys()
        nominated = {key: outcome.nominate for key, outcome in outcomes.items() if outcome.nominate is not None}
        unticked = self._nominate({user: at for (user, _), at in nominated.items()})
        failed |= {key for key in nominated if key[0] in unticked}
        saved = self._save(outcomes, failed, persons)
        failed |= {key for key, what in saved.items() if what in {Saved.FAILED, Saved.REFUSED}}
        count(metrics, SavesRefused=sum(what is Saved.REFUSED for what in saved.values()))
        lost = {key for key, what in saved.items() if what is Saved.LOST}
        failed |= self._nominate_again({k: each for k, each in outcomes.items() if k not in failed | lost})
        done = [d for key, what in saved.items() if what is Saved.DONE for d in outcomes[key].decisions]
        for kind in get_args(Kind):
            count(metrics, **{f"Decided{kind.title()}": sum(d.kind == kind for d in done)})
        return lost, failed, {key: outcome.refused for key, outcome in outcomes.items()}

    def _save(self, outcomes: dict[Key, FoldedPart], failed: set[Key], persons: Persons) -> dict[Key, Saved]:
        """Save each person on its own. A person whom other ids join is saved in one transaction with their pointers."""
        joined = persons.people.joining
        alone = [each.save for key, each in outcomes.items() if key not in failed and key[0] not in joined]
        saved = self._save_alone({save.key: save for save in alone if save})
        for person in joined:
            keys: list[Key] = [(person, part) for part in PARTS]
            if failed.isdisjoint(keys):
                own = [save for key in keys if (save := outcomes[key].save)]
                what = self._users.save_together([*own, *persons.pointers(person)])
                saved |= dict.fromkeys(keys, what)
                count(metrics, IdsJoined=len(joined[person]) if what is Saved.DONE else 0)
            else:
                saved |= dict.fromkeys(keys, Saved.FAILED)
        return saved

    def _save_alone(self, saves: dict[Key, Save]) -> dict[Key, Saved]:
        """Save a user's profile before the decisions: deliver may render the message at once, with that profile.
        Decisions are not saved while their profile may still be saved later.
        """
        decided = {key[0] for key, save in saves.items() if save.outbox is not None}
        first = {key for key in saves if key[1] == "profile" and key[0] in decided}
        saved = self._users.save([saves[key] for key in first]) if first else {}
        later = {Saved.FAILED, Saved.LOST}
        without: dict[Key, Saved] = {(user, "watches"): what for (user, _), what in saved.items() if what in later}
        rest = [save for key, save in saves.items() if key not in first and key not in without]
        return {**saved, **without, **self._users.save(rest)}

    def _outcomes(self, keys: set[Key], persons: Persons, plans: Plans) -> dict[Key, FoldedPart]:
        """The results of the fold. A user who cannot be folded is left out, and keeps nobody else from being folded."""
        now, items = self._clock(), persons.items
        floor = now - MAX_AGE_MS - self._limits.waiting
        stored = {key: item.state for key, item in items.items() if key[1] == "watches"}
        states = _each(stored, lambda key: decode(stored[key]))

        def state(user: str) -> State:
            return states[user, "watches"] if (user, "watches") in stored else State()

        def outcome(key: Key) -> FoldedPart:
            user, part = key
            if part == "profile":
                return _profile(key, persons, floor)
            joining = [Alias(id_, state(id_)) for id_ in persons.joining(user)]
            asked = joining or (user, "profile") in persons.asked
            profile = _merged(user, persons, floor).profile if asked else {}
            known = Known(user, profiles.properties(profile))
            return self._watches(items.get(key), state(user), persons.inputs[user], plans, now, known, joining)

        return _each(sorted(keys - (stored.keys() - states.keys())), outcome)

    def _watches(  # noqa: PLR0917 (all that a fold takes)
        self,
        item: Item | None,
        state: State,
        inputs: Sequence[Input],
        plans: Plans,
        now: int,
        known: Known,
        aliases: Sequence[Alias],
    ) -> FoldedPart:
        nominated = item.nominated if item else None
        ticks = [each.at for each in inputs if isinstance(each, Tick)]
        if nominated is not None and ticks and nominated <= max(now, *ticks):
            nominated = None
        new, decisions, text, outbox = fold_to_fit(state, inputs, plans, now, self._limits, known, aliases=aliases)
        due = _due(new, plans, now)
        nominate = nomination(due, nominated, now)
        if not text:
            # A new nomination alone is not saved, as that costs a write: at worst a user is ticked twice.
            return FoldedPart(None, nominate, due if nominate is None else None, nominated)
        relied = nominated if nominate is None else nominate
        save = Save(
            (known.user, "watches"),
            text,
            item,
            nominated=relied,
            outbox=outbox,
            expires=None if new.ids else max(needed_until(new, plans, self._limits), now),
        )
        return FoldedPart(save, nominate, due, relied, tuple(decisions))

    def _nominate_again(self, saved: dict[Key, FoldedPart]) -> set[Key]:
        """Nominate the users whose tick may have been folded before the state that it is for was saved.

        Returns those who could not be nominated. A state that was not saved, because nothing changed, may come from the
        repetition of a fold that ended after its save.
        """
        now = self._clock()
        times = {key: nomination_again(outcome.due, outcome.relied, now) for key, outcome in saved.items()}
        again = {key: at for key, at in times.items() if at is not None}
        unticked = self._nominate({user: at for (user, _), at in again.items()}) if again else ()
        return {key for key in again if key[0] in unticked}

    def _nominate(self, users: dict[str, int]) -> set[str]:
        """Returns the users who could not be nominated. Timers are written before states: a crash in between leaves a
        tick without effect.
        """
        ticks, items = schedule(users, self._clock(), random.randrange(self._shards))  # noqa: S311 (spreads load)
        unwritten = {user for item in self._timers.write(items) for user in json.loads(item.users)}
        later, never = send_ticks(self._events, ticks)
        count(metrics, TicksRefused=len(never))
        return unwritten | later | never

    def _reject(self, rejects: Mapping[str, Sequence[Reject]]) -> set[str]:
        """The messages whose rejects could not be put on the rejected queue."""
        owned = [(m, Message(report(each))) for m, many in rejects.items() for each in many]
        unsent = set(self._rejected.send([message for _, message in owned]))
        return {m for m, message in owned if message in unsent}

    def _note(self) -> None:
        """Note new names and shapes, for people who write campaigns. A failure never fails the batch."""
        if self._observer is None:
            return
        try:
            count(metrics, ObservationsDropped=self._observer.note())
        except Exception:
            logger.exception("observations not noted")
            count(metrics, ObservationsFailed=1)

    def _measure(self, batch: Sequence[Parsed], failed: set[str]) -> None:
        """Count the events by name, for people."""
        if self._volume is None:
            return
        try:
            self._volume.count(batch, failed)
            self._volume.note()
        except Exception as error:  # noqa: BLE001
            logger.error("volume not noted", extra={"error": place_of(error)})  # noqa: TRY400
            count(metrics, ObservationsFailed=1)

    def _keep(self) -> None:
        """Keep history. A failure never fails the batch."""
        if self._historian is not None:
            kept, lost = self._historian.put()
            count(metrics, HistoryKept=kept, HistoryLost=lost)

    def _tell(
        self, bodies: Sequence[Body], batch: Sequence[Parsed], timeline: Timeline, taken: Taken, failed: set[str]
    ) -> None:
        """Show the batch to people who follow. A failure never fails the batch."""
        if self._tail is None:
            return
        try:
            self._tail.show(bodies, batch, timeline, taken.rejects, failed, self._rules)
        except Exception as error:  # noqa: BLE001
            logger.error("tail not written", extra={"error": place_of(error)})  # noqa: TRY400

    def _count(self, intake: Intake, taken: Taken, failed: set[str]) -> None:
        rejected = sum(len(rejects) for message, rejects in taken.rejects.items() if message not in failed)
        ignored = sum(number for message, number in intake.ignored.items() if message not in failed)
        records = sum(number for message, number in taken.records.items() if message not in failed)
        count(
            metrics,
            RecordsFolded=records - rejected,
            RecordsRejected=rejected,
            RecordsIgnored=ignored,
            MessagesReturned=len(failed),
            Ticks=intake.ticks,
        )


def _due(state: State, plans: Plans, now: int) -> int | None:
    """The time of a user's next tick. A watch that only a newer release can decide is checked from time to time."""
    left = {campaign for place in state.watches if plans.leaves(campaign := campaign_of(place))}
    due = state.due(plans.summaries, left)
    if left:
        later = State({place: of for place, of in state.watches.items() if campaign_of(place) in left}).due()
        if later is not None:
            later = max(later, now + LATER_MS)
            return later if due is None else min(due, later)
    return due


def _asked(intake: Intake, plans: Plans) -> set[Key]:
    """The profiles that decisions may need now. None is read if no campaign needs one."""
    return {(user, "profile") for user, inputs in intake.inputs.items() if _decides(inputs, plans)}


def _decides(inputs: Iterable[Input], plans: Plans) -> bool:
    if not plans.ask_profile:
        return False
    ids = {campaign_of(each.campaign) for each in inputs if isinstance(each, Hit)}
    return any(isinstance(each, Tick) for each in inputs) or any(plans[id_].immediate for id_ in ids if id_ in plans)


def _profile(key: Key, persons: Persons, floor: int) -> FoldedPart:
    item = persons.items.get(key)
    merged, refused = _merged(key[0], persons, floor)
    changed = merged != (profiles.decode(item.state) if item else {})
    save = Save(key, profiles.encode(merged), item) if changed else None
    return FoldedPart(save, refused=refused)


def _merged(user: str, persons: Persons, floor: int) -> profiles.Merged:
    """The profile merged with those of the ids that join the user, and with the changes of this batch."""
    items = [persons.items.get((id_, "profile")) for id_ in (user, *persons.joining(user))]
    known = [profiles.decode(item.state) if item else {} for item in items]
    profile = known[0] if len(known) == 1 else profiles.joined(known)
    return profiles.merge(profile, persons.changes.get(user, ()), floor)


def _came_in(keys: Iterable[Key], persons: Persons) -> set[Key]:
    """The keys under which the records for these keys came in."""
    return {came for key in keys for came in persons.ids.get(key, ())}


def _each(keys: Iterable[Key], make: Callable[[Key], T]) -> dict[Key, T]:
    """The results by key. Keys that fail are left out, counted, and logged without content."""
    made: dict[Key, T] = {}
    for key in keys:
        try:
            made[key] = make(key)
        except Exception as error:  # noqa: BLE001 (whatever is wrong with one user must not harm the others)
            logger.error("a user could not be folded", extra={"error": place_of(error)})  # noqa: TRY400
            count(metrics, UsersFailed=1)
    return made
