"""The layer with the packages that the functions need beyond the Lambda runtime: pip builds it for their platform,
without Docker.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from holdfast.core.templates.locales import LANGUAGES
from infra.assets import LAMBDAS, RUNTIME, Asset, interpreter, this_machine
from infra.stages import Stage

REQUIREMENTS = "requirements.lock"
"""Packages of all functions."""
CONSOLE_REQUIREMENTS = "requirements-console.lock"
"""Packages of the console besides."""
RECOMMEND_REQUIREMENTS = "requirements-recommend.lock"
"""Packages of the build function besides."""

# Nothing imports these at run time.
_UNNEEDED = (
    "bin",
    "**/tests",
    "**/test",
    "**/__pycache__",
    "**/*.pyi",
    "**/*.c",
)
_KEPT_LOCALES = {"root", *LANGUAGES}  # with their regions; Babel's others would be 23 MB


class DependenciesLayer(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, requirements: str = REQUIREMENTS) -> None:
        super().__init__(scope, construct_id)
        self.version = lambda_.LayerVersion(
            self,
            "Version",
            description="Dependencies of Holdfast's functions",
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[stage.architecture],
            removal_policy=stage.removal_policy,
            code=layer(platform_tag=stage.wheels, requirements=requirements).code(),
        )


def layer(*, platform_tag: str | None, requirements: str = REQUIREMENTS) -> Asset:
    """The layer for a platform (None: this machine)."""
    return Asset(
        "layers",
        made_of=[LAMBDAS / requirements, Path(__file__)],
        settings=" ".join([*sorted(LANGUAGES), platform_tag or this_machine()]),
        make=partial(_install, requirements=requirements, platform_tag=platform_tag),
        python=interpreter(platform_tag),
    )


def _install(layer: Path, *, requirements: str, platform_tag: str | None) -> None:
    target = layer / "python"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += [
        "--no-compile",
        "--require-hashes",
        "--requirement",
        str(LAMBDAS / requirements),
        "--target",
        str(target),
    ]
    if platform_tag:
        # AL2023, on which Lambda's Python runs, has glibc 2.34; DuckDB's wheel asks for 2.28.
        newer = platform_tag.replace("manylinux2014", "manylinux_2_28")
        command += ["--platform", platform_tag, "--platform", newer, "--implementation", "cp", "--only-binary=:all:"]
        command += ["--python-version", RUNTIME.name.removeprefix("python")]
    subprocess.run(command, check=True, stdout=sys.stderr)
    for path in _unneeded(target):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for metadata in target.glob("*.dist-info"):
        for path in metadata.iterdir():
            if not path.name.upper().startswith(("METADATA", "LICEN", "NOTICE")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _unneeded(target: Path) -> list[Path]:
    locales = [path for path in target.glob("babel/locale-data/*.dat") if path.stem.split("_")[0] not in _KEPT_LOCALES]
    return [path for pattern in _UNNEEDED for path in target.glob(pattern)] + locales
