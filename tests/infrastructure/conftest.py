from __future__ import annotations

import pytest

from tests.infrastructure.synthesis import Stack, stack


@pytest.fixture(params=["dev", "prod"])
def on_aws(request: pytest.FixtureRequest) -> Stack:
    return stack(stage=request.param, recommendations="true")
