"""`holdfast campaign …`: campaigns as code."""

from __future__ import annotations

import typer

from holdfast_cli.later import Later, lazy

COMMANDS = {
    "validate": Later(
        "checking:validate",
        "Check campaign files and run the tests beside them, without publishing. Exit code 1 if something is wrong.",
    ),
    "test": Later(
        "checking:run_tests",
        "Run the tests beside campaigns: cart.test.yaml beside cart.yaml. Exit code 1 if one fails.",
    ),
    "publish": Later(
        "campaigns:publish",
        "Publish each file as the live revision of its campaign. If one has a mistake, none is published.",
    ),
    "list": Later("campaigns:list_", "List the live revision of every campaign."),
    "show": Later("campaigns:show", "Print a campaign as it was published."),
    "pause": Later("campaigns:pause", "Withhold what falls due from now on. Events are still followed."),
    "resume": Later("campaigns:resume", "Send again from now on."),
    "delete": Later(
        "campaigns:delete",
        "Stop watching for it. Open watches are withheld when they fall due. Its revisions are kept, and can be shown.",
    ),
    "diff": Later(
        "revisions:diff",
        "Compare a file with the live revision: which fields change, and what changes for watches that are open now.",
    ),
    "rollback": Later(
        "revisions:rollback", "Publish an old revision again, as a new revision. The history is not rewritten."
    ),
    "history": Later("revisions:history", "List every revision of a campaign, oldest first, and what each changed."),
}

app = typer.Typer(
    cls=lazy(COMMANDS),
    no_args_is_help=True,
    help="Work with campaigns: validate, test, diff, publish, roll back, pause, delete.",
)
