"""`holdfast who`: the users behind a number of a campaign."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.core.messages.rendering import Rendering
from holdfast.services.behind import Asked, Behind, Kind, behind, behind_failed, withheld_now
from holdfast.services.publishing import live_then, plan_of
from holdfast_cli.campaigns import campaigns
from holdfast_cli.catalogs import lookup
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json
from holdfast_cli.set_aside import undelivered_queue
from holdfast_cli.stack import Deployment
from holdfast_cli.users import users

LOOKED_AT = 10_000
"""Messages of the undelivered queue."""


def who(
    campaign: Annotated[str, typer.Argument(help="The campaign's id.", show_default=False)],
    kind: Annotated[Kind, typer.Argument(help="Which number.", show_default=False)],
    *,
    reason: Annotated[str, typer.Option(help="For withheld messages: the reason, as stats prints it.")] = "",
    limit: Annotated[int, typer.Option(help="How many users at most.", min=1)] = 1000,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """List the users behind a number that `holdfast stats` prints, as far as their states still say so.

    A state keeps the outcome of a message for `when.max_age` after its decision, and its conversions for as long as it
    may convert. Messages withheld at delivery (such as missing: Profile.name) are found by rendering the last decisions
    of each user with today's data. This reads the whole users table; for `failed`, it reads the queue of undelivered
    decisions.

    Example: `holdfast who abandoned-cart withheld --stage prod`
    """
    deployment = Deployment.find(stage)
    asked = Asked(campaign, kind, reason)
    if reason and kind != "withheld":
        raise Failure("--reason is for withheld messages: holdfast who CAMPAIGN withheld --reason audience")
    found = _found(deployment, asked, limit)
    for user in found.users:
        if json:
            print_json({"user": user})
        else:
            out.print(user, markup=False, highlight=False, soft_wrap=True)
    if not found.complete:
        err.print(f"There are more than these {len(found.users)}.")
    elif not found.users and not json:
        out.print("Nobody, as far as states still say so.")


def _found(deployment: Deployment, asked: Asked, limit: int) -> Behind:
    table = campaigns(deployment)
    plans = table.plans()
    if asked.campaign not in plans:
        raise Failure(f"There is no campaign {asked.campaign}. See: holdfast campaign list")
    if asked.kind == "failed":
        looked = undelivered_queue(deployment).look(LOOKED_AT)
        return behind_failed(looked, asked.campaign, complete=len(looked) < LOOKED_AT, most=limit)
    reasons = withheld_now(lookup(deployment), Rendering(plan_of(table)), plans, live_then(table, plans))
    return behind(users(deployment), asked, reasons, most=limit)
