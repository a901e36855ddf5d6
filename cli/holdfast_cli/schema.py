"""`holdfast schema`: the contracts, for editors, upstream systems and consumers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from holdfast.core.schemas import text


class Name(StrEnum):
    CAMPAIGN = "campaign"
    RECOMMENDATION = "recommendation"
    INPUT = "input"
    DETAIL = "detail"


def schema(
    name: Annotated[
        Name, typer.Argument(help="Campaign or recommendation files, what comes in, or the detail of a message.")
    ],
) -> None:
    """Print a JSON Schema: of campaign or recommendation files, of what comes in, or of what goes out."""
    typer.echo(text(name.value), nl=False)
