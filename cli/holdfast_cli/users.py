"""`holdfast user …`: what is held of one user, shown or deleted."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated, Any

import typer

from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Held, Users
from holdfast.core.fold import profiles
from holdfast.core.fold.stored import decode
from holdfast.services.user_data import held_of
from holdfast_cli.output import Json, Stage, err, not_empty, out, print_json
from holdfast_cli.stack import Deployment

app = typer.Typer(no_args_is_help=True, help="Export or delete everything stored about one user.")

User = Annotated[str, typer.Argument(help="The user's identity.", show_default=False, callback=not_empty)]


def users(deployment: Deployment) -> Users:
    return Users(deployment.client("dynamodb"), deployment.outputs["UsersTableName"])


def timers(deployment: Deployment) -> Timers:
    return Timers(deployment.client("dynamodb"), deployment.outputs["TimersTableName"])


@app.command()
def export(user: User, *, stage: Stage = "local", json: Json = False) -> None:
    """Print everything stored about a user as JSON: on several lines, or on one line with --json.

    For a user with several ids, any of them gives the data of the person. Times are epoch milliseconds. `state` is the
    text that the functions write.

    Example: `holdfast user export u-42 --stage prod`
    """
    deployment = Deployment.find(stage)
    person, found = held_of(users(deployment), user)
    parts = {held.part: _part(held) for held in found}
    ids = _other_ids(found)
    nominated = sorted({entry.at for id_ in (person, *ids) for entry in timers(deployment).entries(id_)})
    row = {"user": person, **({"ids": ids} if ids else {}), **parts, "timers": nominated}
    if json:
        print_json(row)
    else:
        out.print_json(data=row, highlight=False, ensure_ascii=False)


def _other_ids(found: list[Held]) -> list[str]:
    return sorted({id_ for each in found if each.part == "watches" for id_ in decode(each.item.state).ids})


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
    """Delete everything stored about a user, under all ids: profile, watches, and entries in timer slots.

    Example: `holdfast user delete u-42 --stage prod`
    """
    deployment = Deployment.find(stage)
    table = users(deployment)
    person, found = held_of(table, user)
    ids, parts = _other_ids(found), [held.part for held in found]
    if not yes:
        what = ", ".join([*parts, *ids]) or "neither profile nor watches"
        typer.confirm(f"Delete user {person} of stage {stage} ({what}) for ever?", abort=True, err=True)
    for id_ in {user, *ids} - {person}:  # first, as the person's state alone knows them
        for held in table.held(id_):
            table.delete(id_, held.part)
    for part in parts:
        table.delete(person, part)
    slots = sum(timers(deployment).forget(id_) for id_ in {user, person, *ids})
    if json:
        print_json({"user": person, **({"ids": ids} if ids else {}), "deleted": parts, "timers": slots})
    else:
        what = ", ".join([*parts, *ids, *([f"entries in {slots} timer slots"] if slots else [])])
        out.print(f"[green]✓[/] deleted: {what}" if what else "nothing was stored about this user", soft_wrap=True)
    err.print(
        "[dim]Events of the user that are still in the queue, or are sent again, will be read again."
        " Messages in the rejected, dead-letter and undelivered queues stay there until they expire.[/]"
    )
