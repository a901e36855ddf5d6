"""The actions behind the console's routes. They use the same functions as the command line, and decide nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import structs

from holdfast.aws.bus import Bus, Entry
from holdfast.aws.clock import now_ms
from holdfast.aws.tables.activity import Act, Activity
from holdfast.aws.tables.campaigns import Campaigns, LivePlans, Policies, Recommendations, Sources, UnknownCampaign
from holdfast.aws.tables.catalog import Catalogs
from holdfast.aws.tables.published import Published as Live
from holdfast.aws.tables.revisions import Conflict
from holdfast.aws.tables.shapes import Observations
from holdfast.aws.tables.statistics import Open, Statistics, waiting
from holdfast.aws.tables.tail import Tails, TooMany
from holdfast.aws.tables.users import Users
from holdfast.aws.tables.volume import Volumes
from holdfast.aws.telemetry import Logger
from holdfast.console import models, policy
from holdfast.console.access import Person
from holdfast.console.answers import Refused
from holdfast.core.authoring import suggestions
from holdfast.core.authoring import text as campaign_text
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.hints import Known, hints
from holdfast.core.authoring.matching import matching
from holdfast.core.authoring.suggestions import Known as Suggestible
from holdfast.core.authoring.text import CampaignFileError, Source
from holdfast.core.events import Json, event_key
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
from holdfast.core.intake.shapes import Seen, property_shapes
from holdfast.core.intake.tail import mark
from holdfast.core.intake.volume import OTHERS, SHOWN_DAYS, by_event
from holdfast.core.measure.report import comparable, reported
from holdfast.core.messages.detail import NOTHING_FOUND, Found
from holdfast.core.messages.rendering import Message, Rendering
from holdfast.core.messages.statistics import days, series
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.plans.uses import used
from holdfast.core.templates.locales import zone
from holdfast.core.times import format_duration
from holdfast.services.behind import Asked, behind, behind_failed, withheld_now
from holdfast.services.message_data import Lookup, Unread
from holdfast.services.publishing import Breaking, NoWayBack, Throttled, diff, live_then, plan_of, publish, rollback
from holdfast.services.set_aside import Aside, SetAside, Wanted
from holdfast.services.user_data import Known as KnownUser
from holdfast.services.user_data import read_user

SECONDS: Final = 15
"""For what reads a whole table: an HTTP API waits half a minute for an answer."""
PUTTING_SECONDS: Final = 26
"""For putting a test on the bus, which keeps some of it for what would come after."""
SAMPLE: Final = 200
"""Items of the users table that are looked at for the names of profile properties."""
COUNTING_SECONDS: Final = 2
"""For counting what is open, which reads the whole users table: some 50 MB in this time."""
MOST_BATCHES: Final = 20
"""Of a tail, in one answer: each may have 25 records, and is deleted by a call of its own."""
MESSAGES: Final = 300
"""Of a queue, at most, that are looked at for one page."""
LOOKING_SECONDS: Final = 5
EXAMPLES: Final = 5
"""Messages of a group that are shown."""
FRESH_SECONDS: Final = 60
"""How long what was observed is kept: names, which change seldom."""


logger = Logger(child=True)


class Draft(NamedTuple):
    """A campaign that is being written. `mistakes` are those of templates only: with others it is refused whole."""

    source: Source
    campaign: Campaign
    mistakes: list[campaign_text.Mistake]

    def plan(self, revision: int) -> Plan:
        plan = self.campaign.plan(revision)
        if not self.mistakes:
            return plan
        templates, types = campaign_text.templates_of(self.source.data["send"]["values"])
        return replace(plan, values=templates, types=types)


@dataclass
class Desk:
    stage: str
    source: str
    campaigns: Campaigns
    live: LivePlans
    users: Users
    observations: Observations
    volumes: Volumes
    catalogs: Catalogs
    lookup: Lookup
    recommendations: Recommendations
    policies: Policies
    sources: Sources
    tails: Tails
    statistics: Statistics
    bus: Bus
    activity: Activity
    queues: Mapping[str, SetAside]
    clock: Callable[[], int] = now_ms
    _observed: tuple[float, dict[str, Seen], Seen] | None = field(default=None, init=False)
    _open: tuple[int, Open] | None = field(default=None, init=False)

    # --- Campaigns ---------------------------------------------------------------------------------------------------

    def list_campaigns(self) -> models.Listed:
        return models.Listed(campaigns=[_row(published) for published in self.campaigns.live()])

    def show(self, campaign: str, revision: int | None) -> models.Shown:
        live = self._get(campaign)
        shown = live if revision in {None, live.plan.revision} else self._get(campaign, revision)
        return models.Shown(
            id=campaign,
            revision=shown.plan.revision,
            live_revision=live.plan.revision,
            paused=live.plan.paused,
            published_at=shown.published_at,
            published_by=shown.by or None,
            note=shown.note or None,
            source=shown.source,
            campaign=_as_json(shown.source),
            revisions=[_revision(each) for each in self.campaigns.revisions(campaign)],
        )

    def check(self, draft: models.Drafted) -> models.Checked:
        try:
            source = _source(draft)
        except CampaignFileError as error:
            return models.Checked(ok=False, campaign=None, source=draft.source, mistakes=_mistakes(error), hints=[])
        said: Any = campaign_text.plain(source.data)
        told: Any = {"campaign": said if isinstance(said, dict) else None, "source": source.text}
        try:
            campaign = campaign_text.validate(source, Campaign)
        except CampaignFileError as error:
            return models.Checked(ok=False, mistakes=_mistakes(error), hints=[], **told)
        events, profile = self._seen()
        columns = self._columns() if campaign.catalogs else None
        found = [source.mistake(*hint) for hint in hints(campaign, Known(events, profile, columns))]
        return models.Checked(ok=True, mistakes=[], hints=[_hint(each) for each in found], **told)

    def diff(self, draft: models.Drafted) -> models.Diff:
        campaign = _draft(draft).campaign
        ends = time.monotonic() + SECONDS
        try:
            plans, left = self.live.current().newest, lambda: time.monotonic() < ends
            rows = self.lookup.rows(plans.recommenders)
            found = diff(self.campaigns, self.users, campaign, policy=plans.policy, rows=rows, time_left=left)
        except UnknownCampaign:
            return models.Diff(campaign=campaign.id, live=0, changes=[], open=0, complete=True, sentences=[])
        except Throttled as error:
            raise Refused(503, "throttled", str(error)) from None
        told: Any = {**found.to_json(), "sentences": list(found.comparison.sentences())}
        return models.Diff.model_validate(told)

    def publish(self, campaign: str, asked: models.Publish, by: str) -> models.Published:
        draft = _draft(asked, rewrite=True)
        if draft.campaign.id != campaign:
            raise Refused(422, "invalid", f"The file is of campaign {draft.campaign.id}, not of {campaign}.")
        seen, note = asked.seen_revision, asked.note or ""
        with self._alone(campaign):
            live, changed = publish(
                self.campaigns,
                draft.campaign,
                draft.source.text,
                self.clock(),
                seen=seen,
                by=by,
                note=note,
                breaking=asked.force,
            )
        if changed:
            self._record(by, "published", campaign, revision=live.plan.revision, note=note)
        return _published(live, changed=changed)

    def pause(self, campaign: str, asked: models.Seen, by: str, *, paused: bool) -> models.Published:
        with self._alone(campaign):
            live = self.campaigns.pause(campaign, paused=paused, seen=asked.seen_revision)
        self._record(by, "paused" if paused else "resumed", campaign, revision=live.plan.revision, note=asked.note)
        return _published(live, changed=True)

    def delete(self, campaign: str, asked: models.Seen, by: str) -> models.Deleted:
        with self._alone(campaign):
            last = self.campaigns.delete(campaign, seen=asked.seen_revision)
        self._record(by, "deleted", campaign, revision=last.plan.revision, note=asked.note)
        return models.Deleted(id=campaign, revision=last.plan.revision)

    def rollback(self, campaign: str, asked: models.Rollback, by: str) -> models.Published:
        seen, note = asked.seen_revision, asked.note or ""
        try:
            with self._alone(campaign):
                live, changed, _ = rollback(
                    self.campaigns,
                    campaign,
                    self.clock(),
                    to=asked.to,
                    seen=seen,
                    by=by,
                    note=note,
                    breaking=asked.force,
                )
        except NoWayBack as error:
            raise Refused(422, "no_way_back", str(error)) from None
        if changed:
            self._record(by, "rolled back", campaign, revision=live.plan.revision, note=note)
        return _published(live, changed=changed)

    def _record(self, by: str, action: str, of: str, *, note: str | None = None, **counted: int) -> None:
        """An action that cannot be recorded has happened all the same. The log says so, and the answer is a success."""
        try:
            self.activity.record(Act(self.clock(), by, action, of, note=note or "", **counted))
        except (ClientError, BotoCoreError):
            logger.exception("activity not recorded", extra={"action": action, "of": of, "by": by})

    def acts(self) -> models.Activity:
        return models.Activity(acts=[_act(each) for each in self.activity.latest()])

    # --- The policy --------------------------------------------------------------------------------------------------

    def publish_policy(self, asked: models.PublishPolicy, by: str) -> models.PolicyPublished:
        published = policy.publish(self.policies, asked, self.clock(), by)
        if published.changed:
            self._record(by, "published", "policy", revision=published.revision, note=asked.note)
        return published

    def rollback_policy(self, asked: models.Rollback, by: str) -> models.PolicyPublished:
        published = policy.rollback(self.policies, asked, self.clock(), by)
        if published.changed:
            self._record(by, "rolled back", "policy", revision=published.revision, note=asked.note)
        return published

    # --- Messages ----------------------------------------------------------------------------------------------------

    def preview(self, asked: models.Occurrence) -> models.Previewed:
        draft = _draft(asked, tolerant=True)
        shown, gate = self._preview(draft, asked)
        told: Any = shown.to_json()
        return models.Previewed(
            gate=gate or None,
            ok=not draft.mistakes,
            mistakes=[_mistake(each) for each in draft.mistakes],
            source=self.source,
            pattern=rule_pattern(shown.plan, self.source),
            **told,
        )

    def test_send(self, campaign: str, asked: models.Occurrence, by: str) -> models.Tested:
        """Put the message on the bus, marked as a test: of what is being written, or else of the live revision."""
        revision = None
        if asked.campaign is None and asked.source is None:
            live = self._get(campaign)
            asked, revision = asked.model_copy(update={"source": live.source}), live.plan.revision
        draft = _draft(asked)
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
        return models.Tested(id=body["metadata"]["id"], source=self.source, detail_type=detail_type, detail=body)

    def _preview(self, draft: Draft, asked: models.Occurrence, revision: int | None = None) -> tuple[Preview, str]:
        """And, as a sentence, what stands between due and sent. Without a revision, the draft is the next one."""
        plans = self.live.current().newest
        live = plans.get(draft.campaign.id)
        plan = draft.plan(revision or (live.revision + 1 if live else 1))
        try:
            known = read_user(self.users, asked.user) if asked.event is None or asked.profile is None else None
            if known and asked.event is None and not _is_known(known):
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
            return self.lookup.rows(plans.recommenders)({0: Message(user, decision, plan)})(0)
        except Unread as error:
            raise Refused(503, "throttled", f"Try again in a moment: {error}.") from None

    def match(self, asked: models.Samples) -> dict[str, Json]:
        plan = _draft(asked, tolerant=True).plan(1)
        try:
            events = [event for each in asked.events for event in read_events(each, plan, "sample", self.clock())]
        except NoMessage as error:
            raise Refused(422, "no_event", f"That is not an event: {error}.") from None
        return matching(plan, events).to_json()

    # --- What is known -----------------------------------------------------------------------------------------------

    def seen(self) -> models.SeenNames:
        events, profile = self._seen()
        uses = used(self.live.current().newest.values())
        wanted = days(self.clock(), SHOWN_DAYS)
        volume = by_event(self.volumes.read(wanted[0], wanted[-1]), wanted, events)
        return models.SeenNames(
            days=wanted,
            events=sorted(
                (
                    models.SeenEvent(
                        name=each.name,
                        properties=_properties(each),
                        campaigns=_uses(uses.get(key, {})),
                        volume=volume[key],
                    )
                    for key, each in events.items()
                ),
                key=lambda each: each.name.casefold(),
            ),
            others=volume[OTHERS],
            profile=_properties(profile),
        )

    def list_catalogs(self) -> models.Catalogs:
        return models.Catalogs(
            catalogs=[
                models.Catalog(
                    name=each.name,
                    columns=list(each.columns),
                    rows=each.counts.get("rows") if each.at else None,
                    imported_at=each.at,
                )
                for each in self.catalogs.all()
            ]
        )

    def list_recommendations(self) -> models.Recommendations:
        columns = self._columns()
        return models.Recommendations(
            recommendations=[
                models.Recommendation(
                    name=live.plan.id,
                    title=live.plan.name or live.plan.id,
                    revision=live.plan.revision,
                    published_at=live.published_at,
                    catalog=live.plan.catalog,
                    columns=columns.get(live.plan.catalog, []),
                    limit=live.plan.limit,
                )
                for live in self.recommendations.live()
            ]
        )

    def tail(self, asked: models.LookOn) -> models.Tailed:
        """As far as a few hundred records; the rest is counted. Who does not ask for values gets none, not even of
        somebody else's tail.
        """
        user = mark(asked.id, asked.user) if asked.user else ""
        try:
            self.tails.ask(asked.id, user=user, event=event_key(asked.event), values=asked.values)
        except TooMany:
            raise Refused(429, "too_many", "Others look on already: try again in a minute.") from None
        found = list(islice(self.tails.take(asked.id), MOST_BATCHES))
        records: list[Any] = [
            {**structs.asdict(line), "at": line.at or None, **({} if asked.values else {"values": {}})}
            for lines, _ in found
            for line in lines
        ]
        return models.Tailed(records=records, more=sum(more for _, more in found))

    def list_sources(self) -> models.Sources:
        return models.Sources(
            sources=[
                models.LiveSource(
                    id=live.plan.id,
                    name=live.plan.name or live.plan.id,
                    revision=live.plan.revision,
                    match=live.plan.match,
                    published_at=live.published_at,
                    published_by=live.by or None,
                    note=live.note or None,
                    source=live.source,
                )
                for live in self.sources.live()
            ]
        )

    def _columns(self) -> dict[str, list[str]]:
        return {each.name: list(each.columns) for each in self.catalogs.all()}

    def suggest(self, asked: models.Drafted) -> models.Suggested:
        events, profile = self._seen()
        data: Any = campaign_text.plain(_source(asked).data) if asked.campaign or asked.source else {}
        columns = self._columns()
        recommended = {
            each.id: columns.get(each.catalog, []) for each in self.live.current().newest.recommenders.values()
        }
        groups = suggestions.suggest(data, Suggestible(events, profile, columns, recommended))
        return models.Suggested.model_validate(
            {"groups": [{"group": name, "items": [each._asdict() for each in items]} for name, items in groups]}
        )

    def explain(self, user: str, zone_name: str, person: Person) -> models.Explained:
        """A viewer is shown decisions, but no profile, and no message that is made of it."""
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
            known=_is_known(known),
            rejected=self._rejected(known, where) if person.may_edit else (),
            seen=(each.name for each in self._seen()[0].values()),
            silent={each.campaign for each in found if each.status == "nothing"},
        )
        ids = known.about(user)
        return models.Explained(
            user=user, ids=ids, known=_is_known(known), profile=profile, explanations=told, also=also
        )

    def _rejected(self, known: KnownUser, where: tzinfo) -> list[absence.Refused]:
        """Rejected records of a user, under any id, as far as a moment's look at the queue finds them; latest first."""
        ends = time.monotonic() + LOOKING_SECONDS
        looked = self._queue("rejected").look(MESSAGES, time_left=lambda: time.monotonic() < ends)
        found = sorted((each for each in looked if any(map(each.about, known.ids))), key=lambda each: -each.at)
        return [
            absence.Refused(each.reason, f"{datetime.fromtimestamp(each.at / 1000, where):%Y-%m-%d %H:%M}")
            for each in found
        ]

    def count(self, number: int) -> models.Statistics:
        now = self.clock()
        wanted = days(now, number)
        campaigns = self.live.current().newest
        by_day = self.statistics.read(campaigns, wanted[0], wanted[-1])
        followed = {id_: self._followed(plan, wanted, now) for id_, plan in campaigns.items() if plan.convert}
        at, (watches, complete) = self._waiting(now)
        return models.Statistics(
            days=wanted,
            waiting_at=at,
            campaigns={
                campaign: models.Numbers.model_validate(
                    {
                        "waiting": watches[campaign] if complete else None,
                        "waiting_at_least": watches[campaign],
                        **series(by_day[campaign], wanted).to_json(),
                        **followed.get(campaign, {}),
                    }
                )
                for campaign in campaigns
            },
        )

    def _followed(self, plan: Plan, wanted: Sequence[str], now: int) -> dict[str, Json]:
        """The conversions after a campaign's messages, and the report on them."""
        by_day = self.statistics.outcomes.read([plan.id], wanted[0], wanted[-1])[plan.id]
        revisions = comparable(plan, (each.plan for each in self.campaigns.revisions(plan.id)))
        found = reported(plan, by_day, revisions, now)
        return {"outcomes": [*found.rows()], "comparisons": [each.to_json() for each in found.comparisons]}

    def behind(self, asked: Asked) -> models.Behind:
        self._get(asked.campaign)
        ends = time.monotonic() + LOOKING_SECONDS
        if asked.kind == "failed":
            looked = self._queue("undelivered").look(MESSAGES, time_left=lambda: time.monotonic() < ends)
            complete = len(looked) < MESSAGES and time.monotonic() < ends
            return models.Behind(**behind_failed(looked, asked.campaign, complete=complete)._asdict())
        plans = self.live.current().newest
        live = live_then(self.campaigns, plans)
        reasons = withheld_now(self.lookup, Rendering(plan_of(self.campaigns)), plans, live)
        return models.Behind(**behind(self.users, asked, reasons, time_left=lambda: time.monotonic() < ends)._asdict())

    def _waiting(self, now: int) -> tuple[int, Open]:
        """Counted for a few seconds at most, and again after a minute."""
        if self._open is None or now - self._open[0] > FRESH_SECONDS * 1000:
            ends = time.monotonic() + COUNTING_SECONDS
            self._open = now, waiting(self.users, time_left=lambda: time.monotonic() < ends)
        return self._open

    def _seen(self) -> tuple[dict[str, Seen], Seen]:
        """Events by key, and the properties of profiles: of the latter a sample tells."""
        now = time.monotonic()
        if self._observed is None or now - self._observed[0] > FRESH_SECONDS:
            sample: Iterable[Mapping[str, Json]] = self.users.sample_profiles(SAMPLE)
            shapes = frozenset(shape for each in sample for shape in property_shapes(each))
            self._observed = now, self.observations.read(), Seen("profile", shapes)
        return self._observed[1:]

    # --- What could not go on ----------------------------------------------------------------------------------------

    def counts(self) -> models.Counts:
        return models.Counts(**{name: queue.total() for name, queue in self.queues.items()})

    def look(self, name: str, search: str = "") -> models.Queued:
        queue, ends = self._queue(name), time.monotonic() + LOOKING_SECONDS
        looked = queue.look(MESSAGES, time_left=lambda: time.monotonic() < ends)
        found = [each for each in looked if each.holds(search)]
        groups: dict[str, list[Aside]] = {}
        for each in sorted(found, key=lambda aside: -aside.at):
            groups.setdefault(each.group, []).append(each)
        return models.Queued(
            groups=[_group(name, of) for name, of in sorted(groups.items(), key=lambda item: -len(item[1]))],
            looked=len(looked),
            found=len(found),
            approximate_total=max(queue.total(), len(looked)),
        )

    def redrive(self, name: str, asked: models.Chosen, by: str) -> models.Redriven:
        queue, ends = self._queue(name), time.monotonic() + SECONDS
        done, failed = queue.redrive(
            max(queue.total(), len(asked.ids or ())),
            wanted=_wanted(asked),
            time_left=lambda: time.monotonic() < ends,
        )
        if done:
            self._record(by, "retried", name, number=done, note=asked.note)
        return models.Redriven(redriven=done, failed=dict(failed), left=queue.total())

    def discard(self, name: str, asked: models.Chosen, by: str) -> models.Discarded:
        """Only what is named: there is no discarding of everything, whatever came in meanwhile."""
        if not asked.ids and not asked.groups:
            raise Refused(422, "request", "Say which messages: their ids, or their groups.")
        queue, ends = self._queue(name), time.monotonic() + SECONDS
        limit = max(queue.total(), len(asked.ids or ()))
        done = queue.discard(limit, wanted=_wanted(asked), time_left=lambda: time.monotonic() < ends)
        if done:
            self._record(by, "discarded", name, number=done, note=asked.note)
        return models.Discarded(discarded=done, left=queue.total())

    def _queue(self, name: str) -> SetAside:
        try:
            return self.queues[name]
        except KeyError:
            raise Refused(404, "not_found", f"There is no queue {name}: {' and '.join(self.queues)} are.") from None

    def _get(self, campaign: str, revision: int | None = None) -> Live[Plan]:
        try:
            return self.campaigns.get(campaign, revision)
        except UnknownCampaign as error:
            raise _unknown(error) from None

    def _alone(self, campaign: str) -> _Alone:
        return _Alone(self, campaign)


@dataclass(frozen=True)
class _Alone:
    """Tells a lost race with what won it, and that there is no such campaign."""

    desk: Desk
    campaign: str

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _traceback: object) -> Literal[False]:
        if isinstance(error, UnknownCampaign):
            raise _unknown(error) from None
        if isinstance(error, Breaking):
            raise Refused(
                409,
                "breaking",
                f"Consumers of the messages would break: {error}. To do it all the same, send force.",
                breaking=error.what,
            ) from None
        if isinstance(error, Conflict):
            live = self.desk.campaigns.find(self.campaign)
            revision = live.plan.revision if live else 0
            raise Refused(
                409,
                "conflict",
                f"Somebody else changed {self.campaign} in the meantime: revision {revision} is live now. Look at what"
                " it says, then decide.",
                live_revision=revision,
                paused=bool(live and live.plan.paused),
            ) from None
        return False


def _unknown(error: UnknownCampaign) -> Refused:
    return Refused(404, "not_found", f"There is no campaign {error}.")


def _source(draft: models.Drafted, *, rewrite: bool = True) -> Source:
    """Raises CampaignFileError. A draft that is JSON need not become text to be read (`rewrite`)."""
    if draft.campaign is None:
        return campaign_text.parse(draft.source or "")
    if not rewrite:
        return Source("", "", draft.campaign)
    return campaign_text.parse(campaign_text.rewritten(draft.campaign, draft.source or ""))


def _draft(asked: models.Drafted, *, tolerant: bool = False, rewrite: bool = False) -> Draft:
    """Raises Refused. A tolerant one may have mistakes in its templates, and nowhere else."""
    try:
        source = _source(asked, rewrite=rewrite)
        try:
            return Draft(source, campaign_text.validate(source, Campaign), [])
        except CampaignFileError as error:
            rest = campaign_text.without_templates(source) if tolerant else None
            if rest is None:
                raise
            return Draft(source, campaign_text.validate(rest, Campaign), error.mistakes)
    except CampaignFileError as error:
        told = [_mistake(each).model_dump() for each in error.mistakes]
        raise Refused(
            422, "invalid", f"The campaign has a mistake: {error.mistakes[0].message}.", mistakes=told
        ) from None


def _as_json(source: str) -> dict[str, Any] | None:
    """A published file as it stands, whether today's rules take it or not."""
    try:
        data = campaign_text.plain(campaign_text.parse(source).data)
    except CampaignFileError:
        return None
    return data if isinstance(data, dict) else None


def _is_known(user: KnownUser) -> bool:
    return bool(user.properties or user.outbox or user.state.watches or user.state.floors)


def _wanted(asked: models.Chosen) -> Wanted:
    """All, where nothing is chosen."""
    ids, groups = frozenset(asked.ids or ()), frozenset(asked.groups or ())
    chosen = ids or groups
    return lambda aside: (not chosen or aside.id in ids or aside.group in groups) and aside.holds(asked.search)


def _group(name: str, of: list[Aside]) -> models.QueueGroup:
    """`of` are its messages, the newest first."""
    return models.QueueGroup(
        group=name,
        reason=of[0].reason,
        count=len(of),
        first=of[-1].at,
        last=of[0].at,
        campaigns=sorted({campaign for each in of for campaign in each.campaigns}),
        messages=[
            models.Waiting(id=each.id, reason=each.reason, campaigns=each.campaigns, at=each.at, record=each.body)
            for each in of[:EXAMPLES]
        ],
    )


def _act(act: Act) -> models.Act:
    return models.Act(
        at=act.at,
        by=act.by or None,
        action=act.action,
        of=act.of,
        revision=act.revision,
        count=act.number,
        note=act.note or None,
    )


def _revision(published: Live[Plan]) -> models.Revision:
    return models.Revision(
        revision=published.plan.revision,
        published_at=published.published_at,
        published_by=published.by or None,
        note=published.note or None,
    )


def _row(live: Live[Plan]) -> models.Row:
    plan = live.plan
    return models.Row(
        id=plan.id,
        name=plan.name,
        revision=plan.revision,
        paused=plan.paused,
        published_at=live.published_at,
        published_by=live.by or None,
        did=[plan.names.get(key, key) for key in plan.did],
        did_not=[plan.names.get(key, key) for key in plan.did_not],
        within=format_duration(plan.within),
        one_per="user" if plan.summary else "value",
    )


def _published(live: Live[Plan], *, changed: bool) -> models.Published:
    return models.Published(
        id=live.plan.id,
        revision=live.plan.revision,
        paused=live.plan.paused,
        published_at=live.published_at,
        changed=changed,
    )


def _mistakes(error: CampaignFileError) -> list[models.Mistake]:
    return [_mistake(each) for each in error.mistakes]


def _mistake(mistake: campaign_text.Mistake) -> models.Mistake:
    told = mistake._asdict()
    return models.Mistake(path=list(told.pop("at")), **{key: value for key, value in told.items() if key != "file"})


def _hint(mistake: campaign_text.Mistake) -> models.Hint:
    return models.Hint.model_validate(_mistake(mistake).model_dump(exclude={"template_line", "template_column"}))


def _uses(campaigns: Mapping[str, Any]) -> list[models.Use]:
    return [models.Use(campaign=campaign, part=part) for campaign, part in sorted(campaigns.items())]


def _properties(seen: Seen) -> list[models.SeenProperty]:
    return [models.SeenProperty(path=path, types=sorted(seen.types(path))) for path in sorted(seen.paths)]
