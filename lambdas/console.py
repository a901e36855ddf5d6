"""console: serves the page and its HTTP API. It reads, renders and publishes as the command line does."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from holdfast.aws.clients import client, waiting_client
from holdfast.aws.settings import ConsoleSettings
from holdfast.aws.telemetry import Logger
from holdfast.console.app import Console
from holdfast.console.page import Page, installed

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], lambda_context: Any) -> dict[str, Any]:
    return build().answer(event, lambda_context)


@cache
def build() -> Console:
    return Console(
        ConsoleSettings.from_env(os.environ),
        lambda service: waiting_client(service) if service == "lambda" else client(service),
        Page(installed()),
    )
