"""The command line: every command, and how a failure is reported."""

from __future__ import annotations

import errno
import signal
import sys
from typing import Annotated

import typer
from rich.markup import escape

from holdfast import __version__
from holdfast_cli.later import Later, lazy
from holdfast_cli.output import Failure, err

COMMANDS = {
    "preview": Later(
        "preview:preview",
        "Show what a campaign would send to a user: each value, where it comes from, and the detail on the bus.",
    ),
    "explain": Later(
        "explain:explain", "Say why a user did, did not, or will get a message: for each campaign and constant value."
    ),
    "stats": Later(
        "stats:stats",
        "Count what is waiting, sent, withheld (by reason), retracted and failed, for each campaign."
        " --json has each day.",
    ),
    "who": Later(
        "who:who", "List the users behind a number that `holdfast stats` prints, as far as their states still say so."
    ),
    "audit": Later(
        "audit:audit",
        "Check the books by the state itself. Exit code 1 if a watch is overdue or a state cannot be read.",
    ),
    "send": Later(
        "send:send",
        "Send a file of records to the events queue. Records that cannot be read are then in `holdfast rejected list`.",
    ),
    "simulate": Later(
        "simulate:simulate",
        "Show what would have been decided for a file of events, offline, by the same function that decides on AWS.",
    ),
    "watch": Later("watching:watch", "Print messages as the bus delivers them. Stop with Ctrl-C."),
    "tail": Later(
        "tail:tail",
        "Show incoming records: how each is read, which campaigns it touches, and why it is rejected if it is.",
    ),
    "events": Later(
        "seen:events",
        "List the events that were seen: how many came, their properties, and the campaigns that use them.",
    ),
    "demo": Later(
        "demo:demo",
        "Run everything once on an AWS on this machine: deploy, publish, send, watch, compare. Leaves nothing running.",
    ),
    "schema": Later(
        "schema:schema",
        "Print a JSON Schema: of files of campaigns, recommendations and sources, the policy, input, or messages.",
    ),
    "local": Later(
        "local_commands:app", "Run the stack on an AWS on this machine: up, down, status. This needs a checkout."
    ),
    "campaign": Later(
        "campaign_commands:app", "Work with campaigns: validate, test, diff, publish, roll back, pause, delete."
    ),
    "policy": Later(
        "policies:app", "Work with the policy, the rules for all campaigns: check, publish, show, history, rollback."
    ),
    "catalog": Later("catalogs:app", "Work with catalogs: import from CSV, show, list, delete."),
    "recommend": Later("recommendations:app", "Work with recommendations: validate, publish, build, evaluate."),
    "source": Later("sources:app", "Work with sources: check, test, publish how other bodies are read."),
    "user": Later("users:app", "Export or delete everything stored about one user."),
    "console": Later(
        "console:app", "Open the console in a browser: campaigns, previews and users of a stage. Stop with Ctrl-C."
    ),
    "rejected": Later("set_aside:rejected", "Work with records that could not be read: list, redrive, discard."),
    "undelivered": Later(
        "set_aside:undelivered", "Work with decisions that could not be delivered: list, redrive, discard."
    ),
    "dead-letters": Later("set_aside:dead_letters", "Work with messages that failed for twelve hours: list, redrive."),
}

app = typer.Typer(
    name="holdfast",
    help="Notices what a user started and did not finish, and says so on an EventBridge bus.",
    cls=lazy(COMMANDS),
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


def main() -> None:
    """Exit codes: 0 fine, 1 found something wrong, 2 wrong usage."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _end)
    try:
        app()
    except Failure as error:
        err.print(f"[red]✗[/] {escape(str(error))}")
        sys.exit(1)
    except _errors_of_aws() as error:
        err.print(f"[red]✗[/] AWS says: {escape(str(error))}")
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        err.print("[red]✗[/] The disk, or what the output is written to, is full.")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _end(*_: object) -> None:
    """End as after Ctrl-C, so that a command leaves nothing behind. A second signal does not interrupt that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)


def _errors_of_aws() -> tuple[type[Exception], ...]:
    """The errors that boto3 raises; none if it was never loaded."""
    errors = sys.modules.get("botocore.exceptions")
    return (errors.BotoCoreError, errors.ClientError) if errors else ()
