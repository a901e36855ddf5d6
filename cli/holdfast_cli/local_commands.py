"""`holdfast local …`: the embedded AWS with the stack deployed to it."""

from __future__ import annotations

from typing import Any

import typer
from rich.markup import escape

from holdfast_cli import local
from holdfast_cli.output import Json, err, out, print_json
from holdfast_cli.stack import Deployment

app = typer.Typer(
    no_args_is_help=True, help="An AWS on this machine, with the stack deployed: up, down, status. Needs a checkout."
)


@app.command()
def up(*, json: Json = False) -> None:
    """Start it, or bring it up to date. It stays until `holdfast local down`."""
    with err.status("starting") as status:
        local.up(lambda step: status.update(escape(step)))
    _show(as_json=json)


@app.command()
def down(*, json: Json = False) -> None:
    """Stop it, and forget all that was in it."""
    stopped = local.down()
    if json:
        print_json({"running": False, "stopped": stopped})
    else:
        out.print("stopped" if stopped else "nothing was running")


@app.command()
def status(*, json: Json = False) -> None:
    """Is it running, and where? Exit code 1 if not."""
    if local.status() is None:
        if json:
            print_json({"running": False})
        else:
            out.print("not running; start it with: holdfast local up")
        raise typer.Exit(1)
    _show(as_json=json)


def _show(*, as_json: bool) -> None:
    deployment = Deployment.find("local")
    row: dict[str, Any] = {"running": True, "endpoint": deployment.endpoint, **deployment.outputs}
    if as_json:
        print_json(row)
        return
    out.print(f"[green]✓[/] the embedded AWS runs at {deployment.endpoint}")
    for name, value in sorted(deployment.outputs.items()):
        out.print(f"  {name:<20} {value}")
