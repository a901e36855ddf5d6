"""`holdfast stats`: what became of each campaign's messages, by day, and what it is waiting for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from csv import DictWriter
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.progress import TaskID

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Campaigns
from holdfast.aws.tables.statistics import Statistics, waiting
from holdfast.core.events import Json as JsonValue
from holdfast.core.measure.report import Reported, comparable, counted, reported
from holdfast.core.messages.scores import Score, total
from holdfast.core.messages.statistics import Series, days, series
from holdfast.core.plans.plan import Plan
from holdfast_cli.campaigns import campaigns
from holdfast_cli.output import Json, Stage, out, print_json, print_rows, progress
from holdfast_cli.stack import Deployment
from holdfast_cli.users import users

COLUMNS = ("campaign", "waiting", "sent", "withheld", "retracted", "failed", "most often")
ROW = (
    *("campaign", "day", "revision", "variant", "group", "messages", "converted", "amount", "currency"),
    *("users", "users_converted", "users_amount"),
)
_ONLY: Final = TaskID(0)


def stats(
    *,
    last: Annotated[int, typer.Option("--days", help="How many days, today (UTC) among them.", min=1, max=90)] = 14,
    count: Annotated[
        bool, typer.Option("--waiting/--no-waiting", help="Count what is waiting. This reads the whole users table.")
    ] = True,
    csv: Annotated[
        bool,
        typer.Option(
            "--csv", help="Conversions after messages, as CSV: by day, campaign, revision, variant and group."
        ),
    ] = False,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Count what is waiting, sent, withheld (by reason), retracted and failed, for each campaign. --json has each day.

    For campaigns with `convert`, show conversions by the day of the message, and whether messages make a difference.
    That statement is valid on any day; users count once their time to convert is over.

    A batch that the stream delivers twice is counted twice. The exact books are in the metrics.

    Example: `holdfast stats --days 7 --stage prod`
    """
    if csv and json:
        raise typer.BadParameter("either --csv or --json, which has conversions as well", param_hint="--csv")
    deployment = Deployment.find(stage)
    wanted = days(now_ms(), last)
    published = campaigns(deployment)
    live = {each.plan.id: each.plan for each in published.live()}
    names = [*live]
    table = Statistics(deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"])
    followed = {name: _followed(table, published, live[name], wanted) for name in names if counted(live[name])}
    if csv:
        _print_csv(followed)
        return
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
            more = _json(followed[name]) if name in followed else {}
            print_json({"campaign": name, "days": wanted, "waiting": open_now, **found.to_json(), **more})
        rows.append({"campaign": name, "waiting": open_now, **_sums(found)})
    if rows and not json:
        print_rows(rows, COLUMNS, as_json=False, title=f"{wanted[0]} to {wanted[-1]}, UTC")
        for name, of in followed.items():
            _show(name, of)
    elif not json:
        out.print("No campaign is published yet. Publish one with: holdfast campaign publish FILE")


def _followed(table: Statistics, published: Campaigns, plan: Plan, wanted: Sequence[str]) -> Reported:
    by_day = table.outcomes.read([plan.id], wanted[0], wanted[-1])[plan.id]
    return reported(plan, by_day, comparable(plan, (each.plan for each in published.revisions(plan.id))), now_ms())


def _json(followed: Reported) -> dict[str, JsonValue]:
    return {"outcomes": [*followed.rows()], "comparisons": [each.to_json() for each in followed.comparisons]}


def _print_csv(followed: Mapping[str, Reported]) -> None:
    writer = DictWriter(sys.stdout, ROW, lineterminator="\n")
    writer.writeheader()
    for name, of in followed.items():
        writer.writerows({"campaign": name, **row} for row in of.rows())


def _show(name: str, followed: Reported) -> None:
    """The conversions by variant and group, and the report on them."""
    sums: dict[tuple[str, str], list[Score]] = {}
    for of in followed.by_day.values():
        for arm, score in of.items():
            sums.setdefault((arm.variant, arm.group), []).append(score)
    rows = [
        {
            "variant": variant or ("-" if group else "the message"),
            "group": group or "messages",
            "messages": (whole := total(scores)).messages,
            "converted": whole.converted,
            "amount": [f"{amount:,.2f} {currency}".rstrip() for currency, amount in sorted(whole.amounts.items())],
            "users": whole.users,
            "of them converted": whole.users_converted,
        }
        for (variant, group), scores in sorted(sums.items())
    ]
    if rows:
        print_rows(rows, tuple(rows[0]), as_json=False, title=f"{name}: conversions after its messages")
    for each in followed.comparisons:
        about = f"{each.variant or 'all'} against {each.against}: " if each.against else ""
        out.print(f"{escape(name)}: {escape(about)}[bold]{escape(each.sentence)}[/]")
        if each.amount:
            low, high = each.amount
            out.print(f"  amount per user: {low:+,.2f} to {high:+,.2f} {escape(each.currency)}".rstrip())
        out.print(f"  [dim]{escape(each.plain)}[/]")


def _sums(found: Series) -> dict[str, Any]:
    withheld = [f"{sum(counts)} {reason}" for reason, counts in found.withheld.items()]
    return {
        "sent": sum(found.sent),
        "withheld": withheld,
        "retracted": sum(found.retracted),
        "failed": sum(found.failed),
        "most often": [f"{value} ({count})" for value, count in found.top[:3]],
    }
