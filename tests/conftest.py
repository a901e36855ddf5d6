from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer  # type: ignore[import-untyped]


class OneForEndToEnd(LoadScopeScheduling):  # type: ignore[misc]
    """All of tests/e2e on one worker, which so deploys once, all of tests/browser and of tests/packaging on one too;
    every other test on whichever is free.

    That is what `--dist loadgroup` is for, but pytest-xdist 3.8 marks the groups in an attribute of tests that
    pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next(
            (kind for kind in ("tests/e2e/", "tests/browser/", "tests/packaging/") if nodeid.startswith(kind)), nodeid
        )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneForEndToEnd:
    return OneForEndToEnd(config, log)


# Metrics of all tests of a worker pile up in one place, which is emptied when it is full, if it has a name.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Tests")

# The same examples at every run: a test that fails was broken by the change at hand. `make laws` looks for others.
settings.register_profile("same", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("others", settings.get_profile("same"), derandomize=False)
settings.load_profile(os.environ.get("HOLDFAST_EXAMPLES", "same"))
