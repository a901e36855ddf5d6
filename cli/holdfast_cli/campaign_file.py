"""Campaign files: YAML or JSON in, a model out, or each mistake with its line and what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from holdfast.core.campaigns import Campaign, did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Mistake(NamedTuple):
    """One thing that is wrong. Lines and columns count from 1; `place` is the path to it, such as `when.within`."""

    file: str
    line: int
    column: int
    place: str
    message: str


class CampaignFileError(Exception):
    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(f"{m.file}:{m.line}: {m.message}" for m in mistakes))
        self.mistakes = mistakes


_Model = TypeVar("_Model", bound=BaseModel)


class Source(NamedTuple):
    """A file's text, and its data: each part knows its line."""

    path: Path
    text: str
    data: Any

    def position(self, place: tuple[int | str, ...]) -> tuple[int, int]:
        """Line and column, from 1, of the innermost part of a place that the file has."""
        return _position(self.data, place)

    def mistake(self, place: tuple[int | str, ...], message: str) -> Mistake:
        shown = ".".join(str(part) for part in place if isinstance(part, str))
        return Mistake(str(self.path), *self.position(place), shown, message)


def read_campaign(path: Path) -> tuple[Campaign, str]:
    """The campaign and the text it was read from. Raises CampaignFileError with all mistakes at once."""
    campaign, source = read_model(path, Campaign)
    return campaign, source.text


def read_model(path: Path, model: type[_Model]) -> tuple[_Model, Source]:
    """What a file says, and where. Raises CampaignFileError."""
    source = _read(path)
    try:
        return model.model_validate(source.data), source
    except ValidationError as error:
        raise CampaignFileError(sorted(_mistake(source, model, each) for each in error.errors())) from error


def _read(path: Path) -> Source:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise CampaignFileError([Mistake(str(path), 1, 1, "", f"cannot be read: {reason}")]) from error
    try:
        return Source(path, text, YAML().load(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"not YAML: {error.problem or error.context}".splitlines()[0]
        raise CampaignFileError([Mistake(str(path), line, column, "", message)]) from error


def _mistake(source: Source, model: type[BaseModel], error: ErrorDetails) -> Mistake:
    context = error.get("ctx", {})
    place: tuple[int | str, ...] = context.get("at") or error["loc"]
    match error["type"]:
        case "missing":
            message = f"{place[-1]} is missing"
        case "extra_forbidden":
            message = f"unknown key {place[-1]!r}" + _known_here(model, place)
        case "value_error":
            message = str(context["error"])
        case _:
            message = error["msg"]
    return source.mistake(place, message)


def _position(data: Any, place: tuple[int | str, ...]) -> tuple[int, int]:
    line, column = 0, 0
    for part in place:
        position = getattr(data, "lc", None)
        if position is None:
            break
        if isinstance(data, dict) and part in data:
            line, column = position.key(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            line, column = position.item(part)
        elif isinstance(part, int):
            continue  # one thing where the model has a list
        else:
            break
        data = data[part]
    return line + 1, column + 1


def _known_here(model: type[BaseModel], place: tuple[int | str, ...]) -> str:
    """What could have been meant by the last part of a place."""
    for part in place[:-1]:
        for annotation in _annotations(model, part):
            model = annotation
    names = [field.alias or name for name, field in model.model_fields.items()]
    return did_you_mean(str(place[-1]), names) or f"; known are {', '.join(names)}"


def _annotations(model: type[BaseModel], part: int | str) -> list[type[BaseModel]]:
    """The models that a field of a model holds."""
    for name, field in model.model_fields.items():
        if part in {name, field.alias}:
            annotation: Any = field.annotation
            candidates = (annotation, *getattr(annotation, "__args__", ()))
            return [each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)]
    return []
