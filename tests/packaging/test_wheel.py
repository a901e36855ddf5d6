"""The command, installed from its wheel into a clean environment, without a checkout around it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import boto3
import pytest

from holdfast import __version__
from holdfast_cli import local

ROOT = Path(__file__).parents[2]
BUILT_OF = ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "lambdas/holdfast", "cli/holdfast_cli")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STACK = {
    "Resources": {
        name: {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [
                    {"AttributeName": partition, "KeyType": "HASH"},
                    {"AttributeName": sort, "KeyType": "RANGE"},
                ],
                "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in (partition, sort)],
            },
        }
        for name, partition, sort in (("Users", "user", "part"), ("Campaigns", "pk", "sk"), ("Catalog", "pk", "sk"))
    },
    "Outputs": {
        "Version": {"Value": "0.1.7"},
        **{f"{name}TableName": {"Value": {"Ref": name}} for name in ("Users", "Campaigns", "Catalog")},
    },
}
"""As much of a deployed stack as `explain` reads."""


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Installed(NamedTuple):
    """A venv with the wheel in it, and an empty folder to work in."""

    bin: Path
    folder: Path
    aws: dict[str, str]

    def holdfast(self, *arguments: str, aws: bool = False) -> Ran:
        environment = {"PATH": os.defpath, "HOME": str(self.folder), "COLUMNS": "200", **(self.aws if aws else {})}
        command = [str(self.bin / "holdfast"), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy: setuptools leaves things beside what it builds."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in BUILT_OF:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(target), str(source)], check=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An AWS with a stack named Holdfast-dev."""
    before = os.environ.get("HOLDFAST_HOME")
    os.environ["HOLDFAST_HOME"] = str(tmp_path_factory.mktemp("embedded"))
    try:
        endpoint = local.start(print).endpoint
        session = boto3.Session(local.ACCOUNT, "local", region_name=local.REGION)
        aws = session.client("cloudformation", endpoint_url=endpoint)
        aws.create_stack(StackName="Holdfast-dev", TemplateBody=json.dumps(STACK))
        aws.get_waiter("stack_create_complete").wait(
            StackName="Holdfast-dev", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION")
        environment = local.environment(endpoint)
        yield {name: environment[name] for name in (*names, "NO_PROXY")}
    finally:
        local.down()
        os.environ.pop("HOLDFAST_HOME")
        if before is not None:
            os.environ["HOLDFAST_HOME"] = before


@pytest.fixture(scope="module")
def installed(wheel: Path, embedded: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel with its dependencies, in the releases that all other tests run with."""
    home, folder = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("work")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(home / "bin" / "python")]
    install = [*pip, "install", "--quiet", "--no-compile", "--constraint", str(ROOT / "requirements.txt")]
    subprocess.run([*install, str(wheel)], check=True)
    for file in (ROOT / "examples").glob("*.yaml"):
        shutil.copy(file, folder)
    return Installed(home / "bin", folder, embedded)


def test_the_wheel_is_called_holdfast_aws_and_has_its_licence(wheel: Path) -> None:
    assert wheel.name.startswith(f"holdfast_aws-{__version__}-")
    with zipfile.ZipFile(wheel) as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
    assert {"LICENSE", "NOTICE"} <= names


def test_it_says_its_version(installed: Installed) -> None:
    assert installed.holdfast("--version") == Ran(0, f"holdfast {__version__}\n", "")


def test_it_validates_and_tests_a_campaign(installed: Installed) -> None:
    validated = installed.holdfast("campaign", "validate", "abandoned-cart.yaml")
    assert validated.code == 0, validated.err
    assert "tests passed" in validated.out
    assert installed.holdfast("campaign", "test", "welcome.yaml").code == 0
    (installed.folder / "wrong.yaml").write_text("id: wrong\nwhen: {did: a}\nsend: {values: {title: '{{ Event }}'}}\n")
    assert installed.holdfast("campaign", "validate", "wrong.yaml").code == 1


def test_it_simulates(installed: Installed) -> None:
    event = {"user": "u", "event": "added to cart", "product_name": "coat", "price": 89, "ts": "2026-11-23T10:00:00Z"}
    (installed.folder / "events.jsonl").write_text(json.dumps(event) + "\n")
    found = installed.holdfast("simulate", "--campaign", "abandoned-cart.yaml", "--events", "events.jsonl", "--json")
    assert found.code == 0, found.err
    (decision,) = map(json.loads, found.out.splitlines())
    assert (decision["decision"], decision["user"], decision["constant"]) == ("send", "u", "coat")


def test_it_prints_the_contracts(installed: Installed) -> None:
    for name in ("campaign", "recommendation", "input", "detail"):
        found = installed.holdfast("schema", name)
        assert found.code == 0, found.err
        assert json.loads(found.out)["$schema"]


def test_it_publishes_and_explains_on_a_stage_and_says_that_the_versions_differ(installed: Installed) -> None:
    published = installed.holdfast("campaign", "publish", "welcome.yaml", "--stage", "dev", aws=True)
    assert published.code == 0, published.err
    explained = installed.holdfast("explain", "u-1", "--stage", "dev", "--json", aws=True)
    assert json.loads(explained.out)["campaign"] == "welcome"
    assert f"Stage dev runs version 0.1.7 of Holdfast, and this command is {__version__}" in explained.err


def test_it_says_what_needs_a_checkout(installed: Installed) -> None:
    for words in (["local", "up"], ["demo"]):
        found = installed.holdfast(*words)
        assert found.code == 1
        assert "needs a checkout" in found.err
        assert "Traceback" not in found.err
    for words in (["campaign", "list"], ["local", "status"]):  # an AWS that is not running is no wrong installation
        assert "not running" in " ".join(installed.holdfast(*words)[1:])
