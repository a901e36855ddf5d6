"""The SDK's clients: bounded time and few retries, since what fails here is tried again by the queue or the stream."""

from __future__ import annotations

from functools import partial

import boto3
from botocore.config import Config

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=16,
)

client = partial(boto3.client, config=_CONFIG)
