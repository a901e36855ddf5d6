"""Checks before a deployment, without an account: `make preflight`.

Every combination of settings that matters is synthesised (with cdk-nag's rules), its template is checked by cfn-lint
against AWS's schemas of resources, and measured against the quotas that a template alone can break.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import infra  # noqa: F401  (first: it tells jsii which node to start)

# isort: split
from aws_cdk import App

from app import build
from infra.assets import ROOT

CFN_LINT = ROOT / ".cache" / "tools" / "preflight" / "bin" / "cfn-lint"
_IGNORED = "W3005"
"""A dependency that is stated although it follows: CDK states many."""

Settings = Mapping[str, str]
Template = Mapping[str, Any]

TOPIC = "arn:aws:sns:eu-west-1:111111111111:topic"
KEY = "arn:aws:kms:eu-west-1:111111111111:key/0a1b2c3d-0000-4000-8000-000000000000"
USERS = "Holdfast-prod-Users1"
LEFT_BEHIND: Settings = {
    "users_table": USERS,
    "users_stream": f"arn:aws:dynamodb:eu-west-1:111111111111:table/{USERS}/stream/2026-11-25T10:00:00.000",
    "timers_table": "Holdfast-prod-Timers1",
    "campaigns_table": "Holdfast-prod-Campaigns1",
    "catalog_table": "Holdfast-prod-Catalog1",
    "bus": "HoldfastprodMessagesBus1",
}
NEIGHBOURS: Settings = {
    "upstream_accounts": "111111111111,222222222222",
    "consumer_accounts": "333333333333,444444444444",
    "upstream_topics": TOPIC,
    "events_bus": "shop,aws.partner/segment.com/abc",
    "schema_registry": "true",
    "alarm_topic": TOPIC,
    "source": "shop/messages",
    "cloudevent_subject": "user",
    "nobody": "walk-in",
    "deflate": "true",
    "signing_secret": "arn:aws:secretsmanager:eu-west-1:111111111111:secret:links-AbCdEf",
}
OWN_KEY: Settings = {"customer_managed_key": "true"}
RECOMMENDING: Settings = {
    "recommendations": "true",
    "personalize": "arn:aws:personalize:eu-west-1:111111111111:recommender/also",
}
COMBINATIONS: Sequence[Settings] = (
    {"stage": "dev"},
    {"stage": "dev", "console": "false"},
    {"stage": "dev", **RECOMMENDING, **OWN_KEY, **NEIGHBOURS},
    {"stage": "prod"},
    {"stage": "prod", **RECOMMENDING},
    {"stage": "prod", **OWN_KEY},
    {"stage": "prod", **NEIGHBOURS},
    {"stage": "prod", **RECOMMENDING, **OWN_KEY, "events_bus": "shop", "console": "false"},
    {"stage": "prod", **RECOMMENDING, **OWN_KEY, **NEIGHBOURS},
    {"stage": "prod", "locked": "true", "sweep_reserved": "1", "warm_writes": "20000", **RECOMMENDING},
    {"stage": "prod", **LEFT_BEHIND},
    {"stage": "prod", **LEFT_BEHIND, **RECOMMENDING, **NEIGHBOURS, "customer_managed_key": KEY},
)
"""Each setting alone, and beside those whose constructs it shares."""


class Quota(NamedTuple):
    """`measured` yields a place and its size, each at most `most`."""

    name: str
    most: int
    measured: Callable[[Template], Iterator[tuple[str, int]]]


def _all(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, each in template["Resources"].items():
        if each["Type"] == kind:
            yield name, each.get("Properties", {})


def _length(value: Any) -> int:
    """The length of a policy or the like; each reference counts as an ARN of some length."""
    return len(json.dumps(value, separators=(",", ":")))


def _statements(template: Template) -> Iterator[tuple[str, int]]:
    for name, policy in _all(template, "AWS::SQS::QueuePolicy"):
        yield name, len(policy["PolicyDocument"]["Statement"])


def _of(kind: str, *path: str) -> Callable[[Template], Iterator[tuple[str, int]]]:
    def measured(template: Template) -> Iterator[tuple[str, int]]:
        for name, value in _all(template, kind):
            found: Any = value
            for step in path:
                found = found.get(step, {})
            yield name, _length(found)

    return measured


QUOTAS = (
    Quota("bytes of a template", 1_000_000, lambda template: iter([("template", _length(template))])),
    Quota("resources of a stack", 500, lambda template: iter([("template", len(template["Resources"]))])),
    Quota("outputs of a stack", 200, lambda template: iter([("template", len(template["Outputs"]))])),
    Quota("bytes of a function's environment", 4_096, _of("AWS::Lambda::Function", "Environment", "Variables")),
    Quota("bytes of a role's policies", 10_240, _of("AWS::IAM::Policy", "PolicyDocument")),
    Quota("bytes of a bus's policy", 10_240, _of("AWS::Events::EventBusPolicy", "Statement")),
    Quota("bytes of a rule's pattern", 4_096, _of("AWS::Events::Rule", "EventPattern")),
    Quota("bytes of a key's policy", 32_768, _of("AWS::KMS::Key", "KeyPolicy")),
    Quota("bytes of a registered schema", 10_000_000, _of("AWS::EventSchemas::Schema", "Content")),
    Quota("statements of a queue's policy", 20, _statements),
    Quota(
        "receives before a message is a dead letter",
        1_000,
        lambda template: (
            (name, queue["RedrivePolicy"]["maxReceiveCount"])
            for name, queue in _all(template, "AWS::SQS::Queue")
            if "RedrivePolicy" in queue
        ),
    ),
)


def over_quota(template: Template) -> list[str]:
    return [
        f"{quota.name}: {place} has {size:,}, and at most {quota.most:,} are allowed"
        for quota in QUOTAS
        for place, size in quota.measured(template)
        if size > quota.most
    ]


def synthesised(settings: Settings, folder: Path) -> Path:
    """The template. Raises RuntimeError with cdk-nag's findings."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = App(context={**context, **settings, "aws:cdk:bundling-stacks": []}, outdir=str(folder))
    stack = build(app)
    app.synth()
    return folder / stack.template_file


def linted(template: Path) -> list[str]:
    command = [str(CFN_LINT), "--format", "parseable", "--ignore-checks", _IGNORED, "--template", str(template)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = done.stdout.splitlines()
    return found if found or not done.returncode else [done.stderr]


def problems(settings: Settings) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="preflight-") as scratch:
        try:
            template = synthesised(settings, Path(scratch))
        except RuntimeError as error:
            return [str(error)]
        return linted(template) + over_quota(json.loads(template.read_text(encoding="utf-8")))


def main() -> int:
    found = 0
    for settings in COMBINATIONS:
        these = problems(settings)
        mark = "✗" if these else "✓"
        sys.stdout.write(f"{mark} {' '.join(f'-c {key}={value}' for key, value in settings.items())}\n")
        for each in these:
            sys.stdout.write(f"    {each}\n")
        sys.stdout.flush()
        found += len(these)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
