"""A campaign that is being written, and the mistakes in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from holdfast.console.models.basics import MAX_SOURCE, Asked, Object, Told


class Drafted(Asked):
    """A campaign: as JSON, as the text of its file, or both. Then `campaign` says what, and `source` is rewritten."""

    campaign: Object | None = None
    source: Annotated[str | None, Field(max_length=MAX_SOURCE)] = None


class Mistake(Told):
    """`line` and `column` are in the file, `template_line` and `template_column` in the template's own text."""

    path: list[str | int]
    place: str
    message: str
    line: int
    column: int
    template_line: int | None
    template_column: int | None
