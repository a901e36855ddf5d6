"""`holdfast console`: the page and its API on this machine, for the one person who runs it."""

from __future__ import annotations

import subprocess
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.aws.settings import ConsoleSettings
from holdfast.console.page import Page
from holdfast_cli import console_users, local
from holdfast_cli.console_server import Server, Session
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json
from holdfast_cli.stack import Deployment

if TYPE_CHECKING:
    from holdfast.console.app import Console

app = typer.Typer(invoke_without_command=True)
app.add_typer(console_users.app, name="user")

PORT = 8717
"""The same each time: what is not published yet is kept in the browser, by the page's address."""


def built_page() -> Path:
    """The page as the stack would have it, built if it was not yet. The CDK app's code is no package: it runs apart."""
    local.need_checkout("`holdfast console`")
    build = [sys.executable, "-m", "infra.page"]
    built = subprocess.run(build, cwd=local.ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode:
        raise Failure("The console's page could not be built. Run: make setup")
    return Path(built.stdout.strip())


def console_of(deployment: Deployment, page: Page) -> Console:
    """The console's function as it would be deployed, with the credentials at hand in the place of its role."""
    from holdfast.console.app import Console  # noqa: PLC0415 (a fifth of a second, which other commands need not wait)

    outputs = deployment.outputs
    settings = ConsoleSettings(
        stage=deployment.stage,
        users_table=outputs["UsersTableName"],
        campaigns_table=outputs["CampaignsTableName"],
        catalog_table=outputs["CatalogTableName"],
        events_queue_url=outputs["EventsQueueUrl"],
        rejected_queue_url=outputs["RejectedQueueUrl"],
        undelivered_queue_url=outputs["UndeliveredQueueUrl"],
        deliver_function=outputs["DeliverFunctionName"],
        bus_name=outputs["EventBusName"],
        source=outputs["MessageSource"],
    )
    return Console(settings, deployment.client, page)


@app.callback()
def console(
    context: typer.Context,
    *,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help=f"The port to listen on; 0 for any free one. Default: {PORT}, or any if that is taken.",
        ),
    ] = None,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Open the console in a browser: campaigns, previews and users of a stage. Stop with Ctrl-C.

    It runs on this machine, on 127.0.0.1 only, for you alone, and does what your AWS credentials may do. The address it
    prints lets one in once; Enter makes another one.

    Example: `holdfast console --stage dev`
    """
    if context.invoked_subcommand:
        return
    deployment = Deployment.find(stage)
    server = _serving(console_of(deployment, Page(built_page())), port)
    link = server.link()
    if json:
        print_json({"url": link, "stage": stage})
    else:
        out.print(f"The console of stage {stage}, on this machine and for you alone: [bold]{link}[/]", markup=True)
        err.print("[dim]The address signs you in once. Enter makes another one; Ctrl-C ends.[/]")
    if browser:
        webbrowser.open(link)
    if sys.stdin.isatty():
        threading.Thread(target=_more_links, args=(server,), daemon=True).start()
    with server:
        server.serve_forever()


def _serving(console: Console, port: int | None) -> Server:
    try:
        return Server(console, Session(), PORT if port is None else port)
    except OSError as error:
        if port is not None:
            raise Failure(f"Port {port} cannot be used: {error.strerror}. Try another one, or none.") from None
    server = Server(console, Session())
    err.print(f"[yellow]![/] Port {PORT} is taken: drafts that were kept there are not visible on this one.")
    return server


def _more_links(server: Server) -> None:
    for _ in sys.stdin:
        out.print(server.link(), markup=False)
