"""Campaigns as text: YAML (or JSON) in, a model out, or each mistake with its place and what would be right; and back.

The text is what people write and keep: `rewritten` changes what it says and leaves its comments and order alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from holdfast.core.authoring import cures
from holdfast.core.authoring.basics import did_you_mean
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.parts import TEXT_TAG, TYPED_TAG
from holdfast.core.catalog.rows import NAME_PATTERN
from holdfast.core.events import Json
from holdfast.core.templates.templates import TemplateError, compile_each

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Place: TypeAlias = tuple[int | str, ...]
VALUES = ("send", "values")


class Mistake(NamedTuple):
    """One thing that is wrong. Lines and columns count from 1; line 0 is the file as a whole.

    `place` is the path to it, such as `when.within`.

    `at` is the same path in its parts, and `template_line` and `template_column` where in a template it is, if known.
    """

    file: str
    line: int
    column: int
    place: str
    message: str
    at: Place = ()
    template_line: int | None = None
    template_column: int | None = None


class CampaignFileError(Exception):
    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(f"{m.file}:{m.line}: {m.message}" for m in mistakes))
        self.mistakes = mistakes


_Model = TypeVar("_Model", bound=BaseModel)


class Source(NamedTuple):
    """A file's text, and its data: each part knows its line."""

    name: str
    text: str
    data: Any

    def position(self, place: Place) -> tuple[int, int]:
        """Line and column, from 1, of the innermost part of a place that the file has."""
        return _position(self.data, place)

    def mistake(self, place: Place, message: str) -> Mistake:
        shown = ".".join(str(part) for part in place if isinstance(part, str))
        return Mistake(self.name, *self.position(place), shown, message, at=place)


MAX_CHARACTERS = 200_000
"""The most characters of a file. What is published has to fit an item of its table."""
MAX_DEPTH = 50
MAX_PARTS = 20_000
"""The most parts of a file with its aliases written out: a few aliases of aliases could stand for millions."""


def parse(text: str, name: str = "") -> Source:
    """Raises CampaignFileError, and nothing else, whatever the text is."""
    if mistake := _unreadable(text):
        raise CampaignFileError([Mistake(name, *mistake)])
    try:
        data = YAML().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        written = text.split("\n")[line - 1] if 0 < line <= text.count("\n") + 1 else ""
        message = f"not YAML: {cures.of_yaml(f'{error.problem or error.context}'.splitlines()[0], written)}"
        raise CampaignFileError([Mistake(name, line, column, "", message)]) from error
    except RecursionError:
        raise CampaignFileError([Mistake(name, 1, 1, "", _TOO_DEEP)]) from None
    except Exception as error:  # a number of thousands of digits, a date that no calendar has, a tag without its value
        message = f"not YAML that can be read: {str(error)[:200] or type(error).__name__}"
        raise CampaignFileError([Mistake(name, 1, 1, "", message)]) from error
    source = Source(name, text, data)
    _bounded(source)
    return source


_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"


def _unreadable(text: str) -> tuple[int, int, str, str] | None:
    """Mistakes that a parser should not even see: line, column, place, message."""
    if len(text) > MAX_CHARACTERS:
        return 1, 1, "", f"longer than {MAX_CHARACTERS} characters, which are allowed"
    if found := _NO_TEXT.search(text):
        return (*_line_and_column(text, found.start()), "", _not_text(found[0]))
    if (at := _too_deep(text)) >= 0:
        return (*_line_and_column(text, at), "", _TOO_DEEP)
    return None


def _not_text(character: str) -> str:
    return f"the character U+{ord(character):04X} is not text"


def _line_and_column(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _too_deep(text: str) -> int:
    """The place where brackets are nested too deep, or -1: the parser's time grows with the square of the depth.

    Brackets in texts count as well, so four times as many are allowed.
    """
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found[0] in "[{" else max(depth - 1, 0)
        if depth > 4 * MAX_DEPTH:
            return found.start()
    return -1


_BRACKET = re.compile(r"[\[\]{}]")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def _bounded(source: Source) -> None:
    """Refuse files that are too large once their aliases are expanded, and escapes for characters that are not text.
    Raises CampaignFileError.
    """
    parts = 0
    waiting: list[tuple[Any, Place]] = [(source.data, ())]
    while waiting:
        data, place = waiting.pop()
        parts += 1
        if parts > MAX_PARTS:
            message = f"aliases written out, it has more than {MAX_PARTS} parts"
            raise CampaignFileError([source.mistake(place[:1], message)])
        if isinstance(data, str) and (found := _NO_TEXT.search(data)):
            raise CampaignFileError([source.mistake(place, _not_text(found[0]))])
        if not isinstance(data, Mapping | list):
            continue
        if len(place) > MAX_DEPTH:  # also of what refers to itself
            raise CampaignFileError([source.mistake(place[:1], _TOO_DEEP)])
        items = data.items() if isinstance(data, Mapping) else enumerate(data)
        waiting += [(each, (*place, key if isinstance(key, int) else str(key))) for key, each in items]


def validate(source: Source, model: type[_Model]) -> _Model:
    """The file's content. Raises CampaignFileError with all mistakes at once, those of every template among them."""
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        found = [_mistake(source, model, each) for each in error.errors()]
        if model is Campaign:  # which stops at the first template that is refused
            refused = {each.at: each for each in _template_mistakes(source)}
            found = [each for each in found if each.at not in refused] + [*refused.values()]
        raise CampaignFileError(sorted(found, key=lambda each: each[:5])) from error


def without_templates(source: Source) -> Source | None:
    """The file with a text in the place of each template that is refused: whoever writes one wants to see the others.

    None where the templates are not what is wrong.
    """
    refused = {key for key, _ in _refused(source)}
    if not refused:
        return None
    send = source.data["send"]
    values = {key: "-" if str(key) in refused else template for key, template in send["values"].items()}
    return source._replace(data={**source.data, "send": {**send, "values": values}})


def _template_mistakes(source: Source) -> Iterator[Mistake]:
    for key, error in _refused(source):
        mistake = source.mistake((*VALUES, key), str(error))
        yield mistake._replace(template_line=error.line, template_column=error.column)


def _refused(source: Source) -> Iterator[tuple[str, TemplateError]]:
    """The templates that are refused, if the file is so far right that they can be found."""
    match source.data:
        case {"when": {"did": did} | {"did_any": did}, "send": {"values": dict(values)}}:
            events = [str(name) for name in (did if isinstance(did, list) else [did])]
            texts, types = templates_of(values)
            mapped = source.data.get("catalogs")
            catalogs = [str(name) for name in mapped] if isinstance(mapped, dict) else []
            for key, template in compile_each(texts, events=events, catalogs=catalogs, types=types).items():
                if isinstance(template, TemplateError):
                    yield key, template


def templates_of(values: Mapping[Any, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The templates, and the types of those that have one, as far as the file is right."""
    texts, types = {}, {}
    for key, each in values.items():
        match each:
            case str():
                texts[str(key)] = each
            case {"value": str(template), "type": str(type_)}:
                texts[str(key)], types[str(key)] = template, type_
    return texts, types


def _mistake(source: Source, model: type[BaseModel], error: ErrorDetails) -> Mistake:
    context = error.get("ctx", {})
    place: Place = context.get("at") or tuple(part for part in error["loc"] if part not in (TEXT_TAG, TYPED_TAG))
    match error["type"]:
        case "string_type" if cure := cures.of_text(error["input"]):
            message = cure
        case "dict_type" | "model_type" | "model_attributes_type" if isinstance(error["input"], list):
            message = "this is a list, and lines of `key: value` are needed here, without a - or brackets"
        case "missing":
            message = f"{place[-1]} is missing"
        case "extra_forbidden":
            message = f"unknown key {place[-1]!r}" + _known_here(model, place)
        case "value_error":
            message = str(context["error"])
        case kind:
            said = _SAID.get(kind)
            message = said.format(**context, form=_form(context)) if said else error["msg"]
    return source.mistake(place, message)


_SAID = {
    "string_type": "a text is needed here; one that looks like something else needs quotes",
    "dict_type": "lines of `key: value` are needed here, indented",
    "model_type": "lines of `key: value` are needed here, indented",
    "model_attributes_type": "lines of `key: value` are needed here, indented",
    "list_type": "a list is needed here",
    "int_type": "a whole number is needed here",
    "int_parsing": "a whole number is needed here",
    "int_from_float": "a whole number is needed here",
    "bool_type": "true or false is needed here",
    "string_too_short": "nothing is written here",
    "string_too_long": "at most {max_length} characters fit here",
    "string_pattern_mismatch": "{form} are needed here",
    "too_short": "at least {min_length} is needed here",
    "too_long": "at most {max_length} are allowed here",
    "literal_error": "{expected} is needed here",
    "greater_than_equal": "{ge} or more is needed here",
    "less_than_equal": "{le} or less is needed here",
    "finite_number": "a whole number is needed here",
}
"""Pydantic's words are for programmers."""


def _form(context: Mapping[str, Any]) -> str:
    """The form of a text that a pattern asks for."""
    pattern = context.get("pattern", "")
    if pattern == NAME_PATTERN:
        return "small letters, digits and hyphens, at most 63, beginning with a letter or digit,"
    return f"characters that match {pattern}"


def _position(data: Any, place: Place) -> tuple[int, int]:
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


def _known_here(model: type[BaseModel], place: Place) -> str:
    """The name that was likely meant by the last part of a place."""
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


def fields(text: str, model: type[BaseModel] = Campaign) -> dict[str, Json]:
    """The content of a published file, with its defaults; as it stands where today's rules refuse it."""
    try:
        data = plain(parse(text).data)
        return model.model_validate(data).model_dump(by_alias=True, mode="json")
    except ValidationError:
        return dict(data) if isinstance(data, dict) else {}
    except CampaignFileError:
        return {}


# --- Back to text -----------------------------------------------------------------------------------------------------


def plain(data: Any) -> Json:
    """The content of a file, without what YAML adds to it; a key that is not text becomes text."""
    match data:
        case Mapping():
            return {str(key): plain(value) for key, value in data.items()}
        case list() | tuple():
            return [plain(value) for value in data]
        case None | bool():
            return data
        case int():
            return int(data)
        case float():
            return float(data)
        case _:
            return str(data)


def rewritten(campaign: Json, text: str = "") -> str:
    """YAML that says `campaign`. It keeps comments, order and ways of writing of `text`, which said something else."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    try:
        before = parse(text).data
    except CampaignFileError:
        before = None
    buffer = StringIO()
    yaml.dump(_merged(before, campaign), buffer)
    return buffer.getvalue()


def _merged(before: Any, after: Json) -> Any:
    if plain(before) == after:
        return before
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after[0] if isinstance(after, list) and after == [plain(before)] else after
    for key in [key for key in before if str(key) not in after]:
        del before[key]
    known = {str(key): key for key in before}
    for key, value in after.items():
        name = known.get(key, key)
        merged = _merged(before[name], value) if key in known else value
        if key not in known or merged is not before[name]:
            before[name] = merged
    _reorder(before, after)
    return before


def _reorder(before: Any, wanted: Iterable[str]) -> None:
    """Put the pairs of a message into the order wanted."""
    if [str(key) for key in before] != list(wanted):
        for key in wanted:
            before.move_to_end(next(name for name in before if str(name) == key))
