"""The one way from a decision to its outcome: which revision renders it, with what, and whether it is sent or withheld.

    decision ──message──► which revision ──rows──► profile, catalog, recommendations ──outcome──► sent, or withheld: why

deliver, preview, diff, explain, simulate, the campaign tests and the console all go this way, so that what people are
shown is what is sent. Each of them reads the data itself: deliver for many messages at once, a preview for one, and
simulate from files.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from holdfast.core.events import Json
from holdfast.core.fold.watches import Decision, Kind
from holdfast.core.messages.detail import NOTHING_FOUND, Found, context, detail, detail_type, too_large
from holdfast.core.plans.plan import Plan
from holdfast.core.templates.bounds import SECRET, SIGNING
from holdfast.core.templates.templates import TemplateError, Values, Withheld, compile_values

COMPILED = 256
"""Revisions of which the compiled templates are kept."""
NO_SECRET = "preview"  # noqa: S105 (no secret: the stage's is not known where people look at messages)

FindRevision: TypeAlias = Callable[[str, int], Plan]
"""A campaign's plan by its id and revision."""

Render: TypeAlias = Callable[[Mapping[str, Json]], Mapping[str, Json]]
"""Makes the values of a message out of the objects that templates can name. Raises Withheld."""


class ToRender(NamedTuple):
    """A message to be rendered, by the plan that renders it."""

    user: str
    decision: Decision
    plan: Plan


class Rows(Protocol):
    """Reads the catalog rows and recommendations of many messages at once, and returns them one by one."""

    def __call__(self, messages: Mapping[int, ToRender], /) -> Callable[[int], Found]: ...


def no_rows(_messages: Mapping[int, ToRender], /) -> Callable[[int], Found]:
    return lambda _number: NOTHING_FOUND


class Outcome(NamedTuple):
    """The message for a decision, or the reason against it: `values` are there where it is sent, `reason` where it is
    withheld.

    `text` is the detail as it goes on the bus.
    """

    kind: Kind
    revision: int
    reason: str = ""
    values: Mapping[str, Json] | None = None
    found: Found = NOTHING_FOUND
    detail_type: str = ""
    detail: Mapping[str, Json] = {}
    text: str = ""

    @property
    def sent(self) -> bool:
        return self.values is not None


def rendered_by(decision: Decision, live: Plan | None, revision: FindRevision) -> Plan:
    """The live revision; or the one under which the watch was folded, if the live one names properties that the watch
    did not keep, or recommendations that were not named at the decision.
    """
    if live is not None and live.revision == decision.revision:
        return live
    folded = revision(decision.campaign, decision.revision)
    if live is None or not set(live.keep) <= set(folded.keep) or not set(live.recommendations) <= {*decision.recent}:
        return folded
    return live


def outcome(message: ToRender, profile: Mapping[str, Json], found: Found, render: Render) -> Outcome:
    """A decision to send, rendered: withheld if a value is, or if the bus would refuse the message."""
    user, decision, plan = message

    def gone_out(kind: Kind, reason: str = "", values: Mapping[str, Json] | None = None) -> Outcome:
        body = detail(user, decision, plan=plan, profile=profile, values=values, reason=reason, found=found)
        named = detail_type(kind, plan)
        return Outcome(kind, plan.revision, reason, values, found, named, body, json.dumps(body, ensure_ascii=False))

    try:
        sent = gone_out("send", values=render(context(decision, plan, profile, found)))
    except Withheld as withheld:
        return gone_out("withhold", withheld.reason)
    reason = too_large(sent.detail_type, sent.text)
    return gone_out("withhold", reason) if reason else sent


def notice(user: str, decision: Decision, live: Plan | None) -> Outcome:
    """A decision that sends no message: no template is rendered, and no profile read."""
    body = detail(user, decision, plan=live, profile={}, reason=decision.reason)
    revision = live.revision if live else decision.revision
    named = detail_type(decision.kind, live)
    text = json.dumps(body, ensure_ascii=False)
    return Outcome(decision.kind, revision, decision.reason, detail_type=named, detail=body, text=text)


class Rendering:
    """Templates are compiled once for each revision. `secret` is asked for only by campaigns that sign."""

    def __init__(self, revision: FindRevision, secret: Callable[[], str] = lambda: NO_SECRET) -> None:
        self._revision = revision
        self._secret = secret
        self._compiled: OrderedDict[tuple[str, int, str], Values | TemplateError] = OrderedDict()

    def message(self, user: str, decision: Decision, live: Plan | None) -> ToRender:
        """The message to render, in the variant that was decided, or else in that of the user.

        Raises what finding an older revision raises.
        """
        plan = rendered_by(decision, live, self._revision)
        if variant := decision.variant or plan.variant_of(user):
            plan, decision = plan.varied(variant), decision._replace(variant=variant)
        return ToRender(user, decision, plan)

    def outcome(self, message: ToRender, profile: Mapping[str, Json], found: Found = NOTHING_FOUND) -> Outcome:
        """Raises TemplateError for a revision whose templates an older release took, and this one does not; and what
        the secret raises.
        """
        values = self._values(message.plan)
        if isinstance(values, TemplateError):
            raise values
        signing = self._signing(message.plan)
        return outcome(message, profile, found, lambda objects: values.render({**objects, **signing}))

    def outcomes(
        self, decided: Sequence[tuple[str, Decision, Plan | None, Mapping[str, Json]]], rows: Rows = no_rows
    ) -> list[Outcome]:
        """For people: the outcome for each user, decision, live plan and profile. Templates that are refused today
        withhold their message. Raises the errors of reading.
        """
        messages = {
            number: self.message(user, decision, live)
            for number, (user, decision, live, _) in enumerate(decided)
            if decision.kind == "send"
        }
        found = rows(messages) if messages else no_rows(messages)
        outcomes = []
        for number, (user, decision, live, profile) in enumerate(decided):
            message = messages.get(number)
            outcomes.append(self._shown(message, profile, found(number)) if message else notice(user, decision, live))
        return outcomes

    def _shown(self, message: ToRender, profile: Mapping[str, Json], found: Found) -> Outcome:
        try:
            return self.outcome(message, profile, found)
        except TemplateError as error:
            return Outcome("withhold", message.plan.revision, f"refused: {error}")

    def _signing(self, plan: Plan) -> dict[str, Json]:
        return {SECRET: self._secret()} if any(SIGNING in template for template in plan.values.values()) else {}

    def _values(self, plan: Plan) -> Values | TemplateError:
        revision = (plan.id, plan.revision, plan.variant)
        if revision not in self._compiled:
            try:
                self._compiled[revision] = compile_values(
                    plan.values, events=plan.did, catalogs=plan.catalogs, types=plan.types, live=True
                )
            except TemplateError as error:
                self._compiled[revision] = error
            if len(self._compiled) > COMPILED:
                self._compiled.popitem(last=False)
        return self._compiled[revision]
