"""`holdfast stats`: what became of each campaign's messages, by day, and what it is waiting for."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.progress import TaskID

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.statistics import Statistics, waiting
from holdfast.core.messages.statistics import Series, days, series
from holdfast_cli.campaigns import campaigns
from holdfast_cli.output import Json, Stage, out, print_json, print_rows, progress
from holdfast_cli.stack import Deployment
from holdfast_cli.users import users

COLUMNS = ("campaign", "waiting", "sent", "withheld", "retracted", "failed", "most often")
_ONLY: Final = TaskID(0)


def stats(
    *,
    last: Annotated[int, typer.Option("--days", help="How many days, today (UTC) among them.", min=1, max=90)] = 14,
    count: Annotated[
        bool, typer.Option("--waiting/--no-waiting", help="Count what is waiting. This reads the whole users table.")
    ] = True,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Count what is waiting, sent, withheld (by reason), retracted and failed, for each campaign. --json has each day.

    A batch that the stream delivers twice is counted twice. The exact books are in the metrics.
    """
    deployment = Deployment.find(stage)
    wanted = days(now_ms(), last)
    names = [each.plan.id for each in campaigns(deployment).live()]
    table = Statistics(deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"])
    by_day = table.read(names, wanted[0], wanted[-1])
    watches = None
    if count:
        people = users(deployment)
        with progress("reading the users table", people.size() or None) as bar:
            watches = waiting(people, scanned=lambda items: bar.advance(_ONLY, items)).watches
    rows: list[dict[str, Any]] = []
    for name in names:
        found, open_now = series(by_day[name], wanted), watches[name] if watches is not None else None
        if json:
            print_json({"campaign": name, "days": wanted, "waiting": open_now, **found.to_json()})
        rows.append({"campaign": name, "waiting": open_now, **_sums(found)})
    if rows and not json:
        print_rows(rows, COLUMNS, as_json=False, title=f"{wanted[0]} to {wanted[-1]}, UTC")
    elif not json:
        out.print("No campaign is published yet. Publish one with: holdfast campaign publish FILE")


def _sums(found: Series) -> dict[str, Any]:
    withheld = [f"{sum(counts)} {reason}" for reason, counts in found.withheld.items()]
    return {
        "sent": sum(found.sent),
        "withheld": withheld,
        "retracted": sum(found.retracted),
        "failed": sum(found.failed),
        "most often": [f"{value} ({count})" for value, count in found.top[:3]],
    }
