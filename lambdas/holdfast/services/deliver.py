"""deliver: reads decisions from the table's stream, renders messages, and puts them on the event bus."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import to_builtins

from holdfast.aws.bus import Bus, Entry
from holdfast.aws.queues import Message, Queue
from holdfast.aws.retry import CALL_SECONDS, attempts
from holdfast.aws.tables.campaigns import CHASES, Campaigns, LivePlans, Restless
from holdfast.aws.tables.statistics import Statistics
from holdfast.aws.telemetry import Logger, Metrics, count, place_of
from holdfast.core.fold.stored import decision_of
from holdfast.core.fold.watches import Decision, Kind
from holdfast.core.formats import NewerFormat, sendable
from holdfast.core.intake.timeline import Timeline
from holdfast.core.messages.rendering import Outcome, Rendering, ToRender, notice
from holdfast.core.messages.scores import scores
from holdfast.core.messages.statistics import Became, tallies
from holdfast.core.plans.plans import Plans
from holdfast.services.message_data import Gathered, Lookup, Unread

logger = Logger(child=True)
metrics = Metrics()


NEWER = "needs a newer release"
PLAN_TRIES = 3
PLAN_RESERVE_SECONDS = 20
"""The time that must be left after a read of the campaigns: enough for one more, and to put everything aside."""


class UserDecision(NamedTuple):
    user: str
    decision: Decision


class Rendered(NamedTuple):
    """The event that goes on the bus for a decision. A send becomes a withhold where a value is missing."""

    decided: UserDecision
    kind: Kind
    entry: Entry
    reason: str = ""


class _Data(NamedTuple):
    """The input of rendering: the plans, the messages by the decision's number, the data read for them, and
    the decisions that cannot be rendered, each with the reason.
    """

    plans: Plans
    messages: dict[int, ToRender]
    gathered: Gathered
    failed: list[tuple[UserDecision, str]]


class Undelivered(RuntimeError):
    """The undelivered queue, too, refused decisions that could not be delivered."""


class Deliver:
    def __init__(
        self,
        *,
        lookup: Lookup,
        campaigns: Campaigns,
        live: LivePlans,
        bus: Bus,
        undelivered: Queue,
        statistics: Statistics | None = None,
        secret: Callable[[], str] = str,
    ) -> None:
        self._lookup = lookup
        self._live = live
        self._bus = bus
        self._undelivered = undelivered
        self._statistics = statistics
        revision = lru_cache(maxsize=256)(lambda campaign, number: campaigns.get(campaign, number).plan)
        self._secret = secret
        self._rendering = Rendering(revision, self._signing)

    def take(self, images: Iterable[Mapping[str, Any]], seconds_left: Callable[[], float]) -> None:
        """Deliver the decisions in the outboxes of the written items, in order."""
        decided: list[UserDecision] = []
        for image in images:
            try:
                for each in json.loads(image["outbox"]["S"]):
                    decided += self._read(image["user"]["S"], each)
            except Exception as error:  # noqa: BLE001 (one image that is not as it should be concerns one user)
                logger.error("outbox not readable", extra={"error": place_of(error)})  # noqa: TRY400
                self._set_aside([{"reason": "not readable", "image": dict(image)}])
        self.deliver(decided, seconds_left)

    def _read(self, user: str, data: Mapping[str, Any]) -> list[UserDecision]:
        """One decision; one that this release cannot read is set aside."""
        try:
            decision = decision_of(data)
            return [UserDecision(decision.user or user, decision)]
        except NewerFormat:
            self._set_aside([{"reason": NEWER, "user": user, "outbox": [data]}])
        except Exception as error:  # noqa: BLE001 (by a release that was rolled back, or by hand)
            logger.error("decision not readable", extra={"error": place_of(error)})  # noqa: TRY400
            self._set_aside([{"reason": "not readable", "user": user, "outbox": [data]}])
        return []

    def deliver(self, decided: Sequence[UserDecision], seconds_left: Callable[[], float]) -> None:
        if not decided:
            return
        try:
            plans, messages, gathered, failed = self._gather(decided, seconds_left)
        except (ClientError, BotoCoreError, Restless) as error:
            logger.exception("campaigns not readable")
            reason = f"the campaigns could not be read: {type(error).__name__}"
            self._set_aside_all([(each, reason) for each in decided])
            return
        rendered: list[Rendered] = []
        for number, each in enumerate(decided):
            message = messages.get(number)
            try:
                if message:
                    profile, found = gathered.profile(each.user), gathered.found(number)
                    rendered.append(_rendered(each, self._rendering.outcome(message, profile, found)))
                elif each.decision.kind != "send":
                    rendered.append(_rendered(each, notice(*each, plans.get(each.decision.campaign))))
            except Unread as error:
                failed.append((each, str(error)))
            except Exception as error:  # what cannot be rendered must not hold up what can
                logger.exception("not rendered", extra={"campaign": each.decision.campaign})
                failed.append((each, f"not rendered: {type(error).__name__}"))
        refused = self._bus.put([each.entry for each in rendered], seconds_left)
        failed += [(each.decided, f"not put: {refused[each.entry]}") for each in rendered if each.entry in refused]
        put = Counter(each.kind for each in rendered if each.entry not in refused)
        count(metrics, Delivered=put["send"], Retracted=put["retract"], Withheld=put["withhold"])
        count(metrics, Converted=put["convert"], Unconverted=put["unconvert"])
        self._set_aside_all(failed)
        put_all = (Became(e.decided.decision, e.kind, e.reason) for e in rendered if e.entry not in refused)
        self._tally([*put_all, *(Became(each.decision, None) for each, _ in failed)], seconds_left)

    def _gather(self, decided: Sequence[UserDecision], seconds_left: Callable[[], float]) -> _Data:
        """All that is published at the moment, and the data for the messages.

        The epoch is read in the same call as the profiles. Where it has moved, the plans are read again. Raises what
        AWS raises, after some tries, and Restless.
        """
        timeline = self._read_plans(self._live.known, seconds_left)
        for _ in range(CHASES):
            failed: list[tuple[UserDecision, str]] = []
            messages = self._messages(decided, timeline.newest, failed)
            gathered = self._lookup.gather(messages, timeline.newest.recommenders)
            if gathered.epoch == timeline.epoch:
                return _Data(timeline.newest, messages, gathered, failed)
            timeline = self._read_plans(self._live.refresh, seconds_left)
        raise Restless

    @staticmethod
    def _read_plans(read: Callable[[], Timeline], seconds_left: Callable[[], float]) -> Timeline:
        """Raises what AWS raises, after some tries."""
        for _ in attempts(PLAN_TRIES, first=0.5, seconds_left=seconds_left, reserve=PLAN_RESERVE_SECONDS):
            try:
                return read()
            except (ClientError, BotoCoreError):
                logger.warning("campaigns not readable; once more")
        return read()

    def _messages(
        self, decided: Sequence[UserDecision], plans: Plans, failed: list[tuple[UserDecision, str]]
    ) -> dict[int, ToRender]:
        """The messages to send, by the decision's number, each with the plan that renders it."""
        messages = {}
        for number, each in enumerate(decided):
            user, decision = each
            if decision.kind == "send":
                try:
                    messages[number] = self._rendering.message(user, decision, plans.get(decision.campaign))
                except Exception as error:
                    logger.exception("not rendered", extra={"campaign": decision.campaign})
                    failed.append((each, f"not rendered: {type(error).__name__}"))
        return messages

    def _signing(self) -> str:
        """The secret for the templates that sign. Raises Unread: nothing is withheld where it cannot be read."""
        try:
            return self._secret()
        except Exception as error:
            raise Unread(f"the signing secret could not be read: {type(error).__name__}") from error

    def _tally(self, outcomes: Sequence[Became], seconds_left: Callable[[], float]) -> None:
        """Count the outcomes, last of all. A failure here does not undo a delivery."""
        if self._statistics is None:
            return
        if seconds_left() < 2 * CALL_SECONDS:
            count(metrics, Uncounted=len(outcomes))
            return
        try:
            self._statistics.add(tallies(outcomes))
            self._statistics.outcomes.add(scores(outcomes))
        except Exception:
            logger.exception("not counted")
            count(metrics, Uncounted=len(outcomes))

    def _set_aside_all(self, failed: Iterable[tuple[UserDecision, str]]) -> None:
        self._set_aside(
            {"reason": reason, "user": user, "outbox": [to_builtins(decision)]} for (user, decision), reason in failed
        )

    def _set_aside(self, undelivered: Iterable[dict[str, Any]]) -> None:
        """Put undeliverable decisions, whole and with the reason, on a queue that people can inspect and redrive."""
        texts = [sendable(each) for each in undelivered]
        if None in texts:  # no item of the table is so large
            raise Undelivered
        messages = [Message(text) for text in texts if text is not None]
        if self._undelivered.send(messages):
            raise Undelivered
        count(metrics, Undelivered=len(messages))


def _rendered(decided: UserDecision, outcome: Outcome) -> Rendered:
    entry = Entry(outcome.detail_type, outcome.text, decided.decision.when)
    return Rendered(decided, outcome.kind, entry, outcome.reason)
