"""`holdfast explain`: why a user did, did not, or will get a message."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import groupby
from typing import Annotated

import typer
from dateutil.tz import tzlocal  # type: ignore[import-untyped]
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.shapes import Observations
from holdfast.core.explain.absence import Refused, absence
from holdfast.core.explain.explanation import explain as explain_state
from holdfast.core.explain.facts import Explanation, Status
from holdfast.core.fold.watches import State
from holdfast.core.messages.rendering import Rendering
from holdfast.core.places import campaign_of
from holdfast.core.plans.plan import Plan
from holdfast.services.publishing import live_then, plan_of
from holdfast.services.user_data import Known, read_user
from holdfast_cli.campaigns import campaigns
from holdfast_cli.catalogs import lookup
from holdfast_cli.output import Failure, Json, Stage, not_empty, out, print_json
from holdfast_cli.set_aside import rejected_queue
from holdfast_cli.stack import Deployment
from holdfast_cli.users import users

COLOURS: dict[Status, str] = {
    "waits": "cyan",
    "due": "cyan",
    "sent": "green",
    "withheld": "yellow",
    "retracted": "magenta",
    "converted": "green",
    "full": "yellow",
}


LOOKED_AT = 300
"""Messages of the rejected queue: it is read ten at a time."""


def explain(
    user: Annotated[str, typer.Argument(help="The user's identity.", show_default=False, callback=not_empty)],
    *,
    campaign: Annotated[str, typer.Option("--campaign", "-c", help="Only this campaign.")] = "",
    utc: Annotated[bool, typer.Option("--utc", help="Print times in UTC, not in this machine's time zone.")] = False,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Say why a user did, did not, or will get a message: for each campaign and constant value.

    Example: `holdfast explain u-42 --campaign abandoned-cart --stage prod`
    """
    deployment = Deployment.find(stage)
    table = campaigns(deployment)
    plans = table.plans()
    of_user = read_user(users(deployment), user)
    state, properties, outbox, person, _ = of_user
    if campaign and campaign not in {*plans, *map(campaign_of, (*state.watches, *state.floors))}:
        raise Failure(f"There is no campaign {campaign}. See: holdfast campaign list")
    zone: tzinfo = UTC if utc else tzlocal()
    rendering, rows = Rendering(plan_of(table)), lookup(deployment).rows(plans.recommenders)
    live = live_then(table, plans)
    found = explain_state(
        person,
        state,
        plans,
        now_ms(),
        zone=zone,
        outbox=outbox,
        render=lambda each: rendering.outcomes([(person, each, live(each), properties)], rows)[0],
    )
    chosen = [each for each in found if campaign in {"", each.campaign}]
    if json:
        for each in chosen:
            print_json(each.to_json())
    elif chosen:
        _show(chosen)
    else:
        out.print("No campaign is published, and nothing is remembered of this user.")
    known = bool(properties or outbox) or state != State()
    asked = {each: plan for each, plan in plans.items() if campaign in {"", each}}
    silent = {each.campaign for each in chosen if each.status == "nothing"}
    _absence(deployment, user, of_user, asked, zone, known=known, silent=silent, as_json=json)


def _absence(
    deployment: Deployment,
    user: str,
    of_user: Known,
    plans: Mapping[str, Plan],
    zone: tzinfo,
    *,
    known: bool,
    silent: Collection[str],
    as_json: bool,
) -> None:
    """Which ids the user has, and why nothing came of an event under one of them: what the state cannot say."""
    aside = [each for each in rejected_queue(deployment).look(LOOKED_AT) if any(map(each.about, of_user.ids))]
    aside.sort(key=lambda each: -each.at)
    times = [f"{datetime.fromtimestamp(each.at / 1000, zone):%Y-%m-%d %H:%M}" for each in aside]
    refused = [Refused(each.reason, when) for each, when in zip(aside, times, strict=True)]
    seen = Observations(deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"])
    names = [each.name for each in seen.read().values()] if silent or not known else []
    found = absence(user, plans, known=known, rejected=refused, seen=names, silent=silent)
    told = [*of_user.about(user), *found]
    if as_json and told:
        print_json({"user": user, "also": told})
    elif told:
        for each in told:
            out.print(f"  [yellow]{'also':<10}[/] {escape(each)}")


def _show(explanations: Sequence[Explanation]) -> None:
    for (campaign, name), group in groupby(explanations, lambda each: (each.campaign, each.name)):
        out.print(f"[bold]{escape(name)}[/]" + (f" [dim]{escape(campaign)}[/]" if name != campaign else ""))
        for each in group:
            colour = COLOURS.get(each.status, "dim")
            out.print(f"  [{colour}]{each.status:<10}[/] {escape(each.text)}")
