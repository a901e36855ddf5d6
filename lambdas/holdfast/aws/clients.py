"""The SDK's clients: bounded time and few retries, since what fails here is tried again by the queue or the stream.

`retry.CALL_SECONDS` is the longest that a call of `client` takes: two attempts of four seconds, and the pause between.

They come from botocore itself. boto3 adds resources and S3 transfers, which are not used here, and every cold start
would pay for its import.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session

_SHARED = Config(
    max_pool_connections=16,
    parameter_validation=False,  # mypy has checked them, at no cost for whoever runs this
)
_CONFIG = _SHARED.merge(
    Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
)
_PATIENT = _SHARED.merge(
    Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
)


@cache
def _session() -> Session:
    return Session()  # one for all clients, which share the models that it has read


_QUICK = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})


def quick_client(service: str) -> Any:
    """A client for optional data of a message. Its user decides whether to try again."""
    return _session().create_client(service, config=_QUICK)


def client(service: str) -> Any:
    return _session().create_client(service, config=_CONFIG)


def patient_client(service: str) -> Any:
    """A client for work that takes minutes: imports and builds."""
    return _session().create_client(service, config=_PATIENT)


WAITING = Config(connect_timeout=2, read_timeout=70, retries={"mode": "standard", "total_max_attempts": 1})
"""Settings of a client that waits for a function which may run for a minute, and does not start it twice."""


def waiting_client(service: str) -> Any:
    return _session().create_client(service, config=_SHARED.merge(WAITING))
