"""One embedded AWS for all tests here, which several workers share.

Tests keep out of each other's way by names of their own. One that changes what all of them see is marked `alone`.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast_cli import local
from holdfast_cli.stack import Deployment
from tests.embedded import shared_aws

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def shared() -> Iterator[Deployment]:
    with shared_aws("e2e") as deployment:
        yield deployment


@pytest.fixture
def deployed(shared: Deployment, request: pytest.FixtureRequest) -> Iterator[Deployment]:
    alone = request.node.get_closest_marker("alone") is not None
    with (local.home() / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield shared
