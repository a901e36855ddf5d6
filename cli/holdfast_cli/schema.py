"""`holdfast schema`: the contracts, for editors, upstream systems and consumers."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from holdfast.core.plans.plan import Plan
from holdfast_cli.asyncapi import document
from holdfast_cli.campaign_file import read_campaign
from holdfast_cli.checking import campaign_files
from holdfast_cli.contracts import text
from holdfast_cli.mistakes import mistakes_end


class Name(StrEnum):
    CAMPAIGN = "campaign"
    RECOMMENDATION = "recommendation"
    SOURCE = "source"
    POLICY = "policy"
    INPUT = "input"
    DETAIL = "detail"
    CONSOLE = "console"
    ASYNCAPI = "asyncapi"


def schema(
    name: Annotated[
        Name,
        typer.Argument(help="The contract to print."),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="With `asyncapi`: campaign files.", show_default=False),
    ] = None,
    *,
    stage: Annotated[
        str | None, typer.Option("--stage", help="With `asyncapi`: the campaigns that are live on this stage.")
    ] = None,
    source: Annotated[
        str, typer.Option("--source", help="With `asyncapi`: the source that the stack's messages bear.")
    ] = "holdfast",
) -> None:
    """Print a JSON Schema: of files of campaigns, recommendations and sources, the policy, input, or messages.

    For the console's API, print its OpenAPI document. With `asyncapi`, print an AsyncAPI 3 document: the queue in, the
    bus out, and the messages of each campaign with the types of their values.

    Example: `holdfast schema campaign`
    """
    if name is not Name.ASYNCAPI and (files or stage):
        raise typer.BadParameter("only asyncapi takes campaigns", param_hint="FILES")
    if name is Name.CONSOLE:
        from holdfast.console.api import document as openapi  # noqa: PLC0415 (a fifth of a second, for this one name)

        typer.echo(openapi(), nl=False)
    elif name is Name.ASYNCAPI:
        typer.echo(json.dumps(document(_plans(files, stage), source), indent=2, ensure_ascii=False))
    else:
        typer.echo(text(name.value), nl=False)


def _plans(files: list[Path] | None, stage: str | None) -> list[Plan]:
    live = _live(stage) if stage else []
    with mistakes_end(as_json=False):
        read = [read_campaign(path)[0].plan() for path in campaign_files(files or ())]
    return [*live, *read]


def _live(stage: str) -> list[Plan]:
    from holdfast_cli.campaigns import campaigns  # noqa: PLC0415 (boto3 takes 0.2 s to load: files need none)
    from holdfast_cli.stack import Deployment  # noqa: PLC0415

    return [each.plan for each in campaigns(Deployment.find(stage)).live()]
