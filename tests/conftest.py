"""How tests are divided among workers, how many of those there are, and on how many examples properties are tried."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.testing
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.embedded import HOMES, stop_all
from tests.examples import FEW, PROFILE

if TYPE_CHECKING:
    from xdist.remote import Producer  # type: ignore[import-untyped]

TOGETHER = {
    "tests/e2e/test_upgrade.py": "upgrade",
    "tests/e2e/test_baseline.py": "e2e, waiting for windows",
    "tests/e2e/test_between.py": "e2e, waiting for windows",
    "tests/e2e/test_person.py": "e2e, waiting for windows",
    "tests/e2e/": "e2e",
    "tests/browser/test_looks.py": "pictures",
    "tests/browser/test_everywhere.py": "browser, another system",
    "tests/browser/test_nothing_lost.py": "browser, another system",
    "tests/browser/": "browser",
    "tests/infrastructure/": "infrastructure",
    "tests/packaging/": "packaging",
}
"""Groups of tests that run on one worker, one after the other: they share a browser, the synthesised templates or a
wheel, or they wait. The first that fits counts. The tests of any other file run on whichever worker is free, a file at
a time: handed out one by one, thousands of them keep the process busy that hands them out.

The books are read by `test_deployed` before `test_set_aside` has something delivered that nobody decided: both are of
one group, and in this order.
"""
LONGEST_FIRST = ["upgrade", "browser", "browser, another system", "e2e", "e2e, waiting for windows", "infrastructure"]
LONGEST_FIRST += ["packaging", "pictures"]
LONGEST_FIRST += [f"tests/unit/test_{name}.py" for name in ("laws", "simulating", "timers", "bench")]
"""So that in the end no worker has much left that the others could not share."""
WAITING = {"tests/e2e", "tests/browser"}
"""Folders of nothing but groups that wait, most of the time: for a window, a queue, a page."""


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """That is what `--dist loadgroup` is for, but pytest-xdist 3.8 marks the groups in an attribute of tests that
    pytest 9.2 no longer reads.
    """

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False  # else by the number of tests
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def _scope(nodeid: str) -> str:
    """The group, or the file."""
    groups = (group for start, group in TOGETHER.items() if nodeid.startswith(start))
    return next(groups, nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    return Together(config, log)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One for each core, and four more where some tests wait while others compute; where all wait, one for each group.

    Each worker imports and collects all tests that were asked for, which takes seconds: so none is without work.
    """
    cores, asked = os.cpu_count() or 2, {each.rstrip("/") for each in config.args}
    if asked <= WAITING:
        return len({group for start, group in TOGETHER.items() if any(start.startswith(each) for each in asked)})
    return cores + 4 if "tests" in asked else cores


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Almost all that is made meanwhile stays, so that there is little garbage to look for."""
    worker = getattr(session.config, "workerinput", None)
    gc.disable()
    try:
        with _first_alone() if worker and worker["workercount"] > (os.cpu_count() or 2) else nullcontext():
            return (yield)
    finally:
        gc.enable()


@contextmanager
def _first_alone() -> Iterator[None]:
    """The other workers wait for the first one, and find what it has compiled: in a fresh checkout, that is two thirds
    of what collecting takes, and they would all compile the same at the same time.
    """
    folder = os.open(os.environ[HOMES], os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(folder, fcntl.LOCK_SH)
        yield
    finally:
        os.close(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {group: number for number, group in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(_scope(item.nodeid), len(place)))


def pytest_collection_finish() -> None:
    """Objects that are there by now stay until the end: the garbage collector leaves them out."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    """The workers inherit the name of the folder."""
    if not hasattr(config, "workerinput"):
        os.environ[HOMES] = tempfile.mkdtemp(prefix="holdfast-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Once all workers are done."""
    if not hasattr(config, "workerinput") and (homes := os.environ.pop(HOMES, None)):
        stop_all(Path(homes))
        shutil.rmtree(homes, ignore_errors=True)


# Metrics of all tests of a worker pile up in one place, which is emptied when it is full, if it has a name.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Tests")

# Made once, as whoever calls the command has it: making it takes longer than most of what a test has it do.
typer.testing._get_command = cache(typer.testing._get_command)  # type: ignore[attr-defined]

# The same examples at every run: a test that fails was broken by the change at hand. `make laws` looks for others.
settings.register_profile("same", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("others", settings.get_profile("same"), derandomize=False)
settings.register_profile("few", settings.get_profile("same"), max_examples=FEW)
settings.load_profile(PROFILE)
