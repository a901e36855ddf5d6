"""`holdfast audit`: the books by the state itself."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Queue
from holdfast.aws.tables.campaigns import Campaigns
from holdfast.aws.tables.users import Users
from holdfast.core.fold.timers import tick_messages
from holdfast.services.audit import audit as audited
from holdfast.services.ticks import send_ticks
from holdfast_cli.output import Json, Stage, err, out, print_json, print_rows
from holdfast_cli.stack import Deployment

Nominate = Annotated[bool, typer.Option("--nominate", help="Send ticks for the users whose watches are overdue.")]


def audit(*, nominate: Nominate = False, stage: Stage = "local", json: Json = False) -> None:
    """Check the books by the state itself. Exit code 1 if a watch is overdue or a state cannot be read.

    This reads the whole users table.

    Example: `holdfast audit --nominate --stage prod`
    """
    deployment = Deployment.find(stage)
    dynamodb, outputs = deployment.client("dynamodb"), deployment.outputs
    summaries = {
        each.plan.id for each in Campaigns(dynamodb, outputs["CampaignsTableName"]).live() if each.plan.summary
    }
    now = now_ms()
    found = audited(Users(dynamodb, outputs["UsersTableName"]).everyone(), summaries, now)
    nominated = 0
    if nominate and found.overdue:
        queue = Queue(deployment.client("sqs"), outputs["EventsQueueUrl"])
        later, never = send_ticks(queue, tick_messages(dict.fromkeys(found.overdue, now), now))
        nominated = len(found.overdue) - len(later | never)
    kinds = ("send", "withhold", "retract")
    rows = [
        {"campaign": name, "open": found.open[name], **{kind: found.decided[name, kind] for kind in kinds}}
        for name in sorted({*found.open, *(campaign for campaign, _ in found.decided)})
    ]
    if json:
        overdue = {"overdue": found.overdue, "unreadable": list(found.unreadable), "nominated": nominated}
        print_json({"users": found.users, "campaigns": rows, **overdue})
    else:
        print_rows(rows, ["campaign", "open", *kinds], as_json=False)
        out.print(f"{found.users:,} users")
        for name, users in (("have a watch that is overdue", found.overdue), ("cannot be read", found.unreadable)):
            if users:
                err.print(f"[red]✗[/] {len(users):,} {name}, such as {escape(next(iter(users)))}")
        if nominated:
            out.print(f"ticks sent for {nominated:,} users")
    if found.overdue or found.unreadable:
        raise typer.Exit(1)
