"""`holdfast schema`: the contracts, for editors, upstream systems and consumers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from holdfast_cli.contracts import text


class Name(StrEnum):
    CAMPAIGN = "campaign"
    RECOMMENDATION = "recommendation"
    POLICY = "policy"
    SOURCE = "source"
    INPUT = "input"
    DETAIL = "detail"
    CONSOLE = "console"


def schema(
    name: Annotated[
        Name,
        typer.Argument(help="The contract to print."),
    ],
) -> None:
    """Print a JSON Schema: of files of campaigns, recommendations and sources, the policy, input, or messages.

    For the console's API, print its OpenAPI document.
    """
    if name is Name.CONSOLE:
        from holdfast.console.api import document  # noqa: PLC0415 (a fifth of a second, for this one name)

        typer.echo(document(), nl=False)
    else:
        typer.echo(text(name.value), nl=False)
