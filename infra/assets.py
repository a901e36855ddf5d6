"""Files that are deployed: built on this machine, without Docker, and kept under `.cache`.

Bytecode is deployed with the sources, as a function may not keep what it compiles: without it, each cold start would
compile again. Only a Python of the runtime's own version can write that bytecode.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, BundlingOutput, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache"
LAMBDAS = ROOT / "lambdas"
RUNTIME = lambda_.Runtime.PYTHON_3_13


@jsii.implements(ILocalBundling)
class Asset:
    """A folder that `make` fills and `python` compiles (None: not compiled), once for each content of its sources."""

    def __init__(
        self,
        name: str,
        *,
        made_of: Iterable[Path],
        settings: str = "",
        make: Callable[[Path], None],
        python: str | None,
    ) -> None:
        self._make = make
        self._python = python
        digest = hashlib.sha256(f"{settings}\0{python is not None}\0".encode())
        for file in made_of:
            content = file.read_bytes()
            digest.update(f"{file.relative_to(ROOT)}\0{len(content)}\0".encode())
            digest.update(content)
        self._key = digest.hexdigest()
        self._finished = CACHE / name / self._key[:16]

    def code(self) -> lambda_.Code:
        return lambda_.Code.from_asset(
            str(LAMBDAS),
            asset_hash_type=AssetHashType.CUSTOM,
            asset_hash=self._key,
            bundling=BundlingOptions(
                image=DockerImage.from_registry("unused"), local=self, output_type=BundlingOutput.ARCHIVED
            ),
        )

    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        shutil.copy(self._packed(), output_dir)
        return True

    def _packed(self) -> Path:
        """The folder as an archive. The CDK would pack the folder again for each environment that it is deployed to."""
        archive = self._finished.with_suffix(".zip")
        if not archive.exists():
            built = self.built()
            with tempfile.TemporaryDirectory(dir=self._finished.parent, prefix="packing-") as scratch:
                Path(shutil.make_archive(f"{scratch}/asset", "zip", built)).replace(archive)
        return archive

    def built(self) -> Path:
        """The path of the folder, which is built first if needed."""
        if self._finished.exists():
            return self._finished
        self._finished.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._finished.parent, prefix="building-") as scratch:
            folder = Path(scratch) / "asset"
            folder.mkdir()
            self._make(folder)
            self._compile(folder)
            try:
                folder.rename(self._finished)
            except OSError:  # another synth was faster, with the same content
                if not self._finished.exists():
                    raise
        return self._finished

    def _compile(self, folder: Path) -> None:
        if self._python is None:
            version = RUNTIME.name.removeprefix("python")
            sys.stderr.write(f"No Python {version} here to compile with: cold starts will take a little longer.\n")
            return
        # By hash, as zip files keep no times. Files that do not compile are left as they are.
        command = [self._python, "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash", str(folder)]
        subprocess.run(command, check=False)


def functions_code(*, platform_tag: str | None) -> Asset:
    """The code of all functions."""
    sources = sorted(LAMBDAS.rglob("*.py"))

    def copy(folder: Path) -> None:
        for source in sources:
            target = folder / source.relative_to(LAMBDAS)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)

    settings = platform_tag or this_machine()
    return Asset("code", made_of=sources, settings=settings, make=copy, python=interpreter(platform_tag))


def this_machine() -> str:
    return f"{platform.platform()} {sys.version}"


@cache  # called for each asset, and a start through a version manager is slow
def interpreter(platform_tag: str | None) -> str | None:
    """A Python whose bytecode the functions can use. For this machine's own platform (None), the running one."""
    version = RUNTIME.name.removeprefix("python")
    if platform_tag is None or version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    works = found and not subprocess.run([found, "-c", ""], check=False, capture_output=True).returncode
    return found if works else None
