"""docs/operate.md lists the calls to AWS with what becomes of them when they fail: all there are, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from holdfast.aws.retry import _LASTING

ROOT = Path(__file__).parents[2]
SECTION = (
    (ROOT / "docs" / "operate.md").read_text(encoding="utf-8").split("## Calls to AWS that fail")[1].split("\n## ")[0]
)
CLIENT = r"(?:dynamodb|sqs|events|s3|firehose\(\)|athena|functions|client(?:\(\))?)"
VERB = "batch|change|delete|describe|get|head|list|put|receive|send|start|stop|transact|update"
CALLED = re.compile(
    rf"{CLIENT}\.(?!get_paginator)((?:{VERB})_[a-z_0-9]+|query|scan|invoke)\(|get_paginator\(\"([a-z_0-9]+)\""
)


def _called() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "lambdas" / "holdfast").rglob("*.py"))
    found = {name or paged for text in texts for name, paged in CALLED.findall(text)}
    return {"".join(word.capitalize() for word in name.split("_")) for name in found}


def test_each_call_is_in_the_table_and_no_other_is() -> None:
    cells = [row.split("|")[2] for row in SECTION.splitlines() if row.startswith("|")]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == _called()


def test_the_codes_that_are_named_are_among_those_that_never_succeed() -> None:
    assert set(re.findall(r"`(\w+)`", SECTION.split("|")[0])) <= _LASTING
