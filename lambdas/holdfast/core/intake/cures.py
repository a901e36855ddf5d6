"""Cures for bodies and fields that cannot be read: what they are, and what to send. Imported only where one is needed.

A cure names kinds and keys, never values: reasons are counted by their text, and values may be personal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from holdfast.core.events import Json

_MOST_KEYS: Final = 6

# --- Fields -----------------------------------------------------------------------------------------------------------


def of_kind(value: Json) -> str:
    """`, not a list`: of a field that has to be a string. Nothing of what is missing."""
    match value:
        case None:
            return ""
        case str():
            return ", not blank"
        case bool():
            return ", not a boolean"
        case int() | float():
            return ", not a number"
        case list():
            return ", not a list"
    return ", not an object"


def of_time(value: Json) -> str:
    """A remark on a time that cannot be read."""
    found = _of_time(value)
    return f"; {found}" if found else ""


_UNITS: Final = {
    range(10**8, 10**11): "seconds: times 1000",
    range(10**14, 10**17): "microseconds: divide it by 1000",
    range(10**17, 10**20): "nanoseconds: divide it by 1000000",
}


def _of_time(value: Json) -> str:  # noqa: PLR0911 (one for each kind)
    match value:
        case bool() | list() | dict():
            return f"this is {of_kind(value).removeprefix(', not ')}"
        case int() | float():
            whole = int(value) if abs(value) < 10**20 else 0
            return next((f"this is in {unit}" for some, unit in _UNITS.items() if whole in some), "")
        case str() if re.fullmatch(r"\s*-?[0-9]{1,30}(?:\.[0-9]+)?\s*", value):
            unit = _of_time(float(value)).replace("this is", ", and it is")
            return f"this is a number in a text: send it without quotes{unit}"
        case str() if not value.strip():
            return "this is blank: leave it out where it is not known"
        case str() if re.fullmatch(r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*", value):
            return "this is a day without a time"
        case str() if _without_zone(value):
            return "this names no time zone: add Z for UTC, or the offset, as +01:00"
        case str() if re.search(r"[0-9]", value):
            return "write 2026-11-23T10:00:00Z"
    return ""


def _without_zone(text: str) -> bool:
    try:
        return datetime.fromisoformat(text.strip()).tzinfo is None
    except ValueError:
        return False


# --- Records ----------------------------------------------------------------------------------------------------------


def of_record(data: Mapping[str, Any]) -> str:
    """A remark on an object of no known form: where it comes from, or what it has."""
    found = next((cure for keys, cure in _ELSEWHERE.items() if all(key in data for key in keys)), None)
    if found:
        return f"; {found}"
    lower = {"".join(c for c in str(key).casefold() if c.isalnum()): str(key) for key in data}
    named = [
        f"{ours} stands in {lower[theirs]}"
        for ours, others in _THEIR_NAMES.items()
        if ours not in data
        for theirs in others[: next((n for n, each in enumerate(others, 1) if each in lower), 0)][-1:]
    ]
    if named:
        return f"; {' and '.join(named)}: send it under our name, or publish a source that says so"
    if "profile" in data and "user" in data:
        return of_kind(data["profile"]).replace("blank", "a text")
    if "user" in data or "event" in data:
        return ""
    keys = ", ".join(f"{str(key)[:20]}" for key in list(data)[:_MOST_KEYS])
    more = ", …" if len(data) > _MOST_KEYS else ""
    return f"; this one has {keys}{more}: a source can say where things are in it" if keys else ""


_LAMBDA = "this is what AWS hands to a function: send what is inside its records"
_ELSEWHERE: Mapping[tuple[str, ...], str] = {
    ("kinesisSchemaVersion", "data"): "this is a record of Kinesis, and its data is base64: send it decoded",
    ("records", "requestId"): "these are Firehose's records, and their data is base64: send it decoded",
    ("Records",): _LAMBDA,
    ("awslogs",): "these are CloudWatch's logs, packed: send the events themselves",
    ("eventSource", "dynamodb"): "this is a change of a DynamoDB table: send the event that led to it",
    ("requestContext", "body"): "this is a request as API Gateway hands it on: send its body",
    ("message", "subscription"): "this is a push of Google's Pub/Sub, and its data is base64: send it decoded",
    ("SubscribeURL",): "this asks to confirm a subscription of SNS: deploy with -c upstream_topics, which does",
    ("Service", "Bucket"): "this is S3's test of a notification: leave S3's notifications to others",
    ("payload", "schema"): "this is Kafka Connect's envelope: send its payload",
    ("batch", "type"): "a batch of calls has no type of its own",
    ("userId", "event"): "a call of Segment's also has its type, track",
    ("d",): "CleverTap's d is a list of records",
}
_THEIR_NAMES: Mapping[str, tuple[str, ...]] = {
    # by theirs without case and separators; the first that is there
    "user": ("userid", "user", "uid", "distinctid", "customerid", "externalid", "profileid", "visitorid", "email"),
    "event": ("eventname", "event", "eventtype", "name", "type", "action"),
}


# --- Bodies -----------------------------------------------------------------------------------------------------------


def of_bytes(body: bytes) -> str:
    """A remark on bytes that are not UTF-8."""
    if body.startswith(b"\x1f\x8b"):
        return "; it is packed by gzip: send it unpacked"
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "; it is UTF-16"
    return "; Latin-1, as Excel may write it, has to become UTF-8"


def of_json(text: str, at: int = 0) -> str:
    """A remark on a text that is not JSON, and where that shows."""
    found = _of_json(text.lstrip("\ufeff"), text[at : at + 40])
    return f"; {found}" if found else ""


def _of_json(text: str, there: str) -> str:  # noqa: PLR0911 (one for each kind)
    if there.startswith(("//", "/*", "#")):
        return "JSON has no comments"
    if re.match(r"\s*[\[{]*\s*'", there) or re.match(r"\s*[\[{]+\s*'", text):
        return "names and texts stand between double quotes, not single ones"
    if re.match(r"(?:True|False|None)\b", there):
        return "JSON has true, false and null"
    if re.match(r"(?:NaN|-?Infinity|undefined)\b", there):
        return "write null"
    if re.match(r"[A-Za-z_]\w*\s*:", there):
        return "names stand between double quotes"
    if text.lstrip().startswith("<"):
        return "this is XML or HTML"
    if re.fullmatch(r"\s*[A-Za-z0-9+/_-]{24,}={0,2}\s*", text[:2000]) and len(text.strip()) % 4 in {0, 2, 3}:
        return "this looks like base64: send it decoded, and unpacked"
    if re.match(r"\s*[\w.%-]+=[^&\s]*(?:&|\s*$)", text):
        return "this looks like a form (a=1&b=2): send an object"
    if re.match(r"\s*[\w\" ]+(?:[,;\t][\w\" ]+)+\s*(?:\n|$)", text):
        return "this looks like a line of CSV: a file whose name ends in .csv is read as one"
    return ""
