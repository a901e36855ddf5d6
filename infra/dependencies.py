"""The layer with what the functions need beyond the Lambda runtime: built by pip for its platform, without Docker."""

from __future__ import annotations

import compileall
import hashlib
import platform
import py_compile
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from holdfast.core.locales import LANGUAGES
from infra.stages import Stage

ROOT = Path(__file__).parent.parent
LAMBDAS = ROOT / "lambdas"
REQUIREMENTS = "requirements.txt"
"""Of all functions."""
CONSOLE_REQUIREMENTS = "requirements-console.txt"
"""Of the console besides."""
CACHE = ROOT / ".cache" / "layers"
RUNTIME = lambda_.Runtime.PYTHON_3_13

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
        wheels = _Wheels(platform_tag=stage.wheels, requirements=requirements)
        self.version = lambda_.LayerVersion(
            self,
            "Version",
            description="Dependencies of Holdfast's functions",
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[stage.architecture],
            removal_policy=stage.removal_policy,
            code=lambda_.Code.from_asset(
                str(LAMBDAS),
                asset_hash_type=AssetHashType.CUSTOM,
                asset_hash=wheels.key,
                bundling=BundlingOptions(image=DockerImage.from_registry("unused"), local=wheels),
            ),
        )


def build_layer(*, platform_tag: str | None, requirements: str = REQUIREMENTS) -> Path:
    """Where the layer for a platform (None: this machine's) is, built if it was not yet."""
    return _Wheels(platform_tag=platform_tag, requirements=requirements).built()


@jsii.implements(ILocalBundling)
class _Wheels:
    """Keeps what it built under `.cache/layers`, one directory per list of requirements and platform."""

    def __init__(self, *, platform_tag: str | None, requirements: str) -> None:
        self._platform_tag = platform_tag
        self._requirements = LAMBDAS / requirements
        recipe = [
            self._requirements.read_bytes(),
            Path(__file__).read_bytes(),
            " ".join(sorted(LANGUAGES)).encode(),
            str(platform_tag or f"{platform.platform()} {sys.version}").encode(),
        ]
        self.key = hashlib.sha256(b"\0".join(recipe)).hexdigest()

    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        shutil.copytree(self.built(), output_dir, dirs_exist_ok=True)
        return True

    def built(self) -> Path:
        finished = CACHE / self.key[:16]
        if finished.exists():
            return finished
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="building-") as scratch:
            layer = Path(scratch) / "layer"
            self._install(layer / "python")
            try:
                layer.rename(finished)
            except OSError:  # another synth was first, with the same content
                if not finished.exists():
                    raise
        return finished

    def _install(self, target: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-compile", "--requirement", str(self._requirements), "--target", str(target)]
        if self._platform_tag:
            command += ["--platform", self._platform_tag, "--implementation", "cp", "--only-binary=:all:"]
            command += ["--python-version", RUNTIME.name.removeprefix("python")]
        subprocess.run(command, check=True, stdout=sys.stderr)
        for path in _unneeded(target):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for metadata in target.glob("*.dist-info"):
            for path in metadata.iterdir():
                if not path.name.upper().startswith(("METADATA", "LICEN", "NOTICE")):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not self._platform_tag:
            # Same Python here and there: a function's start need not compile. By hash, as zip files keep no times.
            compileall.compile_dir(target, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def _unneeded(target: Path) -> list[Path]:
    locales = [path for path in target.glob("babel/locale-data/*.dat") if path.stem.split("_")[0] not in _KEPT_LOCALES]
    return [path for pattern in _UNNEEDED for path in target.glob(pattern)] + locales
