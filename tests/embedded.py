"""An embedded AWS with the stack deployed to it, in a directory of its own: not the one that someone works with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast_cli import local
from holdfast_cli.stack import Deployment


@contextmanager
def at_home(home: Path) -> Iterator[None]:
    """All that finds the embedded AWS by itself finds the one in this folder. It is stopped in the end."""
    before = os.environ.get("HOLDFAST_HOME")
    os.environ["HOLDFAST_HOME"] = str(home)
    try:
        yield
    finally:
        local.down()
        if before is None:
            del os.environ["HOLDFAST_HOME"]
        else:
            os.environ["HOLDFAST_HOME"] = before


@contextmanager
def embedded_aws(home: Path) -> Iterator[Deployment]:
    with at_home(home):
        local.up(print)
        yield Deployment.find("local")
