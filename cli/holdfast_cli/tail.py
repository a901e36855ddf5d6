"""`holdfast tail`: what comes in, how it is read and what it touches, while somebody follows."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from typing import Annotated

import typer
from msgspec import to_builtins
from rich.markup import escape

from holdfast.aws.tables.tail import MOST, Tails, TooMany
from holdfast.core.events import event_key
from holdfast.core.intake.tail import Line, Wanted, mark
from holdfast.core.messages.detail import iso
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json
from holdfast_cli.stack import Deployment

LONGEST = 600.0
RENEWED = 10.0
PAUSE = 0.5
"""Seconds."""
COLOURS = {"rejected": "red", "ignored": "dim", "later": "yellow"}


def tail(
    *,
    user: Annotated[str, typer.Option(help="Only records of this user, by the id that they bear.")] = "",
    event: Annotated[str, typer.Option(help="Only events of this name.")] = "",
    seconds: Annotated[
        float, typer.Option("--for", min=1, max=LONGEST, help="Stop after this many seconds; ten minutes at most.")
    ] = LONGEST,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many records.")] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Show the beginning of each property's value, too: personal data.")
    ] = False,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Show incoming records: how each is read, which campaigns it touches, and why it is rejected if it is.

    Names and types of properties are shown; a value only if a reason quotes it, or with --values. Stop with Ctrl-C.

    Example: `holdfast tail --event charged --stage prod`
    """
    found = looking(Deployment.find(stage), user=user, event=event_key(event), seconds=seconds, values=values)
    with closing(found):
        for line, more in islice(found, count):
            if json:
                print_json({**to_builtins(line), "came": iso(line.came), **({"at": iso(line.at)} if line.at else {})})
            else:
                show(line)
            if more:
                err.print(f"[dim]… and {more} more, which are not shown[/]")


def looking(
    deployment: Deployment, *, user: str = "", event: str = "", seconds: float = LONGEST, values: bool = False
) -> Generator[tuple[Line, int]]:
    """Each record that comes in while this goes on, and how many more there were behind it. `event` is a key.

    Whoever is cut off still counts as following for a minute.
    """
    tails = Tails(deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"])
    id_ = uuid.uuid4().hex[:8]
    try:
        asked = Wanted(id_, 0, mark(id_, user) if user else "", event, values)
        yield from _lines(tails, asked, time.monotonic() + seconds)
    except TooMany:
        raise Failure(f"{MOST} people are following already: try again in a minute.") from None
    finally:
        tails.end(id_)


def _lines(tails: Tails, wanted: Wanted, ends: float) -> Iterator[tuple[Line, int]]:
    asked = 0.0
    while (now := time.monotonic()) < ends:
        if not asked or now - asked > RENEWED:
            tails.ask(wanted.id, user=wanted.user, event=wanted.event, values=wanted.values)
            if not asked:
                err.print("[dim]following …[/]")
            asked = now
        for lines, more in tails.take(wanted.id):
            for number, line in enumerate(lines, 1):
                yield line, more if number == len(lines) else 0
        time.sleep(min(PAUSE, max(0.0, ends - time.monotonic())))


def show(line: Line) -> None:
    """One record, on a line or two."""
    who = " · ".join(filter(None, (line.event, line.user)))
    again = " [yellow](comes again)[/]" if line.again else ""
    read = f"[{COLOURS.get(line.read, 'green')}]{line.read}[/]"
    out.print(f"[dim]{iso(line.came)}[/] {read} {escape(who)} [dim]({escape(line.form)})[/]{again}", soft_wrap=True)
    rows = {
        "properties": ", ".join(line.properties),
        "values": ", ".join(f"{path}: {value}" for path, value in line.values.items()),
        "campaigns": "; ".join(line.campaigns),
        "reason": line.reason,
    }
    if line.at:
        rows = {"at": iso(line.at), **rows}
    for name, text in rows.items():
        if text:
            out.print(f"    [bold]{name}[/] {escape(text)}", soft_wrap=True)
