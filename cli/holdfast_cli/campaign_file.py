"""Campaign files: read from disk, a model out, or each mistake with its line and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.policy import Policy
from holdfast.core.authoring.text import MAX_CHARACTERS, CampaignFileError, Mistake, Source, parse, validate
from holdfast.core.gate.policy import Policy as Rules
from holdfast_cli.output import Failure

_Model = TypeVar("_Model", bound=BaseModel)


def read_campaign(path: Path) -> tuple[Campaign, str]:
    """The campaign and the text it was read from. Raises CampaignFileError with all mistakes at once."""
    campaign, source = read_model(path, Campaign)
    return campaign, source.text


def read_policy(path: Path) -> Rules:
    """The policy that a file describes. Raises CampaignFileError."""
    return read_model(path, Policy)[0].plan()


def distinct(named: Iterable[tuple[Path, str]]) -> None:
    """Raises Failure where two files are one campaign: which of them is meant?"""
    files: dict[str, Path] = {}
    for path, id_ in named:
        if files.setdefault(id_, path) != path:
            raise Failure(
                f"{files[id_]} and {path} are both campaign {id_!r}. Give one of them another id, or leave it out"
            )


def read_model(path: Path, model: type[_Model]) -> tuple[_Model, Source]:
    """The content of a file, and the places of its parts. Raises CampaignFileError."""
    try:
        text = text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise CampaignFileError([Mistake(str(path), 0, 0, "", f"cannot be read: {reason}")]) from error
    source = parse(text, str(path))
    return validate(source, model), source


def text_of(path: Path) -> str:
    """The file, or so much of it as is enough to know that it is too long. Raises OSError and UnicodeDecodeError."""
    with path.open(encoding="utf-8") as file:
        return file.read(MAX_CHARACTERS + 1)
