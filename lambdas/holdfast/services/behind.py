"""The users behind a campaign's numbers, as far as they are still known. Nothing is stored for it, and there is no
index:

    waiting, sent, converted, control, withheld, retracted    what the states of the users table say, for a few seconds
    withheld by delivery (a value was missing, …)             the last decisions saved with a state, rendered once more
    failed                                                    the queue of what could not be delivered

A state says what became of a message as long as the watch is remembered (`when.max_age` after its decision), and what
followed it as long as it may convert. A user who is deleted is behind no number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from holdfast.aws.tables.campaigns import UnknownCampaign
from holdfast.aws.tables.users import Page, Users
from holdfast.core.fold.readable import readable
from holdfast.core.fold.stored import decision_of
from holdfast.core.fold.watches import Decision, State
from holdfast.core.formats import NewerFormat
from holdfast.core.messages.rendering import Rendering, ToRender
from holdfast.core.messages.statistics import short
from holdfast.core.places import campaign_of
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.templates.templates import TemplateError
from holdfast.services.message_data import Gathered, Lookup, Unread
from holdfast.services.set_aside import Aside

Kind: TypeAlias = Literal["waiting", "sent", "converted", "control", "withheld", "retracted", "failed"]
MOST: Final = 50
"""Users of an answer."""
RENDERED: Final = 100
"""Messages that are rendered at once, to see which are withheld."""
BY_DELIVERY: Final = frozenset({"missing", "blank", "limit", "failed", "aborted", "refused", "no recommendation"})
"""The kinds of reasons that are known only once a message is rendered."""

Reasons: TypeAlias = Callable[[Sequence[tuple[str, Decision]]], Sequence[str]]
"""Why each of these messages to users would be withheld; empty where it would not."""


class Behind(NamedTuple):
    """Users, in order. `complete` is whether these are all."""

    users: list[str]
    complete: bool


class Asked(NamedTuple):
    """`reason`, as it is counted, is of what was withheld; empty means any."""

    campaign: str
    kind: Kind
    reason: str = ""

    @property
    def needs_rendering(self) -> bool:
        return self.kind == "withheld" and (not self.reason or self.reason.partition(":")[0] in BY_DELIVERY)


def behind(
    users: Users,
    asked: Asked,
    reasons: Reasons,
    *,
    time_left: Callable[[], bool] = lambda: True,
    most: int | None = None,
) -> Behind:
    """All kinds but `failed`. Raises what AWS raises."""
    most = MOST if most is None else most
    found: set[str] = set()
    complete = True
    for page in users.scan(asked.campaign, outboxes=asked.needs_rendering):
        states = readable(page.states)
        complete = complete and len(states) == len(page.states)
        found |= {user for user, state in states.items() if _counts(state, asked)}
        messages = _sent(page, asked.campaign) if asked.needs_rendering else iter(())
        while some := [*islice(messages, RENDERED)]:
            told = zip(some, reasons(some), strict=True)
            found |= {user for (user, _), reason in told if reason and asked.reason in {"", short(reason)}}
            if len(found) > most or not time_left():
                return Behind(sorted(found)[:most], complete=False)
        if len(found) > most or not time_left():
            return Behind(sorted(found)[:most], complete=False)
    return Behind(sorted(found), complete=complete)


def withheld_now(
    lookup: Lookup, rendering: Rendering, plans: Plans, live: Callable[[Decision], Plan | None]
) -> Reasons:
    """The reasons by what a message would say now: profile and catalog may have changed since it was delivered.

    `live` is a decision's plan at the time when it was delivered.
    """

    def reasons(decided: Sequence[tuple[str, Decision]]) -> list[str]:
        messages: dict[int, ToRender] = {}
        for number, (user, decision) in enumerate(decided):
            with suppress(UnknownCampaign):  # of a revision that there is no more
                messages[number] = rendering.message(user, decision, live(decision))
        gathered = lookup.gather(messages, plans.recommenders)
        told = {number: _reason(rendering, message, gathered, number) for number, message in messages.items()}
        return [told.get(number, "") for number in range(len(decided))]

    return reasons


def _reason(rendering: Rendering, message: ToRender, gathered: Gathered, number: int) -> str:
    try:
        return rendering.outcome(message, gathered.profile(message.user), gathered.found(number)).reason
    except TemplateError as error:
        return f"refused: {error}"
    except Unread:
        return ""


def behind_failed(undelivered: Iterable[Aside], campaign: str, *, complete: bool, most: int = MOST) -> Behind:
    """The users behind the undelivered messages that were looked at. `complete` is whether there are no others."""
    found = sorted({user for each in undelivered for user in _of(each, campaign)})
    return Behind(found[:most], complete=complete and len(found) <= most)


def _of(aside: Aside, campaign: str) -> Iterator[str]:
    """The users of its decisions on a campaign. What nobody can read names none."""
    for each in aside.body.get("outbox", ()):
        if each.get("campaign") == campaign and (user := each.get("user") or aside.body.get("user")):
            yield str(user)


def _counts(state: State, asked: Asked) -> bool:
    campaign, kind, reason = asked
    watches = [watch for place, _, watch in state.all() if campaign_of(place) == campaign]
    if kind == "waiting":
        return any(watch.pending is not None for watch in watches)
    decided = [watch.decided for watch in watches if watch.decided]
    if kind == "withheld":
        return any(each.kind == "withhold" and reason in {"", short(each.reason)} for each in decided)
    if kind == "retracted":
        return any(each.kind == "retract" for each in decided)
    if kind == "sent" and any(each.kind == "send" for each in decided):
        return True
    exposures = (each for place, of in state.exposures.items() if campaign_of(place) == campaign for each in of)
    return any(
        not each.void and bool(each.control) == (kind == "control") and (kind != "converted" or bool(each.bought))
        for each in exposures
    )


def _sent(page: Page, campaign: str) -> Iterator[tuple[str, Decision]]:
    """The decisions to send in the outboxes of a page's users; deliver sets aside what cannot be read."""
    for user, text in page.outboxes.items():
        for each in _decisions(text):
            with suppress(NewerFormat, TypeError, LookupError, ValueError, AttributeError):
                decision = decision_of(each)
                if (decision.kind, decision.campaign) == ("send", campaign):
                    yield user, decision


def _decisions(text: str) -> list[Any]:
    with suppress(ValueError):
        found = json.loads(text)
        return found if isinstance(found, list) else []
    return []
