"""Changing the policy of the stack: publishing it, and the way back."""

from __future__ import annotations

from holdfast.aws.tables.campaigns import Policies, UnknownPolicy
from holdfast.aws.tables.published import Published
from holdfast.aws.tables.revisions import Conflict
from holdfast.core.authoring.policy import Policy
from holdfast.core.authoring.text import CampaignFileError, parse, validate
from holdfast.core.gate import policy
from holdfast.services.publishing import NoWayBack


def publish(
    table: Policies, wanted: Policy, text: str, now: int, *, seen: int | None = None, by: str = "", note: str = ""
) -> tuple[Published[policy.Policy], bool]:
    """Make the text the live revision, and whether that changed anything.

    `seen` is the revision that whoever publishes has looked at (0: there was none). Raises Conflict.
    """
    live = table.live_one()
    if live is not None and live.source == text and seen in {None, live.plan.revision}:
        return live, False
    return table.publish(text, wanted.plan, now, seen=seen, by=by, note=note), True


def rollback(
    table: Policies, now: int, *, to: int | None = None, seen: int | None = None, by: str = "", note: str = ""
) -> tuple[Published[policy.Policy], bool, int]:
    """Publish an old revision (without `to` the one before the live one) again, as a new one. Returned are the live
    revision, whether that is news, and which it is like. Raises NoWayBack, UnknownPolicy and Conflict.
    """
    live = table.live_one()
    if live is None:
        raise UnknownPolicy("live")
    if seen not in {None, live.plan.revision}:
        raise Conflict("policy")
    number = live.plan.revision - 1 if to is None else to
    if number < 1:
        raise NoWayBack("The policy has one revision only: there is nothing to go back to. {} takes it back.")
    source = table.one(number).source
    try:
        valid = validate(parse(source), Policy)
    except CampaignFileError as error:
        why = error.mistakes[0].message
        see = f"holdfast policy show --revision {number}"
        raise NoWayBack(f"Revision {number} of the policy is not valid any more: {why}. See: {see}") from None
    return (*publish(table, valid, source, now, seen=seen, by=by, note=note), number)
