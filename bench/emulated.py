"""An embedded AWS for the bench alone, removed afterwards: with the stack deployed, or empty."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from holdfast_cli import local
from holdfast_cli.output import err
from holdfast_cli.stack import Deployment


@contextmanager
def deployed() -> Iterator[Deployment]:
    """An embedded AWS with the stack, as `holdfast local up` deploys it."""
    with _home(), err.status("deploying the stack to an embedded AWS"):
        local.up(lambda _step: None)
        yield Deployment.find("local")


@contextmanager
def bare() -> Iterator[str]:
    """An empty embedded AWS. Yields its endpoint."""
    with _home():
        yield local.start(lambda _step: None).endpoint


@contextmanager
def _home() -> Iterator[None]:
    before = os.environ.get("HOLDFAST_HOME")
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as home:
        os.environ["HOLDFAST_HOME"] = home
        try:
            yield
        finally:
            local.down()
            os.environ.pop("HOLDFAST_HOME")
            if before is not None:
                os.environ["HOLDFAST_HOME"] = before


@cache
def _session() -> boto3.Session:
    return boto3.Session(region_name=local.REGION)  # one session, which reads each service's model once


def client(service: str, endpoint: str | None) -> Any:
    """A client for a service that Deployment does not know, or for a bare AWS."""
    return _session().client(  # type: ignore[call-overload]  # any service
        service,
        endpoint_url=endpoint,
        aws_access_key_id=local.ACCOUNT,
        aws_secret_access_key="local",  # noqa: S106  (the emulator asks for some, and checks none)
        config=Config(proxies={}, retries={"mode": "standard"}),
    )
