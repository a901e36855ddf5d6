"""The messages that a case expects, beside those that came."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from holdfast.core.events import Json as JsonValue

Fields: TypeAlias = Mapping[str, JsonValue]
"""The facts of a message, flat: user, decision, constant, at, reason, values.title, …"""


class Difference(NamedTuple):
    """The expected message and the one that came instead; None for neither."""

    expected: Fields | None
    got: Fields | None

    def lines(self) -> Iterator[str]:
        """As a diff: `-` is expected, `+` is what came. White space that nobody sees is escaped."""
        expected, got = self.expected, self.got
        if expected is None or got is None:
            yield f"{'+' if got else '-'} {_sentence(expected or got or {})}"
            return
        yield f"  {_title(got)}"
        for key, wanted in expected.items():
            if not _meant(key, wanted, got.get(key)):
                yield f"- expected {key}: {_visible(wanted)}"
                yield f"+ got {key}: {_visible(got.get(key))}"


def compare(expected: Sequence[Fields], got: Sequence[Fields]) -> list[Difference]:
    """The messages that do not agree, each beside the likeliest one that was meant. Their order does not matter."""
    came = list(got)
    missing: list[Fields] = []
    for each in sorted(expected, key=len, reverse=True):  # those that say most choose first
        agreeing = next((one for one in came if _agree(each, one)), None)
        if agreeing is None:
            missing.append(each)
        else:
            came.remove(agreeing)
    differences = []
    for each in sorted(missing, key=expected.index):
        alike = sorted((one for one in came if one["user"] == each["user"]), key=lambda one: -_likeness(each, one))
        if alike:
            came.remove(alike[0])
        differences.append(Difference(each, alike[0] if alike else None))
    return differences + [Difference(None, one) for one in came]


def _agree(expected: Fields, got: Fields) -> bool:
    return all(_meant(key, value, got.get(key)) for key, value in expected.items())


def _meant(key: str, expected: JsonValue, got: JsonValue) -> bool:
    """Whether a value is as expected. For a reason, the part before the colon is enough."""
    return got == expected or (key == "reason" and str(got).partition(":")[0] == expected)


def _likeness(expected: Fields, got: Fields) -> int:
    """The constant value says more than all else."""
    return sum((9 if key == "constant" else 1) * (got.get(key) == value) for key, value in expected.items())


def compare_rejected(expected: Sequence[str], got: Sequence[str]) -> list[Difference]:
    came = list(got)
    differences = []
    for part in expected:
        reason = next((each for each in came if part in each), None)
        if reason is None:
            differences.append(Difference({"decision": "rejected", "reason": part}, None))
        else:
            came.remove(reason)
    return differences + [Difference(None, {"decision": "rejected", "reason": reason}) for reason in came]


def _title(fields: Fields) -> str:
    shown = [fields["user"]] if "user" in fields else []
    shown += [fields["constant"]] if fields.get("constant") is not None else []
    return ", ".join(map(_shown, shown))


def _sentence(fields: Fields) -> str:
    who, reason = _title(fields), fields.get("reason")
    at = f" at {fields['at']}" if "at" in fields else ""
    values = ", ".join(
        f"{k.removeprefix('values.')}: {_shown(v)}" for k, v in fields.items() if k.startswith("values.")
    )
    what = str(fields["decision"]) + at + (f": {reason}" if reason else "") + (f" ({values})" if values else "")
    return f"{who}: {what}" if who else what


def _visible(value: JsonValue) -> str:
    """The value as text. Quotes mark one that could be taken for something else, and hidden white space."""
    if not isinstance(value, str):
        return _shown(value)
    written = "".join(each if each == " " or each.isprintable() else ascii(each)[1:-1] for each in value)
    numberlike = re.fullmatch(r"-?[0-9.]+|true|false|null|nothing|", value)
    return f'"{written}"' if written != value or numberlike or value != value.strip() or "  " in value else value


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) else "nothing" if value is None else json.dumps(value, ensure_ascii=False)
