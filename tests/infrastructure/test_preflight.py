"""`make preflight` sees what it says it sees. The whole takes minutes; here are the barest stack and the fullest."""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra import preflight
from infra.preflight import COMBINATIONS, NEIGHBOURS, OWN_KEY, RECOMMENDING, over_quota, problems

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def cfn_lint() -> None:
    """Installed by one worker, while the others wait."""
    lock = ROOT / ".cache" / "preflight.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        subprocess.run(["make", "--silent", ".cache/tools/preflight"], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    "settings",
    [{"stage": "prod", "console": "false"}, {"stage": "prod", **RECOMMENDING, **OWN_KEY, **NEIGHBOURS}],
    ids=["barest", "fullest"],
)
def test_nothing_is_found(settings: dict[str, str]) -> None:
    assert problems(settings) == []


def test_every_setting_of_the_stack_is_in_some_combination() -> None:
    source = (ROOT / "infra" / "stages.py").read_text()
    read = set(re.findall(r'\((?:setting, )"([a-z_]+)"', source)) | {"stage", "events_bus", "events_source", "bus"}
    tried = {key for each in COMBINATIONS for key in each}
    assert read - tried <= {"events_source"}  # a pattern of the rule that events_bus makes


def test_what_aws_would_refuse_is_found(tmp_path: Path) -> None:
    queue: dict[str, Any] = {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 20 * 24 * 3600}}
    template = tmp_path / "wrong.json"
    template.write_text(json.dumps({"Resources": {"Queue": queue}}))
    (found,) = preflight.linted(template)
    assert "1728000" in found


def test_what_is_over_a_quota_is_found() -> None:
    variables = {f"NAME_{number}": "x" * 100 for number in range(50)}
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": variables}}}
    redrive = {"RedrivePolicy": {"maxReceiveCount": 2_000}}
    queue = {"Type": "AWS::SQS::Queue", "Properties": redrive}
    found = over_quota({"Resources": {"Function": function, "Queue": queue}, "Outputs": {}})
    assert [each.split(":")[0] for each in found] == [
        "bytes of a function's environment",
        "receives before a message is a dead letter",
    ]
