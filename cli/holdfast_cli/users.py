"""`holdfast user …`: what is held of one user, shown or deleted."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated, Any

import typer

from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Held, Users
from holdfast.core.fold import profiles
from holdfast_cli.output import Json, Stage, err, out, print_json
from holdfast_cli.stack import Deployment

app = typer.Typer(no_args_is_help=True, help="Export or delete everything stored about one user.")

User = Annotated[str, typer.Argument(help="The user's identity.", show_default=False)]


def users(deployment: Deployment) -> Users:
    return Users(deployment.client("dynamodb"), deployment.outputs["UsersTableName"])


def timers(deployment: Deployment) -> Timers:
    return Timers(deployment.client("dynamodb"), deployment.outputs["TimersTableName"])


@app.command()
def export(user: User, *, stage: Stage = "local", json: Json = False) -> None:
    """Print everything stored about a user as JSON: on several lines, or on one line with --json.

    Times are epoch milliseconds. `state` is the text that the functions write.
    """
    deployment = Deployment.find(stage)
    parts = {held.part: _part(held) for held in users(deployment).held(user)}
    nominated = sorted({entry.at for entry in timers(deployment).entries(user)})
    row = {"user": user, **parts, "timers": nominated}
    if json:
        print_json(row)
    else:
        out.print_json(data=row, highlight=False, ensure_ascii=False)


def _part(held: Held) -> dict[str, Any]:
    """`properties` are a profile's values as they are now."""
    part: dict[str, Any] = {"state": jsonlib.loads(held.item.state), "version": held.item.version}
    if held.part == "profile":
        part = {"properties": profiles.properties(profiles.decode(held.item.state)), **part}
    told = {
        "nominated": held.item.nominated,
        "decided": jsonlib.loads(held.outbox) if held.outbox else None,
        "expires_at": held.expires_at and held.expires_at * 1000,
    }
    return part | {name: value for name, value in told.items() if value is not None}


@app.command()
def delete(
    user: User,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Delete everything stored about a user: profile, watches, and entries in timer slots."""
    deployment = Deployment.find(stage)
    table = users(deployment)
    parts = [held.part for held in table.held(user)]
    if not yes:
        what = ", ".join(parts) or "neither profile nor watches"
        typer.confirm(f"Delete user {user} of stage {stage} ({what}) for ever?", abort=True, err=True)
    for part in parts:
        table.delete(user, part)
    slots = timers(deployment).forget(user)
    if json:
        print_json({"user": user, "deleted": parts, "timers": slots})
    else:
        what = ", ".join([*parts, *([f"entries in {slots} timer slots"] if slots else [])])
        out.print(f"[green]✓[/] deleted: {what}" if what else "nothing was stored about this user", soft_wrap=True)
    err.print(
        "[dim]Events of the user that are still in the queue, or are sent again, will be read again."
        " Messages in the rejected, dead-letter and undelivered queues stay there until they expire.[/]"
    )
