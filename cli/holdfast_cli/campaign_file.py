"""Campaign files: read from disk, a model out, or each mistake with its line and what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.text import CampaignFileError, Mistake, Source, parse, validate

_Model = TypeVar("_Model", bound=BaseModel)


def read_campaign(path: Path) -> tuple[Campaign, str]:
    """The campaign and the text it was read from. Raises CampaignFileError with all mistakes at once."""
    campaign, source = read_model(path, Campaign)
    return campaign, source.text


def read_model(path: Path, model: type[_Model]) -> tuple[_Model, Source]:
    """What a file says, and where. Raises CampaignFileError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise CampaignFileError([Mistake(str(path), 1, 1, "", f"cannot be read: {reason}")]) from error
    source = parse(text, str(path))
    return validate(source, model), source
