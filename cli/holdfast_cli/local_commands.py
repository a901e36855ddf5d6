"""`holdfast local …`: the embedded AWS with the stack deployed to it."""

from __future__ import annotations

from typing import Any

import typer
from rich.markup import escape

from holdfast_cli import local
from holdfast_cli.output import Json, err, out, print_json
from holdfast_cli.stack import Deployment

app = typer.Typer(
    no_args_is_help=True, help="Run the stack on an AWS on this machine: up, down, status. This needs a checkout."
)


@app.command()
def up(*, json: Json = False) -> None:
    """Start the local AWS and deploy the stack, or bring it up to date. It runs until `holdfast local down`."""
    with err.status("starting") as status:
        local.up(lambda step: status.update(escape(step)))
    _show(as_json=json)


@app.command()
def down(*, json: Json = False) -> None:
    """Stop the local AWS and delete everything in it."""
    stopped = local.down()
    if json:
        print_json({"running": False, "stopped": stopped})
    else:
        out.print("stopped" if stopped else "nothing was running")


@app.command()
def status(*, json: Json = False) -> None:
    """Say whether the local AWS is running, and where. Exit code 1 if it is not."""
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
    width = max(map(len, deployment.outputs))
    for name, value in sorted(deployment.outputs.items()):
        out.print(f"  {name:<{width}} {value}")
    out.print("[dim]Everything in it is in memory: it stays until `holdfast local down`, or until its process ends.[/]")
