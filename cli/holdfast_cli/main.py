"""The command line: every command, and how a failure is told."""

from __future__ import annotations

import errno
import sys
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from holdfast import __version__
from holdfast_cli import (
    audit,
    campaigns,
    catalogs,
    console,
    demo,
    events,
    explain,
    local_commands,
    policies,
    preview,
    recommendations,
    revisions,
    schema,
    seen,
    set_aside,
    sources,
    stats,
    tail,
    users,
    watching,
    who,
)
from holdfast_cli.local import LocalError
from holdfast_cli.output import Failure, err
from holdfast_cli.stack import DeploymentNotFound

app = typer.Typer(
    name="holdfast",
    help="Notices what a user started and did not finish, and says so on an EventBridge bus.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"holdfast {__version__}")  # noqa: T201 (a line for scripts: nothing to wrap or colour)
        raise typer.Exit


@app.callback()
def holdfast(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version, and stop.")
    ] = False,
) -> None:
    """Notices what a user started and did not finish, and says so on an EventBridge bus."""


app.add_typer(local_commands.app, name="local")
app.add_typer(campaigns.app, name="campaign")
for command in (revisions.diff, revisions.rollback, revisions.history):
    campaigns.app.command()(command)
app.add_typer(policies.app, name="policy")
app.add_typer(catalogs.app, name="catalog")
app.add_typer(recommendations.app, name="recommend")
app.add_typer(sources.app, name="source")
app.add_typer(users.app, name="user")
app.command()(preview.preview)
app.command()(explain.explain)
app.command()(stats.stats)
app.command()(who.who)
app.command()(audit.audit)
app.command()(events.send)
app.command()(events.simulate)
app.command()(watching.watch)
app.command()(tail.tail)
app.command()(seen.events)
app.add_typer(console.app, name="console")
app.command()(demo.demo)
app.command()(schema.schema)
app.add_typer(set_aside.rejected, name="rejected")
app.add_typer(set_aside.undelivered, name="undelivered")
app.add_typer(set_aside.dead_letters, name="dead-letters")


def main() -> None:
    """Exit codes: 0 fine, 1 found something wrong, 2 wrong usage."""
    try:
        app()
    except (Failure, DeploymentNotFound, LocalError) as error:
        err.print(f"[red]✗[/] {escape(str(error))}")
        sys.exit(1)
    except (BotoCoreError, ClientError) as error:
        err.print(f"[red]✗[/] AWS says: {escape(str(error))}")
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        err.print("[red]✗[/] The disk, or what the output is written to, is full.")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
