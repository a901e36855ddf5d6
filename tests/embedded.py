"""An embedded AWS with the stack deployed to it, in a directory of its own: not the one that someone works with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast_cli import local
from holdfast_cli.stack import Deployment

HOMES = "HOLDFAST_TEST_HOMES"
"""A variable: the folder of this run of the tests, with one in it for each embedded AWS that workers share."""


@contextmanager
def in_folder(home: Path) -> Iterator[None]:
    """All that finds the embedded AWS by itself finds the one in this folder."""
    before = os.environ.get("HOLDFAST_HOME")
    os.environ["HOLDFAST_HOME"] = str(home)
    try:
        yield
    finally:
        if before is None:
            del os.environ["HOLDFAST_HOME"]
        else:
            os.environ["HOLDFAST_HOME"] = before


@contextmanager
def at_home(home: Path) -> Iterator[None]:
    """As `in_folder`, and what runs there is stopped in the end."""
    with in_folder(home):
        try:
            yield
        finally:
            local.down()


@contextmanager
def shared_aws(name: str) -> Iterator[Deployment]:
    """One for all workers: the first deploys, the others wait for that. It runs until the last test of all."""
    with in_folder(Path(os.environ[HOMES]) / name):
        local.up(print)
        yield Deployment.find("local")


def stop_all(homes: Path) -> None:
    for home in homes.iterdir():
        with at_home(home):
            pass
