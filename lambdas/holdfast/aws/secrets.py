"""A secret of AWS Secrets Manager, read when it is first needed and kept for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class Secret:
    """With an empty `arn` there is no secret. `client` is called only when it is needed."""

    def __init__(self, client: Callable[[], Any], arn: str, *, ttl: float = 300) -> None:
        self._client = client
        self._arn = arn
        self._ttl = ttl
        self._kept: tuple[float, str] | None = None

    def __call__(self) -> str:
        """Raises the client's errors: an unreadable secret must not count as none."""
        if not self._arn:
            return ""
        if self._kept is None or time.monotonic() - self._kept[0] > self._ttl:
            answer = self._client().get_secret_value(SecretId=self._arn)
            self._kept = (time.monotonic(), answer["SecretString"])
        return self._kept[1]
