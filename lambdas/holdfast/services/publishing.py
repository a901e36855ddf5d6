"""Changing what is live: what a change would do, publishing it, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from holdfast.aws.tables.campaigns import Campaigns, UnknownCampaign
from holdfast.aws.tables.published import Published
from holdfast.aws.tables.revisions import Conflict
from holdfast.aws.tables.users import Users
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.text import CampaignFileError, fields, parse, validate
from holdfast.core.events import Json
from holdfast.core.explain.comparison import Change, Comparison, changes
from holdfast.core.fold.readable import read_properties, readable
from holdfast.core.fold.watches import Decision, State
from holdfast.core.gate.policy import NONE as NO_POLICY
from holdfast.core.gate.policy import Policy
from holdfast.core.messages.contract import breaks
from holdfast.core.messages.rendering import FindRevision, Rows, no_rows
from holdfast.core.places import campaign_of
from holdfast.core.plans.plan import Plan
from holdfast.services.message_data import Unread


class NoWayBack(ValueError):
    """A campaign cannot be rolled back to that revision; says why."""


class Breaking(ValueError):
    """Consumers of the messages would break: `what` says how."""

    def __init__(self, what: list[str]) -> None:
        super().__init__("; ".join(what))
        self.what = what


class Throttled(RuntimeError):
    """AWS throttles reads of the users table at the moment."""


class Diff(NamedTuple):
    """A draft against the live revision. `comparison` is None where nothing can change for the watches open now.

    `complete` is whether all users could be looked at in the time there was.
    """

    live: Published[Plan]
    changes: list[Change]
    comparison: Comparison
    complete: bool
    breaking: list[str]
    """The keys that consumers of the messages rely on, and would not find any more."""

    def to_json(self) -> dict[str, Json]:
        return {
            "campaign": self.live.plan.id,
            "live": self.live.plan.revision,
            "paused": self.live.plan.paused,
            "changes": [dict(change._asdict()) for change in self.changes],
            **self.comparison.to_json(),
            "complete": self.complete,
            "breaking": list(self.breaking),
        }


def plan_of(table: Campaigns) -> FindRevision:
    """Any revision's plan; each is read once. Raises UnknownCampaign."""
    return cache(lambda campaign, revision: table.get(campaign, revision).plan)


def live_then(table: Campaigns, plans: Mapping[str, Plan]) -> Callable[[Decision], Plan | None]:
    """The plan that was live when a decision was delivered, for `Rendering`. None if the live one was published later:
    then the revision under which the watch was folded renders it.
    """

    @cache
    def since(campaign: str) -> int:
        try:
            return table.get(campaign).since
        except UnknownCampaign:  # deleted since the plans were read
            return 0

    def live(decision: Decision) -> Plan | None:
        plan = plans.get(decision.campaign)
        return plan if plan and since(decision.campaign) < decision.when else None

    return live


def diff(
    table: Campaigns,
    users: Users,
    draft: Campaign,
    *,
    policy: Policy = NO_POLICY,
    rows: Rows = no_rows,
    examples: int = 3,
    scanned: Callable[[int], None] = lambda _items: None,
    time_left: Callable[[], bool] = lambda: True,
) -> Diff:
    """Reads the whole users table, where the change concerns what is open. Raises UnknownCampaign and Throttled."""
    live = table.get(draft.id)
    found = changes(fields(live.source), draft.model_dump(by_alias=True, mode="json"))
    plan = draft.plan(live.plan.revision + 1)
    comparison = Comparison(live.plan, plan, plan_of(table), policy=policy, rows=rows, examples=examples)
    complete = True
    if any(change.open for change in found):
        for page in _open(users, draft.id):
            try:
                comparison.add(page.users)
            except Unread as error:
                raise Throttled(f"AWS throttles reading: {error}. Try again in a minute.") from error
            scanned(page.scanned)
            if not time_left():
                complete = False
                break
    return Diff(live, found, comparison, complete, breaks(live.plan, plan))


class _User(NamedTuple):
    user: str
    state: State
    properties: Mapping[str, Json]


class _Page(NamedTuple):
    """A step of a scan: how many items were looked at, and who among them has an open watch of the campaign."""

    scanned: int
    users: list[_User]


def _open(table: Users, campaign: str) -> Iterator[_Page]:
    for page in table.scan(campaign):
        states = {user: _only(campaign, state) for user, state in readable(page.states).items()}
        pending = {user: state for user, state in states.items() if state.due() is not None}
        found, unread = table.read((user, "profile") for user in pending)
        if unread:
            raise Throttled("AWS throttles reading the users table. Try again in a minute.")
        kept = {user: read_properties(item.state) for (user, _), item in found.items()}
        known = ((user, state, kept.get(user, {})) for user, state in pending.items())
        yield _Page(page.scanned, [_User(user, state, of) for user, state, of in known if of is not None])


def _only(campaign: str, state: State) -> State:
    watches = {place: of for place, of in state.watches.items() if campaign_of(place) == campaign}
    return state._replace(watches=watches, floors={})


def publish(
    table: Campaigns,
    campaign: Campaign,
    text: str,
    now: int,
    *,
    seen: int | None = None,
    by: str = "",
    note: str = "",
    breaking: bool = True,
) -> tuple[Published[Plan], bool]:
    """Make the text the live revision. Returns it, and whether that changed anything.

    `seen` and Conflict are as for Campaigns.publish.

    Raises Breaking where it would break consumers, unless it may be `breaking`.
    """
    live = table.find(campaign.id)
    if live is not None and seen in {None, live.plan.revision}:
        if live.source == text:
            return live, False
        if not breaking and (broken := breaks(live.plan, campaign.plan())):
            raise Breaking(broken)
    return table.publish(campaign.id, text, campaign.plan, now, seen=seen, by=by, note=note), True


def rollback(
    table: Campaigns,
    campaign: str,
    now: int,
    *,
    to: int | None = None,
    seen: int | None = None,
    by: str = "",
    note: str = "",
    breaking: bool = True,
) -> tuple[Published[Plan], bool, int]:
    """Publish an old revision (without `to` the one before the live one) again, as a new one. What was published stays
    in the history as it was. Returned are the live revision, whether that is news, and which it is like.

    Raises NoWayBack, UnknownCampaign, Conflict, and Breaking as `publish` does.
    """
    live = table.get(campaign)
    if seen not in {None, live.plan.revision}:  # before anything is said of what one no longer sees
        raise Conflict(campaign)
    number = live.plan.revision - 1 if to is None else to
    if number < 1:
        raise NoWayBack(f"{campaign} has one revision only: there is nothing to go back to")
    source = table.get(campaign, number).source
    try:
        valid = validate(parse(source), Campaign)
    except CampaignFileError as error:
        told = error.mistakes[0].message
        see = f"holdfast campaign show {campaign} --revision {number}"
        raise NoWayBack(f"Revision {number} of {campaign} is not valid any more: {told}. See: {see}") from None
    return (*publish(table, valid, source, now, seen=seen, by=by, note=note, breaking=breaking), number)
