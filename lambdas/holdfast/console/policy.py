"""The policy on the desk: read, checked, published and rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.aws.tables.campaigns import Campaigns, Policies, UnknownPolicy
from holdfast.aws.tables.published import Published
from holdfast.aws.tables.revisions import Conflict
from holdfast.console.answers import Refused
from holdfast.console.models.campaigns import Revision, Rollback
from holdfast.console.models.drafts import Mistake
from holdfast.console.models.policy import PolicyChecked, PolicyPublished, PolicyShown, PolicyText, PublishPolicy
from holdfast.core.authoring import text as files
from holdfast.core.authoring.policy import Policy
from holdfast.core.authoring.text import CampaignFileError
from holdfast.core.gate import policy
from holdfast.services import policies
from holdfast.services.publishing import NoWayBack


def show(table: Policies, revision: int | None) -> PolicyShown:
    live = table.live_one()
    if live is None and revision is None:
        return PolicyShown(revision=0, live_revision=0)
    with _answering(table):
        shown = live if live and revision in {None, live.plan.revision} else table.one(revision or 0)
    return PolicyShown(
        revision=shown.plan.revision,
        live_revision=live.plan.revision if live else 0,
        published_at=shown.published_at,
        published_by=shown.by or None,
        note=shown.note or None,
        source=shown.source,
        revisions=[_revision(each) for each in table.history()],
    )


def check(asked: PolicyText, campaigns: Campaigns) -> PolicyChecked:
    try:
        source = files.parse(asked.source)
        valid = files.validate(source, Policy)
    except CampaignFileError as error:
        return PolicyChecked(ok=False, mistakes=[*map(_mistake, error.mistakes)], hints=[])
    known = [each.plan.id for each in campaigns.live()] if valid.exempt else []
    hints = [_mistake(source.mistake(*hint)) for hint in valid.unknown(known)]
    return PolicyChecked(ok=True, mistakes=[], hints=hints)


def publish(table: Policies, asked: PublishPolicy, now: int, by: str) -> PolicyPublished:
    try:
        valid = files.validate(files.parse(asked.source), Policy)
    except CampaignFileError as error:
        told = [_mistake(each).model_dump() for each in error.mistakes]
        raise Refused(
            422, "invalid", f"The policy has a mistake: {error.mistakes[0].message}.", mistakes=told
        ) from None
    with _answering(table):
        live, changed = policies.publish(
            table, valid, asked.source, now, seen=asked.seen_revision, by=by, note=asked.note or ""
        )
    return _published(live, changed=changed)


def rollback(table: Policies, asked: Rollback, now: int, by: str) -> PolicyPublished:
    try:
        with _answering(table):
            live, changed, _ = policies.rollback(
                table, now, to=asked.to, seen=asked.seen_revision, by=by, note=asked.note or ""
            )
    except NoWayBack as error:
        raise Refused(422, "no_way_back", str(error)) from None
    return _published(live, changed=changed)


@contextmanager
def _answering(table: Policies) -> Iterator[None]:
    """A lost race is answered with what won it."""
    try:
        yield
    except UnknownPolicy:
        raise Refused(404, "not_found", "There is no such revision of the policy.") from None
    except Conflict:
        live = table.live_one()
        revision = live.plan.revision if live else 0
        raise Refused(
            409,
            "conflict",
            f"Somebody else changed the policy in the meantime: revision {revision} is live now. Look at what it says,"
            " then decide.",
            live_revision=revision,
        ) from None


def _published(live: Published[policy.Policy], *, changed: bool) -> PolicyPublished:
    return PolicyPublished(revision=live.plan.revision, published_at=live.published_at, changed=changed)


def _revision(published: Published[policy.Policy]) -> Revision:
    return Revision(
        revision=published.plan.revision,
        published_at=published.published_at,
        published_by=published.by or None,
        note=published.note or None,
    )


def _mistake(mistake: files.Mistake) -> Mistake:
    told = mistake._asdict()
    return Mistake(path=list(told.pop("at")), **{key: value for key, value in told.items() if key != "file"})
