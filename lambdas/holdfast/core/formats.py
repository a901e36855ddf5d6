"""The agreements between releases: the number of a format, and JSON text that every queue takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

STATE, DECISION = 1, 1
"""The newest format that this release reads. A text without a number is of format 1. A field that may be ignored by a
release which does not know it needs no new number."""
MAX_MESSAGE_BYTES = 1024 * 1024
"""The size that a message of SQS may have."""
_REFUSED = re.compile("[\ufffe\uffff]")
"""Characters that JSON lets through as they are, and SQS does not."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class NewerFormat(ValueError):
    """Written by a newer release, in a form that this one must not guess at."""


def check(data: Mapping[str, Any], newest: int) -> None:
    """Raises NewerFormat."""
    if data.get("v", 1) > newest:
        raise NewerFormat(data["v"])


def sendable(value: object) -> str | None:
    """JSON text that SQS takes: ASCII, or UTF-8 where only that is short enough; None where neither is."""
    text = json.dumps(value, default=str)
    if len(text) <= MAX_MESSAGE_BYTES:
        return text
    text = json.dumps(value, default=str, ensure_ascii=False)
    text = _REFUSED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return None if _SURROGATE.search(text) or len(text.encode()) > MAX_MESSAGE_BYTES else text
