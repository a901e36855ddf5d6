"""Who does what by the command line: recorded as what is done in the console is."""

from __future__ import annotations

import getpass
from typing import Annotated, TypeAlias

import typer
from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.activity import Act, Activity
from holdfast_cli.output import err
from holdfast_cli.stack import Deployment

NoteOption: TypeAlias = Annotated[str, typer.Option("--note", help="Why: stored with the time and your name.")]

BreakingOption: TypeAlias = Annotated[
    bool, typer.Option("--breaking", help="Publish even what breaks consumers: a key gone, a type changed.")
]


def whoami() -> str:
    """The name of whoever runs this on their machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a machine without one
        return ""


def record(deployment: Deployment, action: str, of: str, *, note: str = "", **counted: int) -> None:
    """An action that cannot be recorded has happened all the same: that is said, and nothing fails."""
    activity = Activity(deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"])
    try:
        activity.record(Act(now_ms(), whoami(), action, of, note=note, **counted))
    except (ClientError, BotoCoreError) as error:
        err.print(f"[yellow]![/] Done, but the action was not recorded: {error}")
