"""The form of every answer: a status, headers that let a browser do nothing more than the page needs, and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Answer: TypeAlias = dict[str, Any]
"""An answer in the form that API Gateway takes from a function (payload format 2.0)."""

HEADERS: Final[Mapping[str, str]] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "strict-transport-security": "max-age=31536000",  # without effect over HTTP, as it is on one's own machine
}


class Refused(Exception):
    """A request that is refused: its status, a word for programs, and a sentence for people that says what to do."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, **more}}


def content_security_policy(*connect: str) -> str:
    """Nothing from elsewhere, no script or style in the document; `connect` are the origins it may call as well."""
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": " ".join(["'self'", *connect]),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def as_json(status: int, body: object) -> Answer:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body, ensure_ascii=False, default=str)}


def secured(answer: Answer, policy: str) -> Answer:
    """Adds the headers of every answer. An answer that is not a page gets no rights at all."""
    headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
    html = headers.get("content-type", "").startswith("text/html")
    csp = policy if html else "default-src 'none'; frame-ancestors 'none'"
    return {**answer, "headers": {**HEADERS, "content-security-policy": csp, **headers}}
