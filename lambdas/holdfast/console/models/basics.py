"""The kinds of requests and answers, and what several parts of the API have in common."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

MAX_SOURCE = 200_000
"""Characters of a campaign's file."""

Note: TypeAlias = Annotated[
    str | None, Field(max_length=500, description="Why: stored with the time and the user's name.")
]
Object: TypeAlias = dict[str, Any]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """An answer. Fields with a default are always present, and need not be passed."""

    model_config = ConfigDict(json_schema_mode_override="serialization")


class Open(Told):
    """An object that the command line prints as well: it may have more keys than those that the page knows."""

    model_config = ConfigDict(extra="allow", json_schema_mode_override="serialization")
