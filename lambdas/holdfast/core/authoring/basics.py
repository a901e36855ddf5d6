"""Parts of the models for files that people write: texts, durations, and mistakes with their place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Annotated, TypeAlias

from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, StringConstraints
from pydantic_core import PydanticCustomError

from holdfast.core.authoring import cures
from holdfast.core.paths import too_complex
from holdfast.core.plans.plan import LONGEST_MS
from holdfast.core.times import format_duration, parse_duration


def _duration(value: object) -> int:
    if not isinstance(value, str):
        msg = "a duration is a number with its unit, such as 30 minutes, 24h, 3 days or PT30M"
        raise ValueError(msg)  # noqa: TRY004 (Pydantic turns ValueErrors into validation errors)
    ms = parse_duration(value)
    if ms > LONGEST_MS:
        msg = "90 days is the longest"
        raise ValueError(msg)
    return ms


def one_or_many(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


def expression(value: str) -> str:
    try:
        reason = too_complex(value)
    except JMESPathError as error:
        detail = str(error).splitlines()[0]
        cure = cures.of_expression(value)
        msg = f"{value!r} is not a JMESPath expression: {cure or detail}"
        raise ValueError(msg) from None
    if reason:
        msg = f"{value[:40]!r}… is {reason}: write it more simply"
        raise ValueError(msg)
    return value


Text: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Duration: TypeAlias = Annotated[
    int, BeforeValidator(_duration, json_schema_input_type=str), PlainSerializer(format_duration, return_type=str)
]
Names: TypeAlias = Annotated[list[Text], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])]
Path: TypeAlias = Annotated[Text, AfterValidator(expression)]


def fail(at: tuple[str | int, ...], message: str) -> None:
    """Raise an error that names its place in the file, where Pydantic would name the whole model."""
    raise PydanticCustomError("campaign", "{message}", {"message": message, "at": at})


def did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
