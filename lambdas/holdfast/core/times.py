"""Durations as people write them: `30 minutes`, `PT30M`, `24h`, `3 days`, `1h 30m`; times as databases write them."""

from __future__ import annotations

import re

_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_NAMES = {
    "ms": "ms",
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s*(?:,|and)?\s*")
_ISO = re.compile(
    r"P(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?(?:T(?=\d)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE,
)


LONGEST_TEXT = 100


def parse_duration(text: str) -> int:
    """Milliseconds. ISO 8601 without years and months, whose length is not fixed. Raises ValueError."""
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        msg = f"a duration has {LONGEST_TEXT} characters at most, such as 30 minutes"
        raise ValueError(msg)
    iso = _ISO.fullmatch(text)
    if iso and len(text) > 1:
        return round(sum(float(n) * _MS[unit] for unit, n in iso.groupdict().items() if n))
    total, at, lowered = 0.0, 0, text.lower()
    while at < len(lowered) and (part := _PART.match(lowered, at)) and part[2] in _NAMES:
        total += float(part[1]) * _MS[_NAMES[part[2]]]
        at = part.end()
    if not text or at < len(lowered):
        msg = f"{text!r} is not a duration; {_cure(text)}"
        raise ValueError(msg)
    return round(total)


def _cure(text: str) -> str:
    if re.search(r"month|year|monat|jahr|^-?P\d+[MY]", text, re.IGNORECASE):
        return "months and years have no fixed length: write 30 days"
    if re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?", text):
        return f"its unit is missing: {text.replace(',', '.')} minutes"
    if re.fullmatch(r"[0-9]+,[0-9]+\s*[a-z]+", text, re.IGNORECASE):
        return f"write it with a point: {text.replace(',', '.')}"
    return "write it as 30 minutes, 24h, 3 days or PT30M"


def iso_text(text: str) -> str:
    """A time as `datetime.fromisoformat` takes it: BigQuery's exports and Ruby end in ` UTC`, others in a small z."""
    text = text.strip()
    if text.endswith((" UTC", " GMT")):
        return text[:-4] + "Z"
    return text.upper() if text.endswith("z") else text


def format_duration(ms: int) -> str:
    """The shortest exact form in one unit: `30 minutes`, `1500 ms`."""
    for unit, name in (("d", "day"), ("h", "hour"), ("m", "minute"), ("s", "second")):
        if ms and ms % _MS[unit] == 0:
            count = ms // _MS[unit]
            return f"{count} {name}" + ("s" if count != 1 else "")
    return f"{ms} ms"
