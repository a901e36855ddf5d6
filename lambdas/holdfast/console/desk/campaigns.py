"""Campaigns and the policy: shown, checked, published, taken back; and who did it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from holdfast.aws.tables import activity
from holdfast.aws.tables.campaigns import UnknownCampaign
from holdfast.aws.tables.published import Published as Live
from holdfast.aws.tables.revisions import Conflict
from holdfast.console import policy
from holdfast.console.answers import Refused
from holdfast.console.desk.drafts import draft_of, mistake_of, mistakes_of, source_of
from holdfast.console.desk.ports import SECONDS, Ports, unknown
from holdfast.console.models.campaigns import (
    Act,
    Activity,
    Checked,
    Deleted,
    Diff,
    Hint,
    Listed,
    Publish,
    Published,
    Revision,
    Rollback,
    Row,
    Seen,
    Shown,
)
from holdfast.console.models.drafts import Drafted
from holdfast.console.models.policy import PolicyPublished, PublishPolicy
from holdfast.core.authoring import text as campaign_text
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.hints import Known, hints
from holdfast.core.authoring.text import CampaignFileError
from holdfast.core.plans.plan import Plan
from holdfast.core.times import format_duration
from holdfast.services.publishing import Breaking, NoWayBack, Throttled, diff, publish, rollback


class CampaignsDesk(Ports):
    def list_campaigns(self) -> Listed:
        return Listed(campaigns=[_row(published) for published in self.campaigns.live()])

    def show(self, campaign: str, revision: int | None) -> Shown:
        live = self._get(campaign)
        shown = live if revision in {None, live.plan.revision} else self._get(campaign, revision)
        return Shown(
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

    def check(self, draft: Drafted) -> Checked:
        try:
            source = source_of(draft)
        except CampaignFileError as error:
            return Checked(ok=False, campaign=None, source=draft.source, mistakes=mistakes_of(error), hints=[])
        said: Any = campaign_text.plain(source.data)
        told: Any = {"campaign": said if isinstance(said, dict) else None, "source": source.text}
        try:
            campaign = campaign_text.validate(source, Campaign)
        except CampaignFileError as error:
            return Checked(ok=False, mistakes=mistakes_of(error), hints=[], **told)
        events, profile = self._seen()
        columns = self._columns() if campaign.catalogs else None
        found = [source.mistake(*hint) for hint in hints(campaign, Known(events, profile, columns), source)]
        return Checked(ok=True, mistakes=[], hints=[_hint(each) for each in found], **told)

    def diff(self, draft: Drafted) -> Diff:
        campaign = draft_of(draft).campaign
        ends = time.monotonic() + SECONDS
        try:
            plans, left = self.live.current().newest, lambda: time.monotonic() < ends
            rows = self.lookup.rows(plans.recommenders)
            found = diff(self.campaigns, self.users, campaign, policy=plans.policy, rows=rows, time_left=left)
        except UnknownCampaign:
            return Diff(campaign=campaign.id, live=0, changes=[], open=0, complete=True, sentences=[])
        except Throttled as error:
            raise Refused(503, "throttled", str(error)) from None
        told: Any = {**found.to_json(), "sentences": list(found.comparison.sentences())}
        return Diff.model_validate(told)

    def publish(self, campaign: str, asked: Publish, by: str) -> Published:
        draft = draft_of(asked, rewrite=True)
        if draft.campaign.id != campaign:
            raise Refused(422, "invalid", f"The file is of campaign {draft.campaign.id}, not of {campaign}.")
        seen, note = asked.seen_revision, asked.note or ""
        with self._reporting_conflicts(campaign):
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

    def pause(self, campaign: str, asked: Seen, by: str, *, paused: bool) -> Published:
        with self._reporting_conflicts(campaign):
            live = self.campaigns.pause(campaign, paused=paused, seen=asked.seen_revision)
        self._record(by, "paused" if paused else "resumed", campaign, revision=live.plan.revision, note=asked.note)
        return _published(live, changed=True)

    def delete(self, campaign: str, asked: Seen, by: str) -> Deleted:
        with self._reporting_conflicts(campaign):
            last = self.campaigns.delete(campaign, seen=asked.seen_revision)
        self._record(by, "deleted", campaign, revision=last.plan.revision, note=asked.note)
        return Deleted(id=campaign, revision=last.plan.revision)

    def rollback(self, campaign: str, asked: Rollback, by: str) -> Published:
        seen, note = asked.seen_revision, asked.note or ""
        try:
            with self._reporting_conflicts(campaign):
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

    def acts(self) -> Activity:
        return Activity(acts=[_act(each) for each in self.activity.latest()])

    def publish_policy(self, asked: PublishPolicy, by: str) -> PolicyPublished:
        published = policy.publish(self.policies, asked, self.clock(), by)
        if published.changed:
            self._record(by, "published", "policy", revision=published.revision, note=asked.note)
        return published

    def rollback_policy(self, asked: Rollback, by: str) -> PolicyPublished:
        published = policy.rollback(self.policies, asked, self.clock(), by)
        if published.changed:
            self._record(by, "rolled back", "policy", revision=published.revision, note=asked.note)
        return published

    def _reporting_conflicts(self, campaign: str) -> _ReportingConflicts:
        return _ReportingConflicts(self, campaign)


@dataclass(frozen=True)
class _ReportingConflicts:
    """Turns errors of a change into answers: a lost race with the revision that won, a breaking change, an unknown
    campaign.
    """

    desk: CampaignsDesk
    campaign: str

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _traceback: object) -> Literal[False]:
        if isinstance(error, UnknownCampaign):
            raise unknown(error) from None
        if isinstance(error, Breaking):
            raise Refused(
                409,
                "breaking",
                f"Consumers of the messages would break: {error}. To do it anyway, send force.",
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


def _as_json(source: str) -> dict[str, Any] | None:
    """A published file as it stands, whether today's rules take it or not."""
    try:
        data = campaign_text.plain(campaign_text.parse(source).data)
    except CampaignFileError:
        return None
    return data if isinstance(data, dict) else None


def _act(act: activity.Act) -> Act:
    return Act(
        at=act.at,
        by=act.by or None,
        action=act.action,
        of=act.of,
        revision=act.revision,
        count=act.number,
        note=act.note or None,
    )


def _revision(published: Live[Plan]) -> Revision:
    return Revision(
        revision=published.plan.revision,
        published_at=published.published_at,
        published_by=published.by or None,
        note=published.note or None,
    )


def _row(live: Live[Plan]) -> Row:
    plan = live.plan
    return Row(
        id=plan.id,
        name=plan.name,
        revision=plan.revision,
        paused=plan.paused,
        published_at=live.published_at,
        published_by=live.by or None,
        did=[plan.name_of(key) for key in plan.did],
        did_not=[plan.name_of(key) for key in plan.did_not],
        within=format_duration(plan.within),
        one_per="user" if plan.summary else "value",
    )


def _published(live: Live[Plan], *, changed: bool) -> Published:
    return Published(
        id=live.plan.id,
        revision=live.plan.revision,
        paused=live.plan.paused,
        published_at=live.published_at,
        changed=changed,
    )


def _hint(mistake: campaign_text.Mistake) -> Hint:
    return Hint.model_validate(mistake_of(mistake).model_dump(exclude={"template_line", "template_column"}))
