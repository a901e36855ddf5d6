"""Messages: seen before anyone gets them, put on the bus as a test, and explained."""

from __future__ import annotations

import time
from datetime import datetime, tzinfo
from typing import Any, Final

from holdfast.aws.bus import Entry
from holdfast.console.access import Person
from holdfast.console.answers import Refused
from holdfast.console.desk.drafts import Draft, draft_of, mistake_of
from holdfast.console.desk.ports import LOOKING_SECONDS, MESSAGES, Ports, is_known
from holdfast.console.models.messages import Explained, Occurrence, Previewed, Samples, Tested
from holdfast.core.authoring.matching import matching
from holdfast.core.events import Json
from holdfast.core.explain import absence, explanation
from holdfast.core.explain.preview import (
    NOTHING_KNOWN,
    NoMessage,
    Preview,
    answer,
    answered,
    as_test,
    latest,
    made_up,
    preview,
    read_events,
    rule_pattern,
)
from holdfast.core.fold.watches import Decision
from holdfast.core.gate.gate import Send
from holdfast.core.messages.detail import NOTHING_FOUND, Found
from holdfast.core.messages.rendering import Rendering, ToRender
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.templates.locales import zone
from holdfast.services.message_data import Unread
from holdfast.services.publishing import live_then, plan_of
from holdfast.services.user_data import Known as KnownUser
from holdfast.services.user_data import read_user

PUTTING_SECONDS: Final = 26
"""The time for putting a test on the bus, which keeps some of it for what would come after."""


class MessagesDesk(Ports):
    def preview(self, asked: Occurrence) -> Previewed:
        draft = draft_of(asked, tolerant=True)
        shown, gate = self._preview(draft, asked)
        told: Any = shown.to_json()
        return Previewed(
            gate=gate or None,
            ok=not draft.mistakes,
            mistakes=[mistake_of(each) for each in draft.mistakes],
            source=self.source,
            pattern=rule_pattern(shown.plan, self.source),
            **told,
        )

    def test_send(self, campaign: str, asked: Occurrence, by: str) -> Tested:
        """Put the message on the bus, marked as a test: of what is being written, or else of the live revision."""
        revision = None
        if asked.campaign is None and asked.source is None:
            live = self._get(campaign)
            asked, revision = asked.model_copy(update={"source": live.source}), live.plan.revision
        draft = draft_of(asked)
        if draft.campaign.id != campaign:
            raise Refused(422, "invalid", f"The file is of campaign {draft.campaign.id}, not of {campaign}.")
        shown, _ = self._preview(draft, asked, revision)
        if shown.reason:
            raise Refused(422, "withheld", f"Nothing was put on the bus, as the message is withheld: {shown.reason}.")
        now = self.clock()
        detail_type, body, text = as_test(shown, now)
        ends = time.monotonic() + PUTTING_SECONDS
        if refused := self.bus.put([Entry(detail_type, text, now)], lambda: ends - time.monotonic()):
            raise Refused(503, "not_put", f"The bus did not take it: {', '.join(refused.values())}. Try again.")
        self._record(by, "tested", campaign)
        return Tested(id=body["metadata"]["id"], source=self.source, detail_type=detail_type, detail=body)

    def _preview(self, draft: Draft, asked: Occurrence, revision: int | None = None) -> tuple[Preview, str]:
        """The preview, with a sentence about the rules between due and sent. Without a revision, the draft is taken as
        the next one.
        """
        plans = self.live.current().newest
        live = plans.get(draft.campaign.id)
        plan = draft.plan(revision or (live.revision + 1 if live else 1))
        try:
            known = read_user(self.users, asked.user) if asked.event is None or asked.profile is None else None
            if known and asked.event is None and not is_known(known):
                raise Refused(404, "unknown_user", f"Nothing is known of the user {asked.user}: is it their id?")
            decision = latest(plan, known.state, known.outbox) if known and asked.event is None else None
            if decision is None:
                given: Any = {} if asked.event is None else asked.event
                events = read_events(given, plan, asked.user, self.clock())
                state = known.state if known else NOTHING_KNOWN
                decision = made_up(plan, events, plans.recommenders.values(), state)
        except NoMessage as error:
            more = " Give an event." if asked.event is None else ""
            raise Refused(422, "no_message", f"No message: {error}.{more}") from None
        properties = asked.profile if asked.profile is not None else known.properties if known else {}
        decided = known is not None and decision in known.outbox
        state = known.state if known else NOTHING_KNOWN
        said = Send() if decided else answer(plan, asked.user, decision, properties, state, plans.policy)
        shown = preview(plan, asked.user, decision, properties, self._found(asked.user, decision, plan, plans))
        return shown, answered(plan, properties, said, plans.policy)

    def _found(self, user: str, decision: Decision, plan: Plan, plans: Plans) -> Found:
        """The data that deliver would look up; nothing is read for a campaign that names no catalog."""
        if not plan.catalogs and not plan.recommendations:
            return NOTHING_FOUND
        try:
            return self.lookup.rows(plans.recommenders)({0: ToRender(user, decision, plan)})(0)
        except Unread as error:
            raise Refused(503, "throttled", f"Try again in a moment: {error}.") from None

    def match(self, asked: Samples) -> dict[str, Json]:
        plan = draft_of(asked, tolerant=True).plan(1)
        try:
            events = [event for each in asked.events for event in read_events(each, plan, "sample", self.clock())]
        except NoMessage as error:
            raise Refused(422, "no_event", f"That is not an event: {error}.") from None
        return matching(plan, events).to_json()

    def explain(self, user: str, zone_name: str, person: Person) -> Explained:
        """A viewer sees decisions, but no profile and no rendered message."""
        try:
            where = zone(zone_name)
        except ValueError as error:
            raise Refused(422, "invalid", str(error)) from None
        plans = self.live.current().newest
        known = read_user(self.users, user)
        state, properties, outbox, person_id, _ = known
        rendering, rows = Rendering(plan_of(self.campaigns)), self.lookup.rows(plans.recommenders)
        live = live_then(self.campaigns, plans)
        found = explanation.explain(
            person_id,
            state,
            plans,
            self.clock(),
            zone=where,
            outbox=outbox,
            render=lambda each: rendering.outcomes([(person_id, each, live(each), properties)], rows)[0],
        )
        shown = found if person.may_edit else [each._replace(values=None) for each in found]
        told: Any = [each.to_json() for each in shown]
        profile: Any = properties if person.may_edit else None
        also = absence.absence(
            user,
            plans,
            known=is_known(known),
            rejected=self._rejected(known, where) if person.may_edit else (),
            seen=(each.name for each in self._seen()[0].values()),
            silent={each.campaign for each in found if each.status == "nothing"},
        )
        ids = known.about(user)
        return Explained(user=user, ids=ids, known=is_known(known), profile=profile, explanations=told, also=also)

    def _rejected(self, known: KnownUser, where: tzinfo) -> list[absence.Refused]:
        """Rejected records of a user, under any id, as far as a moment's look at the queue finds them; latest first."""
        ends = time.monotonic() + LOOKING_SECONDS
        looked = self._queue("rejected").look(MESSAGES, time_left=lambda: time.monotonic() < ends)
        found = sorted((each for each in looked if any(map(each.about, known.ids))), key=lambda each: -each.at)
        return [
            absence.Refused(each.reason, f"{datetime.fromtimestamp(each.at / 1000, where):%Y-%m-%d %H:%M}")
            for each in found
        ]
